#include "chat_test.h"
#include "chat_test_key.h"
#include "chat_test_memory.h"

#include <openssl/err.h>

#include "chat_base64.h"
#include "chat_jwks.h"


#define RSA       "\"kty\":\"RSA\",\"n\":\"" RFC_RSA_N "\",\"e\":\"AQAB\""
#define EC        "\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" RFC_EC_X         \
                  "\",\"y\":\"" RFC_EC_Y "\""
#define ED        "\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" RFC_ED_X "\""

#define SET(keys)  "{\"keys\":[" keys "]}"

#define X64       "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"                          \
                  "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"


/* what was told of the keys that were passed over */

typedef struct {
    size_t  n;
    size_t  place;
    char    kid[CHAT_JWKS_MAX_KID + 1];
    char    reason[128];
} skipped_t;


static void
note(void *data, size_t place, chat_str_t kid, const char *reason)
{
    skipped_t  *s = data;

    s->n++;
    s->place = place;
    memset(s->kid, 0, sizeof(s->kid));
    memcpy(s->kid, kid.data, kid.len);
    snprintf(s->reason, sizeof(s->reason), "%s", reason);
}


static chat_jwks_t *
parse(const char *text, skipped_t *skipped, const char **reason)
{
    uint8_t      *copy;
    chat_jwks_t  *set;

    memset(skipped, 0, sizeof(*skipped));
    *reason = NULL;

    copy = chat_test_copy(text, strlen(text));
    set = chat_jwks_parse((chat_str_t) { copy, strlen(text) }, note, skipped,
                          reason);
    free(copy);

    assert_int_equal(set == NULL, *reason != NULL);
    assert_int_equal(ERR_peek_error(), 0);

    return set;
}


static void
assert_verifies(chat_key_t *key, const char *text, const char *encoded)
{
    size_t   len;
    uint8_t  signature[512];

    assert_int_equal(chat_base64_decode(chat_test_str(encoded), signature,
                                        sizeof(signature), &len), CHAT_OK);
    assert_int_equal(chat_key_verify(key, chat_test_str(text),
                                     (chat_str_t) { signature, len }),
                     CHAT_OK);

    signature[len - 1] ^= 1;
    assert_int_equal(chat_key_verify(key, chat_test_str(text),
                                     (chat_str_t) { signature, len }),
                     CHAT_DECLINED);
}


static void
the_keys_of_the_rfcs_verify_what_they_signed(void **state)
{
    size_t             n;
    skipped_t          skipped;
    const char        *reason;
    chat_jwks_t       *set;
    chat_key_t *const *keys;

    (void) state;

    set = parse(" {\"x\":1,\"keys\" : [ {" RSA ",\"kid\":\"r\"}, {" EC
                ",\"kid\":\"\\u0065\",\"use\":\"sig\",\"x5c\":[\"AAAA\"]},{" ED
                ",\"alg\":\"EdDSA\",\"key_ops\":[\"verify\",\"sign\"]}]}\n",
                &skipped, &reason);
    assert_non_null(set);
    assert_int_equal(skipped.n, 0);

    keys = chat_jwks_keys(set, &n);
    assert_int_equal(n, 3);

    assert_int_equal(chat_key_get_alg(keys[0]), CHAT_KEY_RS256);
    assert_memory_equal(chat_key_get_kid(keys[0]).data, "r", 1);
    assert_verifies(keys[0], RFC_RSA_TEXT, RFC_RSA_SIGNATURE);

    assert_int_equal(chat_key_get_alg(keys[1]), CHAT_KEY_ES256);
    assert_memory_equal(chat_key_get_kid(keys[1]).data, "e", 1);
    assert_verifies(keys[1], RFC_EC_TEXT, RFC_EC_SIGNATURE);

    assert_int_equal(chat_key_get_alg(keys[2]), CHAT_KEY_EDDSA);
    assert_int_equal(chat_key_get_kid(keys[2]).len, 0);
    assert_verifies(keys[2], RFC_ED_TEXT, RFC_ED_SIGNATURE);

    chat_jwks_free(set);
    chat_jwks_free(NULL);
}


static void
a_set_is_good_or_refused_as_a_whole(void **state)
{
    size_t        i;
    skipped_t     skipped;
    const char   *reason;
    chat_jwks_t  *set;

    static const struct {
        const char  *text;
        const char  *reason;            /* NULL: good */
    } cases[] = {
        { SET("{" ED "}"), NULL },
        { SET("{" ED "},{" ED "}"), NULL },
        { SET("{" RSA ",\"kid\":\"a\"},{" RSA ",\"kid\":\"a\","
              "\"alg\":\"PS256\"}"), NULL },
        { SET("{" RSA ",\"kid\":\"a\"},{" ED ",\"kid\":\"a\"}"), NULL },
        { SET("{" ED ",\"kid\":\"a\"},{" ED ",\"kid\":\"\\u0061\"}"),
          "same kid" },
        { "", "object" },
        { "null", "object" },
        { "[]", "object" },
        { "[{" ED "}]", "object" },
        { "{" ED "}", "keys" },
        { "{}", "keys" },
        { "{\"keys\":{}}", "keys" },
        { "{\"keys\":null}", "keys" },
        { "{\"Keys\":[{" ED "}]}", "keys" },
        { "{\"keys\":[{" ED "}],\"keys\":[{" ED "}]}", "keys" },
        { "{\"keys\":[{" ED "}],\"k\\u0065ys\":[]}", "keys" },
        { SET(""), "no usable" },
        { SET("{}"), "no usable" },
        { SET("1,null,\"x\",[],{}"), "no usable" },
        { SET("{" ED "}") "x", "object" },
        { SET("{" ED "},"), "object" },
        { SET("{" ED ",\"x5c\":[[[[[[[[[[[[[1]]]]]]]]]]]]]}"), NULL },
        { SET("{" ED ",\"x5c\":[[[[[[[[[[[[[[1]]]]]]]]]]]]]]}"), "object" },
        { SET("{" ED ",\"z\":\"\xff\"}"), "object" },
        { "\xef\xbb\xbf" SET("{" ED "}"), "object" },
    };

    (void) state;

    for (i = 0; i < chat_test_count(cases); i++) {
        set = parse(cases[i].text, &skipped, &reason);

        if (cases[i].reason == NULL) {
            chat_test_case(cases[i].text, set != NULL);

        } else {
            chat_test_case(cases[i].text, set == NULL);
            chat_test_case(cases[i].text,
                           strstr(reason, cases[i].reason) != NULL);
        }

        chat_jwks_free(set);
    }
}


static void
keys_that_cannot_be_used_are_skipped(void **state)
{
    size_t        i, n;
    char          text[8192];
    skipped_t     skipped;
    const char   *reason;
    chat_jwks_t  *set;

    static const struct {
        const char  *key;
        const char  *reason;            /* NULL: good */
    } cases[] = {
        { "{" RSA "}", NULL },
        { "{" RSA ",\"alg\":\"RS256\"}", NULL },
        { "{" RSA ",\"alg\":\"PS256\"}", NULL },
        { "{" EC ",\"alg\":\"ES256\"}", NULL },
        { "{" ED ",\"kid\":\"" X64 X64 "\"}", NULL },
        { "{" ED ",\"kid\":\"\xc3\xa4 b\"}", NULL },
        { "{" ED ",\"key_ops\":[\"verify\"],\"use\":\"sig\"}", NULL },

        /* what it is for */
        { "{" ED ",\"use\":\"enc\"}", "use" },
        { "{" ED ",\"use\":null}", "use" },
        { "{" ED ",\"use\":\"SIG\"}", "use" },
        { "{" ED ",\"use\":[\"sig\"]}", "use" },
        { "{" ED ",\"key_ops\":[]}", "key_ops" },
        { "{" ED ",\"key_ops\":[\"sign\"]}", "key_ops" },
        { "{" ED ",\"key_ops\":\"verify\"}", "key_ops" },
        { "{" ED ",\"key_ops\":[[\"verify\"]]}", "key_ops" },

        /* algorithms */
        { "{" RSA ",\"alg\":\"RS512\"}", "alg is not supported" },
        { "{" RSA ",\"alg\":\"RSA-OAEP\"}", "alg is not supported" },
        { "{" RSA ",\"alg\":\"none\"}", "alg is not supported" },
        { "{" RSA ",\"alg\":\"\"}", "alg is not supported" },
        { "{" RSA ",\"alg\":null}", "alg is not supported" },
        { "{" RSA ",\"alg\":1}", "alg is not supported" },
        { "{" RSA ",\"alg\":\"HS256\"}", "fit" },
        { "{" RSA ",\"alg\":\"ES256\"}", "fit" },
        { "{" EC ",\"alg\":\"RS256\"}", "fit" },
        { "{" EC ",\"alg\":\"EdDSA\"}", "fit" },
        { "{" ED ",\"alg\":\"HS256\"}", "fit" },
        { "{" ED ",\"alg\":\"ES256\"}", "fit" },

        /* secrets, private keys */
        { "{\"kty\":\"oct\",\"k\":\"" RFC_RSA_N "\"}", "secret" },
        { "{\"kty\":\"oct\",\"alg\":\"HS256\"}", "secret" },
        { "{" RSA ",\"d\":\"AQAB\"}", "private" },
        { "{" RSA ",\"p\":\"AQAB\"}", "private" },
        { "{" RSA ",\"q\":null}", "private" },
        { "{" RSA ",\"dp\":1}", "private" },
        { "{" RSA ",\"dq\":1}", "private" },
        { "{" RSA ",\"qi\":1}", "private" },
        { "{" RSA ",\"oth\":[]}", "private" },
        { "{" EC ",\"d\":\"\"}", "private" },
        { "{" ED ",\"\\u0064\":\"\"}", "private" },
        { "{" ED ",\"k\":\"x\"}", "private" },

        /* kty, crv */
        { "{}", "kty" },
        { "{\"kty\":\"rsa\",\"n\":\"" RFC_RSA_N "\",\"e\":\"AQAB\"}", "kty" },
        { "{\"kty\":null}", "kty" },
        { "{\"kty\":\"EC\",\"x\":\"" RFC_EC_X "\",\"y\":\"" RFC_EC_Y "\"}",
          "crv" },
        { "{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"" RFC_EC_X "\",\"y\":\""
          RFC_EC_Y "\"}", "crv" },
        { "{\"kty\":\"EC\",\"crv\":\"secp256k1\",\"x\":\"" RFC_EC_X
          "\",\"y\":\"" RFC_EC_Y "\"}", "crv" },
        { "{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"" RFC_ED_X "\"}",
          "crv" },
        { "{\"kty\":\"OKP\",\"crv\":\"Ed448\",\"x\":\"" RFC_ED_X "\"}",
          "crv" },
        { "{\"kty\":\"OKP\",\"crv\":\"P-256\",\"x\":\"" RFC_ED_X "\"}",
          "crv" },

        /* kid, twice */
        { "{" ED ",\"kid\":\"\"}", "kid" },
        { "{" ED ",\"kid\":\"" X64 X64 "x\"}", "kid" },
        { "{" ED ",\"kid\":\"a\\u0000\"}", "kid" },
        { "{" ED ",\"kid\":\"a\\n\"}", "kid" },
        { "{" ED ",\"kid\":7}", "kid" },
        { "{" ED ",\"kid\":null}", "kid" },
        { "{" ED ",\"kty\":\"OKP\"}", "twice" },
        { "{" ED ",\"kid\":\"a\",\"kid\":\"b\"}", "twice" },
        { "{" ED ",\"alg\":\"EdDSA\",\"\\u0061lg\":\"EdDSA\"}", "twice" },

        /* RSA */
        { "{\"kty\":\"RSA\",\"e\":\"AQAB\"}", "n or e" },
        { "{\"kty\":\"RSA\",\"n\":\"" RFC_RSA_N "\"}", "n or e" },
        { "{\"kty\":\"RSA\",\"n\":\"" RFC_RSA_N "\",\"e\":65537}", "n or e" },
        { "{\"kty\":\"RSA\",\"n\":\"" RFC_RSA_N "==\",\"e\":\"AQAB\"}",
          "n or e" },
        { "{\"kty\":\"RSA\",\"n\":\"" RFC_RSA_N "\",\"e\":\"AQAB \"}",
          "n or e" },
        { "{\"kty\":\"RSA\",\"n\":\"" RFC_RSA_N "\",\"e\":\"\"}", "empty" },
        { "{\"kty\":\"RSA\",\"n\":\"" RFC_RSA_N "\",\"e\":\"AAEAAQ\"}",
          "zero byte" },
        { "{\"kty\":\"RSA\",\"n\":\"" RFC_RSA_N "\",\"e\":\"AAAA\"}",
          "zero byte" },
        { "{\"kty\":\"RSA\",\"n\":\"" RFC_RSA_N "\",\"e\":\"AQ\"}",
          "exponent" },
        { "{\"kty\":\"RSA\",\"n\":\"" RFC_RSA_N "\",\"e\":\"AQAA\"}",
          "exponent" },
        { "{\"kty\":\"RSA\",\"n\":\"" RFC_RSA_N "\",\"e\":\"Aw\"}", NULL },
        { "{\"kty\":\"RSA\",\"n\":\"" RFC_RSA_N "\",\"e\":\"_____w\"}", NULL },
        { "{\"kty\":\"RSA\",\"n\":\"" RFC_RSA_N "\",\"e\":\"AQAAAAE\"}",
          "too long" },
        { "{\"kty\":\"RSA\",\"n\":\"" RFC_EC_X "\",\"e\":\"AQAB\"}",
          "2048" },
        { "{\"kty\":\"RSA\",\"n\":\"" RFC_RSA_N RFC_RSA_N RFC_RSA_N
          "\",\"e\":\"AQAB\"}", "n or e" },

        /* the curves */
        { "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" RFC_EC_X "\"}",
          "x or y" },
        { "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" RFC_EC_X "\",\"y\":\""
          RFC_EC_Y "=\"}", "x or y" },
        { "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" RFC_EC_X "\",\"y\":\""
          RFC_EC_X "\"}", "not on the curve" },
        { "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"AA\"}",
          "32 bytes" },
        { "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" RFC_EC_X "AAAA\","
          "\"y\":\"" RFC_EC_Y "\"}", "32 bytes" },
        { "{\"kty\":\"OKP\",\"crv\":\"Ed25519\"}", "x is no" },
        { "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"\"}", "32 bytes" },
        { "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" RFC_ED_X "=\"}",
          "x is no" },
        { "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" RFC_ED_X "A\"}",
          "32 bytes" },
        { "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AQAAAAAAAAAAAAAAAAAAAA"
          "AAAAAAAAAAAAAAAAAAAAA\"}", "small order" },
    };

    (void) state;

    for (i = 0; i < chat_test_count(cases); i++) {
        snprintf(text, sizeof(text), SET("{" ED ",\"kid\":\"last\"},%s"),
                 cases[i].key);

        set = parse(text, &skipped, &reason);
        chat_test_case(cases[i].key, set != NULL);
        (void) chat_jwks_keys(set, &n);

        if (cases[i].reason == NULL) {
            chat_test_case(cases[i].key, n == 2 && skipped.n == 0);

        } else {
            chat_test_case(cases[i].key, n == 1 && skipped.n == 1);
            chat_test_case(cases[i].key, skipped.place == 1);

            if (strstr(skipped.reason, cases[i].reason) == NULL) {
                fail_msg("%s: told \"%s\"", cases[i].key, skipped.reason);
            }
        }

        chat_jwks_free(set);
    }

    /* nobody has to listen */

    set = chat_jwks_parse(chat_str(SET("1,{" ED "}")), NULL, NULL, &reason);
    assert_non_null(set);
    chat_jwks_free(set);
}


static void
who_is_skipped_is_named(void **state)
{
    skipped_t     skipped;
    const char   *reason;
    chat_jwks_t  *set;

    (void) state;

    set = parse(SET("{" ED "},{" ED ",\"kid\":\"b\",\"use\":\"enc\"}"),
                &skipped, &reason);
    assert_non_null(set);
    assert_string_equal(skipped.kid, "b");
    chat_jwks_free(set);

    set = parse(SET("{" ED "},{" ED ",\"kid\":\"\\u0007\"}"), &skipped,
                &reason);
    assert_non_null(set);
    assert_string_equal(skipped.kid, "");
    chat_jwks_free(set);
}


static void
the_number_of_keys_is_bounded(void **state)
{
    size_t        i, len, n;
    char          text[16384];
    skipped_t     skipped;
    const char   *reason;
    chat_jwks_t  *set;

    (void) state;

    for (n = 32; n <= 33; n++) {
        len = snprintf(text, sizeof(text), "{\"keys\":[1");

        for (i = 0; i < n; i++) {
            len += snprintf(text + len, sizeof(text) - len,
                            ",{" ED ",\"kid\":\"%zu\"}", i);
        }

        snprintf(text + len, sizeof(text) - len, "]}");
        set = parse(text, &skipped, &reason);

        assert_int_equal(set != NULL, n == 32);
        chat_jwks_free(set);
    }

    assert_non_null(strstr(reason, "32"));
}


static void
the_length_is_bounded(void **state)
{
    size_t        len;
    char         *text;
    skipped_t     skipped;
    const char   *reason;
    chat_jwks_t  *set;

    (void) state;

    text = malloc(CHAT_JWKS_MAX_LEN + 2);
    assert_non_null(text);

    for (len = CHAT_JWKS_MAX_LEN; len <= CHAT_JWKS_MAX_LEN + 1; len++) {
        memset(text, ' ', len);
        memcpy(text, SET("{" ED "}"), strlen(SET("{" ED "}")));
        text[len] = '\0';

        set = parse(text, &skipped, &reason);
        assert_int_equal(set != NULL, len == CHAT_JWKS_MAX_LEN);
        chat_jwks_free(set);
    }

    assert_non_null(strstr(reason, "64 kB"));
    free(text);
}


static void
no_beginning_of_a_set_is_a_set(void **state)
{
    size_t        i;
    uint8_t      *copy;
    const char   *reason;

    static const char  text[] = SET("{" RSA "},{" EC "},{" ED "}");

    (void) state;

    for (i = 0; i < sizeof(text) - 1; i++) {
        copy = chat_test_copy(text, i);
        assert_null(chat_jwks_parse((chat_str_t) { copy, i }, NULL, NULL,
                                    &reason));
        free(copy);
    }
}


/* not all of OpenSSL tells that it had no memory: a key may be skipped then,
   but what is taken works, and nothing is lost */

static void
no_memory_is_survived(void **state)
{
    int                n;
    size_t             nkeys;
    const char        *reason;
    chat_jwks_t       *set;
    chat_key_t *const *keys;

    (void) state;

    nkeys = 0;

    for (n = 0; nkeys < 3; n++) {
        reason = NULL;
        chat_test_memory_left = n;
        set = chat_jwks_parse(chat_str(SET("{" EC "},{" ED "},{" RSA "}")),
                              NULL, NULL, &reason);
        chat_test_memory_left = -1;

        assert_int_equal(set == NULL, reason != NULL);
        assert_int_equal(ERR_peek_error(), 0);

        if (set != NULL) {
            keys = chat_jwks_keys(set, &nkeys);

            if (chat_key_get_alg(keys[0]) == CHAT_KEY_ES256) {
                assert_verifies(keys[0], RFC_EC_TEXT, RFC_EC_SIGNATURE);
            }

            chat_jwks_free(set);
        }
    }

    assert_true(n > 10);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(the_keys_of_the_rfcs_verify_what_they_signed),
        cmocka_unit_test(a_set_is_good_or_refused_as_a_whole),
        cmocka_unit_test(keys_that_cannot_be_used_are_skipped),
        cmocka_unit_test(who_is_skipped_is_named),
        cmocka_unit_test(the_number_of_keys_is_bounded),
        cmocka_unit_test(the_length_is_bounded),
        cmocka_unit_test(no_beginning_of_a_set_is_a_set),
        cmocka_unit_test(no_memory_is_survived),
    };

    if (!chat_test_memory_init()) {
        return 1;
    }

    return cmocka_run_group_tests_name("chat_jwks", tests, NULL, NULL);
}
