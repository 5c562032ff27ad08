/*
 * permessage-deflate (RFC 7692) in sessions that have agreed on it.
 *
 * Messages stand alone, without context takeover: a deflater and an inflater
 * serve all sessions of a node, and an event is compressed once, whoever gets
 * it.
 */

#include "ngx_chat.h"


#define NGX_CHAT_DEFLATE_FREE  65536    /* bytes, whatever the ratio */
#define NGX_CHAT_DEFLATE_MIN   512
#define NGX_CHAT_DEFLATE_MAX   524288   /* some 4 ms: others wait meanwhile */


static ngx_chat_buffer_t *ngx_chat_deflate_buffer(ngx_chat_node_t *node,
    ngx_chat_buffer_t *b);
static chat_rc_e ngx_chat_deflate_next(ngx_chat_session_t *s,
    ngx_chat_buffer_t *b, size_t *n);


/* without them nothing is agreed on */

void
ngx_chat_deflate_init(ngx_chat_node_t *node)
{
    if (!node->conf->deflate) {
        return;
    }

    node->deflate = chat_deflate_create();
    node->inflate = chat_inflate_create();

    if (node->deflate == NULL || node->inflate == NULL) {
        ngx_log_error(NGX_LOG_CRIT, node->log, 0,
                      "chat: no memory for permessage-deflate");
        ngx_chat_deflate_done(node);
    }
}


void
ngx_chat_deflate_done(ngx_chat_node_t *node)
{
    chat_deflate_free(node->deflate);
    chat_inflate_free(node->inflate);

    node->deflate = NULL;
    node->inflate = NULL;
}


void
ngx_chat_deflate_begin(ngx_chat_session_t *s, const chat_extension_t *e)
{
    s->window_bits = e->window_bits;
    s->frame.allow_rsv1 = 1;
}


ngx_chat_buffer_t *
ngx_chat_deflate_pack(ngx_chat_session_t *s, ngx_chat_buffer_t *b)
{
    size_t  n;

    if (s->window_bits == 0 || b->data[0] != (CHAT_FRAME_FIN|CHAT_FRAME_TEXT)) {
        return b;
    }

    n = b->data + b->len - b->payload;

    if (n < s->conf->deflate_min_length || n > NGX_CHAT_DEFLATE_MAX) {
        return b;
    }

    if (s->window_bits < CHAT_DEFLATE_WINDOW_BITS
        && n > (size_t) 1 << s->window_bits)
    {
        return b;                       /* the client could not read it */
    }

    if (b->packed == NULL) {
        b->packed = ngx_chat_deflate_buffer(s->node, b);
    }

    return b->packed;
}


/* b itself if it gets no shorter, or there is no memory */

static ngx_chat_buffer_t *
ngx_chat_deflate_buffer(ngx_chat_node_t *node, ngx_chat_buffer_t *b)
{
    size_t              n, len;
    chat_rc_e           rc;
    ngx_chat_buffer_t  *large, *packed;

    len = b->data + b->len - b->payload;

    large = ngx_chat_buffer_create(len);
    if (large == NULL) {
        return b;
    }

    rc = chat_deflate_write(node->deflate, (chat_str_t) { b->payload, len },
                            true, large->payload, large->size, &n);

    packed = NULL;

    if (rc == CHAT_OK) {
        packed = ngx_chat_buffer_create(n);
    }

    if (packed != NULL) {
        ngx_memcpy(packed->payload, large->payload, n);
        ngx_chat_buffer_frame(packed, CHAT_FRAME_TEXT,
                              CHAT_FRAME_FIN|CHAT_FRAME_RSV1, n);
    }

    ngx_chat_buffer_unref(large);

    return packed != NULL ? packed : b;
}


ngx_chat_buffer_t *
ngx_chat_deflate_unpack(ngx_chat_session_t *s, chat_str_t packed, size_t *n)
{
    chat_rc_e               rc;
    ngx_chat_buffer_t      *b, *larger;
    chat_inflate_t         *z = s->node->inflate;
    chat_inflate_limits_t   limits;

    ngx_chat_deflate_limits(s, &limits);
    chat_inflate_begin(z, &limits);
    chat_inflate_feed(z, packed, true);

    s->node->budget -= NGX_CHAT_INFLATE_COST * packed.len;

    *n = 0;
    b = ngx_chat_buffer_create(ngx_max(4 * packed.len, NGX_CHAT_DEFLATE_MIN));

    while (b != NULL) {
        rc = ngx_chat_deflate_next(s, b, n);

        if (rc == CHAT_OK) {
            return b;
        }

        if (rc != CHAT_AGAIN) {
            ngx_chat_deflate_refuse(s, z, rc);
            ngx_chat_buffer_unref(b);
            return NULL;
        }

        larger = ngx_chat_buffer_grow(b, *n, 2 * b->size);
        if (larger == NULL) {
            ngx_chat_buffer_unref(b);
        }

        b = larger;
    }

    ngx_chat_session_close(s, NGX_CHAT_CLOSE_INTERNAL, "out of memory");

    return NULL;
}


/* fills the buffer, in which n bytes are; what is no text is an error, too */

static chat_rc_e
ngx_chat_deflate_next(ngx_chat_session_t *s, ngx_chat_buffer_t *b, size_t *n)
{
    size_t     len;
    chat_rc_e  rc, text;

    rc = chat_inflate_read(s->node->inflate, b->payload + *n, b->size - *n,
                           &len);

    s->node->budget -= len;

    text = chat_utf8_feed(&s->utf8, b->payload + *n, len);
    *n += len;

    if (text == CHAT_ERROR || (rc == CHAT_OK && text == CHAT_AGAIN)) {
        return CHAT_ERROR;
    }

    return rc;
}


void
ngx_chat_deflate_limits(ngx_chat_session_t *s, chat_inflate_limits_t *limits)
{
    limits->max_size = s->conf->max_message_size;
    limits->free_size = NGX_CHAT_DEFLATE_FREE;
    limits->max_ratio = s->conf->deflate_max_ratio;
}


void
ngx_chat_deflate_refuse(ngx_chat_session_t *s, chat_inflate_t *z, chat_rc_e rc)
{
    if (rc != CHAT_DECLINED) {
        ngx_chat_session_close(s, NGX_CHAT_CLOSE_INVALID,
                               "malformed compressed message");
        return;
    }

    if (chat_inflate_size(z) > s->conf->max_message_size) {
        ngx_chat_count(s->node, NGX_CHAT_COUNT_LIMITED_MAX_MESSAGE_SIZE);

    } else {
        ngx_chat_count(s->node, NGX_CHAT_COUNT_LIMITED_DEFLATE_MAX_RATIO);
    }

    ngx_chat_session_close(s, NGX_CHAT_CLOSE_TOO_BIG, "message too big");
}
