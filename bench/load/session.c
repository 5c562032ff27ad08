/*
 * One session: handshake, frames, requests.
 */

#include "load.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "chat_id.h"


#define READ_SIZE     65536
#define REQUEST_SIZE  1024
#define FRAME_TEXT    0x81
#define FRAME_CLOSE   0x88
#define FRAME_PING    0x89
#define FRAME_PONG    0x8a
#define FRAME_MASKED  0x80


static size_t session_take(session_t *s, char *pos, char *last);
static size_t session_take_response(session_t *s, char *pos, char *last);
static size_t session_take_frame(session_t *s, char *pos, char *last);
static void session_frame(session_t *s, unsigned first, char *text,
    size_t len);
static void session_text(session_t *s, char *text, size_t len);
static void session_reply(session_t *s, char *text, size_t len);
static void session_join(session_t *s);
static void session_write_frame(session_t *s, unsigned first,
    const char *payload, size_t len);
static void session_write(session_t *s, const char *data, size_t len);
static int session_print(char *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));


void
session_open(session_t *s, unsigned number, unsigned port,
    const char *conversation, const char *token)
{
    int                 on = 1, len;
    char                text[4096];
    struct sockaddr_in  to = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t) port),
        .sin_addr = { htonl(INADDR_LOOPBACK) }
    };

    s->number = number;
    (void) snprintf(s->conversation, sizeof(s->conversation), "%s",
                    conversation);

    s->fd = socket(AF_INET, SOCK_STREAM, 0);

    if (s->fd == -1
        || connect(s->fd, (struct sockaddr *) &to, sizeof(to)) == -1
        || setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == -1)
    {
        load_fail("session %u cannot connect: %s", number, strerror(errno));
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

    session_write(s, text, (size_t) len);
}


/* The buffer is everybody's; what is left of an incomplete frame is kept by
   the session and goes before what comes next. */

void
session_read(session_t *s)
{
    char         *pos, *last;
    size_t        used;
    ssize_t       n;
    static char   buf[READ_SIZE * 2];

    if (s->in_len > READ_SIZE) {
        load_fail("session %u got a frame that is too large", s->number);
    }

    if (s->in_len != 0) {
        memcpy(buf, s->in, s->in_len);
    }

    n = recv(s->fd, buf + s->in_len, READ_SIZE, MSG_DONTWAIT);

    if (n == -1 && errno == EAGAIN) {
        return;
    }

    if (n <= 0) {
        load_fail("session %u has lost its connection: %s", s->number,
                  n == 0 ? "end of file" : strerror(errno));
    }

    pos = buf;
    last = buf + s->in_len + n;

    do {
        used = session_take(s, pos, last);
        pos += used;
    } while (used != 0 && pos < last);

    s->in_len = (size_t) (last - pos);

    if (s->in_len != 0) {
        s->in = load_room(s->in, &s->in_size, s->in_len);
        memcpy(s->in, pos, s->in_len);
    }
}


/* the number of bytes that were understood; 0: more is needed */

static size_t
session_take(session_t *s, char *pos, char *last)
{
    return s->state == SESSION_SHAKING ? session_take_response(s, pos, last)
                                       : session_take_frame(s, pos, last);
}


static size_t
session_take_response(session_t *s, char *pos, char *last)
{
    char  *end = pos;

    while (end - pos < 4 || memcmp(end - 4, "\r\n\r\n", 4) != 0) {
        end = memchr(end, '\n', (size_t) (last - end));

        if (end == NULL) {
            return 0;
        }

        end++;
    }

    if (memcmp(pos, "HTTP/1.1 101 ", 13) != 0) {
        load_fail("session %u is not let in: %.12s", s->number, pos);
    }

    s->state = SESSION_JOINING;
    session_join(s);

    return (size_t) (end - pos);
}


/* frames of the server are not masked, and it sends no fragments */

static size_t
session_take_frame(session_t *s, char *pos, char *last)
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

    session_frame(s, bytes[0], pos + head, (size_t) len);

    return head + (size_t) len;
}


static void
session_frame(session_t *s, unsigned first, char *text, size_t len)
{
    switch (first) {

    case FRAME_TEXT:
        session_text(s, text, len);
        break;

    case FRAME_PING:
        session_write_frame(s, FRAME_PONG, text, len);
        break;

    case FRAME_CLOSE:
        load_fail("session %u was closed with %u", s->number,
                  len < 2 ? 0
                  : (unsigned) (uint8_t) text[0] << 8 | (uint8_t) text[1]);

    default:
        load_fail("session %u got a frame of kind %02x", s->number, first);
    }
}


static bool
session_is(const char *text, size_t len, const char *start)
{
    return len >= strlen(start) && memcmp(text, start, strlen(start)) == 0;
}


static void
session_text(session_t *s, char *text, size_t len)
{
    if (session_is(text, len, "{\"type\":\"message.created\"")) {
        tally.events++;

    } else if (session_is(text, len, "{\"type\":\"reply\"")) {
        session_reply(s, text, len);

    } else if (!session_is(text, len, "{\"type\":\"authenticated\"")) {
        load_fail("session %u did not expect %.*s", s->number,
                  len < 200 ? (int) len : 200, text);
    }
}


/* the id of a join is 0, those of messages are counted from 1 */

static void
session_reply(session_t *s, char *text, size_t len)
{
    char      *end;
    bool       good;
    uint64_t   id;

    static const char  head[] = "{\"type\":\"reply\",\"id\":";
    static const char  ok[] = ",\"ok\":true";

    if (len < sizeof(head) + sizeof(ok) + 20
        || memcmp(text, head, sizeof(head) - 1) != 0)
    {
        load_fail("session %u: what is this: %.*s", s->number, (int) len,
                  text);
    }

    id = strtoull(text + sizeof(head) - 1, &end, 10);
    good = memcmp(end, ok, sizeof(ok) - 1) == 0;

    if (id == 0) {
        if (!good) {
            load_fail("session %u cannot join: %.*s", s->number, (int) len,
                      text);
        }

        s->state = SESSION_JOINED;
        return;
    }

    s->open--;

    if (!good) {
        if (tally.refused == 0) {
            fprintf(stderr, "load: refused: %.*s\n", (int) len, text);
        }

        tally.refused++;
        return;
    }

    tally.replies++;
    tally.delays = load_room(tally.delays, &tally.size,
                             (tally.ndelays + 1) * sizeof(uint32_t));
    tally.delays[tally.ndelays] =
        (uint32_t) (load_now() - s->due[id % SESSION_WINDOW]);
    tally.ndelays++;
}


static void
session_join(session_t *s)
{
    int   len;
    char  text[REQUEST_SIZE];

    len = session_print(text,
                        "{\"type\":\"conversation.join\",\"id\":0,"
                        "\"data\":{\"conversationId\":\"%s\"}}",
                        s->conversation);

    session_write_frame(s, FRAME_TEXT, text, (size_t) len);
}


static void
session_client_id(session_t *s, char id[CHAT_ID_LEN + 1])
{
    uint8_t            random[10];
    struct timespec    t;
    static uint64_t    count;

    (void) clock_gettime(CLOCK_REALTIME, &t);

    count++;
    memset(random, 0, sizeof(random));
    memcpy(random, &s->number, sizeof(uint16_t));
    memcpy(random + 2, &count, sizeof(count));

    chat_id_make((uint8_t *) id,
                 (uint64_t) t.tv_sec * 1000 + (uint64_t) t.tv_nsec / 1000000,
                 0, random);
    id[CHAT_ID_LEN] = '\0';
}


bool
session_send(session_t *s, uint64_t due)
{
    int          len;
    char         id[CHAT_ID_LEN + 1], text[REQUEST_SIZE];
    static char  content[MESSAGE_SIZE - 1];

    if (s->open == SESSION_WINDOW || s->blocked) {
        return false;
    }

    if (content[0] == '\0') {
        memset(content, 'x', MESSAGE_SIZE - 2);
    }

    s->sent++;
    s->open++;
    s->due[s->sent % SESSION_WINDOW] = due;
    session_client_id(s, id);

    len = session_print(text,
                        "{\"type\":\"message.send\",\"id\":%" PRIu64 ","
                        "\"data\":{\"conversationId\":\"%s\","
                        "\"clientMessageId\":\"%s\",\"content\":\"%s\"}}",
                        s->sent, s->conversation, id, content);

    session_write_frame(s, FRAME_TEXT, text, (size_t) len);

    return true;
}


/* The mask of a client may be zero: to the server it is one like others. */

static void
session_write_frame(session_t *s, unsigned first, const char *payload,
    size_t len)
{
    char    frame[REQUEST_SIZE + 8];
    size_t  head = len < 126 ? 2 : 4;

    if (len > REQUEST_SIZE) {
        load_fail("session %u has a frame that is too large", s->number);
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

    session_write(s, frame, head + 4 + len);
}


static void
session_write(session_t *s, const char *data, size_t len)
{
    s->out = load_room(s->out, &s->out_size, s->out_len + len);
    memcpy(s->out + s->out_len, data, len);
    s->out_len += len;

    if (!s->blocked) {
        session_flush(s);
    }
}


void
session_flush(session_t *s)
{
    ssize_t  n;

    n = send(s->fd, s->out, s->out_len, MSG_DONTWAIT|MSG_NOSIGNAL);

    if (n == -1 && errno != EAGAIN) {
        load_fail("session %u has lost its connection: %s", s->number,
                  strerror(errno));
    }

    if (n > 0) {
        s->out_len -= (size_t) n;
        memmove(s->out, s->out + n, s->out_len);
    }

    s->blocked = s->out_len != 0;
}


static int
session_print(char *text, const char *format, ...)
{
    int      len;
    va_list  args;

    va_start(args, format);
    len = vsnprintf(text, REQUEST_SIZE, format, args);
    va_end(args);

    if (len < 0 || len >= REQUEST_SIZE) {
        load_fail("a request is too large");
    }

    return len;
}
