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
    const ngx_chat_totals_t *totals);
static void ngx_chat_metrics_write_time(chat_writer_t *w, const char *name,
    const ngx_chat_time_t *time);
static void ngx_chat_metrics_seconds(chat_writer_t *w, uint64_t us);
static void ngx_chat_metrics_head(chat_writer_t *w, const char *name,
    const char *help, const char *type);


static const ngx_chat_metric_t  ngx_chat_metrics[NGX_CHAT_COUNTS] = {

    [NGX_CHAT_COUNT_NODES] = {
        "chat_nodes", "",
        "Worker processes that serve chat." },

    [NGX_CHAT_COUNT_SESSIONS] = {
        "chat_sessions", "",
        "Live sessions." },

    [NGX_CHAT_COUNT_UNAUTHENTICATED] = {
        "chat_sessions_unauthenticated", "",
        "Of these, those that have not shown a token yet." },

    [NGX_CHAT_COUNT_ROOMS] = {
        "chat_rooms", "",
        "Conversations that sessions have joined, counted per node." },

    [NGX_CHAT_COUNT_WAITING] = {
        "chat_joins_waiting", "",
        "Joins that wait for their turn to ask Redis, or for a subscription." },

    [NGX_CHAT_COUNT_REPAIRS] = {
        "chat_repairs", "",
        "Rooms that are being compared with Redis." },

    [NGX_CHAT_COUNT_COMMAND_UP] = {
        "chat_redis_links_up", "{link=\"command\"}",
        "Nodes whose link to Redis is up." },

    [NGX_CHAT_COUNT_SUBSCRIBER_UP] = {
        "chat_redis_links_up", "{link=\"subscriber\"}",
        NULL },

    [NGX_CHAT_COUNT_JWKS_STALE] = {
        "chat_jwks_stale", "",
        "Files of chat_token_jwks that cannot be used, counted per node." },

    [NGX_CHAT_COUNT_REVOCATIONS] = {
        "chat_revocations", "",
        "Revocations that nodes know, counted per node." },

    [NGX_CHAT_COUNT_REVOCATIONS_STALE] = {
        "chat_revocations_stale", "",
        "Nodes that do not know what is revoked." },

    [NGX_CHAT_COUNT_COMMAND_LOST] = {
        "chat_redis_link_lost_total", "{link=\"command\"}",
        "Links to Redis that were up and were lost." },

    [NGX_CHAT_COUNT_SUBSCRIBER_LOST] = {
        "chat_redis_link_lost_total", "{link=\"subscriber\"}",
        NULL },

    [NGX_CHAT_COUNT_GAPS] = {
        "chat_delivery_gap_total", "",
        "Rooms that had missed events, which were found and repaired." },

    [NGX_CHAT_COUNT_CANARY_LOST] = {
        "chat_canary_lost_total", "",
        "Changes of the canary that were stored and not heard in 5 seconds." },

    [NGX_CHAT_COUNT_CANARY_UNSTORED] = {
        "chat_canary_unstored_total", "",
        "Changes of the canary that were heard and not stored in time." },

    [NGX_CHAT_COUNT_CANARY_FAILED] = {
        "chat_canary_failed_total", "",
        "Changes of the canary that were refused or got no answer." },

    [NGX_CHAT_COUNT_JWKS_LOADED] = {
        "chat_jwks_loads_total", "{result=\"ok\"}",
        "Changed files of chat_token_jwks that nodes have read." },

    [NGX_CHAT_COUNT_JWKS_FAILED] = {
        "chat_jwks_loads_total", "{result=\"failed\"}",
        NULL },

    [NGX_CHAT_COUNT_JWKS_REFRESH] = {
        "chat_jwks_refresh_total", "",
        "Requests for newer keys, since a token named one that is unknown." },

    [NGX_CHAT_COUNT_REVOKED_SESSIONS] = {
        "chat_revoked_sessions_total", "",
        "Sessions that were closed because their token was revoked." },

    [NGX_CHAT_COUNT_REVOKED_TOKENS] = {
        "chat_revoked_tokens_total", "",
        "Tokens that were refused because they are revoked." },

    [NGX_CHAT_COUNT_LIMITED_MAX_MESSAGE_SIZE] = {
        "chat_limited_total", "{limit=\"max_message_size\"}",
        "What was refused or closed because of a limit, by its directive." },

    [NGX_CHAT_COUNT_LIMITED_MAX_OUTSTANDING] = {
        "chat_limited_total", "{limit=\"max_outstanding\"}",
        NULL },

    [NGX_CHAT_COUNT_LIMITED_MAX_CONVERSATIONS] = {
        "chat_limited_total", "{limit=\"max_conversations\"}",
        NULL },

    [NGX_CHAT_COUNT_LIMITED_SEND_QUEUE] = {
        "chat_limited_total", "{limit=\"send_queue\"}",
        NULL },

    [NGX_CHAT_COUNT_LIMITED_DEFLATE_MAX_RATIO] = {
        "chat_limited_total", "{limit=\"deflate_max_ratio\"}",
        NULL },

    [NGX_CHAT_COUNT_LIMITED_HANDSHAKE_RATE] = {
        "chat_limited_total", "{limit=\"handshake_rate\"}",
        NULL },

    [NGX_CHAT_COUNT_LIMITED_PER_ADDRESS] = {
        "chat_limited_total", "{limit=\"max_connections_per_address\"}",
        NULL },

    [NGX_CHAT_COUNT_LIMITED_PER_USER] = {
        "chat_limited_total", "{limit=\"max_connections_per_user\"}",
        NULL },

    [NGX_CHAT_COUNT_LIMITED_UNAUTHENTICATED] = {
        "chat_limited_total", "{limit=\"max_unauthenticated\"}",
        NULL },

    [NGX_CHAT_COUNT_LIMITED_REQUEST_RATE] = {
        "chat_limited_total", "{limit=\"request_rate\"}",
        NULL },

    [NGX_CHAT_COUNT_LIMITED_MESSAGE_RATE] = {
        "chat_limited_total", "{limit=\"message_rate\"}",
        NULL },

    [NGX_CHAT_COUNT_LIMITED_FRAME_RATE] = {
        "chat_limited_total", "{limit=\"frame_rate\"}",
        NULL },

    [NGX_CHAT_COUNT_LIMIT_ZONE_FULL] = {
        "chat_limit_zone_full_total", "",
        "Times that chat_limit_zone had no room and somebody was let in." },
};


static const ngx_chat_metric_t  ngx_chat_metrics_times[NGX_CHAT_TIMES] = {

    [NGX_CHAT_TIME_CANARY_DELIVERY] = {
        "chat_canary_delivery_seconds", "",
        "From the canary's sending of a change to its hearing of it." },

    [NGX_CHAT_TIME_CANARY_STORED] = {
        "chat_canary_stored_seconds", "",
        "From the canary's sending of a change to its being stored." },
};


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
        chat_write_cstr(w, m->label);
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
