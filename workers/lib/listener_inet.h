/*
 * A listening socket for HTTP: TCP, or one in the file system (listener.h).
 */

#ifndef LISTENER_INET_H
#define LISTENER_INET_H


#include "chat_rc.h"


/*
 * "127.0.0.1:9101", "[::1]:9101" or "unix:PATH"; no names, which would have to
 * be asked for.  -1: logged.
 */
CHAT_MUST_CHECK int listener_inet_open(const char *address);
void listener_inet_close(int fd, const char *address);


#endif /* LISTENER_INET_H */
