/*
 * The heartbeat of a node: what it does every second to know that its links to
 * Redis work, and what Redis has to tell of the partitions.
 */

#include "ngx_chat.h"


#define NGX_CHAT_HEARTBEAT_INTERVAL  1000   /* ms */
#define NGX_CHAT_HEARTBEAT_LOOK      10000  /* ms between looks at partitions */
#define NGX_CHAT_HEARTBEAT_IDENTITY  15000  /* ms: a link's may be old then */


static void ngx_chat_heartbeat_on_timer(ngx_event_t *ev);
static void ngx_chat_heartbeat_check(ngx_chat_node_t *node);
static void ngx_chat_heartbeat_say(ngx_chat_node_t *node);
static void ngx_chat_heartbeat_measure(ngx_chat_node_t *node,
    redisReply *reply);
static void ngx_chat_heartbeat_on_said(void *data, redisReply *reply);
static void ngx_chat_heartbeat_other_identity(ngx_chat_node_t *node);
static void ngx_chat_heartbeat_on_look(void *data, redisReply *reply);


void
ngx_chat_heartbeat_begin(ngx_chat_node_t *node)
{
    node->heartbeat.handler = ngx_chat_heartbeat_on_timer;
    node->heartbeat.data = node;
    node->heartbeat.log = node->log;
    node->heartbeat.cancelable = 1;
    ngx_add_timer(&node->heartbeat, NGX_CHAT_HEARTBEAT_INTERVAL);
}


void
ngx_chat_heartbeat_end(ngx_chat_node_t *node)
{
    if (node->heartbeat.timer_set) {
        ngx_del_timer(&node->heartbeat);
    }
}


static void
ngx_chat_heartbeat_on_timer(ngx_event_t *ev)
{
    ngx_chat_node_t  *node = ev->data;

    ngx_chat_heartbeat_check(node);
    ngx_chat_tally_look(node);

    if (node->command.up) {
        ngx_chat_heartbeat_say(node);

        if (node->open < node->conf->partitions
            || ngx_current_msec - node->open_checked > NGX_CHAT_HEARTBEAT_LOOK)
        {
            ngx_chat_heartbeat_look(node);
        }

    } else {
        node->unheard = 0;              /* nothing is said any more */
    }

    if (ngx_exiting) {                  /* there may be no session to tell us */
        ngx_chat_drain_begin(node);
    }

    ngx_add_timer(ev, NGX_CHAT_HEARTBEAT_INTERVAL);
}


/*
 * Redis says over one link that it has published our heartbeat, which we hear
 * over the other; with each we subscribe again to what we must hear.  When it
 * is not heard, or there is no confirmation, the subscriber is half open, in
 * one direction or the other.  A command link that is has a deadline of its
 * own.
 */

static void
ngx_chat_heartbeat_check(ngx_chat_node_t *node)
{
    u_char             buf[sizeof(NGX_CHAT_BUS_NODE) + CHAT_ID_LEN];
    ngx_str_t          all, own;
    ngx_msec_t         longest;
    ngx_chat_redis_t  *link = &node->subscriber;

    if (!link->up) {
        return;
    }

    longest = NGX_CHAT_HEARTBEAT_INTERVAL + node->conf->redis_timeout;

    if (node->unheard != 0 && ngx_current_msec - node->unheard > longest) {
        ngx_chat_redis_reset(link, "own heartbeat is not heard");
        return;
    }

    if (link->unconfirmed > 0) {

        if (ngx_current_msec - link->confirmed > longest) {
            ngx_chat_redis_reset(link, "subscriptions are not confirmed");
        }

        return;
    }

    ngx_str_set(&all, NGX_CHAT_BUS_NODES);
    own = ngx_chat_bus_own_channel(node, buf);

    if (ngx_chat_redis_subscribe(link, &all, 1) != NGX_OK
        || ngx_chat_redis_subscribe(link, &own, 1) != NGX_OK)
    {
        ngx_chat_redis_reset(link, "cannot subscribe");
    }
}


static void
ngx_chat_heartbeat_say(ngx_chat_node_t *node)
{
    u_char           buf[sizeof(NGX_CHAT_BUS_NODE) + CHAT_ID_LEN];
    ngx_str_t        channel;
    ngx_chat_call_t  call;

    channel = ngx_chat_bus_own_channel(node, buf);

    call.n = 0;
    ngx_chat_call_add_cstr(&call, "PUBLISH");
    ngx_chat_call_add(&call, channel.data, channel.len);
    ngx_chat_call_add_cstr(&call, "beat");

    if (ngx_chat_call_send(&call, node, ngx_chat_heartbeat_on_said, node)
        != NGX_OK)
    {
        return;                         /* the link's own deadline is near */
    }

    node->beats++;

    if (node->beat_sent == 0) {
        node->beat_sent = ngx_chat_clock();
        node->beat_timed = node->beats;
    }
}


/* answers come in the order of what was sent */

static void
ngx_chat_heartbeat_measure(ngx_chat_node_t *node, redisReply *reply)
{
    node->beats_said++;

    if (node->beat_sent == 0 || node->beats_said != node->beat_timed) {
        return;
    }

    if (reply != NULL) {
        ngx_chat_time_add(node, NGX_CHAT_TIME_REDIS,
                          ngx_chat_clock() - node->beat_sent);
    }

    node->beat_sent = 0;
}


static void
ngx_chat_heartbeat_on_said(void *data, redisReply *reply)
{
    ngx_chat_node_t  *node = data;

    ngx_chat_heartbeat_measure(node, reply);

    if (reply != NULL && reply->type == REDIS_REPLY_ERROR) {
        ngx_log_error(NGX_LOG_WARN, node->log, 0,
                      "chat: redis refused a heartbeat: \"%s\"", reply->str);
        return;
    }

    if (reply != NULL && node->unheard == 0) {
        node->unheard = ngx_max(ngx_current_msec, 1);
    }
}


/*
 * A partition is open for another identity than our link has read.  Usually
 * Redis has just come back and chat-persist has not been there yet; but Redis
 * may also have changed its replication id under an old link, which a new one
 * will read.
 */

static void
ngx_chat_heartbeat_other_identity(ngx_chat_node_t *node)
{
    if (ngx_current_msec - node->command.since > NGX_CHAT_HEARTBEAT_IDENTITY) {
        ngx_chat_redis_reset(&node->command,
                             "partitions are open for another identity");
    }
}


/*
 * How many partitions are open for the Redis that we see.  Their generation
 * and how far they are stored is told on "chat:nodes", too; here in case that
 * was lost.
 */

void
ngx_chat_heartbeat_look(ngx_chat_node_t *node)
{
    size_t           len;
    u_char           key[CHAT_NAME_PREFIX_LEN + sizeof("part") - 1];
    ngx_uint_t       p;
    ngx_chat_call_t  call;

    if (node->open_pending > 0 || !node->command.up) {
        return;
    }

    node->open_new = 0;
    node->open_checked = ngx_current_msec;

    for (p = 0; p < node->conf->partitions; p++) {
        len = chat_name_prefix(key, p);
        ngx_memcpy(key + len, "part", sizeof("part") - 1);

        call.n = 0;
        ngx_chat_call_add_cstr(&call, "HMGET");
        ngx_chat_call_add(&call, key, sizeof(key));
        ngx_chat_call_add_cstr(&call, "identity");
        ngx_chat_call_add_cstr(&call, "generation");
        ngx_chat_call_add_cstr(&call, "stored");

        if (ngx_chat_call_send(&call, node, ngx_chat_heartbeat_on_look,
                               &node->acks[p])
            == NGX_OK)
        {
            node->open_pending++;
        }
    }
}


static void
ngx_chat_heartbeat_on_look(void *data, redisReply *reply)
{
    ngx_int_t         generation;
    ngx_str_t         identity, text, stored;
    ngx_chat_ack_t   *ack = data;
    ngx_chat_node_t  *node = ack->node;
    ngx_str_t        *ours = &node->command.identity;

    if (reply != NULL && reply->type == REDIS_REPLY_ARRAY
        && reply->elements == 3
        && reply->element[0]->type == REDIS_REPLY_STRING)
    {
        identity = ngx_chat_bus_str(reply, 0);

        if (identity.len == ours->len
            && ngx_memcmp(identity.data, ours->data, ours->len) == 0)
        {
            node->open_new++;

            text = ngx_chat_bus_str(reply, 1);
            stored = ngx_chat_bus_str(reply, 2);
            generation = ngx_atoi(text.data, text.len);

            if (generation != NGX_ERROR && stored.len > 0) {
                ngx_chat_bus_seen(node, ack - node->acks, generation, &stored);
            }

        } else {
            ngx_chat_heartbeat_other_identity(node);
        }
    }

    if (node->open_pending == 0 || --node->open_pending > 0) {
        return;
    }

    node->open = node->open_new;
}
