/*
 * JWK Sets.  The elements of which keys were made are read a second time by
 * jansson: none may be a secret, hold a private member, be meant for something
 * else, or be weak; and no key may find the signatures good that anybody can
 * make.
 *
 *      input   the text; or P, which algorithm, and a PEM
 */

#include "fuzz.h"

#include <jansson.h>

#include "chat_base64.h"
#include "chat_jwks.h"


#define MAX_PLACES   65536
#define WEAKEST_RSA  256                /* bytes; RFC 7518, 3.3 */


static bool  skipped[MAX_PLACES];


static void
on_skip(void *data, size_t place, chat_str_t kid, const char *reason)
{
    (void) data;

    fuzz_check(place < MAX_PLACES && !skipped[place]);
    fuzz_check(reason != NULL && reason[0] != '\0');
    fuzz_check(kid.len <= CHAT_JWKS_MAX_KID);

    skipped[place] = true;
}


/* zeros, ones, and what is just no number below the order of the group */

static void
refuses_anybody(chat_key_t *key)
{
    size_t      i, k;
    uint8_t     signature[CHAT_KEY_MAX_SIGNATURE];
    chat_str_t  text = chat_str("e30.e30");

    static const size_t   lens[] = { 0, 1, 32, 63, 64, 65, 256, 384, 512 };
    static const uint8_t  fills[] = { 0x00, 0x01, 0xff };

    for (i = 0; i < sizeof(fills); i++) {
        memset(signature, fills[i], sizeof(signature));

        for (k = 0; k < sizeof(lens) / sizeof(lens[0]); k++) {
            fuzz_check(chat_key_verify(key, text,
                                       (chat_str_t) { signature, lens[k] })
                       == CHAT_DECLINED);
        }
    }
}


static size_t
decoded(const json_t *jwk, const char *name, uint8_t *dst, size_t size)
{
    size_t       n;
    const char  *text = json_string_value(json_object_get(jwk, name));

    fuzz_check(text != NULL);
    fuzz_check(chat_base64_decode(fuzz_cstr(text), dst, size, &n) == CHAT_OK);

    return n;
}


static void
numbers_are_strong(const json_t *jwk, const char *kty)
{
    size_t   n;
    uint8_t  number[1024];

    if (strcmp(kty, "RSA") == 0) {
        n = decoded(jwk, "n", number, sizeof(number));
        fuzz_check(n >= WEAKEST_RSA && n <= CHAT_KEY_MAX_RSA / 8);
        fuzz_check(number[0] != 0 && (number[n - 1] & 1));
        fuzz_check(n > WEAKEST_RSA || (number[0] & 0x80));

        n = decoded(jwk, "e", number, sizeof(number));
        fuzz_check(n >= 1 && n <= 4 && (number[n - 1] & 1)
                   && (n > 1 || number[0] > 1));
        return;
    }

    fuzz_check(decoded(jwk, "x", number, sizeof(number)) == 32);

    if (strcmp(kty, "EC") == 0) {
        fuzz_check(decoded(jwk, "y", number, sizeof(number)) == 32);
        return;
    }

    fuzz_check(strcmp(kty, "OKP") == 0);
}


static void
may_be_used(const json_t *jwk)
{
    size_t        i;
    const char   *kty, *use;
    const json_t *value;

    static const char  *private[] = { "d", "p", "q", "dp", "dq", "qi", "oth",
                                      "k" };

    fuzz_check(json_is_object(jwk));

    for (i = 0; i < sizeof(private) / sizeof(private[0]); i++) {
        fuzz_check(json_object_get(jwk, private[i]) == NULL);
    }

    value = json_object_get(jwk, "use");
    use = json_string_value(value);
    fuzz_check(value == NULL || json_is_null(value)
               || (use != NULL && strcmp(use, "sig") == 0));

    kty = json_string_value(json_object_get(jwk, "kty"));
    fuzz_check(kty != NULL);
    numbers_are_strong(jwk, kty);
}


/* jansson may refuse what it cannot hold: then there is nothing to compare */

static void
elements_may_be_used(chat_str_t text, size_t nkeys)
{
    size_t   i, used = 0;
    json_t  *set, *elements;

    set = json_loadb((const char *) text.data, text.len,
                     JSON_ALLOW_NUL, NULL);

    if (set == NULL) {
        return;
    }

    elements = json_object_get(set, "keys");

    for (i = 0; i < json_array_size(elements); i++) {

        if (!skipped[i]) {
            may_be_used(json_array_get(elements, i));
            used++;
        }
    }

    fuzz_check(used == nkeys);
    json_decref(set);
}


static void
set_of_keys(chat_str_t text)
{
    size_t               i, n;
    chat_str_t           kid;
    const char          *reason = NULL;
    chat_jwks_t         *set;
    chat_key_t *const   *keys;

    memset(skipped, 0, sizeof(skipped));

    set = chat_jwks_parse(text, on_skip, NULL, &reason);

    if (set == NULL) {
        fuzz_check(reason != NULL);
        return;
    }

    keys = chat_jwks_keys(set, &n);
    fuzz_check(n >= 1 && n <= CHAT_JWKS_MAX_KEYS);
    elements_may_be_used(text, n);

    for (i = 0; i < n; i++) {
        kid = chat_key_get_kid(keys[i]);
        fuzz_check(kid.len <= CHAT_JWKS_MAX_KID);
        fuzz_check(chat_key_get_alg(keys[i]) != CHAT_KEY_HS256);
        refuses_anybody(keys[i]);
    }

    chat_jwks_free(set);
}


static void
pem(uint8_t alg, chat_str_t text)
{
    chat_key_t  *key;
    const char  *reason = NULL;

    key = alg % 5 == CHAT_KEY_HS256
          ? chat_key_create_secret(chat_str(""), text, &reason)
          : chat_key_create_pem((chat_key_alg_e) (alg % 5), chat_str(""), text,
                                &reason);

    fuzz_check(key != NULL || reason != NULL);

    if (key != NULL) {
        refuses_anybody(key);
        chat_key_free(key);
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t    *copy;
    chat_str_t  text;

    copy = fuzz_copy(data, size);
    text = (chat_str_t) { copy, size };

    if (size > 1 && data[0] == 'P') {
        text.data += 2;
        text.len -= 2;
        pem(data[1], text);

    } else {
        set_of_keys(text);
    }

    free(copy);

    return 0;
}
