/*
 * Keys that tokens are checked with.  A key is pinned to one algorithm: what
 * the token's head names is compared with it and never chosen by it (RFC 8725,
 * 3.1).  Parsed once, at configuration time.
 */

#ifndef CHAT_KEY_H
#define CHAT_KEY_H


#include "chat_rc.h"


#define CHAT_KEY_MIN_SECRET  32         /* bytes; RFC 7518, 3.2 */


typedef enum {
    CHAT_KEY_HS256
} chat_key_alg_e;


typedef struct chat_key_s  chat_key_t;


/* DECLINED: an algorithm that is not supported */
CHAT_MUST_CHECK chat_rc_e chat_key_alg(chat_str_t name, chat_key_alg_e *alg);

/*
 * A shared secret.  kid may be empty: then the key serves tokens whatever
 * their kid.  NULL: *reason tells why (too short, out of memory).  Allocates;
 * the secret is copied, and wiped by free.
 */
chat_key_t *chat_key_create_secret(chat_key_alg_e alg, chat_str_t kid,
    chat_str_t secret, const char **reason);
void chat_key_free(chat_key_t *key);            /* NULL is fine */

chat_key_alg_e chat_key_get_alg(const chat_key_t *key);
chat_str_t chat_key_get_kid(const chat_key_t *key);

/* OK or DECLINED (does not match); ERROR: the library failed */
CHAT_MUST_CHECK chat_rc_e chat_key_verify(chat_key_t *key, chat_str_t text,
    chat_str_t signature);


#endif /* CHAT_KEY_H */
