/*
 * Ids of Redis streams, "<ms>-<seq>": places in a log.
 */

#ifndef STREAM_ID_H
#define STREAM_ID_H


#include <stdbool.h>
#include <stdint.h>

#include "chat_rc.h"


#define STREAM_ID_TEXT  42      /* two numbers of 20 digits, dash, NUL */


typedef struct {
    uint64_t  ms;
    uint64_t  seq;
} stream_id_t;


CHAT_MUST_CHECK int stream_id_parse(stream_id_t *id, chat_str_t text);

/* dst holds STREAM_ID_TEXT; returns it */
const char *stream_id_print(stream_id_t id, char *dst);

/* as memcmp() */
int stream_id_compare(stream_id_t a, stream_id_t b);


#endif /* STREAM_ID_H */
