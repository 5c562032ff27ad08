/*
 * When an accepted change is answered.
 *
 * With "chat_ack stored" the reply waits until chat-persist has stored the
 * change.  Redis tells its place in the log of the partition and the
 * partition's generation; every node hears how far each log is stored.
 *
 * A place counts in its generation only: after a loss the same one may come
 * again.  So when a partition is opened with a higher generation, Redis is
 * asked about each change that waits.  Its revision is good if it has survived,
 * and it is stored then, since all that had survived was stored before the
 * partition was opened.  If not, the request is sent again as it was: the same
 * message with the same client id, which makes nothing twice.
 *
 *      accepted ──▶ waiting ──────stored──────▶ answered
 *         ▲            │                            ▲
 *         │            └─opened anew─▶ asked ──good─┘
 *         └────────────sent again──────────┘
 *
 * Nothing here is needed for safety: who waits too long gets "timeout", and
 * may ask again.
 */

#include "ngx_chat.h"


#define NGX_CHAT_ACK_LOOK  1000         /* ms: what was told may be lost */


static void ngx_chat_ack_park(ngx_chat_ack_t *ack, ngx_chat_request_t *rq,
    ngx_chat_buffer_t *reply);
static ngx_int_t ngx_chat_ack_parse(ngx_str_t *text, ngx_chat_place_t *place);
static ngx_uint_t ngx_chat_ack_above(const ngx_chat_place_t *a,
    const ngx_chat_place_t *b);
static void ngx_chat_ack_release(ngx_chat_ack_t *ack);
static void ngx_chat_ack_ask(ngx_chat_ack_t *ack);
static ngx_int_t ngx_chat_ack_ask_one(ngx_chat_request_t *rq);
static void ngx_chat_ack_on_answer(void *data, redisReply *reply);
static ngx_uint_t ngx_chat_ack_survived(redisReply *reply);
static void ngx_chat_ack_again(ngx_chat_request_t *rq);
static void ngx_chat_ack_on_timer(ngx_event_t *ev);
static void ngx_chat_ack_look(ngx_chat_ack_t *ack, ngx_uint_t partition);
static void ngx_chat_ack_on_look(void *data, redisReply *reply);


void
ngx_chat_ack_init(ngx_chat_node_t *node)
{
    ngx_uint_t  p;

    for (p = 0; p < CHAT_ID_MAX_PARTITIONS; p++) {
        ngx_queue_init(&node->acks[p].waiting);
        node->acks[p].node = node;
    }

    node->ack_timer.handler = ngx_chat_ack_on_timer;
    node->ack_timer.data = node;
    node->ack_timer.log = node->log;
    node->ack_timer.cancelable = 1;
}


void
ngx_chat_ack_done(ngx_chat_node_t *node)
{
    if (node->ack_timer.timer_set) {
        ngx_del_timer(&node->ack_timer);
    }
}


void
ngx_chat_ack_reply(ngx_chat_request_t *rq, ngx_chat_buffer_t *reply,
    ngx_str_t place, uint64_t generation)
{
    ngx_chat_ack_t  *ack = &rq->node->acks[rq->name.partition];

    if (rq->session->conf->ack != NGX_CHAT_ACK_STORED || place.len == 0) {
        ngx_chat_request_done(rq, reply);
        return;
    }

    rq->place.generation = generation;

    if (ngx_chat_ack_parse(&place, &rq->place) != NGX_OK) {
        ngx_log_error(NGX_LOG_ERR, ngx_chat_request_log(rq), 0,
                      "chat: malformed place in a log: \"%V\", "
                      "conversation: \"%V\"", &place, &rq->name.base);
        ngx_chat_buffer_unref(reply);
        ngx_chat_request_fail(rq, CHAT_CODE_INTERNAL, "internal error");
        return;
    }

    if (ack->stored.generation == generation
        && !ngx_chat_ack_above(&rq->place, &ack->stored))
    {
        ngx_chat_request_done(rq, reply);
        return;
    }

    ngx_chat_ack_park(ack, rq, reply);

    if (ack->stored.generation > generation) {
        ngx_chat_ack_ask(ack);          /* the answer has been overtaken */
    }
}


/* by generation and place: it is the last one, but for duplicates */

static void
ngx_chat_ack_park(ngx_chat_ack_t *ack, ngx_chat_request_t *rq,
    ngx_chat_buffer_t *reply)
{
    ngx_queue_t         *q;
    ngx_chat_node_t     *node = ack->node;
    ngx_chat_request_t  *other;

    for (q = ngx_queue_last(&ack->waiting);
         q != ngx_queue_sentinel(&ack->waiting);
         q = ngx_queue_prev(q))
    {
        other = ngx_queue_data(q, ngx_chat_request_t, wait);

        if (!ngx_chat_ack_above(&other->place, &rq->place)) {
            break;
        }
    }

    ngx_queue_insert_after(q, &rq->wait);
    rq->accepted = 1;
    rq->reply = reply;

    if (!node->ack_timer.timer_set) {
        ngx_add_timer(&node->ack_timer, NGX_CHAT_ACK_LOOK);
    }
}


void
ngx_chat_ack_cancel(ngx_chat_request_t *rq)
{
    if (!rq->accepted) {
        return;
    }

    rq->accepted = 0;
    ngx_queue_remove(&rq->wait);

    ngx_chat_buffer_unref(rq->reply);
    rq->reply = NULL;
}


/* "<ms>-<n>", the id of an entry */

static ngx_int_t
ngx_chat_ack_parse(ngx_str_t *text, ngx_chat_place_t *place)
{
    u_char  *p, *last;

    place->ms = 0;
    place->n = 0;

    if (text->len == 0) {
        return NGX_ERROR;
    }

    p = text->data;
    last = p + text->len;

    while (p < last && *p >= '0' && *p <= '9') {
        place->ms = place->ms * 10 + (*p++ - '0');
    }

    if (p == text->data || p == last || *p++ != '-' || p == last) {
        return NGX_ERROR;
    }

    while (p < last && *p >= '0' && *p <= '9') {
        place->n = place->n * 10 + (*p++ - '0');
    }

    return p == last ? NGX_OK : NGX_ERROR;
}


static ngx_uint_t
ngx_chat_ack_above(const ngx_chat_place_t *a, const ngx_chat_place_t *b)
{
    if (a->generation != b->generation) {
        return a->generation > b->generation;
    }

    if (a->ms != b->ms) {
        return a->ms > b->ms;
    }

    return a->n > b->n;
}


/* What is heard of a partition */


void
ngx_chat_ack_on_stored(ngx_chat_node_t *node, ngx_uint_t partition,
    uint64_t generation, ngx_str_t *position)
{
    ngx_chat_ack_t    *ack;
    ngx_chat_place_t   stored;

    if (partition >= node->conf->partitions) {
        return;
    }

    stored.generation = generation;

    if (ngx_chat_ack_parse(position, &stored) != NGX_OK) {
        ngx_log_error(NGX_LOG_ERR, node->log, 0,
                      "chat: malformed position in a log: \"%V\"", position);
        return;
    }

    ack = &node->acks[partition];

    if (generation > ack->stored.generation) {
        ngx_chat_ack_on_open(node, partition, generation);
    }

    if (ngx_chat_ack_above(&stored, &ack->stored)) {
        ack->stored = stored;
        ngx_chat_ack_release(ack);
    }
}


void
ngx_chat_ack_on_open(ngx_chat_node_t *node, ngx_uint_t partition,
    uint64_t generation)
{
    ngx_chat_ack_t  *ack;

    if (partition >= node->conf->partitions) {
        return;
    }

    ack = &node->acks[partition];

    if (generation > ack->stored.generation) {
        ack->stored = (ngx_chat_place_t) { generation, 0, 0 };
    }

    ngx_chat_ack_ask(ack);
}


/*
 * Answers what is stored now.  An answer may end others that wait: of a session
 * that was only waiting for it to be closed.
 */

static void
ngx_chat_ack_release(ngx_chat_ack_t *ack)
{
    ngx_queue_t          ready, *q, *next;
    ngx_chat_buffer_t   *reply;
    ngx_chat_request_t  *rq;

    ngx_queue_init(&ready);

    for (q = ngx_queue_head(&ack->waiting);
         q != ngx_queue_sentinel(&ack->waiting);
         q = next)
    {
        next = ngx_queue_next(q);
        rq = ngx_queue_data(q, ngx_chat_request_t, wait);

        if (ngx_chat_ack_above(&rq->place, &ack->stored)) {
            break;
        }

        if (rq->place.generation == ack->stored.generation) {
            ngx_queue_remove(q);
            ngx_queue_insert_tail(&ready, q);
        }
    }

    while (!ngx_queue_empty(&ready)) {
        q = ngx_queue_head(&ready);
        rq = ngx_queue_data(q, ngx_chat_request_t, wait);

        reply = rq->reply;
        ngx_chat_buffer_ref(reply);
        ngx_chat_ack_cancel(rq);

        ngx_chat_request_done(rq, reply);
    }
}


/* After another opening */


/* about all of former generations; what fails is tried again by the timer */

static void
ngx_chat_ack_ask(ngx_chat_ack_t *ack)
{
    ngx_queue_t         *q;
    ngx_chat_request_t  *rq;

    for (q = ngx_queue_head(&ack->waiting);
         q != ngx_queue_sentinel(&ack->waiting);
         q = ngx_queue_next(q))
    {
        rq = ngx_queue_data(q, ngx_chat_request_t, wait);

        if (rq->place.generation >= ack->stored.generation) {
            return;
        }

        if (rq->pending) {
            continue;
        }

        ngx_chat_need_cancel(&rq->waiter);  /* perhaps it was not heard */

        if (ngx_chat_ack_ask_one(rq) != NGX_OK) {
            return;
        }
    }
}


void
ngx_chat_ack_loaded(ngx_chat_request_t *rq)
{
    (void) ngx_chat_ack_ask_one(rq);    /* or the timer does */
}


static ngx_int_t
ngx_chat_ack_ask_one(ngx_chat_request_t *rq)
{
    ngx_int_t        rc;
    ngx_chat_call_t  call;

    ngx_chat_call_begin(&call, rq->node, "chat_v1_compare", &rq->name);
    ngx_chat_call_add_uint(&call, 0);   /* bytes of events */
    ngx_chat_call_add_uint(&call, rq->revision);

    rc = ngx_chat_call_send(&call, rq->node, ngx_chat_ack_on_answer, rq);

    if (rc == NGX_OK) {
        rq->pending = 1;
    }

    return rc;
}


static void
ngx_chat_ack_on_answer(void *data, redisReply *reply)
{
    ngx_chat_buffer_t   *first;
    ngx_chat_request_t  *rq = data;

    if (ngx_chat_ask_returned(rq) != NGX_OK) {
        return;
    }

    switch (ngx_chat_bus_answer(ngx_chat_request_log(rq), &rq->name.base, reply,
                                5)) {

    case NGX_CHAT_ANSWER_OK:
    case NGX_CHAT_ANSWER_NEED_RANGE:

        if (ngx_chat_ack_survived(reply)) {
            first = rq->reply;
            ngx_chat_buffer_ref(first);
            ngx_chat_ack_cancel(rq);
            ngx_chat_request_done(rq, first);
            return;
        }

        break;

    case NGX_CHAT_ANSWER_NOT_FOUND:
        break;

    case NGX_CHAT_ANSWER_NEED_CONVERSATION:
        (void) ngx_chat_need_conversation(rq->node, &rq->name, &rq->waiter);
        return;

    default:
        return;
    }

    ngx_chat_ack_again(rq);
}


/* "ok" or "need", then three elements, then 1 if the revision is good */

static ngx_uint_t
ngx_chat_ack_survived(redisReply *reply)
{
    return reply->elements > 4 && ngx_chat_bus_uint(reply, 4) == 1;
}


static void
ngx_chat_ack_again(ngx_chat_request_t *rq)
{
    ngx_log_error(NGX_LOG_NOTICE, rq->session->connection->log, 0,
                  "chat: %s is sent again, it may have been lost, "
                  "conversation: \"%V\"",
                  chat_request_type_name(rq->parsed.type), &rq->name.base);

    ngx_chat_ack_cancel(rq);

    rq->again = 1;
    ngx_chat_request_run(rq);
}


/* What was told may have been lost */


static void
ngx_chat_ack_on_timer(ngx_event_t *ev)
{
    ngx_uint_t        p, waiting;
    ngx_chat_node_t  *node = ev->data;

    waiting = 0;

    for (p = 0; p < node->conf->partitions; p++) {

        if (!ngx_queue_empty(&node->acks[p].waiting)) {
            waiting = 1;
            ngx_chat_ack_look(&node->acks[p], p);
        }
    }

    if (waiting) {
        ngx_add_timer(ev, NGX_CHAT_ACK_LOOK);
    }
}


static void
ngx_chat_ack_look(ngx_chat_ack_t *ack, ngx_uint_t partition)
{
    size_t           len;
    u_char           key[CHAT_NAME_PREFIX_LEN + sizeof("part") - 1];
    ngx_chat_call_t  call;

    if (ack->looking) {
        return;
    }

    len = chat_name_prefix(key, partition);
    ngx_memcpy(key + len, "part", sizeof("part") - 1);

    call.n = 0;
    ngx_chat_call_add_cstr(&call, "HMGET");
    ngx_chat_call_add(&call, key, sizeof(key));
    ngx_chat_call_add_cstr(&call, "generation");
    ngx_chat_call_add_cstr(&call, "stored");

    if (ngx_chat_call_send(&call, ack->node, ngx_chat_ack_on_look, ack)
        == NGX_OK)
    {
        ack->looking = 1;
    }
}


/* nil where Redis has lost the partition and it is not open yet */

static void
ngx_chat_ack_on_look(void *data, redisReply *reply)
{
    ngx_int_t        generation;
    ngx_str_t        text, position;
    ngx_chat_ack_t  *ack = data;

    ack->looking = 0;

    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY
        || reply->elements != 2)
    {
        return;
    }

    text = ngx_chat_bus_str(reply, 0);
    position = ngx_chat_bus_str(reply, 1);
    generation = ngx_atoi(text.data, text.len);

    if (generation == NGX_ERROR || position.len == 0) {
        return;
    }

    ngx_chat_ack_on_stored(ack->node, ack - ack->node->acks, generation,
                           &position);
    ngx_chat_ack_ask(ack);
}
