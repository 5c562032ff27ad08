/*
 * Extensions of the protocol in a handshake (RFC 6455, 9.1): there is one,
 * permessage-deflate.
 */

#include "ngx_chat.h"
#include "ngx_chat_handshake.h"


/* a list that does not follow the grammar fails, one that we cannot use does
   not matter */

ngx_int_t
ngx_chat_extension_check(ngx_chat_handshake_t *hs)
{
    chat_rc_e         rc;
    ngx_uint_t        i;
    chat_extension_t  e;

    for (i = 0; i < hs->nextensions; i++) {
        rc = chat_extension_read(ngx_chat_str(&hs->extensions[i]), &e);

        if (rc == CHAT_ERROR) {
            return ngx_chat_handshake_refused(hs, NGX_HTTP_BAD_REQUEST,
                                              CHAT_CODE_BAD_REQUEST,
                                              "Sec-WebSocket-Extensions is "
                                              "malformed");
        }

        if (rc == CHAT_OK && !hs->deflate) {
            hs->extension = e;
            hs->deflate = 1;
        }
    }

    return NGX_OK;
}


/* nothing is inflated for those whom we do not know */

ngx_int_t
ngx_chat_extension_accept(ngx_chat_handshake_t *hs, ngx_chat_session_t *s)
{
    size_t   n;
    u_char  *answer;

    if (!hs->deflate || !hs->conf->deflate || hs->node->deflate == NULL
        || (!hs->identified && !hs->conf->echo))
    {
        return NGX_OK;
    }

    answer = ngx_pnalloc(hs->request->pool, CHAT_EXTENSION_MAX_ANSWER + 1);
    if (answer == NULL) {
        return NGX_ERROR;
    }

    n = chat_extension_answer(&hs->extension, answer);
    answer[n] = '\0';

    ngx_chat_deflate_begin(s, &hs->extension);

    return ngx_chat_http_header(hs->request, "Sec-WebSocket-Extensions",
                                (char *) answer);
}
