/*
 * Tokens: JWS compact serialisation (RFC 7515) of JWT claims (RFC 7519), with
 * the precautions of RFC 8725.
 */

#ifndef CHAT_TOKEN_H
#define CHAT_TOKEN_H


#include "chat_jwks.h"
#include "chat_key.h"
#include "chat_name.h"
#include "chat_rc.h"


#define CHAT_TOKEN_MAX_LEN      8192    /* of the whole token */
#define CHAT_TOKEN_MAX_NAME     128     /* bytes of UTF-8 */
#define CHAT_TOKEN_MAX_ROLES    16
#define CHAT_TOKEN_MAX_ROLE     64
#define CHAT_TOKEN_MAX_TRIED    8       /* signatures that one may cost */


/*
 * What a check needs to know; issuer and audience may be empty: not checked.
 * CHAT_TOKEN_MAX_TRIED keys of the token's algorithm are tried at most: those
 * with its kid, then those without one, keys before jwks.
 */

typedef struct {
    chat_key_t  *const *keys;
    size_t              nkeys;
    const chat_jwks_t  *jwks;           /* more of them, or NULL */
    uint64_t            now;            /* seconds since 1970 */
    uint32_t            leeway;         /* seconds, for exp and nbf */
    chat_str_t          issuer;         /* iss must be this */
    chat_str_t          audience;       /* aud must be or contain this */

    bool                unknown_kid;    /* set by the check: it is declined, and
                                           no key has the kid that it names */
} chat_token_check_t;


/* the claims, copied: nothing points into the token */

typedef struct {
    uint64_t  exp;                      /* seconds since 1970 */
    uint64_t  iat;                      /* likewise; 0 if there is none */
    bool      has_iat;

    uint8_t   user_len;
    uint8_t   tenant_len;
    uint8_t   sid_len;
    uint8_t   jti_len;
    uint8_t   name_len;
    uint8_t   nroles;

    uint8_t   user[CHAT_NAME_MAX_ID];
    uint8_t   tenant[CHAT_NAME_MAX_ID];     /* "default" if there is no tid */
    uint8_t   sid[CHAT_NAME_MAX_ID];
    uint8_t   jti[CHAT_NAME_MAX_ID];
    uint8_t   name[CHAT_TOKEN_MAX_NAME];

    struct {
        uint8_t  len;
        uint8_t  name[CHAT_TOKEN_MAX_ROLE];
    } roles[CHAT_TOKEN_MAX_ROLES];
} chat_token_t;


/*
 * Checks form, signature and claims.  OK; DECLINED: *reason says what is
 * wrong with the token, for a log, without any part of it; ERROR: the check
 * itself failed (memory, library), *reason says what.
 */
CHAT_MUST_CHECK chat_rc_e chat_token_check(chat_token_t *token,
    chat_str_t text, chat_token_check_t *check, const char **reason);

bool chat_token_has_role(const chat_token_t *token, const char *role);


#endif /* CHAT_TOKEN_H */
