#include "stored.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>


enum {
    COLUMN_ID, COLUMN_SEQUENCE, COLUMN_REVISION, COLUMN_SENDER,
    COLUMN_CLIENT_ID, COLUMN_CONTENT, COLUMN_REPLY_TO, COLUMN_MENTIONS,
    COLUMN_ATTACHMENTS, COLUMN_CREATED, COLUMN_EDITED, COLUMN_DELETED,
    COLUMN_DELETED_BY, COLUMN_REACTIONS
};


static void stored_read_mentions(stored_t *m, chat_str_t list);
static void stored_read_reactions(stored_t *m, chat_str_t lines);
static void stored_write(chat_writer_t *w, const stored_t *m);


int
stored_find(db_t *db, const char *tenant, const char *conversation,
    stored_place_t *place)
{
    int           rc = EXIT_OK;
    PGresult     *res;
    db_params_t   ps = { 0 };

    db_param_text(&ps, tenant);
    db_param_text(&ps, conversation);

    res = db_query(db, "SELECT p, conversation_key FROM chat.conversation"
                       " WHERE tenant_id = $1 AND conversation_id = $2"
                       " AND deleted_at IS NULL", &ps);

    if (res == NULL) {
        ctl_say("PostgreSQL: %s", db->error);
        return EXIT_UNAVAILABLE;
    }

    if (PQntuples(res) == 0) {
        ctl_say("conversation \"%s\" is not known to PostgreSQL",
                conversation);
        rc = EXIT_NOT_FOUND;

    } else {
        place->partition = db_value_uint(res, 0, 0);
        (void) snprintf(place->key, sizeof(place->key), "%s",
                        PQgetvalue(res, 0, 1));
    }

    PQclear(res);

    return rc;
}


void
stored_read(stored_t *m, const char *conversation, const PGresult *res,
    int row)
{
    chat_event_message_t  *event = &m->message;

    memset(event, 0, sizeof(*event));
    event->id = db_value(res, row, COLUMN_ID);
    event->conversation = mem_cstr(conversation);
    event->sender = db_value(res, row, COLUMN_SENDER);
    event->client_id = db_value(res, row, COLUMN_CLIENT_ID);
    event->content = db_value(res, row, COLUMN_CONTENT);
    event->reply_to = db_value(res, row, COLUMN_REPLY_TO);
    event->attachments = db_value(res, row, COLUMN_ATTACHMENTS);
    event->time = db_value_uint(res, row, COLUMN_CREATED);
    event->edited = db_value_uint(res, row, COLUMN_EDITED);

    m->sequence = db_value_uint(res, row, COLUMN_SEQUENCE);
    m->revision = db_value_uint(res, row, COLUMN_REVISION);
    m->deleted = db_value_uint(res, row, COLUMN_DELETED);
    m->deleted_by = db_value(res, row, COLUMN_DELETED_BY);

    stored_read_mentions(m, db_value(res, row, COLUMN_MENTIONS));
    stored_read_reactions(m, db_value(res, row, COLUMN_REACTIONS));
}


static void
stored_read_mentions(stored_t *m, chat_str_t list)
{
    chat_writer_t  w;

    chat_writer_init(&w, NULL, 0);
    chat_event_mentions(&w, list);

    m->mentions.len = 0;
    chat_writer_init(&w, mem_buf_room(&m->mentions, w.len), w.len);
    chat_event_mentions(&w, list);

    m->message.mentions = (chat_str_t) { m->mentions.data, m->mentions.len };
}


/* "user emoji" on each line; neither can hold a space or a newline */

static void
stored_read_reactions(stored_t *m, chat_str_t lines)
{
    const uint8_t         *end, *space, *last = lines.data + lines.len;
    chat_event_reactor_t  *reactor;

    m->nreactors = 0;

    while (lines.len != 0) {
        end = memchr(lines.data, '\n', lines.len);
        end = end != NULL ? end : last;
        space = memchr(lines.data, ' ', (size_t) (end - lines.data));

        if (space != NULL) {
            m->reactors = mem_realloc(m->reactors, m->nreactors + 1,
                                      sizeof(*m->reactors));
            reactor = &m->reactors[m->nreactors];
            m->nreactors++;

            reactor->user.data = lines.data;
            reactor->user.len = (size_t) (space - lines.data);
            reactor->emoji.data = space + 1;
            reactor->emoji.len = (size_t) (end - space) - 1;
        }

        lines.data = end != last ? end + 1 : last;
        lines.len = (size_t) (last - lines.data);
    }
}


void
stored_done(stored_t *m)
{
    mem_buf_done(&m->mentions);
    free(m->reactors);
    memset(m, 0, sizeof(*m));
}


void
stored_print(const stored_t *m)
{
    printf("%" PRIu64 "  ", m->sequence);
    stored_print_time(m->message.time);
    printf("  %.*s  ", (int) m->message.sender.len, m->message.sender.data);

    if (m->deleted != 0) {
        printf("(deleted)\n");
        return;
    }

    ctl_print_text(m->message.content);
    printf("%s\n", m->message.edited != 0 ? "  (edited)" : "");
}


void
stored_print_time(uint64_t ms)
{
    uint8_t        time[32];
    chat_writer_t  w;

    chat_writer_init(&w, time, sizeof(time));
    chat_write_time(&w, ms);

    printf("%.*s", (int) w.len - 2, time + 1);      /* without its quotes */
}


void
stored_print_json(const stored_t *m)
{
    mem_buf_t      text = { 0 };
    chat_writer_t  w;

    chat_writer_init(&w, NULL, 0);
    stored_write(&w, m);

    chat_writer_init(&w, mem_buf_room(&text, w.len), w.len);
    stored_write(&w, m);

    fwrite(text.data, 1, text.len, stdout);
    mem_buf_done(&text);
}


static void
stored_write(chat_writer_t *w, const stored_t *m)
{
    chat_event_deleted_t  deleted;

    if (m->deleted == 0) {
        chat_event_message_history(w, &m->message, m->sequence, m->revision,
                                   m->reactors, m->nreactors);
        return;
    }

    deleted.id = m->message.id;
    deleted.conversation = m->message.conversation;
    deleted.deleted_by = m->deleted_by;
    deleted.time = m->deleted;

    chat_event_deleted_data(w, &deleted, m->sequence, m->revision);
}
