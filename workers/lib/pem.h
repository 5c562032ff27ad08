/*
 * Keys of files in PEM, whether they are private, public or in a certificate,
 * and what they are as a JWK (RFC 7517, RFC 7518, RFC 8037).
 */

#ifndef PEM_H
#define PEM_H


#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>

#include "chat_key.h"
#include "chat_rc.h"
#include "chat_write.h"


#define PEM_MAX_JWK     1024    /* bytes; RSA with 4096 bits has some 720 */
#define PEM_THUMBPRINT  43      /* characters */


bool pem_is(chat_str_t text);

/* NULL: no such key, or one that needs a password */
EVP_PKEY *pem_read_private(chat_str_t text);
EVP_PKEY *pem_read_public(chat_str_t text);     /* takes all three */

/* the algorithm of a key that nginx would take; else NULL, or why it would
   not.  A key of RSA is RS256, and may be PS256 */
CHAT_MUST_CHECK const char *pem_alg(const EVP_PKEY *key, chat_key_alg_e *alg);

/* the members that are the key, in the order and form of a thumbprint (RFC
   7638, 3.2), without braces; -1: the library failed */
CHAT_MUST_CHECK int pem_write_jwk(chat_writer_t *w, const EVP_PKEY *key);

/* SHA-256 of these; text is terminated.  -1: the library failed */
CHAT_MUST_CHECK int pem_thumbprint(const EVP_PKEY *key,
    char text[PEM_THUMBPRINT + 1]);


#endif /* PEM_H */
