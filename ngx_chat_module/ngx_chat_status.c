/*
 * ngx_chat_status.c: how this process is, for those who watch it.
 *
 * "live" says that the process answers; "ready" that requests can be served,
 * and names what is missing if they cannot.
 */

#include "ngx_chat.h"


static ngx_uint_t ngx_chat_health_method(ngx_http_request_t *r);
static void ngx_chat_health_read(ngx_chat_main_conf_t *mcf,
    ngx_chat_health_t *health);
static void ngx_chat_health_write(chat_writer_t *w,
    const ngx_chat_health_t *health, ngx_uint_t ready);


ngx_int_t
ngx_chat_health_live_handler(ngx_http_request_t *r)
{
    ngx_str_t  body;

    if (!ngx_chat_health_method(r)) {
        return NGX_HTTP_NOT_ALLOWED;
    }

    ngx_str_set(&body, "{\"status\":\"ok\"}\n");

    return ngx_chat_http_json(r, NGX_HTTP_OK, &body);
}


ngx_int_t
ngx_chat_health_ready_handler(ngx_http_request_t *r)
{
    u_char                 text[256];
    ngx_str_t              body;
    ngx_uint_t             ready;
    chat_writer_t          w;
    ngx_chat_health_t      health;
    ngx_chat_main_conf_t  *mcf;

    if (!ngx_chat_health_method(r)) {
        return NGX_HTTP_NOT_ALLOWED;
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_chat_module);

    ngx_chat_health_read(mcf, &health);

    ready = health.command && health.subscriber
            && health.open == health.partitions && health.revocations;

    chat_writer_init(&w, text, sizeof(text));
    ngx_chat_health_write(&w, &health, ready);

    body.data = text;
    body.len = w.pos - text;

    return ngx_chat_http_json(r, ready ? NGX_HTTP_OK
                                       : NGX_HTTP_SERVICE_UNAVAILABLE, &body);
}


static ngx_uint_t
ngx_chat_health_method(ngx_http_request_t *r)
{
    return (r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD)) != 0;
}


static void
ngx_chat_health_read(ngx_chat_main_conf_t *mcf, ngx_chat_health_t *health)
{
    if (mcf->node != NULL) {
        ngx_chat_bus_health(mcf->node, health);
        return;
    }

    ngx_memzero(health, sizeof(ngx_chat_health_t));

    health->partitions = mcf->partitions;
}


static void
ngx_chat_health_write(chat_writer_t *w, const ngx_chat_health_t *health,
    ngx_uint_t ready)
{
    chat_write_cstr(w, "{\"status\":");
    chat_write_cstr(w, ready ? "\"ready\"" : "\"unavailable\"");
    chat_write_cstr(w, ",\"redis\":{\"command\":");
    chat_write_cstr(w, health->command ? "\"up\"" : "\"down\"");
    chat_write_cstr(w, ",\"subscriber\":");
    chat_write_cstr(w, health->subscriber ? "\"up\"" : "\"down\"");
    chat_write_cstr(w, "},\"log\":{\"open\":");
    chat_write_uint(w, health->open);
    chat_write_cstr(w, ",\"partitions\":");
    chat_write_uint(w, health->partitions);
    chat_write_cstr(w, "},\"revocations\":");
    chat_write_cstr(w, health->revocations ? "\"known\"" : "\"unknown\"");
    chat_write_cstr(w, "}\n");
}
