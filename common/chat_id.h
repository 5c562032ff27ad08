/*
 * UUIDv7 (RFC 9562, 5.7).  Ids that the server makes carry the partition of
 * their conversation in the upper six bits of rand_a, so that a message id
 * alone finds its table:
 *
 *      48 bits  milliseconds since 1970
 *       4 bits  version, 7
 *       6 bits  partition           \ rand_a
 *       6 bits  random              /
 *       2 bits  variant, 10
 *      62 bits  random
 */

#ifndef CHAT_ID_H
#define CHAT_ID_H


#include "chat_rc.h"


#define CHAT_ID_LEN             36      /* as text */
#define CHAT_ID_MAX_PARTITIONS  64
#define CHAT_ID_MAX_TIME        ((UINT64_C(1) << 48) - 1)


/* random: ten bytes from the caller's generator (68 bits are used) */
void chat_id_make(uint8_t text[CHAT_ID_LEN], uint64_t ms, unsigned partition,
    const uint8_t random[10]);

/*
 * The time of a UUIDv7 in its usual form (8-4-4-4-12 hex digits of either
 * case), whoever made it.  DECLINED: it is none.
 */
CHAT_MUST_CHECK chat_rc_e chat_id_time(chat_str_t text, uint64_t *ms);

/*
 * Whether it is a UUID, of whichever version, in the form that this server
 * and PostgreSQL write: 8-4-4-4-12 hex digits in lower case.
 */
bool chat_id_valid(chat_str_t text);

/* the partition in an id made here; DECLINED: not a UUIDv7 */
CHAT_MUST_CHECK chat_rc_e chat_id_partition(chat_str_t text,
    unsigned *partition);


#endif /* CHAT_ID_H */
