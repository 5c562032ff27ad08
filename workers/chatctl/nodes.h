/*
 * Asking all nodes about their sessions, see ngx_chat_sessions.c: what is
 * asked, what a part of an answer is.
 */

#ifndef NODES_H
#define NODES_H


#include "chatctl.h"

#include "chat_id.h"


#define NODES_HOST  64


typedef struct {
    char  id[CHAT_ID_LEN + 1];
    char  host[NODES_HOST + 1];
    bool  ended;                    /* it has told all */
} nodes_node_t;


typedef struct nodes_s  nodes_t;

struct nodes_s {
    redis_t        redis;
    redis_args_t   args;
    uint64_t       wait;            /* s: to ask again while it is in vain */
    const char    *word;            /* of the question, */
    const char    *rest;            /* and what follows the token */

    /* a line of an answer; and all that was told is void, it comes anew */
    void         (*take)(nodes_t *nodes, const nodes_node_t *node,
                         chat_str_t line);
    void         (*reset)(nodes_t *nodes);
    void          *owner;

    nodes_node_t  *nodes;
    size_t         n;
    uint64_t       asked;           /* nodes that heard it, */
    uint64_t       ended;           /* and that have told all */
    uint64_t       kicked;
    bool           busy;            /* one answers somebody else */
    bool           cut;             /* some has more than it told */
};


#define NODES_OPTIONS(s)                                                      \
    { "json", OPTION_FLAG, false, NULL, NULL,                                 \
      "print one JSON object", &(s)->json, 0, 0 },                            \
    CTL_OPTION_WAIT(&(s)->nodes.wait),                                        \
    OPTION_REDIS_URL(&(s)->nodes.redis.url)


/* EXIT_OK: all have told all; EXIT_FAILED: not all have, said so;
   EXIT_UNAVAILABLE: said why */
CHAT_MUST_CHECK exit_e nodes_ask(nodes_t *nodes);
void nodes_done(nodes_t *nodes);

/* "<tenant>/<user>", or "<tenant>/" without one, for the question; -1: says
   what is wrong.  tenant may be NULL: the default one */
CHAT_MUST_CHECK int nodes_print_name(char *dst, size_t size,
    const char *tenant, const char *user);


#endif /* NODES_H */
