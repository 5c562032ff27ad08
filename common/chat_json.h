/*
 * JSON (RFC 8259) without a tree: a text is checked once, then its values are
 * slices of it.  What a client sent as content travels on as the very bytes
 * that it sent, since no printer would give 0.1, 1e2 or 12345678901234567890
 * back as they were.
 */

#ifndef CHAT_JSON_H
#define CHAT_JSON_H


#include "chat_rc.h"
#include "chat_write.h"


#define CHAT_JSON_MAX_DEPTH  64     /* nesting that is ever accepted */


typedef enum {
    CHAT_JSON_OBJECT,
    CHAT_JSON_ARRAY,
    CHAT_JSON_STRING,
    CHAT_JSON_NUMBER,
    CHAT_JSON_TRUE,
    CHAT_JSON_FALSE,
    CHAT_JSON_NULL
} chat_json_type_e;


/* a value: its exact bytes, white space around it not included; a string's
   quotes are */

typedef struct {
    chat_str_t        raw;
    chat_json_type_e  type;
} chat_json_t;


typedef struct {
    const uint8_t  *pos;
    const uint8_t  *last;
} chat_json_iter_t;


/* the type of a valid value, by its first byte */
chat_json_type_e chat_json_type(uint8_t first);

/*
 * Checks that the text is one JSON value and nothing else, in valid UTF-8 with
 * no control characters in strings, nested at most max_depth deep (a scalar
 * has depth 0, {} and [] have depth 1).  DECLINED: it is all that, value is
 * set, but an escape is half of a surrogate pair alone; ERROR: it is not.
 * *reason is a static text for people then, without the text's content.
 */
CHAT_MUST_CHECK chat_rc_e chat_json_parse(chat_str_t text, unsigned max_depth,
    chat_json_t *value, const char **reason);

/*
 * Walks the members of an object, or the elements of an array, that
 * chat_json_parse() has accepted as (part of) its text.  OK: the next one;
 * DECLINED: no more.  The key is the raw slice between its quotes.
 */
void chat_json_iter(chat_json_iter_t *it, const chat_json_t *container);
CHAT_MUST_CHECK chat_rc_e chat_json_next_member(chat_json_iter_t *it,
    chat_str_t *key, chat_json_t *value);
CHAT_MUST_CHECK chat_rc_e chat_json_next_element(chat_json_iter_t *it,
    chat_json_t *value);

/* whether a key, escapes resolved, is this name */
bool chat_json_key_is(chat_str_t key, const char *name);

/* whether a value is a string and, escapes resolved, this text */
bool chat_json_string_is(const chat_json_t *value, chat_str_t text);
bool chat_json_string_is_cstr(const chat_json_t *value, const char *text);


/* what to look for in an object, and what was found: NULL with an empty raw if
   it is not there */

typedef struct {
    const char   *name;
    chat_json_t   value;
} chat_json_member_t;


/*
 * Fills in all values in one walk; other members are passed over.  ERROR: one
 * of these is given twice.
 */
CHAT_MUST_CHECK chat_rc_e chat_json_collect(const chat_json_t *object,
    chat_json_member_t *members, size_t n);

/*
 * The text of a string value, escapes resolved, as UTF-8.  ERROR: not a
 * string, longer than size, or U+0000 in it.  Nothing is terminated.
 */
CHAT_MUST_CHECK chat_rc_e chat_json_get_string(const chat_json_t *value,
    uint8_t *dst, size_t size, size_t *len);

/*
 * The character of an escape whose backslash and u lie before pos, and of the
 * second escape too where two make a surrogate pair.  OK: pos is behind it;
 * DECLINED: a lone surrogate; ERROR: not four hex digits.
 */
CHAT_MUST_CHECK chat_rc_e chat_json_read_code(const uint8_t **pos,
    const uint8_t *last, uint32_t *code);

/*
 * A number value that is an integer from 0 to 2^53 - 1, written in any way
 * that JSON allows for it without fraction or exponent.  ERROR otherwise.
 */
CHAT_MUST_CHECK chat_rc_e chat_json_get_uint(const chat_json_t *value,
    uint64_t *n);


#endif /* CHAT_JSON_H */
