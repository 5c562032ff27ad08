#include "chat_test.h"
#include "chat_test_key.h"
#include "chat_test_memory.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "chat_token.h"


#define NOW     UINT64_C(1795319050)
#define HEAD    "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"
#define CLAIMS  "\"sub\":\"ada\",\"exp\":1795319999"

#define X64     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"                            \
                "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"


static const char  secret[] = "0123456789abcdef0123456789abcdef";
static const char  other_secret[] = "fedcba9876543210fedcba9876543210";


/* the keys and what to check, anew for each test */

typedef struct {
    chat_key_t          *keys[2];
    chat_token_check_t   check;
} fixture_t;


static chat_key_t *
create_key(const char *kid, const char *text)
{
    chat_key_t  *key;
    const char  *reason;

    key = chat_key_create_secret(chat_test_str(kid),
                                 chat_test_str(text), &reason);
    assert_non_null(key);

    return key;
}


static int
setup(void **state)
{
    fixture_t  *f;

    f = calloc(1, sizeof(*f));
    assert_non_null(f);

    f->keys[0] = create_key("", secret);
    f->check.keys = f->keys;
    f->check.nkeys = 1;
    f->check.now = NOW;
    f->check.leeway = 5;

    *state = f;

    return 0;
}


static int
teardown(void **state)
{
    fixture_t  *f = *state;

    chat_key_free(f->keys[0]);
    chat_key_free(f->keys[1]);
    free(f);

    return 0;
}


/* base64url; returns the length */

static size_t
encode(char *dst, const void *src, size_t len)
{
    size_t  n;

    n = EVP_EncodeBlock((unsigned char *) dst, src, (int) len);

    while (n > 0 && dst[n - 1] == '=') {
        n--;
    }

    dst[n] = '\0';

    for (len = 0; len < n; len++) {
        dst[len] = dst[len] == '+' ? '-' : dst[len] == '/' ? '_' : dst[len];
    }

    return n;
}


/* signs head.claims as they are; returns the length of the token */

static size_t
sign(char *token, size_t len, const char *key)
{
    unsigned       n;
    unsigned char  mac[EVP_MAX_MD_SIZE];

    assert_non_null(HMAC(EVP_sha256(), key, (int) strlen(key),
                         (unsigned char *) token, len, mac, &n));

    token[len++] = '.';

    return len + encode(token + len, mac, n);
}


static size_t
make(char *token, const char *head, const char *claims, const char *key)
{
    size_t  len;

    len = encode(token, head, strlen(head));
    token[len++] = '.';
    len += encode(token + len, claims, strlen(claims));

    return sign(token, len, key);
}


static chat_rc_e
check(fixture_t *f, const char *text, size_t len, chat_token_t *token,
    const char **reason)
{
    uint8_t    *copy;
    chat_rc_e   rc;

    copy = chat_test_copy(text, len);
    *reason = NULL;

    rc = chat_token_check(token, (chat_str_t) { copy, len }, &f->check,
                          reason);

    free(copy);

    if (rc != CHAT_OK) {
        assert_non_null(*reason);

        /* nothing of a refused token is left over */

        assert_int_equal(token->user_len, 0);
        assert_int_equal(token->user[0], 0);
        assert_int_equal(token->exp, 0);
    }

    return rc;
}


static chat_rc_e
check_made(fixture_t *f, const char *head, const char *claims,
    chat_token_t *token, const char **reason)
{
    char    text[16384];
    size_t  len;

    len = make(text, head, claims, secret);

    return check(f, text, len, token, reason);
}


static bool
text_is(const uint8_t *data, size_t len, const char *text)
{
    return len == strlen(text) && memcmp(data, text, len) == 0;
}


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


#define token_test(name)  cmocka_unit_test_setup_teardown(name, setup, teardown)


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        token_test(a_good_token_is_read),
        token_test(the_least_that_a_token_needs),
        token_test(heads_are_judged),
        token_test(claims_are_judged),
        token_test(issuer_and_audience_are_demanded),
        token_test(kid_picks_among_our_keys),
        token_test(an_unknown_kid_is_told),
        token_test(eight_keys_are_tried),
        token_test(keys_of_a_set_count_too),
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
