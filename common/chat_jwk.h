/*
 * One key of a JWK Set.  For chat_jwks.c alone.
 */

#ifndef CHAT_JWK_H
#define CHAT_JWK_H


#include "chat_jwks.h"
#include "chat_json.h"


/* what has been read of it, for those who tell that it is skipped */

typedef struct {
    size_t   kid_len;                   /* 0: it has none */
    uint8_t  kid[CHAT_JWKS_MAX_KID];
} chat_jwk_t;


/* NULL: *reason tells why it cannot be used.  Allocates */
chat_key_t *chat_jwk_read(chat_jwk_t *jwk, const chat_json_t *value,
    const char **reason);


#endif /* CHAT_JWK_H */
