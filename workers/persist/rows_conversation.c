/*
 * Conversations: made, changed, counted, deleted.
 */

#include "rows.h"

#include <stdlib.h>

#include "fold.h"
#include "past.h"


#define AHEAD_MS  300000    /* as in redis/chat.lua */


/* what a run of entries adds to a conversation */

typedef struct {
    const entry_t  *e;          /* one of them */
    uint64_t        sequence;
    uint64_t        revision;
    uint64_t        time;       /* of client ids: see chat.conversation */
    uint64_t        ahead;
    bool            other;
} counter_t;


/*
 * A conversation that was deleted goes on counting where it was: its last
 * revision is that of a past generation, perhaps, and what is kept of those
 * before moves to the new key.  All of it sees the row as it was.
 *
 * The deletion was stored by a transaction before: it ends a batch.
 */

static const char  sql_created[] =
    "WITH e AS ("
    " SELECT * FROM unnest($1::uuid[], $2::smallint[], $3::text[],"
    "                      $4::text[], $5::text[], $6::text[], $7::text[],"
    "                      $8::timestamptz[], $9::bigint[])"
    " AS e (key, p, tenant, id, type, name, creator, at, revision)"
    "), old AS ("
    " SELECT c.conversation_key, c.revision, e.key, e.revision AS new"
    "   FROM e JOIN chat.conversation c"
    "     ON c.tenant_id = e.tenant AND c.conversation_id = e.id"
    "), moved AS ("
    " UPDATE chat.conversation_generation g SET conversation_key = old.key"
    "   FROM old WHERE g.conversation_key = old.conversation_key"
    "), past AS ("
    " INSERT INTO chat.conversation_generation"
    " SELECT key, revision >> 32, revision FROM old"
    "  WHERE revision >> 32 < new >> 32"
    ")"
    " INSERT INTO chat.conversation AS c"
    " (conversation_key, p, tenant_id, conversation_id, type, name,"
    "  created_by, created_at, created_revision, last_sequence, revision)"
    " SELECT key, p, tenant, id, type, name, creator, at, revision, 0,"
    "        revision FROM e"
    " ON CONFLICT (tenant_id, conversation_id) DO UPDATE SET"
    " conversation_key = excluded.conversation_key, type = excluded.type,"
    " name = excluded.name, description = '', read_only = false,"
    " slow_mode = 0, settings_revision = 0,"
    " created_by = excluded.created_by, created_at = excluded.created_at,"
    " created_revision = excluded.created_revision, last_sequence = 0,"
    " revision = excluded.revision, client_time = 0, client_time_ahead = 0,"
    " client_other = false, deleted_at = NULL"
    " WHERE chat.conversation_made_again(c.deleted_at, c.conversation_key)";

/* of several updates the last one has all settings as they are */

static const char  sql_updated[] =
    "UPDATE chat.conversation c SET name = n.name,"
    " description = n.description, read_only = n.read_only,"
    " slow_mode = n.slow_mode, settings_revision = n.revision"
    " FROM (SELECT DISTINCT ON (e.key) e.*"
    "         FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[],"
    "                     $5::boolean[], $6::integer[])"
    "         AS e (key, revision, name, description, read_only, slow_mode)"
    "        ORDER BY e.key, e.revision DESC) n"
    " WHERE c.conversation_key = n.key";

/* The first change in a generation leaves the last revision of the one before,
   which is there until the statement after this one. */

static const char  sql_past[] =
    "INSERT INTO chat.conversation_generation"
    " (conversation_key, generation, last_revision)"
    " SELECT c.conversation_key, c.revision >> 32, c.revision"
    " FROM unnest($1::uuid[], $2::bigint[]) AS n (key, revision)"
    " JOIN chat.conversation c ON c.conversation_key = n.key"
    " WHERE c.revision >> 32 < n.revision >> 32";

static const char  sql_counted[] =
    "UPDATE chat.conversation c SET"
    " last_sequence = greatest(c.last_sequence, n.sequence),"
    " revision = greatest(c.revision, n.revision),"
    " client_time = greatest(c.client_time, n.time),"
    " client_time_ahead = greatest(c.client_time_ahead, n.ahead),"
    " client_other = c.client_other OR n.other"
    " FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[],"
    "             $5::bigint[], $6::boolean[])"
    " AS n (key, revision, sequence, time, ahead, other)"
    " WHERE c.conversation_key = n.key";

/* Comes last: what was before it in the run may have said something else. */

static const char  sql_closed[] =
    "WITH e AS ("
    " SELECT * FROM unnest($1::uuid[], $2::smallint[], $3::text[],"
    "                      $4::bigint[], $5::timestamptz[])"
    " AS e (key, p, tenant, revision, at)"
    "), erasure AS ("
    " INSERT INTO chat.erasure (conversation_key, p, tenant_id)"
    " SELECT key, p, tenant FROM e"
    ")"
    " UPDATE chat.conversation c SET deleted_at = e.at,"
    " deleted_revision = e.revision, name = '', description = ''"
    " FROM e WHERE c.conversation_key = e.key";


int
rows_created(persist_t *p, const entry_t *entries, size_t n)
{
    db_array_t      a[9];
    const entry_t  *e;

    static const Oid  types[] = {
        DB_UUID, DB_INT2, DB_TEXT, DB_TEXT, DB_TEXT, DB_TEXT, DB_TEXT,
        DB_TIMESTAMPTZ, DB_INT8
    };

    rows_init(a, types, 9);

    for (e = entries; e < entries + n; e++) {

        if (!rows_has(e, ENTRY_CREATE)) {
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

    return rows_finish(p, sql_created, a, 9);
}


int
rows_updated(persist_t *p, const entry_t *entries, size_t n)
{
    db_array_t      a[6];
    const entry_t  *e;

    static const Oid  types[] = {
        DB_UUID, DB_INT8, DB_TEXT, DB_TEXT, DB_BOOL, DB_INT4
    };

    rows_init(a, types, 6);

    for (e = entries; e < entries + n; e++) {

        if (!rows_has(e, ENTRY_UPDATE)) {
            continue;
        }

        db_array_bytes(&a[0], e->key, UUID_LEN);
        db_array_int8(&a[1], e->revision);
        db_array_str(&a[2], e->name);
        db_array_str(&a[3], e->description);
        db_array_bool(&a[4], e->read_only);
        db_array_int4(&a[5], (unsigned) e->slow_mode);
    }

    return rows_finish(p, sql_updated, a, 6);
}


static uint64_t
rows_max(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}


static void
rows_count(counter_t *c, const entry_t *e)
{
    bool  given = e->client_id.len != 0;
    bool  ahead = e->client_time > e->time + AHEAD_MS;

    c->e = e;
    c->revision = rows_max(c->revision, e->revision);
    c->sequence = rows_max(c->sequence, e->sequence);
    c->time = rows_max(c->time, given && !ahead ? e->client_time : 0);
    c->ahead = rows_max(c->ahead, given && ahead ? e->client_time : 0);
    c->other = c->other || (given && (ahead || e->client_time == 0));
}


static int
rows_send_past(persist_t *p, const counter_t *counters, size_t n)
{
    size_t      i;
    db_array_t  a[2];

    static const Oid  types[] = { DB_UUID, DB_INT8 };

    rows_init(a, types, 2);

    for (i = 0; i < n; i++) {

        if (!past_is_known(p, counters[i].e->key,
                           counters[i].revision >> 32))
        {
            db_array_bytes(&a[0], counters[i].e->key, UUID_LEN);
            db_array_int8(&a[1], counters[i].revision);
        }
    }

    return rows_finish(p, sql_past, a, 2);
}


static int
rows_send_counted(persist_t *p, const counter_t *counters, size_t n)
{
    db_array_t        a[6];
    const counter_t  *c;

    static const Oid  types[] = {
        DB_UUID, DB_INT8, DB_INT8, DB_INT8, DB_INT8, DB_BOOL
    };

    rows_init(a, types, 6);

    for (c = counters; c < counters + n; c++) {
        db_array_bytes(&a[0], c->e->key, UUID_LEN);
        db_array_int8(&a[1], c->revision);
        db_array_int8(&a[2], c->sequence);
        db_array_int8(&a[3], c->time);
        db_array_int8(&a[4], c->ahead);
        db_array_bool(&a[5], c->other);
    }

    return rows_finish(p, sql_counted, a, 6);
}


/*
 * An event that is stored as a dead letter alone moves the counters: after a
 * loss of Redis its numbers must not be given again.  A creation has written
 * its own, in a row that is of the present generation.
 */

int
rows_counted(persist_t *p, const entry_t *entries, size_t n)
{
    int             past, counted;
    size_t          i;
    fold_t          fold = { 0 };
    chat_str_t      key;
    counter_t      *counters;
    const entry_t  *e;

    counters = mem_alloc(n * sizeof(counter_t));

    for (e = entries; e < entries + n; e++) {

        if (e->counts && !rows_has(e, ENTRY_CREATE)) {
            key.data = e->key;
            key.len = UUID_LEN;
            i = fold_number(&fold, key, chat_str(""));
            rows_count(&counters[i], e);
        }
    }

    past = rows_send_past(p, counters, fold.n);
    counted = past == -1 ? -1 : rows_send_counted(p, counters, fold.n);

    fold_done(&fold);
    free(counters);

    return counted == -1 ? -1 : past + counted;
}


int
rows_closed(persist_t *p, const entry_t *entries, size_t n)
{
    db_array_t      a[5];
    const entry_t  *e;

    static const Oid  types[] = {
        DB_UUID, DB_INT2, DB_TEXT, DB_INT8, DB_TIMESTAMPTZ
    };

    rows_init(a, types, 5);

    for (e = entries; e < entries + n; e++) {

        if (!rows_has(e, ENTRY_CLOSE)) {
            continue;
        }

        db_array_bytes(&a[0], e->key, UUID_LEN);
        db_array_int2(&a[1], e->part->p);
        db_array_str(&a[2], e->tenant);
        db_array_int8(&a[3], e->revision);
        db_array_time(&a[4], e->time);
    }

    return rows_finish(p, sql_closed, a, 5);
}
