#include "chat_event.h"

#include <string.h>

#include "chat_event_write.h"


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
chat_event_member_head(chat_writer_t *w, chat_str_t conversation,
    chat_str_t user)
{
    chat_event_text(w, "{\"conversationId\":", conversation);
    chat_event_text(w, ",\"userId\":", user);
    chat_write_cstr(w, ",");
}


void
chat_event_member(chat_writer_t *w, chat_event_member_e kind,
    chat_str_t conversation, chat_str_t user, chat_str_t role,
    uint64_t revision)
{
    static const char *const  heads[] = {
        [CHAT_EVENT_MEMBER_JOINED] =
            "{\"type\":\"member.joined\",\"data\":",
        [CHAT_EVENT_MEMBER_LEFT] =
            "{\"type\":\"member.left\",\"data\":",
        [CHAT_EVENT_MEMBER_UPDATED] =
            "{\"type\":\"member.updated\",\"data\":"
    };

    chat_write_cstr(w, heads[kind]);
    chat_event_member_head(w, conversation, user);
    chat_event_text_or_null(w, "\"role\":", role);
    chat_write_cstr(w, ",");
    chat_event_revision(w, revision);
    chat_write_cstr(w, "}}");
}


void
chat_event_conversation_head(chat_writer_t *w,
    const chat_event_conversation_t *c)
{
    chat_write_cstr(w, "{\"type\":\"conversation.created\",\"data\":");
    chat_event_text(w, "{\"conversationId\":", c->conversation);
    chat_write_cstr(w, ",\"type\":\"");
    chat_write_cstr(w, chat_conversation_type_name(c->type));
    chat_write_cstr(w, "\"");

    if (c->name.len != 0) {
        chat_event_text(w, ",\"name\":", c->name);
    }

    chat_event_text(w, ",\"createdBy\":", c->creator);
    chat_event_time(w, ",\"createdAt\":", c->time);
    chat_write_cstr(w, ",");
}


void
chat_event_conversation(chat_writer_t *w, const chat_event_conversation_t *c,
    uint64_t revision)
{
    chat_event_conversation_head(w, c);
    chat_event_position(w, 0, revision);
    chat_write_cstr(w, "}}");
}


void
chat_event_updated_head(chat_writer_t *w, const chat_event_updated_t *u)
{
    chat_write_cstr(w, "{\"type\":\"conversation.updated\",\"data\":");
    chat_event_text(w, "{\"conversationId\":", u->conversation);

    if (u->name.len != 0) {
        chat_event_text(w, ",\"name\":", u->name);
    }

    if (u->has_description) {
        chat_event_text_or_null(w, ",\"description\":", u->description);
    }

    if (u->has_read_only) {
        chat_write_cstr(w, u->read_only ? ",\"readOnly\":true"
                                        : ",\"readOnly\":false");
    }

    if (u->has_slow_mode) {
        chat_event_number(w, ",\"slowMode\":", u->slow_mode);
    }

    chat_write_cstr(w, ",");
}


void
chat_event_updated(chat_writer_t *w, const chat_event_updated_t *u,
    uint64_t revision)
{
    chat_event_updated_head(w, u);
    chat_event_revision(w, revision);
    chat_write_cstr(w, "}}");
}


void
chat_event_conversation_deleted_head(chat_writer_t *w,
    chat_str_t conversation)
{
    chat_write_cstr(w, "{\"type\":\"conversation.deleted\",\"data\":");
    chat_event_text(w, "{\"conversationId\":", conversation);
    chat_write_cstr(w, ",");
}


void
chat_event_conversation_deleted(chat_writer_t *w, chat_str_t conversation,
    uint64_t revision)
{
    chat_event_conversation_deleted_head(w, conversation);
    chat_event_revision(w, revision);
    chat_write_cstr(w, "}}");
}


void
chat_event_receipt_head(chat_writer_t *w, bool read, chat_str_t conversation,
    chat_str_t user)
{
    chat_write_cstr(w, read ? "{\"type\":\"receipt.read\",\"data\":"
                            : "{\"type\":\"receipt.delivered\",\"data\":");
    chat_event_text(w, "{\"conversationId\":", conversation);
    chat_event_text(w, ",\"userId\":", user);
    chat_write_cstr(w, ",");
}


void
chat_event_receipt(chat_writer_t *w, bool read, chat_str_t conversation,
    chat_str_t user, uint64_t sequence)
{
    chat_event_receipt_head(w, read, conversation, user);
    chat_event_number(w, "\"sequenceNumber\":", sequence);
    chat_write_cstr(w, "}}");
}


void
chat_event_typing(chat_writer_t *w, bool started,
    const chat_event_typing_t *t)
{
    chat_write_cstr(w, started ? "{\"type\":\"typing.started\",\"data\":"
                               : "{\"type\":\"typing.stopped\",\"data\":");
    chat_event_text(w, "{\"conversationId\":", t->conversation);
    chat_event_text(w, ",\"userId\":", t->user);
    chat_event_text(w, ",\"displayName\":", t->name);
    chat_event_time(w, ",\"expiresAt\":", t->expires);
    chat_write_cstr(w, "}}");
}


void
chat_event_authenticated_data(chat_writer_t *w,
    const chat_event_authenticated_t *a)
{
    chat_event_text(w, "{\"userId\":", a->user);
    chat_event_text(w, ",\"tenantId\":", a->tenant);
    chat_event_text(w, ",\"sessionId\":", a->session);
    chat_event_text(w, ",\"node\":", a->node);
    chat_event_time(w, ",\"serverTime\":", a->now);
    chat_event_time(w, ",\"expiresAt\":", a->expires);
    chat_event_number(w, ",\"heartbeat\":", a->heartbeat);
    chat_write_cstr(w, "}");
}
