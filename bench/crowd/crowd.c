/*
 * crowd PORT SOURCE plain|tls < COMMANDS
 *
 * opens sessions from the address SOURCE, which answer pings, may send
 * messages, and look what comes.  A line of standard input is one of
 *
 *      open CONVERSATION TOKEN     one more session, which joins that
 *      ready                       answered with "ready" once all have joined
 *      pinged                      answered with "pinged" once each of them was
 *                                  pinged since then
 *      send RATE MS                so many messages a second for so long, in
 *                                  turn through the sessions; not answered
 *      count                       answered with NAME=VALUE, see below
 *
 * A message has its time by the rate, however late it can be sent; delays are
 * counted from there.  So what is too slow shows.
 */

#include "crowd.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>


#define AT_ONCE       64            /* sessions that are being let in */
#define READY_US      (300 * UINT64_C(1000000))
#define LOOK_US       500000        /* between looks at who was pinged */


crowd_tally_t  tally;

static int         epoll_fd;
static unsigned    port;
static member_t  **members;
static size_t      nmembers;
static size_t      size;            /* of members, in bytes */

static uint64_t    began;           /* what is sent: since then, */
static unsigned    rate;            /*   so many a second, */
static uint64_t    left;            /*   so many more, */
static uint64_t    done;            /*   so many already */

static bool        asked;           /* who was pinged, */
static uint64_t    looked;          /*   and when that was looked at */


static void crowd_begin(char **argv);
static void crowd_command(const char *line);
static void crowd_open(const char *conversation, const char *token);
static void crowd_ready(void);
static void crowd_ask(void);
static void crowd_look(void);
static void crowd_send(void);
static void crowd_count(void);


int
main(int argc, char **argv)
{
    char  line[4096];

    if (argc != 4 || sscanf(argv[1], "%u", &port) != 1) {
        wire_fail("usage: crowd PORT SOURCE plain|tls < COMMANDS");
    }

    crowd_begin(argv);

    for ( ;; ) {
        crowd_send();
        crowd_look();

        if (!wire_turn(epoll_fd, left != 0 ? 1 : 100)) {
            continue;
        }

        if (fgets(line, sizeof(line), stdin) == NULL) {
            return 0;
        }

        crowd_command(line);
    }
}


static void
crowd_begin(char **argv)
{
    SSL_CTX         *ctx;
    struct in_addr   address;

    if (inet_pton(AF_INET, argv[2], &address) != 1) {
        wire_fail("no address: %s", argv[2]);
    }

    wire_source(ntohl(address.s_addr));

    if (strcmp(argv[3], "tls") == 0) {
        ctx = SSL_CTX_new(TLS_client_method());

        if (ctx == NULL) {
            wire_fail("no TLS");
        }

        wire_tls(ctx);
    }

    epoll_fd = wire_begin();
}


static void
crowd_command(const char *line)
{
    char      token[2048], conversation[CROWD_NAME + 1];
    unsigned  ms;

    if (sscanf(line, "open %64s %2047s", conversation, token) == 2) {
        crowd_open(conversation, token);

    } else if (strcmp(line, "ready\n") == 0) {
        crowd_ready();

    } else if (strcmp(line, "pinged\n") == 0) {
        crowd_ask();

    } else if (sscanf(line, "send %u %u", &rate, &ms) == 2 && rate > 0) {
        began = wire_now();
        left = (uint64_t) rate * ms / 1000;
        done = 0;

    } else if (strcmp(line, "count\n") == 0) {
        crowd_count();

    } else {
        wire_fail("what is this: %s", line);
    }
}


static void
crowd_open(const char *conversation, const char *token)
{
    member_t  *m;

    m = malloc(sizeof(member_t));

    if (m == NULL) {
        wire_fail("out of memory");
    }

    member_open(m, epoll_fd, port, conversation, token);

    members = wire_room(members, &size, (nmembers + 1) * sizeof(member_t *));
    members[nmembers] = m;
    nmembers++;

    while (nmembers - tally.joined > AT_ONCE) {
        (void) wire_turn(epoll_fd, 100);
    }
}


static void
crowd_ready(void)
{
    uint64_t  end = wire_now() + READY_US;

    while (tally.joined < nmembers) {

        if (wire_now() > end) {
            wire_fail("%zu of %zu have joined", tally.joined, nmembers);
        }

        (void) wire_turn(epoll_fd, 100);
    }

    printf("ready\n");
}


static void
crowd_ask(void)
{
    size_t  i;

    for (i = 0; i < nmembers; i++) {
        members[i]->pings = members[i]->wire.pings;
    }

    asked = true;
}


static void
crowd_look(void)
{
    size_t    i;
    uint64_t  now = wire_now();

    if (!asked || now - looked < LOOK_US) {
        return;
    }

    looked = now;

    for (i = 0; i < nmembers; i++) {
        if (members[i]->wire.pings == members[i]->pings) {
            return;
        }
    }

    asked = false;
    printf("pinged\n");
}


/* the messages that are due */

static void
crowd_send(void)
{
    uint64_t       due;
    static size_t  next;

    while (left != 0) {
        due = began + done * 1000000 / rate;

        if (due > wire_now()) {
            return;
        }

        member_send(members[next], due);

        next = (next + 1) % nmembers;
        done++;
        left--;
    }
}


static void
crowd_count(void)
{
    printf("left=%" PRIu64 " sent=%" PRIu64 " accepted=%" PRIu64
           " refused=%" PRIu64 " events=%" PRIu64 " missed=%" PRIu64
           " doubled=%" PRIu64, left, tally.sent, tally.accepted,
           tally.refused, tally.events, tally.missed, tally.doubled);

    histogram_print(&tally.replies, "replies");
    histogram_print(&tally.deliveries, "deliveries");

    printf("\n");
}
