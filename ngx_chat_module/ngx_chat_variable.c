/*
 * ngx_chat_variable.c: $chat_user and its like, which tell logs, upstream
 * headers and other directives whom a request is of.  Set by handshakes and
 * by chat_auth, empty before.  They go where headers go, so nothing in them
 * may end a line: ids are of few characters, and names hold no control
 * characters (chat_name_printable), both by the token's own check.
 */

#include "ngx_chat.h"


typedef enum {
    NGX_CHAT_VARIABLE_USER,
    NGX_CHAT_VARIABLE_TENANT,
    NGX_CHAT_VARIABLE_NAME,
    NGX_CHAT_VARIABLE_ROLES,
    NGX_CHAT_VARIABLE_SESSION,
    NGX_CHAT_VARIABLE_TOKEN_ID,
    NGX_CHAT_VARIABLE_TOKEN_EXPIRES,
    NGX_CHAT_VARIABLE_AUTH_STATUS,
    NGX_CHAT_VARIABLE_COUNT
} ngx_chat_variable_e;


/* owner: the request's pool, of which it is a clean-up; so it is there after
   an internal redirect, and in subrequests, which use the same pool */

typedef struct {
    ngx_str_t  values[NGX_CHAT_VARIABLE_COUNT];
} ngx_chat_visitor_t;


static ngx_int_t ngx_chat_variable_get(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_chat_visitor_t *ngx_chat_variable_visitor(ngx_http_request_t *r);
static ngx_chat_visitor_t *ngx_chat_variable_create(ngx_http_request_t *r);
static void ngx_chat_variable_forget(void *data);
static ngx_int_t ngx_chat_variable_fill(ngx_chat_visitor_t *visitor,
    ngx_pool_t *pool, const chat_token_t *token);
static u_char *ngx_chat_variable_put(ngx_str_t *value, u_char *p,
    const u_char *data, size_t len);
static u_char *ngx_chat_variable_put_roles(ngx_str_t *value, u_char *p,
    const chat_token_t *token);


static ngx_str_t  ngx_chat_variables[NGX_CHAT_VARIABLE_COUNT] = {
    [NGX_CHAT_VARIABLE_USER] = ngx_string("chat_user"),
    [NGX_CHAT_VARIABLE_TENANT] = ngx_string("chat_tenant"),
    [NGX_CHAT_VARIABLE_NAME] = ngx_string("chat_name"),
    [NGX_CHAT_VARIABLE_ROLES] = ngx_string("chat_roles"),
    [NGX_CHAT_VARIABLE_SESSION] = ngx_string("chat_session"),
    [NGX_CHAT_VARIABLE_TOKEN_ID] = ngx_string("chat_token_id"),
    [NGX_CHAT_VARIABLE_TOKEN_EXPIRES] = ngx_string("chat_token_expires"),
    [NGX_CHAT_VARIABLE_AUTH_STATUS] = ngx_string("chat_auth_status"),
};


/* they change while a request is served, so nobody may keep them */

ngx_int_t
ngx_chat_variable_add(ngx_conf_t *cf)
{
    ngx_uint_t            i;
    ngx_http_variable_t  *var;

    for (i = 0; i < NGX_CHAT_VARIABLE_COUNT; i++) {

        var = ngx_http_add_variable(cf, &ngx_chat_variables[i],
                                    NGX_HTTP_VAR_NOCACHEABLE);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = ngx_chat_variable_get;
        var->data = i;
    }

    return NGX_OK;
}


/* whoever it was before, it is no longer */

ngx_int_t
ngx_chat_variable_set(ngx_http_request_t *r, const char *status,
    const chat_token_t *token)
{
    ngx_chat_visitor_t  *visitor;

    visitor = ngx_chat_variable_visitor(r);

    if (visitor == NULL) {
        visitor = ngx_chat_variable_create(r);
    }

    if (visitor == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(visitor, sizeof(ngx_chat_visitor_t));

    visitor->values[NGX_CHAT_VARIABLE_AUTH_STATUS].data = (u_char *) status;
    visitor->values[NGX_CHAT_VARIABLE_AUTH_STATUS].len = ngx_strlen(status);

    return token ? ngx_chat_variable_fill(visitor, r->pool, token) : NGX_OK;
}


static ngx_int_t
ngx_chat_variable_get(ngx_http_request_t *r, ngx_http_variable_value_t *v,
    uintptr_t data)
{
    ngx_str_t           *value;
    ngx_chat_visitor_t  *visitor;

    visitor = ngx_chat_variable_visitor(r);

    if (visitor == NULL) {
        *v = ngx_http_variable_null_value;
        v->no_cacheable = 1;
        return NGX_OK;
    }

    value = &visitor->values[data];

    v->data = value->data;
    v->len = value->len;
    v->valid = 1;
    v->no_cacheable = 1;
    v->not_found = 0;

    return NGX_OK;
}


static ngx_chat_visitor_t *
ngx_chat_variable_visitor(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t  *cln;

    for (cln = r->pool->cleanup; cln != NULL; cln = cln->next) {

        if (cln->handler == ngx_chat_variable_forget) {
            return cln->data;
        }
    }

    return NULL;
}


static ngx_chat_visitor_t *
ngx_chat_variable_create(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t  *cln;

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_chat_visitor_t));
    if (cln == NULL) {
        return NULL;
    }

    cln->handler = ngx_chat_variable_forget;

    return cln->data;
}


/* what it points to goes with the pool */

static void
ngx_chat_variable_forget(void *data)
{
    ngx_memzero(data, sizeof(ngx_chat_visitor_t));
}


static ngx_int_t
ngx_chat_variable_fill(ngx_chat_visitor_t *visitor, ngx_pool_t *pool,
    const chat_token_t *token)
{
    size_t      n;
    u_char     *p, expires[NGX_INT64_LEN];
    ngx_str_t  *values = visitor->values;

    n = token->user_len + token->tenant_len + token->name_len
        + token->sid_len + token->jti_len + NGX_INT64_LEN
        + token->nroles * (CHAT_TOKEN_MAX_ROLE + 1);

    p = ngx_pnalloc(pool, n);
    if (p == NULL) {
        return NGX_ERROR;
    }

    p = ngx_chat_variable_put(&values[NGX_CHAT_VARIABLE_USER], p,
                              token->user, token->user_len);
    p = ngx_chat_variable_put(&values[NGX_CHAT_VARIABLE_TENANT], p,
                              token->tenant, token->tenant_len);
    p = ngx_chat_variable_put(&values[NGX_CHAT_VARIABLE_NAME], p,
                              token->name, token->name_len);
    p = ngx_chat_variable_put(&values[NGX_CHAT_VARIABLE_SESSION], p,
                              token->sid, token->sid_len);
    p = ngx_chat_variable_put(&values[NGX_CHAT_VARIABLE_TOKEN_ID], p,
                              token->jti, token->jti_len);

    n = ngx_sprintf(expires, "%uL", token->exp) - expires;
    p = ngx_chat_variable_put(&values[NGX_CHAT_VARIABLE_TOKEN_EXPIRES], p,
                              expires, n);

    (void) ngx_chat_variable_put_roles(&values[NGX_CHAT_VARIABLE_ROLES], p,
                                       token);
    return NGX_OK;
}


static u_char *
ngx_chat_variable_put(ngx_str_t *value, u_char *p, const u_char *data,
    size_t len)
{
    value->data = p;
    value->len = len;

    return ngx_cpymem(p, data, len);
}


/* with commas; a role that is no id could pass for several, and is left out */

static u_char *
ngx_chat_variable_put_roles(ngx_str_t *value, u_char *p,
    const chat_token_t *token)
{
    ngx_uint_t  i;
    chat_str_t  role;

    value->data = p;

    for (i = 0; i < token->nroles; i++) {
        role.data = token->roles[i].name;
        role.len = token->roles[i].len;

        if (!chat_name_valid(role)) {
            continue;
        }

        if (p != value->data) {
            *p++ = ',';
        }

        p = ngx_cpymem(p, role.data, role.len);
    }

    value->len = p - value->data;

    return p;
}
