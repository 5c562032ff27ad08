/*
 * Which public keys are good enough.  OpenSSL takes any: RSA of 512 bits, an
 * exponent of 1, a point of small order that every signature fits.
 */

#include "chat_pkey.h"

#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecerr.h>
#include <openssl/err.h>

#include "chat_ed25519.h"


static const char *chat_pkey_check_rsa(EVP_PKEY *pkey);
static const char *chat_pkey_check_exponent(EVP_PKEY *pkey);
static const char *chat_pkey_check_p256(EVP_PKEY *pkey);
static const char *chat_pkey_check_ed25519(EVP_PKEY *pkey);


const char *
chat_pkey_check(EVP_PKEY *pkey, chat_key_alg_e alg)
{
    switch (alg) {

    case CHAT_KEY_RS256:
    case CHAT_KEY_PS256:
        return chat_pkey_check_rsa(pkey);

    case CHAT_KEY_ES256:
        return chat_pkey_check_p256(pkey);

    case CHAT_KEY_EDDSA:
        return chat_pkey_check_ed25519(pkey);

    case CHAT_KEY_HS256:
        break;
    }

    return "HS256 needs a secret, not a public key";
}


/* EVP_PKEY_public_check() takes 3 to 16 ms for these, and tells little more */

static const char *
chat_pkey_check_rsa(EVP_PKEY *pkey)
{
    int      bits;
    bool     odd;
    BIGNUM  *n;

    if (!EVP_PKEY_is_a(pkey, "RSA")) {
        return "it is not an RSA key";
    }

    bits = EVP_PKEY_get_bits(pkey);

    if (bits < CHAT_KEY_MIN_RSA || bits > CHAT_KEY_MAX_RSA) {
        return "an RSA key must have 2048 to 4096 bits";
    }

    n = NULL;

    if (EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &n) != 1) {
        return CHAT_KEY_NO_MEMORY;
    }

    odd = BN_is_odd(n);
    BN_free(n);

    return odd ? chat_pkey_check_exponent(pkey) : "its modulus is even";
}


static const char *
chat_pkey_check_exponent(EVP_PKEY *pkey)
{
    bool     good;
    BIGNUM  *e;

    e = NULL;

    if (EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &e) != 1) {
        return CHAT_KEY_NO_MEMORY;
    }

    good = BN_is_odd(e) && !BN_is_one(e)
           && BN_num_bits(e) <= CHAT_KEY_MAX_EXPONENT;
    BN_free(e);

    return good ? NULL
                : "its exponent is not odd, from 3 on and of 32 bits at most";
}


/* a curve with parameters of its own has no name */

static const char *
chat_pkey_check_p256(EVP_PKEY *pkey)
{
    int            good;
    char           group[32];
    size_t         len;
    EVP_PKEY_CTX  *ctx;

    if (!EVP_PKEY_is_a(pkey, "EC")
        || EVP_PKEY_get_group_name(pkey, group, sizeof(group), &len) != 1
        || strcmp(group, "prime256v1") != 0)
    {
        return "it is not a key of the curve P-256";
    }

    ctx = EVP_PKEY_CTX_new(pkey, NULL);

    if (ctx == NULL) {
        return CHAT_KEY_NO_MEMORY;
    }

    good = EVP_PKEY_public_check(ctx);
    EVP_PKEY_CTX_free(ctx);

    return good == 1 ? NULL : chat_pkey_point_failed();
}


const char *
chat_pkey_point_failed(void)
{
    int            code;
    const char    *reason;
    unsigned long  error;

    reason = CHAT_KEY_NO_MEMORY;

    for ( ;; ) {
        error = ERR_get_error();

        if (error == 0) {
            return reason;
        }

        code = ERR_GET_REASON(error);

        if (ERR_GET_LIB(error) == ERR_LIB_EC
            && (code == EC_R_POINT_IS_NOT_ON_CURVE
                || code == EC_R_POINT_AT_INFINITY
                || code == EC_R_INVALID_ENCODING))
        {
            reason = "its point is not on the curve";
        }
    }
}


static const char *
chat_pkey_check_ed25519(EVP_PKEY *pkey)
{
    size_t   len;
    uint8_t  point[CHAT_ED25519_LEN];

    if (!EVP_PKEY_is_a(pkey, "ED25519")) {
        return "it is not an Ed25519 key";
    }

    len = sizeof(point);

    if (EVP_PKEY_get_raw_public_key(pkey, point, &len) != 1
        || len != sizeof(point))
    {
        return CHAT_KEY_NO_MEMORY;
    }

    switch (chat_ed25519_check(point)) {

    case CHAT_OK:
        return NULL;

    case CHAT_DECLINED:
        return "it is no point of the curve, or one of small order";

    case CHAT_AGAIN:
    case CHAT_ERROR:
        break;
    }

    return CHAT_KEY_NO_MEMORY;
}
