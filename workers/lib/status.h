/*
 * How a worker is, over HTTP, for those who watch it: /healthz, /readyz and
 * /metrics.  A thread of its own answers, so that what the worker waits for
 * does not keep anybody from being told; it reads nothing but what may be read
 * beside the worker, and is never waited for.
 */

#ifndef STATUS_H
#define STATUS_H


#include <stdbool.h>

#include "mem.h"
#include "options.h"


struct MHD_Daemon;


typedef struct {
    const char         *listen;         /* see listener_inet.h; NULL: none */
    const char         *program;        /* "chat_persist", of build_info */

    /* appends what the program counts */
    void              (*metrics)(mem_buf_t *out, const void *data);

    /* appends ,"name":... of each thing that is needed; whether all is well */
    bool              (*ready)(mem_buf_t *out, const void *data);

    const void         *data;
    int                 fd;
    struct MHD_Daemon  *daemon;         /* NULL: not started */
} status_t;


/* after life_init(); does nothing where nowhere to listen is told.
   -1: logged */
CHAT_MUST_CHECK int status_start(status_t *s);
void status_stop(status_t *s);


#define OPTION_STATUS_LISTEN(p)                                               \
    { "status-listen", OPTION_TEXT, true, "ADDRESS", NULL,                    \
      "where to serve /healthz, /readyz and /metrics: 127.0.0.1:PORT, "       \
      "[::1]:PORT or unix:PATH; nowhere if it is not given", p, 0, 0 }


/* status_process.c: what all programs tell of themselves: build and process */
void status_process(mem_buf_t *out, const char *program);


#endif /* STATUS_H */
