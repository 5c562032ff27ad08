#include "chat_test.h"

#include "chat_utf8.h"


static const struct {
    const char  *name;
    chat_str_t   text;
} good[] = {
    { "empty", chat_str("") },
    { "ASCII", chat_str("hello, world, at length") },
    { "NUL", chat_str("a\0b") },
    { "kosme", chat_str("\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc") },
    { "U+0080", chat_str("\xc2\x80") },
    { "U+07FF", chat_str("\xdf\xbf") },
    { "U+0800", chat_str("\xe0\xa0\x80") },
    { "U+D7FF", chat_str("\xed\x9f\xbf") },
    { "U+E000", chat_str("\xee\x80\x80") },
    { "U+FFFE", chat_str("\xef\xbf\xbe") },
    { "U+FFFF", chat_str("\xef\xbf\xbf") },
    { "U+10000", chat_str("\xf0\x90\x80\x80") },
    { "U+1F600", chat_str("12345678\xf0\x9f\x98\x80" "9") },
    { "U+10FFFF", chat_str("\xf4\x8f\xbf\xbf") },
};


/* `at` is the first byte that no valid text can have there */

static const struct {
    const char  *name;
    chat_str_t   text;
    size_t       at;
} bad[] = {
    { "continuation first", chat_str("\x80"), 0 },
    { "last continuation first", chat_str("\xbf"), 0 },
    { "overlong slash", chat_str("\xc0\xaf"), 0 },
    { "c1", chat_str("\xc1\xbf"), 0 },
    { "overlong slash of 3", chat_str("\xe0\x80\xaf"), 1 },
    { "highest overlong of 3", chat_str("\xe0\x9f\xbf"), 1 },
    { "overlong of 4", chat_str("\xf0\x80\x80\xaf"), 1 },
    { "highest overlong of 4", chat_str("\xf0\x8f\xbf\xbf"), 1 },
    { "U+D800", chat_str("\xed\xa0\x80"), 1 },
    { "U+DFFF", chat_str("\xed\xbf\xbf"), 1 },
    { "U+110000", chat_str("\xf4\x90\x80\x80"), 1 },
    { "f5", chat_str("\xf5\x80\x80\x80"), 0 },
    { "five bytes", chat_str("\xf8\x88\x80\x80\x80"), 0 },
    { "six bytes", chat_str("\xfc\x84\x80\x80\x80\x80"), 0 },
    { "fe", chat_str("a\xfe"), 1 },
    { "ff", chat_str("abcdefghi\xff"), 9 },
    { "lead, then ASCII", chat_str("\xc3" "a"), 1 },
    { "lead of 3, then ASCII", chat_str("\xe1\x80" "a"), 2 },
    { "lead, then lead", chat_str("\xe1\xe1"), 1 },
    { "one continuation too many",
      chat_str("\xc3\xa4\x80"), 2 },
    { "fourth byte missing", chat_str("\xf0\x9f\x98 "), 3 },
    { "kosme, then a surrogate",
      chat_str("\xce\xba\xe1\xbd\xb9\xed\xa0\x80" "edited"), 6 },
};


static void
valid_text_is_accepted_whatever_the_split(void **state)
{
    size_t       i, cut;
    uint8_t     *p;
    chat_rc_e    rc;
    chat_utf8_t  u;

    (void) state;

    for (i = 0; i < chat_test_count(good); i++) {
        p = chat_test_copy(good[i].text.data, good[i].text.len);

        chat_test_case(good[i].name,
                       chat_utf8_valid((chat_str_t) { p, good[i].text.len }));

        for (cut = 0; cut <= good[i].text.len; cut++) {
            chat_utf8_init(&u);

            rc = chat_utf8_feed(&u, p, cut);
            chat_test_case(good[i].name, rc != CHAT_ERROR);
            chat_test_case(good[i].name, (rc == CHAT_OK) == (u.need == 0));

            rc = chat_utf8_feed(&u, p + cut, good[i].text.len - cut);
            chat_test_case(good[i].name, rc == CHAT_OK);
        }

        free(p);
    }
}


static void
bad_text_fails_at_its_first_impossible_byte(void **state)
{
    size_t       i, n;
    chat_utf8_t  u;

    (void) state;

    for (i = 0; i < chat_test_count(bad); i++) {
        chat_test_case(bad[i].name, !chat_utf8_valid(bad[i].text));

        chat_utf8_init(&u);

        for (n = 0; n < bad[i].at; n++) {
            chat_test_case(bad[i].name,
                           chat_utf8_feed(&u, bad[i].text.data + n, 1)
                           != CHAT_ERROR);
        }

        chat_test_case(bad[i].name,
                       chat_utf8_feed(&u, bad[i].text.data + n, 1)
                       == CHAT_ERROR);
    }
}


static void
bad_text_fails_whatever_the_split(void **state)
{
    size_t       i, cut;
    chat_utf8_t  u;

    (void) state;

    for (i = 0; i < chat_test_count(bad); i++) {

        for (cut = 0; cut <= bad[i].text.len; cut++) {
            chat_utf8_init(&u);

            if (chat_utf8_feed(&u, bad[i].text.data, cut) == CHAT_ERROR) {
                chat_test_case(bad[i].name, cut > bad[i].at);
                continue;
            }

            chat_test_case(bad[i].name, cut <= bad[i].at);
            chat_test_case(bad[i].name,
                           chat_utf8_feed(&u, bad[i].text.data + cut,
                                          bad[i].text.len - cut)
                           == CHAT_ERROR);
        }
    }
}


static void
text_that_ends_inside_a_character_is_not_whole(void **state)
{
    size_t       n;
    chat_utf8_t  u;

    static const uint8_t  smile[] = { 0xf0, 0x9f, 0x98, 0x80 };

    (void) state;

    for (n = 1; n < sizeof(smile); n++) {
        chat_utf8_init(&u);
        assert_int_equal(chat_utf8_feed(&u, smile, n), CHAT_AGAIN);
        assert_int_equal(chat_utf8_feed(&u, smile, 0), CHAT_AGAIN);
        assert_false(chat_utf8_valid((chat_str_t) { smile, n }));
    }
}


/* the definition of RFC 3629, written down the slow way */

static bool
decodes_to_a_scalar(const uint8_t *p, size_t n)
{
    size_t    i;
    uint32_t  code;

    static const uint32_t  min[] = { 0, 0, 0x80, 0x800, 0x10000 };

    code = p[0] & (0xff >> (n + 1));

    for (i = 1; i < n; i++) {

        if (p[i] >> 6 != 2) {
            return false;
        }

        code = code << 6 | (p[i] & 0x3f);
    }

    return code >= min[n] && code <= 0x10ffff
           && (code < 0xd800 || code > 0xdfff);
}


static void
every_pair_and_triple_is_judged_as_defined(void **state)
{
    uint8_t   p[3];
    unsigned  i;

    (void) state;

    for (i = 0x8000; i < 0x10000; i++) {
        p[0] = i >> 8;
        p[1] = i & 0xff;

        assert_int_equal(chat_utf8_valid((chat_str_t) { p, 2 }),
                         p[0] >> 5 == 6 && decodes_to_a_scalar(p, 2));
    }

    for (i = 0xe00000; i < 0xf00000; i += 7) {
        p[0] = i >> 16;
        p[1] = i >> 8 & 0xff;
        p[2] = i & 0xff;

        assert_int_equal(chat_utf8_valid((chat_str_t) { p, 3 }),
                         decodes_to_a_scalar(p, 3));
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(valid_text_is_accepted_whatever_the_split),
        cmocka_unit_test(bad_text_fails_at_its_first_impossible_byte),
        cmocka_unit_test(bad_text_fails_whatever_the_split),
        cmocka_unit_test(text_that_ends_inside_a_character_is_not_whole),
        cmocka_unit_test(every_pair_and_triple_is_judged_as_defined),
    };

    return cmocka_run_group_tests_name("chat_utf8", tests, NULL, NULL);
}
