/*
 * The request authenticate: the first token of a session, or a newer one.
 */

#include "ngx_chat.h"


static void ngx_chat_authenticate_failed(ngx_chat_session_t *s,
    chat_request_t *rq, const char *reason);
static ngx_int_t ngx_chat_authenticate_renew(ngx_chat_session_t *s,
    chat_request_t *rq, const chat_token_t *token);


void
ngx_chat_authenticate(ngx_chat_session_t *s, chat_request_t *rq)
{
    size_t         len;
    u_char         text[CHAT_TOKEN_MAX_LEN];
    ngx_int_t      rc;
    const char    *reason;
    chat_token_t   token;

    len = 0;

    if (chat_json_get_string(&rq->token, text, sizeof(text), &len) != CHAT_OK) {
        rc = NGX_DECLINED;
        reason = "token is too long";

    } else {
        rc = ngx_chat_token_check(s->conf, (chat_str_t) { text, len }, &token,
                                  &reason);
    }

    ngx_explicit_memzero(text, sizeof(text));

    if (rc == NGX_OK) {
        rc = ngx_chat_authenticate_renew(s, rq, &token);
        ngx_explicit_memzero(&token, sizeof(token));

        if (rc == NGX_OK) {
            ngx_chat_session_authenticated(s, rq->has_id ? &rq->id : NULL);
            ngx_chat_session_schedule(s);
        }

        return;
    }

    ngx_explicit_memzero(&token, sizeof(token));

    if (rc == NGX_ERROR) {
        ngx_log_error(NGX_LOG_ERR, s->connection->log, 0,
                      "chat: cannot check a token: %s", reason);
        ngx_chat_request_error(s, rq->id, CHAT_CODE_INTERNAL,
                               "the token could not be checked");
        return;
    }

    ngx_chat_authenticate_failed(s, rq, reason);
}


/* a session without a user has one attempt; one with a user keeps its own */

static void
ngx_chat_authenticate_failed(ngx_chat_session_t *s, chat_request_t *rq,
    const char *reason)
{
    ngx_log_error(NGX_LOG_INFO, s->connection->log, 0,
                  "chat: token refused: %s", reason);

    ngx_chat_request_error(s, rq->id, CHAT_CODE_UNAUTHORIZED,
                           "the token is not valid");

    if (s->identity == NULL) {
        ngx_chat_session_close(s, NGX_CHAT_CLOSE_UNAUTHORIZED,
                               "invalid token");
    }
}


/* the first token, or another one of the same user */

static ngx_int_t
ngx_chat_authenticate_renew(ngx_chat_session_t *s, chat_request_t *rq,
    const chat_token_t *token)
{
    ngx_chat_identity_t  *id = s->identity;

    if (id != NULL
        && (id->user.len != token->user_len
            || id->tenant.len != token->tenant_len
            || ngx_memcmp(id->user.data, token->user, id->user.len) != 0
            || ngx_memcmp(id->tenant.data, token->tenant, id->tenant.len)
               != 0))
    {
        ngx_chat_request_error(s, rq->id, CHAT_CODE_FORBIDDEN,
                               "the token is of another user");
        return NGX_DECLINED;
    }

    if (ngx_chat_session_identify(s, token) != NGX_OK) {
        ngx_chat_session_doom(s, NGX_CHAT_CLOSE_INTERNAL);
        return NGX_ERROR;
    }

    return NGX_OK;
}
