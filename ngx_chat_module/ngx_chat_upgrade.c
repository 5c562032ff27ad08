/*
 * ngx_chat_upgrade.c: the answer 101, and how the connection leaves its
 * request.
 *
 *      handler ── 101 is sent ──▶ posted event ──▶ request freed, session
 *                                                  started
 *
 * A request cannot be freed by its own handler, whose callers still use it;
 * so an event does, before the loop turns.  What is left of the 10 kB that a
 * request takes is the connection's pool.
 */

#include "ngx_chat.h"

#include <ngx_sha1.h>


#define NGX_CHAT_UPGRADE_GUID  "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


/* owner: the request's pool; its clean-up ends what was begun */

typedef struct {
    ngx_http_request_t  *request;
    ngx_chat_session_t  *session;       /* NULL: it is on its own */
    ngx_event_t          detach;
    ngx_uint_t           close_code;
    const char          *reason;
} ngx_chat_upgrade_t;


static ngx_chat_upgrade_t *ngx_chat_upgrade_create(ngx_http_request_t *r);
static void ngx_chat_upgrade_cleanup(void *data);
static ngx_int_t ngx_chat_upgrade_headers(ngx_http_request_t *r,
    ngx_str_t *key, const char *protocol);
static char *ngx_chat_upgrade_key(ngx_http_request_t *r, ngx_str_t *key);
static ngx_int_t ngx_chat_upgrade_send(ngx_http_request_t *r);
static void ngx_chat_upgrade_sndbuf(ngx_connection_t *c, size_t size);
static void ngx_chat_upgrade_detach(ngx_event_t *ev);
static u_char *ngx_chat_upgrade_early(ngx_http_request_t *r, size_t *n);
static void ngx_chat_upgrade_free_request(ngx_http_request_t *r);
static void ngx_chat_upgrade_free_buffers(ngx_connection_t *c,
    ngx_http_connection_t *hc);
static void ngx_chat_upgrade_free_chain(ngx_connection_t *c, ngx_chain_t *cl);


/* takes the session over, whatever it returns */

ngx_int_t
ngx_chat_upgrade(ngx_http_request_t *r, ngx_chat_session_t *s, ngx_str_t *key,
    const char *protocol, ngx_uint_t close_code, const char *reason)
{
    ngx_int_t            rc;
    ngx_chat_upgrade_t  *u;

    u = ngx_chat_upgrade_create(r);
    if (u == NULL) {
        ngx_chat_session_free(s);
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    u->session = s;
    u->close_code = close_code;
    u->reason = reason;

    rc = ngx_chat_upgrade_headers(r, key, protocol);
    if (rc != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_chat_upgrade_send(r);
    if (rc != NGX_OK) {
        return NGX_ERROR;               /* half an answer: nginx closes */
    }

    ngx_chat_upgrade_sndbuf(r->connection, s->conf->sndbuf);

    /* until it is detached, whatever the connection has to say can wait */

    r->read_event_handler = ngx_http_request_empty_handler;
    r->write_event_handler = ngx_http_request_empty_handler;

    ngx_post_event(&u->detach, &ngx_posted_events);

    r->main->count++;

    return NGX_DONE;
}


static ngx_chat_upgrade_t *
ngx_chat_upgrade_create(ngx_http_request_t *r)
{
    ngx_chat_upgrade_t  *u;
    ngx_http_cleanup_t  *cln;

    u = ngx_pcalloc(r->pool, sizeof(ngx_chat_upgrade_t));
    if (u == NULL) {
        return NULL;
    }

    cln = ngx_http_cleanup_add(r, 0);
    if (cln == NULL) {
        return NULL;
    }

    cln->handler = ngx_chat_upgrade_cleanup;
    cln->data = u;

    u->request = r;
    u->detach.handler = ngx_chat_upgrade_detach;
    u->detach.data = u;
    u->detach.log = r->connection->log;

    return u;
}


/* the request may end before it is detached; nobody else would tell us */

static void
ngx_chat_upgrade_cleanup(void *data)
{
    ngx_chat_upgrade_t  *u = data;

    if (u->detach.posted) {
        ngx_delete_posted_event(&u->detach);
    }

    ngx_chat_session_free(u->session);
    u->session = NULL;
}


static ngx_int_t
ngx_chat_upgrade_headers(ngx_http_request_t *r, ngx_str_t *key,
    const char *protocol)
{
    char  *accept;

    accept = ngx_chat_upgrade_key(r, key);
    if (accept == NULL) {
        return NGX_ERROR;
    }

    /* nginx itself adds "Connection: upgrade", but knows no name for a 101 */

    r->headers_out.status = NGX_HTTP_SWITCHING_PROTOCOLS;
    ngx_str_set(&r->headers_out.status_line, "101 Switching Protocols");

    if (ngx_chat_http_header(r, "Upgrade", "websocket") != NGX_OK
        || ngx_chat_http_header(r, "Sec-WebSocket-Accept", accept) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (protocol == NULL) {
        return NGX_OK;
    }

    return ngx_chat_http_header(r, "Sec-WebSocket-Protocol", protocol);
}


/* RFC 6455, 4.2.2, step 5 */

static char *
ngx_chat_upgrade_key(ngx_http_request_t *r, ngx_str_t *key)
{
    u_char      sha1[20];
    ngx_str_t   src, dst;
    ngx_sha1_t  ctx;

    ngx_sha1_init(&ctx);
    ngx_sha1_update(&ctx, key->data, key->len);
    ngx_sha1_update(&ctx, NGX_CHAT_UPGRADE_GUID,
                    sizeof(NGX_CHAT_UPGRADE_GUID) - 1);
    ngx_sha1_final(sha1, &ctx);

    src.data = sha1;
    src.len = sizeof(sha1);

    dst.data = ngx_pnalloc(r->pool, ngx_base64_encoded_length(src.len) + 1);
    if (dst.data == NULL) {
        return NULL;
    }

    ngx_encode_base64(&dst, &src);
    dst.data[dst.len] = '\0';

    return (char *) dst.data;
}


static ngx_int_t
ngx_chat_upgrade_send(ngx_http_request_t *r)
{
    ngx_connection_t  *c = r->connection;

    r->keepalive = 0;

    if (ngx_http_send_header(r) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_http_send_special(r, NGX_HTTP_FLUSH) != NGX_OK) {
        return NGX_ERROR;
    }

    /* so little always fits into the socket of a connection that works */

    if (c->buffered || r->out != NULL) {
        return NGX_ERROR;
    }

    return ngx_tcp_nodelay(c);
}


/*
 * Left alone the kernel takes megabytes for a client that does not read: what
 * waits for it waits in our queue, which is bounded, and counted.
 */

static void
ngx_chat_upgrade_sndbuf(ngx_connection_t *c, size_t size)
{
    int  n = size;

    if (n > 0
        && setsockopt(c->fd, SOL_SOCKET, SO_SNDBUF, &n, sizeof(int)) == -1)
    {
        ngx_connection_error(c, ngx_socket_errno,
                             "chat: setsockopt(SO_SNDBUF) failed");
    }
}


static void
ngx_chat_upgrade_detach(ngx_event_t *ev)
{
    size_t               nearly;
    u_char              *early;
    const char          *reason;
    ngx_uint_t           close_code;
    ngx_connection_t    *c;
    ngx_chat_upgrade_t  *u = ev->data;
    ngx_chat_session_t  *s;

    c = u->request->connection;
    s = u->session;
    close_code = u->close_code;
    reason = u->reason;

    u->session = NULL;                  /* the clean-up leaves it alone */

    early = ngx_chat_upgrade_early(u->request, &nearly);

    if (early == NULL && nearly > 0) {
        nearly = 0;
        close_code = NGX_CHAT_CLOSE_INTERNAL;
        reason = "out of memory";
    }

    ngx_chat_upgrade_free_request(u->request);

    ngx_chat_session_start(s, c, early, nearly, close_code, reason);

    if (early != NULL) {
        ngx_free(early);
    }
}


/* a copy of what came in one packet with the request; NULL: nothing did, or
   *n is not 0 and there is no memory */

static u_char *
ngx_chat_upgrade_early(ngx_http_request_t *r, size_t *n)
{
    u_char     *early;
    ngx_buf_t  *b = r->header_in;

    *n = b->last - b->pos;

    if (*n == 0) {
        return NULL;
    }

    early = ngx_alloc(*n, r->connection->log);
    if (early == NULL) {
        return NULL;
    }

    ngx_memcpy(early, b->pos, *n);

    return early;
}


/* with its line in the access log, as if the 101 had been all of it */

static void
ngx_chat_upgrade_free_request(ngx_http_request_t *r)
{
    ngx_connection_t       *c;
    ngx_http_connection_t  *hc;

    c = r->connection;
    hc = r->http_connection;

    if (c->read->timer_set) {
        ngx_del_timer(c->read);
    }

    if (c->write->timer_set) {
        ngx_del_timer(c->write);
    }

    c->write->delayed = 0;              /* by limit_rate */

    r->main->count = 0;
    ngx_http_free_request(r, 0);
    c->destroyed = 0;

    ngx_chat_upgrade_free_buffers(c, hc);
}


/* as nginx does for an idle connection; these have held tokens, too */

static void
ngx_chat_upgrade_free_buffers(ngx_connection_t *c, ngx_http_connection_t *hc)
{
    ngx_buf_t  *b = c->buffer;

    ngx_explicit_memzero(b->start, b->end - b->start);
    (void) ngx_pfree(c->pool, b->start);    /* a small one stays in the pool */
    c->buffer = NULL;

    ngx_chat_upgrade_free_chain(c, hc->free);
    hc->free = NULL;

    ngx_chat_upgrade_free_chain(c, hc->busy);
    hc->busy = NULL;
    hc->nbusy = 0;
}


static void
ngx_chat_upgrade_free_chain(ngx_connection_t *c, ngx_chain_t *cl)
{
    ngx_buf_t    *b;
    ngx_chain_t  *next;

    for ( /* void */ ; cl != NULL; cl = next) {
        next = cl->next;
        b = cl->buf;

        ngx_explicit_memzero(b->start, b->end - b->start);
        (void) ngx_pfree(c->pool, b->start);
        ngx_free_chain(c->pool, cl);
    }
}
