/*
 * Reporting users to Redis: how many sessions each has at this node, and how
 * many of them are active.
 *
 * What changes is collected for some milliseconds, then each partition is told
 * in one call, or a few if there are many; few calls are under way at once, so
 * that thousands who come at the same moment hold nobody else up in Redis.
 *
 *      lease->calm ──changed, or another lease──▶ lease->dirty
 *                  ◀───────────reported───────────
 *
 * The answer also says what the user has chosen.  It is believed if it was
 * asked for after the subscription to the user's channel was confirmed, and
 * only for as long as the channel has not told: that tells in order.
 */

#include "ngx_chat.h"


#define NGX_CHAT_LEASE_COLLECT  20      /* ms */
#define NGX_CHAT_LEASE_USERS    100     /* of one call */
#define NGX_CHAT_LEASE_CALLS    4       /* under way */
#define NGX_CHAT_LEASE_LOOKS    2000    /* users looked at in a turn */
#define NGX_CHAT_LEASE_NUMBER   10      /* digits of a count */


/* a call under way; owner: its answer */

typedef struct {
    ngx_chat_lease_t   *lease;
    uint32_t            number;
    ngx_uint_t          link;           /* users->link, then */
    ngx_uint_t          n;
    ngx_chat_user_t    *users[NGX_CHAT_LEASE_USERS];
    uint8_t             asked[NGX_CHAT_LEASE_USERS];    /* the answer says what
                                           the user has chosen, unless the
                                           channel does */
} ngx_chat_lease_report_t;


static ngx_uint_t ngx_chat_lease_take_next(ngx_chat_node_t *node,
    ngx_uint_t *looks);
static void ngx_chat_lease_take_users(ngx_chat_lease_t *lease,
    ngx_chat_lease_report_t *r, ngx_uint_t *looks);
static ngx_uint_t ngx_chat_lease_is_news(ngx_chat_user_t *user);
static ngx_int_t ngx_chat_lease_send(ngx_chat_lease_report_t *r);
static void ngx_chat_lease_sent(ngx_chat_user_t *user);
static void ngx_chat_lease_unsent(ngx_chat_lease_report_t *r);
static void ngx_chat_lease_on_answer(void *data, redisReply *reply);
static void ngx_chat_lease_learn(ngx_chat_lease_report_t *r,
    redisReply *reply);


void
ngx_chat_lease_enter(ngx_chat_user_t *user)
{
    ngx_chat_lease_t  *lease = &user->owner->leases.of[user->partition];

    ngx_queue_insert_tail(&lease->calm, &user->report);
}


void
ngx_chat_lease_changed(ngx_chat_user_t *user)
{
    ngx_event_t       *ev;
    ngx_chat_node_t   *node = user->owner;
    ngx_chat_lease_t  *lease = &node->leases.of[user->partition];

    if (!node->conf->presence || user->dirty) {
        return;
    }

    user->dirty = 1;
    ngx_queue_remove(&user->report);
    ngx_queue_insert_tail(&lease->dirty, &user->report);

    ev = &node->leases.report;

    if (lease->begun && !ev->timer_set) {
        ngx_add_timer(ev, NGX_CHAT_LEASE_COLLECT);
    }
}


ngx_uint_t
ngx_chat_lease_holds(ngx_chat_user_t *user)
{
    ngx_chat_lease_t  *lease = &user->owner->leases.of[user->partition];

    return user->reporting > 0
           || (lease->begun && user->number == lease->number
               && user->told > 0);
}


void
ngx_chat_lease_on_report(ngx_event_t *ev)
{
    ngx_chat_lease_report(ev->data);
}


/* as much as may be under way */

void
ngx_chat_lease_report(ngx_chat_node_t *node)
{
    ngx_uint_t          looks;
    ngx_chat_leases_t  *leases = &node->leases;

    looks = NGX_CHAT_LEASE_LOOKS;
    leases->more = 0;

    while (node->command.up && ngx_chat_lease_take_next(node, &looks)) {

        if (leases->calls >= NGX_CHAT_LEASE_CALLS) {
            leases->more = 1;           /* with the next answer */
            return;
        }

        if (looks == 0) {
            if (!leases->report.timer_set) {
                ngx_add_timer(&leases->report, 1);
            }

            return;
        }
    }
}


/* one call, of the partition whose turn it is; 0: there is nothing to report,
   or it cannot be sent now: the next renewal tries again */

static ngx_uint_t
ngx_chat_lease_take_next(ngx_chat_node_t *node, ngx_uint_t *looks)
{
    ngx_uint_t                i;
    ngx_chat_lease_t         *lease;
    ngx_chat_leases_t        *leases = &node->leases;
    ngx_chat_lease_report_t  *r;

    for (i = 0; i < node->conf->partitions; i++) {
        lease = &leases->of[leases->next];

        if (lease->begun && !ngx_queue_empty(&lease->dirty)) {
            break;
        }

        leases->next = (leases->next + 1) % node->conf->partitions;
    }

    if (i == node->conf->partitions) {
        return 0;
    }

    if (leases->calls >= NGX_CHAT_LEASE_CALLS) {
        return 1;
    }

    r = ngx_alloc(sizeof(ngx_chat_lease_report_t), node->log);
    if (r == NULL) {
        return 0;
    }

    r->lease = lease;
    r->number = lease->number;
    r->link = node->users.link;
    r->n = 0;

    ngx_chat_lease_take_users(lease, r, looks);

    if (r->n == 0) {
        ngx_free(r);

    } else if (ngx_chat_lease_send(r) != NGX_OK) {
        ngx_chat_lease_unsent(r);
        return 0;
    }

    if (ngx_queue_empty(&lease->dirty)) {
        ngx_chat_lease_end_old(lease);
    }

    leases->next = (leases->next + 1) % node->conf->partitions;

    return 1;
}


static void
ngx_chat_lease_take_users(ngx_chat_lease_t *lease,
    ngx_chat_lease_report_t *r, ngx_uint_t *looks)
{
    ngx_queue_t      *q;
    ngx_chat_user_t  *user;

    while (r->n < NGX_CHAT_LEASE_USERS && *looks > 0
           && !ngx_queue_empty(&lease->dirty))
    {
        q = ngx_queue_head(&lease->dirty);
        user = ngx_queue_data(q, ngx_chat_user_t, report);

        ngx_queue_remove(q);
        ngx_queue_insert_tail(&lease->calm, q);
        user->dirty = 0;
        (*looks)--;

        if (user->number != lease->number) {
            user->number = lease->number;
            user->told = 0;
            user->told_active = 0;
        }

        if (ngx_chat_lease_is_news(user)) {
            user->reporting++;
            r->users[r->n++] = user;

        } else {
            ngx_chat_user_release(user);
        }
    }
}


/* a new one whose subscription is to be confirmed is told then: what it has
   chosen, when that is loaded, is heard in any case */

static ngx_uint_t
ngx_chat_lease_is_news(ngx_chat_user_t *user)
{
    if (user->nsessions == 0) {
        return user->told > 0;
    }

    if (!user->known && user->owner->subscriber.up
        && !ngx_chat_user_is_heard(user))
    {
        return 0;
    }

    return user->told != user->nsessions || user->told_active != user->nactive
           || (ngx_chat_user_is_heard(user) && !user->fresh);
}


/* FCALL chat_presence_v1_report 1 prefix partitions incarnation lease, then
   user, sessions, active ones of each */

static ngx_int_t
ngx_chat_lease_send(ngx_chat_lease_report_t *r)
{
    u_char            prefix[NGX_CHAT_LEASE_PREFIX], name[NGX_CHAT_LEASE_NAME];
    u_char            numbers[(2 * NGX_CHAT_LEASE_USERS + 1)
                              * NGX_CHAT_LEASE_NUMBER];
    u_char           *p, *next;
    size_t            len[7 + 3 * NGX_CHAT_LEASE_USERS];
    ngx_int_t         rc;
    ngx_uint_t        i, n;
    const char       *argv[7 + 3 * NGX_CHAT_LEASE_USERS];
    ngx_chat_node_t  *node = r->lease->node;
    ngx_chat_user_t  *user;

    argv[0] = "FCALL";
    argv[1] = "chat_presence_v1_report";
    argv[2] = "1";
    argv[3] = (const char *) prefix;
    argv[6] = NGX_CHAT_LEASE_TIME;

    for (i = 0; i < 7; i++) {
        len[i] = i < 3 || i > 5 ? ngx_strlen(argv[i]) : 0;
    }

    len[3] = ngx_chat_lease_prefix(prefix, r->lease - node->leases.of);

    p = ngx_sprintf(numbers, "%ui", node->conf->partitions);
    argv[4] = (const char *) numbers;
    len[4] = p - numbers;

    argv[5] = (const char *) name;
    len[5] = ngx_chat_lease_name(r->lease, r->number, name);

    n = 7;

    for (i = 0; i < r->n; i++) {
        user = r->users[i];

        argv[n] = (const char *) user->node.str.data;
        len[n++] = user->node.str.len;

        next = ngx_sprintf(p, "%uD", user->nsessions);
        argv[n] = (const char *) p;
        len[n++] = next - p;

        p = ngx_sprintf(next, "%uD", user->nactive);
        argv[n] = (const char *) next;
        len[n++] = p - next;
    }

    rc = ngx_chat_redis_send(&node->command, n, argv, len,
                             ngx_chat_lease_on_answer, r);
    if (rc != NGX_OK) {
        return rc;
    }

    node->leases.calls++;
    ngx_chat_count_add(node, NGX_CHAT_COUNT_PRESENCE_REPORTED, r->n);

    for (i = 0; i < r->n; i++) {
        r->asked[i] = ngx_chat_user_is_heard(r->users[i])
                      && !r->users[i]->fresh;
        ngx_chat_lease_sent(r->users[i]);
    }

    return NGX_OK;
}


static void
ngx_chat_lease_sent(ngx_chat_user_t *user)
{
    ngx_chat_lease_t  *lease = &user->owner->leases.of[user->partition];

    lease->told += (user->nsessions > 0) - (user->told > 0);

    user->told = user->nsessions;
    user->told_active = user->nactive;
    user->known = 1;
}


static void
ngx_chat_lease_unsent(ngx_chat_lease_report_t *r)
{
    ngx_uint_t        i;
    ngx_chat_user_t  *user;

    for (i = 0; i < r->n; i++) {
        user = r->users[i];
        user->reporting--;
        user->dirty = 1;
        ngx_queue_remove(&user->report);
        ngx_queue_insert_tail(&r->lease->dirty, &user->report);
    }

    ngx_free(r);
}


/* ok, what each has chosen; lost */

static void
ngx_chat_lease_on_answer(void *data, redisReply *reply)
{
    ngx_uint_t                i, current;
    ngx_chat_user_t          *user;
    ngx_chat_node_t          *node;
    ngx_chat_lease_t         *lease;
    ngx_chat_lease_report_t  *r = data;

    lease = r->lease;
    node = lease->node;
    current = reply != NULL && lease->begun && r->number == lease->number;

    node->leases.calls--;

    switch (ngx_chat_lease_answer(reply, 2)) {

    case NGX_CHAT_LEASE_OK:
        ngx_chat_lease_learn(r, reply);
        break;

    case NGX_CHAT_LEASE_LOST:
        if (current) {
            ngx_chat_lease_begin(lease);
        }

        break;

    case NGX_CHAT_LEASE_REFUSED:
    case NGX_CHAT_LEASE_AWAY:
        if (current) {
            ngx_chat_lease_failed(lease, reply);
        }

        break;
    }

    for (i = 0; i < r->n; i++) {
        user = r->users[i];
        user->reporting--;
        ngx_chat_user_release(user);
    }

    ngx_free(r);

    if (reply != NULL && node->leases.more) {
        ngx_chat_lease_report(node);
    }
}


static void
ngx_chat_lease_learn(ngx_chat_lease_report_t *r, redisReply *reply)
{
    ngx_str_t         letters;
    ngx_uint_t        i;
    ngx_chat_user_t  *user;

    letters = ngx_chat_bus_str(reply, 1);

    if (letters.len != r->n || r->link != r->lease->node->users.link) {
        return;
    }

    for (i = 0; i < r->n; i++) {
        user = r->users[i];

        if (r->asked[i] && !user->fresh && user->nsessions > 0) {
            ngx_chat_choice_learn(user, letters.data[i]);
        }
    }
}
