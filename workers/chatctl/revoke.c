/*
 * chatctl revoke: tokens that are good by themselves and are refused all the
 * same.  PostgreSQL keeps what is revoked, and numbers the changes; then Redis
 * is told, which tells the nodes.  If it cannot be, chat-persist will do that.
 */

#include "chatctl.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "chat_name.h"


#define PAUSE       50          /* ms between tries */
#define KEPT        (31 * 24 * 60 * 60)     /* s, if nothing else is said */
#define MAX_REASON  200         /* bytes */


typedef struct {
    db_t           db;
    redis_t        redis;
    redis_args_t   args;
    const char    *operands[2];
    const char    *kind;
    const char    *value;
    const char    *tenant;
    const char    *reason;
    uint64_t       seconds;     /* that it is kept; 0: not said */
    uint64_t       wait;        /* s, for Redis */
    bool           ban;
    bool           json;
} revoke_t;


static int revoke_main(const char *kind, const char *usage, const char *help,
    int argc, char **argv);
static options_rc_e revoke_read(revoke_t *r, const options_t *options,
    int argc, char **argv);
static int revoke_run(revoke_t *r, int (*run)(revoke_t *r));
static int revoke_check(const revoke_t *r);
static int revoke_set(revoke_t *r);
static int revoke_lift(revoke_t *r);
static int revoke_tell(revoke_t *r);
static int revoke_tell_redis(revoke_t *r, const PGresult *row,
    uint64_t *nodes);
static int revoke_try(revoke_t *r, const PGresult *row, uint64_t *nodes,
    char *why, size_t size);
static void revoke_print(const revoke_t *r, const PGresult *row,
    uint64_t nodes);

static PGresult *revoke_query(revoke_t *r, const char *sql,
    const db_params_t *ps);


#define REVOKE_TIME(column)                                                   \
    " CASE WHEN " column " <> 'infinity'"                                     \
    " THEN to_char(" column " AT TIME ZONE 'UTC',"                            \
    " 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') END"

static const char  sql_set[] =
    "SELECT chat.revocation_set($1, $2, $3,"
    " CASE WHEN $4 = 1 THEN 'infinity'::timestamptz"
    "      ELSE date_trunc('second', clock_timestamp()) END,"
    " CASE WHEN $5 = 0 THEN 'infinity'::timestamptz"
    "      ELSE clock_timestamp() + $5 * interval '1 second' END, $6)";

static const char  sql_lift[] =
    "SELECT chat.revocation_lift($1, $2, $3)";

/* what Redis is told, then what people are */

static const char  sql_row[] =
    "SELECT number,"
    " CASE WHEN lifted_at IS NOT NULL THEN '-'"
    "      WHEN before_at = 'infinity' THEN '*'"
    "      ELSE extract(epoch FROM before_at)::bigint::text END,"
    " CASE WHEN until_at = 'infinity' THEN ''"
    "      ELSE (extract(epoch FROM until_at) * 1000)::bigint::text END,"
    " format('%s \"%s\" of tenant \"%s\"%s', kind, value, tenant_id,"
    " CASE WHEN lifted_at IS NOT NULL THEN ' is not revoked any more'"
    " ELSE ' is revoked' || CASE WHEN kind <> 'user' THEN ''"
    " ELSE coalesce(': tokens issued up to ' || " REVOKE_TIME("before_at") ","
    " ': every token') END"
    " || coalesce(', until ' || " REVOKE_TIME("until_at") ","
    " ', until it is undone') END),"
    " json_build_object('tenantId', tenant_id, 'kind', kind, 'value', value,"
    " 'revoked', lifted_at IS NULL, 'before', " REVOKE_TIME("before_at") ","
    " 'until', " REVOKE_TIME("until_at") ")"
    " FROM chat.revocation"
    " WHERE tenant_id = $1 AND kind = $2 AND value = $3";


int
revoke_user_main(int argc, char **argv)
{
    return revoke_main("user", "chatctl revoke user USER [OPTION]...",
                       "Refuses the tokens of a user that were issued up to "
                       "now, or do not say when (iat), and\ncloses the "
                       "connections that were made with them.  Who signs in "
                       "again gets a good one.", argc, argv);
}


int
revoke_sid_main(int argc, char **argv)
{
    return revoke_main("sid", "chatctl revoke sid SID [OPTION]...",
                       "Refuses the tokens of one sign-in, those with this "
                       "sid, and closes the connections\nthat were made with "
                       "them.", argc, argv);
}


int
revoke_jti_main(int argc, char **argv)
{
    return revoke_main("jti", "chatctl revoke jti JTI [OPTION]...",
                       "Refuses the token with this jti, and closes the "
                       "connections that were made with it.", argc, argv);
}


static int
revoke_main(const char *kind, const char *usage, const char *help, int argc,
    char **argv)
{
    revoke_t      r = { .kind = kind };
    options_rc_e  rc;

    const option_t  own[] = {
        { "ban", OPTION_FLAG, false, NULL, NULL,
          "every token, those of later sign-ins too; until it is undone, or "
          "--for", &r.ban, 0, 0 },
        { "for", OPTION_SECONDS, false, "TIME", NULL,
          "how long it is kept; longer than any token lives (default: 31d)",
          &r.seconds, 60, 0 },
        { "reason", OPTION_TEXT, false, "TEXT", "",
          "for chatctl revoke list", &r.reason, 0, 0 },
        OPTION_END
    };

    const options_t  options = {
        .usage = usage,
        .help = help,
        .own = strcmp(kind, "user") == 0 ? own : own + 1,
        .noperands = 1
    };

    rc = revoke_read(&r, &options, argc, argv);

    if (rc != OPTIONS_OK) {
        return ctl_exit(rc);
    }

    r.value = r.operands[0];

    return revoke_run(&r, revoke_set);
}


int
revoke_undo_main(int argc, char **argv)
{
    revoke_t      r = { 0 };
    options_rc_e  rc;

    const options_t  options = {
        .usage = "chatctl revoke undo user|sid|jti VALUE [OPTION]...",
        .help = "Ends a revocation.  Connections that it has closed may come "
                "back.",
        .noperands = 2
    };

    rc = revoke_read(&r, &options, argc, argv);

    if (rc != OPTIONS_OK) {
        return ctl_exit(rc);
    }

    r.kind = r.operands[0];
    r.value = r.operands[1];

    return revoke_run(&r, revoke_lift);
}


static options_rc_e
revoke_read(revoke_t *r, const options_t *options, int argc, char **argv)
{
    options_t  o = *options;

    const option_t  common[] = {
        { "tenant", OPTION_TEXT, false, "ID", "default",
          "of which tenant", &r->tenant, 0, 0 },
        { "json", OPTION_FLAG, false, NULL, NULL,
          "print one JSON object", &r->json, 0, 0 },
        CTL_OPTION_WAIT(&r->wait),
        OPTION_REDIS_URL(&r->redis.url),
        OPTION_POSTGRES_URL(&r->db.url),
        OPTION_END
    };

    o.common = common;
    o.operands = r->operands;
    o.more = CHATCTL_EXITS;

    return options_read(&o, argc, argv);
}


static int
revoke_run(revoke_t *r, int (*run)(revoke_t *r))
{
    int  rc;

    if (revoke_check(r) == -1) {
        return EXIT_USAGE;
    }

    if (ctl_open_db(&r->db, 0) == -1) {
        return EXIT_UNAVAILABLE;
    }

    rc = run(r);

    if (rc == EXIT_OK) {
        rc = revoke_tell(r);
    }

    redis_args_done(&r->args);
    redis_close(&r->redis);
    db_close(&r->db);

    return ctl_flush() ? rc : EXIT_FAILED;
}


static int
revoke_check(const revoke_t *r)
{
    if (ctl_check_id("tenant", r->tenant) == -1) {
        return -1;
    }

    if (strcmp(r->kind, "user") == 0) {
        return ctl_check_id("user", r->value);
    }

    if (strcmp(r->kind, "sid") != 0 && strcmp(r->kind, "jti") != 0) {
        ctl_say("\"%s\" is none of user, sid, jti", r->kind);
        return -1;
    }

    if (!chat_name_valid_opaque(mem_cstr(r->value))) {
        ctl_say("%s \"%s\" is not 1 to 64 printable characters without blanks",
                r->kind, r->value);
        return -1;
    }

    if (r->reason != NULL && (strlen(r->reason) > MAX_REASON
                              || !chat_name_printable(mem_cstr(r->reason))))
    {
        ctl_say("the reason is not up to %d printable bytes", MAX_REASON);
        return -1;
    }

    return 0;
}


static int
revoke_set(revoke_t *r)
{
    bool          all;
    uint64_t      seconds;
    PGresult     *res;
    db_params_t   ps = { 0 };

    all = r->ban || strcmp(r->kind, "user") != 0;
    seconds = r->seconds == 0 && !r->ban ? KEPT : r->seconds;

    db_param_text(&ps, r->tenant);
    db_param_text(&ps, r->kind);
    db_param_text(&ps, r->value);
    db_param_uint(&ps, all);
    db_param_uint(&ps, seconds);
    db_param_text(&ps, r->reason);

    res = revoke_query(r, sql_set, &ps);

    if (res == NULL) {
        return db_is_open(&r->db) ? EXIT_FAILED : EXIT_UNAVAILABLE;
    }

    PQclear(res);

    return EXIT_OK;
}


static int
revoke_lift(revoke_t *r)
{
    int           rc = EXIT_OK;
    PGresult     *res;
    db_params_t   ps = { 0 };

    db_param_text(&ps, r->tenant);
    db_param_text(&ps, r->kind);
    db_param_text(&ps, r->value);

    res = revoke_query(r, sql_lift, &ps);

    if (res == NULL) {
        return db_is_open(&r->db) ? EXIT_FAILED : EXIT_UNAVAILABLE;
    }

    if (PQgetisnull(res, 0, 0)) {
        ctl_say("%s \"%s\" of tenant \"%s\" is not revoked", r->kind, r->value,
                r->tenant);
        rc = EXIT_NOT_FOUND;
    }

    PQclear(res);

    return rc;
}


/* what PostgreSQL says now: it may be another's change, which is as good */

static int
revoke_tell(revoke_t *r)
{
    int           rc;
    uint64_t      nodes;
    PGresult     *row;
    db_params_t   ps = { 0 };

    db_param_text(&ps, r->tenant);
    db_param_text(&ps, r->kind);
    db_param_text(&ps, r->value);

    row = revoke_query(r, sql_row, &ps);

    if (row == NULL) {
        return EXIT_UNAVAILABLE;
    }

    if (PQntuples(row) == 0) {          /* it has ended meanwhile */
        PQclear(row);
        return EXIT_OK;
    }

    rc = revoke_tell_redis(r, row, &nodes);

    if (rc == EXIT_OK) {
        revoke_print(r, row, nodes);
    }

    PQclear(row);

    return rc;
}


static int
revoke_tell_redis(revoke_t *r, const PGresult *row, uint64_t *nodes)
{
    char      why[300];
    uint64_t  until = life_now() + r->wait * 1000;

    r->redis.quiet = true;

    while (revoke_try(r, row, nodes, why, sizeof(why)) == -1) {

        if (life_now() > until) {
            ctl_say("Redis: %s", why);
            ctl_say("it is kept in PostgreSQL, but takes effect only when "
                    "chat-persist can tell Redis");
            return EXIT_UNAVAILABLE;
        }

        (void) life_wait(-1, 0, life_now() + PAUSE, false);
    }

    return EXIT_OK;
}


static int
revoke_try(revoke_t *r, const PGresult *row, uint64_t *nodes, char *why,
    size_t size)
{
    int          rc = -1;
    redisReply  *reply;

    if (redis_open(&r->redis) == -1) {
        (void) snprintf(why, size, "%s", r->redis.error);
        return -1;
    }

    redis_args_revoked(&r->args, "chat_v1_revoked_add");
    redis_args_add(&r->args, db_value(row, 0, 0));
    redis_args_text(&r->args, r->kind);
    redis_args_text(&r->args, r->tenant);
    redis_args_text(&r->args, r->value);
    redis_args_add(&r->args, db_value(row, 0, 1));
    redis_args_add(&r->args, db_value(row, 0, 2));

    reply = redis_call(&r->redis, &r->args);

    if (reply == NULL) {
        (void) snprintf(why, size, "%s", r->redis.error);
        return -1;
    }

    if (redis_answer(reply) == FCALL_OK) {
        *nodes = redis_number(reply, 1);
        rc = 0;

    } else {
        (void) snprintf(why, size, "%s", reply->type == REDIS_REPLY_ERROR
                                         ? reply->str : "unexpected answer");
    }

    freeReplyObject(reply);

    return rc;
}


static void
revoke_print(const revoke_t *r, const PGresult *row, uint64_t nodes)
{
    if (r->json) {
        printf("%s\n", PQgetvalue(row, 0, 4));
        return;
    }

    printf("%s; %" PRIu64 " nodes were told\n", PQgetvalue(row, 0, 3), nodes);
}


static PGresult *
revoke_query(revoke_t *r, const char *sql, const db_params_t *ps)
{
    PGresult  *res;

    res = db_query(&r->db, sql, ps);

    if (res == NULL) {
        ctl_say("PostgreSQL: %s", r->db.error);
    }

    return res;
}
