/*
 * Marks: how far a user has read, or has been given, a conversation.  They
 * are merged by maximum and are no durable events; where they are told to
 * others at all, it is by a receipt that is sent once and never again.
 */

#include "ngx_chat.h"


static void ngx_chat_mark_on_reply(void *data, redisReply *reply);


/* read.mark and delivered.mark */

void
ngx_chat_mark(ngx_chat_request_t *rq)
{
    u_char            head[512];
    ngx_str_t        *user = &rq->session->identity->user;
    ngx_uint_t        read;
    chat_writer_t     w;
    ngx_chat_call_t   call;

    read = rq->parsed.type == CHAT_REQUEST_READ_MARK;

    chat_writer_init(&w, head, sizeof(head));
    chat_event_receipt_head(&w, read, ngx_chat_id(&rq->parsed.conversation),
                            ngx_chat_str(user));

    ngx_chat_call_begin(&call, rq->node, "chat_v1_mark", &rq->name);
    ngx_chat_call_add(&call, user->data, user->len);
    ngx_chat_call_add_uint(&call, rq->time);
    ngx_chat_call_add_cstr(&call, read ? "read" : "delivered");
    ngx_chat_call_add_uint(&call, rq->parsed.sequence);
    ngx_chat_call_add(&call, head, w.len);

    ngx_chat_ask_call(rq, &call, ngx_chat_mark_on_reply);
}


static void
ngx_chat_mark_on_reply(void *data, redisReply *reply)
{
    ngx_chat_answer_e    answer;
    ngx_chat_request_t  *rq = data;

    if (ngx_chat_ask_answer(rq, reply, 1, &answer) != NGX_OK) {
        return;
    }

    if (answer != NGX_CHAT_ANSWER_OK) {
        ngx_chat_request_fail(rq, CHAT_CODE_INTERNAL, "internal error");
        return;
    }

    ngx_chat_request_done_empty(rq);
}
