#include "chat_test_token.h"


#define X64     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"                            \
                "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"


static void
a_good_token_is_read(void **state)
{
    fixture_t     *f = *state;
    const char    *reason;
    chat_token_t   t;

    assert_int_equal(check_made(f, HEAD,
                                "{\"sub\":\"ad\\u0061\",\"exp\":1795319999.9,"
                                "\"tid\":\"acme\",\"name\":\"Ad\xc3\xa4 L.\","
                                "\"roles\":[\"admin\",\"r\\u00e4\"],"
                                "\"sid\":\"s/1\",\"jti\":\"j~1\","
                                "\"nbf\":1795319050,\"iat\":1795319050.5,"
                                "\"iss\":\"me\",\"aud\":[1,\"you\"],"
                                "\"x\":{\"sub\":\"eve\"}}",
                                &t, &reason),
                     CHAT_OK);

    assert_true(text_is(t.user, t.user_len, "ada"));
    assert_true(text_is(t.tenant, t.tenant_len, "acme"));
    assert_true(text_is(t.name, t.name_len, "Ad\xc3\xa4 L."));
    assert_true(text_is(t.sid, t.sid_len, "s/1"));
    assert_true(text_is(t.jti, t.jti_len, "j~1"));
    assert_int_equal(t.exp, 1795319999);
    assert_true(t.has_iat);
    assert_int_equal(t.iat, 1795319050);
    assert_int_equal(t.nroles, 2);
    assert_true(chat_token_has_role(&t, "admin"));
    assert_true(chat_token_has_role(&t, "r\xc3\xa4"));
    assert_false(chat_token_has_role(&t, "adm"));
    assert_false(chat_token_has_role(&t, "admins"));
    assert_false(chat_token_has_role(&t, ""));
}


static void
the_least_that_a_token_needs(void **state)
{
    fixture_t     *f = *state;
    const char    *reason;
    chat_token_t   t;

    assert_int_equal(check_made(f, "{\"alg\":\"HS256\"}", "{" CLAIMS "}", &t,
                                &reason),
                     CHAT_OK);

    assert_true(text_is(t.user, t.user_len, "ada"));
    assert_true(text_is(t.tenant, t.tenant_len, "default"));
    assert_int_equal(t.name_len, 0);
    assert_int_equal(t.sid_len, 0);
    assert_int_equal(t.jti_len, 0);
    assert_int_equal(t.nroles, 0);
    assert_int_equal(t.exp, 1795319999);
    assert_false(t.has_iat);
    assert_int_equal(t.iat, 0);
}


static void
claims_are_judged(void **state)
{
    size_t         i;
    fixture_t     *f = *state;
    const char    *reason;
    chat_rc_e      rc;
    chat_token_t   t;

    static const struct {
        const char  *claims;
        const char  *reason;            /* NULL: good */
    } cases[] = {
        { "{" CLAIMS "}", NULL },
        { "{" CLAIMS ",\"tid\":null,\"name\":null,\"roles\":null,"
          "\"sid\":null,\"jti\":null,\"nbf\":null,\"iat\":null,\"iss\":null,"
          "\"aud\":null}", NULL },

        /* exp: now is 1795319050, leeway 5 */
        { "{\"sub\":\"a\"}", "exp" },
        { "{\"sub\":\"a\",\"exp\":null}", "exp" },
        { "{\"sub\":\"a\",\"exp\":\"1795319999\"}", "exp" },
        { "{\"sub\":\"a\",\"exp\":true}", "exp" },
        { "{\"sub\":\"a\",\"exp\":1e10}", "exp" },
        { "{\"sub\":\"a\",\"exp\":1E10}", "exp" },
        { "{\"sub\":\"a\",\"exp\":9007199254740992}", "exp" },
        { "{\"sub\":\"a\",\"exp\":99999999999999999999999}", "exp" },
        { "{\"sub\":\"a\",\"exp\":9007199254740991}", NULL },
        { "{\"sub\":\"a\",\"exp\":1795319046}", NULL },
        { "{\"sub\":\"a\",\"exp\":1795319046.001}", NULL },
        { "{\"sub\":\"a\",\"exp\":1795319045.999}", "expired" },
        { "{\"sub\":\"a\",\"exp\":1795319045}", "expired" },
        { "{\"sub\":\"a\",\"exp\":0}", "expired" },
        { "{\"sub\":\"a\",\"exp\":-1795319999}", "expired" },
        { "{\"sub\":\"a\",\"exp\":-0.5}", "expired" },
        { "{\"sub\":\"a\",\"exp\":1795319999,\"exp\":1795319999}", "twice" },

        /* nbf, iat */
        { "{" CLAIMS ",\"nbf\":1795319055}", NULL },
        { "{" CLAIMS ",\"nbf\":1795319055.9}", NULL },
        { "{" CLAIMS ",\"nbf\":1795319056}", "not valid yet" },
        { "{" CLAIMS ",\"nbf\":-5}", NULL },
        { "{" CLAIMS ",\"nbf\":\"0\"}", "nbf" },
        { "{" CLAIMS ",\"nbf\":1e3}", "nbf" },
        { "{" CLAIMS ",\"nbf\":0,\"nbf\":0}", "twice" },
        { "{" CLAIMS ",\"iat\":1895319056}", NULL },
        { "{" CLAIMS ",\"iat\":\"now\"}", "iat" },
        { "{" CLAIMS ",\"iat\":true}", "iat" },
        { "{" CLAIMS ",\"iat\":1e9}", "iat" },
        { "{" CLAIMS ",\"iat\":0,\"iat\":0}", "twice" },

        /* sub */
        { "{\"exp\":1795319999}", "sub" },
        { "{\"exp\":1795319999,\"sub\":null}", "sub" },
        { "{\"exp\":1795319999,\"sub\":\"\"}", "sub" },
        { "{\"exp\":1795319999,\"sub\":7}", "sub" },
        { "{\"exp\":1795319999,\"sub\":\"a b\"}", "sub" },
        { "{\"exp\":1795319999,\"sub\":\"a/b\"}", "sub" },
        { "{\"exp\":1795319999,\"sub\":\"a\\u0000\"}", "sub" },
        { "{\"exp\":1795319999,\"sub\":\"\\u00e4\"}", "sub" },
        { "{\"exp\":1795319999,\"sub\":\"" X64 "\"}", NULL },
        { "{\"exp\":1795319999,\"sub\":\"" X64 "x\"}", "sub" },
        { "{" CLAIMS ",\"sub\":\"eve\"}", "twice" },
        { "{" CLAIMS ",\"s\\u0075b\":\"eve\"}", "twice" },

        /* tid */
        { "{" CLAIMS ",\"tid\":\"" X64 "\"}", NULL },
        { "{" CLAIMS ",\"tid\":\"" X64 "x\"}", "tid" },
        { "{" CLAIMS ",\"tid\":\"\"}", "tid" },
        { "{" CLAIMS ",\"tid\":\"a/b\"}", "tid" },
        { "{" CLAIMS ",\"tid\":\"" CHAT_NAME_OWN_TENANT "\"}", "tid" },
        { "{" CLAIMS ",\"tid\":[\"a\"]}", "tid" },

        /* sid, jti */
        { "{" CLAIMS ",\"sid\":\"" X64 "\",\"jti\":\"" X64 "\"}", NULL },
        { "{" CLAIMS ",\"sid\":\"" X64 "x\"}", "sid" },
        { "{" CLAIMS ",\"sid\":\"\"}", "sid" },
        { "{" CLAIMS ",\"sid\":\"a\\n\"}", "sid" },
        { "{" CLAIMS ",\"sid\":1}", "sid" },
        { "{" CLAIMS ",\"jti\":\"" X64 "x\"}", "jti" },
        { "{" CLAIMS ",\"jti\":\"\\u00e4\"}", "jti" },
        { "{" CLAIMS ",\"jti\":{}}", "jti" },

        /* name */
        { "{" CLAIMS ",\"name\":\"\"}", NULL },
        { "{" CLAIMS ",\"name\":\"" X64 X64 "\"}", NULL },
        { "{" CLAIMS ",\"name\":\"" X64 X64 "x\"}", "name" },
        { "{" CLAIMS ",\"name\":\"a\\tb\"}", "name" },
        { "{" CLAIMS ",\"name\":\"\\ud83d\\ude00\"}", NULL },
        { "{" CLAIMS ",\"name\":\"a\\u0000\"}", "name" },
        { "{" CLAIMS ",\"name\":5}", "name" },

        /* roles */
        { "{" CLAIMS ",\"roles\":[]}", NULL },
        { "{" CLAIMS ",\"roles\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\","
          "\"8\",\"9\",\"10\",\"11\",\"12\",\"13\",\"14\",\"15\",\"16\"]}",
          NULL },
        { "{" CLAIMS ",\"roles\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\","
          "\"8\",\"9\",\"10\",\"11\",\"12\",\"13\",\"14\",\"15\",\"16\","
          "\"17\"]}", "16 roles" },
        { "{" CLAIMS ",\"roles\":[\"" X64 "\"]}", NULL },
        { "{" CLAIMS ",\"roles\":[\"" X64 "x\"]}", "role" },
        { "{" CLAIMS ",\"roles\":[1]}", "role" },
        { "{" CLAIMS ",\"roles\":\"admin\"}", "roles" },
        { "{" CLAIMS ",\"roles\":{\"admin\":true}}", "roles" },

        /* not asked for, so not looked at */
        { "{" CLAIMS ",\"iss\":7,\"aud\":false}", NULL },
        { "{" CLAIMS ",\"iss\":7,\"iss\":7}", "twice" },

        /* the object */
        { "", "object" },
        { "[]", "object" },
        { "null", "object" },
        { "{" CLAIMS "}}", "object" },
        { "{" CLAIMS ",\"x\":\"\xc0\"}", "object" },
        { "{" CLAIMS ",\"name\":\"\\ud83d\"}", "object" },
        { "{" CLAIMS ",\"x\":\"\\ude00\\ud83d\"}", "object" },
        { "{" CLAIMS ",\"x\":[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]}", NULL },
        { "{" CLAIMS ",\"x\":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}", "object" },
    };

    for (i = 0; i < chat_test_count(cases); i++) {
        rc = check_made(f, HEAD, cases[i].claims, &t, &reason);

        if (cases[i].reason == NULL) {

            if (rc != CHAT_OK) {
                fail_msg("%s: %s", cases[i].claims, reason);
            }

            continue;
        }

        chat_test_case(cases[i].claims, rc == CHAT_DECLINED);

        if (strstr(reason, cases[i].reason) == NULL) {
            fail_msg("%s: told \"%s\"", cases[i].claims, reason);
        }
    }
}


static void
issuer_and_audience_are_demanded(void **state)
{
    size_t         i;
    fixture_t     *f = *state;
    const char    *reason;
    chat_token_t   t;

    static const struct {
        const char  *claims;
        bool         good;
    } cases[] = {
        { "{" CLAIMS ",\"iss\":\"me\",\"aud\":\"you\"}", true },
        { "{" CLAIMS ",\"iss\":\"m\\u0065\",\"aud\":[\"they\",\"you\"]}",
          true },
        { "{" CLAIMS ",\"iss\":\"me\",\"aud\":[7,null,\"you\"]}", true },
        { "{" CLAIMS "}", false },
        { "{" CLAIMS ",\"iss\":\"me\"}", false },
        { "{" CLAIMS ",\"aud\":\"you\"}", false },
        { "{" CLAIMS ",\"iss\":\"Me\",\"aud\":\"you\"}", false },
        { "{" CLAIMS ",\"iss\":\"mee\",\"aud\":\"you\"}", false },
        { "{" CLAIMS ",\"iss\":[\"me\"],\"aud\":\"you\"}", false },
        { "{" CLAIMS ",\"iss\":\"me\",\"aud\":\"yo\"}", false },
        { "{" CLAIMS ",\"iss\":\"me\",\"aud\":[]}", false },
        { "{" CLAIMS ",\"iss\":\"me\",\"aud\":[\"they\"]}", false },
        { "{" CLAIMS ",\"iss\":\"me\",\"aud\":[[\"you\"]]}", false },
        { "{" CLAIMS ",\"iss\":\"me\",\"aud\":{\"you\":\"you\"}}", false },
    };

    f->check.issuer = chat_str("me");
    f->check.audience = chat_str("you");

    for (i = 0; i < chat_test_count(cases); i++) {
        chat_test_case(cases[i].claims,
                       check_made(f, HEAD, cases[i].claims, &t, &reason)
                       == (cases[i].good ? CHAT_OK : CHAT_DECLINED));
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        token_test(a_good_token_is_read),
        token_test(the_least_that_a_token_needs),
        token_test(claims_are_judged),
        token_test(issuer_and_audience_are_demanded),
    };

    return cmocka_run_group_tests_name("chat_token_claims", tests, NULL, NULL);
}
