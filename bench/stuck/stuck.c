/*
 * stuck PORT BYTES < LINES
 *
 * opens sessions whose clients read BYTES a second, or nothing at all if that
 * is 0.  A line of standard input is one of
 *
 *      open CONVERSATION TOKEN     one more, which joins that and then sticks
 *      ready                       answered with "ready"
 *
 * When standard input ends it tells how many were ended by the other side.  The
 * receive buffer of a client is small: what waits for it waits in nginx.
 */

#define _GNU_SOURCE             /* memmem(), POLLRDHUP */

#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>


#define STUCK_MAX     5000
#define STUCK_RCVBUF  8192
#define STUCK_STEPS   10        /* reads of a client in a second */


static struct pollfd  stuck[STUCK_MAX];
static size_t         nstuck;


static void stuck_open(unsigned port, const char *conversation,
    const char *token);
static void stuck_ask(int fd, const char *conversation, const char *token);
static void stuck_joined(int fd);
static void stuck_read(size_t bytes);
static bool stuck_line(char *line, size_t size);
static size_t stuck_ended(void);


int
main(int argc, char **argv)
{
    char           line[8192], conversation[65], token[8000];
    size_t         bytes;
    unsigned       port;
    struct pollfd  in = { .fd = STDIN_FILENO, .events = POLLIN };

    if (argc != 3 || sscanf(argv[1], "%u", &port) != 1
        || sscanf(argv[2], "%zu", &bytes) != 1)
    {
        wire_fail("usage: stuck PORT BYTES");
    }

    for ( ;; ) {

        if (bytes > 0 && poll(&in, 1, 1000 / STUCK_STEPS) == 0) {
            stuck_read(bytes / STUCK_STEPS);
            continue;
        }

        if (!stuck_line(line, sizeof(line))) {
            break;
        }

        if (strcmp(line, "ready") == 0) {
            printf("ready\n");
            (void) fflush(stdout);
            continue;
        }

        if (sscanf(line, "open %64s %7999s", conversation, token) != 2) {
            wire_fail("what is \"%s\"?", line);
        }

        stuck_open(port, conversation, token);
    }

    printf("sessions=%zu ended=%zu\n", nstuck, stuck_ended());

    return 0;
}


/* not through stdio: poll() must see what is left */

static bool
stuck_line(char *line, size_t size)
{
    size_t  n;

    for (n = 0; n < size - 1; n++) {

        if (read(STDIN_FILENO, line + n, 1) != 1) {
            return false;
        }

        if (line[n] == '\n') {
            line[n] = '\0';
            return true;
        }
    }

    wire_fail("a line is too long");
}


static void
stuck_open(unsigned port, const char *conversation, const char *token)
{
    int                 fd, size = STUCK_RCVBUF;
    struct sockaddr_in  to = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t) port),
        .sin_addr = { htonl(INADDR_LOOPBACK) }
    };

    if (nstuck == STUCK_MAX) {
        wire_fail("too many sessions");
    }

    fd = socket(AF_INET, SOCK_STREAM, 0);

    if (fd == -1
        || setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)) == -1
        || connect(fd, (struct sockaddr *) &to, sizeof(to)) == -1)
    {
        wire_fail("cannot connect: %s", strerror(errno));
    }

    stuck_ask(fd, conversation, token);
    stuck_joined(fd);

    stuck[nstuck].fd = fd;
    stuck[nstuck].events = 0;
    nstuck++;
}


/* the handshake, and in the same packet the join, under a mask of zeros */

static void
stuck_ask(int fd, const char *conversation, const char *token)
{
    int   len, n;
    char  text[256], request[9000];

    n = snprintf(text, sizeof(text),
                 "{\"type\":\"conversation.join\",\"id\":1,"
                 "\"data\":{\"conversationId\":\"%s\"}}", conversation);

    len = snprintf(request, sizeof(request) - sizeof(text),
                   "GET /chat HTTP/1.1\r\n"
                   "Host: 127.0.0.1\r\n"
                   "Upgrade: websocket\r\n"
                   "Connection: Upgrade\r\n"
                   "Sec-WebSocket-Version: 13\r\n"
                   "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                   "Sec-WebSocket-Protocol: chat.v1\r\n"
                   "Authorization: Bearer %s\r\n"
                   "\r\n", token);

    request[len++] = (char) 0x81;

    if (n < 126) {
        request[len++] = (char) (0x80 | n);

    } else {
        request[len++] = (char) 0xfe;
        request[len++] = 0;
        request[len++] = (char) n;
    }

    memset(request + len, 0, 4);
    memcpy(request + len + 4, text, (size_t) n);
    len += 4 + n;

    if (send(fd, request, (size_t) len, MSG_NOSIGNAL) != len) {
        wire_fail("cannot send: %s", strerror(errno));
    }
}


static void
stuck_joined(int fd)
{
    char     answer[16384];
    size_t   n;
    ssize_t  got;

    for (n = 0; n < sizeof(answer) - 1; n += (size_t) got) {

        got = recv(fd, answer + n, sizeof(answer) - 1 - n, 0);

        if (got <= 0) {
            break;
        }

        if (memmem(answer, n + (size_t) got, "\"ok\":true", 9) != NULL) {
            return;
        }
    }

    wire_fail("a session did not join");
}


/* so much from each */

static void
stuck_read(size_t bytes)
{
    size_t       i;
    static char  buf[65536];

    if (bytes > sizeof(buf)) {
        bytes = sizeof(buf);
    }

    for (i = 0; i < nstuck; i++) {
        (void) recv(stuck[i].fd, buf, bytes, MSG_DONTWAIT);
    }
}


static size_t
stuck_ended(void)
{
    size_t  i, n;

    for (i = 0; i < nstuck; i++) {
        stuck[i].events = POLLRDHUP;
    }

    if (poll(stuck, nstuck, 0) == -1) {
        wire_fail("no poll: %s", strerror(errno));
    }

    for (i = 0, n = 0; i < nstuck; i++) {
        n += (stuck[i].revents & (POLLRDHUP|POLLHUP|POLLERR)) != 0;
    }

    return n;
}
