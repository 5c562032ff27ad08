#define _GNU_SOURCE

#include "listener.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "directory.h"
#include "log.h"


#define LISTENER_BACKLOG  64
#define LISTENER_PREFIX   "unix:"


static int listener_address(struct sockaddr_un *sun, const char *address);
static int listener_bind(int fd, const struct sockaddr_un *sun, int type);
static int listener_clear(const struct sockaddr_un *sun, int type);


int
listener_open(const char *address, int type)
{
    int                 fd, lock;
    const char         *name;
    struct sockaddr_un  sun;

    if (listener_address(&sun, address) == -1) {
        log_err("not an address of the form unix:PATH, or too long",
                log_str("address", address));
        return -1;
    }

    fd = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd == -1) {
        log_crit("socket() failed", log_errno());
        return -1;
    }

    /* locked: of two that start at once, one must not clear the other's */

    lock = directory_lock(sun.sun_path, &name);

    if (lock == -1 || listener_bind(fd, &sun, type) == -1) {
        log_err("cannot listen", log_str("address", address), log_errno());
        (void) close(fd);
        fd = -1;
    }

    if (lock != -1) {
        (void) close(lock);
    }

    return fd;
}


void
listener_close(int fd, const char *address)
{
    (void) unlink(address + strlen(LISTENER_PREFIX));   /* may be gone */
    (void) close(fd);
}


static int
listener_address(struct sockaddr_un *sun, const char *address)
{
    size_t       len;
    const char  *path;

    len = strlen(LISTENER_PREFIX);

    if (strncmp(address, LISTENER_PREFIX, len) != 0) {
        return -1;
    }

    path = address + len;
    len = strlen(path);

    memset(sun, 0, sizeof(*sun));

    if (len == 0 || len >= sizeof(sun->sun_path)) {
        return -1;
    }

    sun->sun_family = AF_UNIX;
    memcpy(sun->sun_path, path, len);

    return 0;
}


static int
listener_bind(int fd, const struct sockaddr_un *sun, int type)
{
    if (listener_clear(sun, type) == -1
        || bind(fd, (const struct sockaddr *) sun, sizeof(*sun)) == -1
        || chmod(sun->sun_path, 0666) == -1)
    {
        return -1;
    }

    return type == SOCK_STREAM ? listen(fd, LISTENER_BACKLOG) : 0;
}


/* removes the socket of a process that is no more; a connection tells */

static int
listener_clear(const struct sockaddr_un *sun, int type)
{
    int          fd, rc;
    struct stat  st;

    if (lstat(sun->sun_path, &st) == -1 || !S_ISSOCK(st.st_mode)) {
        return 0;                       /* what is there, bind() will say */
    }

    fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

    if (fd == -1) {
        return -1;
    }

    rc = connect(fd, (const struct sockaddr *) sun, sizeof(*sun));

    if (rc == -1 && errno == ECONNREFUSED) {
        rc = unlink(sun->sun_path);

    } else {
        errno = EADDRINUSE;
        rc = -1;
    }

    (void) close(fd);

    return rc;
}
