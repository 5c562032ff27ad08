/*
 * How many are there, in conversations with many members: redis/audience.lua.
 */

#ifndef COUNT_H
#define COUNT_H


#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chat_name.h"
#include "chat_rc.h"


#define COUNT_QUEUE  256


typedef struct {
    unsigned   p;
    size_t     len;
    uint8_t    base[CHAT_NAME_MAX_BASE];
} count_base_t;


/* members of the first one are counted up to the cursor */

typedef struct {
    uint64_t       interval;            /* s; between two counts of one */
    uint64_t       link;                /* on which all of this was told */
    uint64_t       ask_at;              /* when to ask what is to be counted */
    count_base_t   queue[COUNT_QUEUE];
    size_t         next;
    size_t         n;
    char           cursor[CHAT_NAME_MAX_ID + 2];
    uint64_t       online;
} count_t;


struct presence_s;


/* a part of what there is to be counted; a job, see presence.h */
CHAT_MUST_CHECK int count_keep(struct presence_s *p);


#endif /* COUNT_H */
