/*
 * chat-jwks: brings the keys of an identity provider, a JWK Set (RFC 7517)
 * behind a URL, into a file that nginx reads (chat_token_jwks).
 */

#ifndef JWKS_H
#define JWKS_H


#include <stdbool.h>
#include <stdint.h>

#include "chat_rc.h"
#include "mem.h"
#include "metrics.h"


#define JWKS_MAX_SIZE  65536            /* of a set; nginx takes no more */


typedef struct {
    const char  *url;
    const char  *file;
    const char  *socket;                /* "unix:PATH"; NULL: none */
    const char  *ca_file;               /* NULL: the system's */
    uint64_t     interval;              /* s, between regular fetches */
    uint64_t     min_interval;          /* s, between any two */
    uint64_t     timeout;               /* s, for one of them whole */
    metrics_t   *metrics;
} jwks_t;


/* serve.c */

/* one fetch: the file is what the URL says now; -1: logged, it is as it was */
CHAT_MUST_CHECK int jwks_update(const jwks_t *j);

/* fetches again and again, until the program is told to stop; -1: logged */
CHAT_MUST_CHECK int jwks_serve(const jwks_t *j);


/* fetch.c */

CHAT_MUST_CHECK int fetch_init(void);
void fetch_done(void);

/* NULL, or what is wrong with the URL */
CHAT_MUST_CHECK const char *fetch_check_url(const char *url);

/* appends what the URL gives; -1: logged, but where told to stop */
CHAT_MUST_CHECK int fetch_get(const jwks_t *j, mem_buf_t *body);


/* keyset.c */

/* the number of keys that nginx will use; 0: logged why */
CHAT_MUST_CHECK size_t keyset_check(chat_str_t text);


/* file.c */

typedef enum {
    FILE_SAME,                          /* it held this already */
    FILE_REPLACED,
    FILE_FAILED                         /* logged; it is as it was */
} file_rc_e;

/* replaces the file at once and for good: readers see the old or the new */
CHAT_MUST_CHECK file_rc_e file_put(const char *path, chat_str_t content);


#endif /* JWKS_H */
