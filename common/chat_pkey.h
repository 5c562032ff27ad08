/*
 * The public keys behind chat_key: RSA, P-256 and Ed25519, checked once and
 * ready to verify.  For chat_key.c alone.
 */

#ifndef CHAT_PKEY_H
#define CHAT_PKEY_H


#include <openssl/evp.h>

#include "chat_key.h"


typedef struct chat_pkey_s  chat_pkey_t;


/*
 * chat_pkey_make.c: reads a key, of whatever kind it is, and judges it.  NULL:
 * *reason tells why.
 */
EVP_PKEY *chat_pkey_make_pem(chat_str_t pem, const char **reason);
EVP_PKEY *chat_pkey_make_rsa(chat_str_t n, chat_str_t e, const char **reason);
EVP_PKEY *chat_pkey_make_p256(chat_str_t x, chat_str_t y, const char **reason);
EVP_PKEY *chat_pkey_make_ed25519(chat_str_t x, const char **reason);

/* chat_pkey_check.c: what is wrong with it for this algorithm, or NULL */
const char *chat_pkey_check(EVP_PKEY *pkey, chat_key_alg_e alg);


/*
 * chat_pkey.c: takes the key over whatever it returns; NULL if pkey is NULL or
 * cannot be used, with *reason.
 */
chat_pkey_t *chat_pkey_create(chat_key_alg_e alg, EVP_PKEY *pkey,
    const char **reason);
void chat_pkey_free(chat_pkey_t *key);          /* NULL is fine */

CHAT_MUST_CHECK chat_rc_e chat_pkey_verify(chat_pkey_t *key, chat_str_t text,
    chat_str_t signature);

/*
 * Why OpenSSL has failed, where there is nothing but the point of a curve that
 * could be wrong: that, or a lack of memory, of which it does not always tell.
 * All its errors are cleared: nginx would take what is left there for its own.
 */
const char *chat_pkey_point_failed(void);


#endif /* CHAT_PKEY_H */
