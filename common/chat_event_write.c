#include "chat_event_write.h"


void
chat_event_text(chat_writer_t *w, const char *key, chat_str_t text)
{
    chat_write_cstr(w, key);
    chat_write_string(w, text);
}


void
chat_event_text_or_null(chat_writer_t *w, const char *key, chat_str_t text)
{
    chat_write_cstr(w, key);

    if (text.len == 0) {
        chat_write_cstr(w, "null");
        return;
    }

    chat_write_string(w, text);
}


void
chat_event_time(chat_writer_t *w, const char *key, uint64_t ms)
{
    chat_write_cstr(w, key);
    chat_write_time(w, ms);
}


void
chat_event_number(chat_writer_t *w, const char *key, uint64_t n)
{
    chat_write_cstr(w, key);
    chat_write_uint(w, n);
}


void
chat_event_position(chat_writer_t *w, uint64_t sequence, uint64_t revision)
{
    chat_event_number(w, "\"sequenceNumber\":", sequence);
    chat_write_cstr(w, ",");
    chat_event_revision(w, revision);
}


void
chat_event_revision(chat_writer_t *w, uint64_t revision)
{
    chat_event_number(w, "\"revision\":", revision);
}
