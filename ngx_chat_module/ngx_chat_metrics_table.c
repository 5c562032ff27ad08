/*
 * ngx_chat_metrics_table.c: what is counted, as Prometheus names it: one entry
 * for each counter of ngx_chat_shm.h.  Those of one name differ in their
 * labels and stand together; the first of them has the help.
 */

#include "ngx_chat.h"
#include "ngx_chat_metrics.h"


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

    [NGX_CHAT_COUNT_ROOMS] = {
        "chat_rooms", "",
        "Conversations that sessions have joined, counted per node." },

    [NGX_CHAT_COUNT_WAITING] = {
        "chat_joins_waiting", "",
        "Joins that wait for their turn to ask Redis, or for a subscription." },

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

    [NGX_CHAT_COUNT_COMMAND_LOST] = {
        "chat_redis_link_lost_total", "link=\"command\"",
        "Links to Redis that were up and were lost." },

    [NGX_CHAT_COUNT_SUBSCRIBER_LOST] = {
        "chat_redis_link_lost_total", "link=\"subscriber\"",
        NULL },

    [NGX_CHAT_COUNT_GAPS] = {
        "chat_delivery_gap_total", "",
        "Rooms that had missed events, which were found and repaired." },

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

    [NGX_CHAT_COUNT_SHED_HISTORY] = {
        "chat_shed_total", "what=\"history\"",
        NULL },

    [NGX_CHAT_COUNT_SHED_READER] = {
        "chat_shed_total", "what=\"reader\"",
        NULL },

    [NGX_CHAT_COUNT_SHED_HANDSHAKE] = {
        "chat_shed_total", "what=\"handshake\"",
        NULL },
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
};
