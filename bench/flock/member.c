/*
 * One client: it joins its conversations in one request, keeps of each how far
 * it has got, and goes on from there on its next connection.
 */

#include "flock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>


#define RETRY_MS  1000          /* until a join that was refused is repeated, */
#define JITTER_MS 1000          /*   and a random time of up to this more */


static void member_on_open(wire_t *w);
static void member_on_text(wire_t *w, char *text, size_t len);
static void member_on_end(wire_t *w, const char *reason);
static void member_join(member_t *m);
static void member_event(member_t *m, chat_str_t text, bool live);
static void member_reply(member_t *m, chat_str_t text);
static bool member_element(member_t *m, const chat_json_t *element);
static place_t *member_place(member_t *m, chat_str_t name);


static const wire_handlers_t  member_handlers = {
    member_on_open,
    member_on_text,
    member_on_end
};


void
member_init(member_t *m, const char *token, unsigned number)
{
    unsigned  i;

    memset(m, 0, sizeof(member_t));
    m->wire.fd = -1;
    m->wire.handlers = &member_handlers;
    m->wire.owner = m;
    m->token = strdup(token);
    m->places = calloc(flock_each(), sizeof(place_t));

    if (m->token == NULL || m->places == NULL) {
        wire_fail("out of memory");
    }

    for (i = 0; i < flock_each(); i++) {
        m->places[i].conversation = flock_place(number, i);
    }
}


void
member_step(member_t *m, int epoll_fd, unsigned port)
{
    m->due = 0;

    if (m->wire.fd == -1) {
        wire_open(&m->wire, epoll_fd, port, m->token);
    } else {
        member_join(m);
    }
}


/* as the server asks for, and spread; us */

static uint64_t
member_retry(void)
{
    return (uint64_t) (RETRY_MS + random() % JITTER_MS) * 1000;
}


static void
member_on_open(wire_t *w)
{
    member_join(w->owner);
}


static void
member_on_end(wire_t *w, const char *reason)
{
    unsigned   i, ms;
    member_t  *m = w->owner;
    uint64_t   now = wire_now();

    for (i = 0; i < flock_each(); i++) {
        m->places[i].live = false;
    }

    if (m->joined) {
        m->joined = false;
        tally.joined--;
        m->lost_at = now;
        m->back_at = 0;
        tally.lost++;
        tally.lost_last = now;

        if (tally.lost_first == 0) {
            tally.lost_first = now;
        }
    }

    m->live = 0;

    if (sscanf(reason, "closed with 1012 retry=%u", &ms) == 1) {
        flock_wait(m, now + (uint64_t) ms * 1000);  /* as it is told to */
        return;
    }

    tally.cut++;
    flock_wait(m, now + flock_pause());
}


/* all that are not live, each from where it is */

static void
member_join(member_t *m)
{
    char      text[WIRE_MAX_TEXT], *p = text, *end = text + sizeof(text);
    place_t  *place;

    p += snprintf(p, (size_t) (end - p), "{\"type\":\"conversation.join\","
                  "\"id\":1,\"data\":{\"conversations\":[");

    for (place = m->places; place < m->places + flock_each(); place++) {

        if (place->live) {
            continue;
        }

        p += snprintf(p, (size_t) (end - p), "%s{\"conversationId\":\"%s\"",
                      p[-1] == '[' ? "" : ",",
                      flock_name(place->conversation));

        if (place->known) {
            p += snprintf(p, (size_t) (end - p), ",\"afterRevision\":%" PRIu64,
                          place->revision);
        }

        p += snprintf(p, (size_t) (end - p), "}");

        if (end - p < 256) {
            wire_fail("a join is too large");
        }
    }

    p += snprintf(p, (size_t) (end - p), "]}}");

    tally.joins++;
    wire_send(&m->wire, text, (size_t) (p - text));
}


static bool
member_is(chat_str_t text, const char *start)
{
    return text.len >= strlen(start)
           && memcmp(text.data, start, strlen(start)) == 0;
}


static void
member_on_text(wire_t *w, char *text, size_t len)
{
    member_t    *m = w->owner;
    chat_str_t   s = { (const uint8_t *) text, len };

    if (member_is(s, "{\"type\":\"message.created\"")) {
        member_event(m, s, true);

    } else if (member_is(s, "{\"type\":\"reply\"")) {
        member_reply(m, s);

    } else if (member_is(s, "{\"type\":\"conversation.reset\"")) {
        tally.resets++;

    } else if (!member_is(s, "{\"type\":\"authenticated\"")) {
        wire_fail("nobody expected %.*s", len < 200 ? (int) len : 200, text);
    }
}


/* what has to be there */

static void
member_collect(const chat_json_t *object, chat_json_member_t *found, size_t n)
{
    size_t  i;

    if (chat_json_collect(object, found, n) != CHAT_OK) {
        wire_fail("what is this: %.200s", object->raw.data);
    }

    for (i = 0; i < n; i++) {
        if (found[i].value.raw.len == 0) {
            wire_fail("no %s in %.200s", found[i].name, object->raw.data);
        }
    }
}


static uint64_t
member_uint(const chat_json_t *value)
{
    uint64_t  n;

    if (chat_json_get_uint(value, &n) != CHAT_OK) {
        wire_fail("no number: %.20s", value->raw.data);
    }

    return n;
}


static chat_str_t
member_unquote(const chat_json_t *value)
{
    return (chat_str_t) { value->raw.data + 1, value->raw.len - 2 };
}


static chat_json_t
member_parse(chat_str_t text)
{
    const char   *reason;
    chat_json_t   value;

    if (chat_json_parse(text, CHAT_JSON_MAX_DEPTH, &value, &reason)
        != CHAT_OK)
    {
        wire_fail("no JSON: %s", reason);
    }

    return value;
}


static void
member_message(member_t *m, const chat_json_t *data, bool live)
{
    place_t             *place;
    uint64_t             sequence, revision;
    chat_json_member_t   found[] = {
        { .name = "conversationId" }, { .name = "sequenceNumber" },
        { .name = "revision" }
    };

    member_collect(data, found, 3);

    place = member_place(m, member_unquote(&found[0].value));
    sequence = member_uint(&found[1].value);
    revision = member_uint(&found[2].value);

    tally.events++;
    tally.resumed += !live;

    if (live && !place->live) {
        wire_fail("an event came before its conversation was joined");
    }

    if (sequence <= place->sequence || revision <= place->revision) {
        tally.doubled++;
        return;
    }

    tally.missed += sequence - place->sequence - 1;
    place->sequence = sequence;
    place->revision = revision;
}


static void
member_event(member_t *m, chat_str_t text, bool live)
{
    chat_json_t         event = member_parse(text);
    chat_json_member_t  found[] = { { .name = "data" } };

    member_collect(&event, found, 1);
    member_message(m, &found[0].value, live);
}


static void
member_reply(member_t *m, chat_str_t text)
{
    bool                 all = true;
    uint64_t             refused = tally.refused;
    chat_json_t          reply = member_parse(text), element;
    chat_json_iter_t     it;
    chat_json_member_t   found[] = { { .name = "data" } };
    chat_json_member_t   list[] = { { .name = "conversations" } };


    if (chat_json_collect(&reply, found, 1) != CHAT_OK
        || found[0].value.raw.len == 0)
    {
        tally.refused++;
        flock_wait(m, wire_now() + member_retry());
        return;
    }

    member_collect(&found[0].value, list, 1);
    chat_json_iter(&it, &list[0].value);

    while (chat_json_next_element(&it, &element) == CHAT_OK) {
        all = member_element(m, &element) && all;
    }

    if (refused != tally.refused) {
        flock_wait(m, wire_now() + member_retry());
        return;
    }

    if (!all) {
        member_join(m);
        return;
    }

    if (m->live == flock_each() && !m->joined) {
        m->joined = true;
        m->back_at = wire_now();
        tally.joined++;
    }
}


/* whether it is live now */

static bool
member_element(member_t *m, const chat_json_t *element)
{
    place_t            *place;
    chat_json_t         event;
    chat_json_iter_t    it;
    chat_json_member_t  found[] = {
        { .name = "conversationId" }, { .name = "error" },
        { .name = "sequenceNumber" }, { .name = "revision" },
        { .name = "events" }, { .name = "complete" }, { .name = "reset" }
    };

    if (chat_json_collect(element, found, 7) != CHAT_OK) {
        wire_fail("what is this: %.200s", element->raw.data);
    }

    place = member_place(m, member_unquote(&found[0].value));

    if (found[1].value.raw.len != 0) {
        tally.refused++;
        return false;
    }

    if (found[6].value.type == CHAT_JSON_TRUE) {
        tally.resets++;
        place->known = false;
    }

    chat_json_iter(&it, &found[4].value);

    while (chat_json_next_element(&it, &event) == CHAT_OK) {
        member_event(m, event.raw, false);
    }

    if (!place->known) {
        place->sequence = member_uint(&found[2].value);
    }

    place->known = true;
    place->revision = member_uint(&found[3].value);
    place->live = found[5].value.type == CHAT_JSON_TRUE;
    m->live += place->live;

    return place->live;
}


static place_t *
member_place(member_t *m, chat_str_t name)
{
    unsigned   conversation;
    place_t   *place;

    if (flock_number(name, &conversation)) {
        for (place = m->places; place < m->places + flock_each(); place++) {
            if (place->conversation == conversation) {
                return place;
            }
        }
    }

    wire_fail("it never joined %.*s", (int) name.len, name.data);
}
