/*
 * Keys that tokens are signed with: a secret, or the private half of a key
 * whose public half nginx has.
 */

#ifndef TOKEN_KEY_H
#define TOKEN_KEY_H


#include <openssl/evp.h>
#include <stddef.h>
#include <stdint.h>

#include "chat_key.h"
#include "chat_rc.h"


#define TOKEN_KEY_MAX      8192     /* bytes of a file */
#define TOKEN_KEY_MAX_KID  128


typedef struct {
    chat_key_alg_e  alg;
    uint8_t         secret[TOKEN_KEY_MAX];      /* HS256 */
    size_t          len;
    EVP_PKEY       *pkey;                       /* the others */
    char            kid[TOKEN_KEY_MAX_KID + 1]; /* "": tokens name none */
} token_key_t;


/*
 * Reads a file.  A private key in PEM is RS256, ES256 or EdDSA by its kind,
 * with its thumbprint as kid; what is no PEM is the secret of HS256, but for
 * one newline at its end.  NULL, or what is wrong with it; to be wiped in both
 * cases.
 */
CHAT_MUST_CHECK const char *token_key_read(token_key_t *key,
    const char *path);
void token_key_wipe(token_key_t *key);

/* the algorithm that is asked for; NULL, or why it cannot be */
CHAT_MUST_CHECK const char *token_key_set_alg(token_key_t *key,
    const char *name);
CHAT_MUST_CHECK const char *token_key_set_kid(token_key_t *key,
    const char *kid);

const char *token_key_alg_name(chat_key_alg_e alg);

/* signs with any but HS256; sig has CHAT_KEY_MAX_SIGNATURE bytes.  -1: the
   library failed */
CHAT_MUST_CHECK int token_key_sign(const token_key_t *key, chat_str_t text,
    uint8_t *sig, size_t *len);


#endif /* TOKEN_KEY_H */
