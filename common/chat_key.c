#include "chat_key.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>


#define CHAT_KEY_HS256_LEN  32


/*
 * The context holds the secret, already hashed into its two pads: a check
 * begins from there, and costs a tenth of one that starts anew.  So a key is
 * for one thread at a time.
 */

struct chat_key_s {
    chat_key_alg_e   alg;
    EVP_MAC_CTX     *mac;
    size_t           kid_len;
    uint8_t          kid[];
};


static EVP_MAC_CTX *chat_key_create_mac(chat_str_t secret);


chat_rc_e
chat_key_alg(chat_str_t name, chat_key_alg_e *alg)
{
    static const struct {
        chat_str_t      name;
        chat_key_alg_e  alg;
    } known[] = {
        { { (const uint8_t *) "HS256", 5 }, CHAT_KEY_HS256 },
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
chat_key_create_secret(chat_key_alg_e alg, chat_str_t kid, chat_str_t secret,
    const char **reason)
{
    chat_key_t  *key;

    if (secret.len < CHAT_KEY_MIN_SECRET) {
        *reason = "a secret must be 32 bytes at least";
        return NULL;
    }

    key = OPENSSL_zalloc(sizeof(chat_key_t) + kid.len);

    if (key == NULL) {
        *reason = "out of memory";
        goto failed;
    }

    key->alg = alg;
    key->kid_len = kid.len;

    if (kid.len != 0) {
        memcpy(key->kid, kid.data, kid.len);
    }

    key->mac = chat_key_create_mac(secret);

    if (key->mac == NULL) {
        *reason = "HMAC failed in OpenSSL";
        goto failed;
    }

    return key;

failed:

    /* nginx would take what is left there for an error of its own */
    ERR_clear_error();

    chat_key_free(key);

    return NULL;
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
        return NULL;
    }

    mac = EVP_MAC_CTX_new(hmac);
    EVP_MAC_free(hmac);                 /* the context has its own reference */

    if (mac == NULL) {
        return NULL;
    }

    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
                                                 digest, 0);
    params[1] = OSSL_PARAM_construct_end();

    if (EVP_MAC_init(mac, secret.data, secret.len, params) != 1) {
        EVP_MAC_CTX_free(mac);
        return NULL;
    }

    return mac;
}


void
chat_key_free(chat_key_t *key)
{
    if (key == NULL) {
        return;
    }

    EVP_MAC_CTX_free(key->mac);         /* wipes the secret */
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
