/*
 * ngx_chat_handshake.c: who may open a session.  Reads the request by RFC
 * 6455, section 4.2, and the token; refuses with JSON, or lets
 * ngx_chat_upgrade() answer.
 */

#include "ngx_chat.h"


#define NGX_CHAT_HANDSHAKE_UPGRADE   426    /* nginx has no name for it */
#define NGX_CHAT_HANDSHAKE_KEY_LEN   24     /* 16 bytes in base64 */
#define NGX_CHAT_HANDSHAKE_BEARER    "bearer."
#define NGX_CHAT_HANDSHAKE_PROTOCOL  "chat.v1"


/* what a handshake says, and what we think of it; lives on the stack */

typedef struct {
    ngx_http_request_t   *request;
    ngx_chat_loc_conf_t  *conf;
    ngx_chat_node_t      *node;

    chat_code_e           code;         /* of a refusal */
    const char           *message;      /* the same, for the client */
    const char           *reason;       /* and for the log, or NULL */
    ngx_uint_t            close_code;   /* to say at once after the 101 */

    ngx_str_t             key;
    ngx_str_t             version;
    ngx_str_t             origin;
    ngx_str_t             bearer;       /* token among the subprotocols */
    ngx_uint_t            nkeys;
    ngx_uint_t            nversions;
    ngx_uint_t            norigins;

    unsigned              upgrade:1;    /* Upgrade: websocket */
    unsigned              connection:1; /* Connection: upgrade */
    unsigned              offered:1;    /* subprotocol chat.v1 */
    unsigned              identified:1; /* token is set */

    chat_token_t          token;
} ngx_chat_handshake_t;


typedef void (*ngx_chat_header_pt)(ngx_chat_handshake_t *hs,
    ngx_str_t *value);


typedef struct {
    ngx_str_t            name;          /* lower case */
    ngx_chat_header_pt   handler;       /* gets one value, or one token of a
                                           list if list is set */
    ngx_uint_t           list;
} ngx_chat_header_t;


static ngx_int_t ngx_chat_handshake_check(ngx_chat_handshake_t *hs);
static void ngx_chat_handshake_read(ngx_chat_handshake_t *hs);
static void ngx_chat_handshake_header(ngx_chat_handshake_t *hs,
    ngx_table_elt_t *h);
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
static ngx_int_t ngx_chat_handshake_check_request(ngx_chat_handshake_t *hs);
static ngx_int_t ngx_chat_handshake_check_key(ngx_chat_handshake_t *hs);
static ngx_int_t ngx_chat_handshake_check_identity(ngx_chat_handshake_t *hs);
static ngx_int_t ngx_chat_handshake_check_origin(ngx_chat_handshake_t *hs,
    ngx_uint_t required);
static ngx_int_t ngx_chat_handshake_check_token(ngx_chat_handshake_t *hs,
    ngx_str_t *text);
static ngx_int_t ngx_chat_handshake_refused(ngx_chat_handshake_t *hs,
    ngx_uint_t status, chat_code_e code, const char *message);
static ngx_int_t ngx_chat_handshake_refuse(ngx_chat_handshake_t *hs,
    ngx_uint_t status);
static ngx_int_t ngx_chat_handshake_accept(ngx_chat_handshake_t *hs);


static const ngx_chat_header_t  ngx_chat_handshake_headers[] = {
    { ngx_string("upgrade"), ngx_chat_handshake_on_upgrade, 1 },
    { ngx_string("connection"), ngx_chat_handshake_on_connection, 1 },
    { ngx_string("origin"), ngx_chat_handshake_on_origin, 0 },
    { ngx_string("sec-websocket-key"), ngx_chat_handshake_on_key, 0 },
    { ngx_string("sec-websocket-version"), ngx_chat_handshake_on_version, 0 },
    { ngx_string("sec-websocket-protocol"), ngx_chat_handshake_on_protocol, 1 },
};


ngx_int_t
ngx_chat_handshake_handler(ngx_http_request_t *r)
{
    ngx_int_t              rc;
    ngx_chat_handshake_t   hs;
    ngx_chat_main_conf_t  *mcf;

    if (r != r->main) {
        return NGX_HTTP_BAD_REQUEST;
    }

    /* where the query is not looked at, a token may be there by mistake */

    if (ngx_chat_token_hide(r) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_chat_module);

    ngx_memzero(&hs, sizeof(ngx_chat_handshake_t));

    hs.request = r;
    hs.conf = ngx_http_get_module_loc_conf(r, ngx_chat_module);
    hs.node = mcf->node;

    rc = ngx_chat_handshake_check(&hs);

    rc = (rc == NGX_OK) ? ngx_chat_handshake_accept(&hs)
                        : ngx_chat_handshake_refuse(&hs, rc);

    ngx_explicit_memzero(&hs.token, sizeof(chat_token_t));

    return rc;
}


/* NGX_OK, or the status of a refusal, which hs->message explains */

static ngx_int_t
ngx_chat_handshake_check(ngx_chat_handshake_t *hs)
{
    ngx_int_t  rc;

    ngx_chat_handshake_read(hs);

    rc = ngx_chat_handshake_check_request(hs);
    if (rc != NGX_OK) {
        return rc;
    }

    /* the request is freed after the 101: nobody else may still use it */

    if (hs->request->main->count != 1) {
        ngx_log_error(NGX_LOG_ERR, hs->request->connection->log, 0,
                      "chat: a subrequest still runs, is \"mirror\" on here?");
        return ngx_chat_handshake_refused(hs, NGX_HTTP_INTERNAL_SERVER_ERROR,
                                          CHAT_CODE_INTERNAL,
                                          "internal error");
    }

    rc = ngx_chat_handshake_check_key(hs);
    if (rc != NGX_OK) {
        return rc;
    }

    if (hs->node == NULL || ngx_exiting) {
        return ngx_chat_handshake_refused(hs, NGX_HTTP_SERVICE_UNAVAILABLE,
                                          CHAT_CODE_UNAVAILABLE,
                                          "the server is not ready");
    }

    if (hs->conf->echo) {
        return NGX_OK;                  /* serves anybody */
    }

    return ngx_chat_handshake_check_identity(hs);
}


static void
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
        end = ngx_strlchr(p, last, ',');

        if (end == NULL) {
            end = last;
        }

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


/* RFC 6455, 4.2.1; what an upgrade cannot do without */

static ngx_int_t
ngx_chat_handshake_check_request(ngx_chat_handshake_t *hs)
{
    ngx_http_request_t  *r = hs->request;

    if (r->http_version != NGX_HTTP_VERSION_11) {
        return ngx_chat_handshake_refused(hs, NGX_HTTP_VERSION_NOT_SUPPORTED,
                                          CHAT_CODE_UNSUPPORTED,
                                          "the upgrade needs HTTP/1.1");
    }

    if (r->method != NGX_HTTP_GET) {
        return ngx_chat_handshake_refused(hs, NGX_HTTP_BAD_REQUEST,
                                          CHAT_CODE_BAD_REQUEST,
                                          "the method must be GET");
    }

    if (r->headers_in.content_length_n > 0 || r->headers_in.chunked) {
        return ngx_chat_handshake_refused(hs, NGX_HTTP_BAD_REQUEST,
                                          CHAT_CODE_BAD_REQUEST,
                                          "there must be no body");
    }

    if (!hs->upgrade || !hs->connection) {
        return ngx_chat_handshake_refused(hs, NGX_HTTP_BAD_REQUEST,
                                          CHAT_CODE_BAD_REQUEST,
                                          "this is no upgrade to WebSocket");
    }

    return NGX_OK;
}


static ngx_int_t
ngx_chat_handshake_check_key(ngx_chat_handshake_t *hs)
{
    u_char      bytes[ngx_base64_decoded_length(NGX_CHAT_HANDSHAKE_KEY_LEN)];
    ngx_str_t   dst;

    if (hs->nversions != 1 || hs->version.len != 2
        || ngx_memcmp(hs->version.data, "13", 2) != 0)
    {
        return ngx_chat_handshake_refused(hs, NGX_CHAT_HANDSHAKE_UPGRADE,
                                          CHAT_CODE_UNSUPPORTED,
                                          "Sec-WebSocket-Version must be 13");
    }

    /* the decoder stops at the first '=', so the length is not enough */

    dst.data = bytes;

    if (hs->nkeys != 1 || hs->key.len != NGX_CHAT_HANDSHAKE_KEY_LEN
        || ngx_memcmp(hs->key.data + NGX_CHAT_HANDSHAKE_KEY_LEN - 2, "==", 2)
           != 0
        || ngx_decode_base64(&dst, &hs->key) != NGX_OK || dst.len != 16)
    {
        return ngx_chat_handshake_refused(hs, NGX_HTTP_BAD_REQUEST,
                                          CHAT_CODE_BAD_REQUEST,
                                          "Sec-WebSocket-Key must be 16 bytes "
                                          "in base64, given once");
    }

    return NGX_OK;
}


static ngx_int_t
ngx_chat_handshake_check_identity(ngx_chat_handshake_t *hs)
{
    ngx_int_t               rc;
    ngx_str_t               text;
    ngx_chat_token_place_e  place;

    place = ngx_chat_token_find(hs->request, &hs->bearer, &text);

    /*
     * A browser sends cookies whoever made the page, so with a cookie the
     * page's origin is what protects the user.
     */

    rc = ngx_chat_handshake_check_origin(hs, place == NGX_CHAT_TOKEN_COOKIE);
    if (rc != NGX_OK) {
        return rc;
    }

    if (place == NGX_CHAT_TOKEN_NONE) {
        return NGX_OK;                  /* may authenticate later */
    }

    return ngx_chat_handshake_check_token(hs, &text);
}


static ngx_int_t
ngx_chat_handshake_check_origin(ngx_chat_handshake_t *hs,
    ngx_uint_t required)
{
    if (hs->conf->origin_any) {
        return NGX_OK;
    }

    if (!required && (hs->conf->origins == NULL || hs->norigins == 0)) {
        return NGX_OK;
    }

    if (hs->norigins == 1
        && ngx_chat_origin_allowed(hs->request, &hs->origin))
    {
        return NGX_OK;
    }

    return ngx_chat_handshake_refused(hs, NGX_HTTP_FORBIDDEN,
                                      CHAT_CODE_FORBIDDEN,
                                      "the origin is not allowed");
}


static ngx_int_t
ngx_chat_handshake_check_token(ngx_chat_handshake_t *hs, ngx_str_t *text)
{
    ngx_int_t  rc;

    rc = ngx_chat_token_check(hs->conf, ngx_chat_str(text), &hs->token,
                              &hs->reason);
    if (rc == NGX_OK) {
        hs->identified = 1;
        return NGX_OK;
    }

    if (rc == NGX_ERROR) {
        return ngx_chat_handshake_refused(hs, NGX_HTTP_INTERNAL_SERVER_ERROR,
                                          CHAT_CODE_INTERNAL,
                                          "the token could not be checked");
    }

    if (hs->norigins == 0) {
        return ngx_chat_handshake_refused(hs, NGX_HTTP_UNAUTHORIZED,
                                          CHAT_CODE_UNAUTHORIZED,
                                          "the token is not valid");
    }

    /* a page does not get to see the status, but it does see a close code */

    ngx_log_error(NGX_LOG_INFO, hs->request->connection->log, 0,
                  "chat: the token is not valid: %s", hs->reason);

    hs->close_code = NGX_CHAT_CLOSE_UNAUTHORIZED;

    return NGX_OK;
}


static ngx_int_t
ngx_chat_handshake_refused(ngx_chat_handshake_t *hs, ngx_uint_t status,
    chat_code_e code, const char *message)
{
    hs->code = code;
    hs->message = message;

    return status;
}


static ngx_int_t
ngx_chat_handshake_refuse(ngx_chat_handshake_t *hs, ngx_uint_t status)
{
    ngx_int_t            rc;
    ngx_http_request_t  *r = hs->request;

    ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                  "chat: handshake refused with %ui: %s%s%s, origin: \"%V\"",
                  status, hs->message, hs->reason ? ": " : "",
                  hs->reason ? hs->reason : "", &hs->origin);

    rc = NGX_OK;

    if (status == NGX_HTTP_UNAUTHORIZED) {
        rc = ngx_chat_http_header(r, "WWW-Authenticate",
                                  "Bearer error=\"invalid_token\"");

    } else if (status == NGX_CHAT_HANDSHAKE_UPGRADE) {
        ngx_str_set(&r->headers_out.status_line, "426 Upgrade Required");
        rc = ngx_chat_http_header(r, "Sec-WebSocket-Version", "13");

        if (rc == NGX_OK) {
            rc = ngx_chat_http_header(r, "Upgrade", "websocket");
        }
    }

    if (rc != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_chat_http_error(r, status, hs->code, hs->message);
}


static ngx_int_t
ngx_chat_handshake_accept(ngx_chat_handshake_t *hs)
{
    ngx_chat_session_t  *s;
    ngx_http_request_t  *r = hs->request;

    /* made before the 101: the lack of memory can still be told properly */

    s = ngx_chat_session_create(hs->node, hs->conf,
                                &r->connection->addr_text);
    if (s == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (hs->identified && ngx_chat_session_identify(s, &hs->token) != NGX_OK) {
        ngx_chat_session_free(s);
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_chat_upgrade(r, s, &hs->key,
                            hs->offered ? NGX_CHAT_HANDSHAKE_PROTOCOL : NULL,
                            hs->close_code,
                            hs->close_code ? "the token is not valid" : "");
}
