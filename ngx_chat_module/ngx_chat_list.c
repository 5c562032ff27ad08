/*
 * conversation.list: what a user is a member of.  It concerns all partitions,
 * and conversations that Redis does not hold, so chat-persist answers it.
 */

#include "ngx_chat.h"


/*
 * It is no matter of one conversation: a name in Redis that none can have
 * keeps it from waiting for requests of any, or holding them up.
 */

ngx_int_t
ngx_chat_list_name(ngx_chat_request_t *rq)
{
    ngx_chat_identity_t  *identity = rq->session->identity;

    if (rq->parsed.cursor_len > 0
        && !chat_id_valid((chat_str_t) { rq->parsed.cursor,
                                         rq->parsed.cursor_len }))
    {
        ngx_chat_request_fail(rq, CHAT_CODE_BAD_REQUEST,
                              "\"cursor\" is not one of this list");
        return NGX_DECLINED;
    }

    ngx_chat_request_set_name(rq, ngx_chat_str(&identity->tenant),
                              ngx_chat_str(&identity->user));

    rq->base[CHAT_NAME_PREFIX_LEN] = 'u';       /* was "c:" */

    return NGX_OK;
}


void
ngx_chat_list_conversations(ngx_chat_request_t *rq)
{
    ngx_str_t  cursor;

    if (!rq->node->subscriber.up) {     /* over which the answer comes */
        ngx_chat_request_fail(rq, CHAT_CODE_UNAVAILABLE,
                              "the message log cannot be reached");
        return;
    }

    if (!ngx_chat_user_pass(rq)) {
        return;                         /* what changes later is told */
    }

    cursor.data = rq->parsed.cursor;
    cursor.len = rq->parsed.cursor_len;

    ngx_chat_ask_need(rq, ngx_chat_need_list(rq->node, &rq->name,
                                  &rq->session->identity->user, &cursor,
                                  rq->parsed.limit, &rq->waiter));
}


/* one line, with the data of the reply */

void
ngx_chat_list_conversations_range(ngx_chat_request_t *rq,
    ngx_chat_range_t *range)
{
    chat_writer_t            w;
    ngx_chat_buffer_t       *b;
    ngx_chat_range_event_t   e;

    if (ngx_chat_range_next(range, &e) != NGX_OK) {
        ngx_log_error(NGX_LOG_ERR, ngx_chat_request_log(rq), 0,
                      "chat: malformed list of conversations from storage");
        ngx_chat_request_fail(rq, CHAT_CODE_INTERNAL, "internal error");
        return;
    }

    b = ngx_chat_request_reply(rq, e.text.len, &w);
    if (b == NULL) {
        return;
    }

    chat_write(&w, ngx_chat_str(&e.text));

    if (ngx_chat_request_reply_end(rq, b, &w) == NGX_OK) {
        ngx_chat_request_done(rq, b);
    }
}
