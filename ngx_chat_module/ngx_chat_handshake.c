/*
 * ngx_chat_handshake.c: who may open a session.  One list of checks, in the
 * order in which they are made: what is cheap comes first, and nobody is told
 * anything of a token before all else is as it should be.  Refuses with JSON,
 * or lets ngx_chat_upgrade() answer.
 */

#include "ngx_chat.h"
#include "ngx_chat_handshake.h"


#define NGX_CHAT_HANDSHAKE_EARLY     425    /* nginx has no names for these */
#define NGX_CHAT_HANDSHAKE_UPGRADE   426
#define NGX_CHAT_HANDSHAKE_KEY_LEN   24     /* 16 bytes in base64 */


typedef ngx_int_t (*ngx_chat_check_pt)(ngx_chat_handshake_t *hs);


typedef struct {
    ngx_chat_check_pt   handler;
    ngx_uint_t          echo;           /* an echo location needs it too */
} ngx_chat_check_t;


static ngx_int_t ngx_chat_handshake_check(ngx_chat_handshake_t *hs);
static void ngx_chat_handshake_count(ngx_chat_handshake_t *hs, ngx_int_t rc);
static ngx_int_t ngx_chat_handshake_note(ngx_chat_handshake_t *hs);
static ngx_int_t ngx_chat_handshake_check_request(ngx_chat_handshake_t *hs);
static ngx_int_t ngx_chat_handshake_check_early(ngx_chat_handshake_t *hs);
static ngx_int_t ngx_chat_handshake_check_once(ngx_chat_handshake_t *hs);
static ngx_int_t ngx_chat_handshake_check_alone(ngx_chat_handshake_t *hs);
static ngx_int_t ngx_chat_handshake_check_key(ngx_chat_handshake_t *hs);
static ngx_int_t ngx_chat_handshake_check_ready(ngx_chat_handshake_t *hs);
static ngx_int_t ngx_chat_handshake_check_origin(ngx_chat_handshake_t *hs);
static ngx_int_t ngx_chat_handshake_check_token(ngx_chat_handshake_t *hs);
static ngx_int_t ngx_chat_handshake_refuse(ngx_chat_handshake_t *hs,
    ngx_uint_t status);
static ngx_int_t ngx_chat_handshake_accept(ngx_chat_handshake_t *hs);


static const ngx_chat_check_t  ngx_chat_handshake_checks[] = {
    { ngx_chat_handshake_check_request, 1 },
    { ngx_chat_handshake_check_early, 1 },
    { ngx_chat_handshake_check_once, 1 },
    { ngx_chat_handshake_check_alone, 1 },
    { ngx_chat_handshake_check_key, 1 },
    { ngx_chat_extension_check, 1 },
    { ngx_chat_handshake_check_ready, 1 },
    { ngx_chat_overload_check, 1 },
    { ngx_chat_limit_check_address, 0 },
    { ngx_chat_handshake_check_origin, 0 },
    { ngx_chat_handshake_check_token, 0 },
    { ngx_chat_limit_check_user, 0 },
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
    hs.state = "";

    ngx_chat_handshake_read(&hs);
    hs.place = ngx_chat_token_find(r, &hs.bearer, &hs.text);

    rc = ngx_chat_handshake_check(&hs);

    if (ngx_chat_handshake_note(&hs) != NGX_OK) {
        rc = NGX_HTTP_INTERNAL_SERVER_ERROR;

    } else {
        rc = (rc == NGX_OK) ? ngx_chat_handshake_accept(&hs)
                            : ngx_chat_handshake_refuse(&hs, rc);
    }

    ngx_chat_handshake_count(&hs, rc);

    ngx_explicit_memzero(&hs.token, sizeof(chat_token_t));

    if (hs.node != NULL) {
        ngx_chat_limit_leave(hs.node, &hs.claims);
    }

    return rc;
}


/* one that is closed at once, for the sake of a page, is refused */

static void
ngx_chat_handshake_count(ngx_chat_handshake_t *hs, ngx_int_t rc)
{
    if (hs->node == NULL) {
        return;
    }

    if (hs->message != NULL) {
        ngx_chat_tally_refused(hs->node, hs->code);

    } else if (rc == NGX_DONE) {
        ngx_chat_tally_accepted(hs->node, hs->request);

    } else {
        ngx_chat_tally_refused(hs->node, CHAT_CODE_INTERNAL);
    }
}


/* what is to be known of the request beside its answer */

static ngx_int_t
ngx_chat_handshake_note(ngx_chat_handshake_t *hs)
{
    if (ngx_chat_token_wipe_after(hs->request, &hs->text) != NGX_OK) {
        return NGX_ERROR;
    }

    if (hs->conf->echo) {
        return NGX_OK;                  /* chat_auth may know better */
    }

    return ngx_chat_variable_set(hs->request, hs->state,
                                 hs->identified ? &hs->token : NULL);
}


/* NGX_OK, or the status of a refusal, which hs->message explains */

static ngx_int_t
ngx_chat_handshake_check(ngx_chat_handshake_t *hs)
{
    ngx_int_t                rc;
    ngx_uint_t               i, n;
    const ngx_chat_check_t  *check;

    n = sizeof(ngx_chat_handshake_checks) / sizeof(ngx_chat_check_t);

    for (i = 0; i < n; i++) {
        check = &ngx_chat_handshake_checks[i];

        if (hs->conf->echo && !check->echo) {
            continue;                   /* it serves anybody */
        }

        rc = check->handler(hs);

        if (rc != NGX_OK) {
            return (rc == NGX_DONE) ? NGX_OK : rc;
        }
    }

    return NGX_OK;
}


/* RFC 6455, 4.2.1; what an upgrade cannot do without */

static ngx_int_t
ngx_chat_handshake_check_request(ngx_chat_handshake_t *hs)
{
    ngx_http_request_t  *r = hs->request;

    if (r->http_version < NGX_HTTP_VERSION_11
        || r->http_version >= NGX_HTTP_VERSION_20)
    {
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


/*
 * RFC 8446, 8: what comes before the handshake of TLS is complete may have been
 * recorded, and sent again by somebody else; and with it the frames that follow
 * it.  RFC 8470, 5.2 has a status for that.
 */

static ngx_int_t
ngx_chat_handshake_check_early(ngx_chat_handshake_t *hs)
{
#if (NGX_HTTP_SSL)

    ngx_connection_t  *c = hs->request->connection;

    if (c->ssl && !SSL_is_init_finished(c->ssl->connection)) {
        return ngx_chat_handshake_refused(hs, NGX_CHAT_HANDSHAKE_EARLY,
                                          CHAT_CODE_UNAVAILABLE,
                                          "not before TLS is established");
    }

#endif

    return NGX_OK;
}


/* what is said twice could be read in two ways; of Host and Authorization
   nginx itself allows but one */

static ngx_int_t
ngx_chat_handshake_check_once(ngx_chat_handshake_t *hs)
{
    if (hs->nkeys <= 1 && hs->nversions <= 1 && hs->norigins <= 1) {
        return NGX_OK;
    }

    return ngx_chat_handshake_refused(hs, NGX_HTTP_BAD_REQUEST,
                                      CHAT_CODE_BAD_REQUEST,
                                      "a header is there twice");
}


/* the request is freed after the 101: nobody else may still use it */

static ngx_int_t
ngx_chat_handshake_check_alone(ngx_chat_handshake_t *hs)
{
    ngx_http_request_t  *r = hs->request;

    if (r->main->count == 1) {
        return NGX_OK;
    }

    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                  "chat: a subrequest still runs, is \"mirror\" on here?");

    return ngx_chat_handshake_refused(hs, NGX_HTTP_INTERNAL_SERVER_ERROR,
                                      CHAT_CODE_INTERNAL, "internal error");
}


static ngx_int_t
ngx_chat_handshake_check_key(ngx_chat_handshake_t *hs)
{
    u_char      bytes[ngx_base64_decoded_length(NGX_CHAT_HANDSHAKE_KEY_LEN)];
    ngx_str_t   dst;

    if (hs->nversions == 0) {
        return ngx_chat_handshake_refused(hs, NGX_HTTP_BAD_REQUEST,
                                          CHAT_CODE_BAD_REQUEST,
                                          "Sec-WebSocket-Version is missing");
    }

    if (hs->version.len != 2 || ngx_memcmp(hs->version.data, "13", 2) != 0) {
        return ngx_chat_handshake_refused(hs, NGX_CHAT_HANDSHAKE_UPGRADE,
                                          CHAT_CODE_UNSUPPORTED,
                                          "Sec-WebSocket-Version must be 13");
    }

    /* the decoder stops at the first '=', so the length is not enough */

    dst.data = bytes;

    if (hs->nkeys == 0 || hs->key.len != NGX_CHAT_HANDSHAKE_KEY_LEN
        || ngx_memcmp(hs->key.data + NGX_CHAT_HANDSHAKE_KEY_LEN - 2, "==", 2)
           != 0
        || ngx_decode_base64(&dst, &hs->key) != NGX_OK || dst.len != 16)
    {
        return ngx_chat_handshake_refused(hs, NGX_HTTP_BAD_REQUEST,
                                          CHAT_CODE_BAD_REQUEST,
                                          "Sec-WebSocket-Key must be 16 bytes "
                                          "in base64");
    }

    return NGX_OK;
}


static ngx_int_t
ngx_chat_handshake_check_ready(ngx_chat_handshake_t *hs)
{
    if (hs->node != NULL && !ngx_exiting) {
        return NGX_OK;
    }

    /* another process answers the next connection, not this one */

    hs->request->keepalive = 0;
    hs->retry = 1;

    return ngx_chat_handshake_refused(hs, NGX_HTTP_SERVICE_UNAVAILABLE,
                                      CHAT_CODE_UNAVAILABLE,
                                      "the server is not ready");
}


/*
 * A browser sends cookies whoever made the page, so with a cookie the page's
 * origin is what protects the user.
 */

static ngx_int_t
ngx_chat_handshake_check_origin(ngx_chat_handshake_t *hs)
{
    ngx_uint_t  required;

    required = (hs->place == NGX_CHAT_TOKEN_COOKIE);

    if (ngx_chat_origin_permitted(hs->request, hs->norigins, &hs->origin,
                                  required))
    {
        return NGX_OK;
    }

    hs->state = "origin";

    return ngx_chat_handshake_refused(hs, NGX_HTTP_FORBIDDEN,
                                      CHAT_CODE_FORBIDDEN,
                                      "the origin is not allowed");
}


static ngx_int_t
ngx_chat_handshake_check_token(ngx_chat_handshake_t *hs)
{
    const ngx_chat_verdict_t  *verdict;
    ngx_chat_token_result_e    result;

    if (hs->place == NGX_CHAT_TOKEN_NONE) {
        hs->state = "none";
        return NGX_OK;                  /* may authenticate later */
    }

    result = ngx_chat_token_check(hs->conf, ngx_chat_str(&hs->text),
                                  &hs->token, &hs->reason);
    verdict = ngx_chat_token_verdict(result);

    hs->state = verdict->name;

    if (result == NGX_CHAT_TOKEN_GOOD) {
        hs->identified = 1;
        return NGX_OK;
    }

    if (result == NGX_CHAT_TOKEN_FAILED) {
        return ngx_chat_handshake_refused(hs, verdict->status, verdict->code,
                                          verdict->message);
    }

    return ngx_chat_handshake_dismissed(hs, verdict->status,
                                        verdict->close_code, verdict->code,
                                        verdict->message);
}


ngx_int_t
ngx_chat_handshake_refused(ngx_chat_handshake_t *hs, ngx_uint_t status,
    chat_code_e code, const char *message)
{
    hs->code = code;
    hs->message = message;

    return status;
}


ngx_int_t
ngx_chat_handshake_dismissed(ngx_chat_handshake_t *hs, ngx_uint_t status,
    ngx_uint_t close_code, chat_code_e code, const char *message)
{
    if (hs->norigins == 0) {
        return ngx_chat_handshake_refused(hs, status, code, message);
    }

    /* a page does not get to see the status, but it does see a close code */

    ngx_log_error(NGX_LOG_INFO, hs->request->connection->log, 0,
                  "chat: %s%s%s", message, hs->reason ? ": " : "",
                  hs->reason ? hs->reason : "");

    hs->code = code;
    hs->message = message;
    hs->close_code = close_code;

    return NGX_DONE;
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
        rc = ngx_chat_http_header(r, "Upgrade", "websocket");
    }

    /* RFC 6455, 4.2.2, step 4 */

    if (rc == NGX_OK
        && (status == NGX_CHAT_HANDSHAKE_UPGRADE || hs->nversions == 0))
    {
        rc = ngx_chat_http_header(r, "Sec-WebSocket-Version", "13");
    }

    if (rc != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_chat_http_error(r, status, hs->code, hs->message, hs->retry);
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

    s->claims = hs->claims;
    ngx_memzero(&hs->claims, sizeof(ngx_chat_limit_claims_t));

    if ((hs->identified && ngx_chat_session_identify(s, &hs->token) != NGX_OK)
        || ngx_chat_extension_accept(hs, s) != NGX_OK)
    {
        ngx_chat_session_free(s);
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_chat_upgrade(r, s, &hs->key,
                            hs->offered ? NGX_CHAT_HANDSHAKE_PROTOCOL : NULL,
                            hs->close_code,
                            hs->close_code ? hs->message : "");
}
