#include "list.h"

#include <stdio.h>
#include <string.h>

#include "number.h"
#include "stored.h"


/* what an item has around its message, a little less than that */
#define ITEM_OVERHEAD  "400"


/*
 * $1 tenant, $2 user, $3 partition (of the need), $4 below this key or "",
 * $5 conversations, $6 bytes.  The newest key comes first; one more than asked
 * for tells that there are more.  A row with nothing but the positions if there
 * is none at all.
 *
 * How far the partitions are stored is of the same snapshot as the rest.  The
 * window function sees sizes only: no content is read in vain.
 */

static const char  sql_list[] =
    "SELECT (SELECT string_agg(s.stored_id, E'\\n' ORDER BY s.p)"
    "          FROM chat.partition s),"
    " i.total, i.role, i.last_read, c.p, c.conversation_key,"
    " c.conversation_id, c.type, c.name, c.description, c.created_by,"
    " " STORED_MS("c.created_at") ", c.read_only, c.slow_mode,"
    " c.last_sequence, c.revision,"
    " CASE WHEN c.type = 'dm' THEN"
    "  (SELECT array_to_json(array_agg(d.user_id ORDER BY d.user_id))"
    "     FROM chat.member d WHERE d.conversation_key = c.conversation_key)"
    " END, " STORED_COLUMNS("t")
    " FROM (SELECT 1 WHERE $3::bigint >= 0) one LEFT JOIN"
    " (SELECT n.*, count(*) OVER () AS total,"
    "         sum(n.size) OVER (ORDER BY n.conversation_key DESC) - n.size"
    "         AS before"
    "    FROM (SELECT m.conversation_key, m.role, m.last_read, l.id,"
    "                 coalesce(l.size, 0) + " ITEM_OVERHEAD " AS size"
    "            FROM chat.member m JOIN chat.conversation o"
    "              ON o.conversation_key = m.conversation_key"
    "             AND o.deleted_at IS NULL"
    "            LEFT JOIN LATERAL"
    "            (SELECT h.id, h.size FROM chat.message h"
    "              WHERE h.p = o.p"
    "                AND h.conversation_key = o.conversation_key"
    "              ORDER BY h.sequence DESC LIMIT 1) l ON true"
    "           WHERE m.tenant_id = $1 AND m.user_id = $2"
    "             AND m.role <> 'blocked'"
    "             AND m.conversation_key < coalesce(nullif($4, ''),"
    "                 'ffffffff-ffff-ffff-ffff-ffffffffffff')::uuid"
    "           ORDER BY m.conversation_key DESC LIMIT $5 + 1) n) i"
    " ON i.before <= $6"
    " LEFT JOIN chat.conversation c ON c.conversation_key = i.conversation_key"
    " LEFT JOIN chat.message t ON t.p = c.p AND t.id = i.id"
    " ORDER BY i.conversation_key DESC";


enum {
    COLUMN_POSITIONS, COLUMN_TOTAL, COLUMN_ROLE, COLUMN_READ, COLUMN_P,
    COLUMN_KEY, COLUMN_ID, COLUMN_TYPE, COLUMN_NAME, COLUMN_DESCRIPTION,
    COLUMN_CREATOR, COLUMN_CREATED, COLUMN_READ_ONLY, COLUMN_SLOW_MODE,
    COLUMN_SEQUENCE, COLUMN_REVISION, COLUMN_MEMBERS, COLUMN_MESSAGE
};


typedef struct {
    const PGresult  *res;
    int              row;
    uint64_t         read;      /* the mark */
} item_t;


static void list_write_item(chat_writer_t *w, const void *data);


int
list_send(persist_t *p, const need_t *need)
{
    db_params_t  ps = { 0 };

    db_param_text(&ps, need->tenant);
    db_param_text(&ps, need->user);
    db_param_uint(&ps, need->part->p);
    db_param_text(&ps, need->cursor);
    db_param_uint(&ps, need->max_messages);
    db_param_uint(&ps, need->max_bytes);

    return db_send_prepared(&p->db, sql_list, &ps);
}


bool
list_is_new_enough(const persist_t *p, const need_t *need,
    const PGresult *res)
{
    unsigned     i;
    chat_str_t   rest, line;
    stream_id_t  stored;

    rest = db_value(res, 0, COLUMN_POSITIONS);

    for (i = 0; i < p->npartitions; i++) {

        if (!stored_next_line(&rest, &line)
            || stream_id_parse(&stored, line) == -1
            || stream_id_compare(stored, need->ends[i]) < 0)
        {
            return false;
        }
    }

    return true;
}


static int
list_rows(const PGresult *res)
{
    return PQgetisnull(res, 0, COLUMN_KEY) ? 0 : PQntuples(res);
}


/* HGET of the member, for each row that there may be room for */

int
list_ask(persist_t *p, const need_t *need, const PGresult *res)
{
    int     row;
    char    key[CHAT_NAME_MAX_BASE + sizeof(":members")];
    size_t  len;

    for (row = 0; row < list_rows(res); row++) {
        len = chat_name_base((uint8_t *) key,
                             (unsigned) db_value_uint(res, row, COLUMN_P),
                             mem_cstr(need->tenant),
                             db_value(res, row, COLUMN_ID));
        memcpy(key + len, ":members", sizeof(":members"));

        redis_args_reset(&p->args, "HGET");
        redis_args_text(&p->args, key);
        redis_args_text(&p->args, need->user);

        if (redis_send(&p->redis, &p->args) == -1) {
            return -1;
        }
    }

    return 0;
}


/* "<role> <read> <delivered>" and perhaps more; nothing of a conversation that
   Redis does not hold */

static int
list_read_mark(persist_t *p, uint64_t *read)
{
    char         text[24];
    redisReply  *reply;

    reply = redis_reply(&p->redis, 0);

    if (reply == NULL) {
        return -1;
    }

    if (reply->type != REDIS_REPLY_STRING
        || sscanf(reply->str, "%*s %23[0-9]", text) != 1
        || number_parse(mem_cstr(text), INT64_MAX, read) == -1)
    {
        *read = 0;
    }

    freeReplyObject(reply);

    return 0;
}


/* marks that Redis has are those in PostgreSQL or later ones */

static int
list_read_item(persist_t *p, item_t *item)
{
    uint64_t  stored;

    if (list_read_mark(p, &item->read) == -1) {
        return -1;
    }

    stored = db_value_uint(item->res, item->row, COLUMN_READ);
    item->read = stored > item->read ? stored : item->read;

    return 0;
}


/* {"items":[...],"nextCursor":...} of the first rows, as many as fit but one at
   the least; the replies of all have to be read */

static int
list_write(persist_t *p, const need_t *need, const PGresult *res,
    mem_buf_t *text, bool *complete)
{
    int        used = 0, rows = list_rows(res);
    bool       fits = true;
    item_t     item = { .res = res };
    mem_buf_t  one = { 0 };

    mem_buf_printf(text, "{\"items\":[");

    for (item.row = 0; item.row < rows; item.row++) {

        if (list_read_item(p, &item) == -1) {
            mem_buf_done(&one);
            return -1;
        }

        fits = fits && (uint64_t) item.row < need->max_messages;

        if (fits) {
            stored_print(&one, list_write_item, &item);
            fits = used == 0 || text->len + one.len <= need->max_bytes;
        }

        if (fits) {
            mem_buf_add(text, ",", used != 0);
            mem_buf_add(text, one.data, one.len);
            used++;
        }
    }

    *complete = rows == 0
                || (uint64_t) used == db_value_uint(res, 0, COLUMN_TOTAL);

    if (*complete) {
        mem_buf_printf(text, "],\"nextCursor\":null}");
    } else {
        mem_buf_printf(text, "],\"nextCursor\":\"%s\"}",
                       PQgetvalue(res, used - 1, COLUMN_KEY));
    }

    mem_buf_done(&one);

    return 0;
}


int
list_make(persist_t *p, const need_t *need, const PGresult *res)
{
    int        rc;
    bool       complete;
    mem_buf_t  head = { 0 }, text = { 0 };

    rc = list_write(p, need, res, &text, &complete);

    if (rc == 0) {
        mem_buf_printf(&head, "range %s ok %d 0\n0 0 . %zu\n", need->name,
                       complete ? 1 : 0, text.len);
        mem_buf_add(&text, "\n", 1);
        answer_payload(p, need, &head, &text);
    }

    mem_buf_done(&head);
    mem_buf_done(&text);

    return rc;
}


static void
list_write_text(chat_writer_t *w, const char *name, chat_str_t text)
{
    chat_write_cstr(w, name);

    if (text.len != 0) {
        chat_write_string(w, text);
    } else {
        chat_write_cstr(w, "null");
    }
}


static void
list_write_number(chat_writer_t *w, const char *name, const item_t *item,
    int column)
{
    chat_write_cstr(w, name);
    chat_write(w, db_value(item->res, item->row, column));
}


static void
list_write_conversation(chat_writer_t *w, const item_t *item)
{
    int              row = item->row;
    const PGresult  *res = item->res;

    list_write_text(w, "{\"conversationId\":", db_value(res, row, COLUMN_ID));
    list_write_text(w, ",\"type\":", db_value(res, row, COLUMN_TYPE));
    list_write_text(w, ",\"name\":", db_value(res, row, COLUMN_NAME));
    list_write_text(w, ",\"description\":",
                    db_value(res, row, COLUMN_DESCRIPTION));
    list_write_text(w, ",\"createdBy\":", db_value(res, row, COLUMN_CREATOR));
    chat_write_cstr(w, ",\"createdAt\":");
    chat_write_time(w, db_value_uint(res, row, COLUMN_CREATED));
    chat_write_cstr(w, PQgetvalue(res, row, COLUMN_READ_ONLY)[0] == 't'
                       ? ",\"readOnly\":true" : ",\"readOnly\":false");
    list_write_number(w, ",\"slowMode\":", item, COLUMN_SLOW_MODE);
    list_write_number(w, ",\"sequenceNumber\":", item, COLUMN_SEQUENCE);
    list_write_number(w, ",\"revision\":", item, COLUMN_REVISION);

    if (!PQgetisnull(res, row, COLUMN_MEMBERS)) {
        list_write_number(w, ",\"members\":", item, COLUMN_MEMBERS);
    }

    chat_write_cstr(w, "}");
}


static void
list_write_item(chat_writer_t *w, const void *data)
{
    uint64_t       last;
    stored_t       message;
    const item_t  *item = data;

    last = db_value_uint(item->res, item->row, COLUMN_SEQUENCE);

    chat_write_cstr(w, "{\"conversation\":");
    list_write_conversation(w, item);
    list_write_text(w, ",\"role\":",
                    db_value(item->res, item->row, COLUMN_ROLE));
    chat_write_cstr(w, ",\"unread\":");
    chat_write_uint(w, last > item->read ? last - item->read : 0);
    chat_write_cstr(w, ",\"lastReadSequence\":");
    chat_write_uint(w, item->read);
    chat_write_cstr(w, ",\"lastMessage\":");

    if (PQgetisnull(item->res, item->row, COLUMN_MESSAGE + STORED_ID)) {
        chat_write_cstr(w, "null");

    } else {
        stored_read(&message, item->res, item->row, COLUMN_MESSAGE,
                    db_value(item->res, item->row, COLUMN_ID));
        stored_write_data(w, &message);
    }

    chat_write_cstr(w, "}");
}
