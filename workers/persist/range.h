/*
 * Needs for events and history: their statements and answers.
 */

#ifndef RANGE_H
#define RANGE_H


#include "need.h"


/* ps begins with tenant, conversation and partition */
CHAT_MUST_CHECK int range_send(persist_t *p, const need_t *need,
    db_params_t *ps);

/* each leaves a call in p->args */
void range_make_events(persist_t *p, const need_t *need, const PGresult *res);
void range_make_history(persist_t *p, const need_t *need,
    const PGresult *res);
void range_make_error(persist_t *p, const need_t *need);


#endif /* RANGE_H */
