/*
 * ngx_chat_redis.c: a link to Redis, hiredis on nginx's event loop.
 *
 *      down ──connect──▶ setting up ──INFO answered, prepared──▶ up
 *       ▲                    │                                    │
 *       └──────back-off──────┴─────────error, deadline────────────┘
 *
 * Every end of a connection, whoever wants it, comes through
 * ngx_chat_redis_closed(), after hiredis has answered all that was pending
 * with NULL.
 */

#include "ngx_chat.h"


#define NGX_CHAT_REDIS_MIN_BACKOFF  100
#define NGX_CHAT_REDIS_MAX_BACKOFF  5000
#define NGX_CHAT_REDIS_STEADY       1000    /* ms: up for so long is well */
#define NGX_CHAT_REDIS_HURRY        10      /* ms */
#define NGX_CHAT_REDIS_CHUNK        100     /* channels of one SUBSCRIBE */
#define NGX_CHAT_REDIS_OVERHEAD     16      /* bytes around an argument */


/*
 * A command that was sent.  Owner: hiredis, which gives it back exactly once,
 * to ngx_chat_redis_on_reply().
 */

typedef struct {
    ngx_queue_t               queue;        /* link->pending */
    ngx_chat_redis_t         *link;
    ngx_chat_redis_reply_pt   handler;
    void                     *data;
    size_t                    bytes;
    ngx_msec_t                deadline;
} ngx_chat_redis_command_t;


static void ngx_chat_redis_connect(ngx_chat_redis_t *link);
static void ngx_chat_redis_setup(ngx_chat_redis_t *link);
static void ngx_chat_redis_setup_send(ngx_chat_redis_t *link,
    ngx_chat_redis_reply_pt handler, ngx_uint_t argc, const char **argv);
static void ngx_chat_redis_on_named(void *data, redisReply *reply);
static void ngx_chat_redis_on_setup(void *data, redisReply *reply);
static void ngx_chat_redis_on_info(void *data, redisReply *reply);
static void ngx_chat_redis_hurry(ngx_chat_redis_t *link);
static ngx_int_t ngx_chat_redis_identify(ngx_chat_redis_t *link,
    const redisReply *info);
static ngx_int_t ngx_chat_redis_field(const redisReply *info, char *name,
    ngx_str_t *value);
static ngx_int_t ngx_chat_redis_command(ngx_chat_redis_t *link,
    ngx_uint_t argc, const char **argv, const size_t *argvlen, size_t bytes,
    ngx_chat_redis_reply_pt handler, void *data);
static void ngx_chat_redis_on_reply(redisAsyncContext *ac, void *data,
    void *privdata);
static void ngx_chat_redis_on_message(redisAsyncContext *ac, void *data,
    void *privdata);
static void ngx_chat_redis_lost(ngx_chat_redis_t *link, const char *reason);
static void ngx_chat_redis_retry(ngx_chat_redis_t *link);
static void ngx_chat_redis_count_lost(ngx_chat_redis_t *link);
static void ngx_chat_redis_on_timer(ngx_event_t *ev);
static void ngx_chat_redis_on_drop(ngx_event_t *ev);


void
ngx_chat_redis_open(ngx_chat_redis_t *link, ngx_chat_node_t *node,
    const char *name, ngx_uint_t subscriber,
    const ngx_chat_redis_handlers_t *handlers)
{
    ngx_memzero(link, sizeof(ngx_chat_redis_t));

    link->node = node;
    link->name = name;
    link->handlers = handlers;
    link->subscriber = subscriber ? 1 : 0;

    ngx_queue_init(&link->pending);

    /* a link alone does not keep a stopping worker alive */
    link->timer.handler = ngx_chat_redis_on_timer;
    link->timer.data = link;
    link->timer.log = node->log;
    link->timer.cancelable = 1;

    link->drop.handler = ngx_chat_redis_on_drop;
    link->drop.data = link;
    link->drop.log = node->log;

    /* without chat_redis there is chat_echo alone, and nothing to link to */
    if (node->conf->redis.len == 0) {
        link->closing = 1;
        return;
    }

    ngx_chat_redis_connect(link);
}


/* The end of the process: whoever waits gets NULL, down() is not called. */

void
ngx_chat_redis_close(ngx_chat_redis_t *link)
{
    link->closing = 1;
    link->up = 0;

    if (link->timer.timer_set) {
        ngx_del_timer(&link->timer);
    }

    if (link->ac != NULL) {
        redisAsyncFree(link->ac);
    }

    ngx_chat_redis_format_free(link);
}


/*
 * The caller may stand inside hiredis, or walk over what down() is going to
 * change: so not now, but before this turn of the loop ends.
 */

void
ngx_chat_redis_reset(ngx_chat_redis_t *link, const char *reason)
{
    if (link->ac == NULL || link->closing || link->reason != NULL) {
        return;
    }

    link->reason = reason;

    ngx_post_event(&link->drop, &ngx_posted_events);
}


ngx_int_t
ngx_chat_redis_send(ngx_chat_redis_t *link, ngx_uint_t argc,
    const char **argv, const size_t *argvlen, ngx_chat_redis_reply_pt handler,
    void *data)
{
    size_t      bytes;
    ngx_uint_t  i;

    if (!link->up) {
        return NGX_DECLINED;
    }

    /* hiredis' output buffer knows no limit of its own */

    bytes = NGX_CHAT_REDIS_OVERHEAD;

    for (i = 0; i < argc; i++) {
        bytes += argvlen[i] + NGX_CHAT_REDIS_OVERHEAD;
    }

    if (bytes > link->node->conf->redis_max_pending - link->pending_bytes) {
        return NGX_DECLINED;
    }

    return ngx_chat_redis_command(link, argc, argv, argvlen, bytes, handler,
                                  data);
}


ngx_int_t
ngx_chat_redis_send_first(ngx_chat_redis_t *link, ngx_uint_t argc,
    const char **argv, const size_t *argvlen, ngx_chat_redis_reply_pt handler,
    void *data)
{
    return ngx_chat_redis_command(link, argc, argv, argvlen, 0, handler, data);
}


/*
 * In chunks, so that one command does not hold Redis up.  Many channels at
 * once are given on a fresh link only: hiredis miscounts what follows a
 * channel that is subscribed already.
 */

ngx_int_t
ngx_chat_redis_subscribe(ngx_chat_redis_t *link, ngx_str_t *channels,
    ngx_uint_t n)
{
    int          rc;
    size_t       len[NGX_CHAT_REDIS_CHUNK + 1];
    ngx_uint_t   i, chunk;
    const char  *argv[NGX_CHAT_REDIS_CHUNK + 1];

    if (!link->up) {
        return NGX_DECLINED;
    }

    argv[0] = "SUBSCRIBE";
    len[0] = sizeof("SUBSCRIBE") - 1;

    while (n > 0) {
        chunk = ngx_min(n, NGX_CHAT_REDIS_CHUNK);

        for (i = 0; i < chunk; i++) {
            argv[i + 1] = (const char *) channels[i].data;
            len[i + 1] = channels[i].len;
        }

        rc = redisAsyncCommandArgv(link->ac, ngx_chat_redis_on_message, link,
                                   (int) chunk + 1, argv, len);
        if (rc != REDIS_OK) {
            /* some may be under way: only a fresh link is certain again */
            ngx_chat_redis_reset(link, "cannot subscribe");
            return NGX_ERROR;
        }

        if (link->unconfirmed == 0) {
            link->confirmed = ngx_current_msec;
        }

        link->unconfirmed += chunk;

        channels += chunk;
        n -= chunk;
    }

    return NGX_OK;
}


ngx_int_t
ngx_chat_redis_unsubscribe(ngx_chat_redis_t *link, ngx_str_t *channel)
{
    int          rc;
    size_t       len[2];
    const char  *argv[2];

    if (!link->up) {
        return NGX_DECLINED;
    }

    argv[0] = "UNSUBSCRIBE";
    len[0] = sizeof("UNSUBSCRIBE") - 1;
    argv[1] = (const char *) channel->data;
    len[1] = channel->len;

    rc = redisAsyncCommandArgv(link->ac, NULL, NULL, 2, argv, len);

    return (rc == REDIS_OK) ? NGX_OK : NGX_ERROR;
}


static void
ngx_chat_redis_connect(ngx_chat_redis_t *link)
{
    redisAsyncContext     *ac;
    ngx_chat_main_conf_t  *conf = link->node->conf;

    /* the address is numeric: nothing here asks a resolver */

    if (conf->redis_port == 0) {
        ac = redisAsyncConnectUnix((char *) conf->redis_host.data);

    } else {
        ac = redisAsyncConnect((char *) conf->redis_host.data,
                               conf->redis_port);
    }

    if (ac == NULL) {
        ngx_chat_redis_lost(link, "out of memory");
        return;
    }

    if (ac->err) {
        ngx_chat_redis_lost(link, ac->errstr);
        redisAsyncFree(ac);
        return;
    }

    if (ngx_chat_redis_event_attach(link, ac) != NGX_OK) {
        ngx_chat_redis_lost(link, "no free connection");
        redisAsyncFree(ac);
        return;
    }

    ngx_chat_redis_setup(link);
}


/*
 * Sent before the connection is there: the deadline of these commands is the
 * connection's, too.
 */

static void
ngx_chat_redis_setup(ngx_chat_redis_t *link)
{
    u_char                 db[NGX_INT_T_LEN + 1];
    u_char                 name[sizeof("chat::subscriber") + CHAT_ID_LEN];
    const char            *argv[4];
    ngx_chat_main_conf_t  *conf = link->node->conf;

    if (conf->redis_password.len) {
        argv[0] = "AUTH";
        argv[1] = (const char *) conf->redis_password.data;
        ngx_chat_redis_setup_send(link, ngx_chat_redis_on_setup, 2, argv);
    }

    if (conf->redis_db) {
        *ngx_sprintf(db, "%ui", conf->redis_db) = '\0';
        argv[0] = "SELECT";
        argv[1] = (const char *) db;
        ngx_chat_redis_setup_send(link, ngx_chat_redis_on_setup, 2, argv);
    }

    /* for people who look at CLIENT LIST */

    *ngx_snprintf(name, sizeof(name) - 1, "chat:%V:%s", &link->node->id,
                  link->name) = '\0';
    argv[0] = "CLIENT";
    argv[1] = "SETNAME";
    argv[2] = (const char *) name;
    ngx_chat_redis_setup_send(link, ngx_chat_redis_on_named, 3, argv);

    argv[0] = "INFO";
    argv[1] = "server";
    argv[2] = "replication";
    argv[3] = "persistence";
    ngx_chat_redis_setup_send(link, ngx_chat_redis_on_info, 4, argv);
}


static void
ngx_chat_redis_setup_send(ngx_chat_redis_t *link,
    ngx_chat_redis_reply_pt handler, ngx_uint_t argc, const char **argv)
{
    size_t      len[4];
    ngx_int_t   rc;
    ngx_uint_t  i;

    for (i = 0; i < argc; i++) {
        len[i] = ngx_strlen(argv[i]);
    }

    rc = ngx_chat_redis_command(link, argc, argv, len, 0, handler, link);
    if (rc != NGX_OK) {
        ngx_chat_redis_reset(link, "out of memory");
    }
}


static void
ngx_chat_redis_on_named(void *data, redisReply *reply)
{
    /* a user that may not do that has no name: no harm */

    (void) data;
    (void) reply;
}


static void
ngx_chat_redis_on_setup(void *data, redisReply *reply)
{
    ngx_chat_redis_t  *link = data;

    if (reply == NULL || reply->type != REDIS_REPLY_ERROR) {
        return;
    }

    (void) ngx_cpystrn(link->refusal, (u_char *) reply->str,
                       sizeof(link->refusal));

    ngx_chat_redis_reset(link, (const char *) link->refusal);
}


static void
ngx_chat_redis_on_info(void *data, redisReply *reply)
{
    ngx_str_t          loading;
    ngx_chat_redis_t  *link = data;

    if (reply == NULL || link->reason != NULL) {
        return;
    }

    if (reply->type != REDIS_REPLY_STRING) {
        ngx_chat_redis_on_setup(link, reply);
        ngx_chat_redis_reset(link, "no answer to INFO");
        return;
    }

    /* INFO is answered before the data is there, other commands are not */

    if (ngx_chat_redis_field(reply, "\nloading:", &loading) == NGX_OK
        && loading.data[0] != '0')
    {
        ngx_chat_redis_reset(link, "Redis is loading its data");
        return;
    }

    if (ngx_chat_redis_identify(link, reply) != NGX_OK) {
        ngx_chat_redis_reset(link, "INFO tells no identity");
        return;
    }

    if (link->handlers->prepare != NULL) {
        link->handlers->prepare(link);
        return;
    }

    ngx_chat_redis_ready(link);
}


void
ngx_chat_redis_ready(ngx_chat_redis_t *link)
{
    link->up = 1;
    link->told = 1;

    if (link->subscriber) {
        ngx_chat_count(link->node, NGX_CHAT_COUNT_SUBSCRIBER_UP);
        ngx_chat_count(link->node, NGX_CHAT_COUNT_SUBSCRIBER_CONNECTED);

    } else {
        ngx_chat_count(link->node, NGX_CHAT_COUNT_COMMAND_UP);
        ngx_chat_count(link->node, NGX_CHAT_COUNT_COMMAND_CONNECTED);
    }

    link->failed = 0;
    link->since = ngx_current_msec;

    ngx_log_error(NGX_LOG_NOTICE, link->node->log, 0,
                  "chat: connected to redis \"%V\", %s link",
                  &link->node->conf->redis, link->name);

    ngx_chat_redis_hurry(link->subscriber ? &link->node->command
                                          : &link->node->subscriber);

    link->handlers->up(link);
}


/* where one link succeeds, the other need not wait for its turn */

static void
ngx_chat_redis_hurry(ngx_chat_redis_t *link)
{
    if (link->ac == NULL && link->timer.timer_set) {
        ngx_add_timer(&link->timer, NGX_CHAT_REDIS_HURRY);
    }
}


/* run id and replication id: together they change whenever the data may */

static ngx_int_t
ngx_chat_redis_identify(ngx_chat_redis_t *link, const redisReply *info)
{
    u_char     *p, *last;
    ngx_str_t   run, replication;

    if (ngx_chat_redis_field(info, "\nrun_id:", &run) != NGX_OK
        || ngx_chat_redis_field(info, "\nmaster_replid:", &replication)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    p = link->identity_buf;
    last = p + sizeof(link->identity_buf);

    p = ngx_slprintf(p, last, "%V:%V", &run, &replication);

    link->identity.data = link->identity_buf;
    link->identity.len = p - link->identity_buf;

    return (p < last) ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_chat_redis_field(const redisReply *info, char *name, ngx_str_t *value)
{
    u_char  *p, *last;

    last = (u_char *) info->str + info->len;

    p = ngx_strnstr((u_char *) info->str, name, info->len);
    if (p == NULL) {
        return NGX_DECLINED;
    }

    p += ngx_strlen(name);
    value->data = p;

    while (p < last && *p != CR && *p != LF) {
        p++;
    }

    value->len = p - value->data;

    return value->len ? NGX_OK : NGX_DECLINED;
}


static ngx_int_t
ngx_chat_redis_command(ngx_chat_redis_t *link, ngx_uint_t argc,
    const char **argv, const size_t *argvlen, size_t bytes,
    ngx_chat_redis_reply_pt handler, void *data)
{
    int                        rc;
    ngx_str_t                  text;
    ngx_msec_t                 timeout;
    ngx_chat_redis_command_t  *cmd;

    if (ngx_chat_redis_format(link, argc, argv, argvlen, &text) != NGX_OK) {
        return NGX_ERROR;
    }

    cmd = ngx_alloc(sizeof(ngx_chat_redis_command_t), link->node->log);
    if (cmd == NULL) {
        return NGX_ERROR;
    }

    rc = redisAsyncFormattedCommand(link->ac, ngx_chat_redis_on_reply, cmd,
                                    (char *) text.data, text.len);
    if (rc != REDIS_OK) {
        ngx_free(cmd);
        return NGX_ERROR;
    }

    timeout = link->node->conf->redis_timeout;

    cmd->link = link;
    cmd->handler = handler;
    cmd->data = data;
    cmd->bytes = bytes;
    cmd->deadline = ngx_current_msec + timeout;

    ngx_queue_insert_tail(&link->pending, &cmd->queue);
    link->pending_bytes += bytes;

    /* set once; when it fires, it goes on to the oldest command's deadline */

    if (!link->timer.timer_set) {
        ngx_add_timer(&link->timer, timeout);
    }

    return NGX_OK;
}


/* called by hiredis, with NULL when the connection is torn down */

static void
ngx_chat_redis_on_reply(redisAsyncContext *ac, void *data, void *privdata)
{
    redisReply                *reply = data;
    ngx_chat_redis_command_t  *cmd = privdata;

    void                     *handler_data;
    ngx_chat_redis_t         *link;
    ngx_chat_redis_reply_pt   handler;

    (void) ac;

    link = cmd->link;
    handler = cmd->handler;
    handler_data = cmd->data;

    if (reply == NULL) {
        /* whoever hears of it must not send again over the same link */
        link->up = 0;
    }

    link->answered = ngx_current_msec;
    link->pending_bytes -= cmd->bytes;

    ngx_queue_remove(&cmd->queue);
    ngx_free(cmd);

    handler(handler_data, reply);
}


/*
 * One callback for all channels.  An error never comes here: it makes hiredis
 * give the connection up.
 */

static void
ngx_chat_redis_on_message(redisAsyncContext *ac, void *data, void *privdata)
{
    redisReply        *reply = data;
    ngx_chat_redis_t  *link = privdata;

    ngx_str_t    channel, payload;
    redisReply  *kind, *third;

    (void) ac;

    if (reply == NULL) {
        link->up = 0;
        return;
    }

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 3) {
        return;
    }

    kind = reply->element[0];
    third = reply->element[2];

    channel.data = (u_char *) reply->element[1]->str;
    channel.len = reply->element[1]->len;

    if (ngx_strcmp(kind->str, "message") == 0) {
        payload.data = (u_char *) third->str;
        payload.len = third->len;
        link->handlers->message(link, &channel, &payload);
        return;
    }

    if (ngx_strcmp(kind->str, "subscribe") == 0) {
        link->confirmed = ngx_current_msec;

        if (link->unconfirmed > 0) {
            link->unconfirmed--;
        }

        link->handlers->subscribed(link, &channel);
    }

    /* unsubscribe: who asked for it has forgotten the channel already */
}


/* by hiredis, which has closed the descriptor or is about to */

void
ngx_chat_redis_closed(ngx_chat_redis_t *link)
{
    const char  *reason;

    reason = link->reason;

    if (reason == NULL) {
        reason = link->ac->err ? link->ac->c.errstr : "closed";
    }

    link->ac = NULL;
    link->up = 0;
    link->reason = NULL;
    link->unconfirmed = 0;

    if (link->timer.timer_set) {
        ngx_del_timer(&link->timer);
    }

    if (link->drop.posted) {
        ngx_delete_posted_event(&link->drop);
    }

    if (!link->closing) {
        ngx_chat_redis_lost(link, reason);
    }
}


/* The connection is gone, or could not be made. */

static void
ngx_chat_redis_lost(ngx_chat_redis_t *link, const char *reason)
{
    ngx_uint_t   level;
    const char  *what;

    what = "cannot connect to redis";
    level = link->failed ? NGX_LOG_INFO : NGX_LOG_WARN;

    if (link->told) {
        what = "lost connection to redis";
        level = NGX_LOG_ERR;
    }

    ngx_log_error(level, link->node->log, 0, "chat: %s \"%V\", %s link: %s",
                  what, &link->node->conf->redis, link->name, reason);

    link->failed = 1;

    ngx_chat_redis_retry(link);

    if (link->told) {
        link->told = 0;
        ngx_chat_redis_count_lost(link);
        link->handlers->down(link);
    }
}


static void
ngx_chat_redis_count_lost(ngx_chat_redis_t *link)
{
    if (link->subscriber) {
        ngx_chat_count(link->node, NGX_CHAT_COUNT_SUBSCRIBER_LOST);
        ngx_chat_count_add(link->node, NGX_CHAT_COUNT_SUBSCRIBER_UP, -1);

    } else {
        ngx_chat_count(link->node, NGX_CHAT_COUNT_COMMAND_LOST);
        ngx_chat_count_add(link->node, NGX_CHAT_COUNT_COMMAND_UP, -1);
    }
}


static void
ngx_chat_redis_retry(ngx_chat_redis_t *link)
{
    ngx_msec_t  delay;

    /* a link that did work for a while starts with the shortest pause */

    if (link->told && ngx_current_msec - link->since > NGX_CHAT_REDIS_STEADY) {
        link->backoff = 0;
    }

    link->backoff = ngx_max(link->backoff * 2, NGX_CHAT_REDIS_MIN_BACKOFF);
    link->backoff = ngx_min(link->backoff, NGX_CHAT_REDIS_MAX_BACKOFF);

    /* half of it at random: all nodes lost it at the same moment */

    delay = link->backoff / 2;
    delay += (ngx_msec_t) ngx_random() % (delay + 1);

    ngx_add_timer(&link->timer, delay);
}


static void
ngx_chat_redis_on_timer(ngx_event_t *ev)
{
    ngx_queue_t               *q;
    ngx_msec_int_t             left;
    ngx_chat_redis_t          *link = ev->data;
    ngx_chat_redis_command_t  *cmd;

    if (link->ac == NULL) {
        ngx_chat_redis_connect(link);
        return;
    }

    if (ngx_queue_empty(&link->pending)) {
        return;
    }

    q = ngx_queue_head(&link->pending);
    cmd = ngx_queue_data(q, ngx_chat_redis_command_t, queue);

    /* while other replies come, it waits for those before it: Redis has much
       to do, and over a new link it would have to do all of that again */

    left = ngx_max((ngx_msec_int_t) (cmd->deadline - ngx_current_msec),
                   (ngx_msec_int_t) (link->answered
                                     + link->node->conf->redis_timeout
                                     - ngx_current_msec));

    if (left > 0) {
        ngx_add_timer(ev, (ngx_msec_t) left);
        return;
    }

    link->reason = "no answer in time";
    redisAsyncFree(link->ac);
}


static void
ngx_chat_redis_on_drop(ngx_event_t *ev)
{
    ngx_chat_redis_t  *link = ev->data;

    redisAsyncFree(link->ac);
}
