#include "chat_test.h"
#include "chat_test_memory.h"

#include <openssl/err.h>

#include "chat_name.h"


#define A_TO_Z  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define X64     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"                            \
                "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"


static void
every_byte_is_judged(void **state)
{
    bool      allowed;
    uint8_t   id[3];
    unsigned  c;

    (void) state;

    for (c = 0; c < 256; c++) {
        id[0] = 'a';
        id[1] = c;
        id[2] = 'b';

        allowed = c != 0 && strchr(A_TO_Z "0123456789_.:@-", c) != NULL;

        assert_int_equal(chat_name_valid((chat_str_t) { id, 3 }), allowed);
        assert_int_equal(chat_name_valid((chat_str_t) { id + 1, 1 }), allowed);

        assert_int_equal(chat_name_valid_opaque((chat_str_t) { id, 3 }),
                         c > ' ' && c < 0x7f);
    }
}


static void
ids_have_1_to_64_characters(void **state)
{
    (void) state;

    assert_false(chat_name_valid((chat_str_t) { NULL, 0 }));
    assert_true(chat_name_valid(chat_str("x")));
    assert_true(chat_name_valid(chat_str(X64)));
    assert_false(chat_name_valid(chat_str(X64 "x")));

    assert_false(chat_name_valid(chat_str(CHAT_NAME_OWN_TENANT)));

    assert_true(chat_name_valid_tenant(chat_str(CHAT_NAME_OWN_TENANT)));
    assert_true(chat_name_valid_tenant(chat_str("x")));
    assert_false(chat_name_valid_tenant(chat_str("~~")));
    assert_false(chat_name_valid_tenant((chat_str_t) { NULL, 0 }));

    assert_false(chat_name_valid_opaque((chat_str_t) { NULL, 0 }));
    assert_true(chat_name_valid_opaque(chat_str("/")));
    assert_true(chat_name_valid_opaque(chat_str(X64)));
    assert_false(chat_name_valid_opaque(chat_str(X64 "x")));
}


static void
names_are_printable(void **state)
{
    size_t    i;
    uint8_t   text[2];
    unsigned  c;

    static const chat_str_t  good[] = {
        chat_str(""), chat_str("The lobby"), chat_str("\xc2\xa0"),
        chat_str("Gr\xc3\xbc\xc3\x9f" "e \xf0\x9f\x98\x80"),
        chat_str("\xc3\x82\x41"), chat_str("\xe2\x82\xac"),
    };

    static const chat_str_t  bad[] = {
        chat_str("a\nb"), chat_str("\0"), chat_str("\x7f"), chat_str("\xff"),
        chat_str("\xc2"), chat_str("abc\xe2\x82"), chat_str("\xc0\x80"),
    };

    (void) state;

    for (i = 0; i < chat_test_count(good); i++) {
        assert_true(chat_name_printable(good[i]));
    }

    for (i = 0; i < chat_test_count(bad); i++) {
        assert_false(chat_name_printable(bad[i]));
    }

    for (c = 0; c < 0x80; c++) {
        text[0] = c;
        assert_int_equal(chat_name_printable((chat_str_t) { text, 1 }),
                         c >= 0x20 && c != 0x7f);
    }

    for (c = 0x80; c < 0xc0; c++) {
        text[0] = 0xc2;
        text[1] = c;
        assert_int_equal(chat_name_printable((chat_str_t) { text, 2 }),
                         c >= 0xa0);
    }
}


/* as UTF-8; what has no place in it, by the same rule */

static size_t
encode(uint8_t dst[4], uint32_t c)
{
    if (c < 0x80) {
        dst[0] = c;
        return 1;
    }

    if (c < 0x800) {
        dst[0] = 0xc0 | c >> 6;
        dst[1] = 0x80 | (c & 0x3f);
        return 2;
    }

    if (c < 0x10000) {
        dst[0] = 0xe0 | c >> 12;
        dst[1] = 0x80 | (c >> 6 & 0x3f);
        dst[2] = 0x80 | (c & 0x3f);
        return 3;
    }

    dst[0] = 0xf0 | c >> 18;
    dst[1] = 0x80 | (c >> 12 & 0x3f);
    dst[2] = 0x80 | (c >> 6 & 0x3f);
    dst[3] = 0x80 | (c & 0x3f);

    return 4;
}


/* White_Space in the Unicode Character Database, control characters aside */

static bool
is_space(uint32_t c)
{
    return c == 0x20 || c == 0xa0 || c == 0x1680
           || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029
           || c == 0x202f || c == 0x205f || c == 0x3000;
}


static void
every_character_of_an_emoji_is_judged(void **state)
{
    bool      allowed;
    size_t    len;
    uint8_t   text[6];
    uint32_t  c;

    (void) state;

    for (c = 0; c <= 0x110000; c++) {
        text[0] = 'a';
        len = 1 + encode(text + 1, c);
        text[len] = 'b';

        allowed = c >= 0x20 && !(c >= 0x7f && c < 0xa0) && c != '"'
                  && c != '\\' && !is_space(c) && (c < 0xd800 || c > 0xdfff)
                  && c < 0x110000;

        if (chat_name_valid_emoji((chat_str_t) { text + 1, len - 1 })
                != allowed
            || chat_name_valid_emoji((chat_str_t) { text, len + 1 })
               != allowed)
        {
            fail_msg("U+%04X should be %s", (unsigned) c,
                     allowed ? "allowed" : "refused");
        }
    }
}


static void
emojis_have_1_to_64_bytes_of_utf8(void **state)
{
    size_t  i;

    static const chat_str_t  good[] = {
        chat_str("+1"), chat_str(":tada:"), chat_str("\xf0\x9f\x91\x8d"),
        chat_str("\xe2\x9d\xa4\xef\xb8\x8f"),            /* with a selector */
        chat_str("\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb"),  /* joined */
        chat_str(X64),
    };

    static const chat_str_t  bad[] = {
        { NULL, 0 }, chat_str(X64 "x"), chat_str("\xf0\x9f\x91"),
        chat_str("\xff"), chat_str("a\xc2"), chat_str("\0"),
        chat_str("\xed\xa0\xbd\xed\xb1\x8d"),           /* surrogates */
    };

    (void) state;

    for (i = 0; i < chat_test_count(good); i++) {
        assert_true(chat_name_valid_emoji(good[i]));
    }

    for (i = 0; i < chat_test_count(bad); i++) {
        assert_false(chat_name_valid_emoji(bad[i]));
    }
}


/*
 * Stored data lies where these say: a change of this function would look for
 * every conversation in the wrong partition.
 */

static void
partitions_never_change(void **state)
{
    size_t      i, k;
    uint8_t     base[CHAT_NAME_MAX_BASE];
    size_t      len;
    chat_str_t  tenant, id, qualified;

    static const unsigned  counts[] = { 1, 2, 7, 16, 63, 64 };

    static const struct {
        const char  *tenant;
        const char  *id;
        unsigned     partitions[chat_test_count(counts)];
    } cases[] = {
        { "default", "lobby", { 0, 0, 3, 8, 17, 56 } },
        { "default", "a", { 0, 0, 3, 2, 3, 18 } },
        { "acme", "lobby", { 0, 0, 1, 8, 22, 56 } },
        { "tttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttt",
          "iiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiii",
          { 0, 1, 1, 15, 15, 31 } },
        { "default", "dm:0123456789abcdef0123456789abcdef",
          { 0, 0, 5, 4, 54, 36 } },
    };

    (void) state;

    for (i = 0; i < chat_test_count(cases); i++) {
        tenant = chat_test_str(cases[i].tenant);
        id = chat_test_str(cases[i].id);

        len = chat_name_base(base, 0, tenant, id);
        qualified.data = base + sizeof("chat:{p00}:c:") - 1;
        qualified.len = len - (sizeof("chat:{p00}:c:") - 1);

        for (k = 0; k < chat_test_count(counts); k++) {
            assert_int_equal(chat_name_partition(tenant, id, counts[k]),
                             cases[i].partitions[k]);
            assert_int_equal(chat_name_partition_qualified(qualified,
                                                           counts[k]),
                             cases[i].partitions[k]);
        }
    }
}


static void
keys_are_made_of_names(void **state)
{
    size_t    i, len;
    uint8_t   base[CHAT_NAME_MAX_BASE], prefix[CHAT_NAME_PREFIX_LEN];
    char      expected[32];

    static const struct {
        unsigned     partition;
        const char  *tenant;
        const char  *id;
        const char  *base;
    } cases[] = {
        { 0, "default", "lobby", "chat:{p00}:c:default/lobby" },
        { 7, "a", "b", "chat:{p07}:c:a/b" },
        { 10, "a.b", "c:d@e-f", "chat:{p10}:c:a.b/c:d@e-f" },
        { 63, X64, X64, "chat:{p63}:c:" X64 "/" X64 },
    };

    (void) state;

    for (i = 0; i < chat_test_count(cases); i++) {
        len = chat_name_base(base, cases[i].partition,
                             chat_test_str(cases[i].tenant),
                             chat_test_str(cases[i].id));
        assert_int_equal(len, strlen(cases[i].base));
        assert_memory_equal(base, cases[i].base, len);
    }

    assert_int_equal(len, CHAT_NAME_MAX_BASE);

    for (i = 0; i < 64; i++) {
        snprintf(expected, sizeof(expected), "chat:{p%02zu}:", i);
        assert_int_equal(chat_name_prefix(prefix, i), CHAT_NAME_PREFIX_LEN);
        assert_memory_equal(prefix, expected, CHAT_NAME_PREFIX_LEN);
    }
}


static void
a_dm_has_one_id_from_both_sides(void **state)
{
    size_t   i;
    uint8_t  dm[CHAT_NAME_DM_LEN];

    static const struct {
        const char  *a;
        const char  *b;
        const char  *dm;
    } cases[] = {
        { "ada", "grace", "dm:2d48c4da4632a17768fbeb23d8508072" },
        { "ada", "ada", "dm:0ae674052dc1dffdd5fa89c8dccce213" },
        { "a", "ab", "dm:5f1207bf49ac47e728b0169cf68057cc" },
        { "B", "a", "dm:0de786620dea637563edf84161cda61c" },
        { "uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu",
          "vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv",
          "dm:48fff6ef071a5ce64f52b4cf9096d10d" },
    };

    (void) state;

    for (i = 0; i < chat_test_count(cases); i++) {
        assert_int_equal(chat_name_dm(dm, chat_test_str(cases[i].a),
                                      chat_test_str(cases[i].b)),
                         CHAT_OK);
        assert_memory_equal(dm, cases[i].dm, CHAT_NAME_DM_LEN);

        assert_int_equal(chat_name_dm(dm, chat_test_str(cases[i].b),
                                      chat_test_str(cases[i].a)),
                         CHAT_OK);
        assert_memory_equal(dm, cases[i].dm, CHAT_NAME_DM_LEN);

        assert_true(chat_name_valid((chat_str_t) { dm, CHAT_NAME_DM_LEN }));
    }
}


static void
a_dm_without_memory_is_an_error(void **state)
{
    int        n;
    uint8_t    dm[CHAT_NAME_DM_LEN];
    chat_rc_e  rc;

    (void) state;

    n = -1;

    do {
        chat_test_memory_left = ++n;
        rc = chat_name_dm(dm, chat_str("ada"), chat_str("grace"));
        chat_test_memory_left = -1;

        assert_int_equal(ERR_peek_error(), 0);

    } while (rc == CHAT_ERROR);

    assert_int_equal(rc, CHAT_OK);
    assert_true(n > 0);
    assert_memory_equal(dm, "dm:2d48c4da4632a17768fbeb23d8508072",
                        CHAT_NAME_DM_LEN);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(every_byte_is_judged),
        cmocka_unit_test(ids_have_1_to_64_characters),
        cmocka_unit_test(names_are_printable),
        cmocka_unit_test(every_character_of_an_emoji_is_judged),
        cmocka_unit_test(emojis_have_1_to_64_bytes_of_utf8),
        cmocka_unit_test(partitions_never_change),
        cmocka_unit_test(keys_are_made_of_names),
        cmocka_unit_test(a_dm_has_one_id_from_both_sides),
        cmocka_unit_test(a_dm_without_memory_is_an_error),
    };

    if (!chat_test_memory_init()) {
        return 1;
    }

    return cmocka_run_group_tests_name("chat_name", tests, NULL, NULL);
}
