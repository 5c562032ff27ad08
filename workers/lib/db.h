/*
 * A link to PostgreSQL.  Every wait has a deadline; whatever breaks the link
 * closes it, and db_open() makes a new one, not before a back-off is over.
 *
 * Statements are sent as a pipeline: any number of db_send(), each group ended
 * by db_sync(), then one db_result() for each of them in the same order.
 *
 * A statement that is sent often can be prepared: PostgreSQL parses and plans
 * it once on each link.  It is known by where its text is, so that must be a
 * constant, and its parameters must be of the same types every time.
 */

#ifndef DB_H
#define DB_H


#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "chat_rc.h"
#include "life.h"
#include "mem.h"


#define DB_MAX_PARAMS    16
#define DB_MAX_PREPARED  64


typedef struct {
    PGconn          *conn;          /* NULL: closed */
    const char      *url;
    const char      *name;          /* application_name */
    const char      *setup;         /* run on each new link, or NULL */
    uint32_t         timeout;       /* ms for each step */
    bool             quiet;         /* the caller tells what went wrong */
    life_backoff_t   backoff;
    char             told[512];     /* the error that was logged */
    uint64_t         links;         /* how many there were */
    const char      *prepared[DB_MAX_PREPARED];     /* on this link */
    mem_buf_t        sent;          /* by the pipeline: for each result a byte,
                                       1 + the number of a statement that it
                                       prepares, or 0 */
    size_t           seen;          /* results of these */
    char             sqlstate[6];   /* of the last error; "" if it is libpq's */
    char             error[512];    /* without details, which quote values */
} db_t;


typedef struct {
    int          n;
    Oid          types[DB_MAX_PARAMS];
    const char  *values[DB_MAX_PARAMS];
    int          lengths[DB_MAX_PARAMS];
    int          formats[DB_MAX_PARAMS];
    char         numbers[DB_MAX_PARAMS][24];
} db_params_t;


/* an array parameter in PostgreSQL's binary form, built element by element */

typedef struct {
    Oid        type;
    uint32_t   n;
    mem_buf_t  buf;
} db_array_t;


CHAT_MUST_CHECK int db_open(db_t *db);
void db_close(db_t *db);
bool db_is_open(const db_t *db);

/* the last error makes the link useless: closes it, returns -1 */
int db_drop(db_t *db);

/* the link has proven good: forget that it ever failed */
void db_settle(db_t *db);

/* one statement; NULL: it failed, db->error says why.  A link that broke is
   closed */
PGresult *db_query(db_t *db, const char *sql, const db_params_t *params);

/* a text of several statements, without parameters */
CHAT_MUST_CHECK int db_script(db_t *db, const char *sql);

CHAT_MUST_CHECK int db_begin(db_t *db);
CHAT_MUST_CHECK int db_send(db_t *db, const char *sql,
    const db_params_t *params);
CHAT_MUST_CHECK int db_send_prepared(db_t *db, const char *sql,
    const db_params_t *params);
CHAT_MUST_CHECK int db_flush(db_t *db);     /* before a wait for others */
CHAT_MUST_CHECK int db_sync(db_t *db);
CHAT_MUST_CHECK int db_result(db_t *db, PGresult **res);    /* of db_send() */
CHAT_MUST_CHECK int db_synced(db_t *db);                    /* of db_sync() */
CHAT_MUST_CHECK int db_end(db_t *db);

/* whether a result is good; keeps its error if not */
bool db_good(db_t *db, const PGresult *res);


void db_param_text(db_params_t *ps, const char *text);
void db_param_str(db_params_t *ps, chat_str_t text);
void db_param_uint(db_params_t *ps, uint64_t n);
void db_param_array(db_params_t *ps, const db_array_t *a);

void db_array_init(db_array_t *a, Oid type);
void db_array_done(db_array_t *a);
void db_array_bytes(db_array_t *a, const void *data, size_t len);
void db_array_null(db_array_t *a);
void db_array_str(db_array_t *a, chat_str_t text);
void db_array_int2(db_array_t *a, unsigned n);
void db_array_int4(db_array_t *a, unsigned n);
void db_array_int8(db_array_t *a, uint64_t n);
void db_array_bool(db_array_t *a, bool b);
void db_array_time(db_array_t *a, uint64_t ms);     /* timestamptz */


/* types, as pg_type.dat numbers them */

#define DB_BOOL         16
#define DB_INT8         20
#define DB_INT2         21
#define DB_INT4         23
#define DB_TEXT         25
#define DB_JSON         114
#define DB_TIMESTAMPTZ  1184
#define DB_UUID         2950


chat_str_t db_value(const PGresult *res, int row, int column);
uint64_t db_value_uint(const PGresult *res, int row, int column);  /* NULL: 0 */


#endif /* DB_H */
