/*
 * What a session of chatctl reload hears: answers, and the messages of all,
 * which it counts by their numbers.
 */

#include "reload_watch.h"

#include <inttypes.h>
#include <stdio.h>

#include "chat_json.h"
#include "life.h"


#define PAUSE  200              /* ms until what was refused is repeated */


static void watch_reply(watch_t *w, watcher_t *s, const chat_json_t *event);
static void watch_deleted(watch_t *w, bool ok, const chat_json_t *error);
static void watch_joined(watch_t *w, watcher_t *s, const chat_json_t *data);
static void watch_message(watch_t *w, watcher_t *s, const chat_json_t *event);
static uint64_t watch_uint(const chat_json_t *value);


void
watch_take(watch_t *w, watcher_t *s, chat_str_t text)
{
    const char          *reason;
    chat_json_t          event;
    chat_json_member_t   found[] = { { .name = "type" } };

    if (chat_json_parse(text, CHAT_JSON_MAX_DEPTH, &event, &reason) != CHAT_OK
        || chat_json_collect(&event, found, 1) != CHAT_OK)
    {
        (void) snprintf(w->why, sizeof(w->why), "what came is no JSON");
        w->missed++;
        return;
    }

    if (chat_json_string_is_cstr(&found[0].value, "reply")) {
        watch_reply(w, s, &event);

    } else if (chat_json_string_is_cstr(&found[0].value,
                                        "conversation.reset"))
    {
        w->resets++;

    } else {
        watch_message(w, s, &event);
    }
}


static void
watch_refused(watch_t *w, watcher_t *s, uint64_t id, const chat_json_t *error)
{
    (void) snprintf(w->why, sizeof(w->why), "refused: %.*s",
                    (int) error->raw.len, (const char *) error->raw.data);
    s->due = life_now() + PAUSE;

    if (id >= ID_MESSAGE) {
        s->waits = false;               /* it is said again */

    } else if (id == ID_CREATE) {       /* Redis was not ready */
        w->made = false;
        socket_close(&s->socket);

    } else if (id == ID_JOIN) {
        socket_close(&s->socket);
    }
}


static void
watch_reply(watch_t *w, watcher_t *s, const chat_json_t *event)
{
    uint64_t             id;
    chat_json_member_t   found[] = {
        { .name = "id" }, { .name = "ok" }, { .name = "data" },
        { .name = "error" }
    };

    if (chat_json_collect(event, found, 4) != CHAT_OK) {
        return;
    }

    id = watch_uint(&found[0].value);

    if (id == ID_DELETE) {
        watch_deleted(w, found[1].value.type == CHAT_JSON_TRUE,
                      &found[3].value);

    } else if (found[1].value.type != CHAT_JSON_TRUE) {
        watch_refused(w, s, id, &found[3].value);

    } else if (id == ID_CREATE) {
        watch_join(w, s);

    } else if (id == ID_JOIN) {
        watch_joined(w, s, &found[2].value);

    } else if (id == ID_MESSAGE + s->number) {
        s->number = 0;
        s->waits = false;
        w->accepted++;
    }
}


/* perhaps by a request whose answer got lost; or it cannot be now */

static void
watch_deleted(watch_t *w, bool ok, const chat_json_t *error)
{
    chat_json_member_t   found[] = { { .name = "code" } };

    w->deleted = ok
                 || (error->type == CHAT_JSON_OBJECT
                     && chat_json_collect(error, found, 1) == CHAT_OK
                     && chat_json_string_is_cstr(&found[0].value,
                                                 "not_found"));
    w->deletes = NULL;
    w->delete_at = life_now() + PAUSE;
}


static void
watch_joined(watch_t *w, watcher_t *s, const chat_json_t *data)
{
    uint64_t             away;
    chat_json_t          event;
    chat_json_iter_t     it;
    chat_json_member_t   found[] = {
        { .name = "events" }, { .name = "revision" }, { .name = "complete" },
        { .name = "reset" }
    };

    if (chat_json_collect(data, found, 4) != CHAT_OK
        || found[0].value.type != CHAT_JSON_ARRAY)
    {
        return;
    }

    w->resets += found[3].value.type == CHAT_JSON_TRUE;
    chat_json_iter(&it, &found[0].value);

    while (chat_json_next_element(&it, &event) == CHAT_OK) {
        watch_message(w, s, &event);
    }

    s->revision = watch_uint(&found[1].value);

    if (found[2].value.type != CHAT_JSON_TRUE) {
        watch_join(w, s);
        return;
    }

    s->joined = true;

    if (s->left_at != 0) {
        away = life_now() - s->left_at;
        w->away = away > w->away ? away : w->away;
        s->left_at = 0;
    }
}


static void
watch_message(watch_t *w, watcher_t *s, const chat_json_t *event)
{
    uint64_t             revision, sequence;
    chat_json_member_t   outer[] = { { .name = "type" }, { .name = "data" } };
    chat_json_member_t   inner[] = {
        { .name = "revision" }, { .name = "sequenceNumber" }
    };

    if (chat_json_collect(event, outer, 2) != CHAT_OK
        || !chat_json_string_is_cstr(&outer[0].value, "message.created")
        || chat_json_collect(&outer[1].value, inner, 2) != CHAT_OK)
    {
        return;
    }

    revision = watch_uint(&inner[0].value);
    sequence = watch_uint(&inner[1].value);

    if (sequence <= s->sequence || revision <= s->revision) {
        w->doubled++;
        return;
    }

    w->missed += sequence - s->sequence - 1;
    s->sequence = sequence;
    s->revision = revision;
    w->sequence = sequence > w->sequence ? sequence : w->sequence;
}


static uint64_t
watch_uint(const chat_json_t *value)
{
    uint64_t  n;

    return chat_json_get_uint(value, &n) == CHAT_OK ? n : 0;
}
