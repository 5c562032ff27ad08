/*
 * Tokens that this project issues itself: HS256, the claims of the protocol.
 */

#ifndef TOKEN_H
#define TOKEN_H


#include <stddef.h>
#include <stdint.h>

#include "chat_rc.h"


#define TOKEN_MAX_KEY  4096


typedef struct {
    uint8_t  data[TOKEN_MAX_KEY];
    size_t   len;
} token_key_t;


typedef struct {
    const char         *user;
    const char         *tenant;     /* NULL: not named */
    const char         *name;       /* NULL: not named */
    const char *const  *roles;
    size_t              nroles;
    uint64_t            issued;     /* s since 1970 */
    uint64_t            expires;
} token_claims_t;


/* the secret is the content of the file but for one newline at its end;
   NULL, or what is wrong with it */
CHAT_MUST_CHECK const char *token_key_read(token_key_t *key,
    const char *path);
void token_key_wipe(token_key_t *key);

/* the token, to be freed; NULL: out of memory, or a claim is not UTF-8 */
char *token_make(const token_key_t *key, const token_claims_t *claims);


#endif /* TOKEN_H */
