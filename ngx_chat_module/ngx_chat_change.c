/*
 * What is done to a message that is there: editing it, deleting it, reacting
 * to it.  Events are made here but for their position, which Redis adds.
 */

#include "ngx_chat.h"


/* of an event that consists of ids, a time and an emoji */

#define NGX_CHAT_CHANGE_HEAD  1024


void
ngx_chat_change_edit(ngx_chat_request_t *rq)
{
    u_char            edited[64];
    chat_str_t       *content = &rq->parsed.content.raw;
    chat_writer_t     w;
    ngx_chat_call_t   call;

    chat_writer_init(&w, edited, sizeof(edited));
    chat_event_edited(&w, rq->time);

    ngx_chat_append_begin(rq, &call);
    ngx_chat_call_add(&call, rq->parsed.message.data, rq->parsed.message.len);
    ngx_chat_call_add(&call, content->data, content->len);
    ngx_chat_call_add(&call, edited, w.len);

    ngx_chat_append_call(rq, &call);
}


void
ngx_chat_change_delete(ngx_chat_request_t *rq)
{
    u_char                 head[NGX_CHAT_CHANGE_HEAD];
    chat_writer_t          w;
    ngx_chat_call_t        call;
    chat_event_deleted_t   d;

    d.id = ngx_chat_id(&rq->parsed.message);
    d.conversation = ngx_chat_id(&rq->parsed.conversation);
    d.deleted_by = ngx_chat_str(&rq->session->identity->user);
    d.time = rq->time;

    chat_writer_init(&w, head, sizeof(head));
    chat_event_deleted_head(&w, &d);

    ngx_chat_append_begin(rq, &call);
    ngx_chat_call_add(&call, d.id.data, d.id.len);
    ngx_chat_call_add(&call, head, w.len);

    ngx_chat_append_call(rq, &call);
}


/* reaction.add and reaction.remove */

void
ngx_chat_change_react(ngx_chat_request_t *rq)
{
    u_char                  head[NGX_CHAT_CHANGE_HEAD];
    chat_writer_t           w;
    ngx_chat_call_t         call;
    chat_event_reaction_t   r;

    r.conversation = ngx_chat_id(&rq->parsed.conversation);
    r.message = ngx_chat_id(&rq->parsed.message);
    r.user = ngx_chat_str(&rq->session->identity->user);
    r.emoji = (chat_str_t) { rq->parsed.emoji, rq->parsed.emoji_len };
    r.removed = rq->parsed.type == CHAT_REQUEST_REACTION_REMOVE;

    chat_writer_init(&w, head, sizeof(head));
    chat_event_reaction_head(&w, &r);

    ngx_chat_append_begin(rq, &call);
    ngx_chat_call_add(&call, r.message.data, r.message.len);
    ngx_chat_call_add(&call, r.emoji.data, r.emoji.len);
    ngx_chat_call_add(&call, head, w.len);

    if (!r.removed) {
        ngx_chat_call_add_uint(&call, rq->session->conf->max_reactions);
    }

    ngx_chat_append_call(rq, &call);
}
