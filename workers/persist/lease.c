/*
 * Which partitions are ours.  Each row of chat.partition is a lease; the name
 * of the holder is unique to a process, so a row that names us is ours.
 *
 * On a new link to PostgreSQL the fences of our own partitions are raised, too.
 * A transaction sent over the link before may still be running: it either has
 * moved the position already, then this waits for its end and reads what it
 * left; or its move will find another fence.  Likewise before a new link to
 * Redis is made: a call that was sent over the one before may come late, when
 * we have looked and gone on; by then Redis has seen a higher fence.
 *
 * PostgreSQL itself may be another one, a standby that missed the last
 * transactions.  So after every new link to it our partitions are looked at
 * anew: Redis knows what was stored.
 */

#include "persist.h"

#include <stdio.h>

#include "log.h"
#include "past.h"
#include "share.h"
#include "source.h"


#define RENEWED  "RETURNING t.p, t.fence, t.identity, t.generation, t.stored_id"


static int lease_read_setting(persist_t *p);
static int lease_send(persist_t *p);
static int lease_read(persist_t *p);
static int lease_skip(persist_t *p);
static int lease_read_rows(persist_t *p, bool claimed);
static int lease_read_share(persist_t *p);
static void lease_let_go(persist_t *p);


/*
 * A stopped process may have left a transaction open, half sent, which holds
 * locks on what its successor has to write.  PostgreSQL's own timeouts do not
 * see that; its session is known by the name of the holder, and by waiting for
 * its client.  One that is at work is slow, not dead.
 */

static const char  sql_evict[] =
    "SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity a"
    " WHERE a.xact_start IS NOT NULL AND a.usename = current_user"
    " AND a.wait_event_type = 'Client' AND a.application_name IN"
    " (SELECT holder FROM chat.partition"
    "   WHERE lease_until < clock_timestamp() AND holder <> $1)";

static const char  sql_renew[] =
    "UPDATE chat.partition t SET fence = t.fence + $2,"
    " lease_until = clock_timestamp() + $3 * interval '1 millisecond'"
    " WHERE t.holder = $1 " RENEWED;

/* a lease that ends too late was written before PostgreSQL's clock went back */

static const char  sql_claim[] =
    "UPDATE chat.partition t SET holder = $1, fence = t.fence + 1,"
    " lease_until = clock_timestamp() + $2 * interval '1 millisecond',"
    " stopped = NULL"
    " FROM (SELECT p FROM chat.partition"
    "        WHERE holder IS NULL OR lease_until < clock_timestamp()"
    "           OR lease_until > clock_timestamp()"
    "                            + 2 * $2 * interval '1 millisecond'"
    "        ORDER BY p"
    "        LIMIT greatest(0, chat.partition_share($1)"
    "                 - (SELECT count(*) FROM chat.partition"
    "                     WHERE holder = $1))"
    "        FOR UPDATE SKIP LOCKED) f"
    " WHERE t.p = f.p " RENEWED;


/* whether a link is new, or one is about to be made */

static bool
lease_must_raise(const persist_t *p)
{
    return p->db_link != p->db.links || !redis_is_open(&p->redis);
}


bool
lease_is_due(const persist_t *p)
{
    return lease_must_raise(p) || life_now() >= p->lease_at;
}


int
lease_keep(persist_t *p)
{
    unsigned  i, held = 0;

    if (!lease_is_due(p)) {
        return 0;
    }

    if (p->db_link != p->db.links) {
        source_reset(p);
        idle_reset(p);
        past_forget(p);
    }

    if (p->npartitions == 0 && lease_read_setting(p) == -1) {
        return -1;
    }

    for (i = 0; i < p->npartitions; i++) {
        p->parts[i].seen = false;
    }

    if (lease_send(p) == -1 || lease_read(p) == -1) {
        return -1;
    }

    lease_let_go(p);

    for (i = 0; i < p->npartitions; i++) {
        held += p->parts[i].state != PART_FREE;
    }

    metric_set(&p->metrics.renewed_at, life_now());
    p->db_link = p->db.links;
    p->lease_at = life_now() + (held == p->npartitions ? PERSIST_RENEW
                                                       : PERSIST_STANDBY);

    return 0;
}


static int
lease_read_setting(persist_t *p)
{
    unsigned   i;
    uint64_t   n;
    PGresult  *res;

    res = db_query(&p->db, "SELECT value FROM chat.setting"
                           " WHERE name = 'partitions'", NULL);

    if (res == NULL) {
        return db_drop(&p->db);
    }

    n = PQntuples(res) == 1 ? db_value_uint(res, 0, 0) : 0;
    PQclear(res);

    if (n < 1 || n > CHAT_ID_MAX_PARTITIONS) {
        (void) snprintf(p->db.error, sizeof(p->db.error),
                        "setting \"partitions\" is not there");
        return db_drop(&p->db);
    }

    for (i = 0; i < n; i++) {
        p->parts[i].p = i;
        (void) chat_name_prefix((uint8_t *) p->parts[i].prefix, i);
    }

    p->npartitions = (unsigned) n;

    return 0;
}


static int
lease_send(persist_t *p)
{
    db_params_t  evict = { 0 }, renew = { 0 }, claim = { 0 };

    db_param_text(&evict, p->holder);

    db_param_text(&renew, p->holder);
    db_param_uint(&renew, lease_must_raise(p) ? 1 : 0);
    db_param_uint(&renew, PERSIST_LEASE);

    db_param_text(&claim, p->holder);
    db_param_uint(&claim, PERSIST_LEASE);

    if (db_begin(&p->db) == -1
        || db_send(&p->db, sql_evict, &evict) == -1
        || share_send_sweep(p) == -1
        || db_sync(&p->db) == -1
        || share_send_alive(p) == -1
        || db_send(&p->db, sql_renew, &renew) == -1
        || db_send(&p->db, sql_claim, &claim) == -1
        || share_send_ask(p) == -1
        || db_sync(&p->db) == -1)
    {
        return -1;
    }

    return 0;
}


/* the next result; one that is not good makes the link useless */

static int
lease_result(persist_t *p, PGresult **res)
{
    if (db_result(&p->db, res) == -1) {
        return -1;
    }

    if (!db_good(&p->db, *res)) {
        PQclear(*res);
        return db_drop(&p->db);
    }

    return 0;
}


static int
lease_read(persist_t *p)
{
    if (lease_skip(p) == -1 || lease_skip(p) == -1
        || db_synced(&p->db) == -1
        || lease_skip(p) == -1
        || lease_read_rows(p, false) == -1
        || lease_read_rows(p, true) == -1
        || lease_read_share(p) == -1
        || db_synced(&p->db) == -1)
    {
        return -1;
    }

    return db_end(&p->db);
}


static int
lease_skip(persist_t *p)
{
    PGresult  *res;

    if (lease_result(p, &res) == -1) {
        return -1;
    }

    PQclear(res);

    return 0;
}


static int
lease_read_share(persist_t *p)
{
    PGresult  *res;

    if (lease_result(p, &res) == -1) {
        return -1;
    }

    p->share = (unsigned) db_value_uint(res, 0, 0);
    PQclear(res);

    return 0;
}


/* what one row says, of a partition that is ours */

static int
lease_read_row(persist_t *p, const PGresult *res, int row, bool claimed)
{
    part_t       *part;
    uint64_t      n, generation;
    stream_id_t   stored;

    n = db_value_uint(res, row, 0);

    if (n >= p->npartitions
        || stream_id_parse(&stored, db_value(res, row, 4)) == -1)
    {
        (void) snprintf(p->db.error, sizeof(p->db.error),
                        "a row of chat.partition makes no sense");
        return db_drop(&p->db);
    }

    part = &p->parts[n];
    generation = db_value_uint(res, row, 3);

    if (claimed || part->state == PART_FREE) {
        part->state = PART_HELD;
        part->refused = false;
        part->marked = false;
        log_notice("partition is held", log_uint("partition", n),
                   log_uint("fence", db_value_uint(res, row, 1)));
    }

    if (part->state == PART_OPEN
        && (p->db_link != p->db.links || part->generation != generation
            || stream_id_compare(stored, part->stored) < 0))
    {
        part->state = PART_HELD;
    }

    part->seen = true;
    part->fence = db_value_uint(res, row, 1);
    part->generation = generation;
    part->stored = stored;
    (void) snprintf(part->identity, sizeof(part->identity), "%s",
                    PQgetvalue(res, row, 2));

    return 0;
}


static int
lease_read_rows(persist_t *p, bool claimed)
{
    int        row, rc = 0;
    PGresult  *res;

    if (lease_result(p, &res) == -1) {
        return -1;
    }

    for (row = 0; row < PQntuples(res) && rc == 0; row++) {
        rc = lease_read_row(p, res, row, claimed);
    }

    PQclear(res);

    return rc;
}


/* what the renewal did not bring is another's */

static void
lease_let_go(persist_t *p)
{
    part_t  *part;

    for (part = p->parts; part < p->parts + p->npartitions; part++) {

        if (part->state != PART_FREE && !part->seen) {
            part->state = PART_FREE;
            metric_add(&p->metrics.leases_lost, 1);
            log_notice("partition is held by another",
                       log_uint("partition", part->p));
        }
    }
}
