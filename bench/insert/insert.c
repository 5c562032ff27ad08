/*
 * insert CONNINFO PARTITIONS CONVERSATIONS ROWS BATCH
 *
 * fills chat.message with so many messages, as chat-persist does but with
 * nothing around it: the same statement, a batch each, a transaction each.
 * This is what storing is compared with.
 *
 * The messages are new ones of new conversations, which are in turn in all
 * partitions.  In a batch they come as the logs are read: partition by
 * partition, and in each of them from one conversation after the other.
 *
 * Prints the microseconds that it took, connecting not counted.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "chat_id.h"
#include "db.h"
#include "uuid.h"


#define COLUMNS       10
#define MESSAGE_SIZE  200               /* bytes of a message's JSON */
#define GENERATION    (UINT64_C(1) << 32)


typedef struct {
    unsigned   partition;
    uint8_t    key[UUID_LEN];
    uint64_t   sequence;                /* of the last message */
} conversation_t;


static void insert_fail(const char *what, const char *why)
    __attribute__((noreturn));
static uint64_t insert_now(void);
static PGconn *insert_connect(const char *conninfo);
static conversation_t *insert_conversations(unsigned partitions, unsigned n);
static void insert_batch(PGconn *conn, conversation_t *all, unsigned n,
    unsigned partitions, unsigned rows);
static void insert_row(db_array_t *a, conversation_t *c);


/* what chat-persist sends for plain messages */

static const char  insert_sql[] =
    "INSERT INTO chat.message"
    " (p, id, conversation_key, sequence, revision, sender_id, client_id,"
    "  content, size, created_at)"
    " SELECT * FROM unnest($1::smallint[], $2::uuid[], $3::uuid[],"
    " $4::bigint[], $5::bigint[], $6::text[], $7::text[], $8::json[],"
    " $9::integer[], $10::timestamptz[])";

static const Oid  insert_types[COLUMNS] = {
    DB_INT2, DB_UUID, DB_UUID, DB_INT8, DB_INT8, DB_TEXT, DB_TEXT, DB_JSON,
    DB_INT4, DB_TIMESTAMPTZ
};


int
main(int argc, char **argv)
{
    PGconn          *conn;
    unsigned         partitions, n, rows, batch, done;
    uint64_t         began;
    conversation_t  *all;

    if (argc != 6 || sscanf(argv[2], "%u", &partitions) != 1
        || sscanf(argv[3], "%u", &n) != 1 || sscanf(argv[4], "%u", &rows) != 1
        || sscanf(argv[5], "%u", &batch) != 1 || partitions == 0
        || n < partitions || batch == 0)
    {
        insert_fail("usage", "insert CONNINFO PARTITIONS CONVERSATIONS ROWS"
                    " BATCH");
    }

    conn = insert_connect(argv[1]);
    all = insert_conversations(partitions, n);
    began = insert_now();

    for (done = 0; done < rows; done += batch) {
        insert_batch(conn, all, n, partitions,
                     rows - done < batch ? rows - done : batch);
    }

    printf("%" PRIu64 "\n", insert_now() - began);

    free(all);
    PQfinish(conn);

    return 0;
}


static void
insert_fail(const char *what, const char *why)
{
    fprintf(stderr, "insert: %s: %s\n", what, why);
    exit(1);
}


static uint64_t
insert_now(void)
{
    struct timespec  t;

    (void) clock_gettime(CLOCK_MONOTONIC, &t);

    return (uint64_t) t.tv_sec * 1000000 + (uint64_t) t.tv_nsec / 1000;
}


static PGconn *
insert_connect(const char *conninfo)
{
    PGconn    *conn;
    PGresult  *res;

    conn = PQconnectdb(conninfo);

    if (PQstatus(conn) != CONNECTION_OK) {
        insert_fail("cannot connect", PQerrorMessage(conn));
    }

    res = PQprepare(conn, "", insert_sql, 0, NULL);

    if (PQresultStatus(res) != PGRES_COMMAND_OK) {
        insert_fail("cannot prepare", PQerrorMessage(conn));
    }

    PQclear(res);

    return conn;
}


static void
insert_id(uint8_t id[CHAT_ID_LEN], unsigned partition)
{
    size_t   i;
    uint8_t  bytes[10];

    for (i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t) (random() >> 8);
    }

    chat_id_make(id, life_time(), partition, bytes);
}


/* the conversations of partition p are p, p + partitions, ... */

static conversation_t *
insert_conversations(unsigned partitions, unsigned n)
{
    uint8_t          id[CHAT_ID_LEN];
    unsigned         i;
    conversation_t  *all;

    all = mem_alloc(n * sizeof(conversation_t));

    for (i = 0; i < n; i++) {
        all[i].partition = i % partitions;
        insert_id(id, all[i].partition);

        if (uuid_parse(all[i].key, (chat_str_t) { id, CHAT_ID_LEN }) == -1) {
            insert_fail("conversations", "a key is no UUID");
        }
    }

    return all;
}


static void
insert_batch(PGconn *conn, conversation_t *all, unsigned n,
    unsigned partitions, unsigned rows)
{
    unsigned         i, p, each;
    PGresult        *res;
    db_array_t       a[COLUMNS];
    db_params_t      ps = { 0 };
    static unsigned  turn[CHAT_ID_MAX_PARTITIONS];

    for (i = 0; i < COLUMNS; i++) {
        db_array_init(&a[i], insert_types[i]);
    }

    for (i = 0; i < rows; i++) {
        p = (unsigned) ((uint64_t) i * partitions / rows);
        each = (n - p + partitions - 1) / partitions;
        insert_row(a, &all[p + turn[p] % each * partitions]);
        turn[p]++;
    }

    for (i = 0; i < COLUMNS; i++) {
        db_param_array(&ps, &a[i]);
    }

    res = PQexecPrepared(conn, "", ps.n, ps.values, ps.lengths, ps.formats, 0);

    if (PQresultStatus(res) != PGRES_COMMAND_OK) {
        insert_fail("cannot insert", PQerrorMessage(conn));
    }

    PQclear(res);

    for (i = 0; i < COLUMNS; i++) {
        db_array_done(&a[i]);
    }
}


static void
insert_row(db_array_t *a, conversation_t *c)
{
    uint8_t       message[UUID_LEN], id[CHAT_ID_LEN];
    chat_str_t    text = { id, CHAT_ID_LEN };
    static char   content[MESSAGE_SIZE];

    if (content[0] == '\0') {
        memset(content, 'x', sizeof(content));
        content[0] = '"';
        content[sizeof(content) - 1] = '"';
    }

    insert_id(id, c->partition);

    if (uuid_parse(message, text) == -1) {
        insert_fail("messages", "an id is no UUID");
    }

    insert_id(id, 0);
    c->sequence++;

    db_array_int2(&a[0], c->partition);
    db_array_bytes(&a[1], message, UUID_LEN);
    db_array_bytes(&a[2], c->key, UUID_LEN);
    db_array_int8(&a[3], c->sequence);
    db_array_int8(&a[4], GENERATION + c->sequence);
    db_array_str(&a[5], mem_cstr("ada"));
    db_array_str(&a[6], text);
    db_array_bytes(&a[7], content, sizeof(content));
    db_array_int4(&a[8], MESSAGE_SIZE);
    db_array_time(&a[9], life_time());
}
