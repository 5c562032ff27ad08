#include "chat_test_token.h"
#include "chat_test_memory.h"


#define X64     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"                            \
                "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"


static void
heads_are_judged(void **state)
{
    size_t         i;
    fixture_t     *f = *state;
    const char    *reason;
    chat_rc_e      rc;
    chat_token_t   t;

    static const struct {
        const char  *head;
        const char  *reason;            /* NULL: good */
    } cases[] = {
        { HEAD, NULL },
        { "{\"alg\":\"HS256\",\"typ\":\"jwt\"}", NULL },
        { "{\"alg\":\"HS256\",\"typ\":\"at+JWT\"}", NULL },
        { "{\"alg\":\"HS256\",\"typ\":null,\"kid\":null}", NULL },
        { " {\"\\u0061lg\" : \"HS\\u003256\",\"kid\":\"any\",\"x\":1}", NULL },
        { "{\"typ\":\"JWT\"}", "algorithm" },
        { "{\"alg\":null}", "algorithm" },
        { "{\"alg\":1}", "algorithm" },
        { "{\"alg\":\"none\"}", "algorithm" },
        { "{\"alg\":\"None\"}", "algorithm" },
        { "{\"alg\":\"\"}", "algorithm" },
        { "{\"alg\":\"hs256\"}", "algorithm" },
        { "{\"alg\":\"HS512\"}", "algorithm" },
        { "{\"alg\":\"RS256\"}", "algorithm" },
        { "{\"alg\":[\"HS256\"]}", "algorithm" },
        { "{\"alg\":\"HS256HS256HS256HS256\"}", "algorithm" },
        { "{\"alg\":\"HS256\",\"alg\":\"HS256\"}", "twice" },
        { "{\"alg\":\"none\",\"\\u0061lg\":\"HS256\"}", "twice" },
        { "{\"alg\":\"HS256\",\"kid\":\"a\",\"kid\":\"a\"}", "twice" },
        { "{\"alg\":\"HS256\",\"crit\":[\"x\"],\"crit\":1}", "extension" },
        { "{\"alg\":\"HS256\",\"typ\":\"JWS\"}", "type" },
        { "{\"alg\":\"HS256\",\"typ\":\"JWT2\"}", "type" },
        { "{\"alg\":\"HS256\",\"typ\":\"\"}", "type" },
        { "{\"alg\":\"HS256\",\"typ\":7}", "type" },
        { "{\"alg\":\"HS256\",\"typ\":\"secevent+jwt\"}", "type" },
        { "{\"alg\":\"HS256\",\"crit\":[\"exp\"]}", "extension" },
        { "{\"alg\":\"HS256\",\"crit\":null}", "extension" },
        { "{\"alg\":\"HS256\",\"b64\":false}", "extension" },
        { "{\"alg\":\"HS256\",\"b64\":true}", "extension" },
        { "{\"alg\":\"HS256\",\"jwk\":{}}", "extension" },
        { "{\"alg\":\"HS256\",\"jku\":\"https://x\"}", "extension" },
        { "{\"alg\":\"HS256\",\"x5c\":[]}", "extension" },
        { "{\"alg\":\"HS256\",\"x5u\":\"https://x\"}", "extension" },
        { "{\"alg\":\"HS256\",\"kid\":5}", "kid" },
        { "{\"alg\":\"HS256\",\"kid\":\"" X64 X64 "\"}", NULL },
        { "{\"alg\":\"HS256\",\"kid\":\"" X64 X64 "x\"}", "kid" },
        { "[\"HS256\"]", "object" },
        { "\"HS256\"", "object" },
        { "", "object" },
        { "{", "object" },
        { "{\"alg\":\"HS256\"}x", "object" },
        { "{\"alg\":\"HS256\",\"x\":\"\xff\"}", "object" },
        { "{\"alg\":\"HS256\",\"x\":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}",
          "object" },
    };

    for (i = 0; i < chat_test_count(cases); i++) {
        rc = check_made(f, cases[i].head, "{" CLAIMS "}", &t, &reason);

        if (cases[i].reason == NULL) {
            chat_test_case(cases[i].head, rc == CHAT_OK);
            continue;
        }

        chat_test_case(cases[i].head, rc == CHAT_DECLINED);

        if (strstr(reason, cases[i].reason) == NULL) {
            fail_msg("%s: told \"%s\"", cases[i].head, reason);
        }
    }
}


static void
forms_are_judged(void **state)
{
    size_t         i, len;
    char           good[512], text[1024];
    fixture_t     *f = *state;
    const char    *reason;
    chat_token_t   t;

    static const char *const  forms[] = {
        "", ".", "..", "...", "a", "a.b", ".a.b", "a..b",
        "eyJhbGciOiJIUzI1NiJ9", "eyJhbGciOiJIUzI1NiJ9.",
        "eyJhbGciOiJIUzI1NiJ9..", "eyJhbGciOiJub25lIn0.e30.",
        "eyJhbGciOiJIUzI1NiJ9.e30.AAAA", "Bearer x.y.z"
    };

    static const struct {
        const char  *before;
        const char  *after;
    } around[] = {
        { "", "=" }, { "", " " }, { " ", "" }, { "", "\n" }, { "", "." },
        { ".", "" }, { "", ".x" }, { "", "A" }, { "", "AAAA" }, { "A", "" }
    };

    for (i = 0; i < chat_test_count(forms); i++) {
        chat_test_case(forms[i],
                       check(f, forms[i], strlen(forms[i]), &t, &reason)
                       == CHAT_DECLINED);
    }

    (void) make(good, HEAD, "{" CLAIMS "}", secret);

    for (i = 0; i < chat_test_count(around); i++) {
        len = snprintf(text, sizeof(text), "%s%s%s", around[i].before, good,
                       around[i].after);
        assert_int_equal(check(f, text, len, &t, &reason), CHAT_DECLINED);
    }
}


/* the last digit of a signature of 32 bytes holds two bits that are nothing */

static void
a_token_has_one_form_only(void **state)
{
    char           text[512];
    size_t         len;
    unsigned       good, i;
    fixture_t     *f = *state;
    const char    *reason, *digit;
    chat_token_t   t;

    static const char  digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    len = make(text, HEAD, "{" CLAIMS "}", secret);
    digit = strchr(digits, text[len - 1]);
    good = digit - digits;

    assert_int_equal(good % 4, 0);

    for (i = good; i < good + 4; i++) {
        text[len - 1] = digits[i];
        assert_int_equal(check(f, text, len, &t, &reason),
                         i == good ? CHAT_OK : CHAT_DECLINED);
    }
}


static void
no_beginning_and_no_changed_byte_is_a_token(void **state)
{
    char           text[512];
    size_t         i, len;
    fixture_t     *f = *state;
    const char    *reason;
    chat_token_t   t;

    len = make(text, HEAD, "{" CLAIMS ",\"roles\":[\"a\"]}", secret);
    assert_int_equal(check(f, text, len, &t, &reason), CHAT_OK);

    for (i = 0; i < len; i++) {
        assert_int_equal(check(f, text, i, &t, &reason), CHAT_DECLINED);

        text[i] ^= 0x01;
        assert_int_equal(check(f, text, len, &t, &reason), CHAT_DECLINED);
        text[i] ^= 0x01;

        text[i] ^= 0x80;
        assert_int_equal(check(f, text, len, &t, &reason), CHAT_DECLINED);
        text[i] ^= 0x80;
    }
}


/* base64 in its plain alphabet, though the signature over it is right */

static void
signed_parts_must_be_base64url_too(void **state)
{
    size_t         i, len;
    char           text[512];
    fixture_t     *f = *state;
    const char    *reason;
    chat_token_t   t;

    static const char *const  parts[] = {
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIiwiZXhwIjoxNzk1MzE5OTk5fQ=",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIiwiZXhwIjoxNzk1MzE5OTk5fR",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIiwi ZXhwIjoxNzk1MzE5OTk5fQ",
        "eyJhbGciOiJIUzI1NiJ9=.eyJzdWIiOiJhIiwiZXhwIjoxNzk1MzE5OTk5fQ",
        "eyJhbGciOiJIUzI1NiJ9\n.eyJzdWIiOiJhIiwiZXhwIjoxNzk1MzE5OTk5fQ",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIiwiZXhwIjoxNzk1MzE5OTk5fQA",
        "eyJhbGciOiJIUzI1NiJ9.",
        ".eyJzdWIiOiJhIiwiZXhwIjoxNzk1MzE5OTk5fQ",
    };

    len = snprintf(text, sizeof(text),
                   "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIiwiZXhwIjoxNzk1MzE5OTk5"
                   "fQ");
    len = sign(text, len, secret);
    assert_int_equal(check(f, text, len, &t, &reason), CHAT_OK);

    for (i = 0; i < chat_test_count(parts); i++) {
        len = snprintf(text, sizeof(text), "%s", parts[i]);
        len = sign(text, len, secret);
        chat_test_case(parts[i],
                       check(f, text, len, &t, &reason) == CHAT_DECLINED);
    }
}


static void
a_token_is_8192_bytes_at_most(void **state)
{
    char          *claims;
    char           text[16384];
    size_t         len, n;
    bool           longest;
    fixture_t     *f = *state;
    const char    *reason;
    chat_rc_e      rc;
    chat_token_t   t;

    claims = calloc(1, 8192);
    assert_non_null(claims);

    longest = false;

    for (n = 5900; n < 6200; n++) {
        snprintf(claims, 8192, "{" CLAIMS ",\"x\":\"%0*d\"}", (int) n - 50, 0);

        len = make(text, HEAD, claims, secret);
        rc = check(f, text, len, &t, &reason);
        assert_int_equal(rc, len <= 8192 ? CHAT_OK : CHAT_DECLINED);

        longest = longest || len == 8192;
    }

    assert_true(longest);
    free(claims);
}


static void
the_example_of_the_rfc_has_no_user(void **state)
{
    fixture_t     *f = *state;
    const char    *reason;
    chat_token_t   t;

    /* RFC 7515, A.1; its secret is random bytes */

    static const uint8_t  rfc_secret[] = {
        3, 35, 53, 75, 43, 15, 165, 188, 131, 126, 6, 101, 119, 123, 166, 143,
        90, 179, 40, 230, 240, 84, 201, 40, 169, 15, 132, 178, 210, 80, 46,
        191, 211, 251, 90, 146, 210, 6, 71, 239, 150, 138, 180, 195, 119, 98,
        61, 34, 61, 46, 33, 114, 5, 46, 79, 8, 192, 205, 154, 245, 103, 208,
        128, 163
    };

    static const char  text[] =
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
        "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt"
        "cGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
        "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

    f->keys[1] = chat_key_create_secret(chat_str(""),
                                        (chat_str_t) { rfc_secret,
                                                       sizeof(rfc_secret) },
                                        &reason);
    assert_non_null(f->keys[1]);
    f->check.nkeys = 2;

    assert_int_equal(check(f, text, strlen(text), &t, &reason),
                     CHAT_DECLINED);
    assert_non_null(strstr(reason, "expired"));

    f->check.now = 1300819379;
    assert_int_equal(check(f, text, strlen(text), &t, &reason),
                     CHAT_DECLINED);
    assert_non_null(strstr(reason, "sub"));
}


/* whatever OpenSSL answers to a lack of memory, it is never "good" by error */

static void
a_check_without_memory_is_an_error(void **state)
{
    int            n;
    char           text[512];
    size_t         len;
    fixture_t     *f = *state;
    const char    *reason;
    chat_rc_e      rc;
    chat_token_t   t;

    len = make(text, HEAD, "{" CLAIMS "}", other_secret);
    n = -1;

    do {
        chat_test_memory_left = ++n;
        rc = chat_token_check(&t, (chat_str_t) { (uint8_t *) text, len },
                              &f->check, &reason);
        chat_test_memory_left = -1;

        assert_int_not_equal(rc, CHAT_OK);

    } while (rc == CHAT_ERROR);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        token_test(heads_are_judged),
        token_test(forms_are_judged),
        token_test(a_token_has_one_form_only),
        token_test(no_beginning_and_no_changed_byte_is_a_token),
        token_test(signed_parts_must_be_base64url_too),
        token_test(a_token_is_8192_bytes_at_most),
        token_test(the_example_of_the_rfc_has_no_user),
        token_test(a_check_without_memory_is_an_error),
    };

    if (!chat_test_memory_init()) {
        return 1;
    }

    return cmocka_run_group_tests_name("chat_token", tests, NULL, NULL);
}
