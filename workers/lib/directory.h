/*
 * The directory that a file lives in, locked: for changes that several
 * processes must not make at the same time.  The lock is flock(2)'s on the
 * directory itself, so it ends with its process and leaves nothing behind.
 */

#ifndef DIRECTORY_H
#define DIRECTORY_H


#include "chat_rc.h"


/*
 * Opens and locks the directory of a path; *name is the file's name in it.
 * Closing the descriptor gives the lock back.  -1: errno tells why, EAGAIN
 * that another process held it for two seconds.
 */
CHAT_MUST_CHECK int directory_lock(const char *path, const char **name);


#endif /* DIRECTORY_H */
