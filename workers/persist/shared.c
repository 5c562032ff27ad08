#include "shared.h"


/*
 * $1 tenant, $2 user, $3 other users, with commas between them.
 *
 * Either side may have thousands of conversations.  A user of few looks for
 * each of them among the other's, in the index; else the other's are read, and
 * looked for in a hash table of the user's own.  Both end with the first that
 * is found.  OFFSET 0 and IS TRUE keep the planner from making joins of the
 * subqueries: it knows neither side's number when it plans, and would read the
 * whole table if it guessed wrong.
 *
 * How far the partitions are stored comes first, see list.h.
 */

static const char  sql_shared[] =
    "WITH mine AS MATERIALIZED ("
    " SELECT m.conversation_key AS key FROM chat.member m"
    "  WHERE m.tenant_id = $1 AND m.user_id = $2 AND m.role <> 'blocked'"
    "    AND EXISTS (SELECT 1 FROM chat.conversation c"
    "                 WHERE c.conversation_key = m.conversation_key"
    "                   AND c.type <> 'channel' AND c.deleted_at IS NULL"
    "                OFFSET 0))"
    " SELECT (SELECT string_agg(s.stored_id, E'\\n' ORDER BY s.p)"
    "           FROM chat.partition s),"
    " (SELECT string_agg(CASE WHEN"
    "   CASE WHEN (SELECT count(*) FROM mine) <= 64"
    "   THEN EXISTS (SELECT 1 FROM mine"
    "         WHERE EXISTS (SELECT 1 FROM chat.member o"
    "                WHERE o.tenant_id = $1 AND o.user_id = u.id"
    "                  AND o.conversation_key = mine.key"
    "                  AND o.role <> 'blocked' OFFSET 0))"
    "   ELSE EXISTS (SELECT 1 FROM chat.member o"
    "         WHERE o.tenant_id = $1 AND o.user_id = u.id"
    "           AND o.role <> 'blocked'"
    "           AND (o.conversation_key IN (SELECT mine.key FROM mine))"
    "               IS TRUE)"
    "   END THEN '1' ELSE '0' END, '' ORDER BY u.i)"
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
