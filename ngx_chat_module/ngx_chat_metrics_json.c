/*
 * ngx_chat_metrics_json.c: what is counted, as one object of JSON: a member for
 * each name.  Its value is a number, or, where there are labels, an array with
 * an object for each set of them:
 *
 *      {"chat_sessions":5,
 *       "chat_redis_links_up":[{"link":"command","value":2}, ...],
 *       "chat_handshake_seconds":{"count":3,"sum":0.001,
 *           "buckets":{"0.0001":0, ..., "+Inf":3}}}
 */

#include "ngx_chat.h"
#include "ngx_chat_metrics.h"


static void ngx_chat_metrics_json_family(ngx_chat_metrics_t *out,
    const ngx_chat_metric_t *m, const char *type);
static void ngx_chat_metrics_json_value(ngx_chat_metrics_t *out,
    const ngx_chat_metric_t *m, chat_str_t number);
static void ngx_chat_metrics_json_time(ngx_chat_metrics_t *out,
    const ngx_chat_metric_t *m, const ngx_chat_time_t *time);
static void ngx_chat_metrics_json_labels(ngx_chat_metrics_t *out,
    const char *labels);


const ngx_chat_metrics_format_t  ngx_chat_metrics_json = {
    "application/json",
    ngx_chat_metrics_json_family,
    ngx_chat_metrics_json_value,
    ngx_chat_metrics_json_time
};


/* ends the last one, too */

static void
ngx_chat_metrics_json_family(ngx_chat_metrics_t *out,
    const ngx_chat_metric_t *m, const char *type)
{
    chat_writer_t  *w = &out->w;

    (void) type;

    if (out->name != NULL && out->labelled) {
        chat_write_cstr(w, "]");
    }

    if (m == NULL) {
        chat_write_cstr(w, "}\n");
        return;
    }

    chat_write_cstr(w, out->name == NULL ? "{\"" : ",\n\"");
    chat_write_cstr(w, m->name);
    chat_write_cstr(w, m->labels[0] != '\0' ? "\":[" : "\":");
}


static void
ngx_chat_metrics_json_value(ngx_chat_metrics_t *out,
    const ngx_chat_metric_t *m, chat_str_t number)
{
    chat_writer_t  *w = &out->w;

    if (!out->labelled) {
        chat_write(w, number);
        return;
    }

    ngx_chat_metrics_json_labels(out, m->labels);
    chat_write_cstr(w, "\"value\":");
    chat_write(w, number);
    chat_write_cstr(w, "}");
}


static void
ngx_chat_metrics_json_time(ngx_chat_metrics_t *out,
    const ngx_chat_metric_t *m, const ngx_chat_time_t *time)
{
    u_char          text[NGX_CHAT_METRICS_NUMBER];
    uint64_t        n;
    ngx_uint_t      i;
    chat_writer_t  *w = &out->w;

    n = 0;

    for (i = 0; i < NGX_CHAT_TIME_BUCKETS; i++) {
        n += time->buckets[i];
    }

    if (out->labelled) {
        ngx_chat_metrics_json_labels(out, m->labels);

    } else {
        chat_write_cstr(w, "{");
    }

    chat_write_cstr(w, "\"count\":");
    chat_write_uint(w, n);
    chat_write_cstr(w, ",\"sum\":");
    chat_write(w, ngx_chat_metrics_seconds(text, time->sum));
    chat_write_cstr(w, ",\"buckets\":{");

    n = 0;

    for (i = 0; i < NGX_CHAT_TIME_BUCKETS; i++) {
        n += time->buckets[i];

        chat_write_cstr(w, i == 0 ? "\"" : ",\"");
        chat_write(w, ngx_chat_metrics_bound(text, i));
        chat_write_cstr(w, "\":");
        chat_write_uint(w, n);
    }

    chat_write_cstr(w, "}}");
}


/* {"name":"value", of each, and a comma: neither has a character in it that
   means something */

static void
ngx_chat_metrics_json_labels(ngx_chat_metrics_t *out, const char *labels)
{
    const char     *p;
    chat_writer_t  *w = &out->w;

    chat_write_cstr(w, out->n == 0 ? "{\"" : ",{\"");

    for (p = labels; *p != '\0'; p++) {

        switch (*p) {

        case '=':
            chat_write_cstr(w, "\":");
            break;

        case ',':
            chat_write_cstr(w, ",\"");
            break;

        default:
            chat_write(w, (chat_str_t) { (const u_char *) p, 1 });
        }
    }

    chat_write_cstr(w, ",");
}
