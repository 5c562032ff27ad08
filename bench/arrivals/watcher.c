/*
 * One who watches others: it subscribes to all of them at once, and tells what
 * it is told.
 */

#include "arrivals.h"

#include <stdio.h>
#include <string.h>

#include "chat_json.h"


static void watcher_on_open(wire_t *w);
static void watcher_on_text(wire_t *w, char *text, size_t len);
static void watcher_on_end(wire_t *w, const char *reason);
static void watcher_reply(watcher_t *w, const chat_json_t *reply);
static void watcher_state(const chat_json_t *state);
static chat_json_t watcher_member(const chat_json_t *object, const char *name);
static bool watcher_is(const chat_json_t *value, const char *text);


static const wire_handlers_t  watcher_handlers = {
    watcher_on_open,
    watcher_on_text,
    watcher_on_end
};


void
watcher_init(watcher_t *w, unsigned first, unsigned count)
{
    w->wire.fd = -1;
    w->wire.handlers = &watcher_handlers;
    w->wire.owner = w;
    w->first = first;
    w->count = count;
}


static void
watcher_on_open(wire_t *wire)
{
    char        text[WIRE_MAX_TEXT], *p = text, *end = text + sizeof(text);
    unsigned    i;
    watcher_t  *w = wire->owner;

    p += snprintf(p, (size_t) (end - p), "{\"type\":\"presence.subscribe\","
                  "\"id\":1,\"data\":{\"userIds\":[");

    for (i = 0; i < w->count; i++) {
        p += snprintf(p, (size_t) (end - p), "%s\"user-%u\"",
                      i == 0 ? "" : ",", w->first + i);

        if (end - p < 64) {
            wire_fail("too many to watch");
        }
    }

    p += snprintf(p, (size_t) (end - p), "]}}");
    wire_send(wire, text, (size_t) (p - text));
}


static void
watcher_on_text(wire_t *wire, char *text, size_t len)
{
    chat_str_t    s = { (const uint8_t *) text, len };
    const char   *reason;
    chat_json_t   message, type, data;

    if (chat_json_parse(s, CHAT_JSON_MAX_DEPTH, &message, &reason) != CHAT_OK) {
        wire_fail("no JSON: %s", reason);
    }

    type = watcher_member(&message, "type");

    if (watcher_is(&type, "presence.changed")) {
        data = watcher_member(&message, "data");
        watcher_state(&data);

    } else if (watcher_is(&type, "reply")) {
        watcher_reply(wire->owner, &message);
    }
}


static void
watcher_on_end(wire_t *wire, const char *reason)
{
    (void) wire;

    wire_fail("a watcher was let go: %s", reason);
}


static void
watcher_reply(watcher_t *w, const chat_json_t *reply)
{
    unsigned            n = 0;
    chat_json_t         ok, data, states, state;
    chat_json_iter_t    it;

    ok = watcher_member(reply, "ok");

    if (ok.type != CHAT_JSON_TRUE) {
        wire_fail("refused: %.*s", (int) reply->raw.len,
                  (const char *) reply->raw.data);
    }

    data = watcher_member(reply, "data");
    states = watcher_member(&data, "states");
    chat_json_iter(&it, &states);

    while (chat_json_next_element(&it, &state) == CHAT_OK) {
        watcher_state(&state);
        n++;
    }

    if (n != w->count) {
        wire_fail("told of %u, of %u was asked", n, w->count);
    }

    w->knows = true;
}


static void
watcher_state(const chat_json_t *state)
{
    char         text[80];
    unsigned     number;
    chat_json_t  user, status;

    user = watcher_member(state, "userId");
    status = watcher_member(state, "status");

    (void) snprintf(text, sizeof(text), "%.*s", (int) user.raw.len,
                    (const char *) user.raw.data);

    if (sscanf(text, "\"user-%u\"", &number) == 1) {
        arrivals_told(number, !watcher_is(&status, "offline"));
    }
}


static chat_json_t
watcher_member(const chat_json_t *object, const char *name)
{
    chat_json_member_t  found[] = { { .name = name } };

    if (chat_json_collect(object, found, 1) != CHAT_OK
        || found[0].value.raw.len == 0)
    {
        wire_fail("no %s in %.*s", name, (int) object->raw.len,
                  (const char *) object->raw.data);
    }

    return found[0].value;
}


/* whether it is that string */

static bool
watcher_is(const chat_json_t *value, const char *text)
{
    return value->raw.len == strlen(text) + 2
           && memcmp(value->raw.data + 1, text, strlen(text)) == 0;
}
