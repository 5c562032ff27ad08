/*
 * chat-presence: the life of the process.
 */

#include "presence.h"

#include <poll.h>
#include <stdio.h>

#include "log.h"
#include "options.h"
#include "redis_url.h"
#include "status.h"


#define LOOP_EVERY  100         /* ms; a turn, unless something comes earlier */


/* In this order.  store_keep() has an interval of its own, and looks each turn
   whether something was stored. */

static const job_t  jobs[] = {
    { "hold",   500,        hold_keep },
    { "load",   0,          load_keep },
    { "look",   LOOP_EVERY, look_keep },
    { "load",   0,          load_keep },    /* who was found by that */
    { "store",  0,          store_keep },
    { "unread", LOOP_EVERY, unread_keep },
    { "count",  LOOP_EVERY, count_keep }
};

#define LOOP_JOBS  (sizeof(jobs) / sizeof(jobs[0]))


static options_rc_e presence_init(presence_t *p, status_t *status, int argc,
    char **argv);
static options_rc_e presence_read_options(presence_t *p, status_t *status,
    int argc, char **argv);
static int presence_start(presence_t *p, status_t *status);
static int presence_turn(presence_t *p, uint64_t at[LOOP_JOBS]);
static void presence_wait(presence_t *p);


int
main(int argc, char **argv)
{
    uint64_t           at[LOOP_JOBS] = { 0 };       /* of each job */
    status_t           status = { 0 };
    options_rc_e       rc;
    static presence_t  p;

    rc = presence_init(&p, &status, argc, argv);

    if (rc != OPTIONS_OK) {
        return rc == OPTIONS_DONE ? 0 : 2;
    }

    if (presence_start(&p, &status) == -1) {
        return 1;
    }

    log_notice("started", log_str("holder", p.holder));

    while (!life_stopping()) {

        if (presence_turn(&p, at) == 0) {           /* has logged why */
            redis_settle(&p.redis);
        }

        metrics_turn(&p);
        presence_wait(&p);
    }

    hold_leave(&p);
    status_stop(&status);
    desk_stop(&p.desk);
    redis_args_done(&p.args);
    redis_close(&p.redis);

    log_notice("stopped");

    return 0;
}


static options_rc_e
presence_init(presence_t *p, status_t *status, int argc, char **argv)
{
    options_rc_e  rc;

    rc = presence_read_options(p, status, argc, argv);

    if (rc != OPTIONS_OK) {
        return rc;
    }

    log_init("chat-presence");
    life_init();
    life_name(p->holder);

    p->desk.db.name = p->holder;
    p->redis.keeper = &redis_library_presence;
    p->redis.needs = &redis_library_chat;

    return OPTIONS_OK;
}


static options_rc_e
presence_read_options(presence_t *p, status_t *status, int argc, char **argv)
{
    const char   *level;
    redis_url_t   url;
    options_rc_e  rc;

    const option_t  own[] = {
        { "grace-time", OPTION_SECONDS, true, "TIME", "8",
          "who comes back within it was never offline", &p->grace, 0, 600 },
        { "settle-time", OPTION_SECONDS, true, "TIME", "8",
          "how long nobody goes offline after Redis has started anew",
          &p->settle, 0, 600 },
        { "forget-time", OPTION_SECONDS, true, "TIME", "1h",
          "who has been offline for so long leaves Redis", &p->forget, 1, 0 },
        { "count-interval", OPTION_SECONDS, true, "TIME", "10",
          "how often those who are there are counted, where they are many",
          &p->count.interval, 1, 3600 },
        OPTION_STATUS_LISTEN(&status->listen),
        OPTION_END
    };

    const option_t  common[] = {
        OPTION_REDIS_URL(&p->redis.url),
        OPTION_POSTGRES_URL(&p->desk.db.url),
        OPTION_LOG_LEVEL(&level),
        OPTION_END
    };

    const options_t  options = {
        .usage = "chat-presence [OPTION]...",
        .help = "Looks after who is there: tells when users come and go, and "
                "stores when they were\nlast seen.  Any number of it may run; "
                "they share the partitions evenly.",
        .own = own,
        .common = common,
        .word = "PRESENCE_"
    };

    rc = options_read(&options, argc, argv);

    if (rc != OPTIONS_OK) {
        return rc;
    }

    if (log_set_level(level) == -1) {
        fprintf(stderr, "chat-presence: unknown log level \"%s\"\n", level);
        return OPTIONS_ERROR;
    }

    if (redis_url_parse(&url, p->redis.url) == -1) {
        fprintf(stderr, "chat-presence: the URL of Redis is malformed\n");
        return OPTIONS_ERROR;
    }

    return OPTIONS_OK;
}


static int
presence_start(presence_t *p, status_t *status)
{
    status->program = "chat_presence";
    status->metrics = metrics_write;
    status->ready = metrics_ready;
    status->data = &p->metrics;

    if (status->listen != NULL && status_start(status) == -1) {
        return -1;
    }

    if (desk_start(&p->desk) == -1) {
        status_stop(status);
        return -1;
    }

    return 0;
}


static int
presence_turn(presence_t *p, uint64_t at[LOOP_JOBS])
{
    size_t  i;

    if (redis_open(&p->redis) == -1 || part_learn(p) == -1) {
        return -1;
    }

    for (i = 0; i < LOOP_JOBS && p->npartitions != 0; i++) {

        if (life_now() < at[i]) {
            continue;
        }

        at[i] = life_now() + jobs[i].interval;

        if (jobs[i].run(p) == -1) {
            return -1;
        }
    }

    return 0;
}


/* for the next turn, for what PostgreSQL says, or to be stopped */

static void
presence_wait(presence_t *p)
{
    uint64_t  at = life_now() + LOOP_EVERY;

    if (!redis_is_open(&p->redis)) {
        at = p->redis.backoff.at;
    }

    if (life_wait(p->desk.told, POLLIN, at, true) == LIFE_READY) {
        desk_heard(&p->desk);
    }
}
