/*
 * The claims of a token.  For chat_token.c alone.
 */

#ifndef CHAT_TOKEN_CLAIMS_H
#define CHAT_TOKEN_CLAIMS_H


#include "chat_json.h"
#include "chat_token.h"


/* what is wrong with them, or NULL; claims is an object */
const char *chat_token_read_claims(chat_token_t *token,
    const chat_json_t *claims, const chat_token_check_t *check);


#endif /* CHAT_TOKEN_CLAIMS_H */
