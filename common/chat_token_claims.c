/*
 * The claims of a token whose signature is good: RFC 7519, 4.1.
 */

#include "chat_token_claims.h"

#include <string.h>


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


const char *
chat_token_read_claims(chat_token_t *token, const chat_json_t *claims,
    const chat_token_check_t *check)
{
    size_t               i;
    const char          *wrong;
    chat_json_member_t   found[CHAT_TOKEN_NCLAIMS];

    for (i = 0; i < CHAT_TOKEN_NCLAIMS; i++) {
        found[i].name = chat_token_claims[i].name;
    }

    if (chat_json_collect(claims, found, CHAT_TOKEN_NCLAIMS) != CHAT_OK) {
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
