/*
 * Answers to needs.  Each is made of the result of one statement, hence of one
 * snapshot: a position and the events up to it belong together.
 */

#include "need.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "chat_event.h"


/* a little less than what an event has around its content */
#define EVENT_OVERHEAD  "200"

#define MS(column)  "(extract(epoch FROM " column ") * 1000)::bigint"


typedef struct {
    uint64_t    revision;
    uint64_t    sequence;
    mem_buf_t  *events;         /* of the payload, after its head */
    uint64_t    bytes;          /* of events alone */
    uint64_t    n;
} range_t;


static void answer_make_load(persist_t *p, const need_t *need,
    const PGresult *res);
static void answer_make_fact(persist_t *p, const need_t *need,
    const PGresult *res);
static void answer_make_range(persist_t *p, const need_t *need,
    const PGresult *res);
static void answer_make_history(persist_t *p, const need_t *need,
    const PGresult *res);


/* $1 tenant, $2 conversation */

static const char  sql_conversation[] =
    "SELECT c.type, c.conversation_key, c.last_sequence, c.revision,"
    " (SELECT string_agg(g.generation || ':' || g.last_revision || ',', ''"
    "         ORDER BY g.generation)"
    "    FROM chat.conversation_generation g"
    "   WHERE g.conversation_key = c.conversation_key),"
    " c.name, c.created_by, " MS("c.created_at") ","
    " greatest(c.client_time, c.client_other::integer), c.client_time_ahead,"
    " (SELECT string_agg(m.user_id || ' ' || m.role || ' ' || m.last_read"
    "         || ' ' || m.last_delivered, E'\\n')"
    "    FROM chat.member m WHERE m.conversation_key = c.conversation_key)"
    " FROM chat.conversation c"
    " WHERE c.tenant_id = $1 AND c.conversation_id = $2"
    " AND c.deleted_at IS NULL";

/* $3 partition, $4 user, $5 client id */

static const char  sql_client[] =
    "SELECT m.revision, m.sequence, m.id, " MS("m.created_at")
    " FROM chat.conversation c JOIN chat.message m"
    " ON m.p = $3 AND m.conversation_key = c.conversation_key"
    " AND m.sender_id = $4 AND m.client_id = $5"
    " WHERE c.tenant_id = $1 AND c.conversation_id = $2";

/*
 * $3 partition, $4 after this revision, $5 bytes.  A row for each event that
 * may fit, and one more if there is one; a row without a message if there is
 * none.  The window function sees sizes only: no content is read in vain.
 */

static const char  sql_range[] =
    "SELECT c.type, c.name, c.created_by, " MS("c.created_at") ","
    " c.created_revision, c.revision,"
    " (SELECT max(l.revision) FROM chat.message l"
    "   WHERE l.p = $3 AND l.conversation_key = c.conversation_key),"
    " e.revision, e.sequence, e.id, e.sender_id, e.client_id, e.content,"
    " " MS("e.created_at")
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
    " " MS("e.created_at")                                                    \
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


/* columns of the last three */

enum {
    COLUMN_TYPE, COLUMN_NAME, COLUMN_CREATOR, COLUMN_CREATED,
    COLUMN_CREATED_REVISION, COLUMN_CONVERSATION_REVISION, COLUMN_EDGE,
    COLUMN_REVISION, COLUMN_SEQUENCE, COLUMN_ID, COLUMN_SENDER,
    COLUMN_CLIENT_ID, COLUMN_CONTENT, COLUMN_TIME
};


int
answer_send(persist_t *p, const need_t *need)
{
    db_params_t  ps = { 0 };

    db_param_text(&ps, need->tenant);
    db_param_text(&ps, need->conversation);

    if (need->kind == NEED_CONVERSATION) {
        return db_send(&p->db, sql_conversation, &ps);
    }

    db_param_uint(&ps, need->part->p);

    if (need->kind == NEED_CLIENT) {
        db_param_text(&ps, need->user);
        db_param_text(&ps, need->client_id);
        return db_send(&p->db, sql_client, &ps);
    }

    db_param_uint(&ps, need->kind == NEED_RANGE ? need->after_revision
                                                : need->sequence);
    db_param_uint(&ps, need->max_bytes);

    if (need->kind == NEED_RANGE) {
        return db_send(&p->db, sql_range, &ps);
    }

    db_param_uint(&ps, need->max_messages);

    return db_send(&p->db, need->before ? sql_history_before
                                        : sql_history_after, &ps);
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
        answer_make_range(p, need, res);
        break;

    case NEED_HISTORY:
        answer_make_history(p, need, res);
        break;
    }
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


/* one more event, unless it is not the first and does not fit */

static bool
range_add(range_t *range, const need_t *need, const mem_buf_t *event,
    uint64_t revision, uint64_t sequence)
{
    if (range->n != 0 && range->bytes + event->len > need->max_bytes) {
        return false;
    }

    range->n++;
    range->bytes += event->len;
    range->revision = revision;
    range->sequence = sequence;

    mem_buf_printf(range->events, "%" PRIu64 " %" PRIu64 " %zu\n", revision,
                   sequence, event->len);
    mem_buf_add(range->events, event->data, event->len);
    mem_buf_add(range->events, "\n", 1);

    return true;
}


/* conversation.created, as Redis made it of its two halves */

static void
event_created(const need_t *need, const PGresult *res, mem_buf_t *event)
{
    chat_writer_t              w;
    chat_event_conversation_t  c;

    static const chat_str_t  middle = { (const uint8_t *)
        "\"sequenceNumber\":0,\"revision\":", 30 };

    memset(&c, 0, sizeof(c));
    c.conversation = mem_cstr(need->conversation);
    c.name = db_value(res, 0, COLUMN_NAME);
    c.creator = db_value(res, 0, COLUMN_CREATOR);
    c.time = db_value_uint(res, 0, COLUMN_CREATED);

    while (c.type < CHAT_CONVERSATION_CHANNEL
           && strcmp(chat_conversation_type_name(c.type),
                     PQgetvalue(res, 0, COLUMN_TYPE)) != 0)
    {
        c.type++;
    }

    chat_writer_init(&w, NULL, 0);
    chat_event_conversation_head(&w, &c);

    event->len = 0;
    chat_writer_init(&w, mem_buf_room(event, w.len), w.len);
    chat_event_conversation_head(&w, &c);

    mem_buf_add(event, middle.data, middle.len);
    mem_buf_printf(event, "%s}}",
                   PQgetvalue(res, 0, COLUMN_CREATED_REVISION));
}


static void
event_message(const need_t *need, const PGresult *res, int row,
    mem_buf_t *event)
{
    uint64_t              sequence, revision;
    chat_writer_t         w;
    chat_event_message_t  m;

    m.id = db_value(res, row, COLUMN_ID);
    m.conversation = mem_cstr(need->conversation);
    m.sender = db_value(res, row, COLUMN_SENDER);
    m.client_id = db_value(res, row, COLUMN_CLIENT_ID);
    m.content = db_value(res, row, COLUMN_CONTENT);
    m.time = db_value_uint(res, row, COLUMN_TIME);

    sequence = db_value_uint(res, row, COLUMN_SEQUENCE);
    revision = db_value_uint(res, row, COLUMN_REVISION);

    chat_writer_init(&w, NULL, 0);
    chat_event_message(&w, &m, sequence, revision);

    event->len = 0;
    chat_writer_init(&w, mem_buf_room(event, w.len), w.len);
    chat_event_message(&w, &m, sequence, revision);
}


static bool
range_has_message(const PGresult *res, int row)
{
    return row < PQntuples(res) && !PQgetisnull(res, row, COLUMN_REVISION);
}


static bool
range_add_message(range_t *range, const need_t *need, const PGresult *res,
    int row, mem_buf_t *event)
{
    event_message(need, res, row, event);

    return range_add(range, need, event,
                     db_value_uint(res, row, COLUMN_REVISION),
                     db_value_uint(res, row, COLUMN_SEQUENCE));
}


/* answer: head and events, to the node alone */

static void
answer_payload(persist_t *p, const need_t *need, const char *head,
    const mem_buf_t *events)
{
    mem_buf_t  payload = { 0 };

    mem_buf_printf(&payload, "range %s %s\n", need->name, head);

    if (events != NULL) {
        mem_buf_add(&payload, events->data, events->len);
    }

    part_fcall_open(p, need->part, "chat_v1_answer", NULL);
    redis_args_text(&p->args, need->node);
    redis_args_add(&p->args, (chat_str_t) { payload.data, payload.len });
    mem_buf_done(&payload);
}


bool
answer_make_error(persist_t *p, const need_t *need)
{
    if (need->kind != NEED_RANGE && need->kind != NEED_HISTORY) {
        return false;
    }

    answer_payload(p, need, "error", NULL);

    return true;
}


static void
answer_make_range(persist_t *p, const need_t *need, const PGresult *res)
{
    int        row = 0;
    char       head[48];
    bool       fits = true;
    range_t    range = { 0 };
    uint64_t   created, last;
    mem_buf_t  events = { 0 }, event = { 0 };

    if (PQntuples(res) == 0) {
        answer_payload(p, need, "error", NULL);
        return;
    }

    range.events = &events;
    range.revision = need->after_revision;
    created = db_value_uint(res, 0, COLUMN_CREATED_REVISION);

    /* made again, a conversation has messages from before its creation */

    for ( ; fits && range_has_message(res, row); row++) {

        if (created > range.revision
            && created < db_value_uint(res, row, COLUMN_REVISION))
        {
            event_created(need, res, &event);
            fits = range_add(&range, need, &event, created, 0);
        }

        fits = fits && range_add_message(&range, need, res, row, &event);
    }

    last = db_value_uint(res, 0, COLUMN_EDGE);

    if (fits && created > range.revision && last <= range.revision) {
        event_created(need, res, &event);
        fits = range_add(&range, need, &event, created, 0);
    }

    fits = fits && last <= range.revision;

    (void) snprintf(head, sizeof(head), "ok %d %" PRIu64, fits ? 1 : 0,
                    fits ? db_value_uint(res, 0, COLUMN_CONVERSATION_REVISION)
                         : range.revision);
    answer_payload(p, need, head, &events);

    mem_buf_done(&events);
    mem_buf_done(&event);
}


/* how many of the rows, the nearest first, fit */

static int
history_count(const need_t *need, const PGresult *res, mem_buf_t *event)
{
    int       row;
    uint64_t  bytes = 0;

    for (row = 0; range_has_message(res, row); row++) {
        event_message(need, res, row, event);

        if (row != 0 && bytes + event->len > need->max_bytes) {
            break;
        }

        bytes += event->len;
    }

    return row;
}


static void
answer_make_history(persist_t *p, const need_t *need, const PGresult *res)
{
    int        i, n, row;
    char       head[48];
    bool       complete;
    mem_buf_t  events = { 0 }, event = { 0 };

    if (PQntuples(res) == 0) {
        answer_payload(p, need, "error", NULL);
        return;
    }

    n = history_count(need, res, &event);

    for (i = 0; i < n; i++) {
        row = need->before ? n - 1 - i : i;
        event_message(need, res, row, &event);
        mem_buf_printf(&events, "%s %s %zu\n",
                       PQgetvalue(res, row, COLUMN_REVISION),
                       PQgetvalue(res, row, COLUMN_SEQUENCE), event.len);
        mem_buf_add(&events, event.data, event.len);
        mem_buf_add(&events, "\n", 1);
    }

    complete = n == 0
               || db_value_uint(res, n - 1, COLUMN_SEQUENCE)
                  == db_value_uint(res, 0, COLUMN_EDGE);

    (void) snprintf(head, sizeof(head), "ok %d 0", complete ? 1 : 0);
    answer_payload(p, need, head, &events);

    mem_buf_done(&events);
    mem_buf_done(&event);
}
