#include "token.h"

#include <jansson.h>
#include <jwt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chat_base64.h"
#include "chat_write.h"
#include "mem.h"


#define TOKEN_MAX_HEAD  1024


static int token_add_roles(jwt_t *jwt, const token_claims_t *claims);
static int token_add_text(jwt_t *jwt, const char *claim, const char *text);
static char *token_sign_secret(jwt_t *jwt, const token_key_t *key);
static char *token_sign_pair(jwt_t *jwt, const token_key_t *key);
static void token_add_base64(mem_buf_t *b, chat_str_t bytes);


char *
token_make(const token_key_t *key, const token_claims_t *claims)
{
    char   *text = NULL;
    jwt_t  *jwt;

    if (jwt_new(&jwt) != 0) {
        return NULL;
    }

    if (token_add_text(jwt, "sub", claims->user) == 0
        && token_add_text(jwt, "tid", claims->tenant) == 0
        && token_add_text(jwt, "name", claims->name) == 0
        && token_add_text(jwt, "sid", claims->sid) == 0
        && token_add_text(jwt, "jti", claims->jti) == 0
        && token_add_roles(jwt, claims) == 0
        && jwt_add_grant_int(jwt, "iat", (long) claims->issued) == 0
        && jwt_add_grant_int(jwt, "exp", (long) claims->expires) == 0)
    {
        text = key->alg == CHAT_KEY_HS256 ? token_sign_secret(jwt, key)
                                          : token_sign_pair(jwt, key);
    }

    jwt_free(jwt);

    return text;
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


static char *
token_sign_secret(jwt_t *jwt, const token_key_t *key)
{
    if (jwt_set_alg(jwt, JWT_ALG_HS256, key->secret, (int) key->len) != 0
        || (key->kid[0] != '\0' && jwt_add_header(jwt, "kid", key->kid) != 0))
    {
        return NULL;
    }

    return jwt_encode_str(jwt);
}


/* head.claims.signature (RFC 7515, 7.1), for what libjwt does not know */

static char *
token_sign_pair(jwt_t *jwt, const token_key_t *key)
{
    char           *claims;
    size_t          len;
    uint8_t         head[TOKEN_MAX_HEAD], sig[CHAT_KEY_MAX_SIGNATURE];
    mem_buf_t       token = { 0 };
    chat_writer_t   w;

    chat_writer_init(&w, head, sizeof(head));
    chat_write_cstr(&w, "{\"alg\":");
    chat_write_string(&w, mem_cstr(token_key_alg_name(key->alg)));
    chat_write_cstr(&w, ",\"typ\":\"JWT\",\"kid\":");
    chat_write_string(&w, mem_cstr(key->kid));
    chat_write_cstr(&w, "}");

    claims = jwt_get_grants_json(jwt, NULL);

    if (claims == NULL) {
        return NULL;
    }

    token_add_base64(&token, (chat_str_t) { head, w.len });
    mem_buf_add(&token, ".", 1);
    token_add_base64(&token, mem_cstr(claims));
    free(claims);

    if (token_key_sign(key, (chat_str_t) { token.data, token.len }, sig, &len)
        == -1)
    {
        mem_buf_done(&token);
        return NULL;
    }

    mem_buf_add(&token, ".", 1);
    token_add_base64(&token, (chat_str_t) { sig, len });
    mem_buf_add(&token, "", 1);

    return (char *) token.data;
}


static void
token_add_base64(mem_buf_t *b, chat_str_t bytes)
{
    uint8_t  *room = mem_buf_room(b, CHAT_BASE64_LEN(bytes.len));

    (void) chat_base64_encode(bytes, room);     /* just as many */
}
