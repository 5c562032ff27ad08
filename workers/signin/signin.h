/*
 * chat-signin: a token for whoever types a name.  It is what a page to try
 * the chat with needs instead of an application that knows its users.
 */

#ifndef SIGNIN_H
#define SIGNIN_H


#include <stddef.h>
#include <stdint.h>

#include "chat_name.h"
#include "chat_rc.h"
#include "mem.h"
#include "token.h"


#define SIGNIN_MAX_NAME   64            /* characters */
#define SIGNIN_MAX_BYTES  (4 * SIGNIN_MAX_NAME)
#define SIGNIN_MAX_BODY   4096


typedef struct {
    token_key_t  key;
    uint64_t     ttl;                   /* seconds */
} signin_t;


/*
 * Answers the body of a request with a status of HTTP and JSON, appended to
 * reply.
 */
unsigned signin_answer(const signin_t *s, chat_str_t body, mem_buf_t *reply);

/* {"error":{"code":...,"message":...}}; both are constants of the program */
void signin_error(mem_buf_t *reply, const char *code, const char *message);


/*
 * The user of a name, always the same: what can be read of it, and enough of
 * its hash that names which read alike do not share a user.
 */
void user_id_make(char id[CHAT_NAME_MAX_ID + 1], chat_str_t name);

/*
 * A name without the spaces around it.  -1: nothing is left, it is longer
 * than SIGNIN_MAX_NAME characters, or it holds control characters.
 */
CHAT_MUST_CHECK int user_name_trim(chat_str_t *name);


/* serves requests from fd until the program is told to stop; -1: logged */
CHAT_MUST_CHECK int http_serve(const signin_t *s, int fd);


#endif /* SIGNIN_H */
