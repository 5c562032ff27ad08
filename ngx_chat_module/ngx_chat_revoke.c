/*
 * What is revoked, read from Redis.
 *
 * A node reads it all when its command link comes up, before anything else is
 * sent over it, and then what is new: when it is told on "chat:nodes", and
 * every half second in any case.  Where it was stays good as long as Redis is
 * the same process with the same data (its identity) and chat-persist has not
 * begun the stream anew (its epoch); otherwise it reads from the start, and in
 * the end forgets what was not told, if that is known to be all there is.
 */

#include "ngx_chat.h"


#define NGX_CHAT_REVOKE_INTERVAL  500       /* ms between looks */
#define NGX_CHAT_REVOKE_STALE     2000      /* ms; not sure any more */
#define NGX_CHAT_REVOKE_COUNT     500       /* revocations in one answer */
#define NGX_CHAT_REVOKE_HEAD      7         /* elements before them */
#define NGX_CHAT_REVOKE_EXPIRE    4096      /* buckets looked at per interval */


static void ngx_chat_revoke_on_timer(ngx_event_t *ev);
static void ngx_chat_revoke_go_on(ngx_chat_node_t *node);
static ngx_int_t ngx_chat_revoke_ask(ngx_chat_node_t *node);
static void ngx_chat_revoke_on_answer(void *data, redisReply *reply);
static ngx_int_t ngx_chat_revoke_take(ngx_chat_node_t *node,
    redisReply *reply);
static void ngx_chat_revoke_apply(ngx_chat_node_t *node, redisReply *reply);
static void ngx_chat_revoke_end(ngx_chat_node_t *node);
static void ngx_chat_revoke_failed(ngx_chat_node_t *node,
    const char *reason);
static void ngx_chat_revoke_count(ngx_chat_node_t *node);
static ngx_int_t ngx_chat_revoke_copy(ngx_str_t *dst, u_char *buf,
    ngx_str_t *src);


void
ngx_chat_revoke_init(ngx_chat_node_t *node)
{
    ngx_chat_revoke_t  *rv = &node->revoke;

    /* what has ended is in it for a while */
    chat_revoked_init(&rv->table, 2 * CHAT_REVOKED_MAX);

    rv->timer.handler = ngx_chat_revoke_on_timer;
    rv->timer.data = node;
    rv->timer.log = node->log;
    rv->timer.cancelable = 1;

    rv->walk.handler = ngx_chat_revoke_on_walk;
    rv->walk.data = node;
    rv->walk.log = node->log;

    rv->identity.data = rv->identity_buf;
    rv->epoch.data = rv->epoch_buf;
    rv->place.data = rv->place_buf;

    if (node->conf->redis.len > 0) {
        ngx_chat_revoke_count(node);
        ngx_add_timer(&rv->timer, NGX_CHAT_REVOKE_INTERVAL);
    }
}


void
ngx_chat_revoke_done(ngx_chat_node_t *node)
{
    ngx_chat_revoke_t  *rv = &node->revoke;

    if (rv->timer.timer_set) {
        ngx_del_timer(&rv->timer);
    }

    if (rv->walk.posted) {
        ngx_delete_posted_event(&rv->walk);
    }

    chat_revoked_done(&rv->table);
}


/* a worker that is told to leave looks on: its sessions have some time left */

static void
ngx_chat_revoke_on_timer(ngx_event_t *ev)
{
    ngx_chat_node_t    *node = ev->data;
    ngx_chat_revoke_t  *rv = &node->revoke;

    chat_revoked_expire(&rv->table, ngx_chat_now(), NGX_CHAT_REVOKE_EXPIRE);

    if (rv->full && rv->table.n < CHAT_REVOKED_MAX) {
        rv->place.len = 0;              /* there is room: from the start */
    }

    if (node->command.up) {
        ngx_chat_revoke_on_news(node);
    }

    ngx_chat_revoke_count(node);
    ngx_add_timer(ev, NGX_CHAT_REVOKE_INTERVAL);
}


void
ngx_chat_revoke_prepare(ngx_chat_node_t *node)
{
    ngx_str_t          *identity = &node->command.identity;
    ngx_chat_revoke_t  *rv = &node->revoke;

    if (rv->identity.len != identity->len
        || ngx_memcmp(rv->identity.data, identity->data, identity->len) != 0)
    {
        rv->epoch.len = 0;
        rv->place.len = 0;
        (void) ngx_chat_revoke_copy(&rv->identity, rv->identity_buf, identity);
    }

    rv->preparing = 1;
    ngx_chat_revoke_go_on(node);
}


/* a link that is being prepared has a question under way, or is given up */

static void
ngx_chat_revoke_go_on(ngx_chat_node_t *node)
{
    ngx_chat_revoke_t  *rv = &node->revoke;

    if (ngx_chat_revoke_ask(node) != NGX_OK && rv->preparing) {
        rv->preparing = 0;
        ngx_chat_redis_reset(&node->command, "cannot ask for revocations");
    }
}


void
ngx_chat_revoke_on_down(ngx_chat_node_t *node)
{
    node->revoke.read = 0;
    ngx_chat_revoke_count(node);
}


void
ngx_chat_revoke_on_news(ngx_chat_node_t *node)
{
    ngx_chat_revoke_t  *rv = &node->revoke;

    if (rv->reading) {
        rv->again = 1;
        return;
    }

    /* if it cannot be sent, the next look is near */
    (void) ngx_chat_revoke_ask(node);
}


static ngx_int_t
ngx_chat_revoke_ask(ngx_chat_node_t *node)
{
    ngx_int_t           rc;
    ngx_chat_call_t     call;
    ngx_chat_revoke_t  *rv = &node->revoke;

    call.n = 0;
    call.pos = call.numbers;

    ngx_chat_call_add_cstr(&call, "FCALL");
    ngx_chat_call_add_cstr(&call, "chat_v1_revoked_read");
    ngx_chat_call_add_cstr(&call, "3");
    ngx_chat_call_add_cstr(&call, "chat:revoked");
    ngx_chat_call_add_cstr(&call, "{chat:revoked}:state");
    ngx_chat_call_add_cstr(&call, "{chat:revoked}:ends");
    ngx_chat_call_add(&call, rv->identity.data, rv->identity.len);
    ngx_chat_call_add(&call, rv->epoch.data, rv->epoch.len);
    ngx_chat_call_add(&call, rv->place.data, rv->place.len);
    ngx_chat_call_add_uint(&call, NGX_CHAT_REVOKE_COUNT);

    rc = rv->preparing ? ngx_chat_redis_send_first(&node->command, call.n,
                                                   call.argv, call.len,
                                                   ngx_chat_revoke_on_answer,
                                                   node)
                       : ngx_chat_call_send(&call, node,
                                            ngx_chat_revoke_on_answer, node);

    if (rc == NGX_OK) {
        rv->reading = 1;
        rv->asked = ngx_current_msec;
    }

    return rc;
}


static void
ngx_chat_revoke_on_answer(void *data, redisReply *reply)
{
    ngx_int_t           rc;
    ngx_chat_node_t    *node = data;
    ngx_chat_revoke_t  *rv = &node->revoke;

    rv->reading = 0;

    if (reply == NULL) {                /* the link is down, or never was up */
        rv->preparing = 0;
        rv->again = 0;
        return;
    }

    rc = ngx_chat_revoke_take(node, reply);

    if (rc == NGX_AGAIN) {
        ngx_chat_revoke_go_on(node);
        return;
    }

    /* where there is no list the link is up all the same, and requests get
       "unavailable" until there is one */

    if (rv->preparing) {
        rv->preparing = 0;
        ngx_chat_redis_ready(&node->command);
    }

    if (rv->again) {
        rv->again = 0;
        (void) ngx_chat_revoke_ask(node);   /* or at the next look */
    }
}


/* NGX_OK: that was all; NGX_AGAIN: there is more; NGX_ERROR: it is no answer */

static ngx_int_t
ngx_chat_revoke_take(ngx_chat_node_t *node, redisReply *reply)
{
    ngx_str_t           epoch, place, mark;
    ngx_int_t           n;
    ngx_chat_revoke_t  *rv = &node->revoke;

    if (reply->type != REDIS_REPLY_ARRAY
        || reply->elements < NGX_CHAT_REVOKE_HEAD
        || (reply->elements - NGX_CHAT_REVOKE_HEAD) % CHAT_REVOKED_TEXTS != 0)
    {
        ngx_chat_revoke_failed(node, reply->type == REDIS_REPLY_ERROR
                                     ? reply->str : "unexpected answer");
        return NGX_ERROR;
    }

    epoch = ngx_chat_bus_str(reply, 2);
    mark = ngx_chat_bus_str(reply, 5);
    place = ngx_chat_bus_str(reply, 6);
    n = ngx_atoi(mark.data, mark.len);

    if (n == NGX_ERROR
        || ngx_chat_revoke_copy(&rv->epoch, rv->epoch_buf, &epoch) != NGX_OK
        || ngx_chat_revoke_copy(&rv->place, rv->place_buf, &place) != NGX_OK)
    {
        rv->place.len = 0;
        ngx_chat_revoke_failed(node, "unexpected answer");
        return NGX_ERROR;
    }

    if (ngx_chat_bus_uint(reply, 3) == 0) {
        chat_revoked_begin(&rv->table);
        rv->fresh = 1;
        rv->full = 0;
    }

    ngx_chat_revoke_apply(node, reply);

    rv->mark = n;
    rv->confirmed = ngx_chat_bus_uint(reply, 1) == 1;

    if (ngx_chat_bus_uint(reply, 4) == 1) {
        return NGX_AGAIN;
    }

    ngx_chat_revoke_end(node);

    return NGX_OK;
}


static void
ngx_chat_revoke_apply(ngx_chat_node_t *node, redisReply *reply)
{
    size_t                  i, k;
    ngx_str_t               text;
    chat_str_t              texts[CHAT_REVOKED_TEXTS];
    ngx_chat_revoke_t      *rv = &node->revoke;
    chat_revoked_change_t   change;

    for (i = NGX_CHAT_REVOKE_HEAD; i < reply->elements;
         i += CHAT_REVOKED_TEXTS)
    {
        for (k = 0; k < CHAT_REVOKED_TEXTS; k++) {
            text = ngx_chat_bus_str(reply, i + k);
            texts[k] = ngx_chat_str(&text);
        }

        if (chat_revoked_read(&change, texts) != CHAT_OK) {
            ngx_log_error(NGX_LOG_ERR, node->log, 0,
                          "chat: malformed revocation: \"%*s\"",
                          texts[2].len, texts[2].data);
            continue;
        }

        rv->changed |= !change.lifted;

        if (chat_revoked_apply(&rv->table, &change) == CHAT_OK) {
            continue;
        }

        if (!rv->full) {
            ngx_log_error(NGX_LOG_CRIT, node->log, 0,
                          "chat: no room for more than %uz revocations: "
                          "tokens are refused", rv->table.n);
        }

        rv->full = 1;
    }
}


/* all was read that there is */

static void
ngx_chat_revoke_end(ngx_chat_node_t *node)
{
    ngx_chat_revoke_t  *rv = &node->revoke;

    if (rv->fresh && rv->confirmed) {
        chat_revoked_end(&rv->table);
    }

    rv->fresh = 0;
    rv->read = 1;
    rv->failed = 0;

    if (rv->confirmed) {
        rv->known = ngx_max(rv->asked, 1);
    }

    if (rv->changed) {
        rv->changed = 0;
        ngx_chat_revoke_walk(node);
    }

    ngx_chat_revoke_count(node);
}


static void
ngx_chat_revoke_failed(ngx_chat_node_t *node, const char *reason)
{
    if (!node->revoke.failed) {
        node->revoke.failed = 1;
        ngx_log_error(NGX_LOG_WARN, node->log, 0,
                      "chat: cannot read revocations: \"%s\"", reason);
    }
}


ngx_uint_t
ngx_chat_revoke_is_read(ngx_chat_node_t *node)
{
    return node->revoke.read;
}


ngx_uint_t
ngx_chat_revoke_is_sure(ngx_chat_node_t *node)
{
    ngx_chat_revoke_t  *rv = &node->revoke;

    return !rv->full && rv->known != 0
           && ngx_current_msec - rv->known <= NGX_CHAT_REVOKE_STALE;
}


ngx_chat_token_result_e
ngx_chat_revoke_judge(ngx_chat_main_conf_t *conf, ngx_chat_loc_conf_t *lcf,
    const chat_token_t *token, const char **reason)
{
    ngx_chat_node_t       *node = conf->node;
    chat_revoked_token_t   t;

    if (conf->redis.len == 0) {
        return NGX_CHAT_TOKEN_GOOD;
    }

    if (node == NULL) {                 /* the process could not begin */
        *reason = "it is not known what is revoked";
        return NGX_CHAT_TOKEN_UNSURE;
    }

    t.tenant = (chat_str_t) { token->tenant, token->tenant_len };
    t.user = (chat_str_t) { token->user, token->user_len };
    t.sid = (chat_str_t) { token->sid, token->sid_len };
    t.jti = (chat_str_t) { token->jti, token->jti_len };
    t.has_iat = token->has_iat;
    t.iat = token->iat;

    if (chat_revoked_hit(&node->revoke.table, &t, ngx_chat_now())) {
        ngx_chat_count(node, NGX_CHAT_COUNT_REVOKED_TOKENS);
        *reason = "it is revoked";
        return NGX_CHAT_TOKEN_REVOKED;
    }

    if (node->revoke.full
        || (lcf->revoke_stale == NGX_CHAT_REVOKE_REFUSE
            && !ngx_chat_revoke_is_sure(node)))
    {
        *reason = "it is not known what is revoked";
        return NGX_CHAT_TOKEN_UNSURE;
    }

    return NGX_CHAT_TOKEN_GOOD;
}


static void
ngx_chat_revoke_count(ngx_chat_node_t *node)
{
    ngx_uint_t          stale;
    ngx_chat_revoke_t  *rv = &node->revoke;

    stale = !ngx_chat_revoke_is_sure(node);

    ngx_chat_count_add(node, NGX_CHAT_COUNT_REVOCATIONS_STALE,
                       (ngx_int_t) stale - (ngx_int_t) rv->stale);
    ngx_chat_count_add(node, NGX_CHAT_COUNT_REVOCATIONS,
                       (ngx_int_t) rv->table.n - (ngx_int_t) rv->counted);

    rv->stale = stale;
    rv->counted = rv->table.n;
}


static ngx_int_t
ngx_chat_revoke_copy(ngx_str_t *dst, u_char *buf, ngx_str_t *src)
{
    if (src->len > NGX_CHAT_REVOKE_PLACE) {
        return NGX_ERROR;
    }

    if (src->len > 0) {
        ngx_memcpy(buf, src->data, src->len);
    }

    dst->data = buf;
    dst->len = src->len;

    return NGX_OK;
}
