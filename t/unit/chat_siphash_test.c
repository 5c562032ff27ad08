#include "chat_test.h"

#include "chat_siphash.h"


/* key 00 01 .. 0f, text 00 01 .. of so many bytes; that of 15 is in appendix A
   of the paper, the others are of its authors' reference */

static const struct {
    size_t    len;
    uint64_t  hash;
} known[] = {
    { 0, 0x726fdb47dd0e0e31ull },
    { 1, 0x74f839c593dc67fdull },
    { 7, 0xab0200f58b01d137ull },
    { 8, 0x93f5f5799a932462ull },
    { 15, 0xa129ca6149be45e5ull },
    { 16, 0x3f2acc7f57c29bdbull },
    { 63, 0x958a324ceb064572ull },
    { 256, 0x999d0526d2a7bfd7ull },
};


static void
hashes_are_those_of_the_paper(void **state)
{
    size_t    i, k;
    uint8_t   key[CHAT_SIPHASH_KEY], text[256], *p;
    uint64_t  hash;

    (void) state;

    for (i = 0; i < sizeof(text); i++) {
        text[i] = (uint8_t) i;
    }

    memcpy(key, text, sizeof(key));

    for (k = 0; k < chat_test_count(known); k++) {
        p = chat_test_copy(text, known[k].len);
        hash = chat_siphash(key, (chat_str_t) { p, known[k].len });
        free(p);

        assert_int_equal(hash, known[k].hash);
    }
}


static void
another_key_is_another_hash(void **state)
{
    uint8_t     a[CHAT_SIPHASH_KEY] = { 0 }, b[CHAT_SIPHASH_KEY] = { 0 };
    chat_str_t  text = chat_str("alice");

    (void) state;

    b[15] = 1;

    assert_true(chat_siphash(a, text) != chat_siphash(b, text));
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(hashes_are_those_of_the_paper),
        cmocka_unit_test(another_key_is_another_hash),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
