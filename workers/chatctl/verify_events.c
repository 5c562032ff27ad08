/*
 * Events in the hot history, one by one: what is stored of each, or, if it is
 * not stored yet, whether it is in the log.
 *
 * PostgreSQL keeps the latest state of things.  So the event is the one that is
 * stored, byte for byte, or something later was; nothing earlier, unless it is
 * a known hole: it went with a dead letter.
 */

#include "verify.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stored.h"


#define EVENTS_STEP  256        /* compared at once */
#define EVENTS_LOG   1000       /* looked for in the log, at most */


static int events_messages(verify_t *v, const verify_event_t *list, size_t n);
static void events_message(verify_t *v, const verify_event_t *e,
    const PGresult *res, int row);
static int events_reactions(verify_t *v, const verify_event_t *list, size_t n);
static void events_reaction(verify_t *v, const verify_event_t *e,
    const PGresult *res, int row);
static int events_log(verify_t *v);


int
verify_events(verify_t *v)
{
    size_t                 i, n;
    const verify_redis_t  *r = &v->before;

    for (i = 0; i < r->n; i += n) {
        n = r->n - i < EVENTS_STEP ? r->n - i : EVENTS_STEP;

        if (events_messages(v, r->events + i, n) == -1
            || events_reactions(v, r->events + i, n) == -1)
        {
            return -1;
        }
    }

    return events_log(v);
}


static void
events_complain(verify_t *v, const verify_event_t *e, const char *what)
{
    char  subject[32];

    (void) snprintf(subject, sizeof(subject), "%" PRIu64, e->revision);
    findings_add(&v->findings, "event", subject,
                 "the event of revision %" PRIu64 " (message %" PRIu64 "): %s",
                 e->revision, e->sequence, what);
}


/* whether the event is to be found in PostgreSQL */

static bool
events_has(const verify_t *v, const verify_event_t *e, const char *kinds)
{
    return e->kind != 0 && strchr(kinds, e->kind) != NULL
           && verify_is_stored(v, e->place);
}


/* Messages ---------------------------------------------------------------- */

/* by sequence, which every event of a message tells */

static const char  sql_messages[] =
    "SELECT " STORED_COLUMNS ", coalesce(m.created_revision, m.revision),"
    " (SELECT max(h.revision) FROM chat.hole h"
    "   WHERE h.conversation_key = $2::uuid"
    "     AND (h.sequence = e.sequence OR h.message_id = m.id))"
    " FROM unnest($3::bigint[]) WITH ORDINALITY AS e (sequence, n)"
    " LEFT JOIN chat.message m ON m.p = $1::smallint"
    "   AND m.conversation_key = $2::uuid AND m.sequence = e.sequence"
    " ORDER BY e.n";

static int
events_messages(verify_t *v, const verify_event_t *list, size_t n)
{
    int           row = 0;
    size_t        i;
    PGresult     *res;
    db_array_t    sequences;
    db_params_t   ps = { 0 };

    db_array_init(&sequences, DB_INT8);

    for (i = 0; i < n; i++) {
        if (events_has(v, &list[i], "cud")) {
            db_array_int8(&sequences, list[i].sequence);
        }
    }

    if (sequences.n == 0) {
        db_array_done(&sequences);
        return 0;
    }

    db_param_uint(&ps, v->p);
    db_param_text(&ps, v->row.key);
    db_param_array(&ps, &sequences);
    res = db_query(&v->db, sql_messages, &ps);
    db_array_done(&sequences);

    if (res == NULL) {
        return -1;
    }

    for (i = 0; i < n; i++) {
        if (events_has(v, &list[i], "cud")) {
            events_message(v, &list[i], res, row);
            row++;
        }
    }

    PQclear(res);

    return 0;
}


/* the whole event, as PostgreSQL would tell it */

static void
events_write(chat_writer_t *w, const stored_t *m)
{
    chat_event_deleted_t  deleted;

    if (m->deleted == 0) {
        chat_event_message(w, &m->message, m->sequence, m->revision);
        return;
    }

    deleted.id = m->message.id;
    deleted.conversation = m->message.conversation;
    deleted.deleted_by = m->deleted_by;
    deleted.time = m->deleted;

    chat_event_deleted(w, &deleted, m->sequence, m->revision);
}


static bool
events_same(const stored_t *m, chat_str_t event)
{
    bool           same;
    mem_buf_t      text = { 0 };
    chat_writer_t  w;

    chat_writer_init(&w, NULL, 0);
    events_write(&w, m);

    chat_writer_init(&w, mem_buf_room(&text, w.len), w.len);
    events_write(&w, m);

    same = text.len == event.len
           && memcmp(text.data, event.data, text.len) == 0;
    mem_buf_done(&text);

    return same;
}


static void
events_message(verify_t *v, const verify_event_t *e, const PGresult *res,
    int row)
{
    stored_t  m = { .nreactors = 0 };
    uint64_t  hole = db_value_uint(res, row, STORED_NCOLUMNS + 1);

    if (PQgetisnull(res, row, 0)) {

        if (hole == 0) {
            events_complain(v, e, "PostgreSQL does not have the message, "
                            "though all up to there is stored");
        }

        return;
    }

    stored_read(&m, v->id, res, row);

    if (e->kind == 'c'
        && db_value_uint(res, row, STORED_NCOLUMNS) != e->revision)
    {
        events_complain(v, e, "in PostgreSQL the message was made at another "
                        "revision");

    } else if (m.revision < e->revision && hole < e->revision) {
        events_complain(v, e, "the change is not in PostgreSQL, though all "
                        "up to there is stored");

    } else if (m.revision == e->revision && !events_same(&m, e->event)) {
        events_complain(v, e, "PostgreSQL has it with other words than "
                        "Redis");
    }

    stored_done(&m);
}


/* Reactions --------------------------------------------------------------- */

typedef struct {
    bool        removed;
    chat_str_t  message;
    chat_str_t  user;
    chat_str_t  emoji;
} reaction_t;


/* "+" or "-", message id, user, emoji; -1: it is not that */

static int
events_split(reaction_t *r, chat_str_t more)
{
    size_t          i;
    const uint8_t  *space, *end = more.data + more.len;
    chat_str_t      part[3];

    for (i = 0; i < 3; i++) {
        space = more.len != 0 ? memchr(more.data, ' ', more.len) : NULL;

        if (space == NULL) {
            return -1;
        }

        part[i].data = more.data;
        part[i].len = (size_t) (space - more.data);
        more.data = space + 1;
        more.len = (size_t) (end - more.data);
    }

    r->removed = part[0].len == 1 && part[0].data[0] == '-';
    r->message = part[1];
    r->user = part[2];
    r->emoji = more;

    return 0;
}


/* a reaction that is not there went with its message */

static const char  sql_reactions[] =
    "SELECT r.revision, r.removed,"
    " CASE WHEN m.deleted_at IS NOT NULL THEN m.revision END,"
    " (SELECT max(h.revision) FROM chat.hole h"
    "   WHERE h.conversation_key = $2::uuid"
    "     AND h.message_id = e.message_id::uuid)"
    " FROM unnest($3::text[], $4::text[], $5::text[]) WITH ORDINALITY"
    "   AS e (message_id, user_id, emoji, n)"
    " LEFT JOIN chat.reaction r ON r.p = $1::smallint"
    "   AND r.conversation_key = $2::uuid AND r.message_id = e.message_id::uuid"
    "   AND r.user_id = e.user_id AND r.emoji = e.emoji"
    " LEFT JOIN chat.message m ON m.p = $1::smallint"
    "   AND m.id = e.message_id::uuid AND m.conversation_key = $2::uuid"
    " ORDER BY e.n";

static int
events_reactions(verify_t *v, const verify_event_t *list, size_t n)
{
    int           row = 0;
    size_t        i, k;
    PGresult     *res;
    db_array_t    a[3];
    reaction_t    r;
    db_params_t   ps = { 0 };

    db_param_uint(&ps, v->p);
    db_param_text(&ps, v->row.key);

    for (k = 0; k < 3; k++) {
        db_array_init(&a[k], DB_TEXT);
    }

    for (i = 0; i < n; i++) {
        if (events_has(v, &list[i], "r")
            && events_split(&r, list[i].more) == 0)
        {
            db_array_str(&a[0], r.message);
            db_array_str(&a[1], r.user);
            db_array_str(&a[2], r.emoji);
        }
    }

    for (k = 0; k < 3; k++) {
        db_param_array(&ps, &a[k]);
    }

    res = db_query(&v->db, sql_reactions, &ps);

    for (k = 0; k < 3; k++) {
        db_array_done(&a[k]);
    }

    if (res == NULL) {
        return -1;
    }

    for (i = 0; i < n; i++) {
        if (events_has(v, &list[i], "r")
            && events_split(&r, list[i].more) == 0)
        {
            events_reaction(v, &list[i], res, row);
            row++;
        }
    }

    PQclear(res);

    return 0;
}


static void
events_reaction(verify_t *v, const verify_event_t *e, const PGresult *res,
    int row)
{
    bool        removed;
    uint64_t    revision;
    reaction_t  r;

    if (db_value_uint(res, row, 3) >= e->revision) {
        return;
    }

    if (PQgetisnull(res, row, 0)) {

        if (db_value_uint(res, row, 2) < e->revision) {
            events_complain(v, e, "PostgreSQL does not have the reaction, "
                            "though all up to there is stored");
        }

        return;
    }

    (void) events_split(&r, e->more);       /* it was asked for by these */
    revision = db_value_uint(res, row, 0);
    removed = PQgetvalue(res, row, 1)[0] == 't';

    if (revision < e->revision
        || (revision == e->revision && removed != r.removed))
    {
        events_complain(v, e, "the reaction is not so in PostgreSQL, though "
                        "all up to there is stored");
    }
}


/* The log ----------------------------------------------------------------- */

/* those that are not stored, the oldest first */

static int
events_ask_log(verify_t *v, size_t *first, size_t *n)
{
    char    key[CHAT_NAME_PREFIX_LEN + 8], id[STREAM_ID_TEXT];
    size_t  i;

    (void) snprintf(key, sizeof(key), "%slog", v->prefix);

    for (i = 0; i < v->before.n; i++) {
        if (!verify_is_stored(v, v->before.events[i].place)) {
            break;
        }
    }

    *first = i;

    for (*n = 0; i < v->before.n && *n < EVENTS_LOG; i++, (*n)++) {
        (void) stream_id_print(v->before.events[i].place, id);

        redis_args_reset(&v->args, "XRANGE");
        redis_args_text(&v->args, key);
        redis_args_text(&v->args, id);
        redis_args_text(&v->args, id);

        if (redis_send(&v->redis, &v->args) == -1) {
            return -1;
        }
    }

    return 0;
}


static bool
events_is_entry(const verify_t *v, const verify_event_t *e,
    const redisReply *reply)
{
    char               revision[24];
    chat_str_t         key, text;
    const redisReply  *fields;

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 1) {
        return false;
    }

    fields = reply->element[0]->element[1];
    text = redis_field(fields, 'r');
    key = redis_field(fields, 'v');
    (void) snprintf(revision, sizeof(revision), "%" PRIu64, e->revision);

    return text.len == strlen(revision)
           && memcmp(text.data, revision, text.len) == 0
           && key.len == strlen(v->before.key)
           && memcmp(key.data, v->before.key, key.len) == 0;
}


/* What was stored meanwhile may have left the log. */

static int
events_log(verify_t *v)
{
    size_t       i, first, n;
    redisReply  *reply;

    if (events_ask_log(v, &first, &n) == -1) {
        return -1;
    }

    for (i = first; i < first + n; i++) {
        reply = redis_reply(&v->redis, 0);

        if (reply == NULL) {
            return -1;
        }

        if (!events_is_entry(v, &v->before.events[i], reply)) {
            v->before.events[i].kind = 0;       /* judged below */
        }

        freeReplyObject(reply);
    }

    if (verify_read_redis(v, &v->after, false) == -1) {
        return -1;
    }

    for (i = first; i < first + n; i++) {
        if (v->before.events[i].kind == 0
            && stream_id_compare(v->before.events[i].place, v->after.stored)
               > 0)
        {
            events_complain(v, &v->before.events[i], "it is not in the log, "
                            "nor stored: it will be lost");
        }
    }

    return 0;
}
