/*
 * What the server says: replies and events of the native dialect, as JSON
 * text.  All write through a chat_writer_t, so a caller may measure first.
 *
 * A durable event is made in two halves.  Here is built what is known before
 * it happens; Redis, which alone knows the position, appends
 *
 *      "sequenceNumber":12,"revision":4294967308}}
 */

#ifndef CHAT_EVENT_H
#define CHAT_EVENT_H


#include "chat_json.h"
#include "chat_rc.h"
#include "chat_request.h"


/* {"type":"reply","id":<id>,"ok":true,"data":  — the caller writes the data
   and closes with chat_event_end() */
void chat_event_reply(chat_writer_t *w, chat_str_t raw_id);

/* the closing brace of a reply or an event */
void chat_event_end(chat_writer_t *w);

/* a whole error reply; retry_after in seconds, 0: none */
void chat_event_error(chat_writer_t *w, chat_str_t raw_id, chat_code_e code,
    const char *message, unsigned retry_after);

/* {"code":...,"message":...} alone, for the elements of a batch */
void chat_event_error_object(chat_writer_t *w, chat_code_e code,
    const char *message, unsigned retry_after);


typedef struct {
    chat_str_t  id;             /* UUIDv7 */
    chat_str_t  conversation;
    chat_str_t  sender;
    chat_str_t  client_id;      /* empty: not given */
    chat_str_t  content;        /* raw JSON */
    uint64_t    time;           /* ms since 1970 */
} chat_event_message_t;


/* {"type":"message.created","data":{... up to and with the comma before
   "sequenceNumber" */
void chat_event_message_head(chat_writer_t *w, const chat_event_message_t *m);

/* the data object of a whole message.created, as in history */
void chat_event_message_data(chat_writer_t *w, const chat_event_message_t *m,
    uint64_t sequence, uint64_t revision);

/* the same as a whole event, byte for byte what head + position gives */
void chat_event_message(chat_writer_t *w, const chat_event_message_t *m,
    uint64_t sequence, uint64_t revision);


typedef struct {
    chat_str_t                conversation;
    chat_conversation_type_e  type;
    chat_str_t                name;         /* empty: none */
    chat_str_t                creator;
    uint64_t                  time;         /* ms since 1970 */
} chat_event_conversation_t;


/* {"type":"conversation.created","data":{... up to and with the comma before
   "sequenceNumber" */
void chat_event_conversation_head(chat_writer_t *w,
    const chat_event_conversation_t *c);


/* the authenticated event's data object, which is also the reply's */

typedef struct {
    chat_str_t  user;
    chat_str_t  tenant;
    chat_str_t  session;
    chat_str_t  node;
    uint64_t    now;            /* ms since 1970 */
    uint64_t    expires;        /* ms since 1970 */
    uint32_t    heartbeat;      /* seconds between the server's pings */
} chat_event_authenticated_t;


void chat_event_authenticated_data(chat_writer_t *w,
    const chat_event_authenticated_t *a);


#endif /* CHAT_EVENT_H */
