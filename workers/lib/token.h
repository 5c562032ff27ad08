/*
 * Tokens that this project issues itself, with the claims of the protocol.
 */

#ifndef TOKEN_H
#define TOKEN_H


#include <stddef.h>
#include <stdint.h>

#include "token_key.h"


typedef struct {
    const char         *user;
    const char         *tenant;     /* NULL: not named */
    const char         *name;       /* NULL: not named */
    const char         *sid;        /* NULL: not named */
    const char         *jti;        /* NULL: not named */
    const char *const  *roles;
    size_t              nroles;
    uint64_t            issued;     /* s since 1970 */
    uint64_t            expires;
} token_claims_t;


/* the token, to be freed; NULL: out of memory, or a claim is not UTF-8 */
char *token_make(const token_key_t *key, const token_claims_t *claims);


#endif /* TOKEN_H */
