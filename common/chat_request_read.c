/*
 * Members that several kinds of requests have, and what the other readers
 * stand on.
 */

#include "chat_request_read.h"


static const char  chat_request_bad_cursor[] =
    "\"cursor\" must be the \"nextCursor\" of an answer";


const char *
chat_request_read_token(chat_request_t *rq, const chat_json_t *value)
{
    if (value->type != CHAT_JSON_STRING) {
        return "\"token\" must be a string";
    }

    rq->token = *value;

    return NULL;
}


const char *
chat_request_read_conversation(chat_request_t *rq, const chat_json_t *value)
{
    if (chat_request_get_name(value, &rq->conversation) != CHAT_OK) {
        return "\"conversationId\" must be 1 to 64 characters from "
               "A-Z a-z 0-9 _ . : @ -";
    }

    return NULL;
}


const char *
chat_request_read_after_revision(chat_request_t *rq, const chat_json_t *value)
{
    if (chat_json_get_uint(value, &rq->after_revision) != CHAT_OK) {
        return "\"afterRevision\" must be an integer from 0 to 2^53 - 1";
    }

    rq->has_after_revision = true;

    return NULL;
}


const char *
chat_request_read_before(chat_request_t *rq, const chat_json_t *value)
{
    if (chat_json_get_uint(value, &rq->before_sequence) != CHAT_OK) {
        return "\"beforeSequence\" must be an integer from 0 to 2^53 - 1";
    }

    rq->has_before_sequence = true;

    return NULL;
}


const char *
chat_request_read_after(chat_request_t *rq, const chat_json_t *value)
{
    if (chat_json_get_uint(value, &rq->after_sequence) != CHAT_OK) {
        return "\"afterSequence\" must be an integer from 0 to 2^53 - 1";
    }

    rq->has_after_sequence = true;

    return NULL;
}


const char *
chat_request_read_sequence(chat_request_t *rq, const chat_json_t *value)
{
    if (chat_json_get_uint(value, &rq->sequence) != CHAT_OK) {
        return "\"sequenceNumber\" must be an integer from 0 to 2^53 - 1";
    }

    return NULL;
}


const char *
chat_request_check_history(const chat_request_t *rq)
{
    if (rq->has_before_sequence && rq->has_after_sequence) {
        return "\"beforeSequence\" and \"afterSequence\" exclude each other";
    }

    return NULL;
}


const char *
chat_request_read_limit(chat_request_t *rq, const chat_json_t *value)
{
    bool      members = rq->type == CHAT_REQUEST_MEMBER_LIST;
    uint64_t  max = members ? CHAT_REQUEST_MAX_MEMBER_LIMIT
                            : CHAT_REQUEST_MAX_LIMIT;
    uint64_t  n;

    if (chat_json_get_uint(value, &n) != CHAT_OK || n < 1 || n > max) {
        return members ? "\"limit\" must be an integer from 1 to 1000"
                       : "\"limit\" must be an integer from 1 to 200";
    }

    rq->limit = n;

    return NULL;
}


const char *
chat_request_read_cursor(chat_request_t *rq, const chat_json_t *value)
{
    size_t  i, len;

    if (chat_json_get_string(value, rq->cursor, CHAT_REQUEST_MAX_CURSOR, &len)
        != CHAT_OK)
    {
        return chat_request_bad_cursor;
    }

    for (i = 0; i < len; i++) {
        if (rq->cursor[i] < 0x21 || rq->cursor[i] > 0x7e) {
            return chat_request_bad_cursor;
        }
    }

    rq->cursor_len = len;

    return len != 0 ? NULL : chat_request_bad_cursor;
}


void
chat_request_read_id(const chat_json_t *element, chat_request_id_t *id)
{
    if (chat_request_get_name(element, id) != CHAT_OK) {
        id->len = 0;
    }
}


chat_rc_e
chat_request_get_name(const chat_json_t *value, chat_request_id_t *id)
{
    if (chat_request_get_text(value, id) != CHAT_OK) {
        return CHAT_ERROR;
    }

    return chat_name_valid(chat_request_id_str(id)) ? CHAT_OK : CHAT_ERROR;
}


chat_rc_e
chat_request_get_text(const chat_json_t *value, chat_request_id_t *id)
{
    size_t  len;

    if (chat_json_get_string(value, id->data, sizeof(id->data), &len)
        != CHAT_OK)
    {
        return CHAT_ERROR;
    }

    id->len = len;

    return CHAT_OK;
}


chat_str_t
chat_request_id_str(const chat_request_id_t *id)
{
    chat_str_t  s;

    s.data = id->data;
    s.len = id->len;

    return s;
}
