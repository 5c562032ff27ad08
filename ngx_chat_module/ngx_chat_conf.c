/*
 * ngx_chat_conf.c: directives that take more than one word, and the ranges of
 * those that take a number.
 */

#include "ngx_chat.h"


#define NGX_CHAT_CONF_MAX_FILE    16384     /* bytes of a secret */
#define NGX_CHAT_CONF_MIN_CANARY  1000
#define NGX_CHAT_CONF_MAX_CANARY  (60 * 60 * 1000)


static char *ngx_chat_conf_check(ngx_conf_t *cf, ngx_chat_conf_range_t *range,
    ngx_uint_t in_range);
static char *ngx_chat_conf_origin_check(ngx_conf_t *cf, ngx_str_t *value);
static ngx_uint_t ngx_chat_conf_find(ngx_chat_conf_parameter_t *known,
    ngx_uint_t n, ngx_str_t *arg, ngx_str_t *value);
static ngx_int_t ngx_chat_conf_read(ngx_conf_t *cf, ngx_str_t *name,
    ngx_str_t *text);


char *
ngx_chat_conf_check_num(ngx_conf_t *cf, void *post, void *data)
{
    ngx_int_t              *np = data;
    ngx_chat_conf_range_t  *range = post;

    return ngx_chat_conf_check(cf, range, *np >= (ngx_int_t) range->min
                                          && *np <= (ngx_int_t) range->max);
}


char *
ngx_chat_conf_check_size(ngx_conf_t *cf, void *post, void *data)
{
    size_t                 *sp = data;
    ngx_chat_conf_range_t  *range = post;

    return ngx_chat_conf_check(cf, range, *sp >= range->min
                                          && *sp <= range->max);
}


char *
ngx_chat_conf_check_msec(ngx_conf_t *cf, void *post, void *data)
{
    ngx_msec_t             *msp = data;
    ngx_chat_conf_range_t  *range = post;

    return ngx_chat_conf_check(cf, range, *msp >= range->min
                                          && *msp <= range->max);
}


char *
ngx_chat_conf_check_sec(ngx_conf_t *cf, void *post, void *data)
{
    time_t                 *tp = data;
    ngx_chat_conf_range_t  *range = post;

    return ngx_chat_conf_check(cf, range, *tp >= (time_t) range->min
                                          && *tp <= (time_t) range->max);
}


static char *
ngx_chat_conf_check(ngx_conf_t *cf, ngx_chat_conf_range_t *range,
    ngx_uint_t in_range)
{
    if (in_range) {
        return NGX_CONF_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"%s\" must be between %s",
                       range->name, range->text);

    return NGX_CONF_ERROR;
}


/* chat_origin any | origin ... */

char *
ngx_chat_conf_origin(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char                 *rv;
    ngx_str_t            *value, *origin;
    ngx_uint_t            i;
    ngx_chat_loc_conf_t  *lcf = conf;

    (void) cmd;

    if (lcf->origins != NULL || lcf->origin_any) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (cf->args->nelts == 2 && ngx_strcmp(value[1].data, "any") == 0) {
        lcf->origin_any = 1;
        return NGX_CONF_OK;
    }

    lcf->origins = ngx_array_create(cf->pool, cf->args->nelts - 1,
                                    sizeof(ngx_str_t));
    if (lcf->origins == NULL) {
        return NGX_CONF_ERROR;
    }

    for (i = 1; i < cf->args->nelts; i++) {
        rv = ngx_chat_conf_origin_check(cf, &value[i]);
        if (rv != NGX_CONF_OK) {
            return rv;
        }

        origin = ngx_array_push(lcf->origins);
        if (origin == NULL) {
            return NGX_CONF_ERROR;
        }

        *origin = value[i];
    }

    return NGX_CONF_OK;
}


/* scheme://host[:port], where "*." may stand for any first labels */

static char *
ngx_chat_conf_origin_check(ngx_conf_t *cf, ngx_str_t *value)
{
    u_char  *p, *last;

    last = value->data + value->len;

    p = ngx_strnstr(value->data, "://", value->len);

    if (p == NULL || p == value->data) {
        goto invalid;
    }

    p += sizeof("://") - 1;

    if (last - p > 2 && p[0] == '*' && p[1] == '.') {
        p += 2;
    }

    if (p == last) {
        goto invalid;
    }

    for ( /* void */ ; p < last; p++) {
        if (*p <= ' ' || *p >= 0x7f || ngx_strchr("/*?#@", *p) != NULL) {
            goto invalid;
        }
    }

    return NGX_CONF_OK;

invalid:

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid origin \"%V\" in \"chat_origin\": it must be "
                       "like \"https://example.com\", "
                       "\"https://*.example.com\", or \"any\" alone", value);

    return NGX_CONF_ERROR;
}


/* chat_canary time | off */

char *
ngx_chat_conf_canary(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_int_t              n;
    ngx_str_t             *value;
    ngx_chat_main_conf_t  *mcf = conf;

    (void) cmd;

    if (mcf->canary != NGX_CONF_UNSET_MSEC) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "off") == 0) {
        mcf->canary = 0;
        return NGX_CONF_OK;
    }

    n = ngx_parse_time(&value[1], 0);

    if (n == NGX_ERROR || n < NGX_CHAT_CONF_MIN_CANARY
        || n > NGX_CHAT_CONF_MAX_CANARY)
    {
        return "must be \"off\" or between 1s and 1h";
    }

    mcf->canary = n;

    return NGX_CONF_OK;
}


/* chat_health live | ready */

char *
ngx_chat_conf_health(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_str_t                 *value;
    ngx_http_core_loc_conf_t  *clcf;

    (void) cmd;
    (void) conf;

    value = cf->args->elts;
    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->handler != NULL) {
        return "is duplicate, or the location has another handler";
    }

    if (ngx_strcmp(value[1].data, "live") == 0) {
        clcf->handler = ngx_chat_health_live_handler;
        return NGX_CONF_OK;
    }

    if (ngx_strcmp(value[1].data, "ready") == 0) {
        clcf->handler = ngx_chat_health_ready_handler;
        return NGX_CONF_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid value \"%V\" in \"chat_health\": it must be "
                       "\"live\" or \"ready\"", &value[1]);

    return NGX_CONF_ERROR;
}


/* chat_status [prometheus | json] */

char *
ngx_chat_conf_status(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_str_t                 *value;
    ngx_chat_loc_conf_t       *lcf = conf;
    ngx_chat_main_conf_t      *mcf;
    ngx_http_core_loc_conf_t  *clcf;

    (void) cmd;

    value = cf->args->elts;
    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->handler != NULL) {
        return "is duplicate, or the location has another handler";
    }

    if (cf->args->nelts == 2) {

        if (ngx_strcmp(value[1].data, "json") == 0) {
            lcf->status_json = 1;

        } else if (ngx_strcmp(value[1].data, "prometheus") != 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid value \"%V\" in \"chat_status\": it "
                               "must be \"prometheus\" or \"json\"",
                               &value[1]);
            return NGX_CONF_ERROR;
        }
    }

    clcf->handler = ngx_chat_metrics_handler;

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_chat_module);
    mcf->metrics = 1;

    return NGX_CONF_OK;
}


char *
ngx_chat_conf_parameters(ngx_conf_t *cf, ngx_uint_t first,
    ngx_chat_conf_parameter_t *known, ngx_uint_t n, void *conf)
{
    char        *rv;
    ngx_str_t   *arg, *directive, value;
    ngx_uint_t   i, k, seen;

    seen = 0;
    arg = cf->args->elts;
    directive = &arg[0];

    for (i = first; i < cf->args->nelts; i++) {
        k = ngx_chat_conf_find(known, n, &arg[i], &value);

        if (k == n) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "unknown parameter \"%V\" in \"%V\"", &arg[i],
                               directive);
            return NGX_CONF_ERROR;
        }

        if (seen & ((ngx_uint_t) 1 << k)) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "duplicate parameter \"%V\" in \"%V\"",
                               &known[k].name, directive);
            return NGX_CONF_ERROR;
        }

        seen |= (ngx_uint_t) 1 << k;

        rv = known[k].set(cf, &value, conf);

        if (rv == NGX_CONF_OK) {
            continue;
        }

        if (rv != NGX_CONF_ERROR) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\" in \"%V\": %s",
                               &arg[i], directive, rv);
        }

        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/* which of the n known ones it is, or n */

static ngx_uint_t
ngx_chat_conf_find(ngx_chat_conf_parameter_t *known, ngx_uint_t n,
    ngx_str_t *arg, ngx_str_t *value)
{
    size_t      len;
    ngx_uint_t  k;

    for (k = 0; k < n; k++) {
        len = known[k].name.len;

        if (arg->len > len && arg->data[len] == '='
            && ngx_memcmp(arg->data, known[k].name.data, len) == 0)
        {
            value->data = arg->data + len + 1;
            value->len = arg->len - len - 1;
            break;
        }
    }

    return k;
}


char *
ngx_chat_conf_secret(ngx_conf_t *cf, ngx_str_t *file, ngx_str_t *secret)
{
    ngx_str_t  name;

    name = *file;

    if (name.len == 0) {
        return "it must be the name of a file";
    }

    if (ngx_conf_full_name(cf->cycle, &name, 1) != NGX_OK
        || ngx_chat_conf_read(cf, &name, secret) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (secret->len && secret->data[secret->len - 1] == LF) {
        secret->len--;

        if (secret->len && secret->data[secret->len - 1] == CR) {
            secret->len--;
        }
    }

    secret->data[secret->len] = '\0';

    if (secret->len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"%V\" is empty", &name);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_chat_conf_read(ngx_conf_t *cf, ngx_str_t *name, ngx_str_t *text)
{
    ssize_t    n;
    ngx_fd_t   fd;

    text->data = ngx_pnalloc(cf->pool, NGX_CHAT_CONF_MAX_FILE + 1);
    if (text->data == NULL) {
        return NGX_ERROR;
    }

    fd = ngx_open_file(name->data, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_open_file_n " \"%V\" failed", name);
        return NGX_ERROR;
    }

    n = ngx_read_fd(fd, text->data, NGX_CHAT_CONF_MAX_FILE + 1);

    if (n == -1) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_read_fd_n " \"%V\" failed", name);

    } else if (n > NGX_CHAT_CONF_MAX_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"%V\" is too large", name);
        n = -1;
    }

    if (ngx_close_file(fd) == NGX_FILE_ERROR) {
        ngx_conf_log_error(NGX_LOG_ALERT, cf, ngx_errno,
                           ngx_close_file_n " \"%V\" failed", name);
    }

    if (n == -1) {
        return NGX_ERROR;
    }

    text->len = n;

    return NGX_OK;
}
