/*
 * A socket in the file system.  Whoever may enter its directory may use it:
 * the directory is what guards it.
 */

#ifndef LISTENER_H
#define LISTENER_H


#include "chat_rc.h"


/*
 * Binds "unix:PATH"; type is SOCK_STREAM, then it also listens, or SOCK_DGRAM.
 * What a killed process has left there is replaced; the socket of a live one
 * and what is no socket are left alone.  -1: logged.
 */
CHAT_MUST_CHECK int listener_open(const char *address, int type);
void listener_close(int fd, const char *address);


#endif /* LISTENER_H */
