/*
 * How a worker is, over HTTP, for those who watch it: /healthz, /readyz and
 * /metrics.  A thread of its own answers, so that what the worker waits for
 * does not keep anybody from being told; it reads nothing but what may be read
 * beside the worker, and is never waited for.
 */

#ifndef STATUS_H
#define STATUS_H


#include <stdbool.h>
#include <stdint.h>

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
    uint64_t            began;          /* us since 1970 */
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

/* us since 1970; 0: it is not known.  To be asked once: it is made of clocks
   that do not agree to the microsecond. */
uint64_t status_process_began(void);

void status_process(mem_buf_t *out, const status_t *s);


#endif /* STATUS_H */
