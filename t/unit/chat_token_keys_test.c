#include "chat_test_key.h"
#include "chat_test_token.h"


static void
kid_picks_among_our_keys(void **state)
{
    size_t         i, len;
    char           text[1024];
    fixture_t     *f = *state;
    const char    *reason;
    chat_rc_e      rc;
    chat_token_t   t;

    static const struct {
        const char  *kids[2];           /* of our keys */
        const char  *head;
        const char  *key;               /* that it is signed with */
        const char  *reason;            /* NULL: good */
    } cases[] = {
        { { "a", "b" }, "{\"alg\":\"HS256\",\"kid\":\"a\"}", secret, NULL },
        { { "a", "b" }, "{\"alg\":\"HS256\",\"kid\":\"b\"}", other_secret,
          NULL },
        { { "a", "b" }, "{\"alg\":\"HS256\",\"kid\":\"\\u0062\"}",
          other_secret, NULL },
        { { "a", "b" }, "{\"alg\":\"HS256\"}", secret, NULL },
        { { "a", "b" }, "{\"alg\":\"HS256\"}", other_secret, NULL },
        { { "a", "b" }, "{\"alg\":\"HS256\",\"kid\":\"a\"}", other_secret,
          "signature" },
        { { "a", "b" }, "{\"alg\":\"HS256\",\"kid\":\"c\"}", secret,
          "no key" },
        { { "a", "b" }, "{\"alg\":\"HS256\",\"kid\":\"ab\"}", secret,
          "no key" },
        { { "", "b" }, "{\"alg\":\"HS256\",\"kid\":\"c\"}", secret, NULL },
        { { "", "b" }, "{\"alg\":\"HS256\",\"kid\":\"b\"}", other_secret,
          NULL },
        { { "", "b" }, "{\"alg\":\"HS256\",\"kid\":\"b\"}", secret, NULL },
        { { "", "" }, "{\"alg\":\"HS256\",\"kid\":\"\"}", other_secret, NULL },
        { { "", "" }, "{\"alg\":\"HS256\"}", "another secret of 32 bytes or so",
          "signature" },
    };

    for (i = 0; i < chat_test_count(cases); i++) {
        chat_key_free(f->keys[0]);
        chat_key_free(f->keys[1]);

        f->keys[0] = create_key(cases[i].kids[0], secret);
        f->keys[1] = create_key(cases[i].kids[1], other_secret);
        f->check.nkeys = 2;

        len = make(text, cases[i].head, "{" CLAIMS "}", cases[i].key);
        rc = check(f, text, len, &t, &reason);

        if (cases[i].reason == NULL) {
            chat_test_case(cases[i].head, rc == CHAT_OK);
            continue;
        }

        chat_test_case(cases[i].head, rc == CHAT_DECLINED);
        chat_test_case(cases[i].head, strstr(reason, cases[i].reason) != NULL);
    }

    f->check.nkeys = 0;
    assert_int_equal(check_made(f, HEAD, "{" CLAIMS "}", &t, &reason),
                     CHAT_DECLINED);
}


/* a key that is not there is another matter than one that does not fit */

static void
an_unknown_kid_is_told(void **state)
{
    size_t         i, len;
    char           text[1024];
    fixture_t     *f = *state;
    const char    *reason;
    chat_token_t   t;

    static const struct {
        const char  *kids[2];
        const char  *head;
        const char  *key;
        bool         unknown;
    } cases[] = {
        { { "a", "b" }, "{\"alg\":\"HS256\",\"kid\":\"c\"}", secret, true },
        { { "a", "b" }, "{\"alg\":\"ES256\",\"kid\":\"c\"}", secret, true },
        { { "a", "" }, "{\"alg\":\"HS256\",\"kid\":\"c\"}", secret, true },
        { { "a", "" }, "{\"alg\":\"HS256\",\"kid\":\"c\"}", other_secret,
          false },
        { { "a", "b" }, "{\"alg\":\"HS256\",\"kid\":\"a\"}", secret, false },
        { { "a", "b" }, "{\"alg\":\"HS256\",\"kid\":\"a\"}", other_secret,
          false },
        { { "a", "b" }, "{\"alg\":\"ES256\",\"kid\":\"a\"}", secret, false },
        { { "a", "b" }, "{\"alg\":\"HS256\"}", "a secret of nobody at all, "
          "and long", false },
        { { "a", "b" }, "{\"alg\":\"none\",\"kid\":\"c\"}", secret, false },
        { { "a", "b" }, "{\"alg\":\"HS256\",\"kid\":\"c\",\"jwk\":1}", secret,
          false },
    };

    f->check.nkeys = 2;

    for (i = 0; i < chat_test_count(cases); i++) {
        chat_key_free(f->keys[0]);
        chat_key_free(f->keys[1]);

        f->keys[0] = create_key(cases[i].kids[0], secret);
        f->keys[1] = create_key(cases[i].kids[1], other_secret);

        f->check.unknown_kid = !cases[i].unknown;
        len = make(text, cases[i].head, "{" CLAIMS "}", cases[i].key);
        (void) check(f, text, len, &t, &reason);

        chat_test_case(cases[i].head,
                       f->check.unknown_kid == cases[i].unknown);
    }
}


/* what a token can cost is bounded; its own kid comes first */

static void
eight_keys_are_tried(void **state)
{
    size_t         i, len, right;
    char           text[1024], other[64];
    fixture_t     *f = *state;
    chat_key_t    *keys[12];
    const char    *reason;
    chat_token_t   t;

    for (right = 0; right < 12; right++) {

        for (i = 0; i < 12; i++) {
            snprintf(other, sizeof(other), "%s%zu", other_secret, i);
            keys[i] = create_key("", i == right ? secret : other);
        }

        f->check.keys = keys;
        f->check.nkeys = 12;

        len = make(text, HEAD, "{" CLAIMS "}", secret);
        assert_int_equal(check(f, text, len, &t, &reason),
                         right < CHAT_TOKEN_MAX_TRIED ? CHAT_OK
                                                      : CHAT_DECLINED);

        chat_key_free(keys[right]);
        keys[right] = create_key("me", secret);

        len = make(text, "{\"alg\":\"HS256\",\"kid\":\"me\"}",
                   "{" CLAIMS "}", secret);
        assert_int_equal(check(f, text, len, &t, &reason), CHAT_OK);

        for (i = 0; i < 12; i++) {
            chat_key_free(keys[i]);
        }
    }
}


/* the set comes after the keys, and both count */

static void
keys_of_a_set_count_too(void **state)
{
    size_t         len;
    char           text[1024];
    fixture_t     *f = *state;
    const char    *reason;
    chat_jwks_t   *set;
    chat_token_t   t;

    static const char  ed[] = RFC_ED_TEXT "." RFC_ED_SIGNATURE;

    set = chat_jwks_parse(chat_str("{\"keys\":[{\"kty\":\"OKP\",\"crv\":"
                                   "\"Ed25519\",\"x\":\"" RFC_ED_X "\"}]}"),
                          NULL, NULL, &reason);
    assert_non_null(set);

    assert_int_equal(check(f, ed, strlen(ed), &t, &reason), CHAT_DECLINED);
    assert_non_null(strstr(reason, "algorithm"));

    /* its claims are no JSON: it has come as far as that */

    f->check.jwks = set;
    assert_int_equal(check(f, ed, strlen(ed), &t, &reason), CHAT_DECLINED);
    assert_non_null(strstr(reason, "claims"));

    len = make(text, HEAD, "{" CLAIMS "}", secret);
    assert_int_equal(check(f, text, len, &t, &reason), CHAT_OK);

    f->check.nkeys = 0;
    assert_int_equal(check(f, text, len, &t, &reason), CHAT_DECLINED);
    assert_int_equal(check(f, ed, strlen(ed), &t, &reason), CHAT_DECLINED);
    assert_non_null(strstr(reason, "claims"));

    chat_jwks_free(set);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        token_test(kid_picks_among_our_keys),
        token_test(an_unknown_kid_is_told),
        token_test(eight_keys_are_tried),
        token_test(keys_of_a_set_count_too),
    };

    return cmocka_run_group_tests_name("chat_token_keys", tests, NULL, NULL);
}
