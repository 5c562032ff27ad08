/*
 * ngx_chat_log.c: what nginx itself says of requests, without tokens.  One
 * that it cannot read sees no phase of ours, and is quoted in the error log:
 * the line that is too long, that is there twice or that has a bad character,
 * and the request line with all of its query.
 *
 * A handler of the connection's log would not do: nginx sets its own again for
 * each request but the first.  So it is the logs themselves that write through
 * us, all that requests may use, in each worker process.
 */

#include "ngx_chat.h"


/* how much of a token there must be to take it for one */

#define NGX_CHAT_LOG_MIN_TOKEN  16


/* who writes what we have masked: syslog or a ring of memory.  Owner: the
   cycle's pool; a file has none */

typedef struct {
    ngx_log_writer_pt   writer;
    void               *data;
} ngx_chat_log_next_t;


static ngx_int_t ngx_chat_log_wrap(ngx_cycle_t *cycle, ngx_log_t *log);
static void ngx_chat_log_write(ngx_log_t *log, ngx_uint_t level, u_char *buf,
    size_t len);
static void ngx_chat_log_mask(u_char *p, u_char *last);
static ngx_uint_t ngx_chat_log_token(u_char *p, u_char *last);


ngx_int_t
ngx_chat_log_add(ngx_conf_t *cf, ngx_chat_main_conf_t *mcf, ngx_log_t *log)
{
    ngx_uint_t   i;
    ngx_log_t  **logs;

    if (mcf->logs == NULL) {
        mcf->logs = ngx_array_create(cf->pool, 4, sizeof(ngx_log_t *));
        if (mcf->logs == NULL) {
            return NGX_ERROR;
        }
    }

    logs = mcf->logs->elts;

    for (i = 0; i < mcf->logs->nelts; i++) {
        if (logs[i] == log) {
            return NGX_OK;
        }
    }

    logs = ngx_array_push(mcf->logs);
    if (logs == NULL) {
        return NGX_ERROR;
    }

    *logs = log;

    return NGX_OK;
}


/* listening sockets have copies, which connections begin with */

ngx_int_t
ngx_chat_log_init(ngx_cycle_t *cycle, ngx_chat_main_conf_t *mcf)
{
    ngx_uint_t         i;
    ngx_log_t        **logs;
    ngx_listening_t   *ls;

    if (ngx_chat_log_wrap(cycle, &cycle->new_log) != NGX_OK) {
        return NGX_ERROR;
    }

    logs = mcf->logs->elts;

    for (i = 0; i < mcf->logs->nelts; i++) {
        if (ngx_chat_log_wrap(cycle, logs[i]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    ls = cycle->listening.elts;

    for (i = 0; i < cycle->listening.nelts; i++) {
        if (ngx_chat_log_wrap(cycle, &ls[i].log) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* a log, and those that follow it, which may have been done before */

static ngx_int_t
ngx_chat_log_wrap(ngx_cycle_t *cycle, ngx_log_t *log)
{
    ngx_chat_log_next_t  *next;

    for ( /* void */ ; log != NULL; log = log->next) {

        if (log->writer == ngx_chat_log_write) {
            continue;
        }

        next = NULL;

        if (log->writer != NULL) {
            next = ngx_palloc(cycle->pool, sizeof(ngx_chat_log_next_t));
            if (next == NULL) {
                return NGX_ERROR;
            }

            next->writer = log->writer;
            next->data = log->wdata;
        }

        log->writer = ngx_chat_log_write;
        log->wdata = next;
    }

    return NGX_OK;
}


/* a line with its end; to a file as nginx does it */

static void
ngx_chat_log_write(ngx_log_t *log, ngx_uint_t level, u_char *buf, size_t len)
{
    ngx_log_t             copy;
    ngx_chat_log_next_t  *next = log->wdata;

    ngx_chat_log_mask(buf, buf + len - NGX_LINEFEED_SIZE);

    if (next != NULL) {
        copy = *log;
        copy.writer = next->writer;
        copy.wdata = next->data;

        next->writer(&copy, level, buf, len);
        return;
    }

    if (ngx_time() == log->disk_full_time) {
        return;                         /* once a second is enough */
    }

    if (ngx_write_fd(log->file->fd, buf, len) == -1
        && ngx_errno == NGX_ENOSPC)
    {
        log->disk_full_time = ngx_time();
    }
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
