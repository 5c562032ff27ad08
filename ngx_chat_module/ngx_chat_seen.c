/*
 * What the sessions of a room have got, and who of them has seen what Redis
 * has lost since: they are told to start over.
 */

#include "ngx_chat.h"


#define NGX_CHAT_SEEN_EVENT  128        /* a reset, but for the id */


static ngx_chat_join_t *ngx_chat_seen_next(ngx_chat_room_t *room,
    ngx_chat_join_t *join);
static uint64_t ngx_chat_seen_of(ngx_chat_join_t *join);
static void ngx_chat_seen_reset(ngx_chat_join_t *join);


/* the live one after this one, or NULL; NULL: the first */

static ngx_chat_join_t *
ngx_chat_seen_next(ngx_chat_room_t *room, ngx_chat_join_t *join)
{
    ngx_queue_t  *q;

    q = join == NULL ? ngx_queue_head(&room->joins)
                     : ngx_queue_next(&join->room_queue);

    for ( /* void */ ; q != ngx_queue_sentinel(&room->joins);
          q = ngx_queue_next(q))
    {
        join = ngx_queue_data(q, ngx_chat_join_t, room_queue);

        if (join->state == NGX_CHAT_JOIN_LIVE) {
            return join;
        }
    }

    return NULL;
}


/* the revision that a live session has got */

static uint64_t
ngx_chat_seen_of(ngx_chat_join_t *join)
{
    return join->own ? join->revision
                     : ngx_max(join->revision, join->room->revision);
}


/*
 * The different revisions that live sessions have got: usually one, the
 * room's; those that joined ahead of what the room has heard have their own.
 */

ngx_uint_t
ngx_chat_seen_list(ngx_chat_room_t *room, uint64_t *revisions)
{
    uint64_t          revision;
    ngx_uint_t        i, n;
    ngx_chat_join_t  *join;

    n = 0;

    for (join = ngx_chat_seen_next(room, NULL);
         join != NULL;
         join = ngx_chat_seen_next(room, join))
    {
        revision = ngx_chat_seen_of(join);

        for (i = 0; i < n && revisions[i] != revision; i++) { /* void */ }

        if (i < n) {
            continue;
        }

        if (n == NGX_CHAT_SEEN_MAX) {

            /* it resumes from where it is when it has connected again */

            ngx_chat_session_doom(join->session, NGX_CHAT_CLOSE_RESTART);
            continue;
        }

        revisions[n++] = revision;
    }

    return n;
}


/*
 * Whether all live sessions were asked about.  One whose join was answered
 * since may have seen what was lost before the comparison.
 */

ngx_uint_t
ngx_chat_seen_covered(ngx_chat_room_t *room)
{
    uint64_t          revision;
    ngx_uint_t        i;
    ngx_chat_join_t  *join;

    for (join = ngx_chat_seen_next(room, NULL);
         join != NULL;
         join = ngx_chat_seen_next(room, join))
    {
        revision = ngx_chat_seen_of(join);

        for (i = 0; i < room->ncompared; i++) {
            if (room->compared[i] == revision) {
                break;
            }
        }

        if (i == room->ncompared) {
            return 0;
        }
    }

    return 1;
}


/*
 * Writes into each join what its session has got, since the room's own
 * revision may go back now; who had seen what was lost is told.  Returns the
 * lowest of those that go on.
 */

uint64_t
ngx_chat_seen_reset_bad(ngx_chat_room_t *room, redisReply *reply)
{
    uint64_t          lowest;
    ngx_uint_t        i;
    ngx_chat_join_t  *join;

    lowest = ngx_chat_bus_uint(reply, 3);

    for (join = ngx_chat_seen_next(room, NULL);
         join != NULL;
         join = ngx_chat_seen_next(room, join))
    {
        join->revision = ngx_chat_seen_of(join);
        join->own = 0;

        for (i = 0; i < room->ncompared; i++) {

            if (room->compared[i] == join->revision
                && ngx_chat_bus_uint(reply, 4 + i) == 0)
            {
                ngx_chat_seen_reset(join);
                break;
            }
        }

        if (join->state == NGX_CHAT_JOIN_LIVE) {
            lowest = ngx_min(lowest, join->revision);
        }
    }

    return lowest;
}


/*
 * It goes on from the present, but may have been let in by what was lost, or
 * put out since: so it joins anew, on its own behalf, before anything that its
 * client may ask for now.
 */

static void
ngx_chat_seen_reset(ngx_chat_join_t *join)
{
    ngx_chat_seen_tell_reset(join);

    if (join->request != NULL) {
        join->request->join = NULL;     /* it asks again, see ngx_chat_join.c */
        join->request = NULL;
    }

    join->state = NGX_CHAT_JOIN_PARTIAL;
    ngx_chat_queue_rejoin(join->session, &join->room->name);
}


/* conversation.reset {conversationId} */

void
ngx_chat_seen_tell_reset(ngx_chat_join_t *join)
{
    size_t              skip;
    ngx_str_t           id;
    chat_writer_t       w;
    ngx_chat_buffer_t  *b;
    ngx_chat_room_t    *room = join->room;

    skip = CHAT_NAME_PREFIX_LEN + sizeof("c:") - 1
           + join->session->identity->tenant.len + 1;

    id.data = room->node.str.data + skip;
    id.len = room->node.str.len - skip;

    b = ngx_chat_buffer_create(NGX_CHAT_SEEN_EVENT + id.len);
    if (b == NULL) {
        ngx_chat_session_doom(join->session, NGX_CHAT_CLOSE_INTERNAL);
        return;
    }

    chat_writer_init(&w, b->payload, b->size);
    chat_write_cstr(&w, "{\"type\":\"conversation.reset\",\"data\":"
                        "{\"conversationId\":");
    chat_write_string(&w, ngx_chat_str(&id));
    chat_write_cstr(&w, "}}");

    ngx_chat_buffer_finish(b, CHAT_FRAME_TEXT, w.len);
    ngx_chat_join_tell(join, b, 1);
    ngx_chat_buffer_unref(b);
}
