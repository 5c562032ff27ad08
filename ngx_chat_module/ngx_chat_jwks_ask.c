/*
 * ngx_chat_jwks_ask.c: asks who writes a file with keys for newer ones.  Not
 * often, as anybody can make up tokens that name unknown keys; but what comes
 * too soon is asked later: the key may be newer than the last answer.
 */

#include "ngx_chat.h"


#define NGX_CHAT_JWKS_ASK  1000         /* ms, between two questions */


static void ngx_chat_jwks_question(ngx_chat_node_t *node,
    ngx_chat_jwks_t *jwks);
static ngx_err_t ngx_chat_jwks_send(ngx_chat_jwks_t *jwks);


void
ngx_chat_jwks_ask(ngx_chat_jwks_t *jwks)
{
    if (jwks->refresh.len == 0) {
        return;
    }

    jwks->wanted = 1;

    ngx_chat_jwks_ask_again(jwks);
}


void
ngx_chat_jwks_ask_again(ngx_chat_jwks_t *jwks)
{
    ngx_chat_node_t  *node = jwks->conf->node;

    if (!jwks->wanted || node == NULL) {
        return;
    }

    if (jwks->asked != 0
        && ngx_current_msec - jwks->asked < NGX_CHAT_JWKS_ASK)
    {
        return;
    }

    jwks->asked = ngx_current_msec;
    jwks->wanted = 0;

    ngx_chat_jwks_question(node, jwks);
}


static void
ngx_chat_jwks_question(ngx_chat_node_t *node, ngx_chat_jwks_t *jwks)
{
    ngx_err_t  err;

    ngx_chat_count(node, NGX_CHAT_COUNT_JWKS_REFRESH);

    err = ngx_chat_jwks_send(jwks);

    if (err == 0) {
        jwks->deaf = 0;
        return;
    }

    if (!jwks->deaf) {
        ngx_log_error(NGX_LOG_WARN, node->log, err,
                      "chat: \"%V\" cannot be asked for newer keys",
                      &jwks->refresh);
    }

    jwks->deaf = 1;
}


/* a datagram that does not wait: who has too many of them needs no more */

static ngx_err_t
ngx_chat_jwks_send(ngx_chat_jwks_t *jwks)
{
    ssize_t             n;
    ngx_err_t           err;
    ngx_socket_t        fd;
    struct sockaddr_un  sun;

    static const char  text[] = "refresh\n";

    ngx_memzero(&sun, sizeof(struct sockaddr_un));
    sun.sun_family = AF_UNIX;
    ngx_memcpy(sun.sun_path, jwks->refresh.data, jwks->refresh.len);

    fd = socket(AF_UNIX, SOCK_DGRAM|SOCK_CLOEXEC, 0);

    if (fd == -1) {
        return ngx_socket_errno;
    }

    n = sendto(fd, text, sizeof(text) - 1, MSG_DONTWAIT|MSG_NOSIGNAL,
               (struct sockaddr *) &sun, sizeof(struct sockaddr_un));

    err = (n == -1) ? ngx_socket_errno : 0;

    (void) ngx_close_socket(fd);        /* nothing is left in it */

    return err == NGX_EAGAIN ? 0 : err;
}
