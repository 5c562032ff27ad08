#include "chat_token.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>

#include "chat_base64.h"
#include "chat_json.h"
#include "chat_token_claims.h"


#define CHAT_TOKEN_MAX_ALG    16
#define CHAT_TOKEN_MAX_DEPTH  16            /* of the head and the claims */


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
    uint8_t         kid[CHAT_JWKS_MAX_KID];
    size_t          signature_len;
    uint8_t         signature[CHAT_KEY_MAX_SIGNATURE];
    uint8_t         json[CHAT_TOKEN_MAX_LEN];   /* the head, then the claims;
                                                   the last, see
                                                   chat_token_check() */
} chat_token_work_t;


/* the keys that have been tried with it so far */

typedef struct {
    bool         by_kid;                    /* those that have its kid */
    bool         named;                     /* and there was one */
    unsigned     ntried;
    const char  *reason;                    /* why none has fitted */
} chat_token_trial_t;


static chat_rc_e chat_token_check_all(chat_token_t *token, chat_str_t text,
    chat_token_check_t *check, chat_token_work_t *work, const char **reason);
static bool chat_token_split(chat_str_t text, chat_token_parts_t *parts);
static const char *chat_token_read_head(const chat_token_parts_t *parts,
    chat_token_work_t *work);
static bool chat_token_is_extended(const chat_json_t *head);
static const char *chat_token_read_alg(const chat_json_t *value,
    chat_key_alg_e *alg);
static const char *chat_token_read_typ(const chat_json_t *value);
static chat_rc_e chat_token_verify(const chat_token_parts_t *parts,
    chat_token_check_t *check, chat_token_work_t *work, const char **reason);
static chat_rc_e chat_token_try(chat_token_trial_t *trial,
    chat_key_t *const *keys, size_t n, const chat_token_parts_t *parts,
    const chat_token_work_t *work);
static bool chat_token_key_serves(const chat_key_t *key,
    const chat_token_work_t *work, bool by_kid);
static bool chat_token_parse(chat_str_t part, chat_token_work_t *work,
    chat_json_t *object);


chat_rc_e
chat_token_check(chat_token_t *token, chat_str_t text,
    chat_token_check_t *check, const char **reason)
{
    size_t             used;
    chat_rc_e          rc;
    chat_token_work_t  work;

    memset(token, 0, sizeof(*token));
    check->unknown_kid = false;

    rc = chat_token_check_all(token, text, check, &work, reason);

    /* no part decodes to more than the token; most are far from the longest */

    used = text.len < sizeof(work.json) ? text.len : sizeof(work.json);
    OPENSSL_cleanse(&work, offsetof(chat_token_work_t, json) + used);

    if (rc != CHAT_OK) {
        OPENSSL_cleanse(token, sizeof(*token));
    }

    return rc;
}


/* nothing of the claims is looked at before the signature is found good */

static chat_rc_e
chat_token_check_all(chat_token_t *token, chat_str_t text,
    chat_token_check_t *check, chat_token_work_t *work, const char **reason)
{
    chat_rc_e           rc;
    chat_json_t         claims;
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

    if (!chat_token_parse(parts.claims, work, &claims)) {
        *reason = "its claims are no JSON object in base64url";
        return CHAT_DECLINED;
    }

    *reason = chat_token_read_claims(token, &claims, check);

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


/*
 * First the keys that have its kid, then those that have none and serve any; a
 * token without a kid may be of every key.  What one token can cost is bounded
 * by the number of keys that are tried.
 */

static chat_rc_e
chat_token_verify(const chat_token_parts_t *parts, chat_token_check_t *check,
    chat_token_work_t *work, const char **reason)
{
    int                 pass;
    size_t              n;
    chat_rc_e           rc;
    chat_key_t *const  *keys;
    chat_token_trial_t  trial;

    if (chat_base64_decode(parts->signature, work->signature,
                           sizeof(work->signature), &work->signature_len)
        != CHAT_OK)
    {
        *reason = "its signature is not base64url";
        return CHAT_DECLINED;
    }

    n = 0;
    keys = NULL;

    if (check->jwks != NULL) {
        keys = chat_jwks_keys(check->jwks, &n);
    }

    rc = CHAT_DECLINED;
    trial.ntried = 0;
    trial.named = false;
    trial.reason = "no key for its kid";

    for (pass = 0; pass < 2; pass++) {
        trial.by_kid = pass == 0;

        rc = chat_token_try(&trial, check->keys, check->nkeys, parts, work);

        if (rc == CHAT_DECLINED) {
            rc = chat_token_try(&trial, keys, n, parts, work);
        }

        if (rc != CHAT_DECLINED) {
            break;
        }
    }

    check->unknown_kid = rc == CHAT_DECLINED && work->kid_len != 0
                         && !trial.named;
    *reason = trial.reason;

    return rc;
}


/* OK: one of them fits; DECLINED: none does; ERROR: OpenSSL failed */

static chat_rc_e
chat_token_try(chat_token_trial_t *trial, chat_key_t *const *keys, size_t n,
    const chat_token_parts_t *parts, const chat_token_work_t *work)
{
    size_t      i;
    chat_rc_e   rc;
    chat_str_t  signature;

    signature.data = work->signature;
    signature.len = work->signature_len;

    for (i = 0; i < n && trial->ntried < CHAT_TOKEN_MAX_TRIED; i++) {

        if (!chat_token_key_serves(keys[i], work, trial->by_kid)) {
            continue;
        }

        trial->named = trial->named || trial->by_kid;

        if (chat_key_get_alg(keys[i]) != work->alg) {

            if (trial->ntried == 0) {
                trial->reason = trial->named || work->kid_len == 0
                                ? "its algorithm is not the key's"
                                : "no key for its kid, and those without one "
                                  "are of another algorithm";
            }

            continue;
        }

        trial->ntried++;
        trial->reason = "its signature does not match";

        rc = chat_key_verify(keys[i], parts->signed_text, signature);

        if (rc == CHAT_ERROR) {
            trial->reason = "OpenSSL failed to check its signature";
        }

        if (rc != CHAT_DECLINED) {
            return rc;
        }
    }

    return CHAT_DECLINED;
}


static bool
chat_token_key_serves(const chat_key_t *key, const chat_token_work_t *work,
    bool by_kid)
{
    chat_str_t  kid;

    kid = chat_key_get_kid(key);

    if (kid.len == 0 || work->kid_len == 0) {
        return !by_kid;
    }

    return by_kid && kid.len == work->kid_len
           && memcmp(kid.data, work->kid, kid.len) == 0;
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
