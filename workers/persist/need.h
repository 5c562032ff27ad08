/*
 * What nodes need loaded.  A need waits until everything is stored that was in
 * the partition's log when the need was read; then what PostgreSQL says is at
 * least as new as what the node was told before it asked.
 *
 * Fields of an entry of a need stream:
 *
 *      k=conversation  n=<node> i=<need> c=<tenant>/<id>
 *      k=client        the same, u=<user> x=<client id>
 *      k=message       the same, g=<message id>
 *      k=range         the same, a=<after revision> l=<bytes at most>
 *      k=history       the same, d=before|after s=<sequence, "": the end>
 *                      m=<messages at most> l=<bytes at most>
 *      k=list          n i c=<tenant>/<user> u=<user> a=<cursor, "": the start>
 *                      m=<conversations at most> l=<bytes at most>
 *      k=shared        n i c=<tenant>/<user> u=<user>
 *                      v=<user>,<user>... of the same tenant
 *
 * The last two are of all partitions: they wait for the logs of all of them.
 */

#ifndef NEED_H
#define NEED_H


#include "persist.h"


#define NEED_LIFE  10000        /* ms; who asked has given up by then */


typedef enum {
    NEED_CONVERSATION,
    NEED_CLIENT,
    NEED_MESSAGE,
    NEED_RANGE,
    NEED_HISTORY,
    NEED_LIST,
    NEED_SHARED
} need_kind_e;


typedef struct need_s {
    struct need_s  *next;
    part_t         *part;
    need_kind_e     kind;
    stream_id_t     id;             /* in the need stream */
    stream_id_t     until;          /* answer once this is stored */
    stream_id_t    *ends;           /* if it is of all: so in each of them */
    uint64_t        since;          /* life_now() when it was asked */
    uint64_t        at;             /* give up then; 0: not marked yet */
    uint64_t        again;          /* look again then: others store, too */

    char           *node;
    char           *name;           /* the node's, of this need */
    char           *tenant;
    char           *conversation;
    char           *user;
    char           *client_id;
    char           *message;
    char           *cursor;
    char           *others;         /* users */

    bool            before;
    uint64_t        after_revision;
    uint64_t        sequence;
    uint64_t        max_messages;
    uint64_t        max_bytes;
} need_t;


static inline bool
need_is_new(const need_t *need)
{
    return need->at == 0;
}


/* of all partitions, not of one conversation */

static inline bool
need_is_of_all(const need_t *need)
{
    return need->kind == NEED_LIST || need->kind == NEED_SHARED;
}


/* takes entries of a need stream into p->needs */
CHAT_MUST_CHECK int need_take(persist_t *p, part_t *part,
    const redisReply *entries);

/* answers those that need not wait any more, forgets those that waited too
   long */
CHAT_MUST_CHECK int need_answer(persist_t *p);

/* when need_answer() has to be called at the latest, though nothing happens;
   life_now() */
uint64_t need_due(const persist_t *p);

/* of one partition, which will be read again; or of all */
void need_forget(persist_t *p, const part_t *part);
void need_forget_all(persist_t *p);


/* need_mark.c */

/* finds out what the needs read last have to wait for */
CHAT_MUST_CHECK int need_mark(persist_t *p);

/* the answer to TIME, in ms: Redis' clock, by which it makes stream ids */
CHAT_MUST_CHECK int need_read_time(persist_t *p, uint64_t *ms);


/* need_read.c */

need_t *need_new(void);
void need_free(need_t *need);

/* -1: it makes no sense */
CHAT_MUST_CHECK int need_read(need_t *need, const redisReply *fields);


/* answer.c: the statement of a need, and what is made of its result */

CHAT_MUST_CHECK int answer_send(persist_t *p, const need_t *need);
void answer_make(persist_t *p, const need_t *need, const PGresult *res);

/* false: it can only be left unanswered */
bool answer_make_error(persist_t *p, const need_t *need);

/* the call that brings a node its payload */
void answer_payload(persist_t *p, const need_t *need, const mem_buf_t *head,
    const mem_buf_t *body);


#endif /* NEED_H */
