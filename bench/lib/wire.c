#include "wire.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>


#define TURN_EVENTS   512
#define READ_SIZE     65536
#define MAX_FRAME     (2 * 1048576)     /* that the server sends */
#define FRAME_TEXT    0x81
#define FRAME_CLOSE   0x88
#define FRAME_PING    0x89
#define FRAME_PONG    0x8a
#define FRAME_MASKED  0x80


static void wire_bind(wire_t *w);
static void wire_begin_tls(wire_t *w);
static void wire_event(wire_t *w, bool ends);
static void wire_read(wire_t *w, bool ends);
static ssize_t wire_recv(wire_t *w, char *buf, size_t size);
static ssize_t wire_put(wire_t *w, const char *data, size_t len);
static ssize_t wire_tls_result(wire_t *w, int n);
static size_t wire_take(wire_t *w, char *pos, char *last);
static size_t wire_take_response(wire_t *w, char *pos, char *last);
static size_t wire_take_frame(wire_t *w, char *pos, char *last);
static void wire_frame(wire_t *w, unsigned first, char *text, size_t len);
static void wire_write_frame(wire_t *w, unsigned first, const char *payload,
    size_t len);
static void wire_write(wire_t *w, const char *data, size_t len);
static void wire_flush(wire_t *w);
static void wire_end(wire_t *w, const char *reason);


static SSL_CTX   *tls;
static uint32_t   source;


void
wire_tls(SSL_CTX *ctx)
{
    tls = ctx;
}


void
wire_source(uint32_t address)
{
    source = address;
}


void
wire_open(wire_t *w, int epoll_fd, unsigned port, const char *token)
{
    int                 on = 1, len;
    char                text[4096];
    struct epoll_event  event = {
        .events = EPOLLIN|EPOLLOUT|EPOLLRDHUP|EPOLLET, .data.ptr = w
    };
    struct sockaddr_in  to = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t) port),
        .sin_addr = { htonl(INADDR_LOOPBACK) }
    };

    w->shaking = true;
    w->out_len = 0;
    w->in_len = 0;
    w->fd = socket(AF_INET, SOCK_STREAM|SOCK_NONBLOCK, 0);

    if (w->fd == -1
        || setsockopt(w->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == -1
        || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, w->fd, &event) == -1)
    {
        wire_fail("no socket: %s", strerror(errno));
    }

    wire_bind(w);
    wire_begin_tls(w);

    if (connect(w->fd, (struct sockaddr *) &to, sizeof(to)) == -1
        && errno != EINPROGRESS)
    {
        wire_end(w, strerror(errno));
        return;
    }

    len = snprintf(text, sizeof(text),
                   "GET /chat HTTP/1.1\r\n"
                   "Host: 127.0.0.1:%u\r\n"
                   "Upgrade: websocket\r\n"
                   "Connection: Upgrade\r\n"
                   "Sec-WebSocket-Version: 13\r\n"
                   "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                   "Sec-WebSocket-Protocol: chat.v1\r\n"
                   "Authorization: Bearer %s\r\n"
                   "\r\n", port, token);

    w->blocked = true;                  /* until it is connected */
    wire_write(w, text, (size_t) len);
}


/* the port is chosen with the other end's, so each address has them all */

static void
wire_bind(wire_t *w)
{
    int                 on = 1;
    struct sockaddr_in  from = {
        .sin_family = AF_INET, .sin_addr = { htonl(source) }
    };

    if (source != 0
        && (setsockopt(w->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on,
                       sizeof(on)) == -1
            || bind(w->fd, (struct sockaddr *) &from, sizeof(from)) == -1))
    {
        wire_fail("no address: %s", strerror(errno));
    }
}


static void
wire_begin_tls(wire_t *w)
{
    if (tls == NULL) {
        return;
    }

    w->ssl = SSL_new(tls);

    if (w->ssl == NULL || SSL_set_fd(w->ssl, w->fd) != 1) {
        wire_fail("no TLS");
    }

    /* the queue may be moved, and grow, before it is tried again */
    SSL_set_mode(w->ssl, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER
                         |SSL_MODE_ENABLE_PARTIAL_WRITE
                         |SSL_MODE_RELEASE_BUFFERS);
    SSL_set_connect_state(w->ssl);
}


/* what epoll has told */

static void
wire_event(wire_t *w, bool ends)
{
    if (w->fd != -1 && w->blocked) {
        wire_flush(w);
    }

    if (w->fd != -1) {
        wire_read(w, ends);
    }
}


void
wire_send(wire_t *w, const char *text, size_t len)
{
    if (w->fd != -1) {
        wire_write_frame(w, FRAME_TEXT, text, len);
    }
}


void
wire_close(wire_t *w)
{
    SSL_free(w->ssl);
    w->ssl = NULL;
    (void) close(w->fd);
    w->fd = -1;
}


/* The buffer is everybody's; what is left of an incomplete frame is kept by
   the connection and goes before what comes next.  Less than was asked for is
   all there is, epoll(7), unless there is an end behind it. */

static void
wire_read(wire_t *w, bool ends)
{
    char         *pos, *last;
    size_t        used;
    ssize_t       n;
    static char   buf[MAX_FRAME + READ_SIZE];

    for ( ;; ) {

        if (w->in_len > MAX_FRAME) {
            wire_fail("a frame is too large");
        }

        if (w->in_len != 0) {
            memcpy(buf, w->in, w->in_len);
        }

        n = wire_recv(w, buf + w->in_len, READ_SIZE);

        if (n <= 0) {
            if (n == 0 || errno != EAGAIN) {
                wire_end(w, n == 0 ? "end of file" : strerror(errno));
            }

            return;
        }

        pos = buf;
        last = buf + w->in_len + n;

        do {
            used = wire_take(w, pos, last);
            pos += used;
        } while (used != 0 && pos < last && w->fd != -1);

        if (w->fd == -1) {
            return;
        }

        w->in_len = (size_t) (last - pos);

        if (w->in_len != 0) {
            w->in = wire_room(w->in, &w->in_size, w->in_len);
            memcpy(w->in, pos, w->in_len);
        }

        if (n < READ_SIZE && !ends && w->ssl == NULL) {
            return;
        }
    }
}


/* as recv() and send() say it */

static ssize_t
wire_recv(wire_t *w, char *buf, size_t size)
{
    if (w->ssl == NULL) {
        return recv(w->fd, buf, size, MSG_DONTWAIT);
    }

    return wire_tls_result(w, SSL_read(w->ssl, buf, (int) size));
}


static ssize_t
wire_put(wire_t *w, const char *data, size_t len)
{
    if (w->ssl == NULL) {
        return send(w->fd, data, len, MSG_DONTWAIT|MSG_NOSIGNAL);
    }

    return wire_tls_result(w, SSL_write(w->ssl, data, (int) len));
}


static ssize_t
wire_tls_result(wire_t *w, int n)
{
    int  error;

    if (n > 0) {
        return n;
    }

    error = SSL_get_error(w->ssl, n);
    ERR_clear_error();

    if (error == SSL_ERROR_ZERO_RETURN) {
        return 0;
    }

    errno = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE
            ? EAGAIN : EPROTO;

    return -1;
}


/* the number of bytes that were understood; 0: more is needed */

static size_t
wire_take(wire_t *w, char *pos, char *last)
{
    return w->shaking ? wire_take_response(w, pos, last)
                      : wire_take_frame(w, pos, last);
}


static size_t
wire_take_response(wire_t *w, char *pos, char *last)
{
    char  *end = pos;

    while (end - pos < 4 || memcmp(end - 4, "\r\n\r\n", 4) != 0) {
        end = memchr(end, '\n', (size_t) (last - end));

        if (end == NULL) {
            return 0;
        }

        end++;
    }

    if (memcmp(pos, "HTTP/1.1 503 ", 13) == 0) {
        wire_end(w, "refused with 503");    /* for now */
        return 0;
    }

    if (memcmp(pos, "HTTP/1.1 101 ", 13) != 0) {
        wire_fail("a session is not let in: %.12s", pos);
    }

    w->shaking = false;
    w->handlers->open(w);

    return (size_t) (end - pos);
}


/* frames of the server are not masked, and it sends no fragments */

static size_t
wire_take_frame(wire_t *w, char *pos, char *last)
{
    size_t     head = 2, size = (size_t) (last - pos);
    uint8_t   *bytes = (uint8_t *) pos;
    uint16_t   len16;
    uint64_t   len;

    if (size < head) {
        return 0;
    }

    len = bytes[1];

    if (len == 126) {
        head = 4;

        if (size < head) {
            return 0;
        }

        memcpy(&len16, bytes + 2, sizeof(len16));
        len = ntohs(len16);

    } else if (len == 127) {
        head = 10;

        if (size < head) {
            return 0;
        }

        memcpy(&len, bytes + 2, sizeof(len));
        len = be64toh(len);
    }

    if (size - head < len) {
        return 0;
    }

    wire_frame(w, bytes[0], pos + head, (size_t) len);

    return head + (size_t) len;
}


static void
wire_frame(wire_t *w, unsigned first, char *text, size_t len)
{
    char  reason[160];

    switch (first) {

    case FRAME_TEXT:
        w->handlers->text(w, text, len);
        break;

    case FRAME_PING:
        w->pings++;
        wire_write_frame(w, FRAME_PONG, text, len);
        break;

    case FRAME_CLOSE:
        (void) snprintf(reason, sizeof(reason), "closed with %u %.*s",
                        len < 2 ? 0 : (unsigned) (uint8_t) text[0] << 8
                                      | (uint8_t) text[1],
                        len < 2 ? 0 : (int) len - 2, text + 2);
        wire_end(w, reason);
        break;

    default:
        wire_fail("a frame of kind %02x", first);
    }
}


/* The mask of a client may be zero: to the server it is one like others. */

static void
wire_write_frame(wire_t *w, unsigned first, const char *payload, size_t len)
{
    char    frame[WIRE_MAX_TEXT + 8];
    size_t  head = len < 126 ? 2 : 4;

    if (len > WIRE_MAX_TEXT) {
        wire_fail("a text is too large");
    }

    frame[0] = (char) first;

    if (len < 126) {
        frame[1] = (char) (FRAME_MASKED | len);
    } else {
        frame[1] = (char) (FRAME_MASKED | 126);
        frame[2] = (char) (len >> 8);
        frame[3] = (char) len;
    }

    memset(frame + head, 0, 4);
    memcpy(frame + head + 4, payload, len);

    wire_write(w, frame, head + 4 + len);
}


static void
wire_write(wire_t *w, const char *data, size_t len)
{
    w->out = wire_room(w->out, &w->out_size, w->out_len + len);
    memcpy(w->out + w->out_len, data, len);
    w->out_len += len;

    if (!w->blocked) {
        wire_flush(w);
    }
}


/* what fails here fails at the next read, too */

static void
wire_flush(wire_t *w)
{
    ssize_t  n;

    n = wire_put(w, w->out, w->out_len);

    if (n > 0) {
        w->out_len -= (size_t) n;
        memmove(w->out, w->out + n, w->out_len);
    }

    w->blocked = w->out_len != 0;
}


static void
wire_end(wire_t *w, const char *reason)
{
    wire_close(w);
    w->handlers->end(w, reason);
}


int
wire_begin(void)
{
    int                 epoll_fd;
    struct epoll_event  event = { .events = EPOLLIN };

    (void) signal(SIGPIPE, SIG_IGN);    /* OpenSSL write()s */

    /* a line that waits in a buffer would not show in epoll */
    (void) setvbuf(stdin, NULL, _IONBF, 0);
    (void) setvbuf(stdout, NULL, _IOLBF, 0);

    epoll_fd = epoll_create1(0);

    if (epoll_fd == -1
        || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, STDIN_FILENO, &event) == -1)
    {
        wire_fail("no epoll: %s", strerror(errno));
    }

    return epoll_fd;
}


bool
wire_turn(int epoll_fd, int timeout)
{
    return wire_wait(epoll_fd, (uint64_t) timeout * 1000);
}


bool
wire_wait(int epoll_fd, uint64_t us)
{
    int                  i, n;
    bool                 told = false;
    struct timespec      timeout;
    struct epoll_event   events[TURN_EVENTS];

    timeout.tv_sec = (time_t) (us / 1000000);
    timeout.tv_nsec = (long) (us % 1000000 * 1000);

    n = epoll_pwait2(epoll_fd, events, TURN_EVENTS, &timeout, NULL);

    if (n == -1 && errno != EINTR) {
        wire_fail("epoll_pwait2() failed: %s", strerror(errno));
    }

    for (i = 0; i < n; i++) {

        if (events[i].data.ptr == NULL) {
            told = true;
            continue;
        }

        wire_event(events[i].data.ptr,
                   events[i].events & (EPOLLRDHUP|EPOLLHUP|EPOLLERR));
    }

    return told;
}


uint64_t
wire_now(void)
{
    struct timespec  t;

    (void) clock_gettime(CLOCK_MONOTONIC, &t);

    return (uint64_t) t.tv_sec * 1000000 + (uint64_t) t.tv_nsec / 1000;
}


void
wire_fail(const char *format, ...)
{
    va_list  args;

    va_start(args, format);
    vfprintf(stderr, format, args);
    fprintf(stderr, "\n");
    va_end(args);

    exit(1);
}


void *
wire_room(void *data, size_t *size, size_t wanted)
{
    if (wanted <= *size) {
        return data;
    }

    *size = wanted > *size * 2 ? wanted : *size * 2;
    data = realloc(data, *size);

    if (data == NULL) {
        wire_fail("out of memory");
    }

    return data;
}
