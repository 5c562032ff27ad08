#include "chat_request_read.h"


#define CHAT_REQUEST_STATUS_BYTES  (4 * CHAT_REQUEST_MAX_STATUS)


const char *
chat_request_read_status(chat_request_t *rq, const chat_json_t *value)
{
    size_t  i;

    for (i = 0; i <= CHAT_PRESENCE_INVISIBLE; i++) {
        if (chat_json_string_is_cstr(value, chat_presence_name(i))) {
            rq->status = i;
            return NULL;
        }
    }

    return "\"status\" must be \"online\", \"away\", \"busy\" or "
           "\"invisible\"";
}


/* it is told as it was written, so that nobody has to write it again */

const char *
chat_request_read_status_text(chat_request_t *rq, const chat_json_t *value)
{
    size_t   i, len, n;
    uint8_t  text[CHAT_REQUEST_STATUS_BYTES];

    static const char  bad[] =
        "\"text\" must be a string of up to 128 characters without control "
        "characters";

    if (chat_json_get_string(value, text, sizeof(text), &len) != CHAT_OK
        || !chat_name_printable((chat_str_t) { text, len }))
    {
        return bad;
    }

    n = 0;

    for (i = 0; i < len; i++) {
        n += (text[i] & 0xc0) != 0x80;      /* a character's first byte */
    }

    if (n > CHAT_REQUEST_MAX_STATUS) {
        return bad;
    }

    rq->status_text.data = value->raw.data + 1;
    rq->status_text.len = value->raw.len - 2;
    rq->has_status_text = true;

    return NULL;
}


const char *
chat_request_read_subscribe(chat_request_t *rq, const chat_json_t *value)
{
    if (value->type != CHAT_JSON_TRUE && value->type != CHAT_JSON_FALSE) {
        return "\"subscribe\" must be true or false";
    }

    rq->subscribe = value->type == CHAT_JSON_TRUE;
    rq->has_subscribe = true;

    return NULL;
}
