/*
 * HTTP by libmicrohttpd, which is asked to poll nothing itself: one thread
 * waits for its descriptor and for the signals that end the program.
 */

#include "signin.h"

#include <microhttpd.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "life.h"
#include "log.h"


#define HTTP_TIMEOUT      10            /* seconds, of an idle connection */
#define HTTP_CONNECTIONS  256


/* one request; made with its first line, freed when it is answered */

typedef struct {
    mem_buf_t  body;
    bool       too_large;
} request_t;


typedef struct {
    const char  *method;
    const char  *url;
    unsigned   (*handler)(const signin_t *s, chat_str_t body,
                          mem_buf_t *reply);
} route_t;


static enum MHD_Result http_on_request(void *cls, struct MHD_Connection *c,
    const char *url, const char *method, const char *version,
    const char *data, size_t *size, void **context);
static void http_on_completed(void *cls, struct MHD_Connection *c,
    void **context, enum MHD_RequestTerminationCode toe);
static int http_loop(struct MHD_Daemon *daemon);
static unsigned http_health(const signin_t *s, chat_str_t body,
    mem_buf_t *reply);


static const route_t  routes[] = {
    { MHD_HTTP_METHOD_POST, "/signin",  signin_answer },
    { MHD_HTTP_METHOD_GET,  "/healthz", http_health },
    { MHD_HTTP_METHOD_GET,  "/readyz",  http_health }
};


int
http_serve(const signin_t *s, int fd)
{
    int                 rc;
    struct MHD_Daemon  *daemon;

    daemon = MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL,
                 http_on_request, (void *) s,
                 MHD_OPTION_LISTEN_SOCKET, fd,
                 MHD_OPTION_NOTIFY_COMPLETED, http_on_completed, NULL,
                 MHD_OPTION_CONNECTION_TIMEOUT, (unsigned) HTTP_TIMEOUT,
                 MHD_OPTION_CONNECTION_LIMIT, (unsigned) HTTP_CONNECTIONS,
                 MHD_OPTION_END);

    if (daemon == NULL) {
        log_crit("cannot start the HTTP server", log_errno());
        return -1;
    }

    rc = http_loop(daemon);

    /* the listening socket stays the caller's */
    (void) MHD_quiesce_daemon(daemon);
    MHD_stop_daemon(daemon);

    return rc;
}


static int
http_loop(struct MHD_Daemon *daemon)
{
    uint64_t                     at;
    MHD_UNSIGNED_LONG_LONG       timeout;
    const union MHD_DaemonInfo  *info;

    info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD);

    if (info == NULL) {
        log_alert("the HTTP server has no descriptor", log_errno());
        return -1;
    }

    while (!life_stopping()) {

        if (MHD_get_timeout(daemon, &timeout) != MHD_YES) {
            timeout = HTTP_TIMEOUT * 1000;
        }

        at = life_now() + timeout;

        if (life_wait(info->epoll_fd, POLLIN, at, true) == LIFE_STOP) {
            break;
        }

        if (MHD_run(daemon) != MHD_YES) {
            log_alert("the HTTP server failed", log_errno());
            return -1;
        }
    }

    return 0;
}


static unsigned
http_health(const signin_t *s, chat_str_t body, mem_buf_t *reply)
{
    (void) s;
    (void) body;

    mem_buf_printf(reply, "{\"status\":\"ok\"}\n");

    return MHD_HTTP_OK;
}


/* finds who answers; an error of HTTP is answered here */

static unsigned
http_answer(const signin_t *s, const char *method, const char *url,
    const request_t *r, mem_buf_t *reply)
{
    size_t      i;
    bool        found = false;
    chat_str_t  body = { r->body.data, r->body.len };

    if (r->too_large) {
        signin_error(reply, "too_large", "the body may have 4096 bytes");
        return MHD_HTTP_CONTENT_TOO_LARGE;
    }

    for (i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {

        if (strcmp(url, routes[i].url) != 0) {
            continue;
        }

        if (strcmp(method, routes[i].method) == 0) {
            return routes[i].handler(s, body, reply);
        }

        found = true;
    }

    if (found) {
        signin_error(reply, "bad_request", "not a method of this resource");
        return MHD_HTTP_METHOD_NOT_ALLOWED;
    }

    signin_error(reply, "not_found", "there is nothing here");
    return MHD_HTTP_NOT_FOUND;
}


/* hands the reply over; MHD frees its memory */

static enum MHD_Result
http_reply(struct MHD_Connection *c, unsigned status, mem_buf_t *reply)
{
    enum MHD_Result       rc;
    struct MHD_Response  *response;

    response = MHD_create_response_from_buffer(reply->len, reply->data,
                                               MHD_RESPMEM_MUST_FREE);
    if (response == NULL) {
        mem_buf_done(reply);
        return MHD_NO;
    }

    if (MHD_add_response_header(response, "Content-Type", "application/json")
        != MHD_YES
        || MHD_add_response_header(response, "Cache-Control", "no-store")
           != MHD_YES)
    {
        MHD_destroy_response(response);
        return MHD_NO;
    }

    rc = MHD_queue_response(c, status, response);
    MHD_destroy_response(response);

    return rc;
}


/*
 * Called first with the head of a request, then with each piece of its body,
 * then with none.  Only the last call may answer: an answer in the middle of
 * a body closes the connection, and nginx would call that a failure.
 */

static enum MHD_Result
http_on_request(void *cls, struct MHD_Connection *c, const char *url,
    const char *method, const char *version, const char *data, size_t *size,
    void **context)
{
    unsigned          status;
    request_t        *r = *context;
    mem_buf_t         reply;
    const signin_t   *s = cls;

    (void) version;

    if (r == NULL) {
        *context = mem_alloc(sizeof(request_t));
        return MHD_YES;
    }

    if (*size != 0) {

        if (r->body.len + *size > SIGNIN_MAX_BODY) {
            r->too_large = true;
        } else {
            mem_buf_add(&r->body, data, *size);
        }

        *size = 0;
        return MHD_YES;
    }

    memset(&reply, 0, sizeof(reply));
    status = http_answer(s, method, url, r, &reply);

    return http_reply(c, status, &reply);
}


static void
http_on_completed(void *cls, struct MHD_Connection *c, void **context,
    enum MHD_RequestTerminationCode toe)
{
    request_t  *r = *context;

    (void) cls;
    (void) c;
    (void) toe;

    if (r != NULL) {
        mem_buf_done(&r->body);
        free(r);
    }
}
