#include "chat_pkey.h"

#include <string.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>


#define CHAT_PKEY_INTEGER    32         /* r and s of ES256, bytes */
#define CHAT_PKEY_SIGNATURE  64         /* of ES256 and EdDSA */
#define CHAT_PKEY_SALT       32         /* of PS256; RFC 7518, 3.5 */

/* SEQUENCE { INTEGER, INTEGER }, each with a zero byte before a set high bit */
#define CHAT_PKEY_MAX_DER    (2 + 2 * (2 + 1 + CHAT_PKEY_INTEGER))


/*
 * A context is prepared once and used again and again, so a key is for one
 * thread at a time.  EVP_PKEY_verify() promises that; for Ed25519, which signs
 * texts and no digests, the context has to begin anew each time.
 */

struct chat_pkey_s {
    chat_key_alg_e   alg;
    size_t           signature_len;
    EVP_PKEY        *pkey;
    EVP_PKEY_CTX    *ctx;               /* of RSA and EC */
    EVP_MD_CTX      *md;                /* of Ed25519 */
};


static bool chat_pkey_prepare(chat_pkey_t *key);
static bool chat_pkey_prepare_pss(EVP_PKEY_CTX *ctx);
static int chat_pkey_verify_digest(chat_pkey_t *key, chat_str_t text,
    const uint8_t *signature, size_t len);
static int chat_pkey_verify_p256(chat_pkey_t *key, chat_str_t text,
    chat_str_t signature);
static int chat_pkey_verify_ed25519(chat_pkey_t *key, chat_str_t text,
    chat_str_t signature);
static uint8_t *chat_pkey_put_integer(uint8_t *p, const uint8_t *integer);
static bool chat_pkey_library_failed(void);


chat_pkey_t *
chat_pkey_create(chat_key_alg_e alg, EVP_PKEY *pkey, const char **reason)
{
    chat_pkey_t  *key;

    if (pkey == NULL) {
        return NULL;
    }

    key = NULL;
    *reason = chat_pkey_check(pkey, alg);

    if (*reason != NULL) {
        goto failed;
    }

    key = OPENSSL_zalloc(sizeof(chat_pkey_t));

    if (key == NULL) {
        *reason = CHAT_KEY_NO_MEMORY;
        goto failed;
    }

    key->alg = alg;
    key->pkey = pkey;

    if (!chat_pkey_prepare(key)) {
        *reason = CHAT_KEY_NO_MEMORY;
        ERR_clear_error();
        chat_pkey_free(key);
        return NULL;
    }

    ERR_clear_error();                  /* of what it could do without */

    return key;

failed:

    ERR_clear_error();
    EVP_PKEY_free(pkey);

    return NULL;
}


static bool
chat_pkey_prepare(chat_pkey_t *key)
{
    if (key->alg == CHAT_KEY_EDDSA) {
        key->signature_len = CHAT_PKEY_SIGNATURE;
        key->md = EVP_MD_CTX_new();

        return key->md != NULL;
    }

    key->signature_len = key->alg == CHAT_KEY_ES256
                         ? CHAT_PKEY_SIGNATURE
                         : (size_t) EVP_PKEY_get_size(key->pkey);

    key->ctx = EVP_PKEY_CTX_new(key->pkey, NULL);

    return key->ctx != NULL
           && EVP_PKEY_verify_init(key->ctx) == 1
           && EVP_PKEY_CTX_set_signature_md(key->ctx, EVP_sha256()) == 1
           && (key->alg != CHAT_KEY_PS256 || chat_pkey_prepare_pss(key->ctx));
}


static bool
chat_pkey_prepare_pss(EVP_PKEY_CTX *ctx)
{
    return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1
           && EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, CHAT_PKEY_SALT) == 1
           && EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha256()) == 1;
}


void
chat_pkey_free(chat_pkey_t *key)
{
    if (key == NULL) {
        return;
    }

    EVP_MD_CTX_free(key->md);
    EVP_PKEY_CTX_free(key->ctx);
    EVP_PKEY_free(key->pkey);
    OPENSSL_free(key);
}


chat_rc_e
chat_pkey_verify(chat_pkey_t *key, chat_str_t text, chat_str_t signature)
{
    int        good;
    chat_rc_e  rc;

    if (signature.len != key->signature_len) {
        return CHAT_DECLINED;
    }

    ERR_clear_error();                  /* nothing of others decides here */

    switch (key->alg) {

    case CHAT_KEY_RS256:
    case CHAT_KEY_PS256:
        good = chat_pkey_verify_digest(key, text, signature.data,
                                       signature.len);
        break;

    case CHAT_KEY_ES256:
        good = chat_pkey_verify_p256(key, text, signature);
        break;

    case CHAT_KEY_EDDSA:
        good = chat_pkey_verify_ed25519(key, text, signature);
        break;

    case CHAT_KEY_HS256:
    default:
        return CHAT_ERROR;
    }

    if (good == 1) {
        rc = CHAT_OK;

    } else {
        rc = good < 0 || chat_pkey_library_failed() ? CHAT_ERROR
                                                    : CHAT_DECLINED;
    }

    ERR_clear_error();                  /* perhaps it could do without, too */

    return rc;
}


static int
chat_pkey_verify_digest(chat_pkey_t *key, chat_str_t text,
    const uint8_t *signature, size_t len)
{
    uint8_t  digest[SHA256_DIGEST_LENGTH];

    if (SHA256(text.data, text.len, digest) == NULL) {
        return -1;
    }

    return EVP_PKEY_verify(key->ctx, signature, len, digest, sizeof(digest));
}


/*
 * A token has r and s as they are (RFC 7518, 3.4), OpenSSL wants them in DER.
 * It refuses integers that are 0 or not less than the order of the group.
 */

static int
chat_pkey_verify_p256(chat_pkey_t *key, chat_str_t text, chat_str_t signature)
{
    uint8_t  *p, der[CHAT_PKEY_MAX_DER];

    p = chat_pkey_put_integer(der + 2, signature.data);
    p = chat_pkey_put_integer(p, signature.data + CHAT_PKEY_INTEGER);

    der[0] = 0x30;                      /* SEQUENCE */
    der[1] = p - der - 2;

    return chat_pkey_verify_digest(key, text, der, p - der);
}


/* the shortest form: no zero bytes in front but one where the number would
   be negative without it */

static uint8_t *
chat_pkey_put_integer(uint8_t *p, const uint8_t *integer)
{
    size_t  i, len;

    i = 0;

    while (i < CHAT_PKEY_INTEGER - 1 && integer[i] == 0) {
        i++;
    }

    len = CHAT_PKEY_INTEGER - i;

    *p++ = 0x02;                        /* INTEGER */

    if (integer[i] & 0x80) {
        *p++ = len + 1;
        *p++ = 0;

    } else {
        *p++ = len;
    }

    memcpy(p, integer + i, len);

    return p + len;
}


static int
chat_pkey_verify_ed25519(chat_pkey_t *key, chat_str_t text,
    chat_str_t signature)
{
    if (EVP_DigestVerifyInit(key->md, NULL, NULL, NULL, key->pkey) != 1) {
        return -1;
    }

    return EVP_DigestVerify(key->md, signature.data, signature.len, text.data,
                            text.len);
}


/*
 * That it had no memory is told like a signature that does not match, and not
 * always by that reason.  Of one that does not match the code of RSA or of
 * curves tells first what is wrong, or nobody tells anything.
 */

static bool
chat_pkey_library_failed(void)
{
    int            library;
    unsigned long  error;

    error = ERR_peek_error();
    library = ERR_GET_LIB(error);

    if (error != 0 && library != ERR_LIB_RSA && library != ERR_LIB_EC) {
        return true;
    }

    for ( ;; ) {
        error = ERR_get_error();

        if (error == 0) {
            return false;
        }

        if (ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE) {
            return true;
        }
    }
}
