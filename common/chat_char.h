/*
 * What parsers and printers ask of single characters; all of it ASCII and
 * without regard to any locale.
 */

#ifndef CHAT_CHAR_H
#define CHAT_CHAR_H


#include "chat_rc.h"


static inline bool
chat_char_is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}


/* the value of a hex digit of either case, -1 if it is none */

static inline int
chat_char_hex_value(uint8_t c)
{
    if (chat_char_is_digit(c)) {
        return c - '0';
    }

    c |= 0x20;

    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }

    return -1;
}


static inline uint8_t
chat_char_hex_digit(unsigned value)
{
    return "0123456789abcdef"[value & 0xf];
}


#endif /* CHAT_CHAR_H */
