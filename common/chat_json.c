#include "chat_json.h"

#include <assert.h>
#include <string.h>

#include "chat_char.h"


#define CHAT_JSON_MAX_UINT  ((UINT64_C(1) << 53) - 1)


static const uint8_t *chat_json_skip_space(const uint8_t *pos,
    const uint8_t *last);
static const uint8_t *chat_json_skip_string(const uint8_t *pos,
    const uint8_t *last);
static const uint8_t *chat_json_skip_value(const uint8_t *pos,
    const uint8_t *last);
static void chat_json_take(chat_json_iter_t *it, chat_json_t *value);
static bool chat_json_key_may_be(chat_str_t key, const char *name);
static chat_str_t chat_json_inside(const chat_json_t *string);

static bool chat_json_has_escape(chat_str_t raw);
static bool chat_json_text_is(chat_str_t raw, chat_str_t text);
static chat_rc_e chat_json_unescape(const uint8_t **pos, const uint8_t *last,
    uint8_t dst[4], size_t *len);
static bool chat_json_hex4(const uint8_t *pos, const uint8_t *last,
    uint32_t *code);
static size_t chat_json_encode(uint32_t code, uint8_t dst[4]);


chat_json_type_e
chat_json_type(uint8_t first)
{
    switch (first) {

    case '{':
        return CHAT_JSON_OBJECT;

    case '[':
        return CHAT_JSON_ARRAY;

    case '"':
        return CHAT_JSON_STRING;

    case 't':
        return CHAT_JSON_TRUE;

    case 'f':
        return CHAT_JSON_FALSE;

    case 'n':
        return CHAT_JSON_NULL;

    default:
        return CHAT_JSON_NUMBER;
    }
}


void
chat_json_iter(chat_json_iter_t *it, const chat_json_t *container)
{
    assert(container->type == CHAT_JSON_OBJECT
           || container->type == CHAT_JSON_ARRAY);

    it->pos = container->raw.data + 1;
    it->last = container->raw.data + container->raw.len - 1;
}


chat_rc_e
chat_json_next_member(chat_json_iter_t *it, chat_str_t *key,
    chat_json_t *value)
{
    it->pos = chat_json_skip_space(it->pos, it->last);

    if (it->pos == it->last) {
        return CHAT_DECLINED;
    }

    key->data = it->pos + 1;
    it->pos = chat_json_skip_string(it->pos, it->last);
    key->len = it->pos - 1 - key->data;

    it->pos = chat_json_skip_space(it->pos, it->last);
    it->pos++;                          /* the colon */

    chat_json_take(it, value);

    return CHAT_OK;
}


chat_rc_e
chat_json_next_element(chat_json_iter_t *it, chat_json_t *value)
{
    it->pos = chat_json_skip_space(it->pos, it->last);

    if (it->pos == it->last) {
        return CHAT_DECLINED;
    }

    chat_json_take(it, value);

    return CHAT_OK;
}


/* the value at pos, and the comma behind it */

static void
chat_json_take(chat_json_iter_t *it, chat_json_t *value)
{
    it->pos = chat_json_skip_space(it->pos, it->last);

    value->raw.data = it->pos;
    value->type = chat_json_type(*it->pos);

    it->pos = chat_json_skip_value(it->pos, it->last);

    value->raw.len = it->pos - value->raw.data;

    it->pos = chat_json_skip_space(it->pos, it->last);

    if (it->pos != it->last) {
        it->pos++;
    }
}


static const uint8_t *
chat_json_skip_space(const uint8_t *pos, const uint8_t *last)
{
    while (pos != last
           && (*pos == ' ' || *pos == '\t' || *pos == '\n' || *pos == '\r'))
    {
        pos++;
    }

    return pos;
}


/*
 * These two skip what the scanner has accepted, so they look for its end only;
 * `last` holds them in the text all the same.
 */

static const uint8_t *
chat_json_skip_string(const uint8_t *pos, const uint8_t *last)
{
    pos = chat_char_skip_plain(pos + 1, last);

    while (pos != last) {

        if (*pos == '"') {
            return pos + 1;
        }

        if (*pos == '\\' && pos + 1 != last) {
            pos++;
        }

        pos = chat_char_skip_plain(pos + 1, last);
    }

    return last;
}


static const uint8_t *
chat_json_skip_value(const uint8_t *pos, const uint8_t *last)
{
    unsigned  depth;

    depth = 0;

    while (pos != last) {

        switch (*pos) {

        case '"':
            pos = chat_json_skip_string(pos, last);
            break;

        case '{':
        case '[':
            depth++;
            pos++;
            break;

        case '}':
        case ']':
            depth--;
            pos++;
            break;

        case ',':
        case ' ':
        case '\t':
        case '\n':
        case '\r':
            if (depth == 0) {
                return pos;             /* after a number or a word */
            }

            pos++;
            continue;

        default:
            pos++;
            continue;
        }

        if (depth == 0) {
            return pos;
        }
    }

    return pos;
}


chat_rc_e
chat_json_collect(const chat_json_t *object, chat_json_member_t *members,
    size_t n)
{
    size_t            i;
    chat_str_t        key;
    chat_json_t       value;
    chat_json_iter_t  it;

    for (i = 0; i < n; i++) {
        members[i].value.raw = chat_str("");
        members[i].value.type = CHAT_JSON_NULL;
    }

    chat_json_iter(&it, object);

    while (chat_json_next_member(&it, &key, &value) == CHAT_OK) {

        for (i = 0; i < n; i++) {

            if (!chat_json_key_may_be(key, members[i].name)
                || !chat_json_key_is(key, members[i].name))
            {
                continue;
            }

            if (members[i].value.raw.len != 0) {
                return CHAT_ERROR;
            }

            members[i].value = value;
        }
    }

    return CHAT_OK;
}


/* by its first character, which an escape may stand for */

static bool
chat_json_key_may_be(chat_str_t key, const char *name)
{
    return key.len != 0
           && (key.data[0] == (uint8_t) name[0] || key.data[0] == '\\');
}


bool
chat_json_key_is(chat_str_t key, const char *name)
{
    chat_str_t  text;

    text.data = (const uint8_t *) name;
    text.len = strlen(name);

    return chat_json_text_is(key, text);
}


bool
chat_json_string_is(const chat_json_t *value, chat_str_t text)
{
    return value->type == CHAT_JSON_STRING
           && chat_json_text_is(chat_json_inside(value), text);
}


bool
chat_json_string_is_cstr(const chat_json_t *value, const char *text)
{
    return value->type == CHAT_JSON_STRING
           && chat_json_key_is(chat_json_inside(value), text);
}


/* an escape is longer than what it stands for: no raw text is too short */

static bool
chat_json_text_is(chat_str_t raw, chat_str_t text)
{
    size_t          i, len;
    uint8_t         c[4];
    const uint8_t  *pos, *last;

    if (raw.len < text.len) {
        return false;
    }

    if (!chat_json_has_escape(raw)) {
        return raw.len == text.len
               && memcmp(raw.data, text.data, raw.len) == 0;
    }

    pos = raw.data;
    last = raw.data + raw.len;
    i = 0;

    while (pos != last) {

        if (chat_json_unescape(&pos, last, c, &len) != CHAT_OK
            || text.len - i < len
            || memcmp(text.data + i, c, len) != 0)
        {
            return false;
        }

        i += len;
    }

    return i == text.len;
}


chat_rc_e
chat_json_get_string(const chat_json_t *value, uint8_t *dst, size_t size,
    size_t *len)
{
    size_t          n;
    uint8_t         c[4];
    chat_str_t      raw;
    const uint8_t  *pos, *last;

    if (value->type != CHAT_JSON_STRING) {
        return CHAT_ERROR;
    }

    raw = chat_json_inside(value);

    if (!chat_json_has_escape(raw)) {

        if (raw.len > size) {
            return CHAT_ERROR;
        }

        memcpy(dst, raw.data, raw.len);
        *len = raw.len;

        return CHAT_OK;
    }

    pos = raw.data;
    last = raw.data + raw.len;
    *len = 0;

    while (pos != last) {

        if (chat_json_unescape(&pos, last, c, &n) != CHAT_OK
            || size - *len < n)
        {
            return CHAT_ERROR;
        }

        memcpy(dst + *len, c, n);
        *len += n;
    }

    return CHAT_OK;
}


/* most have none, and stand for themselves */

static bool
chat_json_has_escape(chat_str_t raw)
{
    return memchr(raw.data, '\\', raw.len) != NULL;
}


static chat_str_t
chat_json_inside(const chat_json_t *string)
{
    chat_str_t  raw;

    raw.data = string->raw.data + 1;
    raw.len = string->raw.len - 2;

    return raw;
}


/* one byte as it is, or the one to four that an escape stands for */

static chat_rc_e
chat_json_unescape(const uint8_t **pos, const uint8_t *last, uint8_t dst[4],
    size_t *len)
{
    static const char  escapes[] = "\"\\/bfnrt";
    static const char  escaped[] = "\"\\/\b\f\n\r\t";

    uint32_t     code;
    const char  *p;

    *len = 1;
    dst[0] = *(*pos)++;

    if (dst[0] != '\\') {
        return CHAT_OK;
    }

    if (*pos == last) {
        return CHAT_ERROR;
    }

    if (**pos == 'u') {

        (*pos)++;

        if (chat_json_read_code(pos, last, &code) != CHAT_OK || code == 0) {
            return CHAT_ERROR;
        }

        *len = chat_json_encode(code, dst);

        return CHAT_OK;
    }

    p = memchr(escapes, *(*pos)++, sizeof(escapes) - 1);

    if (p == NULL) {
        return CHAT_ERROR;
    }

    dst[0] = escaped[p - escapes];

    return CHAT_OK;
}


chat_rc_e
chat_json_read_code(const uint8_t **pos, const uint8_t *last, uint32_t *code)
{
    uint32_t        low;
    const uint8_t  *p;

    p = *pos;

    if (!chat_json_hex4(p, last, code)) {
        return CHAT_ERROR;
    }

    p += 4;

    if (*code >= 0xd800 && *code <= 0xdfff) {

        if (*code >= 0xdc00 || last - p < 2 || p[0] != '\\' || p[1] != 'u') {
            return CHAT_DECLINED;
        }

        if (!chat_json_hex4(p + 2, last, &low)) {
            return CHAT_ERROR;
        }

        if (low < 0xdc00 || low > 0xdfff) {
            return CHAT_DECLINED;
        }

        *code = 0x10000 + ((*code - 0xd800) << 10) + (low - 0xdc00);
        p += 6;
    }

    *pos = p;

    return CHAT_OK;
}


static bool
chat_json_hex4(const uint8_t *pos, const uint8_t *last, uint32_t *code)
{
    int     digit;
    size_t  i;

    if (last - pos < 4) {
        return false;
    }

    *code = 0;

    for (i = 0; i < 4; i++) {
        digit = chat_char_hex_value(pos[i]);

        if (digit == -1) {
            return false;
        }

        *code = *code << 4 | digit;
    }

    return true;
}


static size_t
chat_json_encode(uint32_t code, uint8_t dst[4])
{
    if (code < 0x80) {
        dst[0] = code;
        return 1;
    }

    if (code < 0x800) {
        dst[0] = 0xc0 | code >> 6;
        dst[1] = 0x80 | (code & 0x3f);
        return 2;
    }

    if (code < 0x10000) {
        dst[0] = 0xe0 | code >> 12;
        dst[1] = 0x80 | (code >> 6 & 0x3f);
        dst[2] = 0x80 | (code & 0x3f);
        return 3;
    }

    dst[0] = 0xf0 | code >> 18;
    dst[1] = 0x80 | (code >> 12 & 0x3f);
    dst[2] = 0x80 | (code >> 6 & 0x3f);
    dst[3] = 0x80 | (code & 0x3f);

    return 4;
}


chat_rc_e
chat_json_get_uint(const chat_json_t *value, uint64_t *n)
{
    size_t          i;
    const uint8_t  *p;

    if (value->type != CHAT_JSON_NUMBER) {
        return CHAT_ERROR;
    }

    p = value->raw.data;
    i = 0;

    if (value->raw.len == 2 && p[0] == '-' && p[1] == '0') {
        i = 1;                          /* an odd way to write 0 */
    }

    for (*n = 0; i < value->raw.len; i++) {

        if (!chat_char_is_digit(p[i])) {
            return CHAT_ERROR;
        }

        *n = *n * 10 + (p[i] - '0');

        if (*n > CHAT_JSON_MAX_UINT) {
            return CHAT_ERROR;
        }
    }

    return CHAT_OK;
}
