/*
 * Names: the ids that clients may choose, and the Redis keys and channels made
 * of them.  Ids are unique within their tenant only, so that every name inside
 * a key is <tenant>/<id>; neither part can hold a slash.
 *
 *      chat:{p07}:log                       per partition
 *      chat:{p07}:c:<tenant>/<id>           channel of a conversation, and the
 *      chat:{p07}:c:<tenant>/<id>:meta      base of its keys
 *
 * The tag in braces keeps a partition in one slot of Redis Cluster.
 */

#ifndef CHAT_NAME_H
#define CHAT_NAME_H


#include "chat_rc.h"


#define CHAT_NAME_MAX_ID            64
#define CHAT_NAME_MAX_EMOJI         64      /* bytes */
#define CHAT_NAME_MAX_QUALIFIED     (2 * CHAT_NAME_MAX_ID + 1)
#define CHAT_NAME_MAX_BASE          (sizeof("chat:{p00}:c:") - 1              \
                                     + CHAT_NAME_MAX_QUALIFIED)
#define CHAT_NAME_PREFIX_LEN        (sizeof("chat:{p00}:") - 1)
#define CHAT_NAME_DM_LEN            35      /* "dm:" and 32 hex digits */


/* 1 to 64 characters from A-Z a-z 0-9 _ . : @ - (contract: terms) */
bool chat_name_valid(chat_str_t id);

/* the same, or the tenant of what the system does for itself: no token can
   name that one */
#define CHAT_NAME_OWN_TENANT  "~"

bool chat_name_valid_tenant(chat_str_t tenant);

/* 1 to 64 printable ASCII characters without space: the ids that clients and
   issuers of tokens make up and we only compare */
bool chat_name_valid_opaque(chat_str_t id);

/* UTF-8 without control characters (U+0000-1F, U+007F-9F): names that people
   read; their length is the caller's business */
bool chat_name_printable(chat_str_t text);

/*
 * What a reaction consists of: 1 to 64 bytes of such UTF-8 without white space,
 * quotes and backslashes, so that it is the same in JSON as it is.
 */
bool chat_name_valid_emoji(chat_str_t text);

/*
 * The partition of a conversation: CRC-32 (IEEE 802.3, as in zlib) of
 * "<tenant>/<id>", modulo the number of partitions, 1 to 64.
 */
unsigned chat_name_partition(chat_str_t tenant, chat_str_t id,
    unsigned partitions);
unsigned chat_name_partition_qualified(chat_str_t qualified,
    unsigned partitions);

/* "chat:{p07}:" ; returns the length, CHAT_NAME_PREFIX_LEN */
size_t chat_name_prefix(uint8_t dst[CHAT_NAME_PREFIX_LEN], unsigned partition);

/* "chat:{p07}:c:<tenant>/<id>"; returns the length */
size_t chat_name_base(uint8_t dst[CHAT_NAME_MAX_BASE], unsigned partition,
    chat_str_t tenant, chat_str_t id);

/*
 * The id of the dm between two users, the same from both sides: "dm:" and the
 * first 128 bits of SHA-256 over the two ids in byte order with a zero byte
 * between them.  A user may talk to itself.  CHAT_ERROR: out of memory.
 */
CHAT_MUST_CHECK chat_rc_e chat_name_dm(uint8_t dst[CHAT_NAME_DM_LEN],
    chat_str_t user_a, chat_str_t user_b);


#endif /* CHAT_NAME_H */
