/*
 * Sharing the partitions with others.
 */

#ifndef SHARE_H
#define SHARE_H


#include "persist.h"


#define SHARE_STREAM  "chat:handover"


/* parts of lease_keep(): the rows of who is gone go; ours tells that we are
   there, which has to come before anything is claimed; how many partitions
   should be ours */
CHAT_MUST_CHECK int share_send_sweep(persist_t *p);
CHAT_MUST_CHECK int share_send_alive(persist_t *p);
CHAT_MUST_CHECK int share_send_ask(persist_t *p);

/* gives away what is too much; nothing may be on its way on either link */
CHAT_MUST_CHECK int share_keep(persist_t *p);

/* somebody gave something away */
CHAT_MUST_CHECK int share_take(persist_t *p, const redisReply *entries);

/* gives away everything, for good */
void share_leave(persist_t *p);


#endif /* SHARE_H */
