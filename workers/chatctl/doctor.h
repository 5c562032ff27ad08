/*
 * chatctl doctor: what is wrong, why that matters, and what to do.  Each check
 * says one thing; what passes by itself is looked at twice.
 */

#ifndef DOCTOR_H
#define DOCTOR_H


#include "chatctl.h"

#include "chat_id.h"
#include "chat_name.h"
#include "stream_id.h"


typedef enum {
    DOCTOR_OK,
    DOCTOR_WARNING,             /* it works, for now, or not as promised */
    DOCTOR_FAULT                /* it does not, or something may be lost */
} doctor_level_e;


typedef struct {
    doctor_level_e  level;
    const char     *check;      /* a constant: its name */
    char           *text;       /* what is */
    const char     *advice;     /* why it matters, what to do; NULL if ok */
} doctor_line_t;


/* a partition, as its row says */

typedef struct {
    bool         leased;
    char         stopped[256];
    uint64_t     generation;
    stream_id_t  stored;
} doctor_row_t;


typedef struct {
    db_t            db;
    redis_t         redis;
    redis_args_t    args;
    bool            json;
    uint64_t        sample;         /* conversations to be verified */

    bool            has_db;
    bool            has_redis;
    unsigned        n;              /* partitions */
    doctor_row_t    rows[CHAT_ID_MAX_PARTITIONS];

    doctor_line_t  *lines;
    size_t          nlines;
    size_t          size;
} doctor_t;


void doctor_say(doctor_t *d, doctor_level_e level, const char *check,
    const char *advice, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* for whom it is worth to look again */
void doctor_wait(uint32_t ms);


/* Each finds out what it can; a link that breaks is told and not used again. */

void doctor_check_redis(doctor_t *d);       /* opens it */
void doctor_check_library(doctor_t *d, const redis_library_t *l);
void doctor_check_postgres(doctor_t *d);    /* likewise */
void doctor_check_clocks(doctor_t *d);
void doctor_check_parts(doctor_t *d);
void doctor_check_shares(doctor_t *d);
void doctor_check_presence(doctor_t *d);
void doctor_check_revoked(doctor_t *d);
void doctor_check_nodes(doctor_t *d);
void doctor_check_sample(doctor_t *d);

/* a row of numbers or words; NULL: told, and d->has_db is false now */
PGresult *doctor_query(doctor_t *d, const char *sql);

/* reads d->rows; -1: told */
CHAT_MUST_CHECK int doctor_read_rows(doctor_t *d);

/* an answer of Redis to d->args; NULL: told, and d->has_redis is false */
redisReply *doctor_ask(doctor_t *d);


#endif /* DOCTOR_H */
