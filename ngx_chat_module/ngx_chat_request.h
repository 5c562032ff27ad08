/*
 * Requests and who carries them out.  Included by ngx_chat.h.
 */

#ifndef NGX_CHAT_REQUEST_H
#define NGX_CHAT_REQUEST_H


/* of an entry in the log of a partition, "<ms>-<n>" */

typedef struct {
    uint64_t   generation;              /* in which it means something */
    uint64_t   ms;
    uint64_t   n;
} ngx_chat_place_t;


/*
 * ngx_chat_request.c: one request of a client, from its text to its reply.
 * Requests of one session for one conversation run one after the other, so
 * that they take effect in the order sent; others side by side.
 *
 * Owner: its session's queue until it is answered; while a reply of Redis is
 * to come (pending), the callback; the later of the two frees it.  The elements
 * of a batch are requests in the queue, too.
 */

struct ngx_chat_request_s {
    ngx_queue_t            queue;       /* session->requests */
    ngx_chat_name_t        name;
    uint32_t               hash;        /* of the name: walks of the queue read
                                           up to here */
    ngx_queue_t            wait;        /* line of node or subscribers, or
                                           waiting of room, user or audience,
                                           if in_line;
                                           ack->waiting, if accepted */
    ngx_chat_session_t    *session;     /* NULL: answered, or it has gone */
    ngx_chat_node_t       *node;
    chat_request_t         parsed;      /* slices point into text */
    ngx_event_t            timer;       /* its deadline */
    ngx_chat_waiter_t      waiter;
    u_char                 base[CHAT_NAME_MAX_BASE];

    ngx_chat_batch_t      *batch;       /* a join of several, else NULL */
    ngx_chat_element_t    *element;     /* it is one of a batch, else NULL */
    ngx_chat_audience_t   *audience;    /* that it waits for, or NULL */

    ngx_chat_join_t       *join;        /* conversation.join; NULL: ended */
    ngx_uint_t             epoch;       /* of the room when open was sent */
    uint64_t               after;       /* join: revision to go on from */
    ngx_chat_buffer_t     *events;      /* join: "{...},{...}" from storage;
                                           history: the reply, likewise */
    size_t                 events_len;

    uint64_t               time;        /* ms: of what it makes */
    uint64_t               begun;       /* us; 0: nobody waits for a reply */
    uint64_t               revision;    /* that it was accepted with */
    ngx_chat_place_t       place;       /* likewise, if accepted */
    ngx_chat_buffer_t     *reply;       /* likewise */
    u_char                 id[CHAT_ID_LEN];

    unsigned               running:1;
    unsigned               blocked:1;   /* an earlier one has the same name */
    unsigned               in_line:1;
    unsigned               asking:1;    /* has a place in subscribers->asking */
    unsigned               pending:1;
    unsigned               overtaken:2; /* answers: see presence.get */
    unsigned               fresh:1;     /* the id was made here, just now */
    unsigned               partial:1;   /* join: there are more events */
    unsigned               unasked:1;   /* join: made here, for a session that
                                           was told to start over */
    unsigned               accepted:1;  /* its reply waits until it is stored */
    unsigned               failed:1;    /* it is answered with an error */
    unsigned               again:1;     /* was accepted, and is sent again: it
                                           may have been lost with a Redis */

    size_t                 len;
    u_char                 text[1];
};


/* a whole text message of a session */
void ngx_chat_request_handle(ngx_chat_session_t *s, chat_str_t text);

/* each answers and ends it: it may be freed when they return.  done: takes
   the reply over, which may be NULL if the answer is out already */
void ngx_chat_request_fail(ngx_chat_request_t *rq, chat_code_e code,
    const char *message);
void ngx_chat_request_fail_after(ngx_chat_request_t *rq, chat_code_e code,
    const char *message, ngx_uint_t retry);     /* seconds, 0: none */
void ngx_chat_request_done(ngx_chat_request_t *rq, ngx_chat_buffer_t *reply);
void ngx_chat_request_done_empty(ngx_chat_request_t *rq);   /* with no data */
void ngx_chat_request_late(ngx_chat_request_t *rq);     /* its deadline */

/* its turn has come: runs it, or refuses it */
void ngx_chat_request_begin(ngx_chat_request_t *rq);

/* runs it, or runs it again: a conversation was loaded, a room subscribed;
   with history that has come from storage */
void ngx_chat_request_run(ngx_chat_request_t *rq);
void ngx_chat_request_run_range(ngx_chat_request_t *rq,
    ngx_chat_range_t *range);

/* an error to a text that is no request, or is not queued */
void ngx_chat_request_error(ngx_chat_session_t *s, const chat_request_t *rq,
    chat_code_e code, const char *message);
void ngx_chat_request_error_after(ngx_chat_session_t *s,
    const chat_request_t *rq, chat_code_e code, const char *message,
    ngx_uint_t retry);                  /* seconds */

/* for what concerns it */
ngx_log_t *ngx_chat_request_log(ngx_chat_request_t *rq);

/* for ngx_chat_ask.c: its session has gone, and Redis has answered */
void ngx_chat_request_free(ngx_chat_request_t *rq);

/* it is not in the queue yet; NULL: out of memory */
ngx_chat_request_t *ngx_chat_request_create(ngx_chat_session_t *s,
    const chat_request_t *parsed, chat_str_t text);
void ngx_chat_request_set_deadline(ngx_chat_request_t *rq);

/* stop: it waits for nothing any more, but stays in the queue; detach: it
   leaves that, and is freed when nothing is to come */
void ngx_chat_request_stop(ngx_chat_request_t *rq);
void ngx_chat_request_detach(ngx_chat_request_t *rq);

/* all requests of a session that ends */
void ngx_chat_request_abandon(ngx_chat_session_t *s);

/* for those who carry requests out */
ngx_int_t ngx_chat_request_name(ngx_chat_request_t *rq);
void ngx_chat_request_set_name(ngx_chat_request_t *rq, chat_str_t tenant,
    chat_str_t id);
ngx_chat_buffer_t *ngx_chat_request_reply(ngx_chat_request_t *rq, size_t size,
    chat_writer_t *w);
ngx_int_t ngx_chat_request_reply_end(ngx_chat_request_t *rq,
    ngx_chat_buffer_t *b, chat_writer_t *w);    /* NGX_ERROR: it is answered,
                                                   and b released */


/*
 * ngx_chat_queue.c: the requests of a session, which run and which wait.
 *
 * insert: at the end, without a name; enter: it has one now.  begin: it runs.
 * remove: the next one of its name may run.  advance: all that may run do.
 */

void ngx_chat_queue_insert(ngx_chat_request_t *rq);
void ngx_chat_queue_enter(ngx_chat_request_t *rq);
void ngx_chat_queue_begin(ngx_chat_request_t *rq);
void ngx_chat_queue_remove(ngx_chat_request_t *rq);
void ngx_chat_queue_advance(ngx_chat_session_t *s);

/* a request made here, an element or one that is unasked; NULL: out of
   memory */
ngx_chat_request_t *ngx_chat_queue_add(ngx_chat_session_t *s,
    const chat_request_t *parsed, ngx_chat_element_t *element);

/* joins what the session has joined, to see whether it may */
void ngx_chat_queue_rejoin(ngx_chat_session_t *s, ngx_chat_name_t *name);


/* ngx_chat_authenticate.c */

void ngx_chat_authenticate(ngx_chat_session_t *s, chat_request_t *rq);


/* ngx_chat_ask.c: what a request asks, for those who carry it out */

/* the call that it is about; the handler begins with answer() */
ngx_int_t ngx_chat_ask_call(ngx_chat_request_t *rq, ngx_chat_call_t *call,
    ngx_chat_redis_reply_pt handler);
ngx_int_t ngx_chat_ask_answer(ngx_chat_request_t *rq, redisReply *reply,
    size_t elements, ngx_chat_answer_e *answer);
/* for other handlers; NGX_DONE: it is over, and freed */
ngx_int_t ngx_chat_ask_returned(ngx_chat_request_t *rq);

/* what need functions have returned; and the handler of its waiter */
void ngx_chat_ask_need(ngx_chat_request_t *rq, ngx_int_t rc);
void ngx_chat_ask_on_need(void *data, ngx_chat_range_t *range);


/* ngx_chat_ack.c: when an accepted change is answered */

typedef struct {                        /* node->acks, by partition */
    ngx_chat_node_t   *node;
    ngx_queue_t        waiting;         /* requests by place, if accepted */
    ngx_chat_place_t   stored;          /* as far as we have heard */
    unsigned           looking:1;       /* and have asked */
} ngx_chat_ack_t;

void ngx_chat_ack_init(ngx_chat_node_t *node);
void ngx_chat_ack_done(ngx_chat_node_t *node);

/* takes the reply over; place is that in the partition's log of this
   generation, empty if it is stored already.  The request may be freed */
void ngx_chat_ack_reply(ngx_chat_request_t *rq, ngx_chat_buffer_t *reply,
    ngx_str_t place, uint64_t generation);
void ngx_chat_ack_cancel(ngx_chat_request_t *rq);   /* fine if it waits not */
void ngx_chat_ack_loaded(ngx_chat_request_t *rq);   /* it waits, had a need */

/* what the bus has heard of a partition */
void ngx_chat_ack_on_stored(ngx_chat_node_t *node, ngx_uint_t partition,
    uint64_t generation, ngx_str_t *position);
void ngx_chat_ack_on_open(ngx_chat_node_t *node, ngx_uint_t partition,
    uint64_t generation);


/* ngx_chat_append.c: durable changes, and what Redis answers to them */

typedef struct {
    uint64_t   revision;
    uint64_t   sequence;                /* of the message, or the last one's */
    uint64_t   generation;
    ngx_str_t  place;                   /* in the log; empty: it is stored */
    ngx_str_t  first_id;                /* of a duplicate, else empty */
    uint64_t   first_time;
} ngx_chat_append_t;

/* FCALL append up to the user and the time; the operation's own follow */
void ngx_chat_append_begin(ngx_chat_request_t *rq, ngx_chat_call_t *call);
/* the answer will be {"revision":...} */
void ngx_chat_append_call(ngx_chat_request_t *rq, ngx_chat_call_t *call);
void ngx_chat_append_reply(ngx_chat_request_t *rq, ngx_chat_append_t *a);
/* for handlers of their own.  NGX_OK: a is filled; NGX_DECLINED: what was to
   be made exists; NGX_DONE: there is nothing left to do */
ngx_int_t ngx_chat_append_answer(ngx_chat_request_t *rq, redisReply *reply,
    ngx_chat_append_t *a);


/*
 * ngx_chat_batch.c: conversation.join of several.  Each conversation is an
 * element, a request of its own; what they come to is told in one reply.
 */

ngx_int_t ngx_chat_batch_name(ngx_chat_request_t *rq);
void ngx_chat_batch_late(ngx_chat_batch_t *batch);      /* its deadline */
void ngx_chat_batch_free(ngx_chat_batch_t *batch);      /* untold */

/* whether the element may be run now, and is: few are under way at once */
ngx_uint_t ngx_chat_batch_begin(ngx_chat_element_t *e);

/* how many bytes of events there is room for; take: whether n more fit, which
   are the element's then; give_back: all that were taken for it */
size_t ngx_chat_batch_room(ngx_chat_element_t *e);
ngx_uint_t ngx_chat_batch_take(ngx_chat_element_t *e, size_t n);
void ngx_chat_batch_give_back(ngx_chat_element_t *e);

/* opened: takes text over, a join's data up to the end of its events; from now
   on those of the join are parked.  answered: it may be freed, and all of the
   batch; so with failed */
void ngx_chat_batch_opened(ngx_chat_element_t *e, ngx_chat_join_t *join,
    ngx_chat_buffer_t *text, size_t len, ngx_uint_t complete,
    ngx_uint_t reset);
void ngx_chat_batch_failed(ngx_chat_element_t *e, chat_code_e code,
    const char *message, ngx_uint_t retry);
void ngx_chat_batch_answered(ngx_chat_element_t *e);

/* an event for a join whose reply is not out; always: it must not be lost.
   left: the join has ended */
void ngx_chat_batch_park(ngx_chat_element_t *e, ngx_chat_buffer_t *b,
    ngx_uint_t always);
void ngx_chat_batch_left(ngx_chat_element_t *e);


/*
 * ngx_chat_line.c: a few ask for positions at a time.  pass: 0: the request
 * waits, and is run again in its turn.  asked, answered: a call for it was
 * sent, has been answered.  wait, leave: in any line; leave is fine if it
 * waits in none.
 */

void ngx_chat_line_init(ngx_chat_node_t *node);
ngx_uint_t ngx_chat_line_pass(ngx_chat_request_t *rq);
void ngx_chat_line_wait(ngx_chat_request_t *rq, ngx_queue_t *line);
void ngx_chat_line_leave(ngx_chat_request_t *rq);
void ngx_chat_line_asked(ngx_chat_node_t *node);
void ngx_chat_line_answered(ngx_chat_node_t *node);


/* the requests themselves */

void ngx_chat_message_send(ngx_chat_request_t *rq);

void ngx_chat_change_edit(ngx_chat_request_t *rq);
void ngx_chat_change_delete(ngx_chat_request_t *rq);
void ngx_chat_change_react(ngx_chat_request_t *rq);

void ngx_chat_history_get(ngx_chat_request_t *rq);
void ngx_chat_history_get_range(ngx_chat_request_t *rq,
    ngx_chat_range_t *range);

ngx_int_t ngx_chat_conversation_join_name(ngx_chat_request_t *rq);
void ngx_chat_conversation_join(ngx_chat_request_t *rq);
void ngx_chat_conversation_join_end(chat_writer_t *w, ngx_uint_t complete,
    ngx_uint_t reset);                  /* the end of its data */
void ngx_chat_conversation_join_range(ngx_chat_request_t *rq,
    ngx_chat_range_t *range);
void ngx_chat_conversation_leave(ngx_chat_request_t *rq);

ngx_int_t ngx_chat_create_name(ngx_chat_request_t *rq);
void ngx_chat_create_run(ngx_chat_request_t *rq);

void ngx_chat_settings_update(ngx_chat_request_t *rq);
void ngx_chat_settings_delete(ngx_chat_request_t *rq);

void ngx_chat_member_set(ngx_chat_request_t *rq);
void ngx_chat_member_remove(ngx_chat_request_t *rq);
void ngx_chat_member_list(ngx_chat_request_t *rq);

void ngx_chat_mark(ngx_chat_request_t *rq);

ngx_int_t ngx_chat_list_name(ngx_chat_request_t *rq);
void ngx_chat_list_conversations(ngx_chat_request_t *rq);
void ngx_chat_list_conversations_range(ngx_chat_request_t *rq,
    ngx_chat_range_t *range);


#endif /* NGX_CHAT_REQUEST_H */
