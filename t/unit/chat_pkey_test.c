#include "chat_test.h"
#include "chat_test_key.h"
#include "chat_test_memory.h"

#include <openssl/err.h>
#include <openssl/x509.h>

#include "chat_base64.h"
#include "chat_key.h"


/* each algorithm with a key of its own; and what the others make of it */

static const struct {
    const char      *kind;
    chat_key_alg_e   alg;
} public_algs[] = {
    { "RSA2048", CHAT_KEY_RS256 },
    { "RSA2048", CHAT_KEY_PS256 },
    { "P-256", CHAT_KEY_ES256 },
    { "ED25519", CHAT_KEY_EDDSA },
};


static chat_key_t *
pem_key(chat_key_alg_e alg, const char *pem, const char **reason)
{
    uint8_t     *copy;
    chat_key_t  *key;

    *reason = NULL;
    copy = chat_test_copy(pem, strlen(pem));
    key = chat_key_create_pem(alg, chat_str("kid"),
                              (chat_str_t) { copy, strlen(pem) }, reason);
    free(copy);

    assert_int_equal(key == NULL, *reason != NULL);
    assert_int_equal(ERR_peek_error(), 0);

    return key;
}


static void
a_public_key_verifies_what_its_private_one_signed(void **state)
{
    char        *pem;
    size_t       i, k, len;
    uint8_t      signature[601];
    EVP_PKEY    *pkey;
    chat_key_t  *key;
    const char  *reason;

    (void) state;

    for (i = 0; i < chat_test_count(public_algs); i++) {
        pkey = chat_test_key_make(public_algs[i].kind);
        pem = chat_test_key_pem(pkey);
        key = pem_key(public_algs[i].alg, pem, &reason);
        assert_non_null(key);
        assert_int_equal(chat_key_get_alg(key), public_algs[i].alg);

        for (k = 0; k < 3; k++) {
            len = chat_test_key_sign(public_algs[i].alg, pkey, "text",
                                     signature);
            signature[len] = 0;

            assert_int_equal(chat_key_verify(key, chat_str("text"),
                                             (chat_str_t) { signature, len }),
                             CHAT_OK);
            assert_int_equal(chat_key_verify(key, chat_str("texT"),
                                             (chat_str_t) { signature, len }),
                             CHAT_DECLINED);
            assert_int_equal(chat_key_verify(key, chat_str(""),
                                             (chat_str_t) { signature, len }),
                             CHAT_DECLINED);
            assert_int_equal(ERR_peek_error(), 0);
        }

        /* not a byte more or less, not a bit changed */

        for (k = 0; k <= len + 1; k++) {
            assert_int_equal(chat_key_verify(key, chat_str("text"),
                                             (chat_str_t) { signature, k }),
                             k == len ? CHAT_OK : CHAT_DECLINED);
        }

        for (k = 0; k < len; k += 7) {
            signature[k] ^= 0x10;
            assert_int_equal(chat_key_verify(key, chat_str("text"),
                                             (chat_str_t) { signature, len }),
                             CHAT_DECLINED);
            signature[k] ^= 0x10;
        }

        chat_key_free(key);
        free(pem);
        EVP_PKEY_free(pkey);
    }
}


/* RFC 7518, 3.5: as long as the hash, not as long as may be */

static void
the_salt_of_ps256_has_32_bytes(void **state)
{
    int          salt;
    char        *pem;
    size_t       len;
    uint8_t      signature[600];
    EVP_PKEY    *pkey;
    chat_key_t  *key;
    const char  *reason;

    (void) state;

    pkey = chat_test_key_make("RSA2048");
    pem = chat_test_key_pem(pkey);
    key = pem_key(CHAT_KEY_PS256, pem, &reason);
    assert_non_null(key);

    for (salt = 0; salt <= 222; salt++) {
        len = chat_test_key_sign_salt(CHAT_KEY_PS256, pkey, "text", signature,
                                      salt);
        assert_int_equal(chat_key_verify(key, chat_str("text"),
                                         (chat_str_t) { signature, len }),
                         salt == 32 ? CHAT_OK : CHAT_DECLINED);

        salt += salt < 30 || salt > 33 ? 9 : 0;
    }

    chat_key_free(key);
    free(pem);
    EVP_PKEY_free(pkey);
}


static void
a_key_is_of_the_kind_of_its_algorithm(void **state)
{
    bool         good;
    char        *pem;
    size_t       i, k;
    EVP_PKEY    *pkey;
    chat_key_t  *key;
    const char  *reason;

    static const struct {
        const char  *kind;
        const char  *algs;              /* H R P E D that take it */
        const char  *reason;
    } cases[] = {
        { "n2048", "RP", NULL },
        { "n4096", "RP", NULL },
        { "n512", "", "2048" },
        { "n2047", "", "2048" },
        { "n4097", "", "4096" },
        { "P-256", "E", NULL },
        { "P-384", "", "P-256" },
        { "P-521", "", "P-256" },
        { "secp256k1", "", "P-256" },
        { "ED25519", "D", NULL },
        { "ED448", "", "Ed25519" },
        { "X25519", "", "Ed25519" },
    };

    (void) state;

    for (i = 0; i < chat_test_count(cases); i++) {
        pkey = chat_test_key_make(cases[i].kind);
        pem = chat_test_key_pem(pkey);
        good = false;

        for (k = 0; k < 5; k++) {
            key = pem_key((chat_key_alg_e) k, pem, &reason);
            chat_test_case(cases[i].kind,
                           (key != NULL)
                           == (strchr(cases[i].algs, "HRPED"[k]) != NULL));

            if (cases[i].reason != NULL && strstr(reason, cases[i].reason)) {
                good = true;
            }

            chat_key_free(key);
        }

        chat_test_case(cases[i].kind, good == (cases[i].reason != NULL));
        free(pem);
        EVP_PKEY_free(pkey);
    }
}


/* of the same key pair: what a file may and may not hold */

static void
files_are_judged(void **state)
{
    char        *pem[3], text[8192];
    size_t       i;
    EVP_PKEY    *pkey;
    chat_key_t  *key;
    const char  *reason;

    static const struct {
        const char  *format;            /* %1$s public, %2$s private, %3$s
                                           another public one */
        const char  *reason;            /* NULL: good */
    } cases[] = {
        { "%1$s", NULL },
        { "\n# a comment\n%1$s\nand more\n", NULL },
        { "%2$s", "private" },
        { "%1$s%2$s", "private" },
        { "%1$s%3$s", "more than one" },
        { "%1$s%1$s", "more than one" },
        { "", "not PEM" },
        { "garbage", "not PEM" },
        { "-----BEGIN PUBLIC KEY-----\n", "broken" },
        { "-----BEGIN PUBLIC KEY-----\nAAAA\n", "broken" },
        { "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
          "cannot read" },
        { "-----BEGIN PUBLIC KEY-----\n****\n-----END PUBLIC KEY-----\n",
          "broken" },
        { "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
          "cannot read" },
        { "-----BEGIN RSA PUBLIC KEY-----\nAAAA\n-----END RSA PUBLIC KEY-----"
          "\n", "neither" },
        { "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n"
          "-----END EC PARAMETERS-----\n%1$s", "neither" },
        { "-----BEGIN PUBLIC KEY-----\nProc-Type: 4,ENCRYPTED\n"
          "DEK-Info: AES-128-CBC,00000000000000000000000000000000\n\nAAAA\n"
          "-----END PUBLIC KEY-----\n", "cannot read" },
    };

    (void) state;

    pkey = chat_test_key_make("P-256");
    pem[0] = chat_test_key_pem(pkey);
    pem[1] = chat_test_key_private_pem(pkey);
    EVP_PKEY_free(pkey);
    pkey = chat_test_key_make("P-256");
    pem[2] = chat_test_key_pem(pkey);
    EVP_PKEY_free(pkey);

    for (i = 0; i < chat_test_count(cases); i++) {
        snprintf(text, sizeof(text), cases[i].format, pem[0], pem[1], pem[2]);
        key = pem_key(CHAT_KEY_ES256, text, &reason);

        if (cases[i].reason == NULL) {
            chat_test_case(cases[i].format, key != NULL);

        } else {
            chat_test_case(cases[i].format, key == NULL);

            if (strstr(reason, cases[i].reason) == NULL) {
                fail_msg("%s: told \"%s\"", cases[i].format, reason);
            }
        }

        chat_key_free(key);
    }

    for (i = 0; i < 3; i++) {
        free(pem[i]);
    }
}


/* what is behind the key would be read by nobody */

static void
a_block_is_a_key_and_no_more(void **state)
{
    int          len, more;
    BIO         *bio;
    char        *pem;
    uint8_t     *p, der[256];
    EVP_PKEY    *pkey;
    chat_key_t  *key;
    const char  *reason;

    (void) state;

    pkey = chat_test_key_make("ED25519");
    p = der;
    len = i2d_PUBKEY(pkey, &p);
    assert_true(len > 0);
    der[len] = 0;

    for (more = 0; more <= 1; more++) {
        bio = BIO_new(BIO_s_mem());
        assert_true(PEM_write_bio(bio, "PUBLIC KEY", "", der, len + more) > 0);
        pem = chat_test_key_text(bio);

        key = pem_key(CHAT_KEY_EDDSA, pem, &reason);
        assert_int_equal(key != NULL, more == 0);

        chat_key_free(key);
        free(pem);
    }

    EVP_PKEY_free(pkey);
}


static void
of_a_certificate_the_key_counts(void **state)
{
    BIO         *bio;
    X509        *x509;
    char        *pem, *two;
    size_t       len;
    uint8_t      signature[600];
    EVP_PKEY    *pkey;
    chat_key_t  *key;
    const char  *reason;

    (void) state;

    pkey = chat_test_key_make("RSA2048");
    x509 = X509_new();
    assert_non_null(x509);
    X509_gmtime_adj(X509_getm_notBefore(x509), -7200);
    X509_gmtime_adj(X509_getm_notAfter(x509), -3600);    /* expired */
    assert_int_equal(X509_set_pubkey(x509, pkey), 1);
    assert_int_not_equal(X509_sign(x509, pkey, EVP_sha256()), 0);

    bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_X509(bio, x509), 1);
    pem = chat_test_key_text(bio);

    bio = BIO_new(BIO_s_mem());             /* and a chain */
    assert_int_equal(PEM_write_bio_X509(bio, x509), 1);
    assert_int_equal(PEM_write_bio_X509(bio, x509), 1);
    two = chat_test_key_text(bio);

    key = pem_key(CHAT_KEY_RS256, two, &reason);
    assert_non_null(key);
    chat_key_free(key);

    key = pem_key(CHAT_KEY_RS256, pem, &reason);
    assert_non_null(key);

    len = chat_test_key_sign(CHAT_KEY_RS256, pkey, "text", signature);
    assert_int_equal(chat_key_verify(key, chat_str("text"),
                                     (chat_str_t) { signature, len }),
                     CHAT_OK);

    assert_null(pem_key(CHAT_KEY_ES256, pem, &reason));

    chat_key_free(key);
    free(two);
    free(pem);
    X509_free(x509);
    EVP_PKEY_free(pkey);
}


static chat_key_t *
rsa_key(const uint8_t *n, size_t n_len, const char *e, size_t e_len,
    const char **reason)
{
    *reason = NULL;

    return chat_key_create_rsa(CHAT_KEY_RS256, chat_str(""),
                               (chat_str_t) { n, n_len },
                               (chat_str_t) { (const uint8_t *) e, e_len },
                               reason);
}


static void
numbers_of_rsa_are_judged(void **state)
{
    size_t       i, len;
    uint8_t      n[256];
    chat_key_t  *key;
    const char  *reason;

    static const struct {
        const char  *e;
        size_t       len;
        const char  *reason;            /* NULL: good */
    } exponents[] = {
        { "\x01\x00\x01", 3, NULL },
        { "\x03", 1, NULL },
        { "\xff\xff\xff\xff", 4, NULL },
        { "\x01", 1, "exponent" },
        { "\x00", 1, "exponent" },
        { "", 0, "exponent" },
        { "\x02", 1, "exponent" },
        { "\x01\x00\x00", 3, "exponent" },
        { "\x01\x00\x00\x00\x01", 5, "too long" },
    };

    (void) state;

    assert_int_equal(chat_base64_decode(chat_str(RFC_RSA_N), n, sizeof(n),
                                        &len), CHAT_OK);

    for (i = 0; i < chat_test_count(exponents); i++) {
        key = rsa_key(n, sizeof(n), exponents[i].e, exponents[i].len, &reason);

        if (exponents[i].reason == NULL) {
            assert_non_null(key);

        } else {
            assert_null(key);
            assert_non_null(strstr(reason, exponents[i].reason));
        }

        assert_int_equal(ERR_peek_error(), 0);
        chat_key_free(key);
    }

    assert_null(rsa_key(n, 255, "\x03", 1, &reason));
    assert_non_null(strstr(reason, "2048"));
    assert_null(rsa_key(n, 0, "\x03", 1, &reason));

    n[255] &= 0xfe;
    assert_null(rsa_key(n, sizeof(n), "\x03", 1, &reason));
    assert_non_null(strstr(reason, "even"));
}


/* RFC 8032, 5.1: the points whose order divides 8, in all their encodings, and
   what is none */

static void
points_of_ed25519_are_judged(void **state)
{
    size_t       i, len;
    uint8_t      point[33];
    chat_key_t  *key;
    const char  *reason;

    static const char  zeros[] = "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                                 "\0\0\0\0\0\0\0\0\0\0";

    static const struct {
        const char  *what;
        const char  *point;
    } bad[] = {
        { "order 1", "\x01" "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                     "\0\0\0\0\0\0" },
        { "order 1, x negative", "\x01" "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                     "\0\0\0\0\0\0\0\0\0\0\0\x80" },
        { "order 2", "\xec\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
                     "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
                     "\xff\xff\xff\x7f" },
        { "order 2, x negative",
                     "\xec\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
                     "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
                     "\xff\xff\xff\xff" },
        { "order 4", zeros },
        { "order 8", "\x26\xe8\x95\x8f\xc2\xb2\x27\xb0\x45\xc3\xf4\x89\xf2\xef"
                     "\x98\xf0\xd5\xdf\xac\x05\xd3\xc6\x33\x39\xb1\x38\x02\x88"
                     "\x6d\x53\xfc\x05" },
        { "order 8, x negative",
                     "\x26\xe8\x95\x8f\xc2\xb2\x27\xb0\x45\xc3\xf4\x89\xf2\xef"
                     "\x98\xf0\xd5\xdf\xac\x05\xd3\xc6\x33\x39\xb1\x38\x02\x88"
                     "\x6d\x53\xfc\x85" },
        { "order 8, y negative",
                     "\xc7\x17\x6a\x70\x3d\x4d\xd8\x4f\xba\x3c\x0b\x76\x0d\x10"
                     "\x67\x0f\x2a\x20\x53\xfa\x2c\x39\xcc\xc6\x4e\xc7\xfd\x77"
                     "\x92\xac\x03\x7a" },
        { "order 8, both negative",
                     "\xc7\x17\x6a\x70\x3d\x4d\xd8\x4f\xba\x3c\x0b\x76\x0d\x10"
                     "\x67\x0f\x2a\x20\x53\xfa\x2c\x39\xcc\xc6\x4e\xc7\xfd\x77"
                     "\x92\xac\x03\xfa" },
        { "y = p", "\xed\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
                     "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
                     "\xff\xff\xff\x7f" },
        { "y = p + 4", "\xf1\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
                     "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
                     "\xff\xff\xff\xff\x7f" },
        { "y = 2, of no x", "\x02" "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                     "\0\0\0\0\0\0\0\0\0\0" },
    };

    (void) state;

    for (i = 0; i < chat_test_count(bad); i++) {
        key = chat_key_create_ed25519(chat_str(""), (chat_str_t) {
                  (const uint8_t *) bad[i].point, 32 }, &reason);
        chat_test_case(bad[i].what, key == NULL);
        chat_test_case(bad[i].what, strstr(reason, "small order") != NULL);
    }

    /* the base point of the curve is as good as any */

    memset(point, 0x66, sizeof(point));
    point[0] = 0x58;

    for (len = 0; len <= sizeof(point); len++) {
        key = chat_key_create_ed25519(chat_str(""),
                                      (chat_str_t) { point, len }, &reason);
        assert_int_equal(key != NULL, len == 32);
        chat_key_free(key);
    }
}


/* as they come from those who can be asked */

static void
keys_of_ed25519_are_points(void **state)
{
    size_t       i, len;
    uint8_t      point[32];
    EVP_PKEY    *pkey;
    chat_key_t  *key;
    const char  *reason;

    (void) state;

    for (i = 0; i < 100; i++) {
        pkey = chat_test_key_make("ED25519");
        len = sizeof(point);
        assert_int_equal(EVP_PKEY_get_raw_public_key(pkey, point, &len), 1);

        key = chat_key_create_ed25519(chat_str(""),
                                      (chat_str_t) { point, len }, &reason);
        assert_non_null(key);

        chat_key_free(key);
        EVP_PKEY_free(pkey);
    }
}


/* the key is refused then, and a bad signature never good */

static void
no_memory_is_survived(void **state)
{
    int          n;
    char        *pem;
    size_t       i, len;
    uint8_t      signature[600];
    EVP_PKEY    *pkey;
    chat_rc_e    rc;
    chat_key_t  *key;
    const char  *reason;

    (void) state;

    for (i = 0; i < chat_test_count(public_algs); i++) {
        pkey = chat_test_key_make(public_algs[i].kind);
        pem = chat_test_key_pem(pkey);
        len = chat_test_key_sign(public_algs[i].alg, pkey, "text", signature);
        n = -1;

        do {
            chat_test_memory_left = ++n;
            key = chat_key_create_pem(public_algs[i].alg, chat_str("kid"),
                                      chat_test_str(pem), &reason);
            chat_test_memory_left = -1;
            assert_int_equal(ERR_peek_error(), 0);

        } while (key == NULL);

        assert_true(n > 10);
        n = -1;

        do {
            chat_test_memory_left = ++n;
            rc = chat_key_verify(key, chat_str("text"),
                                 (chat_str_t) { signature, len });
            chat_test_memory_left = n;
            assert_int_not_equal(chat_key_verify(key, chat_str("texT"),
                                     (chat_str_t) { signature, len }),
                                 CHAT_OK);
            chat_test_memory_left = -1;
            assert_int_equal(ERR_peek_error(), 0);

        } while (rc != CHAT_OK);

        chat_key_free(key);
        free(pem);
        EVP_PKEY_free(pkey);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(a_public_key_verifies_what_its_private_one_signed),
        cmocka_unit_test(the_salt_of_ps256_has_32_bytes),
        cmocka_unit_test(a_key_is_of_the_kind_of_its_algorithm),
        cmocka_unit_test(files_are_judged),
        cmocka_unit_test(a_block_is_a_key_and_no_more),
        cmocka_unit_test(of_a_certificate_the_key_counts),
        cmocka_unit_test(numbers_of_rsa_are_judged),
        cmocka_unit_test(points_of_ed25519_are_judged),
        cmocka_unit_test(keys_of_ed25519_are_points),
        cmocka_unit_test(no_memory_is_survived),
    };

    if (!chat_test_memory_init()) {
        return 1;
    }

    return cmocka_run_group_tests_name("chat_pkey", tests, NULL, NULL);
}
