/*
 * How a user is: what it may choose to be, and what others see of it.
 */

#ifndef CHAT_PRESENCE_H
#define CHAT_PRESENCE_H


#include "chat_rc.h"


typedef enum {
    CHAT_PRESENCE_ONLINE,
    CHAT_PRESENCE_AWAY,
    CHAT_PRESENCE_BUSY,
    CHAT_PRESENCE_INVISIBLE,            /* a choice: others see offline */
    CHAT_PRESENCE_OFFLINE               /* what others see; never a choice */
} chat_presence_e;


const char *chat_presence_name(chat_presence_e presence);

/* as Redis has it: one of o a b i f */
char chat_presence_letter(chat_presence_e presence);

/* CHAT_ERROR: it is none of these */
CHAT_MUST_CHECK chat_rc_e chat_presence_read(chat_presence_e *presence,
    char letter);


#endif /* CHAT_PRESENCE_H */
