/*
 * The bus: what the module asks of Redis, and what it hears from it.
 *
 * A node listens to these channels: its rooms', its users', its own
 * ("chat:node:<id>": answers to its needs, its own heartbeat), "chat:nodes",
 * where every node is told that a partition was opened or how far it is
 * stored, and those of presence, see ngx_chat_watch_hear.c.
 */

#include "ngx_chat.h"

#include <assert.h>


static void ngx_chat_bus_command_prepare(ngx_chat_redis_t *link);
static void ngx_chat_bus_command_up(ngx_chat_redis_t *link);
static void ngx_chat_bus_command_down(ngx_chat_redis_t *link);
static void ngx_chat_bus_subscriber_up(ngx_chat_redis_t *link);
static void ngx_chat_bus_subscriber_down(ngx_chat_redis_t *link);
static void ngx_chat_bus_subscribed(ngx_chat_redis_t *link,
    ngx_str_t *channel);
static void ngx_chat_bus_message(ngx_chat_redis_t *link, ngx_str_t *channel,
    ngx_str_t *payload);
static void ngx_chat_bus_own_message(ngx_chat_node_t *node,
    ngx_str_t *payload);
static void ngx_chat_bus_nodes_message(ngx_chat_node_t *node,
    ngx_str_t *payload);
static ngx_int_t ngx_chat_bus_news(ngx_str_t *payload, const char *word,
    ngx_uint_t *partition, ngx_int_t *generation, ngx_str_t *place);
static ngx_chat_answer_e ngx_chat_bus_error(ngx_log_t *log, ngx_str_t *name,
    redisReply *reply);


static const ngx_chat_redis_handlers_t  ngx_chat_bus_command_handlers = {
    ngx_chat_bus_command_prepare,
    ngx_chat_bus_command_up,
    ngx_chat_bus_command_down,
    NULL,
    NULL
};


static const ngx_chat_redis_handlers_t  ngx_chat_bus_subscriber_handlers = {
    NULL,
    ngx_chat_bus_subscriber_up,
    ngx_chat_bus_subscriber_down,
    ngx_chat_bus_subscribed,
    ngx_chat_bus_message
};


static const struct {
    const char         *word;
    ngx_chat_answer_e   answer;
} ngx_chat_bus_answers[] = {
    { "ok",        NGX_CHAT_ANSWER_OK },
    { "exists",    NGX_CHAT_ANSWER_EXISTS },
    { "not_found", NGX_CHAT_ANSWER_NOT_FOUND },
    { "error",     NGX_CHAT_ANSWER_ERROR },
    { "closed",    NGX_CHAT_ANSWER_UNAVAILABLE },
    { "busy",      NGX_CHAT_ANSWER_UNAVAILABLE },
    { NULL,        NGX_CHAT_ANSWER_FAILED }
};


static const struct {
    const char         *word;
    ngx_chat_answer_e   answer;
} ngx_chat_bus_needs[] = {
    { "conversation", NGX_CHAT_ANSWER_NEED_CONVERSATION },
    { "client id",    NGX_CHAT_ANSWER_NEED_CLIENT },
    { "message",      NGX_CHAT_ANSWER_NEED_MESSAGE },
    { "range",        NGX_CHAT_ANSWER_NEED_RANGE },
    { NULL,           NGX_CHAT_ANSWER_FAILED }
};


/* what Redis says when it is there but cannot serve; all of it passes */

static const char  *ngx_chat_bus_passing[] = {
    "LOADING", "READONLY", "OOM", "MASTERDOWN", "BUSY", "MISCONF", "NOREPLICAS",
    "ERR Function not found", NULL
};


void
ngx_chat_bus_open(ngx_chat_node_t *node)
{
    ngx_chat_heartbeat_begin(node);

    ngx_chat_redis_open(&node->command, node, "command", 0,
                        &ngx_chat_bus_command_handlers);
    ngx_chat_redis_open(&node->subscriber, node, "subscriber", 1,
                        &ngx_chat_bus_subscriber_handlers);
}


void
ngx_chat_bus_close(ngx_chat_node_t *node)
{
    ngx_chat_heartbeat_end(node);

    ngx_chat_redis_close(&node->subscriber);
    ngx_chat_redis_close(&node->command);
}


void
ngx_chat_bus_health(ngx_chat_node_t *node, ngx_chat_health_t *health)
{
    health->command = node->command.up;
    health->subscriber = node->subscriber.up;
    health->open = node->command.up ? node->open : 0;
    health->revocations = ngx_chat_revoke_is_read(node);
    health->partitions = node->conf->partitions;
}


/* Calls */


void
ngx_chat_call_begin(ngx_chat_call_t *call, ngx_chat_node_t *node,
    const char *function, ngx_chat_name_t *name)
{
    ngx_str_t  *identity = &node->command.identity;

    call->n = 0;
    call->pos = call->numbers;

    (void) chat_name_prefix(call->prefix, name->partition);

    ngx_chat_call_add_cstr(call, "FCALL");
    ngx_chat_call_add_cstr(call, function);
    ngx_chat_call_add_cstr(call, "2");
    ngx_chat_call_add(call, call->prefix, CHAT_NAME_PREFIX_LEN);
    ngx_chat_call_add(call, name->base.data, name->base.len);
    ngx_chat_call_add(call, identity->data, identity->len);
    ngx_chat_call_add_uint(call, node->conf->partitions);
}


void
ngx_chat_call_add(ngx_chat_call_t *call, const void *data, size_t len)
{
    assert(call->n < NGX_CHAT_CALL_MAX);

    call->argv[call->n] = data;
    call->len[call->n] = len;
    call->n++;
}


void
ngx_chat_call_add_cstr(ngx_chat_call_t *call, const char *s)
{
    ngx_chat_call_add(call, s, ngx_strlen(s));
}


void
ngx_chat_call_add_uint(ngx_chat_call_t *call, uint64_t n)
{
    u_char  *p = call->pos;

    call->pos = ngx_snprintf(p, call->numbers + sizeof(call->numbers) - p,
                             "%uL", n);

    ngx_chat_call_add(call, p, call->pos - p);
}


ngx_int_t
ngx_chat_call_send(ngx_chat_call_t *call, ngx_chat_node_t *node,
    ngx_chat_redis_reply_pt handler, void *data)
{
    return ngx_chat_redis_send(&node->command, call->n, call->argv, call->len,
                               handler, data);
}


ngx_chat_answer_e
ngx_chat_bus_answer(ngx_log_t *log, ngx_str_t *name, redisReply *reply,
    size_t elements)
{
    const char  *word;
    ngx_uint_t   i;

    if (reply == NULL) {
        return NGX_CHAT_ANSWER_UNAVAILABLE;
    }

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements == 0
        || reply->element[0]->type != REDIS_REPLY_STRING)
    {
        return ngx_chat_bus_error(log, name, reply);
    }

    word = reply->element[0]->str;

    if (reply->elements > 1 && ngx_strcmp(word, "need") == 0) {
        word = reply->element[1]->str;

        for (i = 0; ngx_chat_bus_needs[i].word != NULL; i++) {
            if (word && ngx_strcmp(word, ngx_chat_bus_needs[i].word) == 0) {
                return ngx_chat_bus_needs[i].answer;
            }
        }

        return ngx_chat_bus_error(log, name, reply);
    }

    for (i = 0; ngx_chat_bus_answers[i].word != NULL; i++) {

        if (ngx_strcmp(word, ngx_chat_bus_answers[i].word) != 0) {
            continue;
        }

        if (ngx_chat_bus_answers[i].answer == NGX_CHAT_ANSWER_OK
            && reply->elements < elements)
        {
            break;
        }

        return ngx_chat_bus_answers[i].answer;
    }

    return ngx_chat_bus_error(log, name, reply);
}


ngx_uint_t
ngx_chat_bus_has_texts(redisReply *reply, size_t first, size_t n)
{
    size_t  i;

    if (reply->elements < first || (reply->elements - first) % n != 0) {
        return 0;
    }

    for (i = first + n - 1; i < reply->elements; i += n) {
        if (ngx_chat_bus_str(reply, i).len == 0) {
            return 0;
        }
    }

    return 1;
}


static ngx_chat_answer_e
ngx_chat_bus_error(ngx_log_t *log, ngx_str_t *name, redisReply *reply)
{
    ngx_str_t    none = ngx_null_string;
    ngx_uint_t   i;
    const char  *text;

    name = name != NULL ? name : &none;

    if (reply->type != REDIS_REPLY_ERROR) {
        text = "";

        if (reply->type == REDIS_REPLY_ARRAY && reply->elements > 1
            && reply->element[1]->type == REDIS_REPLY_STRING)
        {
            text = reply->element[1]->str;      /* "bad", and why */
        }

        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "chat: unexpected answer of redis, type %d, \"%s\", "
                      "conversation: \"%V\"", reply->type, text, name);

        return NGX_CHAT_ANSWER_FAILED;
    }

    for (i = 0; ngx_chat_bus_passing[i] != NULL; i++) {

        if (ngx_strncmp(reply->str, ngx_chat_bus_passing[i],
                        ngx_strlen(ngx_chat_bus_passing[i]))
            == 0)
        {
            ngx_log_error(NGX_LOG_WARN, log, 0,
                          "chat: redis cannot serve: \"%s\", "
                          "conversation: \"%V\"", reply->str, name);
            return NGX_CHAT_ANSWER_UNAVAILABLE;
        }
    }

    ngx_log_error(NGX_LOG_ERR, log, 0,
                  "chat: redis answered \"%s\", conversation: \"%V\"",
                  reply->str, name);

    return NGX_CHAT_ANSWER_FAILED;
}


/* Links */


static void
ngx_chat_bus_command_prepare(ngx_chat_redis_t *link)
{
    ngx_chat_revoke_prepare(link->node);
}


static void
ngx_chat_bus_command_up(ngx_chat_redis_t *link)
{
    ngx_chat_node_t  *node = link->node;

    node->open = 0;
    node->open_pending = 0;

    ngx_chat_heartbeat_look(node);
    ngx_chat_repair_all(node);
    ngx_chat_lease_on_up(node);
    ngx_chat_watch_on_up(node);
}


static void
ngx_chat_bus_command_down(ngx_chat_redis_t *link)
{
    link->node->open = 0;
    ngx_chat_revoke_on_down(link->node);
    ngx_chat_lease_on_down(link->node);
}


static void
ngx_chat_bus_subscriber_up(ngx_chat_redis_t *link)
{
    u_char            buf[sizeof(NGX_CHAT_BUS_NODE) + CHAT_ID_LEN];
    ngx_str_t         channels[2];
    ngx_chat_node_t  *node = link->node;

    ngx_str_set(&channels[0], NGX_CHAT_BUS_NODES);
    channels[1] = ngx_chat_bus_own_channel(node, buf);

    node->unheard = 0;

    if (ngx_chat_redis_subscribe(link, channels, 2) != NGX_OK) {
        ngx_chat_redis_reset(link, "cannot subscribe");
        return;
    }

    ngx_chat_room_on_up(node);
    ngx_chat_watch_on_up(node);
    ngx_chat_user_on_up(node);
    ngx_chat_entitle_all(node);
}


static void
ngx_chat_bus_subscriber_down(ngx_chat_redis_t *link)
{
    link->node->listening = 0;
    ngx_chat_inbox_drop(link->node);
    ngx_chat_room_on_down(link->node);
    ngx_chat_watch_on_down(link->node);
}


static void
ngx_chat_bus_subscribed(ngx_chat_redis_t *link, ngx_str_t *channel)
{
    u_char            buf[sizeof(NGX_CHAT_BUS_NODE) + CHAT_ID_LEN];
    ngx_str_t         own;
    ngx_chat_node_t  *node = link->node;

    if (ngx_chat_inbox_takes(node, channel, NULL)) {
        return;
    }

    if (ngx_chat_user_is_channel(channel)) {
        ngx_chat_user_on_subscribed(node, channel);
        return;
    }

    own = ngx_chat_bus_own_channel(node, buf);

    if (channel->len == own.len
        && ngx_memcmp(channel->data, own.data, own.len) == 0)
    {
        if (!node->listening) {
            node->listening = 1;
            ngx_chat_need_on_up(node);
        }

        return;
    }

    if (!ngx_chat_watch_on_message(node, channel, NULL)) {
        ngx_chat_room_on_subscribed(node, channel);
    }
}


static void
ngx_chat_bus_message(ngx_chat_redis_t *link, ngx_str_t *channel,
    ngx_str_t *payload)
{
    ngx_chat_node_t  *node = link->node;

    if (ngx_chat_inbox_takes(node, channel, payload)) {
        return;
    }

    if (ngx_chat_watch_on_message(node, channel, payload)) {
        return;
    }

    if (channel->len > sizeof("chat:{") - 1 && channel->data[5] == '{') {
        ngx_chat_room_on_publish(node, channel, payload);
        return;
    }

    if (ngx_chat_user_is_channel(channel)) {
        ngx_chat_user_on_message(node, channel, payload);
        return;
    }

    if (channel->len == sizeof(NGX_CHAT_BUS_NODES) - 1) {

        ngx_chat_bus_nodes_message(node, payload);
        return;
    }

    ngx_chat_bus_own_message(node, payload);
}


void
ngx_chat_bus_hand(ngx_chat_node_t *node, ngx_str_t *channel,
    ngx_str_t *payload)
{
    if (payload != NULL) {
        ngx_chat_bus_message(&node->subscriber, channel, payload);

    } else {
        ngx_chat_bus_subscribed(&node->subscriber, channel);
    }
}


/*
 * "open chat:{p07}: <generation>", "stored chat:{p07}: <generation> <place>",
 * "out <tenant>/<user>", "gone <tenant>/<user> ...", "revoked",
 * "report <token>", and what ngx_chat_sessions.c tells
 */

static void
ngx_chat_bus_nodes_message(ngx_chat_node_t *node, ngx_str_t *payload)
{
    ngx_str_t   place, token, names;
    ngx_int_t   generation;
    ngx_uint_t  partition;

    if (ngx_chat_bus_news(payload, "open ", &partition, &generation, &place)
        == NGX_OK && place.len == 0)
    {
        ngx_chat_heartbeat_look(node);
        ngx_chat_repair_partition(node, partition, generation);
        ngx_chat_ack_on_open(node, partition, generation);
        ngx_chat_entitle_all(node);     /* something may have been lost */
        return;
    }

    if (ngx_chat_bus_news(payload, "stored ", &partition, &generation, &place)
        == NGX_OK && place.len > 0)
    {
        ngx_chat_ack_on_stored(node, partition, generation, &place);
        return;
    }

    if (payload->len > 4 && ngx_strncmp(payload->data, "out ", 4) == 0) {
        names.data = payload->data + 4;
        names.len = payload->len - 4;
        ngx_chat_entitle_on_out(node, &names);
        return;
    }

    if (payload->len > 5 && ngx_strncmp(payload->data, "gone ", 5) == 0) {
        names.data = payload->data + 5;
        names.len = payload->len - 5;
        ngx_chat_entitle_on_gone(node, &names);
        return;
    }

    if (payload->len == 7 && ngx_strncmp(payload->data, "revoked", 7) == 0) {
        ngx_chat_revoke_on_news(node);
        return;
    }

    if (payload->len > 7 && ngx_strncmp(payload->data, "report ", 7) == 0) {
        token.data = payload->data + 7;
        token.len = payload->len - 7;
        ngx_chat_report_begin(node, &token);
        return;
    }

    if (payload->len > 9 && ngx_strncmp(payload->data, "sessions ", 9) == 0) {
        token.data = payload->data + 9;
        token.len = payload->len - 9;
        ngx_chat_sessions_list(node, &token);
        return;
    }

    if (payload->len > 5 && ngx_strncmp(payload->data, "kick ", 5) == 0) {
        token.data = payload->data + 5;
        token.len = payload->len - 5;
        ngx_chat_sessions_kick(node, &token);
        return;
    }

    ngx_log_error(NGX_LOG_ERR, node->log, 0,
                  "chat: malformed message to nodes: \"%V\"", payload);
}


/* place is what follows the generation, if anything does */

static ngx_int_t
ngx_chat_bus_news(ngx_str_t *payload, const char *word, ngx_uint_t *partition,
    ngx_int_t *generation, ngx_str_t *place)
{
    size_t      len;
    u_char     *p, *end, *last;
    ngx_int_t   n;

    len = ngx_strlen(word);
    p = payload->data;
    last = p + payload->len;

    if (payload->len <= len + sizeof("chat:{p00}: ") - 1
        || ngx_strncmp(p, word, len) != 0
        || ngx_strncmp(p + len, "chat:{p", sizeof("chat:{p") - 1) != 0)
    {
        return NGX_DECLINED;
    }

    n = ngx_atoi(p + len + sizeof("chat:{p") - 1, 2);
    p += len + sizeof("chat:{p00}: ") - 1;

    end = ngx_strlchr(p, last, ' ');
    if (end == NULL) {
        end = last;
    }

    *generation = ngx_atoi(p, end - p);

    if (n == NGX_ERROR || *generation == NGX_ERROR) {
        return NGX_DECLINED;
    }

    *partition = n;
    place->data = end < last ? end + 1 : last;
    place->len = last - place->data;

    return NGX_OK;
}


static void
ngx_chat_bus_own_message(ngx_chat_node_t *node, ngx_str_t *payload)
{
    ngx_str_t  qualified;

    if (payload->len > 7 && ngx_strncmp(payload->data, "loaded ", 7) == 0) {
        qualified.data = payload->data + 7;
        qualified.len = payload->len - 7;
        ngx_chat_need_on_loaded(node, &qualified);
        return;
    }

    if (payload->len > 6 && ngx_strncmp(payload->data, "range ", 6) == 0) {
        ngx_chat_need_on_range(node, payload);
        return;
    }

    if (payload->len == 4 && ngx_strncmp(payload->data, "beat", 4) == 0) {
        node->unheard = 0;
    }
}


ngx_str_t
ngx_chat_bus_own_channel(ngx_chat_node_t *node, u_char *buf)
{
    u_char  *p;

    p = ngx_sprintf(buf, NGX_CHAT_BUS_NODE "%V", &node->id);

    return (ngx_str_t) { p - buf, buf };
}


void
ngx_chat_bus_seen(ngx_chat_node_t *node, ngx_uint_t partition,
    uint64_t generation, ngx_str_t *stored)
{
    ngx_chat_repair_partition(node, partition, generation);
    ngx_chat_ack_on_stored(node, partition, generation, stored);
}
