#include "token_key.h"

#include <errno.h>
#include <openssl/ecdsa.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <string.h>

#include "pem.h"


#define TOKEN_KEY_P256_LEN  32      /* of r and of s (RFC 7518, 3.4) */


static const char *token_key_load(token_key_t *key, const char *path);
static const char *token_key_read_pem(token_key_t *key);
static const char *token_key_check_secret(const token_key_t *key);
static int token_key_to_raw(uint8_t *sig, size_t *len);


const char *
token_key_read(token_key_t *key, const char *path)
{
    const char  *reason;

    memset(key, 0, sizeof(*key));

    reason = token_key_load(key, path);

    if (reason != NULL) {
        return reason;
    }

    if (pem_is((chat_str_t) { key->secret, key->len })) {
        return token_key_read_pem(key);
    }

    if (key->len != 0 && key->secret[key->len - 1] == '\n') {
        key->len--;
    }

    key->alg = CHAT_KEY_HS256;

    return token_key_check_secret(key);
}


static const char *
token_key_load(token_key_t *key, const char *path)
{
    FILE        *file;
    const char  *reason = NULL;

    file = fopen(path, "rb");

    if (file == NULL) {
        return strerror(errno);
    }

    /* unbuffered: the secret is to be in one place only */
    (void) setvbuf(file, NULL, _IONBF, 0);

    key->len = fread(key->secret, 1, sizeof(key->secret), file);

    if (ferror(file)) {
        reason = "cannot read it";

    } else if (key->len == sizeof(key->secret)) {
        reason = "it is too long";
    }

    fclose(file);

    return reason;
}


static const char *
token_key_read_pem(token_key_t *key)
{
    const char  *reason;

    key->pkey = pem_read_private((chat_str_t) { key->secret, key->len });

    explicit_bzero(key->secret, key->len);
    key->len = 0;

    if (key->pkey == NULL) {
        return "there is no private key in it, or one with a password";
    }

    reason = pem_alg(key->pkey, &key->alg);

    if (reason == NULL && pem_thumbprint(key->pkey, key->kid) == -1) {
        reason = "OpenSSL cannot read it";
    }

    return reason;
}


/* as nginx does, which would take none of its tokens */

static const char *
token_key_check_secret(const token_key_t *key)
{
    chat_key_t  *checked;
    const char  *reason = NULL;

    checked = chat_key_create_secret((chat_str_t) { NULL, 0 },
                                     (chat_str_t) { key->secret, key->len },
                                     &reason);
    chat_key_free(checked);

    return reason;
}


void
token_key_wipe(token_key_t *key)
{
    EVP_PKEY_free(key->pkey);           /* NULL is fine */
    explicit_bzero(key, sizeof(*key));
}


const char *
token_key_set_alg(token_key_t *key, const char *name)
{
    chat_str_t      text = { (const uint8_t *) name, strlen(name) };
    chat_key_alg_e  alg;

    if (chat_key_alg(text, &alg) != CHAT_OK) {
        return "it is none of HS256, RS256, PS256, ES256 and EdDSA";
    }

    if (alg != key->alg
        && !(alg == CHAT_KEY_PS256 && key->alg == CHAT_KEY_RS256))
    {
        return "the key is of another kind";
    }

    key->alg = alg;

    return NULL;
}


const char *
token_key_set_kid(token_key_t *key, const char *kid)
{
    size_t  i, len = strlen(kid);

    if (len == 0 || len > TOKEN_KEY_MAX_KID) {
        return "it must have 1 to 128 characters";
    }

    for (i = 0; i < len; i++) {
        if (kid[i] < ' ' || kid[i] > '~') {
            return "it holds a character that cannot be printed";
        }
    }

    memcpy(key->kid, kid, len + 1);

    return NULL;
}


const char *
token_key_alg_name(chat_key_alg_e alg)
{
    switch (alg) {
    case CHAT_KEY_HS256:
        return "HS256";
    case CHAT_KEY_RS256:
        return "RS256";
    case CHAT_KEY_PS256:
        return "PS256";
    case CHAT_KEY_ES256:
        return "ES256";
    case CHAT_KEY_EDDSA:
        return "EdDSA";
    }

    return "";
}


int
token_key_sign(const token_key_t *key, chat_str_t text, uint8_t *sig,
    size_t *len)
{
    int            ok;
    EVP_MD_CTX    *ctx;
    EVP_PKEY_CTX  *pctx;
    const char    *digest = key->alg == CHAT_KEY_EDDSA ? NULL : "SHA256";

    ctx = EVP_MD_CTX_new();

    if (ctx == NULL) {
        return -1;
    }

    ok = EVP_DigestSignInit_ex(ctx, &pctx, digest, NULL, NULL, key->pkey,
                               NULL)
         == 1;

    if (ok && key->alg == CHAT_KEY_PS256) {
        ok = EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) == 1
             && EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, RSA_PSS_SALTLEN_DIGEST)
                == 1;
    }

    *len = CHAT_KEY_MAX_SIGNATURE;
    ok = ok && EVP_DigestSign(ctx, sig, len, text.data, text.len) == 1;

    EVP_MD_CTX_free(ctx);

    if (!ok) {
        return -1;
    }

    return key->alg == CHAT_KEY_ES256 ? token_key_to_raw(sig, len) : 0;
}


/* OpenSSL gives a sequence in DER, JWS has r and s one behind the other */

static int
token_key_to_raw(uint8_t *sig, size_t *len)
{
    int             ok;
    ECDSA_SIG      *pair;
    const uint8_t  *pos = sig;

    pair = d2i_ECDSA_SIG(NULL, &pos, (long) *len);

    if (pair == NULL) {
        return -1;
    }

    ok = BN_bn2binpad(ECDSA_SIG_get0_r(pair), sig, TOKEN_KEY_P256_LEN) > 0
         && BN_bn2binpad(ECDSA_SIG_get0_s(pair), sig + TOKEN_KEY_P256_LEN,
                         TOKEN_KEY_P256_LEN)
            > 0;

    *len = 2 * TOKEN_KEY_P256_LEN;
    ECDSA_SIG_free(pair);

    return ok ? 0 : -1;
}
