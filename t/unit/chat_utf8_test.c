#include "chat_test.h"

#include "chat_utf8.h"


static const struct {
    const char  *name;
    chat_str_t   text;
} good[] = {
    { "empty", { (const uint8_t *) "", 0 } },
    { "ASCII", { (const uint8_t *) "hello, world, at length", 23 } },
    { "NUL", { (const uint8_t *) "a\0b", 3 } },
    { "kosme", { (const uint8_t *) "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc", 9 } },
    { "U+0080", { (const uint8_t *) "\xc2\x80", 2 } },
    { "U+07FF", { (const uint8_t *) "\xdf\xbf", 2 } },
    { "U+0800", { (const uint8_t *) "\xe0\xa0\x80", 3 } },
    { "U+D7FF", { (const uint8_t *) "\xed\x9f\xbf", 3 } },
    { "U+E000", { (const uint8_t *) "\xee\x80\x80", 3 } },
    { "U+FFFE", { (const uint8_t *) "\xef\xbf\xbe", 3 } },
    { "U+FFFF", { (const uint8_t *) "\xef\xbf\xbf", 3 } },
    { "U+10000", { (const uint8_t *) "\xf0\x90\x80\x80", 4 } },
    { "U+1F600", { (const uint8_t *) "12345678\xf0\x9f\x98\x80" "9", 13 } },
    { "U+10FFFF", { (const uint8_t *) "\xf4\x8f\xbf\xbf", 4 } },
};


/* `at` is the first byte that no valid text can have there */

static const struct {
    const char  *name;
    chat_str_t   text;
    size_t       at;
} bad[] = {
    { "continuation first", { (const uint8_t *) "\x80", 1 }, 0 },
    { "last continuation first", { (const uint8_t *) "\xbf", 1 }, 0 },
    { "overlong slash", { (const uint8_t *) "\xc0\xaf", 2 }, 0 },
    { "c1", { (const uint8_t *) "\xc1\xbf", 2 }, 0 },
    { "overlong slash of 3", { (const uint8_t *) "\xe0\x80\xaf", 3 }, 1 },
    { "highest overlong of 3", { (const uint8_t *) "\xe0\x9f\xbf", 3 }, 1 },
    { "overlong of 4", { (const uint8_t *) "\xf0\x80\x80\xaf", 4 }, 1 },
    { "highest overlong of 4", { (const uint8_t *) "\xf0\x8f\xbf\xbf", 4 }, 1 },
    { "U+D800", { (const uint8_t *) "\xed\xa0\x80", 3 }, 1 },
    { "U+DFFF", { (const uint8_t *) "\xed\xbf\xbf", 3 }, 1 },
    { "U+110000", { (const uint8_t *) "\xf4\x90\x80\x80", 4 }, 1 },
    { "f5", { (const uint8_t *) "\xf5\x80\x80\x80", 4 }, 0 },
    { "five bytes", { (const uint8_t *) "\xf8\x88\x80\x80\x80", 5 }, 0 },
    { "six bytes", { (const uint8_t *) "\xfc\x84\x80\x80\x80\x80", 6 }, 0 },
    { "fe", { (const uint8_t *) "a\xfe", 2 }, 1 },
    { "ff", { (const uint8_t *) "abcdefghi\xff", 10 }, 9 },
    { "lead, then ASCII", { (const uint8_t *) "\xc3" "a", 2 }, 1 },
    { "lead of 3, then ASCII", { (const uint8_t *) "\xe1\x80" "a", 3 }, 2 },
    { "lead, then lead", { (const uint8_t *) "\xe1\xe1", 2 }, 1 },
    { "one continuation too many",
      { (const uint8_t *) "\xc3\xa4\x80", 3 }, 2 },
    { "fourth byte missing", { (const uint8_t *) "\xf0\x9f\x98 ", 4 }, 3 },
    { "kosme, then a surrogate",
      { (const uint8_t *) "\xce\xba\xe1\xbd\xb9\xed\xa0\x80" "edited", 14 }, 6 },
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
