#include "need.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "number.h"
#include "qualified.h"


#define NEED_MAX         4096       /* of one partition, waiting at once */
#define NEED_TURN        64         /* answered in one round trip */
#define NEED_MAX_LIMIT   1000
#define NEED_MAX_BYTES   (1024 * 1024)
#define NEED_SEQUENCE    ((UINT64_C(1) << 53) - 1)


static int need_read(need_t *need, const redisReply *fields);
static int need_read_range(need_t *need, const redisReply *fields);
static int need_mark_part(persist_t *p, part_t *part, uint64_t redis_now);
static int need_answer_turn(persist_t *p, need_t **turn, size_t n);


static void
need_free(need_t *need)
{
    free(need->node);
    free(need->name);
    free(need->tenant);
    free(need->conversation);
    free(need->user);
    free(need->client_id);
    free(need);
}


static void
need_add(persist_t *p, need_t *need)
{
    *p->needs_end = need;
    p->needs_end = &need->next;
    need->part->nneeds++;
}


/* unlinks the need that *link points to */

static need_t *
need_remove(persist_t *p, need_t **link)
{
    need_t  *need = *link;

    *link = need->next;
    need->part->nneeds--;

    if (p->needs_end == &need->next) {
        p->needs_end = link;
    }

    return need;
}


void
need_forget(persist_t *p, const part_t *part)
{
    need_t  **link = &p->needs;

    while (*link != NULL) {

        if ((*link)->part == part) {
            need_free(need_remove(p, link));
        } else {
            link = &(*link)->next;
        }
    }
}


void
need_forget_all(persist_t *p)
{
    while (p->needs != NULL) {
        need_free(need_remove(p, &p->needs));
    }
}


int
need_take(persist_t *p, part_t *part, const redisReply *entries)
{
    size_t             i;
    need_t            *need;
    const redisReply  *entry;

    for (i = 0; i < entries->elements; i++) {
        entry = entries->element[i];
        need = mem_alloc(sizeof(need_t));
        need->part = part;

        if (stream_id_parse(&need->id, redis_text(entry, 0)) == -1) {
            need_free(need);
            return redis_fail(&p->redis, "unexpected answer to XREAD");
        }

        part->need = need->id;

        if (need_read(need, entry->element[1]) == -1) {
            log_warn("a need makes no sense", log_uint("partition", part->p));
            need_free(need);
            continue;
        }

        if (part->nneeds == NEED_MAX) {
            log_warn("too many needs wait", log_uint("partition", part->p));
            need_free(need);
            continue;
        }

        need_add(p, need);
    }

    return 0;
}


static int
need_read_kind(need_t *need, chat_str_t kind)
{
    size_t  i;

    static const char  *kinds[] = {
        [NEED_CONVERSATION] = "conversation",
        [NEED_CLIENT]       = "client",
        [NEED_RANGE]        = "range",
        [NEED_HISTORY]      = "history"
    };

    for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strlen(kinds[i]) == kind.len
            && memcmp(kinds[i], kind.data, kind.len) == 0)
        {
            need->kind = (need_kind_e) i;
            return 0;
        }
    }

    return -1;
}


static int
need_read(need_t *need, const redisReply *fields)
{
    chat_str_t  tenant, conversation;

    if (need_read_kind(need, redis_field(fields, 'k')) == -1
        || qualified_split(redis_field(fields, 'c'), &tenant, &conversation)
           == -1)
    {
        return -1;
    }

    need->tenant = mem_strndup(tenant);
    need->conversation = mem_strndup(conversation);
    need->node = mem_strndup(redis_field(fields, 'n'));
    need->name = mem_strndup(redis_field(fields, 'i'));
    need->user = mem_strndup(redis_field(fields, 'u'));
    need->client_id = mem_strndup(redis_field(fields, 'x'));

    return need_read_range(need, fields);
}


/* the numbers of a range or history */

static int
need_read_range(need_t *need, const redisReply *fields)
{
    chat_str_t  sequence;

    sequence = redis_field(fields, 's');
    need->before = redis_field(fields, 'd').len == sizeof("before") - 1;
    need->sequence = NEED_SEQUENCE;
    need->max_messages = NEED_MAX_LIMIT;

    if (need->kind == NEED_CONVERSATION || need->kind == NEED_CLIENT) {
        return 0;
    }

    if (number_parse(redis_field(fields, 'l'), NEED_MAX_BYTES,
                     &need->max_bytes) == -1)
    {
        return -1;
    }

    if (need->kind == NEED_RANGE) {
        return number_parse(redis_field(fields, 'a'), INT64_MAX,
                            &need->after_revision);
    }

    if (sequence.len != 0
        && number_parse(sequence, NEED_SEQUENCE, &need->sequence) == -1)
    {
        return -1;
    }

    return number_parse(redis_field(fields, 'm'), NEED_MAX_LIMIT,
                        &need->max_messages);
}


static bool
need_is_new(const need_t *need)
{
    return need->at == 0;
}


int
need_mark(persist_t *p)
{
    bool       asked[CHAT_ID_MAX_PARTITIONS] = { false }, any = false;
    part_t    *part, *end = p->parts + p->npartitions;
    need_t    *need;
    uint64_t   now = 0;

    for (need = p->needs; need != NULL; need = need->next) {
        if (need_is_new(need)) {
            asked[need->part->p] = true;
            any = true;
        }
    }

    if (!any) {
        return 0;
    }

    redis_args_reset(&p->args, "TIME");

    if (redis_send(&p->redis, &p->args) == -1) {
        return -1;
    }

    for (part = p->parts; part < end; part++) {
        if (asked[part->p] && look_send(p, part) == -1) {
            return -1;
        }
    }

    if (need_read_time(p, &now) == -1) {
        return -1;
    }

    for (part = p->parts; part < end; part++) {
        if (asked[part->p] && need_mark_part(p, part, now) == -1) {
            return -1;
        }
    }

    return 0;
}


int
need_read_time(persist_t *p, uint64_t *ms)
{
    int          rc = 0;
    uint64_t     s, us;
    redisReply  *reply;

    reply = redis_reply(&p->redis, 0);

    if (reply == NULL) {
        return -1;
    }

    if (number_parse(redis_text(reply, 0), UINT32_MAX, &s) == -1
        || number_parse(redis_text(reply, 1), UINT32_MAX, &us) == -1)
    {
        rc = redis_fail(&p->redis, "unexpected answer to TIME");
    } else {
        *ms = s * 1000 + us / 1000;
    }

    freeReplyObject(reply);

    return rc;
}


/* the new needs of a partition wait for the end of its log as it is now */

static int
need_mark_part(persist_t *p, part_t *part, uint64_t redis_now)
{
    look_t     look;
    need_t    *need;
    uint64_t   age;

    if (look_read(p, &look) == -1) {
        return -1;
    }

    if (!look_is_open(p, part, &look)) {
        part_look_again(p, part);
    }

    for (need = p->needs; need != NULL; need = need->next) {

        if (need->part != part || !need_is_new(need)) {
            continue;
        }

        age = redis_now > need->id.ms ? redis_now - need->id.ms : 0;

        need->until = look.last;
        need->at = life_now() + 1;      /* not 0: marked */

        if (age < NEED_LIFE) {
            need->at += NEED_LIFE - age;
        }
    }

    look_done(&look);

    return 0;
}


/* takes those that can be answered out of the list, up to NEED_TURN */

static size_t
need_select(persist_t *p, need_t *turn[NEED_TURN])
{
    size_t     n = 0;
    need_t    *need, **link = &p->needs;
    uint64_t   now = life_now();

    while (*link != NULL && n < NEED_TURN) {
        need = *link;

        if (need->at <= now || need->part->state == PART_FREE
            || need->part->state == PART_STOPPED)
        {
            need_free(need_remove(p, link));
            continue;
        }

        if (need->part->state == PART_OPEN
            && stream_id_compare(need->part->stored, need->until) >= 0)
        {
            turn[n] = need_remove(p, link);
            n++;
            continue;
        }

        link = &need->next;
    }

    return n;
}


int
need_answer(persist_t *p)
{
    int      rc = 0;
    size_t   i, n;
    need_t  *turn[NEED_TURN];

    do {
        n = need_select(p, turn);

        if (n != 0) {
            rc = need_answer_turn(p, turn, n);
        }

        for (i = 0; i < n; i++) {
            need_free(turn[i]);
        }

        if (rc == 0) {
            rc = lease_keep(p);
        }

    } while (rc == 0 && n == NEED_TURN);

    return rc;
}


/* reads one result, and sends what is made of it on its way */

static int
need_answer_one(persist_t *p, const need_t *need, bool *sent)
{
    PGresult  *res;

    if (db_result(&p->db, &res) == -1) {
        return -1;
    }

    *sent = true;

    if (db_good(&p->db, res)) {
        answer_make(p, need, res);

    } else {
        log_err("a need cannot be answered", log_str("error", p->db.error),
                log_str("sqlstate", p->db.sqlstate));
        *sent = answer_make_error(p, need);
    }

    PQclear(res);

    if (*sent && redis_send(&p->redis, &p->args) == -1) {
        db_close(&p->db);               /* in the middle of its results */
        return -1;
    }

    return db_synced(&p->db);
}


/* what Redis says to an answer */

static int
need_answered(persist_t *p, const need_t *need)
{
    fcall_rc_e   rc;
    redisReply  *reply;

    reply = redis_reply(&p->redis, 0);

    if (reply == NULL) {
        return -1;
    }

    rc = redis_answer(reply);

    if (rc == FCALL_FAILED) {           /* out of memory, mostly */
        log_err("Redis did not take an answer",
                log_str("error", reply->type == REDIS_REPLY_ERROR ? reply->str
                                                                  : ""));
    } else if (rc != FCALL_OK) {
        part_look_again(p, need->part);
    }

    freeReplyObject(reply);

    return 0;
}


/* each need is a statement and a transaction of its own, all in one round
   trip; so one that fails harms no other */

static int
need_answer_turn(persist_t *p, need_t **turn, size_t n)
{
    bool    sent[NEED_TURN];
    size_t  i;

    if (db_begin(&p->db) == -1) {
        return -1;
    }

    for (i = 0; i < n; i++) {
        if (answer_send(p, turn[i]) == -1 || db_sync(&p->db) == -1) {
            return -1;
        }
    }

    for (i = 0; i < n; i++) {
        if (need_answer_one(p, turn[i], &sent[i]) == -1) {
            return -1;
        }
    }

    if (db_end(&p->db) == -1) {
        return -1;
    }

    for (i = 0; i < n; i++) {
        if (sent[i] && need_answered(p, turn[i]) == -1) {
            return -1;
        }
    }

    return 0;
}
