/*
 * Users who have sessions here.
 *
 * The first session of a user makes the entry and subscribes to the user's
 * channel, the last one ends both.  When the link of subscriptions comes up
 * again, all users are subscribed to anew, some in each turn of the loop: as
 * each has its turn it goes to the end of the queue.
 *
 *      users->all: | of an older link ... | of this link ... |
 */

#include "ngx_chat.h"


#define NGX_CHAT_USER_SUBSCRIBE  100    /* channels per command, */
#define NGX_CHAT_USER_SLICE      2000   /* and per turn */


static ngx_chat_user_t *ngx_chat_user_lookup(ngx_chat_node_t *node,
    ngx_str_t *qualified);
static ngx_chat_user_t *ngx_chat_user_create(ngx_chat_node_t *node,
    ngx_chat_identity_t *identity);
static void ngx_chat_user_subscribe(ngx_chat_user_t *user);
static void ngx_chat_user_free(ngx_chat_user_t *user);
static ngx_str_t ngx_chat_user_channel(ngx_chat_user_t *user);
static ngx_str_t ngx_chat_user_of_channel(ngx_str_t *channel);
static void ngx_chat_user_run(ngx_chat_user_t *user);
static void ngx_chat_user_on_resubscribe(ngx_event_t *ev);
static ngx_uint_t ngx_chat_user_take(ngx_chat_node_t *node,
    ngx_str_t *channels);


void
ngx_chat_user_init(ngx_chat_node_t *node)
{
    ngx_chat_users_t  *users = &node->users;

    ngx_rbtree_init(&users->tree, &users->sentinel,
                    ngx_str_rbtree_insert_value);
    ngx_queue_init(&users->all);

    users->subscribe.handler = ngx_chat_user_on_resubscribe;
    users->subscribe.data = node;
    users->subscribe.log = node->log;
}


/* all sessions have gone, the links are closed */

void
ngx_chat_user_done(ngx_chat_node_t *node)
{
    ngx_queue_t  *q;

    if (node->users.subscribe.posted) {
        ngx_delete_posted_event(&node->users.subscribe);
    }

    while (!ngx_queue_empty(&node->users.all)) {
        q = ngx_queue_head(&node->users.all);
        ngx_chat_user_free(ngx_queue_data(q, ngx_chat_user_t, peers));
    }
}


/* Sessions */


ngx_int_t
ngx_chat_user_enter(ngx_chat_session_t *s)
{
    u_char            name[CHAT_NAME_MAX_QUALIFIED];
    ngx_str_t         qualified;
    ngx_chat_user_t  *user;

    if (s->internal) {
        return NGX_OK;
    }

    qualified.data = name;
    qualified.len = ngx_sprintf(name, "%V/%V", &s->identity->tenant,
                                &s->identity->user)
                    - name;

    user = ngx_chat_user_lookup(s->node, &qualified);

    if (user == NULL) {
        user = ngx_chat_user_create(s->node, s->identity);
    }

    if (user == NULL) {
        return NGX_ERROR;
    }

    if (user->nsessions == 0) {
        ngx_chat_count(s->node, NGX_CHAT_COUNT_USERS);
    }

    ngx_queue_insert_tail(&user->sessions, &s->user_queue);
    user->nsessions++;
    user->nactive++;

    s->user = user;
    s->acted = ngx_current_msec;

    ngx_chat_lease_changed(user);

    return NGX_OK;
}


void
ngx_chat_user_leave(ngx_chat_session_t *s)
{
    ngx_chat_user_t  *user = s->user;

    if (user == NULL) {
        return;
    }

    ngx_queue_remove(&s->user_queue);
    s->user = NULL;

    user->nsessions--;
    user->nactive -= !s->idle;
    ngx_chat_lease_changed(user);

    if (user->nsessions == 0) {
        ngx_chat_count_add(user->owner, NGX_CHAT_COUNT_USERS, -1);
        ngx_chat_user_release(user);
    }
}


void
ngx_chat_user_acted(ngx_chat_session_t *s, chat_request_type_e type)
{
    if (type == CHAT_REQUEST_DELIVERED_MARK
        || type == CHAT_REQUEST_PRESENCE_SUBSCRIBE
        || type == CHAT_REQUEST_PRESENCE_UNSUBSCRIBE
        || type == CHAT_REQUEST_PRESENCE_GET)
    {
        return;
    }

    s->acted = ngx_current_msec;

    if (s->user == NULL || !s->idle) {
        return;
    }

    s->idle = 0;
    s->user->nactive++;
    ngx_chat_lease_changed(s->user);

    ngx_chat_session_wake(s, s->conf->away_time);
}


/* activity does not touch the timer: as with the heartbeat, it looks back */

void
ngx_chat_user_check(ngx_chat_session_t *s, ngx_msec_t *next)
{
    ngx_msec_t  silence;

    if (s->user == NULL || s->idle || s->conf->away_time == 0) {
        return;
    }

    silence = ngx_current_msec - s->acted;

    if (silence < s->conf->away_time) {
        *next = ngx_min(*next, s->conf->away_time - silence);
        return;
    }

    s->idle = 1;
    s->user->nactive--;
    ngx_chat_lease_changed(s->user);
}


/* Entries */


ngx_chat_user_t *
ngx_chat_user_find(ngx_chat_node_t *node, ngx_str_t *qualified)
{
    ngx_chat_user_t  *user;

    user = ngx_chat_user_lookup(node, qualified);

    return user != NULL && user->nsessions > 0 ? user : NULL;
}


static ngx_chat_user_t *
ngx_chat_user_lookup(ngx_chat_node_t *node, ngx_str_t *qualified)
{
    return (ngx_chat_user_t *)
               ngx_str_rbtree_lookup(&node->users.tree, qualified,
                                     ngx_crc32_short(qualified->data,
                                                     qualified->len));
}


static ngx_chat_user_t *
ngx_chat_user_create(ngx_chat_node_t *node, ngx_chat_identity_t *identity)
{
    u_char           *p;
    ngx_str_t        *name;
    ngx_chat_user_t  *user;

    user = ngx_calloc(sizeof(ngx_chat_user_t) + sizeof(NGX_CHAT_USER_CHANNEL)
                      + identity->tenant.len + identity->user.len, node->log);
    if (user == NULL) {
        return NULL;
    }

    p = ngx_sprintf(user->channel, NGX_CHAT_USER_CHANNEL "%V/%V",
                    &identity->tenant, &identity->user);

    name = &user->node.str;
    name->data = user->channel + sizeof(NGX_CHAT_USER_CHANNEL) - 1;
    name->len = p - name->data;

    user->node.node.key = ngx_crc32_short(name->data, name->len);
    user->owner = node;
    user->choice = NGX_CHAT_CHOICE_UNKNOWN;
    user->link = node->users.link;
    user->partition = chat_name_partition_qualified(ngx_chat_str(name),
                                                    node->conf->partitions);

    ngx_queue_init(&user->sessions);
    ngx_queue_init(&user->waiting);

    ngx_rbtree_insert(&node->users.tree, &user->node.node);
    ngx_queue_insert_tail(&node->users.all, &user->peers);
    ngx_chat_lease_enter(user);

    ngx_chat_user_subscribe(user);

    return user;
}


static void
ngx_chat_user_subscribe(ngx_chat_user_t *user)
{
    ngx_str_t         channel;
    ngx_chat_node_t  *node = user->owner;

    if (!node->subscriber.up) {
        return;                         /* all users are, when it is */
    }

    channel = ngx_chat_user_channel(user);

    if (ngx_chat_redis_subscribe(&node->subscriber, &channel, 1) != NGX_OK) {
        ngx_chat_redis_reset(&node->subscriber, "cannot subscribe");
        return;
    }

    user->subscribing = 1;
}


/*
 * The last session has gone.  The entry stays until Redis was told, and until
 * its subscription is confirmed, for the same reason as a room does: a
 * confirmation that comes when there is another entry of this name would be
 * taken for that one's.
 */

void
ngx_chat_user_release(ngx_chat_user_t *user)
{
    ngx_str_t         channel;
    ngx_chat_node_t  *node = user->owner;

    if (user->nsessions > 0 || ngx_chat_lease_holds(user)) {
        return;
    }

    if (!node->subscriber.up || user->link != node->users.link) {
        ngx_chat_user_free(user);       /* no confirmation is to come */
        return;
    }

    if (user->subscribing) {
        return;
    }

    channel = ngx_chat_user_channel(user);

    if (ngx_chat_redis_unsubscribe(&node->subscriber, &channel) != NGX_OK) {
        ngx_chat_redis_reset(&node->subscriber, "cannot unsubscribe");
    }

    ngx_chat_user_free(user);
}


static void
ngx_chat_user_free(ngx_chat_user_t *user)
{
    ngx_rbtree_delete(&user->owner->users.tree, &user->node.node);
    ngx_queue_remove(&user->peers);
    ngx_queue_remove(&user->report);

    if (user->text.data != NULL) {
        ngx_free(user->text.data);
    }

    ngx_free(user);
}


ngx_uint_t
ngx_chat_user_is_invisible(ngx_chat_user_t *user)
{
    if (!user->owner->conf->presence) {
        return 0;                       /* nobody could choose it */
    }

    return user->choice == NGX_CHAT_CHOICE_INVISIBLE
           || user->choice == NGX_CHAT_CHOICE_UNKNOWN
           || !ngx_chat_user_is_heard(user) || !user->fresh;
}


ngx_uint_t
ngx_chat_user_is_heard(ngx_chat_user_t *user)
{
    return user->owner->subscriber.up
           && user->link == user->owner->users.link
           && user->subscribed;
}


ngx_uint_t
ngx_chat_user_pass(ngx_chat_request_t *rq)
{
    ngx_chat_user_t  *user = rq->session->user;

    if (user == NULL || ngx_chat_user_is_heard(user)) {
        return 1;
    }

    ngx_chat_line_wait(rq, &user->waiting);

    return 0;
}


/* The channel */


static ngx_str_t
ngx_chat_user_channel(ngx_chat_user_t *user)
{
    return (ngx_str_t) { sizeof(NGX_CHAT_USER_CHANNEL) - 1
                         + user->node.str.len, user->channel };
}


ngx_uint_t
ngx_chat_user_is_channel(ngx_str_t *channel)
{
    return channel->len > sizeof(NGX_CHAT_USER_CHANNEL) - 1
           && ngx_strncmp(channel->data, NGX_CHAT_USER_CHANNEL,
                          sizeof(NGX_CHAT_USER_CHANNEL) - 1)
              == 0;
}


static ngx_str_t
ngx_chat_user_of_channel(ngx_str_t *channel)
{
    return (ngx_str_t) { channel->len - (sizeof(NGX_CHAT_USER_CHANNEL) - 1),
                         channel->data + sizeof(NGX_CHAT_USER_CHANNEL) - 1 };
}


void
ngx_chat_user_on_up(ngx_chat_node_t *node)
{
    node->users.link++;

    if (!node->users.subscribe.posted) {
        ngx_post_event(&node->users.subscribe, &ngx_posted_events);
    }
}


static void
ngx_chat_user_on_resubscribe(ngx_event_t *ev)
{
    ngx_str_t         channels[NGX_CHAT_USER_SUBSCRIBE];
    ngx_uint_t        n, done;
    ngx_chat_node_t  *node = ev->data;

    for (done = 0; done < NGX_CHAT_USER_SLICE; done += n) {

        if (!node->subscriber.up) {
            return;                     /* again when it is */
        }

        n = ngx_chat_user_take(node, channels);

        if (n == 0) {
            return;
        }

        if (ngx_chat_redis_subscribe(&node->subscriber, channels, n)
            != NGX_OK)
        {
            ngx_chat_redis_reset(&node->subscriber, "cannot subscribe");
            return;
        }
    }

    ngx_post_event(ev, &ngx_posted_next_events);
}


/* the channels of some that are to be subscribed to; those without a session
   are freed on the way, unless something of them is still to come: they go when
   it has, and when their subscription is confirmed */

static ngx_uint_t
ngx_chat_user_take(ngx_chat_node_t *node, ngx_str_t *channels)
{
    ngx_uint_t        n;
    ngx_queue_t      *q;
    ngx_chat_user_t  *user;

    n = 0;

    while (n < NGX_CHAT_USER_SUBSCRIBE && !ngx_queue_empty(&node->users.all)) {
        q = ngx_queue_head(&node->users.all);
        user = ngx_queue_data(q, ngx_chat_user_t, peers);

        if (user->link == node->users.link) {
            break;
        }

        if (user->nsessions == 0 && !ngx_chat_lease_holds(user)) {
            ngx_chat_user_free(user);
            continue;
        }

        ngx_queue_remove(q);
        ngx_queue_insert_tail(&node->users.all, q);

        user->link = node->users.link;
        user->subscribing = 1;
        user->subscribed = 0;
        user->fresh = 0;

        channels[n++] = ngx_chat_user_channel(user);
    }

    return n;
}


void
ngx_chat_user_on_subscribed(ngx_chat_node_t *node, ngx_str_t *channel)
{
    ngx_str_t         qualified;
    ngx_chat_user_t  *user;

    qualified = ngx_chat_user_of_channel(channel);
    user = ngx_chat_user_lookup(node, &qualified);

    if (user == NULL) {
        return;
    }

    user->subscribing = 0;
    user->subscribed = 1;

    if (user->nsessions == 0) {
        ngx_chat_user_release(user);
        return;
    }

    if (!user->fresh) {
        ngx_chat_lease_changed(user);   /* the answer tells it */
    }

    ngx_chat_user_run(user);
}


/* what waited for the subscription; the user may be gone on return */

static void
ngx_chat_user_run(ngx_chat_user_t *user)
{
    ngx_queue_t          waiting;
    ngx_chat_request_t  *rq;

    if (ngx_queue_empty(&user->waiting)) {
        return;
    }

    ngx_queue_init(&waiting);
    ngx_queue_add(&waiting, &user->waiting);
    ngx_queue_init(&user->waiting);

    while (!ngx_queue_empty(&waiting)) {
        rq = ngx_queue_data(ngx_queue_head(&waiting), ngx_chat_request_t, wait);
        ngx_chat_line_leave(rq);
        ngx_chat_request_run(rq);
    }
}


void
ngx_chat_user_on_message(ngx_chat_node_t *node, ngx_str_t *channel,
    ngx_str_t *payload)
{
    ngx_str_t         qualified;
    ngx_chat_user_t  *user;

    qualified = ngx_chat_user_of_channel(channel);
    user = ngx_chat_user_find(node, &qualified);

    if (user == NULL) {
        return;                         /* its last session has just gone */
    }

    if (ngx_chat_choice_on_self(user, payload) == NGX_OK
        || ngx_chat_hint_on_message(user, payload) == NGX_OK)
    {
        return;
    }

    ngx_log_error(NGX_LOG_ERR, node->log, 0,
                  "chat: malformed message in \"%V\"", channel);
}
