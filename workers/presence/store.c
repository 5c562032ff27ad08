/*
 * What PostgreSQL is to know: choices, and when users were last seen.  One
 * statement at a time, of all partitions, about once a second; Redis keeps what
 * is not stored, and is told what is.
 */

#include "presence.h"

#include "log.h"
#include "number.h"


#define STORE_EVERY  1000       /* ms */
#define STORE_USERS  200        /* of a partition at once */


/* where things stand in the answer to unstored: after ok, six for each user */

enum {
    STORE_NAME,
    STORE_MARK,
    STORE_VERSION,
    STORE_CHOICE,
    STORE_TEXT,
    STORE_LAST,
    STORE_FIELDS
};


static int
store_take(presence_t *p, part_t *part, const redisReply *reply)
{
    size_t         i;
    paper_t       *paper = &p->desk.store;
    chat_str_t     choice;
    paper_user_t  *user;

    for (i = 1; i + STORE_FIELDS <= reply->elements
                && paper->n < DESK_MAX_USERS; i += STORE_FIELDS)
    {
        choice = redis_text(reply, i + STORE_CHOICE);
        user = paper_add(paper, part, redis_text(reply, i + STORE_NAME));
        user->mark = paper_copy(paper, redis_text(reply, i + STORE_MARK));
        user->text = paper_copy(paper, redis_text(reply, i + STORE_TEXT));
        user->choice = choice.len == 1 ? (char) choice.data[0] : '\0';

        if (user->choice == '\0'
            || number_parse(redis_text(reply, i + STORE_VERSION), INT64_MAX,
                            &user->version) == -1
            || number_parse(redis_text(reply, i + STORE_LAST), INT64_MAX,
                            &user->last) == -1)
        {
            return redis_fail(&p->redis,
                              "unexpected answer about what is not stored");
        }
    }

    return 0;
}


/* from each partition some, so that none waits for another */

static int
store_collect(presence_t *p)
{
    int          taken;
    part_t      *part, *asked[CHAT_ID_MAX_PARTITIONS];
    size_t       i, n = 0;
    fcall_rc_e   rc;
    redisReply  *reply;

    for (part = p->parts; part < p->parts + p->npartitions; part++) {

        if (!part->held || part->unstored == 0) {
            continue;
        }

        part_fcall_open(p, part, "unstored");
        redis_args_uint(&p->args, STORE_USERS);

        if (redis_send(&p->redis, &p->args) == -1) {
            return -1;
        }

        asked[n] = part;
        n++;
    }

    for (i = 0; i < n; i++) {

        if (part_reply(p, &reply, &rc) == -1) {
            return -1;
        }

        if (reply != NULL) {
            taken = store_take(p, asked[i], reply);
            freeReplyObject(reply);

            if (taken == -1) {
                return -1;
            }
        }
    }

    return 0;
}


static int
store_tell_part(presence_t *p, const paper_t *paper, const part_t *part)
{
    size_t       i, n = 0;
    fcall_rc_e   rc;
    redisReply  *reply;

    part_fcall(p, part, "stored");

    for (i = 0; i < paper->n; i++) {
        if (paper->users[i].part == part) {
            redis_args_add(&p->args, paper->users[i].name);
            redis_args_add(&p->args, paper->users[i].mark);
            n++;
        }
    }

    if (n == 0) {
        return 0;
    }

    if (redis_send(&p->redis, &p->args) == -1
        || part_reply(p, &reply, &rc) == -1)
    {
        return -1;
    }

    if (reply != NULL) {
        freeReplyObject(reply);
    }

    return 0;
}


static int
store_tell(presence_t *p, const paper_t *paper)
{
    part_t  *part;

    for (part = p->parts; part < p->parts + p->npartitions; part++) {
        if (store_tell_part(p, paper, part) == -1) {
            return -1;
        }
    }

    return 0;
}


/* -1 leaves a paper half filled, or what it says untold: it is begun anew */

int
store_keep(presence_t *p)
{
    int       rc = 0;
    paper_t  *paper = &p->desk.store;

    switch (paper_state(paper)) {

    case PAPER_WAITS:
        return 0;

    case PAPER_DONE:
        metric_add(&p->metrics.stored, paper->n - paper->refused);
        metric_add(&p->metrics.store_refused, paper->refused);
        rc = store_tell(p, paper);
        break;

    case PAPER_FAILED:
        metric_add(&p->metrics.store_failed, paper->n);
        break;

    case PAPER_OURS:
        break;
    }

    paper_reset(paper);

    if (rc == -1 || !atomic_load(&p->desk.up) || life_now() < p->store_at) {
        return rc;
    }

    p->store_at = life_now() + STORE_EVERY;

    if (store_collect(p) == -1) {
        return -1;
    }

    if (paper->n != 0) {
        paper_hand_in(&p->desk, paper);
    }

    return 0;
}
