/*
 * A WebSocket connection of a client for measurements: handshake and frames
 * (RFC 6455), nothing of what is in them; plain or over TLS.  It never blocks.
 */

#ifndef WIRE_H
#define WIRE_H


#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/ssl.h>


#define WIRE_MAX_TEXT  16384    /* of what is written, in bytes */


typedef struct wire_s  wire_t;


/* end: the connection is closed, by whatever; it may be opened again */

typedef struct {
    void  (*open)(wire_t *w);
    void  (*text)(wire_t *w, char *text, size_t len);
    void  (*end)(wire_t *w, const char *reason);
} wire_handlers_t;


struct wire_s {
    int                      fd;        /* -1: none */
    SSL                     *ssl;       /* NULL: plain */
    bool                     shaking;   /* the handshake is not answered yet */
    bool                     blocked;   /* the kernel takes no more for now */
    const wire_handlers_t   *handlers;
    void                    *owner;
    char                    *out;
    size_t                   out_len;
    size_t                   out_size;
    char                    *in;        /* of an incomplete frame */
    size_t                   in_len;
    size_t                   in_size;
    unsigned                 pings;     /* that were answered */
};


/* connections from now on are over TLS (NULL: plain), whoever answers; and come
   from this address of loopback, in host byte order (0: any) */
void wire_tls(SSL_CTX *ctx);
void wire_source(uint32_t address);

/* connects to loopback and sends the handshake; epoll tells it w */
void wire_open(wire_t *w, int epoll_fd, unsigned port, const char *token);

/* a text of up to WIRE_MAX_TEXT */
void wire_send(wire_t *w, const char *text, size_t len);

/* the handler is not called */
void wire_close(wire_t *w);


/* what epoll is asked of, standard input among it; a line of that is never in a
   buffer */
int wire_begin(void);

/* deals with what has happened, or waits so many ms for it; whether there is
   something on standard input */
bool wire_turn(int epoll_fd, int timeout);

/* the same in us */
bool wire_wait(int epoll_fd, uint64_t us);


uint64_t wire_now(void);                /* us, for durations */

/* says what is wrong and ends the program */
void wire_fail(const char *format, ...)
    __attribute__((format(printf, 1, 2), noreturn));

/* memory that has room for so many bytes; it at least doubles */
void *wire_room(void *data, size_t *size, size_t wanted);


#endif /* WIRE_H */
