/*
 * Conversations: listening to one, and no longer.
 */

#include "ngx_chat.h"


#define NGX_CHAT_JOIN_REPLY     512     /* besides the events */
#define NGX_CHAT_JOIN_EVENTS    9       /* of Redis' answer: before them */
#define NGX_CHAT_JOIN_FETCH     65536   /* storage is not asked for less */


/* what is told of an answer to open */

typedef struct {
    size_t       last;                  /* after the last element of an event */
    size_t       size;                  /* of all events */
    uint64_t     reach;
    ngx_uint_t   complete;
    ngx_uint_t   reset;
} ngx_chat_opened_t;


static void ngx_chat_conversation_on_open(void *data, redisReply *reply);
static void ngx_chat_conversation_position(ngx_chat_request_t *rq,
    redisReply *reply);
static size_t ngx_chat_conversation_room(ngx_chat_request_t *rq);
static void ngx_chat_conversation_opened(ngx_chat_request_t *rq,
    redisReply *reply);
static void ngx_chat_conversation_read(ngx_chat_request_t *rq,
    redisReply *reply, ngx_chat_opened_t *o);
static ngx_uint_t ngx_chat_conversation_take(ngx_chat_request_t *rq,
    size_t len);
static ngx_chat_buffer_t *ngx_chat_conversation_begin(ngx_chat_request_t *rq,
    size_t size, chat_writer_t *w);
static void ngx_chat_conversation_write(ngx_chat_request_t *rq,
    redisReply *reply, ngx_chat_opened_t *o, chat_writer_t *w);
static void ngx_chat_conversation_answer(ngx_chat_request_t *rq,
    redisReply *reply, ngx_chat_opened_t *o, ngx_chat_buffer_t *b, size_t len);
static ngx_int_t ngx_chat_conversation_collect(ngx_chat_request_t *rq,
    ngx_chat_range_t *range);


/*
 * conversation.join.  Redis is asked only when it has confirmed that we hear
 * the conversation: what happens after its answer then cannot be missed.  If
 * the client has been away for longer than Redis remembers, storage is asked
 * first and Redis for the rest.
 */

ngx_int_t
ngx_chat_conversation_join_name(ngx_chat_request_t *rq)
{
    return rq->parsed.nbatch > 0 ? ngx_chat_batch_name(rq)
                                 : ngx_chat_request_name(rq);
}


void
ngx_chat_conversation_join(ngx_chat_request_t *rq)
{
    ngx_chat_call_t      call;
    ngx_chat_room_t     *room;
    ngx_chat_identity_t *identity = rq->session->identity;

    if (rq->join == NULL) {

        if (rq->unasked
            && ngx_chat_join_find(rq->session, &rq->name.base) == NULL)
        {
            ngx_chat_request_done(rq, NULL);    /* it has left meanwhile */
            return;
        }

        if (!rq->node->subscriber.up || !rq->node->command.up) {
            ngx_chat_request_fail(rq, CHAT_CODE_UNAVAILABLE,
                                  "the message log cannot be reached");
            return;
        }

        if (rq->session->njoins >= rq->session->conf->max_conversations
            && ngx_chat_join_find(rq->session, &rq->name.base) == NULL)
        {
            ngx_chat_count(rq->node,
                           NGX_CHAT_COUNT_LIMITED_MAX_CONVERSATIONS);
            ngx_chat_request_fail(rq, CHAT_CODE_TOO_LARGE,
                                  "too many conversations are joined");
            return;
        }

        rq->after = rq->parsed.after_revision;
        rq->events_len = 0;
        rq->partial = 0;

        if (rq->element != NULL) {
            ngx_chat_batch_give_back(rq->element);
        }

        if (ngx_chat_join_begin(rq->session, rq) == NULL) {
            ngx_chat_request_fail(rq, CHAT_CODE_INTERNAL, "out of memory");
            return;
        }
    }

    room = rq->join->room;

    if (!room->subscribed) {
        ngx_chat_line_wait(rq, &room->waiting);
        return;
    }

    if (!ngx_chat_line_pass(rq)) {
        return;                         /* it is run again in its turn */
    }

    rq->epoch = room->epoch;

    ngx_chat_call_begin(&call, rq->node, "chat_v1_open", &rq->name);
    ngx_chat_call_add(&call, identity->user.data, identity->user.len);

    if (rq->parsed.has_after_revision && !rq->partial) {
        ngx_chat_call_add_uint(&call, rq->after);

    } else {
        ngx_chat_call_add_cstr(&call, "");
    }

    ngx_chat_call_add_uint(&call, ngx_chat_conversation_room(rq));

    if (ngx_chat_ask_call(rq, &call, ngx_chat_conversation_on_open)
        == NGX_OK)
    {
        ngx_chat_line_asked(rq->node);
    }
}


/* bytes of events that may be told, besides those from storage */

static size_t
ngx_chat_conversation_room(ngx_chat_request_t *rq)
{
    size_t  room;

    room = NGX_CHAT_MAX_EVENTS_BYTES
           - ngx_min(rq->events_len, NGX_CHAT_MAX_EVENTS_BYTES);

    return rq->element == NULL ? room
                               : ngx_min(room,
                                         ngx_chat_batch_room(rq->element));
}


static void
ngx_chat_conversation_on_open(void *data, redisReply *reply)
{
    ngx_chat_request_t  *rq = data;
    ngx_chat_node_t     *node = rq->node;

    ngx_chat_conversation_position(rq, reply);
    ngx_chat_line_answered(node);
}


/*
 * ok, generation, role, last read, sequence, revision, reset, complete, how
 * far the events reach, then revision, what and event in turn.  Whom an event
 * puts out does not matter here: the user is in now.
 */

static void
ngx_chat_conversation_position(ngx_chat_request_t *rq, redisReply *reply)
{
    ngx_chat_answer_e  answer;

    if (ngx_chat_ask_answer(rq, reply, 9, &answer) != NGX_OK) {
        return;
    }

    if (rq->join == NULL || rq->epoch != rq->join->room->epoch) {
        ngx_chat_conversation_join(rq);     /* events may be missing: again */
        return;
    }

    if (answer == NGX_CHAT_ANSWER_OK && ngx_chat_bus_has_texts(reply, 9, 3)) {
        ngx_chat_conversation_opened(rq, reply);
        return;
    }

    if (answer != NGX_CHAT_ANSWER_NEED_RANGE) {
        ngx_log_error(NGX_LOG_ERR, ngx_chat_request_log(rq), 0,
                      "chat: malformed position from redis, "
                      "conversation: \"%V\"", &rq->name.base);
        ngx_chat_request_fail(rq, CHAT_CODE_INTERNAL, "internal error");
        return;
    }

    if (rq->events_len > 0
        || ngx_chat_conversation_room(rq) < NGX_CHAT_JOIN_FETCH)
    {
        rq->partial = 1;                /* what we have is all for this time */
        ngx_chat_conversation_join(rq);
        return;
    }

    if (ngx_chat_overload_history(rq) != NGX_OK) {
        return;
    }

    ngx_chat_ask_need(rq, ngx_chat_need_range(rq->node, &rq->name,
                                                  rq->after, &rq->waiter));
}


static void
ngx_chat_conversation_opened(ngx_chat_request_t *rq, redisReply *reply)
{
    chat_writer_t        w;
    ngx_chat_opened_t    o;
    ngx_chat_buffer_t   *b;

    ngx_chat_conversation_read(rq, reply, &o);

    b = ngx_chat_conversation_begin(rq, NGX_CHAT_JOIN_REPLY + o.size, &w);
    if (b == NULL) {
        return;
    }

    ngx_chat_conversation_write(rq, reply, &o, &w);

    if (rq->element == NULL) {
        ngx_chat_conversation_join_end(&w, o.complete, o.reset);
        chat_event_end(&w);
    }

    if (w.full) {
        ngx_log_error(NGX_LOG_ERR, ngx_chat_request_log(rq), 0,
                      "chat: an answer to a join of %uz bytes does not fit, "
                      "conversation: \"%V\"", w.len, &rq->name.base);
        ngx_chat_buffer_unref(b);
        ngx_chat_request_fail(rq, CHAT_CODE_INTERNAL, "internal error");
        return;
    }

    ngx_chat_conversation_answer(rq, reply, &o, b, w.len);
}


/* a batch may have less room for events than Redis was told */

static void
ngx_chat_conversation_read(ngx_chat_request_t *rq, redisReply *reply,
    ngx_chat_opened_t *o)
{
    size_t  len;

    o->reset = ngx_chat_bus_uint(reply, 6) == 1;
    o->complete = ngx_chat_bus_uint(reply, 7) == 1 && !rq->partial;
    o->reach = rq->partial ? rq->after : ngx_chat_bus_uint(reply, 8);
    o->size = rq->events_len;

    for (o->last = NGX_CHAT_JOIN_EVENTS;
         o->last < reply->elements;
         o->last += 3)
    {
        len = ngx_chat_bus_str(reply, o->last + 2).len + 1;

        if (!ngx_chat_conversation_take(rq, len)) {
            break;
        }

        o->size += len;
    }

    if (o->last < reply->elements) {
        o->complete = 0;
        o->reach = o->last > NGX_CHAT_JOIN_EVENTS
                   ? ngx_chat_bus_uint(reply, o->last - 3) : rq->after;
    }
}


static ngx_uint_t
ngx_chat_conversation_take(ngx_chat_request_t *rq, size_t len)
{
    return rq->element == NULL || ngx_chat_batch_take(rq->element, len);
}


/* of a batch, what is written is a part of the reply; NULL: it is over */

static ngx_chat_buffer_t *
ngx_chat_conversation_begin(ngx_chat_request_t *rq, size_t size,
    chat_writer_t *w)
{
    ngx_chat_buffer_t  *b;

    if (rq->element == NULL) {
        return ngx_chat_request_reply(rq, size, w);
    }

    b = ngx_chat_buffer_create(size);
    if (b == NULL) {
        ngx_chat_request_fail(rq, CHAT_CODE_INTERNAL, "out of memory");
        return NULL;
    }

    chat_writer_init(w, b->payload, b->size);

    return b;
}


static void
ngx_chat_conversation_write(ngx_chat_request_t *rq, redisReply *reply,
    ngx_chat_opened_t *o, chat_writer_t *w)
{
    size_t     i;
    ngx_str_t  role, event;

    role = ngx_chat_bus_str(reply, 2);

    chat_write_cstr(w, "{\"conversationId\":");
    chat_write_string(w, ngx_chat_id(&rq->parsed.conversation));
    chat_write_cstr(w, ",\"role\":");

    if (role.len > 0) {
        chat_write_string(w, ngx_chat_str(&role));

    } else {
        chat_write_cstr(w, "null");     /* may read, is no member */
    }

    chat_write_cstr(w, ",\"sequenceNumber\":");
    chat_write_uint(w, ngx_chat_bus_uint(reply, 4));
    chat_write_cstr(w, ",\"revision\":");
    chat_write_uint(w, o->reach);
    chat_write_cstr(w, ",\"lastReadSequence\":");
    chat_write_uint(w, ngx_chat_bus_uint(reply, 3));
    chat_write_cstr(w, ",\"events\":[");

    if (rq->events_len > 0 && !o->reset) {
        chat_write(w, (chat_str_t) { rq->events->payload, rq->events_len });
        chat_write_cstr(w, o->last > NGX_CHAT_JOIN_EVENTS ? "," : "");
    }

    for (i = NGX_CHAT_JOIN_EVENTS; i < o->last; i += 3) {
        event = ngx_chat_bus_str(reply, i + 2);
        chat_write_cstr(w, i > NGX_CHAT_JOIN_EVENTS ? "," : "");
        chat_write(w, ngx_chat_str(&event));
    }
}


void
ngx_chat_conversation_join_end(chat_writer_t *w, ngx_uint_t complete,
    ngx_uint_t reset)
{
    chat_write_cstr(w, "],\"complete\":");
    chat_write_cstr(w, complete ? "true" : "false");
    chat_write_cstr(w, ",\"reset\":");
    chat_write_cstr(w, reset ? "true}" : "false}");
}


/* first the reply, then what has happened since */

static void
ngx_chat_conversation_answer(ngx_chat_request_t *rq, redisReply *reply,
    ngx_chat_opened_t *o, ngx_chat_buffer_t *b, size_t len)
{
    ngx_chat_join_t  *join = rq->join;

    rq->join = NULL;

    if (rq->element != NULL) {
        ngx_chat_batch_opened(rq->element, join, b, len, o->complete,
                              o->reset);
        ngx_chat_buffer_unref(rq->events);      /* they are in the text */
        rq->events = NULL;

    } else {
        ngx_chat_buffer_finish(b, CHAT_FRAME_TEXT, len);

        if (rq->parsed.has_id) {
            ngx_chat_write_queue(rq->session, b);
        }

        ngx_chat_buffer_unref(b);
    }

    ngx_chat_join_opened(join, ngx_chat_bus_uint(reply, 1),
                         ngx_chat_bus_uint(reply, 5), o->reach, o->complete);

    if (rq->element != NULL) {
        ngx_chat_batch_answered(rq->element);
        return;
    }

    ngx_chat_request_done(rq, NULL);
}


/*
 * Events that Redis has forgotten.  What follows them may be in Redis; if
 * storage has more than fits, the client joins again from where this ends.
 */

void
ngx_chat_conversation_join_range(ngx_chat_request_t *rq,
    ngx_chat_range_t *range)
{
    if (ngx_chat_conversation_collect(rq, range) != NGX_OK) {
        ngx_chat_request_fail(rq, CHAT_CODE_INTERNAL, "internal error");
        return;
    }

    rq->after = range->reach;
    rq->partial = !range->complete;

    ngx_chat_conversation_join(rq);
}


/* the events with commas between them, as many as there is room for */

static ngx_int_t
ngx_chat_conversation_collect(ngx_chat_request_t *rq, ngx_chat_range_t *range)
{
    u_char                  *p;
    uint64_t                 reach = rq->after;
    ngx_int_t                rc;
    ngx_chat_range_event_t   e;

    ngx_chat_buffer_unref(rq->events);

    rq->events = ngx_chat_buffer_create(range->events.len + 1);
    if (rq->events == NULL) {
        return NGX_ERROR;
    }

    p = rq->events->payload;

    for ( ;; ) {
        rc = ngx_chat_range_next(range, &e);

        if (rc != NGX_OK) {
            break;
        }

        if (!ngx_chat_conversation_take(rq, e.text.len + 1)) {
            range->reach = reach;
            range->complete = 0;
            rc = NGX_DONE;
            break;
        }

        if (p != rq->events->payload) {
            *p++ = ',';
        }

        p = ngx_cpymem(p, e.text.data, e.text.len);
        reach = e.revision;
    }

    if (rc == NGX_ERROR) {
        ngx_log_error(NGX_LOG_ERR, ngx_chat_request_log(rq), 0,
                      "chat: malformed events from storage, "
                      "conversation: \"%V\"", &rq->name.base);
        return NGX_ERROR;
    }

    rq->events_len = p - rq->events->payload;

    return NGX_OK;
}


/* conversation.leave: stops listening; membership stays */

void
ngx_chat_conversation_leave(ngx_chat_request_t *rq)
{
    chat_writer_t       w;
    ngx_chat_join_t    *join;
    ngx_chat_buffer_t  *b;

    b = ngx_chat_request_reply(rq, 0, &w);
    if (b == NULL) {
        return;
    }

    join = ngx_chat_join_find(rq->session, &rq->name.base);

    if (join != NULL) {
        ngx_chat_room_leave(join);
    }

    chat_write_cstr(&w, "{}");

    if (ngx_chat_request_reply_end(rq, b, &w) == NGX_OK) {
        ngx_chat_request_done(rq, b);
    }
}
