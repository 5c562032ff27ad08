#include "chat_test.h"

#include "chat_json.h"


/* the text must outlive the value */

static chat_json_t
parsed(const char *text)
{
    chat_json_t  value;
    const char  *reason;

    if (chat_json_parse(chat_test_str(text), CHAT_JSON_MAX_DEPTH, &value,
                        &reason)
        != CHAT_OK)
    {
        fail_msg("%s: %s", text, reason);
    }

    return value;
}


static void
members_are_walked_in_order(void **state)
{
    size_t            i;
    chat_str_t        key;
    chat_json_t       object, value;
    chat_json_iter_t  it;

    static const struct {
        const char        *key;
        const char        *raw;
        chat_json_type_e   type;
    } expected[] = {
        { "a", "1", CHAT_JSON_NUMBER },
        { "", "-1.5e+7", CHAT_JSON_NUMBER },
        { "\\u0062", "\"x\\\"}]\\\\\"", CHAT_JSON_STRING },
        { "c", "[ [1,2], {\"}\":\"]\"} ]", CHAT_JSON_ARRAY },
        { "d", "{\"a\":{\"\\\"\":[]}}", CHAT_JSON_OBJECT },
        { "e", "true", CHAT_JSON_TRUE },
        { "f", "false", CHAT_JSON_FALSE },
        { "a", "null", CHAT_JSON_NULL },
        { "g", "{}", CHAT_JSON_OBJECT },
    };

    (void) state;

    object = parsed(" {\"a\":1,\"\": -1.5e+7 ,\n\"\\u0062\"\t:"
                    "\"x\\\"}]\\\\\","
                    "\"c\":[ [1,2], {\"}\":\"]\"} ] ,"
                    "\"d\":{\"a\":{\"\\\"\":[]}},\"e\":true,\"f\":false ,"
                    "\"a\":null,\"g\":{} } ");

    chat_json_iter(&it, &object);

    for (i = 0; i < chat_test_count(expected); i++) {
        assert_int_equal(chat_json_next_member(&it, &key, &value), CHAT_OK);

        assert_int_equal(key.len, strlen(expected[i].key));
        assert_memory_equal(key.data, expected[i].key, key.len);
        assert_int_equal(value.type, expected[i].type);
        assert_int_equal(value.raw.len, strlen(expected[i].raw));
        assert_memory_equal(value.raw.data, expected[i].raw, value.raw.len);
    }

    assert_int_equal(chat_json_next_member(&it, &key, &value), CHAT_DECLINED);
    assert_int_equal(chat_json_next_member(&it, &key, &value), CHAT_DECLINED);
}


static void
elements_are_walked_in_order(void **state)
{
    size_t            i;
    chat_json_t       array, value;
    chat_json_iter_t  it;

    static const char *const  expected[] = {
        "1", "\"a,b\"", "[]", "[1,[2]]", "{\"k\":[3]}", "null", "0.1"
    };

    (void) state;

    array = parsed("[1 , \"a,b\",[], [1,[2]],{\"k\":[3]},null,0.1]");
    chat_json_iter(&it, &array);

    for (i = 0; i < chat_test_count(expected); i++) {
        assert_int_equal(chat_json_next_element(&it, &value), CHAT_OK);
        assert_int_equal(value.raw.len, strlen(expected[i]));
        assert_memory_equal(value.raw.data, expected[i], value.raw.len);
    }

    assert_int_equal(chat_json_next_element(&it, &value), CHAT_DECLINED);
}


static void
empty_containers_have_nothing_to_walk(void **state)
{
    size_t            i;
    chat_str_t        key;
    chat_json_t       container, value;
    chat_json_iter_t  it;

    static const char *const  texts[] = { "{}", "{ \n}", "[]", "[\t ]" };

    (void) state;

    for (i = 0; i < chat_test_count(texts); i++) {
        container = parsed(texts[i]);

        chat_json_iter(&it, &container);
        assert_int_equal(chat_json_next_member(&it, &key, &value),
                         CHAT_DECLINED);

        chat_json_iter(&it, &container);
        assert_int_equal(chat_json_next_element(&it, &value), CHAT_DECLINED);
    }
}


static void
strings_are_unescaped(void **state)
{
    size_t       i, size, len;
    uint8_t     *dst;
    chat_json_t  value;

    static const struct {
        const char  *json;
        const char  *text;
    } cases[] = {
        { "\"\"", "" },
        { "\"plain\"", "plain" },
        { "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t" },
        { "\"\\u0001\\u007F\"", "\x01\x7f" },
        { "\"\\u0080\\u07ff\"", "\xc2\x80\xdf\xbf" },
        { "\"\\u0800\\uFFFF\"", "\xe0\xa0\x80\xef\xbf\xbf" },
        { "\"\\uD7FF\\ue000\"", "\xed\x9f\xbf\xee\x80\x80" },
        { "\"\\ud800\\udc00\"", "\xf0\x90\x80\x80" },
        { "\"\\uD83D\\uDE00!\"", "\xf0\x9f\x98\x80!" },
        { "\"\\ud800\\udfff\"", "\xf0\x90\x8f\xbf" },
        { "\"\\udbff\\udc00\"", "\xf4\x8f\xb0\x80" },
        { "\"\\udbff\\udfff\"", "\xf4\x8f\xbf\xbf" },
        { "\"\\\\ud800\"", "\\ud800" },
        { "\"\xc3\xa4\xe2\x82\xac\"", "\xc3\xa4\xe2\x82\xac" },
        { "\"\\\\u0041\"", "\\u0041" },
    };

    (void) state;

    for (i = 0; i < chat_test_count(cases); i++) {
        value = parsed(cases[i].json);

        for (size = 0; size <= strlen(cases[i].text) + 1; size++) {
            dst = chat_test_copy("", 0);
            dst = realloc(dst, size != 0 ? size : 1);
            assert_non_null(dst);

            if (size < strlen(cases[i].text)) {
                chat_test_case(cases[i].json,
                               chat_json_get_string(&value, dst, size, &len)
                               == CHAT_ERROR);

            } else {
                chat_test_case(cases[i].json,
                               chat_json_get_string(&value, dst, size, &len)
                               == CHAT_OK);
                chat_test_case(cases[i].json, len == strlen(cases[i].text));
                chat_test_case(cases[i].json,
                               memcmp(dst, cases[i].text, len) == 0);
            }

            free(dst);
        }

        chat_test_case(cases[i].json,
                       chat_json_string_is_cstr(&value, cases[i].text));
        chat_test_case(cases[i].json,
                       chat_json_string_is(&value,
                                           chat_test_str(cases[i].text)));
        chat_test_case(cases[i].json,
                       !chat_json_string_is_cstr(&value, "something else"));
    }
}


/* strings are looked through eight bytes at a time */

static void
what_ends_a_plain_run_is_found_wherever_it_stands(void **state)
{
    size_t       len, at, i, n;
    uint8_t      text[64], got[64];
    chat_json_t  value;
    const char  *reason;

    static const struct {
        const char  *raw;
        const char  *text;              /* NULL: no JSON */
    } ends[] = {
        { "\\\"", "\"" }, { "\\\\", "\\" }, { "\\n", "\n" },
        { "\\u00e4", "\xc3\xa4" }, { "\x7f", "\x7f" }, { "#", "#" },
        { "!", "!" }, { "]", "]" }, { "[", "[" }, { " ", " " },
        { "\xc3\xa4", "\xc3\xa4" }, { "\xe2\x80\xa8", "\xe2\x80\xa8" },
        { "\x1f", NULL }, { "\x01", NULL }, { "\"", NULL }, { "\\", NULL },
    };

    (void) state;

    for (i = 0; i < chat_test_count(ends); i++) {
        for (len = 0; len < 20; len++) {
            for (at = 0; at <= len; at++) {

                memset(text, 'x', sizeof(text));
                n = strlen(ends[i].raw);
                text[0] = '"';
                memcpy(text + 1 + at, ends[i].raw, n);
                text[1 + len + n] = '"';

                if (ends[i].text == NULL) {
                    assert_int_not_equal(
                        chat_json_parse((chat_str_t) { text, len + n + 2 }, 1,
                                        &value, &reason), CHAT_OK);
                    continue;
                }

                assert_int_equal(
                    chat_json_parse((chat_str_t) { text, len + n + 2 }, 1,
                                    &value, &reason), CHAT_OK);
                assert_int_equal(chat_json_get_string(&value, got, sizeof(got),
                                                      &n), CHAT_OK);
                assert_int_equal(n, len + strlen(ends[i].text));
                assert_memory_equal(got + at, ends[i].text,
                                    strlen(ends[i].text));
            }
        }
    }
}


static void
strings_without_a_text_are_refused(void **state)
{
    size_t       i, len;
    uint8_t      dst[32];
    chat_json_t  value;

    static const char *const  cases[] = {
        "\"\\u0000\"", "\"a\\u0000\"", "\"\\u0000a\"",
        "\"\\ud83d\\ude00\\u0000\"", "1", "null", "{}", "[\"a\"]", "true"
    };

    (void) state;

    for (i = 0; i < chat_test_count(cases); i++) {
        value = parsed(cases[i]);
        chat_test_case(cases[i],
                       chat_json_get_string(&value, dst, sizeof(dst), &len)
                       == CHAT_ERROR);
        chat_test_case(cases[i], !chat_json_string_is_cstr(&value, "a"));
    }
}


static void
keys_are_compared_with_escapes_resolved(void **state)
{
    (void) state;

    assert_true(chat_json_key_is(chat_str("type"), "type"));
    assert_true(chat_json_key_is(chat_str("t\\u0079pe"), "type"));
    assert_true(chat_json_key_is(chat_str("\\u0074\\u0079\\u0070\\u0065"),
                                 "type"));
    assert_true(chat_json_key_is(chat_str(""), ""));
    assert_true(chat_json_key_is(chat_str("a\\/b"), "a/b"));

    assert_false(chat_json_key_is(chat_str("typ"), "type"));
    assert_false(chat_json_key_is(chat_str("types"), "type"));
    assert_false(chat_json_key_is(chat_str("Type"), "type"));
    assert_false(chat_json_key_is(chat_str("type\\u0000"), "type"));
    assert_false(chat_json_key_is(chat_str("typ\\u0045"), "type"));
    assert_false(chat_json_key_is(chat_str(""), "type"));
    assert_false(chat_json_key_is(chat_str("type"), ""));
    assert_false(chat_json_key_is(chat_str("typ\\u20ac"), "type"));
}


/* the parser lets none of these through, but nothing may read beyond them */

static void
broken_keys_are_no_key(void **state)
{
    size_t    i;
    uint8_t  *key;

    static const char *const  cases[] = {
        "a\\", "a\\q", "a\\u", "a\\u12", "a\\u12g4", "a\\ud83d\\u",
        "a\\ud83d\\ude0", "a\\ud83d\\", "a\\ud83d\\nde00", "a\\ud83d",
        "a\\ude00", "a\\ude00\\ud83d"
    };

    (void) state;

    for (i = 0; i < chat_test_count(cases); i++) {
        key = chat_test_copy(cases[i], strlen(cases[i]));
        assert_false(chat_json_key_is((chat_str_t) { key, strlen(cases[i]) },
                                      "a"));
        free(key);
    }
}


/* where it ends is told, and nothing behind the text is read */

static void
codes_are_read_as_far_as_they_are_there(void **state)
{
    size_t          i, len;
    uint8_t        *copy;
    uint32_t        code;
    chat_rc_e       rc;
    const uint8_t  *pos;

    static const struct {
        const char  *text;
        uint32_t     code;
        size_t       taken;
        chat_rc_e    rc;
    } cases[] = {
        { "0000", 0, 4, CHAT_OK },
        { "0041\\u0042", 0x41, 4, CHAT_OK },
        { "d7ffz", 0xd7ff, 4, CHAT_OK },
        { "E000", 0xe000, 4, CHAT_OK },
        { "d800\\udc00", 0x10000, 10, CHAT_OK },
        { "dBfF\\uDfFfz", 0x10ffff, 10, CHAT_OK },
        { "d83d\\ud83d\\ude00", 0, 0, CHAT_DECLINED },
        { "d83d\\u0041", 0, 0, CHAT_DECLINED },
        { "d83d\\n", 0, 0, CHAT_DECLINED },
        { "d83dz", 0, 0, CHAT_DECLINED },
        { "d83d\\", 0, 0, CHAT_DECLINED },
        { "d83d", 0, 0, CHAT_DECLINED },
        { "dc00\\ud800", 0, 0, CHAT_DECLINED },
        { "dfff", 0, 0, CHAT_DECLINED },
        { "d83d\\u", 0, 0, CHAT_ERROR },
        { "d83d\\ude0", 0, 0, CHAT_ERROR },
        { "d83d\\ude0g", 0, 0, CHAT_ERROR },
        { "004g", 0, 0, CHAT_ERROR },
        { "004", 0, 0, CHAT_ERROR },
        { "", 0, 0, CHAT_ERROR },
    };

    (void) state;

    for (i = 0; i < chat_test_count(cases); i++) {
        len = strlen(cases[i].text);
        copy = chat_test_copy(cases[i].text, len);
        pos = copy;

        rc = chat_json_read_code(&pos, copy + len, &code);

        chat_test_case(cases[i].text, rc == cases[i].rc);
        chat_test_case(cases[i].text, pos == copy + cases[i].taken);
        chat_test_case(cases[i].text,
                       rc != CHAT_OK || code == cases[i].code);

        free(copy);
    }
}


static void
uints_are_read(void **state)
{
    size_t       i;
    uint64_t     n;
    chat_json_t  value;

    static const struct {
        const char  *json;
        uint64_t     n;
    } good[] = {
        { "0", 0 }, { "-0", 0 }, { "1", 1 }, { "50", 50 },
        { "4294967308", UINT64_C(4294967308) },
        { "9007199254740991", UINT64_C(9007199254740991) },
    };

    static const char *const  bad[] = {
        "9007199254740992", "9007199254740993", "18446744073709551616",
        "99999999999999999999999999999999", "-1", "-10", "-0.0", "1.0", "0.5",
        "1e2", "1E2", "0e0", "-0e1", "\"1\"", "null", "true", "[1]", "{}"
    };

    (void) state;

    for (i = 0; i < chat_test_count(good); i++) {
        value = parsed(good[i].json);
        n = 77;
        chat_test_case(good[i].json,
                       chat_json_get_uint(&value, &n) == CHAT_OK);
        chat_test_case(good[i].json, n == good[i].n);
    }

    for (i = 0; i < chat_test_count(bad); i++) {
        value = parsed(bad[i]);
        chat_test_case(bad[i], chat_json_get_uint(&value, &n) == CHAT_ERROR);
    }
}


static void
members_are_collected_by_name(void **state)
{
    chat_json_t  object;

    chat_json_member_t  found[] = {
        { .name = "a" }, { .name = "b" }, { .name = "c" }
    };

    (void) state;

    object = parsed("{\"x\":{\"a\":9},\"b\":[1],\"\\u0061\":null,\"x\":3}");

    assert_int_equal(chat_json_collect(&object, found, 3), CHAT_OK);

    assert_int_equal(found[0].value.type, CHAT_JSON_NULL);
    assert_int_equal(found[0].value.raw.len, 4);
    assert_int_equal(found[1].value.type, CHAT_JSON_ARRAY);
    assert_int_equal(found[1].value.raw.len, 3);
    assert_int_equal(found[2].value.type, CHAT_JSON_NULL);
    assert_int_equal(found[2].value.raw.len, 0);

    object = parsed("{}");
    assert_int_equal(chat_json_collect(&object, found, 3), CHAT_OK);
    assert_int_equal(found[1].value.raw.len, 0);
    assert_int_equal(chat_json_collect(&object, found, 0), CHAT_OK);
}


static void
a_member_given_twice_is_an_error(void **state)
{
    size_t       i;
    chat_json_t  object;

    chat_json_member_t  found[] = { { .name = "a" }, { .name = "b" } };

    static const char *const  texts[] = {
        "{\"a\":1,\"a\":1}", "{\"b\":1,\"a\":1,\"b\":2}",
        "{\"a\":1,\"\\u0061\":2}", "{\"a\":null,\"a\":1}"
    };

    (void) state;

    for (i = 0; i < chat_test_count(texts); i++) {
        object = parsed(texts[i]);
        chat_test_case(texts[i],
                       chat_json_collect(&object, found, 2) == CHAT_ERROR);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(members_are_walked_in_order),
        cmocka_unit_test(elements_are_walked_in_order),
        cmocka_unit_test(empty_containers_have_nothing_to_walk),
        cmocka_unit_test(strings_are_unescaped),
        cmocka_unit_test(what_ends_a_plain_run_is_found_wherever_it_stands),
        cmocka_unit_test(strings_without_a_text_are_refused),
        cmocka_unit_test(keys_are_compared_with_escapes_resolved),
        cmocka_unit_test(broken_keys_are_no_key),
        cmocka_unit_test(codes_are_read_as_far_as_they_are_there),
        cmocka_unit_test(uints_are_read),
        cmocka_unit_test(members_are_collected_by_name),
        cmocka_unit_test(a_member_given_twice_is_an_error),
    };

    return cmocka_run_group_tests_name("chat_json", tests, NULL, NULL);
}
