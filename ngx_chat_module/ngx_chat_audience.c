/*
 * Audiences: who is there in a conversation.
 *
 * How much is told depends on the number of members.  Those of a dm or group
 * that has up to chat_presence_batch are watched, one by one, once for all
 * sessions of this node.  Where there are more, chat-presence counts them.  A
 * channel entitles nobody, so its members are never told, and how many they
 * are only where nobody can be recognised by it.
 *
 *      NEW ──▶ LISTED ◀──▶ COUNTED ◀──▶ CLOSED
 *
 * Who has become a member or is none any more is found by asking Redis again,
 * see ngx_chat_audience_ask.c.
 */

#include "ngx_chat.h"


#define NGX_CHAT_AUDIENCE_ROUND  100    /* of channels: counts are told so */


static ngx_uint_t ngx_chat_audience_is_late(ngx_chat_audience_t *a,
    uint64_t revision);
static ngx_int_t ngx_chat_audience_list(ngx_chat_audience_t *a,
    redisReply *reply);
static ngx_int_t ngx_chat_audience_add(ngx_chat_audience_t *a,
    ngx_str_t user);
static void ngx_chat_audience_forget(ngx_chat_audience_t *a,
    ngx_uint_t round);
static void ngx_chat_audience_count(ngx_chat_audience_t *a, ngx_int_t online);
static void ngx_chat_audience_on_watch(ngx_chat_watcher_t *w, u_char old);
static void ngx_chat_audience_free(ngx_chat_audience_t *a);


ngx_chat_audience_t *
ngx_chat_audience_get(ngx_chat_room_t *room)
{
    ngx_chat_audience_t  *a;

    if (room->audience != NULL) {
        return room->audience;
    }

    a = ngx_chat_audience_create(room->owner, &room->name);
    if (a == NULL) {
        return NULL;
    }

    a->own = 0;
    a->room = room;
    room->audience = a;

    return a;
}


ngx_chat_audience_t *
ngx_chat_audience_create(ngx_chat_node_t *node, ngx_chat_name_t *name)
{
    ngx_chat_audience_t  *a;

    a = ngx_calloc(sizeof(ngx_chat_audience_t) + name->base.len, node->log);
    if (a == NULL) {
        return NULL;
    }

    ngx_memcpy(a->base, name->base.data, name->base.len);

    a->node = node;
    a->own = 1;
    a->online = -1;
    a->name.partition = name->partition;
    a->name.base.data = a->base;
    a->name.base.len = name->base.len;

    ngx_rbtree_init(&a->tree, &a->sentinel, ngx_str_rbtree_insert_value);
    ngx_queue_init(&a->members);
    ngx_queue_init(&a->changed);
    ngx_queue_init(&a->waiting);

    ngx_chat_audience_ask_init(a);
    ngx_chat_audience_tell_init(a);
    ngx_chat_audience_get_init(a);

    ngx_chat_count(node, NGX_CHAT_COUNT_AUDIENCES);

    return a;
}


void
ngx_chat_audience_release(ngx_chat_audience_t *a)
{
    if (a->held || a->nlisteners > 0 || !ngx_queue_empty(&a->waiting)) {
        return;
    }

    if (a->room != NULL) {
        a->room->audience = NULL;
        a->room = NULL;
    }

    if (a->asking) {
        a->gone = 1;
        return;
    }

    ngx_chat_audience_free(a);
}


static void
ngx_chat_audience_free(ngx_chat_audience_t *a)
{
    ngx_uint_t    i;
    ngx_event_t  *events[] = { &a->answer, &a->patience, &a->tell, &a->timer };

    a->round++;
    ngx_chat_audience_forget(a, a->round);
    ngx_chat_need_cancel(&a->waiter);

    for (i = 0; i < sizeof(events) / sizeof(events[0]); i++) {

        if (events[i]->timer_set) {
            ngx_del_timer(events[i]);
        }

        if (events[i]->posted) {
            ngx_delete_posted_event(events[i]);
        }
    }

    ngx_chat_count_add(a->node, NGX_CHAT_COUNT_AUDIENCES, -1);
    ngx_free(a);
}


ngx_uint_t
ngx_chat_audience_is_known(ngx_chat_audience_t *a)
{
    switch (a->state) {

    case NGX_CHAT_AUDIENCE_NEW:
        break;

    case NGX_CHAT_AUDIENCE_LISTED:
        return a->unknown == 0;

    case NGX_CHAT_AUDIENCE_COUNTED:
        return a->online >= 0;

    case NGX_CHAT_AUDIENCE_CLOSED:
        return 1;
    }

    return 0;
}


/*
 * ok, type, number of members, how many are there or -1, ms until they are
 * counted again, revision, then each member if they are listed.
 */

ngx_int_t
ngx_chat_audience_take(ngx_chat_audience_t *a, redisReply *reply,
    ngx_uint_t last)
{
    ngx_uint_t                  size;
    uint64_t                    revision;
    ngx_str_t                   type;
    ngx_int_t                   online;
    ngx_uint_t                  channel, late;
    ngx_chat_audience_state_e   old;

    type = ngx_chat_bus_str(reply, 1);
    channel = type.len == sizeof("channel") - 1;
    size = ngx_chat_bus_uint(reply, 2);
    online = (ngx_int_t) ngx_chat_bus_uint(reply, 3);
    revision = ngx_chat_bus_uint(reply, 5);

    if (type.len == 0 || revision == 0) {
        return NGX_ERROR;
    }

    late = (a->state == NGX_CHAT_AUDIENCE_LISTED
            || (size <= a->node->conf->presence_batch && !channel))
           && ngx_chat_audience_is_late(a, revision);

    if (late && !last) {
        return NGX_AGAIN;
    }

    old = a->state;
    a->revision = revision;
    a->channel = channel;
    a->size = size;
    a->batched = a->size > a->node->conf->presence_members;
    a->round++;

    if (a->size > a->node->conf->presence_batch) {
        a->state = NGX_CHAT_AUDIENCE_COUNTED;
        a->online = old == a->state ? a->online : -1;
        ngx_chat_audience_count(a, online);

    } else if (a->channel) {
        a->state = NGX_CHAT_AUDIENCE_CLOSED;
        ngx_chat_audience_count(a, -1);

    } else {
        a->state = NGX_CHAT_AUDIENCE_LISTED;

        if (ngx_chat_audience_list(a, reply) != NGX_OK) {
            return NGX_ERROR;           /* those that are missing come later */
        }
    }

    ngx_chat_audience_forget(a, a->round);
    ngx_chat_audience_ask_next(a, ngx_chat_bus_uint(reply, 4));

    if (late) {
        ngx_chat_audience_ask_soon(a);
    }

    return NGX_OK;
}


/*
 * Whether a change of members was heard that is not in what is of that
 * revision.  It only matters where they are listed: where they are counted,
 * they may come and go faster than Redis answers.
 */

static ngx_uint_t
ngx_chat_audience_is_late(ngx_chat_audience_t *a, uint64_t revision)
{
    ngx_chat_room_t  *room;

    room = a->own ? ngx_chat_room_find(a->node, &a->name.base) : a->room;

    return room != NULL && revision < room->members;
}


/* The members, one by one */


static ngx_int_t
ngx_chat_audience_list(ngx_chat_audience_t *a, redisReply *reply)
{
    size_t     i;
    ngx_str_t  user;

    for (i = NGX_CHAT_AUDIENCE_ANSWER; i < reply->elements; i++) {
        user = ngx_chat_bus_str(reply, i);

        if (!chat_name_valid(ngx_chat_str(&user))
            || ngx_chat_audience_add(a, user) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* those of the latest list are at the end of a->members */

static ngx_int_t
ngx_chat_audience_add(ngx_chat_audience_t *a, ngx_str_t user)
{
    u_char                name[CHAT_NAME_MAX_QUALIFIED];
    ngx_str_t             qualified;
    ngx_chat_attendee_t  *e;

    qualified = ngx_chat_audience_qualified(a, &user, name);
    e = ngx_chat_audience_find(a, &qualified);

    if (e != NULL) {
        e->round = a->round;
        ngx_queue_remove(&e->queue);
        ngx_queue_insert_tail(&a->members, &e->queue);
        return NGX_OK;
    }

    e = ngx_calloc(sizeof(ngx_chat_attendee_t), a->node->log);
    if (e == NULL) {
        return NGX_ERROR;
    }

    e->audience = a;
    e->round = a->round;
    e->watcher.handler = ngx_chat_audience_on_watch;
    e->watcher.data = e;

    if (ngx_chat_watch_add(&e->watcher, a->node, &qualified) != NGX_OK) {
        ngx_free(e);
        return NGX_ERROR;
    }

    e->node.str = e->watcher.watched->node.str;
    e->node.node.key = e->watcher.watched->node.node.key;
    ngx_rbtree_insert(&a->tree, &e->node.node);
    ngx_queue_insert_tail(&a->members, &e->queue);

    if (e->watcher.status == NGX_CHAT_PRESENCE_UNKNOWN) {
        a->unknown++;

    } else {
        ngx_chat_audience_changed(e);
    }

    return NGX_OK;
}


/* those who were in no list since that round */

static void
ngx_chat_audience_forget(ngx_chat_audience_t *a, ngx_uint_t round)
{
    ngx_chat_attendee_t  *e;

    while (!ngx_queue_empty(&a->members)) {
        e = ngx_queue_data(ngx_queue_head(&a->members), ngx_chat_attendee_t,
                           queue);

        if (e->round == round) {
            return;
        }

        ngx_chat_audience_remove(e);
    }
}


void
ngx_chat_audience_remove(ngx_chat_attendee_t *e)
{
    ngx_chat_audience_t  *a = e->audience;

    if (e->watcher.status == NGX_CHAT_PRESENCE_UNKNOWN) {
        a->unknown--;
    }

    if (e->changed) {
        ngx_queue_remove(&e->change);
    }

    ngx_rbtree_delete(&a->tree, &e->node.node);
    ngx_queue_remove(&e->queue);
    ngx_chat_watch_remove(&e->watcher);     /* whose name the tree had */
    ngx_free(e);

    if (!ngx_queue_empty(&a->waiting) && ngx_chat_audience_is_known(a)) {
        ngx_chat_audience_known(a);
    }
}


ngx_chat_attendee_t *
ngx_chat_audience_find(ngx_chat_audience_t *a, ngx_str_t *qualified)
{
    return (ngx_chat_attendee_t *)
               ngx_str_rbtree_lookup(&a->tree, qualified,
                                     ngx_crc32_short(qualified->data,
                                                     qualified->len));
}


/* "<tenant>/<user>", the tenant being the conversation's */

ngx_str_t
ngx_chat_audience_qualified(ngx_chat_audience_t *a, ngx_str_t *user,
    u_char buf[CHAT_NAME_MAX_QUALIFIED])
{
    u_char  *p, *tenant, *last;

    tenant = a->base + CHAT_NAME_PREFIX_LEN + sizeof("c:") - 1;
    last = a->base + a->name.base.len;

    p = ngx_strlchr(tenant, last, '/');
    p = p != NULL ? p + 1 : last;

    p = ngx_cpymem(buf, tenant, ngx_min(p - tenant, CHAT_NAME_MAX_ID + 1));
    p = ngx_cpymem(p, user->data, ngx_min(user->len, CHAT_NAME_MAX_ID));

    return (ngx_str_t) { p - buf, buf };
}


static void
ngx_chat_audience_on_watch(ngx_chat_watcher_t *w, u_char old)
{
    ngx_chat_attendee_t  *e = w->data;
    ngx_chat_audience_t  *a = e->audience;

    if (old == NGX_CHAT_PRESENCE_UNKNOWN) {
        a->unknown--;
    }

    if (w->status == NGX_CHAT_PRESENCE_UNKNOWN) {
        a->unknown++;
        return;
    }

    ngx_chat_audience_changed(e);

    if (!ngx_queue_empty(&a->waiting) && ngx_chat_audience_is_known(a)) {
        ngx_chat_audience_known(a);
    }
}


/* How many there are; -1: that is not known, and what was goes on */


static void
ngx_chat_audience_count(ngx_chat_audience_t *a, ngx_int_t online)
{
    ngx_int_t  told = a->online;

    if (a->state == NGX_CHAT_AUDIENCE_CLOSED) {
        a->online = -1;

    } else if (online >= 0) {
        a->online = a->channel ? online - online % NGX_CHAT_AUDIENCE_ROUND
                               : online;
    }

    if (a->online != told) {
        ngx_chat_audience_recounted(a);
    }
}
