/*
 * How far members have read and got messages.
 *
 * Marks are no events: Redis merges them by maximum in the hash of members, and
 * the hash `marks` tells whose have moved.  About once a second they are
 * written to the rows of members, by maximum again, and leave the hash unless
 * they have moved on meanwhile.
 *
 * A mark may be of a member, and of messages, that the log brings only later.
 * So marks wait until everything is stored that was in the log when they were
 * read.  Then the member has its row, if it still is one.  They go by the key
 * of the conversation: none reaches one that was made again under the same id.
 *
 * The transaction moves the partition's position from where it is to the same
 * place: that fails if the partition is another's.
 */

#include "persist.h"

#include <string.h>

#include "log.h"
#include "number.h"
#include "store.h"
#include "uuid.h"


#define MARKS_EVERY  1000       /* ms */
#define MARKS_SOON   50         /* when there are many */
#define MARKS_MAX    500        /* asked for at once */


static int marks_ask(persist_t *p);
static int marks_store(persist_t *p, part_t **parts, size_t n);
static int marks_send(persist_t *p, const part_t *part);
static store_rc_e marks_result(persist_t *p);
static int marks_tell(persist_t *p, part_t **parts, size_t n);


static const char  sql_check[] =
    "SELECT chat.partition_move(ARRAY[$1::smallint], ARRAY[$2::bigint],"
    " ARRAY[$3::bigint], ARRAY[$4], ARRAY[$4], $5::integer)";

static const char  sql_marks[] =
    "UPDATE chat.member m SET"
    " last_read = greatest(m.last_read, n.read),"
    " last_delivered = greatest(m.last_delivered, n.delivered)"
    " FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::bigint[])"
    "   AS n (conversation_key, user_id, read, delivered)"
    " WHERE m.conversation_key = n.conversation_key"
    " AND m.user_id = n.user_id AND m.role IS NOT NULL"
    " AND (m.last_read < n.read OR m.last_delivered < n.delivered)";


void
marks_forget(part_t *part)
{
    if (part->marks != NULL) {
        freeReplyObject(part->marks);
        part->marks = NULL;
    }
}


/* those whose marks need not wait; whose partition is not open any more, are
   forgotten: who opens it asks again */

static size_t
marks_select(persist_t *p, part_t *parts[CHAT_ID_MAX_PARTITIONS])
{
    size_t   n = 0;
    part_t  *part;

    for (part = p->parts; part < p->parts + p->npartitions; part++) {

        if (part->marks == NULL) {
            continue;
        }

        if (part->state != PART_OPEN) {
            marks_forget(part);

        } else if (stream_id_compare(part->stored, part->marks_until) >= 0) {
            parts[n] = part;
            n++;
        }
    }

    return n;
}


int
marks_keep(persist_t *p)
{
    size_t   n;
    part_t  *parts[CHAT_ID_MAX_PARTITIONS];

    if (life_now() >= p->marks_at && marks_ask(p) == -1) {
        return -1;
    }

    n = marks_select(p, parts);

    return n != 0 ? marks_store(p, parts, n) : 0;
}


/* The request to stop has mostly ended a read that waited, and the link with
   it.  There was nothing else on its way, so a new one may be made at once. */

void
marks_store_last(persist_t *p)
{
    if (!db_is_open(&p->db) || redis_open(&p->redis) == -1) {
        return;
    }

    p->marks_at = 0;

    if (marks_keep(p) == -1) {
        log_info("marks are left to who comes next");
    }
}


int
marks_store_rest(persist_t *p, part_t *part)
{
    bool  end;

    marks_forget(part);

    do {

        if (lease_keep(p) == -1) {
            return -1;
        }

        if (part->state != PART_HELD) {
            return 0;
        }

        part_fcall(p, part, "chat_v1_marks");
        redis_args_text(&p->args, "");
        redis_args_text(&p->args, "");
        redis_args_uint(&p->args, MARKS_MAX);
        part->marks = redis_call(&p->redis, &p->args);

        if (part->marks == NULL) {
            return -1;
        }

        end = redis_answer(part->marks) != FCALL_OK
              || part->marks->elements == 1;

        if (!end && marks_store(p, &part, 1) == -1) {
            return -1;
        }

        end = end || part->marks != NULL;
        marks_forget(part);

    } while (!end);

    return 1;
}


static int
marks_send_ask(persist_t *p, const part_t *part)
{
    part_fcall_open(p, part, "chat_v1_marks", NULL);
    redis_args_uint(&p->args, MARKS_MAX);

    if (redis_send(&p->redis, &p->args) == -1) {
        return -1;
    }

    return look_send(p, part);
}


/* the marks, then the end of the log behind them */

static int
marks_read_ask(persist_t *p, part_t *part)
{
    look_t  look;

    part->marks = redis_reply(&p->redis, 0);

    if (part->marks == NULL || look_read(p, &look) == -1) {
        return -1;
    }

    part->marks_until = look.last;

    if (!look_is_open(p, part, &look)
        || redis_answer(part->marks) != FCALL_OK)
    {
        part_look_again(p, part);
    }

    look_done(&look);

    if (part->marks->elements > MARKS_MAX) {
        p->marks_at = life_now() + MARKS_SOON;
    }

    if (part->state != PART_OPEN || part->marks->elements == 1) {
        marks_forget(part);
    }

    return 0;
}


static int
marks_ask(persist_t *p)
{
    bool     asked[CHAT_ID_MAX_PARTITIONS] = { false };
    part_t  *part, *end = p->parts + p->npartitions;

    for (part = p->parts; part < end; part++) {

        if (part->state == PART_OPEN && part->marks == NULL) {
            asked[part->p] = true;

            if (marks_send_ask(p, part) == -1) {
                return -1;
            }
        }
    }

    p->marks_at = life_now() + MARKS_EVERY;

    for (part = p->parts; part < end; part++) {
        if (asked[part->p] && marks_read_ask(p, part) == -1) {
            return -1;
        }
    }

    return 0;
}


/* each partition is a transaction of its own, all in one round trip; what is
   stored, or will never be, is told and forgotten */

static int
marks_store(persist_t *p, part_t **parts, size_t n)
{
    size_t       i, told = 0;
    store_rc_e   rc;

    if (db_begin(&p->db) == -1) {
        return -1;
    }

    for (i = 0; i < n; i++) {
        if (marks_send(p, parts[i]) == -1) {
            return -1;
        }
    }

    for (i = 0; i < n; i++) {
        rc = marks_result(p);

        switch (rc) {

        case STORE_ERROR:
            return -1;

        case STORE_FENCED:
            part_look_again(p, parts[i]);
            break;

        case STORE_SLOW:
            break;

        case STORE_DOUBLE:
        case STORE_REFUSED:
            log_alert("marks are refused",
                      log_uint("partition", parts[i]->p),
                      log_str("error", p->db.error));
            parts[told++] = parts[i];
            break;

        case STORE_OK:
            parts[told++] = parts[i];
            break;
        }
    }

    if (db_end(&p->db) == -1) {
        return -1;
    }

    return marks_tell(p, parts, told);
}


/* "<key> <user>" and "<read> <delivered>" */

static bool
marks_read_pair(db_array_t a[4], chat_str_t field, chat_str_t value)
{
    uint8_t         key[UUID_LEN];
    uint64_t        read, delivered;
    chat_str_t      text, user;
    const uint8_t  *space;

    space = memchr(field.data, ' ', field.len);

    if (space == NULL) {
        return false;
    }

    text.data = field.data;
    text.len = (size_t) (space - field.data);
    user.data = space + 1;
    user.len = field.len - text.len - 1;

    space = memchr(value.data, ' ', value.len);

    if (space == NULL || uuid_parse(key, text) == -1) {
        return false;
    }

    text.data = value.data;
    text.len = (size_t) (space - value.data);

    if (number_parse(text, INT64_MAX, &read) == -1) {
        return false;
    }

    text.data = space + 1;
    text.len = value.len - text.len - 1;

    if (number_parse(text, INT64_MAX, &delivered) == -1) {
        return false;
    }

    db_array_bytes(&a[0], key, UUID_LEN);
    db_array_str(&a[1], user);
    db_array_int8(&a[2], read);
    db_array_int8(&a[3], delivered);

    return true;
}


static int
marks_send_check(persist_t *p, const part_t *part)
{
    char         id[STREAM_ID_TEXT];
    db_params_t  ps = { 0 };

    db_param_uint(&ps, part->p);
    db_param_uint(&ps, part->fence);
    db_param_uint(&ps, part->generation);
    db_param_text(&ps, stream_id_print(part->stored, id));
    db_param_uint(&ps, PERSIST_LEASE);

    return db_send_prepared(&p->db, sql_check, &ps);
}


static int
marks_send(persist_t *p, const part_t *part)
{
    int          rc;
    size_t       i;
    db_array_t   a[4];
    db_params_t  ps = { 0 };

    static const Oid  types[] = { DB_UUID, DB_TEXT, DB_INT8, DB_INT8 };

    for (i = 0; i < 4; i++) {
        db_array_init(&a[i], types[i]);
    }

    for (i = 1; i + 1 < part->marks->elements; i += 2) {
        if (!marks_read_pair(a, redis_text(part->marks, i),
                             redis_text(part->marks, i + 1)))
        {
            log_warn("a mark makes no sense", log_uint("partition", part->p));
        }
    }

    for (i = 0; i < 4; i++) {
        db_param_array(&ps, &a[i]);
    }

    rc = marks_send_check(p, part);

    if (rc == 0) {
        rc = db_send_prepared(&p->db, sql_marks, &ps);
    }

    for (i = 0; i < 4; i++) {
        db_array_done(&a[i]);
    }

    return rc == 0 ? db_sync(&p->db) : -1;
}


/* of both statements of a partition */

static store_rc_e
marks_result(persist_t *p)
{
    int          i;
    bool         good = true;
    PGresult    *res;
    store_rc_e   rc;

    for (i = 0; i < 2; i++) {

        if (db_result(&p->db, &res) == -1) {
            return STORE_ERROR;
        }

        good = db_good(&p->db, res) && good;
        PQclear(res);
    }

    if (db_synced(&p->db) == -1) {
        return STORE_ERROR;
    }

    rc = good ? STORE_OK : store_judge(p->db.sqlstate);

    if (rc == STORE_ERROR) {
        (void) db_drop(&p->db);
    }

    return rc;
}


static int
marks_send_told(persist_t *p, const part_t *part)
{
    bool    open = part->state == PART_OPEN;
    size_t  i;

    part_fcall(p, part, "chat_v1_marked");
    redis_args_text(&p->args, open ? part->identity : "");

    if (open) {
        redis_args_uint(&p->args, part->generation);
    } else {
        redis_args_text(&p->args, "");
    }

    for (i = 1; i < part->marks->elements; i++) {
        redis_args_add(&p->args, redis_text(part->marks, i));
    }

    return redis_send(&p->redis, &p->args);
}


/* Redis forgets them; so do we, whatever it says: they would be read again */

static int
marks_tell(persist_t *p, part_t **parts, size_t n)
{
    size_t       i;
    redisReply  *reply;

    for (i = 0; i < n; i++) {
        if (marks_send_told(p, parts[i]) == -1) {
            return -1;
        }
    }

    for (i = 0; i < n; i++) {
        reply = redis_reply(&p->redis, 0);

        if (reply == NULL) {
            return -1;
        }

        if (redis_answer(reply) != FCALL_OK) {
            part_look_again(p, parts[i]);
        }

        freeReplyObject(reply);
        marks_forget(parts[i]);
    }

    return 0;
}
