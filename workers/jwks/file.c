/*
 * A file that others read at any moment is written beside itself, flushed, and
 * renamed: whoever opens it gets the old or the new content whole, after a
 * power failure too.
 *
 *     FILE.new  --fsync, rename-->  FILE  --fsync of the directory
 *
 * The directory is locked meanwhile, so two processes that write the same file
 * do so one after the other, and what a killed one has left behind is FILE.new
 * only, which the next one removes.
 */

#define _GNU_SOURCE

#include "jwks.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "directory.h"
#include "log.h"


#define FILE_MODE  0644                 /* the keys are public */


static bool file_holds(int dir, const char *name, chat_str_t content);
static int file_write(int dir, const char *name, chat_str_t content);
static int file_fill(int fd, chat_str_t content);


file_rc_e
file_put(const char *path, chat_str_t content)
{
    int          dir;
    file_rc_e    rc = FILE_SAME;
    const char  *name;

    dir = directory_lock(path, &name);

    if (dir == -1) {
        log_err("cannot reach the directory of the file",
                log_str("file", path), log_errno());
        return FILE_FAILED;
    }

    if (!file_holds(dir, name, content)) {
        rc = FILE_REPLACED;

        if (file_write(dir, name, content) == -1) {
            log_err("cannot write the file", log_str("file", path),
                    log_errno());
            rc = FILE_FAILED;
        }
    }

    (void) close(dir);

    return rc;
}


static bool
file_holds(int dir, const char *name, chat_str_t content)
{
    int      fd;
    bool     same = false;
    char    *old;
    size_t   len = 0;
    ssize_t  n;

    fd = openat(dir, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

    if (fd == -1) {
        return false;
    }

    /* one byte more: to see that nothing follows */

    old = mem_alloc(content.len + 1);

    do {
        n = read(fd, old + len, content.len + 1 - len);
        len += n > 0 ? (size_t) n : 0;
    } while (n > 0 && len <= content.len);

    if (n == 0 && len == content.len) {
        same = memcmp(old, content.data, len) == 0;
    }

    free(old);
    (void) close(fd);

    return same;
}


/* -1: errno tells why */

static int
file_write(int dir, const char *name, chat_str_t content)
{
    int   fd, rc, error;
    char  fresh[NAME_MAX + 1];

    rc = snprintf(fresh, sizeof(fresh), "%s.new", name);

    if (rc < 0 || (size_t) rc >= sizeof(fresh)) {
        errno = ENAMETOOLONG;
        return -1;
    }

    if (unlinkat(dir, fresh, 0) == -1 && errno != ENOENT) {
        return -1;
    }

    fd = openat(dir, fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
                FILE_MODE);

    if (fd == -1) {
        return -1;
    }

    rc = file_fill(fd, content);

    if (close(fd) == -1) {
        rc = -1;
    }

    if (rc == 0) {
        rc = renameat(dir, fresh, dir, name);
    }

    if (rc == -1) {
        error = errno;
        (void) unlinkat(dir, fresh, 0);     /* the first error is told */
        errno = error;
        return -1;
    }

    return fsync(dir);
}


static int
file_fill(int fd, chat_str_t content)
{
    size_t   done;
    ssize_t  n;

    for (done = 0; done < content.len; done += (size_t) n) {
        n = write(fd, content.data + done, content.len - done);

        if (n == -1) {
            return -1;
        }
    }

    /* whatever the umask is */

    if (fchmod(fd, FILE_MODE) == -1) {
        return -1;
    }

    return fsync(fd);
}
