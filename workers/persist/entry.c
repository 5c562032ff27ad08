#include "entry.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "chat_id.h"
#include "number.h"
#include "qualified.h"


#define REVISION_MAX   ((UINT64_C(1) << 53) - 1)
#define SLOW_MODE_MAX  INT32_MAX


/* values by the letter that is their name; NULL: not there */

typedef struct {
    chat_str_t  value['z' - 'a' + 1];
} letters_t;


static void entry_fields(letters_t *f, const redisReply *reply);
static entry_rc_e entry_read_place(entry_t *e, const letters_t *f);
static entry_rc_e entry_read_message(entry_t *e, const letters_t *f);
static entry_rc_e entry_read_edit(entry_t *e, const letters_t *f);
static entry_rc_e entry_read_concerned(entry_t *e, const letters_t *f);
static entry_rc_e entry_read_reaction(entry_t *e, const letters_t *f);
static entry_rc_e entry_read_create(entry_t *e, const letters_t *f);
static entry_rc_e entry_read_update(entry_t *e, const letters_t *f);
static entry_rc_e entry_read_close(entry_t *e, const letters_t *f);
static entry_rc_e entry_read_member(entry_t *e, const letters_t *f);
static entry_rc_e entry_read_join(entry_t *e, const letters_t *f);


/* numbered: its sequence is of a message, so it must be there */

static const struct {
    const char   *name;
    bool          numbered;
    entry_rc_e  (*read)(entry_t *e, const letters_t *f);
} kinds[] = {
    [ENTRY_MESSAGE] = { "message", true,  entry_read_message },
    [ENTRY_EDIT]    = { "edit",    true,  entry_read_edit },
    [ENTRY_DELETE]  = { "delete",  true,  entry_read_concerned },
    [ENTRY_REACT]   = { "react",   true,  entry_read_reaction },
    [ENTRY_UNREACT] = { "unreact", true,  entry_read_reaction },
    [ENTRY_CREATE]  = { "create",  false, entry_read_create },
    [ENTRY_UPDATE]  = { "update",  false, entry_read_update },
    [ENTRY_CLOSE]   = { "close",   false, entry_read_close },
    [ENTRY_MEMBER]  = { "member",  true,  entry_read_member },
    [ENTRY_JOIN]    = { "join",    true,  entry_read_join }
};


static chat_str_t
entry_field(const letters_t *f, char name)
{
    return f->value[name - 'a'];
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


/* the reason is at the end and not looked at while the entry is good */

void
entry_init(entry_t *e, struct part_s *part, const redisReply *fields)
{
    memset(e, 0, offsetof(entry_t, reason));
    e->reason[0] = '\0';
    e->part = part;
    e->fields = fields;
}


static int
entry_read_kind(entry_t *e, chat_str_t kind)
{
    size_t  i;

    for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (entry_is(kind, kinds[i].name)) {
            e->kind = (entry_kind_e) i;
            return 0;
        }
    }

    return -1;
}


entry_rc_e
entry_read(entry_t *e)
{
    letters_t    f;
    entry_rc_e  rc;

    e->fate = ENTRY_GOOD;
    entry_fields(&f, e->fields);

    if (entry_read_kind(e, entry_field(&f, 'k')) == -1) {
        return ENTRY_UNKNOWN;
    }

    rc = entry_read_place(e, &f);

    if (rc != ENTRY_READ) {
        return rc;
    }

    if (qualified_split(entry_field(&f, 'c'), &e->tenant, &e->conversation)
        == -1)
    {
        return entry_malformed(e, "name of the conversation");
    }

    if (number_parse(entry_field(&f, 't'), CHAT_ID_MAX_TIME, &e->time) == -1) {
        return entry_malformed(e, "time");
    }

    e->user = entry_field(&f, 'u');

    return kinds[e->kind].read(e, &f);
}


/* of fields of the same name the first one counts */

static void
entry_fields(letters_t *f, const redisReply *reply)
{
    size_t       i;
    chat_str_t   name, *value;

    memset(f, 0, sizeof(*f));

    for (i = 0; i + 1 < reply->elements; i += 2) {
        name = redis_text(reply, i);

        if (name.len != 1 || name.data[0] < 'a' || name.data[0] > 'z') {
            continue;
        }

        value = &f->value[name.data[0] - 'a'];

        if (value->data == NULL) {
            *value = redis_text(reply, i + 1);
        }
    }
}


/* first of all, what the conversation must not count twice, whatever the rest
   may be; and the message that a dead letter is erased with */

static entry_rc_e
entry_read_place(entry_t *e, const letters_t *f)
{
    e->concerns = uuid_parse(e->message, entry_field(f, 'i')) == 0;

    if (uuid_parse(e->key, entry_field(f, 'v')) == -1) {
        return entry_malformed(e, "key of the conversation");
    }

    if (number_parse(entry_field(f, 'r'), REVISION_MAX, &e->revision) == -1) {
        return entry_malformed(e, "revision");
    }

    e->counts = true;

    if (kinds[e->kind].numbered
        && number_parse(entry_field(f, 'q'), REVISION_MAX, &e->sequence)
           == -1)
    {
        return entry_malformed(e, "sequence");
    }

    return ENTRY_READ;
}


static entry_rc_e
entry_read_concerned(entry_t *e, const letters_t *f)
{
    (void) f;

    return e->concerns ? ENTRY_READ : entry_malformed(e, "message id");
}


static entry_rc_e
entry_read_message(entry_t *e, const letters_t *f)
{
    chat_str_t  reply_to;

    e->client_id = entry_field(f, 'x');
    e->joins = entry_is(entry_field(f, 'j'), "1");
    e->target = e->user;
    e->role = chat_str("member");
    e->mentions = entry_field(f, 'm');
    e->attachments = entry_field(f, 'f');

    reply_to = entry_field(f, 'p');

    if (reply_to.len != 0) {

        if (uuid_parse(e->reply_to, reply_to) == -1) {
            return entry_malformed(e, "id of the message replied to");
        }

        e->replies = true;
    }

    if (!entry_client_time(e->client_id, &e->client_time)) {
        e->client_time = 0;
    }

    return entry_read_edit(e, f);
}


static entry_rc_e
entry_read_edit(entry_t *e, const letters_t *f)
{
    e->content = entry_field(f, 'b');

    if (e->content.len == 0) {
        return entry_malformed(e, "content");
    }

    return entry_read_concerned(e, f);
}


static entry_rc_e
entry_read_reaction(entry_t *e, const letters_t *f)
{
    e->emoji = entry_field(f, 'y');

    if (e->emoji.len == 0) {
        return entry_malformed(e, "emoji");
    }

    return entry_read_concerned(e, f);
}


static entry_rc_e
entry_read_create(entry_t *e, const letters_t *f)
{
    e->type = entry_field(f, 'y');
    e->name = entry_field(f, 'n');
    e->members = entry_field(f, 'm');

    return ENTRY_READ;
}


static entry_rc_e
entry_read_update(entry_t *e, const letters_t *f)
{
    e->name = entry_field(f, 'n');
    e->description = entry_field(f, 'd');
    e->read_only = entry_is(entry_field(f, 'o'), "1");

    if (number_parse(entry_field(f, 'w'), SLOW_MODE_MAX, &e->slow_mode)
        == -1)
    {
        return entry_malformed(e, "slow mode");
    }

    return ENTRY_READ;
}


static entry_rc_e
entry_read_close(entry_t *e, const letters_t *f)
{
    (void) e;
    (void) f;

    return ENTRY_READ;
}


static entry_rc_e
entry_read_member(entry_t *e, const letters_t *f)
{
    e->target = entry_field(f, 'g');
    e->role = entry_field(f, 'y');
    e->joins = entry_is(entry_field(f, 'j'), "1");

    if (e->target.len == 0) {
        return entry_malformed(e, "user concerned");
    }

    return ENTRY_READ;
}


static entry_rc_e
entry_read_join(entry_t *e, const letters_t *f)
{
    e->target = entry_field(f, 'g');
    e->role = chat_str("member");
    e->joins = true;

    if (e->target.len == 0) {
        return entry_malformed(e, "user concerned");
    }

    return ENTRY_READ;
}


/* what is before the next comma */

static bool
entry_next(chat_str_t *rest, chat_str_t *item)
{
    size_t          len;
    const uint8_t  *end;

    if (rest->len == 0) {
        return false;
    }

    end = memchr(rest->data, ',', rest->len);
    len = end != NULL ? (size_t) (end - rest->data) : rest->len;

    item->data = rest->data;
    item->len = len;

    rest->data += len + (end != NULL);
    rest->len -= len + (end != NULL);

    return true;
}


bool
entry_next_member(chat_str_t *rest, entry_member_t *member)
{
    chat_str_t      item;
    const uint8_t  *space;

    if (!entry_next(rest, &item)) {
        return false;
    }

    space = memchr(item.data, ' ', item.len);

    member->user.data = item.data;
    member->user.len = space != NULL ? (size_t) (space - item.data)
                                     : item.len;
    member->role.data = item.data + member->user.len + (space != NULL);
    member->role.len = item.len - member->user.len - (space != NULL);

    return true;
}


bool
entry_next_mention(chat_str_t *rest, chat_str_t *user)
{
    return entry_next(rest, user);
}


/*
 * An id that a node has made is a blank and a UUIDv7, and Redis was told the
 * time in it; if it did not count here, the id would be taken for a new one
 * once Redis has forgotten it.
 */

bool
entry_client_time(chat_str_t client_id, uint64_t *ms)
{
    if (client_id.len != 0 && client_id.data[0] == ' ') {
        client_id.data++;
        client_id.len--;
    }

    return chat_id_time(client_id, ms) == CHAT_OK;
}
