#include "chat_jwk.h"

#include <string.h>

#include "chat_base64.h"
#include "chat_name.h"


/* longer than any number that is good, so that one too long is told as such */
#define CHAT_JWK_MAX_NUMBER  (CHAT_KEY_MAX_RSA / 8 + 1)
#define CHAT_JWK_MAX_TEXT    ((CHAT_JWK_MAX_NUMBER + 2) / 3 * 4)


enum {                                  /* places in the table of members */
    CHAT_JWK_KTY,
    CHAT_JWK_ALG,
    CHAT_JWK_USE,
    CHAT_JWK_KEY_OPS,
    CHAT_JWK_KID,
    CHAT_JWK_CRV,
    CHAT_JWK_N,
    CHAT_JWK_E,
    CHAT_JWK_X,
    CHAT_JWK_Y,

    CHAT_JWK_D,                         /* private ones, from here on */
    CHAT_JWK_P,
    CHAT_JWK_Q,
    CHAT_JWK_DP,
    CHAT_JWK_DQ,
    CHAT_JWK_QI,
    CHAT_JWK_OTH,
    CHAT_JWK_K,

    CHAT_JWK_MEMBERS
};


/* kinds of keys: kty, crv where there are curves, the first alg is the one of
   a key that names none */

typedef struct {
    const char      *kty;
    const char      *crv;
    chat_key_alg_e   algs[2];
    chat_key_t    *(*create)(chat_key_alg_e alg, chat_str_t kid,
                             const chat_json_member_t *m,
                             const char **reason);
} chat_jwk_kind_t;


typedef struct {
    size_t   len;
    uint8_t  data[CHAT_JWK_MAX_NUMBER];
} chat_jwk_number_t;


static const char *chat_jwk_read_kid(chat_jwk_t *jwk,
    const chat_json_t *value);
static const char *chat_jwk_check(const chat_json_member_t *m);
static bool chat_jwk_may_verify(const chat_json_t *ops);
static const chat_jwk_kind_t *chat_jwk_find(const chat_json_member_t *m);
static const char *chat_jwk_read_alg(const chat_jwk_kind_t *kind,
    const chat_json_t *value, chat_key_alg_e *alg);
static chat_key_t *chat_jwk_create_rsa(chat_key_alg_e alg, chat_str_t kid,
    const chat_json_member_t *m, const char **reason);
static chat_key_t *chat_jwk_create_p256(chat_key_alg_e alg, chat_str_t kid,
    const chat_json_member_t *m, const char **reason);
static chat_key_t *chat_jwk_create_ed25519(chat_key_alg_e alg,
    chat_str_t kid, const chat_json_member_t *m, const char **reason);
static bool chat_jwk_get_number(const chat_json_t *value,
    chat_jwk_number_t *number);
static bool chat_jwk_is_there(const chat_json_t *value);


static const chat_jwk_kind_t  chat_jwk_kinds[] = {
    { "RSA", NULL, { CHAT_KEY_RS256, CHAT_KEY_PS256 }, chat_jwk_create_rsa },
    { "EC", "P-256", { CHAT_KEY_ES256, CHAT_KEY_ES256 },
      chat_jwk_create_p256 },
    { "OKP", "Ed25519", { CHAT_KEY_EDDSA, CHAT_KEY_EDDSA },
      chat_jwk_create_ed25519 },
};


chat_key_t *
chat_jwk_read(chat_jwk_t *jwk, const chat_json_t *value, const char **reason)
{
    chat_rc_e               rc;
    chat_str_t              kid;
    chat_key_alg_e          alg;
    const chat_jwk_kind_t  *kind;

    chat_json_member_t  m[CHAT_JWK_MEMBERS] = {
        { .name = "kty" }, { .name = "alg" }, { .name = "use" },
        { .name = "key_ops" }, { .name = "kid" }, { .name = "crv" },
        { .name = "n" }, { .name = "e" }, { .name = "x" }, { .name = "y" },
        { .name = "d" }, { .name = "p" }, { .name = "q" }, { .name = "dp" },
        { .name = "dq" }, { .name = "qi" }, { .name = "oth" },
        { .name = "k" }
    };

    jwk->kid_len = 0;

    if (value->type != CHAT_JSON_OBJECT) {
        *reason = "it is no object";
        return NULL;
    }

    rc = chat_json_collect(value, m, CHAT_JWK_MEMBERS);

    if (rc != CHAT_OK) {
        *reason = "a member of it is given twice";
        return NULL;
    }

    *reason = chat_jwk_read_kid(jwk, &m[CHAT_JWK_KID].value);

    if (*reason == NULL) {
        *reason = chat_jwk_check(m);
    }

    if (*reason != NULL) {
        return NULL;
    }

    kind = chat_jwk_find(m);

    if (kind == NULL) {
        *reason = "its kty or crv is not supported";
        return NULL;
    }

    *reason = chat_jwk_read_alg(kind, &m[CHAT_JWK_ALG].value, &alg);

    if (*reason != NULL) {
        return NULL;
    }

    kid.data = jwk->kid;
    kid.len = jwk->kid_len;

    return kind->create(alg, kid, m, reason);
}


static const char *
chat_jwk_read_kid(chat_jwk_t *jwk, const chat_json_t *value)
{
    size_t  len;

    if (!chat_jwk_is_there(value)) {
        return NULL;
    }

    if (chat_json_get_string(value, jwk->kid, sizeof(jwk->kid), &len)
            != CHAT_OK
        || len == 0
        || !chat_name_printable((chat_str_t) { jwk->kid, len }))
    {
        return "its kid is not 1 to 128 printable bytes";
    }

    jwk->kid_len = len;

    return NULL;
}


/* what it is for, and that it is public: RFC 7517, 4.2 and 4.3 */

static const char *
chat_jwk_check(const chat_json_member_t *m)
{
    size_t  i;

    if (chat_json_string_is_cstr(&m[CHAT_JWK_KTY].value, "oct")) {
        return "it is a secret, and no more";
    }

    for (i = CHAT_JWK_D; i < CHAT_JWK_MEMBERS; i++) {
        if (chat_jwk_is_there(&m[i].value)) {
            return "it has a private part, and can be trusted no more";
        }
    }

    if (chat_jwk_is_there(&m[CHAT_JWK_USE].value)
        && !chat_json_string_is_cstr(&m[CHAT_JWK_USE].value, "sig"))
    {
        return "its use is not \"sig\"";
    }

    if (chat_jwk_is_there(&m[CHAT_JWK_KEY_OPS].value)
        && !chat_jwk_may_verify(&m[CHAT_JWK_KEY_OPS].value))
    {
        return "its key_ops are without \"verify\"";
    }

    return NULL;
}


static bool
chat_jwk_may_verify(const chat_json_t *ops)
{
    chat_json_t       element;
    chat_json_iter_t  it;

    if (ops->type != CHAT_JSON_ARRAY) {
        return false;
    }

    chat_json_iter(&it, ops);

    while (chat_json_next_element(&it, &element) == CHAT_OK) {
        if (chat_json_string_is_cstr(&element, "verify")) {
            return true;
        }
    }

    return false;
}


static const chat_jwk_kind_t *
chat_jwk_find(const chat_json_member_t *m)
{
    size_t                  i, n;
    const chat_jwk_kind_t  *kind;

    n = sizeof(chat_jwk_kinds) / sizeof(chat_jwk_kinds[0]);

    for (i = 0; i < n; i++) {
        kind = &chat_jwk_kinds[i];

        if (chat_json_string_is_cstr(&m[CHAT_JWK_KTY].value, kind->kty)
            && (kind->crv == NULL
                || chat_json_string_is_cstr(&m[CHAT_JWK_CRV].value,
                                            kind->crv)))
        {
            return kind;
        }
    }

    return NULL;
}


static const char *
chat_jwk_read_alg(const chat_jwk_kind_t *kind, const chat_json_t *value,
    chat_key_alg_e *alg)
{
    size_t   len;
    uint8_t  name[16];

    if (!chat_jwk_is_there(value)) {
        *alg = kind->algs[0];
        return NULL;
    }

    if (chat_json_get_string(value, name, sizeof(name), &len) != CHAT_OK
        || chat_key_alg((chat_str_t) { name, len }, alg) != CHAT_OK)
    {
        return "its alg is not supported";
    }

    if (*alg != kind->algs[0] && *alg != kind->algs[1]) {
        return "its alg does not fit its kty";
    }

    return NULL;
}


/* RFC 7518, 6.3.1: Base64urlUInt, in as few bytes as can be */

static chat_key_t *
chat_jwk_create_rsa(chat_key_alg_e alg, chat_str_t kid,
    const chat_json_member_t *m, const char **reason)
{
    chat_jwk_number_t  n, e;

    if (!chat_jwk_get_number(&m[CHAT_JWK_N].value, &n)
        || !chat_jwk_get_number(&m[CHAT_JWK_E].value, &e))
    {
        *reason = "its n or e is no base64url of up to 512 bytes";
        return NULL;
    }

    if (n.len == 0 || n.data[0] == 0 || e.len == 0 || e.data[0] == 0) {
        *reason = "its n or e begins with a zero byte, or is empty";
        return NULL;
    }

    return chat_key_create_rsa(alg, kid, (chat_str_t) { n.data, n.len },
                               (chat_str_t) { e.data, e.len }, reason);
}


/* RFC 7518, 6.2.1: always 32 bytes each */

static chat_key_t *
chat_jwk_create_p256(chat_key_alg_e alg, chat_str_t kid,
    const chat_json_member_t *m, const char **reason)
{
    chat_jwk_number_t  x, y;

    (void) alg;

    if (!chat_jwk_get_number(&m[CHAT_JWK_X].value, &x)
        || !chat_jwk_get_number(&m[CHAT_JWK_Y].value, &y))
    {
        *reason = "its x or y is no base64url of 32 bytes";
        return NULL;
    }

    return chat_key_create_p256(kid, (chat_str_t) { x.data, x.len },
                                (chat_str_t) { y.data, y.len }, reason);
}


/* RFC 8037, 2 */

static chat_key_t *
chat_jwk_create_ed25519(chat_key_alg_e alg, chat_str_t kid,
    const chat_json_member_t *m, const char **reason)
{
    chat_jwk_number_t  x;

    (void) alg;

    if (!chat_jwk_get_number(&m[CHAT_JWK_X].value, &x)) {
        *reason = "its x is no base64url of 32 bytes";
        return NULL;
    }

    return chat_key_create_ed25519(kid, (chat_str_t) { x.data, x.len },
                                   reason);
}


static bool
chat_jwk_get_number(const chat_json_t *value, chat_jwk_number_t *number)
{
    size_t   len;
    uint8_t  text[CHAT_JWK_MAX_TEXT];

    return chat_json_get_string(value, text, sizeof(text), &len) == CHAT_OK
           && chat_base64_decode((chat_str_t) { text, len }, number->data,
                                 sizeof(number->data), &number->len)
              == CHAT_OK;
}


/* null is a value too, though never a good one */

static bool
chat_jwk_is_there(const chat_json_t *value)
{
    return value->raw.len != 0;
}
