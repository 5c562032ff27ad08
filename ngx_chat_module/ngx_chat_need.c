/*
 * Needs: what Redis lacks and chat-persist brings.
 *
 * A need is an entry in the partition's need stream.  The answer comes over
 * this node's channel: "loaded <tenant>/<id>" wakes everybody who waits for
 * something of that conversation, and they ask Redis again; "range <number>
 * ..." brings history to the one who asked.
 */

#include "ngx_chat.h"


#define NGX_CHAT_NEED_AGAIN  1000       /* ms: then it is asked once more */
#define NGX_CHAT_NEED_MAX    "10000"    /* entries kept in the stream, about */


struct ngx_chat_need_s {
    ngx_str_node_t   node;              /* <tenant>/<id>, in node->needs */
    ngx_queue_t      waiters;
    ngx_chat_node_t  *owner;
    ngx_msec_t       asked;
    u_char           name[1];
};


typedef struct {
    ngx_chat_call_t  call;
    u_char           key[CHAT_NAME_PREFIX_LEN + sizeof("need") - 1];
} ngx_chat_need_call_t;


static ngx_int_t ngx_chat_need_wait(ngx_chat_node_t *node,
    ngx_chat_name_t *name, ngx_chat_waiter_t *w, ngx_chat_need_t **need);
static void ngx_chat_need_begin(ngx_chat_need_call_t *nc,
    ngx_chat_node_t *node, const char *kind, ngx_chat_name_t *name,
    uint64_t number);
static ngx_int_t ngx_chat_need_send(ngx_chat_need_call_t *nc,
    ngx_chat_node_t *node);
static void ngx_chat_need_on_sent(void *data, redisReply *reply);
static ngx_int_t ngx_chat_need_ask_range(ngx_chat_need_call_t *nc,
    ngx_chat_node_t *node, ngx_chat_waiter_t *w);
static void ngx_chat_need_take(ngx_chat_need_t *need, ngx_queue_t *waiters);
static void ngx_chat_need_wake(ngx_queue_t *waiters);
static ngx_str_t ngx_chat_need_qualified(ngx_chat_name_t *name);
static ngx_int_t ngx_chat_range_parse(ngx_str_t *payload, uint64_t *number,
    ngx_chat_range_t *range);
static ngx_int_t ngx_chat_range_uint(u_char **pos, u_char *last, u_char end,
    uint64_t *n);
static ngx_int_t ngx_chat_range_word(u_char **pos, u_char *last,
    ngx_str_t *word);


void
ngx_chat_need_init(ngx_chat_node_t *node)
{
    ngx_rbtree_init(&node->needs, &node->needs_sentinel,
                    ngx_str_rbtree_insert_value);
    ngx_queue_init(&node->ranges);
}


/* nobody waits any more: sessions, rooms and links are gone */

void
ngx_chat_need_done(ngx_chat_node_t *node)
{
    ngx_chat_need_t  *need;

    while (node->needs.root != node->needs.sentinel) {
        need = (ngx_chat_need_t *) node->needs.root;
        ngx_rbtree_delete(&node->needs, &need->node.node);
        ngx_free(need);
    }
}


ngx_int_t
ngx_chat_need_conversation(ngx_chat_node_t *node, ngx_chat_name_t *name,
    ngx_chat_waiter_t *w)
{
    ngx_chat_need_t       *need;
    ngx_chat_need_call_t   nc;

    if (ngx_chat_need_wait(node, name, w, &need) != NGX_OK) {
        return NGX_ERROR;
    }

    if (need->asked != 0
        && ngx_current_msec - need->asked < NGX_CHAT_NEED_AGAIN)
    {
        return NGX_OK;                  /* the answer will be for all */
    }

    ngx_chat_need_begin(&nc, node, "conversation", name, 0);

    if (ngx_chat_need_send(&nc, node) != NGX_OK) {
        ngx_chat_need_cancel(w);
        return NGX_ERROR;
    }

    need->asked = ngx_current_msec;

    return NGX_OK;
}


ngx_int_t
ngx_chat_need_client(ngx_chat_node_t *node, ngx_chat_name_t *name,
    ngx_str_t *user, ngx_str_t *client_id, ngx_chat_waiter_t *w)
{
    ngx_chat_need_t       *need;
    ngx_chat_need_call_t   nc;

    if (ngx_chat_need_wait(node, name, w, &need) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_chat_need_begin(&nc, node, "client", name, 0);
    ngx_chat_call_add_cstr(&nc.call, "u");
    ngx_chat_call_add(&nc.call, user->data, user->len);
    ngx_chat_call_add_cstr(&nc.call, "x");
    ngx_chat_call_add(&nc.call, client_id->data, client_id->len);

    if (ngx_chat_need_send(&nc, node) != NGX_OK) {
        ngx_chat_need_cancel(w);
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_int_t
ngx_chat_need_message(ngx_chat_node_t *node, ngx_chat_name_t *name,
    ngx_str_t *id, ngx_chat_waiter_t *w)
{
    ngx_chat_need_t       *need;
    ngx_chat_need_call_t   nc;

    if (ngx_chat_need_wait(node, name, w, &need) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_chat_need_begin(&nc, node, "message", name, 0);
    ngx_chat_call_add_cstr(&nc.call, "g");
    ngx_chat_call_add(&nc.call, id->data, id->len);

    if (ngx_chat_need_send(&nc, node) != NGX_OK) {
        ngx_chat_need_cancel(w);
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_int_t
ngx_chat_need_range(ngx_chat_node_t *node, ngx_chat_name_t *name,
    uint64_t after, ngx_chat_waiter_t *w)
{
    ngx_chat_need_call_t  nc;

    w->number = ++node->need_number;

    ngx_chat_need_begin(&nc, node, "range", name, w->number);
    ngx_chat_call_add_cstr(&nc.call, "a");
    ngx_chat_call_add_uint(&nc.call, after);

    return ngx_chat_need_ask_range(&nc, node, w);
}


ngx_int_t
ngx_chat_need_history(ngx_chat_node_t *node, ngx_chat_name_t *name,
    ngx_uint_t before, ngx_str_t *sequence, ngx_uint_t limit,
    ngx_chat_waiter_t *w)
{
    ngx_chat_need_call_t  nc;

    w->number = ++node->need_number;

    ngx_chat_need_begin(&nc, node, "history", name, w->number);
    ngx_chat_call_add_cstr(&nc.call, "d");
    ngx_chat_call_add_cstr(&nc.call, before ? "before" : "after");
    ngx_chat_call_add_cstr(&nc.call, "s");
    ngx_chat_call_add(&nc.call, sequence->data, sequence->len);
    ngx_chat_call_add_cstr(&nc.call, "m");
    ngx_chat_call_add_uint(&nc.call, limit);

    return ngx_chat_need_ask_range(&nc, node, w);
}


ngx_int_t
ngx_chat_need_list(ngx_chat_node_t *node, ngx_chat_name_t *name,
    ngx_str_t *user, ngx_str_t *cursor, ngx_uint_t limit,
    ngx_chat_waiter_t *w)
{
    ngx_chat_need_call_t  nc;

    w->number = ++node->need_number;

    ngx_chat_need_begin(&nc, node, "list", name, w->number);
    ngx_chat_call_add_cstr(&nc.call, "u");
    ngx_chat_call_add(&nc.call, user->data, user->len);
    ngx_chat_call_add_cstr(&nc.call, "a");
    ngx_chat_call_add(&nc.call, cursor->data, cursor->len);
    ngx_chat_call_add_cstr(&nc.call, "m");
    ngx_chat_call_add_uint(&nc.call, limit);

    return ngx_chat_need_ask_range(&nc, node, w);
}


ngx_int_t
ngx_chat_need_shared(ngx_chat_node_t *node, ngx_chat_name_t *name,
    ngx_str_t *user, ngx_str_t *others, ngx_chat_waiter_t *w)
{
    ngx_chat_need_call_t  nc;

    w->number = ++node->need_number;

    ngx_chat_need_begin(&nc, node, "shared", name, w->number);
    ngx_chat_call_add_cstr(&nc.call, "u");
    ngx_chat_call_add(&nc.call, user->data, user->len);
    ngx_chat_call_add_cstr(&nc.call, "v");
    ngx_chat_call_add(&nc.call, others->data, others->len);

    return ngx_chat_need_ask_range(&nc, node, w);
}


static ngx_int_t
ngx_chat_need_ask_range(ngx_chat_need_call_t *nc, ngx_chat_node_t *node,
    ngx_chat_waiter_t *w)
{
    ngx_chat_call_add_cstr(&nc->call, "l");
    ngx_chat_call_add_uint(&nc->call, NGX_CHAT_MAX_EVENTS_BYTES);

    if (ngx_chat_need_send(nc, node) != NGX_OK) {
        return NGX_ERROR;
    }

    w->need = NULL;
    w->waiting = 1;
    ngx_queue_insert_tail(&node->ranges, &w->queue);

    return NGX_OK;
}


void
ngx_chat_need_cancel(ngx_chat_waiter_t *w)
{
    ngx_chat_need_t  *need = w->need;

    if (!w->waiting) {
        return;
    }

    w->waiting = 0;
    w->need = NULL;
    ngx_queue_remove(&w->queue);

    if (need != NULL && ngx_queue_empty(&need->waiters)) {
        ngx_rbtree_delete(&need->owner->needs, &need->node.node);
        ngx_free(need);
    }
}


static ngx_int_t
ngx_chat_need_wait(ngx_chat_node_t *node, ngx_chat_name_t *name,
    ngx_chat_waiter_t *w, ngx_chat_need_t **out)
{
    uint32_t          hash;
    ngx_str_t         qualified;
    ngx_chat_need_t  *need;

    qualified = ngx_chat_need_qualified(name);
    hash = ngx_crc32_short(qualified.data, qualified.len);

    need = (ngx_chat_need_t *)
               ngx_str_rbtree_lookup(&node->needs, &qualified, hash);

    if (need == NULL) {
        need = ngx_alloc(sizeof(ngx_chat_need_t) + qualified.len, node->log);
        if (need == NULL) {
            return NGX_ERROR;
        }

        ngx_memcpy(need->name, qualified.data, qualified.len);
        need->node.str.data = need->name;
        need->node.str.len = qualified.len;
        need->node.node.key = hash;
        need->owner = node;
        need->asked = 0;

        ngx_queue_init(&need->waiters);
        ngx_rbtree_insert(&node->needs, &need->node.node);
    }

    w->need = need;
    w->waiting = 1;
    ngx_queue_insert_tail(&need->waiters, &w->queue);

    *out = need;

    return NGX_OK;
}


/* <tenant>/<id>: what follows "chat:{p07}:c:"; of a list <tenant>/<user> */

static ngx_str_t
ngx_chat_need_qualified(ngx_chat_name_t *name)
{
    size_t  skip = CHAT_NAME_PREFIX_LEN + sizeof("c:") - 1;

    return (ngx_str_t) { name->base.len - skip, name->base.data + skip };
}


static void
ngx_chat_need_begin(ngx_chat_need_call_t *nc, ngx_chat_node_t *node,
    const char *kind, ngx_chat_name_t *name, uint64_t number)
{
    size_t            len;
    ngx_str_t         qualified;
    ngx_chat_call_t  *call = &nc->call;

    len = chat_name_prefix(nc->key, name->partition);
    ngx_memcpy(nc->key + len, "need", sizeof("need") - 1);

    qualified = ngx_chat_need_qualified(name);

    call->n = 0;
    call->pos = call->numbers;

    ngx_chat_call_add_cstr(call, "XADD");
    ngx_chat_call_add(call, nc->key, sizeof(nc->key));
    ngx_chat_call_add_cstr(call, "MAXLEN");
    ngx_chat_call_add_cstr(call, "~");
    ngx_chat_call_add_cstr(call, NGX_CHAT_NEED_MAX);
    ngx_chat_call_add_cstr(call, "*");
    ngx_chat_call_add_cstr(call, "k");
    ngx_chat_call_add_cstr(call, kind);
    ngx_chat_call_add_cstr(call, "n");
    ngx_chat_call_add(call, node->id.data, node->id.len);
    ngx_chat_call_add_cstr(call, "i");
    ngx_chat_call_add_uint(call, number);
    ngx_chat_call_add_cstr(call, "c");
    ngx_chat_call_add(call, qualified.data, qualified.len);
}


static ngx_int_t
ngx_chat_need_send(ngx_chat_need_call_t *nc, ngx_chat_node_t *node)
{
    return ngx_chat_call_send(&nc->call, node, ngx_chat_need_on_sent, node);
}


/* if it was not taken, who waits runs into its deadline */

static void
ngx_chat_need_on_sent(void *data, redisReply *reply)
{
    ngx_chat_node_t  *node = data;

    if (reply == NULL) {
        return;
    }

    if (reply->type == REDIS_REPLY_ERROR) {
        ngx_log_error(NGX_LOG_WARN, node->log, 0,
                      "chat: redis did not take a need: \"%s\"", reply->str);
    }
}


void
ngx_chat_need_on_loaded(ngx_chat_node_t *node, ngx_str_t *qualified)
{
    uint32_t          hash;
    ngx_queue_t       waiters;
    ngx_chat_need_t  *need;

    hash = ngx_crc32_short(qualified->data, qualified->len);

    need = (ngx_chat_need_t *)
               ngx_str_rbtree_lookup(&node->needs, qualified, hash);

    if (need == NULL) {
        return;                         /* they could not wait so long */
    }

    ngx_queue_init(&waiters);
    ngx_chat_need_take(need, &waiters);
    ngx_chat_need_wake(&waiters);
}


/* answers were told while nobody could hear them: everybody asks once more */

void
ngx_chat_need_on_up(ngx_chat_node_t *node)
{
    ngx_queue_t  waiters;

    ngx_queue_init(&waiters);

    while (node->needs.root != node->needs.sentinel) {
        ngx_chat_need_take((ngx_chat_need_t *) node->needs.root, &waiters);
    }

    if (!ngx_queue_empty(&node->ranges)) {
        ngx_queue_add(&waiters, &node->ranges);
        ngx_queue_init(&node->ranges);
    }

    ngx_chat_need_wake(&waiters);
}


/* who is woken may need something else of it: that is a new need */

static void
ngx_chat_need_take(ngx_chat_need_t *need, ngx_queue_t *waiters)
{
    ngx_queue_t        *q;
    ngx_chat_waiter_t  *w;

    for (q = ngx_queue_head(&need->waiters);
         q != ngx_queue_sentinel(&need->waiters);
         q = ngx_queue_next(q))
    {
        w = ngx_queue_data(q, ngx_chat_waiter_t, queue);
        w->need = NULL;
    }

    ngx_queue_add(waiters, &need->waiters);

    ngx_rbtree_delete(&need->owner->needs, &need->node.node);
    ngx_free(need);
}


static void
ngx_chat_need_wake(ngx_queue_t *waiters)
{
    ngx_queue_t        *q;
    ngx_chat_waiter_t  *w;

    while (!ngx_queue_empty(waiters)) {
        q = ngx_queue_head(waiters);
        w = ngx_queue_data(q, ngx_chat_waiter_t, queue);

        ngx_queue_remove(q);
        w->waiting = 0;

        w->handler(w->data, NULL);
    }
}


void
ngx_chat_need_on_range(ngx_chat_node_t *node, ngx_str_t *payload)
{
    uint64_t            number;
    ngx_queue_t        *q;
    ngx_chat_range_t    range;
    ngx_chat_waiter_t  *w;

    if (ngx_chat_range_parse(payload, &number, &range) != NGX_OK) {
        ngx_log_error(NGX_LOG_ERR, node->log, 0,
                      "chat: malformed range of %uz bytes", payload->len);
        return;
    }

    for (q = ngx_queue_head(&node->ranges);
         q != ngx_queue_sentinel(&node->ranges);
         q = ngx_queue_next(q))
    {
        w = ngx_queue_data(q, ngx_chat_waiter_t, queue);

        if (w->number == number) {
            ngx_queue_remove(q);
            w->waiting = 0;
            w->handler(w->data, &range);
            return;
        }
    }
}


/* "range <number> ok <complete> <reach>\n<events>", or
   "range <number> error\n" */

static ngx_int_t
ngx_chat_range_parse(ngx_str_t *payload, uint64_t *number,
    ngx_chat_range_t *range)
{
    u_char    *pos, *last;
    uint64_t   complete;

    pos = payload->data + sizeof("range ") - 1;
    last = payload->data + payload->len;

    ngx_memzero(range, sizeof(ngx_chat_range_t));

    if (ngx_chat_range_uint(&pos, last, ' ', number) != NGX_OK) {
        return NGX_ERROR;
    }

    if (last - pos < 3 || ngx_strncmp(pos, "ok ", 3) != 0) {
        return NGX_OK;                  /* range->ok is 0 */
    }

    pos += 3;

    if (ngx_chat_range_uint(&pos, last, ' ', &complete) != NGX_OK
        || ngx_chat_range_uint(&pos, last, '\n', &range->reach) != NGX_OK)
    {
        return NGX_ERROR;
    }

    range->ok = 1;
    range->complete = complete == 1;
    range->events.data = pos;
    range->events.len = last - pos;

    return NGX_OK;
}


/* "<revision> <sequence> <what> <length>\n<event>\n" */

ngx_int_t
ngx_chat_range_next(ngx_chat_range_t *range, ngx_chat_range_event_t *e)
{
    u_char    *pos, *last;
    uint64_t   len;

    if (range->events.len == 0) {
        return NGX_DONE;
    }

    pos = range->events.data;
    last = pos + range->events.len;

    if (ngx_chat_range_uint(&pos, last, ' ', &e->revision) != NGX_OK
        || ngx_chat_range_uint(&pos, last, ' ', &e->sequence) != NGX_OK
        || ngx_chat_range_word(&pos, last, &e->what) != NGX_OK
        || ngx_chat_range_uint(&pos, last, '\n', &len) != NGX_OK
        || len >= (uint64_t) (last - pos)
        || pos[len] != '\n')
    {
        return NGX_ERROR;
    }

    e->text.data = pos;
    e->text.len = len;

    pos += len + 1;
    range->events.data = pos;
    range->events.len = last - pos;

    return NGX_OK;
}


static ngx_int_t
ngx_chat_range_uint(u_char **pos, u_char *last, u_char end, uint64_t *n)
{
    u_char  *p = *pos;

    *n = 0;

    while (p < last && *p >= '0' && *p <= '9' && p - *pos < 17) {
        *n = *n * 10 + (*p++ - '0');
    }

    if (p == *pos || p == last || *p != end) {
        return NGX_ERROR;
    }

    *pos = p + 1;

    return NGX_OK;
}


static ngx_int_t
ngx_chat_range_word(u_char **pos, u_char *last, ngx_str_t *word)
{
    u_char  *p;

    p = ngx_strlchr(*pos, last, ' ');

    if (p == NULL || p == *pos) {
        return NGX_ERROR;
    }

    word->data = *pos;
    word->len = p - *pos;

    *pos = p + 1;

    return NGX_OK;
}
