/*
 * What every file of common/ shares: the return vocabulary and a slice.
 *
 * common/ is plain C11.  It parses and builds; it does no I/O, reads no clock,
 * takes no randomness of its own, allocates only where a header says so, and
 * never logs: it returns the reason, and its caller tells whom it concerns.
 */

#ifndef CHAT_RC_H
#define CHAT_RC_H


#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>


typedef enum {
    CHAT_OK = 0,
    CHAT_AGAIN,         /* more input is needed; what was given is consumed */
    CHAT_DECLINED,      /* not there, not ours: no error */
    CHAT_ERROR
} chat_rc_e;


/* a slice of memory that somebody else owns; never NUL terminated by promise */

typedef struct {
    const uint8_t  *data;
    size_t          len;
} chat_str_t;


#define chat_str(literal)                                                     \
    ((chat_str_t) { (const uint8_t *) (literal), sizeof(literal) - 1 })

#define CHAT_MUST_CHECK  __attribute__((warn_unused_result))


#endif /* CHAT_RC_H */
