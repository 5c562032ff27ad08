/*
 * Socket -> frames -> messages.
 *
 * All sessions of a node read into one buffer.  A frame that lies in it whole
 * is unmasked and handled where it lies; only what is split over several
 * reads or fragments is collected in memory of the session's own, which grows
 * with what has come, not with what the peer says will come.
 */

#include "ngx_chat.h"


#define NGX_CHAT_READ_BUDGET  4         /* reads of one session per turn */
#define NGX_CHAT_READ_AHEAD   4096      /* bytes beyond the frame at hand */
#define NGX_CHAT_READ_MIN     512


static void ngx_chat_read_turn(ngx_chat_session_t *s);
static size_t ngx_chat_read_size(ngx_chat_session_t *s);
static void ngx_chat_read_bytes(ngx_chat_session_t *s, u_char *pos,
    u_char *last);
static void ngx_chat_read_refuse(ngx_chat_session_t *s);
static ngx_int_t ngx_chat_read_payload(ngx_chat_session_t *s, u_char **pos,
    u_char *last);
static ngx_int_t ngx_chat_read_control(ngx_chat_session_t *s, u_char *data,
    size_t n);
static ngx_int_t ngx_chat_read_text(ngx_chat_session_t *s, u_char *data,
    size_t n);
static ngx_int_t ngx_chat_read_collect(ngx_chat_session_t *s, u_char *data,
    size_t n);
static void ngx_chat_read_frame_end(ngx_chat_session_t *s, u_char *data,
    size_t n);
static void ngx_chat_read_message(ngx_chat_session_t *s, u_char *data,
    size_t n);
static void ngx_chat_read_control_frame(ngx_chat_session_t *s, u_char *data,
    size_t n);
static void ngx_chat_read_echo(ngx_chat_session_t *s,
    chat_frame_opcode_e opcode, u_char *data, size_t n);


void
ngx_chat_read_handler(ngx_event_t *rev)
{
    ngx_connection_t    *c = rev->data;
    ngx_chat_session_t  *s = c->data;

    if (s->state == NGX_CHAT_SESSION_DEAD) {
        return;
    }

    if (c->close && c->error) {         /* worker_shutdown_timeout */
        ngx_chat_session_finish(s);
        return;
    }

    if (c->close) {                     /* the worker is told to leave */
        ngx_chat_session_drain(s);
        return;
    }

    if (rev->timedout) {
        rev->timedout = 0;
        ngx_chat_session_schedule(s);
        return;
    }

    ngx_chat_read_turn(s);
}


/*
 * What comes after we have said good-bye is read and thrown away, until the
 * peer's end.
 */

static void
ngx_chat_read_turn(ngx_chat_session_t *s)
{
    ssize_t            n;
    ngx_uint_t         i;
    ngx_connection_t  *c = s->connection;

    for (i = 0; i < NGX_CHAT_READ_BUDGET; i++) {

        n = c->recv(c, s->node->recv, ngx_chat_read_size(s));

        if (n == NGX_AGAIN) {
            break;
        }

        if (n <= 0) {
            ngx_chat_session_finish(s);
            return;
        }

        if (s->state != NGX_CHAT_SESSION_OPEN) {
            continue;
        }

        s->heard = ngx_current_msec;
        s->pinged = 0;

        ngx_chat_read_bytes(s, s->node->recv, s->node->recv + n);

        if (s->state == NGX_CHAT_SESSION_DEAD) {
            return;
        }
    }

    if (c->read->ready) {               /* others first */
        ngx_post_event(c->read, &ngx_posted_next_events);
        return;
    }

    if (ngx_handle_read_event(c->read, 0) != NGX_OK) {
        ngx_chat_session_finish(s);
    }
}


/*
 * A frame may be six bytes, so a buffer full of them would hold up everybody
 * else for milliseconds.  Much is read at once only where one frame is.
 */

static size_t
ngx_chat_read_size(ngx_chat_session_t *s)
{
    uint64_t  left;

    left = s->frame.state == CHAT_FRAME_PAYLOAD ? s->frame.left : 0;

    return ngx_min(left + NGX_CHAT_READ_AHEAD, NGX_CHAT_RECV_BUFFER);
}


void
ngx_chat_read_early(ngx_chat_session_t *s, u_char *data, size_t n)
{
    ngx_chat_read_bytes(s, data, data + n);
}


static void
ngx_chat_read_bytes(ngx_chat_session_t *s, u_char *pos, u_char *last)
{
    chat_rc_e       rc;
    chat_frame_t   *f = &s->frame;
    const uint8_t  *p;

    while (s->state == NGX_CHAT_SESSION_OPEN) {

        if (f->state != CHAT_FRAME_PAYLOAD) {
            p = pos;
            rc = chat_frame_read_head(f, &p, last);
            pos = (u_char *) p;

            if (rc == CHAT_AGAIN) {
                return;
            }

            if (rc == CHAT_ERROR) {
                ngx_chat_read_refuse(s);
                return;
            }

            if (ngx_chat_limit_frame(s) != NGX_OK) {
                return;
            }
        }

        if (ngx_chat_read_payload(s, &pos, last) != NGX_OK) {
            return;
        }
    }
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
 * NGX_OK: the frame is done with; NGX_AGAIN: more of it is to come, or the
 * session is being closed.
 */

static ngx_int_t
ngx_chat_read_payload(ngx_chat_session_t *s, u_char **pos, u_char *last)
{
    size_t         n;
    u_char        *data;
    ngx_uint_t     control;
    chat_frame_t  *f = &s->frame;

    data = *pos;
    n = ngx_min(f->left, (size_t) (last - data));
    control = chat_frame_is_control(f);

    if (n == 0 && f->left > 0) {
        return NGX_AGAIN;
    }

    chat_frame_unmask(f, data, data, n);
    *pos += n;

    if (control) {
        if (ngx_chat_read_control(s, data, n) != NGX_OK) {
            return NGX_AGAIN;
        }

        if (s->control != NULL) {
            data = s->control;
            n = s->control_len;
        }

    } else {
        if (ngx_chat_read_text(s, data, n) != NGX_OK
            || ngx_chat_read_collect(s, data, n) != NGX_OK)
        {
            return NGX_AGAIN;
        }
    }

    if (f->left > 0) {
        return NGX_AGAIN;
    }

    ngx_chat_read_frame_end(s, data, n);

    return NGX_OK;
}


/* keeps the first part of a control frame that did not come whole */

static ngx_int_t
ngx_chat_read_control(ngx_chat_session_t *s, u_char *data, size_t n)
{
    if (s->control == NULL) {

        if (s->frame.left == 0) {
            return NGX_OK;
        }

        s->control = ngx_alloc(CHAT_FRAME_MAX_CONTROL, s->connection->log);
        if (s->control == NULL) {
            ngx_chat_session_close(s, NGX_CHAT_CLOSE_INTERNAL, "out of memory");
            return NGX_ERROR;
        }

        s->control_len = 0;
    }

    ngx_memcpy(s->control + s->control_len, data, n);
    s->control_len += n;

    return NGX_OK;
}


/* RFC 6455, 8.1: text is checked as it comes */

static ngx_int_t
ngx_chat_read_text(ngx_chat_session_t *s, u_char *data, size_t n)
{
    chat_rc_e      rc;
    chat_frame_t  *f = &s->frame;

    if (f->message != CHAT_FRAME_TEXT) {

        if (s->conf->echo) {
            return NGX_OK;
        }

        ngx_chat_session_close(s, NGX_CHAT_CLOSE_UNSUPPORTED,
                               "binary messages are not supported");
        return NGX_ERROR;
    }

    rc = chat_utf8_feed(&s->utf8, data, n);

    if (rc == CHAT_ERROR
        || (rc == CHAT_AGAIN && f->fin && f->left == 0))
    {
        ngx_chat_session_close(s, NGX_CHAT_CLOSE_INVALID, "not UTF-8");
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* a message that is not in one piece is put together */

static ngx_int_t
ngx_chat_read_collect(ngx_chat_session_t *s, u_char *data, size_t n)
{
    size_t         size;
    u_char        *p;
    chat_frame_t  *f = &s->frame;

    if (s->message == NULL && f->fin && f->left == 0) {
        return NGX_OK;
    }

    if (s->message == NULL || n > s->message_size - s->message_len) {
        size = ngx_max(2 * s->message_size, NGX_CHAT_READ_MIN);
        size = ngx_max(size, s->message_len + n);

        p = ngx_alloc(size, s->connection->log);
        if (p == NULL) {
            ngx_chat_session_close(s, NGX_CHAT_CLOSE_INTERNAL, "out of memory");
            return NGX_ERROR;
        }

        if (s->message != NULL) {
            ngx_memcpy(p, s->message, s->message_len);
            ngx_free(s->message);
        }

        s->message = p;
        s->message_size = size;
    }

    ngx_memcpy(s->message + s->message_len, data, n);
    s->message_len += n;

    return NGX_OK;
}


static void
ngx_chat_read_frame_end(ngx_chat_session_t *s, u_char *data, size_t n)
{
    u_char        *message;
    chat_frame_t  *f = &s->frame;

    if (chat_frame_is_control(f)) {
        message = s->control;
        s->control = NULL;

        ngx_chat_read_control_frame(s, data, n);

        (void) chat_frame_end(f);       /* a control frame ends no message */

        if (message != NULL) {
            ngx_free(message);
        }

        return;
    }

    if (!f->fin) {
        (void) chat_frame_end(f);       /* nor does one that others follow */
        return;
    }

    /* the session may be closed, not freed, while its message is handled */

    message = s->message;

    if (message != NULL) {
        data = message;
        n = s->message_len;
        s->message = NULL;
        s->message_len = 0;
        s->message_size = 0;
    }

    ngx_chat_read_message(s, data, n);

    (void) chat_frame_end(f);
    chat_utf8_init(&s->utf8);

    if (message != NULL) {
        ngx_free(message);
    }
}


static void
ngx_chat_read_message(ngx_chat_session_t *s, u_char *data, size_t n)
{
    if (s->conf->echo) {
        ngx_chat_read_echo(s, s->frame.message, data, n);
        return;
    }

    ngx_chat_request_handle(s, (chat_str_t) { data, n });
}


static void
ngx_chat_read_control_frame(ngx_chat_session_t *s, u_char *data, size_t n)
{
    uint16_t  code;

    switch (s->frame.opcode) {

    case CHAT_FRAME_PING:
        ngx_chat_read_echo(s, CHAT_FRAME_PONG, data, n);
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
    ngx_chat_session_close(s, code, "");
}


static void
ngx_chat_read_echo(ngx_chat_session_t *s, chat_frame_opcode_e opcode,
    u_char *data, size_t n)
{
    ngx_chat_buffer_t  *b;

    b = ngx_chat_buffer_copy(opcode, data, n);
    if (b == NULL) {
        ngx_chat_session_close(s, NGX_CHAT_CLOSE_INTERNAL, "out of memory");
        return;
    }

    ngx_chat_write_queue(s, b);
    ngx_chat_buffer_unref(b);
}
