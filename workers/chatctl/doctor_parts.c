/*
 * Partitions: who holds them, and whether Redis and PostgreSQL agree on what
 * they are and how far they are stored.
 */

#include "doctor.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "number.h"


#define LATE        10000       /* ms; what is not stored by then is stuck */
#define AGAIN       1500        /* ms until one looks again */
#define MARKS_MANY  20000
#define COMMANDS    4           /* for each partition */
#define PARTS_KEY   32


/* what can be wrong, the worst first */

typedef enum {
    PART_STOPPED,
    PART_FREE,
    PART_CLOSED,
    PART_OLD_GENERATION,
    PART_NUMBER,
    PART_AHEAD,
    PART_LATE,
    PART_FULL,
    PART_MARKS,
    PART_FINE
} part_fault_e;


static const struct {
    doctor_level_e   level;
    const char      *text;
    const char      *advice;
} part_faults[] = {
    [PART_STOPPED] = { DOCTOR_FAULT, "chat-persist has stopped it",
        "Nothing in it is stored any more, and sending will be refused when "
        "the backlog is full.\nThe reason is in chatctl status; docs/"
        "operations.md, \"At night\", tells what to do." },
    [PART_FREE] = { DOCTOR_FAULT, "nobody holds it",
        "Nothing in it is stored, and what Redis does not hold cannot be "
        "loaded.  Start chat-persist." },
    [PART_CLOSED] = { DOCTOR_FAULT,
        "it is not open for the Redis that answers",
        "Every request gets \"unavailable\".  Its holder opens it when it "
        "reaches this Redis: is it the same\none?  Compare --redis-url." },
    [PART_OLD_GENERATION] = { DOCTOR_FAULT,
        "Redis has it in another generation than PostgreSQL",
        "Revisions could be given twice.  Restart its holder, which opens it "
        "anew." },
    [PART_NUMBER] = { DOCTOR_FAULT,
        "Redis believes that there is another number of partitions",
        "Nodes find conversations in the wrong place.  The number cannot be "
        "changed: see chatctl setting list." },
    [PART_AHEAD] = { DOCTOR_FAULT,
        "Redis knows more to be stored than PostgreSQL has",
        "PostgreSQL went back.  See docs/operations.md, \"PostgreSQL was "
        "restored from a backup\"." },
    [PART_LATE] = { DOCTOR_FAULT, "events wait too long to be stored",
        "They are safe in Redis, but sending will be refused when the backlog "
        "is full.  Look into the log\nof its holder: is PostgreSQL slow, or "
        "out of disk?" },
    [PART_FULL] = { DOCTOR_WARNING, "its backlog is nearly full",
        "Then sending is refused.  Is PostgreSQL too slow for what is sent?" },
    [PART_MARKS] = { DOCTOR_WARNING, "very many marks wait to be stored",
        "How far people have read may be told wrong once Redis has forgotten.  "
        "Look into the log of its holder." }
};


typedef struct {
    bool          open;         /* for the Redis that answers */
    uint64_t      generation;
    stream_id_t   stored;
    uint64_t      partitions;
    uint64_t      backlog;
    uint64_t      log;
    uint64_t      marks;
    uint64_t      age;          /* ms, of the oldest event that waits */
} part_t;


int
doctor_read_rows(doctor_t *d)
{
    int            row;
    PGresult      *res;
    doctor_row_t  *r;

    res = doctor_query(d, "SELECT CASE WHEN lease_until > clock_timestamp()"
                          " THEN holder END, stopped, generation, stored_id"
                          " FROM chat.partition ORDER BY p");

    if (res == NULL) {
        return -1;
    }

    d->n = 0;

    for (row = 0; row < PQntuples(res) && row < CHAT_ID_MAX_PARTITIONS; row++)
    {
        r = &d->rows[d->n];
        memset(r, 0, sizeof(*r));
        r->leased = !PQgetisnull(res, row, 0);
        r->generation = db_value_uint(res, row, 2);
        (void) snprintf(r->stopped, sizeof(r->stopped), "%s",
                        PQgetvalue(res, row, 1));

        if (stream_id_parse(&r->stored, db_value(res, row, 3)) == -1) {
            memset(&r->stored, 0, sizeof(r->stored));
        }

        d->n++;
    }

    PQclear(res);

    return 0;
}


static int
parts_send(doctor_t *d, unsigned i)
{
    char           id[STREAM_ID_TEXT], log[PARTS_KEY], key[PARTS_KEY];
    unsigned       k;
    redis_args_t  *a = &d->args;

    static const char *const  fields[] = {
        "identity", "generation", "stored", "partitions", "backlog"
    };

    (void) snprintf(log, sizeof(log), "chat:{p%02u}:log", i);
    (void) snprintf(key, sizeof(key), "chat:{p%02u}:part", i);
    redis_args_reset(a, "HMGET");
    redis_args_text(a, key);

    for (k = 0; k < sizeof(fields) / sizeof(fields[0]); k++) {
        redis_args_text(a, fields[k]);
    }

    if (redis_send(&d->redis, a) == -1) {
        return -1;
    }

    redis_args_reset(a, "XLEN");
    redis_args_text(a, log);

    if (redis_send(&d->redis, a) == -1) {
        return -1;
    }

    (void) snprintf(key, sizeof(key), "chat:{p%02u}:marks", i);
    redis_args_reset(a, "HLEN");
    redis_args_text(a, key);

    if (redis_send(&d->redis, a) == -1) {
        return -1;
    }

    redis_args_reset(a, "XREAD");
    redis_args_text(a, "COUNT");
    redis_args_text(a, "1");
    redis_args_text(a, "STREAMS");
    redis_args_text(a, log);
    redis_args_text(a, stream_id_print(d->rows[i].stored, id));

    return redis_send(&d->redis, a);
}


static uint64_t
parts_uint(chat_str_t text)
{
    uint64_t  n;

    return number_parse(text, INT64_MAX, &n) == 0 ? n : 0;
}


static void
parts_take(const doctor_t *d, part_t *part, redisReply *const replies[])
{
    stream_id_t        id;
    chat_str_t         identity = redis_text(replies[0], 0);
    const redisReply  *read = replies[3];

    memset(part, 0, sizeof(*part));
    part->open = identity.len == strlen(d->redis.identity)
                 && memcmp(identity.data, d->redis.identity, identity.len)
                    == 0;
    part->generation = parts_uint(redis_text(replies[0], 1));
    part->partitions = parts_uint(redis_text(replies[0], 3));
    part->backlog = parts_uint(redis_text(replies[0], 4));

    if (stream_id_parse(&part->stored, redis_text(replies[0], 2)) == -1) {
        memset(&part->stored, 0, sizeof(part->stored));
    }

    part->log = replies[1]->type == REDIS_REPLY_INTEGER
                ? (uint64_t) replies[1]->integer : 0;
    part->marks = replies[2]->type == REDIS_REPLY_INTEGER
                  ? (uint64_t) replies[2]->integer : 0;

    if (read->type == REDIS_REPLY_ARRAY && read->elements == 1
        && stream_id_parse(&id, redis_text(read->element[0]->element[1]
                                           ->element[0], 0)) == 0
        && life_time() > id.ms)
    {
        part->age = life_time() - id.ms;
    }
}


static int
parts_read(doctor_t *d, part_t *part)
{
    unsigned     k, got;
    redisReply  *replies[COMMANDS];

    for (got = 0; got < COMMANDS; got++) {
        replies[got] = redis_reply(&d->redis, 0);

        if (replies[got] == NULL) {
            break;
        }
    }

    if (got == COMMANDS) {
        parts_take(d, part, replies);
    }

    for (k = 0; k < got; k++) {
        freeReplyObject(replies[k]);
    }

    return got == COMMANDS ? 0 : -1;
}


static part_fault_e
parts_judge(const doctor_t *d, const doctor_row_t *row, const part_t *part)
{
    if (row->stopped[0] != '\0') {
        return PART_STOPPED;
    }

    if (!row->leased) {
        return PART_FREE;
    }

    if (!part->open) {
        return PART_CLOSED;
    }

    if (part->generation != row->generation) {
        return PART_OLD_GENERATION;
    }

    if (part->partitions != d->n) {
        return PART_NUMBER;
    }

    if (part->age > LATE) {
        return PART_LATE;
    }

    if (part->backlog != 0 && part->log > part->backlog / 10 * 8) {
        return PART_FULL;
    }

    return part->marks > MARKS_MANY ? PART_MARKS : PART_FINE;
}


/* The rows are read once more after Redis: what it knows to be stored must be
   by then. */

static int
parts_look(doctor_t *d, part_t *parts, part_fault_e *faults)
{
    unsigned  i;

    if (doctor_read_rows(d) == -1) {
        return -1;
    }

    for (i = 0; i < d->n; i++) {
        if (parts_send(d, i) == -1) {
            return -1;
        }
    }

    for (i = 0; i < d->n; i++) {
        if (parts_read(d, &parts[i]) == -1) {
            return -1;
        }
    }

    for (i = 0; i < d->n; i++) {
        faults[i] = parts_judge(d, &d->rows[i], &parts[i]);
    }

    if (doctor_read_rows(d) == -1) {
        return -1;
    }

    for (i = 0; i < d->n; i++) {
        if (faults[i] > PART_AHEAD && parts[i].open
            && stream_id_compare(parts[i].stored, d->rows[i].stored) > 0)
        {
            faults[i] = PART_AHEAD;
        }
    }

    return 0;
}


/* the partitions of a fault: "0, 3, 4" */

static unsigned
parts_list(const part_fault_e *faults, unsigned n, part_fault_e fault,
    char *text, size_t size)
{
    size_t    len = 0;
    unsigned  i, found = 0;

    text[0] = '\0';

    for (i = 0; i < n; i++) {
        if (faults[i] == fault && len + 8 < size) {
            len += (size_t) snprintf(text + len, size - len, "%s%u",
                                     found != 0 ? ", " : "", i);
            found++;
        }
    }

    return found;
}


static void
parts_tell(doctor_t *d, const part_t *parts, const part_fault_e *faults)
{
    char          list[4 * CHAT_ID_MAX_PARTITIONS + 8];
    unsigned      i, found, fine = 0;
    uint64_t      waits = 0, marks = 0;
    part_fault_e  fault;

    for (i = 0; i < d->n; i++) {
        fine += faults[i] == PART_FINE;
        waits += parts[i].log;
        marks += parts[i].marks;
    }

    for (fault = 0; fault < PART_FINE; fault++) {
        found = parts_list(faults, d->n, fault, list, sizeof(list));

        if (found != 0) {
            doctor_say(d, part_faults[fault].level, "partition",
                       part_faults[fault].advice, "%s %s: %s",
                       found == 1 ? "partition" : "partitions", list,
                       part_faults[fault].text);
        }
    }

    if (fine != 0) {
        doctor_say(d, DOCTOR_OK, "partition", NULL,
                   "%u of %u partitions are held, open and stored; %" PRIu64
                   " events and %" PRIu64 " marks wait to be", fine, d->n,
                   waits, marks);
    }
}


void
doctor_check_parts(doctor_t *d)
{
    unsigned      i, wrong = 0;
    part_t        parts[CHAT_ID_MAX_PARTITIONS];
    part_fault_e  first[CHAT_ID_MAX_PARTITIONS];
    part_fault_e  faults[CHAT_ID_MAX_PARTITIONS];

    if (!d->has_db || !d->has_redis) {
        return;
    }

    if (parts_look(d, parts, faults) == -1) {
        goto failed;
    }

    for (i = 0; i < d->n; i++) {
        wrong += faults[i] != PART_FINE;
    }

    if (wrong != 0) {
        memcpy(first, faults, sizeof(first));
        doctor_wait(AGAIN);

        if (parts_look(d, parts, faults) == -1) {
            goto failed;
        }

        for (i = 0; i < d->n; i++) {
            faults[i] = faults[i] == first[i] ? faults[i] : PART_FINE;
        }
    }

    parts_tell(d, parts, faults);

    return;

failed:

    if (d->has_db && !redis_is_open(&d->redis)) {
        d->has_redis = false;
        doctor_say(d, DOCTOR_FAULT, "redis",
                   "What needs it cannot be checked.  Look into its log.",
                   "Redis: %s", d->redis.error);
    }
}


/* Shares ------------------------------------------------------------------- */

static const char  sql_shares[] =
    "SELECT count(*), count(*) FILTER (WHERE s.share <> coalesce(h.n, 0)),"
    " coalesce(min(h.n), 0), coalesce(max(h.n), 0)"
    " FROM chat.holder_share s LEFT JOIN"
    " (SELECT holder, count(*) AS n FROM chat.partition"
    "   WHERE lease_until > clock_timestamp() GROUP BY holder) h"
    " ON h.holder = s.name";

void
doctor_check_shares(doctor_t *d)
{
    unsigned   tries;
    uint64_t   uneven = 0, holders = 0;
    PGresult  *res;

    if (!d->has_db) {
        return;
    }

    for (tries = 0; tries < 4; tries++) {

        if (tries != 0) {
            doctor_wait(AGAIN);
        }

        res = doctor_query(d, sql_shares);

        if (res == NULL) {
            return;
        }

        holders = db_value_uint(res, 0, 0);
        uneven = db_value_uint(res, 0, 1);
        PQclear(res);

        if (uneven == 0 && holders != 0) {
            doctor_say(d, DOCTOR_OK, "chat-persist", NULL, "%" PRIu64
                       " run%s, with even shares", holders,
                       holders == 1 ? "s" : "");
            return;
        }
    }

    if (holders == 0) {
        doctor_say(d, DOCTOR_FAULT, "chat-persist",
                   "Nothing is stored, and what Redis does not hold cannot be "
                   "loaded.  Start it; if it runs, its log\ntells what it "
                   "cannot reach.",
                   "none runs that reaches both Redis and PostgreSQL");
    } else {
        doctor_say(d, DOCTOR_WARNING, "chat-persist",
                   "One of them has more to do than it should.  Is one stuck, "
                   "or stopped?  Its log should tell.",
                   "%" PRIu64 " of %" PRIu64 " do not hold the share of "
                   "partitions that is theirs", uneven, holders);
    }
}
