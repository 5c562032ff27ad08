/*
 *       0               1               2               3
 *      +-+-+-+-+-------+-+-------------+-------------------------------+
 *      |F|R|R|R| opcode|M|  length 7   |  length 16, if length 7 is 126 |
 *      |I|S|S|S|   4   |A|             |  length 64, if length 7 is 127 |
 *      |N|V|V|V|       |S|             +-------------------------------+
 *      | |1|2|3|       |K|             |  mask, 4 bytes; payload ...    |
 *      +-+-+-+-+-------+-+-------------+-------------------------------+
 *
 * Each state collects its bytes in f->part, then takes one named step.
 */

#include "chat_frame.h"

#include <assert.h>
#include <string.h>

#include "chat_utf8.h"


#define CHAT_FRAME_RSV23    0x30
#define CHAT_FRAME_OPCODE   0x0f
#define CHAT_FRAME_MASKED   0x80
#define CHAT_FRAME_LEN7     0x7f
#define CHAT_FRAME_LEN16    126
#define CHAT_FRAME_LEN64    127


_Static_assert(sizeof(chat_frame_t) == 40, "the header promises it");


static chat_rc_e chat_frame_fill(chat_frame_t *f, const uint8_t **pos,
    const uint8_t *last, uint8_t want);
static chat_rc_e chat_frame_start(chat_frame_t *f);
static chat_rc_e chat_frame_first(chat_frame_t *f, uint8_t byte);
static chat_rc_e chat_frame_len(chat_frame_t *f);
static chat_rc_e chat_frame_accept(chat_frame_t *f, uint64_t len);
static uint32_t chat_frame_max(const chat_frame_t *f);
static chat_rc_e chat_frame_fail(chat_frame_t *f, uint16_t code);
static bool chat_frame_close_code_valid(uint16_t code);


void
chat_frame_init(chat_frame_t *f, uint32_t max_message)
{
    memset(f, 0, sizeof(*f));
    f->max_message = max_message;
}


chat_rc_e
chat_frame_read_head(chat_frame_t *f, const uint8_t **pos,
    const uint8_t *last)
{
    chat_rc_e  rc;

    rc = CHAT_OK;

    while (rc == CHAT_OK) {

        switch ((chat_frame_state_e) f->state) {

        case CHAT_FRAME_START:
            rc = chat_frame_fill(f, pos, last, 2);
            if (rc == CHAT_OK) {
                rc = chat_frame_start(f);
            }
            break;

        case CHAT_FRAME_LEN:
            rc = chat_frame_fill(f, pos, last, f->nlen);
            if (rc == CHAT_OK) {
                rc = chat_frame_len(f);
            }
            break;

        case CHAT_FRAME_MASK:
            rc = chat_frame_fill(f, pos, last, 4);
            if (rc == CHAT_OK) {
                memcpy(f->mask, f->part, 4);
                f->phase = 0;
                f->state = CHAT_FRAME_PAYLOAD;
            }
            break;

        case CHAT_FRAME_PAYLOAD:
            return CHAT_OK;

        case CHAT_FRAME_FAILED:
            return CHAT_ERROR;
        }
    }

    return rc;
}


void
chat_frame_unmask(chat_frame_t *f, uint8_t *dst, const uint8_t *src, size_t n)
{
    size_t    i;
    uint8_t   mask[8];
    uint64_t  word, mask_word;

    assert(f->state == CHAT_FRAME_PAYLOAD && n <= f->left);

    for (i = 0; i < sizeof(mask); i++) {
        mask[i] = f->mask[(f->phase + i) & 3];
    }

    memcpy(&mask_word, mask, sizeof(mask_word));

    for (i = 0; n - i >= sizeof(word); i += sizeof(word)) {
        memcpy(&word, src + i, sizeof(word));
        word ^= mask_word;
        memcpy(dst + i, &word, sizeof(word));
    }

    for ( /* void */ ; i < n; i++) {
        dst[i] = src[i] ^ mask[i & 7];
    }

    f->phase = (f->phase + n) & 3;
    f->left -= n;
}


bool
chat_frame_end(chat_frame_t *f)
{
    assert(f->state == CHAT_FRAME_PAYLOAD && f->left == 0);

    f->state = CHAT_FRAME_START;

    if (chat_frame_is_control(f) || !f->fin) {
        return false;
    }

    f->message = 0;

    return true;
}


static chat_rc_e
chat_frame_fill(chat_frame_t *f, const uint8_t **pos, const uint8_t *last,
    uint8_t want)
{
    while (f->npart < want) {

        if (*pos == last) {
            return CHAT_AGAIN;
        }

        f->part[f->npart++] = *(*pos)++;
    }

    f->npart = 0;

    return CHAT_OK;
}


static chat_rc_e
chat_frame_start(chat_frame_t *f)
{
    uint8_t    len;
    chat_rc_e  rc;

    rc = chat_frame_first(f, f->part[0]);
    if (rc != CHAT_OK) {
        return rc;
    }

    if (!(f->part[1] & CHAT_FRAME_MASKED)) {
        return chat_frame_fail(f, 1002);
    }

    len = f->part[1] & CHAT_FRAME_LEN7;

    if (chat_frame_is_control(f) && len > CHAT_FRAME_MAX_CONTROL) {
        return chat_frame_fail(f, 1002);
    }

    if (len < CHAT_FRAME_LEN16) {
        return chat_frame_accept(f, len);
    }

    f->nlen = (len == CHAT_FRAME_LEN16) ? 2 : 8;
    f->state = CHAT_FRAME_LEN;

    return CHAT_OK;
}


/* the first byte: is this frame allowed here? */

static chat_rc_e
chat_frame_first(chat_frame_t *f, uint8_t byte)
{
    bool  rsv1;

    f->opcode = byte & CHAT_FRAME_OPCODE;
    f->fin = (byte & CHAT_FRAME_FIN) != 0;
    rsv1 = (byte & CHAT_FRAME_RSV1) != 0;

    if (byte & CHAT_FRAME_RSV23) {
        return chat_frame_fail(f, 1002);
    }

    switch (f->opcode) {

    case CHAT_FRAME_TEXT:
    case CHAT_FRAME_BINARY:
        if (f->message != 0 || (rsv1 && !f->allow_rsv1)) {
            return chat_frame_fail(f, 1002);
        }

        f->message = f->opcode;
        f->message_len = 0;
        f->fragments = 1;
        f->rsv1 = rsv1;

        return CHAT_OK;

    case CHAT_FRAME_CONTINUATION:
        if (f->message == 0 || rsv1) {
            return chat_frame_fail(f, 1002);
        }

        if (f->fragments == CHAT_FRAME_MAX_FRAGMENTS) {
            return chat_frame_fail(f, 1009);
        }

        f->fragments++;

        return CHAT_OK;

    case CHAT_FRAME_CLOSE:
    case CHAT_FRAME_PING:
    case CHAT_FRAME_PONG:
        if (!f->fin || rsv1) {
            return chat_frame_fail(f, 1002);
        }

        return CHAT_OK;

    default:                            /* reserved, a client may send any */
        return chat_frame_fail(f, 1002);
    }
}


static chat_rc_e
chat_frame_len(chat_frame_t *f)
{
    uint8_t   i;
    uint64_t  len, min;

    len = 0;

    for (i = 0; i < f->nlen; i++) {
        len = len << 8 | f->part[i];
    }

    /* the shortest form is a must, and the top bit of 64 is reserved */

    min = (f->nlen == 2) ? CHAT_FRAME_LEN16 : 0x10000;

    if (len < min || len > INT64_MAX) {
        return chat_frame_fail(f, 1002);
    }

    return chat_frame_accept(f, len);
}


static chat_rc_e
chat_frame_accept(chat_frame_t *f, uint64_t len)
{
    if (!chat_frame_is_control(f)) {

        /* message_len never exceeds max, so nothing overflows */

        if (len > chat_frame_max(f) - f->message_len) {
            return chat_frame_fail(f, 1009);
        }

        f->message_len += len;
    }

    f->left = len;
    f->state = CHAT_FRAME_MASK;

    return CHAT_OK;
}


/*
 * What cannot be compressed gets longer: by five bytes for each stored block
 * (RFC 1951, 3.2.4), of which the least careful of zlib's settings makes one
 * for every 127 bytes.
 */

static uint32_t
chat_frame_max(const chat_frame_t *f)
{
    uint64_t  max;

    max = f->max_message;

    if (f->rsv1) {
        max += max / 16 + 64;
    }

    return max < UINT32_MAX ? max : UINT32_MAX;
}


static chat_rc_e
chat_frame_fail(chat_frame_t *f, uint16_t code)
{
    f->close_code = code;
    f->state = CHAT_FRAME_FAILED;

    return CHAT_ERROR;
}


size_t
chat_frame_write_head(uint8_t head[CHAT_FRAME_MAX_HEAD],
    chat_frame_opcode_e opcode, uint8_t flags, uint64_t len)
{
    size_t  i;

    head[0] = flags | opcode;

    if (len < CHAT_FRAME_LEN16) {
        head[1] = len;
        return 2;
    }

    if (len < 0x10000) {
        head[1] = CHAT_FRAME_LEN16;
        head[2] = len >> 8;
        head[3] = len & 0xff;
        return 4;
    }

    head[1] = CHAT_FRAME_LEN64;

    for (i = 0; i < 8; i++) {
        head[2 + i] = (len >> (56 - 8 * i)) & 0xff;
    }

    return CHAT_FRAME_MAX_HEAD;
}


chat_rc_e
chat_frame_read_close(chat_str_t payload, uint16_t *code)
{
    chat_str_t  reason;

    if (payload.len == 0) {
        *code = 1005;
        return CHAT_OK;
    }

    if (payload.len == 1) {
        *code = 1002;
        return CHAT_ERROR;
    }

    *code = payload.data[0] << 8 | payload.data[1];

    if (!chat_frame_close_code_valid(*code)) {
        *code = 1002;
        return CHAT_ERROR;
    }

    reason.data = payload.data + 2;
    reason.len = payload.len - 2;

    if (!chat_utf8_valid(reason)) {
        *code = 1007;
        return CHAT_ERROR;
    }

    return CHAT_OK;
}


/*
 * Codes that an endpoint may send: those of RFC 6455, 7.4.1 without the ones
 * that only stand for something (1005, 1006, 1015) and the reserved 1004;
 * 1012 to 1014 were registered later; libraries and applications have theirs.
 */

static bool
chat_frame_close_code_valid(uint16_t code)
{
    if (code >= 3000 && code <= 4999) {
        return true;
    }

    return code >= 1000 && code <= 1014
           && code != 1004 && code != 1005 && code != 1006;
}


size_t
chat_frame_write_close(uint8_t payload[CHAT_FRAME_MAX_CONTROL], uint16_t code,
    chat_str_t reason)
{
    size_t  n;

    if (code == 1005) {                 /* "no code" is told by none */
        return 0;
    }

    payload[0] = code >> 8;
    payload[1] = code & 0xff;

    n = reason.len;

    if (n > CHAT_FRAME_MAX_CONTROL - 2) {
        n = CHAT_FRAME_MAX_CONTROL - 2;

        while (n > 0 && (reason.data[n] & 0xc0) == 0x80) {
            n--;
        }
    }

    if (n != 0) {
        memcpy(payload + 2, reason.data, n);
    }

    return 2 + n;
}
