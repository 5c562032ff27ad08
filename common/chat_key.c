#include "chat_key.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "chat_pkey.h"


#define CHAT_KEY_HS256_LEN  32


/*
 * The context holds the secret, already hashed into its two pads: a check
 * begins from there, and costs a tenth of one that starts anew.  So a key is
 * for one thread at a time.
 */

struct chat_key_s {
    chat_key_alg_e   alg;
    EVP_MAC_CTX     *mac;               /* of HS256 */
    chat_pkey_t     *pkey;              /* of the others */
    size_t           kid_len;
    uint8_t          kid[];
};


static chat_key_t *chat_key_create(chat_key_alg_e alg, chat_str_t kid);
static chat_key_t *chat_key_create_public(chat_key_alg_e alg, chat_str_t kid,
    EVP_PKEY *pkey, const char **reason);
static bool chat_key_is_pem(chat_str_t secret);
static EVP_MAC_CTX *chat_key_create_mac(chat_str_t secret);
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

    if (secret.len < CHAT_KEY_MIN_SECRET) {
        *reason = "a secret must be 32 bytes at least";
        return NULL;
    }

    if (chat_key_is_pem(secret)) {
        *reason = "it is PEM, not a secret";
        return NULL;
    }

    key = chat_key_create(CHAT_KEY_HS256, kid);

    if (key == NULL) {
        *reason = CHAT_KEY_NO_MEMORY;
        return NULL;
    }

    key->mac = chat_key_create_mac(secret);

    if (key->mac == NULL) {
        *reason = "HMAC failed in OpenSSL";
        chat_key_free(key);
        return NULL;
    }

    return key;
}


static bool
chat_key_is_pem(chat_str_t secret)
{
    static const char  begin[] = "-----BEGIN ";

    size_t  i;

    for (i = 0; i + sizeof(begin) - 1 <= secret.len; i++) {
        if (memcmp(secret.data + i, begin, sizeof(begin) - 1) == 0) {
            return true;
        }
    }

    return false;
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


static EVP_MAC_CTX *
chat_key_create_mac(chat_str_t secret)
{
    char          digest[] = "SHA256";
    EVP_MAC      *hmac;
    OSSL_PARAM    params[2];
    EVP_MAC_CTX  *mac;

    hmac = EVP_MAC_fetch(NULL, OSSL_MAC_NAME_HMAC, NULL);

    if (hmac == NULL) {
        goto failed;
    }

    mac = EVP_MAC_CTX_new(hmac);
    EVP_MAC_free(hmac);                 /* the context has its own reference */

    if (mac == NULL) {
        goto failed;
    }

    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
                                                 digest, 0);
    params[1] = OSSL_PARAM_construct_end();

    if (EVP_MAC_init(mac, secret.data, secret.len, params) != 1) {
        EVP_MAC_CTX_free(mac);
        goto failed;
    }

    return mac;

failed:

    ERR_clear_error();

    return NULL;
}


void
chat_key_free(chat_key_t *key)
{
    if (key == NULL) {
        return;
    }

    EVP_MAC_CTX_free(key->mac);         /* wipes the secret */
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
    size_t   len;
    uint8_t  expected[CHAT_KEY_HS256_LEN];

    if (signature.len != sizeof(expected)) {
        return CHAT_DECLINED;
    }

    /* no key: begin again with the one that the context holds */

    if (EVP_MAC_init(key->mac, NULL, 0, NULL) != 1
        || EVP_MAC_update(key->mac, text.data, text.len) != 1
        || EVP_MAC_final(key->mac, expected, &len, sizeof(expected)) != 1)
    {
        ERR_clear_error();
        return CHAT_ERROR;
    }

    if (len != sizeof(expected)
        || CRYPTO_memcmp(expected, signature.data, len) != 0)
    {
        return CHAT_DECLINED;
    }

    return CHAT_OK;
}
