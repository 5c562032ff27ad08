/*
 * One encoded WebSocket frame, written once and shared by every session that
 * gets it.
 *
 *      | unused | head | payload          | unused |
 *               ^ data ^ payload
 *
 * The head's length is known only with the payload's, so room for the longest
 * is left in front and the head is put right before the payload.
 */

#include "ngx_chat.h"


ngx_chat_buffer_t *
ngx_chat_buffer_create(size_t size)
{
    ngx_chat_buffer_t  *b;

    b = ngx_alloc(sizeof(ngx_chat_buffer_t) + CHAT_FRAME_MAX_HEAD + size,
                  ngx_cycle->log);
    if (b == NULL) {
        return NULL;
    }

    b->refs = 1;
    b->places = 0;
    b->data = NULL;
    b->len = 0;
    b->packed = NULL;
    b->payload = (u_char *) (b + 1) + CHAT_FRAME_MAX_HEAD;
    b->size = size;

    return b;
}


/* a larger one with what is in this one, which is let go */

ngx_chat_buffer_t *
ngx_chat_buffer_grow(ngx_chat_buffer_t *b, size_t n, size_t size)
{
    ngx_chat_buffer_t  *larger;

    larger = ngx_chat_buffer_create(size);
    if (larger == NULL) {
        return NULL;
    }

    ngx_memcpy(larger->payload, b->payload, n);
    ngx_chat_buffer_unref(b);

    return larger;
}


void
ngx_chat_buffer_finish(ngx_chat_buffer_t *b, chat_frame_opcode_e opcode,
    size_t n)
{
    ngx_chat_buffer_frame(b, opcode, CHAT_FRAME_FIN, n);
}


void
ngx_chat_buffer_frame(ngx_chat_buffer_t *b, chat_frame_opcode_e opcode,
    ngx_uint_t flags, size_t n)
{
    size_t   len;
    uint8_t  head[CHAT_FRAME_MAX_HEAD];

    len = chat_frame_write_head(head, opcode, flags, n);

    b->data = b->payload - len;
    b->len = len + n;

    ngx_memcpy(b->data, head, len);
}


ngx_chat_buffer_t *
ngx_chat_buffer_copy(chat_frame_opcode_e opcode, const u_char *payload,
    size_t n)
{
    ngx_chat_buffer_t  *b;

    b = ngx_chat_buffer_create(n);
    if (b == NULL) {
        return NULL;
    }

    if (n > 0) {
        ngx_memcpy(b->payload, payload, n);
    }

    ngx_chat_buffer_finish(b, opcode, n);

    return b;
}


void
ngx_chat_buffer_ref(ngx_chat_buffer_t *b)
{
    b->refs++;
}


void
ngx_chat_buffer_unref(ngx_chat_buffer_t *b)
{
    if (b == NULL) {
        return;
    }

    if (--b->refs > 0) {
        return;
    }

    if (b->packed != b) {
        ngx_chat_buffer_unref(b->packed);
    }

    ngx_free(b);
}
