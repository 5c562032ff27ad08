/*
 * Leases: who is at this node counts as long as the node lives.
 *
 *      link up ──begin──▶ begun ──renewed, every 2 s──▶ begun
 *         ▲                 │
 *         └── failed, later ┘── lost, or counted otherwise: begin, at once
 *
 * Nothing is ever taken back by hand.  Whenever it is not certain what Redis
 * holds (the link was lost, the lease is over, Redis counts others than we do),
 * the node goes on under another name, tells all of its users under that one,
 * and then ends the one before.  What it cannot end is over with its lease.
 */

#include "ngx_chat.h"


#define NGX_CHAT_LEASE_RENEW  2000      /* ms */
#define NGX_CHAT_LEASE_ODD    2         /* renewals in a row */
#define NGX_CHAT_LEASE_END    "100"     /* users of a call */


/* a call under way; owner: its answer */

typedef struct {
    ngx_chat_lease_t   *lease;
    uint32_t            number;
    ngx_uint_t          told;           /* when it was sent */
} ngx_chat_lease_call_t;


static void ngx_chat_lease_on_timer(ngx_event_t *ev);
static ngx_int_t ngx_chat_lease_renew(ngx_chat_lease_t *lease,
    ngx_uint_t begin);
static void ngx_chat_lease_on_renewed(void *data, redisReply *reply);
static void ngx_chat_lease_take(ngx_chat_lease_call_t *call,
    redisReply *reply);
static void ngx_chat_lease_set_begun(ngx_chat_lease_t *lease,
    ngx_uint_t begun);
static ngx_int_t ngx_chat_lease_end(ngx_chat_lease_t *lease,
    uint32_t number, ngx_chat_redis_reply_pt handler, void *data);
static void ngx_chat_lease_on_ended(void *data, redisReply *reply);
static void ngx_chat_lease_on_left(void *data, redisReply *reply);


void
ngx_chat_lease_init(ngx_chat_node_t *node)
{
    ngx_uint_t          p;
    ngx_chat_lease_t   *lease;
    ngx_chat_leases_t  *leases = &node->leases;

    for (p = 0; p < CHAT_ID_MAX_PARTITIONS; p++) {
        lease = &leases->of[p];
        lease->node = node;
        ngx_queue_init(&lease->calm);
        ngx_queue_init(&lease->dirty);
    }

    leases->renew.handler = ngx_chat_lease_on_timer;
    leases->renew.data = node;
    leases->renew.log = node->log;
    leases->renew.cancelable = 1;

    leases->report.handler = ngx_chat_lease_on_report;
    leases->report.data = node;
    leases->report.log = node->log;
    leases->report.cancelable = 1;
}


/* whoever is still counted is gone, which others need not wait for a lease to
   learn: the holder of the partition takes out what these calls do not */

void
ngx_chat_lease_done(ngx_chat_node_t *node)
{
    ngx_uint_t          p;
    ngx_chat_lease_t   *lease;
    ngx_chat_leases_t  *leases = &node->leases;

    if (leases->renew.timer_set) {
        ngx_del_timer(&leases->renew);
    }

    if (leases->report.timer_set) {
        ngx_del_timer(&leases->report);
    }

    for (p = 0; p < node->conf->partitions; p++) {
        lease = &leases->of[p];

        if (lease->begun) {
            (void) ngx_chat_lease_end(lease, lease->number,
                                      ngx_chat_lease_on_left, node);
            ngx_chat_lease_set_begun(lease, 0);
        }
    }

    ngx_chat_redis_push(&node->command);
}


void
ngx_chat_lease_on_up(ngx_chat_node_t *node)
{
    ngx_uint_t  p;

    if (!node->conf->presence) {
        return;
    }

    for (p = 0; p < node->conf->partitions; p++) {
        ngx_chat_lease_begin(&node->leases.of[p]);
    }

    if (!node->leases.renew.timer_set) {
        ngx_add_timer(&node->leases.renew, NGX_CHAT_LEASE_RENEW);
    }
}


/* every answer has come */

void
ngx_chat_lease_on_down(ngx_chat_node_t *node)
{
    ngx_uint_t         p;
    ngx_chat_lease_t  *lease;

    for (p = 0; p < node->conf->partitions; p++) {
        lease = &node->leases.of[p];
        ngx_chat_lease_set_begun(lease, 0);
        lease->beginning = 0;
    }
}


static void
ngx_chat_lease_on_timer(ngx_event_t *ev)
{
    ngx_uint_t         p;
    ngx_chat_node_t   *node = ev->data;
    ngx_chat_lease_t  *lease;

    ngx_add_timer(ev, NGX_CHAT_LEASE_RENEW);

    if (!node->command.up) {
        return;
    }

    for (p = 0; p < node->conf->partitions; p++) {
        lease = &node->leases.of[p];

        if (lease->begun) {
            (void) ngx_chat_lease_renew(lease, 0);  /* or 2 s later */

        } else if (!lease->beginning) {
            ngx_chat_lease_begin(lease);
        }
    }

    ngx_chat_lease_report(node);        /* what could not be sent before */
}


/* all users are told again, in the order in which they were told before */

void
ngx_chat_lease_begin(ngx_chat_lease_t *lease)
{
    ngx_chat_lease_set_begun(lease, 0);

    lease->number = ++lease->node->leases.number;
    lease->told = 0;
    lease->odd = 0;

    if (!ngx_queue_empty(&lease->calm)) {
        ngx_queue_add(&lease->dirty, &lease->calm);
        ngx_queue_init(&lease->calm);
    }

    lease->beginning = ngx_chat_lease_renew(lease, 1) == NGX_OK;
}


static ngx_int_t
ngx_chat_lease_renew(ngx_chat_lease_t *lease, ngx_uint_t begin)
{
    size_t                  len;
    u_char                  name[NGX_CHAT_LEASE_NAME];
    ngx_chat_call_t         call;
    ngx_chat_node_t        *node = lease->node;
    ngx_chat_lease_call_t  *lc;

    lc = ngx_alloc(sizeof(ngx_chat_lease_call_t), node->log);
    if (lc == NULL) {
        return NGX_ERROR;
    }

    lc->lease = lease;
    lc->number = lease->number;
    lc->told = lease->told;

    len = ngx_chat_lease_name(lease, lease->number, name);

    ngx_chat_lease_call(&call, node, "chat_presence_v1_renew",
                        lease - node->leases.of);
    ngx_chat_call_add(&call, name, len);
    ngx_chat_call_add_cstr(&call, NGX_CHAT_LEASE_TIME);
    ngx_chat_call_add_cstr(&call, begin ? "1" : "");

    if (ngx_chat_call_send(&call, node, ngx_chat_lease_on_renewed, lc)
        != NGX_OK)
    {
        ngx_free(lc);
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* ok, users, epoch, n, settled; lost */

static void
ngx_chat_lease_on_renewed(void *data, redisReply *reply)
{
    ngx_chat_lease_call_t  *call = data;
    ngx_chat_lease_t       *lease = call->lease;

    if (reply == NULL || call->number != lease->number) {
        ngx_free(call);
        return;                         /* it is another one already */
    }

    lease->beginning = 0;

    switch (ngx_chat_lease_answer(reply, 5)) {

    case NGX_CHAT_LEASE_OK:
        ngx_chat_lease_take(call, reply);
        break;

    case NGX_CHAT_LEASE_LOST:
        ngx_chat_lease_begin(lease);
        break;

    case NGX_CHAT_LEASE_REFUSED:
    case NGX_CHAT_LEASE_AWAY:
        ngx_chat_lease_failed(lease, reply);
        break;
    }

    ngx_free(call);
}


/* commands over one link are executed in order: what Redis counts is what it
   had been told when the question left */

static void
ngx_chat_lease_take(ngx_chat_lease_call_t *call, redisReply *reply)
{
    ngx_str_t          epoch, n;
    ngx_int_t          number;
    ngx_uint_t         users;
    ngx_chat_lease_t  *lease = call->lease;
    ngx_chat_node_t   *node = lease->node;

    node->leases.complained = 0;

    if (!lease->begun) {
        ngx_chat_lease_set_begun(lease, 1);
        ngx_chat_count(node, NGX_CHAT_COUNT_PRESENCE_REGISTRATIONS);

        if (ngx_queue_empty(&lease->dirty)) {
            ngx_chat_lease_end_old(lease);      /* nobody is left to tell */
        }

        ngx_chat_lease_report(node);
    }

    epoch = ngx_chat_bus_str(reply, 2);
    n = ngx_chat_bus_str(reply, 3);
    number = ngx_atoi(n.data, n.len);

    if (number != NGX_ERROR) {
        ngx_chat_watch_renewed(node, lease - node->leases.of, &epoch, number);
    }

    users = ngx_chat_bus_uint(reply, 1);

    if (users == call->told) {
        lease->odd = 0;
        return;
    }

    if (++lease->odd == NGX_CHAT_LEASE_ODD) {
        ngx_log_error(NGX_LOG_WARN, node->log, 0,
                      "chat: redis knows %ui users of this node in partition "
                      "%ui, not %ui: they are told again", users,
                      (ngx_uint_t) (lease - node->leases.of), call->told);
        ngx_chat_lease_begin(lease);
    }
}


void
ngx_chat_lease_failed(ngx_chat_lease_t *lease, redisReply *reply)
{
    ngx_chat_leases_t  *leases = &lease->node->leases;

    ngx_chat_count(lease->node, NGX_CHAT_COUNT_PRESENCE_FAILURES);
    ngx_chat_lease_set_begun(lease, 0);

    if (leases->complained) {
        return;
    }

    leases->complained = 1;

    ngx_log_error(NGX_LOG_INFO, lease->node->log, 0,
                  "chat: presence is not served: \"%s\"",
                  reply->type == REDIS_REPLY_ERROR ? reply->str
                  : reply->type == REDIS_REPLY_ARRAY && reply->elements > 0
                    && reply->element[0]->type == REDIS_REPLY_STRING
                    ? reply->element[0]->str : "");
}


/* the only place where it changes: who was told under one that has begun is to
   be ended some time */

static void
ngx_chat_lease_set_begun(ngx_chat_lease_t *lease, ngx_uint_t begun)
{
    if (lease->begun == begun) {
        return;
    }

    lease->begun = begun;
    ngx_chat_count_add(lease->node, NGX_CHAT_COUNT_PRESENCE_REGISTERED,
                       begun ? 1 : -1);

    if (!begun) {
        lease->old = lease->number;
    }
}


/* The end of one */


void
ngx_chat_lease_end_old(ngx_chat_lease_t *lease)
{
    ngx_chat_lease_call_t  *lc;

    if (lease->old == 0) {
        return;
    }

    lc = ngx_alloc(sizeof(ngx_chat_lease_call_t), lease->node->log);

    if (lc != NULL) {
        lc->lease = lease;
        lc->number = lease->old;

        if (ngx_chat_lease_end(lease, lc->number, ngx_chat_lease_on_ended, lc)
            != NGX_OK)
        {
            ngx_free(lc);
        }
    }

    lease->old = 0;                     /* or its time ends it */
}


static ngx_int_t
ngx_chat_lease_end(ngx_chat_lease_t *lease, uint32_t number,
    ngx_chat_redis_reply_pt handler, void *data)
{
    size_t            len;
    u_char            name[NGX_CHAT_LEASE_NAME];
    ngx_chat_call_t   call;
    ngx_chat_node_t  *node = lease->node;

    len = ngx_chat_lease_name(lease, number, name);

    ngx_chat_lease_call(&call, node, "chat_presence_v1_end",
                        lease - node->leases.of);
    ngx_chat_call_add(&call, name, len);
    ngx_chat_call_add_cstr(&call, NGX_CHAT_LEASE_END);

    return ngx_chat_call_send(&call, node, handler, data);
}


/* ok, how many users are left in it */

static void
ngx_chat_lease_on_ended(void *data, redisReply *reply)
{
    ngx_chat_lease_call_t  *call = data;

    if (ngx_chat_lease_answer(reply, 2) == NGX_CHAT_LEASE_OK
        && ngx_chat_bus_uint(reply, 1) > 0
        && ngx_chat_lease_end(call->lease, call->number,
                              ngx_chat_lease_on_ended, call)
           == NGX_OK)
    {
        return;
    }

    ngx_free(call);
}


/* the process ends, and nobody is there to hear */

static void
ngx_chat_lease_on_left(void *data, redisReply *reply)
{
    (void) data;
    (void) reply;
}


/* Calls */


size_t
ngx_chat_lease_name(ngx_chat_lease_t *lease, uint32_t number, u_char *buf)
{
    return ngx_sprintf(buf, "%V.%uD", &lease->node->id, number) - buf;
}


size_t
ngx_chat_lease_prefix(u_char *buf, ngx_uint_t partition)
{
    u_char  *p;

    p = buf + chat_name_prefix(buf, partition);
    p = ngx_cpymem(p, "presence:", sizeof("presence:") - 1);

    return p - buf;
}


void
ngx_chat_lease_call(ngx_chat_call_t *call, ngx_chat_node_t *node,
    const char *function, ngx_uint_t partition)
{
    call->n = 0;
    call->pos = call->numbers;

    ngx_chat_call_add_cstr(call, "FCALL");
    ngx_chat_call_add_cstr(call, function);
    ngx_chat_call_add_cstr(call, "1");
    ngx_chat_call_add(call, call->pos,
                      ngx_chat_lease_prefix(call->pos, partition));
    call->pos += NGX_CHAT_LEASE_PREFIX;
    ngx_chat_call_add_uint(call, node->conf->partitions);
}


ngx_chat_lease_answer_e
ngx_chat_lease_answer(redisReply *reply, size_t elements)
{
    const char  *word;

    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY
        || reply->elements == 0
        || reply->element[0]->type != REDIS_REPLY_STRING)
    {
        return NGX_CHAT_LEASE_AWAY;
    }

    word = reply->element[0]->str;

    if (ngx_strcmp(word, "ok") == 0 && reply->elements >= elements) {
        return NGX_CHAT_LEASE_OK;
    }

    if (ngx_strcmp(word, "lost") == 0) {
        return NGX_CHAT_LEASE_LOST;
    }

    return ngx_strcmp(word, "refused") == 0 ? NGX_CHAT_LEASE_REFUSED
                                            : NGX_CHAT_LEASE_AWAY;
}
