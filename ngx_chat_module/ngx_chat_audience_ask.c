/*
 * Redis is asked again who is in a conversation: when a member has come or
 * gone, once a second at most; when it is to have counted again; and from time
 * to time, since who reads a channel becomes a member without an event.  It is
 * asked for the node, which may see all: who listens has joined, and is put out
 * of the room when that ends.
 */

#include "ngx_chat.h"


#define NGX_CHAT_AUDIENCE_SOON     1    /* ms: what else comes is waited for */
#define NGX_CHAT_AUDIENCE_LEAST    1000     /* ms between two times */
#define NGX_CHAT_AUDIENCE_RETRY    2000     /* ms: it was in vain */
#define NGX_CHAT_AUDIENCE_REST     60000    /* ms: nothing has happened */
#define NGX_CHAT_AUDIENCE_SPREAD   10000    /* ms more, by chance */
#define NGX_CHAT_AUDIENCE_BEHIND   300  /* ms: chat-presence has counted */


static void ngx_chat_audience_put_out(ngx_chat_audience_t *a,
    ngx_str_t *what);
static void ngx_chat_audience_on_timer(ngx_event_t *ev);
static void ngx_chat_audience_ask(ngx_chat_audience_t *a);
static void ngx_chat_audience_on_asked(void *data, redisReply *reply);
static void ngx_chat_audience_told(ngx_chat_audience_t *a,
    redisReply *reply);
static void ngx_chat_audience_on_loaded(void *data, ngx_chat_range_t *range);


void
ngx_chat_audience_ask_init(ngx_chat_audience_t *a)
{
    a->timer.handler = ngx_chat_audience_on_timer;
    a->timer.data = a;
    a->timer.log = a->node->log;
    a->timer.cancelable = 1;

    a->waiter.handler = ngx_chat_audience_on_loaded;
    a->waiter.data = a;
}


void
ngx_chat_audience_ask_later(ngx_chat_audience_t *a, ngx_msec_t ms)
{
    if (a->timer.timer_set) {

        if ((ngx_msec_int_t) (a->timer.timer.key - ngx_current_msec - ms)
            <= 0)
        {
            return;
        }

        ngx_del_timer(&a->timer);
    }

    ngx_add_timer(&a->timer, ms);
}


void
ngx_chat_audience_ask_next(ngx_chat_audience_t *a, ngx_msec_t counted)
{
    ngx_msec_t  ms;

    a->asked = ngx_current_msec;

    if (a->timer.timer_set) {
        ngx_del_timer(&a->timer);
    }

    if (a->state != NGX_CHAT_AUDIENCE_COUNTED) {
        ms = NGX_CHAT_AUDIENCE_REST + ngx_random() % NGX_CHAT_AUDIENCE_SPREAD;

    } else if (a->online < 0
               && (a->nlisteners == 0 || !ngx_queue_empty(&a->waiting)))
    {
        ms = NGX_CHAT_AUDIENCE_COUNTS;

    } else if (a->online < 0) {
        ms = NGX_CHAT_AUDIENCE_RETRY;

    } else {
        ms = ngx_min(counted, NGX_CHAT_AUDIENCE_SPREAD)
             + NGX_CHAT_AUDIENCE_BEHIND;
    }

    ngx_add_timer(&a->timer, ms);
}


void
ngx_chat_audience_ask_soon(ngx_chat_audience_t *a)
{
    ngx_msec_t  passed = ngx_current_msec - a->asked;

    ngx_chat_audience_ask_later(a, passed >= NGX_CHAT_AUDIENCE_LEAST
                                   ? NGX_CHAT_AUDIENCE_SOON
                                   : NGX_CHAT_AUDIENCE_LEAST - passed);
}


void
ngx_chat_audience_on_event(ngx_chat_room_t *room, uint64_t revision,
    ngx_str_t *what, ngx_chat_buffer_t *b)
{
    ngx_chat_audience_t  *a = room->audience;

    static const char  member[] = "{\"type\":\"member.";

    if (b->size < sizeof(member) - 1
        || ngx_memcmp(b->payload, member, sizeof(member) - 1) != 0)
    {
        return;
    }

    room->members = ngx_max(room->members, revision);

    if (a == NULL || a->state != NGX_CHAT_AUDIENCE_LISTED
        || revision <= a->revision)
    {
        return;
    }

    if (what->len > 1 && what->data[0] == '-') {
        ngx_chat_audience_put_out(a, what);
    }

    if (!a->asking) {                   /* else it tells of when it is */
        ngx_chat_audience_ask_soon(a);
    }
}


/* nothing more is told of it */

static void
ngx_chat_audience_put_out(ngx_chat_audience_t *a, ngx_str_t *what)
{
    u_char                name[CHAT_NAME_MAX_QUALIFIED];
    ngx_str_t             user;
    ngx_chat_attendee_t  *e;

    user.data = what->data + 1;
    user.len = what->len - 1;
    user = ngx_chat_audience_qualified(a, &user, name);

    e = ngx_chat_audience_find(a, &user);

    if (e != NULL) {
        ngx_chat_audience_remove(e);
        a->size--;
    }
}


void
ngx_chat_audience_on_loss(ngx_chat_room_t *room)
{
    if (room->audience != NULL) {
        ngx_chat_audience_ask_later(room->audience,
                                    NGX_CHAT_AUDIENCE_SOON
                                    + ngx_random() % NGX_CHAT_AUDIENCE_LEAST);
    }
}


static void
ngx_chat_audience_on_timer(ngx_event_t *ev)
{
    ngx_chat_audience_ask(ev->data);
}


static void
ngx_chat_audience_ask(ngx_chat_audience_t *a)
{
    ngx_chat_call_t   call;
    ngx_chat_node_t  *node = a->node;

    if (a->asking) {
        a->again = 1;
        return;
    }

    ngx_chat_call_begin(&call, node, "chat_v1_audience", &a->name);
    ngx_chat_call_add_cstr(&call, "");
    ngx_chat_call_add_uint(&call, node->conf->presence_batch);

    a->again = 0;
    a->asked = ngx_current_msec;

    if (ngx_chat_call_send(&call, node, ngx_chat_audience_on_asked, a)
        != NGX_OK)
    {
        ngx_chat_audience_ask_later(a, NGX_CHAT_AUDIENCE_RETRY);
        return;
    }

    a->asking = 1;
}


static void
ngx_chat_audience_on_asked(void *data, redisReply *reply)
{
    ngx_chat_audience_t  *a = data;

    a->asking = 0;

    if (a->gone) {
        ngx_chat_audience_release(a);
        return;
    }

    ngx_chat_audience_told(a, reply);

    if (a->again) {
        ngx_chat_audience_ask_later(a, NGX_CHAT_AUDIENCE_LEAST);
    }
}


static void
ngx_chat_audience_told(ngx_chat_audience_t *a, redisReply *reply)
{
    ngx_int_t          rc;
    ngx_chat_answer_e  answer;

    answer = ngx_chat_bus_answer(a->node->log, &a->name.base, reply,
                                 NGX_CHAT_AUDIENCE_ANSWER);

    rc = answer == NGX_CHAT_ANSWER_OK ? ngx_chat_audience_take(a, reply, 0)
                                      : NGX_ERROR;

    if (rc == NGX_AGAIN) {
        ngx_chat_audience_ask_soon(a);
        return;
    }

    if (rc == NGX_OK) {
        if (!ngx_queue_empty(&a->waiting) && ngx_chat_audience_is_known(a)) {
            ngx_chat_audience_known(a);
        }

        return;
    }

    if (answer == NGX_CHAT_ANSWER_NEED_CONVERSATION) {
        ngx_chat_need_cancel(&a->waiter);
        (void) ngx_chat_need_conversation(a->node, &a->name, &a->waiter);
    }

    ngx_chat_audience_ask_later(a, NGX_CHAT_AUDIENCE_RETRY);
}


static void
ngx_chat_audience_on_loaded(void *data, ngx_chat_range_t *range)
{
    (void) range;                       /* the conversation is there again */

    ngx_chat_audience_ask(data);
}
