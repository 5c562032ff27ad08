/*
 * Sending a message.
 */

#include "ngx_chat.h"


/* of the event besides content, mentions and attachments: ids and times */

#define NGX_CHAT_MESSAGE_HEAD     1024
#define NGX_CHAT_MESSAGE_MENTION  (CHAT_NAME_MAX_ID + sizeof("\"\",") - 1)


/* what is made for the call, in the order in which it lies in memory */

typedef struct {
    chat_str_t  mentions;               /* ["ada","bob"] */
    chat_str_t  mentioned;              /* ada,bob */
    chat_str_t  pre;
    chat_str_t  post;
} ngx_chat_message_parts_t;


static ngx_int_t ngx_chat_message_check(ngx_chat_request_t *rq);
static void ngx_chat_message_prepare(ngx_chat_request_t *rq);
static size_t ngx_chat_message_size(ngx_chat_request_t *rq);
static void ngx_chat_message_build(ngx_chat_request_t *rq, u_char *buf,
    size_t size, ngx_chat_message_parts_t *parts);
static chat_str_t ngx_chat_message_cut(chat_writer_t *w);
static void ngx_chat_message_append(ngx_chat_request_t *rq,
    const ngx_chat_message_parts_t *parts);
static void ngx_chat_message_on_sent(void *data, redisReply *reply);


/*
 * The event is made here but for its position, which Redis adds.  Its id and
 * time are chosen at the first try, so that every try is the same message.
 */

void
ngx_chat_message_send(ngx_chat_request_t *rq)
{
    size_t                     size;
    u_char                     plain[NGX_CHAT_MESSAGE_HEAD], *buf;
    ngx_chat_message_parts_t   parts;

    if (ngx_chat_message_check(rq) != NGX_OK) {
        return;
    }

    ngx_chat_message_prepare(rq);

    size = ngx_chat_message_size(rq);
    buf = plain;

    if (size > sizeof(plain)) {
        buf = ngx_alloc(size, rq->node->log);

        if (buf == NULL) {
            ngx_chat_request_fail(rq, CHAT_CODE_INTERNAL, "out of memory");
            return;
        }
    }

    ngx_chat_message_build(rq, buf, size, &parts);
    ngx_chat_message_append(rq, &parts);

    if (buf != plain) {
        ngx_free(buf);
    }
}


/* what the parser lets pass may still be more than is configured */

static ngx_int_t
ngx_chat_message_check(ngx_chat_request_t *rq)
{
    u_char                text[64];
    ngx_chat_loc_conf_t  *conf = rq->session->conf;

    if (rq->parsed.nmentions > conf->max_mentions) {
        (void) ngx_snprintf(text, sizeof(text), "more than %ui mentions%Z",
                            conf->max_mentions);
        ngx_chat_request_fail(rq, CHAT_CODE_TOO_LARGE, (char *) text);
        return NGX_DECLINED;
    }

    if (rq->parsed.nattachments > conf->max_attachments) {
        (void) ngx_snprintf(text, sizeof(text), "more than %ui attachments%Z",
                            conf->max_attachments);
        ngx_chat_request_fail(rq, CHAT_CODE_TOO_LARGE, (char *) text);
        return NGX_DECLINED;
    }

    return NGX_OK;
}


/*
 * Where a reply means that the message is stored, it may have to be sent again
 * after a loss, and be known by a client id then: if it has none, it gets one
 * that no client can choose.
 */

static void
ngx_chat_message_prepare(ngx_chat_request_t *rq)
{
    chat_request_id_t  *client = &rq->parsed.client;

    if (rq->id[0] != '\0') {
        return;
    }

    ngx_chat_make_id(rq->node, rq->name.partition, rq->time, rq->id);

    if (client->len == 0 && rq->session->conf->ack == NGX_CHAT_ACK_STORED) {
        client->data[0] = ' ';
        ngx_memcpy(client->data + 1, rq->id, CHAT_ID_LEN);
        client->len = 1 + CHAT_ID_LEN;
    }
}


/* mentions are written three times */

static size_t
ngx_chat_message_size(ngx_chat_request_t *rq)
{
    return NGX_CHAT_MESSAGE_HEAD
           + 3 * rq->parsed.nmentions * NGX_CHAT_MESSAGE_MENTION
           + rq->parsed.attachments.raw.len;
}


static void
ngx_chat_message_build(ngx_chat_request_t *rq, u_char *buf, size_t size,
    ngx_chat_message_parts_t *parts)
{
    chat_writer_t          w;
    chat_event_message_t   m;

    chat_writer_init(&w, buf, size);

    chat_request_write_ids(&w, &rq->parsed.mentions);
    parts->mentions = ngx_chat_message_cut(&w);

    chat_request_write_id_list(&w, &rq->parsed.mentions);
    parts->mentioned = ngx_chat_message_cut(&w);

    ngx_memzero(&m, sizeof(chat_event_message_t));

    m.id = (chat_str_t) { rq->id, CHAT_ID_LEN };
    m.conversation = ngx_chat_id(&rq->parsed.conversation);
    m.sender = ngx_chat_str(&rq->session->identity->user);
    m.client_id = ngx_chat_id(&rq->parsed.client);
    m.reply_to = ngx_chat_id(&rq->parsed.reply_to);
    m.mentions = parts->mentions;
    m.attachments = rq->parsed.attachments.raw;
    m.time = rq->time;

    chat_event_message_pre(&w, &m);
    parts->pre = ngx_chat_message_cut(&w);

    chat_event_message_post(&w, &m);
    parts->post = ngx_chat_message_cut(&w);
}


/* what was written since the last cut; the next one begins behind it */

static chat_str_t
ngx_chat_message_cut(chat_writer_t *w)
{
    chat_str_t  part;

    part.data = w->pos - w->len;
    part.len = w->len;

    w->len = 0;

    return part;
}


static void
ngx_chat_message_append(ngx_chat_request_t *rq,
    const ngx_chat_message_parts_t *parts)
{
    uint64_t          client_time;
    chat_str_t        client;
    chat_request_t   *parsed = &rq->parsed;
    ngx_chat_call_t   call;

    client = ngx_chat_id(&parsed->client);

    ngx_chat_append_begin(rq, &call);
    ngx_chat_call_add(&call, client.data, client.len);

    if (client.len > 0 && client.data[0] == ' ') {
        ngx_chat_call_add_uint(&call, rq->time);

    } else if (chat_id_time(client, &client_time) == CHAT_OK) {
        ngx_chat_call_add_uint(&call, client_time);

    } else {
        ngx_chat_call_add_cstr(&call, "");
    }

    ngx_chat_call_add(&call, rq->id, CHAT_ID_LEN);
    ngx_chat_call_add(&call, parts->pre.data, parts->pre.len);
    ngx_chat_call_add(&call, parsed->content.raw.data,
                      parsed->content.raw.len);
    ngx_chat_call_add(&call, parts->post.data, parts->post.len);
    ngx_chat_call_add(&call, parsed->reply_to.data, parsed->reply_to.len);
    ngx_chat_call_add(&call, parts->mentioned.data, parts->mentioned.len);
    ngx_chat_call_add(&call, parsed->attachments.raw.data,
                      parsed->attachments.raw.len);

    ngx_chat_ask_call(rq, &call, ngx_chat_message_on_sent);
}


/*
 * A duplicate comes with the first one's id and time.  If that is our own, the
 * first one was this very request, which was sent again.
 */

static void
ngx_chat_message_on_sent(void *data, redisReply *reply)
{
    chat_str_t           id;
    ngx_uint_t           duplicate;
    chat_writer_t        w;
    ngx_chat_append_t    a;
    ngx_chat_buffer_t   *b;
    ngx_chat_request_t  *rq = data;

    if (ngx_chat_append_answer(rq, reply, &a) != NGX_OK) {
        return;
    }

    ngx_chat_typing_sent(rq);

    b = ngx_chat_request_reply(rq, 0, &w);
    if (b == NULL) {
        return;
    }

    id = (chat_str_t) { rq->id, CHAT_ID_LEN };

    duplicate = a.first_id.len > 0
                && (a.first_id.len != id.len
                    || ngx_memcmp(a.first_id.data, id.data, id.len) != 0);

    chat_write_cstr(&w, "{\"id\":");
    chat_write_string(&w, duplicate ? ngx_chat_str(&a.first_id) : id);
    chat_write_cstr(&w, ",\"sequenceNumber\":");
    chat_write_uint(&w, a.sequence);
    chat_write_cstr(&w, ",\"revision\":");
    chat_write_uint(&w, a.revision);
    chat_write_cstr(&w, ",\"timestamp\":");
    chat_write_time(&w, duplicate ? a.first_time : rq->time);
    chat_write_cstr(&w, ",\"duplicate\":");
    chat_write_cstr(&w, duplicate ? "true}" : "false}");

    if (ngx_chat_request_reply_end(rq, b, &w) == NGX_OK) {
        ngx_chat_ack_reply(rq, b, a.place, a.generation);
    }
}
