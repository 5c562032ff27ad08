#include "chat_token.h"

#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>

#include "chat_base64.h"
#include "chat_json.h"


#define CHAT_TOKEN_MAX_SIGNATURE  512       /* RSA of 4096 bits */
#define CHAT_TOKEN_MAX_KID        128
#define CHAT_TOKEN_MAX_ALG        16
#define CHAT_TOKEN_MAX_DEPTH      16        /* of the head and the claims */


/* slices of the token */

typedef struct {
    chat_str_t  head;
    chat_str_t  claims;
    chat_str_t  signature;
    chat_str_t  signed_text;                /* head.claims */
} chat_token_parts_t;


/* what is decoded, in one place to be wiped in one stroke */

typedef struct {
    chat_key_alg_e  alg;
    size_t          kid_len;                /* 0: the token names no key */
    uint8_t         kid[CHAT_TOKEN_MAX_KID];
    uint8_t         signature[CHAT_TOKEN_MAX_SIGNATURE];
    uint8_t         json[CHAT_TOKEN_MAX_LEN];   /* the head, then the claims */
} chat_token_work_t;


/*
 * Reads one claim; the value is of type NULL if it is not there.  Returns what
 * is wrong with it, NULL if nothing is.
 */

typedef const char *(*chat_token_read_pt)(chat_token_t *token,
    const chat_json_t *value, const chat_token_check_t *check);


typedef struct {
    const char          *name;
    chat_token_read_pt   read;
} chat_token_claim_t;


static chat_rc_e chat_token_check_all(chat_token_t *token, chat_str_t text,
    const chat_token_check_t *check, chat_token_work_t *work,
    const char **reason);
static bool chat_token_split(chat_str_t text, chat_token_parts_t *parts);
static const char *chat_token_read_head(const chat_token_parts_t *parts,
    chat_token_work_t *work);
static bool chat_token_is_extended(const chat_json_t *head);
static const char *chat_token_read_alg(const chat_json_t *value,
    chat_key_alg_e *alg);
static const char *chat_token_read_typ(const chat_json_t *value);
static chat_rc_e chat_token_verify(const chat_token_parts_t *parts,
    const chat_token_check_t *check, chat_token_work_t *work,
    const char **reason);
static bool chat_token_key_serves(const chat_key_t *key,
    const chat_token_work_t *work);
static const char *chat_token_read_claims(chat_token_t *token,
    const chat_token_parts_t *parts, const chat_token_check_t *check,
    chat_token_work_t *work);

static const char *chat_token_read_exp(chat_token_t *token,
    const chat_json_t *value, const chat_token_check_t *check);
static const char *chat_token_read_nbf(chat_token_t *token,
    const chat_json_t *value, const chat_token_check_t *check);
static const char *chat_token_read_iat(chat_token_t *token,
    const chat_json_t *value, const chat_token_check_t *check);
static const char *chat_token_read_iss(chat_token_t *token,
    const chat_json_t *value, const chat_token_check_t *check);
static const char *chat_token_read_aud(chat_token_t *token,
    const chat_json_t *value, const chat_token_check_t *check);
static const char *chat_token_read_sub(chat_token_t *token,
    const chat_json_t *value, const chat_token_check_t *check);
static const char *chat_token_read_tid(chat_token_t *token,
    const chat_json_t *value, const chat_token_check_t *check);
static const char *chat_token_read_sid(chat_token_t *token,
    const chat_json_t *value, const chat_token_check_t *check);
static const char *chat_token_read_jti(chat_token_t *token,
    const chat_json_t *value, const chat_token_check_t *check);
static const char *chat_token_read_name(chat_token_t *token,
    const chat_json_t *value, const chat_token_check_t *check);
static const char *chat_token_read_roles(chat_token_t *token,
    const chat_json_t *value, const chat_token_check_t *check);

static bool chat_token_get_date(const chat_json_t *value, uint64_t *seconds);
static bool chat_token_get_name(const chat_json_t *value, uint8_t *dst,
    uint8_t *len);
static bool chat_token_get_opaque(const chat_json_t *value, uint8_t *dst,
    uint8_t *len);

static bool chat_token_parse(chat_str_t part, chat_token_work_t *work,
    chat_json_t *object);


static const chat_token_claim_t  chat_token_claims[] = {
    { "exp",   chat_token_read_exp },
    { "nbf",   chat_token_read_nbf },
    { "iat",   chat_token_read_iat },
    { "iss",   chat_token_read_iss },
    { "aud",   chat_token_read_aud },
    { "sub",   chat_token_read_sub },
    { "tid",   chat_token_read_tid },
    { "sid",   chat_token_read_sid },
    { "jti",   chat_token_read_jti },
    { "name",  chat_token_read_name },
    { "roles", chat_token_read_roles },
};

#define CHAT_TOKEN_NCLAIMS                                                    \
    (sizeof(chat_token_claims) / sizeof(chat_token_claims[0]))


chat_rc_e
chat_token_check(chat_token_t *token, chat_str_t text,
    const chat_token_check_t *check, const char **reason)
{
    chat_rc_e          rc;
    chat_token_work_t  work;

    memset(token, 0, sizeof(*token));

    rc = chat_token_check_all(token, text, check, &work, reason);

    OPENSSL_cleanse(&work, sizeof(work));

    if (rc != CHAT_OK) {
        OPENSSL_cleanse(token, sizeof(*token));
    }

    return rc;
}


/* nothing of the claims is looked at before the signature is found good */

static chat_rc_e
chat_token_check_all(chat_token_t *token, chat_str_t text,
    const chat_token_check_t *check, chat_token_work_t *work,
    const char **reason)
{
    chat_rc_e           rc;
    chat_token_parts_t  parts;

    if (!chat_token_split(text, &parts)) {
        *reason = "it has not the form of a JWT";
        return CHAT_DECLINED;
    }

    *reason = chat_token_read_head(&parts, work);

    if (*reason != NULL) {
        return CHAT_DECLINED;
    }

    rc = chat_token_verify(&parts, check, work, reason);

    if (rc != CHAT_OK) {
        return rc;
    }

    *reason = chat_token_read_claims(token, &parts, check, work);

    return *reason == NULL ? CHAT_OK : CHAT_DECLINED;
}


static bool
chat_token_split(chat_str_t text, chat_token_parts_t *parts)
{
    const uint8_t  *first, *second, *last;

    if (text.len == 0 || text.len > CHAT_TOKEN_MAX_LEN) {
        return false;
    }

    last = text.data + text.len;
    first = memchr(text.data, '.', text.len);

    if (first == NULL) {
        return false;
    }

    second = memchr(first + 1, '.', last - first - 1);

    if (second == NULL) {
        return false;
    }

    /* a third dot is no base64url and fails with the signature */

    parts->head.data = text.data;
    parts->head.len = first - text.data;
    parts->claims.data = first + 1;
    parts->claims.len = second - first - 1;
    parts->signature.data = second + 1;
    parts->signature.len = last - second - 1;
    parts->signed_text.data = text.data;
    parts->signed_text.len = second - text.data;

    return true;
}


/*
 * The head decides nothing: alg is only compared with the key's, kid only
 * picks among our own keys, and whatever would bring a key along or change
 * the meaning of the signature is refused (RFC 8725, 3.1 and 3.10).
 */

static const char *
chat_token_read_head(const chat_token_parts_t *parts, chat_token_work_t *work)
{
    chat_json_t  head;
    const char  *wrong;

    chat_json_member_t  found[] = {
        { .name = "alg" }, { .name = "typ" }, { .name = "kid" }
    };

    if (!chat_token_parse(parts->head, work, &head)) {
        return "its head is no JSON object in base64url";
    }

    if (chat_json_collect(&head, found, 3) != CHAT_OK) {
        return "a member of its head is given twice";
    }

    if (chat_token_is_extended(&head)) {
        return "its head holds a key or an extension";
    }

    wrong = chat_token_read_alg(&found[0].value, &work->alg);

    if (wrong != NULL) {
        return wrong;
    }

    wrong = chat_token_read_typ(&found[1].value);

    if (wrong != NULL) {
        return wrong;
    }

    work->kid_len = 0;

    if (found[2].value.type != CHAT_JSON_NULL
        && chat_json_get_string(&found[2].value, work->kid, sizeof(work->kid),
                                &work->kid_len)
           != CHAT_OK)
    {
        return "its kid is no string of up to 128 bytes";
    }

    return NULL;
}


static bool
chat_token_is_extended(const chat_json_t *head)
{
    size_t  i;

    chat_json_member_t  refused[] = {
        { .name = "crit" }, { .name = "b64" }, { .name = "jwk" },
        { .name = "jku" }, { .name = "x5c" }, { .name = "x5u" }
    };

    if (chat_json_collect(head, refused, 6) != CHAT_OK) {
        return true;
    }

    for (i = 0; i < 6; i++) {
        if (refused[i].value.raw.len != 0) {        /* null counts too */
            return true;
        }
    }

    return false;
}


static const char *
chat_token_read_alg(const chat_json_t *value, chat_key_alg_e *alg)
{
    size_t   len;
    uint8_t  name[CHAT_TOKEN_MAX_ALG];

    if (chat_json_get_string(value, name, sizeof(name), &len) != CHAT_OK
        || chat_key_alg((chat_str_t) { name, len }, alg) != CHAT_OK)
    {
        return "its algorithm is not supported";
    }

    return NULL;
}


/* RFC 7519, 5.1 and RFC 9068, 2.1: the case of media types is ignored */

static const char *
chat_token_read_typ(const chat_json_t *value)
{
    char    typ[8];
    size_t  len;

    if (value->type == CHAT_JSON_NULL) {
        return NULL;
    }

    if (chat_json_get_string(value, (uint8_t *) typ, sizeof(typ), &len)
        == CHAT_OK)
    {
        if ((len == 3 && strncasecmp(typ, "JWT", 3) == 0)
            || (len == 6 && strncasecmp(typ, "at+jwt", 6) == 0))
        {
            return NULL;
        }
    }

    return "its type is neither JWT nor at+jwt";
}


static chat_rc_e
chat_token_verify(const chat_token_parts_t *parts,
    const chat_token_check_t *check, chat_token_work_t *work,
    const char **reason)
{
    size_t      i;
    chat_rc_e   rc;
    chat_str_t  signature;

    signature.data = work->signature;

    if (chat_base64_decode(parts->signature, work->signature,
                           sizeof(work->signature), &signature.len)
        != CHAT_OK)
    {
        *reason = "its signature is not base64url";
        return CHAT_DECLINED;
    }

    *reason = "no key for its kid";

    for (i = 0; i < check->nkeys; i++) {

        if (!chat_token_key_serves(check->keys[i], work)) {
            continue;
        }

        if (chat_key_get_alg(check->keys[i]) != work->alg) {
            *reason = "its algorithm is not the key's";
            continue;
        }

        rc = chat_key_verify(check->keys[i], parts->signed_text, signature);

        if (rc == CHAT_OK) {
            return CHAT_OK;
        }

        if (rc == CHAT_ERROR) {
            *reason = "OpenSSL failed to check its signature";
            return CHAT_ERROR;
        }

        *reason = "its signature does not match";
    }

    return CHAT_DECLINED;
}


static bool
chat_token_key_serves(const chat_key_t *key, const chat_token_work_t *work)
{
    chat_str_t  kid;

    kid = chat_key_get_kid(key);

    if (kid.len == 0 || work->kid_len == 0) {
        return true;
    }

    return kid.len == work->kid_len
           && memcmp(kid.data, work->kid, kid.len) == 0;
}


static const char *
chat_token_read_claims(chat_token_t *token, const chat_token_parts_t *parts,
    const chat_token_check_t *check, chat_token_work_t *work)
{
    size_t               i;
    const char          *wrong;
    chat_json_t          claims;
    chat_json_member_t   found[CHAT_TOKEN_NCLAIMS];

    if (!chat_token_parse(parts->claims, work, &claims)) {
        return "its claims are no JSON object in base64url";
    }

    for (i = 0; i < CHAT_TOKEN_NCLAIMS; i++) {
        found[i].name = chat_token_claims[i].name;
    }

    if (chat_json_collect(&claims, found, CHAT_TOKEN_NCLAIMS) != CHAT_OK) {
        return "a claim is given twice";
    }

    for (i = 0; i < CHAT_TOKEN_NCLAIMS; i++) {
        wrong = chat_token_claims[i].read(token, &found[i].value, check);

        if (wrong != NULL) {
            return wrong;
        }
    }

    return NULL;
}


static const char *
chat_token_read_exp(chat_token_t *token, const chat_json_t *value,
    const chat_token_check_t *check)
{
    if (!chat_token_get_date(value, &token->exp)) {
        return "its exp is missing or no date";
    }

    return check->now < token->exp + check->leeway ? NULL : "it has expired";
}


static const char *
chat_token_read_nbf(chat_token_t *token, const chat_json_t *value,
    const chat_token_check_t *check)
{
    uint64_t  nbf;

    (void) token;

    if (value->type == CHAT_JSON_NULL) {
        return NULL;
    }

    if (!chat_token_get_date(value, &nbf)) {
        return "its nbf is no date";
    }

    return check->now + check->leeway >= nbf ? NULL : "it is not valid yet";
}


/* may lie ahead: an issuer's clock may be ahead of ours */

static const char *
chat_token_read_iat(chat_token_t *token, const chat_json_t *value,
    const chat_token_check_t *check)
{
    (void) check;

    if (value->type == CHAT_JSON_NULL) {
        return NULL;
    }

    if (!chat_token_get_date(value, &token->iat)) {
        return "its iat is no date";
    }

    token->has_iat = true;

    return NULL;
}


static const char *
chat_token_read_iss(chat_token_t *token, const chat_json_t *value,
    const chat_token_check_t *check)
{
    (void) token;

    if (check->issuer.len == 0 || chat_json_string_is(value, check->issuer)) {
        return NULL;
    }

    return "it is not from the issuer";
}


static const char *
chat_token_read_aud(chat_token_t *token, const chat_json_t *value,
    const chat_token_check_t *check)
{
    chat_json_t       element;
    chat_json_iter_t  it;

    (void) token;

    if (check->audience.len == 0
        || chat_json_string_is(value, check->audience))
    {
        return NULL;
    }

    if (value->type == CHAT_JSON_ARRAY) {
        chat_json_iter(&it, value);

        while (chat_json_next_element(&it, &element) == CHAT_OK) {
            if (chat_json_string_is(&element, check->audience)) {
                return NULL;
            }
        }
    }

    return "it is not for this audience";
}


static const char *
chat_token_read_sub(chat_token_t *token, const chat_json_t *value,
    const chat_token_check_t *check)
{
    (void) check;

    return chat_token_get_name(value, token->user, &token->user_len)
           ? NULL : "its sub is missing or no valid id";
}


static const char *
chat_token_read_tid(chat_token_t *token, const chat_json_t *value,
    const chat_token_check_t *check)
{
    static const char  tenant[] = "default";

    (void) check;

    if (value->type == CHAT_JSON_NULL) {
        token->tenant_len = sizeof(tenant) - 1;
        memcpy(token->tenant, tenant, sizeof(tenant) - 1);

        return NULL;
    }

    return chat_token_get_name(value, token->tenant, &token->tenant_len)
           ? NULL : "its tid is no valid id";
}


static const char *
chat_token_read_sid(chat_token_t *token, const chat_json_t *value,
    const chat_token_check_t *check)
{
    (void) check;

    return chat_token_get_opaque(value, token->sid, &token->sid_len)
           ? NULL : "its sid is not 64 printable characters at most";
}


static const char *
chat_token_read_jti(chat_token_t *token, const chat_json_t *value,
    const chat_token_check_t *check)
{
    (void) check;

    return chat_token_get_opaque(value, token->jti, &token->jti_len)
           ? NULL : "its jti is not 64 printable characters at most";
}


static const char *
chat_token_read_name(chat_token_t *token, const chat_json_t *value,
    const chat_token_check_t *check)
{
    size_t  len;

    (void) check;

    if (value->type == CHAT_JSON_NULL) {
        return NULL;
    }

    if (chat_json_get_string(value, token->name, sizeof(token->name), &len)
            != CHAT_OK
        || !chat_name_printable((chat_str_t) { token->name, len }))
    {
        return "its name is not 128 printable bytes at most";
    }

    token->name_len = len;

    return NULL;
}


static const char *
chat_token_read_roles(chat_token_t *token, const chat_json_t *value,
    const chat_token_check_t *check)
{
    size_t            len;
    chat_json_t       element;
    chat_json_iter_t  it;

    (void) check;

    if (value->type == CHAT_JSON_NULL) {
        return NULL;
    }

    if (value->type != CHAT_JSON_ARRAY) {
        return "its roles are no array";
    }

    chat_json_iter(&it, value);

    while (chat_json_next_element(&it, &element) == CHAT_OK) {

        if (token->nroles == CHAT_TOKEN_MAX_ROLES) {
            return "it has more than 16 roles";
        }

        if (chat_json_get_string(&element, token->roles[token->nroles].name,
                                 CHAT_TOKEN_MAX_ROLE, &len)
            != CHAT_OK)
        {
            return "a role is not 64 bytes at most";
        }

        token->roles[token->nroles++].len = len;
    }

    return NULL;
}


/*
 * A NumericDate, floored.  Whatever lies before 1970 is as good as 1970: it is
 * past.  An exponent is not refused by RFC 7519, but nobody writes one.
 */

static bool
chat_token_get_date(const chat_json_t *value, uint64_t *seconds)
{
    chat_json_t     whole;
    const uint8_t  *dot;

    if (value->type != CHAT_JSON_NUMBER
        || memchr(value->raw.data, 'e', value->raw.len) != NULL
        || memchr(value->raw.data, 'E', value->raw.len) != NULL)
    {
        return false;
    }

    if (value->raw.data[0] == '-') {
        *seconds = 0;
        return true;
    }

    whole = *value;
    dot = memchr(value->raw.data, '.', value->raw.len);

    if (dot != NULL) {
        whole.raw.len = dot - whole.raw.data;
    }

    return chat_json_get_uint(&whole, seconds) == CHAT_OK;
}


static bool
chat_token_get_name(const chat_json_t *value, uint8_t *dst, uint8_t *len)
{
    size_t  n;

    if (chat_json_get_string(value, dst, CHAT_NAME_MAX_ID, &n) != CHAT_OK
        || !chat_name_valid((chat_str_t) { dst, n }))
    {
        return false;
    }

    *len = n;

    return true;
}


/* may be missing */

static bool
chat_token_get_opaque(const chat_json_t *value, uint8_t *dst, uint8_t *len)
{
    size_t  n;

    if (value->type == CHAT_JSON_NULL) {
        return true;
    }

    if (chat_json_get_string(value, dst, CHAT_NAME_MAX_ID, &n) != CHAT_OK
        || !chat_name_valid_opaque((chat_str_t) { dst, n }))
    {
        return false;
    }

    *len = n;

    return true;
}


static bool
chat_token_parse(chat_str_t part, chat_token_work_t *work,
    chat_json_t *object)
{
    chat_str_t   text;
    const char  *reason;

    text.data = work->json;

    if (chat_base64_decode(part, work->json, sizeof(work->json), &text.len)
        != CHAT_OK)
    {
        return false;
    }

    return chat_json_parse(text, CHAT_TOKEN_MAX_DEPTH, object, &reason)
               == CHAT_OK
           && object->type == CHAT_JSON_OBJECT;
}


bool
chat_token_has_role(const chat_token_t *token, const char *role)
{
    size_t  i, len;

    len = strlen(role);

    for (i = 0; i < token->nroles; i++) {
        if (token->roles[i].len == len
            && memcmp(token->roles[i].name, role, len) == 0)
        {
            return true;
        }
    }

    return false;
}
