/*
 * ngx_chat_conf_token.c: directives that tell the keys of tokens.
 */

#include "ngx_chat.h"


/* chat_token_key while it is read */

typedef struct {
    ngx_str_t  kid;
} ngx_chat_conf_key_t;


/* chat_token_jwks likewise */

typedef struct {
    ngx_str_t  refresh;
} ngx_chat_conf_jwks_t;


static char *ngx_chat_conf_key_kid(ngx_conf_t *cf, ngx_str_t *value,
    void *conf);
static char *ngx_chat_conf_key_unique(ngx_conf_t *cf, ngx_array_t *keys,
    ngx_str_t *kid);
static char *ngx_chat_conf_key_add(ngx_conf_t *cf, ngx_array_t *keys,
    ngx_str_t *file, chat_key_alg_e alg, ngx_str_t *kid);
static void ngx_chat_conf_key_free(void *data);
static char *ngx_chat_conf_jwks_refresh(ngx_conf_t *cf, ngx_str_t *value,
    void *conf);


static ngx_chat_conf_parameter_t  ngx_chat_conf_key_parameters[] = {
    { ngx_string("kid"), ngx_chat_conf_key_kid },
};


static ngx_chat_conf_parameter_t  ngx_chat_conf_jwks_parameters[] = {
    { ngx_string("refresh"), ngx_chat_conf_jwks_refresh },
};


/* chat_token_key algorithm file [kid=id]; may be repeated */

char *
ngx_chat_conf_token_key(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char                 *rv;
    ngx_str_t            *value;
    chat_key_alg_e        alg;
    ngx_chat_conf_key_t   key;
    ngx_chat_loc_conf_t  *lcf = conf;

    (void) cmd;

    value = cf->args->elts;

    if (chat_key_alg(ngx_chat_str(&value[1]), &alg) != CHAT_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "unknown algorithm \"%V\" in \"chat_token_key\": it "
                           "must be HS256, RS256, PS256, ES256 or EdDSA",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    if (lcf->keys == NULL) {
        lcf->keys = ngx_array_create(cf->pool, 2, sizeof(chat_key_t *));
        if (lcf->keys == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    ngx_str_null(&key.kid);

    rv = ngx_chat_conf_parameters(cf, 3, ngx_chat_conf_key_parameters,
                            ngx_chat_conf_count(ngx_chat_conf_key_parameters),
                            &key);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    rv = ngx_chat_conf_key_unique(cf, lcf->keys, &key.kid);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    return ngx_chat_conf_key_add(cf, lcf->keys, &value[2], alg, &key.kid);
}


static char *
ngx_chat_conf_key_kid(ngx_conf_t *cf, ngx_str_t *value, void *conf)
{
    ngx_chat_conf_key_t  *key = conf;

    (void) cf;

    if (!chat_name_valid_opaque(ngx_chat_str(value))) {
        return "it must have 1 to 64 printable characters and no space";
    }

    key->kid = *value;

    return NGX_CONF_OK;
}


/* several keys without a kid are fine: all of them are tried */

static char *
ngx_chat_conf_key_unique(ngx_conf_t *cf, ngx_array_t *keys, ngx_str_t *kid)
{
    chat_str_t    other;
    chat_key_t  **key;
    ngx_uint_t    i;

    if (kid->len == 0) {
        return NGX_CONF_OK;
    }

    key = keys->elts;

    for (i = 0; i < keys->nelts; i++) {
        other = chat_key_get_kid(key[i]);

        if (other.len == kid->len
            && ngx_memcmp(other.data, kid->data, kid->len) == 0)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "duplicate kid \"%V\" in \"chat_token_key\"",
                               kid);
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


static char *
ngx_chat_conf_key_add(ngx_conf_t *cf, ngx_array_t *keys, ngx_str_t *file,
    chat_key_alg_e alg, ngx_str_t *kid)
{
    char                 *rv;
    ngx_str_t             secret;
    chat_key_t           *key, **slot;
    const char           *reason;
    ngx_pool_cleanup_t   *cln;

    slot = ngx_array_push(keys);
    if (slot == NULL) {
        return NGX_CONF_ERROR;
    }

    /* whatever fails below, the array holds whole keys only */
    keys->nelts--;

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        return NGX_CONF_ERROR;
    }

    rv = ngx_chat_conf_secret(cf, file, &secret);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    if (alg == CHAT_KEY_HS256) {
        key = chat_key_create_secret(ngx_chat_str(kid), ngx_chat_str(&secret),
                                     &reason);

    } else {
        key = chat_key_create_pem(alg, ngx_chat_str(kid),
                                  ngx_chat_str(&secret), &reason);
    }

    ngx_explicit_memzero(secret.data, secret.len);

    if (key == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the key in \"%V\" cannot be used: %s", file,
                           reason);
        return NGX_CONF_ERROR;
    }

    cln->handler = ngx_chat_conf_key_free;
    cln->data = key;

    *slot = key;
    keys->nelts++;

    return NGX_CONF_OK;
}


static void
ngx_chat_conf_key_free(void *data)
{
    chat_key_free(data);
}


/* chat_token_jwks file [refresh=unix:path] */

char *
ngx_chat_conf_token_jwks(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char                  *rv;
    ngx_str_t             *value;
    ngx_chat_loc_conf_t   *lcf = conf;
    ngx_chat_conf_jwks_t   jwks;

    (void) cmd;

    if (lcf->jwks != NULL) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (value[1].len == 0) {
        return "needs the name of a file";
    }

    if (ngx_strncmp(value[1].data, "https://", 8) == 0
        || ngx_strncmp(value[1].data, "http://", 7) == 0)
    {
        return "takes a file, no URL: \"chat-jwks\" fetches one into a file";
    }

    ngx_str_null(&jwks.refresh);

    rv = ngx_chat_conf_parameters(cf, 2, ngx_chat_conf_jwks_parameters,
                            ngx_chat_conf_count(ngx_chat_conf_jwks_parameters),
                            &jwks);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    return ngx_chat_jwks_add(cf, &value[1], &jwks.refresh, &lcf->jwks);
}


static char *
ngx_chat_conf_jwks_refresh(ngx_conf_t *cf, ngx_str_t *value, void *conf)
{
    ngx_chat_conf_jwks_t  *jwks = conf;

    static const char  wrong[] = "it must be \"unix:\" and an absolute path "
                                 "of 107 bytes at most";

    (void) cf;

    if (value->len <= sizeof("unix:") - 1
        || ngx_strncmp(value->data, "unix:", sizeof("unix:") - 1) != 0)
    {
        return (char *) wrong;
    }

    jwks->refresh.data = value->data + sizeof("unix:") - 1;
    jwks->refresh.len = value->len - (sizeof("unix:") - 1);

    if (jwks->refresh.data[0] != '/'
        || jwks->refresh.len >= sizeof(((struct sockaddr_un *) 0)->sun_path))
    {
        return (char *) wrong;
    }

    return NGX_CONF_OK;
}
