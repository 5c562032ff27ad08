#include "chat_base64.h"


static int chat_base64_digit(uint8_t c);


chat_rc_e
chat_base64_decode(chat_str_t text, uint8_t *dst, size_t size, size_t *len)
{
    int       digit;
    size_t    i;
    uint32_t  bits;
    unsigned  nbits;

    *len = 0;
    bits = 0;
    nbits = 0;

    for (i = 0; i < text.len; i++) {
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


static int
chat_base64_digit(uint8_t c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }

    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }

    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }

    if (c == '-') {
        return 62;
    }

    return c == '_' ? 63 : -1;
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
