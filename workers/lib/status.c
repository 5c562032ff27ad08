/*
 * HTTP by libmicrohttpd, in a thread that it makes itself.
 */

#include "status.h"

#include <microhttpd.h>
#include <string.h>

#include "listener_inet.h"
#include "log.h"


#define STATUS_TIMEOUT      10          /* seconds, of an idle connection */
#define STATUS_CONNECTIONS  32

#define STATUS_JSON  "application/json"
#define STATUS_TEXT  "text/plain; version=0.0.4; charset=utf-8"


static enum MHD_Result status_on_request(void *cls, struct MHD_Connection *c,
    const char *url, const char *method, const char *version,
    const char *data, size_t *size, void **context);
static unsigned status_health(const status_t *s, mem_buf_t *out);
static unsigned status_ready(const status_t *s, mem_buf_t *out);
static unsigned status_metrics(const status_t *s, mem_buf_t *out);


static const struct {
    const char  *url;
    const char  *type;
    unsigned   (*handler)(const status_t *s, mem_buf_t *out);
} status_routes[] = {
    { "/healthz", STATUS_JSON, status_health },
    { "/readyz",  STATUS_JSON, status_ready },
    { "/metrics", STATUS_TEXT, status_metrics }
};


int
status_start(status_t *s)
{
    if (s->listen == NULL) {
        return 0;
    }

    s->began = status_process_began();
    s->fd = listener_inet_open(s->listen);

    if (s->fd == -1) {
        return -1;
    }

    s->daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL,
                    status_on_request, s,
                    MHD_OPTION_LISTEN_SOCKET, s->fd,
                    MHD_OPTION_CONNECTION_TIMEOUT, (unsigned) STATUS_TIMEOUT,
                    MHD_OPTION_CONNECTION_LIMIT, (unsigned) STATUS_CONNECTIONS,
                    MHD_OPTION_END);

    if (s->daemon == NULL) {
        log_crit("cannot start the HTTP server", log_errno());
        listener_inet_close(s->fd, s->listen);
        return -1;
    }

    log_notice("status is served", log_str("listen", s->listen));

    return 0;
}


void
status_stop(status_t *s)
{
    if (s->daemon == NULL) {
        return;
    }

    /* the listening socket stays ours */
    (void) MHD_quiesce_daemon(s->daemon);
    MHD_stop_daemon(s->daemon);
    s->daemon = NULL;

    listener_inet_close(s->fd, s->listen);
}


static unsigned
status_health(const status_t *s, mem_buf_t *out)
{
    (void) s;

    mem_buf_printf(out, "{\"status\":\"ok\"}\n");

    return MHD_HTTP_OK;
}


static unsigned
status_ready(const status_t *s, mem_buf_t *out)
{
    bool       ready;
    mem_buf_t  needs = { 0 };

    ready = s->ready(&needs, s->data);

    mem_buf_printf(out, "{\"status\":\"%s\"%.*s}\n",
                   ready ? "ready" : "unavailable", (int) needs.len,
                   (const char *) needs.data);
    mem_buf_done(&needs);

    return ready ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE;
}


static unsigned
status_metrics(const status_t *s, mem_buf_t *out)
{
    s->metrics(out, s->data);
    status_process(out, s);

    return MHD_HTTP_OK;
}


/* {"error":{"code":"not_found","message":"..."}} */

static unsigned
status_error(mem_buf_t *out, unsigned status, const char *code,
    const char *message)
{
    mem_buf_printf(out, "{\"error\":{\"code\":\"%s\",\"message\":\"%s\"}}\n",
                   code, message);

    return status;
}


/* finds who answers; an error of HTTP is answered here */

static unsigned
status_answer(const status_t *s, const char *method, const char *url,
    const char **type, mem_buf_t *out)
{
    size_t  i;

    *type = STATUS_JSON;

    for (i = 0; i < sizeof(status_routes) / sizeof(status_routes[0]); i++) {

        if (strcmp(url, status_routes[i].url) != 0) {
            continue;
        }

        if (strcmp(method, MHD_HTTP_METHOD_GET) != 0
            && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
        {
            return status_error(out, MHD_HTTP_METHOD_NOT_ALLOWED,
                                "bad_request",
                                "not a method of this resource");
        }

        *type = status_routes[i].type;

        return status_routes[i].handler(s, out);
    }

    return status_error(out, MHD_HTTP_NOT_FOUND, "not_found",
                        "there is nothing here");
}


/* hands the answer over; MHD frees its memory */

static enum MHD_Result
status_reply(struct MHD_Connection *c, unsigned status, const char *type,
    mem_buf_t *out)
{
    enum MHD_Result       rc;
    struct MHD_Response  *response;

    response = MHD_create_response_from_buffer(out->len, out->data,
                                               MHD_RESPMEM_MUST_FREE);
    if (response == NULL) {
        mem_buf_done(out);
        return MHD_NO;
    }

    if (MHD_add_response_header(response, "Content-Type", type) != MHD_YES
        || MHD_add_response_header(response, "Cache-Control", "no-store")
           != MHD_YES
        || (status == MHD_HTTP_METHOD_NOT_ALLOWED
            && MHD_add_response_header(response, "Allow", "GET, HEAD")
               != MHD_YES))
    {
        MHD_destroy_response(response);
        return MHD_NO;
    }

    rc = MHD_queue_response(c, status, response);
    MHD_destroy_response(response);

    return rc;
}


/* Called first with the head of a request, which is answered when it is called
   again, or else libmicrohttpd would end the connection.  Bodies are not read
   by anybody. */

static enum MHD_Result
status_on_request(void *cls, struct MHD_Connection *c, const char *url,
    const char *method, const char *version, const char *data, size_t *size,
    void **context)
{
    unsigned         status;
    mem_buf_t        out = { 0 };
    const char      *type;
    const status_t  *s = cls;

    (void) version;
    (void) data;

    if (*context == NULL) {
        *context = cls;
        return MHD_YES;
    }

    if (*size != 0) {
        *size = 0;
        return MHD_YES;
    }

    status = status_answer(s, method, url, &type, &out);

    return status_reply(c, status, type, &out);
}
