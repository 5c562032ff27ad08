/*
 * Preloaded into nginx: to send something with "(work)" in it takes 5 ms of
 * the processor's time, and something with "(wait)" 10 ms in which the process
 * does nothing, as if others had the processor.
 */

#define _GNU_SOURCE

#include <dlfcn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>


#define SLOW_WORK  5000000      /* ns */
#define SLOW_WAIT  10000000

#define slow_next(name)                                                       \
    ((__typeof__(&name)) dlsym(RTLD_NEXT, #name))


static long long
slow_worked(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);

    return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}


static void
slow_down(const void *buf, size_t len)
{
    long long        until;
    struct timespec  ts = { .tv_nsec = SLOW_WAIT };

    if (memmem(buf, len, "(wait)", 6) != NULL) {
        (void) nanosleep(&ts, NULL);
    }

    if (memmem(buf, len, "(work)", 6) != NULL) {
        until = slow_worked() + SLOW_WORK;

        while (slow_worked() < until) { /* void */ }
    }
}


ssize_t
send(int fd, const void *buf, size_t len, int flags)
{
    slow_down(buf, len);

    return slow_next(send)(fd, buf, len, flags);
}


ssize_t
writev(int fd, const struct iovec *iov, int n)
{
    int  i;

    for (i = 0; i < n; i++) {
        slow_down(iov[i].iov_base, iov[i].iov_len);
    }

    return slow_next(writev)(fd, iov, n);
}
