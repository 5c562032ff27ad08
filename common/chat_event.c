#include "chat_event.h"

#include <string.h>


static void chat_event_member(chat_writer_t *w, const char *key,
    chat_str_t text);
static void chat_event_time(chat_writer_t *w, const char *key, uint64_t ms);
static void chat_event_message_fields(chat_writer_t *w,
    const chat_event_message_t *m);
static void chat_event_position(chat_writer_t *w, uint64_t sequence,
    uint64_t revision);


static const char  chat_event_message_created[] =
    "{\"type\":\"message.created\",\"data\":";


void
chat_event_reply(chat_writer_t *w, chat_str_t raw_id)
{
    chat_write_cstr(w, "{\"type\":\"reply\",\"id\":");
    chat_write(w, raw_id);
    chat_write_cstr(w, ",\"ok\":true,\"data\":");
}


void
chat_event_end(chat_writer_t *w)
{
    chat_write_cstr(w, "}");
}


void
chat_event_error(chat_writer_t *w, chat_str_t raw_id, chat_code_e code,
    const char *message, unsigned retry_after)
{
    chat_write_cstr(w, "{\"type\":\"reply\",\"id\":");
    chat_write(w, raw_id);
    chat_write_cstr(w, ",\"ok\":false,\"error\":");
    chat_event_error_object(w, code, message, retry_after);
    chat_event_end(w);
}


void
chat_event_error_object(chat_writer_t *w, chat_code_e code,
    const char *message, unsigned retry_after)
{
    chat_str_t  text;

    text.data = (const uint8_t *) message;
    text.len = strlen(message);

    chat_write_cstr(w, "{\"code\":\"");
    chat_write_cstr(w, chat_code_name(code));
    chat_write_cstr(w, "\",\"message\":");
    chat_write_string(w, text);

    if (retry_after != 0) {
        chat_write_cstr(w, ",\"retryAfter\":");
        chat_write_uint(w, retry_after);
    }

    chat_write_cstr(w, "}");
}


void
chat_event_message_head(chat_writer_t *w, const chat_event_message_t *m)
{
    chat_write_cstr(w, chat_event_message_created);
    chat_event_message_fields(w, m);
}


void
chat_event_message_data(chat_writer_t *w, const chat_event_message_t *m,
    uint64_t sequence, uint64_t revision)
{
    chat_event_message_fields(w, m);
    chat_event_position(w, sequence, revision);
}


void
chat_event_message(chat_writer_t *w, const chat_event_message_t *m,
    uint64_t sequence, uint64_t revision)
{
    chat_event_message_head(w, m);
    chat_event_position(w, sequence, revision);
    chat_event_end(w);
}


/* the data object up to its position, the comma in between included */

static void
chat_event_message_fields(chat_writer_t *w, const chat_event_message_t *m)
{
    chat_event_member(w, "{\"id\":", m->id);
    chat_event_member(w, ",\"conversationId\":", m->conversation);
    chat_event_member(w, ",\"senderId\":", m->sender);

    if (m->client_id.len != 0) {
        chat_event_member(w, ",\"clientMessageId\":", m->client_id);
    }

    chat_write_cstr(w, ",\"content\":");
    chat_write(w, m->content);
    chat_event_time(w, ",\"timestamp\":", m->time);
    chat_write_cstr(w, ",");
}


/* must stay what redis/chat.lua appends to a head, byte for byte */

static void
chat_event_position(chat_writer_t *w, uint64_t sequence, uint64_t revision)
{
    chat_write_cstr(w, "\"sequenceNumber\":");
    chat_write_uint(w, sequence);
    chat_write_cstr(w, ",\"revision\":");
    chat_write_uint(w, revision);
    chat_write_cstr(w, "}");
}


void
chat_event_conversation_head(chat_writer_t *w,
    const chat_event_conversation_t *c)
{
    chat_write_cstr(w, "{\"type\":\"conversation.created\",\"data\":");
    chat_event_member(w, "{\"conversationId\":", c->conversation);
    chat_write_cstr(w, ",\"type\":\"");
    chat_write_cstr(w, chat_conversation_type_name(c->type));
    chat_write_cstr(w, "\"");

    if (c->name.len != 0) {
        chat_event_member(w, ",\"name\":", c->name);
    }

    chat_event_member(w, ",\"createdBy\":", c->creator);
    chat_event_time(w, ",\"createdAt\":", c->time);
    chat_write_cstr(w, ",");
}


void
chat_event_authenticated_data(chat_writer_t *w,
    const chat_event_authenticated_t *a)
{
    chat_event_member(w, "{\"userId\":", a->user);
    chat_event_member(w, ",\"tenantId\":", a->tenant);
    chat_event_member(w, ",\"sessionId\":", a->session);
    chat_event_member(w, ",\"node\":", a->node);
    chat_event_time(w, ",\"serverTime\":", a->now);
    chat_event_time(w, ",\"expiresAt\":", a->expires);
    chat_write_cstr(w, ",\"heartbeat\":");
    chat_write_uint(w, a->heartbeat);
    chat_write_cstr(w, "}");
}


/* key: quoted, with what stands before it and the colon after it */

static void
chat_event_member(chat_writer_t *w, const char *key, chat_str_t text)
{
    chat_write_cstr(w, key);
    chat_write_string(w, text);
}


static void
chat_event_time(chat_writer_t *w, const char *key, uint64_t ms)
{
    chat_write_cstr(w, key);
    chat_write_time(w, ms);
}
