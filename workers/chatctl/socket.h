/*
 * A client's end of a WebSocket (RFC 6455), for chatctl to be a client of nginx
 * itself: plain, texts only.  Waiting is the caller's: nothing but open()
 * blocks.
 */

#ifndef SOCKET_H
#define SOCKET_H


#include "mem.h"


#define SOCKET_MAX_FRAME  (2 * 1024 * 1024)     /* that the server sends */


typedef struct {
    char         host[256];
    char         port[8];
    char         path[512];
} socket_url_t;


typedef struct {
    int          fd;            /* -1: closed */
    mem_buf_t    in;
    size_t       taken;         /* bytes of it that were returned */
    unsigned     code;          /* of the close frame; 0: there was none */
    char         reason[124];   /*   and its reason */
} socket_t;


typedef enum {
    SOCKET_TEXT,
    SOCKET_NOTHING,             /* has come, for now */
    SOCKET_CLOSED
} socket_rc_e;


/* ws://HOST[:PORT][/PATH]; -1: it is none */
CHAT_MUST_CHECK int socket_url_read(socket_url_t *url, const char *text);

/* connects and shakes hands; -1: why tells */
CHAT_MUST_CHECK int socket_open(socket_t *s, const socket_url_t *url,
    const char *token, char *why, size_t size);
void socket_close(socket_t *s);         /* as often as one likes */
void socket_done(socket_t *s);          /* and its memory */

/* a text that comes next; it is good until the next call */
socket_rc_e socket_read(socket_t *s, chat_str_t *text);

/* -1: the connection has ended, and is closed */
CHAT_MUST_CHECK int socket_send(socket_t *s, chat_str_t text);


#endif /* SOCKET_H */
