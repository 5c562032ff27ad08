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
#include "chat_presence.h"
#include "chat_rc.h"


#define CHAT_REQUEST_MAX_ID         64      /* characters of a string id */
#define CHAT_REQUEST_MAX_DEPTH      32      /* nesting of content */
#define CHAT_REQUEST_MAX_NAME       128     /* bytes of a conversation's name */
#define CHAT_REQUEST_MAX_DESCRIPTION  1024  /* bytes */
#define CHAT_REQUEST_MAX_SLOW_MODE  21600   /* seconds */
#define CHAT_REQUEST_MAX_MEMBERS    100     /* given at creation */
#define CHAT_REQUEST_MAX_BATCH      200     /* conversations of one join */
#define CHAT_REQUEST_MAX_LIMIT      200     /* messages, conversations */
#define CHAT_REQUEST_DEF_LIMIT      50
#define CHAT_REQUEST_MAX_MEMBER_LIMIT  1000 /* members of one member.list */
#define CHAT_REQUEST_DEF_MEMBER_LIMIT  200
#define CHAT_REQUEST_MAX_CURSOR     128     /* bytes */
#define CHAT_REQUEST_MAX_MENTIONS   200
#define CHAT_REQUEST_MAX_USERS      200     /* of one presence.subscribe */
#define CHAT_REQUEST_MAX_STATUS     128     /* characters of a status text */
#define CHAT_REQUEST_MAX_ATTACHMENTS  50
#define CHAT_REQUEST_MAX_ATTACHED   16384   /* bytes of all attachments */
#define CHAT_REQUEST_MAX_REFERENCE  2048    /* bytes of a url or id in one */


typedef enum {
    CHAT_REQUEST_AUTHENTICATE,
    CHAT_REQUEST_PING,
    CHAT_REQUEST_CONVERSATION_JOIN,
    CHAT_REQUEST_CONVERSATION_LEAVE,
    CHAT_REQUEST_CONVERSATION_LIST,
    CHAT_REQUEST_CONVERSATION_CREATE,
    CHAT_REQUEST_CONVERSATION_UPDATE,
    CHAT_REQUEST_CONVERSATION_DELETE,
    CHAT_REQUEST_MEMBER_ADD,
    CHAT_REQUEST_MEMBER_UPDATE,
    CHAT_REQUEST_MEMBER_REMOVE,
    CHAT_REQUEST_MEMBER_LIST,
    CHAT_REQUEST_MESSAGE_SEND,
    CHAT_REQUEST_MESSAGE_EDIT,
    CHAT_REQUEST_MESSAGE_DELETE,
    CHAT_REQUEST_REACTION_ADD,
    CHAT_REQUEST_REACTION_REMOVE,
    CHAT_REQUEST_HISTORY_GET,
    CHAT_REQUEST_READ_MARK,
    CHAT_REQUEST_DELIVERED_MARK,
    CHAT_REQUEST_TYPING_START,
    CHAT_REQUEST_TYPING_STOP,
    CHAT_REQUEST_PRESENCE_SET,
    CHAT_REQUEST_PRESENCE_SUBSCRIBE,
    CHAT_REQUEST_PRESENCE_UNSUBSCRIBE,
    CHAT_REQUEST_PRESENCE_GET,
    CHAT_REQUEST_UNKNOWN
} chat_request_type_e;


typedef enum {
    CHAT_CONVERSATION_DM,
    CHAT_CONVERSATION_GROUP,
    CHAT_CONVERSATION_CHANNEL
} chat_conversation_type_e;


typedef enum {
    CHAT_ROLE_OWNER,
    CHAT_ROLE_ADMIN,
    CHAT_ROLE_MODERATOR,
    CHAT_ROLE_MEMBER,
    CHAT_ROLE_BLOCKED
} chat_role_e;


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


/*
 * What a type of request does not know is zero, false or empty.  A slice of
 * the text (chat_str_t, chat_json_t) lives as long as the text does; who keeps
 * the request longer copies the text and calls chat_request_rebase().
 */

typedef struct {
    chat_request_type_e       type;
    chat_str_t                id;       /* raw JSON, to be echoed; "null" if the
                                           request has none */
    bool                      has_id;

    chat_request_id_t         conversation;
    chat_request_id_t         client;   /* clientMessageId or clientId */
    chat_request_id_t         message;  /* a UUID, as the server writes it */
    chat_request_id_t         reply_to; /* likewise */
    chat_request_id_t         user;

    uint64_t                  after_revision;
    uint64_t                  after_sequence;
    uint64_t                  before_sequence;
    uint64_t                  sequence;         /* of a mark */
    uint32_t                  limit;
    uint32_t                  slow_mode;        /* seconds, 0: off */
    bool                      has_after_revision;
    bool                      has_after_sequence;
    bool                      has_before_sequence;
    bool                      has_slow_mode;
    bool                      has_read_only;
    bool                      read_only;
    bool                      has_role;
    bool                      has_name;
    bool                      has_description;
    bool                      has_status_text;
    bool                      has_subscribe;
    bool                      subscribe;

    chat_role_e               role;     /* CHAT_ROLE_MEMBER if not given */
    chat_conversation_type_e  conversation_type;
    chat_presence_e           status;   /* what presence.set may choose */

    chat_json_t               content;
    chat_json_t               members;  /* array of ids, checked */
    chat_json_t               mentions; /* likewise; empty if it names nobody */
    chat_json_t               attachments;      /* array of objects, checked;
                                                   empty if there are none */
    chat_json_t               batch;    /* array of joins, checked: each is an
                                           object with conversationId and
                                           afterRevision? */
    chat_json_t               description;      /* a string, checked: read it
                                                   by chat_json_get_string() */
    chat_json_t               users;    /* array of ids, checked but for who
                                           is named twice */
    chat_str_t                status_text;      /* as it stood between its
                                                   quotes; printable */
    chat_json_t               token;    /* a string */
    uint32_t                  nmembers;
    uint32_t                  nmentions;
    uint32_t                  nattachments;
    uint32_t                  nusers;
    uint32_t                  nbatch;

    union {                             /* no type has two of these */

        struct {                        /* conversation.create, .update */
            uint16_t          name_len;
            uint8_t           name[CHAT_REQUEST_MAX_NAME];
        };

        struct {                        /* reaction.add, .remove */
            uint16_t          emoji_len;
            uint8_t           emoji[CHAT_NAME_MAX_EMOJI];
        };

        struct {                        /* conversation.list, member.list */
            uint16_t          cursor_len;
            uint8_t           cursor[CHAT_REQUEST_MAX_CURSOR];
        };
    };
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

/*
 * The text has moved, or been copied, to `to`: so do all slices of rq that
 * point into it.
 */
void chat_request_rebase(chat_request_t *rq, chat_str_t from,
    const uint8_t *to);

/* one element of rq->batch */
void chat_request_read_join(const chat_json_t *element,
    chat_request_id_t *conversation, uint64_t *after_revision,
    bool *has_after_revision);

/* one element of rq->members, rq->mentions or rq->users */
void chat_request_read_id(const chat_json_t *element, chat_request_id_t *id);

/*
 * All of rq->members or rq->mentions, escapes resolved: ["ada","bob"] and
 * ada,bob .  Nothing of an array that is empty because it was not given.
 */
void chat_request_write_ids(chat_writer_t *w, const chat_json_t *ids);
void chat_request_write_id_list(chat_writer_t *w, const chat_json_t *ids);

const char *chat_request_type_name(chat_request_type_e type);
const char *chat_code_name(chat_code_e code);
const char *chat_conversation_type_name(chat_conversation_type_e type);
const char *chat_role_name(chat_role_e role);


#endif /* CHAT_REQUEST_H */
