/*
 * Memory that is given back all at once.  The files are compiled in, so that
 * the sanitizers see them too.
 */

#define _GNU_SOURCE

#include "chat_test.h"

#include "../../workers/lib/life.c"
#include "../../workers/lib/log.c"
#include "../../workers/lib/mem.c"


#define PIECES  10000


/* each is written to its end and keeps what is in it */

static void
pieces_do_not_overlap(void **state)
{
    size_t           i, n;
    mem_arena_t      a = { 0 };
    static uint8_t  *piece[PIECES];

    (void) state;

    for (i = 0; i < PIECES; i++) {
        n = i % 300;
        piece[i] = mem_arena_take(&a, n);
        assert_int_equal((uintptr_t) piece[i] % sizeof(void *), 0);
        memset(piece[i], (int) (i % 251), n);
    }

    for (i = 0; i < PIECES; i++) {
        for (n = 0; n < i % 300; n++) {
            assert_int_equal(piece[i][n], i % 251);
        }
    }

    mem_arena_done(&a);
}


static void
a_piece_may_be_larger_than_a_block(void **state)
{
    size_t       n;
    mem_arena_t  a = { 0 };

    (void) state;

    for (n = BLOCK - 8; n <= BLOCK + 8; n++) {
        memset(mem_arena_take(&a, n), 'x', n);
        memset(mem_arena_take(&a, 1), 'y', 1);
    }

    memset(mem_arena_take(&a, 10 * BLOCK), 'x', 10 * BLOCK);
    mem_arena_done(&a);
    assert_null(a.blocks);
    assert_null(a.spare);
}


static size_t
blocks(const mem_block_t *b)
{
    size_t  n;

    for (n = 0; b != NULL; n++) {
        b = b->next;
    }

    return n;
}


static void
what_was_reset_is_used_again(void **state)
{
    size_t       i, first = 0;
    unsigned     round;
    mem_arena_t  a = { 0 };

    (void) state;

    for (round = 0; round < 3; round++) {

        for (i = 0; i < PIECES; i++) {
            memset(mem_arena_take(&a, 100), 'x', 100);
        }

        (void) mem_arena_take(&a, 2 * BLOCK);       /* is not kept */
        mem_arena_reset(&a);
        assert_null(a.blocks);

        first = round == 0 ? blocks(a.spare) : first;
        assert_int_equal(blocks(a.spare), first);
    }

    mem_arena_done(&a);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(pieces_do_not_overlap),
        cmocka_unit_test(a_piece_may_be_larger_than_a_block),
        cmocka_unit_test(what_was_reset_is_used_again)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
