/*
 * chatctl status: whether all is well, and if not, what is not.
 */

#include "chatctl.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chat_id.h"
#include "chat_name.h"
#include "holders.h"
#include "number.h"
#include "stream_id.h"


#define LATE  10000     /* ms; what is not stored by then is stuck */


typedef struct {
    char         holder[64];
    bool         leased;
    char         stopped[256];
    uint64_t     lease;         /* ms left */
    uint64_t     generation;
    stream_id_t  stored;

    bool         open;          /* in Redis, for the Redis that answers */
    uint64_t     log;           /* entries */
    uint64_t     age;           /* ms, of the oldest that is not stored */

    const char  *fault;         /* NULL: all is well */
} status_part_t;


typedef struct {
    db_t            db;
    redis_t         redis;
    bool            json;

    const char     *db_fault;
    const char     *redis_fault;
    uint64_t        version;        /* of the schema */
    uint64_t        dead_letters;
    uint64_t        redis_time;     /* ms */
    holders_t       holders;        /* of who is there */
    unsigned        n;
    status_part_t   parts[CHAT_ID_MAX_PARTITIONS];
} status_t;


static int status_run(status_t *s);
static int status_read_db(status_t *s);
static int status_read_redis(status_t *s);
static void status_judge(status_part_t *part, const status_t *s);
static void status_print(const status_t *s, bool well);
static void status_print_json(const status_t *s, bool well);


int
status_main(int argc, char **argv)
{
    int           rc;
    status_t      s;
    options_rc_e  orc;

    const option_t  own[] = {
        { "json", OPTION_FLAG, false, NULL, NULL,
          "print one JSON object", &s.json, 0, 0 },
        OPTION_REDIS_URL(&s.redis.url),
        OPTION_POSTGRES_URL(&s.db.url),
        OPTION_END
    };

    const options_t  options = {
        .usage = "chatctl status [OPTION]...",
        .help = "Looks at PostgreSQL, Redis and each partition: its holder, "
                "its lease, and how far the\nevents in Redis are stored.  "
                "0 is the answer only if all is well.",
        .more = CHATCTL_EXITS,
        .own = own
    };

    memset(&s, 0, sizeof(s));
    orc = options_read(&options, argc, argv);

    if (orc != OPTIONS_OK) {
        return ctl_exit(orc);
    }

    rc = status_run(&s);

    db_close(&s.db);
    redis_close(&s.redis);

    return rc;
}


/* where none has ever run, nobody misses it */

static bool
status_presence_well(const status_t *s)
{
    return s->holders.used == 0 || s->holders.held == s->n;
}


static int
status_run(status_t *s)
{
    bool      well;
    unsigned  i;

    s->db.quiet = true;
    s->db.name = "chatctl";
    s->db.timeout = 5000;
    s->redis.quiet = true;

    if (status_read_db(s) == -1) {
        s->db_fault = s->db.error;
    }

    if (status_read_redis(s) == -1) {
        s->redis_fault = s->redis.error;
    }

    well = s->db_fault == NULL && s->redis_fault == NULL
           && s->dead_letters == 0 && status_presence_well(s);

    for (i = 0; i < s->n; i++) {
        status_judge(&s->parts[i], s);
        well = well && s->parts[i].fault == NULL;
    }

    if (s->json) {
        status_print_json(s, well);
    } else {
        status_print(s, well);
    }

    if (!ctl_flush()) {
        return EXIT_FAILED;
    }

    if (s->db_fault != NULL || s->redis_fault != NULL) {
        return EXIT_UNAVAILABLE;
    }

    return well ? EXIT_OK : EXIT_FAILED;
}


/* one number */

static int
status_query(status_t *s, const char *sql, uint64_t *n)
{
    PGresult  *res;

    res = db_query(&s->db, sql, NULL);

    if (res == NULL) {
        return -1;
    }

    *n = db_value_uint(res, 0, 0);
    PQclear(res);

    return 0;
}


static void
status_read_row(status_part_t *part, const PGresult *res, int row)
{
    (void) snprintf(part->holder, sizeof(part->holder), "%s",
                    PQgetvalue(res, row, 0));
    part->lease = db_value_uint(res, row, 1);
    part->leased = part->lease != 0;
    part->generation = db_value_uint(res, row, 2);
    (void) snprintf(part->stopped, sizeof(part->stopped), "%s",
                    PQgetvalue(res, row, 4));

    if (stream_id_parse(&part->stored, db_value(res, row, 3)) == -1) {
        memset(&part->stored, 0, sizeof(part->stored));
    }
}


static int
status_read_db(status_t *s)
{
    int        row;
    PGresult  *res;

    if (db_open(&s->db) == -1
        || status_query(s, "SELECT max(version) FROM chat.schema_version",
                        &s->version) == -1
        || status_query(s, "SELECT count(*) FROM chat.dead_letter",
                        &s->dead_letters) == -1)
    {
        return -1;
    }

    res = db_query(&s->db,
                   "SELECT holder, greatest(0, extract(epoch FROM"
                   " lease_until - clock_timestamp()) * 1000)::bigint,"
                   " generation, stored_id, stopped"
                   " FROM chat.partition ORDER BY p", NULL);

    if (res == NULL) {
        return -1;
    }

    for (row = 0; row < PQntuples(res) && row < CHAT_ID_MAX_PARTITIONS; row++)
    {
        status_read_row(&s->parts[row], res, row);
    }

    s->n = (unsigned) row;
    PQclear(res);

    return 0;
}


/* the same calls for each partition, all in one round trip */

static int
status_send(status_t *s, unsigned i)
{
    int           rc;
    char          key[CHAT_NAME_PREFIX_LEN + 8], id[STREAM_ID_TEXT];
    redis_args_t  args = { 0 };

    memset(key, 0, sizeof(key));
    (void) chat_name_prefix((uint8_t *) key, i);
    memcpy(key + CHAT_NAME_PREFIX_LEN, "part", 4);

    redis_args_reset(&args, "HMGET");
    redis_args_text(&args, key);
    redis_args_text(&args, "identity");
    redis_args_text(&args, "generation");
    rc = redis_send(&s->redis, &args);

    memcpy(key + CHAT_NAME_PREFIX_LEN, "log\0", 4);

    if (rc == 0) {
        redis_args_reset(&args, "XLEN");
        redis_args_text(&args, key);
        rc = redis_send(&s->redis, &args);
    }

    if (rc == 0) {
        redis_args_reset(&args, "XREAD");
        redis_args_text(&args, "COUNT");
        redis_args_text(&args, "1");
        redis_args_text(&args, "STREAMS");
        redis_args_text(&args, key);
        redis_args_text(&args, stream_id_print(s->parts[i].stored, id));
        rc = redis_send(&s->redis, &args);
    }

    redis_args_done(&args);

    return rc;
}


static redisReply *
status_reply(status_t *s)
{
    redisReply  *reply;

    reply = redis_reply(&s->redis, 0);

    if (reply != NULL && reply->type == REDIS_REPLY_ERROR) {
        (void) redis_fail(&s->redis, reply->str);
        freeReplyObject(reply);
        return NULL;
    }

    return reply;
}


/* the age of the first entry that XREAD found */

static uint64_t
status_age(const status_t *s, const redisReply *reply)
{
    stream_id_t  id;

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 1
        || stream_id_parse(&id, redis_text(
               reply->element[0]->element[1]->element[0], 0)) == -1
        || s->redis_time < id.ms)
    {
        return 0;
    }

    return s->redis_time - id.ms;
}


static int
status_read_part(status_t *s, status_part_t *part)
{
    uint64_t     generation;
    chat_str_t   identity;
    redisReply  *reply;

    reply = status_reply(s);

    if (reply == NULL) {
        return -1;
    }

    identity = redis_text(reply, 0);
    part->open = identity.len == strlen(s->redis.identity)
                 && memcmp(identity.data, s->redis.identity, identity.len)
                    == 0
                 && number_parse(redis_text(reply, 1), UINT32_MAX,
                                 &generation) == 0
                 && generation == part->generation;
    freeReplyObject(reply);

    reply = status_reply(s);

    if (reply == NULL) {
        return -1;
    }

    part->log = reply->type == REDIS_REPLY_INTEGER ? (uint64_t) reply->integer
                                                   : 0;
    freeReplyObject(reply);

    reply = status_reply(s);

    if (reply == NULL) {
        return -1;
    }

    part->age = status_age(s, reply);
    freeReplyObject(reply);

    return 0;
}


static int
status_read_redis(status_t *s)
{
    unsigned      i;
    uint64_t      seconds = 0;
    redisReply   *reply;
    redis_args_t  args = { 0 };

    if (redis_open(&s->redis) == -1) {
        return -1;
    }

    redis_args_reset(&args, "TIME");
    reply = redis_call(&s->redis, &args);
    redis_args_done(&args);

    if (reply == NULL) {
        return -1;
    }

    if (number_parse(redis_text(reply, 0), UINT32_MAX, &seconds) == 0) {
        s->redis_time = seconds * 1000;
    }

    freeReplyObject(reply);

    for (i = 0; i < s->n; i++) {
        if (status_send(s, i) == -1) {
            return -1;
        }
    }

    for (i = 0; i < s->n; i++) {
        if (status_read_part(s, &s->parts[i]) == -1) {
            return -1;
        }
    }

    return holders_read(&s->holders, &s->redis, s->n);
}


static void
status_judge(status_part_t *part, const status_t *s)
{
    part->fault = NULL;

    if (part->stopped[0] != '\0') {
        part->fault = part->stopped;

    } else if (!part->leased) {
        part->fault = "nobody holds it";

    } else if (s->redis_fault != NULL) {
        part->fault = "Redis does not answer";

    } else if (!part->open) {
        part->fault = "not open in Redis";

    } else if (part->age > LATE) {
        part->fault = "events wait too long to be stored";
    }
}


static void
status_print(const status_t *s, bool well)
{
    char                  id[STREAM_ID_TEXT];
    unsigned              i;
    const status_part_t  *part;

    if (s->db_fault != NULL) {
        printf("PostgreSQL  does not answer: %s\n", s->db_fault);

    } else {
        printf("PostgreSQL  ok, schema version %" PRIu64 ", %" PRIu64
               " dead letters\n", s->version, s->dead_letters);
    }

    if (s->redis_fault != NULL) {
        printf("Redis       does not answer: %s\n", s->redis_fault);

    } else {
        printf("Redis       ok\n");
    }

    if (s->redis_fault == NULL && s->holders.used != 0) {
        printf("Presence    %s, %" PRIu64 " chat-presence, %u of %u partitions "
               "held\n", status_presence_well(s) ? "ok" : "nobody tells it",
               s->holders.programs, s->holders.held, s->n);
    }

    if (s->n != 0) {
        printf("\n%2s  %-28s %9s %10s  %-20s %7s %9s  %s\n", "p", "holder",
               "lease, ms", "generation", "stored", "log", "age, ms", "");
    }

    for (i = 0; i < s->n; i++) {
        part = &s->parts[i];
        printf("%2u  %-28s %9" PRIu64 " %10" PRIu64 "  %-20s %7" PRIu64
               " %9" PRIu64 "  %s\n", i,
               part->holder[0] != '\0' ? part->holder : "-", part->lease,
               part->generation, stream_id_print(part->stored, id),
               part->log, part->age,
               part->fault != NULL ? part->fault : "ok");
    }

    printf("\n%s\n", well ? "all is well" : "not all is well");
}


static json_t *
status_dependency(const char *fault)
{
    return json_pack("{s:b, s:s*}", "ok", fault == NULL, "error", fault);
}


static json_t *
status_presence(const status_t *s)
{
    return json_pack("{s:b, s:b, s:I, s:i}", "ok", status_presence_well(s),
                     "used", s->holders.used != 0,
                     "programs", (json_int_t) s->holders.programs,
                     "held", (int) s->holders.held);
}


static void
status_print_json(const status_t *s, bool well)
{
    char                  id[STREAM_ID_TEXT];
    char                 *text;
    json_t               *root, *parts;
    unsigned              i;
    const status_part_t  *part;

    parts = json_array();

    for (i = 0; i < s->n; i++) {
        part = &s->parts[i];
        (void) json_array_append_new(parts, json_pack(
            "{s:i, s:b, s:s*, s:s, s:I, s:I, s:s, s:b, s:I, s:I}",
            "partition", (int) i, "ok", part->fault == NULL,
            "error", part->fault, "holder", part->holder,
            "leaseMs", (json_int_t) part->lease,
            "generation", (json_int_t) part->generation,
            "stored", stream_id_print(part->stored, id),
            "open", part->open, "log", (json_int_t) part->log,
            "oldestMs", (json_int_t) part->age));
    }

    root = json_pack("{s:b, s:o, s:o, s:o, s:I, s:I, s:o}", "ok", well,
                     "postgresql", status_dependency(s->db_fault),
                     "redis", status_dependency(s->redis_fault),
                     "presence", status_presence(s),
                     "schemaVersion", (json_int_t) s->version,
                     "deadLetters", (json_int_t) s->dead_letters,
                     "partitions", parts);

    text = root != NULL ? json_dumps(root, JSON_COMPACT) : NULL;
    json_decref(root);

    if (text != NULL) {
        printf("%s\n", text);
    }

    free(text);
}
