/*
 * arrivals < COMMANDS
 *
 * lets many users connect and leave again, while others watch them.  A line of
 * standard input is one of
 *
 *      user TOKEN              one more user, "user-0", "user-1" and so on
 *      contacts NUMBER LIST    the users with the numbers in the list, which has
 *                              commas, are those to whom that user subscribes
 *                              whenever it comes
 *      watch PORT TOKEN FIRST COUNT
 *                              a watcher of so many of them, from that one on
 *      watching                answered with "watching" once all know of whom
 *                              they watch
 *      come PORT MS FIRST COUNT ROOM
 *                              so many users connect, one after the other in
 *                              so many ms, and join the room and look who is
 *                              there, unless it is "-"; answered when all are
 *                              there: NAME=VALUE, also of all texts and bytes
 *                              that came to users up to now
 *      asked                   answered with how many users subscribed when they
 *                              came last, how many were refused, and how long
 *                              the others waited: NAME=VALUE, times in us
 *      go MS FIRST COUNT       they leave again, without a word
 *      seen ONLINE MS          answered when so many are seen as there, or
 *                              after so many ms: NAME=VALUE, times in us, of
 *                              each since it was there, or had left
 */

#include "arrivals.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>


#define COME_US   (120 * UINT64_C(1000000))


static unsigned    port;
static int         epoll_fd;
static user_t    **users;
static size_t      nusers, users_size;
static size_t      nthere;              /* of those who are to come now */
static watcher_t **watchers;
static size_t      nwatchers, watchers_size;
static size_t      nonline, nevents;
static uint64_t    began;               /* to come or to go, us */
static uint64_t    last_seen;           /* the last change that was told, us */


static void arrivals_command(char *line);
static void arrivals_user(const char *token);
static void arrivals_watch(unsigned watch_port, const char *token,
    unsigned first, unsigned count);
static void arrivals_watching(void);
static void arrivals_move(bool come, unsigned ms, unsigned first,
    unsigned count, const char *room);
static void arrivals_seen(size_t online, unsigned ms);
static void arrivals_asked(void);
static uint64_t *arrivals_delays(size_t *n);
static void arrivals_sort(uint64_t *delays, size_t n);
static void *arrivals_alloc(size_t size);


int
main(int argc, char **argv)
{
    char  line[4096];

    (void) argv;

    if (argc != 1) {
        wire_fail("usage: arrivals < COMMANDS");
    }

    epoll_fd = wire_begin();

    for ( ;; ) {

        while (!wire_turn(epoll_fd, 1000)) { /* void */ }

        if (fgets(line, sizeof(line), stdin) == NULL) {
            return 0;
        }

        arrivals_command(line);
    }
}


static void
arrivals_command(char *line)
{
    char      token[2048], list[2048], room[80];
    unsigned  first, count, ms;

    if (sscanf(line, "user %2047s", token) == 1) {
        arrivals_user(token);

    } else if (sscanf(line, "watch %u %2047s %u %u", &port, token, &first,
                      &count) == 4)
    {
        arrivals_watch(port, token, first, count);

    } else if (strcmp(line, "watching\n") == 0) {
        arrivals_watching();

    } else if (sscanf(line, "contacts %u %2047s", &first, list) == 2
               && first < nusers)
    {
        user_contacts(users[first], list);

    } else if (strcmp(line, "asked\n") == 0) {
        arrivals_asked();

    } else if (sscanf(line, "come %u %u %u %u %79s", &port, &ms, &first, &count,
                      room) == 5 && first + count <= nusers)
    {
        arrivals_move(true, ms, first, count,
                      strcmp(room, "-") == 0 ? NULL : room);

    } else if (sscanf(line, "go %u %u %u", &ms, &first, &count) == 3
               && first + count <= nusers)
    {
        arrivals_move(false, ms, first, count, NULL);

    } else if (sscanf(line, "seen %u %u", &count, &ms) == 2) {
        arrivals_seen(count, ms);

    } else {
        wire_fail("what is this: %s", line);
    }
}


static void
arrivals_user(const char *token)
{
    user_t  *u = arrivals_alloc(sizeof(user_t));

    user_init(u, token);
    users = wire_room(users, &users_size, (nusers + 1) * sizeof(user_t *));
    users[nusers] = u;
    nusers++;
}


static void
arrivals_watch(unsigned watch_port, const char *token, unsigned first,
    unsigned count)
{
    watcher_t  *w = arrivals_alloc(sizeof(watcher_t));

    watcher_init(w, first, count);
    watchers = wire_room(watchers, &watchers_size,
                         (nwatchers + 1) * sizeof(watcher_t *));
    watchers[nwatchers] = w;
    nwatchers++;

    wire_open(&w->wire, epoll_fd, watch_port, token);
}


static void
arrivals_watching(void)
{
    size_t    i;
    uint64_t  end = wire_now() + COME_US;

    for (i = 0; i < nwatchers; i++) {
        while (!watchers[i]->knows) {

            if (wire_now() > end) {
                wire_fail("%zu of %zu watchers know", i, nwatchers);
            }

            (void) wire_turn(epoll_fd, 100);
        }
    }

    printf("watching\n");
}


/* they come, or go, evenly over the time */

static void
arrivals_move(bool come, unsigned ms, unsigned first, unsigned count,
    const char *room)
{
    size_t    done = 0, due;
    uint64_t  now, end;

    began = wire_now();
    end = began + COME_US;
    nevents = 0;
    nthere = 0;

    while (done < count || (come && nthere < count)) {
        now = wire_now();

        if (now > end) {
            wire_fail("%zu of %u are there", nthere, count);
        }

        due = ms == 0 ? count : (size_t) ((now - began) * count
                                          / (ms * UINT64_C(1000))) + 1;

        for ( /* void */ ; done < count && done < due; done++) {
            if (come) {
                user_come(users[first + done], epoll_fd, port, room);
            } else {
                user_go(users[first + done]);
            }
        }

        (void) wire_turn(epoll_fd, 1);
    }

    printf("us=%" PRIu64 " texts=%" PRIu64 " bytes=%" PRIu64 "\n",
           wire_now() - began, user_texts, user_bytes);
}


void
arrivals_there(void)
{
    nthere++;
}


/* a watcher is told of a user */

void
arrivals_told(unsigned number, bool online)
{
    user_t  *u;

    if (number >= nusers) {
        wire_fail("nobody watches user %u", number);
    }

    u = users[number];
    nevents++;

    if (u->online == online) {
        return;
    }

    u->online = online;
    u->seen_at = last_seen = wire_now();

    if (online) {
        nonline++;
    } else {
        nonline--;
    }
}


static int
arrivals_compare(const void *a, const void *b)
{
    const uint64_t  *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}


static void
arrivals_seen(size_t online, unsigned ms)
{
    size_t     n;
    uint64_t  *delays, end = wire_now() + ms * UINT64_C(1000);

    while (nonline != online && wire_now() < end) {
        (void) wire_turn(epoll_fd, 10);
    }

    delays = arrivals_delays(&n);

    printf("online=%zu events=%zu us=%" PRIu64 " p50=%" PRIu64
           " p99=%" PRIu64 " max=%" PRIu64 "\n", nonline, nevents,
           last_seen > began ? last_seen - began : 0,
           n ? delays[n / 2] : 0, n ? delays[n * 99 / 100] : 0,
           n ? delays[n - 1] : 0);

    free(delays);
}


static void
arrivals_asked(void)
{
    size_t         i, n = 0, refused = 0;
    uint64_t      *delays = arrivals_alloc((nusers + 1) * sizeof(uint64_t));
    const user_t  *u;

    for (i = 0; i < nusers; i++) {
        u = users[i];

        if (u->asked_at == 0) {
            continue;
        }

        if (u->refused) {
            refused++;
        } else {
            delays[n++] = u->told_at - u->asked_at;
        }
    }

    arrivals_sort(delays, n);

    printf("asked=%zu refused=%zu p50=%" PRIu64 " p99=%" PRIu64
           " max=%" PRIu64 "\n", n + refused, refused,
           n ? delays[n / 2] : 0, n ? delays[n * 99 / 100] : 0,
           n ? delays[n - 1] : 0);

    free(delays);
}


/* of those that were seen to come, or to go, since they were told to; sorted */

static uint64_t *
arrivals_delays(size_t *n)
{
    size_t         i;
    uint64_t      *delays = arrivals_alloc((nusers + 1) * sizeof(uint64_t));
    const user_t  *u;

    *n = 0;

    for (i = 0; i < nusers; i++) {
        u = users[i];

        if (u->seen_at > began) {
            delays[*n] = u->seen_at > u->moved_at ? u->seen_at - u->moved_at
                                                  : 0;
            ++*n;
        }
    }

    arrivals_sort(delays, *n);

    return delays;
}


static void
arrivals_sort(uint64_t *delays, size_t n)
{
    qsort(delays, n, sizeof(uint64_t), arrivals_compare);
}


static void *
arrivals_alloc(size_t size)
{
    void  *p = calloc(1, size);

    if (p == NULL) {
        wire_fail("out of memory");
    }

    return p;
}
