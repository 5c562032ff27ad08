/*
 * The life of a request: from its text to its one reply.  What the requests
 * do stands in files of their own, see the table below.
 */

#include "ngx_chat.h"

#include <assert.h>


#define NGX_CHAT_REQUEST_RETRY  1       /* seconds, with "unavailable" */
#define NGX_CHAT_REQUEST_REPLY  1024    /* room for a reply that is short */


typedef void (*ngx_chat_request_run_pt)(ngx_chat_request_t *rq);
typedef void (*ngx_chat_request_range_pt)(ngx_chat_request_t *rq,
    ngx_chat_range_t *range);
typedef ngx_int_t (*ngx_chat_request_prepare_pt)(ngx_chat_request_t *rq);


static void ngx_chat_request_ping(ngx_chat_session_t *s, chat_request_t *rq);
static void ngx_chat_request_authenticate(ngx_chat_session_t *s,
    chat_request_t *rq);
static void ngx_chat_request_authenticate_failed(ngx_chat_session_t *s,
    chat_request_t *rq, const char *reason);
static ngx_int_t ngx_chat_request_renew(ngx_chat_session_t *s,
    chat_request_t *rq, const chat_token_t *token);
static void ngx_chat_request_error(ngx_chat_session_t *s, chat_str_t raw_id,
    chat_code_e code, const char *message);
static void ngx_chat_request_error_after(ngx_chat_session_t *s,
    chat_str_t raw_id, chat_code_e code, const char *message,
    ngx_uint_t retry);
static void ngx_chat_request_queue(ngx_chat_session_t *s,
    const chat_request_t *parsed, chat_str_t text);
static ngx_chat_request_t *ngx_chat_request_create(ngx_chat_session_t *s,
    const chat_request_t *parsed, chat_str_t text);
static void ngx_chat_request_advance(ngx_chat_session_t *s);
static ngx_uint_t ngx_chat_request_blocked(ngx_chat_session_t *s,
    ngx_chat_request_t *rq);
static void ngx_chat_request_detach(ngx_chat_request_t *rq);
static void ngx_chat_request_free(ngx_chat_request_t *rq);
static void ngx_chat_request_on_begin(ngx_event_t *ev);
static void ngx_chat_request_on_deadline(ngx_event_t *ev);
static void ngx_chat_request_fail_after(ngx_chat_request_t *rq,
    chat_code_e code, const char *message, ngx_uint_t retry);
static void ngx_chat_request_not_found(ngx_chat_request_t *rq);
static void ngx_chat_request_refused(ngx_chat_request_t *rq,
    redisReply *reply);
static ngx_uint_t ngx_chat_request_gone(ngx_chat_request_t *rq);
static void ngx_chat_request_need_client(ngx_chat_request_t *rq);
static void ngx_chat_request_need_message(ngx_chat_request_t *rq,
    redisReply *reply);
static void ngx_chat_request_on_need(void *data, ngx_chat_range_t *range);


/* requests that are queued, by chat_request_type_e; the others are at once */

static const struct {
    ngx_chat_request_prepare_pt  prepare;   /* sets rq->name */
    ngx_chat_request_run_pt      run;
    ngx_chat_request_range_pt    range;     /* history came from storage */
} ngx_chat_requests[CHAT_REQUEST_UNKNOWN] = {

    [CHAT_REQUEST_CONVERSATION_JOIN] = {
        ngx_chat_request_name, ngx_chat_conversation_join,
        ngx_chat_conversation_join_range },

    [CHAT_REQUEST_CONVERSATION_LEAVE] = {
        ngx_chat_request_name, ngx_chat_conversation_leave, NULL },

    [CHAT_REQUEST_CONVERSATION_LIST] = {
        ngx_chat_list_name, ngx_chat_list_conversations,
        ngx_chat_list_conversations_range },

    [CHAT_REQUEST_CONVERSATION_CREATE] = {
        ngx_chat_create_name, ngx_chat_create_run, NULL },

    [CHAT_REQUEST_CONVERSATION_UPDATE] = {
        ngx_chat_request_name, ngx_chat_settings_update, NULL },

    [CHAT_REQUEST_CONVERSATION_DELETE] = {
        ngx_chat_request_name, ngx_chat_settings_delete, NULL },

    [CHAT_REQUEST_MEMBER_ADD] = {
        ngx_chat_request_name, ngx_chat_member_set, NULL },

    [CHAT_REQUEST_MEMBER_UPDATE] = {
        ngx_chat_request_name, ngx_chat_member_set, NULL },

    [CHAT_REQUEST_MEMBER_REMOVE] = {
        ngx_chat_request_name, ngx_chat_member_remove, NULL },

    [CHAT_REQUEST_MEMBER_LIST] = {
        ngx_chat_request_name, ngx_chat_member_list, NULL },

    [CHAT_REQUEST_MESSAGE_SEND] = {
        ngx_chat_request_name, ngx_chat_message_send, NULL },

    [CHAT_REQUEST_MESSAGE_EDIT] = {
        ngx_chat_request_name, ngx_chat_change_edit, NULL },

    [CHAT_REQUEST_MESSAGE_DELETE] = {
        ngx_chat_request_name, ngx_chat_change_delete, NULL },

    [CHAT_REQUEST_REACTION_ADD] = {
        ngx_chat_request_name, ngx_chat_change_react, NULL },

    [CHAT_REQUEST_REACTION_REMOVE] = {
        ngx_chat_request_name, ngx_chat_change_react, NULL },

    [CHAT_REQUEST_HISTORY_GET] = {
        ngx_chat_request_name, ngx_chat_history_get,
        ngx_chat_history_get_range },

    [CHAT_REQUEST_READ_MARK] = {
        ngx_chat_request_name, ngx_chat_mark, NULL },

    [CHAT_REQUEST_DELIVERED_MARK] = {
        ngx_chat_request_name, ngx_chat_mark, NULL },
};


void
ngx_chat_request_handle(ngx_chat_session_t *s, chat_str_t text)
{
    chat_request_t        rq;
    chat_request_error_t  e;

    if (chat_request_parse(&rq, text, &e) != CHAT_OK) {

        if (s->identity == NULL && rq.type > CHAT_REQUEST_PING
            && rq.type < CHAT_REQUEST_UNKNOWN)
        {
            e.code = CHAT_CODE_UNAUTHORIZED;
            e.message = "authenticate first";
        }

        ngx_log_error(NGX_LOG_INFO, s->connection->log, 0,
                      "chat: refused a request: %s", e.message);
        ngx_chat_request_error(s, rq.id, e.code, e.message);
        return;
    }

    switch (rq.type) {

    case CHAT_REQUEST_PING:
        ngx_chat_request_ping(s, &rq);
        return;

    case CHAT_REQUEST_AUTHENTICATE:
        ngx_chat_request_authenticate(s, &rq);
        return;

    default:
        break;
    }

    if (s->identity == NULL) {
        ngx_chat_request_error(s, rq.id, CHAT_CODE_UNAUTHORIZED,
                               "authenticate first");
        return;
    }

    ngx_chat_request_queue(s, &rq, text);
}


static void
ngx_chat_request_ping(ngx_chat_session_t *s, chat_request_t *rq)
{
    chat_writer_t       w;
    ngx_chat_buffer_t  *b;

    if (!rq->has_id) {
        return;
    }

    b = ngx_chat_buffer_create(NGX_CHAT_REQUEST_REPLY);
    if (b == NULL) {
        ngx_chat_session_doom(s, NGX_CHAT_CLOSE_INTERNAL);
        return;
    }

    chat_writer_init(&w, b->payload, b->size);
    chat_event_reply(&w, rq->id);
    chat_write_cstr(&w, "{\"serverTime\":");
    chat_write_time(&w, ngx_chat_now());
    chat_write_cstr(&w, "}");
    chat_event_end(&w);

    ngx_chat_buffer_finish(b, CHAT_FRAME_TEXT, w.len);
    ngx_chat_write_queue(s, b);
    ngx_chat_buffer_unref(b);
}


static void
ngx_chat_request_authenticate(ngx_chat_session_t *s, chat_request_t *rq)
{
    size_t         len;
    u_char         text[CHAT_TOKEN_MAX_LEN];
    ngx_int_t      rc;
    const char    *reason;
    chat_token_t   token;

    len = 0;

    if (chat_json_get_string(&rq->token, text, sizeof(text), &len) != CHAT_OK) {
        rc = NGX_DECLINED;
        reason = "token is too long";

    } else {
        rc = ngx_chat_token_check(s->conf, (chat_str_t) { text, len }, &token,
                                  &reason);
    }

    ngx_explicit_memzero(text, sizeof(text));

    if (rc == NGX_OK) {
        rc = ngx_chat_request_renew(s, rq, &token);
        ngx_explicit_memzero(&token, sizeof(token));

        if (rc == NGX_OK) {
            ngx_chat_session_authenticated(s, rq->has_id ? &rq->id : NULL);
            ngx_chat_session_schedule(s);
        }

        return;
    }

    ngx_explicit_memzero(&token, sizeof(token));

    if (rc == NGX_ERROR) {
        ngx_log_error(NGX_LOG_ERR, s->connection->log, 0,
                      "chat: cannot check a token: %s", reason);
        ngx_chat_request_error(s, rq->id, CHAT_CODE_INTERNAL,
                               "the token could not be checked");
        return;
    }

    ngx_chat_request_authenticate_failed(s, rq, reason);
}


/* a session without a user has one attempt; one with a user keeps its own */

static void
ngx_chat_request_authenticate_failed(ngx_chat_session_t *s,
    chat_request_t *rq, const char *reason)
{
    ngx_log_error(NGX_LOG_INFO, s->connection->log, 0,
                  "chat: token refused: %s", reason);

    ngx_chat_request_error(s, rq->id, CHAT_CODE_UNAUTHORIZED,
                           "the token is not valid");

    if (s->identity == NULL) {
        ngx_chat_session_close(s, NGX_CHAT_CLOSE_UNAUTHORIZED,
                               "invalid token");
    }
}


/* the first token, or another one of the same user */

static ngx_int_t
ngx_chat_request_renew(ngx_chat_session_t *s, chat_request_t *rq,
    const chat_token_t *token)
{
    ngx_chat_identity_t  *id = s->identity;

    if (id != NULL
        && (id->user.len != token->user_len
            || id->tenant.len != token->tenant_len
            || ngx_memcmp(id->user.data, token->user, id->user.len) != 0
            || ngx_memcmp(id->tenant.data, token->tenant, id->tenant.len)
               != 0))
    {
        ngx_chat_request_error(s, rq->id, CHAT_CODE_FORBIDDEN,
                               "the token is of another user");
        return NGX_DECLINED;
    }

    if (ngx_chat_session_identify(s, token) != NGX_OK) {
        ngx_chat_session_doom(s, NGX_CHAT_CLOSE_INTERNAL);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static void
ngx_chat_request_error(ngx_chat_session_t *s, chat_str_t raw_id,
    chat_code_e code, const char *message)
{
    ngx_uint_t  retry;

    retry = code == CHAT_CODE_UNAVAILABLE || code == CHAT_CODE_RATE_LIMITED
            ? NGX_CHAT_REQUEST_RETRY : 0;

    ngx_chat_request_error_after(s, raw_id, code, message, retry);
}


static void
ngx_chat_request_error_after(ngx_chat_session_t *s, chat_str_t raw_id,
    chat_code_e code, const char *message, ngx_uint_t retry)
{
    size_t              size;
    chat_writer_t       w;
    ngx_chat_buffer_t  *b;

    size = NGX_CHAT_REQUEST_REPLY + raw_id.len + 6 * ngx_strlen(message);

    b = ngx_chat_buffer_create(size);
    if (b == NULL) {
        ngx_chat_session_doom(s, NGX_CHAT_CLOSE_INTERNAL);
        return;
    }

    chat_writer_init(&w, b->payload, b->size);
    chat_event_error(&w, raw_id, code, message, retry);

    ngx_chat_buffer_finish(b, CHAT_FRAME_TEXT, w.len);
    ngx_chat_write_queue(s, b);
    ngx_chat_buffer_unref(b);
}


/* The queue */


static void
ngx_chat_request_queue(ngx_chat_session_t *s, const chat_request_t *parsed,
    chat_str_t text)
{
    ngx_chat_request_t  *rq;

    if (s->nrequests >= s->conf->max_outstanding) {
        ngx_chat_request_error(s, parsed->id, CHAT_CODE_RATE_LIMITED,
                               "too many requests are outstanding");
        return;
    }

    if (s->draining) {
        ngx_chat_request_error(s, parsed->id, CHAT_CODE_UNAVAILABLE,
                               "the server restarts");
        return;
    }

    rq = ngx_chat_request_create(s, parsed, text);
    if (rq == NULL) {
        ngx_chat_request_error(s, parsed->id, CHAT_CODE_INTERNAL,
                               "out of memory");
        return;
    }

    ngx_queue_insert_tail(&s->requests, &rq->queue);
    s->nrequests++;

    ngx_add_timer(&rq->timer, s->conf->request_timeout);

    if (ngx_chat_requests[parsed->type].prepare(rq) == NGX_OK) {
        ngx_chat_request_advance(s);
    }
}


static ngx_chat_request_t *
ngx_chat_request_create(ngx_chat_session_t *s, const chat_request_t *parsed,
    chat_str_t text)
{
    ngx_chat_request_t  *rq;

    rq = ngx_alloc(sizeof(ngx_chat_request_t) + text.len, s->node->log);
    if (rq == NULL) {
        return NULL;
    }

    ngx_memzero(rq, sizeof(ngx_chat_request_t));
    ngx_memcpy(rq->text, text.data, text.len);

    rq->len = text.len;
    rq->session = s;
    rq->node = s->node;
    rq->time = ngx_chat_now();

    rq->parsed = *parsed;
    chat_request_rebase(&rq->parsed, text, rq->text);

    rq->timer.handler = ngx_chat_request_on_deadline;
    rq->timer.data = rq;
    rq->timer.log = s->node->log;

    rq->waiter.handler = ngx_chat_request_on_need;
    rq->waiter.data = rq;

    return rq;
}


/*
 * A join that the client has not asked for, and will not hear of.  It is run
 * when the event loop comes round, unless others have made way for it before:
 * the caller may be walking a room.
 */

void
ngx_chat_request_rejoin(ngx_chat_session_t *s, ngx_chat_name_t *name)
{
    size_t               skip;
    chat_request_t       parsed;
    ngx_chat_request_t  *rq;

    if (s->draining) {
        return;                         /* it ends, and resumes elsewhere */
    }

    skip = CHAT_NAME_PREFIX_LEN + sizeof("c:") - 1 + s->identity->tenant.len
           + 1;

    ngx_memzero(&parsed, sizeof(chat_request_t));
    parsed.type = CHAT_REQUEST_CONVERSATION_JOIN;
    parsed.id = chat_str("null");
    parsed.conversation.len = name->base.len - skip;
    ngx_memcpy(parsed.conversation.data, name->base.data + skip,
               parsed.conversation.len);

    rq = ngx_chat_request_create(s, &parsed, chat_str(""));
    if (rq == NULL) {
        ngx_chat_session_doom(s, NGX_CHAT_CLOSE_INTERNAL);
        return;
    }

    (void) ngx_chat_request_name(rq);   /* it has one */

    rq->unasked = 1;
    rq->timer.handler = ngx_chat_request_on_begin;
    ngx_add_timer(&rq->timer, 0);

    ngx_queue_insert_tail(&s->requests, &rq->queue);
    s->nrequests++;
}


static void
ngx_chat_request_on_begin(ngx_event_t *ev)
{
    ngx_chat_request_t  *rq = ev->data;
    ngx_chat_session_t  *s = rq->session;

    ev->handler = ngx_chat_request_on_deadline;
    ngx_add_timer(ev, s->conf->request_timeout);

    ngx_chat_request_advance(s);
}


/* the usual prepare: the conversation that the request names */

ngx_int_t
ngx_chat_request_name(ngx_chat_request_t *rq)
{
    chat_request_id_t    *conversation = &rq->parsed.conversation;
    ngx_chat_identity_t  *identity = rq->session->identity;

    if (conversation->len == 0) {
        ngx_chat_request_fail(rq, CHAT_CODE_UNSUPPORTED,
                              "joining several at once is not supported");
        return NGX_DECLINED;
    }

    ngx_chat_request_set_name(rq, ngx_chat_str(&identity->tenant),
                              ngx_chat_id(conversation));

    return NGX_OK;
}


void
ngx_chat_request_set_name(ngx_chat_request_t *rq, chat_str_t tenant,
    chat_str_t id)
{
    ngx_chat_name_t  *name = &rq->name;

    name->partition = chat_name_partition(tenant, id,
                                          rq->node->conf->partitions);
    name->base.data = rq->base;
    name->base.len = chat_name_base(rq->base, name->partition, tenant, id);
}


/*
 * Runs every request that no earlier one for the same conversation blocks.
 * A request that is answered at once leaves the queue while we walk it, so
 * the walk begins again.
 */

static void
ngx_chat_request_advance(ngx_chat_session_t *s)
{
    ngx_queue_t         *q;
    ngx_chat_request_t  *rq;

    if (s->advancing) {
        return;                         /* the outer call goes on */
    }

    s->advancing = 1;

again:

    for (q = ngx_queue_head(&s->requests);
         q != ngx_queue_sentinel(&s->requests);
         q = ngx_queue_next(q))
    {
        rq = ngx_queue_data(q, ngx_chat_request_t, queue);

        if (rq->running || ngx_chat_request_blocked(s, rq)) {
            continue;
        }

        rq->running = 1;
        ngx_chat_request_run(rq);
        goto again;
    }

    s->advancing = 0;
}


static ngx_uint_t
ngx_chat_request_blocked(ngx_chat_session_t *s, ngx_chat_request_t *rq)
{
    ngx_queue_t         *q;
    ngx_chat_request_t  *other;

    for (q = ngx_queue_head(&s->requests);
         q != &rq->queue;
         q = ngx_queue_next(q))
    {
        other = ngx_queue_data(q, ngx_chat_request_t, queue);

        if (other->name.base.len == rq->name.base.len
            && ngx_memcmp(other->base, rq->base, rq->name.base.len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


void
ngx_chat_request_run(ngx_chat_request_t *rq)
{
    ngx_chat_requests[rq->parsed.type].run(rq);
}


/*
 * Sends the call that the request is about.  The request stays alive until
 * the handler is called, whatever becomes of its session meanwhile.
 */

void
ngx_chat_request_call(ngx_chat_request_t *rq, ngx_chat_call_t *call,
    ngx_chat_redis_reply_pt handler)
{
    if (ngx_chat_call_send(call, rq->node, handler, rq) != NGX_OK) {
        ngx_chat_request_fail(rq, CHAT_CODE_UNAVAILABLE,
                              "the message log cannot be reached");
        return;
    }

    rq->pending = 1;
}


/*
 * What every handler begins with.  NGX_OK: the answer is "ok" or another that
 * the request knows how to take; NGX_DONE: there is nothing left to do.
 */

ngx_int_t
ngx_chat_request_answer(ngx_chat_request_t *rq, redisReply *reply,
    size_t elements, ngx_chat_answer_e *answer)
{
    if (ngx_chat_request_returned(rq) != NGX_OK) {
        return NGX_DONE;
    }

    *answer = ngx_chat_bus_answer(rq->node, reply, elements);

    switch (*answer) {

    case NGX_CHAT_ANSWER_OK:
    case NGX_CHAT_ANSWER_EXISTS:
    case NGX_CHAT_ANSWER_NEED_RANGE:
        return NGX_OK;

    case NGX_CHAT_ANSWER_NEED_CONVERSATION:
        ngx_chat_request_need(rq, ngx_chat_need_conversation(rq->node,
                                                 &rq->name, &rq->waiter));
        return NGX_DONE;

    case NGX_CHAT_ANSWER_NEED_CLIENT:
        ngx_chat_request_need_client(rq);
        return NGX_DONE;

    case NGX_CHAT_ANSWER_NEED_MESSAGE:
        ngx_chat_request_need_message(rq, reply);
        return NGX_DONE;

    case NGX_CHAT_ANSWER_NOT_FOUND:
        ngx_chat_request_not_found(rq);
        return NGX_DONE;

    case NGX_CHAT_ANSWER_ERROR:
        ngx_chat_request_refused(rq, reply);
        return NGX_DONE;

    case NGX_CHAT_ANSWER_UNAVAILABLE:
        ngx_chat_request_fail(rq, CHAT_CODE_UNAVAILABLE,
                              "the message log is not available");
        return NGX_DONE;

    case NGX_CHAT_ANSWER_FAILED:
        break;
    }

    ngx_chat_request_fail(rq, CHAT_CODE_INTERNAL, "internal error");

    return NGX_DONE;
}


/* Redis has answered, and the callback is the owner no more */

ngx_int_t
ngx_chat_request_returned(ngx_chat_request_t *rq)
{
    rq->pending = 0;

    if (rq->session == NULL) {
        ngx_chat_request_free(rq);
        return NGX_DONE;
    }

    return NGX_OK;
}


/* one that may not be seen is none, except for who wants to make it */

static void
ngx_chat_request_not_found(ngx_chat_request_t *rq)
{
    if (rq->parsed.type == CHAT_REQUEST_CONVERSATION_CREATE) {
        ngx_chat_request_fail(rq, CHAT_CODE_CONFLICT,
                              "the conversation exists already");
        return;
    }

    if (ngx_chat_request_gone(rq)) {
        return;
    }

    ngx_chat_request_fail(rq, CHAT_CODE_NOT_FOUND,
                          "there is no such conversation");
}


/* "error", code, message for people, perhaps seconds: told as it is */

static void
ngx_chat_request_refused(ngx_chat_request_t *rq, redisReply *reply)
{
    ngx_str_t    word, message;
    ngx_uint_t   retry;
    chat_code_e  code;

    ngx_str_null(&word);
    ngx_str_null(&message);

    if (reply->elements >= 3) {
        word = ngx_chat_bus_str(reply, 1);
        message = ngx_chat_bus_str(reply, 2);
    }

    retry = reply->elements > 3 ? ngx_chat_bus_uint(reply, 3) : 0;

    for (code = CHAT_CODE_BAD_REQUEST; code < CHAT_CODE_INTERNAL; code++) {
        if (word.data != NULL
            && ngx_strcmp(word.data, chat_code_name(code)) == 0)
        {
            break;
        }
    }

    if (code == CHAT_CODE_INTERNAL || message.data == NULL) {
        ngx_log_error(NGX_LOG_ERR, rq->node->log, 0,
                      "chat: redis refused with an unknown code \"%V\"", &word);
        ngx_chat_request_fail(rq, CHAT_CODE_INTERNAL, "internal error");
        return;
    }

    if (code == CHAT_CODE_NOT_FOUND && ngx_chat_request_gone(rq)) {
        return;
    }

    ngx_chat_request_fail_after(rq, code, (const char *) message.data, retry);
}


/*
 * A removal that was accepted, and is sent again in case it was lost: what is
 * not found now is what it had removed.
 */

static ngx_uint_t
ngx_chat_request_gone(ngx_chat_request_t *rq)
{
    ngx_chat_append_t  a;

    if (!rq->again
        || (rq->parsed.type != CHAT_REQUEST_CONVERSATION_DELETE
            && rq->parsed.type != CHAT_REQUEST_MEMBER_REMOVE))
    {
        return 0;
    }

    ngx_memzero(&a, sizeof(ngx_chat_append_t));
    a.revision = rq->revision;

    ngx_chat_append_reply(rq, &a);

    return 1;
}


/* a need was sent, or could not be */

void
ngx_chat_request_need(ngx_chat_request_t *rq, ngx_int_t rc)
{
    if (rc != NGX_OK) {
        ngx_chat_request_fail(rq, CHAT_CODE_UNAVAILABLE,
                              "the message log cannot be reached");
    }
}


static void
ngx_chat_request_need_client(ngx_chat_request_t *rq)
{
    ngx_str_t  client;

    client.data = rq->parsed.client.data;
    client.len = rq->parsed.client.len;

    ngx_chat_request_need(rq, ngx_chat_need_client(rq->node, &rq->name,
                                  &rq->session->identity->user, &client,
                                  &rq->waiter));
}


/* "need", "message", its id: the one that is asked about, or replied to */

static void
ngx_chat_request_need_message(ngx_chat_request_t *rq, redisReply *reply)
{
    ngx_str_t  id;

    ngx_str_null(&id);

    if (reply->elements >= 3) {
        id = ngx_chat_bus_str(reply, 2);
    }

    if (id.len != CHAT_ID_LEN) {
        ngx_log_error(NGX_LOG_ERR, rq->node->log, 0,
                      "chat: redis needs a message without an id");
        ngx_chat_request_fail(rq, CHAT_CODE_INTERNAL, "internal error");
        return;
    }

    ngx_chat_request_need(rq, ngx_chat_need_message(rq->node, &rq->name, &id,
                                                    &rq->waiter));
}


static void
ngx_chat_request_on_need(void *data, ngx_chat_range_t *range)
{
    ngx_chat_request_t  *rq = data;

    if (rq->accepted) {
        ngx_chat_ack_loaded(rq);
        return;
    }

    if (range == NULL) {
        ngx_chat_request_run(rq);
        return;
    }

    if (!range->ok) {
        ngx_chat_request_fail(rq, CHAT_CODE_UNAVAILABLE,
                              "what is stored cannot be read now");
        return;
    }

    ngx_chat_requests[rq->parsed.type].range(rq, range);
}


static void
ngx_chat_request_on_deadline(ngx_event_t *ev)
{
    ngx_chat_request_t  *rq = ev->data;

    if (rq->accepted) {
        ngx_chat_request_fail(rq, CHAT_CODE_TIMEOUT,
                              "not stored in time; it has taken effect, unless "
                              "it gets lost");
        return;
    }

    if (rq->pending) {
        ngx_chat_request_fail(rq, CHAT_CODE_TIMEOUT,
                              "no answer in time; it may have taken effect");
        return;
    }

    ngx_chat_request_fail(rq, CHAT_CODE_UNAVAILABLE,
                          "what it needs could not be loaded in time");
}


void
ngx_chat_request_fail(ngx_chat_request_t *rq, chat_code_e code,
    const char *message)
{
    ngx_chat_request_fail_after(rq, code, message,
                                code == CHAT_CODE_UNAVAILABLE
                                    ? NGX_CHAT_REQUEST_RETRY : 0);
}


/* retry: seconds, 0 if there is nothing to say */

static void
ngx_chat_request_fail_after(ngx_chat_request_t *rq, chat_code_e code,
    const char *message, ngx_uint_t retry)
{
    ngx_log_error(NGX_LOG_INFO, rq->session->connection->log, 0,
                  "chat: %s failed: %s, %s",
                  chat_request_type_name(rq->parsed.type),
                  chat_code_name(code), message);

    if (!rq->unasked) {
        ngx_chat_request_error_after(rq->session, rq->parsed.id, code, message,
                                     retry);

    } else if (code != CHAT_CODE_NOT_FOUND) {

        /* it is not known to be let in: it joins when it has come back */

        ngx_chat_session_doom(rq->session, NGX_CHAT_CLOSE_RESTART);
    }

    ngx_chat_request_done(rq, NULL);
}


void
ngx_chat_request_done(ngx_chat_request_t *rq, ngx_chat_buffer_t *reply)
{
    ngx_chat_session_t  *s = rq->session;

    if (reply != NULL) {

        if (rq->parsed.has_id) {
            ngx_chat_write_queue(s, reply);
        }

        ngx_chat_buffer_unref(reply);
    }

    ngx_chat_request_detach(rq);

    if (s->state == NGX_CHAT_SESSION_OPEN) {
        ngx_chat_request_advance(s);
        ngx_chat_session_answered(s);
    }
}


/* takes it from its session; frees it unless a reply of Redis is to come */

static void
ngx_chat_request_detach(ngx_chat_request_t *rq)
{
    ngx_chat_join_t     *join = rq->join;
    ngx_chat_session_t  *s = rq->session;

    ngx_queue_remove(&rq->queue);
    s->nrequests--;
    rq->session = NULL;

    if (rq->timer.timer_set) {
        ngx_del_timer(&rq->timer);
    }

    ngx_chat_need_cancel(&rq->waiter);
    ngx_chat_ack_cancel(rq);

    if (rq->in_room) {
        rq->in_room = 0;
        ngx_queue_remove(&rq->wait);
    }

    if (join != NULL) {                 /* a join that came to nothing */
        rq->join = NULL;
        join->request = NULL;

        if (join->state == NGX_CHAT_JOIN_OPENING) {
            ngx_chat_room_leave(join);
        }
    }

    if (!rq->pending) {
        ngx_chat_request_free(rq);
    }
}


static void
ngx_chat_request_free(ngx_chat_request_t *rq)
{
    ngx_chat_buffer_unref(rq->events);
    ngx_free(rq);
}


void
ngx_chat_request_abandon(ngx_chat_session_t *s)
{
    ngx_queue_t         *q;
    ngx_chat_request_t  *rq;

    while (!ngx_queue_empty(&s->requests)) {
        q = ngx_queue_head(&s->requests);
        rq = ngx_queue_data(q, ngx_chat_request_t, queue);
        ngx_chat_request_detach(rq);
    }
}


/*
 * Room for a reply whose data takes up to size bytes, its beginning written.
 * NULL: out of memory, and the request is answered.
 */

ngx_chat_buffer_t *
ngx_chat_request_reply(ngx_chat_request_t *rq, size_t size, chat_writer_t *w)
{
    ngx_chat_buffer_t  *b;

    b = ngx_chat_buffer_create(size + NGX_CHAT_REQUEST_REPLY);
    if (b == NULL) {
        ngx_chat_request_fail(rq, CHAT_CODE_INTERNAL, "out of memory");
        return NULL;
    }

    chat_writer_init(w, b->payload, b->size);
    chat_event_reply(w, rq->parsed.id);

    return b;
}


void
ngx_chat_request_reply_end(ngx_chat_buffer_t *b, chat_writer_t *w)
{
    chat_event_end(w);
    assert(!w->full);
    ngx_chat_buffer_finish(b, CHAT_FRAME_TEXT, w->len);
}
