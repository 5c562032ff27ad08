/*
 * chat_redis: where Redis is, and how it is talked to.
 */

#include "ngx_chat.h"

#include <sys/un.h>


#define NGX_CHAT_CONF_REDIS_PORT   6379
#define NGX_CHAT_CONF_MAX_DB       65535
#define NGX_CHAT_CONF_MIN_TIMEOUT  100
#define NGX_CHAT_CONF_MAX_TIMEOUT  60000
#define NGX_CHAT_CONF_DEF_TIMEOUT  5000

/* the largest message must fit, and what goes with it */
#define NGX_CHAT_CONF_MIN_PENDING  (2 * 1024 * 1024)
#define NGX_CHAT_CONF_DEF_PENDING  (8 * 1024 * 1024)


static char *ngx_chat_conf_redis_address(ngx_conf_t *cf, ngx_str_t *value,
    ngx_chat_main_conf_t *mcf);
static char *ngx_chat_conf_redis_path(ngx_conf_t *cf, ngx_str_t *path,
    ngx_chat_main_conf_t *mcf);
static char *ngx_chat_conf_redis_db(ngx_conf_t *cf, ngx_str_t *value,
    void *conf);
static char *ngx_chat_conf_redis_password(ngx_conf_t *cf, ngx_str_t *value,
    void *conf);
static char *ngx_chat_conf_redis_timeout(ngx_conf_t *cf, ngx_str_t *value,
    void *conf);
static char *ngx_chat_conf_redis_max_pending(ngx_conf_t *cf,
    ngx_str_t *value, void *conf);


static ngx_chat_conf_parameter_t  ngx_chat_conf_redis_parameters[] = {
    { ngx_string("db"), ngx_chat_conf_redis_db },
    { ngx_string("password_file"), ngx_chat_conf_redis_password },
    { ngx_string("timeout"), ngx_chat_conf_redis_timeout },
    { ngx_string("max_pending"), ngx_chat_conf_redis_max_pending },
};


/* chat_redis address[:port] | unix:path [parameter=value ...] */

char *
ngx_chat_conf_redis(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char       *rv;
    ngx_str_t  *value;

    ngx_chat_main_conf_t  *mcf = conf;

    (void) cmd;

    if (mcf->redis.data != NULL) {
        return "is duplicate";
    }

    value = cf->args->elts;

    mcf->redis = value[1];
    mcf->redis_timeout = NGX_CHAT_CONF_DEF_TIMEOUT;
    mcf->redis_max_pending = NGX_CHAT_CONF_DEF_PENDING;

    rv = ngx_chat_conf_redis_address(cf, &value[1], mcf);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    return ngx_chat_conf_parameters(cf, 2, ngx_chat_conf_redis_parameters,
                          ngx_chat_conf_count(ngx_chat_conf_redis_parameters),
                          mcf);
}


static char *
ngx_chat_conf_redis_address(ngx_conf_t *cf, ngx_str_t *value,
    ngx_chat_main_conf_t *mcf)
{
    size_t      len;
    u_char     *text;
    ngx_int_t   rc;
    ngx_str_t   path;
    ngx_addr_t  addr;

    if (ngx_strncmp(value->data, "unix:", 5) == 0) {
        path.data = value->data + 5;
        path.len = value->len - 5;
        return ngx_chat_conf_redis_path(cf, &path, mcf);
    }

    rc = ngx_parse_addr_port(cf->pool, &addr, value->data, value->len);

    if (rc == NGX_ERROR) {
        return NGX_CONF_ERROR;
    }

    if (rc == NGX_DECLINED) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid address \"%V\" in \"chat_redis\": it must "
                           "be a numeric address, with or without a port, or "
                           "\"unix:\" and a path; names are not resolved",
                           value);
        return NGX_CONF_ERROR;
    }

    mcf->redis_port = ngx_inet_get_port(addr.sockaddr);

    if (mcf->redis_port == 0) {
        mcf->redis_port = NGX_CHAT_CONF_REDIS_PORT;
    }

    text = ngx_pnalloc(cf->pool, NGX_SOCKADDR_STRLEN + 1);
    if (text == NULL) {
        return NGX_CONF_ERROR;
    }

    len = ngx_sock_ntop(addr.sockaddr, addr.socklen, text,
                        NGX_SOCKADDR_STRLEN, 0);
    text[len] = '\0';

    mcf->redis_host.data = text;
    mcf->redis_host.len = len;

    return NGX_CONF_OK;
}


static char *
ngx_chat_conf_redis_path(ngx_conf_t *cf, ngx_str_t *path,
    ngx_chat_main_conf_t *mcf)
{
    struct sockaddr_un  sun;

    if (path->len == 0 || path->data[0] != '/'
        || path->len >= sizeof(sun.sun_path))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid path \"%V\" in \"chat_redis\": it must "
                           "begin with \"/\" and have at most %uz characters",
                           path, sizeof(sun.sun_path) - 1);
        return NGX_CONF_ERROR;
    }

    /* words of the configuration end with '\0' */

    mcf->redis_host = *path;
    mcf->redis_port = 0;

    return NGX_CONF_OK;
}


static char *
ngx_chat_conf_redis_db(ngx_conf_t *cf, ngx_str_t *value, void *conf)
{
    ngx_int_t              n;
    ngx_chat_main_conf_t  *mcf = conf;

    (void) cf;

    n = ngx_atoi(value->data, value->len);

    if (n == NGX_ERROR || n > NGX_CHAT_CONF_MAX_DB) {
        return "it must be a number";
    }

    mcf->redis_db = n;

    return NGX_CONF_OK;
}


static char *
ngx_chat_conf_redis_password(ngx_conf_t *cf, ngx_str_t *value, void *conf)
{
    ngx_chat_main_conf_t  *mcf = conf;

    return ngx_chat_conf_secret(cf, value, &mcf->redis_password);
}


static char *
ngx_chat_conf_redis_timeout(ngx_conf_t *cf, ngx_str_t *value, void *conf)
{
    ngx_int_t              n;
    ngx_chat_main_conf_t  *mcf = conf;

    (void) cf;

    n = ngx_parse_time(value, 0);

    if (n == NGX_ERROR || n < NGX_CHAT_CONF_MIN_TIMEOUT
        || n > NGX_CHAT_CONF_MAX_TIMEOUT)
    {
        return "it must be between 100ms and 1m";
    }

    mcf->redis_timeout = n;

    return NGX_CONF_OK;
}


static char *
ngx_chat_conf_redis_max_pending(ngx_conf_t *cf, ngx_str_t *value, void *conf)
{
    ssize_t                n;
    ngx_chat_main_conf_t  *mcf = conf;

    (void) cf;

    n = ngx_parse_size(value);

    if (n == NGX_ERROR || n < NGX_CHAT_CONF_MIN_PENDING) {
        return "it must be a size of at least 2m";
    }

    mcf->redis_max_pending = n;

    return NGX_CONF_OK;
}
