#define _GNU_SOURCE

#include "pem.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>

#include "chat_base64.h"


#define PEM_BEGIN       "-----BEGIN "
#define PEM_P256_LEN    32
#define PEM_SHA256_LEN  32


static int pem_no_password(char *buf, int size, int rwflag, void *ctx);
static int pem_write_ed25519(chat_writer_t *w, const EVP_PKEY *key);
static int pem_write_number(chat_writer_t *w, const char *member,
    const EVP_PKEY *key, const char *param, size_t len);
static void pem_write_member(chat_writer_t *w, const char *member,
    chat_str_t bytes);


bool
pem_is(chat_str_t text)
{
    return memmem(text.data, text.len, PEM_BEGIN, strlen(PEM_BEGIN)) != NULL;
}


EVP_PKEY *
pem_read_private(chat_str_t text)
{
    BIO       *bio;
    EVP_PKEY  *key;

    bio = BIO_new_mem_buf(text.data, (int) text.len);

    if (bio == NULL) {
        return NULL;
    }

    key = PEM_read_bio_PrivateKey(bio, NULL, pem_no_password, NULL);

    BIO_free(bio);

    return key;
}


EVP_PKEY *
pem_read_public(chat_str_t text)
{
    BIO       *bio;
    X509      *certificate;
    EVP_PKEY  *key;

    key = pem_read_private(text);

    if (key != NULL) {
        return key;
    }

    bio = BIO_new_mem_buf(text.data, (int) text.len);

    if (bio == NULL) {
        return NULL;
    }

    key = PEM_read_bio_PUBKEY(bio, NULL, pem_no_password, NULL);

    if (key == NULL && BIO_reset(bio) == 1) {
        certificate = PEM_read_bio_X509(bio, NULL, pem_no_password, NULL);

        if (certificate != NULL) {
            key = X509_get_pubkey(certificate);
            X509_free(certificate);
        }
    }

    BIO_free(bio);

    return key;
}


/* else OpenSSL would ask on the terminal */

static int
pem_no_password(char *buf, int size, int rwflag, void *ctx)
{
    (void) buf;
    (void) size;
    (void) rwflag;
    (void) ctx;

    return -1;
}


const char *
pem_alg(const EVP_PKEY *key, chat_key_alg_e *alg)
{
    int     bits;
    char    group[32];
    size_t  len;

    switch (EVP_PKEY_get_base_id(key)) {

    case EVP_PKEY_RSA:
        bits = EVP_PKEY_get_bits(key);

        if (bits < CHAT_KEY_MIN_RSA || bits > CHAT_KEY_MAX_RSA) {
            return "a key of RSA must have 2048 to 4096 bits";
        }

        *alg = CHAT_KEY_RS256;
        return NULL;

    case EVP_PKEY_EC:
        if (EVP_PKEY_get_group_name(key, group, sizeof(group), &len) != 1
            || strcmp(group, SN_X9_62_prime256v1) != 0)
        {
            return "a key of an elliptic curve must be of P-256";
        }

        *alg = CHAT_KEY_ES256;
        return NULL;

    case EVP_PKEY_ED25519:
        *alg = CHAT_KEY_EDDSA;
        return NULL;
    }

    return "it is of none of the kinds RSA, P-256 and Ed25519";
}


int
pem_write_jwk(chat_writer_t *w, const EVP_PKEY *key)
{
    switch (EVP_PKEY_get_base_id(key)) {

    case EVP_PKEY_RSA:
        if (pem_write_number(w, "\"e\":", key, OSSL_PKEY_PARAM_RSA_E, 0)
            == -1)
        {
            return -1;
        }

        chat_write_cstr(w, ",\"kty\":\"RSA\",");

        return pem_write_number(w, "\"n\":", key, OSSL_PKEY_PARAM_RSA_N, 0);

    case EVP_PKEY_EC:
        chat_write_cstr(w, "\"crv\":\"P-256\",\"kty\":\"EC\",");

        if (pem_write_number(w, "\"x\":", key, OSSL_PKEY_PARAM_EC_PUB_X,
                             PEM_P256_LEN)
            == -1)
        {
            return -1;
        }

        chat_write_cstr(w, ",");

        return pem_write_number(w, "\"y\":", key, OSSL_PKEY_PARAM_EC_PUB_Y,
                                PEM_P256_LEN);

    case EVP_PKEY_ED25519:
        return pem_write_ed25519(w, key);
    }

    return -1;
}


static int
pem_write_ed25519(chat_writer_t *w, const EVP_PKEY *key)
{
    size_t   len;
    uint8_t  point[32];

    len = sizeof(point);

    if (EVP_PKEY_get_raw_public_key(key, point, &len) != 1) {
        return -1;
    }

    chat_write_cstr(w, "\"crv\":\"Ed25519\",\"kty\":\"OKP\",");
    pem_write_member(w, "\"x\":", (chat_str_t) { point, len });

    return 0;
}


/* a number in as few bytes as it takes, or in len bytes */

static int
pem_write_number(chat_writer_t *w, const char *member, const EVP_PKEY *key,
    const char *param, size_t len)
{
    int      rc = -1;
    BIGNUM  *number = NULL;
    uint8_t  bytes[CHAT_KEY_MAX_RSA / 8];

    if (EVP_PKEY_get_bn_param(key, param, &number) != 1) {
        return -1;
    }

    if (len == 0) {
        len = (size_t) BN_num_bytes(number);
    }

    if (len <= sizeof(bytes)
        && BN_bn2binpad(number, bytes, (int) len) == (int) len)
    {
        pem_write_member(w, member, (chat_str_t) { bytes, len });
        rc = 0;
    }

    BN_free(number);

    return rc;
}


static void
pem_write_member(chat_writer_t *w, const char *member, chat_str_t bytes)
{
    uint8_t  text[CHAT_BASE64_LEN(CHAT_KEY_MAX_RSA / 8)];

    chat_write_cstr(w, member);
    chat_write_cstr(w, "\"");
    chat_write(w, (chat_str_t) { text, chat_base64_encode(bytes, text) });
    chat_write_cstr(w, "\"");
}


int
pem_thumbprint(const EVP_PKEY *key, char text[PEM_THUMBPRINT + 1])
{
    size_t         len;
    uint8_t        jwk[PEM_MAX_JWK], digest[PEM_SHA256_LEN];
    chat_writer_t  w;

    chat_writer_init(&w, jwk, sizeof(jwk));
    chat_write_cstr(&w, "{");

    if (pem_write_jwk(&w, key) == -1) {
        return -1;
    }

    chat_write_cstr(&w, "}");

    if (w.full
        || EVP_Q_digest(NULL, "SHA256", NULL, jwk, w.len, digest, &len) != 1)
    {
        return -1;
    }

    len = chat_base64_encode((chat_str_t) { digest, len }, (uint8_t *) text);
    text[len] = '\0';

    return 0;
}
