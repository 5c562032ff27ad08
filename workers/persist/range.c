/*
 * Events after a revision.  They are not told one by one, but as the latest
 * state of what they concern, at the revision of the event that made it so: an
 * old range costs what there is, not what has happened.
 *
 * The creation of a conversation, its settings and the deletion of a former one
 * under the same id are columns of its row; messages, reactions and members
 * come as rows, in the order of their revisions.
 */

#include "range.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "stored.h"


#define RANGE_ROWS   2000
#define RANGE_LIMIT  RANGE_TEXT(RANGE_ROWS)

#define RANGE_TEXT(n)     RANGE_TEXT_OF(n)      /* its value, not its name */
#define RANGE_TEXT_OF(n)  #n


typedef struct {
    range_t           out;
    const PGresult   *res;
    chat_str_t        conversation;
    uint64_t          after;
} events_t;


static bool events_add_rows(events_t *ev);
static bool events_add_own(events_t *ev, uint64_t until);
static bool events_add_row(events_t *ev, int row);
static void events_write_created(chat_writer_t *w, const void *data);
static void events_write_updated(chat_writer_t *w, const void *data);
static void events_write_deleted(chat_writer_t *w, const void *data);


/*
 * $3 partition, $4 after this revision, $5 bytes.  A row for each event that
 * may fit, and one more if there is one; of a conversation where there is
 * none, or that is deleted, a row without an event.
 *
 * Each part is cut as the whole is, so the whole has the first ones of all.
 * The sizes are a little less than those of the events.  The window functions
 * see sizes only: no content is read in vain.
 *
 * A message that was deleted has lost its reactions, so they are told of those
 * that are there.  What a silent member was told last is that it left.
 */

static const char  sql_range[] =
    "SELECT c.deleted_at IS NOT NULL, c.deleted_revision, c.created_revision,"
    " c.settings_revision, c.revision, c.type, c.name, c.description,"
    " c.created_by, " STORED_MS("c.created_at") ", c.read_only, c.slow_mode,"
    " e.total, e.kind, e.revision, e.message_id, e.user_id, e.emoji, e.gone,"
    " e.role, e.joined_revision, " STORED_COLUMNS("t")
    " FROM chat.conversation c LEFT JOIN LATERAL"
    " (SELECT n.*, count(*) OVER () AS total,"
    "         sum(n.size) OVER (ORDER BY n.revision) - n.size AS before"
    "    FROM ("
    "     (SELECT 'message' AS kind, m.revision, m.id AS message_id,"
    "             NULL AS user_id, NULL AS emoji, false AS gone,"
    "             NULL AS role, 0 AS joined_revision,"
    "             m.size + " STORED_OVERHEAD " AS size"
    "        FROM chat.message m"
    "       WHERE m.p = $3 AND m.conversation_key = c.conversation_key"
    "         AND m.revision > $4"
    "       ORDER BY m.revision LIMIT " RANGE_LIMIT ")"
    "     UNION ALL"
    "     (SELECT 'reaction', r.revision, r.message_id, r.user_id, r.emoji,"
    "             r.removed, NULL, 0, 140"
    "        FROM chat.reaction r"
    "       WHERE r.p = $3 AND r.conversation_key = c.conversation_key"
    "         AND r.revision > $4"
    "       ORDER BY r.revision LIMIT " RANGE_LIMIT ")"
    "     UNION ALL"
    "     (SELECT 'member', u.revision, NULL, u.user_id, NULL,"
    "             u.silent OR coalesce(u.role, 'blocked') = 'blocked',"
    "             CASE WHEN u.silent THEN NULL ELSE u.role END,"
    "             u.joined_revision, 90"
    "        FROM chat.member u"
    "       WHERE u.conversation_key = c.conversation_key"
    "         AND u.revision > $4 AND u.revision > 0"
    "       ORDER BY u.revision LIMIT " RANGE_LIMIT ")"
    "     ORDER BY revision LIMIT " RANGE_LIMIT ") n"
    "   WHERE c.deleted_at IS NULL) e"
    " ON e.before <= $5"
    " LEFT JOIN chat.message t"
    " ON e.kind = 'message' AND t.p = $3 AND t.id = e.message_id"
    " WHERE c.tenant_id = $1 AND c.conversation_id = $2"
    " ORDER BY e.revision";


enum {
    COLUMN_DELETED, COLUMN_DELETED_REVISION, COLUMN_CREATED_REVISION,
    COLUMN_SETTINGS_REVISION, COLUMN_CONVERSATION_REVISION, COLUMN_TYPE,
    COLUMN_NAME, COLUMN_DESCRIPTION, COLUMN_CREATOR, COLUMN_CREATED,
    COLUMN_READ_ONLY, COLUMN_SLOW_MODE, COLUMN_TOTAL, COLUMN_KIND,
    COLUMN_REVISION, COLUMN_MESSAGE_ID, COLUMN_USER, COLUMN_EMOJI, COLUMN_GONE,
    COLUMN_ROLE, COLUMN_JOINED_REVISION, COLUMN_MESSAGE
};


/* events of the conversation itself, in the order in which they can be */

static const struct {
    int              revision;
    const char      *what;
    stored_write_pt  write;
} own_events[] = {
    { COLUMN_DELETED_REVISION,  "!", events_write_deleted },
    { COLUMN_CREATED_REVISION,  ".", events_write_created },
    { COLUMN_SETTINGS_REVISION, ".", events_write_updated }
};


int
range_send(persist_t *p, const need_t *need, db_params_t *ps)
{
    if (need->kind == NEED_HISTORY) {
        return history_send(p, need, ps);
    }

    db_param_uint(ps, need->after_revision);
    db_param_uint(ps, need->max_bytes);

    return db_send_prepared(&p->db, sql_range, ps);
}


bool
range_add(range_t *r, uint64_t revision, uint64_t sequence, const char *what)
{
    if (r->bytes != 0 && r->bytes + r->text.len > r->need->max_bytes) {
        return false;
    }

    r->bytes += r->text.len;
    r->revision = revision;

    mem_buf_printf(&r->lines, "%" PRIu64 " %" PRIu64 " %s %zu\n", revision,
                   sequence, what, r->text.len);
    mem_buf_add(&r->lines, r->text.data, r->text.len);
    mem_buf_add(&r->lines, "\n", 1);

    return true;
}


void
range_answer(persist_t *p, range_t *r, bool complete, uint64_t revision)
{
    mem_buf_t  head = { 0 };

    mem_buf_printf(&head, "range %s ok %d %" PRIu64 "\n", r->need->name,
                   complete ? 1 : 0, revision);
    answer_payload(p, r->need, &head, &r->lines);

    mem_buf_done(&head);
    mem_buf_done(&r->text);
    mem_buf_done(&r->lines);
}


void
range_make_events(persist_t *p, const need_t *need, const PGresult *res)
{
    bool      complete;
    events_t  ev = { .out.need = need, .res = res };

    if (PQntuples(res) == 0) {
        (void) answer_make_error(p, need);      /* there is none any more */
        return;
    }

    ev.conversation = mem_cstr(need->conversation);
    ev.after = need->after_revision;
    ev.out.revision = ev.after;

    complete = events_add_rows(&ev);

    range_answer(p, &ev.out, complete,
                 complete ? db_value_uint(res, 0, COLUMN_CONVERSATION_REVISION)
                          : ev.out.revision);
}


/* whether that is all there is */

static bool
events_add_rows(events_t *ev)
{
    int       row, rows;
    bool      fits = true;
    uint64_t  total;

    rows = PQgetisnull(ev->res, 0, COLUMN_KIND) ? 0 : PQntuples(ev->res);
    total = db_value_uint(ev->res, 0, COLUMN_TOTAL);

    for (row = 0; fits && row < rows; row++) {
        fits = events_add_own(ev, db_value_uint(ev->res, row,
                                                COLUMN_REVISION))
               && events_add_row(ev, row);
    }

    if (!fits || (uint64_t) rows < total
        || total == RANGE_ROWS)
    {
        return false;
    }

    return events_add_own(ev, UINT64_MAX);
}


/* those below a revision that have not been told */

static bool
events_add_own(events_t *ev, uint64_t until)
{
    size_t    i;
    uint64_t  revision;

    for (i = 0; i < sizeof(own_events) / sizeof(own_events[0]); i++) {
        revision = db_value_uint(ev->res, 0, own_events[i].revision);

        if (revision <= ev->out.revision || revision >= until) {
            continue;
        }

        stored_print(&ev->out.text, own_events[i].write, ev);

        if (!range_add(&ev->out, revision, 0, own_events[i].what)) {
            return false;
        }
    }

    return true;
}


static void
events_write_message(chat_writer_t *w, const void *data)
{
    stored_write_event(w, data);
}


static bool
events_add_message(events_t *ev, int row)
{
    stored_t  s;

    stored_read(&s, ev->res, row, COLUMN_MESSAGE, ev->conversation);
    stored_print(&ev->out.text, events_write_message, &s);

    return range_add(&ev->out, s.revision, s.sequence, ".");
}


/* what the row of a reaction or a member says */

typedef struct {
    const events_t  *ev;
    int              row;
    uint64_t         revision;
    bool             gone;
} change_t;


static void
events_write_reaction(chat_writer_t *w, const void *data)
{
    const change_t         *c = data;
    const PGresult         *res = c->ev->res;
    chat_event_reaction_t   r;

    r.conversation = c->ev->conversation;
    r.message = db_value(res, c->row, COLUMN_MESSAGE_ID);
    r.user = db_value(res, c->row, COLUMN_USER);
    r.emoji = db_value(res, c->row, COLUMN_EMOJI);
    r.removed = c->gone;

    chat_event_reaction(w, &r, c->revision);
}


static void
events_write_member(chat_writer_t *w, const void *data)
{
    uint64_t             joined;
    const change_t      *c = data;
    const PGresult      *res = c->ev->res;
    chat_event_member_e  kind;

    joined = db_value_uint(res, c->row, COLUMN_JOINED_REVISION);
    kind = c->gone ? CHAT_EVENT_MEMBER_LEFT
           : joined > c->ev->after ? CHAT_EVENT_MEMBER_JOINED
           : CHAT_EVENT_MEMBER_UPDATED;

    chat_event_member(w, kind, c->ev->conversation,
                      db_value(res, c->row, COLUMN_USER),
                      db_value(res, c->row, COLUMN_ROLE), c->revision);
}


static bool
events_add_row(events_t *ev, int row)
{
    char      what[CHAT_NAME_MAX_ID + 2] = ".";
    change_t  c = { .ev = ev, .row = row };

    const char  *kind = PQgetvalue(ev->res, row, COLUMN_KIND);

    if (kind[0] == 'm' && kind[2] == 's') {
        return events_add_message(ev, row);
    }

    c.revision = db_value_uint(ev->res, row, COLUMN_REVISION);
    c.gone = PQgetvalue(ev->res, row, COLUMN_GONE)[0] == 't';

    if (kind[0] == 'r') {
        stored_print(&ev->out.text, events_write_reaction, &c);

    } else {
        stored_print(&ev->out.text, events_write_member, &c);

        if (c.gone) {
            (void) snprintf(what, sizeof(what), "-%s",
                            PQgetvalue(ev->res, row, COLUMN_USER));
        }
    }

    return range_add(&ev->out, c.revision, 0, what);
}


static void
events_write_created(chat_writer_t *w, const void *data)
{
    const events_t            *ev = data;
    chat_event_conversation_t  c;

    memset(&c, 0, sizeof(c));
    c.conversation = ev->conversation;
    c.name = db_value(ev->res, 0, COLUMN_NAME);
    c.creator = db_value(ev->res, 0, COLUMN_CREATOR);
    c.time = db_value_uint(ev->res, 0, COLUMN_CREATED);

    while (c.type < CHAT_CONVERSATION_CHANNEL
           && strcmp(chat_conversation_type_name(c.type),
                     PQgetvalue(ev->res, 0, COLUMN_TYPE)) != 0)
    {
        c.type++;
    }

    chat_event_conversation(w, &c, db_value_uint(ev->res, 0,
                                                 COLUMN_CREATED_REVISION));
}


/* all settings as they are */

static void
events_write_updated(chat_writer_t *w, const void *data)
{
    const events_t        *ev = data;
    chat_event_updated_t   u;

    u.conversation = ev->conversation;
    u.name = db_value(ev->res, 0, COLUMN_NAME);
    u.description = db_value(ev->res, 0, COLUMN_DESCRIPTION);
    u.read_only = PQgetvalue(ev->res, 0, COLUMN_READ_ONLY)[0] == 't';
    u.slow_mode = (uint32_t) db_value_uint(ev->res, 0, COLUMN_SLOW_MODE);
    u.has_description = true;
    u.has_read_only = true;
    u.has_slow_mode = true;

    chat_event_updated(w, &u, db_value_uint(ev->res, 0,
                                            COLUMN_SETTINGS_REVISION));
}


static void
events_write_deleted(chat_writer_t *w, const void *data)
{
    const events_t  *ev = data;

    chat_event_conversation_deleted(w, ev->conversation,
        db_value_uint(ev->res, 0, COLUMN_DELETED_REVISION));
}
