#include "chat_jwks.h"

#include <string.h>

#include <openssl/crypto.h>
#include <openssl/err.h>

#include "chat_json.h"
#include "chat_jwk.h"


#define CHAT_JWKS_MAX_DEPTH  16


struct chat_jwks_s {
    size_t       nkeys;
    chat_key_t  *keys[CHAT_JWKS_MAX_KEYS];
};


static const char *chat_jwks_read(chat_jwks_t *set, chat_str_t text,
    chat_jwks_skip_pt skip, void *data);
static const char *chat_jwks_add(chat_jwks_t *set, chat_key_t *key);
static bool chat_jwks_has(const chat_jwks_t *set, const chat_key_t *key);


chat_jwks_t *
chat_jwks_parse(chat_str_t text, chat_jwks_skip_pt skip, void *data,
    const char **reason)
{
    chat_jwks_t  *set;

    if (text.len > CHAT_JWKS_MAX_LEN) {
        *reason = "it is longer than 64 kB";
        return NULL;
    }

    set = OPENSSL_zalloc(sizeof(chat_jwks_t));

    if (set == NULL) {
        ERR_clear_error();
        *reason = CHAT_KEY_NO_MEMORY;
        return NULL;
    }

    *reason = chat_jwks_read(set, text, skip, data);

    if (*reason != NULL) {
        chat_jwks_free(set);
        return NULL;
    }

    return set;
}


static const char *
chat_jwks_read(chat_jwks_t *set, chat_str_t text, chat_jwks_skip_pt skip,
    void *data)
{
    size_t             place;
    chat_jwk_t         jwk;
    chat_key_t        *key;
    chat_json_t        object, element;
    const char        *wrong;
    chat_json_iter_t   it;

    chat_json_member_t  keys[] = { { .name = "keys" } };

    if (chat_json_parse(text, CHAT_JWKS_MAX_DEPTH, &object, &wrong) != CHAT_OK
        || object.type != CHAT_JSON_OBJECT)
    {
        return "it is no JSON object";
    }

    if (chat_json_collect(&object, keys, 1) != CHAT_OK
        || keys[0].value.type != CHAT_JSON_ARRAY)
    {
        return "it has not one array \"keys\"";
    }

    chat_json_iter(&it, &keys[0].value);

    for (place = 0; chat_json_next_element(&it, &element) == CHAT_OK; place++)
    {
        key = chat_jwk_read(&jwk, &element, &wrong);

        if (key == NULL) {

            if (strcmp(wrong, CHAT_KEY_NO_MEMORY) == 0) {
                return wrong;
            }

            if (skip != NULL) {
                skip(data, place, (chat_str_t) { jwk.kid, jwk.kid_len },
                     wrong);
            }

            continue;
        }

        wrong = chat_jwks_add(set, key);

        if (wrong != NULL) {
            chat_key_free(key);
            return wrong;
        }
    }

    return set->nkeys != 0 ? NULL : "it has no usable key";
}


static const char *
chat_jwks_add(chat_jwks_t *set, chat_key_t *key)
{
    if (chat_jwks_has(set, key)) {
        return "two of its keys have the same kid and algorithm";
    }

    if (set->nkeys == CHAT_JWKS_MAX_KEYS) {
        return "it has more than 32 usable keys";
    }

    set->keys[set->nkeys] = key;
    set->nkeys++;

    return NULL;
}


/* keys without a kid are told apart by nothing, and all of them are tried */

static bool
chat_jwks_has(const chat_jwks_t *set, const chat_key_t *key)
{
    size_t      i;
    chat_str_t  kid, other;

    kid = chat_key_get_kid(key);

    for (i = 0; i < set->nkeys && kid.len != 0; i++) {
        other = chat_key_get_kid(set->keys[i]);

        if (chat_key_get_alg(set->keys[i]) == chat_key_get_alg(key)
            && other.len == kid.len
            && memcmp(other.data, kid.data, kid.len) == 0)
        {
            return true;
        }
    }

    return false;
}


void
chat_jwks_free(chat_jwks_t *set)
{
    size_t  i;

    if (set == NULL) {
        return;
    }

    for (i = 0; i < set->nkeys; i++) {
        chat_key_free(set->keys[i]);
    }

    OPENSSL_free(set);
}


chat_key_t *const *
chat_jwks_keys(const chat_jwks_t *set, size_t *n)
{
    *n = set->nkeys;

    return set->keys;
}
