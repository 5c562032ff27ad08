/*
 * Making a conversation.
 */

#include "ngx_chat.h"

#include <openssl/sha.h>


#define NGX_CHAT_CREATE_REPLY  (6 * CHAT_REQUEST_MAX_NAME)


static ngx_int_t ngx_chat_create_set_id(ngx_chat_request_t *rq);
static ngx_int_t ngx_chat_create_id_from_client(ngx_chat_request_t *rq,
    u_char id[CHAT_ID_LEN]);
static void ngx_chat_create_describe(ngx_chat_request_t *rq,
    chat_event_conversation_t *c);
static size_t ngx_chat_create_members(ngx_chat_request_t *rq,
    chat_request_id_t ids[CHAT_REQUEST_MAX_MEMBERS]);
static void ngx_chat_create_add_members(ngx_chat_request_t *rq,
    ngx_chat_call_t *call, const chat_request_id_t *ids, size_t n);
static void ngx_chat_create_on_reply(void *data, redisReply *reply);
static chat_str_t ngx_chat_create_role(ngx_chat_request_t *rq);
static void ngx_chat_create_on_exists(ngx_chat_request_t *rq,
    redisReply *reply);
static ngx_uint_t ngx_chat_create_is_same(ngx_chat_request_t *rq,
    redisReply *reply);
static void ngx_chat_create_reply(ngx_chat_request_t *rq,
    const chat_event_conversation_t *c, ngx_chat_append_t *a, chat_str_t role,
    ngx_uint_t duplicate);


/*
 * conversation.create.  Its id is the client's choice (token role "admin"),
 * made of the client's clientId so that a retry finds what the first try has
 * made, the one of these two users, or new.
 */

ngx_int_t
ngx_chat_create_name(ngx_chat_request_t *rq)
{
    chat_request_t       *parsed = &rq->parsed;
    ngx_chat_identity_t  *identity = rq->session->identity;

    if (parsed->conversation.len > 0 && !identity->admin) {
        ngx_chat_request_fail(rq, CHAT_CODE_FORBIDDEN,
                              "choosing an id needs the token role \"admin\"");
        return NGX_DECLINED;
    }

    if (parsed->conversation.len == 0
        && ngx_chat_create_set_id(rq) != NGX_OK)
    {
        ngx_chat_request_fail(rq, CHAT_CODE_INTERNAL, "out of memory");
        return NGX_DECLINED;
    }

    ngx_chat_request_set_name(rq, ngx_chat_str(&identity->tenant),
                              (chat_str_t) { parsed->conversation.data,
                                             parsed->conversation.len });

    /* of the conversation's key in storage */
    ngx_chat_make_id(rq->node, rq->name.partition, rq->time, rq->id);

    return NGX_OK;
}


static ngx_int_t
ngx_chat_create_set_id(ngx_chat_request_t *rq)
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
        return ngx_chat_create_id_from_client(rq, id->data);
    }

    rq->fresh = 1;
    ngx_chat_make_id(rq->node, ngx_random() % CHAT_ID_MAX_PARTITIONS, rq->time,
                     id->data);

    return NGX_OK;
}


/* a UUIDv7 with the time of the client's id and bits that only its owner and
   that id give: SHA-256 over "<tenant>/<user>/<client id>" */

static ngx_int_t
ngx_chat_create_id_from_client(ngx_chat_request_t *rq,
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
ngx_chat_create_run(ngx_chat_request_t *rq)
{
    size_t                      n;
    u_char                      head[2048];
    chat_writer_t               w;
    ngx_chat_call_t             call;
    chat_event_conversation_t   c;
    chat_request_id_t           ids[CHAT_REQUEST_MAX_MEMBERS];

    ngx_chat_create_describe(rq, &c);
    n = ngx_chat_create_members(rq, ids);

    if (c.type == CHAT_CONVERSATION_GROUP
        && n >= rq->session->conf->max_members)
    {
        ngx_chat_request_fail(rq, CHAT_CODE_TOO_LARGE, "too many members");
        return;
    }

    chat_writer_init(&w, head, sizeof(head));
    chat_event_conversation_head(&w, &c);

    ngx_chat_append_begin(rq, &call);
    ngx_chat_call_add_cstr(&call, chat_conversation_type_name(c.type));
    ngx_chat_call_add(&call, c.name.data, c.name.len);
    ngx_chat_call_add(&call, rq->id, CHAT_ID_LEN);
    ngx_chat_call_add_cstr(&call, rq->fresh ? "1" : "0");
    ngx_chat_call_add(&call, head, w.len);
    ngx_chat_create_add_members(rq, &call, ids, n);

    ngx_chat_ask_call(rq, &call, ngx_chat_create_on_reply);
}


static void
ngx_chat_create_describe(ngx_chat_request_t *rq,
    chat_event_conversation_t *c)
{
    c->conversation = ngx_chat_id(&rq->parsed.conversation);
    c->type = rq->parsed.conversation_type;
    c->name = (chat_str_t) { rq->parsed.name, rq->parsed.name_len };
    c->creator = ngx_chat_str(&rq->session->identity->user);
    c->time = rq->time;
}


/* the members given but for who creates it; the parser saw nobody twice */

static size_t
ngx_chat_create_members(ngx_chat_request_t *rq,
    chat_request_id_t ids[CHAT_REQUEST_MAX_MEMBERS])
{
    size_t            n = 0;
    chat_str_t        creator, user;
    chat_json_t       element;
    chat_json_iter_t  it;

    if (rq->parsed.nmembers == 0) {
        return 0;
    }

    creator = ngx_chat_str(&rq->session->identity->user);
    chat_json_iter(&it, &rq->parsed.members);

    while (chat_json_next_element(&it, &element) == CHAT_OK) {
        chat_request_read_id(&element, &ids[n]);
        user = ngx_chat_id(&ids[n]);

        if (user.len != creator.len
            || ngx_memcmp(user.data, creator.data, user.len) != 0)
        {
            n++;
        }
    }

    return n;
}


/* the creator owns it; in a dm both are the same.  ids are the text that the
   call points to */

static void
ngx_chat_create_add_members(ngx_chat_request_t *rq,
    ngx_chat_call_t *call, const chat_request_id_t *ids, size_t n)
{
    size_t      i;
    ngx_str_t  *user = &rq->session->identity->user;

    ngx_chat_call_add(call, user->data, user->len);
    ngx_chat_call_add_cstr(call, rq->parsed.conversation_type
                                 == CHAT_CONVERSATION_DM ? "member" : "owner");

    for (i = 0; i < n; i++) {
        ngx_chat_call_add(call, ids[i].data, ids[i].len);
        ngx_chat_call_add_cstr(call, "member");
    }
}


static void
ngx_chat_create_on_reply(void *data, redisReply *reply)
{
    ngx_chat_append_t           a;
    ngx_chat_request_t         *rq = data;
    chat_event_conversation_t   c;

    switch (ngx_chat_append_answer(rq, reply, &a)) {

    case NGX_OK:
        ngx_chat_create_describe(rq, &c);
        ngx_chat_create_reply(rq, &c, &a, ngx_chat_create_role(rq), 0);
        return;

    case NGX_DECLINED:
        ngx_chat_create_on_exists(rq, reply);
        return;

    default:
        return;
    }
}


static chat_str_t
ngx_chat_create_role(ngx_chat_request_t *rq)
{
    return rq->parsed.conversation_type == CHAT_CONVERSATION_DM
           ? chat_str("member") : chat_str("owner");
}


/*
 * "exists", type, role, revision, sequence, name, creator, time, place of its
 * last change in the log, generation: an error only for who chose the id, or
 * wants something else under it
 */

static void
ngx_chat_create_on_exists(ngx_chat_request_t *rq, redisReply *reply)
{
    ngx_str_t                   role, name, creator;
    ngx_chat_append_t           a;
    chat_event_conversation_t   c;

    if (reply->elements < 10) {
        ngx_log_error(NGX_LOG_ERR, ngx_chat_request_log(rq), 0,
                      "chat: malformed conversation from redis, "
                      "conversation: \"%V\"", &rq->name.base);
        ngx_chat_request_fail(rq, CHAT_CODE_INTERNAL, "internal error");
        return;
    }

    if (!ngx_chat_create_is_same(rq, reply)) {
        ngx_chat_request_fail(rq, CHAT_CODE_CONFLICT,
                              "the conversation exists already");
        return;
    }

    role = ngx_chat_bus_str(reply, 2);
    name = ngx_chat_bus_str(reply, 5);
    creator = ngx_chat_bus_str(reply, 6);

    ngx_chat_create_describe(rq, &c);
    c.name = ngx_chat_str(&name);
    c.creator = ngx_chat_str(&creator);
    c.time = ngx_chat_bus_uint(reply, 7);

    ngx_memzero(&a, sizeof(ngx_chat_append_t));
    a.revision = ngx_chat_bus_uint(reply, 3);
    a.sequence = ngx_chat_bus_uint(reply, 4);
    a.place = ngx_chat_bus_str(reply, 8);
    a.generation = ngx_chat_bus_uint(reply, 9);

    rq->revision = a.revision;

    ngx_chat_create_reply(rq, &c, &a, ngx_chat_str(&role), 1);
}


/* an earlier try has made it, or the other one of a dm */

static ngx_uint_t
ngx_chat_create_is_same(ngx_chat_request_t *rq, redisReply *reply)
{
    ngx_str_t                  type;
    chat_conversation_type_e   wanted = rq->parsed.conversation_type;

    type = ngx_chat_bus_str(reply, 1);

    return (rq->parsed.client.len > 0 || wanted == CHAT_CONVERSATION_DM)
           && type.data != NULL
           && ngx_strcmp(type.data, chat_conversation_type_name(wanted)) == 0;
}


static void
ngx_chat_create_reply(ngx_chat_request_t *rq,
    const chat_event_conversation_t *c, ngx_chat_append_t *a, chat_str_t role,
    ngx_uint_t duplicate)
{
    chat_writer_t       w;
    ngx_chat_buffer_t  *b;

    b = ngx_chat_request_reply(rq, NGX_CHAT_CREATE_REPLY, &w);
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

    if (role.len > 0) {
        chat_write_string(&w, role);

    } else {
        chat_write_cstr(&w, "null");    /* of a channel, and not a member */
    }

    chat_write_cstr(&w, ",\"sequenceNumber\":");
    chat_write_uint(&w, a->sequence);
    chat_write_cstr(&w, ",\"revision\":");
    chat_write_uint(&w, a->revision);
    chat_write_cstr(&w, ",\"duplicate\":");
    chat_write_cstr(&w, duplicate ? "true}" : "false}");

    if (ngx_chat_request_reply_end(rq, b, &w) == NGX_OK) {
        ngx_chat_ack_reply(rq, b, a->place, a->generation);
    }
}
