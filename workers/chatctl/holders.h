/*
 * Whether chat-presence is there, for those who look at everything.
 */

#ifndef HOLDERS_H
#define HOLDERS_H


#include "chatctl.h"


typedef struct {
    uint64_t  programs;         /* chat-presences that have told so lately */
    unsigned  used;             /* partitions that one has ever opened */
    unsigned  held;             /* those that are open and held now */
} holders_t;


/* of n partitions.  -1: the link is closed */
CHAT_MUST_CHECK int holders_read(holders_t *h, redis_t *redis, unsigned n);


#endif /* HOLDERS_H */
