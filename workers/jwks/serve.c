/*
 * When to fetch.  Unasked every interval; asked (a datagram "refresh\n", which
 * nginx sends when a token names a key that it does not know) as soon as the
 * last fetch is min_interval ago.  Anybody can make up such tokens, so asking
 * more often changes nothing.  While fetches fail only the back-off counts: a
 * provider in trouble is not asked more often because tokens come in.
 */

#include "jwks.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "life.h"
#include "listener.h"
#include "log.h"


#define SERVE_REFRESH    "refresh\n"
#define SERVE_MAX_ASKED  256            /* datagrams at a time */


typedef struct {
    int       fd;                       /* -1: nobody can ask */
    bool      asked;
    unsigned  failures;                 /* in a row */
    uint64_t  not_before;               /* life_now(); asked or not */
    uint64_t  due;
} serve_t;


static metrics_fate_e serve_fetch(const jwks_t *j, mem_buf_t *body);
static void serve_turn(serve_t *s, const jwks_t *j);
static void serve_plan(serve_t *s, const jwks_t *j, bool ok);
static bool serve_asked(int fd);
static uint64_t serve_spread(uint64_t ms);


int
jwks_update(const jwks_t *j)
{
    uint64_t        start = life_now_us();
    mem_buf_t       body = { 0 };
    metrics_fate_e  fate;

    fate = serve_fetch(j, &body);

    mem_buf_done(&body);
    metrics_fetched(j->metrics, fate, life_now_us() - start);

    return fate == METRICS_SAME || fate == METRICS_NEW ? 0 : -1;
}


static metrics_fate_e
serve_fetch(const jwks_t *j, mem_buf_t *body)
{
    size_t      nkeys;
    chat_str_t  text;

    if (fetch_get(j, body) == -1) {
        return METRICS_NO_ANSWER;
    }

    text = (chat_str_t) { body->data, body->len };
    nkeys = keyset_check(text);

    if (nkeys == 0) {
        return METRICS_NO_KEYS;
    }

    switch (file_put(j->file, text)) {

    case FILE_SAME:
        log_info("the keys are the same", log_uint("keys", nkeys));
        metric_set(&j->metrics->keys, nkeys);
        return METRICS_SAME;

    case FILE_REPLACED:
        log_notice("the keys are new", log_str("file", j->file),
                   log_uint("keys", nkeys));
        metric_set(&j->metrics->keys, nkeys);
        return METRICS_NEW;

    case FILE_FAILED:
        break;
    }

    return METRICS_NOT_WRITTEN;
}


int
jwks_serve(const jwks_t *j)
{
    serve_t  s = { .fd = -1 };

    if (j->socket != NULL) {
        s.fd = listener_open(j->socket, SOCK_DGRAM);

        if (s.fd == -1) {
            return -1;
        }
    }

    log_notice("started", log_str("url", j->url), log_str("file", j->file));

    while (!life_stopping()) {

        /* who has asked already need not ask again */

        switch (life_wait(s.asked ? -1 : s.fd, POLLIN, s.due, true)) {

        case LIFE_READY:
            s.asked = serve_asked(s.fd);
            metric_add(&j->metrics->asked, s.asked);

            if (s.asked && s.due > s.not_before) {
                s.due = s.not_before;
            }
            break;

        case LIFE_TIMEOUT:
            serve_turn(&s, j);
            break;

        case LIFE_STOP:
            break;
        }
    }

    if (s.fd != -1) {
        listener_close(s.fd, j->socket);
    }

    log_notice("stopped", log_str("file", j->file));

    return 0;
}


static void
serve_turn(serve_t *s, const jwks_t *j)
{
    bool  ok;

    /* what was asked for until now is what comes */

    if (s->fd != -1) {
        (void) serve_asked(s->fd);
    }

    s->asked = false;

    ok = jwks_update(j) == 0;

    if (ok && s->failures != 0) {
        log_notice("the keys can be fetched again",
                   log_uint("failures", s->failures));
    }

    serve_plan(s, j, ok);
}


static void
serve_plan(serve_t *s, const jwks_t *j, bool ok)
{
    uint64_t  delay, now = life_now();

    if (ok) {
        s->failures = 0;
        s->not_before = now + j->min_interval * 1000;
        s->due = now + serve_spread(j->interval * 1000);
        s->due = s->due > s->not_before ? s->due : s->not_before;

        return;
    }

    /* min_interval, twice that ... interval */

    delay = s->failures < 16 ? j->min_interval << s->failures : UINT32_MAX;

    if (delay > j->interval) {
        delay = j->interval > j->min_interval ? j->interval
                                              : j->min_interval;
    }

    s->failures++;
    s->due = now + serve_spread(delay * 1000);
    s->not_before = s->due;
}


/* takes the datagrams that wait; whether one of them asks for new keys */

static bool
serve_asked(int fd)
{
    char      data[sizeof(SERVE_REFRESH)];
    bool      asked = false;
    ssize_t   n;
    unsigned  i;

    for (i = 0; i < SERVE_MAX_ASKED; i++) {
        n = recv(fd, data, sizeof(data), MSG_DONTWAIT);

        if (n == -1) {
            break;
        }

        if (n == (ssize_t) strlen(SERVE_REFRESH)
            && memcmp(data, SERVE_REFRESH, (size_t) n) == 0)
        {
            asked = true;
        }
    }

    return asked;
}


/* up to a quarter more, so that many of these do not come at once */

static uint64_t
serve_spread(uint64_t ms)
{
    uint32_t  random;

    life_random(&random, sizeof(random));

    return ms + random % (ms / 4 + 1);
}
