#include "rows.h"

#include <string.h>

#include "chat_json.h"
#include "chat_utf8.h"


#define AHEAD_MS  300000    /* as in redis/chat.lua */


typedef int (*rows_pt)(persist_t *p, const entry_t *entries, size_t n);


static int rows_positions(persist_t *p, const entry_t *entries, size_t n);
static int rows_generations(persist_t *p, const entry_t *entries, size_t n);
static int rows_conversations(persist_t *p, const entry_t *entries, size_t n);
static int rows_messages(persist_t *p, const entry_t *entries, size_t n);
static int rows_members(persist_t *p, const entry_t *entries, size_t n);
static int rows_counters(persist_t *p, const entry_t *entries, size_t n);
static int rows_dead_letters(persist_t *p, const entry_t *entries, size_t n);


/*
 * In this order: the positions come first, so that a holder whose partition
 * was taken learns that, and does not stumble over what its successor stored;
 * the generations look at the revisions that the statements after them change.
 * Each sends one statement or, with nothing to say, none.
 */

static const rows_pt  rows_statements[] = {
    rows_positions,
    rows_generations,
    rows_conversations,
    rows_messages,
    rows_members,
    rows_counters,
    rows_dead_letters
};


static const char  sql_positions[] =
    "SELECT chat.partition_move($1::smallint[], $2::bigint[], $3::bigint[],"
    " $4::text[], $5::text[], $6::integer)";

static const char  sql_generations[] =
    "INSERT INTO chat.conversation_generation"
    " (conversation_key, generation, last_revision)"
    " SELECT c.conversation_key, c.revision >> 32, c.revision"
    " FROM chat.conversation c JOIN"
    " (SELECT e.key, max(e.revision) AS revision"
    "    FROM unnest($1::uuid[], $2::bigint[]) AS e (key, revision)"
    "   GROUP BY e.key) n ON n.key = c.conversation_key"
    " WHERE c.revision > 0 AND c.revision >> 32 < n.revision >> 32";

/* a conversation that was deleted goes on counting where it was */

static const char  sql_conversations[] =
    "INSERT INTO chat.conversation AS c"
    " (conversation_key, p, tenant_id, conversation_id, type, name,"
    "  created_by, created_at, created_revision, last_sequence, revision)"
    " SELECT e.key, e.p, e.tenant, e.id, e.type, e.name, e.creator, e.at,"
    "        e.revision, 0, e.revision"
    " FROM unnest($1::uuid[], $2::smallint[], $3::text[], $4::text[],"
    "             $5::text[], $6::text[], $7::text[], $8::timestamptz[],"
    "             $9::bigint[])"
    " AS e (key, p, tenant, id, type, name, creator, at, revision)"
    " ON CONFLICT (conversation_key) DO UPDATE SET"
    " type = excluded.type, name = excluded.name,"
    " created_by = excluded.created_by, created_at = excluded.created_at,"
    " created_revision = excluded.created_revision,"
    " revision = excluded.revision, deleted_at = NULL"
    " WHERE chat.conversation_made_again(c.deleted_at)";

static const char  sql_messages[] =
    "INSERT INTO chat.message"
    " (p, id, conversation_key, sequence, revision, sender_id, client_id,"
    "  content, size, created_at)"
    " SELECT * FROM unnest($1::smallint[], $2::uuid[], $3::uuid[],"
    " $4::bigint[], $5::bigint[], $6::text[], $7::text[], $8::json[],"
    " $9::integer[], $10::timestamptz[])";

static const char  sql_members[] =
    "INSERT INTO chat.member"
    " (conversation_key, user_id, tenant_id, role, joined_at,"
    "  joined_revision)"
    " SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[],"
    " $5::timestamptz[], $6::bigint[])";

static const char  sql_counters[] =
    "UPDATE chat.conversation c SET"
    " last_sequence = greatest(c.last_sequence, n.sequence),"
    " revision = greatest(c.revision, n.revision),"
    " client_time = greatest(c.client_time, n.time),"
    " client_time_ahead = greatest(c.client_time_ahead, n.ahead),"
    " client_other = c.client_other OR n.other"
    " FROM (SELECT e.key, max(e.sequence) AS sequence,"
    "              max(e.revision) AS revision, max(e.time) AS time,"
    "              max(e.ahead) AS ahead, bool_or(e.other) AS other"
    "         FROM unnest($1::uuid[], $2::bigint[], $3::bigint[],"
    "                     $4::bigint[], $5::bigint[], $6::boolean[])"
    "         AS e (key, sequence, revision, time, ahead, other)"
    "        GROUP BY e.key) n"
    " WHERE c.conversation_key = n.key";

static const char  sql_dead_letters[] =
    "INSERT INTO chat.dead_letter (p, log_id, fields, reason)"
    " SELECT * FROM unnest($1::smallint[], $2::text[], $3::json[],"
    " $4::text[])";


int
rows_send(persist_t *p, const entry_t *entries, size_t n)
{
    int     rc, sent = 2;
    size_t  i;

    if (db_begin(&p->db) == -1 || db_send(&p->db, "BEGIN", NULL) == -1) {
        return -1;
    }

    for (i = 0; i < sizeof(rows_statements) / sizeof(rows_pt); i++) {
        rc = rows_statements[i](p, entries, n);

        if (rc == -1) {
            return -1;
        }

        sent += rc;
    }

    if (db_send(&p->db, "COMMIT", NULL) == -1 || db_sync(&p->db) == -1) {
        return -1;
    }

    return sent;
}


size_t
rows_moves(const entry_t *entries, size_t n,
    rows_move_t moves[CHAT_ID_MAX_PARTITIONS])
{
    size_t  i, k = 0;

    for (i = 0; i < n; i++) {

        if (k == 0 || moves[k - 1].part != entries[i].part) {
            moves[k].part = entries[i].part;
            k++;
        }

        moves[k - 1].to = entries[i].id;
    }

    return k;
}


/* sends the statement with the arrays unless they are empty, and frees them;
   the number of statements sent, or -1 */

static int
rows_finish(persist_t *p, const char *sql, db_array_t *arrays, size_t n)
{
    int          rc = 0;
    size_t       i;
    db_params_t  ps = { 0 };

    if (arrays[0].n != 0) {

        for (i = 0; i < n; i++) {
            db_param_array(&ps, &arrays[i]);
        }

        rc = db_send(&p->db, sql, &ps) == -1 ? -1 : 1;
    }

    for (i = 0; i < n; i++) {
        db_array_done(&arrays[i]);
    }

    return rc;
}


static void
rows_init(db_array_t *arrays, const Oid *types, size_t n)
{
    size_t  i;

    for (i = 0; i < n; i++) {
        db_array_init(&arrays[i], types[i]);
    }
}


static int
rows_positions(persist_t *p, const entry_t *entries, size_t n)
{
    int           rc;
    char          id[STREAM_ID_TEXT];
    size_t        i, k;
    part_t       *part;
    db_array_t    a[5];
    rows_move_t   moves[CHAT_ID_MAX_PARTITIONS];
    db_params_t   ps = { 0 };

    static const Oid  types[] = {
        DB_INT2, DB_INT8, DB_INT8, DB_TEXT, DB_TEXT
    };

    rows_init(a, types, 5);
    k = rows_moves(entries, n, moves);

    for (i = 0; i < k; i++) {
        part = moves[i].part;

        db_array_int2(&a[0], part->p);
        db_array_int8(&a[1], part->fence);
        db_array_int8(&a[2], part->generation);
        db_array_str(&a[3], mem_cstr(stream_id_print(part->stored, id)));
        db_array_str(&a[4], mem_cstr(stream_id_print(moves[i].to, id)));
    }

    for (i = 0; i < 5; i++) {
        db_param_array(&ps, &a[i]);
    }

    db_param_uint(&ps, PERSIST_LEASE);
    rc = db_send(&p->db, sql_positions, &ps);

    for (i = 0; i < 5; i++) {
        db_array_done(&a[i]);
    }

    return rc == -1 ? -1 : 1;
}


static int
rows_generations(persist_t *p, const entry_t *entries, size_t n)
{
    size_t         i;
    db_array_t     a[2];
    const entry_t  *e;

    static const Oid  types[] = { DB_UUID, DB_INT8 };

    rows_init(a, types, 2);

    for (i = 0; i < n; i++) {
        e = &entries[i];

        if (e->counts) {
            db_array_bytes(&a[0], e->key, UUID_LEN);
            db_array_int8(&a[1], e->revision);
        }
    }

    return rows_finish(p, sql_generations, a, 2);
}


static int
rows_conversations(persist_t *p, const entry_t *entries, size_t n)
{
    size_t         i;
    db_array_t     a[9];
    const entry_t  *e;

    static const Oid  types[] = {
        DB_UUID, DB_INT2, DB_TEXT, DB_TEXT, DB_TEXT, DB_TEXT, DB_TEXT,
        DB_TIMESTAMPTZ, DB_INT8
    };

    rows_init(a, types, 9);

    for (i = 0; i < n; i++) {
        e = &entries[i];

        if (e->kind != ENTRY_CREATE || e->fate != ENTRY_GOOD) {
            continue;
        }

        db_array_bytes(&a[0], e->key, UUID_LEN);
        db_array_int2(&a[1], e->part->p);
        db_array_str(&a[2], e->tenant);
        db_array_str(&a[3], e->conversation);
        db_array_str(&a[4], e->type);
        db_array_str(&a[5], e->name);
        db_array_str(&a[6], e->user);
        db_array_time(&a[7], e->time);
        db_array_int8(&a[8], e->revision);
    }

    return rows_finish(p, sql_conversations, a, 9);
}


static int
rows_messages(persist_t *p, const entry_t *entries, size_t n)
{
    size_t         i;
    db_array_t     a[10];
    const entry_t  *e;

    static const Oid  types[] = {
        DB_INT2, DB_UUID, DB_UUID, DB_INT8, DB_INT8, DB_TEXT, DB_TEXT,
        DB_JSON, DB_INT4, DB_TIMESTAMPTZ
    };

    rows_init(a, types, 10);

    for (i = 0; i < n; i++) {
        e = &entries[i];

        if (e->kind != ENTRY_MESSAGE || e->fate != ENTRY_GOOD) {
            continue;
        }

        db_array_int2(&a[0], e->part->p);
        db_array_bytes(&a[1], e->message, UUID_LEN);
        db_array_bytes(&a[2], e->key, UUID_LEN);
        db_array_int8(&a[3], e->sequence);
        db_array_int8(&a[4], e->revision);
        db_array_str(&a[5], e->user);

        if (e->client_id.len != 0) {
            db_array_str(&a[6], e->client_id);
        } else {
            db_array_null(&a[6]);
        }

        db_array_str(&a[7], e->content);
        db_array_int4(&a[8], (unsigned) e->content.len);
        db_array_time(&a[9], e->time);
    }

    return rows_finish(p, sql_messages, a, 10);
}


static void
rows_member(db_array_t *a, const entry_t *e, const entry_member_t *m)
{
    db_array_bytes(&a[0], e->key, UUID_LEN);
    db_array_str(&a[1], m->user);
    db_array_str(&a[2], e->tenant);
    db_array_str(&a[3], m->role);
    db_array_time(&a[4], e->time);
    db_array_int8(&a[5], e->revision);
}


/* whether a user comes again in the rest of a list: the last one counts */

static bool
rows_member_again(chat_str_t rest, const entry_member_t *m)
{
    entry_member_t  other;

    while (entry_next_member(&rest, &other)) {
        if (other.user.len == m->user.len
            && memcmp(other.user.data, m->user.data, m->user.len) == 0)
        {
            return true;
        }
    }

    return false;
}


static int
rows_members(persist_t *p, const entry_t *entries, size_t n)
{
    size_t           i;
    chat_str_t       rest;
    db_array_t       a[6];
    const entry_t   *e;
    entry_member_t   m;

    static const Oid  types[] = {
        DB_UUID, DB_TEXT, DB_TEXT, DB_TEXT, DB_TIMESTAMPTZ, DB_INT8
    };

    rows_init(a, types, 6);

    for (i = 0; i < n; i++) {
        e = &entries[i];

        if (e->kind == ENTRY_MESSAGE && e->joins && e->fate != ENTRY_DEAD) {
            m.user = e->user;
            m.role = chat_str("member");
            rows_member(a, e, &m);
        }

        if (e->kind != ENTRY_CREATE || e->fate != ENTRY_GOOD) {
            continue;
        }

        rest = e->members;

        while (entry_next_member(&rest, &m)) {
            if (!rows_member_again(rest, &m)) {
                rows_member(a, e, &m);
            }
        }
    }

    return rows_finish(p, sql_members, a, 6);
}


/* what is kept of client ids: see chat.conversation */

static void
rows_client_id(db_array_t *a, const entry_t *e)
{
    bool  given = e->client_id.len != 0;
    bool  ahead = e->client_time > e->time + AHEAD_MS;

    db_array_int8(&a[3], given && !ahead ? e->client_time : 0);
    db_array_int8(&a[4], given && ahead ? e->client_time : 0);
    db_array_bool(&a[5], given && (ahead || e->client_time == 0));
}


/* An event that is stored as a dead letter alone moves the counters: after a
   loss of Redis its numbers must not be given again. */

static int
rows_counters(persist_t *p, const entry_t *entries, size_t n)
{
    size_t         i;
    db_array_t     a[6];
    const entry_t  *e;

    static const Oid  types[] = {
        DB_UUID, DB_INT8, DB_INT8, DB_INT8, DB_INT8, DB_BOOL
    };

    rows_init(a, types, 6);

    for (i = 0; i < n; i++) {
        e = &entries[i];

        if (!e->counts || (e->kind == ENTRY_CREATE && e->fate == ENTRY_GOOD)) {
            continue;
        }

        db_array_bytes(&a[0], e->key, UUID_LEN);
        db_array_int8(&a[1], e->sequence);
        db_array_int8(&a[2], e->revision);
        rows_client_id(a, e);
    }

    return rows_finish(p, sql_counters, a, 6);
}


/* a field as it was; what PostgreSQL takes for no text, as hex digits in an
   array */

static void
rows_write_field(chat_writer_t *w, chat_str_t text)
{
    size_t      i;
    uint8_t     hex[2];
    chat_str_t  digits = { hex, 2 };

    if (text.len == 0
        || (chat_utf8_valid(text) && memchr(text.data, 0, text.len) == NULL))
    {
        chat_write_string(w, text);
        return;
    }

    chat_write_cstr(w, "[\"");

    for (i = 0; i < text.len; i++) {
        hex[0] = (uint8_t) "0123456789abcdef"[text.data[i] >> 4];
        hex[1] = (uint8_t) "0123456789abcdef"[text.data[i] & 0xf];
        chat_write(w, digits);
    }

    chat_write_cstr(w, "\"]");
}


static void
rows_write_name(chat_writer_t *w, chat_str_t text)
{
    chat_write_string(w, chat_utf8_valid(text) ? text : chat_str("?"));
}


static void
rows_write_fields(chat_writer_t *w, const entry_t *e)
{
    size_t  i;

    chat_write_cstr(w, "{");

    for (i = 0; i + 1 < e->fields->elements; i += 2) {
        chat_write_cstr(w, i == 0 ? "" : ",");
        rows_write_name(w, redis_text(e->fields, i));
        chat_write_cstr(w, ":");
        rows_write_field(w, redis_text(e->fields, i + 1));
    }

    chat_write_cstr(w, "}");
}


static int
rows_dead_letters(persist_t *p, const entry_t *entries, size_t n)
{
    char           id[STREAM_ID_TEXT];
    size_t         i;
    mem_buf_t      json = { 0 };
    db_array_t     a[4];
    chat_writer_t  w;
    const entry_t  *e;

    static const Oid  types[] = { DB_INT2, DB_TEXT, DB_JSON, DB_TEXT };

    rows_init(a, types, 4);

    for (i = 0; i < n; i++) {
        e = &entries[i];

        if (e->fate == ENTRY_GOOD) {
            continue;
        }

        chat_writer_init(&w, NULL, 0);
        rows_write_fields(&w, e);

        json.len = 0;
        chat_writer_init(&w, mem_buf_room(&json, w.len), w.len);
        rows_write_fields(&w, e);

        db_array_int2(&a[0], e->part->p);
        db_array_str(&a[1], mem_cstr(stream_id_print(e->id, id)));
        db_array_bytes(&a[2], json.data, json.len);
        db_array_str(&a[3], mem_cstr(e->reason));
    }

    mem_buf_done(&json);

    return rows_finish(p, sql_dead_letters, a, 4);
}
