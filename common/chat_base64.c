#include "chat_base64.h"


/* of the characters below 128; -1: it is none */

static const int8_t  chat_base64_digits[128] = {
    -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
    -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
    -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 62, -1, -1,
    52, 53, 54, 55, 56, 57, 58, 59, 60, 61, -1, -1, -1, -1, -1, -1,
    -1,  0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14,
    15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, -1, -1, -1, -1, 63,
    -1, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
    41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, -1, -1, -1, -1, -1
};


static int chat_base64_digit(uint8_t c);
static size_t chat_base64_decode_groups(chat_str_t text, uint8_t *dst,
    size_t size);


chat_rc_e
chat_base64_decode(chat_str_t text, uint8_t *dst, size_t size, size_t *len)
{
    int       digit;
    size_t    i;
    uint32_t  bits;
    unsigned  nbits;

    *len = chat_base64_decode_groups(text, dst, size);
    bits = 0;
    nbits = 0;

    for (i = *len / 3 * 4; i < text.len; i++) {
        digit = chat_base64_digit(text.data[i]);

        if (digit == -1) {
            return CHAT_ERROR;
        }

        bits = bits << 6 | digit;
        nbits += 6;

        if (nbits < 8) {
            continue;
        }

        if (*len == size) {
            return CHAT_ERROR;
        }

        nbits -= 8;
        dst[(*len)++] = bits >> nbits & 0xff;
        bits &= (1u << nbits) - 1;
    }

    /* six bits left over are a digit that begins no byte */

    return nbits < 6 && bits == 0 ? CHAT_OK : CHAT_ERROR;
}


/*
 * Groups of four digits, three bytes each, up to the first that is not whole,
 * holds something else or has no room.  Returns how many bytes they are.
 */

static size_t
chat_base64_decode_groups(chat_str_t text, uint8_t *dst, size_t size)
{
    int             a, b, c, d;
    size_t          i, len;
    const uint8_t  *p;

    len = 0;

    for (i = 0; text.len - i >= 4 && size - len >= 3; i += 4) {
        p = text.data + i;

        a = chat_base64_digit(p[0]);
        b = chat_base64_digit(p[1]);
        c = chat_base64_digit(p[2]);
        d = chat_base64_digit(p[3]);

        if ((a | b | c | d) < 0) {
            break;
        }

        dst[len++] = a << 2 | b >> 4;
        dst[len++] = (b << 4 | c >> 2) & 0xff;
        dst[len++] = (c << 6 | d) & 0xff;
    }

    return len;
}


static int
chat_base64_digit(uint8_t c)
{
    return c < sizeof(chat_base64_digits) ? chat_base64_digits[c] : -1;
}


size_t
chat_base64_encode(chat_str_t bytes, uint8_t *dst)
{
    size_t    i, len = 0;
    uint32_t  bits = 0;
    unsigned  nbits = 0;

    static const uint8_t  digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                     "abcdefghijklmnopqrstuvwxyz"
                                     "0123456789-_";

    for (i = 0; i < bytes.len; i++) {
        bits = bits << 8 | bytes.data[i];
        nbits += 8;

        while (nbits >= 6) {
            nbits -= 6;
            dst[len++] = digits[bits >> nbits & 0x3f];
        }

        bits &= (1u << nbits) - 1;
    }

    if (nbits != 0) {
        dst[len++] = digits[bits << (6 - nbits) & 0x3f];
    }

    return len;
}
