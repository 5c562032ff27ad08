/*
 * Ranges of events and pages of history, as payloads for the node that asked:
 *
 *      range <need> ok <complete: 1 or 0> <revision reached>
 *      <revision> <sequence> <length>
 *      <event>
 *      ...
 *
 * Each is made of the result of one statement, hence of one snapshot: the
 * position that is reached and the events up to it belong together.
 */

#include "range.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "chat_event.h"


/* a little less than what an event has around its content */
#define EVENT_OVERHEAD  "200"


typedef struct {
    const need_t    *need;
    const PGresult  *res;
    mem_buf_t        event;         /* scratch */
    mem_buf_t        events;        /* of the payload, after its head */
    uint64_t         bytes;         /* of events alone */
    uint64_t         revision;      /* of the last event */
} range_t;


static bool range_has_message(const range_t *r, int row);
static bool range_add_created(range_t *r);
static bool range_add_message(range_t *r, int row);
static void range_write_created(range_t *r);
static void range_write_message(range_t *r, int row);
static void range_answer(persist_t *p, const range_t *r, bool complete,
    uint64_t revision);


/*
 * $3 partition, $4 after this revision, $5 bytes.  A row for each event that
 * may fit, and one more if there is one; a row without a message if there is
 * none.  The window function sees sizes only: no content is read in vain.
 */

static const char  sql_range[] =
    "SELECT c.type, c.name, c.created_by, " NEED_MS("c.created_at") ","
    " c.created_revision, c.revision,"
    " (SELECT max(l.revision) FROM chat.message l"
    "   WHERE l.p = $3 AND l.conversation_key = c.conversation_key),"
    " e.revision, e.sequence, e.id, e.sender_id, e.client_id, e.content,"
    " " NEED_MS("e.created_at")
    " FROM chat.conversation c LEFT JOIN LATERAL"
    " (SELECT m.*, sum(m.size + " EVENT_OVERHEAD ") OVER (ORDER BY m.revision)"
    "         - m.size - " EVENT_OVERHEAD " AS before"
    "    FROM (SELECT * FROM chat.message"
    "           WHERE p = $3 AND conversation_key = c.conversation_key"
    "             AND revision > $4 ORDER BY revision LIMIT 2000) m) e"
    " ON e.before <= $5"
    " WHERE c.tenant_id = $1 AND c.conversation_id = $2"
    " AND c.deleted_at IS NULL ORDER BY e.revision";

/* $3 partition, $4 before or after this sequence, $5 bytes, $6 messages.  The
   nearest message comes first. */

#define HISTORY(edge, compare, order)                                         \
    "SELECT c.type, c.name, c.created_by, 0, 0, 0,"                           \
    " (SELECT " edge "(l.sequence) FROM chat.message l"                       \
    "   WHERE l.p = $3 AND l.conversation_key = c.conversation_key),"         \
    " e.revision, e.sequence, e.id, e.sender_id, e.client_id, e.content,"     \
    " " NEED_MS("e.created_at")                                               \
    " FROM chat.conversation c LEFT JOIN LATERAL"                             \
    " (SELECT m.*, sum(m.size + " EVENT_OVERHEAD ")"                          \
    "         OVER (ORDER BY m.sequence " order ")"                           \
    "         - m.size - " EVENT_OVERHEAD " AS before"                        \
    "    FROM (SELECT * FROM chat.message"                                    \
    "           WHERE p = $3 AND conversation_key = c.conversation_key"       \
    "             AND sequence " compare " $4"                                \
    "           ORDER BY sequence " order " LIMIT $6) m) e"                   \
    " ON e.before <= $5"                                                      \
    " WHERE c.tenant_id = $1 AND c.conversation_id = $2"                      \
    " AND c.deleted_at IS NULL ORDER BY e.sequence " order

static const char  sql_history_before[] = HISTORY("min", "<", "DESC");
static const char  sql_history_after[] = HISTORY("max", ">", "ASC");


/* columns of all of them */

enum {
    COLUMN_TYPE, COLUMN_NAME, COLUMN_CREATOR, COLUMN_CREATED,
    COLUMN_CREATED_REVISION, COLUMN_CONVERSATION_REVISION, COLUMN_EDGE,
    COLUMN_REVISION, COLUMN_SEQUENCE, COLUMN_ID, COLUMN_SENDER,
    COLUMN_CLIENT_ID, COLUMN_CONTENT, COLUMN_TIME
};


int
range_send(persist_t *p, const need_t *need, db_params_t *ps)
{
    db_param_uint(ps, need->kind == NEED_RANGE ? need->after_revision
                                               : need->sequence);
    db_param_uint(ps, need->max_bytes);

    if (need->kind == NEED_RANGE) {
        return db_send(&p->db, sql_range, ps);
    }

    db_param_uint(ps, need->max_messages);

    return db_send(&p->db, need->before ? sql_history_before
                                        : sql_history_after, ps);
}


void
range_make_error(persist_t *p, const need_t *need)
{
    mem_buf_t  payload = { 0 };

    mem_buf_printf(&payload, "range %s error\n", need->name);
    part_fcall_open(p, need->part, "chat_v1_answer", NULL);
    redis_args_text(&p->args, need->node);
    redis_args_add(&p->args, (chat_str_t) { payload.data, payload.len });
    mem_buf_done(&payload);
}


static void
range_done(range_t *r)
{
    mem_buf_done(&r->event);
    mem_buf_done(&r->events);
}


/*
 * Events above a revision, in their order.  A conversation that was made again
 * has messages from before its creation.  What PostgreSQL did not take leaves
 * holes, so it is the last event there is that makes a range complete.
 */

void
range_make_events(persist_t *p, const need_t *need, const PGresult *res)
{
    int       row;
    bool      fits = true;
    range_t   r = { .need = need, .res = res };
    uint64_t  created, last;

    if (PQntuples(res) == 0) {
        range_make_error(p, need);
        return;
    }

    r.revision = need->after_revision;
    created = db_value_uint(res, 0, COLUMN_CREATED_REVISION);
    last = db_value_uint(res, 0, COLUMN_EDGE);

    for (row = 0; fits && range_has_message(&r, row); row++) {

        if (created > r.revision
            && created < db_value_uint(res, row, COLUMN_REVISION))
        {
            fits = range_add_created(&r);
        }

        fits = fits && range_add_message(&r, row);
    }

    if (fits && created > r.revision && last <= r.revision) {
        fits = range_add_created(&r);
    }

    if (fits && last <= r.revision) {
        last = db_value_uint(res, 0, COLUMN_CONVERSATION_REVISION);
        range_answer(p, &r, true, last);

    } else {
        range_answer(p, &r, false, r.revision);
    }

    range_done(&r);
}


/* how many of the rows, the nearest first, fit into an answer */

static int
range_count(range_t *r)
{
    int     row;
    size_t  bytes = 0;

    for (row = 0; range_has_message(r, row); row++) {
        range_write_message(r, row);

        if (row != 0 && bytes + r->event.len > r->need->max_bytes) {
            break;
        }

        bytes += r->event.len;
    }

    return row;
}


/* messages next to a sequence number, the lowest first */

void
range_make_history(persist_t *p, const need_t *need, const PGresult *res)
{
    int      i, n;
    bool     complete;
    range_t  r = { .need = need, .res = res };

    if (PQntuples(res) == 0) {
        range_make_error(p, need);
        return;
    }

    n = range_count(&r);

    for (i = 0; i < n; i++) {
        (void) range_add_message(&r, need->before ? n - 1 - i : i);
    }

    complete = n == 0
               || db_value_uint(res, n - 1, COLUMN_SEQUENCE)
                  == db_value_uint(res, 0, COLUMN_EDGE);

    range_answer(p, &r, complete, 0);
    range_done(&r);
}


static bool
range_has_message(const range_t *r, int row)
{
    return row < PQntuples(r->res)
           && !PQgetisnull(r->res, row, COLUMN_REVISION);
}


/* adds r->event unless it is not the first and does not fit */

static bool
range_add(range_t *r, uint64_t revision, uint64_t sequence)
{
    if (r->bytes != 0 && r->bytes + r->event.len > r->need->max_bytes) {
        return false;
    }

    r->bytes += r->event.len;
    r->revision = revision;

    mem_buf_printf(&r->events, "%" PRIu64 " %" PRIu64 " %zu\n", revision,
                   sequence, r->event.len);
    mem_buf_add(&r->events, r->event.data, r->event.len);
    mem_buf_add(&r->events, "\n", 1);

    return true;
}


static bool
range_add_created(range_t *r)
{
    range_write_created(r);

    return range_add(r, db_value_uint(r->res, 0, COLUMN_CREATED_REVISION), 0);
}


static bool
range_add_message(range_t *r, int row)
{
    range_write_message(r, row);

    return range_add(r, db_value_uint(r->res, row, COLUMN_REVISION),
                     db_value_uint(r->res, row, COLUMN_SEQUENCE));
}


/* conversation.created, as Redis made it of its two halves */

static void
range_write_created(range_t *r)
{
    chat_writer_t              w;
    chat_event_conversation_t  c;

    memset(&c, 0, sizeof(c));
    c.conversation = mem_cstr(r->need->conversation);
    c.name = db_value(r->res, 0, COLUMN_NAME);
    c.creator = db_value(r->res, 0, COLUMN_CREATOR);
    c.time = db_value_uint(r->res, 0, COLUMN_CREATED);

    while (c.type < CHAT_CONVERSATION_CHANNEL
           && strcmp(chat_conversation_type_name(c.type),
                     PQgetvalue(r->res, 0, COLUMN_TYPE)) != 0)
    {
        c.type++;
    }

    chat_writer_init(&w, NULL, 0);
    chat_event_conversation_head(&w, &c);

    r->event.len = 0;
    chat_writer_init(&w, mem_buf_room(&r->event, w.len), w.len);
    chat_event_conversation_head(&w, &c);

    mem_buf_printf(&r->event, "\"sequenceNumber\":0,\"revision\":%s}}",
                   PQgetvalue(r->res, 0, COLUMN_CREATED_REVISION));
}


static void
range_write_message(range_t *r, int row)
{
    uint64_t              sequence, revision;
    chat_writer_t         w;
    chat_event_message_t  m;

    m.id = db_value(r->res, row, COLUMN_ID);
    m.conversation = mem_cstr(r->need->conversation);
    m.sender = db_value(r->res, row, COLUMN_SENDER);
    m.client_id = db_value(r->res, row, COLUMN_CLIENT_ID);
    m.content = db_value(r->res, row, COLUMN_CONTENT);
    m.time = db_value_uint(r->res, row, COLUMN_TIME);

    sequence = db_value_uint(r->res, row, COLUMN_SEQUENCE);
    revision = db_value_uint(r->res, row, COLUMN_REVISION);

    chat_writer_init(&w, NULL, 0);
    chat_event_message(&w, &m, sequence, revision);

    r->event.len = 0;
    chat_writer_init(&w, mem_buf_room(&r->event, w.len), w.len);
    chat_event_message(&w, &m, sequence, revision);
}


static void
range_answer(persist_t *p, const range_t *r, bool complete,
    uint64_t revision)
{
    mem_buf_t  payload = { 0 };

    mem_buf_printf(&payload, "range %s ok %d %" PRIu64 "\n", r->need->name,
                   complete ? 1 : 0, revision);
    mem_buf_add(&payload, r->events.data, r->events.len);

    part_fcall_open(p, r->need->part, "chat_v1_answer", NULL);
    redis_args_text(&p->args, r->need->node);
    redis_args_add(&p->args, (chat_str_t) { payload.data, payload.len });
    mem_buf_done(&payload);
}
