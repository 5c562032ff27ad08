/*
 * Events that wait in a room: for what was missed before them, or for a join
 * that is being opened.
 */

#include "ngx_chat.h"


#define NGX_CHAT_HELD_MAX  1048576      /* bytes, of a room */


void
ngx_chat_held_add(ngx_chat_room_t *room, uint64_t revision, ngx_str_t *what,
    ngx_chat_buffer_t *b)
{
    ngx_chat_held_t  *h;

    h = ngx_alloc(sizeof(ngx_chat_held_t) + what->len, room->owner->log);

    if (h == NULL || room->held_bytes + b->len > NGX_CHAT_HELD_MAX) {

        /* too much to remember: Redis or storage will tell it again */

        if (h != NULL) {
            ngx_free(h);
        }

        ngx_chat_room_forget(room);
        return;
    }

    ngx_chat_buffer_ref(b);
    h->buffer = b;
    h->revision = revision;
    h->what.data = (u_char *) (h + 1);
    h->what.len = what->len;
    ngx_memcpy(h->what.data, what->data, what->len);

    ngx_queue_insert_tail(&room->held, &h->queue);
    room->held_bytes += b->len;
    room->owner->load.bytes += sizeof(ngx_chat_held_t) + b->len;
}


ngx_uint_t
ngx_chat_held_has_gap(ngx_chat_room_t *room)
{
    ngx_queue_t      *q;
    ngx_chat_held_t  *h;

    for (q = ngx_queue_head(&room->held);
         q != ngx_queue_sentinel(&room->held);
         q = ngx_queue_next(q))
    {
        h = ngx_queue_data(q, ngx_chat_held_t, queue);

        if (h->revision > room->revision) {
            return !ngx_chat_room_is_next(room, h->revision);
        }
    }

    return 0;
}


ngx_uint_t
ngx_chat_held_has(ngx_chat_room_t *room, uint64_t revision)
{
    ngx_queue_t      *q;
    ngx_chat_held_t  *h;

    for (q = ngx_queue_head(&room->held);
         q != ngx_queue_sentinel(&room->held);
         q = ngx_queue_next(q))
    {
        h = ngx_queue_data(q, ngx_chat_held_t, queue);

        if (h->revision == revision) {
            return 1;
        }
    }

    return 0;
}


void
ngx_chat_held_free(ngx_chat_room_t *room, ngx_chat_held_t *h)
{
    ngx_queue_remove(&h->queue);
    room->held_bytes -= h->buffer->len;
    room->owner->load.bytes -= sizeof(ngx_chat_held_t) + h->buffer->len;
    ngx_chat_buffer_unref(h->buffer);
    ngx_free(h);
}


void
ngx_chat_held_drop(ngx_chat_room_t *room)
{
    ngx_queue_t  *q;

    while (!ngx_queue_empty(&room->held)) {
        q = ngx_queue_head(&room->held);
        ngx_chat_held_free(room, ngx_queue_data(q, ngx_chat_held_t, queue));
    }
}
