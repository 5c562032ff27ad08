/*
 * Joins: sessions in rooms.
 *
 *      (none) ──▶ OPENING ──▶ LIVE
 *                  ▲   │
 *                  │   ▼
 *                 PARTIAL
 *
 * Some events put sessions out of the room: member.left those of its user,
 * conversation.deleted all.  Redis says so beside the event ("what"), in every
 * way in which an event comes: published, in the answer to a comparison or to
 * open, from storage.  Whoever is put out gets the event, and its join ends
 * when that is handed out, so nothing can follow.  What else may be under way
 * then, for a session of the user that the event of revision R puts out:
 *
 *   LIVE, and its join was let in at R or later: the user was out and came back
 *   before it joined (or repeated its join).  To it the event is history.
 *
 *   LIVE, the event is held, the room is being compared, or waits for storage:
 *   it is handed out in its turn, from wherever it comes first, and the others
 *   skip it by its revision.  Storage may tell a member that is back already
 *   of its return alone: it has missed nothing, and stays.
 *
 *   LIVE, and its join is being repeated: if Redis answers that it is in, the
 *   request finds itself without a join, and asks again from the start.  If
 *   Redis refuses it before the event comes, the join goes on until the event
 *   does come, and tells it why.
 *
 *   OPENING, Redis has not answered open: either it read the position at R or
 *   later, and has refused the user, or let it in again; or before R, and then
 *   R is in held when the answer comes, since the room was subscribed before
 *   open was sent.  (If held was dropped meanwhile, epoch has changed, and open
 *   is sent again.)  So the answer is given, what is held follows it up to R,
 *   and there the join ends.  The others may have got R in another way, so that
 *   its publish is skipped as old: not from storage, since that comes over the
 *   link of the publish, after it; and if from a comparison, that comes over
 *   the link of open, hence after the answer to what was asked before it.
 *
 *   OPENING, and it waits for something else, the subscription or what storage
 *   has to bring: it asks Redis (again) after that, and Redis knows.
 *
 *   PARTIAL: it has to join again and will be told then that it is out; not
 *   being handed the event, it does not lose what lies between.
 *
 *   Told to start over: it may have been let in by what was lost.  It joins
 *   anew, on its own behalf, see ngx_chat_repair_reset().
 *
 * A join of a batch is opened like any other, as soon as Redis has answered for
 * it.  Its reply waits for the rest of the batch, and what it would be handed
 * meanwhile waits behind the reply: to the client it is the same, only later.
 */

#include "ngx_chat.h"


static ngx_uint_t ngx_chat_join_catch_up(ngx_chat_join_t *join,
    uint64_t reach);


ngx_chat_join_t *
ngx_chat_join_begin(ngx_chat_session_t *s, ngx_chat_request_t *rq)
{
    ngx_chat_join_t  *join;
    ngx_chat_room_t  *room;

    join = ngx_chat_join_find(s, &rq->name.base);

    if (join == NULL) {
        room = ngx_chat_room_get(s->node, &rq->name);
        if (room == NULL) {
            return NULL;
        }

        join = ngx_alloc(sizeof(ngx_chat_join_t), s->node->log);
        if (join == NULL) {

            if (ngx_queue_empty(&room->joins)) {
                ngx_chat_room_release(room);
            }

            return NULL;
        }

        join->room = room;
        join->session = s;
        join->revision = 0;
        join->admitted = 0;
        join->own = 0;
        join->gap = 0;
        join->listens = 0;
        join->request = NULL;
        join->element = NULL;
        join->typing = NULL;
        join->state = NGX_CHAT_JOIN_PARTIAL;

        ngx_queue_insert_tail(&room->joins, &join->room_queue);
        room->njoins++;
        ngx_queue_insert_tail(&s->joins, &join->session_queue);
        s->njoins++;
        ngx_chat_session_count(s, NGX_CHAT_COUNT_JOINS, 1);
    }

    /* a live one goes on as it is, whatever becomes of the request */

    if (join->state != NGX_CHAT_JOIN_LIVE) {
        join->state = NGX_CHAT_JOIN_OPENING;
        join->room->opening++;
    }

    join->request = rq;
    rq->join = join;

    return join;
}


ngx_chat_join_t *
ngx_chat_join_find(ngx_chat_session_t *s, ngx_str_t *base)
{
    ngx_queue_t      *q;
    ngx_chat_join_t  *join;

    for (q = ngx_queue_head(&s->joins);
         q != ngx_queue_sentinel(&s->joins);
         q = ngx_queue_next(q))
    {
        join = ngx_queue_data(q, ngx_chat_join_t, session_queue);

        if (join->room->node.str.len == base->len
            && ngx_memcmp(join->room->base, base->data, base->len) == 0)
        {
            return join;
        }
    }

    return NULL;
}


/* a request that repeats it asks Redis from the start, see above */

void
ngx_chat_join_end(ngx_chat_join_t *join)
{
    ngx_chat_room_t  *room = join->room;

    ngx_chat_typing_end(join);

    if (join->state == NGX_CHAT_JOIN_OPENING) {
        room->opening--;
    }

    if (join->request != NULL) {
        join->request->join = NULL;
    }

    if (join->element != NULL) {
        ngx_chat_batch_left(join->element);
    }

    ngx_chat_audience_leave(join);

    ngx_queue_remove(&join->room_queue);
    room->njoins--;
    ngx_queue_remove(&join->session_queue);
    join->session->njoins--;
    ngx_chat_session_count(join->session, NGX_CHAT_COUNT_JOINS, -1);
    ngx_free(join);
}


void
ngx_chat_join_opened(ngx_chat_join_t *join, uint64_t generation,
    uint64_t revision, uint64_t reach, ngx_uint_t complete)
{
    ngx_chat_room_t  *room = join->room;

    join->request = NULL;
    join->admitted = revision;

    if (join->state == NGX_CHAT_JOIN_LIVE) {
        return;                         /* it asked, and hears all anyway */
    }

    room->opening--;
    join->revision = reach;
    join->state = complete ? NGX_CHAT_JOIN_LIVE : NGX_CHAT_JOIN_PARTIAL;
    join->own = room->positioned && generation != room->generation;

    if (!room->positioned) {
        room->positioned = 1;
        room->stale = 0;
        room->gap = 0;
        room->revision = revision;
        room->generation = generation;

    } else if (generation != room->generation) {
        room->stale = 1;                /* the others must be compared */
    }

    /* what the others have got beyond it in another generation is lost */

    if (generation == room->generation && ngx_chat_join_catch_up(join, reach)) {
        ngx_chat_join_end(join);
    }

    ngx_chat_room_settle(room);
}


/*
 * What the others have got since the position of this join was read; a client
 * that has to join again gets it then.  Returns whether it is put out by that.
 */

static ngx_uint_t
ngx_chat_join_catch_up(ngx_chat_join_t *join, uint64_t reach)
{
    ngx_queue_t      *q;
    ngx_chat_held_t  *h;
    ngx_chat_room_t  *room = join->room;

    for (q = ngx_queue_head(&room->held);
         q != ngx_queue_sentinel(&room->held);
         q = ngx_queue_next(q))
    {
        h = ngx_queue_data(q, ngx_chat_held_t, queue);

        if (h->revision <= reach || h->revision > room->revision) {
            continue;
        }

        if (join->state == NGX_CHAT_JOIN_LIVE) {
            ngx_chat_join_tell(join, h->buffer, 0);
        }

        if (ngx_chat_join_is_put_out(join, h->revision, &h->what)) {
            return 1;
        }
    }

    return 0;
}


void
ngx_chat_join_tell(ngx_chat_join_t *join, ngx_chat_buffer_t *b,
    ngx_uint_t always)
{
    if (join->element != NULL) {
        ngx_chat_batch_park(join->element, b, always);
        return;
    }

    if (join->room->njoins > NGX_CHAT_ROOM_CROWD) {
        ngx_chat_write_crowd(join->session, b);
        return;
    }

    ngx_chat_write_queue(join->session, b);
    ngx_chat_session_count(join->session, NGX_CHAT_COUNT_DELIVERED, 1);
}


/* whether the event ends the join: "-<user>" that user's, "!" everybody's */

ngx_uint_t
ngx_chat_join_is_put_out(ngx_chat_join_t *join, uint64_t revision,
    ngx_str_t *what)
{
    ngx_str_t  *user;

    if (what->len == 0 || what->data[0] == '.' || revision <= join->admitted) {
        return 0;
    }

    if (what->data[0] == '!') {
        return 1;
    }

    user = &join->session->identity->user;

    return what->data[0] == '-' && what->len == user->len + 1
           && ngx_memcmp(what->data + 1, user->data, user->len) == 0;
}
