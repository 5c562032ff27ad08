/*
 * A bucket of tokens that is one number: the time at which it will be full.
 *
 * The generic cell rate algorithm (ITU-T I.371, annex A; "theoretical arrival
 * time"): each token that is taken moves that time on by what one token needs
 * to grow, and there is none left when it lies further ahead than the whole
 * burst needs.  A time that has passed says nothing, so a bucket that nobody
 * has used for a while is the same as one that never was.
 *
 * Times are microseconds of any clock that is the same for all users of a
 * bucket.
 */

#ifndef CHAT_LIMIT_H
#define CHAT_LIMIT_H


#include "chat_rc.h"


#define CHAT_LIMIT_MAX_RATE   1000000       /* a second or a minute */
#define CHAT_LIMIT_MAX_BURST  1000000


typedef struct {
    uint64_t   interval;                /* in which one grows; 0: no limit */
    uint64_t   depth;                   /* in which the burst does */
} chat_limit_t;


/* so many tokens in so many microseconds, and burst of them at once; ERROR:
   one of them is 0, or the numbers are too large */
CHAT_MUST_CHECK chat_rc_e chat_limit_set(chat_limit_t *limit, uint64_t tokens,
    uint64_t period, uint64_t burst);

/* takes n tokens, at most all: *full is moved on.  DECLINED: there are not so
   many, nothing is taken, and there will be after *wait */
CHAT_MUST_CHECK chat_rc_e chat_limit_take(const chat_limit_t *limit,
    uint64_t *full, uint64_t now, uint64_t n, uint64_t *wait);


#endif /* CHAT_LIMIT_H */
