/*
 * What a conversation is called and how it is used, and its end.
 */

#include "ngx_chat.h"


/* of an event with a name and a description of which each byte is escaped */

#define NGX_CHAT_SETTINGS_HEAD                                                \
    (512 + 6 * (CHAT_REQUEST_MAX_NAME + CHAT_REQUEST_MAX_DESCRIPTION))


static void ngx_chat_settings_add(ngx_chat_call_t *call,
    const chat_event_updated_t *u);


/* conversation.update: the event tells what was given, whether it is new or
   not; if nothing is, there is none */

void
ngx_chat_settings_update(ngx_chat_request_t *rq)
{
    u_char                 head[NGX_CHAT_SETTINGS_HEAD];
    u_char                 description[CHAT_REQUEST_MAX_DESCRIPTION];
    chat_writer_t          w;
    chat_request_t        *parsed = &rq->parsed;
    ngx_chat_call_t        call;
    chat_event_updated_t   u;

    ngx_memzero(&u, sizeof(chat_event_updated_t));

    u.conversation = ngx_chat_id(&parsed->conversation);
    u.slow_mode = parsed->slow_mode;
    u.read_only = parsed->read_only;
    u.has_description = parsed->has_description;
    u.has_slow_mode = parsed->has_slow_mode;
    u.has_read_only = parsed->has_read_only;

    if (parsed->has_name) {
        u.name = (chat_str_t) { parsed->name, parsed->name_len };
    }

    if (parsed->has_description) {
        u.description.data = description;

        if (chat_json_get_string(&parsed->description, description,
                                 sizeof(description), &u.description.len)
            != CHAT_OK)
        {
            ngx_chat_request_fail(rq, CHAT_CODE_BAD_REQUEST,
                                  "\"description\" is wrong");
            return;
        }
    }

    chat_writer_init(&w, head, sizeof(head));
    chat_event_updated_head(&w, &u);

    ngx_chat_append_begin(rq, &call);
    ngx_chat_call_add(&call, head, w.len);
    ngx_chat_settings_add(&call, &u);

    ngx_chat_append_call(rq, &call);
}


static void
ngx_chat_settings_add(ngx_chat_call_t *call, const chat_event_updated_t *u)
{
    if (u->name.len > 0) {
        ngx_chat_call_add_cstr(call, "name");
        ngx_chat_call_add(call, u->name.data, u->name.len);
    }

    if (u->has_description) {
        ngx_chat_call_add_cstr(call, "description");
        ngx_chat_call_add(call, u->description.data, u->description.len);
    }

    if (u->has_read_only) {
        ngx_chat_call_add_cstr(call, "readOnly");
        ngx_chat_call_add_cstr(call, u->read_only ? "1" : "0");
    }

    if (u->has_slow_mode) {
        ngx_chat_call_add_cstr(call, "slowMode");
        ngx_chat_call_add_uint(call, u->slow_mode);
    }
}


void
ngx_chat_settings_delete(ngx_chat_request_t *rq)
{
    u_char           head[512];
    chat_writer_t    w;
    ngx_chat_call_t  call;

    chat_writer_init(&w, head, sizeof(head));
    chat_event_conversation_deleted_head(&w,
                                       ngx_chat_id(&rq->parsed.conversation));

    ngx_chat_append_begin(rq, &call);
    ngx_chat_call_add(&call, head, w.len);

    ngx_chat_append_call(rq, &call);
}
