/*
 * Comparing: every chat_compare_interval a node asks Redis for the revisions
 * of all its rooms.  That finds what nothing that is heard later would tell:
 * a lost publish that was the last one, and a subscription that silently is
 * not there.  And Redis sees that the conversations are in use.
 *
 * The partitions take turns over the interval, one call each, or several where
 * there are many rooms.
 *
 * The answer may overtake a publish that is on its way over the other link.  So
 * a room that seems to be behind is subscribed to once more: the confirmation
 * comes after all that was published before.  If the room is behind even then,
 * something is lost, and it is repaired, with the subscription in place.
 *
 *      behind? ──▶ suspect, subscribing ──confirmed──▶ behind: stale, a gap
 *                                             └──────▶ else: all is well
 */

#include "ngx_chat.h"


#define NGX_CHAT_COMPARE_ROOMS  500     /* of one call */
#define NGX_CHAT_COMPARE_MORE   10      /* ms between calls of one partition */


/* a call under way; owner: its answer */

typedef struct {
    ngx_chat_node_t   *node;
    ngx_uint_t         partition;
    ngx_uint_t         n;
    ngx_chat_room_t   *rooms[NGX_CHAT_COMPARE_ROOMS];
} ngx_chat_compare_t;


static void ngx_chat_compare_on_timer(ngx_event_t *ev);
static ngx_uint_t ngx_chat_compare_slice(ngx_chat_node_t *node);
static ngx_uint_t ngx_chat_compare_take(ngx_chat_compare_t *slice);
static ngx_int_t ngx_chat_compare_ask(ngx_chat_compare_t *slice);
static void ngx_chat_compare_on_answer(void *data, redisReply *reply);
static void ngx_chat_compare_judge(ngx_chat_room_t *room, int64_t revision);


void
ngx_chat_compare_init(ngx_chat_node_t *node)
{
    node->compare_timer.handler = ngx_chat_compare_on_timer;
    node->compare_timer.data = node;
    node->compare_timer.log = node->log;
    node->compare_timer.cancelable = 1;

    /* not all nodes at the same moment */

    ngx_add_timer(&node->compare_timer,
                  (ngx_msec_t) ngx_random() % node->conf->compare_interval);
}


void
ngx_chat_compare_done(ngx_chat_node_t *node)
{
    if (node->compare_timer.timer_set) {
        ngx_del_timer(&node->compare_timer);
    }
}


static void
ngx_chat_compare_on_timer(ngx_event_t *ev)
{
    ngx_msec_t        wait;
    ngx_chat_node_t  *node = ev->data;

    wait = NGX_CHAT_COMPARE_MORE;

    if (!ngx_chat_compare_slice(node)) {
        wait = node->conf->compare_interval / node->conf->partitions;

        if (++node->compare_partition == node->conf->partitions) {
            node->compare_partition = 0;
            node->compare_round++;
        }
    }

    ngx_add_timer(ev, wait);
}


/* returns whether the partition has more */

static ngx_uint_t
ngx_chat_compare_slice(ngx_chat_node_t *node)
{
    ngx_uint_t           i, more;
    ngx_chat_compare_t  *slice;

    if (!node->command.up || !node->subscriber.up
        || ngx_queue_empty(&node->rooms_of[node->compare_partition]))
    {
        return 0;
    }

    slice = ngx_alloc(sizeof(ngx_chat_compare_t), node->log);
    if (slice == NULL) {
        return 0;
    }

    slice->node = node;
    slice->partition = node->compare_partition;
    slice->n = 0;

    more = ngx_chat_compare_take(slice);

    if (slice->n == 0 || ngx_chat_compare_ask(slice) != NGX_OK) {
        ngx_free(slice);
        return more;
    }

    for (i = 0; i < slice->n; i++) {
        slice->rooms[i]->looking = 1;
    }

    return more;
}


/* those that had their turn go to the end; returns whether there are others */

static ngx_uint_t
ngx_chat_compare_take(ngx_chat_compare_t *slice)
{
    ngx_uint_t        i;
    ngx_queue_t      *q, *rooms;
    ngx_chat_room_t  *room;

    rooms = &slice->node->rooms_of[slice->partition];

    for (i = 0; i < NGX_CHAT_COMPARE_ROOMS; i++) {
        q = ngx_queue_head(rooms);
        room = ngx_queue_data(q, ngx_chat_room_t, peers);

        if (room->round == slice->node->compare_round) {
            return 0;
        }

        room->round = slice->node->compare_round;
        ngx_queue_remove(q);
        ngx_queue_insert_tail(rooms, q);

        /* the others are being opened or repaired */

        if (room->positioned && room->subscribed && !room->stale
            && !room->looking)
        {
            slice->rooms[slice->n++] = room;
        }
    }

    return 1;
}


/* FCALL chat_v1_revisions n prefix base... identity partitions */

static ngx_int_t
ngx_chat_compare_ask(ngx_chat_compare_t *slice)
{
    u_char            prefix[CHAT_NAME_PREFIX_LEN];
    u_char            keys[NGX_INT_T_LEN], partitions[NGX_INT_T_LEN];
    size_t            len[NGX_CHAT_COMPARE_ROOMS + 6];
    ngx_uint_t        i, n;
    const char       *argv[NGX_CHAT_COMPARE_ROOMS + 6];
    ngx_chat_node_t  *node = slice->node;

    (void) chat_name_prefix(prefix, slice->partition);

    argv[0] = "FCALL";
    len[0] = sizeof("FCALL") - 1;
    argv[1] = "chat_v1_revisions";
    len[1] = sizeof("chat_v1_revisions") - 1;
    argv[2] = (const char *) keys;
    len[2] = ngx_sprintf(keys, "%ui", slice->n + 1) - keys;
    argv[3] = (const char *) prefix;
    len[3] = CHAT_NAME_PREFIX_LEN;

    n = 4;

    for (i = 0; i < slice->n; i++) {
        argv[n] = (const char *) slice->rooms[i]->node.str.data;
        len[n++] = slice->rooms[i]->node.str.len;
    }

    argv[n] = (const char *) node->command.identity.data;
    len[n++] = node->command.identity.len;
    argv[n] = (const char *) partitions;
    len[n++] = ngx_sprintf(partitions, "%ui", node->conf->partitions)
               - partitions;

    return ngx_chat_redis_send(&node->command, n, argv, len,
                               ngx_chat_compare_on_answer, slice);
}


/* ok, generation, stored, then a revision for each room, or -1 */

static void
ngx_chat_compare_on_answer(void *data, redisReply *reply)
{
    ngx_str_t            stored;
    ngx_uint_t           i, ok;
    ngx_chat_room_t     *room;
    ngx_chat_compare_t  *slice = data;

    ok = ngx_chat_bus_answer(slice->node->log, NULL, reply, 3 + slice->n)
         == NGX_CHAT_ANSWER_OK;

    for (i = 0; i < slice->n; i++) {
        room = slice->rooms[i];
        room->looking = 0;

        if (ngx_queue_empty(&room->joins)) {
            ngx_chat_room_release(room);

        } else if (ok) {
            ngx_chat_compare_judge(room,
                                   (int64_t) ngx_chat_bus_uint(reply, 3 + i));
        }
    }

    if (ok) {
        stored = ngx_chat_bus_str(reply, 2);
        ngx_chat_bus_seen(slice->node, slice->partition,
                          ngx_chat_bus_uint(reply, 1), &stored);
    }

    ngx_free(slice);
}


/* one that Redis does not hold is opened afresh */

static void
ngx_chat_compare_judge(ngx_chat_room_t *room, int64_t revision)
{
    if (!room->positioned || !room->subscribed || room->stale
        || room->subscribing)
    {
        return;                         /* that finds it */
    }

    if (revision == -1) {
        room->suspect = NGX_CHAT_ROOM_LOST;

    } else if ((uint64_t) revision > ngx_chat_room_heard(room)) {
        room->suspect = revision;

    } else {
        return;
    }

    ngx_chat_room_subscribe(room);
}


/* what was published before the question has been heard, or is lost */

void
ngx_chat_compare_on_subscribed(ngx_chat_room_t *room)
{
    uint64_t  suspect = room->suspect;

    room->suspect = 0;

    if (suspect > ngx_chat_room_heard(room) && room->positioned
        && !room->stale)
    {
        ngx_chat_room_found_gap(room);
        room->stale = 1;
    }
}
