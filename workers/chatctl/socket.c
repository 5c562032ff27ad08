#include "socket.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "life.h"


#define TIMEOUT      5000       /* ms: connecting, and the handshake */
#define READ_SIZE    65536
#define FRAME_FIN    0x80
#define FRAME_TEXT   0x01
#define FRAME_CLOSE  0x08
#define FRAME_PING   0x09
#define FRAME_PONG   0x0a
#define FRAME_MASK   0x80


static int socket_connect(const socket_url_t *url, char *why, size_t size);
static int socket_shake(socket_t *s, const socket_url_t *url,
    const char *token, char *why, size_t size);
static int socket_fill(socket_t *s);
static bool socket_frame(socket_t *s, unsigned *opcode, chat_str_t *payload);
static void socket_closed(socket_t *s, chat_str_t payload);
static int socket_send_frame(socket_t *s, unsigned opcode, chat_str_t payload);
static int socket_write(int fd, const void *data, size_t len);


int
socket_url_read(socket_url_t *url, const char *text)
{
    int   n = 0;
    char  rest[512] = "";

    memset(url, 0, sizeof(*url));
    (void) snprintf(url->port, sizeof(url->port), "80");

    if (sscanf(text, "ws://[%255[0-9a-fA-F:.]]%n", url->host, &n) != 1
        && sscanf(text, "ws://%255[^:/?#[]%n", url->host, &n) != 1)
    {
        return -1;
    }

    text += n;
    n = 0;

    if (*text == ':') {
        if (sscanf(text, ":%5[0-9]%n", url->port, &n) != 1) {
            return -1;
        }

        text += n;
    }

    if (*text != '\0' && (*text != '/'
                          || sscanf(text, "%511[!-~]%n", rest, &n) != 1
                          || text[n] != '\0'))
    {
        return -1;
    }

    (void) snprintf(url->path, sizeof(url->path), "%s",
                    *text == '\0' ? "/" : rest);

    return 0;
}


int
socket_open(socket_t *s, const socket_url_t *url, const char *token, char *why,
    size_t size)
{
    s->in.len = 0;
    s->taken = 0;
    s->code = 0;
    s->reason[0] = '\0';
    s->fd = socket_connect(url, why, size);

    if (s->fd == -1) {
        return -1;
    }

    if (socket_shake(s, url, token, why, size) == -1) {
        socket_close(s);
        return -1;
    }

    return 0;
}


/* the first address that takes it */

static int
socket_connect(const socket_url_t *url, char *why, size_t size)
{
    int              fd = -1, rc, on = 1;
    struct addrinfo  *ai, *list, hints = { .ai_socktype = SOCK_STREAM };
    struct timeval    timeout = { .tv_sec = TIMEOUT / 1000 };

    rc = getaddrinfo(url->host, url->port, &hints, &list);

    if (rc != 0) {
        (void) snprintf(why, size, "%s", gai_strerror(rc));
        return -1;
    }

    for (ai = list; ai != NULL && fd == -1; ai = ai->ai_next) {
        fd = socket(ai->ai_family, SOCK_STREAM|SOCK_CLOEXEC, 0);

        if (fd == -1) {
            break;
        }

        (void) setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout,
                          sizeof(timeout));
        (void) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));

        if (connect(fd, ai->ai_addr, ai->ai_addrlen) == -1) {
            (void) snprintf(why, size, "%s", strerror(errno));
            (void) close(fd);
            fd = -1;
        }
    }

    freeaddrinfo(list);

    return fd;
}


static int
socket_shake(socket_t *s, const socket_url_t *url, const char *token,
    char *why, size_t size)
{
    char       *end;
    uint64_t    until = life_now() + TIMEOUT;
    mem_buf_t   text = { 0 };

    /* the answer is of our own server: its key need not be a secret */

    mem_buf_printf(&text, "GET %s HTTP/1.1\r\n"
                   "Host: %s:%s\r\n"
                   "Upgrade: websocket\r\n"
                   "Connection: Upgrade\r\n"
                   "Sec-WebSocket-Version: 13\r\n"
                   "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                   "Sec-WebSocket-Protocol: chat.v1\r\n"
                   "Authorization: Bearer %s\r\n\r\n", url->path, url->host,
                   url->port, token);

    if (socket_write(s->fd, text.data, text.len) == -1) {
        (void) snprintf(why, size, "%s", strerror(errno));
        mem_buf_done(&text);
        return -1;
    }

    mem_buf_done(&text);

    do {
        if (life_wait(s->fd, POLLIN, until, true) != LIFE_READY
            || socket_fill(s) == -1)
        {
            (void) snprintf(why, size, "no answer to the handshake");
            return -1;
        }

        *mem_buf_room(&s->in, 1) = '\0';
        s->in.len--;
        end = strstr((char *) s->in.data, "\r\n\r\n");
    } while (end == NULL);

    if (strncmp((char *) s->in.data, "HTTP/1.1 101 ", 13) != 0) {
        (void) snprintf(why, size, "the handshake is answered by %.12s",
                        (char *) s->in.data);
        return -1;
    }

    s->taken = (size_t) (end + 4 - (char *) s->in.data);

    return 0;
}


void
socket_close(socket_t *s)
{
    if (s->fd != -1) {
        (void) close(s->fd);
        s->fd = -1;
    }
}


void
socket_done(socket_t *s)
{
    socket_close(s);
    mem_buf_done(&s->in);
}


/* what there is; -1: the connection has ended */

static int
socket_fill(socket_t *s)
{
    size_t    len = s->in.len;
    ssize_t   n;
    uint8_t  *room = mem_buf_room(&s->in, READ_SIZE);

    n = recv(s->fd, room, READ_SIZE, MSG_DONTWAIT);
    s->in.len = len + (n > 0 ? (size_t) n : 0);

    if (n > 0) {
        return s->in.len > SOCKET_MAX_FRAME ? -1 : 0;
    }

    return n == -1 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}


socket_rc_e
socket_read(socket_t *s, chat_str_t *text)
{
    size_t    before;
    unsigned  opcode;

    if (s->fd == -1) {
        return SOCKET_CLOSED;
    }

    for ( ;; ) {

        if (!socket_frame(s, &opcode, text)) {
            before = s->in.len - s->taken;
            memmove(s->in.data, s->in.data + s->taken, before);
            s->in.len = before;
            s->taken = 0;

            if (socket_fill(s) == -1) {
                socket_close(s);
                return SOCKET_CLOSED;
            }

            if (s->in.len == before) {
                return SOCKET_NOTHING;
            }

            continue;
        }

        switch (opcode) {

        case FRAME_TEXT:
            return SOCKET_TEXT;

        case FRAME_PING:
            if (socket_send_frame(s, FRAME_PONG, *text) == -1) {
                return SOCKET_CLOSED;
            }

            break;

        case FRAME_CLOSE:
            socket_closed(s, *text);
            return SOCKET_CLOSED;

        default:
            break;
        }
    }
}


/* the next frame that is there whole; those of the server are not masked, and
   not in fragments */

static bool
socket_frame(socket_t *s, unsigned *opcode, chat_str_t *payload)
{
    size_t    i, head = 2, left = s->in.len - s->taken;
    uint8_t  *p = s->in.data + s->taken;
    uint64_t  len;

    if (left < head) {
        return false;
    }

    len = p[1];

    if (len >= 126) {
        head = len == 126 ? 4 : 10;

        if (left < head) {
            return false;
        }

        for (i = 2, len = 0; i < head; i++) {
            len = len << 8 | p[i];
        }
    }

    if (left - head < len) {
        return false;
    }

    *opcode = p[0] & 0x0f;
    payload->data = p + head;
    payload->len = (size_t) len;
    s->taken += head + (size_t) len;

    return true;
}


/* it is answered, as a client does; the server ends the connection */

static void
socket_closed(socket_t *s, chat_str_t payload)
{
    if (payload.len >= 2) {
        s->code = (unsigned) payload.data[0] << 8 | payload.data[1];
        (void) snprintf(s->reason, sizeof(s->reason), "%.*s",
                        (int) payload.len - 2,
                        (const char *) payload.data + 2);
    }

    if (socket_send_frame(s, FRAME_CLOSE, payload) == 0) {
        socket_close(s);
    }
}


int
socket_send(socket_t *s, chat_str_t text)
{
    return s->fd != -1 ? socket_send_frame(s, FRAME_TEXT, text) : -1;
}


static int
socket_send_frame(socket_t *s, unsigned opcode, chat_str_t payload)
{
    int         rc;
    size_t      i;
    uint8_t     mask[4], head[4] = { (uint8_t) (FRAME_FIN | opcode) };
    mem_buf_t   frame = { 0 };

    if (payload.len < 126) {
        head[1] = (uint8_t) (FRAME_MASK | payload.len);
        mem_buf_add(&frame, head, 2);

    } else {                            /* nothing of ours is longer */
        head[1] = FRAME_MASK | 126;
        head[2] = (uint8_t) (payload.len >> 8);
        head[3] = (uint8_t) payload.len;
        mem_buf_add(&frame, head, 4);
    }

    life_random(mask, sizeof(mask));
    mem_buf_add(&frame, mask, sizeof(mask));

    for (i = 0; i < payload.len; i++) {
        head[0] = payload.data[i] ^ mask[i % 4];
        mem_buf_add(&frame, head, 1);
    }

    rc = socket_write(s->fd, frame.data, frame.len);
    mem_buf_done(&frame);

    if (rc == -1) {
        socket_close(s);
    }

    return rc;
}


static int
socket_write(int fd, const void *data, size_t len)
{
    ssize_t      n;
    const char  *p = data;

    while (len > 0) {
        n = send(fd, p, len, MSG_NOSIGNAL);

        if (n == -1 && errno == EINTR) {
            continue;
        }

        if (n <= 0) {
            return -1;
        }

        p += n;
        len -= (size_t) n;
    }

    return 0;
}
