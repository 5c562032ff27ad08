/*
 * Requests of the native dialect (subprotocol chat.v1): one JSON object per
 * text frame,
 *
 *      {"type": T, "id": a string of up to 64 characters or an integer,
 *       "data": {...}}
 *
 * parsed into one flat struct.  Strings that are ids or names are copied with
 * their escapes resolved; content stays the slice that the client sent.
 */

#ifndef CHAT_REQUEST_H
#define CHAT_REQUEST_H


#include "chat_json.h"
#include "chat_name.h"
#include "chat_rc.h"


#define CHAT_REQUEST_MAX_ID         64      /* characters of a string id */
#define CHAT_REQUEST_MAX_DEPTH      32      /* nesting of content */
#define CHAT_REQUEST_MAX_NAME       128     /* bytes of a conversation's name */
#define CHAT_REQUEST_MAX_MEMBERS    100     /* given at creation */
#define CHAT_REQUEST_MAX_BATCH      200     /* conversations of one join */
#define CHAT_REQUEST_MAX_LIMIT      200     /* messages of one history.get */
#define CHAT_REQUEST_DEF_LIMIT      50


typedef enum {
    CHAT_REQUEST_AUTHENTICATE,
    CHAT_REQUEST_PING,
    CHAT_REQUEST_CONVERSATION_JOIN,
    CHAT_REQUEST_CONVERSATION_LEAVE,
    CHAT_REQUEST_CONVERSATION_CREATE,
    CHAT_REQUEST_MESSAGE_SEND,
    CHAT_REQUEST_HISTORY_GET,
    CHAT_REQUEST_UNKNOWN
} chat_request_type_e;


typedef enum {
    CHAT_CONVERSATION_DM,
    CHAT_CONVERSATION_GROUP,
    CHAT_CONVERSATION_CHANNEL
} chat_conversation_type_e;


typedef enum {                  /* the contract's error codes, section 2 */
    CHAT_CODE_BAD_REQUEST,
    CHAT_CODE_UNAUTHORIZED,
    CHAT_CODE_FORBIDDEN,
    CHAT_CODE_NOT_FOUND,
    CHAT_CODE_CONFLICT,
    CHAT_CODE_TOO_LARGE,
    CHAT_CODE_RATE_LIMITED,
    CHAT_CODE_UNAVAILABLE,
    CHAT_CODE_TIMEOUT,
    CHAT_CODE_UNSUPPORTED,
    CHAT_CODE_INTERNAL
} chat_code_e;


/* an id or client id: short, so it is kept in place */

typedef struct {
    uint8_t  len;                       /* 0: not given */
    uint8_t  data[CHAT_NAME_MAX_ID];
} chat_request_id_t;


typedef struct {
    chat_request_type_e       type;
    chat_str_t                id;       /* raw JSON, to be echoed; "null" if the
                                           request has none */
    bool                      has_id;

    chat_request_id_t         conversation;
    chat_request_id_t         client;   /* clientMessageId or clientId */

    uint64_t                  after_revision;
    uint64_t                  after_sequence;
    uint64_t                  before_sequence;
    uint32_t                  limit;
    bool                      has_after_revision;
    bool                      has_after_sequence;
    bool                      has_before_sequence;

    chat_conversation_type_e  conversation_type;
    chat_json_t               content;
    chat_json_t               members;  /* array of ids, checked */
    uint32_t                  nmembers;
    chat_json_t               batch;    /* array of joins, checked: each is an
                                           object with conversationId and
                                           afterRevision? */
    uint32_t                  nbatch;
    chat_json_t               token;    /* a string */
    uint16_t                  name_len;
    uint8_t                   name[CHAT_REQUEST_MAX_NAME];
} chat_request_t;


typedef struct {
    chat_code_e   code;
    const char   *message;              /* static, for people */
} chat_request_error_t;


/*
 * OK; ERROR: e says what to answer, rq->id is set as far as it could be read
 * ("null" if not).  The slices point into text.
 *
 * Unknown members are ignored, a known one given twice is an error, as is one
 * of the wrong type; a null is as if it were not there.
 */
CHAT_MUST_CHECK chat_rc_e chat_request_parse(chat_request_t *rq,
    chat_str_t text, chat_request_error_t *e);

/* one element of rq->batch */
void chat_request_read_join(const chat_json_t *element,
    chat_request_id_t *conversation, uint64_t *after_revision,
    bool *has_after_revision);

/* one element of rq->members */
void chat_request_read_id(const chat_json_t *element, chat_request_id_t *id);

const char *chat_request_type_name(chat_request_type_e type);
const char *chat_code_name(chat_code_e code);
const char *chat_conversation_type_name(chat_conversation_type_e type);


#endif /* CHAT_REQUEST_H */
