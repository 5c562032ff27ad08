/*
 * What Redis has published and this turn of the event loop has no time for.
 *
 * An event of a conversation is queued to each session in it, and one read of
 * the link brings many events.  When so many were queued in a turn, whatever
 * else comes over the link is kept, in its order, for the next turn, and the
 * link is not read until that is done: so what is kept is bounded by what
 * hiredis reads at once.
 */

#include "ngx_chat.h"


#define NGX_CHAT_INBOX_TOLD  16384      /* queued to sessions, in a turn */


/* owner: the inbox; the bytes of both strings follow */

typedef struct {
    ngx_queue_t  queue;
    ngx_str_t    channel;
    uint64_t     came;                  /* us */
    ngx_str_t    payload;               /* data: NULL: it is a confirmation */
} ngx_chat_inbox_item_t;


static void ngx_chat_inbox_event(ngx_event_t *ev);


void
ngx_chat_inbox_init(ngx_chat_node_t *node)
{
    ngx_chat_inbox_t  *inbox = &node->inbox;

    ngx_queue_init(&inbox->items);

    inbox->event.handler = ngx_chat_inbox_event;
    inbox->event.data = node;
    inbox->event.log = node->log;
}


void
ngx_chat_inbox_done(ngx_chat_node_t *node)
{
    ngx_chat_inbox_drop(node);
}


/* the link is lost, and with it what would come after */

void
ngx_chat_inbox_drop(ngx_chat_node_t *node)
{
    ngx_queue_t       *q;
    ngx_chat_inbox_t  *inbox = &node->inbox;

    while (!ngx_queue_empty(&inbox->items)) {
        q = ngx_queue_head(&inbox->items);
        ngx_queue_remove(q);
        ngx_free(ngx_queue_data(q, ngx_chat_inbox_item_t, queue));
    }

    if (inbox->event.posted) {
        ngx_delete_posted_event(&inbox->event);
    }
}


ngx_uint_t
ngx_chat_inbox_waits(ngx_chat_node_t *node)
{
    return !ngx_queue_empty(&node->inbox.items);
}


ngx_uint_t
ngx_chat_inbox_takes(ngx_chat_node_t *node, ngx_str_t *channel,
    ngx_str_t *payload)
{
    size_t                  n;
    u_char                 *p;
    ngx_chat_inbox_t       *inbox = &node->inbox;
    ngx_chat_inbox_item_t  *item;

    if (inbox->handing
        || (inbox->told < NGX_CHAT_INBOX_TOLD && !ngx_chat_inbox_waits(node)))
    {
        return 0;
    }

    n = payload ? payload->len : 0;

    item = ngx_alloc(sizeof(ngx_chat_inbox_item_t) + channel->len + n + 1,
                     node->log);
    if (item == NULL) {
        ngx_chat_redis_reset(&node->subscriber, "out of memory");
        return 1;
    }

    p = (u_char *) (item + 1);

    item->came = ngx_chat_clock();
    item->channel.data = p;
    item->channel.len = channel->len;
    p = ngx_cpymem(p, channel->data, channel->len);

    item->payload.data = payload ? p : NULL;
    item->payload.len = n;

    if (payload) {
        p = ngx_cpymem(p, payload->data, n);
    }

    *p = '\0';                          /* as hiredis ends a string */

    if (!ngx_chat_inbox_waits(node)) {
        ngx_chat_count(node, NGX_CHAT_COUNT_TURN_CUT_PUBLISH);
        ngx_post_event(&inbox->event, &ngx_posted_next_events);
    }

    ngx_queue_insert_tail(&inbox->items, &item->queue);

    return 1;
}


/* the next turn: at least one of them */

static void
ngx_chat_inbox_event(ngx_event_t *ev)
{
    ngx_queue_t            *q;
    ngx_chat_node_t        *node = ev->data;
    ngx_chat_inbox_t       *inbox = &node->inbox;
    ngx_chat_inbox_item_t  *item;

    inbox->told = 0;                    /* in this turn */

    do {
        q = ngx_queue_head(&inbox->items);
        ngx_queue_remove(q);
        item = ngx_queue_data(q, ngx_chat_inbox_item_t, queue);

        inbox->came = item->came;
        inbox->handing = 1;
        ngx_chat_bus_hand(node, &item->channel,
                          item->payload.data ? &item->payload : NULL);
        inbox->handing = 0;

        ngx_free(item);

    } while (ngx_chat_inbox_waits(node) && inbox->told < NGX_CHAT_INBOX_TOLD);

    if (ngx_chat_inbox_waits(node)) {
        ngx_chat_count(node, NGX_CHAT_COUNT_TURN_CUT_PUBLISH);
        ngx_post_event(ev, &ngx_posted_next_events);
    }
}
