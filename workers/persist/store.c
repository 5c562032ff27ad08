/*
 * A batch is one transaction.  If PostgreSQL refuses something in it, it is
 * tried again partition by partition, and where that fails too, half by half
 * down to the entry that is refused: that goes to the dead letters.  If it
 * takes too long, less of it is read again.  Everything else that can go wrong
 * closes the link, and the entries are read again from the position that the
 * row has then.
 */

#include "store.h"

#include <string.h>

#include "log.h"
#include "past.h"
#include "rows.h"


static int store_entries(persist_t *p, const batch_t *batch);
static store_rc_e store_transaction(persist_t *p, const entry_t *entries,
    size_t n, const batch_t *more);
static store_rc_e store_results(persist_t *p, int statements);
static store_rc_e store_part(persist_t *p, entry_t *entries, size_t n);
static store_rc_e store_run(persist_t *p, entry_t *entries, size_t n);
static store_rc_e store_entry(persist_t *p, entry_t *e);


int
store_batch(persist_t *p, const batch_t *batch)
{
    int       rc;
    uint64_t  start = life_now();

    if (batch->n == 0) {
        return 0;
    }

    rc = store_entries(p, batch);
    source_adapt(p, batch, life_now() - start);

    return redis_is_open(&p->redis) ? rc : -1;
}


static int
store_entries(persist_t *p, const batch_t *batch)
{
    size_t      i, end;
    store_rc_e  rc;

    rc = store_transaction(p, batch->entries, batch->n,
                           batch->more ? batch : NULL);

    if (rc == STORE_SLOW) {
        log_warn("storing takes too long", log_uint("entries", batch->n));
        return 0;
    }

    if (rc == STORE_OK || rc == STORE_ERROR) {
        return rc == STORE_OK ? 0 : -1;
    }

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

    rc = store_transaction(p, entries, n, NULL);

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
        rc = store_transaction(p, e, 1, NULL);

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


/* The answer of PostgreSQL takes longest of all: meanwhile what is behind the
   batch `more` is read.  If that fails, the link to Redis is closed; what is
   stored is stored. */

static store_rc_e
store_transaction(persist_t *p, const entry_t *entries, size_t n,
    const batch_t *more)
{
    int          statements;
    size_t       i, moved;
    store_rc_e   rc;
    rows_move_t  moves[CHAT_ID_MAX_PARTITIONS];

    statements = rows_send(p, entries, n);

    if (statements == -1 || db_flush(&p->db) == -1) {
        return STORE_ERROR;
    }

    if (more != NULL && source_read_ahead(p, more) == -1) {
        source_forget_ahead(p);
    }

    rc = store_results(p, statements);

    if (rc != STORE_OK) {
        return rc;
    }

    moved = rows_moves(entries, n, moves);

    for (i = 0; i < moved; i++) {
        moves[i].part->stored = moves[i].to;
    }

    p->stored += n;
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
