#include "request.h"

#include <inttypes.h>
#include <string.h>

#include "chatctl.h"


#define REQUEST_MAX  65536      /* as nginx' chat_max_message_size */


static void request_put(request_t *r, const char *raw);
static void request_put_name(request_t *r, const char *name);
static void request_put_string(request_t *r, const char *value);
static void request_put_json(request_t *r, const char *name,
    const char *value);


void
request_begin(request_t *r, chat_request_type_e type)
{
    memset(r, 0, sizeof(*r));

    request_put(r, "{\"type\":");
    request_put_string(r, chat_request_type_name(type));
    request_put(r, ",\"data\":{");
}


void
request_done(request_t *r)
{
    mem_buf_done(&r->text);
}


void
request_add_text(request_t *r, const char *name, const char *value)
{
    if (value == NULL) {
        return;
    }

    request_put_name(r, name);
    request_put_string(r, value);
}


void
request_add_list(request_t *r, const char *name, const options_list_t *list)
{
    size_t  i;

    if (list->n == 0) {
        return;
    }

    request_put_name(r, name);

    for (i = 0; i < list->n; i++) {
        request_put(r, i == 0 ? "[" : ",");
        request_put_string(r, list->values[i]);
    }

    request_put(r, "]");
}


void
request_add_json(request_t *r, const char *name, const char *value)
{
    if (value == NULL) {
        return;
    }

    request_put_name(r, name);
    request_put_json(r, name, value);
}


void
request_add_json_list(request_t *r, const char *name,
    const options_list_t *list)
{
    size_t  i;

    if (list->n == 0) {
        return;
    }

    request_put_name(r, name);

    for (i = 0; i < list->n; i++) {
        request_put(r, i == 0 ? "[" : ",");
        request_put_json(r, name, list->values[i]);
    }

    request_put(r, "]");
}


void
request_add_uint(request_t *r, const char *name, uint64_t value)
{
    request_put_name(r, name);
    mem_buf_printf(&r->text, "%" PRIu64, value);
}


void
request_add_bool(request_t *r, const char *name, bool value)
{
    request_put_name(r, name);
    request_put(r, value ? "true" : "false");
}


int
request_end(request_t *r)
{
    chat_str_t            text;
    chat_request_error_t  e;

    request_put(r, "}}");

    if (r->bad) {
        return -1;
    }

    text.data = r->text.data;
    text.len = r->text.len;

    if (text.len > REQUEST_MAX) {
        ctl_say("too long: a request may have %d bytes", REQUEST_MAX);
        return -1;
    }

    if (chat_request_parse(&r->parsed, text, &e) != CHAT_OK) {
        ctl_say("%s", e.message);
        return -1;
    }

    return 0;
}


static void
request_put(request_t *r, const char *raw)
{
    mem_buf_add(&r->text, raw, strlen(raw));
}


static void
request_put_name(request_t *r, const char *name)
{
    request_put(r, r->n == 0 ? "\"" : ",\"");
    request_put(r, name);
    request_put(r, "\":");
    r->n++;
}


static void
request_put_string(request_t *r, const char *value)
{
    chat_writer_t  w;

    chat_writer_init(&w, NULL, 0);
    chat_write_string(&w, mem_cstr(value));

    chat_writer_init(&w, mem_buf_room(&r->text, w.len), w.len);
    chat_write_string(&w, mem_cstr(value));
}


/* by itself it must be a whole value, else it could be more than one member */

static void
request_put_json(request_t *r, const char *name, const char *value)
{
    chat_json_t  json;
    const char  *reason;

    if (chat_json_parse(mem_cstr(value), CHAT_JSON_MAX_DEPTH, &json, &reason)
        != CHAT_OK)
    {
        ctl_say("%s: %s", name, reason);
        r->bad = true;
        return;
    }

    mem_buf_add(&r->text, json.raw.data, json.raw.len);
}
