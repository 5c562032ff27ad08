/*
 * A JWK Set (RFC 7517): the public keys that an identity provider tells the
 * world, of which those are taken that tokens may be checked with.
 */

#ifndef CHAT_JWKS_H
#define CHAT_JWKS_H


#include "chat_key.h"
#include "chat_rc.h"


#define CHAT_JWKS_MAX_LEN   65536       /* bytes of the text */
#define CHAT_JWKS_MAX_KEYS  32          /* usable ones */
#define CHAT_JWKS_MAX_KID   128         /* bytes */


typedef struct chat_jwks_s  chat_jwks_t;


/*
 * Is told of each key that is passed over: its place in the set, from 0, its
 * kid, or an empty one where that is none, and why.
 */
typedef void (*chat_jwks_skip_pt)(void *data, size_t place, chat_str_t kid,
    const char *reason);


/*
 * What a key must be:  kty, crv and the numbers in the one form that RFC 7518
 * and RFC 8037 give them;  alg, if it is there, one of ours that fits the kty,
 * else RS256, ES256 or EdDSA by the kty;  use, if it is there, "sig";  key_ops,
 * if it is there, with "verify";  no private member, and no secret ("oct");  a
 * kid, if it is there, of 1 to 128 bytes that can be printed.  And it must be
 * as strong as chat_key.h says.  Others are skipped: a provider may publish
 * what is not meant for us.
 *
 * NULL: *reason tells why the set as a whole cannot be used: too long, not
 * well-formed, no usable key in it or too many, two of one algorithm with the
 * same kid, out of memory.  skip may be NULL.  Allocates.
 */
chat_jwks_t *chat_jwks_parse(chat_str_t text, chat_jwks_skip_pt skip,
    void *data, const char **reason);
void chat_jwks_free(chat_jwks_t *set);          /* NULL is fine */

/* in the order of the set; they live as long as it does */
chat_key_t *const *chat_jwks_keys(const chat_jwks_t *set, size_t *n);


#endif /* CHAT_JWKS_H */
