#include "db.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "log.h"
#include "number.h"


#define DB_CONNECT_TIMEOUT  5000
#define DB_STOP_TIMEOUT     2000    /* of a wait once we are to stop */


static int db_connect(db_t *db);


int
db_open(db_t *db)
{
    if (db->conn != NULL) {
        return 0;
    }

    if (!life_backoff_due(&db->backoff)) {
        return -1;
    }

    if (db_connect(db) == -1) {
        return -1;
    }

    if (db->setup != NULL && db_script(db, db->setup) == -1) {
        return db_drop(db);
    }

    db->links++;

    return 0;
}


void
db_close(db_t *db)
{
    if (db->conn != NULL) {
        PQfinish(db->conn);
        db->conn = NULL;
        memset(db->prepared, 0, sizeof(db->prepared));
        mem_buf_done(&db->sent);
    }
}


bool
db_is_open(const db_t *db)
{
    return db->conn != NULL;
}


void
db_settle(db_t *db)
{
    if (db->backoff.delay != 0) {
        life_backoff_reset(&db->backoff);
        db->told[0] = '\0';

        if (!db->quiet) {
            log_notice("PostgreSQL is back");
        }
    }
}


/* libpq's messages end in a newline and may have several lines */

static void
db_keep_error(db_t *db, const char *sqlstate, const char *message)
{
    (void) snprintf(db->sqlstate, sizeof(db->sqlstate), "%s",
                    sqlstate != NULL ? sqlstate : "");
    (void) snprintf(db->error, sizeof(db->error), "%s",
                    message != NULL ? message : "");

    db->error[strcspn(db->error, "\n")] = '\0';
}


int
db_drop(db_t *db)
{
    if (!db->quiet) {
        if (strncmp(db->told, db->error, sizeof(db->told) - 1) != 0) {
            (void) snprintf(db->told, sizeof(db->told), "%s", db->error);
            log_err("PostgreSQL failed", log_str("error", db->error),
                    log_str("sqlstate", db->sqlstate));
        } else {
            log_info("PostgreSQL is still away", log_str("error", db->error));
        }
    }

    db_close(db);
    life_backoff_fail(&db->backoff);

    return -1;
}


static int
db_broken(db_t *db, const char *message)
{
    if (message != NULL) {
        db_keep_error(db, NULL, message);
    } else {
        db_keep_error(db, NULL, PQerrorMessage(db->conn));
    }

    return db_drop(db);
}


static void
db_ignore_notice(void *arg, const char *message)
{
    (void) arg;
    (void) message;
}


/* once we are asked to stop, PostgreSQL has little time left to answer */

static life_rc_e
db_poll(db_t *db, short events, uint64_t at)
{
    uint64_t   stop;
    life_rc_e  rc;

    rc = life_wait(PQsocket(db->conn), events, at, true);

    if (rc != LIFE_STOP) {
        return rc;
    }

    stop = life_now() + DB_STOP_TIMEOUT;

    return life_wait(PQsocket(db->conn), events, stop < at ? stop : at,
                     false);
}


static int
db_connect(db_t *db)
{
    uint64_t                   at;
    life_rc_e                  rc;
    PostgresPollingStatusType  status = PGRES_POLLING_WRITING;

    const char *const names[] = {
        "dbname", "application_name", "client_encoding", "tcp_user_timeout",
        NULL
    };
    const char *const values[] = { db->url, db->name, "UTF8", "3000", NULL };

    db->conn = PQconnectStartParams(names, values, 1);

    if (db->conn == NULL) {
        db_keep_error(db, NULL, "out of memory");
        return db_drop(db);
    }

    at = life_now() + DB_CONNECT_TIMEOUT;

    while (PQstatus(db->conn) != CONNECTION_BAD) {
        rc = life_wait(PQsocket(db->conn),
                       status == PGRES_POLLING_READING ? POLLIN : POLLOUT, at,
                       true);

        if (rc != LIFE_READY) {
            return db_broken(db, "connecting takes too long");
        }

        status = PQconnectPoll(db->conn);

        if (status == PGRES_POLLING_OK) {
            (void) PQsetNoticeProcessor(db->conn, db_ignore_notice, NULL);
            return PQsetnonblocking(db->conn, 1) == 0 ? 0
                                                      : db_broken(db, NULL);
        }

        if (status == PGRES_POLLING_FAILED) {
            break;
        }
    }

    return db_broken(db, NULL);
}


/* the next thing that libpq has; NULL in *res is one of them */

static int
db_wait(db_t *db, PGresult **res)
{
    uint64_t  at = life_now() + db->timeout;

    if (db_flush(db) == -1) {
        return -1;
    }

    while (PQisBusy(db->conn)) {

        if (db_poll(db, POLLIN, at) != LIFE_READY) {
            return db_broken(db, "no answer in time");
        }

        if (!PQconsumeInput(db->conn)) {
            return db_broken(db, NULL);
        }
    }

    *res = PQgetResult(db->conn);

    if (PQstatus(db->conn) == CONNECTION_BAD) {
        PQclear(*res);
        return db_broken(db, NULL);
    }

    return 0;
}


/* sends what is queued, reading meanwhile so that neither side gets stuck */

int
db_flush(db_t *db)
{
    int       rc;
    uint64_t  at = life_now() + db->timeout;

    for ( ;; ) {
        rc = PQflush(db->conn);

        if (rc == 0) {
            return 0;
        }

        if (rc == -1) {
            return db_broken(db, NULL);
        }

        if (db_poll(db, POLLIN|POLLOUT, at) != LIFE_READY) {
            return db_broken(db, "cannot send in time");
        }

        if (!PQconsumeInput(db->conn)) {
            return db_broken(db, NULL);
        }
    }
}


bool
db_good(db_t *db, const PGresult *res)
{
    ExecStatusType  status = PQresultStatus(res);

    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) {
        return true;
    }

    if (status == PGRES_PIPELINE_ABORTED) {     /* the error came before */
        return false;
    }

    db_keep_error(db, PQresultErrorField(res, PG_DIAG_SQLSTATE),
                  PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY));

    return false;
}


static int
db_send_params(db_t *db, const char *sql, const db_params_t *ps)
{
    if (ps == NULL) {
        return PQsendQueryParams(db->conn, sql, 0, NULL, NULL, NULL, NULL, 0);
    }

    return PQsendQueryParams(db->conn, sql, ps->n, ps->types, ps->values,
                             ps->lengths, ps->formats, 0);
}


/* the last result of what was sent, the first bad one if any */

static PGresult *
db_collect(db_t *db)
{
    bool       good = true;
    PGresult  *res, *last = NULL;

    for ( ;; ) {

        if (db_wait(db, &res) == -1) {
            PQclear(last);
            return NULL;
        }

        if (res == NULL) {
            break;
        }

        good = good && db_good(db, res);
        PQclear(last);
        last = res;
    }

    if (!good) {
        PQclear(last);
        return NULL;
    }

    return last;
}


PGresult *
db_query(db_t *db, const char *sql, const db_params_t *params)
{
    if (!db_send_params(db, sql, params)) {
        (void) db_broken(db, NULL);
        return NULL;
    }

    return db_collect(db);
}


int
db_script(db_t *db, const char *sql)
{
    PGresult  *res;

    if (!PQsendQuery(db->conn, sql)) {
        return db_broken(db, NULL);
    }

    res = db_collect(db);

    if (res == NULL) {
        return -1;
    }

    PQclear(res);

    return 0;
}


int
db_begin(db_t *db)
{
    db->sent.len = 0;
    db->seen = 0;

    return PQenterPipelineMode(db->conn) ? 0 : db_broken(db, NULL);
}


/* one more result to come */

static int
db_sent(db_t *db, int sent, unsigned prepares)
{
    *mem_buf_room(&db->sent, 1) = (uint8_t) prepares;

    return sent ? 0 : db_broken(db, NULL);
}


int
db_send(db_t *db, const char *sql, const db_params_t *params)
{
    return db_sent(db, db_send_params(db, sql, params), 0);
}


/* the number of a statement that is prepared, or else one that is free;
   DB_MAX_PREPARED: there is none */

static unsigned
db_find_prepared(const db_t *db, const char *sql)
{
    unsigned  i;

    for (i = 0; i < DB_MAX_PREPARED; i++) {
        if (db->prepared[i] == sql || db->prepared[i] == NULL) {
            break;
        }
    }

    return i;
}


int
db_send_prepared(db_t *db, const char *sql, const db_params_t *ps)
{
    char      name[16];
    unsigned  i;

    i = db_find_prepared(db, sql);

    if (i == DB_MAX_PREPARED) {
        return db_send(db, sql, ps);
    }

    (void) snprintf(name, sizeof(name), "s%u", i);

    if (db->prepared[i] == NULL) {
        db->prepared[i] = sql;

        if (db_sent(db, PQsendPrepare(db->conn, name, sql, ps->n, ps->types),
                    i + 1)
            == -1)
        {
            return -1;
        }
    }

    return db_sent(db, PQsendQueryPrepared(db->conn, name, ps->n, ps->values,
                                           ps->lengths, ps->formats, 0), 0);
}


int
db_sync(db_t *db)
{
    return PQpipelineSync(db->conn) ? 0 : db_broken(db, NULL);
}


/* what one thing that was sent has brought, and the end of it */

static int
db_result_next(db_t *db, PGresult **res)
{
    PGresult  *end;

    if (db_wait(db, res) == -1) {
        return -1;
    }

    if (*res == NULL) {
        return db_broken(db, "a result is missing");
    }

    if (db_wait(db, &end) == -1) {
        PQclear(*res);
        return -1;
    }

    if (end != NULL) {
        PQclear(end);
        PQclear(*res);
        return db_broken(db, "one result too many");
    }

    return 0;
}


int
db_result(db_t *db, PGresult **res)
{
    unsigned  prepares;

    for ( ;; ) {

        if (db_result_next(db, res) == -1) {
            return -1;
        }

        prepares = db->seen < db->sent.len ? db->sent.data[db->seen] : 0;
        db->seen++;

        if (prepares == 0) {
            return 0;
        }

        /* its error is kept: the statement itself will say "aborted" alone */

        if (!db_good(db, *res)) {
            db->prepared[prepares - 1] = NULL;
        }

        PQclear(*res);
    }
}


int
db_synced(db_t *db)
{
    PGresult        *res;
    ExecStatusType   status;

    if (db_wait(db, &res) == -1) {
        return -1;
    }

    status = PQresultStatus(res);
    PQclear(res);

    return status == PGRES_PIPELINE_SYNC ? 0 : db_broken(db, "out of step");
}


int
db_end(db_t *db)
{
    return PQexitPipelineMode(db->conn) ? 0 : db_broken(db, NULL);
}


chat_str_t
db_value(const PGresult *res, int row, int column)
{
    return (chat_str_t) {
        (const uint8_t *) PQgetvalue(res, row, column),
        (size_t) PQgetlength(res, row, column)
    };
}


uint64_t
db_value_uint(const PGresult *res, int row, int column)
{
    uint64_t  n;

    if (number_parse(db_value(res, row, column), UINT64_MAX, &n) == -1) {
        return 0;
    }

    return n;
}
