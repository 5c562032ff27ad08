/*
 * The send queue of a session.
 *
 * Frames are queued by reference and sent when the turn of the event loop
 * ends, see ngx_chat_flush.c: whatever came together in a turn leaves with one
 * system call, and no more of it than a turn's share.  A session whose queue
 * stays over chat_send_queue for a second, or goes far beyond it, though the
 * kernel was offered all of it, gets nothing more and is closed from the flush,
 * never from within a broadcast.  Who reads may have much to read at once: what
 * was missed while a link was down, say.
 * An echo is different: all it is sent is what it has sent itself, so no more
 * of that is read for as long.
 */

#include "ngx_chat.h"


#define NGX_CHAT_WRITE_IOVS     64
#define NGX_CHAT_WRITE_SCRATCH  16384       /* one TLS record */
#define NGX_CHAT_WRITE_FREE     8192        /* places kept for later */
#define NGX_CHAT_WRITE_TURN     262144      /* bytes of a session in a turn */
#define NGX_CHAT_WRITE_PATIENCE 1000        /* ms over chat_send_queue, */
#define NGX_CHAT_WRITE_HARD     4           /* up to so many times that */

/* what a frame in the queue takes besides its bytes: tiny ones count too */
#define NGX_CHAT_WRITE_OVERHEAD                                               \
    (sizeof(ngx_chat_buffer_t) + sizeof(ngx_chat_out_t))


static void ngx_chat_write_add(ngx_chat_session_t *s, ngx_chat_buffer_t *b);
static ngx_int_t ngx_chat_write_send(ngx_chat_session_t *s, size_t max);
static ssize_t ngx_chat_write_plain(ngx_chat_session_t *s);
static ssize_t ngx_chat_write_iovs(ngx_socket_t fd, struct iovec *iov,
    ngx_uint_t n);
static ssize_t ngx_chat_write_tls(ngx_chat_session_t *s);
static void ngx_chat_write_doomed(ngx_chat_session_t *s);
static void ngx_chat_write_sent(ngx_chat_session_t *s, size_t n);
static void ngx_chat_write_pop(ngx_chat_session_t *s);
static void ngx_chat_write_release(ngx_chat_node_t *node, ngx_chat_out_t *out);
static ngx_uint_t ngx_chat_write_slow(ngx_chat_session_t *s);
static ngx_uint_t ngx_chat_write_over(ngx_chat_session_t *s, size_t limit);


void
ngx_chat_write_queue(ngx_chat_session_t *s, ngx_chat_buffer_t *b)
{
    if (s->state == NGX_CHAT_SESSION_OPEN && !s->doomed) {
        ngx_chat_write_add(s, b);
        ngx_chat_flush_post(s, 0);
    }
}


void
ngx_chat_write_crowd(ngx_chat_session_t *s, ngx_chat_buffer_t *b)
{
    if (s->state == NGX_CHAT_SESSION_OPEN && !s->doomed) {
        ngx_chat_write_add(s, b);
        ngx_chat_flush_post(s, 1);
    }
}


static void
ngx_chat_write_add(ngx_chat_session_t *s, ngx_chat_buffer_t *b)
{
    ngx_chat_out_t   *out;
    ngx_chat_node_t  *node = s->node;

    out = node->free_out;

    if (out != NULL) {
        node->free_out = out->next;
        node->nfree_out--;

    } else {
        out = ngx_alloc(sizeof(ngx_chat_out_t), node->log);
        if (out == NULL) {
            ngx_chat_session_doom(s, NGX_CHAT_CLOSE_INTERNAL);
            return;
        }
    }

    if (s->window_bits != 0) {
        b = ngx_chat_deflate_pack(s, b);
    }

    ngx_chat_buffer_ref(b);
    ngx_chat_write_place(node, b);

    out->buffer = b;
    out->next = NULL;

    *s->out_last = out;
    s->out_last = &out->next;
    s->out_bytes += b->len + NGX_CHAT_WRITE_OVERHEAD;

    if (ngx_chat_write_over(s, s->conf->send_queue)
        && (ngx_chat_write_flush(s) == NGX_ERROR || ngx_chat_write_slow(s))
        && !s->conf->echo)
    {
        ngx_chat_count(node, NGX_CHAT_COUNT_LIMITED_SEND_QUEUE);
        ngx_chat_session_doom(s, NGX_CHAT_CLOSE_SLOW);
    }
}


/* the kernel has taken what it takes */

static ngx_uint_t
ngx_chat_write_slow(ngx_chat_session_t *s)
{
    size_t  limit = s->conf->send_queue;

    if (!ngx_chat_write_over(s, limit)) {
        return 0;
    }

    if (s->over == 0) {
        s->over = ngx_max(ngx_current_msec, 1);
    }

    return ngx_current_msec - s->over >= NGX_CHAT_WRITE_PATIENCE
           || ngx_chat_write_over(s, limit * NGX_CHAT_WRITE_HARD);
}


/*
 * One frame, however large, is always let in, and what there is besides is
 * what counts: a large reply on a slow line does not forbid events.
 */

static ngx_uint_t
ngx_chat_write_over(ngx_chat_session_t *s, size_t limit)
{
    size_t           left;
    ngx_chat_out_t  *out;

    if (s->out_bytes <= limit) {
        return 0;
    }

    left = s->out->buffer->len - s->out_sent;
    out = s->out;

    while (s->out_bytes - left > limit) {
        out = out->next;

        if (out == NULL) {
            return 1;
        }

        left = out->buffer->len;
    }

    return 0;
}


/* sends what there is and does what follows from the outcome */

void
ngx_chat_write_turn(ngx_chat_session_t *s)
{
    ngx_int_t  rc;

    if (s->state == NGX_CHAT_SESSION_DEAD
        || s->state == NGX_CHAT_SESSION_LINGERING)
    {
        return;
    }

    rc = ngx_chat_write_send(s, NGX_CHAT_WRITE_TURN);

    if (rc == NGX_ERROR) {
        ngx_chat_session_finish(s);
        return;
    }

    if (s->doomed && s->state == NGX_CHAT_SESSION_OPEN) {
        ngx_chat_write_doomed(s);
        return;
    }

    if (rc == NGX_OK && s->state == NGX_CHAT_SESSION_CLOSING) {
        ngx_chat_session_linger(s);
        return;
    }

    if (rc == NGX_OK && s->shed) {
        ngx_chat_shed_drained(s);
    }

    if (rc == NGX_AGAIN && s->connection->write->ready) {
        ngx_chat_flush_post(s, 1);      /* others first */
    }

    if (s->held && !ngx_chat_echo_waits(s) && !ngx_chat_tls_waits(s)) {
        s->held = 0;
        ngx_post_event(s->connection->read, &ngx_posted_next_events);
    }
}


static void
ngx_chat_write_doomed(ngx_chat_session_t *s)
{
    if (s->doomed == NGX_CHAT_CLOSE_RESTART) {
        ngx_chat_session_restart(s);
        return;
    }

    if (s->doomed == NGX_CHAT_CLOSE_SLOW) {
        ngx_chat_session_close(s, s->doomed, "slow consumer");
        return;
    }

    ngx_chat_session_close(s, s->doomed, s->doomed == NGX_CHAT_CLOSE_REVOKED
                                         ? "revoked" : "out of memory");
}


void
ngx_chat_write_handler(ngx_event_t *wev)
{
    ngx_connection_t    *c = wev->data;

    ngx_chat_write_turn(c->data);
}


ngx_int_t
ngx_chat_write_flush(ngx_chat_session_t *s)
{
    return ngx_chat_write_send(s, NGX_MAX_SIZE_T_VALUE);
}


/* NGX_AGAIN with the socket still ready: max bytes or more are sent */

static ngx_int_t
ngx_chat_write_send(ngx_chat_session_t *s, size_t max)
{
    size_t             sent;
    ssize_t            n;
    ngx_connection_t  *c = s->connection;

    sent = 0;

    while (s->out != NULL && sent < max) {

        if (!c->write->ready) {
            break;
        }

        n = c->ssl ? ngx_chat_write_tls(s) : ngx_chat_write_plain(s);

        if (n == NGX_AGAIN) {
            break;
        }

        if (n < 0) {
            return NGX_ERROR;
        }

        ngx_chat_write_sent(s, n);
        sent += n;
    }

    if (ngx_handle_write_event(c->write, 0) != NGX_OK) {
        return NGX_ERROR;
    }

    return s->out == NULL ? NGX_OK : NGX_AGAIN;
}


static ssize_t
ngx_chat_write_plain(ngx_chat_session_t *s)
{
    size_t             skip;
    ssize_t            n;
    ngx_err_t          err;
    ngx_uint_t         i;
    ngx_chat_out_t    *out;
    ngx_connection_t  *c = s->connection;
    struct iovec       iov[NGX_CHAT_WRITE_IOVS];

    skip = s->out_sent;

    for (i = 0, out = s->out;
         i < NGX_CHAT_WRITE_IOVS && out != NULL;
         i++, out = out->next)
    {
        iov[i].iov_base = out->buffer->data + skip;
        iov[i].iov_len = out->buffer->len - skip;
        skip = 0;
    }

    do {
        n = ngx_chat_write_iovs(c->fd, iov, i);
        err = (n == -1) ? ngx_errno : 0;
    } while (err == NGX_EINTR);

    if (n >= 0) {
        c->sent += n;
        return n;
    }

    if (err == NGX_EAGAIN) {
        c->write->ready = 0;
        return NGX_AGAIN;
    }

    c->write->error = 1;
    (void) ngx_connection_error(c, err, "chat: send() failed");

    return NGX_ERROR;
}


/* one frame is what most turns have: the kernel does less for send(), which
   has no vector to copy, than for writev() */

static ssize_t
ngx_chat_write_iovs(ngx_socket_t fd, struct iovec *iov, ngx_uint_t n)
{
    return n == 1 ? send(fd, iov->iov_base, iov->iov_len, 0)
                  : writev(fd, iov, n);
}


/*
 * One record from as many frames as fit.  After AGAIN OpenSSL wants the same
 * bytes first: the queue only ever grows at its end, so they are.
 */

static ssize_t
ngx_chat_write_tls(ngx_chat_session_t *s)
{
    size_t             len, n, skip;
    ngx_chat_out_t    *out;
    u_char             scratch[NGX_CHAT_WRITE_SCRATCH];

    len = 0;
    skip = s->out_sent;

    for (out = s->out; out != NULL && len < sizeof(scratch); out = out->next) {
        n = ngx_min(out->buffer->len - skip, sizeof(scratch) - len);
        ngx_memcpy(scratch + len, out->buffer->data + skip, n);
        len += n;
        skip = 0;
    }

    return ngx_chat_tls_send(s, scratch, len);
}


static void
ngx_chat_write_sent(ngx_chat_session_t *s, size_t n)
{
    size_t  left;

    ngx_chat_session_count(s, NGX_CHAT_COUNT_SENDS, 1);
    ngx_chat_session_count(s, NGX_CHAT_COUNT_BYTES_SENT, n);

    s->out_bytes -= n;

    if (s->out_bytes <= s->conf->send_queue) {
        s->over = 0;
    }

    if (s->held) {                      /* its reader is slow, but there */
        s->heard = ngx_current_msec;
        s->pinged = 0;
    }

    while (n > 0) {
        left = s->out->buffer->len - s->out_sent;

        if (n < left) {
            s->out_sent += n;
            return;
        }

        n -= left;
        ngx_chat_write_pop(s);
        ngx_chat_session_count(s, NGX_CHAT_COUNT_FRAMES_SENT, 1);
        s->frames_sent++;
    }
}


static void
ngx_chat_write_pop(ngx_chat_session_t *s)
{
    ngx_chat_out_t  *out = s->out;

    s->out = out->next;
    s->out_sent = 0;

    if (s->out == NULL) {
        s->out_last = &s->out;
    }

    s->out_bytes -= NGX_CHAT_WRITE_OVERHEAD;
    ngx_chat_write_release(s->node, out);
}


static void
ngx_chat_write_release(ngx_chat_node_t *node, ngx_chat_out_t *out)
{
    ngx_chat_write_displace(node, out->buffer);
    ngx_chat_buffer_unref(out->buffer);

    if (node->nfree_out >= NGX_CHAT_WRITE_FREE) {
        ngx_free(out);
        return;
    }

    out->next = node->free_out;
    node->free_out = out;
    node->nfree_out++;
}


void
ngx_chat_write_place(ngx_chat_node_t *node, ngx_chat_buffer_t *b)
{
    node->load.bytes += sizeof(ngx_chat_out_t);

    if (b->places++ == 0) {             /* however many it is sent to */
        node->load.bytes += sizeof(ngx_chat_buffer_t) + b->len;
    }
}


void
ngx_chat_write_displace(ngx_chat_node_t *node, ngx_chat_buffer_t *b)
{
    node->load.bytes -= sizeof(ngx_chat_out_t);

    if (--b->places == 0) {
        node->load.bytes -= sizeof(ngx_chat_buffer_t) + b->len;
    }
}


/*
 * Makes room for a last word: drops all but the frame of which a part is
 * already sent, and over TLS, where a part may be in OpenSSL's hands, all but
 * the one record that was tried.
 */

void
ngx_chat_write_discard(ngx_chat_session_t *s)
{
    size_t           keep;
    ngx_chat_out_t  *out, **last;

    keep = s->connection->ssl ? NGX_CHAT_WRITE_SCRATCH : 0;
    if (s->out_sent > 0) {
        keep = ngx_max(keep, 1);
    }

    keep += s->out_sent;
    last = &s->out;

    while (*last != NULL && keep > 0) {
        keep -= ngx_min(keep, (*last)->buffer->len);
        last = &(*last)->next;
    }

    while (*last != NULL) {
        out = *last;
        *last = out->next;
        s->out_bytes -= out->buffer->len + NGX_CHAT_WRITE_OVERHEAD;
        ngx_chat_write_release(s->node, out);
    }

    s->out_last = last;
}


void
ngx_chat_write_clear(ngx_chat_session_t *s)
{
    while (s->out != NULL) {
        ngx_chat_write_pop(s);
    }

    s->out_bytes = 0;
}
