#include "chat_request_read.h"

#include <string.h>

#include "chat_id.h"


static const char *chat_request_read_token(chat_request_t *rq,
    const chat_json_t *value);
static const char *chat_request_read_conversation(chat_request_t *rq,
    const chat_json_t *value);
static const char *chat_request_read_after_revision(chat_request_t *rq,
    const chat_json_t *value);
static const char *chat_request_read_batch(chat_request_t *rq,
    const chat_json_t *value);
static const char *chat_request_read_conversation_type(chat_request_t *rq,
    const chat_json_t *value);
static const char *chat_request_read_client_id(chat_request_t *rq,
    const chat_json_t *value);
static const char *chat_request_read_name(chat_request_t *rq,
    const chat_json_t *value);
static const char *chat_request_read_members(chat_request_t *rq,
    const chat_json_t *value);
static const char *chat_request_read_client_message_id(chat_request_t *rq,
    const chat_json_t *value);
static const char *chat_request_read_content(chat_request_t *rq,
    const chat_json_t *value);
static const char *chat_request_read_before(chat_request_t *rq,
    const chat_json_t *value);
static const char *chat_request_read_after(chat_request_t *rq,
    const chat_json_t *value);
static const char *chat_request_read_limit(chat_request_t *rq,
    const chat_json_t *value);

static const char *chat_request_check_join(const chat_request_t *rq);
static const char *chat_request_check_create(const chat_request_t *rq);
static const char *chat_request_check_history(const chat_request_t *rq);

static bool chat_request_join_valid(const chat_json_t *element);
static bool chat_request_id_among(const chat_request_id_t *id,
    const chat_request_id_t *ids, size_t n);
static chat_rc_e chat_request_get_name(const chat_json_t *value,
    chat_request_id_t *id);
static chat_rc_e chat_request_get_text(const chat_json_t *value,
    chat_request_id_t *id);
static chat_str_t chat_request_id_str(const chat_request_id_t *id);


static const char  chat_request_no_conversation[] =
    "\"conversationId\" is missing";


static const chat_request_member_t  chat_request_authenticate[] = {
    { "token", chat_request_read_token, "\"token\" is missing" },
    { NULL, NULL, NULL }
};


static const chat_request_member_t  chat_request_ping[] = {
    { NULL, NULL, NULL }
};


static const chat_request_member_t  chat_request_join[] = {
    { "conversationId", chat_request_read_conversation, NULL },
    { "afterRevision", chat_request_read_after_revision, NULL },
    { "conversations", chat_request_read_batch, NULL },
    { NULL, NULL, NULL }
};


static const chat_request_member_t  chat_request_leave[] = {
    { "conversationId", chat_request_read_conversation,
      chat_request_no_conversation },
    { NULL, NULL, NULL }
};


static const chat_request_member_t  chat_request_create[] = {
    { "type", chat_request_read_conversation_type, "\"type\" is missing" },
    { "conversationId", chat_request_read_conversation, NULL },
    { "clientId", chat_request_read_client_id, NULL },
    { "name", chat_request_read_name, NULL },
    { "members", chat_request_read_members, NULL },
    { NULL, NULL, NULL }
};


static const chat_request_member_t  chat_request_send[] = {
    { "conversationId", chat_request_read_conversation,
      chat_request_no_conversation },
    { "clientMessageId", chat_request_read_client_message_id, NULL },
    { "content", chat_request_read_content, "\"content\" is missing" },
    { NULL, NULL, NULL }
};


static const chat_request_member_t  chat_request_history[] = {
    { "conversationId", chat_request_read_conversation,
      chat_request_no_conversation },
    { "beforeSequence", chat_request_read_before, NULL },
    { "afterSequence", chat_request_read_after, NULL },
    { "limit", chat_request_read_limit, NULL },
    { NULL, NULL, NULL }
};


const chat_request_kind_t  chat_request_kinds[CHAT_REQUEST_UNKNOWN] = {
    [CHAT_REQUEST_AUTHENTICATE] =
        { "authenticate", chat_request_authenticate, NULL },
    [CHAT_REQUEST_PING] =
        { "ping", chat_request_ping, NULL },
    [CHAT_REQUEST_CONVERSATION_JOIN] =
        { "conversation.join", chat_request_join, chat_request_check_join },
    [CHAT_REQUEST_CONVERSATION_LEAVE] =
        { "conversation.leave", chat_request_leave, NULL },
    [CHAT_REQUEST_CONVERSATION_CREATE] =
        { "conversation.create", chat_request_create,
          chat_request_check_create },
    [CHAT_REQUEST_MESSAGE_SEND] =
        { "message.send", chat_request_send, NULL },
    [CHAT_REQUEST_HISTORY_GET] =
        { "history.get", chat_request_history, chat_request_check_history },
    [CHAT_REQUEST_CONVERSATION_LIST] =
        { "conversation.list", chat_request_leave, NULL },
    [CHAT_REQUEST_CONVERSATION_UPDATE] =
        { "conversation.update", chat_request_leave, NULL },
    [CHAT_REQUEST_CONVERSATION_DELETE] =
        { "conversation.delete", chat_request_leave, NULL },
    [CHAT_REQUEST_MEMBER_ADD] =
        { "member.add", chat_request_leave, NULL },
    [CHAT_REQUEST_MEMBER_UPDATE] =
        { "member.update", chat_request_leave, NULL },
    [CHAT_REQUEST_MEMBER_REMOVE] =
        { "member.remove", chat_request_leave, NULL },
    [CHAT_REQUEST_MEMBER_LIST] =
        { "member.list", chat_request_leave, NULL },
    [CHAT_REQUEST_MESSAGE_EDIT] =
        { "message.edit", chat_request_leave, NULL },
    [CHAT_REQUEST_MESSAGE_DELETE] =
        { "message.delete", chat_request_leave, NULL },
    [CHAT_REQUEST_REACTION_ADD] =
        { "reaction.add", chat_request_leave, NULL },
    [CHAT_REQUEST_REACTION_REMOVE] =
        { "reaction.remove", chat_request_leave, NULL },
    [CHAT_REQUEST_READ_MARK] =
        { "read.mark", chat_request_leave, NULL },
    [CHAT_REQUEST_DELIVERED_MARK] =
        { "delivered.mark", chat_request_leave, NULL },
};


static const char *
chat_request_read_token(chat_request_t *rq, const chat_json_t *value)
{
    if (value->type != CHAT_JSON_STRING) {
        return "\"token\" must be a string";
    }

    rq->token = *value;

    return NULL;
}


static const char *
chat_request_read_conversation(chat_request_t *rq, const chat_json_t *value)
{
    if (chat_request_get_name(value, &rq->conversation) != CHAT_OK) {
        return "\"conversationId\" must be 1 to 64 characters from "
               "A-Z a-z 0-9 _ . : @ -";
    }

    return NULL;
}


static const char *
chat_request_read_after_revision(chat_request_t *rq, const chat_json_t *value)
{
    if (chat_json_get_uint(value, &rq->after_revision) != CHAT_OK) {
        return "\"afterRevision\" must be an integer from 0 to 2^53 - 1";
    }

    rq->has_after_revision = true;

    return NULL;
}


static const char *
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
            return "each of \"conversations\" must be an object with a "
                   "\"conversationId\" and perhaps an \"afterRevision\"";
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


static const char *
chat_request_check_join(const chat_request_t *rq)
{
    if (rq->nbatch == 0) {
        return rq->conversation.len == 0 ? chat_request_no_conversation : NULL;
    }

    if (rq->conversation.len != 0 || rq->has_after_revision) {
        return "\"conversations\" takes the place of \"conversationId\" and "
               "\"afterRevision\"";
    }

    return NULL;
}


static const char *
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


static const char *
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


static const char *
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

    return NULL;
}


/* nobody twice: a member is a row with a unique key later on */

static const char *
chat_request_read_members(chat_request_t *rq, const chat_json_t *value)
{
    chat_json_t        element;
    chat_json_iter_t   it;
    chat_request_id_t  ids[CHAT_REQUEST_MAX_MEMBERS];

    if (value->type != CHAT_JSON_ARRAY) {
        return "\"members\" must be an array of user ids";
    }

    chat_json_iter(&it, value);

    while (chat_json_next_element(&it, &element) == CHAT_OK) {

        if (rq->nmembers == CHAT_REQUEST_MAX_MEMBERS) {
            return "\"members\" may hold 100 at most";
        }

        if (chat_request_get_name(&element, &ids[rq->nmembers]) != CHAT_OK) {
            return "each of \"members\" must be 1 to 64 characters from "
                   "A-Z a-z 0-9 _ . : @ -";
        }

        if (chat_request_id_among(&ids[rq->nmembers], ids, rq->nmembers)) {
            return "\"members\" names a user twice";
        }

        rq->nmembers++;
    }

    rq->members = *value;

    return NULL;
}


static bool
chat_request_id_among(const chat_request_id_t *id,
    const chat_request_id_t *ids, size_t n)
{
    size_t  i;

    for (i = 0; i < n; i++) {
        if (id->len == ids[i].len
            && memcmp(id->data, ids[i].data, id->len) == 0)
        {
            return true;
        }
    }

    return false;
}


static const char *
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


static const char *
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


static const char *
chat_request_read_content(chat_request_t *rq, const chat_json_t *value)
{
    const char          *reason;
    chat_json_t          checked;
    chat_json_member_t   type = { .name = "type" };

    rq->content = *value;

    if (value->type == CHAT_JSON_STRING) {
        return NULL;
    }

    if (value->type != CHAT_JSON_OBJECT) {
        return "\"content\" must be a string or an object";
    }

    /* of its errors only the depth is left */

    if (chat_json_parse(value->raw, CHAT_REQUEST_MAX_DEPTH, &checked, &reason)
        != CHAT_OK)
    {
        return "\"content\" is nested too deep";
    }

    if (chat_json_collect(value, &type, 1) != CHAT_OK
        || type.value.type != CHAT_JSON_STRING)
    {
        return "\"content\" must have one \"type\", a string";
    }

    return NULL;
}


static const char *
chat_request_read_before(chat_request_t *rq, const chat_json_t *value)
{
    if (chat_json_get_uint(value, &rq->before_sequence) != CHAT_OK) {
        return "\"beforeSequence\" must be an integer from 0 to 2^53 - 1";
    }

    rq->has_before_sequence = true;

    return NULL;
}


static const char *
chat_request_read_after(chat_request_t *rq, const chat_json_t *value)
{
    if (chat_json_get_uint(value, &rq->after_sequence) != CHAT_OK) {
        return "\"afterSequence\" must be an integer from 0 to 2^53 - 1";
    }

    rq->has_after_sequence = true;

    return NULL;
}


static const char *
chat_request_read_limit(chat_request_t *rq, const chat_json_t *value)
{
    uint64_t  n;

    if (chat_json_get_uint(value, &n) != CHAT_OK
        || n < 1 || n > CHAT_REQUEST_MAX_LIMIT)
    {
        return "\"limit\" must be an integer from 1 to 200";
    }

    rq->limit = n;

    return NULL;
}


static const char *
chat_request_check_history(const chat_request_t *rq)
{
    if (rq->has_before_sequence && rq->has_after_sequence) {
        return "\"beforeSequence\" and \"afterSequence\" exclude each other";
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


void
chat_request_read_id(const chat_json_t *element, chat_request_id_t *id)
{
    if (chat_request_get_name(element, id) != CHAT_OK) {
        id->len = 0;
    }
}


/* a name by the contract's terms */

static chat_rc_e
chat_request_get_name(const chat_json_t *value, chat_request_id_t *id)
{
    if (chat_request_get_text(value, id) != CHAT_OK) {
        return CHAT_ERROR;
    }

    return chat_name_valid(chat_request_id_str(id)) ? CHAT_OK : CHAT_ERROR;
}


static chat_rc_e
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


static chat_str_t
chat_request_id_str(const chat_request_id_t *id)
{
    chat_str_t  s;

    s.data = id->data;
    s.len = id->len;

    return s;
}
