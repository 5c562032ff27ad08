#ifndef VERIFY_MEMBER_H
#define VERIFY_MEMBER_H


#include "verify.h"


/* a member as Redis has it; a slice of what was read */

typedef struct {
    chat_str_t  role;
    uint64_t    read;
    uint64_t    delivered;
} verify_member_t;


/* -1: it makes no sense */
CHAT_MUST_CHECK int verify_member_read(verify_member_t *m, chat_str_t text);

bool verify_member_is(const verify_member_t *m, const char *role);

/* Whether PostgreSQL has another role of the member, or other marks if they
   count, while Redis still has this (empty: no member), and nothing of it is
   under way.  1: yes, 0: no, or it does not hold still, -1: a link failed */
CHAT_MUST_CHECK int verify_member_differs(verify_t *v, chat_str_t user,
    chat_str_t value, bool marks);


#endif /* VERIFY_MEMBER_H */
