/*
 * flood PORT KIND CONNECTIONS [TOKEN]
 *
 * does as much harm as one process can, from the address 127.0.0.2, until
 * standard input ends; then tells how much that was, as a line of NAME=VALUE.
 * KIND is what each of the connections does, again and again:
 *
 *      handshake   a whole handshake, with TOKEN; ended when it is answered
 *      half        half a handshake, and nothing more
 *      spin        nothing, but to take a processor's time: to compare with
 *      request, ping, pong, empty, byte, binary, junk, bomb
 *                  a session with TOKEN that sends such frames without end;
 *                  empty and byte: fragments with so much in them; bomb: 16 MB
 *                  of blanks, compressed (RFC 7692)
 */

#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>


#define TURN_EVENTS  256
#define BLOCK        65536      /* bytes of frames that are written at once */
#define FROM         0x7f000002
#define BOMB         (16 * 1048576)
#define BOMB_TAIL    4          /* of a flush, which is not sent */


typedef struct {
    int     fd;
    bool    flooding;           /* it has a session */
    size_t  pos;                /* in the block */
} flooder_t;


/* frames of clients, with a mask of zeros */

static const struct {
    const char  *kind;
    const char  *first;         /* sent once */
    size_t       nfirst;
    const char  *frame;
    size_t       len;
} kinds[] = {

#define FRAMES(kind, first, frame)                                            \
    { kind, first, sizeof(first) - 1, frame, sizeof(frame) - 1 }

    FRAMES("request", "", "\x81\x8f\0\0\0\0{\"type\":\"ping\"}"),
    FRAMES("ping", "", "\x89\x80\0\0\0\0"),
    FRAMES("pong", "", "\x8a\x80\0\0\0\0"),
    FRAMES("empty", "\x01\x80\0\0\0\0", "\x00\x80\0\0\0\0"),
    FRAMES("byte", "\x01\x81\0\0\0\0 ", "\x00\x81\0\0\0\0 "),
    FRAMES("binary", "", "\x82\x80\0\0\0\0"),
    FRAMES("junk", "", "\x81\x82\0\0\0\0{}"),
};


static struct {
    unsigned long  opened;
    unsigned long  answered;    /* with 101 */
    unsigned long  refused;     /* with anything else */
    unsigned long  ended;       /* by the other side, or not connected */
    unsigned long  bytes;       /* of frames */
} tally;

static unsigned     port;
static bool         half, shake;
static char         request[8192];
static size_t       nrequest;
static char         block[BLOCK];
static size_t       nblock, nfirst;
static int          epoll_fd;


static void flood_prepare(const char *kind, const char *token);
static void flood_bomb(void);
static void flood_spin(void);
static void flood_open(flooder_t *f);
static void flood_again(flooder_t *f);
static void flood_event(flooder_t *f, uint32_t events);
static void flood_read(flooder_t *f);
static void flood_ask(flooder_t *f);
static void flood_send(flooder_t *f);
static void flood_watch(flooder_t *f, int operation, uint32_t events);
static bool flood_over(int timeout);


int
main(int argc, char **argv)
{
    unsigned    i, n;
    flooder_t  *flooders;

    if (argc < 4 || sscanf(argv[1], "%u", &port) != 1
        || sscanf(argv[3], "%u", &n) != 1)
    {
        wire_fail("usage: flood PORT KIND CONNECTIONS [TOKEN]");
    }

    if (strcmp(argv[2], "spin") == 0) {
        flood_spin();
        return 0;
    }

    flood_prepare(argv[2], argc > 4 ? argv[4] : "");

    epoll_fd = wire_begin();
    flooders = calloc(n, sizeof(flooder_t));

    if (flooders == NULL) {
        wire_fail("out of memory");
    }

    for (i = 0; i < n; i++) {
        flood_open(&flooders[i]);
    }

    while (!flood_over(1000)) { /* void */ }

    printf("opened=%lu answered=%lu refused=%lu ended=%lu bytes=%lu\n",
           tally.opened, tally.answered, tally.refused, tally.ended,
           tally.bytes);

    return 0;
}


static void
flood_prepare(const char *kind, const char *token)
{
    int     len;
    size_t  i;

    half = strcmp(kind, "half") == 0;
    shake = strcmp(kind, "handshake") == 0;

    len = snprintf(request, sizeof(request),
                   "GET /chat HTTP/1.1\r\n"
                   "Host: 127.0.0.1:%u\r\n"
                   "Upgrade: websocket\r\n"
                   "Connection: Upgrade\r\n"
                   "Sec-WebSocket-Version: 13\r\n"
                   "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                   "Sec-WebSocket-Protocol: chat.v1\r\n"
                   "Sec-WebSocket-Extensions: permessage-deflate\r\n"
                   "Authorization: Bearer %s\r\n"
                   "\r\n", port, token);

    if (strcmp(kind, "bomb") == 0) {
        flood_bomb();
        nrequest = (size_t) len;
        return;
    }

    nrequest = half ? (size_t) len / 2 : (size_t) len;

    for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {

        if (strcmp(kind, kinds[i].kind) != 0) {
            continue;
        }

        nfirst = kinds[i].nfirst;
        memcpy(block, kinds[i].first, nfirst);
        nblock = nfirst;

        while (nblock + kinds[i].len <= BLOCK) {
            memcpy(block + nblock, kinds[i].frame, kinds[i].len);
            nblock += kinds[i].len;
        }

        return;
    }

    if (!half && !shake) {
        wire_fail("what is %s?", kind);
    }
}


/* one message in one frame; its length is written in 16 bits */

static void
flood_bomb(void)
{
    size_t    len;
    Bytef    *blanks;
    z_stream  z = { 0 };

    blanks = malloc(BOMB);

    if (blanks == NULL
        || deflateInit2(&z, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK)
    {
        wire_fail("out of memory");
    }

    memset(blanks, ' ', BOMB);

    z.next_in = blanks;
    z.avail_in = BOMB;
    z.next_out = (Bytef *) block + 8;
    z.avail_out = BLOCK - 8;

    if (deflate(&z, Z_SYNC_FLUSH) != Z_OK || z.avail_in != 0) {
        wire_fail("the bomb is too large");
    }

    len = BLOCK - 8 - z.avail_out - BOMB_TAIL;

    memcpy(block, "\xc1\xfe", 2);       /* text, compressed, masked */
    block[2] = (char) (len >> 8);
    block[3] = (char) len;
    nblock = 8 + len;

    (void) deflateEnd(&z);
    free(blanks);
}


static void
flood_spin(void)
{
    char      c;
    uint64_t  end;

    (void) fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);

    while (read(STDIN_FILENO, &c, 1) != 0) {
        end = wire_now() + 1000;

        while (wire_now() < end) { /* void */ }
    }

    printf("opened=0\n");
}


static void
flood_open(flooder_t *f)
{
    int                 on = 1;
    struct sockaddr_in  from = {
        .sin_family = AF_INET, .sin_addr = { htonl(FROM) }
    };
    struct sockaddr_in  to = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t) port),
        .sin_addr = { htonl(INADDR_LOOPBACK) }
    };

    f->flooding = false;
    f->pos = 0;
    f->fd = socket(AF_INET, SOCK_STREAM|SOCK_NONBLOCK, 0);

    if (f->fd == -1
        || setsockopt(f->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == -1
        || setsockopt(f->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on,
                      sizeof(on)) == -1
        || bind(f->fd, (struct sockaddr *) &from, sizeof(from)) == -1)
    {
        wire_fail("no socket: %s", strerror(errno));
    }

    if (connect(f->fd, (struct sockaddr *) &to, sizeof(to)) == -1
        && errno != EINPROGRESS)
    {
        wire_fail("cannot connect: %s", strerror(errno));
    }

    flood_watch(f, EPOLL_CTL_ADD, EPOLLOUT);

    tally.opened++;
}


/* with a reset, so that no port has to wait before it is used again */

static void
flood_again(flooder_t *f)
{
    struct linger  reset = { .l_onoff = 1, .l_linger = 0 };

    (void) setsockopt(f->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    (void) close(f->fd);

    flood_open(f);
}


static void
flood_event(flooder_t *f, uint32_t events)
{
    if (events & (EPOLLERR|EPOLLHUP)) {
        tally.ended++;
        flood_again(f);
        return;
    }

    if (events & EPOLLIN) {
        flood_read(f);
        return;
    }

    if (f->flooding) {
        flood_send(f);
        return;
    }

    flood_ask(f);
}


static void
flood_ask(flooder_t *f)
{
    (void) send(f->fd, request, nrequest, MSG_NOSIGNAL);

    flood_watch(f, EPOLL_CTL_MOD, EPOLLIN);
}


/* the answer to a handshake; then whatever comes is thrown away */

static void
flood_read(flooder_t *f)
{
    ssize_t      n;
    static char  buf[BLOCK];

    n = recv(f->fd, buf, sizeof(buf), 0);

    if (n <= 0) {
        tally.ended++;
        flood_again(f);
        return;
    }

    if (f->flooding) {
        return;
    }

    if (n < 12 || memcmp(buf, "HTTP/1.1 101", 12) != 0) {
        tally.refused++;
        flood_again(f);
        return;
    }

    tally.answered++;

    if (shake) {
        flood_again(f);
        return;
    }

    f->flooding = true;
    flood_watch(f, EPOLL_CTL_MOD, EPOLLIN|EPOLLOUT);
}


/* the block again and again, but for what comes first */

static void
flood_send(flooder_t *f)
{
    ssize_t  n;

    n = send(f->fd, block + f->pos, nblock - f->pos, MSG_NOSIGNAL);

    if (n > 0) {
        tally.bytes += (size_t) n;
        f->pos += (size_t) n;

        if (f->pos == nblock) {
            f->pos = nfirst;
        }
    }
}


static void
flood_watch(flooder_t *f, int operation, uint32_t events)
{
    struct epoll_event  event = { .events = events, .data.ptr = f };

    if (epoll_ctl(epoll_fd, operation, f->fd, &event) == -1) {
        wire_fail("no epoll: %s", strerror(errno));
    }
}


static bool
flood_over(int timeout)
{
    int                 i, n;
    char                c;
    struct epoll_event  events[TURN_EVENTS];

    n = epoll_wait(epoll_fd, events, TURN_EVENTS, timeout);

    for (i = 0; i < n; i++) {

        if (events[i].data.ptr == NULL) {
            return read(STDIN_FILENO, &c, 1) <= 0;
        }

        flood_event(events[i].data.ptr, events[i].events);
    }

    return false;
}
