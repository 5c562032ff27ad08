/*
 * Signals are blocked but while life_wait() waits, so that none gets lost
 * between a look at the flag and the wait.  They are for the thread that called
 * life_init(): others keep them blocked, or one of these might take the signal
 * that should end a wait of that one.
 */

#define _GNU_SOURCE

#include "life.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "log.h"


#define BACKOFF_MIN  100
#define BACKOFF_MAX  5000


static volatile sig_atomic_t  stopping;
static sigset_t               waiting_mask;     /* signals let in by waits */
static _Thread_local bool     initialised;
static _Thread_local int      stop_fd = -1;     /* of a thread that has one */


static void life_on_signal(int signo);


void
life_init(void)
{
    sigset_t          set;
    struct sigaction  action;

    memset(&action, 0, sizeof(action));
    action.sa_handler = life_on_signal;
    sigemptyset(&action.sa_mask);

    (void) sigaction(SIGTERM, &action, NULL);   /* cannot fail for these */
    (void) sigaction(SIGINT, &action, NULL);

    life_ignore_sigpipe();

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);

    (void) sigprocmask(SIG_BLOCK, &set, &waiting_mask);
    sigdelset(&waiting_mask, SIGTERM);
    sigdelset(&waiting_mask, SIGINT);

    initialised = true;
}


void
life_note_stop(void)
{
    struct sigaction  action;

    memset(&action, 0, sizeof(action));
    action.sa_handler = life_on_signal;
    action.sa_flags = SA_RESTART | (int) SA_RESETHAND;
    sigemptyset(&action.sa_mask);

    (void) sigaction(SIGTERM, &action, NULL);   /* cannot fail for these */
    (void) sigaction(SIGINT, &action, NULL);
}


void
life_stop_when_readable(int fd)
{
    stop_fd = fd;
}


void
life_ignore_sigpipe(void)
{
    (void) signal(SIGPIPE, SIG_IGN);
}


static void
life_on_signal(int signo)
{
    (void) signo;

    stopping = 1;
}


bool
life_stopping(void)
{
    return stopping != 0;
}


static uint64_t
life_clock(clockid_t id)
{
    struct timespec  ts;

    (void) clock_gettime(id, &ts);      /* both clocks always exist */

    return (uint64_t) ts.tv_sec * 1000000 + (uint64_t) ts.tv_nsec / 1000;
}


uint64_t
life_now(void)
{
    return life_clock(CLOCK_MONOTONIC) / 1000;
}


uint64_t
life_now_us(void)
{
    return life_clock(CLOCK_MONOTONIC);
}


uint64_t
life_time(void)
{
    return life_clock(CLOCK_REALTIME) / 1000;
}


life_rc_e
life_wait(int fd, short events, uint64_t at, bool until_stop)
{
    int              n;
    uint64_t         now;
    struct timespec  ts;
    struct pollfd    fds[] = {
        { .fd = fd, .events = events }, { .fd = stop_fd, .events = POLLIN }
    };

    for ( ;; ) {

        if (until_stop && stopping) {
            return LIFE_STOP;
        }

        now = life_now();
        now = at > now ? at - now : 0;

        ts.tv_sec = (time_t) (now / 1000);
        ts.tv_nsec = (long) (now % 1000 * 1000000);

        n = ppoll(fds, 2, &ts, initialised ? &waiting_mask : NULL);

        if (n > 0 && fds[1].revents != 0) {
            return LIFE_STOP;
        }

        if (n > 0) {
            return LIFE_READY;
        }

        if (n == 0 || errno != EINTR) {
            return LIFE_TIMEOUT;
        }
    }
}


void
life_random(void *dst, size_t size)
{
    if (getrandom(dst, size, 0) != (ssize_t) size) {
        log_alert("the system gives no randomness", log_errno());
        abort();
    }
}


void
life_name(char dst[LIFE_NAME])
{
    char      host[32] = "";
    uint32_t  number;

    life_random(&number, sizeof(number));

    if (gethostname(host, sizeof(host) - 1) == -1) {
        host[0] = '?';
    }

    (void) snprintf(dst, LIFE_NAME, "%s:%d:%08x", host, (int) getpid(),
                    number);
}


void
life_backoff_fail(life_backoff_t *b)
{
    uint32_t  spread;

    b->delay = b->delay == 0 ? BACKOFF_MIN : b->delay * 2;

    if (b->delay > BACKOFF_MAX) {
        b->delay = BACKOFF_MAX;
    }

    life_random(&spread, sizeof(spread));

    b->at = life_now() + b->delay / 2 + spread % (b->delay / 2 + 1);
}


void
life_backoff_reset(life_backoff_t *b)
{
    b->delay = 0;
    b->at = 0;
}


bool
life_backoff_due(const life_backoff_t *b)
{
    return life_now() >= b->at;
}
