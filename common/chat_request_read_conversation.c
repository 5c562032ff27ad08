#include "chat_request_read.h"

#include "chat_id.h"


static bool chat_request_join_valid(const chat_json_t *element);


static const char  chat_request_bad_description[] =
    "\"description\" must be a string of up to 1024 bytes without control "
    "characters but newlines";


const char *
chat_request_read_batch(chat_request_t *rq, const chat_json_t *value)
{
    chat_json_t       element;
    chat_json_iter_t  it;

    if (value->type != CHAT_JSON_ARRAY) {
        return "\"conversations\" must be an array";
    }

    chat_json_iter(&it, value);

    while (chat_json_next_element(&it, &element) == CHAT_OK) {

        if (rq->nbatch == CHAT_REQUEST_MAX_BATCH) {
            return "\"conversations\" may hold 200 at most";
        }

        if (!chat_request_join_valid(&element)) {
            return "each of \"conversations\" must be an object with an id "
                   "as \"conversationId\" and perhaps an integer from 0 to "
                   "2^53 - 1 as \"afterRevision\", none of them twice";
        }

        rq->nbatch++;
    }

    if (rq->nbatch == 0) {
        return "\"conversations\" is empty";
    }

    rq->batch = *value;

    return NULL;
}


static bool
chat_request_join_valid(const chat_json_t *element)
{
    uint64_t           revision;
    chat_request_id_t  id;

    chat_json_member_t  found[] = {
        { .name = "conversationId" }, { .name = "afterRevision" }
    };

    if (element->type != CHAT_JSON_OBJECT
        || chat_json_collect(element, found, 2) != CHAT_OK
        || chat_request_get_name(&found[0].value, &id) != CHAT_OK)
    {
        return false;
    }

    return found[1].value.type == CHAT_JSON_NULL
           || chat_json_get_uint(&found[1].value, &revision) == CHAT_OK;
}


const char *
chat_request_check_join(const chat_request_t *rq)
{
    if (rq->nbatch == 0) {
        return rq->conversation.len == 0 ? "\"conversationId\" is missing"
                                         : NULL;
    }

    if (rq->conversation.len != 0 || rq->has_after_revision) {
        return "\"conversations\" takes the place of \"conversationId\" and "
               "\"afterRevision\"";
    }

    return NULL;
}


/* the parser has judged these good, so nothing but a misuse fails here */

void
chat_request_read_join(const chat_json_t *element,
    chat_request_id_t *conversation, uint64_t *after_revision,
    bool *has_after_revision)
{
    chat_json_member_t  found[] = {
        { .name = "conversationId" }, { .name = "afterRevision" }
    };

    conversation->len = 0;
    *after_revision = 0;
    *has_after_revision = false;

    if (chat_json_collect(element, found, 2) != CHAT_OK) {
        return;
    }

    chat_request_read_id(&found[0].value, conversation);

    *has_after_revision = chat_json_get_uint(&found[1].value, after_revision)
                          == CHAT_OK;
}


const char *
chat_request_read_conversation_type(chat_request_t *rq,
    const chat_json_t *value)
{
    size_t  i;

    for (i = 0; i <= CHAT_CONVERSATION_CHANNEL; i++) {
        if (chat_json_string_is_cstr(value, chat_conversation_type_name(i))) {
            rq->conversation_type = i;
            return NULL;
        }
    }

    return "\"type\" must be \"dm\", \"group\" or \"channel\"";
}


const char *
chat_request_read_client_id(chat_request_t *rq, const chat_json_t *value)
{
    uint64_t  ms;

    if (chat_request_get_text(value, &rq->client) != CHAT_OK
        || chat_id_time(chat_request_id_str(&rq->client), &ms) != CHAT_OK)
    {
        return "\"clientId\" must be a UUIDv7, since the conversation's id is "
               "made of it";
    }

    return NULL;
}


const char *
chat_request_read_name(chat_request_t *rq, const chat_json_t *value)
{
    size_t  len;

    if (chat_json_get_string(value, rq->name, CHAT_REQUEST_MAX_NAME, &len)
            != CHAT_OK
        || len == 0
        || !chat_name_printable((chat_str_t) { rq->name, len }))
    {
        return "\"name\" must be a string of 1 to 128 bytes without control "
               "characters";
    }

    rq->name_len = len;
    rq->has_name = true;

    return NULL;
}


const char *
chat_request_read_description(chat_request_t *rq, const chat_json_t *value)
{
    size_t   i, len;
    uint8_t  text[CHAT_REQUEST_MAX_DESCRIPTION];

    if (chat_json_get_string(value, text, sizeof(text), &len) != CHAT_OK) {
        return chat_request_bad_description;
    }

    /* of control characters it may have one */

    for (i = 0; i < len; i++) {
        if (text[i] == '\n') {
            text[i] = ' ';
        }
    }

    if (!chat_name_printable((chat_str_t) { text, len })) {
        return chat_request_bad_description;
    }

    rq->description = *value;
    rq->has_description = true;

    return NULL;
}


const char *
chat_request_read_read_only(chat_request_t *rq, const chat_json_t *value)
{
    if (value->type != CHAT_JSON_TRUE && value->type != CHAT_JSON_FALSE) {
        return "\"readOnly\" must be true or false";
    }

    rq->read_only = value->type == CHAT_JSON_TRUE;
    rq->has_read_only = true;

    return NULL;
}


const char *
chat_request_read_slow_mode(chat_request_t *rq, const chat_json_t *value)
{
    uint64_t  seconds;

    if (chat_json_get_uint(value, &seconds) != CHAT_OK
        || seconds > CHAT_REQUEST_MAX_SLOW_MODE)
    {
        return "\"slowMode\" must be an integer from 0 to 21600, in seconds";
    }

    rq->slow_mode = seconds;
    rq->has_slow_mode = true;

    return NULL;
}


const char *
chat_request_check_create(const chat_request_t *rq)
{
    if (rq->conversation_type == CHAT_CONVERSATION_DM) {

        if (rq->nmembers != 1) {
            return "a dm needs exactly one other user in \"members\"";
        }

        if (rq->conversation.len != 0 || rq->name_len != 0) {
            return "a dm takes no \"conversationId\" and no \"name\"";
        }
    }

    if (rq->conversation.len != 0 && rq->client.len != 0) {
        return "\"conversationId\" and \"clientId\" exclude each other";
    }

    return NULL;
}


const char *
chat_request_check_update(const chat_request_t *rq)
{
    if (!rq->has_name && !rq->has_description && !rq->has_read_only
        && !rq->has_slow_mode)
    {
        return "nothing to change: give \"name\", \"description\", "
               "\"readOnly\" or \"slowMode\"";
    }

    return NULL;
}
