/*
 * ngx_chat_log.c: what nginx itself says of a connection, without tokens.  A
 * request that it cannot read sees no phase of ours, and is quoted in the
 * error log: the line that is too long, that is there twice or that has a bad
 * character, and the request line with all of its query.
 *
 *      | time [level] message, | client, server, request, ... |
 *      ^ start                 ^ buf      a handler's part    ^ p
 *
 * ngx_log_error_core() lets the connection's log handler add to the line, and
 * gives it all that is left of an array of NGX_MAX_ERROR_STR bytes; so it
 * knows where the line begins.  Ours goes around nginx's own.
 */

#include "ngx_chat.h"


/* how much of a token there must be to take it for one */

#define NGX_CHAT_LOG_MIN_TOKEN  16


static void ngx_chat_log_connection(ngx_connection_t *c);
static u_char *ngx_chat_log_handler(ngx_log_t *log, u_char *buf, size_t len);
static void ngx_chat_log_mask(u_char *p, u_char *last);
static ngx_uint_t ngx_chat_log_token(u_char *p, u_char *last);


void
ngx_chat_log_init(ngx_cycle_t *cycle)
{
    ngx_uint_t        i;
    ngx_listening_t  *ls;

    ls = cycle->listening.elts;

    for (i = 0; i < cycle->listening.nelts; i++) {

        if (ls[i].handler == ngx_http_init_connection) {
            ls[i].handler = ngx_chat_log_connection;
        }
    }
}


static void
ngx_chat_log_connection(ngx_connection_t *c)
{
    ngx_chat_main_conf_t  *mcf;

    ngx_http_init_connection(c);

    if (c->fd == (ngx_socket_t) -1) {
        return;                         /* it has ended already */
    }

    mcf = ngx_http_cycle_get_module_main_conf(ngx_cycle, ngx_chat_module);

    /* the same for all, but nginx does not tell its name */

    mcf->log_handler = c->log->handler;
    c->log->handler = ngx_chat_log_handler;
}


static u_char *
ngx_chat_log_handler(ngx_log_t *log, u_char *buf, size_t len)
{
    u_char                *p;
    ngx_chat_main_conf_t  *mcf;

    mcf = ngx_http_cycle_get_module_main_conf(ngx_cycle, ngx_chat_module);

    p = mcf->log_handler ? mcf->log_handler(log, buf, len) : buf;

    ngx_chat_log_mask(buf + len - NGX_MAX_ERROR_STR, p);

    return p;
}


/* to the end of what is quoted: a token in two pieces has but one beginning */

static void
ngx_chat_log_mask(u_char *p, u_char *last)
{
    for ( /* void */ ; p < last; p++) {

        if (*p != 'e' || !ngx_chat_log_token(p, last)) {
            continue;
        }

        while (p < last && *p != '"') {
            *p++ = '*';
        }
    }
}


/*
 * A JOSE header in base64url is the beginning of JSON's "{" and then a quote
 * ("ey") or white space.
 */

static ngx_uint_t
ngx_chat_log_token(u_char *p, u_char *last)
{
    ngx_uint_t  i;

    if (last - p < NGX_CHAT_LOG_MIN_TOKEN) {
        return 0;
    }

    if (!(p[1] == 'y' && p[2] >= 'A' && p[2] <= 'L')
        && !(p[1] == 'w' && ((p[2] >= 'k' && p[2] <= 'r')
                             || (p[2] >= '0' && p[2] <= '3'))))
    {
        return 0;
    }

    for (i = 3; i < NGX_CHAT_LOG_MIN_TOKEN; i++) {

        if (!(p[i] >= 'a' && p[i] <= 'z') && !(p[i] >= 'A' && p[i] <= 'Z')
            && !(p[i] >= '0' && p[i] <= '9') && p[i] != '-' && p[i] != '_'
            && p[i] != '.')
        {
            return 0;
        }
    }

    return 1;
}
