/*
 * Members of a conversation: adding, changing, removing and listing them.
 *
 * Whether it becomes member.joined, .updated or .left is for Redis to tell, so
 * the head of the event is only what the three have in common.
 */

#include "ngx_chat.h"


#define NGX_CHAT_MEMBER_HEAD   512
#define NGX_CHAT_MEMBER_MARKS  100      /* members, where marks are told */

/* of the list: {"userId":..., without the user, and the end of all */
#define NGX_CHAT_MEMBER_ITEM   160
#define NGX_CHAT_MEMBER_LIST   512


static size_t ngx_chat_member_head(ngx_chat_request_t *rq,
    u_char head[NGX_CHAT_MEMBER_HEAD]);
static ngx_uint_t ngx_chat_member_cursor_valid(ngx_chat_request_t *rq);
static void ngx_chat_member_on_list(void *data, redisReply *reply);
static ngx_int_t ngx_chat_member_items(chat_writer_t *w, redisReply *reply);
static ngx_int_t ngx_chat_member_item(chat_writer_t *w, ngx_str_t user,
    ngx_str_t state, ngx_uint_t marks);
static ngx_str_t ngx_chat_member_word(ngx_str_t *text);


/* member.add and member.update */

void
ngx_chat_member_set(ngx_chat_request_t *rq)
{
    size_t           len;
    u_char           head[NGX_CHAT_MEMBER_HEAD];
    ngx_chat_call_t  call;

    len = ngx_chat_member_head(rq, head);

    ngx_chat_append_begin(rq, &call);
    ngx_chat_call_add(&call, rq->parsed.user.data, rq->parsed.user.len);
    ngx_chat_call_add_cstr(&call, chat_role_name(rq->parsed.role));
    ngx_chat_call_add(&call, head, len);
    ngx_chat_call_add_uint(&call, rq->session->conf->max_members);

    ngx_chat_append_call(rq, &call);
}


void
ngx_chat_member_remove(ngx_chat_request_t *rq)
{
    size_t           len;
    u_char           head[NGX_CHAT_MEMBER_HEAD];
    ngx_chat_call_t  call;

    len = ngx_chat_member_head(rq, head);

    ngx_chat_append_begin(rq, &call);
    ngx_chat_call_add(&call, rq->parsed.user.data, rq->parsed.user.len);
    ngx_chat_call_add(&call, head, len);

    ngx_chat_append_call(rq, &call);
}


static size_t
ngx_chat_member_head(ngx_chat_request_t *rq,
    u_char head[NGX_CHAT_MEMBER_HEAD])
{
    chat_writer_t  w;

    chat_writer_init(&w, head, NGX_CHAT_MEMBER_HEAD);
    chat_event_member_head(&w, ngx_chat_id(&rq->parsed.conversation),
                           ngx_chat_id(&rq->parsed.user));

    return w.len;
}


/* The list */


void
ngx_chat_member_list(ngx_chat_request_t *rq)
{
    ngx_str_t        *user = &rq->session->identity->user;
    ngx_chat_call_t   call;

    if (!ngx_chat_member_cursor_valid(rq)) {
        ngx_chat_request_fail(rq, CHAT_CODE_BAD_REQUEST,
                              "\"cursor\" is not one of this list");
        return;
    }

    ngx_chat_call_begin(&call, rq->node, "chat_v1_members", &rq->name);
    ngx_chat_call_add(&call, user->data, user->len);

    if (rq->parsed.cursor_len > 0) {
        ngx_chat_call_add(&call, rq->parsed.cursor, rq->parsed.cursor_len);

    } else {
        ngx_chat_call_add_cstr(&call, "0");
    }

    ngx_chat_call_add_uint(&call, rq->parsed.limit);

    ngx_chat_ask_call(rq, &call, ngx_chat_member_on_list);
}


/* as Redis gave it: a number below 2^64, or "u" and a user; another would be
   an error there */

static ngx_uint_t
ngx_chat_member_cursor_valid(ngx_chat_request_t *rq)
{
    size_t      i, len;
    chat_str_t  user;

    len = rq->parsed.cursor_len;

    if (len > 0 && rq->parsed.cursor[0] == 'u') {
        user = (chat_str_t) { rq->parsed.cursor + 1, len - 1 };
        return chat_name_valid(user);
    }

    for (i = 0; i < len; i++) {
        if (rq->parsed.cursor[i] < '0' || rq->parsed.cursor[i] > '9') {
            return 0;
        }
    }

    return len < NGX_INT64_LEN;
}


/* ok, next cursor, number of members, then user and "<role> <read>
   <delivered>", perhaps with more behind it, in turn */

static void
ngx_chat_member_on_list(void *data, redisReply *reply)
{
    size_t               i, size;
    ngx_str_t            cursor;
    chat_writer_t        w;
    ngx_chat_answer_e    answer;
    ngx_chat_buffer_t   *b;
    ngx_chat_request_t  *rq = data;

    if (ngx_chat_ask_answer(rq, reply, 3, &answer) != NGX_OK) {
        return;
    }

    size = NGX_CHAT_MEMBER_LIST;

    for (i = 3; i < reply->elements; i += 2) {
        size += ngx_chat_bus_str(reply, i).len + NGX_CHAT_MEMBER_ITEM;
    }

    b = ngx_chat_request_reply(rq, size, &w);
    if (b == NULL) {
        return;
    }

    if (answer != NGX_CHAT_ANSWER_OK
        || ngx_chat_member_items(&w, reply) != NGX_OK)
    {
        ngx_log_error(NGX_LOG_ERR, ngx_chat_request_log(rq), 0,
                      "chat: malformed list of members from redis, "
                      "conversation: \"%V\"", &rq->name.base);
        ngx_chat_buffer_unref(b);
        ngx_chat_request_fail(rq, CHAT_CODE_INTERNAL, "internal error");
        return;
    }

    cursor = ngx_chat_bus_str(reply, 1);

    chat_write_cstr(&w, ",\"nextCursor\":");

    if (cursor.len == 1 && cursor.data[0] == '0') {
        chat_write_cstr(&w, "null");

    } else {
        chat_write_string(&w, ngx_chat_str(&cursor));
    }

    chat_write_cstr(&w, ",\"memberCount\":");
    chat_write_uint(&w, ngx_chat_bus_uint(reply, 2));
    chat_write_cstr(&w, "}");

    if (ngx_chat_request_reply_end(rq, b, &w) == NGX_OK) {
        ngx_chat_request_done(rq, b);
    }
}


static ngx_int_t
ngx_chat_member_items(chat_writer_t *w, redisReply *reply)
{
    size_t      i;
    ngx_uint_t  marks;

    if (reply->elements % 2 == 0 || ngx_chat_bus_str(reply, 1).len == 0
        || ngx_chat_bus_str(reply, 1).len > CHAT_REQUEST_MAX_CURSOR)
    {
        return NGX_ERROR;
    }

    marks = ngx_chat_bus_uint(reply, 2) <= NGX_CHAT_MEMBER_MARKS;

    chat_write_cstr(w, "{\"items\":[");

    for (i = 3; i < reply->elements; i += 2) {
        chat_write_cstr(w, i > 3 ? "," : "");

        if (ngx_chat_member_item(w, ngx_chat_bus_str(reply, i),
                                 ngx_chat_bus_str(reply, i + 1), marks)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    chat_write_cstr(w, "]");

    return w->full ? NGX_ERROR : NGX_OK;
}


static ngx_int_t
ngx_chat_member_item(chat_writer_t *w, ngx_str_t user, ngx_str_t state,
    ngx_uint_t marks)
{
    ngx_str_t  role, read, delivered;

    if (state.len == 0) {
        return NGX_ERROR;
    }

    role = ngx_chat_member_word(&state);
    read = ngx_chat_member_word(&state);
    delivered = ngx_chat_member_word(&state);

    if (user.len == 0 || role.len == 0 || ngx_atoi(read.data, read.len)
        == NGX_ERROR || ngx_atoi(delivered.data, delivered.len) == NGX_ERROR)
    {
        return NGX_ERROR;
    }

    chat_write_cstr(w, "{\"userId\":");
    chat_write_string(w, ngx_chat_str(&user));
    chat_write_cstr(w, ",\"role\":");
    chat_write_string(w, ngx_chat_str(&role));

    if (marks) {
        chat_write_cstr(w, ",\"lastReadSequence\":");
        chat_write(w, ngx_chat_str(&read));
        chat_write_cstr(w, ",\"lastDeliveredSequence\":");
        chat_write(w, ngx_chat_str(&delivered));
    }

    chat_write_cstr(w, "}");

    return NGX_OK;
}


/* up to the next space, which it takes too */

static ngx_str_t
ngx_chat_member_word(ngx_str_t *text)
{
    size_t     len;
    ngx_str_t  word;

    for (len = 0; len < text->len && text->data[len] != ' '; len++) {
        /* void */
    }

    word.data = text->data;
    word.len = len;

    len = ngx_min(len + 1, text->len);
    text->data += len;
    text->len -= len;

    return word;
}
