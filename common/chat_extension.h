/*
 * The negotiation of extensions (RFC 6455, 9.1) as far as it concerns
 * permessage-deflate (RFC 7692, 5 and 7.1), which is the only one we know.
 */

#ifndef CHAT_EXTENSION_H
#define CHAT_EXTENSION_H


#include "chat_rc.h"


/* longest answer, without a NUL */
#define CHAT_EXTENSION_MAX_ANSWER                                             \
    (sizeof("permessage-deflate; server_no_context_takeover; "               \
            "client_no_context_takeover; server_max_window_bits=15") - 1)


/* an offer of permessage-deflate that we accept */

typedef struct {
    uint8_t  window_bits;   /* that the peer can read, 8 to 15 */
    bool     asked_bits;    /* it has said so, and must be told */
} chat_extension_t;


/*
 * Reads the value of one Sec-WebSocket-Extensions header.  OK: *e is the first
 * offer in it that can be accepted; DECLINED: there is none; ERROR: the value
 * does not follow the grammar, and the handshake must fail.
 */
CHAT_MUST_CHECK chat_rc_e chat_extension_read(chat_str_t value,
    chat_extension_t *e);

/* writes what accepts the offer; returns its length */
size_t chat_extension_answer(const chat_extension_t *e,
    uint8_t answer[CHAT_EXTENSION_MAX_ANSWER]);


#endif /* CHAT_EXTENSION_H */
