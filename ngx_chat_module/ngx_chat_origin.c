/*
 * ngx_chat_origin.c: which pages may connect.  A browser sends the Origin
 * header (RFC 6454) with every handshake; other programs need not.
 */

#include "ngx_chat.h"


static ngx_uint_t ngx_chat_origin_allowed(ngx_http_request_t *r,
    ngx_str_t *origin);
static ngx_uint_t ngx_chat_origin_own(ngx_http_request_t *r,
    ngx_str_t *origin);
static ngx_uint_t ngx_chat_origin_match(ngx_str_t *origin,
    ngx_str_t *pattern);
static ngx_uint_t ngx_chat_origin_host(u_char *p, u_char *last);


ngx_uint_t
ngx_chat_origin_permitted(ngx_http_request_t *r, ngx_uint_t n,
    ngx_str_t *origin, ngx_uint_t required)
{
    ngx_chat_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_chat_module);

    if (lcf->origin_any) {
        return 1;
    }

    if (!required && (lcf->origins == NULL || n == 0)) {
        return 1;
    }

    return n == 1 && ngx_chat_origin_allowed(r, origin);
}


static ngx_uint_t
ngx_chat_origin_allowed(ngx_http_request_t *r, ngx_str_t *origin)
{
    ngx_str_t            *pattern;
    ngx_uint_t            i;
    ngx_chat_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_chat_module);

    if (lcf->origins == NULL) {
        return ngx_chat_origin_own(r, origin);
    }

    pattern = lcf->origins->elts;

    for (i = 0; i < lcf->origins->nelts; i++) {
        if (ngx_chat_origin_match(origin, &pattern[i])) {
            return 1;
        }
    }

    return 0;
}


/*
 * Scheme and Host of the request itself.  Behind a proxy that speaks TLS the
 * scheme differs, and chat_origin has to tell.
 */

static ngx_uint_t
ngx_chat_origin_own(ngx_http_request_t *r, ngx_str_t *origin)
{
    size_t      n;
    ngx_str_t  *host, scheme;

    if (r->headers_in.host == NULL) {
        return 0;
    }

    host = &r->headers_in.host->value;

    ngx_str_set(&scheme, "http://");

#if (NGX_HTTP_SSL)

    if (r->connection->ssl) {
        ngx_str_set(&scheme, "https://");
    }

#endif

    n = scheme.len;

    return origin->len == n + host->len
           && ngx_strncasecmp(origin->data, scheme.data, n) == 0
           && ngx_strncasecmp(origin->data + n, host->data, host->len) == 0;
}


/* an origin as it is; or with "*." first in its host: any name under it */

static ngx_uint_t
ngx_chat_origin_match(ngx_str_t *origin, ngx_str_t *pattern)
{
    u_char  *star, *last;
    size_t   head, tail;

    last = pattern->data + pattern->len;
    star = ngx_strlchr(pattern->data, last, '*');

    if (star == NULL) {
        return origin->len == pattern->len
               && ngx_strncasecmp(origin->data, pattern->data, pattern->len)
                  == 0;
    }

    head = star - pattern->data;
    tail = last - (star + 1);

    if (origin->len <= head + tail) {
        return 0;
    }

    last = origin->data + origin->len;

    return ngx_strncasecmp(origin->data, pattern->data, head) == 0
           && ngx_strncasecmp(last - tail, star + 1, tail) == 0
           && ngx_chat_origin_host(origin->data + head, last - tail);
}


/* what stands for the star: labels, nothing that ends the host before it */

static ngx_uint_t
ngx_chat_origin_host(u_char *p, u_char *last)
{
    for ( /* void */ ; p < last; p++) {

        if (!(*p >= 'a' && *p <= 'z') && !(*p >= 'A' && *p <= 'Z')
            && !(*p >= '0' && *p <= '9') && *p != '-' && *p != '.'
            && *p != '_')
        {
            return 0;
        }
    }

    return 1;
}
