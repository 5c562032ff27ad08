/*
 * What chatctl asks of the function library in Redis, through the same door as
 * everybody, until there is an answer that says more than "not now".  What
 * Redis lacks is asked of chat-persist meanwhile.
 *
 *      memset(&a, 0, sizeof(a)), then what comes first in the structure;
 *      rc = ask_run(&a);           an exit code
 *      ask_done(&a);
 */

#ifndef ASK_H
#define ASK_H


#include "chatctl.h"

#include "chat_id.h"
#include "chat_name.h"
#include "chat_write.h"


#define ASK_AGAIN  (-1)


typedef struct ask_s  ask_t;


/* arguments after the Redis' identity and the number of partitions */

typedef void (*ask_add_pt)(ask_t *a);


/* writes a part of an event; data is the caller's */

typedef void (*ask_write_pt)(chat_writer_t *w, const void *data);


/* an answer; returns the exit code, or ASK_AGAIN */

typedef int (*ask_answer_pt)(ask_t *a, const redisReply *reply);


struct ask_s {
    redis_t         redis;          /* its url */
    uint64_t        wait;           /* s; then it is given up */
    const char     *tenant;
    const char     *conversation;
    const char     *user;           /* who asks; "": the operator */
    const char     *function;
    ask_add_pt      add;
    ask_answer_pt   done;           /* "ok", "exists" */
    ask_answer_pt   missing;        /* "not_found"; NULL: that is said */
    void           *data;           /* the caller's */

    chat_str_t      client_id;      /* set by add, if that can be a need */
    uint64_t        time;           /* of the first try, ms since 1970 */
    unsigned        partitions;     /* 0: not known yet */
    unsigned        partition;
    bool            unheard;        /* an answer got lost: it may be done */
    char            node[CHAT_ID_LEN + 1];      /* asks, never hears */
    char            prefix[CHAT_NAME_PREFIX_LEN + 1];
    char            base[CHAT_NAME_MAX_BASE + 1];
    redis_args_t    args;

    char            why[400];       /* it was not possible so far */
    char            need[32];       /* what chat-persist was asked for last */
    uint64_t        need_at;
};


CHAT_MUST_CHECK int ask_run(ask_t *a);
void ask_done(ask_t *a);

/* what is written, as one argument */
void ask_add_written(ask_t *a, ask_write_pt write);

/* an id with the time of the first try */
void ask_make_id(const ask_t *a, char id[CHAT_ID_LEN + 1], unsigned partition);

/* what "not_found" means if nothing else: the conversation, or what the message
   says, is not there; the exit code */
int ask_say_missing(ask_t *a, const redisReply *reply);

/* why there is no answer yet; ASK_AGAIN */
int ask_because(ask_t *a, const char *why);


#endif /* ASK_H */
