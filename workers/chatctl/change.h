/*
 * A change of a conversation by hand: what a client would ask for, by an
 * operator, who may do everything, or as a user with that user's rights.
 *
 *      rc = change_read(&c, &options, argc, argv);
 *      ...
 *      request_begin(&c.request, CHAT_REQUEST_...);
 *      request_add_...
 *      return change_run(&c);
 */

#ifndef CHANGE_H
#define CHANGE_H


#include "ask.h"
#include "request.h"


typedef struct {
    ask_t        ask;
    request_t    request;
    const char  *operands[3];   /* the first is the conversation */
    const char  *as;            /* NULL: the operator */
    bool         json;
    uint64_t     max;           /* members, or reactions of a message */
    char         message[CHAT_ID_LEN + 1];      /* that is sent */
    char         client[CHAT_NAME_MAX_ID + 1];  /* what tells it from others */
} change_t;


/* adds to the options what all changes have in common; clears c first */
CHAT_MUST_CHECK options_rc_e change_read(change_t *c, const options_t *options,
    int argc, char **argv);

/* checks and does what the request says, prints what came of it; the exit
   code.  Frees all that c has */
CHAT_MUST_CHECK int change_run(change_t *c);


#endif /* CHANGE_H */
