/*
 * Messages: sending one, reading those of the past.
 */

#include "ngx_chat.h"


#define NGX_CHAT_MESSAGE_HEAD   1024    /* of an event, besides its content */
#define NGX_CHAT_HISTORY_ENTRY  1       /* the comma */


static void ngx_chat_message_on_sent(void *data, redisReply *reply);
static void ngx_chat_message_reply(ngx_chat_request_t *rq,
    chat_str_t id, uint64_t sequence, uint64_t revision, uint64_t time,
    ngx_uint_t duplicate);
static void ngx_chat_history_on_reply(void *data, redisReply *reply);
static void ngx_chat_history_from_storage(ngx_chat_request_t *rq);
static u_char *ngx_chat_history_sequence(ngx_chat_request_t *rq, u_char *buf);
static chat_str_t ngx_chat_history_data(ngx_str_t event);


/*
 * The event is made here but for its position, which Redis adds.  Its id and
 * time are chosen at the first try, so that every try is the same message.
 */

void
ngx_chat_message_send(ngx_chat_request_t *rq)
{
    u_char                *head;
    uint64_t               client_time;
    chat_str_t             client;
    chat_writer_t          w;
    ngx_chat_call_t        call;
    chat_event_message_t   m;
    ngx_chat_identity_t   *identity = rq->session->identity;

    if (rq->id[0] == '\0') {
        ngx_chat_make_id(rq->name.partition, rq->time, rq->id);
    }

    client = (chat_str_t) { rq->parsed.client.data, rq->parsed.client.len };

    m.id = (chat_str_t) { rq->id, CHAT_ID_LEN };
    m.conversation = (chat_str_t) { rq->parsed.conversation.data,
                                    rq->parsed.conversation.len };
    m.sender = ngx_chat_str(&identity->user);
    m.client_id = client;
    m.content = rq->parsed.content.raw;
    m.time = rq->time;

    head = ngx_alloc(m.content.len + NGX_CHAT_MESSAGE_HEAD, rq->node->log);
    if (head == NULL) {
        ngx_chat_request_fail(rq, CHAT_CODE_INTERNAL, "out of memory");
        return;
    }

    chat_writer_init(&w, head, m.content.len + NGX_CHAT_MESSAGE_HEAD);
    chat_event_message_head(&w, &m);

    ngx_chat_call_begin(&call, rq->node, "chat_v1_append", &rq->name);
    ngx_chat_call_add_cstr(&call, "message");
    ngx_chat_call_add(&call, m.sender.data, m.sender.len);
    ngx_chat_call_add(&call, client.data, client.len);

    if (chat_id_time(client, &client_time) == CHAT_OK) {
        ngx_chat_call_add_uint(&call, client_time);

    } else {
        ngx_chat_call_add_cstr(&call, "");
    }

    ngx_chat_call_add(&call, m.id.data, m.id.len);
    ngx_chat_call_add_uint(&call, m.time);
    ngx_chat_call_add(&call, head, w.len);
    ngx_chat_call_add(&call, m.content.data, m.content.len);

    ngx_chat_request_call(rq, &call, ngx_chat_message_on_sent);

    ngx_free(head);
}


/* ok, revision, sequence; of a duplicate also the first one's id and time */

static void
ngx_chat_message_on_sent(void *data, redisReply *reply)
{
    uint64_t             time;
    ngx_str_t            first;
    ngx_uint_t           duplicate;
    ngx_chat_answer_e    answer;
    ngx_chat_request_t  *rq = data;

    if (ngx_chat_request_answer(rq, reply, 3, &answer) != NGX_OK) {
        return;
    }

    if (answer != NGX_CHAT_ANSWER_OK) {
        ngx_chat_request_fail(rq, CHAT_CODE_INTERNAL, "internal error");
        return;
    }

    duplicate = reply->elements >= 5;
    time = rq->time;
    first.data = rq->id;
    first.len = CHAT_ID_LEN;

    if (duplicate) {
        first = ngx_chat_bus_str(reply, 3);
        time = ngx_chat_bus_uint(reply, 4);
    }

    ngx_chat_message_reply(rq, ngx_chat_str(&first),
                           ngx_chat_bus_uint(reply, 2),
                           ngx_chat_bus_uint(reply, 1), time, duplicate);
}


static void
ngx_chat_message_reply(ngx_chat_request_t *rq, chat_str_t id,
    uint64_t sequence, uint64_t revision, uint64_t time, ngx_uint_t duplicate)
{
    chat_writer_t       w;
    ngx_chat_buffer_t  *b;

    b = ngx_chat_request_reply(rq, 0, &w);
    if (b == NULL) {
        return;
    }

    chat_write_cstr(&w, "{\"id\":");
    chat_write_string(&w, id);
    chat_write_cstr(&w, ",\"sequenceNumber\":");
    chat_write_uint(&w, sequence);
    chat_write_cstr(&w, ",\"revision\":");
    chat_write_uint(&w, revision);
    chat_write_cstr(&w, ",\"timestamp\":");
    chat_write_time(&w, time);
    chat_write_cstr(&w, ",\"duplicate\":");
    chat_write_cstr(&w, duplicate ? "true}" : "false}");

    ngx_chat_request_reply_end(b, &w);
    ngx_chat_request_done(rq, b);
}


/* History */


void
ngx_chat_history_get(ngx_chat_request_t *rq)
{
    u_char               buf[NGX_INT64_LEN], *last;
    ngx_chat_call_t      call;
    ngx_chat_identity_t *identity = rq->session->identity;

    last = ngx_chat_history_sequence(rq, buf);

    ngx_chat_call_begin(&call, rq->node, "chat_v1_history", &rq->name);
    ngx_chat_call_add(&call, identity->user.data, identity->user.len);
    ngx_chat_call_add_cstr(&call, rq->parsed.has_after_sequence ? "after"
                                                                : "before");
    ngx_chat_call_add(&call, buf, last - buf);
    ngx_chat_call_add_uint(&call, rq->parsed.limit);
    ngx_chat_call_add_uint(&call, NGX_CHAT_MAX_EVENTS_BYTES);

    ngx_chat_request_call(rq, &call, ngx_chat_history_on_reply);
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


/* ok, complete, then sequence and event in turn */

static void
ngx_chat_history_on_reply(void *data, redisReply *reply)
{
    size_t               i, size;
    chat_writer_t        w;
    ngx_chat_answer_e    answer;
    ngx_chat_buffer_t   *b;
    ngx_chat_request_t  *rq = data;

    if (ngx_chat_request_answer(rq, reply, 2, &answer) != NGX_OK) {
        return;
    }

    if (answer == NGX_CHAT_ANSWER_NEED_RANGE) {
        ngx_chat_history_from_storage(rq);
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
        chat_write_cstr(&w, i > 3 ? "," : "");
        chat_write(&w, ngx_chat_history_data(ngx_chat_bus_str(reply, i)));
    }

    chat_write_cstr(&w, "],\"complete\":");
    chat_write_cstr(&w, ngx_chat_bus_uint(reply, 1) ? "true}" : "false}");

    ngx_chat_request_reply_end(b, &w);
    ngx_chat_request_done(rq, b);
}


static void
ngx_chat_history_from_storage(ngx_chat_request_t *rq)
{
    u_char     buf[NGX_INT64_LEN];
    ngx_str_t  sequence;

    sequence.data = buf;
    sequence.len = ngx_chat_history_sequence(rq, buf) - buf;

    ngx_chat_request_need(rq,
                          ngx_chat_need_history(rq->node, &rq->name,
                                                !rq->parsed.has_after_sequence,
                                                &sequence, rq->parsed.limit,
                                                &rq->waiter));
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
        chat_write(&w, ngx_chat_history_data(e.text));
    }

    if (rc == NGX_ERROR) {
        ngx_log_error(NGX_LOG_ERR, rq->node->log, 0,
                      "chat: malformed history from storage");
        ngx_chat_buffer_unref(b);
        ngx_chat_request_fail(rq, CHAT_CODE_INTERNAL, "internal error");
        return;
    }

    chat_write_cstr(&w, "],\"complete\":");
    chat_write_cstr(&w, range->complete ? "true}" : "false}");

    ngx_chat_request_reply_end(b, &w);
    ngx_chat_request_done(rq, b);
}


/* the data of an event: {"type":"...","data":{...}} without what is around */

static chat_str_t
ngx_chat_history_data(ngx_str_t event)
{
    u_char  *p;

    p = ngx_strnstr(event.data, ",\"data\":", event.len);

    if (p == NULL) {
        return chat_str("null");
    }

    p += sizeof(",\"data\":") - 1;

    if (p >= event.data + event.len) {
        return chat_str("null");
    }

    return (chat_str_t) { p, event.data + event.len - 1 - p };
}
