/*
 * Numbers in texts of others: decimal digits and nothing else.
 */

#ifndef NUMBER_H
#define NUMBER_H


#include <stdint.h>

#include "chat_rc.h"


/* -1: not a number, or above max */
CHAT_MUST_CHECK int number_parse(chat_str_t text, uint64_t max, uint64_t *n);


#endif /* NUMBER_H */
