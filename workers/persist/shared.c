#include "shared.h"


/*
 * $1 tenant, $2 user, $3 other users, with commas between them.
 *
 * Of each of the others what it has is read in the index, up to the first that
 * is in a hash table of the user's own.  Finding a user's place there takes as
 * long as reading a hundred entries, so to look for each of the user's own
 * among the other's would take longer for nearly all.  IS TRUE keeps the
 * planner from making a join of it.
 *
 * How far the partitions are stored comes first, see list.h.
 */

static const char  sql_shared[] =
    "WITH mine AS MATERIALIZED ("
    " SELECT m.conversation_key AS key FROM chat.circle m"
    "  WHERE m.tenant_id = $1 AND m.user_id = $2)"
    " SELECT (SELECT string_agg(s.stored_id, E'\\n' ORDER BY s.p)"
    "           FROM chat.partition s),"
    " (SELECT string_agg(CASE WHEN EXISTS ("
    "     SELECT 1 FROM chat.circle o"
    "      WHERE o.tenant_id = $1 AND o.user_id = u.id"
    "        AND (o.conversation_key IN (SELECT mine.key FROM mine)) IS TRUE)"
    "   THEN '1' ELSE '0' END, '' ORDER BY u.i)"
    "  FROM unnest(string_to_array($3, ',')) WITH ORDINALITY u (id, i))";


enum { COLUMN_POSITIONS, COLUMN_SHARED };


int
shared_send(persist_t *p, const need_t *need)
{
    db_params_t  ps = { 0 };

    db_param_text(&ps, need->tenant);
    db_param_text(&ps, need->user);
    db_param_text(&ps, need->others);

    return db_send_prepared(&p->db, sql_shared, &ps);
}


void
shared_make(persist_t *p, const need_t *need, const PGresult *res)
{
    mem_buf_t   head = { 0 }, text = { 0 };
    chat_str_t  shared = db_value(res, 0, COLUMN_SHARED);

    mem_buf_printf(&head, "range %s ok 1 0\n0 0 . %zu\n", need->name,
                   shared.len);
    mem_buf_add(&text, shared.data, shared.len);
    mem_buf_add(&text, "\n", 1);

    answer_payload(p, need, &head, &text);

    mem_buf_done(&head);
    mem_buf_done(&text);
}
