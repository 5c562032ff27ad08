/*
 * One session: its requests, and the answers to them.
 */

#include "load.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "chat_id.h"


#define REQUEST_SIZE  1024


static void session_on_open(wire_t *w);
static void session_on_text(wire_t *w, char *text, size_t len);
static void session_on_end(wire_t *w, const char *reason);
static void session_reply(session_t *s, char *text, size_t len);
static void session_join(session_t *s);
static int session_print(char *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));


static const wire_handlers_t  session_handlers = {
    session_on_open,
    session_on_text,
    session_on_end
};


void
session_open(session_t *s, int epoll_fd, unsigned number, unsigned port,
    const char *conversation, const char *token)
{
    s->number = number;
    (void) snprintf(s->conversation, sizeof(s->conversation), "%s",
                    conversation);

    s->wire.handlers = &session_handlers;
    s->wire.owner = s;

    wire_open(&s->wire, epoll_fd, port, token);
}


static void
session_on_open(wire_t *w)
{
    session_join(w->owner);
}


static void
session_on_end(wire_t *w, const char *reason)
{
    const session_t  *s = w->owner;

    wire_fail("session %u has lost its connection: %s", s->number, reason);
}


static bool
session_is(const char *text, size_t len, const char *start)
{
    return len >= strlen(start) && memcmp(text, start, strlen(start)) == 0;
}


static void
session_on_text(wire_t *w, char *text, size_t len)
{
    session_t  *s = w->owner;

    if (session_is(text, len, "{\"type\":\"message.created\"")) {
        tally.events++;

    } else if (session_is(text, len, "{\"type\":\"reply\"")) {
        session_reply(s, text, len);

    } else if (!session_is(text, len, "{\"type\":\"authenticated\"")) {
        wire_fail("session %u did not expect %.*s", s->number,
                  len < 200 ? (int) len : 200, text);
    }
}


/* the id of a join is 0, those of messages are counted from 1 */

static void
session_reply(session_t *s, char *text, size_t len)
{
    char      *end;
    bool       good;
    uint64_t   id;

    static const char  head[] = "{\"type\":\"reply\",\"id\":";
    static const char  ok[] = ",\"ok\":true";

    if (len < sizeof(head) + sizeof(ok) + 20
        || memcmp(text, head, sizeof(head) - 1) != 0)
    {
        wire_fail("session %u: what is this: %.*s", s->number, (int) len,
                  text);
    }

    id = strtoull(text + sizeof(head) - 1, &end, 10);
    good = memcmp(end, ok, sizeof(ok) - 1) == 0;

    if (id == 0) {
        if (!good) {
            wire_fail("session %u cannot join: %.*s", s->number, (int) len,
                      text);
        }

        s->joined = true;
        return;
    }

    s->open--;

    if (!good) {
        if (tally.refused == 0) {
            fprintf(stderr, "load: refused: %.*s\n", (int) len, text);
        }

        tally.refused++;
        return;
    }

    tally.replies++;
    tally.delays = wire_room(tally.delays, &tally.size,
                             (tally.ndelays + 1) * sizeof(uint32_t));
    tally.delays[tally.ndelays] =
        (uint32_t) (wire_now() - s->due[id % SESSION_WINDOW]);
    tally.ndelays++;
}


static void
session_join(session_t *s)
{
    int   len;
    char  text[REQUEST_SIZE];

    len = session_print(text,
                        "{\"type\":\"conversation.join\",\"id\":0,"
                        "\"data\":{\"conversationId\":\"%s\"}}",
                        s->conversation);

    wire_send(&s->wire, text, (size_t) len);
}


static void
session_client_id(session_t *s, char id[CHAT_ID_LEN + 1])
{
    uint8_t            random[10];
    struct timespec    t;
    static uint64_t    count;

    (void) clock_gettime(CLOCK_REALTIME, &t);

    count++;
    memset(random, 0, sizeof(random));
    memcpy(random, &s->number, sizeof(uint16_t));
    memcpy(random + 2, &count, sizeof(count));

    chat_id_make((uint8_t *) id,
                 (uint64_t) t.tv_sec * 1000 + (uint64_t) t.tv_nsec / 1000000,
                 0, random);
    id[CHAT_ID_LEN] = '\0';
}


bool
session_send(session_t *s, uint64_t due)
{
    int          len;
    char         id[CHAT_ID_LEN + 1], text[REQUEST_SIZE];
    static char  content[MESSAGE_SIZE - 1];

    if (s->open == SESSION_WINDOW || s->wire.blocked) {
        return false;
    }

    if (content[0] == '\0') {
        memset(content, 'x', MESSAGE_SIZE - 2);
    }

    s->sent++;
    s->open++;
    s->due[s->sent % SESSION_WINDOW] = due;
    session_client_id(s, id);

    len = session_print(text,
                        "{\"type\":\"message.send\",\"id\":%" PRIu64 ","
                        "\"data\":{\"conversationId\":\"%s\","
                        "\"clientMessageId\":\"%s\",\"content\":\"%s\"}}",
                        s->sent, s->conversation, id, content);

    wire_send(&s->wire, text, (size_t) len);

    return true;
}


static int
session_print(char *text, const char *format, ...)
{
    int      len;
    va_list  args;

    va_start(args, format);
    len = vsnprintf(text, REQUEST_SIZE, format, args);
    va_end(args);

    if (len < 0 || len >= REQUEST_SIZE) {
        wire_fail("a request is too large");
    }

    return len;
}
