/*
 * The grammar of RFC 8259, checked in one pass.  Which containers the place in
 * the text lies in stands in a stack of bits, so that no nesting of the input
 * becomes a nesting of calls.
 */

#include "chat_json.h"

#include <assert.h>
#include <string.h>

#include "chat_char.h"
#include "chat_utf8.h"


typedef struct {
    const uint8_t  *pos;
    const uint8_t  *last;
    const char     *reason;
    uint64_t        objects;            /* the innermost container's bit is the
                                           lowest; 1: object, 0: array */
    unsigned        depth;
    unsigned        max_depth;
    bool            lone;               /* a lone surrogate was seen */
} chat_json_parse_t;


_Static_assert(CHAT_JSON_MAX_DEPTH <= 64, "one bit of objects per level");


static chat_rc_e chat_json_parse_all(chat_json_parse_t *s);
static chat_rc_e chat_json_parse_value(chat_json_parse_t *s);
static chat_rc_e chat_json_parse_open(chat_json_parse_t *s, bool object);
static chat_rc_e chat_json_parse_after(chat_json_parse_t *s);
static chat_rc_e chat_json_parse_key(chat_json_parse_t *s);
static chat_rc_e chat_json_parse_string(chat_json_parse_t *s);
static chat_rc_e chat_json_parse_escape(chat_json_parse_t *s);
static chat_rc_e chat_json_parse_code(chat_json_parse_t *s);
static chat_rc_e chat_json_parse_number(chat_json_parse_t *s);
static chat_rc_e chat_json_parse_digits(chat_json_parse_t *s);
static chat_rc_e chat_json_parse_word(chat_json_parse_t *s, const char *word);
static void chat_json_parse_space(chat_json_parse_t *s);
static chat_rc_e chat_json_parse_fail(chat_json_parse_t *s,
    const char *reason);


chat_rc_e
chat_json_parse(chat_str_t text, unsigned max_depth, chat_json_t *value,
    const char **reason)
{
    chat_json_parse_t  s;

    assert(max_depth <= CHAT_JSON_MAX_DEPTH);

    if (text.len == 0) {
        *reason = "no JSON: empty";
        return CHAT_ERROR;
    }

    if (!chat_utf8_valid(text)) {
        *reason = "no JSON: not UTF-8";
        return CHAT_ERROR;
    }

    memset(&s, 0, sizeof(s));
    s.pos = text.data;
    s.last = text.data + text.len;
    s.max_depth = max_depth;

    chat_json_parse_space(&s);
    value->raw.data = s.pos;

    if (chat_json_parse_all(&s) != CHAT_OK) {
        *reason = s.reason;
        return CHAT_ERROR;
    }

    value->raw.len = s.pos - value->raw.data;
    value->type = chat_json_type(value->raw.data[0]);

    chat_json_parse_space(&s);

    if (s.pos != s.last) {
        *reason = "no JSON: something follows the value";
        return CHAT_ERROR;
    }

    if (s.lone) {
        *reason = "a string has half of a surrogate pair alone";
        return CHAT_DECLINED;
    }

    return CHAT_OK;
}


/* AGAIN between the steps means that another value is due */

static chat_rc_e
chat_json_parse_all(chat_json_parse_t *s)
{
    chat_rc_e  rc;

    do {
        chat_json_parse_space(s);

        rc = chat_json_parse_value(s);

        if (rc == CHAT_OK) {
            rc = chat_json_parse_after(s);
        }

    } while (rc == CHAT_AGAIN);

    return rc;
}


static chat_rc_e
chat_json_parse_value(chat_json_parse_t *s)
{
    if (s->pos == s->last) {
        return chat_json_parse_fail(s, "no JSON: ends too early");
    }

    switch (*s->pos) {

    case '{':
        return chat_json_parse_open(s, true);

    case '[':
        return chat_json_parse_open(s, false);

    case '"':
        return chat_json_parse_string(s);

    case 't':
        return chat_json_parse_word(s, "true");

    case 'f':
        return chat_json_parse_word(s, "false");

    case 'n':
        return chat_json_parse_word(s, "null");

    default:
        return chat_json_parse_number(s);
    }
}


/* OK: it is empty and closed again; AGAIN: its first value is due */

static chat_rc_e
chat_json_parse_open(chat_json_parse_t *s, bool object)
{
    if (s->depth == s->max_depth) {
        return chat_json_parse_fail(s, "nested too deep");
    }

    s->pos++;
    chat_json_parse_space(s);

    if (s->pos != s->last && *s->pos == (object ? '}' : ']')) {
        s->pos++;
        return CHAT_OK;
    }

    s->depth++;
    s->objects = s->objects << 1 | object;

    return object ? chat_json_parse_key(s) : CHAT_AGAIN;
}


/* what follows a value: any number of ends, then a comma */

static chat_rc_e
chat_json_parse_after(chat_json_parse_t *s)
{
    bool  object;

    while (s->depth != 0) {
        object = s->objects & 1;
        chat_json_parse_space(s);

        if (s->pos == s->last) {
            return chat_json_parse_fail(s, "no JSON: ends too early");
        }

        if (*s->pos == ',') {
            s->pos++;
            return object ? chat_json_parse_key(s) : CHAT_AGAIN;
        }

        if (*s->pos != (object ? '}' : ']')) {
            return chat_json_parse_fail(s, object ? "no JSON: expected , or }"
                                                  : "no JSON: expected , or ]");
        }

        s->pos++;
        s->depth--;
        s->objects >>= 1;
    }

    return CHAT_OK;
}


static chat_rc_e
chat_json_parse_key(chat_json_parse_t *s)
{
    chat_json_parse_space(s);

    if (s->pos == s->last || *s->pos != '"') {
        return chat_json_parse_fail(s, "no JSON: expected a key");
    }

    if (chat_json_parse_string(s) != CHAT_OK) {
        return CHAT_ERROR;
    }

    chat_json_parse_space(s);

    if (s->pos == s->last || *s->pos != ':') {
        return chat_json_parse_fail(s, "no JSON: expected : after a key");
    }

    s->pos++;

    return CHAT_AGAIN;
}


static chat_rc_e
chat_json_parse_string(chat_json_parse_t *s)
{
    s->pos++;

    for ( ;; ) {
        s->pos = chat_char_skip_plain(s->pos, s->last);

        if (s->pos == s->last) {
            break;
        }

        if (*s->pos == '"') {
            s->pos++;
            return CHAT_OK;
        }

        if (*s->pos < 0x20) {
            return chat_json_parse_fail(s, "no JSON: control character in a "
                                           "string");
        }

        s->pos++;                       /* the backslash */

        if (chat_json_parse_escape(s) != CHAT_OK) {
            return CHAT_ERROR;
        }
    }

    return chat_json_parse_fail(s, "no JSON: a string does not end");
}


static chat_rc_e
chat_json_parse_escape(chat_json_parse_t *s)
{
    if (s->pos == s->last) {
        return chat_json_parse_fail(s, "no JSON: a string does not end");
    }

    switch (*s->pos++) {

    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        return CHAT_OK;

    case 'u':
        return chat_json_parse_code(s);

    default:
        return chat_json_parse_fail(s, "no JSON: bad escape in a string");
    }
}


/*
 * A lone surrogate is within the grammar, but stands for nothing (RFC 8259,
 * 8.2; RFC 7493, 2.1).  What is passed on as it came must be readable for
 * everybody: many parsers refuse one, and a message that they cannot read would
 * stop their users' clients.
 */

static chat_rc_e
chat_json_parse_code(chat_json_parse_t *s)
{
    uint32_t   code;
    chat_rc_e  rc;

    rc = chat_json_read_code(&s->pos, s->last, &code);

    if (rc == CHAT_DECLINED) {
        s->pos += 4;                    /* its digits; what follows is looked
                                           at for itself */
        s->lone = true;
        return CHAT_OK;
    }

    if (rc != CHAT_OK) {
        return chat_json_parse_fail(s, "no JSON: bad escape in a string");
    }

    return CHAT_OK;
}


/* the last of the values, so also whatever is none */

static chat_rc_e
chat_json_parse_number(chat_json_parse_t *s)
{
    if (*s->pos == '-') {
        s->pos++;

    } else if (!chat_char_is_digit(*s->pos)) {
        return chat_json_parse_fail(s, "no JSON: expected a value");
    }

    if (s->pos != s->last && *s->pos == '0') {
        s->pos++;                       /* no digit may follow */

    } else if (chat_json_parse_digits(s) != CHAT_OK) {
        return CHAT_ERROR;
    }

    if (s->pos != s->last && *s->pos == '.') {
        s->pos++;

        if (chat_json_parse_digits(s) != CHAT_OK) {
            return CHAT_ERROR;
        }
    }

    if (s->pos != s->last && (*s->pos == 'e' || *s->pos == 'E')) {
        s->pos++;

        if (s->pos != s->last && (*s->pos == '+' || *s->pos == '-')) {
            s->pos++;
        }

        return chat_json_parse_digits(s);
    }

    return CHAT_OK;
}


static chat_rc_e
chat_json_parse_digits(chat_json_parse_t *s)
{
    if (s->pos == s->last || !chat_char_is_digit(*s->pos)) {
        return chat_json_parse_fail(s, "no JSON: bad number");
    }

    while (s->pos != s->last && chat_char_is_digit(*s->pos)) {
        s->pos++;
    }

    return CHAT_OK;
}


static chat_rc_e
chat_json_parse_word(chat_json_parse_t *s, const char *word)
{
    size_t  len;

    len = strlen(word);

    if ((size_t) (s->last - s->pos) < len
        || memcmp(s->pos, word, len) != 0)
    {
        return chat_json_parse_fail(s, "no JSON: expected a value");
    }

    s->pos += len;

    return CHAT_OK;
}


static void
chat_json_parse_space(chat_json_parse_t *s)
{
    while (s->pos != s->last
           && (*s->pos == ' ' || *s->pos == '\t' || *s->pos == '\n'
               || *s->pos == '\r'))
    {
        s->pos++;
    }
}


static chat_rc_e
chat_json_parse_fail(chat_json_parse_t *s, const char *reason)
{
    s->reason = reason;

    return CHAT_ERROR;
}
