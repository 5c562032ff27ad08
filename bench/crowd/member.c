/*
 * One session: it joins its conversation, and looks whether each message of it
 * comes, once and in order.  A message says in its content when it was due; so
 * does the id of its request.
 */

#define _GNU_SOURCE             /* memmem() */

#include "crowd.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>


#define MESSAGE_SIZE  100           /* bytes of content */
#define REQUEST_SIZE  512


static void member_on_open(wire_t *w);
static void member_on_text(wire_t *w, char *text, size_t len);
static void member_on_end(wire_t *w, const char *reason);
static void member_reply(member_t *m, const char *text, size_t len);
static void member_event(member_t *m, const char *text, size_t len);
static uint64_t member_number(const char *text, size_t len, const char *name);


static const wire_handlers_t  member_handlers = {
    member_on_open,
    member_on_text,
    member_on_end
};


void
member_open(member_t *m, int epoll_fd, unsigned port, const char *conversation,
    const char *token)
{
    memset(m, 0, sizeof(member_t));
    (void) snprintf(m->conversation, sizeof(m->conversation), "%s",
                    conversation);

    m->wire.handlers = &member_handlers;
    m->wire.owner = m;

    wire_open(&m->wire, epoll_fd, port, token);
}


void
member_send(member_t *m, uint64_t due)
{
    int   len;
    char  text[REQUEST_SIZE];

    len = snprintf(text, sizeof(text),
                   "{\"type\":\"message.send\",\"id\":%" PRIu64 ",\"data\":{"
                   "\"conversationId\":\"%s\",\"content\":\"%0*" PRIu64 "\"}}",
                   due, m->conversation, MESSAGE_SIZE, due);

    tally.sent++;
    wire_send(&m->wire, text, (size_t) len);
}


static void
member_on_open(wire_t *w)
{
    int        len;
    char       text[REQUEST_SIZE];
    member_t  *m = w->owner;

    len = snprintf(text, sizeof(text),
                   "{\"type\":\"conversation.join\",\"id\":0,"
                   "\"data\":{\"conversationId\":\"%s\"}}", m->conversation);

    wire_send(w, text, (size_t) len);
}


static void
member_on_end(wire_t *w, const char *reason)
{
    const member_t  *m = w->owner;

    wire_fail("a session in %s has lost its connection: %s", m->conversation,
              reason);
}


static bool
member_is(const char *text, size_t len, const char *start)
{
    return len >= strlen(start) && memcmp(text, start, strlen(start)) == 0;
}


static void
member_on_text(wire_t *w, char *text, size_t len)
{
    if (member_is(text, len, "{\"type\":\"message.created\"")) {
        member_event(w->owner, text, len);

    } else if (member_is(text, len, "{\"type\":\"reply\"")) {
        member_reply(w->owner, text, len);

    } else if (!member_is(text, len, "{\"type\":\"authenticated\"")) {
        wire_fail("nobody expected %.*s", len < 200 ? (int) len : 200, text);
    }
}


static void
member_reply(member_t *m, const char *text, size_t len)
{
    bool      good;
    uint64_t  id;

    id = member_number(text, len, "\"id\":");
    good = memmem(text, len, "\"ok\":true", 9) != NULL;

    if (id == 0) {
        if (!good) {
            wire_fail("a join failed: %.*s", (int) len, text);
        }

        m->sequence = member_number(text, len, "\"sequenceNumber\":");
        m->joined = true;
        tally.joined++;
        return;
    }

    if (!good) {
        if (tally.refused == 0) {
            fprintf(stderr, "refused: %.*s\n", (int) len, text);
        }

        tally.refused++;
        return;
    }

    tally.accepted++;
    histogram_add(&tally.replies, wire_now() - id);
}


static void
member_event(member_t *m, const char *text, size_t len)
{
    uint64_t  sequence;

    tally.events++;
    sequence = member_number(text, len, "\"sequenceNumber\":");

    if (sequence <= m->sequence) {
        tally.doubled++;
        return;
    }

    tally.missed += sequence - m->sequence - 1;
    m->sequence = sequence;

    histogram_add(&tally.deliveries,
               wire_now() - member_number(text, len, "\"content\":\""));
}


/* what follows the name; nothing else in the text can look like it */

static uint64_t
member_number(const char *text, size_t len, const char *name)
{
    size_t       i;
    uint64_t     n = 0;
    const char  *p;

    p = memmem(text, len, name, strlen(name));

    if (p == NULL) {
        wire_fail("no %s in %.*s", name, (int) len, text);
    }

    for (i = (size_t) (p - text) + strlen(name);
         i < len && text[i] >= '0' && text[i] <= '9';
         i++)
    {
        n = n * 10 + (uint64_t) (text[i] - '0');
    }

    return n;
}
