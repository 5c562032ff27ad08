/*
 * Dead letters that an operator has asked to be tried again.
 *
 * The event comes late: others that followed it are stored.  So it is stored
 * only if nothing that is stored has taken its place.  Its numbers were counted
 * when it became a dead letter.  Only the holder of the partition does this,
 * between two batches: what it has read does not change before its transaction,
 * which would find another fence.  The letter goes in the same transaction, so
 * the event is stored once, whatever is killed.
 *
 * Redis may have forgotten the conversation meanwhile, and loaded it without
 * the event: it would take the client id for a new one, for example.  So before
 * that it has to forget it once more, which is done at any moment when nothing
 * of it waits to be stored.  Until the transaction has ended nobody else can
 * have it loaded, for that takes the holder of the partition, too.
 */

#include "persist.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "store.h"


#define LETTER_EVERY  1000      /* ms */
#define LETTER_COUNT  10000     /* ms between counts */
#define LETTER_AGAIN  20        /* where something of a conversation waits */
#define LETTER_MOST   8         /* of a partition, at once */
#define LETTER_SPEND  100       /* ms before other things get their turn */


typedef struct {
    uint64_t     id;
    part_t      *part;
    bool         waits;         /* it is to be tried again */
    json_t      *fields;
    mem_arena_t  arena;         /* the fields as an entry has them */
} letter_t;


static int letter_count(persist_t *p);
static int letter_do(persist_t *p, const PGresult *res, int row,
    bool waits[CHAT_ID_MAX_PARTITIONS]);
static int letter_store(persist_t *p, letter_t *letter);
static int letter_forget(persist_t *p, const letter_t *letter,
    const entry_t *e);


/* there may be very many, of each partition */

static const char  sql_asked[] =
    "SELECT d.* FROM unnest($1::smallint[]) AS o (p), LATERAL"
    " (SELECT d.id, d.p, d.fields FROM chat.dead_letter d"
    "   WHERE d.p = o.p AND d.retry_at IS NOT NULL"
    "   ORDER BY d.retry_at, d.id LIMIT $2) d";


static const char  sql_count[] =
    "SELECT count(*) FROM (SELECT 1 FROM chat.dead_letter LIMIT 1000) d";


static PGresult *
letter_ask(persist_t *p)
{
    part_t       *part;
    PGresult     *res;
    db_array_t    a;
    db_params_t   ps = { 0 };

    db_array_init(&a, DB_INT2);

    for (part = p->parts; part < p->parts + p->npartitions; part++) {
        if (part->state == PART_OPEN) {
            db_array_int2(&a, part->p);
        }
    }

    db_param_array(&ps, &a);
    db_param_uint(&ps, LETTER_MOST);
    res = db_query(&p->db, sql_asked, &ps);
    db_array_done(&a);

    return res;
}


/* Others of the partition may depend on one that has to wait. */

int
letter_keep(persist_t *p)
{
    int          rc = 0, row;
    uint64_t     end = life_now() + LETTER_SPEND;
    PGresult    *res;
    bool         waits[CHAT_ID_MAX_PARTITIONS] = { false };

    if (life_now() < p->letters_at) {
        return 0;
    }

    if (letter_count(p) == -1) {
        return -1;
    }

    res = letter_ask(p);

    if (res == NULL) {
        p->letters_at = life_now() + LETTER_EVERY;
        return db_is_open(&p->db) ? 0 : -1;
    }

    for (row = 0; row < PQntuples(res) && rc == 0 && life_now() < end; row++) {
        rc = letter_do(p, res, row, waits);
    }

    p->letters_at = life_now() + (PQntuples(res) != 0 ? LETTER_AGAIN
                                                      : LETTER_EVERY);
    PQclear(res);

    return rc;
}


/* for metrics alone: those of all partitions */

static int
letter_count(persist_t *p)
{
    PGresult  *res;

    if (life_now() < p->letters_count_at) {
        return 0;
    }

    p->letters_count_at = life_now() + LETTER_COUNT;
    res = db_query(&p->db, sql_count, NULL);

    if (res == NULL) {
        return db_is_open(&p->db) ? 0 : -1;
    }

    metric_set(&p->metrics.letters_kept, db_value_uint(res, 0, 0));
    PQclear(res);

    return 0;
}


static int
letter_do(persist_t *p, const PGresult *res, int row,
    bool waits[CHAT_ID_MAX_PARTITIONS])
{
    int         rc;
    unsigned    number = (unsigned) db_value_uint(res, row, 1);
    letter_t    letter = { .id = db_value_uint(res, row, 0) };
    chat_str_t  text = db_value(res, row, 2);

    if (number >= p->npartitions || p->parts[number].state != PART_OPEN
        || waits[number])
    {
        return 0;
    }

    letter.part = &p->parts[number];
    letter.fields = json_loadb((const char *) text.data, text.len, 0, NULL);

    rc = letter_store(p, &letter);
    waits[number] = letter.waits;

    json_decref(letter.fields);
    mem_arena_done(&letter.arena);

    return rc;
}


/* a statement about the letter, which may not matter; text: its $2, or NULL */

static int
letter_query(persist_t *p, const letter_t *letter, const char *sql,
    const char *text)
{
    PGresult     *res;
    db_params_t   ps = { 0 };

    db_param_uint(&ps, letter->id);

    if (text != NULL) {
        db_param_text(&ps, text);
    }

    res = db_query(&p->db, sql, &ps);

    if (res == NULL) {
        return db_is_open(&p->db) ? 0 : -1;
    }

    PQclear(res);

    return 0;
}


/* it stays, with the reason of today */

static int
letter_refuse(persist_t *p, const letter_t *letter, const char *reason)
{
    log_warn("a dead letter cannot be stored", log_uint("letter", letter->id),
             log_str("reason", reason));

    return letter_query(p, letter,
                        "UPDATE chat.dead_letter SET retry_at = NULL,"
                        " reason = left($2, 160) WHERE id = $1", reason);
}


/* Fields ------------------------------------------------------------------ */

static redisReply *
letter_string(letter_t *letter, const void *text, size_t len)
{
    redisReply  *r;

    r = mem_arena_take(&letter->arena, sizeof(redisReply) + len + 1);
    memset(r, 0, sizeof(redisReply));
    r->type = REDIS_REPLY_STRING;
    r->str = (char *) (r + 1);
    r->len = len;
    memcpy(r->str, text, len);
    r->str[len] = '\0';

    return r;
}


/* what is no text of PostgreSQL's is there as hex digits in an array */

static redisReply *
letter_value(letter_t *letter, const json_t *value)
{
    char         pair[3] = "";
    size_t       i;
    redisReply  *r;
    const char  *hex = json_string_value(json_array_get(value, 0));

    if (hex == NULL) {
        return letter_string(letter, json_string_value(value),
                             json_string_length(value));
    }

    r = letter_string(letter, hex, strlen(hex) / 2);

    for (i = 0; i < r->len; i++) {
        memcpy(pair, hex + 2 * i, 2);
        r->str[i] = (char) strtoul(pair, NULL, 16);
    }

    return r;
}


/* the entry of the log, as it was; NULL: nothing is left of it */

static redisReply *
letter_fields(letter_t *letter)
{
    size_t       n = 0;
    json_t      *value;
    redisReply  *all;
    const char  *name;

    if (json_object_size(letter->fields) == 0) {
        return NULL;
    }

    all = letter_string(letter, "", 0);
    all->type = REDIS_REPLY_ARRAY;
    all->element = mem_arena_take(&letter->arena,
                                  2 * json_object_size(letter->fields)
                                  * sizeof(redisReply *));

    json_object_foreach(letter->fields, name, value) {

        if (!json_is_string(value)
            && !json_is_string(json_array_get(value, 0)))
        {
            return NULL;
        }

        all->element[n] = letter_string(letter, name, strlen(name));
        all->element[n + 1] = letter_value(letter, value);
        n += 2;
    }

    all->elements = n;

    return all;
}


/* Storing ----------------------------------------------------------------- */

static const char  sql_fate[] =
    "SELECT chat.dead_letter_fate($1::smallint, $2, $3::uuid,"
    " nullif($4, '')::uuid, $5, $6, $7, to_timestamp($8 / 1000.0), $9, $10),"
    " EXISTS (SELECT FROM chat.member u WHERE u.conversation_key = $3::uuid"
    "          AND u.user_id = $6)";

/* what is to be done: "", "late" or why not */

static int
letter_ask_fate(persist_t *p, entry_t *e, char *fate, size_t size)
{
    PGresult     *res;
    db_params_t   ps = { 0 };
    bool          member = e->target.len != 0;

    db_param_uint(&ps, e->part->p);
    db_param_str(&ps, redis_field(e->fields, 'k'));
    db_param_str(&ps, redis_field(e->fields, 'v'));
    db_param_str(&ps, e->concerns ? redis_field(e->fields, 'i')
                                  : chat_str(""));
    db_param_uint(&ps, e->revision);
    db_param_str(&ps, member ? e->target : e->user);
    db_param_str(&ps, e->emoji);
    db_param_uint(&ps, e->time);
    db_param_str(&ps, e->tenant);
    db_param_str(&ps, e->conversation);
    res = db_query(&p->db, sql_fate, &ps);

    if (res == NULL) {
        (void) snprintf(fate, size, "%s", p->db.error);
        return db_is_open(&p->db) ? 0 : -1;
    }

    (void) snprintf(fate, size, "%s", PQgetvalue(res, 0, 0));

    /* who joined by it has: that was stored without the message */

    if (e->kind == ENTRY_MESSAGE && PQgetvalue(res, 0, 1)[0] == 't') {
        e->joins = false;
    }

    PQclear(res);

    return 0;
}


static int
letter_try(persist_t *p, letter_t *letter, const entry_t *e)
{
    switch (store_alone(p, e)) {

    case STORE_OK:
        log_notice("a dead letter is stored", log_uint("letter", letter->id));
        return 0;

    case STORE_SLOW:
        letter->waits = true;
        return 0;

    case STORE_FENCED:
        part_look_again(p, letter->part);
        return 0;

    case STORE_DOUBLE:
    case STORE_REFUSED:
        return letter_refuse(p, letter, p->db.error);

    case STORE_ERROR:
        break;
    }

    return -1;
}


/* what it changed was changed since then, or is gone */

static int
letter_is_late(persist_t *p, const letter_t *letter)
{
    log_notice("a dead letter was overtaken by what came after it",
               log_uint("letter", letter->id));

    return letter_query(p, letter,
                        "DELETE FROM chat.dead_letter WHERE id = $1", NULL);
}


static int
letter_store(persist_t *p, letter_t *letter)
{
    int          forgotten;
    char         fate[512];
    entry_t      e;
    redisReply  *fields = letter_fields(letter);

    if (fields == NULL) {
        return letter_refuse(p, letter, "nothing is left of it");
    }

    entry_init(&e, letter->part, fields);

    switch (entry_read(&e)) {

    case ENTRY_READ:
        break;

    case ENTRY_MALFORMED:
        return letter_refuse(p, letter, e.reason);

    case ENTRY_UNKNOWN:
        return letter_refuse(p, letter, "an event of an unknown kind");
    }

    if (letter_ask_fate(p, &e, fate, sizeof(fate)) == -1) {
        return -1;
    }

    if (strcmp(fate, "late") == 0) {
        return letter_is_late(p, letter);
    }

    if (fate[0] != '\0') {
        return letter_refuse(p, letter, fate);
    }

    forgotten = letter_forget(p, letter, &e);

    if (forgotten != 1) {
        letter->waits = true;
        return forgotten;
    }

    e.id = letter->part->stored;        /* the position does not move */
    e.letter = letter->id;

    return letter_try(p, letter, &e);
}


/* 1: Redis does not hold the conversation; 0: it does, for now; -1: the link is
   closed */

static int
letter_forget(persist_t *p, const letter_t *letter, const entry_t *e)
{
    int          rc = 0;
    char         base[CHAT_NAME_MAX_BASE + 1] = "";
    redisReply  *reply;

    (void) chat_name_base((uint8_t *) base, letter->part->p, e->tenant,
                          e->conversation);
    part_fcall_open(p, letter->part, "chat_v1_forget", base);
    reply = redis_call(&p->redis, &p->args);

    if (reply == NULL) {
        return -1;
    }

    switch (redis_answer(reply)) {

    case FCALL_OK:
        rc = redis_number(reply, 1) == 1;
        break;

    case FCALL_FAILED:      /* it has the library of an older program */
        rc = letter_refuse(p, letter, "Redis did not forget what it holds");
        break;

    default:
        part_look_again(p, letter->part);
        break;
    }

    freeReplyObject(reply);

    return rc;
}
