/*
 * Needs for events and history: their statements and answers.
 *
 *      range <need> ok <complete: 1 or 0> <revision reached>
 *      <revision> <sequence> <what> <length>
 *      <text>
 *      ...
 *
 * The text is an event, or the data of a message; what tells a node what to do
 * besides handing it out, see redis/chat.lua.  Each answer is made of the
 * result of one statement, hence of one snapshot: the position that is reached
 * and the events up to it belong together.
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


/* history.c */
CHAT_MUST_CHECK int history_send(persist_t *p, const need_t *need,
    db_params_t *ps);


/* the payload as it grows */

typedef struct {
    const need_t  *need;
    mem_buf_t      text;        /* of the next line */
    mem_buf_t      lines;
    uint64_t       bytes;       /* of texts alone */
    uint64_t       revision;    /* of the last line */
} range_t;


/* adds r->text with what is before it in the line; false: there are lines and
   it does not fit */
bool range_add(range_t *r, uint64_t revision, uint64_t sequence,
    const char *what);

/* leaves the call in p->args, and is done with r */
void range_answer(persist_t *p, range_t *r, bool complete, uint64_t revision);


#endif /* RANGE_H */
