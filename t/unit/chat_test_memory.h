/*
 * An allocator under OpenSSL that fails when it is told to.  To be installed
 * at the beginning of main(), before OpenSSL has allocated anything.
 */

#ifndef CHAT_TEST_MEMORY_H
#define CHAT_TEST_MEMORY_H


#include "chat_test.h"

#include <openssl/crypto.h>


/* so many allocations succeed, then all fail; -1: none fails */
static int   chat_test_memory_left = -1;

/* then only the next one does */
static bool  chat_test_memory_once = false;


static inline bool
chat_test_memory_is_out(void)
{
    if (chat_test_memory_left == -1) {
        return false;
    }

    if (chat_test_memory_left == 0) {

        if (chat_test_memory_once) {
            chat_test_memory_left = -1;
        }

        return true;
    }

    chat_test_memory_left--;

    return false;
}


static inline void *
chat_test_memory_malloc(size_t n, const char *file, int line)
{
    (void) file;
    (void) line;

    return chat_test_memory_is_out() ? NULL : malloc(n);
}


static inline void *
chat_test_memory_realloc(void *p, size_t n, const char *file, int line)
{
    (void) file;
    (void) line;

    return chat_test_memory_is_out() ? NULL : realloc(p, n);
}


static inline void
chat_test_memory_free(void *p, const char *file, int line)
{
    (void) file;
    (void) line;

    free(p);
}


static inline bool
chat_test_memory_init(void)
{
    return CRYPTO_set_mem_functions(chat_test_memory_malloc,
                                    chat_test_memory_realloc,
                                    chat_test_memory_free)
           == 1;
}


#endif /* CHAT_TEST_MEMORY_H */
