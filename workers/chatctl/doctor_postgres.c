/*
 * PostgreSQL, what waits there for somebody, and the clocks.
 */

#include "doctor.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chat_version.h"
#include "number.h"


#define CLOCKS_APART   2000     /* ms */
#define CLOCKS_BROKEN  60000


static void postgres_check_schema(doctor_t *d);
static void postgres_check_settings(doctor_t *d);
static void postgres_check_waiting(doctor_t *d);


void
doctor_check_postgres(doctor_t *d)
{
    d->db.quiet = true;
    d->db.name = "chatctl";
    d->db.timeout = 10000;

    if (db_open(&d->db) == -1) {
        doctor_say(d, DOCTOR_FAULT, "postgresql",
                   "Conversations in use go on until the backlog is full; "
                   "others get \"unavailable\".  Start\nPostgreSQL, or "
                   "correct --postgres-url.",
                   "PostgreSQL does not answer: %s", d->db.error);
        return;
    }

    d->has_db = true;
    doctor_say(d, DOCTOR_OK, "postgresql", NULL, "PostgreSQL answers");

    postgres_check_schema(d);

    if (d->has_db) {
        postgres_check_settings(d);
    }

    if (d->has_db) {
        postgres_check_waiting(d);
    }
}


static void
postgres_check_schema(doctor_t *d)
{
    uint64_t   version, newest = CHAT_SCHEMA_VERSION;
    PGresult  *res;

    res = doctor_query(d, "SELECT max(version) FROM chat.schema_version");

    if (res == NULL) {
        return;
    }

    version = db_value_uint(res, 0, 0);
    PQclear(res);

    if (version == newest) {
        doctor_say(d, DOCTOR_OK, "schema", NULL, "its version is %" PRIu64,
                   version);
        return;
    }

    doctor_say(d, version < newest ? DOCTOR_FAULT : DOCTOR_WARNING, "schema",
               version < newest ? "chat-persist of this version cannot store "
                                  "anything.  Run chatctl migrate."
                                : "Use the chatctl that belongs to it.",
               "the schema is of version %" PRIu64 ", this program's is %"
               PRIu64, version, newest);

    d->has_db = version > newest;
}


static void
postgres_check_settings(doctor_t *d)
{
    PGresult  *res;

    res = doctor_query(d, "SELECT current_setting('fsync') = 'on'"
                          " AND current_setting('full_page_writes') = 'on'"
                          " AND current_setting('synchronous_commit') <> 'off',"
                          " pg_is_in_recovery()");

    if (res == NULL) {
        return;
    }

    if (PQgetvalue(res, 0, 0)[0] != 't') {
        doctor_say(d, DOCTOR_WARNING, "postgresql",
                   "What it says is stored may be gone after a crash, though "
                   "Redis has let go of it.  Set them on.",
                   "fsync, full_page_writes or synchronous_commit is off");
    }

    if (PQgetvalue(res, 0, 1)[0] == 't') {
        doctor_say(d, DOCTOR_FAULT, "postgresql",
                   "Nothing can be stored there.  Correct --postgres-url.",
                   "PostgreSQL is a standby");
    }

    PQclear(res);
}


static void
postgres_check_waiting(doctor_t *d)
{
    uint64_t   letters, erasures;
    PGresult  *res;

    res = doctor_query(d,
                       "SELECT (SELECT count(*) FROM chat.dead_letter),"
                       " (SELECT count(*) FROM chat.erasure)");

    if (res == NULL) {
        return;
    }

    letters = db_value_uint(res, 0, 0);
    erasures = db_value_uint(res, 0, 1);
    PQclear(res);

    if (letters != 0) {
        doctor_say(d, DOCTOR_FAULT, "dead letters",
                   "Each was accepted, and is missing for whoever looks into "
                   "the past.  chatctl deadletter list tells\nwhy; mend that, "
                   "then chatctl deadletter retry --all.",
                   "PostgreSQL refused to store %" PRIu64 " events", letters);
    } else {
        doctor_say(d, DOCTOR_OK, "dead letters", NULL, "there are none");
    }

    doctor_say(d, DOCTOR_OK, "erasures", NULL, "%" PRIu64 " deleted "
               "conversations wait to be erased", erasures);
}


/* Clocks ------------------------------------------------------------------ */

static uint64_t
clock_of_redis(doctor_t *d)
{
    uint64_t     s = 0, us = 0;
    redisReply  *reply;

    redis_args_reset(&d->args, "TIME");
    reply = doctor_ask(d);

    if (reply == NULL) {
        return 0;
    }

    if (number_parse(redis_text(reply, 0), UINT32_MAX, &s) == -1
        || number_parse(redis_text(reply, 1), 999999, &us) == -1)
    {
        s = 0;
    }

    freeReplyObject(reply);

    return s * 1000 + us / 1000;
}


static uint64_t
clock_of_postgres(doctor_t *d)
{
    uint64_t   ms;
    PGresult  *res;

    res = doctor_query(d, "SELECT (extract(epoch FROM clock_timestamp())"
                          " * 1000)::bigint");

    if (res == NULL) {
        return 0;
    }

    ms = db_value_uint(res, 0, 0);
    PQclear(res);

    return ms;
}


/* against the middle of the time that the question took; 1: it is right */

static int
clock_check(doctor_t *d, const char *whose, uint64_t (*of)(doctor_t *d))
{
    uint64_t  before, after, theirs, mine, apart;

    before = life_time();
    theirs = of(d);
    after = life_time();

    if (theirs == 0) {
        return 0;
    }

    mine = before + (after - before) / 2;
    apart = theirs > mine ? theirs - mine : mine - theirs;

    if (apart <= CLOCKS_APART + (after - before)) {
        return 1;
    }

    doctor_say(d, apart > CLOCKS_BROKEN ? DOCTOR_FAULT : DOCTOR_WARNING,
               "clocks",
               "Tokens are taken for expired or not yet good, client ids for "
               "ones of the future, and times of\nmessages are wrong.  Let all "
               "machines keep their time by NTP.",
               "the clock of %s is %" PRIu64 " ms %s that of this machine",
               whose, apart, theirs > mine ? "ahead of" : "behind");

    return 0;
}


void
doctor_check_clocks(doctor_t *d)
{
    int  right = 0, asked = d->has_redis + d->has_db;

    if (d->has_redis) {
        right += clock_check(d, "Redis", clock_of_redis);
    }

    if (d->has_db) {
        right += clock_check(d, "PostgreSQL", clock_of_postgres);
    }

    if (right == asked && asked != 0) {
        doctor_say(d, DOCTOR_OK, "clocks", NULL, "they agree");
    }
}
