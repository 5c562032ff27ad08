/*
 * base64url as RFC 7515 uses it, and in one form only: no padding, no white
 * space, and the bits that are left over at the end are zero.  So no two texts
 * stand for the same bytes.
 */

#ifndef CHAT_BASE64_H
#define CHAT_BASE64_H


#include "chat_rc.h"


#define CHAT_BASE64_LEN(n)  (((n) * 4 + 2) / 3)


/* ERROR: not base64url, or more than size bytes */
CHAT_MUST_CHECK chat_rc_e chat_base64_decode(chat_str_t text, uint8_t *dst,
    size_t size, size_t *len);

/* writes CHAT_BASE64_LEN(bytes.len) bytes, and returns how many these are */
size_t chat_base64_encode(chat_str_t bytes, uint8_t *dst);


#endif /* CHAT_BASE64_H */
