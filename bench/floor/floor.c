/*
 * floor PORT ROOMS SIZE < COMMANDS
 *
 * sends what a node sends, and does nothing else: texts of the same size, in
 * the same frames, to as many sockets, with one send() for each.  No server
 * that sends a message to each of its receivers by itself can be cheaper; what
 * a node takes more is its own, what it takes less it has saved by sending
 * several with one call.
 *
 * A client makes a WebSocket handshake whose token is the number of its room;
 * nothing else is ever read.  A line of standard input is one of
 *
 *      ready N                 answered with "ready" once so many are there
 *      send RATE MS BURST AT   so many messages a second for so long, each to
 *                              the room that has its turn, so many at once; the
 *                              first one is due at that time (us of
 *                              CLOCK_MONOTONIC, 0: now)
 *      loop MS                 as many as the sockets take for so long
 *
 * The last two are answered with a line of NAME=VALUE.  "blocked" are the sends
 * that had to wait for their receiver.
 */

#define _GNU_SOURCE                     /* accept4() */

#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>


#define BACKLOG        4096
#define SEND_BUFFER    65536            /* as conf/nginx.conf has it */
#define MIN_SIZE       400
#define MAX_SIZE       16384
#define MAX_HANDSHAKE  4096
#define TURN_EVENTS    256
#define READY_SECONDS  60
#define STUCK_SECONDS  10
#define SECOND         UINT64_C(1000000)


typedef struct {
    int       *fds;
    size_t     nfds;
    size_t     size;            /* of fds, in bytes */
    uint64_t   sequence;
} room_t;


static void floor_listen(unsigned port);
static void floor_command(const char *line);
static void floor_ready(unsigned n);
static void floor_accept(void);
static void floor_handshake(int fd);
static void floor_send(double rate, unsigned ms, unsigned burst, uint64_t at);
static void floor_loop(unsigned ms);
static void floor_message(uint64_t due);
static size_t floor_frame(uint64_t sequence, uint64_t due);
static void floor_send_all(int fd, const char *data, size_t len);
static void floor_wait(uint64_t until);
static void floor_report(void);


static int       epoll_fd, listen_fd;
static room_t   *rooms;
static unsigned  nrooms, next_room, nsessions, size;
static char      frame[MAX_SIZE + 4];
static uint64_t  messages, sends, blocked, began;


int
main(int argc, char **argv)
{
    char      line[256];
    unsigned  port;

    if (argc != 4 || sscanf(argv[1], "%u", &port) != 1
        || sscanf(argv[2], "%u", &nrooms) != 1
        || sscanf(argv[3], "%u", &size) != 1
        || nrooms == 0 || size < MIN_SIZE || size > MAX_SIZE)
    {
        wire_fail("usage: floor PORT ROOMS SIZE < COMMANDS");
    }

    rooms = calloc(nrooms, sizeof(room_t));

    if (rooms == NULL) {
        wire_fail("out of memory");
    }

    (void) setvbuf(stdout, NULL, _IOLBF, 0);
    epoll_fd = epoll_create1(0);
    floor_listen(port);

    while (fgets(line, sizeof(line), stdin) != NULL) {
        floor_command(line);
    }

    return 0;
}


static void
floor_listen(unsigned port)
{
    int                 on = 1, buffer = SEND_BUFFER;
    struct epoll_event  event = { .events = EPOLLIN, .data.fd = -1 };
    struct sockaddr_in  at = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t) port),
        .sin_addr = { htonl(INADDR_LOOPBACK) }
    };

    listen_fd = socket(AF_INET, SOCK_STREAM|SOCK_NONBLOCK, 0);

    if (epoll_fd == -1 || listen_fd == -1
        || setsockopt(listen_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on))
           == -1
        || setsockopt(listen_fd, SOL_SOCKET, SO_SNDBUF, &buffer,
                      sizeof(buffer)) == -1
        || bind(listen_fd, (struct sockaddr *) &at, sizeof(at)) == -1
        || listen(listen_fd, BACKLOG) == -1
        || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listen_fd, &event) == -1)
    {
        wire_fail("cannot listen at port %u: %s", port, strerror(errno));
    }

    printf("listening\n");
}


static void
floor_command(const char *line)
{
    double    rate;
    unsigned  n, ms, burst;
    uint64_t  at;

    if (sscanf(line, "ready %u", &n) == 1) {
        floor_ready(n);

    } else if (sscanf(line, "send %lf %u %u %" SCNu64, &rate, &ms, &burst, &at)
               == 4
               && rate > 0 && burst > 0)
    {
        floor_send(rate, ms, burst, at);

    } else if (sscanf(line, "loop %u", &ms) == 1) {
        floor_loop(ms);

    } else {
        wire_fail("what is this: %s", line);
    }
}


static void
floor_ready(unsigned n)
{
    int                  i, count;
    uint64_t             end = wire_now() + READY_SECONDS * SECOND;
    struct epoll_event   events[TURN_EVENTS];

    while (nsessions < n && wire_now() < end) {
        count = epoll_wait(epoll_fd, events, TURN_EVENTS, 1000);

        for (i = 0; i < count; i++) {

            if (events[i].data.fd == -1) {
                floor_accept();

            } else if (events[i].events & EPOLLIN) {
                floor_handshake(events[i].data.fd);
            }
        }
    }

    if (nsessions < n) {
        wire_fail("%u of %u have come", nsessions, n);
    }

    printf("ready\n");
}


/* the events are those that nginx asks for */

static void
floor_accept(void)
{
    int                 fd, on = 1;
    struct epoll_event  event = { .events = EPOLLIN|EPOLLRDHUP|EPOLLET };

    for ( ;; ) {
        fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK);

        if (fd == -1) {
            if (errno == EAGAIN) {
                return;
            }

            wire_fail("accept4() failed: %s", strerror(errno));
        }

        event.data.fd = fd;

        if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == -1
            || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) == -1)
        {
            wire_fail("no socket: %s", strerror(errno));
        }
    }
}


/* wire.c sends it in one piece and does not look at the answer's key */

static void
floor_handshake(int fd)
{
    char         text[MAX_HANDSHAKE];
    room_t      *room;
    ssize_t      n;
    unsigned     number;
    const char  *token;

    static const char  bearer[] = "\r\nAuthorization: Bearer ";
    static const char  answer[] =
        "HTTP/1.1 101 Switching Protocols\r\n"
        "Upgrade: websocket\r\n"
        "Connection: Upgrade\r\n"
        "Sec-WebSocket-Protocol: chat.v1\r\n"
        "\r\n";

    n = recv(fd, text, sizeof(text) - 1, 0);

    if (n <= 0) {
        wire_fail("a client has gone");
    }

    text[n] = '\0';
    token = strstr(text, bearer);

    if (token == NULL
        || sscanf(token + sizeof(bearer) - 1, "%u", &number) != 1
        || number >= nrooms)
    {
        wire_fail("what is this: %s", text);
    }

    room = &rooms[number];
    room->fds = wire_room(room->fds, &room->size,
                          (room->nfds + 1) * sizeof(int));
    room->fds[room->nfds] = fd;
    room->nfds++;
    nsessions++;

    floor_send_all(fd, answer, sizeof(answer) - 1);
}


static void
floor_send(double rate, unsigned ms, unsigned burst, uint64_t at)
{
    uint64_t  i, total, due;

    total = (uint64_t) (rate * ms / 1000);
    began = at ? at : wire_now();
    messages = sends = blocked = 0;

    for (i = 0; i < total; i++) {
        due = began + (uint64_t) ((double) (i / burst * burst) * 1e6 / rate);

        if (i % burst == 0) {
            floor_wait(due);
        }

        floor_message(due);
    }

    floor_report();
}


static void
floor_loop(unsigned ms)
{
    uint64_t  end;

    began = wire_now();
    end = began + (uint64_t) ms * 1000;
    messages = sends = blocked = 0;

    while (wire_now() < end) {
        floor_message(wire_now());
    }

    floor_report();
}


static void
floor_message(uint64_t due)
{
    room_t  *room = &rooms[next_room];
    size_t   i, len;

    next_room = (next_room + 1) % nrooms;

    room->sequence++;
    messages++;
    len = floor_frame(room->sequence, due);

    for (i = 0; i < room->nfds; i++) {
        floor_send_all(room->fds[i], frame, len);
        sends++;
    }
}


/* a frame of a server (RFC 6455, 5.2) with a text of the size asked for, whose
   ends are those of an event */

static size_t
floor_frame(uint64_t sequence, uint64_t due)
{
    int   head, tail;
    char  end[128], *text = frame + 4;

    frame[0] = (char) 0x81;
    frame[1] = 126;
    frame[2] = (char) (size >> 8);
    frame[3] = (char) size;

    head = snprintf(text, size,
                    "{\"type\":\"message.created\",\"data\":"
                    "{\"content\":\"%016" PRIu64 " ", due);
    tail = snprintf(end, sizeof(end),
                    "\",\"sequenceNumber\":%" PRIu64
                    ",\"revision\":%" PRIu64 "}}", sequence, sequence);

    memset(text + head, 'x', size - (size_t) (head + tail));
    memcpy(text + size - tail, end, (size_t) tail);

    return size + 4;
}


static void
floor_send_all(int fd, const char *data, size_t len)
{
    ssize_t        n;
    struct pollfd  writable = { .fd = fd, .events = POLLOUT };

    while (len != 0) {
        n = send(fd, data, len, MSG_DONTWAIT|MSG_NOSIGNAL);

        if (n > 0) {
            data += n;
            len -= (size_t) n;
            continue;
        }

        if (errno != EAGAIN) {
            wire_fail("send() failed: %s", strerror(errno));
        }

        blocked++;

        if (poll(&writable, 1, STUCK_SECONDS * 1000) != 1) {
            wire_fail("a client reads nothing");
        }
    }
}


/* as a loop of events does, though there is nothing to be told of */

static void
floor_wait(uint64_t until)
{
    uint64_t             us, now;
    struct timespec      timeout;
    struct epoll_event   events[TURN_EVENTS];

    for ( ;; ) {
        now = wire_now();

        if (now >= until) {
            return;
        }

        us = until - now;
        timeout.tv_sec = (time_t) (us / SECOND);
        timeout.tv_nsec = (long) (us % SECOND * 1000);

        (void) epoll_pwait2(epoll_fd, events, TURN_EVENTS, &timeout, NULL);
    }
}


static void
floor_report(void)
{
    printf("messages=%" PRIu64 " sends=%" PRIu64 " blocked=%" PRIu64
           " us=%" PRIu64 "\n",
           messages, sends, blocked, wire_now() - began);
}
