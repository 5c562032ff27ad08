/*
 * Socket -> frames.
 *
 * All sessions of a node read into one buffer.  A frame that lies in it whole
 * is unmasked and handled where it lies; what is split is put together by
 * ngx_chat_collect.c.
 *
 * A session has a budget of each turn of the event loop.  When it is used up,
 * others have theirs first; what is left in the buffer is kept for the
 * session's next turn.
 */

#include "ngx_chat.h"


#define NGX_CHAT_READ_BUDGET  (4 * NGX_CHAT_RECV_BUFFER)
#define NGX_CHAT_READ_AHEAD   4096      /* bytes beyond the frame at hand; and
                                           the least that a read costs */
#define NGX_CHAT_READ_FLOOD   (1024 * 1024)     /* bytes after close 4429 */


static void ngx_chat_read_turn(ngx_chat_session_t *s);
static void ngx_chat_read_end(ngx_chat_session_t *s);
static void ngx_chat_read_turn_end(ngx_chat_session_t *s, ngx_uint_t more);
static ngx_uint_t ngx_chat_read_may_go_on(ngx_chat_session_t *s);
static ngx_uint_t ngx_chat_read_has_rest(ngx_chat_session_t *s);
static ngx_int_t ngx_chat_read_socket(ngx_chat_session_t *s);
static size_t ngx_chat_read_size(ngx_chat_session_t *s);
static ngx_int_t ngx_chat_read_discard(ngx_chat_session_t *s, size_t n);
static void ngx_chat_read_rest(ngx_chat_session_t *s);
static void ngx_chat_read_keep(ngx_chat_session_t *s, u_char *pos,
    u_char *last);
static u_char *ngx_chat_read_bytes(ngx_chat_session_t *s, u_char *pos,
    u_char *last);
static void ngx_chat_read_refuse(ngx_chat_session_t *s);
static ngx_int_t ngx_chat_read_payload(ngx_chat_session_t *s, u_char **pos,
    u_char *last);
static ngx_int_t ngx_chat_read_control_end(ngx_chat_session_t *s, u_char *data,
    size_t n);
static void ngx_chat_read_control_frame(ngx_chat_session_t *s, u_char *data,
    size_t n);
static void ngx_chat_read_ping(ngx_chat_session_t *s, u_char *data, size_t n);
static ngx_int_t ngx_chat_read_data_end(ngx_chat_session_t *s, u_char *data,
    size_t n);
static void ngx_chat_read_message(ngx_chat_session_t *s, u_char *data,
    size_t n);


void
ngx_chat_read_handler(ngx_event_t *rev)
{
    ngx_connection_t    *c = rev->data;
    ngx_chat_session_t  *s = c->data;

    if (s->state == NGX_CHAT_SESSION_DEAD) {
        return;
    }

    if (c->close && c->error) {         /* worker_shutdown_timeout */
        ngx_chat_session_cut(s);
        return;
    }

    if (c->close) {                     /* the worker is told to leave */
        ngx_chat_drain_enrol(s);
        return;
    }

    if (rev->timedout) {
        rev->timedout = 0;
        ngx_chat_session_schedule(s);
        return;
    }

    if (s->draining && s->state == NGX_CHAT_SESSION_OPEN) {

        /* what comes now is for the next one that serves the client */

        if (ngx_handle_read_event(rev, 0) != NGX_OK) {
            ngx_chat_session_finish(s);
        }

        return;
    }

    ngx_chat_read_turn(s);
}


static void
ngx_chat_read_turn(ngx_chat_session_t *s)
{
    ngx_int_t  rc;

    rc = NGX_OK;
    s->node->budget = NGX_CHAT_READ_BUDGET;

    if (ngx_chat_read_has_rest(s)) {
        ngx_chat_read_rest(s);
    }

    while (rc == NGX_OK && ngx_chat_read_may_go_on(s)) {
        rc = ngx_chat_read_socket(s);
    }

    if (rc == NGX_ERROR) {
        ngx_chat_read_end(s);
    }

    if (s->state != NGX_CHAT_SESSION_DEAD) {
        ngx_chat_read_turn_end(s, rc == NGX_OK);
    }
}


/* who has said good-bye and sends nothing more may still hear ours */

static void
ngx_chat_read_end(ngx_chat_session_t *s)
{
    if (s->state == NGX_CHAT_SESSION_CLOSING) {
        (void) ngx_chat_write_flush(s); /* it ends in any case */
    }

    ngx_chat_session_finish(s);
}


/* more: it was not the socket that had no more.  With TLS, what has come may be
   in OpenSSL's hands, and epoll does not tell of it a second time. */

static void
ngx_chat_read_turn_end(ngx_chat_session_t *s, ngx_uint_t more)
{
    ngx_connection_t  *c = s->connection;

    if (s->state == NGX_CHAT_SESSION_OPEN && ngx_chat_echo_waits(s)) {
        s->held = 1;                    /* the write side calls us */
        more = 0;
    }

    if (more) {                         /* others first */
        ngx_post_event(c->read, &ngx_posted_next_events);
        return;
    }

    if (ngx_handle_read_event(c->read, 0) != NGX_OK) {
        ngx_chat_session_finish(s);
    }
}


static ngx_uint_t
ngx_chat_read_may_go_on(ngx_chat_session_t *s)
{
    if (s->state == NGX_CHAT_SESSION_DEAD || s->node->budget <= 0) {
        return 0;
    }

    return s->state != NGX_CHAT_SESSION_OPEN
           || (!ngx_chat_read_has_rest(s) && !ngx_chat_echo_waits(s));
}


/* a frame may be whole and not be done with: of an echo location */

static ngx_uint_t
ngx_chat_read_has_rest(ngx_chat_session_t *s)
{
    return s->state == NGX_CHAT_SESSION_OPEN
           && (s->rest != NULL || chat_frame_is_whole(&s->frame));
}


/*
 * What comes after we have said good-bye is read and thrown away, until the
 * peer's end.
 */

static ngx_int_t
ngx_chat_read_socket(ngx_chat_session_t *s)
{
    size_t             size;
    ssize_t            n;
    u_char            *pos, *last;
    ngx_connection_t  *c = s->connection;

    size = ngx_chat_read_size(s);

    n = c->ssl ? ngx_chat_tls_recv(s, s->node->recv, size)
               : c->recv(c, s->node->recv, size);

    if (n == NGX_AGAIN) {
        return s->node->budget > 0 ? NGX_AGAIN : NGX_OK;
    }

    if (n <= 0) {
        return NGX_ERROR;
    }

    s->node->budget -= ngx_max(n, NGX_CHAT_READ_AHEAD);
    ngx_chat_session_count(s, NGX_CHAT_COUNT_BYTES_RECEIVED, n);
    s->bytes += n;

    if (s->state != NGX_CHAT_SESSION_OPEN) {
        return ngx_chat_read_discard(s, n);
    }

    s->heard = ngx_current_msec;
    s->pinged = 0;

    last = s->node->recv + n;
    pos = ngx_chat_read_bytes(s, s->node->recv, last);

    ngx_chat_read_keep(s, pos, last);

    return NGX_OK;
}


/*
 * A frame may be six bytes, and what the turn has no time for has to be kept.
 * Much is read at once only where one frame is.
 */

static size_t
ngx_chat_read_size(ngx_chat_session_t *s)
{
    uint64_t  left;

    if (s->state != NGX_CHAT_SESSION_OPEN) {
        return NGX_CHAT_RECV_BUFFER;
    }

    left = s->frame.state == CHAT_FRAME_PAYLOAD ? s->frame.left : 0;

    return ngx_min(left + NGX_CHAT_READ_AHEAD, NGX_CHAT_RECV_BUFFER);
}


/* somebody who floods goes on with it: then it is ended by a reset */

static ngx_int_t
ngx_chat_read_discard(ngx_chat_session_t *s, size_t n)
{
    if (s->close_code != NGX_CHAT_CLOSE_FLOODING) {
        return NGX_OK;
    }

    s->discarded += n;

    return s->discarded > NGX_CHAT_READ_FLOOD ? NGX_ERROR : NGX_OK;
}


void
ngx_chat_read_early(ngx_chat_session_t *s, u_char *data, size_t n)
{
    u_char  *pos;

    s->node->budget = NGX_CHAT_READ_BUDGET;
    ngx_chat_session_count(s, NGX_CHAT_COUNT_BYTES_RECEIVED, n);
    s->bytes += n;

    pos = ngx_chat_read_bytes(s, data, data + n);

    ngx_chat_read_keep(s, pos, data + n);
}


/* goes on where the last turn has ended */

static void
ngx_chat_read_rest(ngx_chat_session_t *s)
{
    u_char           *last;
    ngx_chat_rest_t  *rest = s->rest;

    if (rest == NULL) {                 /* in the last byte there was */
        last = s->node->recv;
        (void) ngx_chat_read_bytes(s, last, last);
        return;
    }

    rest->pos = ngx_chat_read_bytes(s, rest->pos, rest->last);

    if (rest->pos == rest->last || s->state != NGX_CHAT_SESSION_OPEN) {
        ngx_free(rest);
        s->rest = NULL;
    }
}


static void
ngx_chat_read_keep(ngx_chat_session_t *s, u_char *pos, u_char *last)
{
    size_t            n;
    ngx_chat_rest_t  *rest;

    if (pos == last || s->state != NGX_CHAT_SESSION_OPEN) {
        return;
    }

    n = last - pos;

    rest = ngx_alloc(sizeof(ngx_chat_rest_t) + n, s->connection->log);
    if (rest == NULL) {
        ngx_chat_session_close(s, NGX_CHAT_CLOSE_INTERNAL, "out of memory");
        return;
    }

    rest->pos = (u_char *) (rest + 1);
    rest->last = ngx_cpymem(rest->pos, pos, n);
    s->rest = rest;

    ngx_explicit_memzero(pos, n);
}


/* returns where it has stopped: before the end if the turn is over */

static u_char *
ngx_chat_read_bytes(ngx_chat_session_t *s, u_char *pos, u_char *last)
{
    chat_rc_e       rc;
    chat_frame_t   *f = &s->frame;
    const uint8_t  *p;

    while (s->state == NGX_CHAT_SESSION_OPEN && s->node->budget > 0
           && !ngx_chat_echo_waits(s))
    {
        if (f->state != CHAT_FRAME_PAYLOAD) {
            p = pos;
            rc = chat_frame_read_head(f, &p, last);
            pos = (u_char *) p;

            if (rc == CHAT_AGAIN) {
                break;
            }

            if (rc == CHAT_ERROR) {
                ngx_chat_read_refuse(s);
                break;
            }

            if (ngx_chat_limit_frame(s) != NGX_OK) {
                break;
            }

            s->node->budget -= NGX_CHAT_FRAME_COST;
            ngx_chat_session_count(s, NGX_CHAT_COUNT_FRAMES_RECEIVED, 1);
        }

        if (ngx_chat_read_payload(s, &pos, last) != NGX_OK) {
            break;
        }
    }

    return pos;
}


/* the head of a frame is not as it should be */

static void
ngx_chat_read_refuse(ngx_chat_session_t *s)
{
    ngx_uint_t  code = s->frame.close_code;

    if (code == NGX_CHAT_CLOSE_TOO_BIG) {
        ngx_chat_count(s->node, NGX_CHAT_COUNT_LIMITED_MAX_MESSAGE_SIZE);
        ngx_chat_session_close(s, code, "message too big");
        return;
    }

    ngx_chat_session_close(s, code, "malformed frame");
}


/*
 * NGX_OK: the frame is done with; NGX_AGAIN: more of it is to come or to be
 * done, or the session is being closed.
 */

static ngx_int_t
ngx_chat_read_payload(ngx_chat_session_t *s, u_char **pos, u_char *last)
{
    size_t         n;
    u_char        *data;
    chat_frame_t  *f = &s->frame;

    data = *pos;
    n = ngx_min(f->left, (size_t) (last - data));

    if (n == 0 && f->left > 0) {
        return NGX_AGAIN;
    }

    chat_frame_unmask(f, data, data, n);
    *pos += n;

    if (chat_frame_is_control(f)) {
        return ngx_chat_collect_control(s, data, n) == NGX_OK
               ? ngx_chat_read_control_end(s, data, n) : NGX_AGAIN;
    }

    if (ngx_chat_collect_text(s, data, n) != NGX_OK
        || ngx_chat_collect_data(s, data, n) != NGX_OK)
    {
        return NGX_AGAIN;
    }

    return ngx_chat_read_data_end(s, data, n);
}


static ngx_int_t
ngx_chat_read_control_end(ngx_chat_session_t *s, u_char *data, size_t n)
{
    u_char  *control;

    if (s->frame.left > 0) {
        return NGX_AGAIN;
    }

    control = s->control;

    if (control != NULL) {
        data = control;
        n = s->control_len;
        s->control = NULL;
    }

    ngx_chat_read_control_frame(s, data, n);

    (void) chat_frame_end(&s->frame);   /* a control frame ends no message */

    if (control != NULL) {
        ngx_free(control);
    }

    return NGX_OK;
}


static void
ngx_chat_read_control_frame(ngx_chat_session_t *s, u_char *data, size_t n)
{
    uint16_t  code;

    switch (s->frame.opcode) {

    case CHAT_FRAME_PING:
        ngx_chat_read_ping(s, data, n);
        return;

    case CHAT_FRAME_PONG:
        return;

    default: /* CHAT_FRAME_CLOSE */
        break;
    }

    if (chat_frame_read_close((chat_str_t) { data, n }, &code) == CHAT_ERROR) {
        ngx_chat_session_close(s, code, "malformed close frame");
        return;
    }

    /* the answer to a close is its own code, or nothing if it had none */
    s->left = (s->state == NGX_CHAT_SESSION_OPEN);
    ngx_chat_session_close(s, code, "");
}


static void
ngx_chat_read_ping(ngx_chat_session_t *s, u_char *data, size_t n)
{
    ngx_chat_buffer_t  *b;

    b = ngx_chat_buffer_copy(CHAT_FRAME_PONG, data, n);
    if (b == NULL) {
        ngx_chat_session_close(s, NGX_CHAT_CLOSE_INTERNAL, "out of memory");
        return;
    }

    ngx_chat_write_queue(s, b);
    ngx_chat_buffer_unref(b);
}


static ngx_int_t
ngx_chat_read_data_end(ngx_chat_session_t *s, u_char *data, size_t n)
{
    ngx_chat_buffer_t  *message;

    if (s->frame.left > 0) {
        return NGX_AGAIN;
    }

    if (s->conf->echo) {
        if (ngx_chat_echo_frame(s, data, n) != NGX_OK) {
            return NGX_AGAIN;
        }

    } else if (s->frame.fin) {

        /* the session may be closed, not freed, while this is handled */

        message = s->message;
        s->message = NULL;

        if (message != NULL) {
            data = message->payload;
            n = s->message_len;
        }

        ngx_chat_read_message(s, data, n);
        ngx_chat_buffer_unref(message);
    }

    if (s->message == NULL) {
        s->message_len = 0;
    }

    if (chat_frame_end(&s->frame)) {
        chat_utf8_init(&s->utf8);
    }

    return NGX_OK;
}


static void
ngx_chat_read_message(ngx_chat_session_t *s, u_char *data, size_t n)
{
    ngx_chat_buffer_t  *b;

    s->messages++;

    if (!s->frame.rsv1) {
        ngx_chat_request_handle(s, (chat_str_t) { data, n });
        return;
    }

    b = ngx_chat_deflate_unpack(s, (chat_str_t) { data, n }, &n);

    if (b != NULL) {
        ngx_chat_request_handle(s, (chat_str_t) { b->payload, n });
        ngx_chat_buffer_unref(b);
    }
}
