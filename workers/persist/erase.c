/*
 * What belonged to conversations that were deleted, and former contents that
 * are too old.  Each step erases few rows, so that storing hardly waits for
 * it; where there is much, the next step comes soon.
 *
 * Former contents are the business of who holds the first partition, so that
 * not everybody looks for them.
 */

#include "persist.h"

#include <string.h>

#include "log.h"


#define ERASE_ROWS      200     /* in a step */
#define ERASE_EVERY     1000    /* ms */
#define ERASE_SOON      50
#define ERASE_VERSIONS  5000


/* how many rows went, or -1; what PostgreSQL does not do now, it is asked for
   again */

static int
erase_query(persist_t *p, const char *sql, const db_params_t *ps)
{
    int        rows;
    PGresult  *res;

    res = db_query(&p->db, sql, ps);

    if (res == NULL) {

        if (!db_is_open(&p->db)) {
            return -1;
        }

        log_warn("cannot erase what was deleted",
                 log_str("error", p->db.error),
                 log_str("sqlstate", p->db.sqlstate));
        return 0;
    }

    rows = (int) db_value_uint(res, 0, 0);
    PQclear(res);

    return rows;
}


static uint64_t
erase_again(int rows, uint64_t otherwise)
{
    return life_now() + (rows > 0 ? ERASE_SOON : otherwise);
}


/* with all that a conversation had goes what was known to be missing in it */

static const char  sql_erase[] =
    "WITH holes AS ("
    " DELETE FROM chat.hole h USING chat.erasure e"
    "  WHERE e.p = ANY ($1::smallint[])"
    "    AND h.conversation_key = e.conversation_key"
    ")"
    " SELECT chat.erase($1::smallint[], $2::integer)";


static int
erase_conversations(persist_t *p)
{
    int           rows = 0;
    part_t       *part;
    db_array_t    a;
    db_params_t   ps = { 0 };

    if (life_now() < p->erase_at) {
        return 0;
    }

    db_array_init(&a, DB_INT2);

    for (part = p->parts; part < p->parts + p->npartitions; part++) {
        if (part->state == PART_OPEN) {
            db_array_int2(&a, part->p);
        }
    }

    if (a.n != 0) {
        db_param_array(&ps, &a);
        db_param_uint(&ps, ERASE_ROWS);
        rows = erase_query(p, sql_erase, &ps);
    }

    db_array_done(&a);
    p->erase_at = erase_again(rows, ERASE_EVERY);

    return rows == -1 ? -1 : 0;
}


static int
erase_versions(persist_t *p)
{
    int          rows = 0;
    db_params_t  ps = { 0 };

    if (life_now() < p->versions_at) {
        return 0;
    }

    if (p->parts[0].state == PART_OPEN) {
        db_param_uint(&ps, ERASE_ROWS);
        rows = erase_query(p, "SELECT chat.erase_versions($1::integer)", &ps);
    }

    p->versions_at = erase_again(rows, ERASE_VERSIONS);

    return rows == -1 ? -1 : 0;
}


int
erase_keep(persist_t *p)
{
    return erase_conversations(p) == -1 ? -1 : erase_versions(p);
}
