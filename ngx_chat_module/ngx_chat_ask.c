/*
 * What a request asks of Redis, and through it of chat-persist, and what is
 * common to the answers: that it is refused, that it has to wait for what
 * Redis lacks, that nothing is to be had now.
 */

#include "ngx_chat.h"


static void ngx_chat_ask_not_found(ngx_chat_request_t *rq);
static void ngx_chat_ask_refused(ngx_chat_request_t *rq, redisReply *reply);
static ngx_uint_t ngx_chat_ask_gone(ngx_chat_request_t *rq);
static void ngx_chat_ask_need_client(ngx_chat_request_t *rq);
static void ngx_chat_ask_need_message(ngx_chat_request_t *rq,
    redisReply *reply);


/*
 * Sends the call that the request is about.  The request stays alive until
 * the handler is called, whatever becomes of its session meanwhile.  NGX_DONE:
 * it was not sent, and the request is answered.
 */

ngx_int_t
ngx_chat_ask_call(ngx_chat_request_t *rq, ngx_chat_call_t *call,
    ngx_chat_redis_reply_pt handler)
{
    if (ngx_chat_call_send(call, rq->node, handler, rq) != NGX_OK) {
        ngx_chat_request_fail(rq, CHAT_CODE_UNAVAILABLE,
                              "the message log cannot be reached");
        return NGX_DONE;
    }

    rq->pending = 1;

    return NGX_OK;
}


/*
 * What every handler begins with.  NGX_OK: the answer is "ok" or another that
 * the request knows how to take; NGX_DONE: there is nothing left to do.
 */

ngx_int_t
ngx_chat_ask_answer(ngx_chat_request_t *rq, redisReply *reply,
    size_t elements, ngx_chat_answer_e *answer)
{
    if (ngx_chat_ask_returned(rq) != NGX_OK) {
        return NGX_DONE;
    }

    *answer = ngx_chat_bus_answer(ngx_chat_request_log(rq), &rq->name.base,
                                  reply, elements);

    switch (*answer) {

    case NGX_CHAT_ANSWER_OK:
    case NGX_CHAT_ANSWER_EXISTS:
    case NGX_CHAT_ANSWER_NEED_RANGE:
        return NGX_OK;

    case NGX_CHAT_ANSWER_NEED_CONVERSATION:
        ngx_chat_ask_need(rq, ngx_chat_need_conversation(rq->node,
                                                 &rq->name, &rq->waiter));
        return NGX_DONE;

    case NGX_CHAT_ANSWER_NEED_CLIENT:
        ngx_chat_ask_need_client(rq);
        return NGX_DONE;

    case NGX_CHAT_ANSWER_NEED_MESSAGE:
        ngx_chat_ask_need_message(rq, reply);
        return NGX_DONE;

    case NGX_CHAT_ANSWER_NOT_FOUND:
        ngx_chat_ask_not_found(rq);
        return NGX_DONE;

    case NGX_CHAT_ANSWER_ERROR:
        ngx_chat_ask_refused(rq, reply);
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
ngx_chat_ask_returned(ngx_chat_request_t *rq)
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
ngx_chat_ask_not_found(ngx_chat_request_t *rq)
{
    if (rq->parsed.type == CHAT_REQUEST_CONVERSATION_CREATE) {
        ngx_chat_request_fail(rq, CHAT_CODE_CONFLICT,
                              "the conversation exists already");
        return;
    }

    if (ngx_chat_ask_gone(rq)) {
        return;
    }

    ngx_chat_request_fail(rq, CHAT_CODE_NOT_FOUND,
                          "there is no such conversation");
}


/* "error", code, message for people, perhaps seconds: told as it is */

static void
ngx_chat_ask_refused(ngx_chat_request_t *rq, redisReply *reply)
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
        ngx_log_error(NGX_LOG_ERR, ngx_chat_request_log(rq), 0,
                      "chat: redis refused with an unknown code \"%V\", "
                      "conversation: \"%V\"", &word, &rq->name.base);
        ngx_chat_request_fail(rq, CHAT_CODE_INTERNAL, "internal error");
        return;
    }

    if (code == CHAT_CODE_NOT_FOUND && ngx_chat_ask_gone(rq)) {
        return;
    }

    ngx_chat_request_fail_after(rq, code, (const char *) message.data, retry);
}


/*
 * A removal that was accepted, and is sent again in case it was lost: what is
 * not found now is what it had removed.
 */

static ngx_uint_t
ngx_chat_ask_gone(ngx_chat_request_t *rq)
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
ngx_chat_ask_need(ngx_chat_request_t *rq, ngx_int_t rc)
{
    if (rc != NGX_OK) {
        ngx_chat_request_fail(rq, CHAT_CODE_UNAVAILABLE,
                              "the message log cannot be reached");
    }
}


static void
ngx_chat_ask_need_client(ngx_chat_request_t *rq)
{
    ngx_str_t  client;

    client.data = rq->parsed.client.data;
    client.len = rq->parsed.client.len;

    ngx_chat_ask_need(rq, ngx_chat_need_client(rq->node, &rq->name,
                                  &rq->session->identity->user, &client,
                                  &rq->waiter));
}


/* "need", "message", its id: the one that is asked about, or replied to */

static void
ngx_chat_ask_need_message(ngx_chat_request_t *rq, redisReply *reply)
{
    ngx_str_t  id;

    ngx_str_null(&id);

    if (reply->elements >= 3) {
        id = ngx_chat_bus_str(reply, 2);
    }

    if (id.len != CHAT_ID_LEN) {
        ngx_log_error(NGX_LOG_ERR, ngx_chat_request_log(rq), 0,
                      "chat: redis needs a message without an id, "
                      "conversation: \"%V\"", &rq->name.base);
        ngx_chat_request_fail(rq, CHAT_CODE_INTERNAL, "internal error");
        return;
    }

    ngx_chat_ask_need(rq, ngx_chat_need_message(rq->node, &rq->name, &id,
                                                    &rq->waiter));
}


void
ngx_chat_ask_on_need(void *data, ngx_chat_range_t *range)
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

    ngx_chat_request_run_range(rq, range);
}
