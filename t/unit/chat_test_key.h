/* Keys of every kind, and signatures with them, as an issuer makes them. */

#ifndef CHAT_TEST_KEY_H
#define CHAT_TEST_KEY_H


#include "chat_test.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "chat_key.h"


/* RFC 7515, A.2 and A.3, RFC 8037, A.2: public keys, and what they signed */

#define RFC_RSA_N                                                             \
    "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4"  \
    "qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2j"  \
    "Z47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7W"  \
    "TBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK"  \
    "-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"

#define RFC_PAYLOAD                                                           \
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxl"    \
    "LmNvbS9pc19yb290Ijp0cnVlfQ"

#define RFC_RSA_TEXT  "eyJhbGciOiJSUzI1NiJ9." RFC_PAYLOAD

#define RFC_RSA_SIGNATURE                                                     \
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm"  \
    "4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--"  \
    "f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383Lc"  \
    "OLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUi"  \
    "pUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"

#define RFC_EC_X  "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
#define RFC_EC_Y  "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"

#define RFC_EC_TEXT  "eyJhbGciOiJFUzI1NiJ9." RFC_PAYLOAD

#define RFC_EC_SIGNATURE                                                      \
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxf"  \
    "KTUJqPP3-Kg6NU1Q"

#define RFC_ED_X  "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"

#define RFC_ED_TEXT                                                           \
    "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"

#define RFC_ED_SIGNATURE                                                      \
    "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9"  \
    "g7sVvpAr_MuM0KAg"


/* a public RSA key of so many bits, whose private one nobody knows: quickly */

static inline EVP_PKEY *
chat_test_key_make_number(int bits)
{
    BIGNUM          *n, *e;
    EVP_PKEY        *pkey = NULL;
    OSSL_PARAM      *params;
    EVP_PKEY_CTX    *ctx;
    OSSL_PARAM_BLD  *build;

    n = BN_new();
    e = BN_new();
    build = OSSL_PARAM_BLD_new();
    ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    assert_true(n != NULL && e != NULL && build != NULL && ctx != NULL);

    assert_int_equal(BN_rand(n, bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD), 1);
    assert_int_equal(BN_set_word(e, 65537), 1);
    assert_int_equal(OSSL_PARAM_BLD_push_BN(build, "n", n), 1);
    assert_int_equal(OSSL_PARAM_BLD_push_BN(build, "e", e), 1);

    params = OSSL_PARAM_BLD_to_param(build);
    assert_int_equal(EVP_PKEY_fromdata_init(ctx), 1);
    assert_int_equal(EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY,
                                       params), 1);

    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    EVP_PKEY_CTX_free(ctx);
    BN_free(e);
    BN_free(n);

    return pkey;
}


/* RSA and its bits, such as RSA2048; bits of a modulus alone, such as n2048; a
   curve */

static inline EVP_PKEY *
chat_test_key_make(const char *kind)
{
    EVP_PKEY  *pkey;

    if (kind[0] == 'n') {
        return chat_test_key_make_number((int) strtol(kind + 1, NULL, 10));
    }

    if (strncmp(kind, "RSA", 3) == 0) {
        pkey = EVP_PKEY_Q_keygen(NULL, NULL, "RSA",
                                 (size_t) strtol(kind + 3, NULL, 10));

    } else if (strncmp(kind, "P-", 2) == 0 || strncmp(kind, "secp", 4) == 0) {
        pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", kind);

    } else {
        pkey = EVP_PKEY_Q_keygen(NULL, NULL, kind);
    }

    assert_non_null(pkey);

    return pkey;
}


/* to be freed with free() */

static inline char *
chat_test_key_text(BIO *bio)
{
    long   len;
    char  *data, *text;

    len = BIO_get_mem_data(bio, &data);
    text = calloc(1, (size_t) len + 1);
    assert_non_null(text);
    memcpy(text, data, (size_t) len);
    BIO_free(bio);

    return text;
}


static inline char *
chat_test_key_pem(EVP_PKEY *pkey)
{
    BIO  *bio;

    bio = BIO_new(BIO_s_mem());
    assert_non_null(bio);
    assert_int_equal(PEM_write_bio_PUBKEY(bio, pkey), 1);

    return chat_test_key_text(bio);
}


static inline char *
chat_test_key_private_pem(EVP_PKEY *pkey)
{
    BIO  *bio;

    bio = BIO_new(BIO_s_mem());
    assert_non_null(bio);
    assert_int_equal(PEM_write_bio_PrivateKey(bio, pkey, NULL, NULL, 0, NULL,
                                              NULL), 1);

    return chat_test_key_text(bio);
}


/* r and s, 32 bytes each, from DER */

static inline size_t
chat_test_key_raw(uint8_t *signature, size_t len)
{
    ECDSA_SIG      *sig;
    const uint8_t  *p = signature;

    sig = d2i_ECDSA_SIG(NULL, &p, (long) len);
    assert_non_null(sig);
    assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(sig), signature, 32), 32);
    assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(sig), signature + 32, 32),
                     32);
    ECDSA_SIG_free(sig);

    return 64;
}


/* salt: of PS256, bytes; returns the length */

static inline size_t
chat_test_key_sign_salt(chat_key_alg_e alg, EVP_PKEY *pkey, const char *text,
    uint8_t signature[600], int salt)
{
    size_t         len = 600;
    EVP_MD_CTX    *md;
    EVP_PKEY_CTX  *ctx;

    md = EVP_MD_CTX_new();
    assert_non_null(md);
    assert_int_equal(EVP_DigestSignInit(md, &ctx, alg == CHAT_KEY_EDDSA
                                                  ? NULL : EVP_sha256(),
                                        NULL, pkey), 1);

    if (alg == CHAT_KEY_PS256) {
        assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx,
                                                      RSA_PKCS1_PSS_PADDING),
                         1);
        assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, salt), 1);
    }

    assert_int_equal(EVP_DigestSign(md, signature, &len,
                                    (const uint8_t *) text, strlen(text)), 1);
    EVP_MD_CTX_free(md);

    return alg == CHAT_KEY_ES256 ? chat_test_key_raw(signature, len) : len;
}


static inline size_t
chat_test_key_sign(chat_key_alg_e alg, EVP_PKEY *pkey, const char *text,
    uint8_t signature[600])
{
    return chat_test_key_sign_salt(alg, pkey, text, signature, 32);
}


#endif /* CHAT_TEST_KEY_H */
