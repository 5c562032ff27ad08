/*
 * One state of three bytes instead of the usual table: what a lead byte
 * allows is the number of bytes that follow it and the bounds of the first of
 * them, which exclude overlong forms, surrogates and what is above U+10FFFF.
 */

#include "chat_utf8.h"

#include <string.h>


#define CHAT_UTF8_HIGH_BITS  UINT64_C(0x8080808080808080)


static bool chat_utf8_lead(chat_utf8_t *u, uint8_t c);
static bool chat_utf8_next(chat_utf8_t *u, uint8_t c);
static size_t chat_utf8_skip_ascii(const uint8_t *data, size_t len);


void
chat_utf8_init(chat_utf8_t *u)
{
    u->need = 0;
    u->low = 0x80;
    u->high = 0xbf;
}


chat_rc_e
chat_utf8_feed(chat_utf8_t *u, const uint8_t *data, size_t len)
{
    size_t  i;

    i = 0;

    while (i < len) {

        if (u->need == 0) {
            i += chat_utf8_skip_ascii(data + i, len - i);

            if (i == len) {
                break;
            }

            if (!chat_utf8_lead(u, data[i])) {
                return CHAT_ERROR;
            }

        } else if (!chat_utf8_next(u, data[i])) {
            return CHAT_ERROR;
        }

        i++;
    }

    return u->need == 0 ? CHAT_OK : CHAT_AGAIN;
}


bool
chat_utf8_valid(chat_str_t text)
{
    chat_utf8_t  u;

    chat_utf8_init(&u);

    return chat_utf8_feed(&u, text.data, text.len) == CHAT_OK;
}


/* most text is ASCII: eight bytes at a time */

static size_t
chat_utf8_skip_ascii(const uint8_t *data, size_t len)
{
    size_t    i;
    uint64_t  word;

    for (i = 0; len - i >= sizeof(word); i += sizeof(word)) {
        memcpy(&word, data + i, sizeof(word));

        if (word & CHAT_UTF8_HIGH_BITS) {
            break;
        }
    }

    while (i < len && data[i] < 0x80) {
        i++;
    }

    return i;
}


/* RFC 3629, section 4: the first byte of a character that is not ASCII */

static bool
chat_utf8_lead(chat_utf8_t *u, uint8_t c)
{
    u->low = 0x80;
    u->high = 0xbf;

    if (c < 0xc2) {                 /* a stray continuation, or overlong */
        return false;
    }

    if (c < 0xe0) {
        u->need = 1;
        return true;
    }

    if (c < 0xf0) {
        u->need = 2;
        u->low = (c == 0xe0) ? 0xa0 : 0x80;     /* below is overlong */
        u->high = (c == 0xed) ? 0x9f : 0xbf;    /* above are surrogates */
        return true;
    }

    if (c < 0xf5) {
        u->need = 3;
        u->low = (c == 0xf0) ? 0x90 : 0x80;     /* below is overlong */
        u->high = (c == 0xf4) ? 0x8f : 0xbf;    /* above is no Unicode */
        return true;
    }

    return false;
}


static bool
chat_utf8_next(chat_utf8_t *u, uint8_t c)
{
    if (c < u->low || c > u->high) {
        return false;
    }

    u->need--;
    u->low = 0x80;
    u->high = 0xbf;

    return true;
}
