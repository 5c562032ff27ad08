/*
 * Events of messages and what belongs to them.
 */

#include "chat_event.h"

#include <string.h>

#include "chat_event_write.h"


static void chat_event_message_fields(chat_writer_t *w,
    const chat_event_message_t *m);
static void chat_event_reactions(chat_writer_t *w,
    const chat_event_reactor_t *reactors, size_t n);
static bool chat_event_reacted_before(const chat_event_reactor_t *reactors,
    size_t n);
static void chat_event_reactors(chat_writer_t *w,
    const chat_event_reactor_t *reactors, size_t n);
static bool chat_event_same(chat_str_t a, chat_str_t b);
static void chat_event_deleted_fields(chat_writer_t *w,
    const chat_event_deleted_t *d);


void
chat_event_message_pre(chat_writer_t *w, const chat_event_message_t *m)
{
    chat_event_text(w, "{\"id\":", m->id);
    chat_event_text(w, ",\"conversationId\":", m->conversation);
    chat_event_text(w, ",\"senderId\":", m->sender);

    if (m->client_id.len != 0 && m->client_id.data[0] != ' ') {
        chat_event_text(w, ",\"clientMessageId\":", m->client_id);
    }

    chat_write_cstr(w, ",\"content\":");
}


void
chat_event_message_post(chat_writer_t *w, const chat_event_message_t *m)
{
    chat_event_time(w, ",\"timestamp\":", m->time);
    chat_write_cstr(w, ",");

    if (m->reply_to.len != 0) {
        chat_event_text(w, "\"replyTo\":", m->reply_to);
        chat_write_cstr(w, ",");
    }

    if (m->mentions.len != 0) {
        chat_write_cstr(w, "\"mentions\":");
        chat_write(w, m->mentions);
        chat_write_cstr(w, ",");
    }

    if (m->attachments.len != 0) {
        chat_write_cstr(w, "\"attachments\":");
        chat_write(w, m->attachments);
        chat_write_cstr(w, ",");
    }
}


void
chat_event_edited(chat_writer_t *w, uint64_t ms)
{
    chat_event_time(w, "\"editedAt\":", ms);
    chat_write_cstr(w, ",");
}


void
chat_event_message_data(chat_writer_t *w, const chat_event_message_t *m,
    uint64_t sequence, uint64_t revision)
{
    chat_event_message_fields(w, m);
    chat_event_position(w, sequence, revision);
    chat_event_end(w);
}


void
chat_event_message(chat_writer_t *w, const chat_event_message_t *m,
    uint64_t sequence, uint64_t revision)
{
    chat_write_cstr(w, m->edited != 0
                       ? "{\"type\":\"message.updated\",\"data\":"
                       : "{\"type\":\"message.created\",\"data\":");
    chat_event_message_data(w, m, sequence, revision);
    chat_event_end(w);
}


/* all of the data object before its position */

static void
chat_event_message_fields(chat_writer_t *w, const chat_event_message_t *m)
{
    chat_event_message_pre(w, m);
    chat_write(w, m->content);
    chat_event_message_post(w, m);

    if (m->edited != 0) {
        chat_event_edited(w, m->edited);
    }
}


/* ids have no comma, and nothing that JSON would escape */

void
chat_event_mentions(chat_writer_t *w, chat_str_t list)
{
    size_t  i;

    if (list.len == 0) {
        return;
    }

    chat_write_cstr(w, "[\"");

    for (i = 0; i < list.len; i++) {

        if (list.data[i] == ',') {
            chat_write_cstr(w, "\",\"");

        } else {
            chat_write(w, (chat_str_t) { list.data + i, 1 });
        }
    }

    chat_write_cstr(w, "\"]");
}


void
chat_event_message_history(chat_writer_t *w, const chat_event_message_t *m,
    uint64_t sequence, uint64_t revision,
    const chat_event_reactor_t *reactors, size_t n)
{
    chat_event_message_fields(w, m);
    chat_event_position(w, sequence, revision);

    if (n != 0) {
        chat_event_reactions(w, reactors, n);
    }

    chat_event_end(w);
}


/* an emoji stands where its first reaction does, with all its users */

static void
chat_event_reactions(chat_writer_t *w, const chat_event_reactor_t *reactors,
    size_t n)
{
    size_t       i;
    const char  *key = ",\"reactions\":[{\"emoji\":";

    for (i = 0; i < n; i++) {

        if (chat_event_reacted_before(reactors, i)) {
            continue;
        }

        chat_event_text(w, key, reactors[i].emoji);
        chat_event_reactors(w, reactors + i, n - i);

        key = ",{\"emoji\":";
    }

    chat_write_cstr(w, "]");
}


/* whether the emoji of the reaction n is among those before it */

static bool
chat_event_reacted_before(const chat_event_reactor_t *reactors, size_t n)
{
    size_t  i;

    for (i = 0; i < n; i++) {
        if (chat_event_same(reactors[i].emoji, reactors[n].emoji)) {
            return true;
        }
    }

    return false;
}


/* those whose emoji is that of the first */

static void
chat_event_reactors(chat_writer_t *w, const chat_event_reactor_t *reactors,
    size_t n)
{
    size_t       i;
    const char  *key = ",\"userIds\":[";

    for (i = 0; i < n; i++) {

        if (chat_event_same(reactors[i].emoji, reactors[0].emoji)) {
            chat_event_text(w, key, reactors[i].user);
            key = ",";
        }
    }

    chat_write_cstr(w, "]}");
}


static bool
chat_event_same(chat_str_t a, chat_str_t b)
{
    return a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}


void
chat_event_deleted_head(chat_writer_t *w, const chat_event_deleted_t *d)
{
    chat_write_cstr(w, "{\"type\":\"message.deleted\",\"data\":");
    chat_event_deleted_fields(w, d);
}


void
chat_event_deleted_data(chat_writer_t *w, const chat_event_deleted_t *d,
    uint64_t sequence, uint64_t revision)
{
    chat_event_deleted_fields(w, d);
    chat_event_position(w, sequence, revision);
    chat_event_end(w);
}


void
chat_event_deleted(chat_writer_t *w, const chat_event_deleted_t *d,
    uint64_t sequence, uint64_t revision)
{
    chat_event_deleted_head(w, d);
    chat_event_position(w, sequence, revision);
    chat_write_cstr(w, "}}");
}


static void
chat_event_deleted_fields(chat_writer_t *w, const chat_event_deleted_t *d)
{
    chat_event_text(w, "{\"id\":", d->id);
    chat_event_text(w, ",\"conversationId\":", d->conversation);
    chat_event_text_or_null(w, ",\"deletedBy\":", d->deleted_by);
    chat_event_time(w, ",\"deletedAt\":", d->time);
    chat_write_cstr(w, ",");
}


void
chat_event_reaction_head(chat_writer_t *w, const chat_event_reaction_t *r)
{
    chat_write_cstr(w, r->removed
                       ? "{\"type\":\"reaction.removed\",\"data\":"
                       : "{\"type\":\"reaction.added\",\"data\":");
    chat_event_text(w, "{\"conversationId\":", r->conversation);
    chat_event_text(w, ",\"messageId\":", r->message);
    chat_event_text(w, ",\"userId\":", r->user);
    chat_event_text(w, ",\"emoji\":", r->emoji);
    chat_write_cstr(w, ",");
}


void
chat_event_reaction(chat_writer_t *w, const chat_event_reaction_t *r,
    uint64_t revision)
{
    chat_event_reaction_head(w, r);
    chat_event_revision(w, revision);
    chat_write_cstr(w, "}}");
}
