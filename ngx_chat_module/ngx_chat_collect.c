/*
 * Frames -> messages.  What is split over several reads or fragments is put
 * together in memory of the session's own, which grows with what has come, not
 * with what the peer says will come.
 *
 * A compressed message is kept as it comes: it is inflated when it is whole,
 * so that sessions share one inflater.
 */

#include "ngx_chat.h"


#define NGX_CHAT_COLLECT_MIN  512


static ngx_chat_buffer_t *ngx_chat_collect_grow(ngx_chat_session_t *s,
    size_t size);
static size_t ngx_chat_collect_size(ngx_chat_session_t *s, size_t n);


/* keeps the first part of a control frame that did not come whole */

ngx_int_t
ngx_chat_collect_control(ngx_chat_session_t *s, u_char *data, size_t n)
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

ngx_int_t
ngx_chat_collect_text(ngx_chat_session_t *s, u_char *data, size_t n)
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

    if (f->rsv1) {
        return NGX_OK;                  /* it is no text yet */
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


/* nothing of a message, or of a frame that is sent back, that came whole */

ngx_int_t
ngx_chat_collect_data(ngx_chat_session_t *s, u_char *data, size_t n)
{
    size_t              size;
    ngx_chat_buffer_t  *b;
    chat_frame_t       *f = &s->frame;

    if (s->message == NULL && f->left == 0 && (f->fin || s->conf->echo)) {
        return NGX_OK;
    }

    if (s->message == NULL || n > s->message->size - s->message_len) {
        size = ngx_chat_collect_size(s, n);

        b = s->message == NULL ? ngx_chat_buffer_create(size)
                               : ngx_chat_collect_grow(s, size);

        if (b == NULL) {
            ngx_chat_session_close(s, NGX_CHAT_CLOSE_INTERNAL, "out of memory");
            return NGX_ERROR;
        }

        s->message = b;
    }

    ngx_memcpy(s->message->payload + s->message_len, data, n);
    s->message_len += n;

    if (!s->conf->echo) {
        ngx_explicit_memzero(data, n);  /* it may be a piece of a token */
    }

    return NGX_OK;
}


/* the message so far in a larger buffer; NULL: out of memory, and it stays */

static ngx_chat_buffer_t *
ngx_chat_collect_grow(ngx_chat_session_t *s, size_t size)
{
    ngx_chat_buffer_t  *b, *message = s->message;

    b = ngx_chat_buffer_create(size);
    if (b == NULL) {
        return NULL;
    }

    ngx_memcpy(b->payload, message->payload, s->message_len);
    ngx_chat_collect_free(s);

    return b;
}


/* what has come of a message; nothing if there is none */

void
ngx_chat_collect_free(ngx_chat_session_t *s)
{
    if (s->message == NULL) {
        return;
    }

    if (!s->conf->echo) {
        ngx_explicit_memzero(s->message->payload, s->message_len);
    }

    ngx_chat_buffer_unref(s->message);
    s->message = NULL;
}


/* for n bytes more: twice what there was, but not more than the frame has */

static size_t
ngx_chat_collect_size(ngx_chat_session_t *s, size_t n)
{
    size_t         size;
    chat_frame_t  *f = &s->frame;

    size = (s->message == NULL) ? 0 : 2 * s->message->size;
    size = ngx_max(size, NGX_CHAT_COLLECT_MIN);

    if (f->fin || s->conf->echo) {
        size = ngx_min(size, s->message_len + n + f->left);
    }

    return ngx_max(size, s->message_len + n);
}
