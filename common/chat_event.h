/*
 * What the server says: replies and events of the native dialect, as JSON
 * text.  All write through a chat_writer_t, so a caller may measure first.
 *
 * A durable event is made in two halves.  Here is built what is known before
 * it happens, the head; Redis, which alone knows the position, appends
 *
 *      "sequenceNumber":12,"revision":4294967308}}
 *
 * or, where nothing but the revision belongs to the event,
 *
 *      "revision":4294967308}}
 *
 * The function without _head makes the same event whole, byte for byte: for
 * those who read it from storage.
 */

#ifndef CHAT_EVENT_H
#define CHAT_EVENT_H


#include "chat_json.h"
#include "chat_rc.h"
#include "chat_request.h"


/* {"type":"reply","id":<id>,"ok":true,"data":  — the caller writes the data
   and closes with chat_event_end() */
void chat_event_reply(chat_writer_t *w, chat_str_t raw_id);

/* the closing brace of a reply or an event */
void chat_event_end(chat_writer_t *w);

/* a whole error reply; retry_after in seconds, 0: none */
void chat_event_error(chat_writer_t *w, chat_str_t raw_id, chat_code_e code,
    const char *message, unsigned retry_after);

/* {"code":...,"message":...} alone, for the elements of a batch */
void chat_event_error_object(chat_writer_t *w, chat_code_e code,
    const char *message, unsigned retry_after);


typedef struct {
    chat_str_t  id;             /* UUIDv7 */
    chat_str_t  conversation;
    chat_str_t  sender;
    chat_str_t  client_id;      /* empty: not given; one that begins with a
                                   space is the server's own: not shown */
    chat_str_t  content;        /* raw JSON */
    chat_str_t  reply_to;       /* empty: none; so with the next two */
    chat_str_t  mentions;       /* raw JSON, ["ada","bob"] */
    chat_str_t  attachments;    /* raw JSON */
    uint64_t    time;           /* ms since 1970 */
    uint64_t    edited;         /* likewise; 0: not edited */
} chat_event_message_t;


/*
 * The data object of a message in four parts, so that another content can be
 * set in without a look at the rest:
 *
 *      pre        {"id":...,"content":
 *      content
 *      post       ,"timestamp":..., and what was not empty of
 *                 "replyTo":...,"mentions":[...],"attachments":[...],
 *      edited     "editedAt":...,
 *      position   "sequenceNumber":12,"revision":4294967308}
 */
void chat_event_message_pre(chat_writer_t *w, const chat_event_message_t *m);
void chat_event_message_post(chat_writer_t *w, const chat_event_message_t *m);
void chat_event_edited(chat_writer_t *w, uint64_t ms);

/* the data object, as in history */
void chat_event_message_data(chat_writer_t *w, const chat_event_message_t *m,
    uint64_t sequence, uint64_t revision);

/* the whole event: message.created, or message.updated if it was edited */
void chat_event_message(chat_writer_t *w, const chat_event_message_t *m,
    uint64_t sequence, uint64_t revision);

/* ["ada","bob"] of ada,bob as the log has it; nothing of nothing */
void chat_event_mentions(chat_writer_t *w, chat_str_t list);


typedef struct {
    chat_str_t  user;
    chat_str_t  emoji;
} chat_event_reactor_t;


/*
 * The data object of a message with its reactions, given in the order of
 * their revisions, as in history: before the closing brace there is one member
 * more, if there are any,
 *
 *      ,"reactions":[{"emoji":"+1","userIds":["ada","bob"]}]
 */
void chat_event_message_history(chat_writer_t *w,
    const chat_event_message_t *m, uint64_t sequence, uint64_t revision,
    const chat_event_reactor_t *reactors, size_t n);


typedef struct {
    chat_str_t  id;
    chat_str_t  conversation;
    chat_str_t  deleted_by;     /* empty: the operator */
    uint64_t    time;           /* ms since 1970 */
} chat_event_deleted_t;


/* message.deleted */
void chat_event_deleted_head(chat_writer_t *w, const chat_event_deleted_t *d);
void chat_event_deleted_data(chat_writer_t *w, const chat_event_deleted_t *d,
    uint64_t sequence, uint64_t revision);
void chat_event_deleted(chat_writer_t *w, const chat_event_deleted_t *d,
    uint64_t sequence, uint64_t revision);


typedef struct {
    chat_str_t  conversation;
    chat_str_t  message;
    chat_str_t  user;
    chat_str_t  emoji;
    bool        removed;
} chat_event_reaction_t;


/* reaction.added, reaction.removed */
void chat_event_reaction_head(chat_writer_t *w,
    const chat_event_reaction_t *r);
void chat_event_reaction(chat_writer_t *w, const chat_event_reaction_t *r,
    uint64_t revision);


typedef enum {
    CHAT_EVENT_MEMBER_JOINED,
    CHAT_EVENT_MEMBER_LEFT,
    CHAT_EVENT_MEMBER_UPDATED
} chat_event_member_e;


/*
 * member.joined, .left, .updated.  Which it is and the role are decided by
 * Redis, so that the head has neither: it is {"conversationId":...,
 * "userId":..., and goes behind {"type":"member.joined","data": .  The role is
 * that from now on; empty, written as null: no member.
 */
void chat_event_member_head(chat_writer_t *w, chat_str_t conversation,
    chat_str_t user);
void chat_event_member(chat_writer_t *w, chat_event_member_e kind,
    chat_str_t conversation, chat_str_t user, chat_str_t role,
    uint64_t revision);


typedef struct {
    chat_str_t                conversation;
    chat_conversation_type_e  type;
    chat_str_t                name;         /* empty: none */
    chat_str_t                creator;
    uint64_t                  time;         /* ms since 1970 */
} chat_event_conversation_t;


/* conversation.created; its position is at sequenceNumber 0 */
void chat_event_conversation_head(chat_writer_t *w,
    const chat_event_conversation_t *c);
void chat_event_conversation(chat_writer_t *w,
    const chat_event_conversation_t *c, uint64_t revision);


/* what is given is what has changed, or what is told anew */

typedef struct {
    chat_str_t  conversation;
    chat_str_t  name;           /* empty: not given */
    chat_str_t  description;    /* empty if given: there is none any more,
                                   written as null */
    uint32_t    slow_mode;      /* seconds, 0: off */
    bool        read_only;
    bool        has_description;
    bool        has_slow_mode;
    bool        has_read_only;
} chat_event_updated_t;


/* conversation.updated */
void chat_event_updated_head(chat_writer_t *w, const chat_event_updated_t *u);
void chat_event_updated(chat_writer_t *w, const chat_event_updated_t *u,
    uint64_t revision);

/* conversation.deleted */
void chat_event_conversation_deleted_head(chat_writer_t *w,
    chat_str_t conversation);
void chat_event_conversation_deleted(chat_writer_t *w,
    chat_str_t conversation, uint64_t revision);


/*
 * receipt.read, receipt.delivered: ephemeral, without a revision.  Redis
 * appends to the head "sequenceNumber":12}}
 */
void chat_event_receipt_head(chat_writer_t *w, bool read,
    chat_str_t conversation, chat_str_t user);
void chat_event_receipt(chat_writer_t *w, bool read, chat_str_t conversation,
    chat_str_t user, uint64_t sequence);


typedef struct {
    chat_str_t  conversation;
    chat_str_t  user;
    chat_str_t  name;           /* as people read it */
    uint64_t    expires;        /* ms since 1970: the end, told or not */
} chat_event_typing_t;


/* typing.started, typing.stopped: ephemeral */
void chat_event_typing(chat_writer_t *w, bool started,
    const chat_event_typing_t *t);


/* the authenticated event's data object, which is also the reply's */

typedef struct {
    chat_str_t  user;
    chat_str_t  tenant;
    chat_str_t  session;
    chat_str_t  node;
    uint64_t    now;            /* ms since 1970 */
    uint64_t    expires;        /* ms since 1970 */
    uint32_t    heartbeat;      /* seconds between the server's pings */
} chat_event_authenticated_t;


void chat_event_authenticated_data(chat_writer_t *w,
    const chat_event_authenticated_t *a);


#endif /* CHAT_EVENT_H */
