/*
 * UTF-8 as RFC 3629 defines it, checked as it arrives: no overlong forms, no
 * surrogates, nothing above U+10FFFF.  An error is found at the first byte
 * that cannot belong to any valid text (RFC 6455, 8.1: fail fast).
 */

#ifndef CHAT_UTF8_H
#define CHAT_UTF8_H


#include "chat_rc.h"


typedef struct {
    uint8_t  need;      /* continuation bytes still to come */
    uint8_t  low;       /* bounds of the next continuation byte */
    uint8_t  high;
} chat_utf8_t;


void chat_utf8_init(chat_utf8_t *u);

/* OK: at a character's end; AGAIN: inside a character; ERROR: not UTF-8 */
CHAT_MUST_CHECK chat_rc_e chat_utf8_feed(chat_utf8_t *u, const uint8_t *data,
    size_t len);

/* a whole text at once */
bool chat_utf8_valid(chat_str_t text);


#endif /* CHAT_UTF8_H */
