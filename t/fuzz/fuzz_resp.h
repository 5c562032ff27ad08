/*
 * Answers of Redis in a form that chance can write: a line is an element, and
 * what it begins with is its type,
 *
 *      $text   :12   -ERR no   +OK   _ (nil)   ( begins an array, ) ends it
 *
 * and any other line is text as a whole.  Made into what Redis sends.
 */

#ifndef FUZZ_RESP_H
#define FUZZ_RESP_H


#include "fuzz.h"

#include <inttypes.h>


#define FUZZ_RESP_DEPTH  6              /* what hiredis takes */


typedef struct {
    uint8_t  *data;
    size_t    len;
    size_t    size;
} fuzz_bytes_t;


static inline void
fuzz_bytes_add(fuzz_bytes_t *b, const void *data, size_t len)
{
    if (len > b->size - b->len) {
        b->size = 2 * b->size + len;
        b->data = realloc(b->data, b->size);
        fuzz_check(b->data != NULL);
    }

    if (len != 0) {
        memcpy(b->data + b->len, data, len);
    }

    b->len += len;
}


static inline void
fuzz_bytes_number(fuzz_bytes_t *b, char type, long long n)
{
    char  text[32];

    fuzz_bytes_add(b, text, (size_t) snprintf(text, sizeof(text), "%c%lld\r\n",
                                              type, n));
}


static inline void
fuzz_resp_text(fuzz_bytes_t *b, chat_str_t text)
{
    fuzz_bytes_number(b, '$', (long long) text.len);
    fuzz_bytes_add(b, text.data, text.len);
    fuzz_bytes_add(b, "\r\n", 2);
}


/* a line of its own: no CR can be in it */

static inline void
fuzz_resp_line(fuzz_bytes_t *b, chat_str_t line)
{
    size_t  i;

    for (i = 0; i < line.len; i++) {
        fuzz_bytes_add(b, line.data[i] == '\r' ? (const uint8_t *) "."
                                               : &line.data[i], 1);
    }

    fuzz_bytes_add(b, "\r\n", 2);
}


static inline void
fuzz_resp_number(fuzz_bytes_t *b, chat_str_t line)
{
    char  digits[24];

    size_t  len = line.len - 1 < sizeof(digits) - 1 ? line.len - 1
                                                    : sizeof(digits) - 1;

    memcpy(digits, line.data + 1, len);
    digits[len] = '\0';

    fuzz_bytes_number(b, ':', strtoll(digits, NULL, 10));
}


/* one element that is no array */

static inline void
fuzz_resp_plain(fuzz_bytes_t *b, chat_str_t line)
{
    switch (line.len != 0 ? line.data[0] : '\0') {

    case ':':
        fuzz_resp_number(b, line);
        return;

    case '-':
    case '+':
        fuzz_resp_line(b, line);
        return;

    case '_':
        fuzz_bytes_number(b, '$', -1);
        return;

    case '$':
        fuzz_resp_text(b, (chat_str_t) { line.data + 1, line.len - 1 });
        return;

    default:
        fuzz_resp_text(b, line);
        return;
    }
}


/* elements up to the end of the array, or of the input; their number */

static inline size_t
fuzz_resp_elements(fuzz_bytes_t *b, fuzz_input_t *in, unsigned depth)
{
    size_t        n, inner;
    chat_str_t    line;
    fuzz_bytes_t  nested;

    for (n = 0; in->left != 0; n++) {
        line = fuzz_until(in, '\n');

        if (line.len != 0 && line.data[0] == ')') {
            break;
        }

        if (line.len == 0 || line.data[0] != '(' || depth == FUZZ_RESP_DEPTH) {
            fuzz_resp_plain(b, line);
            continue;
        }

        memset(&nested, 0, sizeof(nested));
        inner = fuzz_resp_elements(&nested, in, depth + 1);
        fuzz_bytes_number(b, '*', (long long) inner);
        fuzz_bytes_add(b, nested.data, nested.len);
        free(nested.data);
    }

    return n;
}


#endif /* FUZZ_RESP_H */
