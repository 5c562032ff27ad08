#include "chat_name.h"

#include <assert.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <zlib.h>

#include "chat_char.h"
#include "chat_id.h"
#include "chat_utf8.h"


#define CHAT_NAME_DM_BYTES  16          /* of the digest that the id shows */


static bool chat_name_is_space(const uint8_t *p);
static int chat_name_compare(chat_str_t a, chat_str_t b);
static size_t chat_name_join(uint8_t *dst, chat_str_t a, char separator,
    chat_str_t b);
static uint8_t *chat_name_copy(uint8_t *dst, chat_str_t s);


bool
chat_name_valid(chat_str_t id)
{
    size_t   i;
    uint8_t  c;

    if (id.len == 0 || id.len > CHAT_NAME_MAX_ID) {
        return false;
    }

    for (i = 0; i < id.len; i++) {
        c = id.data[i];

        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
            || (c >= '0' && c <= '9'))
        {
            continue;
        }

        if (c == '\0' || strchr("_.:@-", c) == NULL) {
            return false;
        }
    }

    return true;
}


bool
chat_name_valid_tenant(chat_str_t tenant)
{
    chat_str_t  own = chat_str(CHAT_NAME_OWN_TENANT);

    return chat_name_valid(tenant)
           || (tenant.len == own.len
               && memcmp(tenant.data, own.data, own.len) == 0);
}


bool
chat_name_valid_opaque(chat_str_t id)
{
    size_t  i;

    if (id.len == 0 || id.len > CHAT_NAME_MAX_ID) {
        return false;
    }

    for (i = 0; i < id.len; i++) {
        if (id.data[i] < 0x21 || id.data[i] > 0x7e) {
            return false;
        }
    }

    return true;
}


bool
chat_name_printable(chat_str_t text)
{
    size_t   i;
    uint8_t  c;

    if (!chat_utf8_valid(text)) {
        return false;
    }

    for (i = 0; i < text.len; i++) {
        c = text.data[i];

        if (c < 0x20 || c == 0x7f) {
            return false;
        }

        /* U+0080 to U+009F; in valid text every c2 has a byte after it */

        if (c == 0xc2 && text.data[i + 1] < 0xa0) {
            return false;
        }
    }

    return true;
}


bool
chat_name_valid_emoji(chat_str_t text)
{
    size_t  i;

    if (text.len == 0 || text.len > CHAT_NAME_MAX_EMOJI
        || !chat_name_printable(text))
    {
        return false;
    }

    for (i = 0; i < text.len; i++) {
        if (text.data[i] == '"' || text.data[i] == '\\'
            || chat_name_is_space(text.data + i))
        {
            return false;
        }
    }

    return true;
}


/*
 * Whether a character that is not a control character, whole and valid, is
 * white space as Unicode has it.
 */

static bool
chat_name_is_space(const uint8_t *p)
{
    switch (p[0]) {

    case ' ':
        return true;

    case 0xc2:                          /* U+00A0 */
        return p[1] == 0xa0;

    case 0xe1:                          /* U+1680 */
        return p[1] == 0x9a && p[2] == 0x80;

    case 0xe2:                  /* U+2000-200A, U+2028, 2029, 202F, 205F */
        return (p[1] == 0x80 && (p[2] <= 0x8a || p[2] == 0xa8
                                 || p[2] == 0xa9 || p[2] == 0xaf))
               || (p[1] == 0x81 && p[2] == 0x9f);

    case 0xe3:                          /* U+3000 */
        return p[1] == 0x80 && p[2] == 0x80;

    default:
        return false;
    }
}


unsigned
chat_name_partition(chat_str_t tenant, chat_str_t id, unsigned partitions)
{
    chat_str_t  qualified;
    uint8_t     buf[CHAT_NAME_MAX_QUALIFIED];

    qualified.data = buf;
    qualified.len = chat_name_join(buf, tenant, '/', id);

    return chat_name_partition_qualified(qualified, partitions);
}


unsigned
chat_name_partition_qualified(chat_str_t qualified, unsigned partitions)
{
    assert(partitions >= 1 && partitions <= CHAT_ID_MAX_PARTITIONS);

    return crc32(0, qualified.data, qualified.len) % partitions;
}


size_t
chat_name_prefix(uint8_t dst[CHAT_NAME_PREFIX_LEN], unsigned partition)
{
    assert(partition < CHAT_ID_MAX_PARTITIONS);

    memcpy(dst, "chat:{p00}:", CHAT_NAME_PREFIX_LEN);
    dst[7] += partition / 10;
    dst[8] += partition % 10;

    return CHAT_NAME_PREFIX_LEN;
}


size_t
chat_name_base(uint8_t dst[CHAT_NAME_MAX_BASE], unsigned partition,
    chat_str_t tenant, chat_str_t id)
{
    uint8_t  *p;

    p = dst + chat_name_prefix(dst, partition);
    p = chat_name_copy(p, chat_str("c:"));
    p += chat_name_join(p, tenant, '/', id);

    return p - dst;
}


chat_rc_e
chat_name_dm(uint8_t dst[CHAT_NAME_DM_LEN], chat_str_t user_a,
    chat_str_t user_b)
{
    size_t    i, n;
    uint8_t  *p;
    uint8_t   pair[CHAT_NAME_MAX_QUALIFIED], digest[EVP_MAX_MD_SIZE];

    if (chat_name_compare(user_a, user_b) <= 0) {
        n = chat_name_join(pair, user_a, '\0', user_b);

    } else {
        n = chat_name_join(pair, user_b, '\0', user_a);
    }

    if (EVP_Digest(pair, n, digest, NULL, EVP_sha256(), NULL) != 1) {
        ERR_clear_error();              /* nginx takes leftovers for its own */
        return CHAT_ERROR;
    }

    p = chat_name_copy(dst, chat_str("dm:"));

    for (i = 0; i < CHAT_NAME_DM_BYTES; i++) {
        *p++ = chat_char_hex_digit(digest[i] >> 4);
        *p++ = chat_char_hex_digit(digest[i]);
    }

    return CHAT_OK;
}


static int
chat_name_compare(chat_str_t a, chat_str_t b)
{
    int  rc;

    rc = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);

    if (rc != 0) {
        return rc;
    }

    return (a.len > b.len) - (a.len < b.len);
}


/* both are valid ids, so CHAT_NAME_MAX_QUALIFIED bytes are enough */

static size_t
chat_name_join(uint8_t *dst, chat_str_t a, char separator, chat_str_t b)
{
    uint8_t  *p;

    assert(a.len <= CHAT_NAME_MAX_ID && b.len <= CHAT_NAME_MAX_ID);

    p = chat_name_copy(dst, a);
    *p++ = separator;
    p = chat_name_copy(p, b);

    return p - dst;
}


static uint8_t *
chat_name_copy(uint8_t *dst, chat_str_t s)
{
    memcpy(dst, s.data, s.len);

    return dst + s.len;
}
