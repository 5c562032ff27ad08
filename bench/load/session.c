/*
 * One session: its requests, and the answers to them.
 */

#define _GNU_SOURCE                     /* memmem() */

#include "load.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "chat_id.h"


#define REQUEST_SIZE   (MESSAGE_MAX + 1024)
#define TIME_LEN       16       /* digits of a message's time */
#define POSITION_SIZE  80       /* of an event's sequence and revision */


static void session_on_open(wire_t *w);
static void session_on_text(wire_t *w, char *text, size_t len);
static void session_on_end(wire_t *w, const char *reason);
static void session_event(session_t *s, const char *text, size_t len);
static uint64_t session_number(const char *text, size_t len,
    const char *name);
static void session_reply(session_t *s, char *text, size_t len);
static void session_join(session_t *s);
static int session_message(const session_t *s, char *text, uint64_t due);
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

    s->listens = conversation[0] == '\0';

    wire_open(&s->wire, epoll_fd, port, token);
}


static void
session_on_open(wire_t *w)
{
    session_t  *s = w->owner;

    if (s->listens) {
        s->joined = true;
        return;
    }

    session_join(s);
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
        session_event(s, text, len);

    } else if (session_is(text, len, "{\"type\":\"reply\"")) {
        session_reply(s, text, len);

    } else if (session_is(text, len, "{\"type\":\"typing.")) {
        tally.typing++;

    } else if (!session_is(text, len, "{\"type\":\"authenticated\"")) {
        wire_fail("session %u did not expect %.*s", s->number,
                  len < 200 ? (int) len : 200, text);
    }
}


/* Its sequence number stands at the end, and its time opens its content; the
   content comes after ids alone, which cannot look like its name. */

static void
session_event(session_t *s, const char *text, size_t len)
{
    size_t    tail = len < POSITION_SIZE ? len : POSITION_SIZE;
    uint64_t  sequence, due;

    sequence = session_number(text + len - tail, tail, "\"sequenceNumber\":");
    due = session_number(text, len, "\"content\":\"");

    if (sequence > s->sequence + 1) {
        tally.missing += sequence - s->sequence - 1;
    }

    if (sequence <= s->sequence) {
        tally.doubled++;

    } else {
        s->sequence = sequence;
    }

    tally.events++;
    tally.bytes += len;
    tally.last = wire_now();
    histogram_add(&tally.receive, tally.last - due);
}


static uint64_t
session_number(const char *text, size_t len, const char *name)
{
    const char  *found;

    found = memmem(text, len, name, strlen(name));

    if (found == NULL) {
        wire_fail("no %s in %.*s", name, (int) len, text);
    }

    return strtoull(found + strlen(name), NULL, 10);
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

    if (len < sizeof(head) + sizeof(ok)
        || memcmp(text, head, sizeof(head) - 1) != 0)
    {
        wire_fail("session %u: what is this: %.*s", s->number, (int) len,
                  text);
    }

    id = strtoull(text + sizeof(head) - 1, &end, 10);
    good = (size_t) (text + len - end) >= sizeof(ok)
           && memcmp(end, ok, sizeof(ok) - 1) == 0;

    if (id == 0) {
        if (!good) {
            wire_fail("session %u cannot join: %.*s", s->number, (int) len,
                      text);
        }

        s->sequence = session_number(text, len, "\"sequenceNumber\":");
        s->joined = true;
        return;
    }

    s->open--;
    tally.last = wire_now();

    if (!good) {
        if (tally.refused == 0) {
            fprintf(stderr, "load: refused: %.*s\n", (int) len, text);
        }

        tally.refused++;
        return;
    }

    tally.replies++;
    histogram_add(&tally.reply, tally.last - s->due[id % SESSION_WINDOW]);
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
session_client_id(const session_t *s, char id[CHAT_ID_LEN + 1])
{
    pid_t              pid = getpid();
    uint8_t            random[10];
    struct timespec    t;
    static uint32_t    count;

    (void) clock_gettime(CLOCK_REALTIME, &t);

    count++;
    memset(random, 0, sizeof(random));
    memcpy(random, &pid, sizeof(uint32_t));
    memcpy(random + 4, &count, sizeof(uint32_t));
    memcpy(random + 8, &s->number, sizeof(uint16_t));

    chat_id_make((uint8_t *) id,
                 (uint64_t) t.tv_sec * 1000 + (uint64_t) t.tv_nsec / 1000000,
                 0, random);
    id[CHAT_ID_LEN] = '\0';
}


bool
session_send(session_t *s, uint64_t due)
{
    int   len;
    char  text[REQUEST_SIZE];

    if (s->open == SESSION_WINDOW || s->wire.blocked) {
        return false;
    }

    s->sent++;
    s->open++;
    s->due[s->sent % SESSION_WINDOW] = due;

    if (types) {
        len = session_print(text,
                            "{\"type\":\"typing.start\",\"id\":%" PRIu64 ","
                            "\"data\":{\"conversationId\":\"%s\"}}",
                            s->sent, s->conversation);

    } else {
        len = session_message(s, text, due);
    }

    wire_send(&s->wire, text, (size_t) len);

    return true;
}


static int
session_message(const session_t *s, char *text, uint64_t due)
{
    char         id[CHAT_ID_LEN + 1];
    static char  filler[MESSAGE_MAX];

    if (filler[0] == '\0') {
        memset(filler, 'x', sizeof(filler) - 1);
        filler[0] = ' ';
    }

    session_client_id(s, id);

    return session_print(text,
                         "{\"type\":\"message.send\",\"id\":%" PRIu64 ","
                         "\"data\":{\"conversationId\":\"%s\","
                         "\"clientMessageId\":\"%s\",\"content\":\"%016"
                         PRIu64 "%.*s\"}}",
                         s->sent, s->conversation, id, due,
                         (int) (message_size - TIME_LEN - 2), filler);
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
