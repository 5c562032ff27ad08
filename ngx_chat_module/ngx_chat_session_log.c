/*
 * chat_session_log: who was connected, from when to when, and what was done.
 * A line of JSON when a session starts and one when it ends; one between them
 * if it starts without a user and shows a token later.
 *
 * Each is one write to the end of the file, so that processes do not mix
 * theirs.  If it fails, the line is lost, and the session knows nothing of it.
 */

#include "ngx_chat.h"


#define NGX_CHAT_SESSION_LOG_LINE      2048     /* bytes, at most */
#define NGX_CHAT_SESSION_LOG_LOCATION  128      /* of them, before escapes */
#define NGX_CHAT_SESSION_LOG_SILENT    60000    /* ms between complaints */


static ngx_uint_t ngx_chat_session_log_is_path(ngx_str_t *path);
static void ngx_chat_session_log_begin(ngx_chat_session_t *s,
    chat_writer_t *w, u_char *line, const char *event);
static void ngx_chat_session_log_location(ngx_chat_session_t *s,
    chat_writer_t *w);
static void ngx_chat_session_log_name(ngx_chat_session_t *s,
    chat_writer_t *w);
static void ngx_chat_session_log_uint(chat_writer_t *w, const char *name,
    uint64_t n);
static void ngx_chat_session_log_write(ngx_chat_session_t *s,
    chat_writer_t *w, u_char *line);
static void ngx_chat_session_log_failed(ngx_chat_session_t *s, ngx_err_t err);


/* chat_session_log path | off */

char *
ngx_chat_session_log_conf(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_str_t               *value;
    ngx_chat_loc_conf_t     *lcf = conf;
    ngx_chat_session_log_t  *log;

    (void) cmd;

    if (lcf->session_log != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "off") == 0) {
        lcf->session_log = NULL;
        return NGX_CONF_OK;
    }

    if (!ngx_chat_session_log_is_path(&value[1])) {
        return "must be the path of a file, or \"off\"";
    }

    log = ngx_pcalloc(cf->pool, sizeof(ngx_chat_session_log_t));
    if (log == NULL) {
        return NGX_CONF_ERROR;
    }

    log->file = ngx_conf_open_file(cf->cycle, &value[1]);
    if (log->file == NULL) {
        return NGX_CONF_ERROR;
    }

    lcf->session_log = log;

    return NGX_CONF_OK;
}


/* what access_log takes besides would make files of such names */

static ngx_uint_t
ngx_chat_session_log_is_path(ngx_str_t *path)
{
    return path->len > 0
           && ngx_strcmp(path->data, "on") != 0
           && ngx_strncmp(path->data, "syslog:", sizeof("syslog:") - 1) != 0
           && ngx_strchr(path->data, '$') == NULL;
}


void
ngx_chat_session_log_start(ngx_chat_session_t *s)
{
    u_char             line[NGX_CHAT_SESSION_LOG_LINE];
    chat_writer_t      w;
    ngx_connection_t  *c = s->connection;

    if (s->conf->session_log == NULL) {
        return;
    }

    ngx_chat_session_log_begin(s, &w, line, "start");
    ngx_chat_session_log_name(s, &w);
    chat_write_cstr(&w, ",\"address\":");
    chat_write_string(&w, ngx_chat_str(&s->addr_text));
    ngx_chat_session_log_location(s, &w);
    chat_write_cstr(&w, ",\"tls\":");

    if (c->ssl) {
        chat_write_cstr(&w, "\"");
        chat_write_cstr(&w, SSL_get_version(c->ssl->connection));
        chat_write_cstr(&w, "\"");

    } else {
        chat_write_cstr(&w, "null");
    }

    chat_write_cstr(&w, ",\"deflate\":");
    chat_write_cstr(&w, s->window_bits ? "true" : "false");

    ngx_chat_session_log_write(s, &w, line);
}


void
ngx_chat_session_log_user(ngx_chat_session_t *s)
{
    u_char         line[NGX_CHAT_SESSION_LOG_LINE];
    chat_writer_t  w;

    if (s->conf->session_log == NULL) {
        return;
    }

    ngx_chat_session_log_begin(s, &w, line, "user");
    ngx_chat_session_log_name(s, &w);
    ngx_chat_session_log_write(s, &w, line);
}


void
ngx_chat_session_log_end(ngx_chat_session_t *s)
{
    u_char         line[NGX_CHAT_SESSION_LOG_LINE];
    const char    *by;
    ngx_msec_t     lived;
    chat_writer_t  w;

    if (s->conf->session_log == NULL) {
        return;
    }

    lived = ngx_current_msec - s->opened;
    by = s->close_code == NGX_CHAT_CLOSE_ABNORMAL ? "none"
         : s->left ? "client" : "server";

    ngx_chat_session_log_begin(s, &w, line, "end");
    ngx_chat_session_log_name(s, &w);
    chat_write_cstr(&w, ",\"address\":");
    chat_write_string(&w, ngx_chat_str(&s->addr_text));
    ngx_chat_session_log_uint(&w, "milliseconds", lived);
    ngx_chat_session_log_uint(&w, "code", s->close_code);
    chat_write_cstr(&w, ",\"by\":\"");
    chat_write_cstr(&w, by);
    chat_write_cstr(&w, "\",\"reason\":");
    chat_write_string(&w, (chat_str_t) { (const u_char *) s->reason,
                                         ngx_strlen(s->reason) });
    ngx_chat_session_log_uint(&w, "messagesReceived", s->messages);
    ngx_chat_session_log_uint(&w, "framesSent", s->frames_sent);
    ngx_chat_session_log_uint(&w, "bytesReceived", s->bytes);
    ngx_chat_session_log_uint(&w, "bytesSent", s->connection->sent);

    ngx_chat_session_log_write(s, &w, line);
}


static void
ngx_chat_session_log_begin(ngx_chat_session_t *s, chat_writer_t *w,
    u_char *line, const char *event)
{
    chat_writer_init(w, line, NGX_CHAT_SESSION_LOG_LINE);

    if (s->conf->session_log->torn) {
        chat_write_cstr(w, "\n");       /* what is left of the last one ends */
    }

    chat_write_cstr(w, "{\"time\":");
    chat_write_time(w, ngx_chat_now());
    chat_write_cstr(w, ",\"event\":\"");
    chat_write_cstr(w, event);
    chat_write_cstr(w, "\",\"session\":");
    chat_write_string(w, (chat_str_t) { s->id, CHAT_ID_LEN });
}


/* whole characters of it; a file of nginx may hold what is no text for JSON */

static void
ngx_chat_session_log_location(ngx_chat_session_t *s, chat_writer_t *w)
{
    chat_str_t  name = ngx_chat_str(&s->conf->location);

    if (name.len > NGX_CHAT_SESSION_LOG_LOCATION) {
        name.len = NGX_CHAT_SESSION_LOG_LOCATION;

        while (name.len > 0 && (name.data[name.len] & 0xc0) == 0x80) {
            name.len--;
        }
    }

    chat_write_cstr(w, ",\"location\":");

    if (chat_utf8_valid(name)) {
        chat_write_string(w, name);
    } else {
        chat_write_cstr(w, "null");
    }
}


static void
ngx_chat_session_log_name(ngx_chat_session_t *s, chat_writer_t *w)
{
    ngx_chat_identity_t  *id = s->identity;

    if (id == NULL) {
        chat_write_cstr(w, ",\"tenant\":null,\"user\":null");
        return;
    }

    chat_write_cstr(w, ",\"tenant\":");
    chat_write_string(w, ngx_chat_str(&id->tenant));
    chat_write_cstr(w, ",\"user\":");
    chat_write_string(w, ngx_chat_str(&id->user));
}


static void
ngx_chat_session_log_uint(chat_writer_t *w, const char *name, uint64_t n)
{
    chat_write_cstr(w, ",\"");
    chat_write_cstr(w, name);
    chat_write_cstr(w, "\":");
    chat_write_uint(w, n);
}


static void
ngx_chat_session_log_write(ngx_chat_session_t *s, chat_writer_t *w,
    u_char *line)
{
    size_t                   len;
    ssize_t                  n;
    ngx_chat_session_log_t  *log = s->conf->session_log;

    chat_write_cstr(w, "}\n");
    len = w->pos - line;

    n = ngx_write_fd(log->file->fd, line, len);

    if (n == (ssize_t) len) {
        log->torn = 0;
        return;
    }

    log->torn |= n > 0;                 /* a disk that is nearly full */

    ngx_chat_session_log_failed(s, n == -1 ? ngx_errno : 0);
}


static void
ngx_chat_session_log_failed(ngx_chat_session_t *s, ngx_err_t err)
{
    ngx_chat_session_log_t  *log = s->conf->session_log;

    ngx_chat_count(s->node, NGX_CHAT_COUNT_SESSION_LOG_FAILED);

    if (log->complained != 0
        && ngx_current_msec - log->complained < NGX_CHAT_SESSION_LOG_SILENT)
    {
        return;
    }

    log->complained = ngx_max(ngx_current_msec, 1);

    ngx_log_error(NGX_LOG_CRIT, s->connection->log, err,
                  "chat: a line of \"%V\" could not be written",
                  &log->file->name);
}
