/*
 * ngx_chat_module.c: configuration, its inheritance, the life of a process.  No
 * behaviour: directives are in ngx_chat_directives.c, the rest begins in
 * ngx_chat_handshake.c and ngx_chat_node.c.
 */

#include "ngx_chat.h"


static void *ngx_chat_create_main_conf(ngx_conf_t *cf);
static char *ngx_chat_init_main_conf(ngx_conf_t *cf, void *conf);
static void *ngx_chat_create_srv_conf(ngx_conf_t *cf);
static void *ngx_chat_create_loc_conf(ngx_conf_t *cf);
static char *ngx_chat_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);
static char *ngx_chat_merge_limits(ngx_conf_t *cf, ngx_chat_loc_conf_t *prev,
    ngx_chat_loc_conf_t *conf);
static char *ngx_chat_merge_message(ngx_conf_t *cf, ngx_chat_loc_conf_t *prev,
    ngx_chat_loc_conf_t *conf);
static char *ngx_chat_merge_handler(ngx_conf_t *cf,
    ngx_chat_loc_conf_t *conf, ngx_uint_t inherited);
static ngx_int_t ngx_chat_postconfiguration(ngx_conf_t *cf);
static ngx_int_t ngx_chat_init_process(ngx_cycle_t *cycle);
static void ngx_chat_exit_process(ngx_cycle_t *cycle);


static ngx_http_module_t  ngx_chat_module_ctx = {
    ngx_chat_variable_add,              /* preconfiguration */
    ngx_chat_postconfiguration,         /* postconfiguration */

    ngx_chat_create_main_conf,          /* create main configuration */
    ngx_chat_init_main_conf,            /* init main configuration */

    ngx_chat_create_srv_conf,           /* create server configuration */
    NULL,                               /* merge server configuration */

    ngx_chat_create_loc_conf,           /* create location configuration */
    ngx_chat_merge_loc_conf             /* merge location configuration */
};


ngx_module_t  ngx_chat_module = {
    NGX_MODULE_V1,
    &ngx_chat_module_ctx,               /* module context */
    ngx_chat_commands,                  /* module directives */
    NGX_HTTP_MODULE,                    /* module type */
    NULL,                               /* init master */
    NULL,                               /* init module */
    ngx_chat_init_process,              /* init process */
    NULL,                               /* init thread */
    NULL,                               /* exit thread */
    ngx_chat_exit_process,              /* exit process */
    NULL,                               /* exit master */
    NGX_MODULE_V1_PADDING
};


static void *
ngx_chat_create_main_conf(ngx_conf_t *cf)
{
    ngx_chat_main_conf_t  *mcf;

    mcf = ngx_pcalloc(cf->pool, sizeof(ngx_chat_main_conf_t));
    if (mcf == NULL) {
        return NULL;
    }

    mcf->partitions = NGX_CONF_UNSET_UINT;
    mcf->compare_interval = NGX_CONF_UNSET_MSEC;
    mcf->canary = NGX_CONF_UNSET_MSEC;
    mcf->drain_time = NGX_CONF_UNSET_MSEC;
    mcf->presence = NGX_CONF_UNSET;
    mcf->limit_zone_size = NGX_CONF_UNSET_SIZE;
    mcf->node_queue = NGX_CONF_UNSET_SIZE;
    mcf->node_lag = NGX_CONF_UNSET_MSEC;
    mcf->presence_members = NGX_CONF_UNSET_UINT;
    mcf->presence_batch = NGX_CONF_UNSET_UINT;

    return mcf;
}


static char *
ngx_chat_init_main_conf(ngx_conf_t *cf, void *conf)
{
    ngx_chat_main_conf_t  *mcf = conf;

    (void) cf;

    ngx_conf_init_uint_value(mcf->partitions, 16);
    ngx_conf_init_msec_value(mcf->compare_interval, 30000);
    ngx_conf_init_msec_value(mcf->canary, 10000);
    ngx_conf_init_msec_value(mcf->drain_time, 30000);
    ngx_conf_init_value(mcf->presence, 1);
    ngx_conf_init_size_value(mcf->limit_zone_size, 10 * 1024 * 1024);
    ngx_conf_init_size_value(mcf->node_queue, 256 * 1024 * 1024);
    ngx_conf_init_msec_value(mcf->node_lag, 1000);
    ngx_conf_init_uint_value(mcf->presence_members, 100);
    ngx_conf_init_uint_value(mcf->presence_batch, 1000);

    if (mcf->presence_members > mcf->presence_batch) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"chat_presence_members\" must not be above "
                           "\"chat_presence_batch\"");
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static void *
ngx_chat_create_srv_conf(ngx_conf_t *cf)
{
    return ngx_pcalloc(cf->pool, sizeof(ngx_chat_srv_conf_t));
}


static void *
ngx_chat_create_loc_conf(ngx_conf_t *cf)
{
    ngx_chat_loc_conf_t  *lcf;

    lcf = ngx_pcalloc(cf->pool, sizeof(ngx_chat_loc_conf_t));
    if (lcf == NULL) {
        return NULL;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     lcf->keys = NULL;
     *     lcf->jwks = NULL;
     *     lcf->origins = NULL;
     *     lcf->origin_any = 0;
     *     lcf->issuer = { 0, NULL };
     *     lcf->audience = { 0, NULL };
     *     lcf->token_cookie = { 0, NULL };
     */

    lcf->websocket = NGX_CONF_UNSET;
    lcf->echo = NGX_CONF_UNSET;
    lcf->auth = NGX_CONF_UNSET;
    lcf->leeway = NGX_CONF_UNSET;
    lcf->token_query = NGX_CONF_UNSET;
    lcf->auth_timeout = NGX_CONF_UNSET_MSEC;
    lcf->ping_interval = NGX_CONF_UNSET_MSEC;
    lcf->ping_timeout = NGX_CONF_UNSET_MSEC;
    lcf->away_time = NGX_CONF_UNSET_MSEC;
    lcf->request_timeout = NGX_CONF_UNSET_MSEC;
    lcf->max_message_set = NGX_CONF_UNSET_SIZE;
    lcf->deflate = NGX_CONF_UNSET;
    lcf->deflate_min_length = NGX_CONF_UNSET_SIZE;
    lcf->deflate_max_ratio = NGX_CONF_UNSET_UINT;
    lcf->send_queue = NGX_CONF_UNSET_SIZE;
    lcf->sndbuf = NGX_CONF_UNSET_SIZE;
    lcf->max_outstanding = NGX_CONF_UNSET_UINT;
    lcf->max_conversations = NGX_CONF_UNSET_UINT;
    lcf->presence_conversations = NGX_CONF_UNSET_UINT;
    lcf->presence_users = NGX_CONF_UNSET_UINT;
    lcf->max_members = NGX_CONF_UNSET_UINT;
    lcf->max_reactions = NGX_CONF_UNSET_UINT;
    lcf->max_mentions = NGX_CONF_UNSET_UINT;
    lcf->max_attachments = NGX_CONF_UNSET_UINT;
    lcf->typing_members = NGX_CONF_UNSET_UINT;
    lcf->ack = NGX_CONF_UNSET_UINT;
    lcf->session_log = NGX_CONF_UNSET_PTR;
    ngx_chat_limit_conf_init(&lcf->limit);
    lcf->revoke_stale = NGX_CONF_UNSET_UINT;

    return lcf;
}


static char *
ngx_chat_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_chat_loc_conf_t  *prev = parent;
    ngx_chat_loc_conf_t  *conf = child;

    char                      *rv;
    ngx_uint_t                 inherited;
    ngx_chat_srv_conf_t       *scf;
    ngx_chat_main_conf_t      *mcf;
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_chat_module);

    if (ngx_chat_log_add(cf, mcf, clcf->error_log) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    inherited = conf->websocket == NGX_CONF_UNSET
                && conf->echo == NGX_CONF_UNSET;

    ngx_conf_merge_value(conf->websocket, prev->websocket, 0);
    ngx_conf_merge_value(conf->echo, prev->echo, 0);
    ngx_conf_merge_value(conf->auth, prev->auth, 0);

    /* whose tokens are good is said in one place */

    if (conf->keys == NULL && conf->jwks == NULL) {
        conf->keys = prev->keys;
        conf->jwks = prev->jwks;
    }

    if (conf->origins == NULL && !conf->origin_any) {
        conf->origins = prev->origins;
        conf->origin_any = prev->origin_any;
    }

    ngx_conf_merge_ptr_value(conf->session_log, prev->session_log, NULL);
    conf->location = clcf->name;

    ngx_conf_merge_str_value(conf->issuer, prev->issuer, "");
    ngx_conf_merge_str_value(conf->audience, prev->audience, "");
    ngx_conf_merge_sec_value(conf->leeway, prev->leeway, 5);
    ngx_conf_merge_str_value(conf->token_cookie, prev->token_cookie, "");
    ngx_conf_merge_value(conf->token_query, prev->token_query, 0);

    if (conf->token_query && (conf->websocket || conf->auth)) {
        scf = ngx_http_conf_get_module_srv_conf(cf, ngx_chat_module);
        scf->token_query = 1;
        mcf->token_query = 1;
    }

    rv = ngx_chat_merge_limits(cf, prev, conf);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    return ngx_chat_merge_handler(cf, conf, inherited);
}


static char *
ngx_chat_merge_limits(ngx_conf_t *cf, ngx_chat_loc_conf_t *prev,
    ngx_chat_loc_conf_t *conf)
{
    ngx_conf_merge_msec_value(conf->auth_timeout, prev->auth_timeout, 5000);
    ngx_conf_merge_msec_value(conf->ping_interval, prev->ping_interval,
                              30000);
    ngx_conf_merge_msec_value(conf->ping_timeout, prev->ping_timeout, 20000);
    ngx_conf_merge_msec_value(conf->away_time, prev->away_time, 300000);
    ngx_conf_merge_msec_value(conf->request_timeout, prev->request_timeout,
                              5000);
    ngx_conf_merge_size_value(conf->send_queue, prev->send_queue, 256 * 1024);
    ngx_conf_merge_size_value(conf->sndbuf, prev->sndbuf, 32 * 1024);
    ngx_conf_merge_uint_value(conf->max_outstanding, prev->max_outstanding,
                              64);
    ngx_conf_merge_uint_value(conf->max_conversations,
                              prev->max_conversations, 1000);
    ngx_conf_merge_uint_value(conf->presence_conversations,
                              prev->presence_conversations, 100);
    ngx_conf_merge_uint_value(conf->presence_users, prev->presence_users,
                              1000);
    ngx_conf_merge_uint_value(conf->max_members, prev->max_members, 1000);
    ngx_conf_merge_uint_value(conf->max_reactions, prev->max_reactions, 200);
    ngx_conf_merge_uint_value(conf->max_mentions, prev->max_mentions, 50);
    ngx_conf_merge_uint_value(conf->max_attachments, prev->max_attachments,
                              10);
    ngx_conf_merge_uint_value(conf->typing_members, prev->typing_members,
                              1000);
    ngx_conf_merge_uint_value(conf->ack, prev->ack, NGX_CHAT_ACK_ACCEPTED);
    ngx_chat_limit_conf_merge(&prev->limit, &conf->limit);
    ngx_conf_merge_uint_value(conf->revoke_stale, prev->revoke_stale,
                              NGX_CHAT_REVOKE_ACCEPT);

    return ngx_chat_merge_message(cf, prev, conf);
}


/* what a message may be: an echo takes more, and queues none of it */

static char *
ngx_chat_merge_message(ngx_conf_t *cf, ngx_chat_loc_conf_t *prev,
    ngx_chat_loc_conf_t *conf)
{
    ngx_chat_main_conf_t  *mcf;

    ngx_conf_merge_value(conf->deflate, prev->deflate, 0);
    ngx_conf_merge_size_value(conf->deflate_min_length,
                              prev->deflate_min_length, 256);
    ngx_conf_merge_uint_value(conf->deflate_max_ratio,
                              prev->deflate_max_ratio, 100);

    if (conf->deflate) {
        mcf = ngx_http_conf_get_module_main_conf(cf, ngx_chat_module);
        mcf->deflate = 1;
    }

    if (conf->max_message_set == NGX_CONF_UNSET_SIZE) {
        conf->max_message_set = prev->max_message_set;
    }

    conf->max_message_size = conf->max_message_set;

    if (conf->max_message_size == NGX_CONF_UNSET_SIZE) {
        conf->max_message_size = conf->echo ? NGX_CHAT_MAX_ECHO_MESSAGE
                                            : 64 * 1024;
    }

    if (conf->echo) {
        return NGX_CONF_OK;
    }

    if (conf->max_message_size > NGX_CHAT_MAX_MESSAGE) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"chat_max_message_size\" must be between 1k and 1m, "
                      "but for \"chat_echo\"");
        return NGX_CONF_ERROR;
    }

    if (conf->send_queue < conf->max_message_size) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"chat_send_queue\" must not be less than "
                      "\"chat_max_message_size\"");
        return NGX_CONF_ERROR;
    }

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_chat_module);

    if (conf->websocket && mcf->node_queue < conf->send_queue) {
        ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                      "\"chat_node_queue\" is less than \"chat_send_queue\": "
                      "a single slow reader can make a process shed");
    }

    return NGX_CONF_OK;
}


/*
 * The flags are inherited, so the handler is set where they take effect.  A
 * location that serves something else is left to it, unless it says itself
 * that it is ours.
 */

static char *
ngx_chat_merge_handler(ngx_conf_t *cf, ngx_chat_loc_conf_t *conf,
    ngx_uint_t inherited)
{
    ngx_chat_main_conf_t      *mcf;
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_chat_module);

    if (conf->auth) {
        mcf->enabled = 1;

        /* a server has no name, and locations of its own to say it in */

        if (conf->keys == NULL && conf->jwks == NULL && clcf->name.len > 0) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "location \"%V\" has \"chat_auth\" but no "
                          "\"chat_token_key\" or \"chat_token_jwks\"",
                          &clcf->name);
            return NGX_CONF_ERROR;
        }
    }

    if (!conf->websocket && !conf->echo) {
        return NGX_CONF_OK;
    }

    if (clcf->handler != NULL) {

        if (inherited) {
            return NGX_CONF_OK;
        }

        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "location \"%V\" has \"%s\" and another handler",
                      &clcf->name,
                      conf->websocket ? "chat_websocket" : "chat_echo");
        return NGX_CONF_ERROR;
    }

    if (conf->websocket && conf->echo) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "location \"%V\" has both \"chat_websocket\" and "
                      "\"chat_echo\"", &clcf->name);
        return NGX_CONF_ERROR;
    }

    if (conf->websocket && conf->keys == NULL && conf->jwks == NULL) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "location \"%V\" has \"chat_websocket\" but no "
                      "\"chat_token_key\" or \"chat_token_jwks\"",
                      &clcf->name);
        return NGX_CONF_ERROR;
    }

    mcf->enabled = 1;
    mcf->websocket |= conf->websocket;

    clcf->handler = ngx_chat_handshake_handler;

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_chat_postconfiguration(ngx_conf_t *cf)
{
    ngx_array_t                *log;
    ngx_http_handler_pt        *h;
    ngx_chat_main_conf_t       *mcf;
    ngx_http_core_main_conf_t  *cmcf;

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_chat_module);

    if (mcf->websocket && mcf->redis.len == 0) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"chat_websocket\" is used but there is no "
                      "\"chat_redis\"");
        return NGX_ERROR;
    }

    if ((mcf->enabled || mcf->metrics)
        && ngx_chat_shm_add(cf, mcf) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (mcf->enabled && ngx_chat_limit_zone_add(cf, mcf) != NGX_OK) {
        return NGX_ERROR;
    }

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_POST_READ_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_chat_token_hide_handler;

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_ACCESS_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_chat_access_handler;

    /* in front: those who log are there already */

    log = &cmcf->phases[NGX_HTTP_LOG_PHASE].handlers;

    h = ngx_array_push(log);
    if (h == NULL) {
        return NGX_ERROR;
    }

    h = log->elts;
    ngx_memmove(h + 1, h, (log->nelts - 1) * sizeof(ngx_http_handler_pt));
    h[0] = ngx_chat_token_log_handler;

    return NGX_OK;
}


static ngx_int_t
ngx_chat_init_process(ngx_cycle_t *cycle)
{
    ngx_chat_main_conf_t  *mcf;

    mcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_chat_module);

    if (mcf == NULL || !mcf->enabled) {
        return NGX_OK;
    }

    /* not the cache manager and the like */

    if (ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE)
    {
        return NGX_OK;
    }

    /*
     * An error returned from here would end the worker with a code that
     * keeps the master from starting another: handshakes get 503 instead.
     */

    if (ngx_chat_log_init(cycle, mcf) != NGX_OK
        || ngx_chat_node_init(cycle, mcf) != NGX_OK)
    {
        ngx_log_error(NGX_LOG_CRIT, cycle->log, 0,
                      "chat: this process cannot serve sessions");
    }

    return NGX_OK;
}


static void
ngx_chat_exit_process(ngx_cycle_t *cycle)
{
    ngx_chat_main_conf_t  *mcf;

    mcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_chat_module);

    if (mcf != NULL && mcf->node != NULL) {
        ngx_chat_node_done(mcf);
    }
}
