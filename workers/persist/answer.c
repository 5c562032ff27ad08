/*
 * Answers to needs.  Each is made of the result of one statement, hence of one
 * snapshot: a position and what belongs to it.
 */

#include "need.h"

#include <string.h>

#include "range.h"


static void answer_make_load(persist_t *p, const need_t *need,
    const PGresult *res);
static void answer_make_fact(persist_t *p, const need_t *need,
    const PGresult *res);


/* $1 tenant, $2 conversation */

static const char  sql_conversation[] =
    "SELECT c.type, c.conversation_key, c.last_sequence, c.revision,"
    " (SELECT string_agg(g.generation || ':' || g.last_revision || ',', ''"
    "         ORDER BY g.generation)"
    "    FROM chat.conversation_generation g"
    "   WHERE g.conversation_key = c.conversation_key),"
    " c.name, c.created_by, " NEED_MS("c.created_at") ","
    " greatest(c.client_time, c.client_other::integer), c.client_time_ahead,"
    " (SELECT string_agg(m.user_id || ' ' || m.role || ' ' || m.last_read"
    "         || ' ' || m.last_delivered, E'\\n')"
    "    FROM chat.member m WHERE m.conversation_key = c.conversation_key)"
    " FROM chat.conversation c"
    " WHERE c.tenant_id = $1 AND c.conversation_id = $2"
    " AND c.deleted_at IS NULL";

/* $3 partition, $4 user, $5 client id */

static const char  sql_client[] =
    "SELECT m.revision, m.sequence, m.id, " NEED_MS("m.created_at")
    " FROM chat.conversation c JOIN chat.message m"
    " ON m.p = $3 AND m.conversation_key = c.conversation_key"
    " AND m.sender_id = $4 AND m.client_id = $5"
    " WHERE c.tenant_id = $1 AND c.conversation_id = $2";


int
answer_send(persist_t *p, const need_t *need)
{
    db_params_t  ps = { 0 };

    db_param_text(&ps, need->tenant);
    db_param_text(&ps, need->conversation);

    switch (need->kind) {

    case NEED_CONVERSATION:
        return db_send(&p->db, sql_conversation, &ps);

    case NEED_CLIENT:
        db_param_uint(&ps, need->part->p);
        db_param_text(&ps, need->user);
        db_param_text(&ps, need->client_id);
        return db_send(&p->db, sql_client, &ps);

    case NEED_RANGE:
    case NEED_HISTORY:
        db_param_uint(&ps, need->part->p);
        return range_send(p, need, &ps);
    }

    return -1;
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

    case NEED_RANGE:
        range_make_events(p, need, res);
        break;

    case NEED_HISTORY:
        range_make_history(p, need, res);
        break;
    }
}


bool
answer_make_error(persist_t *p, const need_t *need)
{
    if (need->kind != NEED_RANGE && need->kind != NEED_HISTORY) {
        return false;
    }

    range_make_error(p, need);

    return true;
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


/* "user role read delivered" on a line each: user, and the rest */

static void
answer_members(persist_t *p, chat_str_t lines)
{
    chat_str_t      user, rest;
    const uint8_t  *end = lines.data + lines.len, *eol, *space;

    while (lines.data < end) {
        eol = memchr(lines.data, '\n', (size_t) (end - lines.data));

        if (eol == NULL) {
            eol = end;
        }

        space = memchr(lines.data, ' ', (size_t) (eol - lines.data));

        if (space != NULL) {
            user.data = lines.data;
            user.len = (size_t) (space - lines.data);
            rest.data = space + 1;
            rest.len = (size_t) (eol - rest.data);
            redis_args_add(&p->args, user);
            redis_args_add(&p->args, rest);
        }

        lines.data = eol + (eol < end);
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

    redis_args_text(&p->args, "1");

    for (i = 0; i < 10; i++) {
        redis_args_add(&p->args, db_value(res, 0, i));
    }

    answer_members(p, db_value(res, 0, 10));
}


static void
answer_make_fact(persist_t *p, const need_t *need, const PGresult *res)
{
    int       i;
    uint64_t  time;

    answer_fcall(p, need, "chat_v1_fact");
    redis_args_text(&p->args, need->user);
    redis_args_text(&p->args, need->client_id);

    if (PQntuples(res) == 0) {
        return;
    }

    for (i = 0; i < 4; i++) {
        redis_args_add(&p->args, db_value(res, 0, i));
    }

    if (chat_id_time(mem_cstr(need->client_id), &time) == CHAT_OK) {
        redis_args_uint(&p->args, time);
    } else {
        redis_args_text(&p->args, "-");
    }
}
