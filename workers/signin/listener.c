/*
 * A socket in the file system.  Whoever may enter its directory may use it:
 * the directory is what guards it.
 */

#define _GNU_SOURCE

#include "signin.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "log.h"


#define LISTENER_BACKLOG  64
#define LISTENER_PREFIX   "unix:"


static int listener_address(struct sockaddr_un *sun, const char *address);
static int listener_bind(int fd, const struct sockaddr_un *sun);
static int listener_clear(const struct sockaddr_un *sun);


int
listener_open(const char *address)
{
    int                 fd;
    struct sockaddr_un  sun;

    if (listener_address(&sun, address) == -1) {
        log_err("not an address of the form unix:PATH, or too long",
                log_str("address", address));
        return -1;
    }

    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd == -1) {
        log_crit("socket() failed", log_errno());
        return -1;
    }

    if (listener_bind(fd, &sun) == -1) {
        log_err("cannot listen", log_str("address", address), log_errno());
        (void) close(fd);
        return -1;
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
listener_bind(int fd, const struct sockaddr_un *sun)
{
    if (listener_clear(sun) == -1
        || bind(fd, (const struct sockaddr *) sun, sizeof(*sun)) == -1
        || chmod(sun->sun_path, 0666) == -1
        || listen(fd, LISTENER_BACKLOG) == -1)
    {
        return -1;
    }

    return 0;
}


/* removes the socket of a process that is no more */

static int
listener_clear(const struct sockaddr_un *sun)
{
    int  fd, rc;

    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd == -1) {
        return -1;
    }

    rc = connect(fd, (const struct sockaddr *) sun, sizeof(*sun));

    if (rc == 0) {
        (void) close(fd);
        errno = EADDRINUSE;
        return -1;
    }

    rc = errno == ECONNREFUSED ? unlink(sun->sun_path) : 0;

    (void) close(fd);

    return rc;
}
