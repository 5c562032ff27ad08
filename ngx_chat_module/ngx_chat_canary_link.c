/*
 * A client of this node inside of this node.
 *
 *      canary ──frames──▶ socket ═══ socket ──▶ session
 *
 * What it asks takes the way of all requests, and what it hears that of all
 * events.  It is nobody's user: its tenant is the system's own, which no token
 * can name, and its session is not counted.
 */

#include "ngx_chat.h"


#define NGX_CHAT_CANARY_POOL   512
#define NGX_CHAT_CANARY_USER   "canary"
#define NGX_CHAT_CANARY_EXP    (100ull * 365 * 86400)   /* seconds from now */
#define NGX_CHAT_CANARY_HEAD   (CHAT_FRAME_MAX_HEAD + 4)    /* and its mask */


static ngx_chat_session_t *ngx_chat_canary_link_session(
    ngx_chat_node_t *node, ngx_chat_loc_conf_t *conf);
static ngx_connection_t *ngx_chat_canary_link_connection(
    ngx_chat_node_t *node, ngx_socket_t fd);
static void ngx_chat_canary_link_free(ngx_connection_t *c);
static void ngx_chat_canary_link_read(ngx_event_t *rev);
static void ngx_chat_canary_link_write(ngx_event_t *wev);
static ngx_int_t ngx_chat_canary_link_frames(ngx_chat_canary_link_t *link);
static ngx_int_t ngx_chat_canary_link_frame(ngx_chat_canary_link_t *link,
    size_t *pos);
static void ngx_chat_canary_link_lost(ngx_chat_canary_link_t *link);


ngx_int_t
ngx_chat_canary_link_open(ngx_chat_canary_link_t *link,
    ngx_chat_node_t *node, ngx_chat_loc_conf_t *conf)
{
    int                  fd[2];
    ngx_connection_t    *c, *other;
    ngx_chat_session_t  *s;

    if (socketpair(AF_UNIX, SOCK_STREAM|SOCK_NONBLOCK|SOCK_CLOEXEC, 0, fd)
        == -1)
    {
        ngx_log_error(NGX_LOG_CRIT, node->log, ngx_errno,
                      "chat: socketpair() failed");
        return NGX_ERROR;
    }

    c = ngx_chat_canary_link_connection(node, fd[0]);
    other = ngx_chat_canary_link_connection(node, fd[1]);
    s = ngx_chat_canary_link_session(node, conf);

    if (c == NULL || other == NULL || s == NULL) {
        goto failed;
    }

    c->data = link;
    c->read->handler = ngx_chat_canary_link_read;
    c->write->handler = ngx_chat_canary_link_write;

    if (ngx_handle_read_event(c->read, 0) != NGX_OK) {
        goto failed;
    }

    link->connection = c;
    link->len = 0;

    ngx_chat_session_start(s, other, NULL, 0, 0, "");

    return NGX_OK;

failed:

    ngx_chat_session_free(s);
    ngx_chat_canary_link_free(c);
    ngx_chat_canary_link_free(other);

    return NGX_ERROR;
}


static ngx_chat_session_t *
ngx_chat_canary_link_session(ngx_chat_node_t *node, ngx_chat_loc_conf_t *conf)
{
    ngx_str_t            address = ngx_string("inside");
    chat_token_t         token;
    ngx_chat_session_t  *s;

    s = ngx_chat_session_create(node, conf, &address);
    if (s == NULL) {
        return NULL;
    }

    s->internal = 1;

    ngx_memzero(&token, sizeof(chat_token_t));

    token.exp = ngx_time() + NGX_CHAT_CANARY_EXP;
    token.user_len = sizeof(NGX_CHAT_CANARY_USER) - 1;
    ngx_memcpy(token.user, NGX_CHAT_CANARY_USER, token.user_len);
    token.tenant_len = sizeof(CHAT_NAME_OWN_TENANT) - 1;
    ngx_memcpy(token.tenant, CHAT_NAME_OWN_TENANT, token.tenant_len);
    token.nroles = 1;
    token.roles[0].len = sizeof(NGX_CHAT_ROLE_ADMIN) - 1;
    ngx_memcpy(token.roles[0].name, NGX_CHAT_ROLE_ADMIN, token.roles[0].len);

    if (ngx_chat_session_identify(s, &token) != NGX_OK) {
        ngx_chat_session_free(s);
        return NULL;
    }

    return s;
}


/* with a pool and a log of its own, as a connection has that was accepted;
   closes the socket if it fails */

static ngx_connection_t *
ngx_chat_canary_link_connection(ngx_chat_node_t *node, ngx_socket_t fd)
{
    ngx_log_t         *log;
    ngx_pool_t        *pool;
    ngx_connection_t  *c;

    pool = ngx_create_pool(NGX_CHAT_CANARY_POOL, node->log);
    if (pool == NULL) {
        goto failed;
    }

    log = ngx_palloc(pool, sizeof(ngx_log_t));
    if (log == NULL) {
        goto failed;
    }

    c = ngx_get_connection(fd, node->log);
    if (c == NULL) {
        goto failed;
    }

    *log = *node->log;
    log->connection = ngx_atomic_fetch_add(ngx_connection_counter, 1);

    c->number = log->connection;
    c->pool = pool;
    c->log = log;
    c->log_error = NGX_ERROR_INFO;
    c->recv = ngx_recv;
    c->send = ngx_send;
    c->read->log = log;
    c->write->log = log;
    c->write->ready = 1;

    return c;

failed:

    if (pool != NULL) {
        ngx_destroy_pool(pool);
    }

    (void) ngx_close_socket(fd);

    return NULL;
}


static void
ngx_chat_canary_link_free(ngx_connection_t *c)
{
    ngx_pool_t  *pool;

    if (c == NULL) {
        return;
    }

    pool = c->pool;
    c->destroyed = 1;
    ngx_close_connection(c);
    ngx_destroy_pool(pool);
}


void
ngx_chat_canary_link_close(ngx_chat_canary_link_t *link)
{
    ngx_connection_t  *c = link->connection;

    link->connection = NULL;
    ngx_chat_canary_link_free(c);
}


/*
 * A text frame with a mask of zeros, which leaves it as it is: no proxy is in
 * between that could be led astray.  The socket takes it whole or is stuck.
 */

ngx_int_t
ngx_chat_canary_link_send(ngx_chat_canary_link_t *link, chat_str_t text)
{
    size_t             len;
    uint8_t            frame[NGX_CHAT_CANARY_HEAD + 1024];
    ngx_connection_t  *c = link->connection;

    if (text.len > sizeof(frame) - NGX_CHAT_CANARY_HEAD) {
        return NGX_ERROR;
    }

    len = chat_frame_write_head(frame, CHAT_FRAME_TEXT, CHAT_FRAME_FIN,
                                text.len);
    frame[1] |= 0x80;

    ngx_memzero(frame + len, 4);
    ngx_memcpy(frame + len + 4, text.data, text.len);
    len += 4 + text.len;

    return c->send(c, frame, len) == (ssize_t) len ? NGX_OK : NGX_ERROR;
}


static void
ngx_chat_canary_link_write(ngx_event_t *wev)
{
    (void) wev;                         /* nothing waits to be written */
}


static void
ngx_chat_canary_link_read(ngx_event_t *rev)
{
    ssize_t                  n;
    ngx_connection_t        *c = rev->data;
    ngx_chat_canary_link_t  *link = c->data;

    if (c->close) {                     /* worker_shutdown_timeout */
        ngx_chat_canary_link_lost(link);
        return;
    }

    for ( ;; ) {
        n = c->recv(c, link->buffer + link->len,
                    NGX_CHAT_CANARY_BUFFER - link->len);

        if (n == NGX_AGAIN) {
            break;
        }

        if (n <= 0) {
            ngx_chat_canary_link_lost(link);
            return;
        }

        link->len += n;

        if (ngx_chat_canary_link_frames(link) != NGX_OK) {

            if (link->connection != NULL) {
                ngx_chat_canary_link_lost(link);
            }

            return;
        }
    }

    if (ngx_handle_read_event(rev, 0) != NGX_OK) {
        ngx_chat_canary_link_lost(link);
    }
}


/* those that are whole; NGX_DECLINED: the connection is over */

static ngx_int_t
ngx_chat_canary_link_frames(ngx_chat_canary_link_t *link)
{
    size_t     pos;
    ngx_int_t  rc;

    pos = 0;

    do {
        rc = ngx_chat_canary_link_frame(link, &pos);
    } while (rc == NGX_OK);

    if (rc == NGX_DECLINED) {
        return NGX_DECLINED;
    }

    link->len -= pos;
    ngx_memmove(link->buffer, link->buffer + pos, link->len);

    return link->len < NGX_CHAT_CANARY_BUFFER ? NGX_OK : NGX_DECLINED;
}


/* NGX_AGAIN: there is no whole one left */

static ngx_int_t
ngx_chat_canary_link_frame(ngx_chat_canary_link_t *link, size_t *pos)
{
    size_t   head, len, left;
    u_char  *p;

    p = link->buffer + *pos;
    left = link->len - *pos;

    if (left < 4) {                     /* as much as a head may take */
        return NGX_AGAIN;
    }

    head = 2;
    len = p[1];

    if (len == 126) {
        head = 4;
        len = p[2] << 8 | p[3];
    }

    if (len == 127 || (p[0] & 0x0f) == CHAT_FRAME_CLOSE) {
        return NGX_DECLINED;
    }

    if (left < head + len) {
        return NGX_AGAIN;
    }

    *pos += head + len;

    if ((p[0] & 0x0f) == CHAT_FRAME_TEXT) {
        link->text(link->data, (chat_str_t) { p + head, len });
    }

    return link->connection != NULL ? NGX_OK : NGX_DECLINED;
}


static void
ngx_chat_canary_link_lost(ngx_chat_canary_link_t *link)
{
    ngx_chat_canary_link_close(link);
    link->lost(link->data);
}
