#include "chat_request_read.h"

#include "chat_id.h"


static bool chat_request_get_uuid(const chat_json_t *value,
    chat_request_id_t *id);
static bool chat_request_attachment_valid(const chat_json_t *element);
static bool chat_request_reference_valid(const chat_json_t *value);
static bool chat_request_too_deep(const chat_json_t *value);


const char *
chat_request_read_client_message_id(chat_request_t *rq,
    const chat_json_t *value)
{
    if (chat_request_get_text(value, &rq->client) != CHAT_OK
        || !chat_name_valid_opaque(chat_request_id_str(&rq->client)))
    {
        return "\"clientMessageId\" must be 1 to 64 printable ASCII "
               "characters without space";
    }

    return NULL;
}


const char *
chat_request_read_content(chat_request_t *rq, const chat_json_t *value)
{
    chat_json_member_t  type = { .name = "type" };

    rq->content = *value;

    if (value->type == CHAT_JSON_STRING) {
        return NULL;
    }

    if (value->type != CHAT_JSON_OBJECT) {
        return "\"content\" must be a string or an object";
    }

    if (chat_request_too_deep(value)) {
        return "\"content\" is nested too deep";
    }

    if (chat_json_collect(value, &type, 1) != CHAT_OK
        || type.value.type != CHAT_JSON_STRING)
    {
        return "\"content\" must have one \"type\", a string";
    }

    return NULL;
}


const char *
chat_request_read_message(chat_request_t *rq, const chat_json_t *value)
{
    if (!chat_request_get_uuid(value, &rq->message)) {
        return "\"messageId\" must be a UUID in lower case";
    }

    return NULL;
}


const char *
chat_request_read_reply_to(chat_request_t *rq, const chat_json_t *value)
{
    if (!chat_request_get_uuid(value, &rq->reply_to)) {
        return "\"replyTo\" must be a UUID in lower case";
    }

    return NULL;
}


/* ids of messages are compared as text, so one form alone is good */

static bool
chat_request_get_uuid(const chat_json_t *value, chat_request_id_t *id)
{
    return chat_request_get_text(value, id) == CHAT_OK
           && chat_id_valid(chat_request_id_str(id));
}


/* like content they travel on as they were sent */

const char *
chat_request_read_attachments(chat_request_t *rq, const chat_json_t *value)
{
    size_t            n;
    chat_json_t       element;
    chat_json_iter_t  it;

    if (value->type != CHAT_JSON_ARRAY) {
        return "\"attachments\" must be an array";
    }

    if (value->raw.len > CHAT_REQUEST_MAX_ATTACHED) {
        return "\"attachments\" may have 16384 bytes at most";
    }

    if (chat_request_too_deep(value)) {
        return "\"attachments\" is nested too deep";
    }

    n = 0;

    chat_json_iter(&it, value);

    while (chat_json_next_element(&it, &element) == CHAT_OK) {

        if (n == CHAT_REQUEST_MAX_ATTACHMENTS) {
            return "\"attachments\" may hold 50 at most";
        }

        if (!chat_request_attachment_valid(&element)) {
            return "each of \"attachments\" must be an object with a \"url\" "
                   "or an \"id\", a string of 1 to 2048 bytes";
        }

        n++;
    }

    if (n != 0) {
        rq->attachments = *value;
        rq->nattachments = n;
    }

    return NULL;
}


static bool
chat_request_attachment_valid(const chat_json_t *element)
{
    size_t  i, n;

    chat_json_member_t  found[] = { { .name = "url" }, { .name = "id" } };

    if (element->type != CHAT_JSON_OBJECT
        || chat_json_collect(element, found, 2) != CHAT_OK)
    {
        return false;
    }

    n = 0;

    for (i = 0; i < 2; i++) {

        if (found[i].value.type == CHAT_JSON_NULL) {
            continue;
        }

        if (!chat_request_reference_valid(&found[i].value)) {
            return false;
        }

        n++;
    }

    return n != 0;
}


static bool
chat_request_reference_valid(const chat_json_t *value)
{
    size_t   len;
    uint8_t  text[CHAT_REQUEST_MAX_REFERENCE];

    return chat_json_get_string(value, text, sizeof(text), &len) == CHAT_OK
           && len != 0;
}


static bool
chat_request_too_deep(const chat_json_t *value)
{
    const char   *reason;
    chat_json_t   checked;

    /* it is part of a text that is valid: of the errors only that is left */

    return chat_json_parse(value->raw, CHAT_REQUEST_MAX_DEPTH, &checked,
                           &reason)
           != CHAT_OK;
}


const char *
chat_request_read_emoji(chat_request_t *rq, const chat_json_t *value)
{
    size_t  len;

    if (chat_json_get_string(value, rq->emoji, CHAT_NAME_MAX_EMOJI, &len)
            != CHAT_OK
        || !chat_name_valid_emoji((chat_str_t) { rq->emoji, len }))
    {
        return "\"emoji\" must be a string of 1 to 64 bytes without control "
               "characters, white space, quotes and backslashes";
    }

    rq->emoji_len = len;

    return NULL;
}
