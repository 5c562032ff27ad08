/*
 * ngx_chat_metrics_table.c: what is counted, as Prometheus names it: one entry
 * for each counter of ngx_chat_shm.h.  Those of one name differ in their
 * labels and stand together; the first of them has the help.
 */

#include "ngx_chat.h"
#include "ngx_chat_metrics.h"


#define NGX_CHAT_METRICS_HANDSHAKE(code, text)                                \
    [NGX_CHAT_COUNT_HANDSHAKES_REFUSED + code] = {                            \
        "chat_handshakes_total", "outcome=\"" text "\"", NULL }

#define NGX_CHAT_METRICS_CLOSE(what, by, code)                                \
    [NGX_CHAT_COUNT_ ## what] = {                                             \
        "chat_closes_total", "by=\"" by "\",code=\"" code "\"", NULL }

#define NGX_CHAT_METRICS_RESULT(type, text, result, name, help)               \
    [NGX_CHAT_COUNT_REQUESTS                                                  \
     + NGX_CHAT_RESULTS * CHAT_REQUEST_ ## type + NGX_CHAT_RESULT_ ## result] \
    = {                                                                       \
        "chat_requests_total",                                                \
        "type=\"" text "\",result=\"" name "\"", help }

#define NGX_CHAT_METRICS_REQUEST(type, text, help)                            \
    NGX_CHAT_METRICS_RESULT(type, text, OK, "ok", help),                      \
    NGX_CHAT_METRICS_RESULT(type, text, REFUSED, "refused", NULL),            \
    NGX_CHAT_METRICS_RESULT(type, text, FAILED, "failed", NULL)

#define NGX_CHAT_METRICS_ERROR(code, text)                                    \
    [NGX_CHAT_COUNT_ERRORS + code] = {                                        \
        "chat_request_errors_total", "code=\"" text "\"", NULL }


const ngx_chat_metric_t  ngx_chat_metrics[NGX_CHAT_COUNTS] = {

    [NGX_CHAT_COUNT_NODES] = {
        "chat_nodes", "",
        "Worker processes that serve chat." },

    [NGX_CHAT_COUNT_NODES_DRAINING] = {
        "chat_nodes_draining", "",
        "Of these, those that are told to leave and still have sessions." },

    [NGX_CHAT_COUNT_SESSIONS] = {
        "chat_sessions", "",
        "Live sessions." },

    [NGX_CHAT_COUNT_UNAUTHENTICATED] = {
        "chat_sessions_unauthenticated", "",
        "Of these, those that have not shown a token yet." },

    [NGX_CHAT_COUNT_USERS] = {
        "chat_users", "",
        "Users who have live sessions, counted per node." },

    [NGX_CHAT_COUNT_PRESENCE_REGISTERED] = {
        "chat_presence_registered", "",
        "Partitions in which nodes have a lease, counted per node." },

    [NGX_CHAT_COUNT_ROOMS] = {
        "chat_rooms", "",
        "Conversations that sessions have joined, counted per node." },

    [NGX_CHAT_COUNT_WAITING] = {
        "chat_joins_waiting", "",
        "Joins that wait for their turn to ask Redis, or for a subscription, "
        "and subscriptions to users that wait to be asked about." },

    [NGX_CHAT_COUNT_REPAIRS] = {
        "chat_repairs", "",
        "Rooms that are being compared with Redis." },

    [NGX_CHAT_COUNT_COMMAND_UP] = {
        "chat_redis_links_up", "link=\"command\"",
        "Nodes whose link to Redis is up." },

    [NGX_CHAT_COUNT_SUBSCRIBER_UP] = {
        "chat_redis_links_up", "link=\"subscriber\"",
        NULL },

    [NGX_CHAT_COUNT_JWKS_STALE] = {
        "chat_jwks_stale", "",
        "Files of chat_token_jwks that cannot be used, counted per node." },

    [NGX_CHAT_COUNT_REVOCATIONS] = {
        "chat_revocations", "",
        "Revocations that nodes know, counted per node." },

    [NGX_CHAT_COUNT_REVOCATIONS_STALE] = {
        "chat_revocations_stale", "",
        "Nodes that do not know what is revoked." },

    [NGX_CHAT_COUNT_QUEUED_BYTES] = {
        "chat_queued_bytes", "",
        "What waits in memory to be sent, in rooms and in requests." },

    [NGX_CHAT_COUNT_OVERLOAD_LEVEL] = {
        "chat_overload_level", "",
        "Overload levels of all nodes, added up; 0: all is well." },

    [NGX_CHAT_COUNT_WATCHED] = {
        "chat_presence_watched", "",
        "Users whose presence is watched, counted per node." },

    [NGX_CHAT_COUNT_WATCHERS] = {
        "chat_presence_watchers", "",
        "Those who watch them: sessions, once for each user." },

    [NGX_CHAT_COUNT_AUDIENCES] = {
        "chat_presence_conversations", "",
        "Conversations of which it is followed who is there, per node." },

    [NGX_CHAT_COUNT_LISTENERS] = {
        "chat_presence_listeners", "",
        "Sessions that are told, once for each of these conversations." },

    [NGX_CHAT_COUNT_JOINS] = {
        "chat_joins", "",
        "Conversations that sessions have joined, counted per session." },

    [NGX_CHAT_COUNT_TYPING] = {
        "chat_typing", "",
        "Of these, those in which the session types." },

    [NGX_CHAT_COUNT_OUTSTANDING] = {
        "chat_requests_outstanding", "",
        "Requests that are not answered yet." },

    [NGX_CHAT_COUNT_REDIS_PENDING] = {
        "chat_redis_pending_bytes", "",
        "Commands to Redis that are not answered yet." },

    [NGX_CHAT_COUNT_COMMAND_LOST] = {
        "chat_redis_link_lost_total", "link=\"command\"",
        "Links to Redis that were up and were lost." },

    [NGX_CHAT_COUNT_SUBSCRIBER_LOST] = {
        "chat_redis_link_lost_total", "link=\"subscriber\"",
        NULL },

    [NGX_CHAT_COUNT_GAPS] = {
        "chat_delivery_gap_total", "",
        "Rooms that had missed events, which were found and repaired." },

    [NGX_CHAT_COUNT_WATCH_GAPS] = {
        "chat_presence_gap_total", "",
        "Partitions of which changes of presence were missed, and read "
        "again." },

    [NGX_CHAT_COUNT_PRESENCE_REGISTRATIONS] = {
        "chat_presence_registrations_total", "",
        "Leases that have begun, after which all users are told again." },

    [NGX_CHAT_COUNT_PRESENCE_REPORTED] = {
        "chat_presence_reports_total", "",
        "Users whose sessions have changed, as Redis was told." },

    [NGX_CHAT_COUNT_PRESENCE_FAILURES] = {
        "chat_presence_failures_total", "",
        "Leases that could not begin or go on as presence was not served." },

    [NGX_CHAT_COUNT_WATCH_ENDED] = {
        "chat_presence_ended_total", "",
        "Subscriptions to users whom the subscriber shares nothing with any "
        "more." },

    [NGX_CHAT_COUNT_CANARY_LOST] = {
        "chat_canary_lost_total", "",
        "Changes of the canary that were stored and not heard in 5 seconds." },

    [NGX_CHAT_COUNT_CANARY_DOUBLED] = {
        "chat_canary_doubled_total", "",
        "Changes of the canary that were heard more than once." },

    [NGX_CHAT_COUNT_CANARY_UNSTORED] = {
        "chat_canary_unstored_total", "",
        "Changes of the canary that were heard and not stored in time." },

    [NGX_CHAT_COUNT_CANARY_FAILED] = {
        "chat_canary_failed_total", "",
        "Changes of the canary that were refused or got no answer." },

    [NGX_CHAT_COUNT_JWKS_LOADED] = {
        "chat_jwks_loads_total", "result=\"ok\"",
        "Changed files of chat_token_jwks that nodes have read." },

    [NGX_CHAT_COUNT_JWKS_FAILED] = {
        "chat_jwks_loads_total", "result=\"failed\"",
        NULL },

    [NGX_CHAT_COUNT_JWKS_REFRESH] = {
        "chat_jwks_refresh_total", "",
        "Requests for newer keys, since a token named one that is unknown." },

    [NGX_CHAT_COUNT_KICKED] = {
        "chat_kicked_sessions_total", "",
        "Sessions that an operator has closed." },

    [NGX_CHAT_COUNT_REVOKED_SESSIONS] = {
        "chat_revoked_sessions_total", "",
        "Sessions that were closed because their token was revoked." },

    [NGX_CHAT_COUNT_REVOKED_TOKENS] = {
        "chat_revoked_tokens_total", "",
        "Tokens that were refused because they are revoked." },

    [NGX_CHAT_COUNT_LIMITED_MAX_MESSAGE_SIZE] = {
        "chat_limited_total", "limit=\"max_message_size\"",
        "What was refused or closed because of a limit, by its directive." },

    [NGX_CHAT_COUNT_LIMITED_MAX_OUTSTANDING] = {
        "chat_limited_total", "limit=\"max_outstanding\"",
        NULL },

    [NGX_CHAT_COUNT_LIMITED_MAX_CONVERSATIONS] = {
        "chat_limited_total", "limit=\"max_conversations\"",
        NULL },

    [NGX_CHAT_COUNT_LIMITED_PRESENCE_CONVERSATIONS] = {
        "chat_limited_total", "limit=\"presence_conversations\"",
        NULL },

    [NGX_CHAT_COUNT_LIMITED_PRESENCE_USERS] = {
        "chat_limited_total", "limit=\"presence_users\"",
        NULL },

    [NGX_CHAT_COUNT_LIMITED_SEND_QUEUE] = {
        "chat_limited_total", "limit=\"send_queue\"",
        NULL },

    [NGX_CHAT_COUNT_LIMITED_DEFLATE_MAX_RATIO] = {
        "chat_limited_total", "limit=\"deflate_max_ratio\"",
        NULL },

    [NGX_CHAT_COUNT_LIMITED_HANDSHAKE_RATE] = {
        "chat_limited_total", "limit=\"handshake_rate\"",
        NULL },

    [NGX_CHAT_COUNT_LIMITED_PER_ADDRESS] = {
        "chat_limited_total", "limit=\"max_connections_per_address\"",
        NULL },

    [NGX_CHAT_COUNT_LIMITED_PER_USER] = {
        "chat_limited_total", "limit=\"max_connections_per_user\"",
        NULL },

    [NGX_CHAT_COUNT_LIMITED_UNAUTHENTICATED] = {
        "chat_limited_total", "limit=\"max_unauthenticated\"",
        NULL },

    [NGX_CHAT_COUNT_LIMITED_REQUEST_RATE] = {
        "chat_limited_total", "limit=\"request_rate\"",
        NULL },

    [NGX_CHAT_COUNT_LIMITED_MESSAGE_RATE] = {
        "chat_limited_total", "limit=\"message_rate\"",
        NULL },

    [NGX_CHAT_COUNT_LIMITED_TYPING_RATE] = {
        "chat_limited_total", "limit=\"typing_rate\"",
        NULL },

    [NGX_CHAT_COUNT_LIMITED_FRAME_RATE] = {
        "chat_limited_total", "limit=\"frame_rate\"",
        NULL },

    [NGX_CHAT_COUNT_LIMIT_ZONE_FULL] = {
        "chat_limit_zone_full_total", "",
        "Times that chat_limit_zone had no room and somebody was let in." },

    [NGX_CHAT_COUNT_TURN_CUT_FLUSH] = {
        "chat_turns_cut_total", "what=\"flush\"",
        "Turns of the event loop that left work for the next one." },

    [NGX_CHAT_COUNT_TURN_CUT_PUBLISH] = {
        "chat_turns_cut_total", "what=\"publish\"",
        NULL },

    [NGX_CHAT_COUNT_SHED_TYPING] = {
        "chat_shed_total", "what=\"typing\"",
        "What was left undone since there was too much to do." },

    [NGX_CHAT_COUNT_SHED_PRESENCE] = {
        "chat_shed_total", "what=\"presence\"",
        NULL },

    [NGX_CHAT_COUNT_SHED_RECEIPT] = {
        "chat_shed_total", "what=\"receipt\"",
        NULL },

    [NGX_CHAT_COUNT_SHED_HINT] = {
        "chat_shed_total", "what=\"hint\"",
        NULL },

    [NGX_CHAT_COUNT_SHED_HISTORY] = {
        "chat_shed_total", "what=\"history\"",
        NULL },

    [NGX_CHAT_COUNT_SHED_READER] = {
        "chat_shed_total", "what=\"reader\"",
        NULL },

    [NGX_CHAT_COUNT_SHED_HANDSHAKE] = {
        "chat_shed_total", "what=\"handshake\"",
        NULL },

    [NGX_CHAT_COUNT_COMMAND_CONNECTED] = {
        "chat_redis_link_connected_total", "link=\"command\"",
        "Links to Redis that came up." },

    [NGX_CHAT_COUNT_SUBSCRIBER_CONNECTED] = {
        "chat_redis_link_connected_total", "link=\"subscriber\"",
        NULL },

    [NGX_CHAT_COUNT_HANDSHAKES_ACCEPTED] = {
        "chat_handshakes_total", "outcome=\"accepted\"",
        "Handshakes, by what came of them." },

    NGX_CHAT_METRICS_HANDSHAKE(CHAT_CODE_BAD_REQUEST, "bad_request"),
    NGX_CHAT_METRICS_HANDSHAKE(CHAT_CODE_UNAUTHORIZED, "unauthorized"),
    NGX_CHAT_METRICS_HANDSHAKE(CHAT_CODE_FORBIDDEN, "forbidden"),
    NGX_CHAT_METRICS_HANDSHAKE(CHAT_CODE_NOT_FOUND, "not_found"),
    NGX_CHAT_METRICS_HANDSHAKE(CHAT_CODE_CONFLICT, "conflict"),
    NGX_CHAT_METRICS_HANDSHAKE(CHAT_CODE_TOO_LARGE, "too_large"),
    NGX_CHAT_METRICS_HANDSHAKE(CHAT_CODE_RATE_LIMITED, "rate_limited"),
    NGX_CHAT_METRICS_HANDSHAKE(CHAT_CODE_UNAVAILABLE, "unavailable"),
    NGX_CHAT_METRICS_HANDSHAKE(CHAT_CODE_TIMEOUT, "timeout"),
    NGX_CHAT_METRICS_HANDSHAKE(CHAT_CODE_UNSUPPORTED, "unsupported"),
    NGX_CHAT_METRICS_HANDSHAKE(CHAT_CODE_INTERNAL, "internal"),

    [NGX_CHAT_COUNT_LOST] = {
        "chat_closes_total", "by=\"none\",code=\"1006\"",
        "Sessions that ended, by who has closed them, and the close code." },

    NGX_CHAT_METRICS_CLOSE(LEFT_NORMAL, "client", "1000"),
    NGX_CHAT_METRICS_CLOSE(LEFT_GOING_AWAY, "client", "1001"),
    NGX_CHAT_METRICS_CLOSE(LEFT_NO_STATUS, "client", "1005"),
    NGX_CHAT_METRICS_CLOSE(LEFT_OTHER, "client", "other"),
    NGX_CHAT_METRICS_CLOSE(CLOSED_STOPPED, "server", "1001"),
    NGX_CHAT_METRICS_CLOSE(CLOSED_PROTOCOL, "server", "1002"),
    NGX_CHAT_METRICS_CLOSE(CLOSED_UNSUPPORTED, "server", "1003"),
    NGX_CHAT_METRICS_CLOSE(CLOSED_INVALID, "server", "1007"),
    NGX_CHAT_METRICS_CLOSE(CLOSED_TOO_BIG, "server", "1009"),
    NGX_CHAT_METRICS_CLOSE(CLOSED_INTERNAL, "server", "1011"),
    NGX_CHAT_METRICS_CLOSE(CLOSED_RESTART, "server", "1012"),
    NGX_CHAT_METRICS_CLOSE(CLOSED_OVERLOADED, "server", "1013"),
    NGX_CHAT_METRICS_CLOSE(CLOSED_UNAUTHORIZED, "server", "4401"),
    NGX_CHAT_METRICS_CLOSE(CLOSED_REVOKED, "server", "4403"),
    NGX_CHAT_METRICS_CLOSE(CLOSED_NO_HEARTBEAT, "server", "4408"),
    NGX_CHAT_METRICS_CLOSE(CLOSED_SLOW, "server", "4413"),
    NGX_CHAT_METRICS_CLOSE(CLOSED_FLOODING, "server", "4429"),
    NGX_CHAT_METRICS_CLOSE(CLOSED_OTHER, "server", "other"),

    NGX_CHAT_METRICS_REQUEST(AUTHENTICATE, "authenticate",
                             "Requests of clients, by what came of them."),
    NGX_CHAT_METRICS_REQUEST(PING, "ping", NULL),
    NGX_CHAT_METRICS_REQUEST(CONVERSATION_JOIN, "conversation.join", NULL),
    NGX_CHAT_METRICS_REQUEST(CONVERSATION_LEAVE, "conversation.leave", NULL),
    NGX_CHAT_METRICS_REQUEST(CONVERSATION_LIST, "conversation.list", NULL),
    NGX_CHAT_METRICS_REQUEST(CONVERSATION_CREATE, "conversation.create", NULL),
    NGX_CHAT_METRICS_REQUEST(CONVERSATION_UPDATE, "conversation.update", NULL),
    NGX_CHAT_METRICS_REQUEST(CONVERSATION_DELETE, "conversation.delete", NULL),
    NGX_CHAT_METRICS_REQUEST(MEMBER_ADD, "member.add", NULL),
    NGX_CHAT_METRICS_REQUEST(MEMBER_UPDATE, "member.update", NULL),
    NGX_CHAT_METRICS_REQUEST(MEMBER_REMOVE, "member.remove", NULL),
    NGX_CHAT_METRICS_REQUEST(MEMBER_LIST, "member.list", NULL),
    NGX_CHAT_METRICS_REQUEST(MESSAGE_SEND, "message.send", NULL),
    NGX_CHAT_METRICS_REQUEST(MESSAGE_EDIT, "message.edit", NULL),
    NGX_CHAT_METRICS_REQUEST(MESSAGE_DELETE, "message.delete", NULL),
    NGX_CHAT_METRICS_REQUEST(REACTION_ADD, "reaction.add", NULL),
    NGX_CHAT_METRICS_REQUEST(REACTION_REMOVE, "reaction.remove", NULL),
    NGX_CHAT_METRICS_REQUEST(HISTORY_GET, "history.get", NULL),
    NGX_CHAT_METRICS_REQUEST(READ_MARK, "read.mark", NULL),
    NGX_CHAT_METRICS_REQUEST(DELIVERED_MARK, "delivered.mark", NULL),
    NGX_CHAT_METRICS_REQUEST(TYPING_START, "typing.start", NULL),
    NGX_CHAT_METRICS_REQUEST(TYPING_STOP, "typing.stop", NULL),
    NGX_CHAT_METRICS_REQUEST(PRESENCE_SET, "presence.set", NULL),
    NGX_CHAT_METRICS_REQUEST(PRESENCE_SUBSCRIBE, "presence.subscribe", NULL),
    NGX_CHAT_METRICS_REQUEST(PRESENCE_UNSUBSCRIBE, "presence.unsubscribe",
                             NULL),
    NGX_CHAT_METRICS_REQUEST(PRESENCE_GET, "presence.get", NULL),
    NGX_CHAT_METRICS_REQUEST(UNKNOWN, "unknown", NULL),

    [NGX_CHAT_COUNT_ERRORS + CHAT_CODE_BAD_REQUEST] = {
        "chat_request_errors_total", "code=\"bad_request\"",
        "Requests that were answered with an error, by its code." },

    NGX_CHAT_METRICS_ERROR(CHAT_CODE_UNAUTHORIZED, "unauthorized"),
    NGX_CHAT_METRICS_ERROR(CHAT_CODE_FORBIDDEN, "forbidden"),
    NGX_CHAT_METRICS_ERROR(CHAT_CODE_NOT_FOUND, "not_found"),
    NGX_CHAT_METRICS_ERROR(CHAT_CODE_CONFLICT, "conflict"),
    NGX_CHAT_METRICS_ERROR(CHAT_CODE_TOO_LARGE, "too_large"),
    NGX_CHAT_METRICS_ERROR(CHAT_CODE_RATE_LIMITED, "rate_limited"),
    NGX_CHAT_METRICS_ERROR(CHAT_CODE_UNAVAILABLE, "unavailable"),
    NGX_CHAT_METRICS_ERROR(CHAT_CODE_TIMEOUT, "timeout"),
    NGX_CHAT_METRICS_ERROR(CHAT_CODE_UNSUPPORTED, "unsupported"),
    NGX_CHAT_METRICS_ERROR(CHAT_CODE_INTERNAL, "internal"),

    [NGX_CHAT_COUNT_TYPING_STARTED] = {
        "chat_typing_published_total", "event=\"started\"",
        "Times that somebody was told to type, or to have stopped." },

    [NGX_CHAT_COUNT_TYPING_STOPPED] = {
        "chat_typing_published_total", "event=\"stopped\"",
        NULL },

    [NGX_CHAT_COUNT_PUBLISHED] = {
        "chat_events_published_total", "",
        "Events of conversations that nodes have heard from Redis." },

    [NGX_CHAT_COUNT_DELIVERED] = {
        "chat_events_delivered_total", "",
        "Events that were handed to a session each." },

    [NGX_CHAT_COUNT_HINT_CREATED] = {
        "chat_hints_total", "kind=\"created\"",
        "Sessions that were told of a conversation they have not joined." },

    [NGX_CHAT_COUNT_HINT_DELETED] = {
        "chat_hints_total", "kind=\"deleted\"",
        NULL },

    [NGX_CHAT_COUNT_HINT_MEMBER] = {
        "chat_hints_total", "kind=\"member\"",
        NULL },

    [NGX_CHAT_COUNT_HINT_NOTIFICATION] = {
        "chat_hints_total", "kind=\"notification\"",
        NULL },

    [NGX_CHAT_COUNT_HINT_UNREAD] = {
        "chat_hints_total", "kind=\"unread\"",
        NULL },

    [NGX_CHAT_COUNT_HINT_OTHER] = {
        "chat_hints_total", "kind=\"other\"",
        NULL },

    [NGX_CHAT_COUNT_PRESENCE_TOLD] = {
        "chat_presence_told_total", "",
        "Changes of presence that were told to subscribed sessions." },

    [NGX_CHAT_COUNT_FRAMES_RECEIVED] = {
        "chat_frames_received_total", "",
        "WebSocket frames from clients." },

    [NGX_CHAT_COUNT_FRAMES_SENT] = {
        "chat_frames_sent_total", "",
        "WebSocket frames that left for clients." },

    [NGX_CHAT_COUNT_BYTES_RECEIVED] = {
        "chat_received_bytes_total", "",
        "Bytes of sessions from clients, without TLS." },

    [NGX_CHAT_COUNT_BYTES_SENT] = {
        "chat_sent_bytes_total", "",
        "Bytes of sessions that left for clients, without TLS." },

    [NGX_CHAT_COUNT_SENDS] = {
        "chat_sends_total", "",
        "System calls, or records of TLS, that sent something to clients." },

    [NGX_CHAT_COUNT_SESSION_LOG_FAILED] = {
        "chat_session_log_failed_total", "",
        "Lines of chat_session_log that could not be written." },
};


const ngx_chat_metric_t  ngx_chat_metrics_times[NGX_CHAT_TIMES] = {

    [NGX_CHAT_TIME_CANARY_DELIVERY] = {
        "chat_canary_delivery_seconds", "",
        "From the canary's sending of a change to its hearing of it." },

    [NGX_CHAT_TIME_CANARY_STORED] = {
        "chat_canary_stored_seconds", "",
        "From the canary's sending of a change to its being stored." },

    [NGX_CHAT_TIME_TURN] = {
        "chat_turn_seconds", "",
        "Turns of the event loop in which something was sent." },

    [NGX_CHAT_TIME_FLUSH] = {
        "chat_flush_seconds", "",
        "Of these, what was spent on sending." },

    [NGX_CHAT_TIME_HANDSHAKE] = {
        "chat_handshake_seconds", "",
        "From the beginning of a request to its 101." },

    [NGX_CHAT_TIME_REPLY_SEND] = {
        "chat_reply_seconds", "group=\"send\"",
        "From the reading of a request to its reply." },

    [NGX_CHAT_TIME_REPLY_CHANGE] = {
        "chat_reply_seconds", "group=\"change\"",
        NULL },

    [NGX_CHAT_TIME_REPLY_JOIN] = {
        "chat_reply_seconds", "group=\"join\"",
        NULL },

    [NGX_CHAT_TIME_REPLY_READ] = {
        "chat_reply_seconds", "group=\"read\"",
        NULL },

    [NGX_CHAT_TIME_REPLY_MARK] = {
        "chat_reply_seconds", "group=\"mark\"",
        NULL },

    [NGX_CHAT_TIME_DELIVERY] = {
        "chat_delivery_seconds", "",
        "From an event's coming from Redis to its having been sent." },

    [NGX_CHAT_TIME_REDIS] = {
        "chat_redis_round_trip_seconds", "",
        "From a heartbeat's leaving for Redis to the answer." },
};
