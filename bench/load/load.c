/*
 * load PORT LISTENERS < COMMANDS
 *
 * opens sessions, sends messages through them, and tells what became of them.
 * A line of standard input is one of
 *
 *      open CONVERSATION TOKEN     one more session, which joins that
 *      ready                       answered with "ready" once all have joined
 *      send RATE MS                so many messages a second for so long, in
 *                                  turn through the sessions; answered with a
 *                                  line of NAME=VALUE when all have their reply
 *                                  and have come to LISTENERS sessions each
 *
 * A message has its time by the rate, however late it can be sent; its delay
 * is counted from there.  So what is too slow shows.
 */

#include "load.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>


#define READY_SECONDS  60
#define REPLY_SECONDS  15       /* for the last replies and events */


tally_t  tally;

static unsigned    listeners;
static int         epoll_fd;
static session_t **sessions;
static size_t      nsessions;
static size_t      size;        /* of sessions, in bytes */


static void load_open(unsigned port, const char *conversation,
    const char *token);
static void load_ready(void);
static void load_send(unsigned rate, unsigned ms);
static void load_report(uint64_t sent, uint64_t began);


int
main(int argc, char **argv)
{
    char       line[4096], conversation[65], token[2048];
    unsigned   port, rate, ms;

    if (argc != 3 || sscanf(argv[1], "%u", &port) != 1
        || sscanf(argv[2], "%u", &listeners) != 1)
    {
        wire_fail("usage: load PORT LISTENERS < COMMANDS");
    }

    epoll_fd = wire_begin();

    for ( ;; ) {

        /* pings have to be answered meanwhile */
        while (!wire_turn(epoll_fd, 1000)) { /* void */ }

        if (fgets(line, sizeof(line), stdin) == NULL) {
            break;
        }

        if (sscanf(line, "open %64s %2047s", conversation, token) == 2) {
            load_open(port, conversation, token);

        } else if (strcmp(line, "ready\n") == 0) {
            load_ready();

        } else if (sscanf(line, "send %u %u", &rate, &ms) == 2) {
            load_send(rate, ms);

        } else {
            wire_fail("what is this: %s", line);
        }
    }

    return 0;
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
            return true;
        }
    }

    return false;
}


static void
load_send(unsigned rate, unsigned ms)
{
    uint64_t  sent = 0, total, due, began, end;

    memset(&tally, 0, offsetof(tally_t, delays));
    tally.ndelays = 0;
    began = wire_now();
    total = (uint64_t) rate * ms / 1000;
    end = began + (uint64_t) ms * 1000 + REPLY_SECONDS * UINT64_C(1000000);

    while ((tally.replies + tally.refused < total
            || tally.events < tally.replies * listeners)
           && wire_now() < end)
    {

        while (sent < total) {
            due = began + sent * 1000000 / rate;

            if (due > wire_now() || !load_send_one(due)) {
                break;
            }

            sent++;
        }

        (void) wire_turn(epoll_fd, 1);
    }

    load_report(sent, began);
}


static int
load_compare(const void *a, const void *b)
{
    const uint32_t  *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}


static uint32_t
load_delay(unsigned thousandth)
{
    if (tally.ndelays == 0) {
        return 0;
    }

    return tally.delays[(tally.ndelays - 1) * thousandth / 1000];
}


static void
load_report(uint64_t sent, uint64_t began)
{
    uint64_t       us = wire_now() - began;

    if (tally.ndelays != 0) {
        qsort(tally.delays, tally.ndelays, sizeof(uint32_t), load_compare);
    }

    printf("sent=%" PRIu64 " accepted=%" PRIu64 " refused=%" PRIu64
           " events=%" PRIu64 " us=%" PRIu64
           " p50=%" PRIu32 " p99=%" PRIu32 " max=%" PRIu32 "\n",
           sent, tally.replies, tally.refused, tally.events, us,
           load_delay(500), load_delay(990), load_delay(1000));
}
