/*
 * ngx_chat_access.c: chat_auth, the check of a handshake for any location.  It
 * runs in nginx's access phase, beside allow, auth_basic and the like.  What
 * it has found out is told by variables (ngx_chat_variable.c).
 */

#include "ngx_chat.h"
#include "ngx_chat_handshake.h"


static ngx_int_t ngx_chat_access_check(ngx_chat_handshake_t *hs);
static ngx_uint_t ngx_chat_access_is_ours(ngx_http_request_t *r,
    ngx_chat_loc_conf_t *lcf);
static ngx_uint_t ngx_chat_access_permitted(ngx_chat_handshake_t *hs);
static ngx_int_t ngx_chat_access_refuse(ngx_chat_handshake_t *hs,
    const char *state);
static ngx_int_t ngx_chat_access_challenge(ngx_chat_handshake_t *hs);
static ngx_uint_t ngx_chat_access_by_nginx(ngx_http_request_t *r,
    ngx_uint_t status);


ngx_int_t
ngx_chat_access_handler(ngx_http_request_t *r)
{
    ngx_int_t              rc;
    ngx_chat_loc_conf_t   *lcf;
    ngx_chat_handshake_t   hs;
    ngx_chat_main_conf_t  *mcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_chat_module);
    mcf = ngx_http_get_module_main_conf(r, ngx_chat_module);

    if (!lcf->auth || ngx_chat_access_is_ours(r, lcf)) {
        return NGX_DECLINED;
    }

    ngx_memzero(&hs, sizeof(ngx_chat_handshake_t));

    hs.request = r;
    hs.conf = lcf;
    hs.node = mcf->node;

    ngx_chat_handshake_read(&hs);
    hs.place = ngx_chat_token_find(r, &hs.bearer, &hs.text);

    rc = ngx_chat_access_check(&hs);

    ngx_explicit_memzero(&hs.token, sizeof(chat_token_t));

    return rc;
}


/* a session may begin without a token: its handshake decides for itself */

static ngx_uint_t
ngx_chat_access_is_ours(ngx_http_request_t *r, ngx_chat_loc_conf_t *lcf)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    return lcf->websocket && clcf->handler == ngx_chat_handshake_handler;
}


/* what an access handler returns; NGX_DONE: the answer is on its way */

static ngx_int_t
ngx_chat_access_check(ngx_chat_handshake_t *hs)
{
    ngx_http_request_t        *r = hs->request;
    const ngx_chat_verdict_t  *verdict;
    ngx_chat_token_result_e    result;

    if (ngx_chat_token_wipe_after(r, &hs->text) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (!ngx_chat_access_permitted(hs)) {
        hs->status = NGX_HTTP_FORBIDDEN;
        hs->code = CHAT_CODE_FORBIDDEN;
        hs->message = "the origin is not allowed";
        return ngx_chat_access_refuse(hs, "origin");
    }

    if (hs->place == NGX_CHAT_TOKEN_NONE) {
        hs->status = NGX_HTTP_UNAUTHORIZED;
        hs->code = CHAT_CODE_UNAUTHORIZED;
        hs->message = "there is no token";
        return ngx_chat_access_refuse(hs, "none");
    }

    hs->status = ngx_chat_limit_access_address(hs);
    if (hs->status != 0) {
        return ngx_chat_access_refuse(hs, "limited");
    }

    result = ngx_chat_token_check(hs->conf, ngx_chat_str(&hs->text),
                                  &hs->token, &hs->reason);
    verdict = ngx_chat_token_verdict(result);

    if (result != NGX_CHAT_TOKEN_GOOD) {

        if (result == NGX_CHAT_TOKEN_BAD
            || result == NGX_CHAT_TOKEN_REVOKED)
        {
            ngx_chat_limit_access_failed(hs);
        }

        hs->status = verdict->status;
        hs->code = verdict->code;
        hs->message = verdict->message;
        return ngx_chat_access_refuse(hs, verdict->name);
    }

    hs->status = ngx_chat_limit_access_user(hs);
    if (hs->status != 0) {
        return ngx_chat_access_refuse(hs, "limited");
    }

    if (ngx_chat_variable_set(r, verdict->name, &hs->token) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return NGX_OK;
}


/*
 * A browser sends cookies whoever made the page.  It names the page's origin
 * with all that may change something, and need not with a mere look, whose
 * answer other pages cannot read.
 */

static ngx_uint_t
ngx_chat_access_permitted(ngx_chat_handshake_t *hs)
{
    ngx_uint_t  required;

    required = hs->place == NGX_CHAT_TOKEN_COOKIE
               && (hs->norigins != 0
                   || !(hs->request->method
                        & (NGX_HTTP_GET|NGX_HTTP_HEAD|NGX_HTTP_OPTIONS)));

    return ngx_chat_origin_permitted(hs->request, hs->norigins, &hs->origin,
                                     required);
}


static ngx_int_t
ngx_chat_access_refuse(ngx_chat_handshake_t *hs, const char *state)
{
    ngx_uint_t           level;
    ngx_http_request_t  *r = hs->request;

    level = (hs->status == NGX_HTTP_INTERNAL_SERVER_ERROR) ? NGX_LOG_ERR
                                                           : NGX_LOG_INFO;

    ngx_log_error(level, r->connection->log, 0,
                  "chat: request refused with %ui: %s%s%s, origin: \"%V\"",
                  hs->status, hs->message, hs->reason ? ": " : "",
                  hs->reason ? hs->reason : "", &hs->origin);

    if (ngx_chat_variable_set(r, state, NULL) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (hs->status == NGX_HTTP_UNAUTHORIZED
        && ngx_chat_access_challenge(hs) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ngx_chat_access_by_nginx(r, hs->status)) {
        return hs->status;
    }

    ngx_http_finalize_request(r, ngx_chat_http_error(r, hs->status, hs->code,
                                                     hs->message, hs->retry));
    return NGX_DONE;
}


/* RFC 6750, 3.1: who brought no token is not told of an error.  nginx takes
   the header back when satisfy lets the request pass after all */

static ngx_int_t
ngx_chat_access_challenge(ngx_chat_handshake_t *hs)
{
    ngx_table_elt_t     *h;
    ngx_http_request_t  *r = hs->request;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    h->hash = 1;
    ngx_str_set(&h->key, "WWW-Authenticate");

    if (hs->place == NGX_CHAT_TOKEN_NONE) {
        ngx_str_set(&h->value, "Bearer");

    } else {
        ngx_str_set(&h->value, "Bearer error=\"invalid_token\"");
    }

    r->headers_out.www_authenticate = h;

    return NGX_OK;
}


/* others may still let it pass, or the configuration says what to answer */

static ngx_uint_t
ngx_chat_access_by_nginx(ngx_http_request_t *r, ngx_uint_t status)
{
    ngx_uint_t                 i;
    ngx_http_err_page_t       *page;
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    if (clcf->satisfy == NGX_HTTP_SATISFY_ANY
        && (status == NGX_HTTP_UNAUTHORIZED || status == NGX_HTTP_FORBIDDEN))
    {
        return 1;
    }

    if (clcf->auth_delay > 0 && status == NGX_HTTP_UNAUTHORIZED) {
        return 1;
    }

    if (clcf->error_pages == NULL
        || (r->error_page && !clcf->recursive_error_pages))
    {
        return 0;
    }

    page = clcf->error_pages->elts;

    for (i = 0; i < clcf->error_pages->nelts; i++) {

        if (page[i].status == (ngx_int_t) status) {
            return 1;
        }
    }

    return 0;
}
