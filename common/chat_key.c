#include "chat_key.h"

#include <limits.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "chat_pkey.h"


#define CHAT_KEY_HS256_LEN  32
#define CHAT_KEY_BLOCK      64          /* of SHA-256, bytes */


/*
 * HMAC (RFC 2104) is SHA-256 of the outer pad and of the SHA-256 of the inner
 * pad and the text.  The secret is hashed into both once, and a check goes on
 * from there; it costs a tenth of one that starts anew, and the secret itself
 * is nowhere in memory, while OpenSSL's own HMAC keeps a copy.  One context is
 * worked with, so a key is for one thread at a time.
 */

typedef struct {
    EVP_MD_CTX  *inner;
    EVP_MD_CTX  *outer;
    EVP_MD_CTX  *work;
} chat_key_mac_t;


struct chat_key_s {
    chat_key_alg_e   alg;
    chat_key_mac_t   mac;               /* of HS256 */
    chat_pkey_t     *pkey;              /* of the others */
    size_t           kid_len;
    uint8_t          kid[];
};


static chat_key_t *chat_key_create(chat_key_alg_e alg, chat_str_t kid);
static chat_key_t *chat_key_create_public(chat_key_alg_e alg, chat_str_t kid,
    EVP_PKEY *pkey, const char **reason);
static bool chat_key_holds(chat_str_t secret, chat_str_t text);
static bool chat_key_is_der(chat_str_t secret);
static bool chat_key_is_sequence(chat_str_t text);
static bool chat_key_init_mac(chat_key_mac_t *mac, chat_str_t secret);
static EVP_MD_CTX *chat_key_create_pad(const uint8_t *secret, uint8_t with);
static chat_rc_e chat_key_verify_mac(chat_key_t *key, chat_str_t text,
    chat_str_t signature);


chat_rc_e
chat_key_alg(chat_str_t name, chat_key_alg_e *alg)
{
    static const struct {
        chat_str_t      name;
        chat_key_alg_e  alg;
    } known[] = {
        { { (const uint8_t *) "HS256", 5 }, CHAT_KEY_HS256 },
        { { (const uint8_t *) "RS256", 5 }, CHAT_KEY_RS256 },
        { { (const uint8_t *) "PS256", 5 }, CHAT_KEY_PS256 },
        { { (const uint8_t *) "ES256", 5 }, CHAT_KEY_ES256 },
        { { (const uint8_t *) "EdDSA", 5 }, CHAT_KEY_EDDSA },
    };

    size_t  i;

    for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {

        if (name.len == known[i].name.len
            && memcmp(name.data, known[i].name.data, name.len) == 0)
        {
            *alg = known[i].alg;
            return CHAT_OK;
        }
    }

    return CHAT_DECLINED;
}


chat_key_t *
chat_key_create_secret(chat_str_t kid, chat_str_t secret, const char **reason)
{
    chat_key_t  *key;

    static const chat_str_t  pem = { (const uint8_t *) "-----BEGIN ", 11 };
    static const chat_str_t  kty = { (const uint8_t *) "\"kty\"", 5 };

    if (secret.len < CHAT_KEY_MIN_SECRET) {
        *reason = "a secret must be 32 bytes at least";
        return NULL;
    }

    /* what everybody may know must not be taken for a secret */

    if (chat_key_holds(secret, pem)) {
        *reason = "it is PEM, not a secret";
        return NULL;
    }

    if (secret.data[0] == '{' && chat_key_holds(secret, kty)) {
        *reason = "it is a JWK, not a secret";
        return NULL;
    }

    if (chat_key_is_der(secret)) {
        *reason = "it is a key in DER, not a secret";
        return NULL;
    }

    key = chat_key_create(CHAT_KEY_HS256, kid);

    if (key == NULL) {
        *reason = CHAT_KEY_NO_MEMORY;
        return NULL;
    }

    if (!chat_key_init_mac(&key->mac, secret)) {
        ERR_clear_error();
        *reason = CHAT_KEY_NO_MEMORY;
        chat_key_free(key);
        return NULL;
    }

    return key;
}


static bool
chat_key_holds(chat_str_t secret, chat_str_t text)
{
    size_t  i;

    for (i = 0; i + text.len <= secret.len; i++) {
        if (memcmp(secret.data + i, text.data, text.len) == 0) {
            return true;
        }
    }

    return false;
}


/* public, private, or in a certificate */

static bool
chat_key_is_der(chat_str_t secret)
{
    bool                  is;
    X509                 *certificate = NULL;
    EVP_PKEY             *pkey;
    const unsigned char  *p = secret.data;

    if (!chat_key_is_sequence(secret)) {
        return false;                   /* OpenSSL would leave copies of it */
    }

    pkey = d2i_PUBKEY(NULL, &p, (long) secret.len);

    if (pkey == NULL) {
        p = secret.data;
        pkey = d2i_AutoPrivateKey(NULL, &p, (long) secret.len);
    }

    if (pkey == NULL) {
        p = secret.data;
        certificate = d2i_X509(NULL, &p, (long) secret.len);
    }

    is = pkey != NULL || certificate != NULL;

    EVP_PKEY_free(pkey);
    X509_free(certificate);
    ERR_clear_error();

    return is;
}


/* one SEQUENCE of DER from end to end, of 64 kB at most (X.690, 8.1.3) */

static bool
chat_key_is_sequence(chat_str_t text)
{
    size_t          len;
    const uint8_t  *p = text.data;

    if (text.len < 4 || p[0] != 0x30) {
        return false;
    }

    if (p[1] < 0x80) {
        len = 2 + (size_t) p[1];

    } else if (p[1] == 0x81) {
        len = 3 + (size_t) p[2];

    } else if (p[1] == 0x82) {
        len = 4 + ((size_t) p[2] << 8) + p[3];

    } else {
        return false;
    }

    return len == text.len;
}


static chat_key_t *
chat_key_create(chat_key_alg_e alg, chat_str_t kid)
{
    chat_key_t  *key;

    key = OPENSSL_zalloc(sizeof(chat_key_t) + kid.len);

    if (key == NULL) {

        /* nginx would take what is left there for an error of its own */

        ERR_clear_error();
        return NULL;
    }

    key->alg = alg;
    key->kid_len = kid.len;

    if (kid.len != 0) {
        memcpy(key->kid, kid.data, kid.len);
    }

    return key;
}


chat_key_t *
chat_key_create_pem(chat_key_alg_e alg, chat_str_t kid, chat_str_t pem,
    const char **reason)
{
    return chat_key_create_public(alg, kid, chat_pkey_make_pem(pem, reason),
                                  reason);
}


chat_key_t *
chat_key_create_rsa(chat_key_alg_e alg, chat_str_t kid, chat_str_t n,
    chat_str_t e, const char **reason)
{
    return chat_key_create_public(alg, kid, chat_pkey_make_rsa(n, e, reason),
                                  reason);
}


chat_key_t *
chat_key_create_p256(chat_str_t kid, chat_str_t x, chat_str_t y,
    const char **reason)
{
    return chat_key_create_public(CHAT_KEY_ES256, kid,
                                  chat_pkey_make_p256(x, y, reason), reason);
}


chat_key_t *
chat_key_create_ed25519(chat_str_t kid, chat_str_t x, const char **reason)
{
    return chat_key_create_public(CHAT_KEY_EDDSA, kid,
                                  chat_pkey_make_ed25519(x, reason), reason);
}


/* takes pkey over; NULL: it could not be made, and *reason is told */

static chat_key_t *
chat_key_create_public(chat_key_alg_e alg, chat_str_t kid, EVP_PKEY *pkey,
    const char **reason)
{
    chat_key_t   *key;
    chat_pkey_t  *public;

    public = chat_pkey_create(alg, pkey, reason);

    if (public == NULL) {
        return NULL;
    }

    key = chat_key_create(alg, kid);

    if (key == NULL) {
        *reason = CHAT_KEY_NO_MEMORY;
        chat_pkey_free(public);
        return NULL;
    }

    key->pkey = public;

    return key;
}


/* a secret longer than a block stands for its hash */

static bool
chat_key_init_mac(chat_key_mac_t *mac, chat_str_t secret)
{
    bool     hashed;
    uint8_t  block[CHAT_KEY_BLOCK];

    memset(block, 0, sizeof(block));
    hashed = true;

    if (secret.len <= sizeof(block)) {
        memcpy(block, secret.data, secret.len);

    } else {
        hashed = EVP_Digest(secret.data, secret.len, block, NULL,
                            EVP_sha256(), NULL)
                 == 1;
    }

    if (hashed) {
        mac->inner = chat_key_create_pad(block, 0x36);
        mac->outer = chat_key_create_pad(block, 0x5c);
        mac->work = EVP_MD_CTX_new();
    }

    OPENSSL_cleanse(block, sizeof(block));

    return mac->inner != NULL && mac->outer != NULL && mac->work != NULL;
}


static EVP_MD_CTX *
chat_key_create_pad(const uint8_t *secret, uint8_t with)
{
    size_t       i;
    uint8_t      pad[CHAT_KEY_BLOCK];
    EVP_MD_CTX  *md;

    md = EVP_MD_CTX_new();

    if (md == NULL) {
        return NULL;
    }

    for (i = 0; i < sizeof(pad); i++) {
        pad[i] = secret[i] ^ with;
    }

    if (EVP_DigestInit_ex(md, EVP_sha256(), NULL) != 1
        || EVP_DigestUpdate(md, pad, sizeof(pad)) != 1)
    {
        EVP_MD_CTX_free(md);
        md = NULL;
    }

    OPENSSL_cleanse(pad, sizeof(pad));

    return md;
}


void
chat_key_free(chat_key_t *key)
{
    if (key == NULL) {
        return;
    }

    EVP_MD_CTX_free(key->mac.inner);
    EVP_MD_CTX_free(key->mac.outer);
    EVP_MD_CTX_free(key->mac.work);
    chat_pkey_free(key->pkey);
    OPENSSL_free(key);
}


chat_key_alg_e
chat_key_get_alg(const chat_key_t *key)
{
    return key->alg;
}


chat_str_t
chat_key_get_kid(const chat_key_t *key)
{
    return (chat_str_t) { key->kid, key->kid_len };
}


chat_rc_e
chat_key_verify(chat_key_t *key, chat_str_t text, chat_str_t signature)
{
    return key->alg == CHAT_KEY_HS256
           ? chat_key_verify_mac(key, text, signature)
           : chat_pkey_verify(key->pkey, text, signature);
}


static chat_rc_e
chat_key_verify_mac(chat_key_t *key, chat_str_t text, chat_str_t signature)
{
    uint8_t          digest[CHAT_KEY_HS256_LEN];
    chat_key_mac_t  *mac = &key->mac;

    if (signature.len != sizeof(digest)) {
        return CHAT_DECLINED;
    }

    if (EVP_MD_CTX_copy_ex(mac->work, mac->inner) != 1
        || EVP_DigestUpdate(mac->work, text.data, text.len) != 1
        || EVP_DigestFinal_ex(mac->work, digest, NULL) != 1
        || EVP_MD_CTX_copy_ex(mac->work, mac->outer) != 1
        || EVP_DigestUpdate(mac->work, digest, sizeof(digest)) != 1
        || EVP_DigestFinal_ex(mac->work, digest, NULL) != 1)
    {
        ERR_clear_error();
        return CHAT_ERROR;
    }

    return CRYPTO_memcmp(digest, signature.data, sizeof(digest)) == 0
           ? CHAT_OK : CHAT_DECLINED;
}
