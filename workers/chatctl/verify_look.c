/*
 * One look after the other, until what was found is certain.
 */

#include "verify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>


#define LOOK_PAUSE  300         /* ms before one looks again */
#define LOOK_MOST   20          /* times */


typedef enum {
    LOOK_DONE,
    LOOK_MOVED,                 /* all is different by now: look again */
    LOOK_NOT_FOUND,
    LOOK_FAILED
} look_e;


static look_e look(verify_t *v);
static look_e look_snapshot(verify_t *v);
static int look_read_row(verify_t *v);
static int look_beyond(verify_t *v);
static bool look_moved(const verify_t *v);
static int look_say(const verify_t *v);


int
verify_open(verify_t *v)
{
    v->redis.quiet = true;
    v->db.timeout = 600000;     /* a conversation may have many messages */

    if (ctl_open_db(&v->db, 0) == -1
        || ctl_read_partitions(&v->db, &v->partitions) == -1)
    {
        return -1;
    }

    if (redis_open(&v->redis) == -1) {
        ctl_say("Redis: %s", v->redis.error);
        return -1;
    }

    return 0;
}


static void
look_done(verify_t *v)
{
    verify_redis_done(&v->before);
    verify_redis_done(&v->after);
    findings_done(&v->findings);
    PQclear(v->row.res);
    memset(&v->row, 0, sizeof(v->row));
}


void
verify_done(verify_t *v)
{
    look_done(v);
    findings_done(&v->faults);
    redis_args_done(&v->args);
    redis_close(&v->redis);
    db_close(&v->db);
}


static void
look_place(verify_t *v, const char *id)
{
    chat_str_t  tenant = mem_cstr(v->tenant);

    v->id = id;
    v->p = chat_name_partition(tenant, mem_cstr(id), v->partitions);

    memset(v->prefix, 0, sizeof(v->prefix));
    memset(v->base, 0, sizeof(v->base));
    (void) chat_name_prefix((uint8_t *) v->prefix, v->p);
    (void) chat_name_base((uint8_t *) v->base, v->p, tenant, mem_cstr(id));
}


/*
 * What the first look finds is kept in v->faults, and every later one takes
 * from that what it does not find too.  What a later one finds for the first
 * time may have been under way.
 */

int
verify_conversation(verify_t *v, const char *id)
{
    bool         first = true, certain;
    look_e       rc;
    unsigned     i;
    stream_id_t  until = { 0, 0 };

    findings_done(&v->faults);
    v->undecided = false;
    look_place(v, id);

    for (i = 0; i < LOOK_MOST; i++) {

        if (i > 0) {
            (void) life_wait(-1, 0, life_now() + LOOK_PAUSE, false);
        }

        rc = look(v);

        if (rc == LOOK_FAILED) {
            return look_say(v);
        }

        if (rc == LOOK_NOT_FOUND) {
            return EXIT_NOT_FOUND;
        }

        if (rc == LOOK_MOVED) {
            continue;
        }

        certain = !first && verify_is_stored(v, until);

        if (first) {
            first = false;
            until = v->before.last;
            v->faults = v->findings;
            memset(&v->findings, 0, sizeof(v->findings));

        } else {
            findings_keep_common(&v->faults, &v->findings);
            certain = certain || !findings_wait(&v->faults);
        }

        if (certain || v->faults.n == 0) {
            return v->faults.n == 0 ? EXIT_OK : EXIT_FAILED;
        }
    }

    findings_keep_certain(&v->faults);
    v->undecided = true;

    if (first) {
        findings_add(&v->faults, "restless", "",
                     "it came and went, and could not be looked at");
    }

    return v->faults.n == 0 ? EXIT_OK : EXIT_FAILED;
}


static look_e
look(verify_t *v)
{
    look_e  rc;

    look_done(v);

    if (verify_read_redis(v, &v->before, true) == -1
        || db_script(&v->db, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
           == -1)
    {
        return LOOK_FAILED;
    }

    rc = look_snapshot(v);

    if (rc == LOOK_FAILED || db_script(&v->db, "COMMIT") == -1) {
        return LOOK_FAILED;
    }

    if (rc != LOOK_DONE || v->before.held != VERIFY_HELD || !v->row.known
        || strcmp(v->row.key, v->before.key) != 0)
    {
        return rc;
    }

    if (look_beyond(v) == -1
        || verify_read_redis(v, &v->after, false) == -1)
    {
        return LOOK_FAILED;
    }

    return look_moved(v) ? LOOK_MOVED : LOOK_DONE;
}


static look_e
look_snapshot(verify_t *v)
{
    if (look_read_row(v) == -1) {
        return LOOK_FAILED;
    }

    if (!v->row.known
        && (v->before.held != VERIFY_HELD || v->before.gone))
    {
        return LOOK_NOT_FOUND;
    }

    if (v->row.known && verify_stored(v) == -1) {
        return LOOK_FAILED;
    }

    if (v->before.held == VERIFY_CLOSED
        || v->before.generation != v->row.generation)
    {
        findings_add(&v->findings, "closed", "",
                     "Redis is not open for partition %u: what it has cannot "
                     "be compared", v->p);
        v->before.held = VERIFY_CLOSED;
        return LOOK_DONE;
    }

    if (v->before.held != VERIFY_HELD) {
        return LOOK_DONE;
    }

    if (verify_read_redis(v, &v->after, false) == -1) {
        return LOOK_FAILED;
    }

    if (look_moved(v)) {
        return LOOK_MOVED;
    }

    verify_held(v);

    return v->row.known && strcmp(v->row.key, v->before.key) == 0
           && (verify_events(v) == -1 || verify_state(v) == -1
               || (!v->before.gone && verify_lacking(v) == -1))
           ? LOOK_FAILED : LOOK_DONE;
}


static int
look_beyond(verify_t *v)
{
    return verify_members(v) == -1 ? -1 : verify_ids(v);
}


/* another Redis, another generation, another conversation of that name, or it
   is not held any more */

static bool
look_moved(const verify_t *v)
{
    const verify_redis_t  *a = &v->before, *b = &v->after;

    return b->held != VERIFY_HELD || strcmp(a->identity, b->identity) != 0
           || a->generation != b->generation || strcmp(a->key, b->key) != 0
           || a->gone != b->gone;
}


/* in the order of VERIFY_COLUMN_... */

static const char  sql_row[] =
    "SELECT c.conversation_key, c.deleted_at, c.last_sequence, c.revision,"
    " c.created_revision, c.settings_revision, c.deleted_revision,"
    " c.p, t.generation, t.stored_id, c.type, c.name, c.description,"
    " c.slow_mode, c.read_only::integer,"
    " coalesce((SELECT string_agg(g.generation || ':' || g.last_revision"
    "    || ',', '' ORDER BY g.generation)"
    "   FROM chat.conversation_generation g"
    "  WHERE g.conversation_key = c.conversation_key), ''),"
    " (SELECT count(*) FROM chat.hole h"
    "   WHERE h.conversation_key = c.conversation_key)"
    " FROM chat.partition t LEFT JOIN chat.conversation c"
    "   ON c.tenant_id = $2 AND c.conversation_id = $3"
    " WHERE t.p = $1::smallint";

static int
look_read_row(verify_t *v)
{
    db_params_t    ps = { 0 };
    verify_row_t  *row = &v->row;

    db_param_uint(&ps, v->p);
    db_param_text(&ps, v->tenant);
    db_param_text(&ps, v->id);
    row->res = db_query(&v->db, sql_row, &ps);

    if (row->res == NULL) {
        return -1;
    }

    if (PQntuples(row->res) != 1
        || stream_id_parse(&row->stored,
                           db_value(row->res, 0, VERIFY_COLUMN_STORED)) == -1)
    {
        (void) snprintf(v->db.error, sizeof(v->db.error),
                        "the row of partition %u makes no sense", v->p);
        return -1;
    }

    row->generation = db_value_uint(row->res, 0, VERIFY_COLUMN_GENERATION);
    row->known = !PQgetisnull(row->res, 0, VERIFY_COLUMN_KEY);
    row->deleted = !PQgetisnull(row->res, 0, VERIFY_COLUMN_DELETED);
    row->sequence = db_value_uint(row->res, 0, VERIFY_COLUMN_SEQUENCE);
    row->revision = db_value_uint(row->res, 0, VERIFY_COLUMN_REVISION);
    row->created_revision = db_value_uint(row->res, 0,
                                          VERIFY_COLUMN_CREATED_REVISION);
    row->settings_revision = db_value_uint(row->res, 0,
                                           VERIFY_COLUMN_SETTINGS_REVISION);
    row->deleted_revision = db_value_uint(row->res, 0,
                                          VERIFY_COLUMN_DELETED_REVISION);
    row->holes = db_value_uint(row->res, 0, VERIFY_COLUMN_HOLES);
    (void) snprintf(row->key, sizeof(row->key), "%s",
                    PQgetvalue(row->res, 0, VERIFY_COLUMN_KEY));

    if (row->known
        && db_value_uint(row->res, 0, VERIFY_COLUMN_PARTITION) != v->p)
    {
        findings_add(&v->findings, "partition", "",
                     "it is said to lie in partition %s, though its name "
                     "belongs into %u",
                     PQgetvalue(row->res, 0, VERIFY_COLUMN_PARTITION), v->p);
    }

    return 0;
}


static int
look_say(const verify_t *v)
{
    if (!redis_is_open(&v->redis)) {
        ctl_say("Redis: %s", v->redis.error);
    } else {
        ctl_say("PostgreSQL: %s", v->db.error);
    }

    return EXIT_UNAVAILABLE;
}
