/*
 * Members and their marks, as Redis and as PostgreSQL have them.
 *
 * PostgreSQL is read after Redis, so a mark that Redis had, and that did not
 * wait to be stored, is there.  What differs all the same may be under way: it
 * is looked at by itself.
 */

#include "verify_member.h"
#include "verify_scan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>


typedef struct {
    db_array_t  users;          /* all that Redis has */
    uint64_t    owners;
} members_t;


static int members_each(verify_t *v, const redisReply *fields, void *data);
static redisReply *members_ask_marks(verify_t *v, const redisReply *fields);
static PGresult *members_ask_stored(verify_t *v, const redisReply *fields);
static int members_judge(verify_t *v, const redisReply *fields, size_t i,
    bool waits, const PGresult *res);
static int members_missing(verify_t *v, const members_t *m);


int
verify_members(verify_t *v)
{
    int        rc;
    members_t  m = { .owners = 0 };

    if (v->row.deleted || v->before.gone) {
        return 0;
    }

    db_array_init(&m.users, DB_TEXT);
    rc = verify_scan(v, ":members", "*", members_each, &m);

    if (rc == 0) {
        rc = members_missing(v, &m);
    }

    db_array_done(&m.users);

    if (rc == 0 && verify_read_redis(v, &v->after, false) == 0
        && stream_id_compare(v->before.last, v->after.last) == 0
        && m.owners != v->before.owners)
    {
        findings_add(&v->findings, "owners", "",
                     "there are %" PRIu64 " owners, but Redis counts %" PRIu64,
                     m.owners, v->before.owners);
    }

    return rc;
}


static int
members_each(verify_t *v, const redisReply *fields, void *data)
{
    int              rc = 0;
    size_t           i;
    PGresult        *res;
    members_t       *m = data;
    redisReply      *marks;
    verify_member_t  member;

    marks = members_ask_marks(v, fields);

    if (marks == NULL) {
        return -1;
    }

    res = members_ask_stored(v, fields);

    for (i = 0; res != NULL && rc == 0 && i + 1 < fields->elements; i += 2) {
        db_array_str(&m->users, redis_text(fields, i));
        m->owners += verify_member_read(&member, redis_text(fields, i + 1)) == 0
                     && verify_member_is(&member, "owner");

        rc = members_judge(v, fields, i, redis_text(marks, i / 2).len != 0,
                           res);
    }

    freeReplyObject(marks);
    PQclear(res);

    return res != NULL ? rc : -1;
}


/* the marks that wait to be stored */

static redisReply *
members_ask_marks(verify_t *v, const redisReply *fields)
{
    char         text[CHAT_NAME_MAX_ID + 64];
    size_t       i;
    chat_str_t   user;
    redisReply  *reply;

    (void) snprintf(text, sizeof(text), "%smarks", v->prefix);
    redis_args_reset(&v->args, "HMGET");
    redis_args_text(&v->args, text);

    for (i = 0; i + 1 < fields->elements; i += 2) {
        user = redis_text(fields, i);
        (void) snprintf(text, sizeof(text), "%s %.*s", v->before.key,
                        (int) user.len, user.data);
        redis_args_text(&v->args, text);
    }

    reply = redis_call(&v->redis, &v->args);

    if (reply != NULL && reply->type == REDIS_REPLY_ERROR) {
        (void) redis_fail(&v->redis, reply->str);
        freeReplyObject(reply);
        return NULL;
    }

    return reply;
}


static const char  sql_members[] =
    "SELECT u.role, u.last_read, u.last_delivered"
    " FROM unnest($2::text[]) WITH ORDINALITY AS e (user_id, n)"
    " LEFT JOIN chat.member u ON u.conversation_key = $1::uuid"
    "   AND u.user_id = e.user_id"
    " ORDER BY e.n";

static PGresult *
members_ask_stored(verify_t *v, const redisReply *fields)
{
    size_t        i;
    PGresult     *res;
    db_array_t    users;
    db_params_t   ps = { 0 };

    db_array_init(&users, DB_TEXT);

    for (i = 0; i + 1 < fields->elements; i += 2) {
        db_array_str(&users, redis_text(fields, i));
    }

    db_param_text(&ps, v->row.key);
    db_param_array(&ps, &users);
    res = db_query(&v->db, sql_members, &ps);
    db_array_done(&users);

    return res;
}


static int
members_judge(verify_t *v, const redisReply *fields, size_t i, bool waits,
    const PGresult *res)
{
    int              rc, row = (int) i / 2;
    bool             role;
    char             subject[2 * CHAT_NAME_MAX_ID];
    chat_str_t       user = redis_text(fields, i);
    verify_member_t  redis, stored;

    if (verify_member_read(&redis, redis_text(fields, i + 1)) == -1) {
        (void) snprintf(subject, sizeof(subject), "%.*s", (int) user.len,
                        user.data);
        findings_add(&v->findings, "member_read", subject,
                     "what Redis has of the member %s cannot be read",
                     subject);
        return 0;
    }

    stored.role = db_value(res, row, 0);
    stored.read = db_value_uint(res, row, 1);
    stored.delivered = db_value_uint(res, row, 2);

    role = redis.role.len == stored.role.len
           && memcmp(redis.role.data, stored.role.data, stored.role.len) == 0;

    /* who is blocked has no use for marks, and they are not kept the same */

    if (role && (waits || verify_member_is(&redis, "blocked")
                 || (redis.read == stored.read
                     && redis.delivered == stored.delivered)))
    {
        return 0;
    }

    rc = verify_member_differs(v, user, redis_text(fields, i + 1), role);

    if (rc != 1) {
        return rc;
    }

    (void) snprintf(subject, sizeof(subject), "%.*s %.*s %.*s",
                    (int) user.len, user.data, (int) redis.role.len,
                    redis.role.data, (int) stored.role.len,
                    stored.role.data);

    if (!role) {
        findings_add(&v->findings, "member_role", subject,
                     "%.*s is %.*s in Redis, and %.*s in PostgreSQL",
                     (int) user.len, user.data, (int) redis.role.len,
                     redis.role.data,
                     stored.role.len != 0 ? (int) stored.role.len : 9,
                     stored.role.len != 0 ? (const char *) stored.role.data
                                          : "no member");
    } else {
        findings_add(&v->findings, "member_mark", subject,
                     "%.*s has read %" PRIu64 " and got %" PRIu64 " in Redis, "
                     "%" PRIu64 " and %" PRIu64 " in PostgreSQL, and nothing "
                     "waits to be stored", (int) user.len, user.data,
                     redis.read, redis.delivered, stored.read,
                     stored.delivered);
    }

    findings_mark_waiting(&v->findings);

    return 0;
}


static const char  sql_missing[] =
    "SELECT u.user_id, u.role FROM chat.member u"
    " WHERE u.conversation_key = $1::uuid AND u.role IS NOT NULL"
    "  AND NOT EXISTS (SELECT FROM unnest($2::text[]) AS e (user_id)"
    "                   WHERE e.user_id = u.user_id)"
    " LIMIT 20";

static int
members_missing(verify_t *v, const members_t *m)
{
    int           rc = 0, row;
    PGresult     *res;
    chat_str_t    user;
    db_params_t   ps = { 0 };

    db_param_text(&ps, v->row.key);
    db_param_array(&ps, &m->users);
    res = db_query(&v->db, sql_missing, &ps);

    if (res == NULL) {
        return -1;
    }

    for (row = 0; row < PQntuples(res) && rc != -1; row++) {
        user = db_value(res, row, 0);
        rc = verify_member_differs(v, user, chat_str(""), false);

        if (rc == 1) {
            findings_add(&v->findings, "member_missing",
                         PQgetvalue(res, row, 0),
                         "%s is %s in PostgreSQL, and no member in Redis",
                         PQgetvalue(res, row, 0), PQgetvalue(res, row, 1));
            findings_mark_waiting(&v->findings);
        }
    }

    PQclear(res);

    return rc == -1 ? -1 : 0;
}
