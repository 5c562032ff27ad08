/*
 * UUIDs as the sixteen bytes that PostgreSQL keeps.
 */

#ifndef UUID_H
#define UUID_H


#include <stdint.h>

#include "chat_rc.h"


#define UUID_LEN  16


/* the usual form, 8-4-4-4-12 hex digits; -1: it is not */
CHAT_MUST_CHECK int uuid_parse(uint8_t uuid[UUID_LEN], chat_str_t text);


#endif /* UUID_H */
