/*
 * Preloaded into nginx: what a client sends is read one byte at a time, each
 * in a turn of the event loop of its own, and what is written to it leaves in
 * small pieces.  Only connections that were accepted are treated so.  What is
 * long goes on in larger pieces, or it would take too long.
 *
 * nginx takes a short read for the end of what has come and waits for the next
 * edge of epoll.  There is none while data is left, so after each piece the
 * descriptor is armed anew.
 */

#define _GNU_SOURCE

#include <dlfcn.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>


#define CHOP_FDS    65536
#define CHOP_FINE   4096                /* bytes at a time that go singly */
#define CHOP_COARSE 1021                /* prime, and no power of two */
#define CHOP_WRITE  7                   /* no frame's head fits twice */

#define chop_next(name)                                                       \
    ((__typeof__(&name)) dlsym(RTLD_NEXT, #name))


typedef struct {
    bool                accepted;
    size_t              taken;          /* since nothing was left */
    int                 epoll;
    struct epoll_event  event;
} chop_fd_t;


static chop_fd_t  fds[CHOP_FDS];


static chop_fd_t *
chop_find(int fd)
{
    return (fd >= 0 && fd < CHOP_FDS && fds[fd].accepted) ? &fds[fd] : NULL;
}


static void
chop_arm(int fd)
{
    chop_fd_t  *f = &fds[fd];

    if (f->event.events != 0) {
        (void) chop_next(epoll_ctl)(f->epoll, EPOLL_CTL_MOD, fd, &f->event);
    }
}


int
accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags)
{
    int  s;

    s = chop_next(accept4)(fd, addr, len, flags);

    if (s >= 0 && s < CHOP_FDS) {
        memset(&fds[s], 0, sizeof(fds[s]));
        fds[s].accepted = true;
    }

    return s;
}


int
close(int fd)
{
    if (chop_find(fd) != NULL) {
        fds[fd].accepted = false;
    }

    return chop_next(close)(fd);
}


int
epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)
{
    chop_fd_t  *f = chop_find(fd);

    if (f != NULL) {
        f->epoll = epfd;
        memset(&f->event, 0, sizeof(f->event));

        if (op != EPOLL_CTL_DEL) {
            f->event = *event;
        }
    }

    return chop_next(epoll_ctl)(epfd, op, fd, event);
}


static size_t
chop_read_size(const chop_fd_t *f, size_t len)
{
    size_t  max = f->taken < CHOP_FINE ? 1 : CHOP_COARSE;

    return len < max ? len : max;
}


static ssize_t
chop_taken(int fd, ssize_t n)
{
    if (n <= 0) {
        fds[fd].taken = 0;
        return n;
    }

    fds[fd].taken += n;
    chop_arm(fd);

    return n;
}


ssize_t
recv(int fd, void *buf, size_t len, int flags)
{
    chop_fd_t  *f = chop_find(fd);

    if (f == NULL || (flags & MSG_PEEK)) {
        return chop_next(recv)(fd, buf, len, flags);
    }

    return chop_taken(fd, chop_next(recv)(fd, buf, chop_read_size(f, len),
                                          flags));
}


ssize_t
read(int fd, void *buf, size_t len)
{
    chop_fd_t  *f = chop_find(fd);

    if (f == NULL) {
        return chop_next(read)(fd, buf, len);
    }

    return chop_taken(fd, chop_next(read)(fd, buf, chop_read_size(f, len)));
}


static size_t
chop_write_size(size_t len)
{
    size_t  max = len < CHOP_FINE ? CHOP_WRITE : CHOP_COARSE;

    return len < max ? len : max;
}


ssize_t
write(int fd, const void *buf, size_t len)
{
    ssize_t  n;

    if (chop_find(fd) == NULL) {
        return chop_next(write)(fd, buf, len);
    }

    n = chop_next(write)(fd, buf, chop_write_size(len));
    chop_arm(fd);

    return n;
}


ssize_t
send(int fd, const void *buf, size_t len, int flags)
{
    ssize_t  n;

    if (chop_find(fd) == NULL) {
        return chop_next(send)(fd, buf, len, flags);
    }

    n = chop_next(send)(fd, buf, chop_write_size(len), flags);
    chop_arm(fd);

    return n;
}


/* the first piece that is not empty, and of it what fits */

ssize_t
writev(int fd, const struct iovec *iov, int n)
{
    int      i;
    ssize_t  sent;

    if (chop_find(fd) == NULL) {
        return chop_next(writev)(fd, iov, n);
    }

    for (i = 0; i < n - 1 && iov[i].iov_len == 0; i++) { /* void */ }

    sent = chop_next(write)(fd, iov[i].iov_base,
                            chop_write_size(iov[i].iov_len));
    chop_arm(fd);

    return sent;
}
