/*
 * ngx_chat_verify.c: whether a token is good.  The one door: handshakes,
 * authenticate and renewals all come here.
 */

#include "ngx_chat.h"


static const ngx_chat_verdict_t  ngx_chat_token_verdicts[] = {

    [NGX_CHAT_TOKEN_GOOD] = { .name = "ok" },

    [NGX_CHAT_TOKEN_BAD] = {
        .name = "invalid",
        .status = NGX_HTTP_UNAUTHORIZED,
        .code = CHAT_CODE_UNAUTHORIZED,
        .message = "the token is not valid",
        .close_code = NGX_CHAT_CLOSE_UNAUTHORIZED,
        .close_reason = "invalid token"
    },

    [NGX_CHAT_TOKEN_REVOKED] = {
        .name = "revoked",
        .status = NGX_HTTP_FORBIDDEN,
        .code = CHAT_CODE_FORBIDDEN,
        .message = "the token is revoked",
        .close_code = NGX_CHAT_CLOSE_REVOKED,
        .close_reason = "revoked"
    },

    [NGX_CHAT_TOKEN_UNSURE] = {
        .name = "unavailable",
        .status = NGX_HTTP_SERVICE_UNAVAILABLE,
        .code = CHAT_CODE_UNAVAILABLE,
        .message = "the token cannot be checked now",
        .close_code = NGX_CHAT_CLOSE_OVERLOADED,
        .close_reason = "the token cannot be checked now"
    },

    [NGX_CHAT_TOKEN_FAILED] = {
        .name = "error",
        .status = NGX_HTTP_INTERNAL_SERVER_ERROR,
        .code = CHAT_CODE_INTERNAL,
        .message = "the token could not be checked",
        .close_code = NGX_CHAT_CLOSE_INTERNAL,
        .close_reason = "the token could not be checked"
    },
};


const ngx_chat_verdict_t *
ngx_chat_token_verdict(ngx_chat_token_result_e result)
{
    return &ngx_chat_token_verdicts[result];
}


ngx_chat_token_result_e
ngx_chat_token_check(ngx_chat_loc_conf_t *lcf, chat_str_t text,
    chat_token_t *token, const char **reason)
{
    chat_token_check_t     check;
    ngx_chat_main_conf_t  *mcf;

    ngx_memzero(&check, sizeof(chat_token_check_t));

    if (lcf->keys != NULL) {
        check.keys = lcf->keys->elts;
        check.nkeys = lcf->keys->nelts;
    }

    if (lcf->jwks != NULL) {
        check.jwks = lcf->jwks->set;
    }

    check.now = ngx_time();
    check.leeway = lcf->leeway;
    check.issuer = ngx_chat_str(&lcf->issuer);
    check.audience = ngx_chat_str(&lcf->audience);

    switch (chat_token_check(token, text, &check, reason)) {

    case CHAT_OK:
        mcf = ngx_http_cycle_get_module_main_conf(ngx_cycle, ngx_chat_module);

        if (mcf->node == NULL && mcf->redis.len > 0) {
            *reason = "this process cannot know what is revoked";
            return NGX_CHAT_TOKEN_UNSURE;
        }

        return ngx_chat_revoke_judge(mcf, lcf, token, reason);

    case CHAT_DECLINED:

        if (check.unknown_kid && lcf->jwks != NULL) {
            ngx_chat_jwks_ask(lcf->jwks);
        }

        return NGX_CHAT_TOKEN_BAD;

    case CHAT_AGAIN:
    case CHAT_ERROR:
        break;
    }

    return NGX_CHAT_TOKEN_FAILED;
}
