/*
 * A writer of JSON into memory that the caller has.  It never writes past
 * `last`; once something did not fit, `full` stays true and nothing more is
 * written.  With pos == NULL it only counts: `len` grows all the same, so a
 * caller can measure first.
 */

#ifndef CHAT_WRITE_H
#define CHAT_WRITE_H


#include "chat_rc.h"


typedef struct {
    uint8_t  *pos;
    uint8_t  *last;
    size_t    len;          /* of all that was written or would have been */
    bool      full;
} chat_writer_t;


void chat_writer_init(chat_writer_t *w, uint8_t *dst, size_t size);

/* as it is */
void chat_write(chat_writer_t *w, chat_str_t raw);
void chat_write_cstr(chat_writer_t *w, const char *raw);

/* UTF-8 "quoted"; ", \ and control characters escaped, U+2028 and U+2029 too */
void chat_write_string(chat_writer_t *w, chat_str_t text);

void chat_write_uint(chat_writer_t *w, uint64_t n);

/* "2026-11-22T03:44:10.123Z" with its quotes; ms since 1970, years to 9999 */
void chat_write_time(chat_writer_t *w, uint64_t ms);


#endif /* CHAT_WRITE_H */
