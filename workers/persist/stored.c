#include "stored.h"

#include <stdlib.h>
#include <string.h>

#include "db.h"


#define REACTIONS  256      /* more than a message has; then memory is asked */


void
stored_read(stored_t *s, const PGresult *res, int row, int first,
    chat_str_t conversation)
{
    chat_event_deleted_t  *d = &s->deletion;
    chat_event_message_t  *m = &s->message;

    s->sequence = db_value_uint(res, row, first + STORED_SEQUENCE);
    s->revision = db_value_uint(res, row, first + STORED_REVISION);
    s->deleted = !PQgetisnull(res, row, first + STORED_DELETED);

    m->id = db_value(res, row, first + STORED_ID);
    m->conversation = conversation;
    m->sender = db_value(res, row, first + STORED_SENDER);
    m->client_id = db_value(res, row, first + STORED_CLIENT_ID);
    m->content = db_value(res, row, first + STORED_CONTENT);
    m->reply_to = db_value(res, row, first + STORED_REPLY_TO);
    m->mentions = db_value(res, row, first + STORED_MENTIONS);
    m->attachments = db_value(res, row, first + STORED_ATTACHMENTS);
    m->time = db_value_uint(res, row, first + STORED_TIME);
    m->edited = db_value_uint(res, row, first + STORED_EDITED);

    d->id = m->id;
    d->conversation = conversation;
    d->deleted_by = db_value(res, row, first + STORED_DELETED_BY);
    d->time = db_value_uint(res, row, first + STORED_DELETED);
}


void
stored_write_event(chat_writer_t *w, const stored_t *s)
{
    if (s->deleted) {
        chat_event_deleted(w, &s->deletion, s->sequence, s->revision);
    } else {
        chat_event_message(w, &s->message, s->sequence, s->revision);
    }
}


void
stored_write_data(chat_writer_t *w, const stored_t *s)
{
    if (s->deleted) {
        chat_event_deleted_data(w, &s->deletion, s->sequence, s->revision);
    } else {
        chat_event_message_data(w, &s->message, s->sequence, s->revision);
    }
}


void
stored_write_history(chat_writer_t *w, const stored_t *s,
    chat_str_t reactions)
{
    size_t                 n = 0, size = 0;
    chat_str_t             line;
    chat_event_reactor_t  *reactors = NULL;

    if (s->deleted || reactions.len == 0) {
        stored_write_data(w, s);
        return;
    }

    while (stored_next_line(&reactions, &line)) {

        if (n == size) {
            size += REACTIONS;
            reactors = mem_realloc(reactors, size,
                                   sizeof(chat_event_reactor_t));
        }

        n += stored_split(line, &reactors[n].user, &reactors[n].emoji);
    }

    chat_event_message_history(w, &s->message, s->sequence, s->revision,
                               reactors, n);
    free(reactors);
}


void
stored_print(mem_buf_t *buf, stored_write_pt write, const void *data)
{
    chat_writer_t  w;

    chat_writer_init(&w, NULL, 0);
    write(&w, data);

    buf->len = 0;
    chat_writer_init(&w, mem_buf_room(buf, w.len), w.len);
    write(&w, data);
}


bool
stored_next_line(chat_str_t *rest, chat_str_t *line)
{
    const uint8_t  *end;

    if (rest->len == 0) {
        return false;
    }

    end = memchr(rest->data, '\n', rest->len);

    line->data = rest->data;
    line->len = end != NULL ? (size_t) (end - rest->data) : rest->len;

    rest->data += line->len + (end != NULL);
    rest->len -= line->len + (end != NULL);

    return true;
}


bool
stored_split(chat_str_t text, chat_str_t *head, chat_str_t *tail)
{
    const uint8_t  *space;

    space = memchr(text.data, ' ', text.len);

    if (space == NULL) {
        return false;
    }

    head->data = text.data;
    head->len = (size_t) (space - text.data);
    tail->data = space + 1;
    tail->len = text.len - head->len - 1;

    return true;
}
