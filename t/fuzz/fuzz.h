/*
 * What every fuzzer begins with: a check that says what it is about, input
 * taken apart, and copies in memory of exactly their size, so that the address
 * sanitizer sees who reads one byte too many.
 */

#ifndef FUZZ_H
#define FUZZ_H


#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chat_rc.h"


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);


#define fuzz_check(condition)                                                 \
    do {                                                                      \
        if (!(condition)) {                                                   \
            fuzz_fail(__FILE__, __LINE__, #condition);                        \
        }                                                                     \
    } while (0)


static inline _Noreturn void
fuzz_fail(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
    abort();
}


static inline void *
fuzz_alloc(size_t size)
{
    void  *p;

    p = malloc(size != 0 ? size : 1);
    fuzz_check(p != NULL);

    return p;
}


/* to be freed with free() */

static inline uint8_t *
fuzz_copy(const void *data, size_t size)
{
    uint8_t  *p;

    p = fuzz_alloc(size);

    if (size != 0) {
        memcpy(p, data, size);
    }

    return p;
}


static inline bool
fuzz_same(chat_str_t a, chat_str_t b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}


static inline bool
fuzz_inside(chat_str_t slice, chat_str_t text)
{
    uintptr_t  first = (uintptr_t) text.data;
    uintptr_t  pos = (uintptr_t) slice.data;

    return pos >= first && pos - first <= text.len
           && slice.len <= text.len - (pos - first);
}


static inline chat_str_t
fuzz_cstr(const char *text)
{
    return (chat_str_t) { (const uint8_t *) text, strlen(text) };
}


/* the input, taken from its beginning; what is missing is zero or empty */

typedef struct {
    const uint8_t  *pos;
    size_t          left;
} fuzz_input_t;


static inline uint8_t
fuzz_byte(fuzz_input_t *in)
{
    if (in->left == 0) {
        return 0;
    }

    in->left--;

    return *in->pos++;
}


static inline uint64_t
fuzz_uint(fuzz_input_t *in, unsigned bytes)
{
    uint64_t  n = 0;

    while (bytes-- > 0) {
        n = n << 8 | fuzz_byte(in);
    }

    return n;
}


/* what is before the next byte `end`, or all that is left */

static inline chat_str_t
fuzz_until(fuzz_input_t *in, uint8_t end)
{
    size_t          len;
    chat_str_t      text;
    const uint8_t  *p;

    p = in->left != 0 ? memchr(in->pos, end, in->left) : NULL;
    len = p != NULL ? (size_t) (p - in->pos) : in->left;

    text.data = in->pos;
    text.len = len;

    if (in->left != 0) {
        in->pos += len + (p != NULL);
        in->left -= len + (p != NULL);
    }

    return text;
}


static inline chat_str_t
fuzz_rest(fuzz_input_t *in)
{
    chat_str_t  text = { in->pos, in->left };

    in->left = 0;

    return text;
}


/* numbers that follow from one, where the input should not be asked */

static inline uint32_t
fuzz_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;       /* Numerical Recipes, 7.1 */

    return *state >> 16;
}


#endif /* FUZZ_H */
