/*
 * chat-persist: the life of the process.
 */

#include "persist.h"

#include <stdio.h>

#include "log.h"
#include "need.h"
#include "options.h"
#include "past.h"
#include "redis_url.h"
#include "schema.h"
#include "share.h"
#include "status.h"
#include "store.h"
#include "watch.h"


/*
 * A stopped process blocks nobody for long.  All statements go by indexes, in
 * their order, so a plan must not depend on what PostgreSQL happened to know of
 * the tables when it was made: they were empty once.
 */

static const char  session_setup[] =
    SCHEMA_CHECK
    "SET idle_in_transaction_session_timeout = '3s';"
    "SET statement_timeout = '10s';"
    "SET tcp_user_timeout = '3s';"
    "SET plan_cache_mode = force_generic_plan;"
    "SET enable_seqscan = off;"
    "SET enable_bitmapscan = off;"
    "SET enable_hashjoin = off;"
    "SET enable_mergejoin = off;"
    "SET jit = off";


/* who tells how it is; nothing where nobody is to be told */

typedef struct {
    status_t  status;
    watch_t   watch;
} teller_t;


static options_rc_e persist_init(persist_t *p, teller_t *teller, int argc,
    char **argv);
static options_rc_e persist_read_options(persist_t *p, teller_t *teller,
    int argc, char **argv);
static int teller_start(teller_t *teller, persist_t *p);
static void teller_stop(teller_t *teller);
static int persist_turn(persist_t *p, batch_t *batch);
static int persist_work(persist_t *p, batch_t *batch);
static int persist_store(persist_t *p, batch_t *batch);
static uint64_t persist_due(const persist_t *p);
static void persist_pause(const persist_t *p);
static void persist_done(persist_t *p);


int
main(int argc, char **argv)
{
    static batch_t    batch;        /* what was read ahead, or nothing */
    static persist_t  p;
    static teller_t   teller;
    options_rc_e      rc;

    rc = persist_init(&p, &teller, argc, argv);

    if (rc != OPTIONS_OK) {
        return rc == OPTIONS_DONE ? 0 : 2;
    }

    if (teller_start(&teller, &p) == -1) {
        return 1;
    }

    log_notice("started", log_str("holder", p.holder));

    while (!life_stopping()) {

        if (persist_turn(&p, &batch) == -1) {       /* has logged why */
            batch_done(&batch);
            metrics_turn(&p);
            persist_pause(&p);
            continue;
        }

        db_settle(&p.db);
        redis_settle(&p.redis);
        metrics_turn(&p);
    }

    batch_done(&batch);
    persist_done(&p);
    teller_stop(&teller);

    log_notice("stopped", log_uint("stored", p.stored));

    return 0;
}


static options_rc_e
persist_init(persist_t *p, teller_t *teller, int argc, char **argv)
{
    options_rc_e  rc;

    rc = persist_read_options(p, teller, argc, argv);

    if (rc != OPTIONS_OK) {
        return rc;
    }

    log_init("chat-persist");
    life_init();
    life_name(p->holder);

    p->db.name = p->holder;
    p->db.timeout = 15000;
    p->db.setup = session_setup;
    p->redis.keeper = &redis_library_chat;
    p->redis.closed_at = life_now();
    p->needs_end = &p->needs;

    return OPTIONS_OK;
}


static options_rc_e
persist_read_options(persist_t *p, teller_t *teller, int argc, char **argv)
{
    const char   *level;
    redis_url_t   url;
    options_rc_e  rc;

    const option_t  own[] = {
        OPTION_STATUS_LISTEN(&teller->status.listen),
        OPTION_END
    };

    const option_t  common[] = {
        OPTION_REDIS_URL(&p->redis.url),
        OPTION_POSTGRES_URL(&p->db.url),
        { "backlog", OPTION_NUMBER, true, "N", "50000",
          "events that wait to be stored, at most, per partition; with more "
          "of them sending is refused", &p->backlog, 1, UINT32_MAX },
        { "idle-timeout", OPTION_SECONDS, true, "TIME", "600",
          "conversations that nobody has used for so long leave Redis; less "
          "while it is short of memory", &p->idle_timeout, 5, 0 },
        OPTION_LOG_LEVEL(&level),
        OPTION_END
    };

    const options_t  options = {
        .usage = "chat-persist [OPTION]...",
        .help = "Stores what happens in conversations: from the logs in Redis "
                "into PostgreSQL.\nAny number of it may run; they share the "
                "partitions evenly.",
        .own = own,
        .common = common,
        .word = "PERSIST_"
    };

    rc = options_read(&options, argc, argv);

    if (rc != OPTIONS_OK) {
        return rc;
    }

    if (log_set_level(level) == -1) {
        fprintf(stderr, "chat-persist: unknown log level \"%s\"\n", level);
        return OPTIONS_ERROR;
    }

    if (redis_url_parse(&url, p->redis.url) == -1) {
        fprintf(stderr, "chat-persist: the URL of Redis is malformed\n");
        return OPTIONS_ERROR;
    }

    return OPTIONS_OK;
}


static int
teller_start(teller_t *teller, persist_t *p)
{
    status_t  *status = &teller->status;

    if (status->listen == NULL) {
        p->letters_count_at = UINT64_MAX;
        return 0;
    }

    status->program = "chat_persist";
    status->metrics = metrics_write;
    status->ready = metrics_ready;
    status->data = &p->metrics;

    if (status_start(status) == -1) {
        return -1;
    }

    if (watch_start(&teller->watch, &p->metrics, p->redis.url) == -1) {
        status_stop(status);
        return -1;
    }

    return 0;
}


static void
teller_stop(teller_t *teller)
{
    status_stop(&teller->status);
    watch_stop(&teller->watch);
}


/*
 * Keeps the leases even while Redis is away: they say who will take care of a
 * partition when it is back.
 */

static int
persist_turn(persist_t *p, batch_t *batch)
{
    if (db_open(&p->db) == -1 || lease_keep(p) == -1 || share_keep(p) == -1) {
        return -1;
    }

    if (redis_open(&p->redis) == -1) {
        return -1;
    }

    return persist_work(p, batch);
}


/* reads once, unless that was done while the last batch was stored; stores it,
   tells it, answers who waited for it */

static int
persist_work(persist_t *p, batch_t *batch)
{
    /* before a partition opens: nobody is served who must not be */

    if (revoke_keep(p) == -1 || open_held(p) == -1 || look_check(p) == -1) {
        return -1;
    }

    if (!source_is_next(p, batch)) {
        batch_reset(batch);
        metrics_turn(p);            /* it may wait */

        if (source_read(p, batch, persist_due(p)) == -1
            || need_mark(p) == -1)
        {
            return -1;
        }
    }

    if (persist_store(p, batch) == -1) {
        return -1;
    }

    /* otherwise Redis is told while the next batch is stored, at once */

    if ((p->needs != NULL || !source_is_next(p, batch))
        && look_tell_stored(p) == -1)
    {
        return -1;
    }

    if (need_answer(p) == -1 || marks_keep(p) == -1) {
        return -1;
    }

    if (letter_keep(p) == -1 || erase_keep(p) == -1) {
        return -1;
    }

    return idle_keep(p);
}


/* the batch becomes the next one */

static int
persist_store(persist_t *p, batch_t *batch)
{
    int             rc;
    batch_t         done = *batch;
    static batch_t  next;

    rc = store_batch(p, batch, &next);

    *batch = next;
    next = done;
    batch_reset(&next);

    return rc;
}


/* when the next turn has something to do, though nothing happens */

static uint64_t
persist_due(const persist_t *p)
{
    size_t    i;
    uint64_t  due = need_due(p);

    const uint64_t  times[] = {
        p->lease_at, p->marks_at, p->erase_at, p->versions_at, p->idle_at,
        p->letters_at, p->revoke_at
    };

    for (i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        due = times[i] < due ? times[i] : due;
    }

    return look_due(p, due);
}


/* until the link that is closed may be tried again, or a lease needs it */

static void
persist_pause(const persist_t *p)
{
    uint64_t  at;

    if (!db_is_open(&p->db)) {
        at = p->db.backoff.at;
    } else {
        at = p->redis.backoff.at < p->lease_at ? p->redis.backoff.at
                                               : p->lease_at;
    }

    (void) life_wait(-1, 0, at, true);
}


static void
persist_done(persist_t *p)
{
    unsigned  i;

    marks_store_last(p);
    share_leave(p);
    need_forget_all(p);
    past_forget(p);

    for (i = 0; i < p->npartitions; i++) {
        marks_forget(&p->parts[i]);
    }

    redis_args_done(&p->args);
    redis_close(&p->redis);
    db_close(&p->db);
}
