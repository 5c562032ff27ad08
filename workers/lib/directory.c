#define _GNU_SOURCE

#include "directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "life.h"
#include "mem.h"


#define DIRECTORY_PATIENCE  2000        /* ms */
#define DIRECTORY_AGAIN     20


static int directory_open(const char *path, const char **name);


int
directory_lock(const char *path, const char **name)
{
    int       fd, error;
    uint64_t  until = life_now() + DIRECTORY_PATIENCE;

    fd = directory_open(path, name);

    if (fd == -1) {
        return -1;
    }

    while (flock(fd, LOCK_EX | LOCK_NB) == -1) {

        if (errno != EWOULDBLOCK || life_now() >= until) {
            error = errno;
            (void) close(fd);
            errno = error;
            return -1;
        }

        (void) life_wait(-1, 0, life_now() + DIRECTORY_AGAIN, false);
    }

    return fd;
}


static int
directory_open(const char *path, const char **name)
{
    int          fd, error;
    char        *parent;
    const char  *slash;

    slash = strrchr(path, '/');
    *name = slash != NULL ? slash + 1 : path;

    if (**name == '\0') {
        errno = EISDIR;
        return -1;
    }

    if (slash == NULL) {
        return open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }

    parent = mem_strdup(path);
    parent[slash - path + 1] = '\0';    /* "/" stays for what is in the root */

    fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    error = errno;
    free(parent);
    errno = error;

    return fd;
}
