/*
 * A message as PostgreSQL has it, for all answers that hold some.
 */

#ifndef STORED_H
#define STORED_H


#include <libpq-fe.h>

#include "chat_event.h"
#include "mem.h"


/* a time in ms since 1970, in SQL */
#define STORED_MS(column)  "(extract(epoch FROM " column ") * 1000)::bigint"

/* the columns of a message, m the name of its row in the statement */
#define STORED_COLUMNS(m)                                                     \
    m ".id, " m ".sequence, " m ".revision, " m ".sender_id, "                \
    m ".client_id, " m ".content, " STORED_MS(m ".created_at") ", "           \
    m ".reply_to, array_to_json(" m ".mentions), " m ".attachments, "         \
    STORED_MS(m ".edited_at") ", " STORED_MS(m ".deleted_at") ", "            \
    m ".deleted_by"

/* A little less than what an event has around its content: by it and the size
   a statement bounds what it returns. */
#define STORED_OVERHEAD  "200"


enum {
    STORED_ID, STORED_SEQUENCE, STORED_REVISION, STORED_SENDER,
    STORED_CLIENT_ID, STORED_CONTENT, STORED_TIME, STORED_REPLY_TO,
    STORED_MENTIONS, STORED_ATTACHMENTS, STORED_EDITED, STORED_DELETED,
    STORED_DELETED_BY, STORED_N
};


/* slices point into the result */

typedef struct {
    chat_event_message_t  message;
    chat_event_deleted_t  deletion;
    bool                  deleted;      /* which of the two it is */
    uint64_t              sequence;
    uint64_t              revision;
} stored_t;


/* from this row, where the columns begin at `first` */
void stored_read(stored_t *s, const PGresult *res, int row, int first,
    chat_str_t conversation);

/* message.created, .updated or .deleted */
void stored_write_event(chat_writer_t *w, const stored_t *s);

/* its data alone */
void stored_write_data(chat_writer_t *w, const stored_t *s);

/* the same with reactions, "user emoji" on a line each, in their order */
void stored_write_history(chat_writer_t *w, const stored_t *s,
    chat_str_t reactions);


/* into a buffer, in place of what it held: write() is called with a writer
   that measures, then with one that writes */

typedef void (*stored_write_pt)(chat_writer_t *w, const void *data);

void stored_print(mem_buf_t *buf, stored_write_pt write, const void *data);


/* the next line of a text without its end; false: no more */
bool stored_next_line(chat_str_t *rest, chat_str_t *line);

/* what is before the first space, and what is behind it */
bool stored_split(chat_str_t text, chat_str_t *head, chat_str_t *tail);


#endif /* STORED_H */
