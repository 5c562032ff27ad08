#include "chat_test.h"

#include "chat_json.h"


static const chat_str_t  good[] = {
    /* scalars */
    chat_str("0"), chat_str("-0"), chat_str("1"), chat_str("-1"),
    chat_str("10"), chat_str("1234567890123456789012345678901234567890"),
    chat_str("0.1"), chat_str("-0.0"), chat_str("1e2"), chat_str("1E2"),
    chat_str("1e+2"), chat_str("1e-2"), chat_str("0e0"), chat_str("1.5e007"),
    chat_str("123.456e-789"), chat_str("true"), chat_str("false"),
    chat_str("null"),

    /* strings */
    chat_str("\"\""), chat_str("\"a\""), chat_str("\" \""),
    chat_str("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), chat_str("\"\\u0000\""),
    chat_str("\"\\uABcd\\uFFFF\""), chat_str("\"\\ud83d\\ude00\""),
    chat_str("\"\\\\u12\""), chat_str("\"\x7f\""), chat_str("\"\xc2\x80\""),
    chat_str("\"\xe2\x80\xa8\xe2\x80\xa9\""), chat_str("\"\xef\xbf\xbf\""),
    chat_str("\"\xf4\x8f\xbf\xbf\""), chat_str("\"/*comment*/\""),

    /* containers */
    chat_str("[]"), chat_str("{}"), chat_str("[[]]"), chat_str("[{}]"),
    chat_str("[1]"), chat_str("[1,2]"), chat_str("[null,1,\"1\",{}]"),
    chat_str("[[],[[]]]"), chat_str("{\"\":0}"), chat_str("{\"a\":{}}"),
    chat_str("{\"a\":1,\"b\":2}"), chat_str("{\"a\":1,\"a\":2}"),
    chat_str("{\"\\u0061\":[true,false,null]}"), chat_str("{\"a\":[{},[]]}"),

    /* white space */
    chat_str(" 1"), chat_str("1 "), chat_str("\t\r\n 1 \n"), chat_str("[ ]"),
    chat_str("{ }"), chat_str(" [ 1 , 2 ] "),
    chat_str("\n{\t\"a\" : 1 ,\r\"b\"\n:\n[ ] } ")
};


static const chat_str_t  bad[] = {
    chat_str(""), chat_str(" "), chat_str("\xef\xbb\xbf{}"), chat_str("\0"),

    /* numbers */
    chat_str("-"), chat_str("+1"), chat_str("01"), chat_str("-01"),
    chat_str("00"), chat_str(".1"), chat_str("1."), chat_str("-.1"),
    chat_str("1.e1"), chat_str("1e"), chat_str("1e+"), chat_str("1e-"),
    chat_str("1eE2"), chat_str("1.2.3"), chat_str("0x1"), chat_str("1a"),
    chat_str("NaN"), chat_str("Infinity"), chat_str("-Infinity"),
    chat_str("1_000"), chat_str("- 1"), chat_str("1 2"), chat_str("--1"),
    chat_str("\xef\xbc\x91"), chat_str("1\0"),

    /* words */
    chat_str("t"), chat_str("tru"), chat_str("True"), chat_str("truee"),
    chat_str("nul"), chat_str("NULL"), chat_str("nan"), chat_str("fals"),
    chat_str("undefined"), chat_str("a"), chat_str("truefalse"),

    /* strings */
    chat_str("\""), chat_str("'a'"), chat_str("\"a"), chat_str("\"a\\\""),
    chat_str("\"\\"), chat_str("\"\\a\""), chat_str("\"\\x00\""),
    chat_str("\"\\u\""), chat_str("\"\\u12\""), chat_str("\"\\u123g\""),
    chat_str("\"\\u 123\""), chat_str("\"\\U1234\""), chat_str("\"\\u12"),
    chat_str("\"\\u00\xc3\xa5\""), chat_str("\"\\\xf0\x9f\x98\x80\""),
    chat_str("\"\n\""), chat_str("\"\t\""), chat_str("\"\x1f\""),
    chat_str("\"\0\""), chat_str("\"a\"b"), chat_str("\"\xff\""),
    chat_str("\"\xed\xa0\x80\""), chat_str("\"\xc0\xaf\""),
    chat_str("\"\xe2\x82\""), chat_str("\"\\\0\""), chat_str("\"a\"\""),

    /* containers */
    chat_str("["), chat_str("]"), chat_str("[1"), chat_str("[1,"),
    chat_str("[1,]"), chat_str("[,1]"), chat_str("[1,,2]"), chat_str("[,]"),
    chat_str("[1 2]"), chat_str("[1}"), chat_str("[]]"), chat_str("[[]"),
    chat_str("[1:2]"), chat_str("[\"a\":1]"), chat_str("[1;2]"),
    chat_str("{"), chat_str("}"), chat_str("{]"), chat_str("[}"),
    chat_str("{\"a\""), chat_str("{\"a\":"), chat_str("{\"a\":1"),
    chat_str("{\"a\":1,"), chat_str("{\"a\":1,}"), chat_str("{,}"),
    chat_str("{\"a\"}"), chat_str("{\"a\",1}"), chat_str("{\"a\" 1}"),
    chat_str("{\"a\"::1}"), chat_str("{1:1}"), chat_str("{a:1}"),
    chat_str("{'a':1}"), chat_str("{\"a\":1 \"b\":2}"), chat_str("{\"a\":}"),
    chat_str("{:1}"), chat_str("{null:1}"), chat_str("{[]:1}"),
    chat_str("{\"a\":1]"), chat_str("{}{}"), chat_str("[][]"),
    chat_str("{\"a\":1}}"), chat_str("{\"a\":1},"), chat_str("{\"\\q\":1}"),

    /* comments and other spaces */
    chat_str("/**/1"), chat_str("1//"), chat_str("[1/**/]"), chat_str("#1"),
    chat_str("\f1"), chat_str("\v[]"), chat_str("[\xc2\xa0]"),
    chat_str("[\xe2\x81\xa0]"), chat_str("\xe2\x80\xa8[]")
};


/* surrogates in escapes; a reason of NULL: accepted */

#define LONE  "a string has half of a surrogate pair alone"
#define HEX   "no JSON: bad escape in a string"


static const struct {
    chat_str_t   text;
    const char  *reason;
} surrogates[] = {
    /* the neighbours of both ranges are none */
    { chat_str("\"\\ud7ff\""), NULL },
    { chat_str("\"\\uD7FF\\uE000\""), NULL },
    { chat_str("\"\\ue000\\udbff\\udfff\""), NULL },

    /* paired, at the corners of both ranges, in either case */
    { chat_str("\"\\ud800\\udc00\""), NULL },
    { chat_str("\"\\ud800\\udfff\""), NULL },
    { chat_str("\"\\udbff\\udc00\""), NULL },
    { chat_str("\"\\uDBFF\\uDFFF\""), NULL },
    { chat_str("\"\\uD83d\\uDe00\\uD83D\\uDE01\""), NULL },
    { chat_str("\"a\\ud83d\\ude00\\u0000b\""), NULL },
    { chat_str("{\"\\ud83d\\ude00\":1}"), NULL },

    /* a backslash of its own before it: no escape, so no surrogate */
    { chat_str("\"\\\\ud800\""), NULL },
    { chat_str("\"\\\\udc00\\\\ud800\""), NULL },

    /* the first half alone */
    { chat_str("\"\\ud800\""), LONE },
    { chat_str("\"\\uDBFF\""), LONE },
    { chat_str("\"\\ud83d!\""), LONE },
    { chat_str("\"\\ud83dude00\""), LONE },
    { chat_str("\"\\ud83d\\n\""), LONE },
    { chat_str("\"\\ud83d\\\\ude00\""), LONE },
    { chat_str("\"\\ud83d\\u0041\""), LONE },
    { chat_str("\"\\ud83d\\ud7ff\""), LONE },
    { chat_str("\"\\ud83d\\ue000\""), LONE },
    { chat_str("\"\\ud83d\xf0\x9f\x98\x80\""), LONE },
    { chat_str("\"\\ud83d\\ude00\\ud83d\""), LONE },
    { chat_str("[\"\\ud83d\",\"\\ude00\"]"), LONE },
    { chat_str("{\"\\ud83d\":1}"), LONE },

    /* the second half alone */
    { chat_str("\"\\udc00\""), LONE },
    { chat_str("\"\\udFFF\""), LONE },
    { chat_str("\"\\u0041\\ude00\""), LONE },
    { chat_str("\"\\ud83d\\ude00\\ude00\""), LONE },
    { chat_str("{\"a\\ude00\":1}"), LONE },

    /* two of one kind, and the wrong way round */
    { chat_str("\"\\ud83d\\ud83d\\ude00\""), LONE },
    { chat_str("\"\\udc00\\udc00\""), LONE },
    { chat_str("\"\\ude00\\ud83d\""), LONE },
    { chat_str("\"\\udc00\\ud800\\udc00\""), LONE },

    /* not even four digits */
    { chat_str("\"\\ud83\""), HEX },
    { chat_str("\"\\ud83d\\u\""), HEX },
    { chat_str("\"\\ud83d\\ude0\""), HEX },
    { chat_str("\"\\ud83d\\ude0g\""), HEX },
    { chat_str("\"\\ud83d\\u"), HEX },
    { chat_str("\"\\ud83d\\U0000\""), HEX },
    { chat_str("[\"\\ud83d\"x"), "no JSON: expected , or ]" },
};


static chat_rc_e
parse(chat_str_t text, unsigned max_depth, chat_json_t *value)
{
    uint8_t     *p;
    chat_rc_e    rc;
    chat_str_t   copy;
    const char  *reason;

    p = chat_test_copy(text.data, text.len);
    copy = (chat_str_t) { p, text.len };
    reason = NULL;

    rc = chat_json_parse(copy, max_depth, value, &reason);

    if (rc == CHAT_OK) {
        value->raw.data = text.data + (value->raw.data - copy.data);
        assert_null(reason);

    } else {
        assert_non_null(reason);
    }

    free(p);

    return rc;
}


static void
what_is_json_is_accepted(void **state)
{
    size_t       i;
    chat_json_t  value;

    (void) state;

    for (i = 0; i < chat_test_count(good); i++) {
        chat_test_case((const char *) good[i].data,
                       parse(good[i], CHAT_JSON_MAX_DEPTH, &value) == CHAT_OK);
    }
}


static void
what_is_none_is_refused(void **state)
{
    size_t       i;
    chat_json_t  value;

    (void) state;

    for (i = 0; i < chat_test_count(bad); i++) {
        chat_test_case((const char *) bad[i].data,
                       parse(bad[i], CHAT_JSON_MAX_DEPTH, &value)
                       == CHAT_ERROR);
    }
}


static void
inside_of_others_it_is_judged_alike(void **state)
{
    size_t       i, n;
    uint8_t      text[256];
    chat_json_t  value;

    (void) state;

    for (i = 0; i < chat_test_count(good); i++) {
        n = good[i].len;

        memcpy(text, "{\"k\":[", 6);
        memcpy(text + 6, good[i].data, n);
        memcpy(text + 6 + n, "]}", 2);

        chat_test_case((const char *) good[i].data,
                       parse((chat_str_t) { text, n + 8 },
                             CHAT_JSON_MAX_DEPTH, &value)
                       == CHAT_OK);
    }

    for (i = 0; i < chat_test_count(bad); i++) {
        n = bad[i].len;

        memcpy(text, "{\"k\":", 5);
        memcpy(text + 5, bad[i].data, n);
        memcpy(text + 5 + n, "}", 1);

        chat_test_case((const char *) bad[i].data,
                       parse((chat_str_t) { text, n + 6 },
                             CHAT_JSON_MAX_DEPTH, &value)
                       == CHAT_ERROR);
    }
}


static void
surrogates_come_in_pairs(void **state)
{
    size_t        i;
    chat_rc_e     rc;
    chat_json_t   value;
    const char   *reason;

    (void) state;

    for (i = 0; i < chat_test_count(surrogates); i++) {
        rc = chat_json_parse(surrogates[i].text, 1, &value, &reason);

        if (surrogates[i].reason == NULL) {
            chat_test_case((const char *) surrogates[i].text.data,
                           rc == CHAT_OK);
            continue;
        }

        chat_test_case((const char *) surrogates[i].text.data,
                       rc == (strcmp(surrogates[i].reason, LONE) == 0
                              ? CHAT_DECLINED : CHAT_ERROR));
        assert_string_equal(reason, surrogates[i].reason);
    }
}


/* in memory of exactly its size: nothing may be read beyond the cut */

static void
no_beginning_of_surrogates_is_json(void **state)
{
    size_t       i, n;
    chat_str_t   cut;
    chat_json_t  value;

    (void) state;

    for (i = 0; i < chat_test_count(surrogates); i++) {
        cut = surrogates[i].text;

        for (n = 0; n < surrogates[i].text.len; n++) {
            cut.len = n;
            chat_test_case((const char *) surrogates[i].text.data,
                           parse(cut, 1, &value) == CHAT_ERROR);
        }
    }
}


static void
a_value_is_its_exact_bytes(void **state)
{
    size_t       i;
    chat_json_t  value;

    static const struct {
        const char        *text;
        const char        *raw;
        chat_json_type_e   type;
    } cases[] = {
        { " {\"a\": 1 }\n", "{\"a\": 1 }", CHAT_JSON_OBJECT },
        { "\t[ 1 , 2 ] ", "[ 1 , 2 ]", CHAT_JSON_ARRAY },
        { " \"\\u0061\" ", "\"\\u0061\"", CHAT_JSON_STRING },
        { " 12345678901234567890 ", "12345678901234567890",
          CHAT_JSON_NUMBER },
        { "-0.10", "-0.10", CHAT_JSON_NUMBER },
        { "1e2\r\n", "1e2", CHAT_JSON_NUMBER },
        { "\n\n true", "true", CHAT_JSON_TRUE },
        { "false ", "false", CHAT_JSON_FALSE },
        { "null", "null", CHAT_JSON_NULL },
    };

    (void) state;

    for (i = 0; i < chat_test_count(cases); i++) {
        assert_int_equal(parse(chat_test_str(cases[i].text), 1, &value),
                         CHAT_OK);
        assert_int_equal(value.type, cases[i].type);
        assert_int_equal(value.raw.len, strlen(cases[i].raw));
        assert_memory_equal(value.raw.data, cases[i].raw, value.raw.len);
    }
}


static void
no_beginning_of_a_container_or_string_is_json(void **state)
{
    size_t       i, n;
    chat_str_t   cut;
    chat_json_t  value;

    static const char *const  texts[] = {
        "{\"type\":\"message.send\",\"id\":7,\"data\":{\"conversationId\":"
        "\"lobby\",\"content\":{\"type\":\"text\",\"text\":\"\\u00e4\xc3\xa4"
        "\\ud83d\\ude00 \\\\\",\"n\":[0.1,1e2,12345678901234567890]}}}",
        "[ [ ] , { } , true , false , null , -1.5E-7 ]",
        "\"a \\\" b \\\\ \\u0041 \xf0\x9f\x98\x80\"",
    };

    (void) state;

    for (i = 0; i < chat_test_count(texts); i++) {
        cut = chat_test_str(texts[i]);
        assert_int_equal(parse(cut, CHAT_JSON_MAX_DEPTH, &value), CHAT_OK);

        for (n = 0; n < strlen(texts[i]); n++) {
            cut.len = n;
            assert_int_equal(parse(cut, CHAT_JSON_MAX_DEPTH, &value),
                             CHAT_ERROR);
        }
    }
}


static void
no_single_wrong_byte_is_followed_out_of_bounds(void **state)
{
    size_t       i, n;
    uint8_t      text[128];
    unsigned     c;
    chat_json_t  value;

    static const char  request[] =
        "{\"a\":[1,-2.5e3,\"x\\u0041\\n\",{\"b\":null}],\"c\":true}";

    (void) state;

    n = sizeof(request) - 1;

    for (i = 0; i < n; i++) {

        for (c = 0; c < 256; c++) {
            memcpy(text, request, n);
            text[i] = c;

            if (parse((chat_str_t) { text, n }, CHAT_JSON_MAX_DEPTH, &value)
                == CHAT_OK)
            {
                assert_int_equal(value.raw.len, n - (i == n - 1 && c <= ' '));
            }
        }
    }
}


static void
depth_is_bounded(void **state)
{
    char         text[2 * CHAT_JSON_MAX_DEPTH + 4];
    unsigned     depth, n, i;
    chat_json_t  value;

    (void) state;

    for (n = 1; n <= CHAT_JSON_MAX_DEPTH + 1; n++) {

        for (i = 0; i < n; i++) {
            text[i] = '[';
            text[2 * n - 1 - i] = ']';
        }

        for (depth = 0; depth <= CHAT_JSON_MAX_DEPTH; depth++) {
            assert_int_equal(parse((chat_str_t) { (uint8_t *) text, 2 * n },
                                   depth, &value),
                             n <= depth ? CHAT_OK : CHAT_ERROR);
        }
    }

    /* side by side is not deep, and a scalar is not deep at all */

    assert_int_equal(parse(chat_str("[[],[],{}]"), 2, &value), CHAT_OK);
    assert_int_equal(parse(chat_str("[[],[],{\"a\":{}}]"), 2, &value),
                     CHAT_ERROR);
    assert_int_equal(parse(chat_str("1"), 0, &value), CHAT_OK);
    assert_int_equal(parse(chat_str("{}"), 0, &value), CHAT_ERROR);
}


static void
kinds_of_containers_are_remembered_at_full_depth(void **state)
{
    char         text[8 * CHAT_JSON_MAX_DEPTH];
    size_t       len;
    unsigned     i;
    chat_json_t  value;

    (void) state;

    /* [{"a":[{"a": ... ]}]} with its ends in the right order, then not */

    len = 0;

    for (i = 0; i < CHAT_JSON_MAX_DEPTH; i++) {
        len += snprintf(text + len, sizeof(text) - len, "%s",
                        i % 2 == 0 ? "[" : "{\"a\":");
    }

    text[len++] = '1';

    for (i = CHAT_JSON_MAX_DEPTH; i > 0; i--) {
        text[len++] = (i - 1) % 2 == 0 ? ']' : '}';
    }

    assert_int_equal(parse((chat_str_t) { (uint8_t *) text, len },
                           CHAT_JSON_MAX_DEPTH, &value),
                     CHAT_OK);

    for (i = 1; i <= CHAT_JSON_MAX_DEPTH; i++) {
        text[len - i] ^= ']' ^ '}';
        assert_int_equal(parse((chat_str_t) { (uint8_t *) text, len },
                               CHAT_JSON_MAX_DEPTH, &value),
                         CHAT_ERROR);
        text[len - i] ^= ']' ^ '}';
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(what_is_json_is_accepted),
        cmocka_unit_test(what_is_none_is_refused),
        cmocka_unit_test(inside_of_others_it_is_judged_alike),
        cmocka_unit_test(surrogates_come_in_pairs),
        cmocka_unit_test(no_beginning_of_surrogates_is_json),
        cmocka_unit_test(a_value_is_its_exact_bytes),
        cmocka_unit_test(no_beginning_of_a_container_or_string_is_json),
        cmocka_unit_test(no_single_wrong_byte_is_followed_out_of_bounds),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(kinds_of_containers_are_remembered_at_full_depth),
    };

    return cmocka_run_group_tests_name("chat_json_parse", tests, NULL, NULL);
}
