#include "mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"


#define BUF_MIN    256
#define BLOCK      (128 * 1024)     /* of an arena, unless more is asked for */
#define ALIGNMENT  sizeof(void *)


struct mem_block_s {
    mem_block_t  *next;
    size_t        size;
    size_t        used;
    uint8_t       data[];
};


static void *
mem_check(void *p, size_t size)
{
    if (p == NULL) {
        log_crit("out of memory", log_uint("bytes", size));
        exit(1);
    }

    return p;
}


void *
mem_alloc(size_t size)
{
    return mem_check(calloc(1, size != 0 ? size : 1), size);
}


void *
mem_realloc(void *old, size_t n, size_t size)
{
    return mem_check(reallocarray(old, n, size), n);
}


char *
mem_strdup(const char *text)
{
    return mem_strndup(mem_cstr(text));
}


char *
mem_strndup(chat_str_t text)
{
    char  *copy;

    copy = mem_alloc(text.len + 1);

    if (text.len != 0) {
        memcpy(copy, text.data, text.len);
    }

    return copy;
}


void
mem_buf_done(mem_buf_t *b)
{
    free(b->data);
    memset(b, 0, sizeof(*b));
}


uint8_t *
mem_buf_room(mem_buf_t *b, size_t n)
{
    uint8_t  *room;

    if (b->size - b->len < n) {
        b->size = b->size + (b->size > n ? b->size : n) + BUF_MIN;
        b->data = mem_realloc(b->data, b->size, 1);
    }

    room = b->data + b->len;
    b->len += n;

    return room;
}


void
mem_buf_add(mem_buf_t *b, const void *data, size_t n)
{
    if (n != 0) {
        memcpy(mem_buf_room(b, n), data, n);
    }
}


void
mem_buf_printf(mem_buf_t *b, const char *format, ...)
{
    char     text[512];
    int      n;
    va_list  args;

    va_start(args, format);
    n = vsnprintf(text, sizeof(text), format, args);
    va_end(args);

    if (n > 0) {
        mem_buf_add(b, text, (size_t) n < sizeof(text) ? (size_t) n
                                                       : sizeof(text) - 1);
    }
}


/* what is larger than a block gets one of its own, which is not kept */

static mem_block_t *
mem_block_new(mem_arena_t *a, size_t n)
{
    mem_block_t  *b = a->spare;

    if (b != NULL && n <= BLOCK) {
        a->spare = b->next;
        b->used = 0;

    } else {
        b = mem_check(malloc(sizeof(mem_block_t) + (n > BLOCK ? n : BLOCK)),
                      n);
        b->size = n > BLOCK ? n : BLOCK;
        b->used = 0;
    }

    b->next = a->blocks;
    a->blocks = b;

    return b;
}


void *
mem_arena_take(mem_arena_t *a, size_t n)
{
    void         *piece;
    mem_block_t  *b = a->blocks;

    n = (n + ALIGNMENT - 1) & ~(ALIGNMENT - 1);

    if (b == NULL || b->size - b->used < n) {
        b = mem_block_new(a, n);
    }

    piece = b->data + b->used;
    b->used += n;

    return piece;
}


void
mem_arena_reset(mem_arena_t *a)
{
    mem_block_t  *b;

    while (a->blocks != NULL) {
        b = a->blocks;
        a->blocks = b->next;

        if (b->size > BLOCK) {
            free(b);
        } else {
            b->next = a->spare;
            a->spare = b;
        }
    }
}


void
mem_arena_done(mem_arena_t *a)
{
    mem_block_t  *b;

    mem_arena_reset(a);

    while (a->spare != NULL) {
        b = a->spare;
        a->spare = b->next;
        free(b);
    }
}
