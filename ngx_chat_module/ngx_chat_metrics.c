/*
 * ngx_chat_metrics.c: the counters of all nodes of this nginx, as Prometheus
 * reads them (text format 0.0.4).  Whichever process answers, the answer is
 * the same.
 */

#include "ngx_chat.h"
#include "ngx_chat_metrics.h"


#define NGX_CHAT_METRICS_SIZE  16384    /* of an answer */


static void ngx_chat_metrics_write(chat_writer_t *w,
    const ngx_chat_totals_t *totals);
static void ngx_chat_metrics_write_time(chat_writer_t *w, const char *name,
    const ngx_chat_time_t *time);
static void ngx_chat_metrics_seconds(chat_writer_t *w, uint64_t us);
static void ngx_chat_metrics_head(chat_writer_t *w, const char *name,
    const char *help, const char *type);


ngx_int_t
ngx_chat_metrics_handler(ngx_http_request_t *r)
{
    ngx_str_t              body;
    chat_writer_t          w;
    ngx_chat_totals_t      totals;
    ngx_chat_main_conf_t  *mcf;

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return NGX_HTTP_NOT_ALLOWED;
    }

    body.data = ngx_pnalloc(r->pool, NGX_CHAT_METRICS_SIZE);
    if (body.data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_chat_module);

    ngx_chat_shm_read(mcf, &totals);

    chat_writer_init(&w, body.data, NGX_CHAT_METRICS_SIZE);
    ngx_chat_metrics_write(&w, &totals);

    if (w.full) {
        ngx_log_error(NGX_LOG_ALERT, r->connection->log, 0,
                      "chat: metrics do not fit into %d bytes",
                      NGX_CHAT_METRICS_SIZE);
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    body.len = w.len;

    return ngx_chat_http_send(r, NGX_HTTP_OK,
                              "text/plain; version=0.0.4; charset=utf-8",
                              &body);
}


static void
ngx_chat_metrics_write(chat_writer_t *w, const ngx_chat_totals_t *totals)
{
    ngx_uint_t                i;
    const ngx_chat_metric_t  *m;

    for (i = 0; i < NGX_CHAT_COUNTS; i++) {
        m = &ngx_chat_metrics[i];

        if (m->help != NULL) {
            ngx_chat_metrics_head(w, m->name, m->help,
                                  i < NGX_CHAT_COUNT_GAUGES ? "gauge"
                                                            : "counter");
        }

        chat_write_cstr(w, m->name);

        if (m->labels[0] != '\0') {
            chat_write_cstr(w, "{");
            chat_write_cstr(w, m->labels);
            chat_write_cstr(w, "}");
        }

        chat_write_cstr(w, " ");
        chat_write_uint(w, totals->counts[i]);
        chat_write_cstr(w, "\n");
    }

    for (i = 0; i < NGX_CHAT_TIMES; i++) {
        m = &ngx_chat_metrics_times[i];

        ngx_chat_metrics_head(w, m->name, m->help, "histogram");
        ngx_chat_metrics_write_time(w, m->name, &totals->times[i]);
    }
}


/* each bucket holds those before it, too */

static void
ngx_chat_metrics_write_time(chat_writer_t *w, const char *name,
    const ngx_chat_time_t *time)
{
    uint64_t    n;
    ngx_uint_t  i;

    n = 0;

    for (i = 0; i < NGX_CHAT_TIME_BUCKETS; i++) {
        n += time->buckets[i];

        chat_write_cstr(w, name);
        chat_write_cstr(w, "_bucket{le=\"");

        if (i < NGX_CHAT_TIME_BUCKETS - 1) {
            ngx_chat_metrics_seconds(w, ngx_chat_time_bounds[i]);

        } else {
            chat_write_cstr(w, "+Inf");
        }

        chat_write_cstr(w, "\"} ");
        chat_write_uint(w, n);
        chat_write_cstr(w, "\n");
    }

    chat_write_cstr(w, name);
    chat_write_cstr(w, "_sum ");
    ngx_chat_metrics_seconds(w, time->sum);
    chat_write_cstr(w, "\n");
    chat_write_cstr(w, name);
    chat_write_cstr(w, "_count ");
    chat_write_uint(w, n);
    chat_write_cstr(w, "\n");
}


/* "2.5", "0.001" */

static void
ngx_chat_metrics_seconds(chat_writer_t *w, uint64_t us)
{
    u_char  text[NGX_INT64_LEN + sizeof(".000000")];
    u_char  *last;

    last = ngx_sprintf(text, "%uL.%06uL", us / 1000000, us % 1000000);

    while (last[-1] == '0') {
        last--;
    }

    if (last[-1] == '.') {
        last--;
    }

    chat_write(w, (chat_str_t) { text, last - text });
}


static void
ngx_chat_metrics_head(chat_writer_t *w, const char *name, const char *help,
    const char *type)
{
    chat_write_cstr(w, "# HELP ");
    chat_write_cstr(w, name);
    chat_write_cstr(w, " ");
    chat_write_cstr(w, help);
    chat_write_cstr(w, "\n# TYPE ");
    chat_write_cstr(w, name);
    chat_write_cstr(w, " ");
    chat_write_cstr(w, type);
    chat_write_cstr(w, "\n");
}
