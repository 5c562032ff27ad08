/*
 * Ephemeral events that are not told, since there is too much to tell.
 *
 * A session whose socket takes nothing and that has a quarter of
 * chat_send_queue waiting is not told any; when its queue is empty it is told
 * "gap" for each conversation of which it has missed some.  A node that has too
 * much to do tells nobody those of some kinds, see ngx_chat_overload.c, and
 * "gap" to all in the conversation when that is over.
 *
 *      s->joins: | missed some ... | has all ... |
 */

#include "ngx_chat.h"


#define NGX_CHAT_SHED_EVENT  128        /* a gap, but for the id */
#define NGX_CHAT_SHED_TOLD   16384      /* gaps of a turn, over all sessions */


/* by the first byte of "what"; anything else is the last one */

static const struct {
    u_char            what;
    ngx_uint_t        level;            /* from which on nobody is told */
    ngx_chat_count_e  count;
} ngx_chat_shed_kinds[] = {
    { 't', NGX_CHAT_OVERLOAD_TYPING, NGX_CHAT_COUNT_SHED_TYPING },
    { 'p', NGX_CHAT_OVERLOAD_PRESENCE, NGX_CHAT_COUNT_SHED_PRESENCE },
    { 'r', NGX_CHAT_OVERLOAD_RECEIPTS, NGX_CHAT_COUNT_SHED_RECEIPT },
    { '.', NGX_CHAT_OVERLOAD_RECEIPTS, NGX_CHAT_COUNT_SHED_RECEIPT }
};


static ngx_uint_t ngx_chat_shed_kind(ngx_str_t *what);
static ngx_uint_t ngx_chat_shed_is_own(ngx_chat_join_t *join,
    ngx_str_t *what);
static ngx_uint_t ngx_chat_shed_is_of(ngx_chat_join_t *join,
    ngx_str_t *user);
static void ngx_chat_shed_room(ngx_chat_room_t *room);
static ngx_uint_t ngx_chat_shed_join(ngx_chat_join_t *join,
    ngx_chat_buffer_t *b);
static ngx_chat_buffer_t *ngx_chat_shed_gap(ngx_chat_room_t *room);
static void ngx_chat_shed_event(ngx_event_t *ev);


void
ngx_chat_shed_init(ngx_chat_node_t *node)
{
    ngx_chat_load_t  *load = &node->load;

    ngx_queue_init(&load->rooms);

    load->gaps.handler = ngx_chat_shed_event;
    load->gaps.data = node;
    load->gaps.log = node->log;
}


void
ngx_chat_shed_done(ngx_chat_node_t *node)
{
    if (node->load.gaps.posted) {
        ngx_delete_posted_event(&node->load.gaps);
    }
}


void
ngx_chat_shed_tell(ngx_chat_room_t *room, ngx_str_t *what,
    ngx_chat_buffer_t *b)
{
    ngx_uint_t        kind, n;
    ngx_queue_t      *q;
    ngx_chat_join_t  *join;
    ngx_chat_node_t  *node = room->owner;

    kind = ngx_chat_shed_kind(what);

    if (node->load.level >= ngx_chat_shed_kinds[kind].level) {
        ngx_chat_count_add(node, ngx_chat_shed_kinds[kind].count,
                           room->njoins);
        ngx_chat_shed_room(room);
        return;
    }

    n = 0;

    for (q = ngx_queue_head(&room->joins);
         q != ngx_queue_sentinel(&room->joins);
         q = ngx_queue_next(q))
    {
        join = ngx_queue_data(q, ngx_chat_join_t, room_queue);

        if (!ngx_chat_shed_is_own(join, what)) {
            n += ngx_chat_shed_join(join, b);
        }
    }

    if (n > 0) {
        ngx_chat_count_add(node, ngx_chat_shed_kinds[kind].count, n);
    }
}


void
ngx_chat_shed_listeners(ngx_chat_room_t *room, ngx_str_t *user,
    ngx_chat_buffer_t *b)
{
    ngx_uint_t        n;
    ngx_queue_t      *q;
    ngx_chat_join_t  *join;

    n = 0;

    for (q = ngx_queue_head(&room->joins);
         q != ngx_queue_sentinel(&room->joins);
         q = ngx_queue_next(q))
    {
        join = ngx_queue_data(q, ngx_chat_join_t, room_queue);

        if (join->listens && !ngx_chat_shed_is_of(join, user)) {
            room->owner->inbox.told++;
            n += ngx_chat_shed_join(join, b);
        }
    }

    if (n > 0) {
        ngx_chat_count_add(room->owner, NGX_CHAT_COUNT_SHED_PRESENCE, n);
    }
}


static ngx_uint_t
ngx_chat_shed_is_of(ngx_chat_join_t *join, ngx_str_t *user)
{
    ngx_str_t  *own = &join->session->identity->user;

    return user != NULL && own->len == user->len
           && ngx_memcmp(own->data, user->data, user->len) == 0;
}


static ngx_uint_t
ngx_chat_shed_kind(ngx_str_t *what)
{
    ngx_uint_t  i;

    for (i = 0; ngx_chat_shed_kinds[i].what != '.'; i++) {
        if (ngx_chat_shed_kinds[i].what == what->data[0]) {
            break;
        }
    }

    return i;
}


/* the session that types, see redis/chat.lua */

static ngx_uint_t
ngx_chat_shed_is_own(ngx_chat_join_t *join, ngx_str_t *what)
{
    return what->len == 1 + CHAT_ID_LEN
           && ngx_memcmp(what->data + 1, join->session->id, CHAT_ID_LEN) == 0;
}


/* tells one session; returns whether it goes without */

static ngx_uint_t
ngx_chat_shed_join(ngx_chat_join_t *join, ngx_chat_buffer_t *b)
{
    ngx_chat_session_t  *s = join->session;

    if (join->state != NGX_CHAT_JOIN_LIVE || join->element != NULL) {
        return 0;
    }

    if (!ngx_chat_shed_is_slow(s)) {
        ngx_chat_join_tell(join, b, 0);
        return 0;
    }

    if (!join->gap) {
        join->gap = 1;
        s->shed = 1;

        ngx_queue_remove(&join->session_queue);
        ngx_queue_insert_head(&s->joins, &join->session_queue);
    }

    return 1;
}


ngx_uint_t
ngx_chat_shed_is_slow(ngx_chat_session_t *s)
{
    return s->out_bytes > s->conf->send_queue / NGX_CHAT_SHED_PART
           && !s->connection->write->ready;
}


/* its queue is empty */

void
ngx_chat_shed_drained(ngx_chat_session_t *s)
{
    ngx_queue_t        *q;
    ngx_chat_join_t    *join;
    ngx_chat_buffer_t  *b;

    while (!ngx_queue_empty(&s->joins)) {
        q = ngx_queue_head(&s->joins);
        join = ngx_queue_data(q, ngx_chat_join_t, session_queue);

        if (!join->gap) {
            break;
        }

        if (s->out_bytes > s->conf->send_queue / NGX_CHAT_SHED_PART) {
            return;                     /* the rest when that is sent */
        }

        b = ngx_chat_shed_gap(join->room);
        if (b == NULL) {
            ngx_chat_session_doom(s, NGX_CHAT_CLOSE_INTERNAL);
            return;
        }

        join->gap = 0;

        ngx_queue_remove(&join->session_queue);
        ngx_queue_insert_tail(&s->joins, &join->session_queue);

        ngx_chat_write_queue(s, b);
        ngx_chat_buffer_unref(b);
    }

    if (ngx_chat_subscriber_drained(s) == NGX_AGAIN) {
        return;
    }

    s->shed = 0;
}


/* gap {conversationId} */

static ngx_chat_buffer_t *
ngx_chat_shed_gap(ngx_chat_room_t *room)
{
    u_char             *p, *last;
    chat_writer_t       w;
    ngx_chat_buffer_t  *b;

    last = room->node.str.data + room->node.str.len;
    p = ngx_strlchr(room->node.str.data, last, '/');    /* <tenant>/<id> */

    b = ngx_chat_buffer_create(NGX_CHAT_SHED_EVENT + room->node.str.len);
    if (b == NULL || p == NULL) {
        ngx_chat_buffer_unref(b);
        return NULL;
    }

    chat_writer_init(&w, b->payload, b->size);
    chat_write_cstr(&w, "{\"type\":\"gap\",\"data\":{\"conversationId\":");
    chat_write_string(&w, (chat_str_t) { p + 1, last - p - 1 });
    chat_write_cstr(&w, "}}");

    ngx_chat_buffer_finish(b, CHAT_FRAME_TEXT, w.len);

    return b;
}


/* Conversations, when the node has recovered */


static void
ngx_chat_shed_room(ngx_chat_room_t *room)
{
    if (!room->shed) {
        room->shed = 1;
        ngx_queue_insert_tail(&room->owner->load.rooms, &room->shed_queue);
    }
}


/* it is released */

void
ngx_chat_shed_forget(ngx_chat_room_t *room)
{
    if (room->shed) {
        room->shed = 0;
        ngx_queue_remove(&room->shed_queue);
    }
}


void
ngx_chat_shed_over(ngx_chat_node_t *node)
{
    if (!ngx_queue_empty(&node->load.rooms) && !node->load.gaps.posted) {
        ngx_post_event(&node->load.gaps, &ngx_posted_next_events);
    }

    ngx_chat_subscriber_over(node);
}


static void
ngx_chat_shed_event(ngx_event_t *ev)
{
    ngx_uint_t          n;
    ngx_queue_t        *q, *next;
    ngx_chat_node_t    *node = ev->data;
    ngx_chat_room_t    *room;
    ngx_chat_buffer_t  *b;

    for (n = 0; n < NGX_CHAT_SHED_TOLD; n += room->njoins + 1) {

        if (ngx_queue_empty(&node->load.rooms)) {
            return;
        }

        room = ngx_queue_data(ngx_queue_head(&node->load.rooms),
                              ngx_chat_room_t, shed_queue);
        ngx_chat_shed_forget(room);

        b = ngx_chat_shed_gap(room);
        if (b == NULL) {
            continue;                   /* they will miss more than that */
        }

        for (q = ngx_queue_head(&room->joins);
             q != ngx_queue_sentinel(&room->joins);
             q = next)
        {
            next = ngx_queue_next(q);
            (void) ngx_chat_shed_join(
                       ngx_queue_data(q, ngx_chat_join_t, room_queue), b);
        }

        ngx_chat_buffer_unref(b);
    }

    ngx_post_event(ev, &ngx_posted_next_events);
}
