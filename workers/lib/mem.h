/*
 * Memory of the workers.  They are safe to kill at any moment, so running out
 * of it ends them with a line in the log: these never return NULL.
 */

#ifndef MEM_H
#define MEM_H


#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "chat_rc.h"


void *mem_alloc(size_t size);                       /* zeroed */
void *mem_realloc(void *old, size_t n, size_t size);
char *mem_strdup(const char *text);
char *mem_strndup(chat_str_t text);


/* bytes that grow; data may move with each addition */

typedef struct {
    uint8_t  *data;
    size_t    len;
    size_t    size;
} mem_buf_t;


void mem_buf_done(mem_buf_t *b);
uint8_t *mem_buf_room(mem_buf_t *b, size_t n);      /* n bytes at the end */
void mem_buf_add(mem_buf_t *b, const void *data, size_t n);
void mem_buf_printf(mem_buf_t *b, const char *format, ...)
    __attribute__((format(printf, 2, 3)));


/* pieces that are given back all at once */

typedef struct mem_block_s  mem_block_t;

typedef struct {
    mem_block_t  *blocks;       /* the one in use comes first */
    mem_block_t  *spare;        /* kept by a reset */
} mem_arena_t;


void *mem_arena_take(mem_arena_t *a, size_t n);     /* aligned, not zeroed */
void mem_arena_reset(mem_arena_t *a);
void mem_arena_done(mem_arena_t *a);


static inline chat_str_t
mem_cstr(const char *text)
{
    return (chat_str_t) { (const uint8_t *) text, strlen(text) };
}


#endif /* MEM_H */
