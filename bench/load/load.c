/*
 * load PORT < COMMANDS
 *
 * opens sessions, sends messages through them, and tells what became of them.
 * A line of standard input is one of
 *
 *      open CONVERSATION TOKEN     one more session, which joins that
 *      listen TOKEN                one that joins nothing and only listens, as
 *                                  to build/bench/floor
 *      ready                       answered with "ready" once all have joined
 *      size BYTES                  of a message, from now on
 *      kind message|typing         what is sent from now on: messages, or that
 *                                  somebody types
 *      begin                       forgets what was counted; "begun"
 *      send RATE MS BURST AT       so many messages a second for so long, in
 *                                  turn through the sessions, so many of them
 *                                  at once; the first one is due at that time
 *                                  (us of CLOCK_MONOTONIC, 0: now); "done" when
 *                                  all have their reply
 *      loop WINDOW MS              as many as it can for so long, so many of
 *                                  them under way at a time; "done" likewise
 *      count                       the number of events that have come
 *      report                      a line of NAME=VALUE
 *
 * A message has its time by the rate, however late it can be sent; its delays
 * are counted from there.  So what is too slow shows.  The time stands in its
 * content, so that every receiver in every process can tell.
 */

#include "load.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>


#define READY_SECONDS  60
#define REPLY_SECONDS  15       /* for the last replies */
#define REST           10000    /* us, the longest wait for anything */
#define CROWDED        200      /* us, until a session may send again */


tally_t  tally;
size_t   message_size = MESSAGE_SIZE;
bool     types;

static int         epoll_fd;
static session_t **sessions;
static size_t      nsessions;
static size_t      size;        /* of sessions, in bytes */


static void load_command(unsigned port, const char *line);
static void load_open(unsigned port, const char *conversation,
    const char *token);
static void load_ready(void);
static void load_send(double rate, unsigned ms, unsigned burst, uint64_t at);
static void load_loop(unsigned window, unsigned ms);
static void load_report(void);


int
main(int argc, char **argv)
{
    char      line[4096];
    unsigned  port;

    if (argc != 2 || sscanf(argv[1], "%u", &port) != 1) {
        wire_fail("usage: load PORT < COMMANDS");
    }

    epoll_fd = wire_begin();

    for ( ;; ) {

        /* pings have to be answered meanwhile */
        while (!wire_turn(epoll_fd, 1000)) { /* void */ }

        if (fgets(line, sizeof(line), stdin) == NULL) {
            break;
        }

        load_command(port, line);
    }

    return 0;
}


static void
load_command(unsigned port, const char *line)
{
    char      conversation[65], token[2048];
    double    rate;
    unsigned  ms, burst, window;
    uint64_t  at;

    if (sscanf(line, "open %64s %2047s", conversation, token) == 2) {
        load_open(port, conversation, token);

    } else if (sscanf(line, "listen %2047s", token) == 1) {
        load_open(port, "", token);

    } else if (strcmp(line, "ready\n") == 0) {
        load_ready();

    } else if (sscanf(line, "size %zu", &message_size) == 1) {

        if (message_size < MESSAGE_SIZE || message_size > MESSAGE_MAX) {
            wire_fail("no message has this size: %s", line);
        }

    } else if (strcmp(line, "kind message\n") == 0) {
        types = false;

    } else if (strcmp(line, "kind typing\n") == 0) {
        types = true;

    } else if (strcmp(line, "begin\n") == 0) {
        memset(&tally, 0, sizeof(tally));
        printf("begun\n");

    } else if (sscanf(line, "send %lf %u %u %" SCNu64, &rate, &ms, &burst, &at)
               == 4
               && rate > 0 && burst > 0)
    {
        load_send(rate, ms, burst, at);

    } else if (sscanf(line, "loop %u %u", &window, &ms) == 2) {
        load_loop(window, ms);

    } else if (strcmp(line, "count\n") == 0) {
        printf("%" PRIu64 "\n", tally.events);

    } else if (strcmp(line, "report\n") == 0) {
        load_report();

    } else {
        wire_fail("what is this: %s", line);
    }
}


static void
load_open(unsigned port, const char *conversation, const char *token)
{
    session_t  *s;

    s = calloc(1, sizeof(session_t));

    if (s == NULL) {
        wire_fail("out of memory");
    }

    session_open(s, epoll_fd, (unsigned) nsessions, port, conversation, token);

    sessions = wire_room(sessions, &size,
                         (nsessions + 1) * sizeof(session_t *));
    sessions[nsessions] = s;
    nsessions++;
}


static void
load_ready(void)
{
    size_t    i = 0;
    uint64_t  end = wire_now() + READY_SECONDS * UINT64_C(1000000);

    while (i < nsessions) {

        if (sessions[i]->joined) {
            i++;
            continue;
        }

        if (wire_now() > end) {
            wire_fail("session %zu has not joined in time", i);
        }

        (void) wire_turn(epoll_fd, 100);
    }

    printf("ready\n");
}


/* one message of its turn: by the first session that may send one */

static bool
load_send_one(uint64_t due)
{
    size_t         i;
    session_t     *s;
    static size_t  next;

    for (i = 0; i < nsessions; i++) {
        s = sessions[next];
        next = (next + 1) % nsessions;

        if (session_send(s, due)) {
            tally.sent++;
            return true;
        }
    }

    return false;
}


/* waits for the replies to what was sent */

static void
load_finish(void)
{
    uint64_t  end = wire_now() + REPLY_SECONDS * UINT64_C(1000000);

    while (tally.replies + tally.refused < tally.sent && wire_now() < end) {
        (void) wire_turn(epoll_fd, 10);
    }

    printf("done\n");
}


static void
load_send(double rate, unsigned ms, unsigned burst, uint64_t at)
{
    uint64_t  sent = 0, total, due, now;

    total = (uint64_t) (rate * ms / 1000);
    tally.began = at ? at : wire_now();

    while (sent < total) {
        due = tally.began
              + (uint64_t) ((double) (sent / burst * burst) * 1e6 / rate);
        now = wire_now();

        if (now < due) {
            (void) wire_wait(epoll_fd, due - now < REST ? due - now : REST);

        } else if (load_send_one(due)) {
            sent++;

        } else {
            (void) wire_wait(epoll_fd, CROWDED);
        }

        /* what comes in is looked at, however late the sending is */
        if (sent % burst == 0) {
            (void) wire_turn(epoll_fd, 0);
        }
    }

    load_finish();
}


/* here a message is due when there is room for it */

static void
load_loop(unsigned window, unsigned ms)
{
    uint64_t  end, now;

    tally.began = wire_now();
    end = tally.began + (uint64_t) ms * 1000;

    for ( ;; ) {
        now = wire_now();

        if (now >= end) {
            break;
        }

        if (tally.sent - tally.replies - tally.refused >= window
            || !load_send_one(now))
        {
            (void) wire_wait(epoll_fd, REST);
        }
    }

    load_finish();
}


static void
load_report(void)
{
    printf("sent=%" PRIu64 " accepted=%" PRIu64 " refused=%" PRIu64
           " events=%" PRIu64 " typing=%" PRIu64 " bytes=%" PRIu64 " missing=%" PRIu64
           " doubled=%" PRIu64 " began=%" PRIu64 " last=%" PRIu64,
           tally.sent, tally.replies, tally.refused, tally.events, tally.typing,
           tally.bytes,
           tally.missing, tally.doubled, tally.began, tally.last);

    histogram_print(&tally.reply, "reply");
    histogram_print(&tally.receive, "receive");
    printf("\n");
}
