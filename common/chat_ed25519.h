/*
 * Whether 32 bytes are a public key of Ed25519 that may be trusted.  OpenSSL
 * looks at them when a signature is checked, and never at their order.
 */

#ifndef CHAT_ED25519_H
#define CHAT_ED25519_H


#include "chat_rc.h"


#define CHAT_ED25519_LEN  32


/*
 * DECLINED: not the one encoding of a point of the curve (RFC 8032, 5.1.3), or
 * of a point whose order divides 8, with which signatures can be made that fit
 * without any private key.  ERROR: out of memory.
 */
CHAT_MUST_CHECK chat_rc_e chat_ed25519_check(
    const uint8_t point[CHAT_ED25519_LEN]);


#endif /* CHAT_ED25519_H */
