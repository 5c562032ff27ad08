/*
 * The request authenticate: the first token of a session, or a newer one.
 */

#include "ngx_chat.h"


static void ngx_chat_authenticate_refused(ngx_chat_session_t *s,
    chat_request_t *rq, ngx_chat_token_result_e result, const char *reason);
static ngx_int_t ngx_chat_authenticate_renew(ngx_chat_session_t *s,
    chat_request_t *rq, const chat_token_t *token);


void
ngx_chat_authenticate(ngx_chat_session_t *s, chat_request_t *rq)
{
    size_t                    len;
    u_char                    text[CHAT_TOKEN_MAX_LEN];
    const char               *reason;
    ngx_uint_t                first;
    chat_token_t              token;
    ngx_chat_token_result_e   result;

    len = 0;
    first = (s->identity == NULL);

    if (chat_json_get_string(&rq->token, text, sizeof(text), &len) != CHAT_OK) {
        result = NGX_CHAT_TOKEN_BAD;
        reason = "token is too long";

    } else {
        result = ngx_chat_token_check(s->conf, (chat_str_t) { text, len },
                                      &token, &reason);
    }

    ngx_explicit_memzero(text, sizeof(text));

    if (result == NGX_CHAT_TOKEN_GOOD
        && ngx_chat_authenticate_renew(s, rq, &token) == NGX_OK)
    {
        ngx_chat_tally_done(s, CHAT_REQUEST_AUTHENTICATE);
        ngx_chat_session_authenticated(s, rq->has_id ? &rq->id : NULL);

        if (first) {
            ngx_chat_choice_tell(s);
        }

        if (s->state == NGX_CHAT_SESSION_OPEN) {
            ngx_chat_session_schedule(s);
        }
    }

    ngx_explicit_memzero(&token, sizeof(token));

    if (result != NGX_CHAT_TOKEN_GOOD) {
        ngx_chat_authenticate_refused(s, rq, result, reason);
    }
}


/* a session without a user has one attempt; one with a user keeps its own */

static void
ngx_chat_authenticate_refused(ngx_chat_session_t *s, chat_request_t *rq,
    ngx_chat_token_result_e result, const char *reason)
{
    const ngx_chat_verdict_t  *verdict;

    verdict = ngx_chat_token_verdict(result);

    if (result == NGX_CHAT_TOKEN_FAILED) {
        ngx_log_error(NGX_LOG_ERR, s->connection->log, 0,
                      "chat: cannot check a token: %s", reason);
        ngx_chat_request_error(s, rq, verdict->code, verdict->message);
        return;
    }

    ngx_log_error(NGX_LOG_INFO, s->connection->log, 0,
                  "chat: token refused: %s", reason);

    ngx_chat_request_error(s, rq, verdict->code, verdict->message);

    if (s->identity == NULL) {
        ngx_chat_session_close(s, verdict->close_code, verdict->close_reason);
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
        ngx_chat_request_error(s, rq, CHAT_CODE_FORBIDDEN,
                               "the token is of another user");
        return NGX_DECLINED;
    }

    if (id == NULL
        && ngx_chat_limit_user(s->node, &s->conf->limit, token, &s->claims)
           != NGX_OK)
    {
        ngx_chat_request_error(s, rq, CHAT_CODE_RATE_LIMITED,
                               "the user has too many connections");
        ngx_chat_session_close(s, NGX_CHAT_CLOSE_FLOODING,
                               "the user has too many connections");
        return NGX_DECLINED;
    }

    if (ngx_chat_session_identify(s, token) != NGX_OK) {
        ngx_chat_session_doom(s, NGX_CHAT_CLOSE_INTERNAL);
        return NGX_ERROR;
    }

    if (id == NULL) {
        ngx_chat_session_log_user(s);

        if (ngx_chat_user_enter(s) != NGX_OK) {
            ngx_chat_session_doom(s, NGX_CHAT_CLOSE_INTERNAL);
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}
