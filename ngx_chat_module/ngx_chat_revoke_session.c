/*
 * Sessions whose tokens were revoked.
 *
 * The table of revocations has a version, and each session the one that it was
 * looked at with.  News are a new version, and all sessions are looked at, some
 * of them per turn of the loop; one that asks for something before is looked
 * at then.  So nothing is done for a session once its node knows.
 *
 *      node->sessions: | not looked at ... | looked at ... | new ones ... |
 */

#include "ngx_chat.h"


#define NGX_CHAT_REVOKE_SLICE  2000     /* sessions looked at in one turn */


static ngx_uint_t ngx_chat_revoke_is_hit(ngx_chat_session_t *s);


void
ngx_chat_revoke_walk(ngx_chat_node_t *node)
{
    ngx_event_t  *ev = &node->revoke.walk;

    node->revoke.version++;

    if (ev->posted) {
        ngx_delete_posted_event(ev);
    }

    ngx_chat_revoke_on_walk(ev);
}


/* those that are still to be looked at come first */

void
ngx_chat_revoke_on_walk(ngx_event_t *ev)
{
    ngx_uint_t           i;
    ngx_queue_t         *q;
    ngx_chat_node_t     *node = ev->data;
    ngx_chat_session_t  *s;

    for (i = 0; i < NGX_CHAT_REVOKE_SLICE; i++) {

        if (ngx_queue_empty(&node->sessions)) {
            return;
        }

        q = ngx_queue_head(&node->sessions);
        s = ngx_queue_data(q, ngx_chat_session_t, queue);

        if (s->revoke_version == node->revoke.version) {
            return;
        }

        (void) ngx_chat_revoke_pass(s);     /* goes to the end */
    }

    ngx_post_event(ev, &ngx_posted_next_events);
}


ngx_uint_t
ngx_chat_revoke_pass(ngx_chat_session_t *s)
{
    if (s->revoke_version != s->node->revoke.version) {
        s->revoke_version = s->node->revoke.version;

        ngx_queue_remove(&s->queue);
        ngx_queue_insert_tail(&s->node->sessions, &s->queue);

        if (s->state == NGX_CHAT_SESSION_OPEN && ngx_chat_revoke_is_hit(s)) {
            ngx_chat_count(s->node, NGX_CHAT_COUNT_REVOKED_SESSIONS);
            ngx_chat_session_doom(s, NGX_CHAT_CLOSE_REVOKED);
            s->doomed = NGX_CHAT_CLOSE_REVOKED;     /* whatever else it was */
        }
    }

    return s->doomed != NGX_CHAT_CLOSE_REVOKED;
}


static ngx_uint_t
ngx_chat_revoke_is_hit(ngx_chat_session_t *s)
{
    chat_revoked_token_t   token;
    ngx_chat_identity_t   *identity = s->identity;

    if (identity == NULL || s->internal) {
        return 0;
    }

    token.tenant = ngx_chat_str(&identity->tenant);
    token.user = ngx_chat_str(&identity->user);
    token.sid = ngx_chat_str(&identity->sid);
    token.jti = ngx_chat_str(&identity->jti);
    token.has_iat = identity->has_iat;
    token.iat = identity->iat;

    return chat_revoked_hit(&s->node->revoke.table, &token, ngx_chat_now());
}
