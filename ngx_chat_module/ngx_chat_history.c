/*
 * History: messages of the past, those that were deleted included as what is
 * left of them.
 */

#include "ngx_chat.h"


#define NGX_CHAT_HISTORY_ENTRY  1       /* the comma */


static void ngx_chat_history_on_reply(void *data, redisReply *reply);
static void ngx_chat_history_from_storage(ngx_chat_request_t *rq);
static void ngx_chat_history_confirm(ngx_chat_request_t *rq,
    ngx_chat_buffer_t *reply);
static void ngx_chat_history_on_confirmed(void *data, redisReply *reply);
static u_char *ngx_chat_history_sequence(ngx_chat_request_t *rq, u_char *buf);


void
ngx_chat_history_get(ngx_chat_request_t *rq)
{
    u_char               buf[NGX_INT64_LEN], *last;
    ngx_chat_call_t      call;
    ngx_chat_identity_t *identity = rq->session->identity;

    if (ngx_chat_overload_history(rq) != NGX_OK) {
        return;
    }

    last = ngx_chat_history_sequence(rq, buf);

    ngx_chat_call_begin(&call, rq->node, "chat_v1_history", &rq->name);
    ngx_chat_call_add(&call, identity->user.data, identity->user.len);
    ngx_chat_call_add_cstr(&call, rq->parsed.has_after_sequence ? "after"
                                                                : "before");
    ngx_chat_call_add(&call, buf, last - buf);
    ngx_chat_call_add_uint(&call, rq->parsed.limit);
    ngx_chat_call_add_uint(&call, NGX_CHAT_MAX_EVENTS_BYTES);

    ngx_chat_ask_call(rq, &call, ngx_chat_history_on_reply);
}


/* the sequence that the request names; none is the end of the conversation */

static u_char *
ngx_chat_history_sequence(ngx_chat_request_t *rq, u_char *buf)
{
    if (rq->parsed.has_after_sequence) {
        return ngx_sprintf(buf, "%uL", rq->parsed.after_sequence);
    }

    if (rq->parsed.has_before_sequence) {
        return ngx_sprintf(buf, "%uL", rq->parsed.before_sequence);
    }

    return buf;
}


/* ok, complete, then sequence and message in turn */

static void
ngx_chat_history_on_reply(void *data, redisReply *reply)
{
    size_t               i, size;
    ngx_str_t            message;
    chat_writer_t        w;
    ngx_chat_answer_e    answer;
    ngx_chat_buffer_t   *b;
    ngx_chat_request_t  *rq = data;

    if (ngx_chat_ask_answer(rq, reply, 2, &answer) != NGX_OK) {
        return;
    }

    if (answer == NGX_CHAT_ANSWER_NEED_RANGE) {
        ngx_chat_history_from_storage(rq);
        return;
    }

    if (answer != NGX_CHAT_ANSWER_OK || !ngx_chat_bus_has_texts(reply, 2, 2)) {
        ngx_log_error(NGX_LOG_ERR, ngx_chat_request_log(rq), 0,
                      "chat: malformed history from redis, "
                      "conversation: \"%V\"", &rq->name.base);
        ngx_chat_request_fail(rq, CHAT_CODE_INTERNAL, "internal error");
        return;
    }

    size = 0;

    for (i = 3; i < reply->elements; i += 2) {
        size += ngx_chat_bus_str(reply, i).len + NGX_CHAT_HISTORY_ENTRY;
    }

    b = ngx_chat_request_reply(rq, size, &w);
    if (b == NULL) {
        return;
    }

    chat_write_cstr(&w, "{\"messages\":[");

    for (i = 3; i < reply->elements; i += 2) {
        message = ngx_chat_bus_str(reply, i);
        chat_write_cstr(&w, i > 3 ? "," : "");
        chat_write(&w, ngx_chat_str(&message));
    }

    chat_write_cstr(&w, "],\"complete\":");
    chat_write_cstr(&w, ngx_chat_bus_uint(reply, 1) ? "true}" : "false}");

    if (ngx_chat_request_reply_end(rq, b, &w) == NGX_OK) {
        ngx_chat_request_done(rq, b);
    }
}


static void
ngx_chat_history_from_storage(ngx_chat_request_t *rq)
{
    u_char     buf[NGX_INT64_LEN];
    ngx_str_t  sequence;

    sequence.data = buf;
    sequence.len = ngx_chat_history_sequence(rq, buf) - buf;

    ngx_chat_ask_need(rq, ngx_chat_need_history(rq->node, &rq->name,
                              !rq->parsed.has_after_sequence, &sequence,
                              rq->parsed.limit, &rq->waiter));
}


void
ngx_chat_history_get_range(ngx_chat_request_t *rq, ngx_chat_range_t *range)
{
    ngx_int_t                rc;
    ngx_uint_t               n;
    chat_writer_t            w;
    ngx_chat_buffer_t       *b;
    ngx_chat_range_event_t   e;

    b = ngx_chat_request_reply(rq, range->events.len, &w);
    if (b == NULL) {
        return;
    }

    chat_write_cstr(&w, "{\"messages\":[");

    for (n = 0; /* void */ ; n++) {
        rc = ngx_chat_range_next(range, &e);

        if (rc != NGX_OK) {
            break;
        }

        chat_write_cstr(&w, n > 0 ? "," : "");
        chat_write(&w, ngx_chat_str(&e.text));
    }

    if (rc == NGX_ERROR) {
        ngx_log_error(NGX_LOG_ERR, ngx_chat_request_log(rq), 0,
                      "chat: malformed history from storage, "
                      "conversation: \"%V\"", &rq->name.base);
        ngx_chat_buffer_unref(b);
        ngx_chat_request_fail(rq, CHAT_CODE_INTERNAL, "internal error");
        return;
    }

    chat_write_cstr(&w, "],\"complete\":");
    chat_write_cstr(&w, range->complete ? "true}" : "false}");

    if (ngx_chat_request_reply_end(rq, b, &w) == NGX_OK) {
        ngx_chat_history_confirm(rq, b);
    }
}


/*
 * Storage has told what it holds now, whoever asks.  The user may have been put
 * out since Redis let it ask, and must not see what was said after that.
 */

static void
ngx_chat_history_confirm(ngx_chat_request_t *rq, ngx_chat_buffer_t *reply)
{
    ngx_chat_call_t       call;
    ngx_chat_identity_t  *identity = rq->session->identity;

    ngx_chat_buffer_unref(rq->events);
    rq->events = reply;

    ngx_chat_call_begin(&call, rq->node, "chat_v1_open", &rq->name);
    ngx_chat_call_add(&call, identity->user.data, identity->user.len);
    ngx_chat_call_add_cstr(&call, "");
    ngx_chat_call_add_uint(&call, 0);

    ngx_chat_ask_call(rq, &call, ngx_chat_history_on_confirmed);
}


static void
ngx_chat_history_on_confirmed(void *data, redisReply *reply)
{
    ngx_chat_answer_e    answer;
    ngx_chat_buffer_t   *b;
    ngx_chat_request_t  *rq = data;

    if (ngx_chat_ask_answer(rq, reply, 9, &answer) != NGX_OK) {
        return;
    }

    if (answer != NGX_CHAT_ANSWER_OK) {
        ngx_chat_request_fail(rq, CHAT_CODE_INTERNAL, "internal error");
        return;
    }

    b = rq->events;
    rq->events = NULL;

    ngx_chat_request_done(rq, b);
}
