/*
 * ngx_chat_handshake_read.c: what a handshake says.  Reads the headers by RFC
 * 6455, section 4.2.1, and judges nothing.
 */

#include "ngx_chat.h"
#include "ngx_chat_handshake.h"


#define NGX_CHAT_HANDSHAKE_BEARER  "bearer."


typedef void (*ngx_chat_header_pt)(ngx_chat_handshake_t *hs,
    ngx_str_t *value);


typedef struct {
    ngx_str_t            name;          /* lower case */
    ngx_chat_header_pt   handler;       /* gets one value, or one token of a
                                           list if list is set */
    ngx_uint_t           list;
} ngx_chat_header_t;


static void ngx_chat_handshake_header(ngx_chat_handshake_t *hs,
    ngx_table_elt_t *h);
static u_char *ngx_chat_handshake_element(u_char *p, u_char *last);
static void ngx_chat_handshake_list(ngx_chat_handshake_t *hs,
    ngx_str_t *list, ngx_chat_header_pt handler);
static void ngx_chat_handshake_on_upgrade(ngx_chat_handshake_t *hs,
    ngx_str_t *value);
static void ngx_chat_handshake_on_connection(ngx_chat_handshake_t *hs,
    ngx_str_t *value);
static void ngx_chat_handshake_on_protocol(ngx_chat_handshake_t *hs,
    ngx_str_t *value);
static void ngx_chat_handshake_on_key(ngx_chat_handshake_t *hs,
    ngx_str_t *value);
static void ngx_chat_handshake_on_version(ngx_chat_handshake_t *hs,
    ngx_str_t *value);
static void ngx_chat_handshake_on_origin(ngx_chat_handshake_t *hs,
    ngx_str_t *value);
static void ngx_chat_handshake_on_extensions(ngx_chat_handshake_t *hs,
    ngx_str_t *value);


static const ngx_chat_header_t  ngx_chat_handshake_headers[] = {
    { ngx_string("upgrade"), ngx_chat_handshake_on_upgrade, 1 },
    { ngx_string("connection"), ngx_chat_handshake_on_connection, 1 },
    { ngx_string("origin"), ngx_chat_handshake_on_origin, 0 },
    { ngx_string("sec-websocket-key"), ngx_chat_handshake_on_key, 0 },
    { ngx_string("sec-websocket-version"), ngx_chat_handshake_on_version, 0 },
    { ngx_string("sec-websocket-protocol"), ngx_chat_handshake_on_protocol, 1 },
    { ngx_string("sec-websocket-extensions"),
      ngx_chat_handshake_on_extensions, 0 },
};


void
ngx_chat_handshake_read(ngx_chat_handshake_t *hs)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    part = &hs->request->headers_in.headers.part;

    for ( ;; ) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            ngx_chat_handshake_header(hs, &h[i]);
        }

        part = part->next;

        if (part == NULL) {
            return;
        }
    }
}


static void
ngx_chat_handshake_header(ngx_chat_handshake_t *hs, ngx_table_elt_t *h)
{
    ngx_uint_t                i, n;
    const ngx_chat_header_t  *known;

    n = sizeof(ngx_chat_handshake_headers) / sizeof(ngx_chat_header_t);

    for (i = 0; i < n; i++) {
        known = &ngx_chat_handshake_headers[i];

        if (h->key.len != known->name.len
            || ngx_memcmp(h->lowcase_key, known->name.data, h->key.len) != 0)
        {
            continue;
        }

        if (known->list) {
            ngx_chat_handshake_list(hs, &h->value, known->handler);

        } else {
            known->handler(hs, &h->value);
        }

        return;
    }
}


/* RFC 9110, 5.6.1: elements between commas, empty ones do not count */

static void
ngx_chat_handshake_list(ngx_chat_handshake_t *hs, ngx_str_t *list,
    ngx_chat_header_pt handler)
{
    u_char     *p, *last, *end;
    ngx_str_t   token;

    last = list->data + list->len;

    for (p = list->data; p < last; p = end + 1) {
        end = ngx_chat_handshake_element(p, last);

        token.data = p;
        token.len = end - p;

        while (token.len && (*token.data == ' ' || *token.data == '\t')) {
            token.data++;
            token.len--;
        }

        while (token.len && (token.data[token.len - 1] == ' '
                             || token.data[token.len - 1] == '\t'))
        {
            token.len--;
        }

        if (token.len) {
            handler(hs, &token);
        }
    }
}


/* its end: a comma, but none in a quoted string (5.6.4), where "\" escapes */

static u_char *
ngx_chat_handshake_element(u_char *p, u_char *last)
{
    ngx_uint_t  quoted;

    quoted = 0;

    for ( /* void */ ; p < last; p++) {

        if (*p == '"') {
            quoted = !quoted;

        } else if (*p == '\\' && quoted && p + 1 < last) {
            p++;

        } else if (*p == ',' && !quoted) {
            return p;
        }
    }

    return last;
}


static void
ngx_chat_handshake_on_upgrade(ngx_chat_handshake_t *hs, ngx_str_t *value)
{
    if (value->len == sizeof("websocket") - 1
        && ngx_strncasecmp(value->data, (u_char *) "websocket", value->len)
           == 0)
    {
        hs->upgrade = 1;
    }
}


static void
ngx_chat_handshake_on_connection(ngx_chat_handshake_t *hs, ngx_str_t *value)
{
    if (value->len == sizeof("upgrade") - 1
        && ngx_strncasecmp(value->data, (u_char *) "upgrade", value->len) == 0)
    {
        hs->connection = 1;
    }
}


/* browsers can set no other header, so a token may come as a subprotocol */

static void
ngx_chat_handshake_on_protocol(ngx_chat_handshake_t *hs, ngx_str_t *value)
{
    size_t  n;

    n = sizeof(NGX_CHAT_HANDSHAKE_PROTOCOL) - 1;

    if (value->len == n
        && ngx_memcmp(value->data, NGX_CHAT_HANDSHAKE_PROTOCOL, n) == 0)
    {
        hs->offered = 1;
        return;
    }

    n = sizeof(NGX_CHAT_HANDSHAKE_BEARER) - 1;

    if (value->len > n && hs->bearer.len == 0
        && ngx_memcmp(value->data, NGX_CHAT_HANDSHAKE_BEARER, n) == 0)
    {
        hs->bearer.data = value->data + n;
        hs->bearer.len = value->len - n;
    }
}


static void
ngx_chat_handshake_on_key(ngx_chat_handshake_t *hs, ngx_str_t *value)
{
    hs->key = *value;
    hs->nkeys++;
}


static void
ngx_chat_handshake_on_version(ngx_chat_handshake_t *hs, ngx_str_t *value)
{
    hs->version = *value;
    hs->nversions++;
}


static void
ngx_chat_handshake_on_origin(ngx_chat_handshake_t *hs, ngx_str_t *value)
{
    hs->origin = *value;
    hs->norigins++;
}


/* more lines than anybody sends are not looked at: an offer may be declined */

static void
ngx_chat_handshake_on_extensions(ngx_chat_handshake_t *hs, ngx_str_t *value)
{
    if (hs->nextensions < NGX_CHAT_HANDSHAKE_MAX_EXTENSIONS) {
        hs->extensions[hs->nextensions++] = *value;
    }
}
