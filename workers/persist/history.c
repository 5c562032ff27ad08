/*
 * Messages next to a sequence number, with what became of them and with their
 * reactions.
 */

#include "range.h"

#include "stored.h"


typedef struct {
    stored_t    message;
    chat_str_t  reactions;
} page_line_t;


/* $3 partition, $4 before or after this sequence, $5 bytes, $6 messages.  The
   nearest message comes first; reactions are looked up for those that may
   fit. */

#define HISTORY(edge, compare, order)                                         \
    "SELECT"                                                                  \
    " (SELECT " edge "(l.sequence) FROM chat.message l"                       \
    "   WHERE l.p = $3 AND l.conversation_key = c.conversation_key),"         \
    " (SELECT string_agg(r.user_id || ' ' || r.emoji, E'\\n'"                 \
    "         ORDER BY r.revision)"                                           \
    "    FROM chat.reaction r WHERE r.p = $3"                                 \
    "     AND r.conversation_key = c.conversation_key"                        \
    "     AND r.message_id = e.id AND NOT r.removed),"                        \
    " " STORED_COLUMNS("e")                                                   \
    " FROM chat.conversation c LEFT JOIN LATERAL"                             \
    " (SELECT m.*, sum(m.size + " STORED_OVERHEAD ")"                         \
    "         OVER (ORDER BY m.sequence " order ")"                           \
    "         - m.size - " STORED_OVERHEAD " AS before"                       \
    "    FROM (SELECT * FROM chat.message"                                    \
    "           WHERE p = $3 AND conversation_key = c.conversation_key"       \
    "             AND sequence " compare " $4"                                \
    "           ORDER BY sequence " order " LIMIT $6) m) e"                   \
    " ON e.before <= $5"                                                      \
    " WHERE c.tenant_id = $1 AND c.conversation_id = $2"                      \
    " AND c.deleted_at IS NULL ORDER BY e.sequence " order

static const char  sql_before[] = HISTORY("min", "<", "DESC");
static const char  sql_after[] = HISTORY("max", ">", "ASC");


enum { COLUMN_EDGE, COLUMN_REACTIONS, COLUMN_MESSAGE };


int
history_send(persist_t *p, const need_t *need, db_params_t *ps)
{
    db_param_uint(ps, need->sequence);
    db_param_uint(ps, need->max_bytes);
    db_param_uint(ps, need->max_messages);

    return db_send_prepared(&p->db, need->before ? sql_before : sql_after, ps);
}


static void
history_write(chat_writer_t *w, const void *data)
{
    const page_line_t  *line = data;

    stored_write_history(w, &line->message, line->reactions);
}


/* prints the message of a row into r->text; its sequence */

static uint64_t
history_print(range_t *r, const PGresult *res, int row)
{
    page_line_t  line;

    stored_read(&line.message, res, row, COLUMN_MESSAGE,
                mem_cstr(r->need->conversation));
    line.reactions = db_value(res, row, COLUMN_REACTIONS);
    stored_print(&r->text, history_write, &line);

    return line.message.sequence;
}


/* how many of the rows, the nearest first, fit into an answer */

static int
history_count(range_t *r, const PGresult *res, int rows)
{
    int     row;
    size_t  bytes = 0;

    for (row = 0; row < rows; row++) {
        (void) history_print(r, res, row);

        if (row != 0 && bytes + r->text.len > r->need->max_bytes) {
            break;
        }

        bytes += r->text.len;
    }

    return row;
}


/* the lowest sequence first */

void
range_make_history(persist_t *p, const need_t *need, const PGresult *res)
{
    int       i, n, row, rows;
    bool      complete;
    range_t   r = { .need = need };
    uint64_t  last = 0, sequence;

    if (PQntuples(res) == 0) {
        (void) answer_make_error(p, need);
        return;
    }

    rows = PQgetisnull(res, 0, COLUMN_MESSAGE + STORED_ID) ? 0
                                                           : PQntuples(res);
    n = history_count(&r, res, rows);

    for (i = 0; i < n; i++) {
        row = need->before ? n - 1 - i : i;
        sequence = history_print(&r, res, row);
        last = row == n - 1 ? sequence : last;

        (void) range_add(&r, db_value_uint(res, row, COLUMN_MESSAGE
                                                     + STORED_REVISION),
                         sequence, ".");
    }

    complete = n == 0 || last == db_value_uint(res, 0, COLUMN_EDGE);

    range_answer(p, &r, complete, 0);
}
