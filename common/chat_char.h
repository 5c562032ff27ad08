/*
 * What parsers and printers ask of single characters; all of it ASCII and
 * without regard to any locale.
 */

#ifndef CHAT_CHAR_H
#define CHAT_CHAR_H


#include <string.h>

#include "chat_rc.h"


#define CHAT_CHAR_ALL(c)  (UINT64_C(0x0101010101010101) * (c))


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


/* whether one of eight bytes is below n, which is at most 0x80: S. E. Anderson,
   Bit Twiddling Hacks, "Determine if a word has a byte less than n" */

static inline bool
chat_char_any_below(uint64_t word, uint8_t n)
{
    return ((word - CHAT_CHAR_ALL(n)) & ~word & CHAT_CHAR_ALL(0x80)) != 0;
}


/* to the first byte of a JSON string that does not stand for itself: a quote, a
   backslash, a control character; eight bytes at a time */

static inline const uint8_t *
chat_char_skip_plain(const uint8_t *pos, const uint8_t *last)
{
    uint64_t  word;

    for ( /* void */ ; (size_t) (last - pos) >= sizeof(word);
         pos += sizeof(word))
    {
        memcpy(&word, pos, sizeof(word));

        if (chat_char_any_below(word, 0x20)
            || chat_char_any_below(word ^ CHAT_CHAR_ALL('"'), 1)
            || chat_char_any_below(word ^ CHAT_CHAR_ALL('\\'), 1))
        {
            break;
        }
    }

    while (pos != last && *pos >= 0x20 && *pos != '"' && *pos != '\\') {
        pos++;
    }

    return pos;
}


#endif /* CHAT_CHAR_H */
