/*
 * Rooms: conversations that sessions of this node have joined.
 *
 * Redis publishes every durable event of a conversation once per node; the
 * room hands it to its sessions in the order of revisions.  It does so
 * directly only when the event is the very next one of the generation in which
 * the room was last compared with Redis.  Otherwise it holds the event back,
 * compares, hands out what it missed, and goes on.
 *
 * Events are held back too while a join is being opened: Redis' answer tells
 * the new session's position, and what was published since follows it.
 *
 * Who is in the room, and who is put out of it: ngx_chat_join.c.
 */

#include "ngx_chat.h"


#define NGX_CHAT_ROOM_SUBSCRIBE  100         /* channels per command */


/* a publish, in slices of its payload */

typedef struct {
    uint64_t            revision;       /* 0: not durable */
    ngx_str_t           what;
    ngx_str_t           event;
} ngx_chat_publish_t;


static ngx_chat_room_t *ngx_chat_room_create(ngx_chat_node_t *node,
    ngx_chat_name_t *name);
static void ngx_chat_room_free(ngx_chat_room_t *room);

static void ngx_chat_room_take(ngx_chat_room_t *room, ngx_chat_publish_t *e);
static void ngx_chat_room_tell(ngx_chat_room_t *room, ngx_chat_publish_t *e);
static ngx_int_t ngx_chat_room_parse(ngx_str_t *payload,
    ngx_chat_publish_t *e);


#define ngx_chat_revision_generation(r)  ((r) >> 32)
#define ngx_chat_revision_count(r)       ((r) & 0xffffffff)


void
ngx_chat_room_init(ngx_chat_node_t *node)
{
    ngx_uint_t  p;

    ngx_rbtree_init(&node->rooms, &node->rooms_sentinel,
                    ngx_str_rbtree_insert_value);
    ngx_queue_init(&node->repairs);

    for (p = 0; p < CHAT_ID_MAX_PARTITIONS; p++) {
        ngx_queue_init(&node->rooms_of[p]);
    }
}


/* the links are closed: no answer is to come */

void
ngx_chat_room_done(ngx_chat_node_t *node)
{
    ngx_chat_room_t  *room;

    while (node->rooms.root != node->rooms.sentinel) {
        room = (ngx_chat_room_t *) node->rooms.root;
        ngx_chat_room_free(room);
    }
}


/* a join leaves */

void
ngx_chat_room_leave(ngx_chat_join_t *join)
{
    ngx_chat_room_t  *room = join->room;

    ngx_chat_join_end(join);
    ngx_chat_room_settle(room);         /* what was held for it alone */
}


ngx_chat_room_t *
ngx_chat_room_get(ngx_chat_node_t *node, ngx_chat_name_t *name)
{
    ngx_chat_room_t  *room;

    room = ngx_chat_room_find(node, &name->base);

    return room != NULL ? room : ngx_chat_room_create(node, name);
}


ngx_chat_room_t *
ngx_chat_room_find(ngx_chat_node_t *node, ngx_str_t *base)
{
    return (ngx_chat_room_t *)
               ngx_str_rbtree_lookup(&node->rooms, base,
                                     ngx_crc32_short(base->data, base->len));
}


static ngx_chat_room_t *
ngx_chat_room_create(ngx_chat_node_t *node, ngx_chat_name_t *name)
{
    ngx_chat_room_t  *room;

    room = ngx_calloc(sizeof(ngx_chat_room_t) + name->base.len, node->log);
    if (room == NULL) {
        return NULL;
    }

    ngx_memcpy(room->base, name->base.data, name->base.len);

    room->owner = node;
    room->node.str.data = room->base;
    room->node.str.len = name->base.len;
    room->node.node.key = ngx_crc32_short(room->base, name->base.len);
    room->name.partition = name->partition;
    room->name.base = room->node.str;

    ngx_chat_repair_init(room);

    ngx_queue_init(&room->joins);
    ngx_queue_init(&room->waiting);
    ngx_queue_init(&room->held);

    room->round = node->compare_round;

    ngx_rbtree_insert(&node->rooms, &room->node.node);
    ngx_queue_insert_tail(&node->rooms_of[name->partition], &room->peers);
    ngx_chat_count(node, NGX_CHAT_COUNT_ROOMS);

    ngx_chat_room_subscribe(room);

    return room;
}


void
ngx_chat_room_subscribe(ngx_chat_room_t *room)
{
    ngx_chat_node_t  *node = room->owner;

    if (!node->subscriber.up) {
        return;                         /* all rooms are, when it is */
    }

    if (ngx_chat_redis_subscribe(&node->subscriber, &room->node.str, 1)
        != NGX_OK)
    {
        ngx_chat_redis_reset(&node->subscriber, "cannot subscribe");
        return;
    }

    room->subscribing = 1;
}


/*
 * Nobody is in it.  It stays while an answer is to come that knows it, and
 * until its subscription is confirmed: a confirmation that comes when a room
 * of the same name was made anew would be taken for the new one's, and a
 * request that repeats a join may wait for it though the join has ended.
 */

void
ngx_chat_room_release(ngx_chat_room_t *room)
{
    ngx_chat_node_t  *node = room->owner;

    ngx_chat_need_cancel(&room->waiter);
    ngx_chat_repair_cancel(room);

    room->positioned = 0;
    room->stale = 0;
    room->gap = 0;
    room->epoch++;
    ngx_chat_held_drop(room);

    if (room->comparing || room->looking || room->subscribing
        || !ngx_queue_empty(&room->waiting))
    {
        return;
    }

    if (room->subscribed
        && ngx_chat_redis_unsubscribe(&node->subscriber, &room->node.str)
           != NGX_OK)
    {
        ngx_chat_redis_reset(&node->subscriber, "cannot unsubscribe");
    }

    ngx_chat_room_free(room);
}


static void
ngx_chat_room_free(ngx_chat_room_t *room)
{
    ngx_chat_held_drop(room);
    ngx_chat_repair_cancel(room);
    ngx_chat_shed_forget(room);

    if (room->audience != NULL) {
        ngx_chat_audience_orphan(room->audience);
    }

    if (room->compared != NULL) {
        ngx_free(room->compared);
    }

    ngx_rbtree_delete(&room->owner->rooms, &room->node.node);
    ngx_queue_remove(&room->peers);
    ngx_chat_count_add(room->owner, NGX_CHAT_COUNT_ROOMS, -1);
    ngx_free(room);
}


/* The subscriber link */


void
ngx_chat_room_on_down(ngx_chat_node_t *node)
{
    ngx_chat_room_t    *room;
    ngx_rbtree_node_t  *rn, *next;

    if (node->rooms.root == node->rooms.sentinel) {
        return;
    }

    for (rn = ngx_rbtree_min(node->rooms.root, node->rooms.sentinel);
         rn != NULL;
         rn = next)
    {
        next = ngx_rbtree_next(&node->rooms, rn);
        room = (ngx_chat_room_t *) rn;

        room->subscribed = 0;
        room->subscribing = 0;
        room->suspect = 0;
        room->epoch++;

        if (room->positioned) {
            ngx_chat_room_found_gap(room);
            room->stale = 1;
        }

        ngx_chat_held_drop(room);

        if (ngx_queue_empty(&room->joins)) {
            ngx_chat_room_release(room);
        }
    }
}


void
ngx_chat_room_on_up(ngx_chat_node_t *node)
{
    ngx_str_t           channels[NGX_CHAT_ROOM_SUBSCRIBE];
    ngx_uint_t          n;
    ngx_chat_room_t    *room;
    ngx_rbtree_node_t  *rn;

    if (node->rooms.root == node->rooms.sentinel) {
        return;
    }

    n = 0;

    for (rn = ngx_rbtree_min(node->rooms.root, node->rooms.sentinel);
         rn != NULL;
         rn = ngx_rbtree_next(&node->rooms, rn))
    {
        room = (ngx_chat_room_t *) rn;
        room->subscribing = 1;
        channels[n++] = room->node.str;

        if (n < NGX_CHAT_ROOM_SUBSCRIBE) {
            continue;
        }

        if (ngx_chat_redis_subscribe(&node->subscriber, channels, n)
            != NGX_OK)
        {
            break;
        }

        n = 0;
    }

    if (rn != NULL
        || (n > 0
            && ngx_chat_redis_subscribe(&node->subscriber, channels, n)
               != NGX_OK))
    {
        ngx_chat_redis_reset(&node->subscriber, "cannot subscribe");
    }
}


void
ngx_chat_room_on_subscribed(ngx_chat_node_t *node, ngx_str_t *base)
{
    ngx_queue_t         *q, waiting;
    ngx_chat_room_t     *room;
    ngx_chat_request_t  *rq;

    room = ngx_chat_room_find(node, base);

    if (room == NULL) {
        return;
    }

    room->subscribing = 0;
    room->subscribed = 1;

    if (ngx_queue_empty(&room->joins) && ngx_queue_empty(&room->waiting)) {
        ngx_chat_room_release(room);
        return;
    }

    ngx_chat_compare_on_subscribed(room);

    if (room->stale) {
        ngx_chat_repair_room(room);
    }

    ngx_queue_init(&waiting);

    if (!ngx_queue_empty(&room->waiting)) {
        ngx_queue_add(&waiting, &room->waiting);
        ngx_queue_init(&room->waiting);
    }

    while (!ngx_queue_empty(&waiting)) {
        q = ngx_queue_head(&waiting);

        rq = ngx_queue_data(q, ngx_chat_request_t, wait);
        ngx_chat_line_leave(rq);
        ngx_chat_request_run(rq);       /* the room may be gone now */
    }

    room = ngx_chat_room_find(node, base);

    if (room != NULL && ngx_queue_empty(&room->joins)) {
        ngx_chat_room_release(room);    /* who waited had no join any more */
    }
}


void
ngx_chat_room_on_publish(ngx_chat_node_t *node, ngx_str_t *base,
    ngx_str_t *payload)
{
    ngx_chat_room_t     *room;
    ngx_chat_publish_t   e;

    room = ngx_chat_room_find(node, base);

    if (room == NULL) {
        return;                         /* everybody has left meanwhile */
    }

    if (ngx_chat_room_parse(payload, &e) != NGX_OK) {
        ngx_log_error(NGX_LOG_ERR, node->log, 0,
                      "chat: malformed event in \"%V\"", base);
        return;
    }

    ngx_chat_count(node, NGX_CHAT_COUNT_PUBLISHED);
    ngx_chat_flush_heard(node);

    if (e.revision == 0) {
        ngx_chat_room_tell(room, &e);
        return;
    }

    ngx_chat_room_take(room, &e);
}


/* a durable event; the room may be gone on return */

static void
ngx_chat_room_take(ngx_chat_room_t *room, ngx_chat_publish_t *e)
{
    ngx_chat_buffer_t  *b;

    if (room->positioned && !room->stale && e->revision <= room->revision) {
        return;
    }

    if (!room->positioned && room->opening == 0) {
        return;                         /* nobody to hand it to */
    }

    b = ngx_chat_buffer_copy(CHAT_FRAME_TEXT, e->event.data, e->event.len);

    if (b == NULL) {
        room->stale = room->positioned;
        room->epoch++;
        ngx_chat_repair_room(room);
        return;
    }

    if (room->opening == 0 && ngx_queue_empty(&room->held)
        && ngx_chat_room_is_next(room, e->revision))
    {
        ngx_chat_room_fan_out(room, e->revision, &e->what, b);

    } else {
        ngx_chat_held_add(room, e->revision, &e->what, b);
    }

    ngx_chat_room_settle(room);
    ngx_chat_buffer_unref(b);
}


/* an ephemeral event: for whoever is there now, or for nobody */

static void
ngx_chat_room_tell(ngx_chat_room_t *room, ngx_chat_publish_t *e)
{
    ngx_chat_buffer_t  *b;

    b = ngx_chat_buffer_copy(CHAT_FRAME_TEXT, e->event.data, e->event.len);

    if (b != NULL) {
        room->owner->inbox.told += room->njoins;
        ngx_chat_shed_tell(room, &e->what, b);
        ngx_chat_buffer_unref(b);
    }
}


/* "<revision> <sequence> <what> <event>" */

static ngx_int_t
ngx_chat_room_parse(ngx_str_t *payload, ngx_chat_publish_t *e)
{
    u_char  *p, *last;

    p = payload->data;
    last = p + payload->len;
    e->revision = 0;

    while (p < last && *p >= '0' && *p <= '9') {
        e->revision = e->revision * 10 + (*p++ - '0');
    }

    if (p == payload->data || p == last || *p++ != ' ') {
        return NGX_ERROR;
    }

    p = ngx_strlchr(p, last, ' ');

    if (p == NULL) {
        return NGX_ERROR;
    }

    e->what.data = p + 1;
    p = ngx_strlchr(p + 1, last, ' ');

    if (p == NULL || p == e->what.data) {
        return NGX_ERROR;
    }

    e->what.len = p - e->what.data;
    e->event.data = p + 1;
    e->event.len = last - e->event.data;

    return NGX_OK;
}


ngx_uint_t
ngx_chat_room_is_next(ngx_chat_room_t *room, uint64_t revision)
{
    return room->positioned
           && !room->stale
           && ngx_chat_revision_generation(revision) == room->generation
           && ngx_chat_revision_count(revision)
              == ngx_chat_revision_count(room->revision) + 1;
}


/*
 * Joins that are being opened are left alone: the answer of Redis decides, and
 * what is held follows it.
 */

void
ngx_chat_room_fan_out(ngx_chat_room_t *room, uint64_t revision,
    ngx_str_t *what, ngx_chat_buffer_t *b)
{
    ngx_queue_t      *q, *next;
    ngx_chat_join_t  *join;

    room->owner->inbox.told += room->njoins;

    for (q = ngx_queue_head(&room->joins);
         q != ngx_queue_sentinel(&room->joins);
         q = next)
    {
        next = ngx_queue_next(q);
        join = ngx_queue_data(q, ngx_chat_join_t, room_queue);

        if (join->state == NGX_CHAT_JOIN_OPENING) {
            continue;
        }

        if (join->state == NGX_CHAT_JOIN_LIVE && join->revision < revision) {
            ngx_chat_join_tell(join, b, 0);

            if (join->own) {
                join->revision = revision;      /* the room's may go back */
            }
        }

        if (ngx_chat_join_is_put_out(join, revision, what)) {
            ngx_chat_join_end(join);
        }
    }

    room->revision = revision;

    ngx_chat_audience_on_event(room, revision, what, b);
}


uint64_t
ngx_chat_room_heard(ngx_chat_room_t *room)
{
    ngx_chat_held_t  *h;

    if (ngx_queue_empty(&room->held)) {
        return room->revision;
    }

    h = ngx_queue_data(ngx_queue_last(&room->held), ngx_chat_held_t, queue);

    return ngx_max(room->revision, h->revision);
}


void
ngx_chat_room_found_gap(ngx_chat_room_t *room)
{
    if (!room->gap) {
        room->gap = 1;
        room->gap_from = room->revision;
        room->missed = 0;
    }
}


void
ngx_chat_room_forget(ngx_chat_room_t *room)
{
    ngx_chat_held_drop(room);
    room->epoch++;
    room->stale = room->positioned;
}


/*
 * Hands out what is held as far as it goes on without a gap.  While a join is
 * being opened what was handed out stays, for it; then it is dropped.  The last
 * look at a room: if nobody is in it any more, it is released.
 */

void
ngx_chat_room_settle(ngx_chat_room_t *room)
{
    ngx_queue_t      *q, *next;
    ngx_chat_held_t  *h;

    if (ngx_queue_empty(&room->joins)) {
        ngx_chat_room_release(room);
        return;
    }

    if (!room->positioned) {

        if (room->opening == 0) {
            ngx_chat_held_drop(room);
        }

        return;
    }

    for (q = ngx_queue_head(&room->held);
         q != ngx_queue_sentinel(&room->held) && !room->stale;
         q = ngx_queue_next(q))
    {
        h = ngx_queue_data(q, ngx_chat_held_t, queue);

        if (h->revision <= room->revision) {
            continue;
        }

        if (ngx_chat_room_is_next(room, h->revision)) {
            ngx_chat_room_fan_out(room, h->revision, &h->what, h->buffer);

        } else {
            ngx_chat_room_found_gap(room);
            room->stale = 1;
        }
    }

    if (ngx_queue_empty(&room->joins)) {
        ngx_chat_room_release(room);    /* the last ones were put out */
        return;
    }

    for (q = ngx_queue_head(&room->held);
         q != ngx_queue_sentinel(&room->held) && room->opening == 0;
         q = next)
    {
        next = ngx_queue_next(q);
        h = ngx_queue_data(q, ngx_chat_held_t, queue);

        if (h->revision <= room->revision) {
            ngx_chat_held_free(room, h);
        }
    }

    if (room->stale) {
        ngx_chat_repair_room(room);
    }
}
