/*
 * What Redis publishes of users who are watched here.
 *
 * Every change of a partition is published with its number, n, and all nodes
 * that watch somebody of the partition hear it.  A user is read when somebody
 * begins to watch, and not before the subscription is confirmed: so a read is
 * never older than what is heard after it.  What was read and what was heard
 * both say as of which n they are, and the later one counts.
 *
 * All users of a partition are read again when a number is missing, when the
 * numbers are of another epoch (Redis has come back without what it had), when
 * Redis tells of a later n than was heard, twice in a row, and when the link of
 * subscriptions was down.
 */

#include "ngx_chat.h"


static void ngx_chat_watch_on_subscribed(ngx_chat_watch_part_t *part);
static void ngx_chat_watch_on_publish(ngx_chat_watch_part_t *part,
    ngx_str_t *payload);
static void ngx_chat_watch_heard(ngx_chat_watch_part_t *part,
    ngx_str_t *epoch, uint64_t n);
static void ngx_chat_watch_take(ngx_chat_watch_part_t *part, uint64_t n,
    u_char *p, u_char *last);
static void ngx_chat_watch_missed(ngx_chat_watch_part_t *part);


void
ngx_chat_watch_subscribe(ngx_chat_watch_part_t *part)
{
    u_char            buf[CHAT_NAME_PREFIX_LEN
                          + sizeof(NGX_CHAT_WATCH_CHANNEL)];
    ngx_str_t         channel;
    ngx_chat_node_t  *node = part->node;

    if (!node->subscriber.up) {
        return;                         /* it is, when that is up */
    }

    channel = ngx_chat_watch_channel(part, buf);

    if (ngx_chat_redis_subscribe(&node->subscriber, &channel, 1) != NGX_OK) {
        ngx_chat_redis_reset(&node->subscriber, "cannot subscribe");
        return;
    }

    part->subscribing = 1;
}


ngx_str_t
ngx_chat_watch_channel(ngx_chat_watch_part_t *part, u_char *buf)
{
    u_char  *p;

    p = buf + chat_name_prefix(buf, part - part->node->watch.parts);
    p = ngx_cpymem(p, NGX_CHAT_WATCH_CHANNEL,
                   sizeof(NGX_CHAT_WATCH_CHANNEL) - 1);

    return (ngx_str_t) { p - buf, buf };
}


/* either link is up: partitions of which nobody is watched wait for the first
   one */

void
ngx_chat_watch_on_up(ngx_chat_node_t *node)
{
    ngx_uint_t              i;
    ngx_chat_watch_part_t  *part;

    for (i = 0; i < node->conf->partitions; i++) {
        part = &node->watch.parts[i];

        if (ngx_queue_empty(&part->users)) {
            continue;
        }

        if (part->subscribed) {
            part->closed = 0;
            ngx_chat_watch_call(part);

        } else if (!part->subscribing) {
            ngx_chat_watch_subscribe(part);
        }
    }
}


void
ngx_chat_watch_on_down(ngx_chat_node_t *node)
{
    ngx_uint_t              i;
    ngx_chat_watch_part_t  *part;

    for (i = 0; i < node->conf->partitions; i++) {
        part = &node->watch.parts[i];

        part->subscribing = 0;
        part->subscribed = 0;
        part->positioned = 0;
    }
}


ngx_uint_t
ngx_chat_watch_on_message(ngx_chat_node_t *node, ngx_str_t *channel,
    ngx_str_t *payload)
{
    ngx_int_t   p;
    ngx_str_t   name;

    name.len = sizeof(NGX_CHAT_WATCH_CHANNEL) - 1;
    name.data = channel->data + CHAT_NAME_PREFIX_LEN;

    if (channel->len != CHAT_NAME_PREFIX_LEN + name.len
        || ngx_strncmp(channel->data, "chat:{p", sizeof("chat:{p") - 1) != 0
        || ngx_strncmp(name.data, NGX_CHAT_WATCH_CHANNEL, name.len) != 0)
    {
        return 0;
    }

    p = ngx_atoi(channel->data + sizeof("chat:{p") - 1, 2);

    if (p == NGX_ERROR || (ngx_uint_t) p >= node->conf->partitions) {
        return 0;
    }

    if (payload != NULL) {
        ngx_chat_watch_on_publish(&node->watch.parts[p], payload);

    } else {
        ngx_chat_watch_on_subscribed(&node->watch.parts[p]);
    }

    return 1;
}


static void
ngx_chat_watch_on_subscribed(ngx_chat_watch_part_t *part)
{
    part->subscribing = 0;
    part->subscribed = 1;
    part->positioned = 0;
    part->suspect = 0;

    ngx_chat_watch_ask_all(part);
}


/* What is published */


/* "<epoch> <n>\n", then "<tenant>/<user> <status> <last seen> <text>\n" of
   each */

static void
ngx_chat_watch_on_publish(ngx_chat_watch_part_t *part, ngx_str_t *payload)
{
    u_char     *p, *space, *end, *last;
    ngx_int_t   n;
    ngx_str_t   epoch;

    p = payload->data;
    last = p + payload->len;

    end = ngx_strlchr(p, last, '\n');
    end = end != NULL ? end : last;
    space = ngx_strlchr(p, end, ' ');

    n = space != NULL ? ngx_atoi(space + 1, end - space - 1) : NGX_ERROR;

    if (n == NGX_ERROR || space - p > NGX_CHAT_WATCH_EPOCH) {
        ngx_log_error(NGX_LOG_ERR, part->node->log, 0,
                      "chat: malformed change of presence of %uz bytes",
                      payload->len);
        return;
    }

    epoch.data = p;
    epoch.len = space - p;

    ngx_chat_watch_heard(part, &epoch, n);

    if (end < last) {
        ngx_chat_watch_take(part, n, end + 1, last);
    }
}


static void
ngx_chat_watch_heard(ngx_chat_watch_part_t *part, ngx_str_t *epoch, uint64_t n)
{
    if (ngx_chat_watch_epoch(part, epoch)) {
        part->n = n;
        part->positioned = 1;
        return;
    }

    if (part->positioned && n > part->n + 1) {
        ngx_chat_watch_missed(part);
    }

    if (!part->positioned || n > part->n) {
        part->n = n;
        part->positioned = 1;
    }
}


/* whoever is not watched here is none of ours */

static void
ngx_chat_watch_take(ngx_chat_watch_part_t *part, uint64_t n, u_char *p,
    u_char *last)
{
    u_char               *end, *space;
    ngx_str_t             name;
    ngx_chat_node_t      *node = part->node;
    ngx_chat_watched_t   *u;
    ngx_chat_presence_t   presence;

    for ( /* void */ ; p < last; p = end + 1) {
        end = ngx_strlchr(p, last, '\n');
        end = end != NULL ? end : last;
        space = ngx_strlchr(p, end, ' ');

        if (space == NULL
            || ngx_chat_watch_parse(space + 1, end, &presence) != NGX_OK)
        {
            ngx_log_error(NGX_LOG_ERR, node->log, 0,
                          "chat: malformed change of presence: \"%*s\"",
                          (size_t) (end - p), p);
            return;
        }

        name.data = p;
        name.len = space - p;

        u = ngx_chat_watch_find(node, &name);

        if (u != NULL && n >= u->n) {
            ngx_chat_watch_set(u, &presence, n);
        }
    }
}


static void
ngx_chat_watch_missed(ngx_chat_watch_part_t *part)
{
    ngx_chat_count(part->node, NGX_CHAT_COUNT_WATCH_GAPS);
    ngx_chat_watch_ask_all(part);
}


/* whether it is another one than was known: numbers count from there on */

ngx_uint_t
ngx_chat_watch_epoch(ngx_chat_watch_part_t *part, ngx_str_t *epoch)
{
    ngx_uint_t           known;
    ngx_queue_t         *q;
    ngx_chat_watched_t  *u;

    if (epoch->len == part->epoch_len
        && ngx_memcmp(epoch->data, part->epoch, epoch->len) == 0)
    {
        return 0;
    }

    known = part->epoch_len > 0;
    part->epoch_len = ngx_min(epoch->len, NGX_CHAT_WATCH_EPOCH);
    ngx_memcpy(part->epoch, epoch->data, part->epoch_len);
    part->suspect = 0;

    for (q = ngx_queue_head(&part->users);
         q != ngx_queue_sentinel(&part->users);
         q = ngx_queue_next(q))
    {
        u = ngx_queue_data(q, ngx_chat_watched_t, peers);
        u->n = 0;
    }

    if (known) {
        ngx_chat_watch_ask_all(part);
    }

    return 1;
}


void
ngx_chat_watch_renewed(ngx_chat_node_t *node, ngx_uint_t partition,
    ngx_str_t *epoch, uint64_t n)
{
    ngx_chat_watch_part_t  *part = &node->watch.parts[partition];

    if (!part->positioned) {
        return;
    }

    if (ngx_chat_watch_epoch(part, epoch)) {
        part->positioned = 0;           /* the answer to the read says more */
        return;
    }

    if (part->suspect > part->n) {
        part->n = part->suspect;
        ngx_chat_watch_missed(part);
    }

    part->suspect = n > part->n ? n : 0;
}
