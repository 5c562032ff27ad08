/*
 * ngx_chat_metrics_text.c: what is counted, as Prometheus reads it: the text
 * format 0.0.4.
 */

#include "ngx_chat.h"
#include "ngx_chat_metrics.h"


static void ngx_chat_metrics_text_family(ngx_chat_metrics_t *out,
    const ngx_chat_metric_t *m, const char *type);
static void ngx_chat_metrics_text_value(ngx_chat_metrics_t *out,
    const ngx_chat_metric_t *m, chat_str_t number);
static void ngx_chat_metrics_text_time(ngx_chat_metrics_t *out,
    const ngx_chat_metric_t *m, const ngx_chat_time_t *time);
static void ngx_chat_metrics_text_line(chat_writer_t *w,
    const ngx_chat_metric_t *m, const char *suffix, chat_str_t bound,
    chat_str_t number);


const ngx_chat_metrics_format_t  ngx_chat_metrics_text = {
    "text/plain; version=0.0.4; charset=utf-8",
    ngx_chat_metrics_text_family,
    ngx_chat_metrics_text_value,
    ngx_chat_metrics_text_time
};


static void
ngx_chat_metrics_text_family(ngx_chat_metrics_t *out,
    const ngx_chat_metric_t *m, const char *type)
{
    chat_writer_t  *w = &out->w;

    if (m == NULL) {
        return;
    }

    chat_write_cstr(w, "# HELP ");
    chat_write_cstr(w, m->name);
    chat_write_cstr(w, " ");
    chat_write_cstr(w, m->help);
    chat_write_cstr(w, "\n# TYPE ");
    chat_write_cstr(w, m->name);
    chat_write_cstr(w, " ");
    chat_write_cstr(w, type);
    chat_write_cstr(w, "\n");
}


static void
ngx_chat_metrics_text_value(ngx_chat_metrics_t *out,
    const ngx_chat_metric_t *m, chat_str_t number)
{
    ngx_chat_metrics_text_line(&out->w, m, "", (chat_str_t) { NULL, 0 },
                               number);
}


/* each bucket holds those before it, too */

static void
ngx_chat_metrics_text_time(ngx_chat_metrics_t *out,
    const ngx_chat_metric_t *m, const ngx_chat_time_t *time)
{
    u_char       text[NGX_CHAT_METRICS_NUMBER], bound[NGX_CHAT_METRICS_NUMBER];
    uint64_t     n;
    ngx_uint_t   i;
    chat_str_t   number, none = { NULL, 0 };

    n = 0;
    number.data = text;
    number.len = 0;

    for (i = 0; i < NGX_CHAT_TIME_BUCKETS; i++) {
        n += time->buckets[i];
        number.len = ngx_sprintf(text, "%uL", n) - text;

        ngx_chat_metrics_text_line(&out->w, m, "_bucket",
                                   ngx_chat_metrics_bound(bound, i), number);
    }

    ngx_chat_metrics_text_line(&out->w, m, "_sum", none,
                               ngx_chat_metrics_seconds(bound, time->sum));
    ngx_chat_metrics_text_line(&out->w, m, "_count", none, number);
}


/* name_suffix{labels,le="bound"} number; bound: perhaps none */

static void
ngx_chat_metrics_text_line(chat_writer_t *w, const ngx_chat_metric_t *m,
    const char *suffix, chat_str_t bound, chat_str_t number)
{
    ngx_uint_t  labelled;

    labelled = m->labels[0] != '\0';

    chat_write_cstr(w, m->name);
    chat_write_cstr(w, suffix);

    if (labelled || bound.len > 0) {
        chat_write_cstr(w, "{");
        chat_write_cstr(w, m->labels);

        if (bound.len > 0) {
            chat_write_cstr(w, labelled ? ",le=\"" : "le=\"");
            chat_write(w, bound);
            chat_write_cstr(w, "\"");
        }

        chat_write_cstr(w, "}");
    }

    chat_write_cstr(w, " ");
    chat_write(w, number);
    chat_write_cstr(w, "\n");
}
