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
static void ngx_chat_create_add_members(ngx_chat_request_t *rq,
    ngx_chat_call_t *call, chat_request_id_t *ids);
static void ngx_chat_create_on_reply(void *data, redisReply *reply);
static void ngx_chat_create_on_exists(ngx_chat_request_t *rq,
    redisReply *reply);
static void ngx_chat_create_reply(ngx_chat_request_t *rq,
    const chat_event_conversation_t *c, chat_str_t role, uint64_t revision,
    uint64_t sequence, ngx_uint_t duplicate);


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
    ngx_chat_make_id(rq->name.partition, rq->time, rq->id);

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
    ngx_chat_make_id(ngx_random() % CHAT_ID_MAX_PARTITIONS, rq->time,
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
    u_char                      head[2048];
    const char                 *type;
    chat_writer_t               w;
    ngx_chat_call_t             call;
    chat_event_conversation_t   c;
    chat_request_id_t           ids[CHAT_REQUEST_MAX_MEMBERS];

    ngx_chat_create_describe(rq, &c);
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
    ngx_chat_create_add_members(rq, &call, ids);

    ngx_chat_request_call(rq, &call, ngx_chat_create_on_reply);
}


static void
ngx_chat_create_describe(ngx_chat_request_t *rq,
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
ngx_chat_create_add_members(ngx_chat_request_t *rq,
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
ngx_chat_create_on_reply(void *data, redisReply *reply)
{
    ngx_chat_answer_e           answer;
    ngx_chat_request_t         *rq = data;
    chat_event_conversation_t   c;

    if (ngx_chat_request_answer(rq, reply, 3, &answer) != NGX_OK) {
        return;
    }

    if (answer == NGX_CHAT_ANSWER_EXISTS && reply->elements >= 8) {
        ngx_chat_create_on_exists(rq, reply);
        return;
    }

    if (answer != NGX_CHAT_ANSWER_OK) {
        ngx_chat_request_fail(rq, CHAT_CODE_INTERNAL, "internal error");
        return;
    }

    ngx_chat_create_describe(rq, &c);

    ngx_chat_create_reply(rq, &c,
        c.type == CHAT_CONVERSATION_DM ? chat_str("member")
                                       : chat_str("owner"),
        ngx_chat_bus_uint(reply, 1), ngx_chat_bus_uint(reply, 2), 0);
}


/* "exists", type, role, revision, sequence, name, creator, time: an error only
   for who chose the id */

static void
ngx_chat_create_on_exists(ngx_chat_request_t *rq, redisReply *reply)
{
    ngx_str_t                   type, role, name, creator;
    chat_event_conversation_t   c;

    type = ngx_chat_bus_str(reply, 1);

    ngx_chat_create_describe(rq, &c);

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

    ngx_chat_create_reply(rq, &c, ngx_chat_str(&role),
                                        ngx_chat_bus_uint(reply, 3),
                                        ngx_chat_bus_uint(reply, 4), 1);
}


static void
ngx_chat_create_reply(ngx_chat_request_t *rq,
    const chat_event_conversation_t *c, chat_str_t role, uint64_t revision,
    uint64_t sequence, ngx_uint_t duplicate)
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
