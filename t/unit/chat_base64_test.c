#include "chat_test.h"

#include "chat_base64.h"


static chat_rc_e
decode(chat_str_t text, uint8_t *dst, size_t size, size_t *len)
{
    uint8_t    *p;
    chat_rc_e   rc;

    p = chat_test_copy(text.data, text.len);
    rc = chat_base64_decode((chat_str_t) { p, text.len }, dst, size, len);
    free(p);

    return rc;
}


/* RFC 4648, section 10, without its padding, and the digits that differ */

static void
text_and_bytes_stand_for_each_other(void **state)
{
    size_t   i, size, len;
    uint8_t  dst[16];
    char    *text;

    static const struct {
        const char  *text;
        chat_str_t   bytes;
    } cases[] = {
        { "", chat_str("") },
        { "Zg", chat_str("f") },
        { "Zm8", chat_str("fo") },
        { "Zm9v", chat_str("foo") },
        { "Zm9vYg", chat_str("foob") },
        { "Zm9vYmE", chat_str("fooba") },
        { "Zm9vYmFy", chat_str("foobar") },
        { "Zm9vYmFyZm9v", chat_str("foobarfoo") },
        { "Zm9vYmFyZm9vYg", chat_str("foobarfoob") },
        { "-_-_", chat_str("\xfb\xff\xbf") },
        { "AAAA", chat_str("\0\0\0") },
        { "__8", chat_str("\xff\xff") },
    };

    (void) state;

    for (i = 0; i < chat_test_count(cases); i++) {

        for (size = 0; size <= cases[i].bytes.len + 1; size++) {

            if (size < cases[i].bytes.len) {
                chat_test_case(cases[i].text,
                               decode(chat_test_str(cases[i].text), dst, size,
                                      &len)
                               == CHAT_ERROR);
                continue;
            }

            chat_test_case(cases[i].text,
                           decode(chat_test_str(cases[i].text), dst, size,
                                  &len)
                           == CHAT_OK);
            chat_test_case(cases[i].text, len == cases[i].bytes.len);
            chat_test_case(cases[i].text,
                           memcmp(dst, cases[i].bytes.data, len) == 0);
        }

        /* and the other way round, into just as much memory */

        len = CHAT_BASE64_LEN(cases[i].bytes.len);
        text = malloc(len + 1);
        assert_non_null(text);
        text[len] = '\0';
        chat_test_case(cases[i].text,
                       chat_base64_encode(cases[i].bytes, (uint8_t *) text)
                       == len);
        chat_test_case(cases[i].text, strcmp(text, cases[i].text) == 0);
        free(text);
    }
}


static void
only_one_text_stands_for_the_bytes(void **state)
{
    size_t   i, len;
    uint8_t  dst[16];

    static const char *const  cases[] = {
        "Z", "Zm9vY",                       /* a digit that begins no byte */
        "Zh", "Zv", "Zm9",                  /* bits left over */
        "Zg==", "Zm8=", "Zm9v=", "=",       /* padding */
        "Zm9v\n", " Zm9v", "Zm 9v", "Zm9v ",
        "+_-_", "-/-_",                     /* the other alphabet */
        "Zm9.", "Zm9v\x80", "Zm9@", "Zm9[", "Zm9`", "Zm9{", "Zm9:", "Zm9^"
    };

    (void) state;

    for (i = 0; i < chat_test_count(cases); i++) {
        chat_test_case(cases[i],
                       decode(chat_test_str(cases[i]), dst, sizeof(dst), &len)
                       == CHAT_ERROR);
    }

    assert_int_equal(decode((chat_str_t) { (const uint8_t *) "Zm9v\0", 5 },
                            dst, sizeof(dst), &len),
                     CHAT_ERROR);
}


static void
every_byte_comes_back(void **state)
{
    size_t    len;
    char      text[3];
    uint8_t   byte;
    unsigned  i;

    static const char  digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    (void) state;

    for (i = 0; i < 256; i++) {
        text[0] = digits[i >> 2];
        text[1] = digits[(i & 3) << 4];
        text[2] = '\0';

        assert_int_equal(decode(chat_test_str(text), &byte, 1, &len), CHAT_OK);
        assert_int_equal(len, 1);
        assert_int_equal(byte, i);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(text_and_bytes_stand_for_each_other),
        cmocka_unit_test(only_one_text_stands_for_the_bytes),
        cmocka_unit_test(every_byte_comes_back),
    };

    return cmocka_run_group_tests_name("chat_base64", tests, NULL, NULL);
}
