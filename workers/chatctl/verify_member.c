/*
 * One member, as Redis and as PostgreSQL have it.
 *
 * Beside traffic a change may be under way, and at the next look another one of
 * the same kind.  So a difference is looked at by itself: PostgreSQL is read
 * first, with the place up to which it has the log; then the member, the log
 * behind that place, and last how much of the log Redis has let go.  If that is
 * no more than the place, all that was under way was seen.
 */

#include "verify_member.h"

#include <stdio.h>
#include <string.h>

#include "number.h"


#define MEMBER_TRIES    20      /* times, while the log goes on */
#define MEMBER_ENTRIES  1000    /* of the log that are looked at */


static PGresult *member_ask_stored(verify_t *v, chat_str_t user);
static int member_unchanged(verify_t *v, chat_str_t user, chat_str_t value);
static int member_under_way(verify_t *v, chat_str_t user, stream_id_t stored);
static bool member_is_of(const verify_t *v, const redisReply *fields,
    chat_str_t user);
static int member_is_trimmed(verify_t *v, stream_id_t stored);
static bool member_same(chat_str_t value, const PGresult *res, bool marks);
static redisReply *member_ask_hash(verify_t *v, const char *key,
    chat_str_t field);


int
verify_member_differs(verify_t *v, chat_str_t user, chat_str_t value,
    bool marks)
{
    int          rc, i;
    bool         same;
    PGresult    *res;
    stream_id_t  stored;

    for (i = 0; i < MEMBER_TRIES; i++) {
        res = member_ask_stored(v, user);

        if (res == NULL) {
            return -1;
        }

        same = PQntuples(res) != 1
               || stream_id_parse(&stored, db_value(res, 0, 0)) == -1
               || member_same(value, res, marks);
        PQclear(res);

        if (same) {
            return 0;
        }

        rc = member_unchanged(v, user, value);

        if (rc != 1) {
            return rc;
        }

        rc = member_under_way(v, user, stored);

        if (rc != 0) {
            return rc == 1 ? 0 : -1;
        }

        rc = member_is_trimmed(v, stored);

        if (rc != 1) {
            return rc == 0 ? 1 : -1;
        }
    }

    return 0;
}


/* "<role> <read> <delivered>[ <ms>]" */

int
verify_member_read(verify_member_t *m, chat_str_t text)
{
    size_t          i;
    chat_str_t      words[3];
    const uint8_t  *space, *end = text.data + text.len;

    for (i = 0; i < 3; i++) {
        space = text.len != 0 ? memchr(text.data, ' ', text.len) : NULL;
        words[i].data = text.data;
        words[i].len = space != NULL ? (size_t) (space - text.data) : text.len;
        text.data = space != NULL ? space + 1 : end;
        text.len = (size_t) (end - text.data);
    }

    m->role = words[0];

    if (m->role.len == 0
        || number_parse(words[1], INT64_MAX, &m->read) == -1
        || number_parse(words[2], INT64_MAX, &m->delivered) == -1)
    {
        return -1;
    }

    return 0;
}


bool
verify_member_is(const verify_member_t *m, const char *role)
{
    return m->role.len == strlen(role)
           && memcmp(m->role.data, role, m->role.len) == 0;
}


static const char  sql_member[] =
    "SELECT t.stored_id, u.role, u.last_read, u.last_delivered"
    " FROM chat.partition t LEFT JOIN chat.member u"
    "   ON u.conversation_key = $2::uuid AND u.user_id = $3"
    " WHERE t.p = $1::smallint";

static PGresult *
member_ask_stored(verify_t *v, chat_str_t user)
{
    char         id[CHAT_NAME_MAX_ID + 1];
    db_params_t  ps = { 0 };

    (void) snprintf(id, sizeof(id), "%.*s", (int) user.len, user.data);
    db_param_uint(&ps, v->p);
    db_param_text(&ps, v->row.key);
    db_param_text(&ps, id);

    return db_query(&v->db, sql_member, &ps);
}


static bool
member_same(chat_str_t value, const PGresult *res, bool marks)
{
    verify_member_t  m;

    if (value.len == 0) {
        return PQgetisnull(res, 0, 1);
    }

    if (verify_member_read(&m, value) == -1) {
        return false;
    }

    return verify_member_is(&m, PQgetvalue(res, 0, 1))
           && (!marks || (m.read == db_value_uint(res, 0, 2)
                          && m.delivered == db_value_uint(res, 0, 3)));
}


static int
member_unchanged(verify_t *v, chat_str_t user, chat_str_t value)
{
    int          rc;
    char         key[CHAT_NAME_MAX_BASE + 16];
    chat_str_t   now;
    redisReply  *reply;

    (void) snprintf(key, sizeof(key), "%s:members", v->base);
    reply = member_ask_hash(v, key, user);

    if (reply == NULL) {
        return -1;
    }

    now = redis_text(reply, 0);
    rc = now.len == value.len
         && (now.len == 0 || memcmp(now.data, value.data, now.len) == 0);
    freeReplyObject(reply);

    return rc;
}


/* whether the log has something of the user that is not stored; 1: yes */

static int
member_under_way(verify_t *v, chat_str_t user, stream_id_t stored)
{
    int          rc = 0;
    char         key[CHAT_NAME_MAX_BASE + 16], from[STREAM_ID_TEXT + 1] = "(";
    size_t       i;
    redisReply  *reply;

    (void) snprintf(key, sizeof(key), "%slog", v->prefix);
    (void) stream_id_print(stored, from + 1);
    redis_args_reset(&v->args, "XRANGE");
    redis_args_text(&v->args, key);
    redis_args_text(&v->args, from);
    redis_args_text(&v->args, "+");
    redis_args_text(&v->args, "COUNT");
    redis_args_uint(&v->args, MEMBER_ENTRIES);
    reply = redis_call(&v->redis, &v->args);

    if (reply == NULL) {
        return -1;
    }

    if (reply->type != REDIS_REPLY_ARRAY) {
        freeReplyObject(reply);
        return redis_fail(&v->redis, "unexpected answer to XRANGE");
    }

    for (i = 0; i < reply->elements && rc == 0; i++) {
        rc = member_is_of(v, reply->element[i]->element[1], user);
    }

    rc = rc || reply->elements == MEMBER_ENTRIES;
    freeReplyObject(reply);

    return rc;
}


/* an entry of the conversation that its user did, or that concerns it */

static bool
member_is_of(const verify_t *v, const redisReply *fields, chat_str_t user)
{
    char        name[2 * CHAT_NAME_MAX_ID + 2];
    size_t      i;
    chat_str_t  text, conversation = redis_field(fields, 'c');

    (void) snprintf(name, sizeof(name), "%s/%s", v->tenant, v->id);

    if (conversation.len != strlen(name)
        || memcmp(conversation.data, name, conversation.len) != 0)
    {
        return false;
    }

    text = redis_field(fields, 'k');

    if (text.len == strlen("create")
        && memcmp(text.data, "create", text.len) == 0)
    {
        return true;
    }

    for (i = 0; i < 2; i++) {
        text = redis_field(fields, "ug"[i]);

        if (text.data != NULL && text.len == user.len
            && memcmp(text.data, user.data, user.len) == 0)
        {
            return true;
        }
    }

    return false;
}


/* whether Redis has let go of more of the log than that */

static int
member_is_trimmed(verify_t *v, stream_id_t stored)
{
    int          rc;
    char         key[CHAT_NAME_MAX_BASE + 16];
    redisReply  *reply;
    stream_id_t  gone;

    (void) snprintf(key, sizeof(key), "%spart", v->prefix);
    reply = member_ask_hash(v, key, chat_str("stored"));

    if (reply == NULL) {
        return -1;
    }

    rc = stream_id_parse(&gone, redis_text(reply, 0)) == -1
         || stream_id_compare(gone, stored) > 0;
    freeReplyObject(reply);

    return rc;
}


static redisReply *
member_ask_hash(verify_t *v, const char *key, chat_str_t field)
{
    redis_args_reset(&v->args, "HMGET");
    redis_args_text(&v->args, key);
    redis_args_add(&v->args, field);

    return redis_call(&v->redis, &v->args);
}
