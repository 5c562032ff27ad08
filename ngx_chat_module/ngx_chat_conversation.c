/*
 * Conversations: joining one, leaving it, making one.
 */

#include "ngx_chat.h"

#include <openssl/sha.h>


#define NGX_CHAT_JOIN_REPLY     512     /* besides the events */
#define NGX_CHAT_CREATED_REPLY  (6 * CHAT_REQUEST_MAX_NAME)


static void ngx_chat_conversation_on_open(void *data, redisReply *reply);
static void ngx_chat_conversation_opened(ngx_chat_request_t *rq,
    redisReply *reply);
static void ngx_chat_conversation_reply_begin(ngx_chat_request_t *rq,
    redisReply *reply, uint64_t revision, chat_writer_t *w);
static void ngx_chat_conversation_reply_end(chat_writer_t *w,
    ngx_uint_t complete, ngx_uint_t reset);
static ngx_int_t ngx_chat_conversation_collect(ngx_chat_request_t *rq,
    ngx_chat_range_t *range);
static ngx_int_t ngx_chat_conversation_set_id(ngx_chat_request_t *rq);
static ngx_int_t ngx_chat_conversation_id_from_client(ngx_chat_request_t *rq,
    u_char id[CHAT_ID_LEN]);
static void ngx_chat_conversation_describe(ngx_chat_request_t *rq,
    chat_event_conversation_t *c);
static void ngx_chat_conversation_add_members(ngx_chat_request_t *rq,
    ngx_chat_call_t *call, chat_request_id_t *ids);
static void ngx_chat_conversation_on_created(void *data, redisReply *reply);
static void ngx_chat_conversation_on_exists(ngx_chat_request_t *rq,
    redisReply *reply);
static void ngx_chat_conversation_created_reply(ngx_chat_request_t *rq,
    const chat_event_conversation_t *c, chat_str_t role, uint64_t revision,
    uint64_t sequence, ngx_uint_t duplicate);


/*
 * conversation.join.  Redis is asked only when it has confirmed that we hear
 * the conversation: what happens after its answer then cannot be missed.  If
 * the client has been away for longer than Redis remembers, storage is asked
 * first and Redis for the rest.
 */

void
ngx_chat_conversation_join(ngx_chat_request_t *rq)
{
    ngx_chat_call_t      call;
    ngx_chat_room_t     *room;
    ngx_chat_identity_t *identity = rq->session->identity;

    if (rq->join == NULL) {

        if (!rq->node->subscriber.up || !rq->node->command.up) {
            ngx_chat_request_fail(rq, CHAT_CODE_UNAVAILABLE,
                                  "the message log cannot be reached");
            return;
        }

        if (rq->session->njoins >= rq->session->conf->max_conversations
            && ngx_chat_room_joined(rq->session, &rq->name.base) == NULL)
        {
            ngx_chat_request_fail(rq, CHAT_CODE_TOO_LARGE,
                                  "too many conversations are joined");
            return;
        }

        rq->after = rq->parsed.after_revision;
        rq->events_len = 0;
        rq->partial = 0;

        if (ngx_chat_room_join(rq->session, rq) == NULL) {
            ngx_chat_request_fail(rq, CHAT_CODE_INTERNAL, "out of memory");
            return;
        }
    }

    room = rq->join->room;

    if (!room->subscribed) {
        rq->in_room = 1;
        ngx_queue_insert_tail(&room->waiting, &rq->wait);
        return;
    }

    rq->epoch = room->epoch;

    ngx_chat_call_begin(&call, rq->node, "chat_v1_open", &rq->name);
    ngx_chat_call_add(&call, identity->user.data, identity->user.len);

    if (rq->parsed.has_after_revision && !rq->partial) {
        ngx_chat_call_add_uint(&call, rq->after);

    } else {
        ngx_chat_call_add_cstr(&call, "");
    }

    ngx_chat_call_add_uint(&call, NGX_CHAT_MAX_EVENTS_BYTES);

    ngx_chat_request_call(rq, &call, ngx_chat_conversation_on_open);
}


/*
 * ok, generation, role, last read, sequence, revision, reset, complete, how
 * far the events reach, then revision and event in turn
 */

static void
ngx_chat_conversation_on_open(void *data, redisReply *reply)
{
    ngx_chat_answer_e    answer;
    ngx_chat_request_t  *rq = data;

    if (ngx_chat_request_answer(rq, reply, 9, &answer) != NGX_OK) {
        return;
    }

    if (rq->join == NULL || rq->epoch != rq->join->room->epoch) {
        ngx_chat_conversation_join(rq);     /* events may be missing: again */
        return;
    }

    if (answer == NGX_CHAT_ANSWER_OK) {
        ngx_chat_conversation_opened(rq, reply);
        return;
    }

    /* need range */

    if (rq->events_len > 0) {
        rq->partial = 1;                /* what we have is all for this time */
        ngx_chat_conversation_join(rq);
        return;
    }

    ngx_chat_request_need(rq, ngx_chat_need_range(rq->node, &rq->name,
                                                  rq->after, &rq->waiter));
}


static void
ngx_chat_conversation_opened(ngx_chat_request_t *rq, redisReply *reply)
{
    size_t              i, size;
    uint64_t            reach;
    ngx_str_t           event;
    ngx_uint_t          complete, reset;
    chat_writer_t       w;
    ngx_chat_join_t    *join;
    ngx_chat_buffer_t  *b;

    size = NGX_CHAT_JOIN_REPLY + rq->events_len;

    for (i = 10; i < reply->elements; i += 2) {
        size += ngx_chat_bus_str(reply, i).len + 1;
    }

    b = ngx_chat_request_reply(rq, size, &w);
    if (b == NULL) {
        return;
    }

    reset = ngx_chat_bus_uint(reply, 6) == 1;
    complete = ngx_chat_bus_uint(reply, 7) == 1 && !rq->partial;
    reach = rq->partial ? rq->after : ngx_chat_bus_uint(reply, 8);

    ngx_chat_conversation_reply_begin(rq, reply, reach, &w);

    if (rq->events_len > 0 && !reset) {
        chat_write(&w, (chat_str_t) { rq->events->payload, rq->events_len });
        chat_write_cstr(&w, reply->elements > 10 ? "," : "");
    }

    for (i = 10; i < reply->elements; i += 2) {
        event = ngx_chat_bus_str(reply, i);
        chat_write_cstr(&w, i > 10 ? "," : "");
        chat_write(&w, ngx_chat_str(&event));
    }

    ngx_chat_conversation_reply_end(&w, complete, reset);
    ngx_chat_request_reply_end(b, &w);

    /* first the reply, then what has happened since */

    if (rq->parsed.has_id) {
        ngx_chat_write_queue(rq->session, b);
    }

    ngx_chat_buffer_unref(b);

    join = rq->join;
    rq->join = NULL;

    ngx_chat_room_opened(join, ngx_chat_bus_uint(reply, 1),
                         ngx_chat_bus_uint(reply, 5), reach, complete);

    ngx_chat_request_done(rq, NULL);
}


static void
ngx_chat_conversation_reply_begin(ngx_chat_request_t *rq, redisReply *reply,
    uint64_t revision, chat_writer_t *w)
{
    ngx_str_t  role;

    role = ngx_chat_bus_str(reply, 2);

    chat_write_cstr(w, "{\"conversationId\":");
    chat_write_string(w, (chat_str_t) { rq->parsed.conversation.data,
                                        rq->parsed.conversation.len });
    chat_write_cstr(w, ",\"role\":");

    if (role.len > 0) {
        chat_write_string(w, ngx_chat_str(&role));

    } else {
        chat_write_cstr(w, "null");     /* may read, is no member */
    }

    chat_write_cstr(w, ",\"sequenceNumber\":");
    chat_write_uint(w, ngx_chat_bus_uint(reply, 4));
    chat_write_cstr(w, ",\"revision\":");
    chat_write_uint(w, revision);
    chat_write_cstr(w, ",\"lastReadSequence\":");
    chat_write_uint(w, ngx_chat_bus_uint(reply, 3));
    chat_write_cstr(w, ",\"events\":[");
}


static void
ngx_chat_conversation_reply_end(chat_writer_t *w, ngx_uint_t complete,
    ngx_uint_t reset)
{
    chat_write_cstr(w, "],\"complete\":");
    chat_write_cstr(w, complete ? "true" : "false");
    chat_write_cstr(w, ",\"reset\":");
    chat_write_cstr(w, reset ? "true}" : "false}");
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


/* the events with commas between them */

static ngx_int_t
ngx_chat_conversation_collect(ngx_chat_request_t *rq, ngx_chat_range_t *range)
{
    u_char                  *p;
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

        if (p != rq->events->payload) {
            *p++ = ',';
        }

        p = ngx_cpymem(p, e.text.data, e.text.len);
    }

    if (rc == NGX_ERROR) {
        ngx_log_error(NGX_LOG_ERR, rq->node->log, 0,
                      "chat: malformed events from storage");
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

    join = ngx_chat_room_joined(rq->session, &rq->name.base);

    if (join != NULL) {
        ngx_chat_room_leave(join);
    }

    chat_write_cstr(&w, "{}");
    ngx_chat_request_reply_end(b, &w);
    ngx_chat_request_done(rq, b);
}


/*
 * conversation.create.  Its id is the client's choice (token role "admin"),
 * made of the client's clientId so that a retry finds what the first try has
 * made, the one of these two users, or new.
 */

ngx_int_t
ngx_chat_conversation_create_name(ngx_chat_request_t *rq)
{
    chat_request_t       *parsed = &rq->parsed;
    ngx_chat_identity_t  *identity = rq->session->identity;

    if (parsed->conversation.len > 0 && !identity->admin) {
        ngx_chat_request_fail(rq, CHAT_CODE_FORBIDDEN,
                              "choosing an id needs the token role \"admin\"");
        return NGX_DECLINED;
    }

    if (parsed->conversation.len == 0
        && ngx_chat_conversation_set_id(rq) != NGX_OK)
    {
        ngx_chat_request_fail(rq, CHAT_CODE_INTERNAL, "out of memory");
        return NGX_DECLINED;
    }

    ngx_chat_request_set_name(rq, ngx_chat_str(&identity->tenant),
                              (chat_str_t) { parsed->conversation.data,
                                             parsed->conversation.len });

    /* of the conversation's key in storage */
    ngx_chat_make_id(rq->name.partition, rq->time, rq->id);

    return NGX_OK;
}


static ngx_int_t
ngx_chat_conversation_set_id(ngx_chat_request_t *rq)
{
    chat_request_id_t  *id, other;
    chat_json_iter_t    it;
    chat_json_t         element;

    id = &rq->parsed.conversation;

    if (rq->parsed.conversation_type == CHAT_CONVERSATION_DM) {
        chat_json_iter(&it, &rq->parsed.members);

        if (chat_json_next_element(&it, &element) != CHAT_OK) {
            return NGX_ERROR;           /* the parser saw exactly one */
        }

        chat_request_read_id(&element, &other);
        id->len = CHAT_NAME_DM_LEN;

        return chat_name_dm(id->data,
                            ngx_chat_str(&rq->session->identity->user),
                            (chat_str_t) { other.data, other.len })
               == CHAT_OK ? NGX_OK : NGX_ERROR;
    }

    id->len = CHAT_ID_LEN;

    if (rq->parsed.client.len > 0) {
        return ngx_chat_conversation_id_from_client(rq, id->data);
    }

    rq->fresh = 1;
    ngx_chat_make_id(ngx_random() % CHAT_ID_MAX_PARTITIONS, rq->time,
                     id->data);

    return NGX_OK;
}


/* a UUIDv7 with the time of the client's id and bits that only its owner and
   that id give: SHA-256 over "<tenant>/<user>/<client id>" */

static ngx_int_t
ngx_chat_conversation_id_from_client(ngx_chat_request_t *rq,
    u_char id[CHAT_ID_LEN])
{
    u_char                text[3 * CHAT_NAME_MAX_ID + 2];
    u_char                digest[SHA256_DIGEST_LENGTH];
    u_char               *p;
    uint64_t              ms;
    chat_request_id_t    *client = &rq->parsed.client;
    ngx_chat_identity_t  *identity = rq->session->identity;

    if (chat_id_time((chat_str_t) { client->data, client->len }, &ms)
        != CHAT_OK)
    {
        return NGX_ERROR;               /* the parser saw a UUIDv7 */
    }

    p = ngx_cpymem(text, identity->tenant.data, identity->tenant.len);
    *p++ = '/';
    p = ngx_cpymem(p, identity->user.data, identity->user.len);
    *p++ = '/';
    p = ngx_cpymem(p, client->data, client->len);

    (void) SHA256(text, p - text, digest);

    chat_id_make(id, ms, digest[10] % CHAT_ID_MAX_PARTITIONS, digest);

    return NGX_OK;
}


void
ngx_chat_conversation_create(ngx_chat_request_t *rq)
{
    u_char                      head[2048];
    const char                 *type;
    chat_writer_t               w;
    ngx_chat_call_t             call;
    chat_event_conversation_t   c;
    chat_request_id_t           ids[CHAT_REQUEST_MAX_MEMBERS];

    ngx_chat_conversation_describe(rq, &c);
    type = chat_conversation_type_name(c.type);

    chat_writer_init(&w, head, sizeof(head));
    chat_event_conversation_head(&w, &c);

    ngx_chat_call_begin(&call, rq->node, "chat_v1_append", &rq->name);
    ngx_chat_call_add_cstr(&call, "create");
    ngx_chat_call_add(&call, c.creator.data, c.creator.len);
    ngx_chat_call_add_cstr(&call, type);
    ngx_chat_call_add(&call, c.name.data, c.name.len);
    ngx_chat_call_add(&call, rq->id, CHAT_ID_LEN);
    ngx_chat_call_add_uint(&call, c.time);
    ngx_chat_call_add_cstr(&call, rq->fresh ? "1" : "0");
    ngx_chat_call_add(&call, head, w.len);
    ngx_chat_conversation_add_members(rq, &call, ids);

    ngx_chat_request_call(rq, &call, ngx_chat_conversation_on_created);
}


static void
ngx_chat_conversation_describe(ngx_chat_request_t *rq,
    chat_event_conversation_t *c)
{
    c->conversation = (chat_str_t) { rq->parsed.conversation.data,
                                     rq->parsed.conversation.len };
    c->type = rq->parsed.conversation_type;
    c->name = (chat_str_t) { rq->parsed.name, rq->parsed.name_len };
    c->creator = ngx_chat_str(&rq->session->identity->user);
    c->time = rq->time;
}


/* the creator owns it; in a dm both are the same.  ids keeps the text that the
   call points to */

static void
ngx_chat_conversation_add_members(ngx_chat_request_t *rq,
    ngx_chat_call_t *call, chat_request_id_t *ids)
{
    ngx_str_t         *user = &rq->session->identity->user;
    chat_json_t        element;
    chat_json_iter_t   it;
    chat_request_id_t *id = ids;

    ngx_chat_call_add(call, user->data, user->len);
    ngx_chat_call_add_cstr(call, rq->parsed.conversation_type
                                 == CHAT_CONVERSATION_DM ? "member" : "owner");

    if (rq->parsed.nmembers == 0) {
        return;
    }

    chat_json_iter(&it, &rq->parsed.members);

    while (chat_json_next_element(&it, &element) == CHAT_OK) {
        chat_request_read_id(&element, id);

        if (id->len == user->len
            && ngx_memcmp(id->data, user->data, user->len) == 0)
        {
            continue;
        }

        ngx_chat_call_add(call, id->data, id->len);
        ngx_chat_call_add_cstr(call, "member");
        id++;
    }
}


static void
ngx_chat_conversation_on_created(void *data, redisReply *reply)
{
    ngx_chat_answer_e           answer;
    ngx_chat_request_t         *rq = data;
    chat_event_conversation_t   c;

    if (ngx_chat_request_answer(rq, reply, 3, &answer) != NGX_OK) {
        return;
    }

    if (answer == NGX_CHAT_ANSWER_EXISTS && reply->elements >= 8) {
        ngx_chat_conversation_on_exists(rq, reply);
        return;
    }

    if (answer != NGX_CHAT_ANSWER_OK) {
        ngx_chat_request_fail(rq, CHAT_CODE_INTERNAL, "internal error");
        return;
    }

    ngx_chat_conversation_describe(rq, &c);

    ngx_chat_conversation_created_reply(rq, &c,
        c.type == CHAT_CONVERSATION_DM ? chat_str("member")
                                       : chat_str("owner"),
        ngx_chat_bus_uint(reply, 1), ngx_chat_bus_uint(reply, 2), 0);
}


/* "exists", type, role, revision, sequence, name, creator, time: an error only
   for who chose the id */

static void
ngx_chat_conversation_on_exists(ngx_chat_request_t *rq, redisReply *reply)
{
    ngx_str_t                   type, role, name, creator;
    chat_event_conversation_t   c;

    type = ngx_chat_bus_str(reply, 1);

    ngx_chat_conversation_describe(rq, &c);

    if (type.data == NULL
        || (rq->parsed.client.len == 0 && c.type != CHAT_CONVERSATION_DM)
        || ngx_strcmp(type.data, chat_conversation_type_name(c.type)) != 0)
    {
        ngx_chat_request_fail(rq, CHAT_CODE_CONFLICT,
                              "the conversation exists already");
        return;
    }

    role = ngx_chat_bus_str(reply, 2);
    name = ngx_chat_bus_str(reply, 5);
    creator = ngx_chat_bus_str(reply, 6);

    c.name = ngx_chat_str(&name);
    c.creator = ngx_chat_str(&creator);
    c.time = ngx_chat_bus_uint(reply, 7);

    ngx_chat_conversation_created_reply(rq, &c, ngx_chat_str(&role),
                                        ngx_chat_bus_uint(reply, 3),
                                        ngx_chat_bus_uint(reply, 4), 1);
}


static void
ngx_chat_conversation_created_reply(ngx_chat_request_t *rq,
    const chat_event_conversation_t *c, chat_str_t role, uint64_t revision,
    uint64_t sequence, ngx_uint_t duplicate)
{
    chat_writer_t       w;
    ngx_chat_buffer_t  *b;

    b = ngx_chat_request_reply(rq, NGX_CHAT_CREATED_REPLY, &w);
    if (b == NULL) {
        return;
    }

    chat_write_cstr(&w, "{\"conversationId\":");
    chat_write_string(&w, c->conversation);
    chat_write_cstr(&w, ",\"type\":\"");
    chat_write_cstr(&w, chat_conversation_type_name(c->type));
    chat_write_cstr(&w, "\",\"name\":");

    if (c->name.len > 0) {
        chat_write_string(&w, c->name);

    } else {
        chat_write_cstr(&w, "null");
    }

    chat_write_cstr(&w, ",\"createdBy\":");
    chat_write_string(&w, c->creator);
    chat_write_cstr(&w, ",\"createdAt\":");
    chat_write_time(&w, c->time);
    chat_write_cstr(&w, ",\"role\":");
    chat_write_string(&w, role);
    chat_write_cstr(&w, ",\"sequenceNumber\":");
    chat_write_uint(&w, sequence);
    chat_write_cstr(&w, ",\"revision\":");
    chat_write_uint(&w, revision);
    chat_write_cstr(&w, ",\"duplicate\":");
    chat_write_cstr(&w, duplicate ? "true}" : "false}");

    ngx_chat_request_reply_end(b, &w);
    ngx_chat_request_done(rq, b);
}
