/*
 * Every type of request: its name, the members of its data that it knows, and
 * what is checked of them together.
 */

#include "chat_request_read.h"


/* what many types have, all of them required */

#define CHAT_REQUEST_CONVERSATION                                             \
    { "conversationId", chat_request_read_conversation,                       \
      "\"conversationId\" is missing" }
#define CHAT_REQUEST_MESSAGE                                                  \
    { "messageId", chat_request_read_message, "\"messageId\" is missing" }
#define CHAT_REQUEST_CONTENT                                                  \
    { "content", chat_request_read_content, "\"content\" is missing" }
#define CHAT_REQUEST_USER                                                     \
    { "userId", chat_request_read_user, "\"userId\" is missing" }


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


static const chat_request_member_t  chat_request_conversation[] = {
    CHAT_REQUEST_CONVERSATION,
    { NULL, NULL, NULL }
};


static const chat_request_member_t  chat_request_list[] = {
    { "cursor", chat_request_read_cursor, NULL },
    { "limit", chat_request_read_limit, NULL },
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


static const chat_request_member_t  chat_request_update[] = {
    CHAT_REQUEST_CONVERSATION,
    { "name", chat_request_read_name, NULL },
    { "description", chat_request_read_description, NULL },
    { "readOnly", chat_request_read_read_only, NULL },
    { "slowMode", chat_request_read_slow_mode, NULL },
    { NULL, NULL, NULL }
};


static const chat_request_member_t  chat_request_member_add[] = {
    CHAT_REQUEST_CONVERSATION,
    CHAT_REQUEST_USER,
    { "role", chat_request_read_new_role, NULL },
    { NULL, NULL, NULL }
};


static const chat_request_member_t  chat_request_member_update[] = {
    CHAT_REQUEST_CONVERSATION,
    CHAT_REQUEST_USER,
    { "role", chat_request_read_role, "\"role\" is missing" },
    { NULL, NULL, NULL }
};


static const chat_request_member_t  chat_request_member_remove[] = {
    CHAT_REQUEST_CONVERSATION,
    CHAT_REQUEST_USER,
    { NULL, NULL, NULL }
};


static const chat_request_member_t  chat_request_member_list[] = {
    CHAT_REQUEST_CONVERSATION,
    { "cursor", chat_request_read_cursor, NULL },
    { "limit", chat_request_read_limit, NULL },
    { NULL, NULL, NULL }
};


static const chat_request_member_t  chat_request_send[] = {
    CHAT_REQUEST_CONVERSATION,
    { "clientMessageId", chat_request_read_client_message_id, NULL },
    CHAT_REQUEST_CONTENT,
    { "replyTo", chat_request_read_reply_to, NULL },
    { "mentions", chat_request_read_mentions, NULL },
    { "attachments", chat_request_read_attachments, NULL },
    { NULL, NULL, NULL }
};


static const chat_request_member_t  chat_request_edit[] = {
    CHAT_REQUEST_CONVERSATION,
    CHAT_REQUEST_MESSAGE,
    CHAT_REQUEST_CONTENT,
    { NULL, NULL, NULL }
};


static const chat_request_member_t  chat_request_message[] = {
    CHAT_REQUEST_CONVERSATION,
    CHAT_REQUEST_MESSAGE,
    { NULL, NULL, NULL }
};


static const chat_request_member_t  chat_request_reaction[] = {
    CHAT_REQUEST_CONVERSATION,
    CHAT_REQUEST_MESSAGE,
    { "emoji", chat_request_read_emoji, "\"emoji\" is missing" },
    { NULL, NULL, NULL }
};


static const chat_request_member_t  chat_request_history[] = {
    CHAT_REQUEST_CONVERSATION,
    { "beforeSequence", chat_request_read_before, NULL },
    { "afterSequence", chat_request_read_after, NULL },
    { "limit", chat_request_read_limit, NULL },
    { NULL, NULL, NULL }
};


static const chat_request_member_t  chat_request_mark[] = {
    CHAT_REQUEST_CONVERSATION,
    { "sequenceNumber", chat_request_read_sequence,
      "\"sequenceNumber\" is missing" },
    { NULL, NULL, NULL }
};


static const chat_request_member_t  chat_request_presence_set[] = {
    { "status", chat_request_read_status, "\"status\" is missing" },
    { "text", chat_request_read_status_text, NULL },
    { NULL, NULL, NULL }
};


static const chat_request_member_t  chat_request_presence_users[] = {
    { "userIds", chat_request_read_users, "\"userIds\" is missing" },
    { NULL, NULL, NULL }
};


static const chat_request_member_t  chat_request_presence_get[] = {
    CHAT_REQUEST_CONVERSATION,
    { "subscribe", chat_request_read_subscribe, NULL },
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
        { "conversation.leave", chat_request_conversation, NULL },
    [CHAT_REQUEST_CONVERSATION_LIST] =
        { "conversation.list", chat_request_list, NULL },
    [CHAT_REQUEST_CONVERSATION_CREATE] =
        { "conversation.create", chat_request_create,
          chat_request_check_create },
    [CHAT_REQUEST_CONVERSATION_UPDATE] =
        { "conversation.update", chat_request_update,
          chat_request_check_update },
    [CHAT_REQUEST_CONVERSATION_DELETE] =
        { "conversation.delete", chat_request_conversation, NULL },
    [CHAT_REQUEST_MEMBER_ADD] =
        { "member.add", chat_request_member_add, NULL },
    [CHAT_REQUEST_MEMBER_UPDATE] =
        { "member.update", chat_request_member_update, NULL },
    [CHAT_REQUEST_MEMBER_REMOVE] =
        { "member.remove", chat_request_member_remove, NULL },
    [CHAT_REQUEST_MEMBER_LIST] =
        { "member.list", chat_request_member_list, NULL },
    [CHAT_REQUEST_MESSAGE_SEND] =
        { "message.send", chat_request_send, NULL },
    [CHAT_REQUEST_MESSAGE_EDIT] =
        { "message.edit", chat_request_edit, NULL },
    [CHAT_REQUEST_MESSAGE_DELETE] =
        { "message.delete", chat_request_message, NULL },
    [CHAT_REQUEST_REACTION_ADD] =
        { "reaction.add", chat_request_reaction, NULL },
    [CHAT_REQUEST_REACTION_REMOVE] =
        { "reaction.remove", chat_request_reaction, NULL },
    [CHAT_REQUEST_HISTORY_GET] =
        { "history.get", chat_request_history, chat_request_check_history },
    [CHAT_REQUEST_READ_MARK] =
        { "read.mark", chat_request_mark, NULL },
    [CHAT_REQUEST_DELIVERED_MARK] =
        { "delivered.mark", chat_request_mark, NULL },
    [CHAT_REQUEST_TYPING_START] =
        { "typing.start", chat_request_conversation, NULL },
    [CHAT_REQUEST_TYPING_STOP] =
        { "typing.stop", chat_request_conversation, NULL },
    [CHAT_REQUEST_PRESENCE_SET] =
        { "presence.set", chat_request_presence_set, NULL },
    [CHAT_REQUEST_PRESENCE_SUBSCRIBE] =
        { "presence.subscribe", chat_request_presence_users, NULL },
    [CHAT_REQUEST_PRESENCE_UNSUBSCRIBE] =
        { "presence.unsubscribe", chat_request_presence_users, NULL },
    [CHAT_REQUEST_PRESENCE_GET] =
        { "presence.get", chat_request_presence_get, NULL },
};
