/*
 * shakes PORT CONNECTIONS MS [full|resumed] < REQUEST
 *
 * makes one handshake after the other for so long, CONNECTIONS at a time: each
 * connects to loopback, sends the request and is reset when the answer is
 * there.  That is "HTTP/1.1 101" with its header, and with a WebSocket frame
 * after it if the request holds a token (RFC 6455): then the server speaks
 * first.  Prints a line of NAME=VALUE.
 *
 * "full" and "resumed" are handshakes of TLS before that: each a new one, or one
 * that takes up the session of a connection before.
 *
 * A reset, since a client that closes in order keeps its port for a minute.
 */

#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>


#define MAX_CONNECTIONS  1000
#define MAX_REQUEST      16384
#define MAX_RESPONSE     4096
#define TURN_EVENTS      256
#define STUCK_MS         5000       /* nothing at all has happened */


typedef struct {
    int     fd;
    SSL    *ssl;            /* NULL: plain */
    bool    sent;
    size_t  len;
    char    response[MAX_RESPONSE + 1];
} shake_t;


static void shakes_prepare_tls(bool resume);
static int shakes_keep(SSL *ssl, SSL_SESSION *session);
static void shakes_begin(shake_t *shake);
static void shakes_begin_tls(shake_t *shake);
static void shakes_event(shake_t *shake);
static ssize_t shakes_send(shake_t *shake);
static ssize_t shakes_recv(shake_t *shake);
static ssize_t shakes_tls_result(const shake_t *shake, int n);
static bool shakes_is_answered(const shake_t *shake);
static void shakes_end(shake_t *shake);


static int           epoll_fd;
static unsigned      port;
static char          request[MAX_REQUEST + 1];
static size_t        request_len;
static bool          greeted;           /* a frame follows the header */
static uint64_t      finished, resumed;
static SSL_CTX      *tls;
static SSL_SESSION  *session;           /* of the last connection, if wanted */


int
main(int argc, char **argv)
{
    int                  i, n;
    unsigned             connections, ms;
    uint64_t             began, took;
    struct epoll_event   events[TURN_EVENTS];
    static shake_t       shakes[MAX_CONNECTIONS];

    if (argc < 4 || argc > 5 || sscanf(argv[1], "%u", &port) != 1
        || sscanf(argv[2], "%u", &connections) != 1
        || sscanf(argv[3], "%u", &ms) != 1
        || connections == 0 || connections > MAX_CONNECTIONS
        || (argc == 5 && strcmp(argv[4], "full") != 0
            && strcmp(argv[4], "resumed") != 0))
    {
        wire_fail("usage: shakes PORT CONNECTIONS MS [full|resumed] < REQUEST");
    }

    if (argc == 5) {
        shakes_prepare_tls(strcmp(argv[4], "resumed") == 0);
    }

    request_len = fread(request, 1, MAX_REQUEST, stdin);
    greeted = strstr(request, "\r\nAuthorization:") != NULL;
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);

    if (epoll_fd == -1) {
        wire_fail("no epoll: %s", strerror(errno));
    }

    began = wire_now();

    for (i = 0; i < (int) connections; i++) {
        shakes_begin(&shakes[i]);
    }

    do {
        n = epoll_wait(epoll_fd, events, TURN_EVENTS, STUCK_MS);

        if (n <= 0) {
            wire_fail("no answer for %d ms", STUCK_MS);
        }

        for (i = 0; i < n; i++) {
            shakes_event(events[i].data.ptr);
        }

        took = wire_now() - began;
    } while (took < ms * UINT64_C(1000));

    printf("handshakes=%" PRIu64 " us=%" PRIu64 " resumed=%" PRIu64 "\n",
           finished, took, resumed);

    return 0;
}


static void
shakes_prepare_tls(bool resume)
{
    tls = SSL_CTX_new(TLS_client_method());

    if (tls == NULL) {
        wire_fail("no TLS");
    }

    SSL_CTX_set_verify(tls, SSL_VERIFY_NONE, NULL);

    if (resume) {
        SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_CLIENT
                                            |SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_sess_set_new_cb(tls, shakes_keep);
    }
}


/* the session is ours from here on */

static int
shakes_keep(SSL *ssl, SSL_SESSION *fresh)
{
    (void) ssl;

    SSL_SESSION_free(session);
    session = fresh;

    return 1;
}


static void
shakes_begin(shake_t *shake)
{
    int                 on = 1;
    struct linger       reset = { .l_onoff = 1, .l_linger = 0 };
    struct epoll_event  event = {
        .events = EPOLLIN|EPOLLOUT|EPOLLET, .data.ptr = shake
    };
    struct sockaddr_in  to = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t) port),
        .sin_addr = { htonl(INADDR_LOOPBACK) }
    };

    shake->sent = false;
    shake->len = 0;
    shake->fd = socket(AF_INET, SOCK_STREAM|SOCK_NONBLOCK, 0);

    if (shake->fd == -1
        || setsockopt(shake->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on))
           == -1
        || setsockopt(shake->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset))
           == -1
        || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, shake->fd, &event) == -1
        || (connect(shake->fd, (struct sockaddr *) &to, sizeof(to)) == -1
            && errno != EINPROGRESS))
    {
        wire_fail("no connection: %s", strerror(errno));
    }

    if (tls != NULL) {
        shakes_begin_tls(shake);
    }
}


static void
shakes_begin_tls(shake_t *shake)
{
    shake->ssl = SSL_new(tls);

    if (shake->ssl == NULL || !SSL_set_fd(shake->ssl, shake->fd)
        || (session != NULL && !SSL_set_session(shake->ssl, session)))
    {
        wire_fail("no TLS");
    }

    SSL_set_connect_state(shake->ssl);
    SSL_set_quiet_shutdown(shake->ssl, 1);
}


/* the request is smaller than what the kernel takes at once */

static void
shakes_event(shake_t *shake)
{
    ssize_t  n;

    if (!shake->sent) {
        n = shakes_send(shake);

        if (n == -1 && errno == EAGAIN) {
            return;
        }

        if (n != (ssize_t) request_len) {
            wire_fail("cannot send: %s", strerror(errno));
        }

        shake->sent = true;
    }

    for ( ;; ) {
        n = shakes_recv(shake);

        if (n == -1 && errno == EAGAIN) {
            return;
        }

        if (n <= 0) {
            wire_fail("closed before an answer: %s",
                      n == 0 ? "end of file" : strerror(errno));
        }

        shake->len += (size_t) n;
        shake->response[shake->len] = '\0';

        if (shakes_is_answered(shake)) {
            shakes_end(shake);
            shakes_begin(shake);
            return;
        }
    }
}


/* as send() and recv(), whether it is TLS or not; the first of them makes the
   handshake of that */

static ssize_t
shakes_send(shake_t *shake)
{
    if (shake->ssl == NULL) {
        return send(shake->fd, request, request_len, MSG_NOSIGNAL);
    }

    return shakes_tls_result(shake, SSL_write(shake->ssl, request,
                                              (int) request_len));
}


static ssize_t
shakes_recv(shake_t *shake)
{
    char    *to = shake->response + shake->len;
    size_t   room = MAX_RESPONSE - shake->len;

    if (shake->ssl == NULL) {
        return recv(shake->fd, to, room, 0);
    }

    return shakes_tls_result(shake, SSL_read(shake->ssl, to, (int) room));
}


static ssize_t
shakes_tls_result(const shake_t *shake, int n)
{
    int  err;

    if (n > 0) {
        return n;
    }

    err = SSL_get_error(shake->ssl, n);

    if (err != SSL_ERROR_WANT_READ && err != SSL_ERROR_WANT_WRITE) {
        wire_fail("TLS: %s", ERR_reason_error_string(ERR_peek_error()));
    }

    errno = EAGAIN;

    return -1;
}


static bool
shakes_is_answered(const shake_t *shake)
{
    const char  *end;

    end = strstr(shake->response, "\r\n\r\n");

    if (end == NULL) {
        return false;
    }

    if (strncmp(shake->response, "HTTP/1.1 101 ", 13) != 0) {
        wire_fail("not let in: %.200s", shake->response);
    }

    end += 4;

    return !greeted || end < shake->response + shake->len;
}


static void
shakes_end(shake_t *shake)
{
    finished++;

    /* otherwise OpenSSL takes its session for one that failed */
    if (shake->ssl != NULL) {
        resumed += (uint64_t) SSL_session_reused(shake->ssl);
        (void) SSL_shutdown(shake->ssl);
        SSL_free(shake->ssl);
        shake->ssl = NULL;
    }

    (void) close(shake->fd);
}
