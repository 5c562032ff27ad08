/*
 * flock PORT EACH STEP CONVERSATIONS < COMMANDS
 *
 * opens members, each with EACH of the conversations "load-1" up to
 * "load-CONVERSATIONS", STEP apart, and tells what becomes of them.  A line of
 * standard input is one of
 *
 *      open TOKEN              one more member
 *      ready                   answered with "ready" once all have joined
 *      away PORT MS            who loses its connection from now on connects
 *                              to PORT, after a random time up to MS
 *      back N                  answered when N have lost it and all have joined
 *                              again: NAME=VALUE, times in us from the first
 *                              loss
 *      expect NUMBER SEQUENCE  of a conversation: its last message
 *      verify                  answered once all members have got what was
 *                              expected, or not in time: NAME=VALUE
 */

#include "flock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>


#define READY_US     (90 * UINT64_C(1000000))
#define VERIFY_US    (60 * UINT64_C(1000000))
#define AT_ONCE      64         /* members that are being let in, at first */


tally_t  tally;

static unsigned    port, each, step, conversations;
static unsigned    spread;              /* ms */
static int         epoll_fd;
static member_t  **members;
static size_t      nmembers;
static size_t      size;                /* of members, in bytes */
static size_t      nwaiting;            /* for their time */
static uint64_t   *expected;


static void flock_command(const char *line);
static void flock_open(const char *token);
static void flock_ready(void);
static void flock_back(unsigned n);
static void flock_verify(void);
static void flock_steps(void);
static bool flock_turn(int timeout);


int
main(int argc, char **argv)
{
    char  line[4096];

    if (argc != 5 || sscanf(argv[1], "%u", &port) != 1
        || sscanf(argv[2], "%u", &each) != 1
        || sscanf(argv[3], "%u", &step) != 1
        || sscanf(argv[4], "%u", &conversations) != 1
        || each == 0 || each > FLOCK_MAX_EACH
        || each * step > conversations)
    {
        wire_fail("usage: flock PORT EACH STEP CONVERSATIONS < COMMANDS");
    }

    epoll_fd = wire_begin();
    expected = calloc(conversations, sizeof(uint64_t));

    if (expected == NULL) {
        wire_fail("out of memory");
    }

    for ( ;; ) {

        while (!flock_turn(1000)) { /* void */ }

        if (fgets(line, sizeof(line), stdin) == NULL) {
            return 0;
        }

        flock_command(line);
    }
}


static void
flock_command(const char *line)
{
    char      token[2048];
    unsigned  n;
    uint64_t  sequence;

    if (sscanf(line, "open %2047s", token) == 1) {
        flock_open(token);

    } else if (strcmp(line, "ready\n") == 0) {
        flock_ready();

    } else if (sscanf(line, "away %u %u", &port, &spread) == 2) {
        memset(&tally.lost, 0, sizeof(tally) - offsetof(tally_t, lost));
        printf("away\n");

    } else if (sscanf(line, "back %u", &n) == 1) {
        flock_back(n);

    } else if (sscanf(line, "expect %u %" SCNu64, &n, &sequence) == 2
               && n >= 1 && n <= conversations)
    {
        expected[n - 1] = sequence;

    } else if (strcmp(line, "verify\n") == 0) {
        flock_verify();

    } else {
        wire_fail("what is this: %s", line);
    }
}


unsigned
flock_each(void)
{
    return each;
}


unsigned
flock_place(unsigned member, unsigned i)
{
    return (member + i * step) % conversations;
}


const char *
flock_name(unsigned conversation)
{
    static char  name[32];

    (void) snprintf(name, sizeof(name), "load-%u", conversation + 1);

    return name;
}


bool
flock_number(chat_str_t name, unsigned *conversation)
{
    char  text[32];

    (void) snprintf(text, sizeof(text), "%.*s", (int) name.len,
                    (const char *) name.data);

    if (sscanf(text, "load-%u", conversation) != 1 || *conversation == 0) {
        return false;
    }

    --*conversation;

    return true;
}


void
flock_wait(member_t *m, uint64_t at)
{
    nwaiting += m->due == 0;
    m->due = at;
}


uint64_t
flock_pause(void)
{
    return spread == 0 ? 0 : (uint64_t) (random() % (spread * 1000L));
}


static void
flock_open(const char *token)
{
    member_t  *m;

    m = malloc(sizeof(member_t));

    if (m == NULL) {
        wire_fail("out of memory");
    }

    member_init(m, token, (unsigned) nmembers);

    members = wire_room(members, &size, (nmembers + 1) * sizeof(member_t *));
    members[nmembers] = m;
    nmembers++;
    flock_wait(m, wire_now());

    while (nmembers - tally.joined > AT_ONCE) {
        (void) flock_turn(100);
    }
}


static void
flock_ready(void)
{
    uint64_t  end = wire_now() + READY_US;

    while (tally.joined < nmembers) {

        if (wire_now() > end) {
            wire_fail("%u of %zu have joined", tally.joined, nmembers);
        }

        (void) flock_turn(100);
    }

    printf("ready\n");
}


static int
flock_compare(const void *a, const void *b)
{
    const uint64_t  *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}


static void
flock_back(unsigned n)
{
    size_t     i, lost = 0;
    uint64_t  *took, end = wire_now() + READY_US;

    while ((tally.lost < n || tally.joined < nmembers) && wire_now() < end) {
        (void) flock_turn(100);
    }

    took = calloc(nmembers, sizeof(uint64_t));

    if (took == NULL) {
        wire_fail("out of memory");
    }

    for (i = 0; i < nmembers; i++) {
        if (members[i]->lost_at != 0 && members[i]->back_at != 0) {
            took[lost] = members[i]->back_at - tally.lost_first;
            lost++;
        }
    }

    if (lost == 0) {
        wire_fail("nobody came back");
    }

    qsort(took, lost, sizeof(uint64_t), flock_compare);

    printf("lost=%u back=%zu lost_us=%" PRIu64 " first=%" PRIu64
           " p50=%" PRIu64 " p99=%" PRIu64 " last=%" PRIu64 " resumed=%" PRIu64
           " joins=%" PRIu64 " refused=%" PRIu64 " resets=%" PRIu64 "\n",
           tally.lost, lost, tally.lost_last - tally.lost_first, took[0],
           took[lost / 2], took[lost * 99 / 100], took[lost - 1],
           tally.resumed, tally.joins, tally.refused, tally.resets);

    free(took);
}


/* places that are not where they should be */

static size_t
flock_behind(void)
{
    size_t          i, behind = 0;
    unsigned        k;
    const place_t  *place;

    for (i = 0; i < nmembers; i++) {
        for (k = 0; k < each; k++) {
            place = &members[i]->places[k];
            behind += place->sequence != expected[place->conversation];
        }
    }

    return behind;
}


static void
flock_verify(void)
{
    uint64_t  end = wire_now() + VERIFY_US;

    while (flock_behind() != 0 && wire_now() < end) {
        (void) flock_turn(100);
    }

    printf("members=%zu behind=%zu missed=%" PRIu64 " doubled=%" PRIu64
           " events=%" PRIu64 " resets=%" PRIu64 " cut=%" PRIu64 "\n",
           nmembers, flock_behind(), tally.missed, tally.doubled, tally.events,
           tally.resets, tally.cut);
}


/* those whose time has come */

static void
flock_steps(void)
{
    size_t     i;
    member_t  *m;
    uint64_t   now = wire_now();

    if (nwaiting == 0) {
        return;
    }

    for (i = 0; i < nmembers; i++) {
        m = members[i];

        if (m->due != 0 && m->due <= now) {
            nwaiting--;
            member_step(m, epoll_fd, port);
        }
    }
}


static bool
flock_turn(int timeout)
{
    flock_steps();

    return wire_turn(epoll_fd, nwaiting != 0 ? 5 : timeout);
}
