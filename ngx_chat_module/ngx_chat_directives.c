/*
 * ngx_chat_directives.c: the directives, and what their values may be.  Those
 * that take more than one word are read in ngx_chat_conf.c and its like;
 * defaults and inheritance are in ngx_chat_module.c.
 */

#include "ngx_chat.h"


#define NGX_CHAT_ANY_CONF  (NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF              \
                            |NGX_HTTP_LOC_CONF)


static ngx_chat_conf_range_t  ngx_chat_partitions_range =
    { ngx_chat_conf_check_num, "chat_partitions", 1, CHAT_ID_MAX_PARTITIONS,
      "1 and 64" };

static ngx_chat_conf_range_t  ngx_chat_compare_interval_range =
    { ngx_chat_conf_check_msec, "chat_compare_interval", 1000,
      60 * 60 * 1000, "1s and 1h" };

static ngx_chat_conf_range_t  ngx_chat_drain_time_range =
    { ngx_chat_conf_check_msec, "chat_drain_time", 0, 10 * 60 * 1000,
      "0s and 10m" };

static ngx_chat_conf_range_t  ngx_chat_limit_zone_range =
    { ngx_chat_conf_check_size, "chat_limit_zone", 64 * 1024,
      1024 * 1024 * 1024, "64k and 1024m" };

static ngx_chat_conf_range_t  ngx_chat_node_queue_range =
    { ngx_chat_conf_check_size, "chat_node_queue", 64 * 1024,
      (size_t) 65536 * 1024 * 1024, "64k and 65536m" };

static ngx_chat_conf_range_t  ngx_chat_node_lag_range =
    { ngx_chat_conf_check_msec, "chat_node_lag", 10, 60 * 1000,
      "10ms and 1m" };

static ngx_chat_conf_range_t  ngx_chat_max_message_size_range =
    { ngx_chat_conf_check_size, "chat_max_message_size", 1024,
      NGX_CHAT_MAX_ECHO_MESSAGE, "1k and 16m" };

static ngx_chat_conf_range_t  ngx_chat_deflate_max_ratio_range =
    { ngx_chat_conf_check_num, "chat_deflate_max_ratio", 10, 1032,
      "10 and 1032" };

static ngx_chat_conf_range_t  ngx_chat_send_queue_range =
    { ngx_chat_conf_check_size, "chat_send_queue", 16 * 1024,
      64 * 1024 * 1024, "16k and 64m" };

static ngx_chat_conf_range_t  ngx_chat_sndbuf_range =
    { ngx_chat_conf_check_size, "chat_sndbuf", 0, 16 * 1024 * 1024,
      "0 and 16m" };

static ngx_chat_conf_range_t  ngx_chat_max_outstanding_range =
    { ngx_chat_conf_check_num, "chat_max_outstanding", 1, 10000,
      "1 and 10000" };

static ngx_chat_conf_range_t  ngx_chat_max_conversations_range =
    { ngx_chat_conf_check_num, "chat_max_conversations", 1, 100000,
      "1 and 100000" };

static ngx_chat_conf_range_t  ngx_chat_presence_members_range =
    { ngx_chat_conf_check_num, "chat_presence_members", 0, 5000,
      "0 and 5000" };

static ngx_chat_conf_range_t  ngx_chat_presence_batch_range =
    { ngx_chat_conf_check_num, "chat_presence_batch", 0, 5000,
      "0 and 5000" };

static ngx_chat_conf_range_t  ngx_chat_presence_conversations_range =
    { ngx_chat_conf_check_num, "chat_presence_conversations", 0, 100000,
      "0 and 100000" };

static ngx_chat_conf_range_t  ngx_chat_presence_users_range =
    { ngx_chat_conf_check_num, "chat_presence_users", 1, 100000,
      "1 and 100000" };

static ngx_chat_conf_range_t  ngx_chat_max_members_range =
    { ngx_chat_conf_check_num, "chat_max_members", 2, 10000, "2 and 10000" };

static ngx_chat_conf_range_t  ngx_chat_max_reactions_range =
    { ngx_chat_conf_check_num, "chat_max_reactions", 1, 10000,
      "1 and 10000" };

static ngx_chat_conf_range_t  ngx_chat_max_mentions_range =
    { ngx_chat_conf_check_num, "chat_max_mentions", 0, 200, "0 and 200" };

static ngx_chat_conf_range_t  ngx_chat_max_attachments_range =
    { ngx_chat_conf_check_num, "chat_max_attachments", 0, 50, "0 and 50" };

static ngx_chat_conf_range_t  ngx_chat_typing_members_range =
    { ngx_chat_conf_check_num, "chat_typing_members", 0, 10000,
      "0 and 10000" };

static ngx_chat_conf_range_t  ngx_chat_auth_timeout_range =
    { ngx_chat_conf_check_msec, "chat_auth_timeout", 100, 5 * 60 * 1000,
      "100ms and 5m" };

static ngx_chat_conf_range_t  ngx_chat_request_timeout_range =
    { ngx_chat_conf_check_msec, "chat_request_timeout", 100, 60 * 1000,
      "100ms and 1m" };

static ngx_chat_conf_range_t  ngx_chat_ping_interval_range =
    { ngx_chat_conf_check_msec, "chat_ping_interval", 100, 60 * 60 * 1000,
      "100ms and 1h" };

static ngx_chat_conf_range_t  ngx_chat_ping_timeout_range =
    { ngx_chat_conf_check_msec, "chat_ping_timeout", 100, 60 * 60 * 1000,
      "100ms and 1h" };

static ngx_chat_conf_range_t  ngx_chat_away_time_range =
    { ngx_chat_conf_check_msec, "chat_away_time", 0, 24 * 60 * 60 * 1000,
      "0s and 24h" };

static ngx_chat_conf_range_t  ngx_chat_token_leeway_range =
    { ngx_chat_conf_check_sec, "chat_token_leeway", 0, 5 * 60, "0s and 5m" };


static ngx_conf_enum_t  ngx_chat_revoke_stales[] = {
    { ngx_string("accept"), NGX_CHAT_REVOKE_ACCEPT },
    { ngx_string("refuse"), NGX_CHAT_REVOKE_REFUSE },
    { ngx_null_string, 0 }
};

static ngx_conf_enum_t  ngx_chat_acks[] = {
    { ngx_string("accepted"), NGX_CHAT_ACK_ACCEPTED },
    { ngx_string("stored"), NGX_CHAT_ACK_STORED },
    { ngx_null_string, 0 }
};


ngx_command_t  ngx_chat_commands[] = {

    { ngx_string("chat_redis"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_1MORE,
      ngx_chat_conf_redis,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("chat_partitions"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_num_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_chat_main_conf_t, partitions),
      &ngx_chat_partitions_range },

    { ngx_string("chat_compare_interval"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_chat_main_conf_t, compare_interval),
      &ngx_chat_compare_interval_range },

    { ngx_string("chat_node_queue"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_size_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_chat_main_conf_t, node_queue),
      &ngx_chat_node_queue_range },

    { ngx_string("chat_node_lag"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_chat_main_conf_t, node_lag),
      &ngx_chat_node_lag_range },

    { ngx_string("chat_canary"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_chat_conf_canary,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("chat_drain_time"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_chat_main_conf_t, drain_time),
      &ngx_chat_drain_time_range },

    { ngx_string("chat_presence"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_chat_main_conf_t, presence),
      NULL },

    { ngx_string("chat_websocket"),
      NGX_CHAT_ANY_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_chat_loc_conf_t, websocket),
      NULL },

    { ngx_string("chat_echo"),
      NGX_CHAT_ANY_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_chat_loc_conf_t, echo),
      NULL },

    { ngx_string("chat_auth"),
      NGX_CHAT_ANY_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_chat_loc_conf_t, auth),
      NULL },

    { ngx_string("chat_health"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_chat_conf_health,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("chat_status"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS|NGX_CONF_TAKE1,
      ngx_chat_conf_status,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("chat_session_log"),
      NGX_CHAT_ANY_CONF|NGX_CONF_TAKE1,
      ngx_chat_session_log_conf,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("chat_token_key"),
      NGX_CHAT_ANY_CONF|NGX_CONF_2MORE,
      ngx_chat_conf_token_key,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("chat_token_jwks"),
      NGX_CHAT_ANY_CONF|NGX_CONF_TAKE12,
      ngx_chat_conf_token_jwks,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("chat_token_issuer"),
      NGX_CHAT_ANY_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_chat_loc_conf_t, issuer),
      NULL },

    { ngx_string("chat_token_audience"),
      NGX_CHAT_ANY_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_chat_loc_conf_t, audience),
      NULL },

    { ngx_string("chat_token_leeway"),
      NGX_CHAT_ANY_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_sec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_chat_loc_conf_t, leeway),
      &ngx_chat_token_leeway_range },

    { ngx_string("chat_token_cookie"),
      NGX_CHAT_ANY_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_chat_loc_conf_t, token_cookie),
      NULL },

    { ngx_string("chat_token_query"),
      NGX_CHAT_ANY_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_chat_loc_conf_t, token_query),
      NULL },

    { ngx_string("chat_origin"),
      NGX_CHAT_ANY_CONF|NGX_CONF_1MORE,
      ngx_chat_conf_origin,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("chat_revoke_stale"),
      NGX_CHAT_ANY_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_chat_loc_conf_t, revoke_stale),
      ngx_chat_revoke_stales },

    { ngx_string("chat_auth_timeout"),
      NGX_CHAT_ANY_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_chat_loc_conf_t, auth_timeout),
      &ngx_chat_auth_timeout_range },

    { ngx_string("chat_request_timeout"),
      NGX_CHAT_ANY_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_chat_loc_conf_t, request_timeout),
      &ngx_chat_request_timeout_range },

    { ngx_string("chat_ping_interval"),
      NGX_CHAT_ANY_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_chat_loc_conf_t, ping_interval),
      &ngx_chat_ping_interval_range },

    { ngx_string("chat_ping_timeout"),
      NGX_CHAT_ANY_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_chat_loc_conf_t, ping_timeout),
      &ngx_chat_ping_timeout_range },

    { ngx_string("chat_away_time"),
      NGX_CHAT_ANY_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_chat_loc_conf_t, away_time),
      &ngx_chat_away_time_range },

    { ngx_string("chat_max_message_size"),
      NGX_CHAT_ANY_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_size_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_chat_loc_conf_t, max_message_set),
      &ngx_chat_max_message_size_range },

    { ngx_string("chat_deflate"),
      NGX_CHAT_ANY_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_chat_loc_conf_t, deflate),
      NULL },

    { ngx_string("chat_deflate_min_length"),
      NGX_CHAT_ANY_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_size_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_chat_loc_conf_t, deflate_min_length),
      NULL },

    { ngx_string("chat_deflate_max_ratio"),
      NGX_CHAT_ANY_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_num_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_chat_loc_conf_t, deflate_max_ratio),
      &ngx_chat_deflate_max_ratio_range },

    { ngx_string("chat_send_queue"),
      NGX_CHAT_ANY_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_size_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_chat_loc_conf_t, send_queue),
      &ngx_chat_send_queue_range },

    { ngx_string("chat_sndbuf"),
      NGX_CHAT_ANY_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_size_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_chat_loc_conf_t, sndbuf),
      &ngx_chat_sndbuf_range },

    { ngx_string("chat_max_outstanding"),
      NGX_CHAT_ANY_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_num_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_chat_loc_conf_t, max_outstanding),
      &ngx_chat_max_outstanding_range },

    { ngx_string("chat_max_conversations"),
      NGX_CHAT_ANY_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_num_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_chat_loc_conf_t, max_conversations),
      &ngx_chat_max_conversations_range },

    { ngx_string("chat_presence_members"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_num_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_chat_main_conf_t, presence_members),
      &ngx_chat_presence_members_range },

    { ngx_string("chat_presence_batch"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_num_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_chat_main_conf_t, presence_batch),
      &ngx_chat_presence_batch_range },

    { ngx_string("chat_presence_conversations"),
      NGX_CHAT_ANY_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_num_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_chat_loc_conf_t, presence_conversations),
      &ngx_chat_presence_conversations_range },

    { ngx_string("chat_presence_users"),
      NGX_CHAT_ANY_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_num_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_chat_loc_conf_t, presence_users),
      &ngx_chat_presence_users_range },

    { ngx_string("chat_limit_zone"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_size_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_chat_main_conf_t, limit_zone_size),
      &ngx_chat_limit_zone_range },

    { ngx_string("chat_handshake_rate"),
      NGX_CHAT_ANY_CONF|NGX_CONF_TAKE12,
      ngx_chat_limit_conf_rate,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_chat_loc_conf_t, limit.handshake_rate),
      NULL },

    { ngx_string("chat_max_connections_per_address"),
      NGX_CHAT_ANY_CONF|NGX_CONF_TAKE1,
      ngx_chat_limit_conf_max,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_chat_loc_conf_t, limit.max_per_address),
      NULL },

    { ngx_string("chat_max_connections_per_user"),
      NGX_CHAT_ANY_CONF|NGX_CONF_TAKE1,
      ngx_chat_limit_conf_max,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_chat_loc_conf_t, limit.max_per_user),
      NULL },

    { ngx_string("chat_max_unauthenticated"),
      NGX_CHAT_ANY_CONF|NGX_CONF_TAKE1,
      ngx_chat_limit_conf_max,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_chat_loc_conf_t, limit.max_unauthenticated),
      NULL },

    { ngx_string("chat_request_rate"),
      NGX_CHAT_ANY_CONF|NGX_CONF_TAKE12,
      ngx_chat_limit_conf_rate,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_chat_loc_conf_t, limit.request_rate),
      NULL },

    { ngx_string("chat_message_rate"),
      NGX_CHAT_ANY_CONF|NGX_CONF_TAKE12,
      ngx_chat_limit_conf_rate,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_chat_loc_conf_t, limit.message_rate),
      NULL },

    { ngx_string("chat_typing_rate"),
      NGX_CHAT_ANY_CONF|NGX_CONF_TAKE12,
      ngx_chat_limit_conf_rate,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_chat_loc_conf_t, limit.typing_rate),
      NULL },

    { ngx_string("chat_frame_rate"),
      NGX_CHAT_ANY_CONF|NGX_CONF_TAKE12,
      ngx_chat_limit_conf_rate,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_chat_loc_conf_t, limit.frame_rate),
      NULL },

    { ngx_string("chat_max_members"),
      NGX_CHAT_ANY_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_num_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_chat_loc_conf_t, max_members),
      &ngx_chat_max_members_range },

    { ngx_string("chat_max_reactions"),
      NGX_CHAT_ANY_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_num_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_chat_loc_conf_t, max_reactions),
      &ngx_chat_max_reactions_range },

    { ngx_string("chat_max_mentions"),
      NGX_CHAT_ANY_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_num_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_chat_loc_conf_t, max_mentions),
      &ngx_chat_max_mentions_range },

    { ngx_string("chat_max_attachments"),
      NGX_CHAT_ANY_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_num_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_chat_loc_conf_t, max_attachments),
      &ngx_chat_max_attachments_range },

    { ngx_string("chat_typing_members"),
      NGX_CHAT_ANY_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_num_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_chat_loc_conf_t, typing_members),
      &ngx_chat_typing_members_range },

    { ngx_string("chat_ack"),
      NGX_CHAT_ANY_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_chat_loc_conf_t, ack),
      ngx_chat_acks },

      ngx_null_command
};
