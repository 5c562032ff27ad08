/*
 * What PostgreSQL knows of users who have come.  Until it is here they look
 * offline: one could be invisible.
 *
 * One paper is filled while another one is away.
 */

#include "presence.h"

#include "log.h"


#define LOAD_USERS  100         /* in a call */


/* the paper that is being filled, or NULL */

static paper_t *
load_paper(presence_t *p)
{
    int  i;

    for (i = 0; i < 2; i++) {
        if (paper_state(&p->desk.load[i]) == PAPER_OURS) {
            return &p->desk.load[i];
        }
    }

    return NULL;
}


/* while PostgreSQL is away nobody is asked for: Redis asks less often then */

size_t
load_room(const presence_t *p)
{
    int             i;
    const paper_t  *paper;

    for (i = 0; i < 2 && atomic_load(&p->desk.up); i++) {
        paper = &p->desk.load[i];

        if (paper_state(paper) == PAPER_OURS) {
            return DESK_MAX_USERS - paper->n;
        }
    }

    return 0;
}


/* who does not fit is asked for again */

void
load_want(presence_t *p, part_t *part, chat_str_t name)
{
    paper_t  *paper = load_paper(p);

    if (paper != NULL && paper->n < DESK_MAX_USERS) {
        (void) paper_add(paper, part, name);
    }
}


static void
load_args(presence_t *p, const paper_t *paper, const part_t *part)
{
    part_fcall_open(p, part, "load");
    redis_args_text(&p->args, p->holder);
    redis_args_text(&p->args, paper->epochs[part->p]);
    redis_args_uint(&p->args, paper->now[part->p]);
}


static void
load_add(presence_t *p, const paper_user_t *user)
{
    redis_args_add(&p->args, user->name);
    redis_args_uint(&p->args, user->version);
    redis_args_add(&p->args, (chat_str_t) {
                       (const uint8_t *) &user->choice, user->choice != '\0'
                   });
    redis_args_add(&p->args, user->text);
    redis_args_uint(&p->args, user->last);
}


/* the users of one partition; returns how many calls were sent, -1: the link is
   closed */

static int
load_send(presence_t *p, const paper_t *paper, const part_t *part)
{
    int     calls = 0;
    size_t  i, n = 0;

    for (i = 0; i < paper->n; i++) {

        if (paper->users[i].part != part) {
            continue;
        }

        if (n % LOAD_USERS == 0) {

            if (n != 0 && redis_send(&p->redis, &p->args) == -1) {
                return -1;
            }

            load_args(p, paper, part);
            calls++;
        }

        load_add(p, &paper->users[i]);
        n++;
    }

    if (n != 0 && redis_send(&p->redis, &p->args) == -1) {
        return -1;
    }

    return calls;
}


/* that it was refused, since it took too long, is no matter: they are asked
   for again */

static int
load_tell(presence_t *p, const paper_t *paper)
{
    int          n, calls = 0;
    part_t      *part;
    fcall_rc_e   rc;
    redisReply  *reply;

    for (part = p->parts; part < p->parts + p->npartitions; part++) {
        n = load_send(p, paper, part);

        if (n == -1) {
            return -1;
        }

        calls += n;
    }

    for ( /* void */ ; calls > 0; calls--) {

        if (part_reply(p, &reply, &rc) == -1) {
            return -1;
        }

        if (reply != NULL) {
            freeReplyObject(reply);
        }
    }

    return 0;
}


int
load_keep(presence_t *p)
{
    int       i, rc = 0;
    paper_t  *paper;

    for (i = 0; i < 2; i++) {
        paper = &p->desk.load[i];

        switch (paper_state(paper)) {

        case PAPER_OURS:
        case PAPER_WAITS:
            continue;

        case PAPER_DONE:
            metric_add(&p->metrics.loaded, paper->n);
            rc = rc == 0 ? load_tell(p, paper) : rc;
            break;

        case PAPER_FAILED:
            metric_add(&p->metrics.load_failed, paper->n);
            break;
        }

        paper_reset(paper);
    }

    paper = load_paper(p);

    if (paper != NULL && paper->n != 0) {
        paper_hand_in(&p->desk, paper);
    }

    return rc;
}
