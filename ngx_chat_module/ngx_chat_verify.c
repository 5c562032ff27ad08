/*
 * ngx_chat_verify.c: whether a token is good.  The one door: handshakes,
 * authenticate and renewals all come here.
 */

#include "ngx_chat.h"


ngx_chat_token_result_e
ngx_chat_token_check(ngx_chat_loc_conf_t *lcf, chat_str_t text,
    chat_token_t *token, const char **reason)
{
    chat_token_check_t  check;

    ngx_memzero(&check, sizeof(chat_token_check_t));

    if (lcf->keys != NULL) {
        check.keys = lcf->keys->elts;
        check.nkeys = lcf->keys->nelts;
    }

    check.now = ngx_time();
    check.leeway = lcf->leeway;
    check.issuer = ngx_chat_str(&lcf->issuer);
    check.audience = ngx_chat_str(&lcf->audience);

    switch (chat_token_check(token, text, &check, reason)) {

    case CHAT_OK:
        return NGX_CHAT_TOKEN_GOOD;

    case CHAT_DECLINED:
        return NGX_CHAT_TOKEN_BAD;

    case CHAT_AGAIN:
    case CHAT_ERROR:
        break;
    }

    return NGX_CHAT_TOKEN_FAILED;
}
