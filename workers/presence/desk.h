/*
 * PostgreSQL, asked by a thread of its own: the loop goes on while it waits, so
 * nobody stays online because a database does not answer.
 *
 * The loop fills a paper and hands it in; the thread works it off and lays it
 * back.  A paper belongs to whoever its state says, so nothing in it is locked.
 */

#ifndef DESK_H
#define DESK_H


#include <pthread.h>
#include <stdatomic.h>

#include "chat_id.h"
#include "db.h"
#include "mem.h"


#define DESK_MAX_USERS  1000        /* on a paper */


typedef enum {
    PAPER_OURS,                     /* the loop's, being filled */
    PAPER_WAITS,                    /* the thread's */
    PAPER_DONE,                     /* the loop's again */
    PAPER_FAILED                    /* the same; nothing came of it */
} paper_state_e;


/* a user, as PostgreSQL keeps it */

typedef struct {
    struct part_s  *part;
    chat_str_t      name;           /* <tenant>/<user>; all in the arena */
    chat_str_t      mark;           /* what Redis calls this state */
    uint64_t        version;
    char            choice;         /* as in Redis; 0: there is no row */
    chat_str_t      text;
    uint64_t        last;           /* ms; 0: not known */
} paper_user_t;


typedef struct {
    _Atomic int     state;          /* paper_state_e */
    uint64_t        now[CHAT_ID_MAX_PARTITIONS];        /* part->looked */
    char            epochs[CHAT_ID_MAX_PARTITIONS][24]; /* part->epoch, */
                                    /*   both when a user was first put down */
    size_t          n;
    paper_user_t    users[DESK_MAX_USERS];
    mem_arena_t     arena;
    size_t          refused;        /* rows that PostgreSQL did not take */
} paper_t;


typedef struct {
    db_t            db;             /* the thread's */
    _Atomic bool    up;             /* the link is there */
    _Atomic unsigned  partitions;   /* that there are; 0: not known yet */
    _Atomic uint64_t  links;

    paper_t         load[2];        /* one is filled while one is away */
    paper_t         store;

    int             asked;          /* eventfd: something was handed in */
    int             told;           /* eventfd: something was laid back */
    int             stop[2];        /* a pipe; what can be read ends it */
    pthread_t       thread;
    bool            started;
} desk_t;


/* db.url and db.name are set.  -1: logged */
CHAT_MUST_CHECK int desk_start(desk_t *desk);
void desk_stop(desk_t *desk);

/* desk->told could be read, and was seen */
void desk_heard(desk_t *desk);

void paper_reset(paper_t *paper);
paper_user_t *paper_add(paper_t *paper, struct part_s *part, chat_str_t name);
chat_str_t paper_copy(paper_t *paper, chat_str_t text);
void paper_hand_in(desk_t *desk, paper_t *paper);

static inline paper_state_e
paper_state(const paper_t *paper)
{
    return atomic_load(&paper->state);
}


#endif /* DESK_H */
