/*
 * conversation.join of several conversations.
 *
 * The request stays in its session's queue, and behind it each conversation
 * is an element, a request of its own: so the order among requests for one
 * conversation is kept as for any other.  A few elements are under way at once;
 * what each comes to is kept until the last one is answered.  Then the reply
 * leaves in one piece, and all elements leave the queue.
 *
 * A join is opened as soon as its element is answered; its events are parked
 * with the element and follow the reply.  If they become too many, they are
 * dropped and the element says that it is not complete: the client joins again
 * from where the element ends.
 *
 *      element    waiting ──▶ under way ──▶ answered ──▶ told, with the others
 *      join                   OPENING       LIVE, events are parked
 *
 * The reply has room for 1 MB, and so have all together that a session waits
 * for.  Once that is full, elements are answered without events, and are not
 * complete; whatever the sizes, one of them gets on.
 */

#include "ngx_chat.h"


#define NGX_CHAT_BATCH_PARALLEL  16         /* elements under way */
#define NGX_CHAT_BATCH_BYTES     1048576    /* of a reply */
#define NGX_CHAT_BATCH_ELEMENT   512        /* of that, but for the events */
#define NGX_CHAT_BATCH_TIMEOUT   2000       /* ms: one does not hold up all */


/*
 * One conversation.  Owner: its batch.  The events of a join that has been
 * opened are parked here until the reply is out.
 */

struct ngx_chat_element_s {
    ngx_chat_batch_t    *batch;
    ngx_chat_request_t  *request;       /* in the queue, answered or not */
    ngx_chat_join_t     *join;          /* that is opened; NULL: it has ended */
    ngx_chat_buffer_t   *text;          /* all of an error; of a join without
                                           the end, see complete and reset */
    size_t               len;           /* of text */
    size_t               taken;         /* bytes of events */
    ngx_chat_out_t      *parked;
    ngx_chat_out_t     **parked_last;
    size_t               parked_bytes;

    unsigned             answered:1;
    unsigned             failed:1;
    unsigned             complete:1;
    unsigned             reset:1;
};


/* owner: its request */

struct ngx_chat_batch_s {
    ngx_chat_request_t  *request;
    size_t               size;          /* bytes of events that fit */
    ngx_uint_t           running;       /* elements under way */
    ngx_uint_t           left;          /* elements that are not answered */
    ngx_uint_t           n;
    ngx_event_t          timer;         /* before the request's own */
    unsigned             late:1;        /* no element begins any more */
    ngx_chat_element_t   elements[1];
};


static ngx_chat_batch_t *ngx_chat_batch_create(ngx_chat_request_t *rq);
static ngx_int_t ngx_chat_batch_fill(ngx_chat_batch_t *batch);
static ngx_uint_t ngx_chat_batch_has(ngx_chat_batch_t *batch,
    ngx_chat_request_t *rq);
static void ngx_chat_batch_on_timer(ngx_event_t *ev);
static ngx_uint_t ngx_chat_batch_waits(ngx_chat_batch_t *batch);
static void ngx_chat_batch_overflow(ngx_chat_element_t *e);
static void ngx_chat_batch_tell(ngx_chat_batch_t *batch);
static ngx_chat_buffer_t *ngx_chat_batch_reply(ngx_chat_batch_t *batch);
static void ngx_chat_batch_unpark(ngx_chat_element_t *e, ngx_uint_t tell);


/* it has no name itself, and is never run: its elements are */

ngx_int_t
ngx_chat_batch_name(ngx_chat_request_t *rq)
{
    ngx_uint_t           max;
    ngx_chat_session_t  *s = rq->session;

    max = ngx_max(s->conf->max_conversations, CHAT_REQUEST_MAX_BATCH);

    if (s->nelements + rq->parsed.nbatch > max) {
        ngx_chat_count(rq->node, NGX_CHAT_COUNT_LIMITED_MAX_CONVERSATIONS);
        ngx_chat_request_fail_after(rq, CHAT_CODE_RATE_LIMITED,
                                    "too many joins are outstanding", 1);
        return NGX_DECLINED;
    }

    rq->batch = ngx_chat_batch_create(rq);
    if (rq->batch == NULL) {
        ngx_chat_request_fail(rq, CHAT_CODE_INTERNAL, "out of memory");
        return NGX_DECLINED;
    }

    if (ngx_chat_batch_fill(rq->batch) != NGX_OK) {
        return NGX_DECLINED;
    }

    ngx_chat_queue_begin(rq);

    if (s->conf->request_timeout > NGX_CHAT_BATCH_TIMEOUT) {
        ngx_add_timer(&rq->batch->timer, NGX_CHAT_BATCH_TIMEOUT);
    }

    return NGX_OK;
}


static ngx_chat_batch_t *
ngx_chat_batch_create(ngx_chat_request_t *rq)
{
    size_t             size;
    ngx_uint_t         n = rq->parsed.nbatch;
    ngx_chat_batch_t  *batch;

    size = offsetof(ngx_chat_batch_t, elements)
           + n * sizeof(ngx_chat_element_t);

    batch = ngx_calloc(size, rq->node->log);
    if (batch == NULL) {
        return NULL;
    }

    batch->request = rq;
    batch->size = NGX_CHAT_BATCH_BYTES - (n + 1) * NGX_CHAT_BATCH_ELEMENT;
    batch->timer.handler = ngx_chat_batch_on_timer;
    batch->timer.data = batch;
    batch->timer.log = rq->node->log;

    return batch;
}


/* NGX_DECLINED: the request is answered */

static ngx_int_t
ngx_chat_batch_fill(ngx_chat_batch_t *batch)
{
    bool                 has;
    chat_json_t          value;
    chat_request_t       parsed;
    chat_json_iter_t     it;
    ngx_chat_element_t  *e;
    ngx_chat_request_t  *rq = batch->request;

    ngx_memzero(&parsed, sizeof(chat_request_t));
    parsed.type = CHAT_REQUEST_CONVERSATION_JOIN;

    chat_json_iter(&it, &rq->parsed.batch);

    while (chat_json_next_element(&it, &value) == CHAT_OK) {

        chat_request_read_join(&value, &parsed.conversation,
                               &parsed.after_revision, &has);
        parsed.has_after_revision = has;

        e = &batch->elements[batch->n];
        e->batch = batch;
        e->parked_last = &e->parked;
        e->request = ngx_chat_queue_add(rq->session, &parsed, e);

        if (e->request == NULL) {
            ngx_chat_request_fail(rq, CHAT_CODE_INTERNAL, "out of memory");
            return NGX_DECLINED;
        }

        batch->n++;
        batch->left++;

        if (ngx_chat_batch_has(batch, e->request)) {
            ngx_chat_request_fail(rq, CHAT_CODE_BAD_REQUEST,
                                  "a conversation is in \"conversations\" "
                                  "twice");
            return NGX_DECLINED;
        }
    }

    return NGX_OK;
}


/* before the last one */

static ngx_uint_t
ngx_chat_batch_has(ngx_chat_batch_t *batch, ngx_chat_request_t *rq)
{
    ngx_uint_t           i;
    ngx_chat_request_t  *other;

    for (i = 0; i < batch->n - 1; i++) {
        other = batch->elements[i].request;

        if (other->hash == rq->hash
            && other->parsed.conversation.len == rq->parsed.conversation.len
            && ngx_memcmp(other->parsed.conversation.data,
                          rq->parsed.conversation.data,
                          rq->parsed.conversation.len)
               == 0)
        {
            return 1;
        }
    }

    return 0;
}


ngx_uint_t
ngx_chat_batch_begin(ngx_chat_element_t *e)
{
    ngx_chat_batch_t  *batch = e->batch;

    if (batch->late || batch->running == NGX_CHAT_BATCH_PARALLEL) {
        return 0;
    }

    batch->running++;

    return 1;
}


/* The room for events */


size_t
ngx_chat_batch_room(ngx_chat_element_t *e)
{
    size_t  taken = e->request->session->taken;

    return e->batch->size > taken ? e->batch->size - taken : 0;
}


/* the first event of all is let in however large it is */

ngx_uint_t
ngx_chat_batch_take(ngx_chat_element_t *e, size_t n)
{
    ngx_chat_session_t  *s = e->request->session;

    if (s->taken > 0 && s->taken + n > e->batch->size) {
        return 0;
    }

    s->taken += n;
    e->taken += n;

    return 1;
}


void
ngx_chat_batch_give_back(ngx_chat_element_t *e)
{
    e->request->session->taken -= e->taken;
    e->taken = 0;
}


/* What the elements come to */


void
ngx_chat_batch_opened(ngx_chat_element_t *e, ngx_chat_join_t *join,
    ngx_chat_buffer_t *text, size_t len, ngx_uint_t complete,
    ngx_uint_t reset)
{
    e->join = join;
    join->element = e;

    e->text = text;
    e->request->node->load.bytes += text->size;
    e->len = len;
    e->complete = complete;
    e->reset = reset;
}


void
ngx_chat_batch_failed(ngx_chat_element_t *e, chat_code_e code,
    const char *message, ngx_uint_t retry)
{
    chat_writer_t        w;
    ngx_chat_request_t  *rq = e->request;

    ngx_chat_request_stop(rq);
    ngx_chat_batch_give_back(e);

    e->text = ngx_chat_buffer_create(NGX_CHAT_BATCH_ELEMENT
                                     + 6 * ngx_strlen(message));
    if (e->text == NULL) {
        ngx_chat_session_doom(rq->session, NGX_CHAT_CLOSE_INTERNAL);
        return;
    }

    rq->node->load.bytes += e->text->size;

    chat_writer_init(&w, e->text->payload, e->text->size);
    chat_write_cstr(&w, "{\"conversationId\":");
    chat_write_string(&w, ngx_chat_id(&rq->parsed.conversation));
    chat_write_cstr(&w, ",\"error\":");
    chat_event_error_object(&w, code, message, retry);
    chat_write_cstr(&w, "}");

    e->len = w.len;
    e->failed = 1;

    ngx_chat_batch_answered(e);
}


void
ngx_chat_batch_answered(ngx_chat_element_t *e)
{
    ngx_chat_batch_t  *batch = e->batch;

    e->answered = 1;

    if (e->request->running) {
        batch->running--;
    }

    if (--batch->left == 0) {
        ngx_chat_batch_tell(batch);
        return;
    }

    ngx_chat_queue_advance(batch->request->session);
}


/* what waits for its turn has as long as any request */

static void
ngx_chat_batch_on_timer(ngx_event_t *ev)
{
    ngx_chat_batch_t  *batch = ev->data;

    if (!ngx_chat_batch_waits(batch)) {
        ngx_chat_batch_late(batch);
    }
}


/* whether a turn is missing: after what others, or the session itself, have
   asked before */

static ngx_uint_t
ngx_chat_batch_waits(ngx_chat_batch_t *batch)
{
    ngx_uint_t           i;
    ngx_chat_element_t  *e;

    if (!ngx_queue_empty(&batch->request->node->line)) {
        return 1;
    }

    for (i = 0; i < batch->n; i++) {
        e = &batch->elements[i];

        if (!e->answered && e->request->blocked) {
            return 1;                   /* it is not answered before that */
        }
    }

    return 0;
}


/* who has no answer has none in time; the last one sends the reply */

void
ngx_chat_batch_late(ngx_chat_batch_t *batch)
{
    ngx_uint_t           left;
    ngx_chat_element_t  *e;

    batch->late = 1;
    e = batch->elements;

    for (left = batch->left; left > 0; e++) {
        if (!e->answered) {
            left--;
            ngx_chat_request_late(e->request);
        }
    }
}


/* Parked events */


void
ngx_chat_batch_park(ngx_chat_element_t *e, ngx_chat_buffer_t *b,
    ngx_uint_t always)
{
    size_t               size;
    ngx_chat_out_t      *out;
    ngx_chat_session_t  *s = e->request->session;

    size = b->len + sizeof(ngx_chat_buffer_t) + sizeof(ngx_chat_out_t);

    if (!always && s->parked + size > s->conf->send_queue / 2) {
        ngx_chat_batch_overflow(e);
        return;
    }

    out = ngx_alloc(sizeof(ngx_chat_out_t), s->node->log);
    if (out == NULL) {
        ngx_chat_session_doom(s, NGX_CHAT_CLOSE_INTERNAL);
        return;
    }

    ngx_chat_buffer_ref(b);
    ngx_chat_write_place(s->node, b);
    out->buffer = b;
    out->next = NULL;

    *e->parked_last = out;
    e->parked_last = &out->next;
    e->parked_bytes += size;
    s->parked += size;
}


/* the client has to join again from where the answer ends */

static void
ngx_chat_batch_overflow(ngx_chat_element_t *e)
{
    ngx_chat_batch_unpark(e, 0);

    e->complete = 0;
    e->join->state = NGX_CHAT_JOIN_PARTIAL;
}


void
ngx_chat_batch_left(ngx_chat_element_t *e)
{
    e->join = NULL;
}


/* tells the session of the events, or drops them */

static void
ngx_chat_batch_unpark(ngx_chat_element_t *e, ngx_uint_t tell)
{
    ngx_chat_out_t      *out;
    ngx_chat_session_t  *s = e->request->session;

    while (e->parked != NULL) {
        out = e->parked;
        e->parked = out->next;

        if (tell) {
            ngx_chat_write_queue(s, out->buffer);
            ngx_chat_session_count(s, NGX_CHAT_COUNT_DELIVERED, 1);
        }

        ngx_chat_write_displace(s->node, out->buffer);
        ngx_chat_buffer_unref(out->buffer);
        ngx_free(out);
    }

    e->parked_last = &e->parked;
    s->parked -= e->parked_bytes;
    e->parked_bytes = 0;
}


/* The reply */


static void
ngx_chat_batch_tell(ngx_chat_batch_t *batch)
{
    ngx_uint_t           i;
    ngx_chat_buffer_t   *b;
    ngx_chat_session_t  *s = batch->request->session;

    b = ngx_chat_batch_reply(batch);
    if (b == NULL) {
        ngx_chat_session_doom(s, NGX_CHAT_CLOSE_INTERNAL);
        return;
    }

    if (batch->request->parsed.has_id) {
        ngx_chat_write_queue(s, b);
    }

    ngx_chat_buffer_unref(b);

    for (i = 0; i < batch->n; i++) {
        ngx_chat_batch_unpark(&batch->elements[i], 1);
    }

    ngx_chat_request_done(batch->request, NULL);
}


static ngx_chat_buffer_t *
ngx_chat_batch_reply(ngx_chat_batch_t *batch)
{
    size_t               size;
    ngx_uint_t           i;
    chat_writer_t        w;
    ngx_chat_buffer_t   *b;
    ngx_chat_element_t  *e;

    size = NGX_CHAT_BATCH_ELEMENT * (batch->n + 1);

    for (i = 0; i < batch->n; i++) {
        size += batch->elements[i].len;
    }

    b = ngx_chat_buffer_create(size);
    if (b == NULL) {
        return NULL;
    }

    chat_writer_init(&w, b->payload, b->size);
    chat_event_reply(&w, batch->request->parsed.id);
    chat_write_cstr(&w, "{\"conversations\":[");

    for (i = 0; i < batch->n; i++) {
        e = &batch->elements[i];

        chat_write_cstr(&w, i > 0 ? "," : "");
        chat_write(&w, (chat_str_t) { e->text->payload, e->len });

        if (!e->failed) {
            ngx_chat_conversation_join_end(&w, e->complete, e->reset);
        }
    }

    chat_write_cstr(&w, "]}");
    chat_event_end(&w);

    ngx_chat_buffer_finish(b, CHAT_FRAME_TEXT, w.len);

    return b;
}


void
ngx_chat_batch_free(ngx_chat_batch_t *batch)
{
    ngx_uint_t           i;
    ngx_chat_element_t  *e;

    batch->request->batch = NULL;

    if (batch->timer.timer_set) {
        ngx_del_timer(&batch->timer);
    }

    for (i = 0; i < batch->n; i++) {
        e = &batch->elements[i];

        if (e->join != NULL) {
            e->join->element = NULL;
        }

        ngx_chat_batch_unpark(e, 0);
        ngx_chat_batch_give_back(e);

        if (e->text != NULL) {
            batch->request->node->load.bytes -= e->text->size;
            ngx_chat_buffer_unref(e->text);
        }

        ngx_chat_request_detach(e->request);
    }

    ngx_free(batch);
}
