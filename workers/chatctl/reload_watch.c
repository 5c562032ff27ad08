/*
 * Each message has an id of its sender's, and is repeated until it is answered;
 * so all of them are there in the end, each once, with numbers without a gap.
 * A session counts what it hears by these numbers.
 */

#include "reload_watch.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "life.h"


#define OPENING   5000          /* ms until all sessions are there at first */
#define INTERVAL  20            /* ms between messages, of all together */
#define CLOSING   10000         /* ms until the conversation is deleted */
#define RETRY     250           /* ms, or what the server says, then connect */
#define REQUEST   512           /* bytes */


static watcher_t *watch_delete(watch_t *w);
static void watch_turn(watch_t *w, uint64_t until);
static void watch_do(watch_t *w, watcher_t *s, uint64_t now);
static void watch_connect(watch_t *w, watcher_t *s);
static void watch_ask(watch_t *w, watcher_t *s, const char *text);
static void watch_say(watch_t *w, watcher_t *s);
static void watch_read(watch_t *w, watcher_t *s);
static void watch_lost(watch_t *w, watcher_t *s);


int
watch_open(watch_t *w, size_t n)
{
    size_t    i, there = 0;
    uint32_t  random[2];
    uint64_t  until = life_now() + OPENING;

    life_random(random, sizeof(random));
    (void) snprintf(w->name, sizeof(w->name), "chatctl-reload-%08x",
                    random[0]);
    (void) snprintf(w->client, sizeof(w->client), "reload-%08x", random[1]);
    w->n = n;
    w->last = true;

    for (i = 0; i < n; i++) {
        w->watchers[i].socket.fd = -1;
        w->watchers[i].due = life_now();
    }

    while (there < n && life_now() < until && !life_stopping()) {
        watch_run(w, 10);

        for (i = 0, there = 0; i < n; i++) {
            there += w->watchers[i].joined;
        }
    }

    if (there < n) {
        return -1;
    }

    w->last = false;
    w->away = 0;

    return 0;
}


void
watch_run(watch_t *w, uint64_t ms)
{
    size_t    i;
    uint64_t  now, end = life_now() + ms;

    do {
        now = life_now();

        for (i = 0; i < w->n; i++) {
            watch_do(w, &w->watchers[i], now);
        }

        watch_turn(w, now + 5 < end ? now + 5 : end);

    } while (life_now() < end && !life_stopping());
}


static bool
watch_is_over(const watch_t *w)
{
    size_t            i;
    const watcher_t  *s;

    if (w->accepted > w->sequence) {
        return false;                   /* its reply has overtaken the event */
    }

    for (i = 0; i < w->n; i++) {
        s = &w->watchers[i];

        if (!s->joined || s->number != 0 || s->sequence != w->sequence) {
            return false;
        }
    }

    return true;
}


void
watch_end(watch_t *w, uint64_t ms)
{
    size_t    i;
    uint64_t  until = life_now() + ms;

    w->last = true;

    while (!watch_is_over(w) && life_now() < until && !life_stopping()) {
        watch_run(w, 10);
    }

    for (i = 0; i < w->n; i++) {
        w->missed += w->sequence - w->watchers[i].sequence;
    }

    if (w->accepted > w->sequence) {    /* answered, and nobody ever heard it */
        w->missed += w->accepted - w->sequence;
    }

    if (w->sequence > w->messages) {    /* one was made into two */
        w->doubled += w->sequence - w->messages;
    }
}


/* whoever is there asks; the next one if that one is lost before the answer */

int
watch_close(watch_t *w)
{
    size_t    i;
    uint64_t  until = life_now() + CLOSING;

    w->last = true;

    while (w->made && !w->deleted && life_now() < until) {

        if ((w->deletes == NULL || !w->deletes->joined)
            && life_now() >= w->delete_at)
        {
            w->deletes = watch_delete(w);
        }

        watch_run(w, 10);
    }

    for (i = 0; i < w->n; i++) {
        socket_done(&w->watchers[i].socket);
    }

    return w->made && !w->deleted ? -1 : 0;
}


/* NULL: nobody is there */

static watcher_t *
watch_delete(watch_t *w)
{
    char        text[REQUEST];
    size_t      i;
    watcher_t  *s;

    for (i = 0; i < w->n; i++) {
        s = &w->watchers[i];

        if (s->joined) {
            (void) snprintf(text, sizeof(text),
                            "{\"type\":\"conversation.delete\",\"id\":%d,"
                            "\"data\":{\"conversationId\":\"%s\"}}", ID_DELETE,
                            w->name);
            watch_ask(w, s, text);
            return s;
        }
    }

    return NULL;
}


/* waits for what comes, or until then */

static void
watch_turn(watch_t *w, uint64_t until)
{
    size_t         i;
    uint64_t       now = life_now();
    struct pollfd  fds[WATCH_MAX];

    for (i = 0; i < w->n; i++) {
        fds[i].fd = w->watchers[i].socket.fd;       /* -1 is passed over */
        fds[i].events = POLLIN;
        fds[i].revents = 0;
    }

    if (poll(fds, w->n, until > now ? (int) (until - now) : 0) <= 0) {
        return;
    }

    for (i = 0; i < w->n; i++) {
        if (fds[i].revents != 0) {
            watch_read(w, &w->watchers[i]);
        }
    }
}


/* what is due: a connection; or a message, which may have to be repeated */

static void
watch_do(watch_t *w, watcher_t *s, uint64_t now)
{
    if (now < s->due) {
        return;
    }

    if (s->socket.fd == -1) {
        watch_connect(w, s);
        return;
    }

    if (!s->joined) {
        return;                         /* the reply to a join is to come */
    }

    if (s->number != 0 && !s->waits) {
        watch_say(w, s);
        return;
    }

    if (s->number == 0 && !w->last && now >= w->next) {
        w->next = now + INTERVAL;
        s->number = ++w->messages;
        watch_say(w, s);
    }
}


static void
watch_connect(watch_t *w, watcher_t *s)
{
    char  text[REQUEST];

    if (socket_open(&s->socket, &w->url, w->token, w->why, sizeof(w->why))
        == -1)
    {
        s->due = life_now() + RETRY;
        return;
    }

    if (w->made) {
        watch_join(w, s);
        return;
    }

    (void) snprintf(text, sizeof(text),
                    "{\"type\":\"conversation.create\",\"id\":%d,\"data\":"
                    "{\"conversationId\":\"%s\",\"type\":\"group\"}}",
                    ID_CREATE, w->name);
    w->made = true;                     /* or the next to come is told so */
    watch_ask(w, s, text);
}


static void
watch_ask(watch_t *w, watcher_t *s, const char *text)
{
    if (socket_send(&s->socket, mem_cstr(text)) == -1) {
        watch_lost(w, s);
    }
}


/* whoever comes for the first time has all from the beginning */

void
watch_join(watch_t *w, watcher_t *s)
{
    char  text[REQUEST];

    (void) snprintf(text, sizeof(text),
                    "{\"type\":\"conversation.join\",\"id\":%d,\"data\":"
                    "{\"conversationId\":\"%s\",\"afterRevision\":%" PRIu64
                    "}}", ID_JOIN, w->name, s->revision);
    watch_ask(w, s, text);
}


static void
watch_say(watch_t *w, watcher_t *s)
{
    char  text[REQUEST];

    s->waits = true;
    (void) snprintf(text, sizeof(text),
                    "{\"type\":\"message.send\",\"id\":%" PRIu64 ",\"data\":"
                    "{\"conversationId\":\"%s\",\"clientMessageId\":\"%s-%"
                    PRIu64 "\",\"content\":\"%" PRIu64 "\"}}",
                    ID_MESSAGE + s->number, w->name, w->client, s->number,
                    s->number);
    watch_ask(w, s, text);
}


static void
watch_read(watch_t *w, watcher_t *s)
{
    chat_str_t  text;

    for ( ;; ) {

        switch (socket_read(&s->socket, &text)) {

        case SOCKET_TEXT:
            watch_take(w, s, text);

            if (s->socket.fd == -1) {
                return;                 /* an answer could not be sent */
            }

            break;

        case SOCKET_NOTHING:
            return;

        case SOCKET_CLOSED:
            watch_lost(w, s);
            return;
        }
    }
}


/* it comes back as it is told to */

static void
watch_lost(watch_t *w, watcher_t *s)
{
    unsigned  ms = RETRY;

    if (s->joined) {
        s->left_at = life_now();
    }

    if (s->socket.code == 1012) {
        w->moved++;
        (void) sscanf(s->socket.reason, "retry=%u", &ms);

    } else {
        w->cut++;
        (void) snprintf(w->why, sizeof(w->why), "closed with %u %s",
                        s->socket.code, s->socket.reason);
    }

    s->joined = false;
    s->waits = false;
    s->due = life_now() + ms;
}
