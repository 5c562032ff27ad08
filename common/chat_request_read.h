/*
 * The members of requests: which a type knows, how each is read.  For
 * chat_request.c alone.
 */

#ifndef CHAT_REQUEST_READ_H
#define CHAT_REQUEST_READ_H


#include "chat_request.h"


#define CHAT_REQUEST_MAX_KNOWN  6       /* members of one type's table */


/*
 * Reads one member that is there and not null.  NULL if it is good, else what
 * is wrong with it.
 */

typedef const char *(*chat_request_read_pt)(chat_request_t *rq,
    const chat_json_t *value);


typedef struct {
    const char            *name;
    chat_request_read_pt   read;
    const char            *missing;     /* what to say; NULL: optional */
} chat_request_member_t;


typedef struct {
    const char                   *name;
    const chat_request_member_t  *members;      /* ends with a NULL name */
    const char                 *(*check)(const chat_request_t *rq);
} chat_request_kind_t;


extern const chat_request_kind_t  chat_request_kinds[CHAT_REQUEST_UNKNOWN];


#endif /* CHAT_REQUEST_READ_H */
