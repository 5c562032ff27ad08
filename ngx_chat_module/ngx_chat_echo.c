/*
 * What an echo location does with messages, in the way they came: each frame
 * is sent back when it is whole, so that no more than one is held, and none is
 * read while its answers are not.  The frames of a compressed message are
 * inflated, which shows whether they are well formed, and compressed again.
 */

#include "ngx_chat.h"


#define NGX_CHAT_ECHO_CHUNK  65536      /* of what is inflated, and of what it
                                           is inflated from */


static ngx_int_t ngx_chat_echo_plain(ngx_chat_session_t *s, u_char *data,
    size_t n);
static ngx_int_t ngx_chat_echo_inflated(ngx_chat_session_t *s, u_char *data,
    size_t n);
static ngx_int_t ngx_chat_echo_feed(ngx_chat_session_t *s, u_char *data,
    size_t n);
static void ngx_chat_echo_feed_next(ngx_chat_session_t *s);
static ngx_int_t ngx_chat_echo_chunks(ngx_chat_session_t *s);
static ngx_int_t ngx_chat_echo_chunk(ngx_chat_session_t *s, chat_str_t chunk,
    ngx_uint_t end);
static ngx_int_t ngx_chat_echo_check(ngx_chat_session_t *s, chat_str_t chunk,
    ngx_uint_t fin);
static void ngx_chat_echo_send(ngx_chat_session_t *s, ngx_chat_buffer_t *b,
    ngx_uint_t rsv1, ngx_uint_t fin, size_t n);
static ngx_int_t ngx_chat_echo_no_memory(ngx_chat_session_t *s);


ngx_int_t
ngx_chat_echo_frame(ngx_chat_session_t *s, u_char *data, size_t n)
{
    return s->frame.rsv1 ? ngx_chat_echo_inflated(s, data, n)
                         : ngx_chat_echo_plain(s, data, n);
}


ngx_uint_t
ngx_chat_echo_waits(ngx_chat_session_t *s)
{
    return s->conf->echo && s->out_bytes > s->conf->send_queue;
}


static ngx_int_t
ngx_chat_echo_plain(ngx_chat_session_t *s, u_char *data, size_t n)
{
    ngx_chat_buffer_t  *b;

    b = s->message;

    if (b != NULL) {
        n = s->message_len;
        s->message = NULL;

    } else {
        b = ngx_chat_buffer_create(n);
        if (b == NULL) {
            return ngx_chat_echo_no_memory(s);
        }

        ngx_memcpy(b->payload, data, n);
    }

    ngx_chat_echo_send(s, b, 0, s->frame.fin, n);

    return NGX_OK;
}


/*
 * The inflater is the session's own for as long as the message lasts, since
 * that can be long, and others want theirs.
 */

static ngx_int_t
ngx_chat_echo_inflated(ngx_chat_session_t *s, u_char *data, size_t n)
{
    ngx_int_t  rc;

    if (!s->feeding && ngx_chat_echo_feed(s, data, n) != NGX_OK) {
        return ngx_chat_echo_no_memory(s);
    }

    rc = ngx_chat_echo_chunks(s);
    if (rc != NGX_OK) {
        return rc;
    }

    ngx_chat_buffer_unref(s->message);
    s->message = NULL;
    s->feeding = 0;

    if (s->frame.fin) {
        chat_inflate_free(s->inflate);
        s->inflate = NULL;
    }

    return NGX_OK;
}


/* the frame must stay until it is read */

static ngx_int_t
ngx_chat_echo_feed(ngx_chat_session_t *s, u_char *data, size_t n)
{
    chat_inflate_limits_t  limits;

    if (s->message == NULL) {
        s->message = ngx_chat_buffer_copy(CHAT_FRAME_BINARY, data, n);
        s->message_len = n;

        if (s->message == NULL) {
            return NGX_ERROR;
        }
    }

    if (s->inflate == NULL) {
        s->inflate = chat_inflate_create();
        if (s->inflate == NULL) {
            return NGX_ERROR;
        }

        ngx_chat_deflate_limits(s, &limits);
        chat_inflate_begin(s->inflate, &limits);
    }

    s->feeding = 1;
    s->fed = 0;
    ngx_chat_echo_feed_next(s);

    return NGX_OK;
}


/* blocks that hold nothing take time as well, and there can be many */

static void
ngx_chat_echo_feed_next(ngx_chat_session_t *s)
{
    chat_str_t  part;

    part.data = s->message->payload + s->fed;
    part.len = ngx_min(s->message_len - s->fed, NGX_CHAT_ECHO_CHUNK);

    s->fed += part.len;
    s->node->budget -= NGX_CHAT_INFLATE_COST * part.len;

    chat_inflate_feed(s->inflate, part,
                      s->frame.fin && s->fed == s->message_len);
}


/* no chunk is longer than the window that the client has for it */

static ngx_int_t
ngx_chat_echo_chunks(ngx_chat_session_t *s)
{
    size_t      n, size;
    u_char     *data;
    chat_rc_e   rc;
    ngx_int_t   done;
    ngx_uint_t  end;

    size = NGX_CHAT_ECHO_CHUNK;

    if (s->window_bits < CHAT_DEFLATE_WINDOW_BITS) {
        size = (size_t) 1 << s->window_bits;
    }

    data = ngx_alloc(size, s->connection->log);
    if (data == NULL) {
        return ngx_chat_echo_no_memory(s);
    }

    do {
        done = NGX_AGAIN;
        end = 0;

        if (s->node->budget <= 0 || ngx_chat_echo_waits(s)) {
            break;
        }

        rc = chat_inflate_read(s->inflate, data, size, &n);

        if (rc != CHAT_OK && rc != CHAT_AGAIN) {
            ngx_chat_deflate_refuse(s, s->inflate, rc);
            break;
        }

        end = rc == CHAT_OK && s->fed == s->message_len;
        done = (n > 0 || end)
               ? ngx_chat_echo_chunk(s, (chat_str_t) { data, n }, end)
               : NGX_OK;

        if (rc == CHAT_OK && !end) {
            ngx_chat_echo_feed_next(s);
        }

    } while (done == NGX_OK && !end);

    ngx_free(data);

    return done;
}


/* end: of the frame */

static ngx_int_t
ngx_chat_echo_chunk(ngx_chat_session_t *s, chat_str_t chunk, ngx_uint_t end)
{
    size_t              n;
    ngx_uint_t          fin;
    ngx_chat_buffer_t  *b;

    fin = end && s->frame.fin;

    s->node->budget -= chunk.len + NGX_CHAT_FRAME_COST;

    if (ngx_chat_echo_check(s, chunk, fin) != NGX_OK) {
        return NGX_AGAIN;
    }

    b = ngx_chat_buffer_create(chunk.len + chunk.len / 16 + 64);
    if (b == NULL) {
        return ngx_chat_echo_no_memory(s);
    }

    if (chat_deflate_write(s->node->deflate, chunk, fin, b->payload, b->size,
                           &n)
        != CHAT_OK)
    {
        ngx_chat_buffer_unref(b);
        ngx_chat_session_close(s, NGX_CHAT_CLOSE_INTERNAL, "cannot compress");
        return NGX_AGAIN;
    }

    ngx_chat_echo_send(s, b, 1, fin, n);

    return NGX_OK;
}


static ngx_int_t
ngx_chat_echo_check(ngx_chat_session_t *s, chat_str_t chunk, ngx_uint_t fin)
{
    chat_rc_e  rc;

    if (s->frame.message != CHAT_FRAME_TEXT) {
        return NGX_OK;
    }

    rc = chat_utf8_feed(&s->utf8, chunk.data, chunk.len);

    if (rc == CHAT_ERROR || (rc == CHAT_AGAIN && fin)) {
        ngx_chat_session_close(s, NGX_CHAT_CLOSE_INVALID, "not UTF-8");
        return NGX_DECLINED;
    }

    return NGX_OK;
}


/* takes the buffer over, in which n bytes of payload are */

static void
ngx_chat_echo_send(ngx_chat_session_t *s, ngx_chat_buffer_t *b,
    ngx_uint_t rsv1, ngx_uint_t fin, size_t n)
{
    ngx_uint_t  flags;

    flags = fin ? CHAT_FRAME_FIN : 0;

    if (rsv1 && !s->echoed) {
        flags |= CHAT_FRAME_RSV1;
    }

    ngx_chat_buffer_frame(b, s->echoed ? CHAT_FRAME_CONTINUATION
                                       : s->frame.message,
                          flags, n);
    s->echoed = !fin;

    ngx_chat_write_queue(s, b);
    ngx_chat_buffer_unref(b);
}


static ngx_int_t
ngx_chat_echo_no_memory(ngx_chat_session_t *s)
{
    ngx_chat_session_close(s, NGX_CHAT_CLOSE_INTERNAL, "out of memory");

    return NGX_AGAIN;
}
