/*
 * A batch is one transaction.  While PostgreSQL works at it, the next batch is
 * read from Redis.  If PostgreSQL refuses something in it, it is tried again
 * partition by partition, and where that fails too, half by half down to the
 * entry that is refused: that goes to the dead letters.  If it takes too
 * long, less of it is read again.  Everything else that can go wrong closes
 * the link, and the entries are read again from the position that the row has
 * then.
 */

#include "store.h"

#include <string.h>

#include "log.h"
#include "need.h"
#include "past.h"
#include "rows.h"


static int store_ahead(persist_t *p, const batch_t *batch, batch_t *next,
    store_rc_e *rc);
static int store_meanwhile(persist_t *p, const batch_t *batch, batch_t *next);
static int store_by_part(persist_t *p, const batch_t *batch);
static store_rc_e store_finish(persist_t *p, const entry_t *entries, size_t n,
    int statements, uint64_t start);
static store_rc_e store_transaction(persist_t *p, const entry_t *entries,
    size_t n);
static store_rc_e store_results(persist_t *p, int statements);
static store_rc_e store_part(persist_t *p, entry_t *entries, size_t n);
static store_rc_e store_run(persist_t *p, entry_t *entries, size_t n);
static store_rc_e store_entry(persist_t *p, entry_t *e);


int
store_batch(persist_t *p, const batch_t *batch, batch_t *next)
{
    int         rc;
    uint64_t    start = life_now();
    store_rc_e  stored = STORE_OK;

    if (batch->n == 0) {
        return 0;
    }

    rc = store_ahead(p, batch, next, &stored);

    switch (stored) {

    case STORE_OK:
        break;

    case STORE_SLOW:
        log_warn("storing takes too long", log_uint("entries", batch->n));
        break;

    case STORE_ERROR:
        rc = -1;
        break;

    case STORE_FENCED:
    case STORE_DOUBLE:
    case STORE_REFUSED:
        rc = store_by_part(p, batch) == -1 ? -1 : rc;
        break;
    }

    source_adapt(p, batch, life_now() - start);

    return rc;
}


/*
 * What becomes of the transaction is found out in any case; -1: the link to
 * Redis is closed.  Little is gained, and batches become small, if the logs are
 * read again as soon as all that was in them has been read.
 */

static int
store_ahead(persist_t *p, const batch_t *batch, batch_t *next, store_rc_e *rc)
{
    int       redis = 0, statements;
    uint64_t  start = life_now_us();

    *rc = STORE_ERROR;
    statements = rows_send(p, batch->entries, batch->n);

    if (statements == -1 || db_flush(&p->db) == -1) {
        return 0;
    }

    if (next != NULL && batch->more) {
        redis = store_meanwhile(p, batch, next);
    }

    *rc = store_finish(p, batch->entries, batch->n, statements, start);

    return redis;
}


/* for the batch before this one Redis may have been told nothing yet */

static int
store_meanwhile(persist_t *p, const batch_t *batch, batch_t *next)
{
    if (look_tell_stored(p) == -1
        || source_read_ahead(p, batch, next) == -1)
    {
        return -1;
    }

    return need_mark(p);
}


static int
store_by_part(persist_t *p, const batch_t *batch)
{
    size_t      i, end;
    store_rc_e  rc;

    for (i = 0; i < batch->n; i = end) {

        for (end = i + 1; end < batch->n; end++) {
            if (batch->entries[end].part != batch->entries[i].part) {
                break;
            }
        }

        rc = store_part(p, &batch->entries[i], end - i);

        if (rc == STORE_ERROR) {
            return -1;
        }
    }

    return 0;
}


static store_rc_e
store_part(persist_t *p, entry_t *entries, size_t n)
{
    store_rc_e  rc;

    rc = store_run(p, entries, n);

    switch (rc) {

    case STORE_OK:
    case STORE_SLOW:
    case STORE_ERROR:
        break;

    case STORE_FENCED:
        part_look_again(p, entries[0].part);
        break;

    case STORE_DOUBLE:
        part_stop(p, entries[0].part, "a unique key is violated");
        break;

    case STORE_REFUSED:
        part_stop(p, entries[0].part, "not even a dead letter can be stored");
        break;
    }

    return rc;
}


/* some entries of one partition: what is stored of them is what comes first */

static store_rc_e
store_run(persist_t *p, entry_t *entries, size_t n)
{
    store_rc_e  rc;

    if (n == 1) {
        return store_entry(p, entries);
    }

    rc = store_transaction(p, entries, n);

    if (rc != STORE_REFUSED) {
        return rc;
    }

    rc = store_run(p, entries, n / 2);

    return rc == STORE_OK ? store_run(p, entries + n / 2, n - n / 2) : rc;
}


/* one entry: as it is; without its row; or nothing but the dead letter and
   its numbers */

static store_rc_e
store_entry(persist_t *p, entry_t *e)
{
    store_rc_e  rc;

    for ( ;; ) {
        rc = store_transaction(p, e, 1);

        if (rc != STORE_REFUSED || e->fate == ENTRY_DEAD) {
            return rc;
        }

        entry_refuse(e, e->fate == ENTRY_GOOD ? ENTRY_REFUSED : ENTRY_DEAD,
                     p->db.error);
    }
}


/* for people, once it is certain that they are in the table */

static void
store_log_dead_letters(const entry_t *entries, size_t n)
{
    char    id[STREAM_ID_TEXT];
    size_t  i;

    for (i = 0; i < n; i++) {
        if (entries[i].fate != ENTRY_GOOD) {
            log_alert("an event went to the dead letters",
                      log_uint("partition", entries[i].part->p),
                      log_str("entry", stream_id_print(entries[i].id, id)),
                      log_str("reason", entries[i].reason));
        }
    }
}


static store_rc_e
store_transaction(persist_t *p, const entry_t *entries, size_t n)
{
    int       statements;
    uint64_t  start = life_now_us();

    statements = rows_send(p, entries, n);

    return statements == -1 ? STORE_ERROR
                            : store_finish(p, entries, n, statements, start);
}


store_rc_e
store_alone(persist_t *p, const entry_t *e)
{
    return store_transaction(p, e, 1);
}


/* once they are certain to be in their tables */

static void
store_count(persist_t *p, const entry_t *entries, size_t n, uint64_t start)
{
    size_t      i;
    metrics_t  *m = &p->metrics;

    p->stored += n;
    metric_number(&m->batch, n);
    metric_seconds(&m->commit, life_now_us() - start);

    for (i = 0; i < n; i++) {
        if (entries[i].fate == ENTRY_GOOD) {
            metric_add(&m->stored[entries[i].kind], 1);
        } else {
            metric_add(&m->dead_letters, 1);
        }
    }
}


static store_rc_e
store_finish(persist_t *p, const entry_t *entries, size_t n, int statements,
    uint64_t start)
{
    size_t       i, moved;
    store_rc_e   rc;
    rows_move_t  moves[CHAT_ID_MAX_PARTITIONS];

    rc = store_results(p, statements);

    if (rc != STORE_OK) {
        metric_add(&p->metrics.failed[rc], 1);
        return rc;
    }

    moved = rows_moves(entries, n, moves);

    for (i = 0; i < moved; i++) {
        moves[i].part->stored = moves[i].to;
    }

    store_count(p, entries, n, start);
    past_learn(p, entries, n);
    store_log_dead_letters(entries, n);

    return STORE_OK;
}


/* by SQLSTATE or its class */

store_rc_e
store_judge(const char *sqlstate)
{
    size_t  i;

    static const struct {
        const char  *prefix;
        store_rc_e   rc;
    } states[] = {
        { "CH001", STORE_FENCED },      /* chat.partition_move() */
        { "23505", STORE_DOUBLE },      /* unique_violation */
        { "21",    STORE_REFUSED },     /* cardinality violation */
        { "22",    STORE_REFUSED },     /* data exception */
        { "23",    STORE_REFUSED },     /* integrity constraint violation */
        { "54",    STORE_REFUSED },     /* program limit exceeded */
        { "57014", STORE_SLOW }         /* statement_timeout */
    };

    for (i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        if (strncmp(sqlstate, states[i].prefix, strlen(states[i].prefix))
            == 0)
        {
            return states[i].rc;
        }
    }

    return STORE_ERROR;
}


static store_rc_e
store_results(persist_t *p, int statements)
{
    int         i;
    bool        good = true;
    PGresult   *res;
    store_rc_e  rc;

    for (i = 0; i < statements; i++) {

        if (db_result(&p->db, &res) == -1) {
            return STORE_ERROR;
        }

        good = db_good(&p->db, res) && good;
        PQclear(res);
    }

    if (db_synced(&p->db) == -1 || db_end(&p->db) == -1) {
        return STORE_ERROR;
    }

    if (good) {
        return STORE_OK;
    }

    rc = store_judge(p->db.sqlstate);

    if (rc == STORE_ERROR) {
        (void) db_drop(&p->db);
        return STORE_ERROR;
    }

    res = db_query(&p->db, "ROLLBACK", NULL);

    if (res == NULL) {
        (void) db_drop(&p->db);
        return STORE_ERROR;
    }

    PQclear(res);

    return rc;
}
