#define _GNU_SOURCE

#include "watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "number.h"
#include "stream_id.h"


#define WATCH_EVERY  1000       /* ms */
#define WATCH_KEY    32


static void *watch_run(void *data);
static int watch_look(watch_t *w, unsigned n);
static int watch_read_part(watch_t *w, unsigned i, uint64_t redis_now,
    uint64_t *marks);


int
watch_start(watch_t *w, metrics_t *metrics, const char *redis_url)
{
    w->metrics = metrics;
    w->redis.url = redis_url;
    w->redis.quiet = true;      /* the loop tells */

    if (pipe2(w->stop, O_CLOEXEC) == -1) {
        log_crit("pipe2() failed", log_errno());
        return -1;
    }

    errno = pthread_create(&w->thread, NULL, watch_run, w);

    if (errno != 0) {
        log_crit("cannot make a thread", log_errno());
        (void) close(w->stop[0]);
        (void) close(w->stop[1]);
        return -1;
    }

    w->started = true;

    return 0;
}


void
watch_stop(watch_t *w)
{
    if (!w->started) {
        return;
    }

    (void) close(w->stop[1]);               /* which can be read */
    (void) pthread_join(w->thread, NULL);   /* cannot fail: it is there */
    (void) close(w->stop[0]);

    redis_args_done(&w->args);
    redis_close(&w->redis);
    w->started = false;
}


static void *
watch_run(void *data)
{
    watch_t   *w = data;
    unsigned   n;
    uint64_t   at = 0;

    life_stop_when_readable(w->stop[0]);

    while (life_wait(-1, 0, at, false) == LIFE_TIMEOUT) {

        n = (unsigned) metric_get(&w->metrics->partitions);

        if (n != 0 && redis_open(&w->redis) == 0 && watch_look(w, n) == 0) {
            redis_settle(&w->redis);
        }

        at = life_now() + WATCH_EVERY;
    }

    return NULL;
}


/* the log of a partition: how long it is, and its first entry */

static int
watch_send_part(watch_t *w, unsigned i)
{
    char           key[WATCH_KEY];
    redis_args_t  *a = &w->args;

    (void) snprintf(key, sizeof(key), "chat:{p%02u}:log", i);

    redis_args_reset(a, "XLEN");
    redis_args_text(a, key);

    if (redis_send(&w->redis, a) == -1) {
        return -1;
    }

    redis_args_reset(a, "XRANGE");
    redis_args_text(a, key);
    redis_args_text(a, "-");
    redis_args_text(a, "+");
    redis_args_text(a, "COUNT");
    redis_args_text(a, "1");

    if (redis_send(&w->redis, a) == -1) {
        return -1;
    }

    (void) snprintf(key, sizeof(key), "chat:{p%02u}:marks", i);

    redis_args_reset(a, "HLEN");
    redis_args_text(a, key);

    return redis_send(&w->redis, a);
}


/* Redis' clock, by which entries have their ids */

static int
watch_read_time(watch_t *w, uint64_t *ms)
{
    int          rc = 0;
    uint64_t     s, us;
    redisReply  *reply;

    reply = redis_reply(&w->redis, 0);

    if (reply == NULL) {
        return -1;
    }

    if (number_parse(redis_text(reply, 0), UINT32_MAX, &s) == -1
        || number_parse(redis_text(reply, 1), UINT32_MAX, &us) == -1)
    {
        rc = redis_fail(&w->redis, "unexpected answer to TIME");
    } else {
        *ms = s * 1000 + us / 1000;
    }

    freeReplyObject(reply);

    return rc;
}


/* all partitions in one round trip; who Redis is, which is asked with it, tells
   its memory */

static int
watch_look(watch_t *w, unsigned n)
{
    uint64_t  now = 0, marks = 0;
    unsigned  i;

    if (redis_check_identity(&w->redis) == -1) {
        return -1;
    }

    redis_args_reset(&w->args, "TIME");

    if (redis_send(&w->redis, &w->args) == -1) {
        return -1;
    }

    for (i = 0; i < n; i++) {
        if (watch_send_part(w, i) == -1) {
            return -1;
        }
    }

    if (watch_read_time(w, &now) == -1) {
        return -1;
    }

    for (i = 0; i < n; i++) {
        if (watch_read_part(w, i, now, &marks) == -1) {
            return -1;
        }
    }

    metric_set(&w->metrics->marks, marks);
    metric_set(&w->metrics->redis_used, w->redis.used);
    metric_set(&w->metrics->redis_max, w->redis.max);
    metric_set(&w->metrics->watched, 1);

    return 0;
}


/* an answer that is a number; others (Redis has no memory, or loads its file)
   are none */

static int
watch_read_number(watch_t *w, uint64_t *n)
{
    int          rc = 0;
    redisReply  *reply;

    reply = redis_reply(&w->redis, 0);

    if (reply == NULL) {
        return -1;
    }

    if (reply->type != REDIS_REPLY_INTEGER) {
        rc = redis_fail(&w->redis, "unexpected answer");
    } else {
        *n = (uint64_t) reply->integer;
    }

    freeReplyObject(reply);

    return rc;
}


/* when the first entry came, by our clock; 0: there is none */

static int
watch_read_first(watch_t *w, uint64_t redis_now, uint64_t *since)
{
    int          rc = 0;
    uint64_t     age, now = life_now();
    redisReply  *reply;
    stream_id_t  id;

    *since = 0;
    reply = redis_reply(&w->redis, 0);

    if (reply == NULL) {
        return -1;
    }

    if (reply->type != REDIS_REPLY_ARRAY
        || (reply->elements != 0
            && stream_id_parse(&id, redis_text(reply->element[0], 0)) == -1))
    {
        rc = redis_fail(&w->redis, "unexpected answer to XRANGE");

    } else if (reply->elements != 0) {
        age = redis_now > id.ms ? redis_now - id.ms : 0;
        *since = age < now ? now - age : 1;
    }

    freeReplyObject(reply);

    return rc;
}


static int
watch_read_part(watch_t *w, unsigned i, uint64_t redis_now, uint64_t *marks)
{
    uint64_t  entries = 0, since = 0, n = 0;

    if (watch_read_number(w, &entries) == -1
        || watch_read_first(w, redis_now, &since) == -1
        || watch_read_number(w, &n) == -1)
    {
        return -1;
    }

    metric_set(&w->metrics->log_entries[i], entries);
    metric_set(&w->metrics->log_since[i], since);
    *marks += n;

    return 0;
}
