/*
 * The life of a request: from its text to its one reply.  What the requests
 * do stands in files of their own, see the table below.
 */

#include "ngx_chat.h"


#define NGX_CHAT_REQUEST_RETRY  1       /* seconds, with "unavailable" */
#define NGX_CHAT_REQUEST_REPLY  1024    /* room for a reply that is short */


typedef void (*ngx_chat_request_run_pt)(ngx_chat_request_t *rq);
typedef void (*ngx_chat_request_range_pt)(ngx_chat_request_t *rq,
    ngx_chat_range_t *range);
typedef ngx_int_t (*ngx_chat_request_prepare_pt)(ngx_chat_request_t *rq);


static void ngx_chat_request_ping(ngx_chat_session_t *s, chat_request_t *rq);
static ngx_int_t ngx_chat_request_read(ngx_chat_session_t *s,
    chat_request_t *rq, chat_str_t text);
static void ngx_chat_request_authenticate(ngx_chat_session_t *s,
    chat_request_t *rq);
static void ngx_chat_request_serve(ngx_chat_session_t *s, chat_request_t *rq,
    chat_str_t text);
static void ngx_chat_request_queue(ngx_chat_session_t *s,
    const chat_request_t *parsed, chat_str_t text);
static void ngx_chat_request_on_deadline(ngx_event_t *ev);


/* requests that are queued, by chat_request_type_e; the others are at once */

static const struct {
    ngx_chat_request_prepare_pt  prepare;   /* sets rq->name */
    ngx_chat_request_run_pt      run;
    ngx_chat_request_range_pt    range;     /* history came from storage */
} ngx_chat_requests[CHAT_REQUEST_UNKNOWN] = {

    [CHAT_REQUEST_CONVERSATION_JOIN] = {
        ngx_chat_conversation_join_name, ngx_chat_conversation_join,
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

    [CHAT_REQUEST_TYPING_START] = {
        ngx_chat_request_name, ngx_chat_typing_start, NULL },

    [CHAT_REQUEST_TYPING_STOP] = {
        ngx_chat_request_name, ngx_chat_typing_stop, NULL },

    [CHAT_REQUEST_PRESENCE_SET] = {
        ngx_chat_choice_name, ngx_chat_choice_set, NULL },

    [CHAT_REQUEST_PRESENCE_GET] = {
        ngx_chat_request_name, ngx_chat_audience_get_run, NULL },

    [CHAT_REQUEST_PRESENCE_SUBSCRIBE] = {
        ngx_chat_subscribe_name, ngx_chat_subscribe_run,
        ngx_chat_subscribe_run_range },

    [CHAT_REQUEST_PRESENCE_UNSUBSCRIBE] = {
        ngx_chat_subscribe_name, ngx_chat_unsubscribe_run, NULL },
};


/* a token was in it, or can have been: in what cannot be read, and in all that
   comes from who has shown none yet */

void
ngx_chat_request_handle(ngx_chat_session_t *s, chat_str_t text)
{
    chat_request_t  rq;
    ngx_uint_t      secret;

    secret = (s->identity == NULL);

    if (!ngx_chat_revoke_pass(s)
        || ngx_chat_request_read(s, &rq, text) != NGX_OK)
    {
        secret = 1;

    } else if (rq.type == CHAT_REQUEST_AUTHENTICATE) {
        secret = 1;
        ngx_chat_request_authenticate(s, &rq);

    } else {
        ngx_chat_request_serve(s, &rq, text);
    }

    if (secret) {
        ngx_explicit_memzero((u_char *) text.data, text.len);
    }
}


/* NGX_DECLINED: it is answered with an error */

static ngx_int_t
ngx_chat_request_read(ngx_chat_session_t *s, chat_request_t *rq,
    chat_str_t text)
{
    chat_request_error_t  e;

    if (chat_request_parse(rq, text, &e) == CHAT_OK) {
        return NGX_OK;
    }

    if (s->identity == NULL && rq->type > CHAT_REQUEST_PING
        && rq->type < CHAT_REQUEST_UNKNOWN)
    {
        e.code = CHAT_CODE_UNAUTHORIZED;
        e.message = "authenticate first";
    }

    ngx_log_error(NGX_LOG_INFO, s->connection->log, 0,
                  "chat: refused a request: %s", e.message);
    ngx_chat_request_error(s, rq, e.code, e.message);

    return NGX_DECLINED;
}


static void
ngx_chat_request_authenticate(ngx_chat_session_t *s, chat_request_t *rq)
{
    if (s->identity == NULL || ngx_chat_limit_request(s, rq) == NGX_OK) {
        ngx_chat_authenticate(s, rq);
    }
}


static void
ngx_chat_request_serve(ngx_chat_session_t *s, chat_request_t *rq,
    chat_str_t text)
{
    if (rq->type == CHAT_REQUEST_PING) {
        ngx_chat_request_ping(s, rq);
        return;
    }

    if (s->identity == NULL) {
        ngx_chat_request_error(s, rq, CHAT_CODE_UNAUTHORIZED,
                               "authenticate first");
        return;
    }

    ngx_chat_user_acted(s, rq->type);

    if (ngx_chat_limit_request(s, rq) == NGX_OK) {
        ngx_chat_request_queue(s, rq, text);
    }
}


static void
ngx_chat_request_ping(ngx_chat_session_t *s, chat_request_t *rq)
{
    chat_writer_t       w;
    ngx_chat_buffer_t  *b;

    ngx_chat_tally_done(s, CHAT_REQUEST_PING);

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


void
ngx_chat_request_error(ngx_chat_session_t *s, const chat_request_t *rq,
    chat_code_e code, const char *message)
{
    ngx_uint_t  retry;

    retry = code == CHAT_CODE_UNAVAILABLE || code == CHAT_CODE_RATE_LIMITED
            ? NGX_CHAT_REQUEST_RETRY : 0;

    ngx_chat_request_error_after(s, rq, code, message, retry);
}


void
ngx_chat_request_error_after(ngx_chat_session_t *s, const chat_request_t *rq,
    chat_code_e code, const char *message, ngx_uint_t retry)
{
    size_t              size;
    chat_writer_t       w;
    ngx_chat_buffer_t  *b;

    size = NGX_CHAT_REQUEST_REPLY + rq->id.len + 6 * ngx_strlen(message);

    ngx_chat_tally_error(s, rq->type, code);

    b = ngx_chat_buffer_create(size);
    if (b == NULL) {
        ngx_chat_session_doom(s, NGX_CHAT_CLOSE_INTERNAL);
        return;
    }

    chat_writer_init(&w, b->payload, b->size);
    chat_event_error(&w, rq->id, code, message, retry);

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

    if (ngx_chat_requests[parsed->type].run == NULL) {
        ngx_chat_request_error(s, parsed, CHAT_CODE_UNSUPPORTED,
                               "this type of request is not supported");
        return;
    }

    if (s->nrequests >= s->conf->max_outstanding) {
        ngx_chat_count(s->node, NGX_CHAT_COUNT_LIMITED_MAX_OUTSTANDING);
        ngx_chat_request_error(s, parsed, CHAT_CODE_RATE_LIMITED,
                               "too many requests are outstanding");
        return;
    }

    rq = ngx_chat_request_create(s, parsed, text);
    if (rq == NULL) {
        ngx_chat_request_error(s, parsed, CHAT_CODE_INTERNAL,
                               "out of memory");
        return;
    }

    rq->begun = ngx_chat_clock();

    ngx_chat_queue_insert(rq);
    ngx_chat_request_set_deadline(rq);

    if (ngx_chat_requests[parsed->type].prepare(rq) == NGX_OK) {
        ngx_chat_queue_enter(rq);
        ngx_chat_queue_advance(s);
    }
}


ngx_chat_request_t *
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
    s->node->load.bytes += sizeof(ngx_chat_request_t) + text.len;

    rq->len = text.len;
    rq->session = s;
    rq->node = s->node;
    rq->time = ngx_chat_now();

    rq->parsed = *parsed;
    chat_request_rebase(&rq->parsed, text, rq->text);

    rq->timer.data = rq;
    rq->timer.log = s->node->log;

    rq->waiter.handler = ngx_chat_ask_on_need;
    rq->waiter.data = rq;

    return rq;
}


/* the usual prepare: the conversation that the request names */

ngx_int_t
ngx_chat_request_name(ngx_chat_request_t *rq)
{
    ngx_chat_identity_t  *identity = rq->session->identity;

    ngx_chat_request_set_name(rq, ngx_chat_str(&identity->tenant),
                              ngx_chat_id(&rq->parsed.conversation));

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

    rq->hash = ngx_crc32_short(rq->base, name->base.len);
}


/*
 * Its turn has come.  That nobody knows what is revoked is said only now, since
 * answers come in the order of the requests; a join that the client has not
 * asked for goes on listening, as it did.
 */

void
ngx_chat_request_begin(ngx_chat_request_t *rq)
{
    ngx_chat_node_t  *node = rq->node;

    if (node->command.up && !ngx_chat_revoke_is_read(node) && !rq->unasked) {
        ngx_chat_request_fail(rq, CHAT_CODE_UNAVAILABLE,
                              "it is not known what is revoked");
        return;
    }

    ngx_chat_request_run(rq);
}


void
ngx_chat_request_run(ngx_chat_request_t *rq)
{
    ngx_chat_requests[rq->parsed.type].run(rq);
}


void
ngx_chat_request_run_range(ngx_chat_request_t *rq, ngx_chat_range_t *range)
{
    ngx_chat_requests[rq->parsed.type].range(rq, range);
}


void
ngx_chat_request_set_deadline(ngx_chat_request_t *rq)
{
    if (rq->timer.timer_set) {
        ngx_del_timer(&rq->timer);
    }

    rq->timer.handler = ngx_chat_request_on_deadline;
    ngx_add_timer(&rq->timer, rq->session->conf->request_timeout);
}


static void
ngx_chat_request_on_deadline(ngx_event_t *ev)
{
    ngx_chat_request_t  *rq = ev->data;

    if (rq->batch != NULL) {
        ngx_chat_batch_late(rq->batch);
        return;
    }

    ngx_chat_request_late(rq);
}


void
ngx_chat_request_late(ngx_chat_request_t *rq)
{
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

void
ngx_chat_request_fail_after(ngx_chat_request_t *rq, chat_code_e code,
    const char *message, ngx_uint_t retry)
{
    ngx_log_error(NGX_LOG_INFO, rq->session->connection->log, 0,
                  "chat: %s failed: %s, %s, conversation: \"%V\"",
                  chat_request_type_name(rq->parsed.type),
                  chat_code_name(code), message, &rq->name.base);

    if (rq->element != NULL) {
        ngx_chat_batch_failed(rq->element, code, message, retry);
        return;
    }

    rq->failed = 1;

    if (!rq->unasked) {
        ngx_chat_request_error_after(rq->session, &rq->parsed, code, message,
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

    if (!rq->failed && !rq->unasked) {
        ngx_chat_tally_done(s, rq->parsed.type);
    }

    ngx_chat_tally_reply(rq);
    ngx_chat_request_detach(rq);

    if (s->state == NGX_CHAT_SESSION_OPEN) {
        ngx_chat_queue_advance(s);
        ngx_chat_drain_answered(s);
    }
}


void
ngx_chat_request_done_empty(ngx_chat_request_t *rq)
{
    chat_writer_t       w;
    ngx_chat_buffer_t  *b;

    b = ngx_chat_request_reply(rq, 0, &w);
    if (b == NULL) {
        return;
    }

    chat_write_cstr(&w, "{}");

    if (ngx_chat_request_reply_end(rq, b, &w) == NGX_OK) {
        ngx_chat_request_done(rq, b);
    }
}


/* takes it from its session; frees it unless a reply of Redis is to come */

void
ngx_chat_request_detach(ngx_chat_request_t *rq)
{
    if (rq->batch != NULL) {
        ngx_chat_batch_free(rq->batch);
    }

    ngx_chat_queue_remove(rq);
    ngx_chat_request_stop(rq);
    rq->session = NULL;

    if (!rq->pending) {
        ngx_chat_request_free(rq);
    }
}


void
ngx_chat_request_stop(ngx_chat_request_t *rq)
{
    ngx_chat_join_t  *join = rq->join;

    if (rq->timer.timer_set) {
        ngx_del_timer(&rq->timer);
    }

    ngx_chat_need_cancel(&rq->waiter);
    ngx_chat_ack_cancel(rq);
    ngx_chat_audience_cancel(rq);

    ngx_chat_line_leave(rq);
    ngx_chat_subscribe_line_leave(rq);
    ngx_chat_subscribe_cancel(rq);

    if (join != NULL) {                 /* a join that came to nothing */
        rq->join = NULL;
        join->request = NULL;

        if (join->state == NGX_CHAT_JOIN_OPENING) {
            ngx_chat_room_leave(join);
        }
    }
}


/* whose lines name the session and its user, while there is one */

ngx_log_t *
ngx_chat_request_log(ngx_chat_request_t *rq)
{
    return rq->session != NULL ? rq->session->connection->log : rq->node->log;
}


void
ngx_chat_request_free(ngx_chat_request_t *rq)
{
    rq->node->load.bytes -= sizeof(ngx_chat_request_t) + rq->len;

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


/* fails if something that Redis has told is longer than it can be */

ngx_int_t
ngx_chat_request_reply_end(ngx_chat_request_t *rq, ngx_chat_buffer_t *b,
    chat_writer_t *w)
{
    chat_event_end(w);

    if (w->full) {
        ngx_log_error(NGX_LOG_ERR, ngx_chat_request_log(rq), 0,
                      "chat: a reply to %s of %uz bytes does not fit, "
                      "conversation: \"%V\"",
                      chat_request_type_name(rq->parsed.type), w->len,
                      &rq->name.base);
        ngx_chat_buffer_unref(b);
        ngx_chat_request_fail(rq, CHAT_CODE_INTERNAL, "internal error");
        return NGX_ERROR;
    }

    ngx_chat_buffer_finish(b, CHAT_FRAME_TEXT, w->len);

    return NGX_OK;
}
