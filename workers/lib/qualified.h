/*
 * Names inside keys and logs: "<tenant>/<id>".
 */

#ifndef QUALIFIED_H
#define QUALIFIED_H


#include "chat_rc.h"


/* -1: there is no slash, or a part is not a valid id */
CHAT_MUST_CHECK int qualified_split(chat_str_t text, chat_str_t *tenant,
    chat_str_t *id);


#endif /* QUALIFIED_H */
