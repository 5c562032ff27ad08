/*
 * With which users a user shares a conversation, and so may learn whether they
 * are there: a dm or a group that is not deleted, of which both are members and
 * neither is blocked.  Like a list it is of all partitions, and read from one
 * snapshot that holds everything that was accepted before the need was read.
 */

#ifndef SHARED_H
#define SHARED_H


#include "need.h"


CHAT_MUST_CHECK int shared_send(persist_t *p, const need_t *need);

/* leaves the call that answers in p->args: a digit for each user asked about,
   in their order, 1 or 0 */
void shared_make(persist_t *p, const need_t *need, const PGresult *res);


#endif /* SHARED_H */
