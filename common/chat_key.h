/*
 * Keys that tokens are checked with.  A key is pinned to one algorithm: what
 * the token's head names is compared with it and never chosen by it (RFC 8725,
 * 3.1).  Parsed once; weak ones are refused then, not when a token comes.
 */

#ifndef CHAT_KEY_H
#define CHAT_KEY_H


#include "chat_rc.h"


#define CHAT_KEY_MIN_SECRET     32      /* bytes; RFC 7518, 3.2 */
#define CHAT_KEY_MIN_RSA        2048    /* bits; RFC 7518, 3.3 */
#define CHAT_KEY_MAX_RSA        4096    /* costs four times as much */
#define CHAT_KEY_MAX_EXPONENT   32      /* bits; its length costs too */
#define CHAT_KEY_NO_MEMORY      "out of memory"     /* as a reason */
#define CHAT_KEY_MAX_SIGNATURE  (CHAT_KEY_MAX_RSA / 8)


/* RFC 7518, 3.1 and RFC 8037, 3.1, where EdDSA is Ed25519 alone */

typedef enum {
    CHAT_KEY_HS256,                     /* HMAC with SHA-256 */
    CHAT_KEY_RS256,                     /* RSA, PKCS #1 v1.5, SHA-256 */
    CHAT_KEY_PS256,                     /* RSA, PSS, SHA-256, salt of 32 */
    CHAT_KEY_ES256,                     /* ECDSA, P-256, SHA-256 */
    CHAT_KEY_EDDSA
} chat_key_alg_e;


typedef struct chat_key_s  chat_key_t;


/* by its exact name; DECLINED: an algorithm that is not supported */
CHAT_MUST_CHECK chat_rc_e chat_key_alg(chat_str_t name, chat_key_alg_e *alg);

/*
 * All of these return NULL if the key cannot be used, and *reason tells why, a
 * text for people without anything of the key.  kid may be empty: then the key
 * serves tokens whatever their kid.  All allocate; what they are given is
 * copied, and wiped by free.
 */

/* HS256: a shared secret.  PEM, DER and JWKs are refused: who uses a
   public key as a secret makes it one that everybody knows */
chat_key_t *chat_key_create_secret(chat_str_t kid, chat_str_t secret,
    const char **reason);

/* the others: a SubjectPublicKeyInfo or a certificate, of which nothing but
   the key counts */
chat_key_t *chat_key_create_pem(chat_key_alg_e alg, chat_str_t kid,
    chat_str_t pem, const char **reason);

/* RS256 and PS256: modulus and exponent, big-endian */
chat_key_t *chat_key_create_rsa(chat_key_alg_e alg, chat_str_t kid,
    chat_str_t n, chat_str_t e, const char **reason);

/* ES256: the coordinates of the point, 32 bytes each */
chat_key_t *chat_key_create_p256(chat_str_t kid, chat_str_t x, chat_str_t y,
    const char **reason);

/* EdDSA: the encoded point, 32 bytes */
chat_key_t *chat_key_create_ed25519(chat_str_t kid, chat_str_t x,
    const char **reason);

void chat_key_free(chat_key_t *key);            /* NULL is fine */

chat_key_alg_e chat_key_get_alg(const chat_key_t *key);
chat_str_t chat_key_get_kid(const chat_key_t *key);

/* OK or DECLINED (does not match); ERROR: the library failed */
CHAT_MUST_CHECK chat_rc_e chat_key_verify(chat_key_t *key, chat_str_t text,
    chat_str_t signature);


#endif /* CHAT_KEY_H */
