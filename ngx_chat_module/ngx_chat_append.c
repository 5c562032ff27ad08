/*
 * Durable changes: how append is called, and what is common to its answers.
 *
 * Every operation of redis/chat.lua has the name of the request that asks for
 * it, and begins with who does it and when.
 */

#include "ngx_chat.h"


static void ngx_chat_append_on_reply(void *data, redisReply *reply);


void
ngx_chat_append_begin(ngx_chat_request_t *rq, ngx_chat_call_t *call)
{
    ngx_str_t  *user = &rq->session->identity->user;

    ngx_chat_call_begin(call, rq->node, "chat_v1_append", &rq->name);
    ngx_chat_call_add_cstr(call, chat_request_type_name(rq->parsed.type));
    ngx_chat_call_add(call, user->data, user->len);
    ngx_chat_call_add_uint(call, rq->time);
}


void
ngx_chat_append_call(ngx_chat_request_t *rq, ngx_chat_call_t *call)
{
    ngx_chat_ask_call(rq, call, ngx_chat_append_on_reply);
}


static void
ngx_chat_append_on_reply(void *data, redisReply *reply)
{
    ngx_chat_append_t    a;
    ngx_chat_request_t  *rq = data;

    if (ngx_chat_append_answer(rq, reply, &a) == NGX_OK) {
        ngx_chat_append_reply(rq, &a);
    }
}


/* ok, revision, sequence, place in the log, generation; of a duplicate also
   the first one's id and time */

ngx_int_t
ngx_chat_append_answer(ngx_chat_request_t *rq, redisReply *reply,
    ngx_chat_append_t *a)
{
    ngx_chat_answer_e  answer;

    if (ngx_chat_ask_answer(rq, reply, 5, &answer) != NGX_OK) {
        return NGX_DONE;
    }

    if (answer == NGX_CHAT_ANSWER_EXISTS
        && rq->parsed.type == CHAT_REQUEST_CONVERSATION_CREATE)
    {
        return NGX_DECLINED;
    }

    if (answer != NGX_CHAT_ANSWER_OK) {
        ngx_log_error(NGX_LOG_ERR, ngx_chat_request_log(rq), 0,
                      "chat: unexpected answer of redis to %s, "
                      "conversation: \"%V\"",
                      chat_request_type_name(rq->parsed.type),
                      &rq->name.base);
        ngx_chat_request_fail(rq, CHAT_CODE_INTERNAL, "internal error");
        return NGX_DONE;
    }

    a->revision = ngx_chat_bus_uint(reply, 1);
    a->sequence = ngx_chat_bus_uint(reply, 2);
    a->place = ngx_chat_bus_str(reply, 3);
    a->generation = ngx_chat_bus_uint(reply, 4);
    a->first_time = 0;
    ngx_str_null(&a->first_id);

    if (reply->elements >= 7) {
        a->first_id = ngx_chat_bus_str(reply, 5);
        a->first_time = ngx_chat_bus_uint(reply, 6);
    }

    rq->revision = a->revision;

    return NGX_OK;
}


/* the answer of most changes */

void
ngx_chat_append_reply(ngx_chat_request_t *rq, ngx_chat_append_t *a)
{
    chat_writer_t       w;
    ngx_chat_buffer_t  *b;

    b = ngx_chat_request_reply(rq, 0, &w);
    if (b == NULL) {
        return;
    }

    chat_write_cstr(&w, "{\"revision\":");
    chat_write_uint(&w, a->revision);
    chat_write_cstr(&w, "}");

    if (ngx_chat_request_reply_end(rq, b, &w) == NGX_OK) {
        ngx_chat_ack_reply(rq, b, a->place, a->generation);
    }
}
