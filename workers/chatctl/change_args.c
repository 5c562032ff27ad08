#include "change_args.h"

#include <stdio.h>
#include <string.h>

#include "chat_event.h"


static void
change_args_id(change_t *c, const chat_request_id_t *id)
{
    redis_args_add(&c->ask.args, request_id(id));
}


/* conversations */

static chat_str_t
change_args_description(const change_t *c, uint8_t *dst)
{
    size_t                 len = 0;
    const chat_request_t  *rq = &c->request.parsed;

    if (rq->has_description
        && chat_json_get_string(&rq->description, dst,
                                CHAT_REQUEST_MAX_DESCRIPTION, &len)
           != CHAT_OK)
    {
        len = 0;                        /* the parser has seen that it fits */
    }

    return (chat_str_t) { dst, len };
}


static void
change_args_write_update(chat_writer_t *w, const void *data)
{
    const change_t        *c = data;
    uint8_t                description[CHAT_REQUEST_MAX_DESCRIPTION];
    chat_event_updated_t   event;
    const chat_request_t  *rq = &c->request.parsed;

    memset(&event, 0, sizeof(event));
    event.conversation = request_id(&rq->conversation);
    event.name = (chat_str_t) { rq->name, rq->name_len };
    event.description = change_args_description(c, description);
    event.has_description = rq->has_description;
    event.read_only = rq->read_only;
    event.has_read_only = rq->has_read_only;
    event.slow_mode = rq->slow_mode;
    event.has_slow_mode = rq->has_slow_mode;

    chat_event_updated_head(w, &event);
}


void
change_args_update(change_t *c)
{
    uint8_t                description[CHAT_REQUEST_MAX_DESCRIPTION];
    redis_args_t          *args = &c->ask.args;
    const chat_request_t  *rq = &c->request.parsed;

    ask_add_written(&c->ask, change_args_write_update);

    if (rq->has_name) {
        redis_args_text(args, "name");
        redis_args_add(args, (chat_str_t) { rq->name, rq->name_len });
    }

    if (rq->has_description) {
        redis_args_text(args, "description");
        redis_args_add(args, change_args_description(c, description));
    }

    if (rq->has_read_only) {
        redis_args_text(args, "readOnly");
        redis_args_uint(args, rq->read_only);
    }

    if (rq->has_slow_mode) {
        redis_args_text(args, "slowMode");
        redis_args_uint(args, rq->slow_mode);
    }
}


static void
change_args_write_conversation_deleted(chat_writer_t *w, const void *data)
{
    const change_t  *c = data;

    chat_event_conversation_deleted_head(w,
        request_id(&c->request.parsed.conversation));
}


void
change_args_conversation_delete(change_t *c)
{
    ask_add_written(&c->ask, change_args_write_conversation_deleted);
}


/* members */

static void
change_args_write_member(chat_writer_t *w, const void *data)
{
    const change_t  *c = data;

    chat_event_member_head(w, request_id(&c->request.parsed.conversation),
                           request_id(&c->request.parsed.user));
}


void
change_args_member(change_t *c)
{
    const chat_request_t  *rq = &c->request.parsed;

    change_args_id(c, &rq->user);

    if (rq->type == CHAT_REQUEST_MEMBER_REMOVE) {
        ask_add_written(&c->ask, change_args_write_member);
        return;
    }

    redis_args_text(&c->ask.args, chat_role_name(rq->role));
    ask_add_written(&c->ask, change_args_write_member);
    redis_args_uint(&c->ask.args, c->max);
}


/* messages */

static void
change_args_message(const change_t *c, chat_event_message_t *m)
{
    const chat_request_t  *rq = &c->request.parsed;

    memset(m, 0, sizeof(*m));
    m->id = mem_cstr(c->message);
    m->conversation = request_id(&rq->conversation);
    m->sender = mem_cstr(c->ask.user);
    m->client_id = mem_cstr(c->client);
    m->content = rq->content.raw;
    m->reply_to = request_id(&rq->reply_to);
    m->mentions = rq->mentions.raw;
    m->attachments = rq->attachments.raw;
    m->time = c->ask.time;
}


static void
change_args_write_pre(chat_writer_t *w, const void *data)
{
    const change_t        *c = data;
    chat_event_message_t   m;

    change_args_message(c, &m);
    chat_event_message_pre(w, &m);
}


static void
change_args_write_post(chat_writer_t *w, const void *data)
{
    const change_t        *c = data;
    chat_event_message_t   m;

    change_args_message(c, &m);
    chat_event_message_post(w, &m);
}


static void
change_args_write_mentioned(chat_writer_t *w, const void *data)
{
    const change_t  *c = data;

    chat_request_write_id_list(w, &c->request.parsed.mentions);
}


/* Without a client id of the caller's it gets one that nobody sees, so that it
   is not there twice if it must be sent again. */

static void
change_args_name(change_t *c)
{
    chat_str_t  client = request_id(&c->request.parsed.client);

    if (c->message[0] != '\0') {
        return;                         /* that it has since the first try */
    }

    ask_make_id(&c->ask, c->message, c->ask.partition);

    if (client.len != 0) {
        memcpy(c->client, client.data, client.len);
    } else {
        (void) snprintf(c->client, sizeof(c->client), " %s", c->message);
    }

    c->ask.client_id = mem_cstr(c->client);
}


void
change_args_send(change_t *c)
{
    uint64_t               ms;
    const char            *client = c->client;
    redis_args_t          *args = &c->ask.args;
    const chat_request_t  *rq = &c->request.parsed;

    change_args_name(c);
    redis_args_text(args, client);

    if (chat_id_time(mem_cstr(client[0] == ' ' ? client + 1 : client), &ms)
        == CHAT_OK)
    {
        redis_args_uint(args, ms);
    } else {
        redis_args_text(args, "");
    }

    redis_args_text(args, c->message);
    ask_add_written(&c->ask, change_args_write_pre);
    redis_args_add(args, rq->content.raw);
    ask_add_written(&c->ask, change_args_write_post);
    change_args_id(c, &rq->reply_to);
    ask_add_written(&c->ask, change_args_write_mentioned);
    redis_args_add(args, rq->attachments.raw);
}


static void
change_args_write_edited(chat_writer_t *w, const void *data)
{
    const change_t  *c = data;

    chat_event_edited(w, c->ask.time);
}


void
change_args_edit(change_t *c)
{
    change_args_id(c, &c->request.parsed.message);
    redis_args_add(&c->ask.args, c->request.parsed.content.raw);
    ask_add_written(&c->ask, change_args_write_edited);
}


static void
change_args_write_deleted(chat_writer_t *w, const void *data)
{
    const change_t        *c = data;
    chat_event_deleted_t   event;

    event.id = request_id(&c->request.parsed.message);
    event.conversation = request_id(&c->request.parsed.conversation);
    event.deleted_by = mem_cstr(c->ask.user);
    event.time = c->ask.time;

    chat_event_deleted_head(w, &event);
}


void
change_args_delete(change_t *c)
{
    change_args_id(c, &c->request.parsed.message);
    ask_add_written(&c->ask, change_args_write_deleted);
}


static void
change_args_write_reaction(chat_writer_t *w, const void *data)
{
    const change_t         *c = data;
    chat_event_reaction_t   event;
    const chat_request_t   *rq = &c->request.parsed;

    event.conversation = request_id(&rq->conversation);
    event.message = request_id(&rq->message);
    event.user = mem_cstr(c->ask.user);
    event.emoji = (chat_str_t) { rq->emoji, rq->emoji_len };
    event.removed = rq->type == CHAT_REQUEST_REACTION_REMOVE;

    chat_event_reaction_head(w, &event);
}


void
change_args_reaction(change_t *c)
{
    const chat_request_t  *rq = &c->request.parsed;

    change_args_id(c, &rq->message);
    redis_args_add(&c->ask.args, (chat_str_t) { rq->emoji, rq->emoji_len });
    ask_add_written(&c->ask, change_args_write_reaction);

    if (rq->type == CHAT_REQUEST_REACTION_ADD) {
        redis_args_uint(&c->ask.args, c->max);
    }
}
