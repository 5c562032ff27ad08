/*
 * Directives of limits: a rate with a burst, or a number; or "off".
 *
 * The defaults, and why they are what they are, stand in docs/directives.md.
 */

#include "ngx_chat.h"


#define NGX_CHAT_LIMIT_SECOND   1000000     /* microseconds */
#define NGX_CHAT_LIMIT_MAX      10000000    /* connections */


static char *ngx_chat_limit_conf_tokens(ngx_str_t *value, ngx_int_t *tokens,
    uint64_t *period);
static void ngx_chat_limit_conf_merge_rate(chat_limit_t *prev,
    chat_limit_t *rate, ngx_uint_t tokens, ngx_uint_t burst);


/* directive rate=20r/s [burst=200] | off; a burst of one second if not given */

char *
ngx_chat_limit_conf_rate(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char          *rv;
    chat_limit_t  *rate = (chat_limit_t *) ((u_char *) conf + cmd->offset);
    ngx_str_t     *value = cf->args->elts;
    ngx_int_t      tokens, burst;
    uint64_t       period;

    if (rate->interval != NGX_CHAT_LIMIT_UNSET) {
        return "is duplicate";
    }

    if (cf->args->nelts == 2 && ngx_strcmp(value[1].data, "off") == 0) {
        rate->interval = 0;
        return NGX_CONF_OK;
    }

    rv = ngx_chat_limit_conf_tokens(&value[1], &tokens, &period);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    burst = tokens;

    if (cf->args->nelts == 3) {

        if (ngx_strncmp(value[2].data, "burst=", 6) != 0) {
            return "must be \"off\", or like \"rate=20r/s burst=200\"";
        }

        burst = ngx_atoi(value[2].data + 6, value[2].len - 6);
    }

    if (burst <= 0
        || chat_limit_set(rate, tokens, period, burst) != CHAT_OK)
    {
        return "must have a rate and a burst between 1 and 1000000";
    }

    return NGX_CONF_OK;
}


static char *
ngx_chat_limit_conf_tokens(ngx_str_t *value, ngx_int_t *tokens,
    uint64_t *period)
{
    u_char  *p = value->data, *last = value->data + value->len;

    if (value->len < sizeof("rate=1r/s") - 1
        || ngx_strncmp(p, "rate=", 5) != 0)
    {
        return "must be \"off\", or like \"rate=20r/s burst=200\"";
    }

    *period = NGX_CHAT_LIMIT_SECOND;

    if (ngx_strncmp(last - 3, "r/m", 3) == 0) {
        *period = 60 * NGX_CHAT_LIMIT_SECOND;

    } else if (ngx_strncmp(last - 3, "r/s", 3) != 0) {
        return "must be \"off\", or like \"rate=20r/s burst=200\"";
    }

    *tokens = ngx_atoi(p + 5, last - 3 - (p + 5));

    if (*tokens <= 0) {
        return "must have a rate and a burst between 1 and 1000000";
    }

    return NGX_CONF_OK;
}


/* directive number | off */

char *
ngx_chat_limit_conf_max(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_int_t    n;
    ngx_str_t   *value = cf->args->elts;
    ngx_uint_t  *max = (ngx_uint_t *) ((u_char *) conf + cmd->offset);

    if (*max != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    if (ngx_strcmp(value[1].data, "off") == 0) {
        *max = 0;
        return NGX_CONF_OK;
    }

    n = ngx_atoi(value[1].data, value[1].len);

    if (n <= 0 || n > NGX_CHAT_LIMIT_MAX) {
        return "must be \"off\" or between 1 and 10000000";
    }

    *max = n;

    return NGX_CONF_OK;
}


void
ngx_chat_limit_conf_init(ngx_chat_limit_conf_t *limit)
{
    limit->handshake_rate.interval = NGX_CHAT_LIMIT_UNSET;
    limit->request_rate.interval = NGX_CHAT_LIMIT_UNSET;
    limit->message_rate.interval = NGX_CHAT_LIMIT_UNSET;
    limit->typing_rate.interval = NGX_CHAT_LIMIT_UNSET;
    limit->frame_rate.interval = NGX_CHAT_LIMIT_UNSET;

    limit->max_per_address = NGX_CONF_UNSET_UINT;
    limit->max_per_user = NGX_CONF_UNSET_UINT;
    limit->max_unauthenticated = NGX_CONF_UNSET_UINT;
}


void
ngx_chat_limit_conf_merge(ngx_chat_limit_conf_t *prev,
    ngx_chat_limit_conf_t *limit)
{
    ngx_chat_limit_conf_merge_rate(&prev->handshake_rate,
                                   &limit->handshake_rate, 100, 2000);
    ngx_chat_limit_conf_merge_rate(&prev->request_rate, &limit->request_rate,
                                   50, 500);
    ngx_chat_limit_conf_merge_rate(&prev->message_rate, &limit->message_rate,
                                   10, 100);
    ngx_chat_limit_conf_merge_rate(&prev->typing_rate, &limit->typing_rate,
                                   5, 20);
    ngx_chat_limit_conf_merge_rate(&prev->frame_rate, &limit->frame_rate,
                                   200, 2000);

    ngx_conf_merge_uint_value(limit->max_per_address, prev->max_per_address,
                              2000);
    ngx_conf_merge_uint_value(limit->max_per_user, prev->max_per_user, 200);
    ngx_conf_merge_uint_value(limit->max_unauthenticated,
                              prev->max_unauthenticated, 1000);
}


static void
ngx_chat_limit_conf_merge_rate(chat_limit_t *prev, chat_limit_t *rate,
    ngx_uint_t tokens, ngx_uint_t burst)
{
    if (rate->interval != NGX_CHAT_LIMIT_UNSET) {
        return;
    }

    *rate = *prev;

    if (rate->interval == NGX_CHAT_LIMIT_UNSET) {
        rate->interval = NGX_CHAT_LIMIT_SECOND / tokens;
        rate->depth = rate->interval * burst;
    }
}
