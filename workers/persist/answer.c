/*
 * Answers to needs.  Each is made of the result of one statement, hence of one
 * snapshot: a position and what belongs to it.
 */

#include "need.h"

#include <string.h>

#include "entry.h"
#include "list.h"
#include "range.h"
#include "shared.h"
#include "stored.h"


static void answer_make_load(persist_t *p, const need_t *need,
    const PGresult *res);
static void answer_make_fact(persist_t *p, const need_t *need,
    const PGresult *res);
static void answer_make_message(persist_t *p, const need_t *need,
    const PGresult *res);


/* $1 tenant, $2 conversation */

static const char  sql_conversation[] =
    "SELECT c.deleted_at IS NOT NULL, c.type, c.conversation_key,"
    " c.last_sequence, c.revision,"
    " (SELECT string_agg(g.generation || ':' || g.last_revision || ',', ''"
    "         ORDER BY g.generation)"
    "    FROM chat.conversation_generation g"
    "   WHERE g.conversation_key = c.conversation_key),"
    " c.name, c.created_by, " STORED_MS("c.created_at") ","
    " greatest(c.client_time, c.client_other::integer), c.client_time_ahead,"
    " c.description, c.read_only::integer, c.slow_mode,"
    " (SELECT string_agg(m.user_id || ' ' || m.role || ' ' || m.last_read"
    "         || ' ' || m.last_delivered, E'\\n')"
    "    FROM chat.member m WHERE m.conversation_key = c.conversation_key"
    "     AND m.role IS NOT NULL AND c.deleted_at IS NULL)"
    " FROM chat.conversation c"
    " WHERE c.tenant_id = $1 AND c.conversation_id = $2";

enum {
    COLUMN_DELETED, COLUMN_TYPE, COLUMN_KEY, COLUMN_SEQUENCE, COLUMN_REVISION,
    COLUMN_GENERATIONS, COLUMN_NAME, COLUMN_CREATOR, COLUMN_CREATED,
    COLUMN_FLOOR, COLUMN_AHEAD, COLUMN_DESCRIPTION, COLUMN_READ_ONLY,
    COLUMN_SLOW_MODE, COLUMN_MEMBERS
};

/* $3 partition, $4 user, $5 client id.  Whatever became of the message, it is
   the position of its creation that was answered. */

static const char  sql_client[] =
    "SELECT c.revision, coalesce(m.created_revision, m.revision), m.sequence,"
    " m.id, " STORED_MS("m.created_at")
    " FROM chat.conversation c LEFT JOIN chat.message m"
    " ON m.p = $3 AND m.conversation_key = c.conversation_key"
    " AND m.sender_id = $4 AND m.client_id = $5"
    " WHERE c.tenant_id = $1 AND c.conversation_id = $2"
    " AND c.deleted_at IS NULL";

/* $3 partition, $4 message id */

static const char  sql_message[] =
    "SELECT c.revision,"
    " (SELECT string_agg(r.user_id || ' ' || r.emoji, E'\\n'"
    "         ORDER BY r.revision)"
    "    FROM chat.reaction r WHERE r.p = $3"
    "     AND r.conversation_key = m.conversation_key"
    "     AND r.message_id = m.id AND NOT r.removed),"
    " (SELECT count(*) FROM chat.reaction r WHERE r.p = $3"
    "     AND r.conversation_key = m.conversation_key"
    "     AND r.message_id = m.id),"
    " " STORED_COLUMNS("m")
    " FROM chat.conversation c LEFT JOIN chat.message m"
    " ON m.p = $3 AND m.id = $4::uuid"
    " AND m.conversation_key = c.conversation_key"
    " WHERE c.tenant_id = $1 AND c.conversation_id = $2"
    " AND c.deleted_at IS NULL";

enum { COLUMN_REACTIONS = 1, COLUMN_REACTED, COLUMN_MESSAGE };


int
answer_send(persist_t *p, const need_t *need)
{
    db_params_t  ps = { 0 };

    if (need->kind == NEED_LIST) {
        return list_send(p, need);
    }

    if (need->kind == NEED_SHARED) {
        return shared_send(p, need);
    }

    db_param_text(&ps, need->tenant);
    db_param_text(&ps, need->conversation);

    if (need->kind == NEED_CONVERSATION) {
        return db_send_prepared(&p->db, sql_conversation, &ps);
    }

    db_param_uint(&ps, need->part->p);

    if (need->kind == NEED_CLIENT) {
        db_param_text(&ps, need->user);
        db_param_text(&ps, need->client_id);
        return db_send_prepared(&p->db, sql_client, &ps);
    }

    if (need->kind == NEED_MESSAGE) {
        db_param_text(&ps, need->message);
        return db_send_prepared(&p->db, sql_message, &ps);
    }

    return range_send(p, need, &ps);
}


void
answer_make(persist_t *p, const need_t *need, const PGresult *res)
{
    switch (need->kind) {

    case NEED_CONVERSATION:
        answer_make_load(p, need, res);
        break;

    case NEED_CLIENT:
        answer_make_fact(p, need, res);
        break;

    case NEED_MESSAGE:
        answer_make_message(p, need, res);
        break;

    case NEED_RANGE:
        range_make_events(p, need, res);
        break;

    case NEED_HISTORY:
        range_make_history(p, need, res);
        break;

    case NEED_SHARED:
        shared_make(p, need, res);
        break;

    case NEED_LIST:             /* asks Redis first */
        break;
    }
}


bool
answer_make_error(persist_t *p, const need_t *need)
{
    mem_buf_t  head = { 0 }, body = { 0 };

    if (need->kind == NEED_CONVERSATION || need->kind == NEED_CLIENT
        || need->kind == NEED_MESSAGE)
    {
        return false;
    }

    mem_buf_printf(&head, "range %s error\n", need->name);
    answer_payload(p, need, &head, &body);
    mem_buf_done(&head);

    return true;
}


void
answer_payload(persist_t *p, const need_t *need, const mem_buf_t *head,
    const mem_buf_t *body)
{
    mem_buf_t  payload = { 0 };

    mem_buf_add(&payload, head->data, head->len);
    mem_buf_add(&payload, body->data, body->len);

    part_fcall_open(p, need->part, "chat_v1_answer", NULL);
    redis_args_text(&p->args, need->node);
    redis_args_add(&p->args, (chat_str_t) { payload.data, payload.len });

    mem_buf_done(&payload);
}


/* a call that concerns the conversation of the need */

static void
answer_fcall(persist_t *p, const need_t *need, const char *name)
{
    char  base[CHAT_NAME_MAX_BASE + 1];

    base[chat_name_base((uint8_t *) base, need->part->p,
                        mem_cstr(need->tenant),
                        mem_cstr(need->conversation))] = '\0';

    part_fcall_open(p, need->part, name, base);
    redis_args_text(&p->args, need->node);
}


/* the same of a fact, with the revision at which it is one */

static void
answer_fcall_fact(persist_t *p, const need_t *need, const PGresult *res,
    const char *name)
{
    answer_fcall(p, need, name);
    redis_args_uint(&p->args, PQntuples(res) == 0
                              ? 0 : db_value_uint(res, 0, 0));
}


/* of each line, what is before the first space, and the rest */

static void
answer_pairs(persist_t *p, chat_str_t lines)
{
    chat_str_t  line, head, tail;

    while (stored_next_line(&lines, &line)) {
        if (stored_split(line, &head, &tail)) {
            redis_args_add(&p->args, head);
            redis_args_add(&p->args, tail);
        }
    }
}


static void
answer_make_load(persist_t *p, const need_t *need, const PGresult *res)
{
    int  i;

    answer_fcall(p, need, "chat_v1_load");

    if (PQntuples(res) == 0) {
        redis_args_text(&p->args, "0");
        return;
    }

    if (PQgetvalue(res, 0, COLUMN_DELETED)[0] == 't') {
        redis_args_text(&p->args, "2");
        redis_args_add(&p->args, db_value(res, 0, COLUMN_KEY));
        redis_args_add(&p->args, db_value(res, 0, COLUMN_REVISION));
        redis_args_add(&p->args, db_value(res, 0, COLUMN_GENERATIONS));
        return;
    }

    redis_args_text(&p->args, "1");

    for (i = COLUMN_TYPE; i < COLUMN_MEMBERS; i++) {
        redis_args_add(&p->args, db_value(res, 0, i));
    }

    answer_pairs(p, db_value(res, 0, COLUMN_MEMBERS));
}


static void
answer_make_fact(persist_t *p, const need_t *need, const PGresult *res)
{
    int       i;
    uint64_t  time;

    answer_fcall_fact(p, need, res, "chat_v1_fact");
    redis_args_text(&p->args, need->user);
    redis_args_text(&p->args, need->client_id);

    if (PQntuples(res) == 0 || PQgetisnull(res, 0, 1)) {
        return;
    }

    for (i = 1; i < 5; i++) {
        redis_args_add(&p->args, db_value(res, 0, i));
    }

    if (entry_client_time(mem_cstr(need->client_id), &time)) {
        redis_args_uint(&p->args, time);
    } else {
        redis_args_text(&p->args, "-");
    }
}


static void
answer_write_pre(chat_writer_t *w, const void *data)
{
    chat_event_message_pre(w, data);
}


static void
answer_write_post(chat_writer_t *w, const void *data)
{
    chat_event_message_post(w, data);
}


/* what stands around the content of its events */

static void
answer_frame(persist_t *p, const stored_t *s)
{
    mem_buf_t  text = { 0 };

    if (s->deleted) {
        redis_args_text(&p->args, "");
        redis_args_text(&p->args, "");
        return;
    }

    stored_print(&text, answer_write_pre, &s->message);
    redis_args_add(&p->args, (chat_str_t) { text.data, text.len });
    stored_print(&text, answer_write_post, &s->message);
    redis_args_add(&p->args, (chat_str_t) { text.data, text.len });
    mem_buf_done(&text);
}


static void
answer_make_message(persist_t *p, const need_t *need, const PGresult *res)
{
    stored_t  s;

    answer_fcall_fact(p, need, res, "chat_v1_message_fact");
    redis_args_text(&p->args, need->message);

    if (PQntuples(res) == 0
        || PQgetisnull(res, 0, COLUMN_MESSAGE + STORED_ID))
    {
        return;
    }

    stored_read(&s, res, 0, COLUMN_MESSAGE, mem_cstr(need->conversation));

    redis_args_uint(&p->args, s.sequence);
    redis_args_add(&p->args, s.message.sender);
    redis_args_text(&p->args, s.deleted ? "deleted" : "live");
    answer_frame(p, &s);
    redis_args_add(&p->args, db_value(res, 0, COLUMN_REACTED));
    answer_pairs(p, db_value(res, 0, COLUMN_REACTIONS));
}
