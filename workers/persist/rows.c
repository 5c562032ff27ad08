#include "rows.h"

#include <string.h>


static int rows_positions(persist_t *p, const entry_t *entries, size_t n);


#define KIND(kind)  (1u << ENTRY_ ## kind)
#define DEAD        (1u << 31)      /* an entry that is not good */
#define LETTER      (1u << 30)      /* one that was a dead letter */
#define ALL         UINT32_MAX


/*
 * In this order.  The positions come first, so that a holder whose partition
 * was taken learns that, and does not stumble over what its successor stored.
 * Dead letters come before what erases them.
 */

static const struct {
    uint32_t   kinds;               /* any of these must be there */
    int      (*send)(persist_t *p, const entry_t *entries, size_t n);
} statements[] = {
    { ALL,                         rows_positions },
    { KIND(CREATE),                rows_created },
    { KIND(MESSAGE),               rows_sent },
    { KIND(MESSAGE),               rows_mentioned },
    { KIND(EDIT),                  rows_edited },
    { KIND(REACT)|KIND(UNREACT),   rows_reacted },
    { KIND(CREATE)|KIND(MESSAGE)|KIND(MEMBER)|KIND(JOIN), rows_members },
    { KIND(UPDATE),                rows_updated },
    { ALL,                         rows_counted },
    { DEAD,                        rows_dead },
    { LETTER,                      rows_letters },
    { KIND(DELETE),                rows_deleted },
    { KIND(CLOSE),                 rows_closed }
};


static const char  sql_positions[] =
    "SELECT chat.partition_move($1::smallint[], $2::bigint[], $3::bigint[],"
    " $4::text[], $5::text[], $6::integer)";


static uint32_t
rows_kinds(const entry_t *entries, size_t n)
{
    size_t    i;
    uint32_t  kinds = 0;

    for (i = 0; i < n; i++) {
        kinds |= 1u << entries[i].kind;
        kinds |= entries[i].fate != ENTRY_GOOD ? DEAD : 0;
        kinds |= entries[i].letter != 0 ? LETTER : 0;
    }

    return kinds;
}


int
rows_send(persist_t *p, const entry_t *entries, size_t n)
{
    int       rc, sent = 2;
    size_t    i;
    uint32_t  kinds;

    if (db_begin(&p->db) == -1 || db_send(&p->db, "BEGIN", NULL) == -1) {
        return -1;
    }

    kinds = rows_kinds(entries, n);

    for (i = 0; i < sizeof(statements) / sizeof(statements[0]); i++) {

        if ((statements[i].kinds & kinds) == 0) {
            continue;
        }

        rc = statements[i].send(p, entries, n);

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


int
rows_finish(persist_t *p, const char *sql, db_array_t *arrays, size_t n)
{
    int          rc = 0;
    size_t       i;
    db_params_t  ps = { 0 };

    if (arrays[0].n != 0) {

        for (i = 0; i < n; i++) {
            db_param_array(&ps, &arrays[i]);
        }

        rc = db_send_prepared(&p->db, sql, &ps) == -1 ? -1 : 1;
    }

    for (i = 0; i < n; i++) {
        db_array_done(&arrays[i]);
    }

    return rc;
}


void
rows_init(db_array_t *arrays, const Oid *types, size_t n)
{
    size_t  i;

    for (i = 0; i < n; i++) {
        db_array_init(&arrays[i], types[i]);
    }
}


void
rows_text(db_array_t *a, chat_str_t text)
{
    if (text.len != 0) {
        db_array_str(a, text);
    } else {
        db_array_null(a);
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
    rc = db_send_prepared(&p->db, sql_positions, &ps);

    for (i = 0; i < 5; i++) {
        db_array_done(&a[i]);
    }

    return rc == -1 ? -1 : 1;
}
