/*
 * What a user has chosen to be: online, away, busy or invisible, with a text.
 *
 * It is the user's own and the same for all sessions; others see it as far as
 * there is a session that is active.  It comes over the user's channel whenever
 * it changes, or is loaded; for who comes later Redis says it in the answer to
 * a report, and is asked for the text if there is one.
 *
 * The user's sessions are told when it changes, and when they come, unless it
 * is what everybody starts with: online, without a text.
 */

#include "ngx_chat.h"


/* an answer to come; owner: that */

typedef struct {
    ngx_chat_user_t   *user;            /* held by user->reporting */
    ngx_uint_t         link;            /* users->link, when it was asked */
} ngx_chat_choice_ask_t;


static void ngx_chat_choice_ask(ngx_chat_user_t *user);
static void ngx_chat_choice_on_own(void *data, redisReply *reply);
static void ngx_chat_choice_is(ngx_chat_user_t *user, u_char choice,
    ngx_str_t *text);
static ngx_uint_t ngx_chat_choice_is_valid(u_char letter);
static ngx_chat_buffer_t *ngx_chat_choice_event(ngx_chat_user_t *user);
static void ngx_chat_choice_on_set(void *data, redisReply *reply);


/* "self <choice> <text>" */

ngx_int_t
ngx_chat_choice_on_self(ngx_chat_user_t *user, ngx_str_t *payload)
{
    ngx_str_t  text;

    if (payload->len < sizeof("self o ") - 1
        || ngx_strncmp(payload->data, "self ", sizeof("self ") - 1) != 0
        || !ngx_chat_choice_is_valid(payload->data[5])
        || payload->data[6] != ' ')
    {
        return NGX_DECLINED;
    }

    text.data = payload->data + sizeof("self o ") - 1;
    text.len = payload->len - (sizeof("self o ") - 1);

    ngx_chat_choice_is(user, payload->data[5], &text);

    return NGX_OK;
}


void
ngx_chat_choice_learn(ngx_chat_user_t *user, u_char letter)
{
    ngx_str_t  none = ngx_null_string;

    if (letter >= 'A' && letter <= 'Z') {
        ngx_chat_choice_ask(user);

    } else if (ngx_chat_choice_is_valid(letter)) {
        ngx_chat_choice_is(user, letter, &none);
    }
}


/* FCALL chat_presence_v1_own */

static void
ngx_chat_choice_ask(ngx_chat_user_t *user)
{
    ngx_chat_call_t         call;
    ngx_chat_node_t        *node = user->owner;
    ngx_chat_choice_ask_t  *ask;

    ask = ngx_alloc(sizeof(ngx_chat_choice_ask_t), node->log);
    if (ask == NULL) {
        return;
    }

    ask->user = user;
    ask->link = node->users.link;

    ngx_chat_lease_call(&call, node, "chat_presence_v1_own", user->partition);
    ngx_chat_call_add(&call, user->node.str.data, user->node.str.len);

    if (ngx_chat_call_send(&call, node, ngx_chat_choice_on_own, ask)
        != NGX_OK)
    {
        ngx_free(ask);
        return;
    }

    user->reporting++;
}


/* ok, choice, text, then what is where */

static void
ngx_chat_choice_on_own(void *data, redisReply *reply)
{
    ngx_str_t               choice, text;
    ngx_chat_choice_ask_t  *ask = data;
    ngx_chat_user_t        *user = ask->user;

    user->reporting--;

    if (ngx_chat_lease_answer(reply, 3) == NGX_CHAT_LEASE_OK
        && ask->link == user->owner->users.link && !user->fresh)
    {
        choice = ngx_chat_bus_str(reply, 1);
        text = ngx_chat_bus_str(reply, 2);

        if (choice.len == 1 && ngx_chat_choice_is_valid(choice.data[0])) {
            ngx_chat_choice_is(user, choice.data[0], &text);
        }
    }

    ngx_free(ask);
    ngx_chat_user_release(user);
}


static ngx_uint_t
ngx_chat_choice_is_valid(u_char letter)
{
    switch (letter) {
    case NGX_CHAT_CHOICE_ONLINE:
    case NGX_CHAT_CHOICE_AWAY:
    case NGX_CHAT_CHOICE_BUSY:
    case NGX_CHAT_CHOICE_INVISIBLE:
        return 1;
    }

    return 0;
}


static void
ngx_chat_choice_is(ngx_chat_user_t *user, u_char choice, ngx_str_t *text)
{
    u_char              *copy, was;
    ngx_queue_t         *q;
    ngx_chat_buffer_t   *b;
    ngx_chat_session_t  *s;

    was = user->choice == NGX_CHAT_CHOICE_UNKNOWN ? NGX_CHAT_CHOICE_ONLINE
                                                  : user->choice;
    user->choice = choice;
    user->fresh = 1;

    if (choice == NGX_CHAT_CHOICE_INVISIBLE) {
        ngx_chat_typing_hide(user);
    }

    if (choice == was && text->len == user->text.len
        && (text->len == 0
            || ngx_memcmp(text->data, user->text.data, text->len) == 0))
    {
        return;
    }

    copy = NULL;

    if (text->len > 0) {
        copy = ngx_alloc(text->len, user->owner->log);

        if (copy != NULL) {             /* else: the choice matters more */
            ngx_memcpy(copy, text->data, text->len);
        }
    }

    if (user->text.data != NULL) {
        ngx_free(user->text.data);
    }

    user->text.data = copy;
    user->text.len = copy != NULL ? text->len : 0;

    b = ngx_chat_choice_event(user);
    if (b == NULL) {
        return;
    }

    for (q = ngx_queue_head(&user->sessions);
         q != ngx_queue_sentinel(&user->sessions);
         q = ngx_queue_next(q))
    {
        s = ngx_queue_data(q, ngx_chat_session_t, user_queue);
        ngx_chat_write_queue(s, b);
    }

    ngx_chat_buffer_unref(b);
}


void
ngx_chat_choice_tell(ngx_chat_session_t *s)
{
    ngx_chat_user_t    *user = s->user;
    ngx_chat_buffer_t  *b;

    if (user == NULL || user->choice == NGX_CHAT_CHOICE_UNKNOWN
        || (user->choice == NGX_CHAT_CHOICE_ONLINE && user->text.len == 0))
    {
        return;
    }

    b = ngx_chat_choice_event(user);

    if (b != NULL) {
        ngx_chat_write_queue(s, b);
        ngx_chat_buffer_unref(b);
    }
}


/* presence.changed, of oneself */

static ngx_chat_buffer_t *
ngx_chat_choice_event(ngx_chat_user_t *user)
{
    u_char               *p, *last;
    ngx_str_t             id;
    chat_writer_t         w;
    ngx_chat_buffer_t    *b;
    ngx_chat_presence_t   presence;

    last = user->node.str.data + user->node.str.len;
    p = ngx_strlchr(user->node.str.data, last, '/');

    b = ngx_chat_buffer_create(2 * NGX_CHAT_WATCH_STATE + user->text.len);
    if (b == NULL || p == NULL) {
        ngx_chat_buffer_unref(b);
        return NULL;
    }

    id.data = p + 1;
    id.len = last - id.data;

    presence.status = user->choice;
    presence.last_seen = 0;
    presence.text = user->text;

    chat_writer_init(&w, b->payload, b->size);
    chat_write_cstr(&w, "{\"type\":\"presence.changed\",\"data\":");
    ngx_chat_watch_write(&w, &id, &presence);
    chat_write_cstr(&w, "}");

    ngx_chat_buffer_finish(b, CHAT_FRAME_TEXT, w.len);

    return b;
}


/* presence.set */


/* those of one session follow each other, and wait for nothing else: no
   conversation has a name like this */

ngx_int_t
ngx_chat_choice_name(ngx_chat_request_t *rq)
{
    ngx_chat_identity_t  *identity = rq->session->identity;

    ngx_chat_request_set_name(rq, ngx_chat_str(&identity->tenant),
                              ngx_chat_str(&identity->user));

    rq->base[CHAT_NAME_PREFIX_LEN] = 'p';       /* was "c:" */

    return NGX_OK;
}


void
ngx_chat_choice_set(ngx_chat_request_t *rq)
{
    char              letter;
    size_t            skip;
    ngx_str_t        *base = &rq->name.base;
    ngx_chat_call_t   call;

    if (!rq->node->conf->presence) {
        ngx_chat_request_fail(rq, CHAT_CODE_UNSUPPORTED, "presence is off");
        return;
    }

    letter = chat_presence_letter(rq->parsed.status);
    skip = CHAT_NAME_PREFIX_LEN + sizeof("p:") - 1;

    ngx_chat_lease_call(&call, rq->node, "chat_presence_v1_set",
                        rq->name.partition);
    ngx_chat_call_add(&call, base->data + skip, base->len - skip);
    ngx_chat_call_add(&call, &letter, 1);

    if (rq->parsed.has_status_text) {
        ngx_chat_call_add(&call, rq->parsed.status_text.data,
                          rq->parsed.status_text.len);

    } else {
        ngx_chat_call_add_cstr(&call, "");
    }

    ngx_chat_ask_call(rq, &call, ngx_chat_choice_on_set);
}


static void
ngx_chat_choice_on_set(void *data, redisReply *reply)
{
    ngx_chat_request_t  *rq = data;

    if (ngx_chat_ask_returned(rq) != NGX_OK) {
        return;
    }

    switch (ngx_chat_lease_answer(reply, 1)) {

    case NGX_CHAT_LEASE_OK:
        ngx_chat_request_done_empty(rq);
        return;

    case NGX_CHAT_LEASE_REFUSED:
        ngx_log_error(NGX_LOG_ERR, ngx_chat_request_log(rq), 0,
                      "chat: redis refused a choice that is one");
        ngx_chat_request_fail(rq, CHAT_CODE_INTERNAL, "internal error");
        return;

    case NGX_CHAT_LEASE_LOST:
    case NGX_CHAT_LEASE_AWAY:
        ngx_chat_request_fail(rq, CHAT_CODE_UNAVAILABLE,
                              "presence is not available");
        return;
    }
}
