#include "need.h"

#include <string.h>

#include "list.h"
#include "log.h"


#define NEED_MAX     4096       /* of one partition, waiting at once */
#define NEED_TURN    64         /* answered in one round trip */
#define NEED_ELSE    48         /* of them, if they are not of kind "shared" */
#define NEED_USERS   2048       /* that those of that kind are about, nearly */
#define NEED_SPEND   100        /* ms before other things get their turn */
#define NEED_AGAIN   20         /* ms until others may have stored more */


/* a need that is being answered */

typedef struct {
    need_t    *need;
    PGresult  *res;             /* of a list that has to ask Redis first */
    bool       sent;            /* the call that answers */
    bool       gone;            /* there is nothing to answer with */
} turn_t;


static int need_answer_turn(persist_t *p, turn_t *turn, size_t n);
static void need_drop(persist_t *p, need_t *need, metrics_need_e why);


static void
need_add(persist_t *p, need_t *need)
{
    need->next = NULL;
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

        if (entry->elements != 2) {
            return redis_fail(&p->redis, "unexpected answer to XREAD");
        }

        need = need_new();
        need->part = part;

        if (stream_id_parse(&need->id, redis_text(entry, 0)) == -1) {
            need_free(need);
            return redis_fail(&p->redis, "unexpected answer to XREAD");
        }

        part->need = need->id;

        if (need_read(need, entry->element[1]) == -1) {
            log_warn("a need makes no sense", log_uint("partition", part->p));
            need_drop(p, need, METRICS_NEED_MALFORMED);
            continue;
        }

        if (part->nneeds == NEED_MAX) {
            log_warn("too many needs wait", log_uint("partition", part->p));
            need_drop(p, need, METRICS_NEED_TOO_MANY);
            continue;
        }

        need_add(p, need);
    }

    return 0;
}


/* what one of all waits for in partitions of ours; of others' we hear from
   PostgreSQL alone */

static bool
need_is_stored_elsewhere(const persist_t *p, const need_t *need)
{
    const part_t  *part;

    if (need->ends == NULL) {
        return true;
    }

    for (part = p->parts; part < p->parts + p->npartitions; part++) {

        if (part->state != PART_FREE
            && stream_id_compare(part->stored, need->ends[part->p]) < 0)
        {
            return false;
        }
    }

    return true;
}


static bool
need_is_ready(const persist_t *p, const need_t *need, uint64_t now)
{
    return need->part->state == PART_OPEN && need->again <= now
           && stream_id_compare(need->part->stored, need->until) >= 0
           && need_is_stored_elsewhere(p, need);
}


/* that it is about, if that is what makes it long */

static size_t
need_users(const need_t *need)
{
    size_t       n = 1;
    const char  *c;

    if (need->kind != NEED_SHARED) {
        return 0;
    }

    for (c = need->others; *c != '\0'; c++) {
        n += *c == ',';
    }

    return n;
}


/* takes those that can be answered out of the list, of this sort, until there
   are so many, or about so many users; n: how many there are */

static size_t
need_pick(persist_t *p, turn_t turn[NEED_TURN], size_t n, size_t most,
    bool shared)
{
    size_t     users = 0;
    need_t    *need, **link = &p->needs;
    uint64_t   now = life_now();

    while (*link != NULL && n < most && users < NEED_USERS) {
        need = *link;

        if (need_is_new(need)) {        /* read ahead, with a batch */
            link = &need->next;
            continue;
        }

        if (need->part->state == PART_FREE) {       /* another answers it */
            need_free(need_remove(p, link));
            continue;
        }

        if (need->at <= now || need->part->state == PART_STOPPED) {
            need_drop(p, need_remove(p, link), METRICS_NEED_LATE);
            continue;
        }

        if ((need->kind == NEED_SHARED) == shared
            && need_is_ready(p, need, now))
        {
            users += need_users(need);
            turn[n].need = need_remove(p, link);
            n++;
            continue;
        }

        link = &need->next;
    }

    return n;
}


/* Many may ask at the same time with whom they share something, each about many
   users: they wait for all else, and have what is left of a turn. */

static size_t
need_select(persist_t *p, turn_t turn[NEED_TURN])
{
    size_t  n;

    memset(turn, 0, NEED_TURN * sizeof(turn_t));

    n = need_pick(p, turn, 0, NEED_ELSE, false);

    return need_pick(p, turn, n, NEED_TURN, true);
}


uint64_t
need_due(const persist_t *p)
{
    uint64_t       due = UINT64_MAX, now = life_now();
    const need_t  *need;

    for (need = p->needs; need != NULL; need = need->next) {

        /* it is to be marked, or there was no time to answer it */

        if (need_is_new(need) || need_is_ready(p, need, now)) {
            return 0;
        }

        if (need->again != 0 && need->again < due) {
            due = need->again;
        }
    }

    return due;
}


static void
need_drop(persist_t *p, need_t *need, metrics_need_e why)
{
    metric_add(&p->metrics.dropped[why], 1);
    need_free(need);
}


static void
need_count(persist_t *p, const need_t *need)
{
    metric_add(&p->metrics.answered[need->kind], 1);
    metric_seconds(&p->metrics.answer, (life_now() - need->since) * 1000);
}


/* what has not been answered yet comes back */

static void
need_end_turn(persist_t *p, turn_t *turn, size_t n)
{
    size_t  i;

    for (i = 0; i < n; i++) {
        PQclear(turn[i].res);

        if (turn[i].gone) {
            need_drop(p, turn[i].need, METRICS_NEED_FAILED);

        } else if (turn[i].sent) {
            need_count(p, turn[i].need);
            need_free(turn[i].need);

        } else {
            need_add(p, turn[i].need);
        }
    }
}


int
need_answer(persist_t *p)
{
    int       rc = 0;
    size_t    n;
    turn_t    turn[NEED_TURN];
    uint64_t  end = life_now() + NEED_SPEND;

    do {
        n = need_select(p, turn);

        if (n != 0) {
            rc = need_answer_turn(p, turn, n);
            need_end_turn(p, turn, n);
        }

        if (rc == 0) {
            rc = lease_keep(p);
        }

    } while (rc == 0 && n >= NEED_ELSE && life_now() < end);

    return rc;
}


/* what is made of a result, sent on its way; if it is of all partitions and not
   new enough it has to wait; a list asks Redis first and keeps the result */

static int
need_answer_good(persist_t *p, turn_t *turn, PGresult *res)
{
    need_t  *need = turn->need;

    if (need_is_of_all(need) && !list_is_new_enough(p, need, res)) {
        PQclear(res);
        need->again = life_now() + NEED_AGAIN;

        return 0;
    }

    if (need->kind != NEED_LIST) {
        answer_make(p, need, res);
        PQclear(res);
        turn->sent = true;

        return redis_send(&p->redis, &p->args);
    }

    turn->res = res;

    return list_ask(p, need, res);
}


/* reads one result */

static int
need_answer_one(persist_t *p, turn_t *turn)
{
    int        rc = 0;
    PGresult  *res;

    if (db_result(&p->db, &res) == -1) {
        return -1;
    }

    if (db_good(&p->db, res)) {
        rc = need_answer_good(p, turn, res);

    } else {
        PQclear(res);
        log_err("a need cannot be answered", log_str("error", p->db.error),
                log_str("sqlstate", p->db.sqlstate));

        if (answer_make_error(p, turn->need)) {
            turn->sent = true;
            rc = redis_send(&p->redis, &p->args);
        } else {
            turn->gone = true;
        }
    }

    if (rc == -1) {
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


/* the replies come in the order of the calls: those that a list asked for are
   among the others, those to its own answer come after all of them */

static int
need_read_replies(persist_t *p, turn_t *turn, size_t n)
{
    size_t  i;

    for (i = 0; i < n; i++) {

        if (turn[i].sent && need_answered(p, turn[i].need) == -1) {
            return -1;
        }

        if (turn[i].res == NULL) {
            continue;
        }

        if (list_make(p, turn[i].need, turn[i].res) == -1
            || redis_send(&p->redis, &p->args) == -1)
        {
            return -1;
        }

        turn[i].sent = true;
    }

    for (i = 0; i < n; i++) {
        if (turn[i].res != NULL && need_answered(p, turn[i].need) == -1) {
            return -1;
        }
    }

    return 0;
}


/* each need is a statement and a transaction of its own, all in one round
   trip; so one that fails harms no other */

static int
need_answer_turn(persist_t *p, turn_t *turn, size_t n)
{
    size_t  i;

    if (db_begin(&p->db) == -1) {
        return -1;
    }

    for (i = 0; i < n; i++) {
        if (answer_send(p, turn[i].need) == -1 || db_sync(&p->db) == -1) {
            return -1;
        }
    }

    for (i = 0; i < n; i++) {
        if (need_answer_one(p, &turn[i]) == -1) {
            return -1;
        }
    }

    if (db_end(&p->db) == -1) {
        return -1;
    }

    return need_read_replies(p, turn, n);
}
