/*
 * ngx_chat_metrics.c: the counters of all nodes of this nginx, as Prometheus
 * reads them (text format 0.0.4).  Whichever process answers, the answer is
 * the same.
 */

#include "ngx_chat.h"


#define NGX_CHAT_METRICS_SIZE  16384    /* of an answer */


/* those of one name differ in their label and stand together */

typedef struct {
    const char  *name;
    const char  *label;                 /* "" or {name="value"} */
    const char  *help;
} ngx_chat_metric_t;


static void ngx_chat_metrics_write(chat_writer_t *w,
    const uint64_t counts[NGX_CHAT_COUNTS]);
static void ngx_chat_metrics_head(chat_writer_t *w, const char *name,
    const char *help, const char *type);


static const ngx_chat_metric_t  ngx_chat_metrics[NGX_CHAT_COUNTS] = {

    [NGX_CHAT_COUNT_NODES] = {
        "chat_nodes", "",
        "Worker processes that serve chat." },

    [NGX_CHAT_COUNT_SESSIONS] = {
        "chat_sessions", "",
        "Live sessions." },

    [NGX_CHAT_COUNT_ROOMS] = {
        "chat_rooms", "",
        "Conversations that sessions have joined, counted per node." },

    [NGX_CHAT_COUNT_REPAIRS] = {
        "chat_repairs", "",
        "Rooms that are being compared with Redis." },

    [NGX_CHAT_COUNT_COMMAND_UP] = {
        "chat_redis_links_up", "{link=\"command\"}",
        "Nodes whose link to Redis is up." },

    [NGX_CHAT_COUNT_SUBSCRIBER_UP] = {
        "chat_redis_links_up", "{link=\"subscriber\"}",
        NULL },

    [NGX_CHAT_COUNT_COMMAND_LOST] = {
        "chat_redis_link_lost_total", "{link=\"command\"}",
        "Links to Redis that were up and were lost." },

    [NGX_CHAT_COUNT_SUBSCRIBER_LOST] = {
        "chat_redis_link_lost_total", "{link=\"subscriber\"}",
        NULL },

    [NGX_CHAT_COUNT_GAPS] = {
        "chat_delivery_gap_total", "",
        "Rooms that had missed events, which were found and repaired." },
};


ngx_int_t
ngx_chat_metrics_handler(ngx_http_request_t *r)
{
    uint64_t               counts[NGX_CHAT_COUNTS];
    ngx_str_t              body;
    chat_writer_t          w;
    ngx_chat_main_conf_t  *mcf;

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return NGX_HTTP_NOT_ALLOWED;
    }

    body.data = ngx_pnalloc(r->pool, NGX_CHAT_METRICS_SIZE);
    if (body.data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_chat_module);

    ngx_chat_shm_read(mcf, counts);

    chat_writer_init(&w, body.data, NGX_CHAT_METRICS_SIZE);
    ngx_chat_metrics_write(&w, counts);

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
ngx_chat_metrics_write(chat_writer_t *w,
    const uint64_t counts[NGX_CHAT_COUNTS])
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
        chat_write_cstr(w, m->label);
        chat_write_cstr(w, " ");
        chat_write_uint(w, counts[i]);
        chat_write_cstr(w, "\n");
    }
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
