#include "chat_test.h"
#include "chat_test_key.h"
#include "chat_test_memory.h"

#include <openssl/err.h>

#include "chat_base64.h"
#include "chat_key.h"


/* RFC 7515, appendix A.1 */

#define JWS_KEY                                                               \
    "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcg"  \
    "UuTwjAzZr1Z9CAow"

#define JWS_TEXT                                                              \
    "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."                               \
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxl"    \
    "LmNvbS9pc19yb290Ijp0cnVlfQ"

#define JWS_SIGNATURE  "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"


static chat_key_t *
jws_key(chat_str_t kid)
{
    size_t       len;
    uint8_t      secret[64];
    chat_key_t  *key;
    const char  *reason;

    assert_int_equal(chat_base64_decode(chat_str(JWS_KEY), secret,
                                        sizeof(secret), &len),
                     CHAT_OK);

    key = chat_key_create_secret(kid,
                                 (chat_str_t) { secret, len }, &reason);
    assert_non_null(key);

    /* the key has a copy */

    memset(secret, 0, sizeof(secret));

    return key;
}


static void
the_example_of_the_rfc_is_verified(void **state)
{
    size_t       i, len;
    uint8_t      signature[32];
    chat_key_t  *key;

    (void) state;

    key = jws_key(chat_str(""));

    assert_int_equal(chat_base64_decode(chat_str(JWS_SIGNATURE), signature,
                                        sizeof(signature), &len),
                     CHAT_OK);

    /* more than once: each check begins anew */

    for (i = 0; i < 3; i++) {
        assert_int_equal(chat_key_verify(key, chat_str(JWS_TEXT),
                                         (chat_str_t) { signature, len }),
                         CHAT_OK);
        assert_int_equal(chat_key_verify(key, chat_str(JWS_TEXT "x"),
                                         (chat_str_t) { signature, len }),
                         CHAT_DECLINED);
    }

    chat_key_free(key);
}


static void
a_signature_is_good_as_a_whole_only(void **state)
{
    size_t       i, len;
    uint8_t      signature[33];
    unsigned     bit;
    chat_key_t  *key;

    (void) state;

    key = jws_key(chat_str(""));
    signature[32] = 0;

    assert_int_equal(chat_base64_decode(chat_str(JWS_SIGNATURE), signature,
                                        sizeof(signature), &len),
                     CHAT_OK);

    for (i = 0; i <= sizeof(signature); i++) {
        assert_int_equal(chat_key_verify(key, chat_str(JWS_TEXT),
                                         (chat_str_t) { signature, i }),
                         i == 32 ? CHAT_OK : CHAT_DECLINED);
    }

    for (i = 0; i < 32; i++) {

        for (bit = 1; bit < 256; bit <<= 1) {
            signature[i] ^= bit;
            assert_int_equal(chat_key_verify(key, chat_str(JWS_TEXT),
                                             (chat_str_t) { signature, 32 }),
                             CHAT_DECLINED);
            signature[i] ^= bit;
        }
    }

    chat_key_free(key);
}


/* RFC 4231, test cases 6 and 7: a secret longer than a block */

static void
a_long_secret_is_used_whole(void **state)
{
    size_t       i;
    uint8_t      secret[131];
    chat_key_t  *key;
    const char  *reason;

    static const struct {
        chat_str_t  text;
        chat_str_t  signature;
    } cases[] = {
        { chat_str("Test Using Larger Than Block-Size Key - Hash Key First"),
          chat_str("\x60\xe4\x31\x59\x1e\xe0\xb6\x7f\x0d\x8a\x26\xaa\xcb\xf5"
                   "\xb7\x7f\x8e\x0b\xc6\x21\x37\x28\xc5\x14\x05\x46\x04\x0f"
                   "\x0e\xe3\x7f\x54") },
        { chat_str("This is a test using a larger than block-size key and a "
                   "larger than block-size data. The key needs to be hashed "
                   "before being used by the HMAC algorithm."),
          chat_str("\x9b\x09\xff\xa7\x1b\x94\x2f\xcb\x27\x63\x5f\xbc\xd5\xb0"
                   "\xe9\x44\xbf\xdc\x63\x64\x4f\x07\x13\x93\x8a\x7f\x51\x53"
                   "\x5c\x3a\x35\xe2") },
    };

    (void) state;

    memset(secret, 0xaa, sizeof(secret));

    key = chat_key_create_secret(chat_str("k"),
                                 (chat_str_t) { secret, sizeof(secret) },
                                 &reason);
    assert_non_null(key);

    for (i = 0; i < chat_test_count(cases); i++) {
        assert_int_equal(chat_key_verify(key, cases[i].text,
                                         cases[i].signature),
                         CHAT_OK);
    }

    chat_key_free(key);
}


static void
a_short_secret_is_refused(void **state)
{
    size_t       len;
    uint8_t      secret[33];
    chat_key_t  *key;
    const char  *reason;

    (void) state;

    memset(secret, 'x', sizeof(secret));

    for (len = 0; len <= sizeof(secret); len++) {
        reason = NULL;
        key = chat_key_create_secret(chat_str(""),
                                     (chat_str_t) { secret, len }, &reason);

        if (len < CHAT_KEY_MIN_SECRET) {
            assert_null(key);
            assert_non_null(reason);

        } else {
            assert_non_null(key);
        }

        chat_key_free(key);
    }
}


static void
a_key_tells_what_it_is(void **state)
{
    chat_key_t  *key;
    chat_str_t   kid;

    (void) state;

    key = jws_key(chat_str("2026-11"));

    kid = chat_key_get_kid(key);
    assert_int_equal(kid.len, 7);
    assert_memory_equal(kid.data, "2026-11", 7);
    assert_int_equal(chat_key_get_alg(key), CHAT_KEY_HS256);

    chat_key_free(key);

    key = jws_key((chat_str_t) { NULL, 0 });
    assert_int_equal(chat_key_get_kid(key).len, 0);
    chat_key_free(key);

    chat_key_free(NULL);
}


static void
algorithms_are_known_by_their_exact_name(void **state)
{
    size_t          i;
    chat_key_alg_e  alg;

    static const struct {
        const char      *name;
        chat_key_alg_e   alg;
    } known[] = {
        { "HS256", CHAT_KEY_HS256 }, { "RS256", CHAT_KEY_RS256 },
        { "PS256", CHAT_KEY_PS256 }, { "ES256", CHAT_KEY_ES256 },
        { "EdDSA", CHAT_KEY_EDDSA }
    };

    static const char *const  others[] = {
        "", "none", "None", "hs256", "HS25", "HS2566", "HS384", "HS512",
        "RS384", "rs256", "PS512", "ES384", "ES512", "ES256K", "EdDsa",
        "EDDSA", "Ed448", "RSA1_5", "HS256 "
    };

    (void) state;

    for (i = 0; i < chat_test_count(known); i++) {
        chat_test_case(known[i].name,
                       chat_key_alg(chat_test_str(known[i].name), &alg)
                           == CHAT_OK
                       && alg == known[i].alg);
    }

    for (i = 0; i < chat_test_count(others); i++) {
        assert_int_equal(chat_key_alg(chat_test_str(others[i]), &alg),
                         CHAT_DECLINED);
    }
}


/* else who has the public key, as everybody has, could make tokens */

static void
a_pem_is_no_secret(void **state)
{
    char        *pem, text[8192];
    EVP_PKEY    *pkey;
    chat_key_t  *key;
    const char  *reason;

    (void) state;

    pkey = chat_test_key_make("P-256");
    pem = chat_test_key_pem(pkey);

    assert_null(chat_key_create_secret(chat_str(""), chat_test_str(pem),
                                       &reason));
    assert_non_null(strstr(reason, "PEM"));

    snprintf(text, sizeof(text), "\n\n%s", pem);
    assert_null(chat_key_create_secret(chat_str(""), chat_test_str(text),
                                       &reason));

    key = chat_key_create_secret(chat_str(""),
                                 chat_str("-----begin of a secret, and more"),
                                 &reason);
    assert_non_null(key);

    chat_key_free(key);
    free(pem);
    EVP_PKEY_free(pkey);
}


/* each of them DER; to be freed by OPENSSL_free() */

typedef int (*form_pt)(EVP_PKEY *pkey, uint8_t **der);


static int
form_public(EVP_PKEY *pkey, uint8_t **der)
{
    return i2d_PUBKEY(pkey, der);
}


static int
form_private(EVP_PKEY *pkey, uint8_t **der)
{
    return i2d_PrivateKey(pkey, der);
}


static int
form_pkcs8(EVP_PKEY *pkey, uint8_t **der)
{
    int                   len;
    PKCS8_PRIV_KEY_INFO  *info;

    info = EVP_PKEY2PKCS8(pkey);
    assert_non_null(info);

    len = i2d_PKCS8_PRIV_KEY_INFO(info, der);
    PKCS8_PRIV_KEY_INFO_free(info);

    return len;
}


static int
form_certificate(EVP_PKEY *pkey, uint8_t **der)
{
    int    len;
    X509  *certificate;

    certificate = X509_new();
    assert_non_null(certificate);
    assert_int_equal(X509_set_pubkey(certificate, pkey), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(certificate), 0));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(certificate), 3600));
    assert_true(X509_sign(certificate, pkey, EVP_sha256()) > 0);

    len = i2d_X509(certificate, der);
    X509_free(certificate);

    return len;
}


static void
a_key_of_another_form_is_no_secret(void **state)
{
    int          len;
    size_t       i;
    EVP_PKEY    *pkey;
    const char  *reason;
    uint8_t     *der;

    static const char  jwk[] = "{\"kty\":\"OKP\",\"crv\":\"Ed25519\","
                               "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIa"
                               "aPcHURo\"}";

    static const form_pt  forms[] = {
        form_public, form_private, form_pkcs8, form_certificate
    };

    (void) state;

    assert_null(chat_key_create_secret(chat_str(""), chat_str(jwk), &reason));
    assert_non_null(strstr(reason, "JWK"));

    pkey = chat_test_key_make("P-256");

    for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        der = NULL;
        len = forms[i](pkey, &der);
        assert_true(len > 32);

        assert_null(chat_key_create_secret(chat_str(""),
                                           (chat_str_t) { der, (size_t) len },
                                           &reason));
        assert_non_null(strstr(reason, "DER"));

        OPENSSL_free(der);
    }

    EVP_PKEY_free(pkey);
}


static void
creation_fails_cleanly_without_memory(void **state)
{
    int          n;
    chat_key_t  *key;
    const char  *reason;

    (void) state;

    n = -1;

    do {
        reason = NULL;
        chat_test_memory_left = ++n;
        key = chat_key_create_secret(chat_str("kid"),
                                     chat_str("0123456789abcdef"
                                              "0123456789abcdef"),
                                     &reason);
        chat_test_memory_left = -1;

        assert_int_equal(reason == NULL, key != NULL);
        assert_int_equal(ERR_peek_error(), 0);

    } while (key == NULL);

    assert_true(n > 1);
    chat_key_free(key);
}


static void
a_check_fails_cleanly_without_memory(void **state)
{
    int          n;
    size_t       len;
    uint8_t      signature[32];
    chat_rc_e    rc;
    chat_key_t  *key;

    (void) state;

    key = jws_key(chat_str(""));
    assert_int_equal(chat_base64_decode(chat_str(JWS_SIGNATURE), signature,
                                        sizeof(signature), &len),
                     CHAT_OK);

    n = -1;

    do {
        chat_test_memory_left = ++n;
        rc = chat_key_verify(key, chat_str(JWS_TEXT),
                             (chat_str_t) { signature, len });
        chat_test_memory_left = -1;

        assert_int_not_equal(rc, CHAT_DECLINED);
        assert_int_equal(ERR_peek_error(), 0);

    } while (rc == CHAT_ERROR);

    chat_key_free(key);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(the_example_of_the_rfc_is_verified),
        cmocka_unit_test(a_signature_is_good_as_a_whole_only),
        cmocka_unit_test(a_long_secret_is_used_whole),
        cmocka_unit_test(a_short_secret_is_refused),
        cmocka_unit_test(a_key_tells_what_it_is),
        cmocka_unit_test(algorithms_are_known_by_their_exact_name),
        cmocka_unit_test(a_pem_is_no_secret),
        cmocka_unit_test(a_key_of_another_form_is_no_secret),
        cmocka_unit_test(creation_fails_cleanly_without_memory),
        cmocka_unit_test(a_check_fails_cleanly_without_memory),
    };

    if (!chat_test_memory_init()) {
        return 1;
    }

    return cmocka_run_group_tests_name("chat_key", tests, NULL, NULL);
}
