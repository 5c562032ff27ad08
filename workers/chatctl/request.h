/*
 * A request as a client would send it.  It goes through the same parser, so
 * names, ids, contents and the like are good or bad here for the same reasons.
 */

#ifndef REQUEST_H
#define REQUEST_H


#include "chat_request.h"
#include "mem.h"
#include "options.h"


typedef struct {
    mem_buf_t       text;
    size_t          n;          /* members of its data so far */
    bool            bad;        /* and it was said why */
    chat_request_t  parsed;     /* points into text */
} request_t;


void request_begin(request_t *r, chat_request_type_e type);
void request_done(request_t *r);

/* members of the data; NULL, or an empty list: not given */
void request_add_text(request_t *r, const char *name, const char *value);
void request_add_list(request_t *r, const char *name,
    const options_list_t *list);

/* the value is JSON; a list of them becomes an array */
void request_add_json(request_t *r, const char *name, const char *value);
void request_add_json_list(request_t *r, const char *name,
    const options_list_t *list);

void request_add_uint(request_t *r, const char *name, uint64_t value);
void request_add_bool(request_t *r, const char *name, bool value);

/* says what is wrong with it; -1 */
CHAT_MUST_CHECK int request_end(request_t *r);


/* an id of the parsed request */

static inline chat_str_t
request_id(const chat_request_id_t *id)
{
    return (chat_str_t) { id->data, id->len };
}


#endif /* REQUEST_H */
