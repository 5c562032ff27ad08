/*
 * A request is read in three steps: its JSON is checked, the members that its
 * type knows are collected in one walk, and each is read by its own function
 * into the flat struct.  What belongs to one type stands in its table, see
 * chat_request_kind.c; the functions are in chat_request_read*.c.
 */

#include "chat_request.h"

#include <assert.h>
#include <string.h>

#include "chat_request_read.h"


static chat_rc_e chat_request_parse_head(chat_request_t *rq,
    const chat_json_t *type, const chat_json_t *id, chat_request_error_t *e);
static chat_rc_e chat_request_parse_data(chat_request_t *rq,
    const chat_json_t *data, chat_request_error_t *e);
static const char *chat_request_read_found(chat_request_t *rq,
    const chat_request_kind_t *kind, const chat_json_member_t *found, size_t n);
static chat_rc_e chat_request_bad(chat_request_error_t *e,
    const char *message);

static bool chat_request_id_valid(const chat_json_t *value);
static chat_request_type_e chat_request_find_type(const chat_json_t *value);
static void chat_request_rebase_slice(chat_str_t *slice, chat_str_t from,
    const uint8_t *to);


chat_rc_e
chat_request_parse(chat_request_t *rq, chat_str_t text,
    chat_request_error_t *e)
{
    chat_rc_e     rc;
    const char   *reason;
    chat_json_t   request;

    chat_json_member_t  head[] = {
        { .name = "type" }, { .name = "id" }, { .name = "data" }
    };

    memset(rq, 0, sizeof(*rq));
    rq->type = CHAT_REQUEST_UNKNOWN;
    rq->id = chat_str("null");
    rq->role = CHAT_ROLE_MEMBER;

    rc = chat_json_parse(text, CHAT_JSON_MAX_DEPTH, &request, &reason);

    if (rc == CHAT_ERROR) {
        return chat_request_bad(e, reason);
    }

    if (request.type != CHAT_JSON_OBJECT) {
        return chat_request_bad(e, "a request must be a JSON object");
    }

    if (chat_json_collect(&request, head, 3) != CHAT_OK) {
        return chat_request_bad(e, "\"type\", \"id\" or \"data\" is given "
                                   "twice");
    }

    if (chat_request_parse_head(rq, &head[0].value, &head[1].value, e)
        != CHAT_OK)
    {
        return CHAT_ERROR;
    }

    if (rc == CHAT_DECLINED) {          /* a lone surrogate somewhere */
        return chat_request_bad(e, reason);
    }

    return chat_request_parse_data(rq, &head[2].value, e);
}


/* the id comes first: whatever is wrong later is answered under it */

static chat_rc_e
chat_request_parse_head(chat_request_t *rq, const chat_json_t *type,
    const chat_json_t *id, chat_request_error_t *e)
{
    if (id->type != CHAT_JSON_NULL) {

        if (!chat_request_id_valid(id)) {
            return chat_request_bad(e, "\"id\" must be a string of up to 64 "
                                       "characters or an integer");
        }

        rq->id = id->raw;
        rq->has_id = true;
    }

    if (type->type != CHAT_JSON_STRING) {
        return chat_request_bad(e, "\"type\" must be a string");
    }

    rq->type = chat_request_find_type(type);

    if (rq->type == CHAT_REQUEST_UNKNOWN) {
        e->code = CHAT_CODE_UNSUPPORTED;
        e->message = "this type of request is not supported";

        return CHAT_ERROR;
    }

    rq->limit = rq->type == CHAT_REQUEST_MEMBER_LIST
                ? CHAT_REQUEST_DEF_MEMBER_LIMIT : CHAT_REQUEST_DEF_LIMIT;

    return CHAT_OK;
}


static chat_rc_e
chat_request_parse_data(chat_request_t *rq, const chat_json_t *data,
    chat_request_error_t *e)
{
    size_t                      n;
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
        return chat_request_bad(e, "\"data\" must be an object");
    }

    for (n = 0; kind->members[n].name != NULL; n++) {
        assert(n < CHAT_REQUEST_MAX_KNOWN);
        found[n].name = kind->members[n].name;
    }

    if (chat_json_collect(data, found, n) != CHAT_OK) {
        return chat_request_bad(e, "a member of \"data\" is given twice");
    }

    wrong = chat_request_read_found(rq, kind, found, n);

    return wrong == NULL ? CHAT_OK : chat_request_bad(e, wrong);
}


static const char *
chat_request_read_found(chat_request_t *rq, const chat_request_kind_t *kind,
    const chat_json_member_t *found, size_t n)
{
    size_t       i;
    const char  *wrong;

    for (i = 0; i < n; i++) {

        if (found[i].value.type == CHAT_JSON_NULL) {
            wrong = kind->members[i].missing;

        } else {
            wrong = kind->members[i].read(rq, &found[i].value);
        }

        if (wrong != NULL) {
            return wrong;
        }
    }

    return kind->check != NULL ? kind->check(rq) : NULL;
}


static chat_rc_e
chat_request_bad(chat_request_error_t *e, const char *message)
{
    e->code = CHAT_CODE_BAD_REQUEST;
    e->message = message;

    return CHAT_ERROR;
}


/*
 * It is echoed as it was sent: a string without NULs, which not every client
 * could read back, or an integer of any size.
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


/* a slice that is added to the struct is added here */

void
chat_request_rebase(chat_request_t *rq, chat_str_t from, const uint8_t *to)
{
    chat_request_rebase_slice(&rq->id, from, to);
    chat_request_rebase_slice(&rq->content.raw, from, to);
    chat_request_rebase_slice(&rq->members.raw, from, to);
    chat_request_rebase_slice(&rq->mentions.raw, from, to);
    chat_request_rebase_slice(&rq->attachments.raw, from, to);
    chat_request_rebase_slice(&rq->batch.raw, from, to);
    chat_request_rebase_slice(&rq->description.raw, from, to);
    chat_request_rebase_slice(&rq->users.raw, from, to);
    chat_request_rebase_slice(&rq->status_text, from, to);
    chat_request_rebase_slice(&rq->token.raw, from, to);
}


/* one that is empty, or the static "null", points elsewhere and stays */

static void
chat_request_rebase_slice(chat_str_t *slice, chat_str_t from,
    const uint8_t *to)
{
    uintptr_t  first = (uintptr_t) from.data;
    uintptr_t  pos = (uintptr_t) slice->data;

    if (slice->len != 0 && pos >= first && pos - first < from.len) {
        slice->data = to + (pos - first);
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
    static const char *const  names[] = {
        [CHAT_CONVERSATION_DM]      = "dm",
        [CHAT_CONVERSATION_GROUP]   = "group",
        [CHAT_CONVERSATION_CHANNEL] = "channel"
    };

    return names[type];
}


const char *
chat_role_name(chat_role_e role)
{
    static const char *const  names[] = {
        [CHAT_ROLE_OWNER]     = "owner",
        [CHAT_ROLE_ADMIN]     = "admin",
        [CHAT_ROLE_MODERATOR] = "moderator",
        [CHAT_ROLE_MEMBER]    = "member",
        [CHAT_ROLE_BLOCKED]   = "blocked"
    };

    return names[role];
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
