#include "entry.h"

#include <stdio.h>
#include <string.h>

#include "chat_id.h"
#include "number.h"
#include "qualified.h"


#define REVISION_MAX  ((UINT64_C(1) << 53) - 1)


static entry_rc_e entry_read_place(entry_t *e);
static entry_rc_e entry_read_message(entry_t *e);
static entry_rc_e entry_read_create(entry_t *e);


static chat_str_t
entry_field(const entry_t *e, char name)
{
    return redis_field(e->fields, name);
}


static bool
entry_is(chat_str_t text, const char *word)
{
    return text.len == strlen(word) && memcmp(text.data, word, text.len) == 0;
}


void
entry_refuse(entry_t *e, entry_fate_e fate, const char *reason)
{
    e->fate = fate;
    (void) snprintf(e->reason, sizeof(e->reason), "%s", reason);
}


static entry_rc_e
entry_malformed(entry_t *e, const char *what)
{
    char  reason[sizeof(e->reason)];

    (void) snprintf(reason, sizeof(reason), "%s is malformed", what);
    entry_refuse(e, ENTRY_DEAD, reason);

    return ENTRY_MALFORMED;
}


entry_rc_e
entry_read(entry_t *e)
{
    chat_str_t  kind;
    entry_rc_e  rc;

    e->fate = ENTRY_GOOD;
    kind = entry_field(e, 'k');

    if (entry_is(kind, "message")) {
        e->kind = ENTRY_MESSAGE;

    } else if (entry_is(kind, "create")) {
        e->kind = ENTRY_CREATE;

    } else {
        return ENTRY_UNKNOWN;
    }

    rc = entry_read_place(e);

    if (rc != ENTRY_READ) {
        return rc;
    }

    if (qualified_split(entry_field(e, 'c'), &e->tenant, &e->conversation)
        == -1)
    {
        return entry_malformed(e, "name of the conversation");
    }

    if (number_parse(entry_field(e, 't'), CHAT_ID_MAX_TIME, &e->time) == -1) {
        return entry_malformed(e, "time");
    }

    e->user = entry_field(e, 'u');

    return e->kind == ENTRY_MESSAGE ? entry_read_message(e)
                                    : entry_read_create(e);
}


/* first of all, what the conversation must not count twice, whatever the rest
   may be */

static entry_rc_e
entry_read_place(entry_t *e)
{
    if (uuid_parse(e->key, entry_field(e, 'v')) == -1) {
        return entry_malformed(e, "key of the conversation");
    }

    if (number_parse(entry_field(e, 'r'), REVISION_MAX, &e->revision) == -1) {
        return entry_malformed(e, "revision");
    }

    e->counts = true;

    if (e->kind == ENTRY_MESSAGE
        && number_parse(entry_field(e, 'q'), REVISION_MAX, &e->sequence)
           == -1)
    {
        return entry_malformed(e, "sequence");
    }

    return ENTRY_READ;
}


static entry_rc_e
entry_read_message(entry_t *e)
{
    if (uuid_parse(e->message, entry_field(e, 'i')) == -1) {
        return entry_malformed(e, "message id");
    }

    e->client_id = entry_field(e, 'x');
    e->content = entry_field(e, 'b');
    e->joins = entry_is(entry_field(e, 'j'), "1");

    if (e->content.len == 0) {
        return entry_malformed(e, "content");
    }

    if (chat_id_time(e->client_id, &e->client_time) != CHAT_OK) {
        e->client_time = 0;
    }

    return ENTRY_READ;
}


static entry_rc_e
entry_read_create(entry_t *e)
{
    e->type = entry_field(e, 'y');
    e->name = entry_field(e, 'n');
    e->members = entry_field(e, 'm');

    return ENTRY_READ;
}


bool
entry_next_member(chat_str_t *rest, entry_member_t *member)
{
    size_t          len;
    const uint8_t  *end, *space;

    if (rest->len == 0) {
        return false;
    }

    end = memchr(rest->data, ',', rest->len);
    len = end != NULL ? (size_t) (end - rest->data) : rest->len;
    space = memchr(rest->data, ' ', len);

    member->user.data = rest->data;
    member->user.len = space != NULL ? (size_t) (space - rest->data) : len;
    member->role.data = rest->data + member->user.len + (space != NULL);
    member->role.len = len - member->user.len - (space != NULL);

    rest->data += len + (end != NULL);
    rest->len -= len + (end != NULL);

    return true;
}
