#include "chat_id.h"

#include <assert.h>

#include "chat_char.h"


#define CHAT_ID_BYTES  16


static bool chat_id_is_dash(size_t i);
static chat_rc_e chat_id_read(chat_str_t text, uint8_t bytes[CHAT_ID_BYTES]);


void
chat_id_make(uint8_t text[CHAT_ID_LEN], uint64_t ms, unsigned partition,
    const uint8_t random[10])
{
    size_t   i, n;
    uint8_t  bytes[CHAT_ID_BYTES];

    assert(ms <= CHAT_ID_MAX_TIME && partition < CHAT_ID_MAX_PARTITIONS);

    for (i = 0; i < 6; i++) {
        bytes[i] = (ms >> (40 - 8 * i)) & 0xff;
    }

    bytes[6] = 0x70 | partition >> 2;
    bytes[7] = (partition & 0x3) << 6 | (random[0] & 0x3f);
    bytes[8] = 0x80 | (random[1] & 0x3f);

    for (i = 9; i < CHAT_ID_BYTES; i++) {
        bytes[i] = random[i - 7];
    }

    n = 0;

    for (i = 0; i < CHAT_ID_BYTES; i++) {

        if (chat_id_is_dash(n)) {
            text[n++] = '-';
        }

        text[n++] = chat_char_hex_digit(bytes[i] >> 4);
        text[n++] = chat_char_hex_digit(bytes[i]);
    }
}


chat_rc_e
chat_id_time(chat_str_t text, uint64_t *ms)
{
    size_t   i;
    uint8_t  bytes[CHAT_ID_BYTES];

    if (chat_id_read(text, bytes) != CHAT_OK) {
        return CHAT_DECLINED;
    }

    *ms = 0;

    for (i = 0; i < 6; i++) {
        *ms = *ms << 8 | bytes[i];
    }

    return CHAT_OK;
}


bool
chat_id_valid(chat_str_t text)
{
    size_t   i;
    uint8_t  c;

    if (text.len != CHAT_ID_LEN) {
        return false;
    }

    for (i = 0; i < CHAT_ID_LEN; i++) {
        c = text.data[i];

        if (chat_id_is_dash(i) ? c != '-'
                               : !chat_char_is_digit(c)
                                 && (c < 'a' || c > 'f'))
        {
            return false;
        }
    }

    return true;
}


chat_rc_e
chat_id_partition(chat_str_t text, unsigned *partition)
{
    uint8_t  bytes[CHAT_ID_BYTES];

    if (chat_id_read(text, bytes) != CHAT_OK) {
        return CHAT_DECLINED;
    }

    *partition = (bytes[6] & 0xf) << 2 | bytes[7] >> 6;

    return CHAT_OK;
}


static chat_rc_e
chat_id_read(chat_str_t text, uint8_t bytes[CHAT_ID_BYTES])
{
    int     high, low;
    size_t  i, n;

    if (text.len != CHAT_ID_LEN) {
        return CHAT_DECLINED;
    }

    n = 0;

    for (i = 0; i < CHAT_ID_LEN; i += 2) {

        if (chat_id_is_dash(i)) {

            if (text.data[i] != '-') {
                return CHAT_DECLINED;
            }

            i++;
        }

        high = chat_char_hex_value(text.data[i]);
        low = chat_char_hex_value(text.data[i + 1]);

        if (high == -1 || low == -1) {
            return CHAT_DECLINED;
        }

        bytes[n++] = high << 4 | low;
    }

    if (bytes[6] >> 4 != 7 || bytes[8] >> 6 != 2) {     /* version, variant */
        return CHAT_DECLINED;
    }

    return CHAT_OK;
}


/* 8-4-4-4-12 */

static bool
chat_id_is_dash(size_t i)
{
    return i == 8 || i == 13 || i == 18 || i == 23;
}
