/*
 * What is below a session that came over TLS.
 *
 * TLS has messages of its own, which SSL_read() deals with before it returns:
 * changes of keys (RFC 8446, 4.6.3), attempts to renegotiate.  Each takes as
 * long as several messages of a chat, and a client that sends them without end
 * would not let SSL_read() return at all.  So they count as frames.  A record
 * may hold one byte of a frame and takes as long as thousands do, so records
 * count, too.  When what the session may take of the turn is used up, OpenSSL
 * is told that there is nothing to read.
 *
 * Nothing is read either while a record is half sent: a peer may ask for our
 * keys to change, too, and OpenSSL 3.0 would answer in the middle of the record
 * and fail ("bad length").  But where such a message has come in part,
 * SSL_write() fails until the rest has: then it is read first.
 */

#include "ngx_chat.h"


#define NGX_CHAT_TLS_RECORD_COST  512   /* of the budget */


static void ngx_chat_tls_message(int writing, int version, int type,
    const void *data, size_t len, SSL *ssl, void *arg);
static long ngx_chat_tls_bio(BIO *bio, int what, const char *data, size_t len,
    int cmd, long arg, int rc, size_t *done);


void
ngx_chat_tls_begin(ngx_chat_session_t *s)
{
    BIO               *bio;
    ngx_connection_t  *c = s->connection;

    /* we send in one piece, which may have moved when we try again */

    ngx_ssl_free_buffer(c);
    c->ssl->buffer = 0;
    SSL_set_mode(c->ssl->connection, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);

    SSL_set_msg_callback(c->ssl->connection, ngx_chat_tls_message);
    SSL_set_msg_callback_arg(c->ssl->connection, s->node);

    bio = SSL_get_rbio(c->ssl->connection);
    BIO_set_callback_arg(bio, (char *) s->node);
    BIO_set_callback_ex(bio, ngx_chat_tls_bio);
}


ngx_uint_t
ngx_chat_tls_waits(ngx_chat_session_t *s)
{
    ngx_connection_t  *c = s->connection;

    return c->ssl != NULL && s->out != NULL && !c->write->ready && !s->unread;
}


ssize_t
ngx_chat_tls_recv(ngx_chat_session_t *s, u_char *buf, size_t size)
{
    ssize_t           n;
    ngx_chat_node_t  *node = s->node;

    if (ngx_chat_tls_waits(s)) {
        s->held = 1;                    /* the write side calls us */
        return NGX_AGAIN;
    }

    node->tls_messages = 0;

    n = s->connection->recv(s->connection, buf, size);

    while (node->tls_messages > 0 && s->state == NGX_CHAT_SESSION_OPEN) {
        node->tls_messages--;
        (void) ngx_chat_limit_frame(s); /* one too many closes it */
    }

    if (s->unread) {
        s->unread = 0;
        s->connection->write->ready = 1;
        ngx_chat_flush_post(s, 0);
    }

    return n;
}


/*
 * nginx lends the read event to its own handler until SSL_write() is done; but
 * the session's timer and the end of the process come by that event, too, and
 * what there is to read ours reads as well.
 */

ssize_t
ngx_chat_tls_send(ngx_chat_session_t *s, u_char *buf, size_t size)
{
    ssize_t            n;
    ngx_connection_t  *c = s->connection;

    n = c->send(c, buf, size);

    if (c->ssl->saved_read_handler != NULL) {
        c->ssl->saved_read_handler = NULL;
        c->read->handler = ngx_chat_read_handler;

        c->write->ready = 0;
        s->unread = 1;
    }

    return n;
}


static void
ngx_chat_tls_message(int writing, int version, int type, const void *data,
    size_t len, SSL *ssl, void *arg)
{
    ngx_chat_node_t  *node = arg;

    if (writing || type == SSL3_RT_INNER_CONTENT_TYPE) {
        return;
    }

    if (type == SSL3_RT_HEADER) {
        node->budget -= NGX_CHAT_TLS_RECORD_COST;
        return;
    }

    node->tls_messages++;
    node->budget -= NGX_CHAT_FRAME_COST;
}


/* asked before and after each thing that is done; rc: what it comes to */

static long
ngx_chat_tls_bio(BIO *bio, int what, const char *data, size_t len, int cmd,
    long arg, int rc, size_t *done)
{
    ngx_chat_node_t  *node = (ngx_chat_node_t *) BIO_get_callback_arg(bio);

    if (what != BIO_CB_READ || node->budget > 0) {
        return rc;
    }

    BIO_clear_retry_flags(bio);
    BIO_set_retry_read(bio);

    return -1;
}
