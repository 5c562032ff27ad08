/*
 * How many of the partitions are ours, where several programs share them.
 *
 * Each of them writes its row of chat.holder with every renewal of its leases;
 * that tells all of them who there is, and the place of a name among these how
 * many partitions it should hold.  Nobody takes more, and who has more gives
 * some away: between two turns, when all that was read of them is stored.
 *
 * One that reaches PostgreSQL but not Redis can do nothing for its partitions.
 * After a moment it is not counted any more.  A moment later, when those who
 * are in the same state are not counted either, it gives all of them away if
 * anybody is left.
 *
 * What was given away is told through Redis (the stream `chat:handover`), so
 * that nobody has to wait for the next look.
 */

#include "share.h"

#include "log.h"


#define SHARE_GRACE  2000       /* ms without Redis: not counted */
#define SHARE_GIVE   3500       /*   gives away */


static const char  sql_sweep[] =
    "DELETE FROM chat.holder WHERE name IN"
    " (SELECT name FROM chat.holder"
    "   WHERE (alive_until < clock_timestamp()"
    "          OR alive_until > clock_timestamp()"
    "                           + 2 * $2 * interval '1 millisecond')"
    "   AND name <> $1 FOR UPDATE SKIP LOCKED)";

static const char  sql_alive[] =
    "INSERT INTO chat.holder (name, alive_until) VALUES"
    " ($1, clock_timestamp() + $2 * interval '1 millisecond')"
    " ON CONFLICT (name) DO UPDATE SET alive_until = excluded.alive_until";

static const char  sql_release[] =
    "UPDATE chat.partition SET holder = NULL, lease_until = NULL"
    " WHERE holder = $1 AND p = ANY ($2::smallint[])";

static const char  sql_leave[] =
    "WITH gone AS (DELETE FROM chat.holder WHERE name = $1)"
    " UPDATE chat.partition SET holder = NULL, lease_until = NULL"
    " WHERE holder = $1";


static int share_release(persist_t *p, part_t **parts, size_t n);
static int share_tell(persist_t *p);


/* whether Redis has been there within so many milliseconds */

static bool
share_has_redis(const persist_t *p, uint64_t within)
{
    return redis_is_open(&p->redis)
           || life_now() - p->redis.closed_at < within;
}


int
share_send_sweep(persist_t *p)
{
    db_params_t  ps = { 0 };

    db_param_text(&ps, p->holder);
    db_param_uint(&ps, PERSIST_LEASE);

    return db_send(&p->db, sql_sweep, &ps);
}


int
share_send_alive(persist_t *p)
{
    db_params_t  ps = { 0 };

    db_param_text(&ps, p->holder);
    db_param_uint(&ps, share_has_redis(p, SHARE_GRACE) ? PERSIST_LEASE : 0);

    return db_send(&p->db, sql_alive, &ps);
}


int
share_send_ask(persist_t *p)
{
    db_params_t  ps = { 0 };

    db_param_text(&ps, p->holder);

    return db_send(&p->db, "SELECT chat.partition_share($1)", &ps);
}


/* one that is stopped stays ours: another would stumble over the same */

static size_t
share_choose(persist_t *p, part_t *parts[CHAT_ID_MAX_PARTITIONS])
{
    size_t   held = 0, n = 0;
    part_t  *part;

    for (part = p->parts; part < p->parts + p->npartitions; part++) {
        held += part->state != PART_FREE;
    }

    for (part = p->parts + p->npartitions; part > p->parts; ) {
        part--;

        if (held - n > p->share && (part->state == PART_OPEN
                                    || part->state == PART_HELD))
        {
            parts[n] = part;
            n++;
        }
    }

    return n;
}


int
share_keep(persist_t *p)
{
    size_t   n;
    part_t  *parts[CHAT_ID_MAX_PARTITIONS];

    if (!redis_is_open(&p->redis) && share_has_redis(p, SHARE_GIVE)) {
        return 0;
    }

    n = share_choose(p, parts);

    return n != 0 ? share_release(p, parts, n) : 0;
}


static PGresult *
share_query_release(persist_t *p, part_t **parts, size_t n)
{
    size_t        i;
    PGresult     *res;
    db_array_t    a;
    db_params_t   ps = { 0 };

    db_array_init(&a, DB_INT2);

    for (i = 0; i < n; i++) {
        db_array_int2(&a, parts[i]->p);
    }

    db_param_text(&ps, p->holder);
    db_param_array(&ps, &a);
    res = db_query(&p->db, sql_release, &ps);
    db_array_done(&a);

    return res;
}


/* whoever gets them has nothing to tell that we know of already */

static int
share_release(persist_t *p, part_t **parts, size_t n)
{
    size_t     i;
    PGresult  *res;

    if (redis_is_open(&p->redis) && look_tell_all_stored(p) == -1) {
        return -1;
    }

    res = share_query_release(p, parts, n);

    if (res == NULL) {
        return db_drop(&p->db);
    }

    PQclear(res);

    for (i = 0; i < n; i++) {
        parts[i]->state = PART_FREE;
        log_notice("partition is given away",
                   log_uint("partition", parts[i]->p));
    }

    return redis_is_open(&p->redis) ? share_tell(p) : 0;
}


/* others look for what became free; a few entries are enough for that */

static int
share_tell(persist_t *p)
{
    redisReply  *reply;

    redis_args_reset(&p->args, "XADD");
    redis_args_text(&p->args, SHARE_STREAM);
    redis_args_text(&p->args, "MAXLEN");
    redis_args_text(&p->args, "8");
    redis_args_text(&p->args, "*");
    redis_args_text(&p->args, "h");
    redis_args_text(&p->args, p->holder);

    reply = redis_call(&p->redis, &p->args);

    if (reply == NULL) {
        return -1;
    }

    /* without memory, for example: then they find it by themselves */

    if (reply->type == REDIS_REPLY_ERROR) {
        log_info("others are not told", log_str("error", reply->str));
    }

    freeReplyObject(reply);

    return 0;
}


int
share_take(persist_t *p, const redisReply *entries)
{
    chat_str_t  id;

    if (entries->elements == 0) {
        return 0;
    }

    id = redis_text(entries->element[entries->elements - 1], 0);

    if (stream_id_parse(&p->handover, id) == -1) {
        return redis_fail(&p->redis, "unexpected answer to XREAD");
    }

    p->lease_at = 0;

    return 0;
}


void
share_leave(persist_t *p)
{
    PGresult     *res;
    db_params_t   ps = { 0 };

    if (!db_is_open(&p->db)) {
        return;         /* they become free when the lease ends */
    }

    db_param_text(&ps, p->holder);
    res = db_query(&p->db, sql_leave, &ps);

    if (res == NULL) {
        log_warn("partitions are not released", log_str("error", p->db.error));
        return;
    }

    PQclear(res);

    if (redis_is_open(&p->redis)) {
        (void) share_tell(p);       /* or they find it by themselves */
    }
}
