/*
 * ngx_chat_metrics.c: the counters of all nodes of this nginx, for who asks at
 * a location with chat_status.  Whichever process answers, the answer is the
 * same.
 */

#include "ngx_chat.h"
#include "ngx_chat_metrics.h"

#include "../common/chat_version.h"


#define NGX_CHAT_METRICS_LABELS  64     /* room for those of a process */


static const ngx_chat_metrics_format_t *ngx_chat_metrics_format(
    ngx_http_request_t *r);
static void ngx_chat_metrics_write(ngx_chat_metrics_t *out,
    ngx_chat_main_conf_t *mcf, const ngx_chat_totals_t *totals);
static void ngx_chat_metrics_workers(ngx_chat_metrics_t *out,
    ngx_chat_main_conf_t *mcf);
static void ngx_chat_metrics_limits(ngx_chat_metrics_t *out,
    ngx_chat_main_conf_t *mcf);
static void ngx_chat_metrics_worker(ngx_chat_metrics_t *out, ngx_uint_t what,
    ngx_uint_t slot, const ngx_chat_worker_t *w);
static void ngx_chat_metrics_family(ngx_chat_metrics_t *out,
    const ngx_chat_metric_t *m, const char *type);
static void ngx_chat_metrics_uint(ngx_chat_metrics_t *out,
    const ngx_chat_metric_t *m, const char *type, uint64_t n);


/* of each process, which is known by its place in nginx' table of them */

enum {
    NGX_CHAT_METRICS_WORKER_SESSIONS,
    NGX_CHAT_METRICS_WORKER_RESIDENT,
    NGX_CHAT_METRICS_WORKER_USER,
    NGX_CHAT_METRICS_WORKER_SYSTEM,

    NGX_CHAT_METRICS_WORKER_ALL
};


static const ngx_chat_metric_t
    ngx_chat_metrics_of_worker[NGX_CHAT_METRICS_WORKER_ALL] =
{
    [NGX_CHAT_METRICS_WORKER_SESSIONS] = {
        "chat_worker_sessions", "worker=\"%ui\"",
        "Live sessions of a worker process." },

    [NGX_CHAT_METRICS_WORKER_RESIDENT] = {
        "chat_worker_resident_bytes", "worker=\"%ui\"",
        "Memory that a worker process has, what is shared included." },

    [NGX_CHAT_METRICS_WORKER_USER] = {
        "chat_worker_cpu_seconds_total", "worker=\"%ui\",mode=\"user\"",
        "Processor time that a worker process has taken." },

    [NGX_CHAT_METRICS_WORKER_SYSTEM] = {
        "chat_worker_cpu_seconds_total", "worker=\"%ui\",mode=\"system\"",
        "Processor time that a worker process has taken." },
};


static const ngx_chat_metric_t  ngx_chat_metrics_zone_rates = {
    "chat_limit_zone_used", "table=\"rates\"",
    "Entries of chat_limit_zone in use, estimated from some of them."
};


static const ngx_chat_metric_t  ngx_chat_metrics_zone_connections = {
    "chat_limit_zone_used", "table=\"connections\"",
    "Entries of chat_limit_zone in use, estimated from some of them."
};


static const ngx_chat_metric_t  ngx_chat_metrics_zone_entries = {
    "chat_limit_zone_entries", "",
    "Entries that each of the two tables of chat_limit_zone has."
};


static const ngx_chat_metric_t  ngx_chat_metrics_build = {
    "chat_build_info", "version=\"" CHAT_VERSION "\"",
    "1; the version is in the label."
};


ngx_int_t
ngx_chat_metrics_handler(ngx_http_request_t *r)
{
    ngx_str_t              body;
    ngx_chat_totals_t      totals;
    ngx_chat_metrics_t     out;
    ngx_chat_main_conf_t  *mcf;

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return NGX_HTTP_NOT_ALLOWED;
    }

    ngx_memzero(&out, sizeof(ngx_chat_metrics_t));

    out.format = ngx_chat_metrics_format(r);

    if (out.format == NULL) {
        return ngx_chat_http_error(r, NGX_HTTP_BAD_REQUEST,
                                   CHAT_CODE_BAD_REQUEST,
                                   "the format must be prometheus or json", 0);
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_chat_module);

    ngx_chat_shm_read(mcf, &totals);

    /* all others go on counting meanwhile, but a few digits are room enough */

    ngx_chat_metrics_write(&out, mcf, &totals);

    body.len = out.w.len + ngx_pagesize;
    body.data = ngx_pnalloc(r->pool, body.len);
    if (body.data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    chat_writer_init(&out.w, body.data, body.len);
    ngx_chat_metrics_write(&out, mcf, &totals);

    if (out.w.full) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;  /* many have just started */
    }

    body.len = out.w.len;

    return ngx_chat_http_send(r, NGX_HTTP_OK, out.format->content_type, &body);
}


/* ?format= or what the directive says; NULL: there is none of that name */

static const ngx_chat_metrics_format_t *
ngx_chat_metrics_format(ngx_http_request_t *r)
{
    ngx_str_t             value;
    ngx_chat_loc_conf_t  *lcf;

    if (ngx_http_arg(r, (u_char *) "format", 6, &value) == NGX_OK) {

        if (value.len == 4 && ngx_memcmp(value.data, "json", 4) == 0) {
            return &ngx_chat_metrics_json;
        }

        if (value.len == 10 && ngx_memcmp(value.data, "prometheus", 10) == 0) {
            return &ngx_chat_metrics_text;
        }

        return NULL;
    }

    lcf = ngx_http_get_module_loc_conf(r, ngx_chat_module);

    return lcf->status_json ? &ngx_chat_metrics_json : &ngx_chat_metrics_text;
}


static void
ngx_chat_metrics_write(ngx_chat_metrics_t *out, ngx_chat_main_conf_t *mcf,
    const ngx_chat_totals_t *totals)
{
    ngx_uint_t                i;
    const ngx_chat_metric_t  *m;

    ngx_chat_metrics_uint(out, &ngx_chat_metrics_build, "gauge", 1);

    for (i = 0; i < NGX_CHAT_COUNTS; i++) {
        ngx_chat_metrics_uint(out, &ngx_chat_metrics[i],
                              i < NGX_CHAT_COUNT_GAUGES ? "gauge" : "counter",
                              totals->counts[i]);
    }

    ngx_chat_metrics_workers(out, mcf);
    ngx_chat_metrics_limits(out, mcf);

    for (i = 0; i < NGX_CHAT_TIMES; i++) {
        m = &ngx_chat_metrics_times[i];

        ngx_chat_metrics_family(out, m, "histogram");
        out->format->time(out, m, &totals->times[i]);
        out->n++;
    }

    out->format->family(out, NULL, NULL);
    out->name = NULL;
}


static void
ngx_chat_metrics_workers(ngx_chat_metrics_t *out, ngx_chat_main_conf_t *mcf)
{
    ngx_uint_t         i, last, what;
    ngx_chat_worker_t  w;

    last = NGX_CHAT_METRICS_WORKER_USER;    /* system stands beside user */

    for (what = 0; what <= last; what++) {

        for (i = 0; i < NGX_MAX_PROCESSES; i++) {

            if (ngx_chat_shm_worker(mcf, i, &w) != NGX_OK) {
                continue;
            }

            ngx_chat_metrics_worker(out, what, i, &w);

            if (what == last) {
                ngx_chat_metrics_worker(out, NGX_CHAT_METRICS_WORKER_SYSTEM, i,
                                        &w);
            }
        }
    }
}


static void
ngx_chat_metrics_limits(ngx_chat_metrics_t *out, ngx_chat_main_conf_t *mcf)
{
    ngx_chat_limit_usage_t  usage;

    if (mcf->limit_zone == NULL) {
        return;
    }

    ngx_chat_limit_usage(mcf, &usage);

    ngx_chat_metrics_uint(out, &ngx_chat_metrics_zone_rates, "gauge",
                          usage.rates);
    ngx_chat_metrics_uint(out, &ngx_chat_metrics_zone_connections, "gauge",
                          usage.connections);
    ngx_chat_metrics_uint(out, &ngx_chat_metrics_zone_entries, "gauge",
                          usage.entries);
}


static void
ngx_chat_metrics_worker(ngx_chat_metrics_t *out, ngx_uint_t what,
    ngx_uint_t slot, const ngx_chat_worker_t *w)
{
    u_char             labels[NGX_CHAT_METRICS_LABELS];
    u_char             text[NGX_CHAT_METRICS_NUMBER];
    ngx_chat_metric_t  m;

    m = ngx_chat_metrics_of_worker[what];

    *ngx_snprintf(labels, NGX_CHAT_METRICS_LABELS - 1, m.labels, slot) = '\0';
    m.labels = (char *) labels;

    switch (what) {

    case NGX_CHAT_METRICS_WORKER_SESSIONS:
        ngx_chat_metrics_uint(out, &m, "gauge", w->sessions);
        return;

    case NGX_CHAT_METRICS_WORKER_RESIDENT:
        ngx_chat_metrics_uint(out, &m, "gauge", w->resident);
        return;

    default:
        ngx_chat_metrics_family(out, &m, "counter");
        out->format->value(out, &m, ngx_chat_metrics_seconds(text,
                                what == NGX_CHAT_METRICS_WORKER_USER
                                    ? w->user : w->system));
        out->n++;
    }
}


static void
ngx_chat_metrics_family(ngx_chat_metrics_t *out, const ngx_chat_metric_t *m,
    const char *type)
{
    if (out->name != NULL && ngx_strcmp(out->name, m->name) == 0) {
        return;
    }

    out->format->family(out, m, type);

    out->name = m->name;
    out->labelled = m->labels[0] != '\0';
    out->n = 0;
}


static void
ngx_chat_metrics_uint(ngx_chat_metrics_t *out, const ngx_chat_metric_t *m,
    const char *type, uint64_t n)
{
    u_char      text[NGX_CHAT_METRICS_NUMBER];
    chat_str_t  number;

    number.data = text;
    number.len = ngx_sprintf(text, "%uL", n) - text;

    ngx_chat_metrics_family(out, m, type);
    out->format->value(out, m, number);
    out->n++;
}


chat_str_t
ngx_chat_metrics_seconds(u_char text[NGX_CHAT_METRICS_NUMBER], uint64_t us)
{
    u_char  *last;

    last = ngx_sprintf(text, "%uL.%06uL", us / 1000000, us % 1000000);

    while (last[-1] == '0') {
        last--;
    }

    if (last[-1] == '.') {
        last--;
    }

    return (chat_str_t) { text, last - text };
}


chat_str_t
ngx_chat_metrics_bound(u_char text[NGX_CHAT_METRICS_NUMBER], ngx_uint_t bucket)
{
    if (bucket < NGX_CHAT_TIME_BUCKETS - 1) {
        return ngx_chat_metrics_seconds(text, ngx_chat_time_bounds[bucket]);
    }

    return (chat_str_t) { (const u_char *) "+Inf", 4 };
}
