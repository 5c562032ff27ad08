/*
 * Where Redis is:
 *
 *      redis://[:PASSWORD@]HOST[:PORT][/DB]     PASSWORD and DB as they are,
 *      unix:///PATH[?db=N]                      nothing is percent-encoded
 */

#ifndef REDIS_URL_H
#define REDIS_URL_H


#include <stdint.h>

#include "chat_rc.h"


typedef struct {
    char       path[108];       /* of a unix socket, or "" */
    char       host[256];
    char       password[512];   /* "": none */
    uint64_t   port;
    uint64_t   db;
} redis_url_t;


/* -1: it is not one */
CHAT_MUST_CHECK int redis_url_parse(redis_url_t *url, const char *text);


#endif /* REDIS_URL_H */
