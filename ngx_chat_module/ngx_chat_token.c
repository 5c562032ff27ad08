/*
 * ngx_chat_token.c: the token of a handshake.  It may come in several places,
 * of which the first that has one decides, and it must reach no log: a query
 * is part of the request line, which nginx logs in many ways, so the value is
 * taken out of it and kept beside the request.
 */

#include "ngx_chat.h"


#define NGX_CHAT_TOKEN_ARG      "token"
#define NGX_CHAT_TOKEN_ARG_LEN  (sizeof(NGX_CHAT_TOKEN_ARG) - 1)
#define NGX_CHAT_TOKEN_SCHEME   "Bearer"


/* owner: the request's pool, of which it is a clean-up */

typedef struct {
    ngx_str_t  token;
} ngx_chat_hidden_t;


/* the same; where a token lies in nginx's own buffers */

typedef struct {
    ngx_http_request_t  *request;
    ngx_str_t            token;
} ngx_chat_wipe_t;


/* one argument of a query: name=value */

typedef struct {
    ngx_str_t  name;
    ngx_str_t  value;
} ngx_chat_arg_t;


static ngx_int_t ngx_chat_token_authorization(ngx_http_request_t *r,
    ngx_str_t *token);
static ngx_int_t ngx_chat_token_cookie(ngx_http_request_t *r,
    ngx_str_t *name, ngx_str_t *token);
static ngx_int_t ngx_chat_token_query(ngx_http_request_t *r,
    ngx_str_t *token);
static ngx_chat_hidden_t *ngx_chat_token_hidden(ngx_http_request_t *r);
static ngx_int_t ngx_chat_token_keep(ngx_http_request_t *r,
    ngx_str_t *value);
static void ngx_chat_token_forget(void *data);
static void ngx_chat_token_wipe(void *data);
static void ngx_chat_token_wipe_chain(ngx_chain_t *cl, ngx_buf_t *but);
static void ngx_chat_token_mask_request(ngx_http_request_t *r);
static void ngx_chat_token_mask_line(ngx_str_t *line);
static void ngx_chat_token_mask(u_char *p, u_char *last);
static ngx_int_t ngx_chat_token_keep_arg(ngx_http_request_t *r);
static ngx_int_t ngx_chat_token_next_arg(u_char **pos, u_char *last,
    ngx_chat_arg_t *arg);
static ngx_uint_t ngx_chat_token_is_arg(ngx_chat_arg_t *arg);


ngx_chat_token_place_e
ngx_chat_token_find(ngx_http_request_t *r, ngx_str_t *protocol,
    ngx_str_t *token)
{
    ngx_chat_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_chat_module);

    if (ngx_chat_token_authorization(r, token) == NGX_OK) {
        return NGX_CHAT_TOKEN_HEADER;
    }

    if (protocol->len) {
        *token = *protocol;
        return NGX_CHAT_TOKEN_PROTOCOL;
    }

    if (lcf->token_cookie.len
        && ngx_chat_token_cookie(r, &lcf->token_cookie, token) == NGX_OK)
    {
        return NGX_CHAT_TOKEN_COOKIE;
    }

    if (lcf->token_query && ngx_chat_token_query(r, token) == NGX_OK) {
        return NGX_CHAT_TOKEN_QUERY;
    }

    return NGX_CHAT_TOKEN_NONE;
}


/* POST_READ: nothing has looked at the query yet, and nobody has logged it */

ngx_int_t
ngx_chat_token_hide_handler(ngx_http_request_t *r)
{
    ngx_chat_srv_conf_t  *scf;

    scf = ngx_http_get_module_srv_conf(r, ngx_chat_module);

    if (!scf->token_query) {
        return NGX_DECLINED;
    }

    return (ngx_chat_token_hide(r) == NGX_OK) ? NGX_DECLINED
                                         : NGX_HTTP_INTERNAL_SERVER_ERROR;
}


ngx_int_t
ngx_chat_token_hide(ngx_http_request_t *r)
{
    ngx_int_t  rc;

    if (ngx_chat_token_hidden(r) != NULL) {
        return NGX_OK;
    }

    /* a rewrite may have taken the arguments away, not the request line */

    rc = (r->args.len > 0) ? ngx_chat_token_keep_arg(r) : NGX_OK;

    ngx_chat_token_mask_request(r);

    return rc;
}


static ngx_int_t
ngx_chat_token_keep_arg(ngx_http_request_t *r)
{
    u_char          *p, *last;
    ngx_chat_arg_t   arg;

    p = r->args.data;
    last = p + r->args.len;

    while (ngx_chat_token_next_arg(&p, last, &arg) == NGX_OK) {

        if (ngx_chat_token_is_arg(&arg)) {
            return ngx_chat_token_keep(r, &arg.value);
        }
    }

    return NGX_OK;
}


/*
 * LOG, before anybody else: a request that was refused while its header was
 * read has seen no other phase, and perhaps not its own server.  It is over,
 * so nothing needs the value any more.
 */

ngx_int_t
ngx_chat_token_log_handler(ngx_http_request_t *r)
{
    u_char                *p;
    ngx_chat_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_chat_module);

    if (!mcf->token_query) {
        return NGX_OK;
    }

    if (r->request_line.data == NULL && r->request_start != NULL) {

        /* as nginx does when it logs a line that it could not read */

        p = r->request_start;

        while (p < r->header_in->last && *p != CR && *p != LF) {
            p++;
        }

        r->request_line.data = r->request_start;
        r->request_line.len = p - r->request_start;
    }

    ngx_chat_token_mask_request(r);

    return NGX_OK;
}


ngx_int_t
ngx_chat_token_wipe_after(ngx_http_request_t *r, ngx_str_t *token)
{
    ngx_chat_wipe_t     *wipe;
    ngx_pool_cleanup_t  *cln;

    if (token->len == 0) {
        return NGX_OK;
    }

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_chat_wipe_t));
    if (cln == NULL) {
        return NGX_ERROR;
    }

    wipe = cln->data;
    wipe->request = r->main;
    wipe->token = *token;

    cln->handler = ngx_chat_token_wipe;

    return NGX_OK;
}


/*
 * When the pool goes, nobody looks at the headers any more, but the buffers
 * stay with the connection.  A line that did not fit into one of them was
 * moved to the next, and its beginning was left behind: all are wiped but the
 * one that may hold the next request.
 */

static void
ngx_chat_token_wipe(void *data)
{
    ngx_buf_t              *b;
    ngx_chat_wipe_t        *wipe = data;
    ngx_http_request_t     *r = wipe->request;
    ngx_http_connection_t  *hc;

    ngx_explicit_memzero(wipe->token.data, wipe->token.len);

    if (r->http_version >= NGX_HTTP_VERSION_20) {
        return;                         /* it has no such buffers */
    }

    b = r->connection->buffer;

    if (b != NULL && b != r->header_in) {
        ngx_explicit_memzero(b->start, b->end - b->start);
    }

    hc = r->http_connection;

    ngx_chat_token_wipe_chain(hc->busy, r->header_in);
    ngx_chat_token_wipe_chain(hc->free, r->header_in);
}


static void
ngx_chat_token_wipe_chain(ngx_chain_t *cl, ngx_buf_t *but)
{
    for ( /* void */ ; cl != NULL; cl = cl->next) {

        if (cl->buf != but) {
            ngx_explicit_memzero(cl->buf->start,
                                 cl->buf->end - cl->buf->start);
        }
    }
}


static ngx_int_t
ngx_chat_token_authorization(ngx_http_request_t *r, ngx_str_t *token)
{
    u_char     *p, *last;
    ngx_str_t  *value;

    if (r->headers_in.authorization == NULL) {
        return NGX_DECLINED;
    }

    value = &r->headers_in.authorization->value;

    if (value->len <= sizeof(NGX_CHAT_TOKEN_SCHEME)
        || value->data[sizeof(NGX_CHAT_TOKEN_SCHEME) - 1] != ' '
        || ngx_strncasecmp(value->data, (u_char *) NGX_CHAT_TOKEN_SCHEME,
                           sizeof(NGX_CHAT_TOKEN_SCHEME) - 1) != 0)
    {
        return NGX_DECLINED;
    }

    p = value->data + sizeof(NGX_CHAT_TOKEN_SCHEME);
    last = value->data + value->len;

    while (p < last && *p == ' ') {
        p++;
    }

    token->data = p;
    token->len = last - p;

    return token->len ? NGX_OK : NGX_DECLINED;
}


static ngx_int_t
ngx_chat_token_cookie(ngx_http_request_t *r, ngx_str_t *name,
    ngx_str_t *token)
{
    ngx_int_t  rc;

    rc = ngx_http_parse_multi_header_lines(&r->headers_in.cookies, name,
                                           token);

    /* an empty one is what a sign-out leaves behind */
    return (rc != NGX_DECLINED && token->len) ? NGX_OK : NGX_DECLINED;
}


static ngx_int_t
ngx_chat_token_query(ngx_http_request_t *r, ngx_str_t *token)
{
    ngx_chat_hidden_t  *hidden;

    hidden = ngx_chat_token_hidden(r);

    if (hidden == NULL || hidden->token.len == 0) {
        return NGX_DECLINED;
    }

    *token = hidden->token;

    return NGX_OK;
}


/* not in the module's context, which an internal redirect forgets */

static ngx_chat_hidden_t *
ngx_chat_token_hidden(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t  *cln;

    for (cln = r->pool->cleanup; cln != NULL; cln = cln->next) {

        if (cln->handler == ngx_chat_token_forget) {
            return cln->data;
        }
    }

    return NULL;
}


static ngx_int_t
ngx_chat_token_keep(ngx_http_request_t *r, ngx_str_t *value)
{
    u_char              *dst, *src;
    ngx_chat_hidden_t   *hidden;
    ngx_pool_cleanup_t  *cln;

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_chat_hidden_t));
    if (cln == NULL) {
        return NGX_ERROR;
    }

    hidden = cln->data;
    ngx_str_null(&hidden->token);

    dst = ngx_pnalloc(r->pool, value->len + 1);
    if (dst == NULL) {
        return NGX_ERROR;
    }

    hidden->token.data = dst;

    src = value->data;
    ngx_unescape_uri(&dst, &src, value->len, 0);

    hidden->token.len = dst - hidden->token.data;
    cln->handler = ngx_chat_token_forget;

    return NGX_OK;
}


static void
ngx_chat_token_forget(void *data)
{
    ngx_chat_hidden_t  *hidden = data;

    ngx_explicit_memzero(hidden->token.data, hidden->token.len);
}


/* three names for what is mostly the same memory, but not always */

static void
ngx_chat_token_mask_request(ngx_http_request_t *r)
{
    ngx_chat_token_mask_line(&r->request_line);
    ngx_chat_token_mask_line(&r->unparsed_uri);

    if (r->args.len > 0) {
        ngx_chat_token_mask(r->args.data, r->args.data + r->args.len);
    }

    if (r->headers_in.referer != NULL) {    /* a page that was got with one */
        ngx_chat_token_mask_line(&r->headers_in.referer->value);
    }
}


static void
ngx_chat_token_mask_line(ngx_str_t *line)
{
    u_char  *p, *last;

    last = line->data + line->len;

    p = ngx_strlchr(line->data, last, '?');

    if (p != NULL) {
        ngx_chat_token_mask(p + 1, last);
    }
}


/* a query, changed where it stands */

static void
ngx_chat_token_mask(u_char *p, u_char *last)
{
    ngx_chat_arg_t  arg;

    while (ngx_chat_token_next_arg(&p, last, &arg) == NGX_OK) {

        if (ngx_chat_token_is_arg(&arg)) {
            ngx_memset(arg.value.data, '*', arg.value.len);
        }
    }
}


static ngx_int_t
ngx_chat_token_next_arg(u_char **pos, u_char *last, ngx_chat_arg_t *arg)
{
    u_char  *p, *end;

    if (*pos >= last) {
        return NGX_DONE;
    }

    end = *pos;

    /* a space ends the query in a request line; '#' should not be there */

    while (end < last && *end != '&' && *end != '#' && *end != ' ') {
        end++;
    }

    p = ngx_strlchr(*pos, end, '=');

    if (p == NULL) {
        p = end;
    }

    arg->name.data = *pos;
    arg->name.len = p - *pos;
    arg->value.data = (p < end) ? p + 1 : end;
    arg->value.len = end - arg->value.data;

    *pos = end + 1;

    return NGX_OK;
}


static ngx_uint_t
ngx_chat_token_is_arg(ngx_chat_arg_t *arg)
{
    u_char  *dst, *src, name[3 * NGX_CHAT_TOKEN_ARG_LEN];

    if (arg->name.len > sizeof(name)) {
        return 0;
    }

    dst = name;
    src = arg->name.data;
    ngx_unescape_uri(&dst, &src, arg->name.len, 0);

    return (size_t) (dst - name) == NGX_CHAT_TOKEN_ARG_LEN
           && ngx_strncasecmp(name, (u_char *) NGX_CHAT_TOKEN_ARG,
                              NGX_CHAT_TOKEN_ARG_LEN) == 0;
}
