/*
 * What events are put together from.  For chat_event*.c alone.
 */

#ifndef CHAT_EVENT_WRITE_H
#define CHAT_EVENT_WRITE_H


#include "chat_write.h"


/* a key comes quoted, with what stands before it and the colon after it */

void chat_event_text(chat_writer_t *w, const char *key, chat_str_t text);
void chat_event_text_or_null(chat_writer_t *w, const char *key,
    chat_str_t text);
void chat_event_time(chat_writer_t *w, const char *key, uint64_t ms);
void chat_event_number(chat_writer_t *w, const char *key, uint64_t n);

/*
 * The last members of a data object, up to its brace: what redis/chat.lua
 * appends to a head, byte for byte.
 */
void chat_event_position(chat_writer_t *w, uint64_t sequence,
    uint64_t revision);
void chat_event_revision(chat_writer_t *w, uint64_t revision);


#endif /* CHAT_EVENT_WRITE_H */
