/*
 * The members of requests: which a type knows, how each is read.  For
 * chat_request.c and the files below alone.
 */

#ifndef CHAT_REQUEST_READ_H
#define CHAT_REQUEST_READ_H


#include "chat_request.h"


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


/* chat_request_kind.c */

extern const chat_request_kind_t  chat_request_kinds[CHAT_REQUEST_UNKNOWN];


/* chat_request_read.c: what several kinds of requests have */

const char *chat_request_read_token(chat_request_t *rq,
    const chat_json_t *value);
const char *chat_request_read_conversation(chat_request_t *rq,
    const chat_json_t *value);
const char *chat_request_read_after_revision(chat_request_t *rq,
    const chat_json_t *value);
const char *chat_request_read_before(chat_request_t *rq,
    const chat_json_t *value);
const char *chat_request_read_after(chat_request_t *rq,
    const chat_json_t *value);
const char *chat_request_read_sequence(chat_request_t *rq,
    const chat_json_t *value);
const char *chat_request_read_limit(chat_request_t *rq,
    const chat_json_t *value);
const char *chat_request_read_cursor(chat_request_t *rq,
    const chat_json_t *value);
const char *chat_request_check_history(const chat_request_t *rq);

/* a name by the contract's terms */
CHAT_MUST_CHECK chat_rc_e chat_request_get_name(const chat_json_t *value,
    chat_request_id_t *id);
CHAT_MUST_CHECK chat_rc_e chat_request_get_text(const chat_json_t *value,
    chat_request_id_t *id);
chat_str_t chat_request_id_str(const chat_request_id_t *id);


/* chat_request_read_conversation.c */

const char *chat_request_read_batch(chat_request_t *rq,
    const chat_json_t *value);
const char *chat_request_read_conversation_type(chat_request_t *rq,
    const chat_json_t *value);
const char *chat_request_read_client_id(chat_request_t *rq,
    const chat_json_t *value);
const char *chat_request_read_name(chat_request_t *rq,
    const chat_json_t *value);
const char *chat_request_read_description(chat_request_t *rq,
    const chat_json_t *value);
const char *chat_request_read_read_only(chat_request_t *rq,
    const chat_json_t *value);
const char *chat_request_read_slow_mode(chat_request_t *rq,
    const chat_json_t *value);
const char *chat_request_check_join(const chat_request_t *rq);
const char *chat_request_check_create(const chat_request_t *rq);
const char *chat_request_check_update(const chat_request_t *rq);


/* chat_request_read_member.c */

const char *chat_request_read_user(chat_request_t *rq,
    const chat_json_t *value);
const char *chat_request_read_new_role(chat_request_t *rq,
    const chat_json_t *value);
const char *chat_request_read_role(chat_request_t *rq,
    const chat_json_t *value);
const char *chat_request_read_members(chat_request_t *rq,
    const chat_json_t *value);
const char *chat_request_read_mentions(chat_request_t *rq,
    const chat_json_t *value);
const char *chat_request_read_users(chat_request_t *rq,
    const chat_json_t *value);


/* chat_request_read_message.c */

const char *chat_request_read_client_message_id(chat_request_t *rq,
    const chat_json_t *value);
const char *chat_request_read_content(chat_request_t *rq,
    const chat_json_t *value);
const char *chat_request_read_message(chat_request_t *rq,
    const chat_json_t *value);
const char *chat_request_read_reply_to(chat_request_t *rq,
    const chat_json_t *value);
const char *chat_request_read_attachments(chat_request_t *rq,
    const chat_json_t *value);
const char *chat_request_read_emoji(chat_request_t *rq,
    const chat_json_t *value);


/* chat_request_read_presence.c */

const char *chat_request_read_status(chat_request_t *rq,
    const chat_json_t *value);
const char *chat_request_read_status_text(chat_request_t *rq,
    const chat_json_t *value);
const char *chat_request_read_subscribe(chat_request_t *rq,
    const chat_json_t *value);


#endif /* CHAT_REQUEST_READ_H */
