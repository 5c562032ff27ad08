/*
 * Tokens.  Keys of all algorithms are made anew by each process, so no input
 * can hold a signature: what is accepted must have been signed here, with the
 * algorithm that its head names, over exactly this text, and its claims are
 * read a second time by jansson.
 *
 *      input   options, a byte that decides what to change, the head
 *              up to a line feed, the claims; or a whole token
 */

#include "fuzz.h"
#include "fuzz_resp.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#include "chat_token.h"


#define NOW      UINT64_C(1795319050)
#define LEEWAY   5
#define ISSUER   "https://id.example"
#define SECRET   40

#define ALGS     5
#define AS_IS    5                      /* the input is a token */
#define CONFUSED 6                      /* a public key as a secret */
#define STOLEN   7                      /* the signature of another token */


static const char  *names[ALGS] = { "HS256", "RS256", "PS256", "ES256",
                                    "EdDSA" };

static uint8_t      secret[SECRET];
static EVP_PKEY    *pairs[ALGS];        /* of HS256: none */
static uint8_t     *pems[ALGS];
static size_t       pem_lens[ALGS];
static chat_key_t  *keys[ALGS + 1];     /* the last has no kid */


static void
make_pair(chat_key_alg_e alg)
{
    BIO         *bio;
    char        *text;
    const char  *reason;

    pairs[alg] = alg == CHAT_KEY_ES256 ? EVP_EC_gen("P-256")
                 : alg == CHAT_KEY_EDDSA ? EVP_PKEY_Q_keygen(NULL, NULL,
                                                             "ED25519")
                 : EVP_RSA_gen(2048);
    fuzz_check(pairs[alg] != NULL);

    bio = BIO_new(BIO_s_mem());
    fuzz_check(PEM_write_bio_PUBKEY(bio, pairs[alg]) == 1);
    pem_lens[alg] = (size_t) BIO_get_mem_data(bio, &text);
    pems[alg] = fuzz_copy(text, pem_lens[alg]);
    BIO_free(bio);

    keys[alg] = chat_key_create_pem(alg, fuzz_cstr(names[alg]),
                                    (chat_str_t) { pems[alg], pem_lens[alg] },
                                    &reason);
    fuzz_check(keys[alg] != NULL);
}


int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    int          alg;
    const char  *reason;

    (void) argc;
    (void) argv;

    fuzz_check(RAND_bytes(secret, sizeof(secret)) == 1);

    keys[CHAT_KEY_HS256] = chat_key_create_secret(fuzz_cstr("HS256"),
                               (chat_str_t) { secret, SECRET }, &reason);
    keys[ALGS] = chat_key_create_secret(chat_str(""),
                               (chat_str_t) { secret, SECRET - 1 }, &reason);
    fuzz_check(keys[CHAT_KEY_HS256] != NULL && keys[ALGS] != NULL);

    for (alg = CHAT_KEY_RS256; alg <= CHAT_KEY_EDDSA; alg++) {
        make_pair((chat_key_alg_e) alg);
    }

    return 0;
}


/* Making tokens. */


static void
add_base64(fuzz_bytes_t *b, const uint8_t *data, size_t len)
{
    size_t    i, k;
    uint8_t   c;
    uint32_t  bits;

    static const char  digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "abcdefghijklmnopqrstuvwxyz0123456789-_";

    for (i = 0; i < len; i += 3) {
        bits = (uint32_t) data[i] << 16;
        bits |= i + 1 < len ? (uint32_t) data[i + 1] << 8 : 0;
        bits |= i + 2 < len ? data[i + 2] : 0;

        for (k = 0; k < 4 && (k < 2 || i + k - 1 < len); k++) {
            c = (uint8_t) digits[bits >> (18 - 6 * k) & 63];
            fuzz_bytes_add(b, &c, 1);
        }
    }
}


/* DER to r and s of 32 bytes each */

static size_t
raw_signature(uint8_t *signature, size_t len)
{
    uint8_t         raw[64];
    ECDSA_SIG      *pair;
    const uint8_t  *der = signature;

    pair = d2i_ECDSA_SIG(NULL, &der, (long) len);
    fuzz_check(pair != NULL);
    fuzz_check(BN_bn2binpad(ECDSA_SIG_get0_r(pair), raw, 32) == 32);
    fuzz_check(BN_bn2binpad(ECDSA_SIG_get0_s(pair), raw + 32, 32) == 32);
    ECDSA_SIG_free(pair);
    memcpy(signature, raw, sizeof(raw));

    return sizeof(raw);
}


static size_t
sign_pair(int alg, const fuzz_bytes_t *text, uint8_t signature[512])
{
    size_t         len = 512;
    EVP_MD_CTX    *ctx;
    EVP_PKEY_CTX  *options;
    const EVP_MD  *md = alg == CHAT_KEY_EDDSA ? NULL : EVP_sha256();

    ctx = EVP_MD_CTX_new();
    fuzz_check(EVP_DigestSignInit(ctx, &options, md, NULL, pairs[alg]) == 1);

    if (alg == CHAT_KEY_PS256) {
        fuzz_check(EVP_PKEY_CTX_set_rsa_padding(options,
                                                RSA_PKCS1_PSS_PADDING) == 1);
        fuzz_check(EVP_PKEY_CTX_set_rsa_pss_saltlen(options, 32) == 1);
    }

    fuzz_check(EVP_DigestSign(ctx, signature, &len, text->data, text->len)
               == 1);
    EVP_MD_CTX_free(ctx);

    return alg == CHAT_KEY_ES256 ? raw_signature(signature, len) : len;
}


static size_t
sign_mac(const uint8_t *key, size_t key_len, const fuzz_bytes_t *text,
    uint8_t signature[512])
{
    unsigned  len = 0;

    fuzz_check(HMAC(EVP_sha256(), key, (int) key_len, text->data, text->len,
                    signature, &len) != NULL);

    return len;
}


static void
make_token(fuzz_bytes_t *token, int how, uint8_t which, chat_str_t head,
    chat_str_t claims)
{
    int           confused = 1 + which % (ALGS - 1);
    size_t        len;
    uint8_t       signature[512];
    fuzz_bytes_t  other = { (uint8_t *) "e30.e30", 7, 7 };

    add_base64(token, head.data, head.len);
    fuzz_bytes_add(token, ".", 1);
    add_base64(token, claims.data, claims.len);

    if (how == CONFUSED) {
        len = sign_mac(pems[confused], pem_lens[confused], token, signature);

    } else if (how == STOLEN) {
        len = sign_mac(secret, SECRET, &other, signature);

    } else if (how == CHAT_KEY_HS256) {
        len = sign_mac(secret, SECRET - which % 2, token, signature);

    } else {
        len = sign_pair(how, token, signature);
    }

    fuzz_bytes_add(token, ".", 1);
    add_base64(token, signature, len);
}


/* Judging them. */


static chat_rc_e
check_token(chat_str_t text, chat_token_t *token, bool strict)
{
    size_t               i;
    uint8_t             *copy;
    chat_rc_e            rc;
    const char          *reason = NULL;
    chat_token_check_t   check;

    memset(&check, 0, sizeof(check));
    check.keys = keys;
    check.nkeys = ALGS + 1;
    check.now = NOW;
    check.leeway = LEEWAY;

    if (strict) {
        check.issuer = fuzz_cstr(ISSUER);
        check.audience = chat_str("chat");
    }

    copy = fuzz_copy(text.data, text.len);
    rc = chat_token_check(token, (chat_str_t) { copy, text.len }, &check,
                          &reason);
    free(copy);

    fuzz_check(rc == CHAT_OK || rc == CHAT_DECLINED);

    if (rc == CHAT_DECLINED) {
        fuzz_check(reason != NULL);

        for (i = 0; i < sizeof(*token); i++) {
            fuzz_check(((uint8_t *) token)[i] == 0);
        }
    }

    return rc;
}


static json_t *
loaded(chat_str_t text)
{
    return json_loadb((const char *) text.data, text.len,
                      JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
}


/* jansson may know numbers only that it can hold: then there is nothing to
   compare with */

static void
claims_are(chat_str_t text, const chat_token_t *token, bool strict)
{
    json_t      *claims, *value;
    const char  *user;

    claims = loaded(text);

    if (claims == NULL) {
        return;
    }

    user = json_string_value(json_object_get(claims, "sub"));
    fuzz_check(user != NULL && strlen(user) == token->user_len
               && memcmp(user, token->user, token->user_len) == 0);

    value = json_object_get(claims, "exp");
    fuzz_check(json_is_number(value));
    fuzz_check(json_number_value(value) + LEEWAY > (double) NOW);

    value = json_object_get(claims, "nbf");
    fuzz_check(value == NULL || json_is_null(value)
               || json_number_value(value) <= (double) (NOW + LEEWAY) + 1);

    if (strict) {
        value = json_object_get(claims, "iss");
        fuzz_check(json_is_string(value)
                   && strcmp(json_string_value(value), ISSUER) == 0);
    }

    json_decref(claims);
}


static void
head_is(chat_str_t text, const char *name)
{
    size_t       i;
    json_t      *head;
    const char  *alg;

    static const char  *refused[] = { "crit", "b64", "jwk", "jku", "x5c",
                                      "x5u" };

    head = loaded(text);

    if (head == NULL) {
        return;
    }

    alg = json_string_value(json_object_get(head, "alg"));
    fuzz_check(alg != NULL && strcmp(alg, name) == 0);

    for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        fuzz_check(json_object_get(head, refused[i]) == NULL);
    }

    json_decref(head);
}


/* a token that is good is good for nothing once a byte of it is another */

static void
changed_is_refused(fuzz_bytes_t *text, uint32_t where, bool strict)
{
    size_t        i, at;
    uint8_t       was;
    chat_token_t  token;

    for (i = 0; i < 4; i++) {
        at = fuzz_random(&where) % text->len;
        was = text->data[at];
        text->data[at] ^= 1 + fuzz_random(&where) % 255;

        fuzz_check(check_token((chat_str_t) { text->data, text->len }, &token,
                               strict) == CHAT_DECLINED);
        text->data[at] = was;
    }

    fuzz_check(check_token((chat_str_t) { text->data, text->len - 1 }, &token,
                           strict) == CHAT_DECLINED);
}


static void
signed_token(int how, uint8_t which, bool strict, chat_str_t head,
    chat_str_t claims)
{
    chat_rc_e     rc;
    chat_token_t  token;
    fuzz_bytes_t  text = { 0 };

    make_token(&text, how, which, head, claims);

    rc = check_token((chat_str_t) { text.data, text.len }, &token, strict);

    if (rc == CHAT_OK) {
        fuzz_check(how < ALGS);
        head_is(head, names[how]);
        claims_are(claims, &token, strict);
        changed_is_refused(&text, which, strict);
    }

    free(text.data);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int           how;
    bool          strict;
    uint8_t       options, which;
    chat_str_t    head;
    chat_token_t  token;
    fuzz_input_t  in = { data, size };

    options = fuzz_byte(&in);
    which = fuzz_byte(&in);
    how = options % 8;
    strict = (options & 0x10) != 0;

    if (how == AS_IS) {
        fuzz_check(check_token(fuzz_rest(&in), &token, strict)
                   == CHAT_DECLINED);
        return 0;
    }

    head = fuzz_until(&in, '\n');
    signed_token(how, which, strict, head, fuzz_rest(&in));

    return 0;
}
