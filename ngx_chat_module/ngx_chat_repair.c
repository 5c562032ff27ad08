/*
 * Repair: a room that may have missed something is compared with Redis.  What
 * it missed is fetched, from Redis or from storage, and handed out; a session
 * that had seen what was lost is told to start over.
 *
 *      stale ──▶ queued ──▶ comparing ──▶ settled
 *        ▲                      │
 *        └──────── later ◀──────┘  Redis or storage not available
 */

#include "ngx_chat.h"


#define NGX_CHAT_REPAIR_PARALLEL   64       /* comparisons under way per node */
#define NGX_CHAT_REPAIR_RETRY      200      /* ms, doubled up to ... */
#define NGX_CHAT_REPAIR_MAX_RETRY  3200
#define NGX_CHAT_REPAIR_NEED       3000     /* ms, for an answer to a need */


static void ngx_chat_repair_now(ngx_chat_node_t *node, ngx_uint_t partition);
static void ngx_chat_repair_pump(ngx_chat_node_t *node);
static void ngx_chat_repair_later(ngx_chat_room_t *room, ngx_msec_t ms);
static void ngx_chat_repair_on_timer(ngx_event_t *ev);
static ngx_int_t ngx_chat_repair_compare(ngx_chat_room_t *room);
static void ngx_chat_repair_on_compared(void *data, redisReply *reply);
static void ngx_chat_repair_compared(ngx_chat_room_t *room, redisReply *reply);
static void ngx_chat_repair_caught_up(ngx_chat_room_t *room, redisReply *reply);
static uint64_t ngx_chat_repair_from(ngx_chat_room_t *room,
    redisReply *reply);
static void ngx_chat_repair_lost(ngx_chat_room_t *room);
static void ngx_chat_repair_count(ngx_chat_room_t *room);
static ngx_int_t ngx_chat_repair_deliver(ngx_chat_room_t *room,
    ngx_chat_range_event_t *e);
static ngx_int_t ngx_chat_repair_range(ngx_chat_room_t *room,
    ngx_chat_range_t *range);
static ngx_uint_t ngx_chat_repair_over(ngx_chat_room_t *room);
static void ngx_chat_repair_on_need(void *data, ngx_chat_range_t *range);


void
ngx_chat_repair_init(ngx_chat_room_t *room)
{
    room->waiter.handler = ngx_chat_repair_on_need;
    room->waiter.data = room;

    room->timer.handler = ngx_chat_repair_on_timer;
    room->timer.data = room;
    room->timer.log = room->owner->log;
    room->timer.cancelable = 1;
}


void
ngx_chat_repair_room(ngx_chat_room_t *room)
{
    ngx_chat_node_t  *node = room->owner;

    if (room->comparing || room->queued || room->timer.timer_set
        || !room->subscribed)
    {
        return;                         /* that goes on by itself */
    }

    room->queued = 1;
    ngx_queue_insert_tail(&node->repairs, &room->repair);

    ngx_chat_repair_pump(node);
}


void
ngx_chat_repair_all(ngx_chat_node_t *node)
{
    ngx_uint_t  p;

    for (p = 0; p < node->conf->partitions; p++) {
        ngx_chat_repair_now(node, p);
    }
}


/* comparing begins, or fails and is tried later: no room is freed */

static void
ngx_chat_repair_now(ngx_chat_node_t *node, ngx_uint_t partition)
{
    ngx_queue_t      *q, *rooms = &node->rooms_of[partition];
    ngx_chat_room_t  *room;

    for (q = ngx_queue_head(rooms);
         q != ngx_queue_sentinel(rooms);
         q = ngx_queue_next(q))
    {
        room = ngx_queue_data(q, ngx_chat_room_t, peers);

        if (!room->stale) {
            continue;
        }

        if (room->timer.timer_set) {
            ngx_del_timer(&room->timer);
        }

        ngx_chat_repair_room(room);
    }
}


/* rooms compared in another generation may have seen what was lost */

void
ngx_chat_repair_partition(ngx_chat_node_t *node, ngx_uint_t partition,
    uint64_t generation)
{
    ngx_queue_t      *q, *rooms;
    ngx_uint_t        found;
    ngx_chat_room_t  *room;

    if (partition >= node->conf->partitions) {
        return;
    }

    rooms = &node->rooms_of[partition];
    found = 0;

    for (q = ngx_queue_head(rooms);
         q != ngx_queue_sentinel(rooms);
         q = ngx_queue_next(q))
    {
        room = ngx_queue_data(q, ngx_chat_room_t, peers);

        if (room->positioned && room->generation != generation) {
            room->stale = 1;
            found = 1;
        }
    }

    if (found) {
        ngx_chat_repair_now(node, partition);
    }
}


static void
ngx_chat_repair_pump(ngx_chat_node_t *node)
{
    ngx_queue_t      *q;
    ngx_chat_room_t  *room;

    while (node->repairing < NGX_CHAT_REPAIR_PARALLEL
           && !ngx_queue_empty(&node->repairs))
    {
        q = ngx_queue_head(&node->repairs);
        ngx_queue_remove(q);

        room = ngx_queue_data(q, ngx_chat_room_t, repair);
        room->queued = 0;

        ngx_chat_need_cancel(&room->waiter);

        if (ngx_chat_repair_compare(room) != NGX_OK) {
            ngx_chat_repair_later(room, 0);
        }
    }
}


/* 0: as long as the number of failures says */

static void
ngx_chat_repair_later(ngx_chat_room_t *room, ngx_msec_t ms)
{
    if (ms == 0) {
        ms = NGX_CHAT_REPAIR_RETRY << ngx_min(room->tries, 4);
        ms = ngx_min(ms, NGX_CHAT_REPAIR_MAX_RETRY) + ngx_random() % 100;
        room->tries++;
    }

    ngx_add_timer(&room->timer, ms);
}


void
ngx_chat_repair_cancel(ngx_chat_room_t *room)
{
    if (room->timer.timer_set) {
        ngx_del_timer(&room->timer);
    }

    if (room->queued) {
        room->queued = 0;
        ngx_queue_remove(&room->repair);
    }
}


static void
ngx_chat_repair_on_timer(ngx_event_t *ev)
{
    ngx_chat_repair_room(ev->data);
}


static ngx_int_t
ngx_chat_repair_compare(ngx_chat_room_t *room)
{
    uint64_t         revisions[NGX_CHAT_SEEN_MAX];
    ngx_uint_t       i, n;
    ngx_chat_call_t  call;

    room->comparing = 1;

    n = ngx_chat_seen_list(room, revisions);

    if (n == 0) {                       /* the next join tells the position */
        room->comparing = 0;
        room->positioned = 0;
        room->stale = 0;
        return NGX_OK;
    }

    if (room->compared == NULL) {
        room->compared = ngx_alloc(sizeof(revisions), room->owner->log);
    }

    if (room->compared == NULL) {
        room->comparing = 0;
        return NGX_ERROR;
    }

    ngx_chat_call_begin(&call, room->owner, "chat_v1_compare", &room->name);
    ngx_chat_call_add_uint(&call, NGX_CHAT_MAX_EVENTS_BYTES);

    for (i = 0; i < n; i++) {
        room->compared[i] = revisions[i];
        ngx_chat_call_add_uint(&call, revisions[i]);
    }

    room->ncompared = n;
    room->compared_epoch = room->epoch;

    if (ngx_chat_call_send(&call, room->owner, ngx_chat_repair_on_compared,
                           room)
        != NGX_OK)
    {
        room->comparing = 0;
        return NGX_ERROR;
    }

    room->owner->repairing++;
    ngx_chat_count(room->owner, NGX_CHAT_COUNT_REPAIRS);

    return NGX_OK;
}


static void
ngx_chat_repair_on_compared(void *data, redisReply *reply)
{
    ngx_chat_room_t  *room = data;
    ngx_chat_node_t  *node = room->owner;

    node->repairing--;
    ngx_chat_count_add(node, NGX_CHAT_COUNT_REPAIRS, -1);
    room->comparing = 0;

    if (ngx_queue_empty(&room->joins)) {
        ngx_chat_room_release(room);

    } else if (room->epoch != room->compared_epoch) {
        ngx_chat_repair_room(room);     /* something was lost meanwhile */

    } else {
        ngx_chat_repair_compared(room, reply);
    }

    ngx_chat_repair_pump(node);
}


static void
ngx_chat_repair_compared(ngx_chat_room_t *room, redisReply *reply)
{
    ngx_int_t  rc;

    switch (ngx_chat_bus_answer(room->owner->log, &room->node.str,
                                reply, 6 + room->ncompared)) {

    case NGX_CHAT_ANSWER_OK:

        if (ngx_chat_bus_uint(reply, 1) != room->generation
            && !ngx_chat_seen_covered(room))
        {
            ngx_chat_repair_room(room);
            return;
        }

        ngx_chat_repair_caught_up(room, reply);
        return;

    case NGX_CHAT_ANSWER_NEED_RANGE:

        if (reply->elements < 4 + room->ncompared) {
            break;
        }

        room->revision = ngx_chat_seen_reset_bad(room, reply);

        rc = ngx_chat_need_range(room->owner, &room->name,
                                 ngx_chat_bus_uint(reply, 2), &room->waiter);

        ngx_chat_repair_later(room, rc == NGX_OK ? NGX_CHAT_REPAIR_NEED : 0);
        return;

    case NGX_CHAT_ANSWER_NEED_CONVERSATION:
        rc = ngx_chat_need_conversation(room->owner, &room->name,
                                        &room->waiter);

        ngx_chat_repair_later(room, rc == NGX_OK ? NGX_CHAT_REPAIR_NEED : 0);
        return;

    case NGX_CHAT_ANSWER_NOT_FOUND:
        ngx_chat_repair_lost(room);
        return;

    default:
        break;
    }

    ngx_chat_repair_later(room, 0);
}


/*
 * ok, generation, sequence, revision, whether each of the revisions that were
 * sent is good, complete, how far the events reach, then revision, what and
 * event in turn
 */

static void
ngx_chat_repair_caught_up(ngx_chat_room_t *room, redisReply *reply)
{
    size_t                   i;
    uint64_t                 lowest, generation, before = room->revision;
    ngx_int_t                rc;
    ngx_chat_range_event_t   e;

    if (!ngx_chat_bus_has_texts(reply, 6 + room->ncompared, 3)) {
        ngx_log_error(NGX_LOG_ERR, room->owner->log, 0,
                      "chat: malformed comparison from redis, "
                      "conversation: \"%V\"", &room->node.str);
        ngx_chat_repair_later(room, 0);
        return;
    }

    lowest = ngx_chat_seen_reset_bad(room, reply);
    generation = ngx_chat_bus_uint(reply, 1);

    if (generation != room->generation) {
        ngx_chat_audience_on_loss(room);
    }

    if (lowest < ngx_chat_repair_from(room, reply)) {

        /* who has joined meanwhile is behind what was asked for */

        room->generation = generation;
        room->revision = lowest;
        ngx_chat_repair_room(room);
        return;
    }

    rc = NGX_OK;

    for (i = 6 + room->ncompared;
         i + 2 < reply->elements && rc == NGX_OK;
         i += 3)
    {
        e.revision = ngx_chat_bus_uint(reply, i);
        e.what = ngx_chat_bus_str(reply, i + 1);
        e.text = ngx_chat_bus_str(reply, i + 2);

        rc = ngx_chat_repair_deliver(room, &e);
    }

    if (ngx_chat_repair_over(room)) {
        return;
    }

    if (rc != NGX_OK) {
        ngx_chat_repair_later(room, 0);
        return;
    }

    room->generation = generation;
    room->revision = ngx_chat_bus_uint(reply, 5 + room->ncompared);
    room->tries = 0;

    if (ngx_chat_bus_uint(reply, 4 + room->ncompared) == 0) {
        ngx_chat_repair_room(room);     /* there is more */
        return;
    }

    room->stale = 0;
    ngx_chat_repair_count(room);

    if (room->revision == before && ngx_chat_held_has_gap(room)) {

        /* Redis knows of nothing between: is what is held an event of it? */

        ngx_chat_room_forget(room);
        ngx_chat_repair_room(room);
        return;
    }

    ngx_chat_room_settle(room);
}


/* after which revision Redis tells events: the lowest good one of those that it
   was asked for, or the present */

static uint64_t
ngx_chat_repair_from(ngx_chat_room_t *room, redisReply *reply)
{
    uint64_t    from;
    ngx_uint_t  i;

    from = ngx_chat_bus_uint(reply, 3);

    for (i = 0; i < room->ncompared; i++) {

        if (ngx_chat_bus_uint(reply, 4 + i) == 1) {
            from = ngx_min(from, room->compared[i]);
        }
    }

    return from;
}


/* there is no such conversation any more: it was never stored */

static void
ngx_chat_repair_lost(ngx_chat_room_t *room)
{
    ngx_queue_t      *q, *next;
    ngx_chat_join_t  *join;

    for (q = ngx_queue_head(&room->joins);
         q != ngx_queue_sentinel(&room->joins);
         q = next)
    {
        next = ngx_queue_next(q);
        join = ngx_queue_data(q, ngx_chat_join_t, room_queue);

        if (join->state != NGX_CHAT_JOIN_OPENING) {
            ngx_chat_seen_tell_reset(join);
            ngx_chat_join_end(join);
        }
    }

    room->positioned = 0;
    room->stale = 0;

    if (ngx_queue_empty(&room->joins)) {
        ngx_chat_room_release(room);
    }
}


/* it has all now; what was fetched and had not been heard was a gap */

static void
ngx_chat_repair_count(ngx_chat_room_t *room)
{
    if (room->gap && room->missed > 0) {
        ngx_chat_count(room->owner, NGX_CHAT_COUNT_GAPS);

        ngx_log_error(NGX_LOG_NOTICE, room->owner->log, 0,
                      "chat: a gap in \"%V\" was repaired, events: %ui",
                      &room->node.str, room->missed);
    }

    room->gap = 0;
    room->missed = 0;
}


static ngx_int_t
ngx_chat_repair_deliver(ngx_chat_room_t *room, ngx_chat_range_event_t *e)
{
    ngx_chat_buffer_t  *b;

    b = ngx_chat_buffer_copy(CHAT_FRAME_TEXT, e->text.data, e->text.len);
    if (b == NULL) {
        return NGX_ERROR;
    }

    if (room->gap && e->revision > room->gap_from
        && !ngx_chat_held_has(room, e->revision))
    {
        room->missed++;
    }

    ngx_chat_room_fan_out(room, e->revision, &e->what, b);
    ngx_chat_buffer_unref(b);

    return NGX_OK;
}


/* whether the last sessions were put out, and the room with them */

static ngx_uint_t
ngx_chat_repair_over(ngx_chat_room_t *room)
{
    if (!ngx_queue_empty(&room->joins)) {
        return 0;
    }

    ngx_chat_room_release(room);

    return 1;
}


/* storage has told what Redis does not hold, or has loaded it into Redis */

static void
ngx_chat_repair_on_need(void *data, ngx_chat_range_t *range)
{
    ngx_int_t         rc;
    ngx_chat_room_t  *room = data;

    if (room->timer.timer_set) {
        ngx_del_timer(&room->timer);
    }

    if (range == NULL) {
        ngx_chat_repair_room(room);
        return;
    }

    if (!range->ok) {
        ngx_chat_repair_later(room, 0);
        return;
    }

    rc = ngx_chat_repair_range(room, range);

    if (ngx_chat_repair_over(room)) {
        return;
    }

    if (rc != NGX_OK) {
        ngx_chat_repair_later(room, 0);
        return;
    }

    room->revision = ngx_max(room->revision, range->reach);

    ngx_chat_repair_room(room);
}


static ngx_int_t
ngx_chat_repair_range(ngx_chat_room_t *room, ngx_chat_range_t *range)
{
    ngx_int_t                rc;
    ngx_chat_range_event_t   e;

    for ( ;; ) {
        rc = ngx_chat_range_next(range, &e);

        if (rc == NGX_DONE) {
            return NGX_OK;
        }

        if (rc == NGX_ERROR) {
            ngx_log_error(NGX_LOG_ERR, room->owner->log, 0,
                          "chat: malformed events from storage, "
                          "conversation: \"%V\"", &room->node.str);
            return NGX_ERROR;
        }

        if (ngx_chat_repair_deliver(room, &e) != NGX_OK) {
            return NGX_ERROR;
        }
    }
}
