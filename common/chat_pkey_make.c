/*
 * Public keys from the forms that they come in.
 */

#include "chat_pkey.h"

#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/x509.h>


#define CHAT_PKEY_MAX_PEM     65536
#define CHAT_PKEY_COORDINATE  32        /* bytes, P-256 */
#define CHAT_PKEY_POINT       (1 + 2 * CHAT_PKEY_COORDINATE)
#define CHAT_PKEY_RAW         32        /* bytes, Ed25519 */


/* a block of a PEM text; all allocated by OpenSSL */

typedef struct {
    char           *name;
    char           *header;
    unsigned char  *data;
    long            len;
} chat_pkey_pem_t;


static const char *chat_pkey_read_pem(BIO *bio, EVP_PKEY **pkey);
static const char *chat_pkey_read_block(const chat_pkey_pem_t *pem,
    EVP_PKEY **pkey);
static EVP_PKEY *chat_pkey_read_certificate(const unsigned char **pos,
    long len);
static void chat_pkey_free_block(chat_pkey_pem_t *pem);
static EVP_PKEY *chat_pkey_from_params(const char *type, OSSL_PARAM *params);


EVP_PKEY *
chat_pkey_make_pem(chat_str_t pem, const char **reason)
{
    BIO       *bio;
    EVP_PKEY  *pkey;

    pkey = NULL;

    if (pem.len > CHAT_PKEY_MAX_PEM) {
        *reason = "it is too large";
        return NULL;
    }

    bio = BIO_new_mem_buf(pem.data, (int) pem.len);

    if (bio == NULL) {
        ERR_clear_error();
        *reason = CHAT_KEY_NO_MEMORY;
        return NULL;
    }

    *reason = chat_pkey_read_pem(bio, &pkey);

    BIO_free(bio);
    ERR_clear_error();

    if (*reason != NULL) {
        EVP_PKEY_free(pkey);
        return NULL;
    }

    return pkey;
}


/*
 * The first block is the key; those after a certificate are its chain.  All are
 * looked at, lest a private key comes along.
 */

static const char *
chat_pkey_read_pem(BIO *bio, EVP_PKEY **pkey)
{
    const char       *wrong;
    chat_pkey_pem_t   pem;

    for ( ;; ) {
        memset(&pem, 0, sizeof(pem));

        if (PEM_read_bio(bio, &pem.name, &pem.header, &pem.data, &pem.len)
            != 1)
        {
            break;
        }

        wrong = chat_pkey_read_block(&pem, pkey);
        chat_pkey_free_block(&pem);

        if (wrong != NULL) {
            return wrong;
        }
    }

    if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
        return "it is broken PEM";
    }

    return *pkey != NULL ? NULL : "it is not PEM";
}


static const char *
chat_pkey_read_block(const chat_pkey_pem_t *pem, EVP_PKEY **pkey)
{
    bool                  certificate;
    const unsigned char  *pos;

    if (strstr(pem->name, "PRIVATE KEY") != NULL) {
        return "it holds a private key, which belongs to the issuer alone";
    }

    certificate = strcmp(pem->name, PEM_STRING_X509) == 0;

    if (!certificate && strcmp(pem->name, PEM_STRING_PUBLIC) != 0) {
        return "it is neither a \"PUBLIC KEY\" nor a \"CERTIFICATE\"";
    }

    if (*pkey != NULL) {
        return certificate ? NULL : "it holds more than one key";
    }

    pos = pem->data;

    *pkey = certificate ? chat_pkey_read_certificate(&pos, pem->len)
                        : d2i_PUBKEY(NULL, &pos, pem->len);

    return *pkey != NULL && pos == pem->data + pem->len
           ? NULL : "OpenSSL cannot read the key in it";
}


static EVP_PKEY *
chat_pkey_read_certificate(const unsigned char **pos, long len)
{
    X509      *x509;
    EVP_PKEY  *pkey;

    x509 = d2i_X509(NULL, pos, len);

    if (x509 == NULL) {
        return NULL;
    }

    pkey = X509_get_pubkey(x509);
    X509_free(x509);

    return pkey;
}


static void
chat_pkey_free_block(chat_pkey_pem_t *pem)
{
    OPENSSL_free(pem->name);
    OPENSSL_free(pem->header);
    OPENSSL_clear_free(pem->data, pem->len);
}


EVP_PKEY *
chat_pkey_make_rsa(chat_str_t n, chat_str_t e, const char **reason)
{
    BIGNUM          *bn_n, *bn_e;
    EVP_PKEY        *pkey;
    OSSL_PARAM      *params;
    OSSL_PARAM_BLD  *build;

    if (n.len > CHAT_KEY_MAX_RSA / 8 || e.len > CHAT_KEY_MAX_EXPONENT / 8) {
        *reason = "its modulus or exponent is too long";
        return NULL;
    }

    pkey = NULL;
    params = NULL;
    bn_n = BN_bin2bn(n.data, (int) n.len, NULL);
    bn_e = BN_bin2bn(e.data, (int) e.len, NULL);
    build = OSSL_PARAM_BLD_new();

    if (bn_n != NULL && bn_e != NULL && build != NULL
        && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, bn_n) == 1
        && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, bn_e) == 1)
    {
        params = OSSL_PARAM_BLD_to_param(build);
    }

    if (params != NULL) {
        pkey = chat_pkey_from_params("RSA", params);
    }

    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    BN_free(bn_e);
    BN_free(bn_n);
    ERR_clear_error();

    if (pkey == NULL) {
        *reason = CHAT_KEY_NO_MEMORY;
    }

    return pkey;
}


EVP_PKEY *
chat_pkey_make_p256(chat_str_t x, chat_str_t y, const char **reason)
{
    char         group[] = "P-256";
    uint8_t      point[CHAT_PKEY_POINT];
    EVP_PKEY    *pkey;
    OSSL_PARAM   params[3];

    if (x.len != CHAT_PKEY_COORDINATE || y.len != CHAT_PKEY_COORDINATE) {
        *reason = "its coordinates are not of 32 bytes each";
        return NULL;
    }

    point[0] = 0x04;                    /* uncompressed: SEC 1, 2.3.3 */
    memcpy(point + 1, x.data, x.len);
    memcpy(point + 1 + x.len, y.data, y.len);

    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
                                                 group, 0);
    params[1] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY,
                                                  point, sizeof(point));
    params[2] = OSSL_PARAM_construct_end();

    pkey = chat_pkey_from_params("EC", params);

    if (pkey == NULL) {
        *reason = chat_pkey_point_failed();
    }

    return pkey;
}


static EVP_PKEY *
chat_pkey_from_params(const char *type, OSSL_PARAM *params)
{
    EVP_PKEY      *pkey;
    EVP_PKEY_CTX  *ctx;

    pkey = NULL;
    ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);

    if (ctx == NULL) {
        return NULL;
    }

    if (EVP_PKEY_fromdata_init(ctx) != 1
        || EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
    {
        EVP_PKEY_free(pkey);
        pkey = NULL;
    }

    EVP_PKEY_CTX_free(ctx);

    return pkey;
}


EVP_PKEY *
chat_pkey_make_ed25519(chat_str_t x, const char **reason)
{
    EVP_PKEY  *pkey;

    if (x.len != CHAT_PKEY_RAW) {
        *reason = "it is not of 32 bytes";
        return NULL;
    }

    pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, x.data, x.len);

    if (pkey == NULL) {
        ERR_clear_error();
        *reason = CHAT_KEY_NO_MEMORY;
    }

    return pkey;
}
