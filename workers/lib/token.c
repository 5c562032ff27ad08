#include "token.h"

#include <errno.h>
#include <jansson.h>
#include <jwt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chat_key.h"


const char *
token_key_read(token_key_t *key, const char *path)
{
    FILE  *file;

    file = fopen(path, "rb");

    if (file == NULL) {
        return strerror(errno);
    }

    /* unbuffered: the secret is to be in one place only */
    (void) setvbuf(file, NULL, _IONBF, 0);

    key->len = fread(key->data, 1, sizeof(key->data), file);

    if (ferror(file)) {
        fclose(file);
        return "cannot read it";
    }

    fclose(file);

    if (key->len == sizeof(key->data)) {
        return "it is too long";
    }

    if (key->len != 0 && key->data[key->len - 1] == '\n') {
        key->len--;
    }

    if (key->len < CHAT_KEY_MIN_SECRET) {
        return "it is too short for HS256, which needs 32 bytes";
    }

    return NULL;
}


void
token_key_wipe(token_key_t *key)
{
    explicit_bzero(key, sizeof(*key));
}


static int
token_add_roles(jwt_t *jwt, const token_claims_t *claims)
{
    int      rc;
    char    *text;
    size_t   i;
    json_t  *root, *roles;

    if (claims->nroles == 0) {
        return 0;
    }

    roles = json_array();

    for (i = 0; i < claims->nroles; i++) {
        if (json_array_append_new(roles, json_string(claims->roles[i]))
            != 0)
        {
            json_decref(roles);
            return -1;
        }
    }

    root = json_pack("{s:o}", "roles", roles);
    text = json_dumps(root, JSON_COMPACT);
    json_decref(root);

    if (text == NULL) {
        return -1;
    }

    rc = jwt_add_grants_json(jwt, text);
    free(text);

    return rc == 0 ? 0 : -1;
}


static int
token_add_text(jwt_t *jwt, const char *claim, const char *text)
{
    if (text == NULL) {
        return 0;
    }

    return jwt_add_grant(jwt, claim, text) == 0 ? 0 : -1;
}


char *
token_make(const token_key_t *key, const token_claims_t *claims)
{
    char   *text = NULL;
    jwt_t  *jwt;

    if (jwt_new(&jwt) != 0) {
        return NULL;
    }

    if (jwt_set_alg(jwt, JWT_ALG_HS256, key->data, (int) key->len) == 0
        && token_add_text(jwt, "sub", claims->user) == 0
        && token_add_text(jwt, "tid", claims->tenant) == 0
        && token_add_text(jwt, "name", claims->name) == 0
        && token_add_roles(jwt, claims) == 0
        && jwt_add_grant_int(jwt, "iat", (long) claims->issued) == 0
        && jwt_add_grant_int(jwt, "exp", (long) claims->expires) == 0)
    {
        text = jwt_encode_str(jwt);
    }

    jwt_free(jwt);

    return text;
}
