/*
 * The client ids that Redis remembers: each is that of the message that it is
 * said to be.  Otherwise a retry would be answered with another message, or
 * make a second one.  Those that it does not remember are at or below its
 * floor, so that it asks PostgreSQL.
 */

#include "verify_scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chat_id.h"
#include "number.h"


/* "c<user>/<client id>" and "<revision> <sequence> <message id> <time> <place>
   <id's time>" */

typedef struct {
    chat_str_t   user;
    chat_str_t   client_id;
    chat_str_t   message;
    uint64_t     sequence;
    stream_id_t  place;
} known_t;


static int ids_each(verify_t *v, const redisReply *fields, void *data);
static int ids_newest(verify_t *v);


int
verify_ids(verify_t *v)
{
    if (verify_scan(v, ":ids", "c*", ids_each, NULL) == -1) {
        return -1;
    }

    return v->row.deleted || v->before.gone ? 0 : ids_newest(v);
}


static bool
ids_word(chat_str_t *rest, chat_str_t *word)
{
    const uint8_t  *end;

    if (rest->len == 0) {
        return false;
    }

    end = memchr(rest->data, ' ', rest->len);
    word->data = rest->data;
    word->len = end != NULL ? (size_t) (end - rest->data) : rest->len;
    rest->data += word->len + (end != NULL);
    rest->len -= word->len + (end != NULL);

    return true;
}


/* whether it tells of a message that is stored */

static bool
ids_read(const verify_t *v, known_t *k, const redisReply *fields, size_t i)
{
    size_t          n;
    chat_str_t      name = redis_text(fields, i), words[5];
    chat_str_t      value = redis_text(fields, i + 1);
    const uint8_t  *slash;

    slash = memchr(name.data, '/', name.len);

    for (n = 0; n < 5; n++) {
        if (!ids_word(&value, &words[n])) {
            return false;                   /* "-<ms>": there is none */
        }
    }

    if (slash == NULL
        || number_parse(words[1], INT64_MAX, &k->sequence) == -1
        || stream_id_parse(&k->place, words[4]) == -1)
    {
        return false;
    }

    k->user.data = name.data + 1;
    k->user.len = (size_t) (slash - name.data) - 1;
    k->client_id.data = slash + 1;
    k->client_id.len = name.len - k->user.len - 2;
    k->message = words[2];

    return verify_is_stored(v, k->place);
}


static const char  sql_ids[] =
    "SELECT m.id, m.sequence, EXISTS (SELECT FROM chat.hole h"
    "   WHERE h.conversation_key = $2::uuid"
    "     AND h.message_id::text = e.message)"
    " FROM unnest($3::text[], $4::text[], $5::text[]) WITH ORDINALITY"
    "   AS e (user_id, client_id, message, n)"
    " LEFT JOIN chat.message m ON m.p = $1::smallint"
    "   AND m.conversation_key = $2::uuid AND m.sender_id = e.user_id"
    "   AND m.client_id = e.client_id"
    " ORDER BY e.n";

static void
ids_judge(verify_t *v, const known_t *k, const PGresult *res, int row)
{
    char        subject[160];
    chat_str_t  id = db_value(res, row, 0);

    if (id.len == k->message.len
        && memcmp(id.data, k->message.data, id.len) == 0
        && db_value_uint(res, row, 1) == k->sequence)
    {
        return;
    }

    if (id.len == 0 && PQgetvalue(res, row, 2)[0] == 't') {
        return;                             /* it went with a dead letter */
    }

    (void) snprintf(subject, sizeof(subject), "%.*s/%.*s", (int) k->user.len,
                    k->user.data, (int) k->client_id.len, k->client_id.data);
    findings_add(&v->findings, "client_id", subject,
                 "the client id %.*s of %.*s is that of message %.*s in "
                 "Redis, and of %s in PostgreSQL", (int) k->client_id.len,
                 k->client_id.data, (int) k->user.len, k->user.data,
                 (int) k->message.len, k->message.data,
                 id.len != 0 ? PQgetvalue(res, row, 0) : "none");
}


static int
ids_each(verify_t *v, const redisReply *fields, void *data)
{
    int           row = 0;
    size_t        i;
    known_t       k;
    PGresult     *res;
    db_array_t    users, ids, messages;
    db_params_t   ps = { 0 };

    (void) data;

    db_array_init(&users, DB_TEXT);
    db_array_init(&ids, DB_TEXT);
    db_array_init(&messages, DB_TEXT);

    for (i = 0; i + 1 < fields->elements; i += 2) {
        if (ids_read(v, &k, fields, i)) {
            db_array_str(&users, k.user);
            db_array_str(&ids, k.client_id);
            db_array_str(&messages, k.message);
        }
    }

    db_param_uint(&ps, v->p);
    db_param_text(&ps, v->row.key);
    db_param_array(&ps, &users);
    db_param_array(&ps, &ids);
    db_param_array(&ps, &messages);
    res = db_query(&v->db, sql_ids, &ps);

    db_array_done(&users);
    db_array_done(&ids);
    db_array_done(&messages);

    if (res == NULL) {
        return -1;
    }

    for (i = 0; i + 1 < fields->elements; i += 2) {
        if (ids_read(v, &k, fields, i)) {
            ids_judge(v, &k, res, row);
            row++;
        }
    }

    PQclear(res);

    return 0;
}


/* Of these nearly all are above the floor, unless they are remembered. */

static const char  sql_newest[] =
    "SELECT m.sender_id, m.client_id, m.sequence FROM chat.message m"
    " WHERE m.p = $1::smallint AND m.conversation_key = $2::uuid"
    "  AND m.client_id IS NOT NULL"
    " ORDER BY m.sequence DESC LIMIT 200";


static int
ids_send(verify_t *v, const PGresult *res)
{
    int   row;
    char  text[CHAT_NAME_MAX_BASE + 16];

    (void) snprintf(text, sizeof(text), "%s:ids", v->base);
    redis_args_reset(&v->args, "HMGET");
    redis_args_text(&v->args, text);

    for (row = 0; row < PQntuples(res); row++) {
        (void) snprintf(text, sizeof(text), "c%s/%s", PQgetvalue(res, row, 0),
                        PQgetvalue(res, row, 1));
        redis_args_text(&v->args, text);
    }

    if (redis_send(&v->redis, &v->args) == -1) {
        return -1;
    }

    /* after that: what is forgotten raises it */

    (void) snprintf(text, sizeof(text), "%s:meta", v->base);
    redis_args_reset(&v->args, "HMGET");
    redis_args_text(&v->args, text);
    redis_args_text(&v->args, "floor");
    redis_args_text(&v->args, "ahead");

    return redis_send(&v->redis, &v->args);
}


static uint64_t
ids_number(const redisReply *reply, size_t i)
{
    uint64_t  n;

    return number_parse(redis_text(reply, i), INT64_MAX, &n) == 0 ? n : 0;
}


/* whether Redis would take the id for one that was never there */

static bool
ids_is_new(chat_str_t client_id, const redisReply *meta)
{
    uint64_t  time, floor = ids_number(meta, 0);

    if (client_id.len != 0 && client_id.data[0] == ' ') {
        client_id.data++;           /* a node's own */
        client_id.len--;
    }

    return chat_id_time(client_id, &time) == CHAT_OK
           ? time > floor && time > ids_number(meta, 1) : floor == 0;
}


static void
ids_judge_newest(verify_t *v, const PGresult *res, const redisReply *ids,
    const redisReply *meta)
{
    int  row;

    for (row = 0; row < PQntuples(res) && row < (int) ids->elements; row++) {

        if (redis_text(ids, (size_t) row).len == 0
            && ids_is_new(db_value(res, row, 1), meta))
        {
            findings_add(&v->findings, "client_id_new",
                         PQgetvalue(res, row, 2),
                         "Redis takes the client id of message %s for a new "
                         "one: sent again, it would be there twice",
                         PQgetvalue(res, row, 2));
        }
    }
}


static int
ids_newest(verify_t *v)
{
    PGresult     *res;
    redisReply   *ids, *meta;
    db_params_t   ps = { 0 };

    db_param_uint(&ps, v->p);
    db_param_text(&ps, v->row.key);
    res = db_query(&v->db, sql_newest, &ps);

    if (res == NULL) {
        return -1;
    }

    if (PQntuples(res) == 0) {
        PQclear(res);
        return 0;
    }

    ids = ids_send(v, res) == 0 ? redis_reply(&v->redis, 0) : NULL;
    meta = ids != NULL ? redis_reply(&v->redis, 0) : NULL;

    if (meta != NULL && redis_text(meta, 0).len != 0) {
        ids_judge_newest(v, res, ids, meta);
    }

    freeReplyObject(ids);
    freeReplyObject(meta);
    PQclear(res);

    return meta != NULL ? 0 : -1;
}
