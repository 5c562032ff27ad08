/*
 * A request is read in three steps: its JSON is checked, the members that its
 * type knows are collected in one walk, and each is read by its own function
 * into the flat struct.  What belongs to one type stands in its table.
 */

#include "chat_request.h"

#include <string.h>

#include "chat_id.h"


#define CHAT_REQUEST_MAX_KNOWN  6       /* members of one type's table */


/*
 * Reads one member that is there and not null.  NULL if it is good, else what
 * is wrong with it.
 */

typedef const char *(*chat_request_read_pt)(chat_request_t *rq,
    const chat_json_t *value);


typedef struct {
    const char            *name;
    chat_request_read_pt   read;
    const char            *missing;     /* what to say; NULL: optional */
} chat_request_member_t;


typedef struct {
    const char                   *name;
    const chat_request_member_t  *members;      /* ends with a NULL name */
    const char                 *(*check)(const chat_request_t *rq);
} chat_request_kind_t;


static chat_rc_e chat_request_parse_data(chat_request_t *rq,
    const chat_json_t *data, chat_request_error_t *e);
static chat_rc_e chat_request_fail(chat_request_error_t *e, chat_code_e code,
    const char *message);

static bool chat_request_id_valid(const chat_json_t *value);
static chat_request_type_e chat_request_find_type(const chat_json_t *value);
static bool chat_request_join_valid(const chat_json_t *element);
static chat_rc_e chat_request_get_name(const chat_json_t *value,
    chat_request_id_t *id);
static chat_rc_e chat_request_get_text(const chat_json_t *value,
    chat_request_id_t *id);
static bool chat_request_id_among(const chat_request_id_t *id,
    const chat_request_id_t *ids, size_t n);
static chat_str_t chat_request_id_str(const chat_request_id_t *id);

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


static const chat_request_kind_t  chat_request_kinds[CHAT_REQUEST_UNKNOWN] = {
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
};


static const char *const  chat_request_conversation_types[] = {
    [CHAT_CONVERSATION_DM]      = "dm",
    [CHAT_CONVERSATION_GROUP]   = "group",
    [CHAT_CONVERSATION_CHANNEL] = "channel"
};


chat_rc_e
chat_request_parse(chat_request_t *rq, chat_str_t text,
    chat_request_error_t *e)
{
    chat_json_t  request;

    chat_json_member_t  head[] = {
        { .name = "type" }, { .name = "id" }, { .name = "data" }
    };

    const chat_json_t  *type = &head[0].value;
    const chat_json_t  *id = &head[1].value;
    const chat_json_t  *data = &head[2].value;

    memset(rq, 0, sizeof(*rq));
    rq->type = CHAT_REQUEST_UNKNOWN;
    rq->id = chat_str("null");
    rq->limit = CHAT_REQUEST_DEF_LIMIT;

    e->code = CHAT_CODE_BAD_REQUEST;

    if (chat_json_parse(text, CHAT_JSON_MAX_DEPTH, &request, &e->message)
        != CHAT_OK)
    {
        return CHAT_ERROR;
    }

    if (request.type != CHAT_JSON_OBJECT) {
        return chat_request_fail(e, CHAT_CODE_BAD_REQUEST,
                                 "a request must be a JSON object");
    }

    if (chat_json_collect(&request, head, 3) != CHAT_OK) {
        return chat_request_fail(e, CHAT_CODE_BAD_REQUEST,
                                 "\"type\", \"id\" or \"data\" is given twice");
    }

    if (id->type != CHAT_JSON_NULL) {

        if (!chat_request_id_valid(id)) {
            return chat_request_fail(e, CHAT_CODE_BAD_REQUEST,
                                     "\"id\" must be a string of up to 64 "
                                     "characters or an integer");
        }

        rq->id = id->raw;
        rq->has_id = true;
    }

    if (type->type != CHAT_JSON_STRING) {
        return chat_request_fail(e, CHAT_CODE_BAD_REQUEST,
                                 "\"type\" must be a string");
    }

    rq->type = chat_request_find_type(type);

    if (rq->type == CHAT_REQUEST_UNKNOWN) {
        return chat_request_fail(e, CHAT_CODE_UNSUPPORTED,
                                 "this type of request is not supported");
    }

    return chat_request_parse_data(rq, data, e);
}


static chat_rc_e
chat_request_parse_data(chat_request_t *rq, const chat_json_t *data,
    chat_request_error_t *e)
{
    size_t                      i, n;
    const char                 *wrong;
    chat_json_t                 empty;
    chat_json_member_t          found[CHAT_REQUEST_MAX_KNOWN];
    const chat_request_kind_t  *kind = &chat_request_kinds[rq->type];

    if (data->type == CHAT_JSON_NULL) {
        empty.raw = chat_str("{}");
        empty.type = CHAT_JSON_OBJECT;
        data = &empty;
    }

    if (data->type != CHAT_JSON_OBJECT) {
        return chat_request_fail(e, CHAT_CODE_BAD_REQUEST,
                                 "\"data\" must be an object");
    }

    for (n = 0; kind->members[n].name != NULL; n++) {
        found[n].name = kind->members[n].name;
    }

    if (chat_json_collect(data, found, n) != CHAT_OK) {
        return chat_request_fail(e, CHAT_CODE_BAD_REQUEST,
                                 "a member of \"data\" is given twice");
    }

    for (i = 0; i < n; i++) {

        if (found[i].value.type == CHAT_JSON_NULL) {
            wrong = kind->members[i].missing;

        } else {
            wrong = kind->members[i].read(rq, &found[i].value);
        }

        if (wrong != NULL) {
            return chat_request_fail(e, CHAT_CODE_BAD_REQUEST, wrong);
        }
    }

    if (kind->check != NULL) {
        wrong = kind->check(rq);

        if (wrong != NULL) {
            return chat_request_fail(e, CHAT_CODE_BAD_REQUEST, wrong);
        }
    }

    return CHAT_OK;
}


static chat_rc_e
chat_request_fail(chat_request_error_t *e, chat_code_e code,
    const char *message)
{
    e->code = code;
    e->message = message;

    return CHAT_ERROR;
}


/*
 * It is echoed as it was sent: a string without lone surrogates and NULs, which
 * not every client could read back, or an integer of any size.
 */

static bool
chat_request_id_valid(const chat_json_t *value)
{
    size_t   i, len, n;
    uint8_t  text[4 * CHAT_REQUEST_MAX_ID];

    if (value->type == CHAT_JSON_NUMBER) {
        return value->raw.len <= CHAT_REQUEST_MAX_ID
               && memchr(value->raw.data, '.', value->raw.len) == NULL
               && memchr(value->raw.data, 'e', value->raw.len) == NULL
               && memchr(value->raw.data, 'E', value->raw.len) == NULL;
    }

    if (chat_json_get_string(value, text, sizeof(text), &len) != CHAT_OK) {
        return false;
    }

    n = 0;

    for (i = 0; i < len; i++) {
        n += (text[i] & 0xc0) != 0x80;      /* a character's first byte */
    }

    return n <= CHAT_REQUEST_MAX_ID;
}


static chat_request_type_e
chat_request_find_type(const chat_json_t *value)
{
    size_t  i;

    for (i = 0; i < CHAT_REQUEST_UNKNOWN; i++) {
        if (chat_json_string_is_cstr(value, chat_request_kinds[i].name)) {
            break;
        }
    }

    return i;
}


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
        if (chat_json_string_is_cstr(value,
                                     chat_request_conversation_types[i]))
        {
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


static chat_str_t
chat_request_id_str(const chat_request_id_t *id)
{
    chat_str_t  s;

    s.data = id->data;
    s.len = id->len;

    return s;
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


const char *
chat_request_type_name(chat_request_type_e type)
{
    return type < CHAT_REQUEST_UNKNOWN ? chat_request_kinds[type].name
                                       : "unknown";
}


const char *
chat_conversation_type_name(chat_conversation_type_e type)
{
    return chat_request_conversation_types[type];
}


const char *
chat_code_name(chat_code_e code)
{
    static const char *const  names[] = {
        [CHAT_CODE_BAD_REQUEST]  = "bad_request",
        [CHAT_CODE_UNAUTHORIZED] = "unauthorized",
        [CHAT_CODE_FORBIDDEN]    = "forbidden",
        [CHAT_CODE_NOT_FOUND]    = "not_found",
        [CHAT_CODE_CONFLICT]     = "conflict",
        [CHAT_CODE_TOO_LARGE]    = "too_large",
        [CHAT_CODE_RATE_LIMITED] = "rate_limited",
        [CHAT_CODE_UNAVAILABLE]  = "unavailable",
        [CHAT_CODE_TIMEOUT]      = "timeout",
        [CHAT_CODE_UNSUPPORTED]  = "unsupported",
        [CHAT_CODE_INTERNAL]     = "internal"
    };

    return names[code];
}
