/*
 * Revocations.  PostgreSQL has them, Redis a copy that nodes read; chatctl adds
 * to both.  What Redis lacks, because chatctl could not reach it or because it
 * has lost something, is brought here, by any chat-persist that notices first:
 * changes are numbered, so it does no harm if several do.
 *
 * Redis keeps the number up to which it has all changes (mark).  It is a part
 * of what it may lose, so an older copy says itself what it lacks.  And it
 * keeps for which identity it was told that this is all: nodes believe a list
 * only if that is the Redis they see.
 */

#include "persist.h"

#include <string.h>

#include "log.h"
#include "number.h"


#define REVOKE_EVERY    500     /* ms between looks */
#define REVOKE_ROWS     500     /* changes in one call */
#define REVOKE_CALLS    20      /* in one turn */
#define REVOKE_EXPIRE   60000   /* ms between looks for what has ended */


static const char  sql_number[] =
    "SELECT number FROM chat.revocation_count";

/* the last number first: what is committed later than that is not seen */

static const char  sql_changes[] =
    "SELECT c.number, r.number, r.kind, r.tenant_id, r.value,"
    " CASE WHEN r.lifted_at IS NOT NULL THEN '-'"
    "      WHEN r.before_at = 'infinity' THEN '*'"
    "      ELSE extract(epoch FROM r.before_at)::bigint::text END,"
    " CASE WHEN r.until_at = 'infinity' THEN ''"
    "      ELSE (extract(epoch FROM r.until_at) * 1000)::bigint::text END"
    " FROM chat.revocation_count c"
    " LEFT JOIN LATERAL (SELECT * FROM chat.revocation t"
    "                     WHERE t.number > $1"
    "                     ORDER BY t.number LIMIT $2) r ON true"
    " ORDER BY r.number";

static const char  sql_expire[] =
    "SELECT chat.revocation_expire(1000)";


/* what Redis says of its copy */

typedef struct {
    uint64_t  mark;
    bool      confirmed;
} copy_t;


static int revoke_look(persist_t *p, copy_t *copy);
static int revoke_bring(persist_t *p, copy_t *copy);
static int revoke_reset(persist_t *p, copy_t *copy, uint64_t number);
static int revoke_expire(persist_t *p);
static int revoke_call(persist_t *p, redisReply **reply);
static PGresult *revoke_query(persist_t *p, const char *sql,
    const db_params_t *ps);


/* these return 1 to go on, 0 to leave it for now, -1 if a link is closed */

int
revoke_keep(persist_t *p)
{
    int       rc;
    copy_t    copy;
    unsigned  calls;

    if (p->revoke_link == p->redis.links && life_now() < p->revoke_at) {
        return 0;
    }

    p->revoke_link = p->redis.links;
    p->revoke_at = life_now() + REVOKE_EVERY;

    rc = revoke_look(p, &copy);

    for (calls = 0; rc == 1 && calls < REVOKE_CALLS; calls++) {
        rc = revoke_bring(p, &copy);
    }

    if (rc == 1) {
        p->revoke_at = life_now();      /* there is more */
    }

    if (rc == -1) {
        return -1;
    }

    return revoke_expire(p);
}


/* 1: something is to be done */

static int
revoke_look(persist_t *p, copy_t *copy)
{
    int          rc;
    uint64_t     number;
    PGresult    *res;
    redisReply  *reply;

    redis_args_revoked(&p->args, "chat_v1_revoked_check");
    redis_args_text(&p->args, p->redis.identity);

    rc = revoke_call(p, &reply);

    if (rc != 1) {
        return rc;
    }

    rc = number_parse(redis_text(reply, 1), INT64_MAX, &copy->mark);
    copy->confirmed = redis_number(reply, 2) == 1;
    freeReplyObject(reply);

    if (rc == -1) {
        return redis_fail(&p->redis, "revocations have a mark that is none");
    }

    res = revoke_query(p, sql_number, NULL);

    if (res == NULL) {
        return db_is_open(&p->db) ? 0 : -1;
    }

    number = db_value_uint(res, 0, 0);
    PQclear(res);

    if (copy->mark > number) {
        return revoke_reset(p, copy, number);
    }

    return copy->mark < number || !copy->confirmed;
}


/* PostgreSQL is not the one that Redis has copied, or went back */

static int
revoke_reset(persist_t *p, copy_t *copy, uint64_t number)
{
    int          rc;
    redisReply  *reply;

    log_warn("PostgreSQL knows less of revocations than Redis, which is to "
             "forget them", log_uint("redis", copy->mark),
             log_uint("postgres", number));

    redis_args_revoked(&p->args, "chat_v1_revoked_reset");

    rc = revoke_call(p, &reply);

    if (rc == 1) {
        freeReplyObject(reply);
        copy->mark = 0;
        copy->confirmed = false;
    }

    return rc;
}


/* some changes above the mark; 1: there are more */

static int
revoke_bring(persist_t *p, copy_t *copy)
{
    int           row, rows, rc, column;
    bool          last;
    uint64_t      to;
    PGresult     *res;
    redisReply   *reply;
    db_params_t   ps = { 0 };

    db_param_uint(&ps, copy->mark);
    db_param_uint(&ps, REVOKE_ROWS);

    res = revoke_query(p, sql_changes, &ps);

    if (res == NULL) {
        return db_is_open(&p->db) ? 0 : -1;
    }

    rows = PQntuples(res);
    last = rows < REVOKE_ROWS;
    to = db_value_uint(res, last ? 0 : rows - 1, last ? 0 : 1);

    if (rows == 1 && PQgetisnull(res, 0, 1)) {
        rows = 0;                       /* the join has found none */
    }

    redis_args_revoked(&p->args, "chat_v1_revoked_sync");
    redis_args_uint(&p->args, copy->mark);
    redis_args_uint(&p->args, to);
    redis_args_text(&p->args, last ? p->redis.identity : "");

    for (row = 0; row < rows; row++) {
        for (column = 1; column <= 6; column++) {
            redis_args_add(&p->args, db_value(res, row, column));
        }
    }

    PQclear(res);
    rc = revoke_call(p, &reply);

    if (rc != 1) {
        return rc;
    }

    freeReplyObject(reply);
    copy->mark = to;

    if (rows > 0 || last) {
        log_info("revocations were brought to Redis",
                 log_uint("changes", (uint64_t) rows), log_uint("mark", to));
    }

    return last ? 0 : 1;
}


/* rows of what has ended; Redis and nodes forget it by themselves */

static int
revoke_expire(persist_t *p)
{
    PGresult  *res;

    if (life_now() < p->revoke_expire_at) {
        return 0;
    }

    p->revoke_expire_at = life_now() + REVOKE_EXPIRE;

    res = revoke_query(p, sql_expire, NULL);

    if (res == NULL) {
        return db_is_open(&p->db) ? 0 : -1;
    }

    PQclear(res);

    return 0;
}


/* a call that is refused keeps nobody from storing messages: it is made again
   at the next look */

static int
revoke_call(persist_t *p, redisReply **reply)
{
    *reply = redis_call(&p->redis, &p->args);

    if (*reply == NULL) {
        return -1;
    }

    if (redis_answer(*reply) == FCALL_OK) {
        return 1;
    }

    log_err("revocations cannot be brought to Redis",
            log_str("error", (*reply)->type == REDIS_REPLY_ERROR
                             ? (*reply)->str : "unexpected answer"));
    freeReplyObject(*reply);

    return 0;
}


static PGresult *
revoke_query(persist_t *p, const char *sql, const db_params_t *ps)
{
    PGresult  *res;

    res = db_query(&p->db, sql, ps);

    if (res == NULL && db_is_open(&p->db)) {
        log_err("revocations cannot be read", log_str("error", p->db.error),
                log_str("sqlstate", p->db.sqlstate));
    }

    return res;
}
