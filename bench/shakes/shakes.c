/*
 * shakes PORT CONNECTIONS MS < REQUEST
 *
 * makes one handshake after the other for so long, CONNECTIONS at a time: each
 * connects to loopback, sends the request and is reset when the answer is
 * there.  That is "HTTP/1.1 101" with its header, and with a WebSocket frame
 * after it if the request holds a token (RFC 6455): then the server speaks
 * first.  Prints a line of NAME=VALUE.
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


#define MAX_CONNECTIONS  1000
#define MAX_REQUEST      16384
#define MAX_RESPONSE     4096
#define TURN_EVENTS      256
#define STUCK_MS         5000       /* nothing at all has happened */


typedef struct {
    int     fd;
    bool    sent;
    size_t  len;
    char    response[MAX_RESPONSE + 1];
} shake_t;


static void shakes_begin(shake_t *shake);
static void shakes_event(shake_t *shake);
static bool shakes_is_answered(const shake_t *shake);
static void shakes_end(shake_t *shake);


static int       epoll_fd;
static unsigned  port;
static char      request[MAX_REQUEST + 1];
static size_t    request_len;
static bool      greeted;               /* a frame follows the header */
static uint64_t  finished;


int
main(int argc, char **argv)
{
    int                  i, n;
    unsigned             connections, ms;
    uint64_t             began, took;
    struct epoll_event   events[TURN_EVENTS];
    static shake_t       shakes[MAX_CONNECTIONS];

    if (argc != 4 || sscanf(argv[1], "%u", &port) != 1
        || sscanf(argv[2], "%u", &connections) != 1
        || sscanf(argv[3], "%u", &ms) != 1
        || connections == 0 || connections > MAX_CONNECTIONS)
    {
        wire_fail("usage: shakes PORT CONNECTIONS MS < REQUEST");
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

    printf("handshakes=%" PRIu64 " us=%" PRIu64 "\n", finished, took);

    return 0;
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
}


/* the request is smaller than what the kernel takes at once */

static void
shakes_event(shake_t *shake)
{
    ssize_t  n;

    if (!shake->sent) {
        n = send(shake->fd, request, request_len, MSG_NOSIGNAL);

        if (n == -1 && errno == EAGAIN) {
            return;
        }

        if (n != (ssize_t) request_len) {
            wire_fail("cannot send: %s", strerror(errno));
        }

        shake->sent = true;
    }

    n = recv(shake->fd, shake->response + shake->len,
             MAX_RESPONSE - shake->len, 0);

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
    }
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
    (void) close(shake->fd);
}
