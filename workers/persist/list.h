/*
 * The conversations of a user, as they are at this moment.
 *
 * Members, last messages and counts come from PostgreSQL, from one snapshot
 * that holds everything that was accepted before the need was read; marks,
 * which are stored later, from Redis.
 */

#ifndef LIST_H
#define LIST_H


#include "need.h"


CHAT_MUST_CHECK int list_send(persist_t *p, const need_t *need);

/* whether the snapshot has what the need waits for; its first column says how
   far each partition is stored, a line each */
bool list_is_new_enough(const persist_t *p, const need_t *need,
    const PGresult *res);

/* asks Redis for the marks; then reads them and leaves the call that answers
   in p->args */
CHAT_MUST_CHECK int list_ask(persist_t *p, const need_t *need,
    const PGresult *res);
CHAT_MUST_CHECK int list_make(persist_t *p, const need_t *need,
    const PGresult *res);


#endif /* LIST_H */
