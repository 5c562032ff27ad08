/*
 * What a user and a session may do, and what is said when it is too much.
 */

#include "ngx_chat.h"


#define NGX_CHAT_LIMIT_BATCH    10      /* joins that cost as one request */
#define NGX_CHAT_LIMIT_REFUSED  9       /* frames that a refusal costs more */
#define NGX_CHAT_LIMIT_STRANGER 20      /* that one costs of who may do nothing
                                           but authenticate */


static ngx_chat_limit_key_t ngx_chat_limit_user_key(ngx_chat_session_t *s,
    ngx_chat_limit_e what);
static ngx_int_t ngx_chat_limit_refuse(ngx_chat_session_t *s,
    const chat_request_t *rq, ngx_chat_count_e count, const char *message,
    ngx_uint_t wait);
static ngx_int_t ngx_chat_limit_frames(ngx_chat_session_t *s, ngx_uint_t n);


/* those whose event everybody gets who is in the conversation, or watches */

static const uint8_t  ngx_chat_limit_messages[CHAT_REQUEST_UNKNOWN] = {
    [CHAT_REQUEST_MESSAGE_SEND] = 1,
    [CHAT_REQUEST_MESSAGE_EDIT] = 1,
    [CHAT_REQUEST_REACTION_ADD] = 1,
    [CHAT_REQUEST_REACTION_REMOVE] = 1,
    [CHAT_REQUEST_PRESENCE_SET] = 1,
};


void
ngx_chat_limit_leave(ngx_chat_node_t *node, ngx_chat_limit_claims_t *claims)
{
    ngx_chat_limit_known(node, claims);

    ngx_chat_limit_release(node, claims->address);
    ngx_chat_limit_release(node, claims->user);

    claims->address = 0;
    claims->user = 0;
}


void
ngx_chat_limit_known(ngx_chat_node_t *node, ngx_chat_limit_claims_t *claims)
{
    if (!claims->unauthenticated) {
        return;
    }

    claims->unauthenticated = 0;
    ngx_chat_count_add(node, NGX_CHAT_COUNT_UNAUTHENTICATED, -1);

    ngx_chat_limit_release(node, claims->stranger);
    claims->stranger = 0;
}


/* claimed first and counted then, so that two processes cannot both find that
   there is room for one */

ngx_int_t
ngx_chat_limit_user(ngx_chat_node_t *node, const ngx_chat_limit_conf_t *conf,
    const chat_token_t *token, ngx_chat_limit_claims_t *claims)
{
    chat_str_t            user, tenant;
    ngx_chat_limit_key_t  key;

    if (conf->max_per_user == 0) {
        return NGX_OK;
    }

    tenant = (chat_str_t) { (u_char *) token->tenant, token->tenant_len };
    user = (chat_str_t) { (u_char *) token->user, token->user_len };

    key = ngx_chat_limit_hash(node, NGX_CHAT_LIMIT_CONNECTIONS, tenant, user);
    claims->user = ngx_chat_limit_claim(node, key);

    if (claims->user == 0
        || ngx_chat_limit_sum(node, key) <= conf->max_per_user)
    {
        return NGX_OK;
    }

    ngx_chat_limit_release(node, claims->user);
    claims->user = 0;

    ngx_chat_count(node, NGX_CHAT_COUNT_LIMITED_PER_USER);

    return NGX_DECLINED;
}


ngx_int_t
ngx_chat_limit_frame(ngx_chat_session_t *s)
{
    return ngx_chat_limit_frames(s, s->identity == NULL
                                    ? NGX_CHAT_LIMIT_STRANGER : 1);
}


/* an echo location has no limits, nor has the canary */

static ngx_int_t
ngx_chat_limit_frames(ngx_chat_session_t *s, ngx_uint_t n)
{
    uint64_t  wait;

    if (s->conf->echo
        || chat_limit_take(&s->conf->limit.frame_rate, &s->frames_full,
                           (uint64_t) ngx_current_msec * 1000, n, &wait)
           == CHAT_OK)
    {
        return NGX_OK;
    }

    ngx_chat_count(s->node, NGX_CHAT_COUNT_LIMITED_FRAME_RATE);
    ngx_chat_session_close(s, NGX_CHAT_CLOSE_FLOODING, "flooding");

    return NGX_DECLINED;
}


/*
 * All buckets are the user's, whatever session and process it comes to.  Who
 * goes on asking at once though refused runs out of frames, and is closed.
 */

ngx_int_t
ngx_chat_limit_request(ngx_chat_session_t *s, const chat_request_t *rq)
{
    ngx_uint_t              n, wait;
    ngx_chat_limit_conf_t  *conf = &s->conf->limit;

    n = 1 + (rq->nbatch + rq->nusers) / NGX_CHAT_LIMIT_BATCH;

    if (conf->request_rate.interval != 0
        && ngx_chat_limit_take(s->node,
                               ngx_chat_limit_user_key(s,
                                                   NGX_CHAT_LIMIT_REQUESTS),
                               &conf->request_rate, n, &wait) != NGX_OK)
    {
        return ngx_chat_limit_refuse(s, rq,
                                     NGX_CHAT_COUNT_LIMITED_REQUEST_RATE,
                                     "too many requests", wait);
    }

    if (ngx_chat_limit_messages[rq->type]
        && conf->message_rate.interval != 0
        && ngx_chat_limit_take(s->node,
                               ngx_chat_limit_user_key(s,
                                                   NGX_CHAT_LIMIT_MESSAGES),
                               &conf->message_rate, 1, &wait) != NGX_OK)
    {
        return ngx_chat_limit_refuse(s, rq,
                                     NGX_CHAT_COUNT_LIMITED_MESSAGE_RATE,
                                     "too many messages", wait);
    }

    if ((rq->type == CHAT_REQUEST_TYPING_START
         || rq->type == CHAT_REQUEST_TYPING_STOP)
        && conf->typing_rate.interval != 0
        && ngx_chat_limit_take(s->node,
                               ngx_chat_limit_user_key(s,
                                                       NGX_CHAT_LIMIT_TYPING),
                               &conf->typing_rate, 1, &wait) != NGX_OK)
    {
        return ngx_chat_limit_refuse(s, rq,
                                     NGX_CHAT_COUNT_LIMITED_TYPING_RATE,
                                     "too much typing", wait);
    }

    return NGX_OK;
}


static ngx_chat_limit_key_t
ngx_chat_limit_user_key(ngx_chat_session_t *s, ngx_chat_limit_e what)
{
    ngx_chat_identity_t  *id = s->identity;

    return ngx_chat_limit_hash(s->node, what, ngx_chat_str(&id->tenant),
                               ngx_chat_str(&id->user));
}


static ngx_int_t
ngx_chat_limit_refuse(ngx_chat_session_t *s, const chat_request_t *rq,
    ngx_chat_count_e count, const char *message, ngx_uint_t wait)
{
    ngx_chat_count(s->node, count);

    ngx_chat_request_error_after(s, rq, CHAT_CODE_RATE_LIMITED, message,
                                 wait);

    (void) ngx_chat_limit_frames(s, NGX_CHAT_LIMIT_REFUSED);

    return NGX_DECLINED;
}
