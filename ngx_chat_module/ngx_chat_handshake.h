/*
 * A handshake while it is being looked at, or another request that chat_auth
 * looks at.  For the files that do: ngx_chat_handshake_read.c,
 * ngx_chat_access.c, and each that has a check in the list of
 * ngx_chat_handshake.c.
 */

#ifndef NGX_CHAT_HANDSHAKE_H
#define NGX_CHAT_HANDSHAKE_H


#define NGX_CHAT_HANDSHAKE_PROTOCOL        "chat.v1"
#define NGX_CHAT_HANDSHAKE_MAX_EXTENSIONS  4    /* lines of the header */


/* what it says, and what we think of it; lives on the stack */

typedef struct {
    ngx_http_request_t     *request;
    ngx_chat_loc_conf_t    *conf;
    ngx_chat_node_t        *node;

    const char             *state;      /* for $chat_auth_status */
    ngx_uint_t              status;     /* of a refusal by chat_auth */
    chat_code_e             code;       /* of a refusal */
    const char             *message;    /* the same, for the client */
    const char             *reason;     /* and for the log, or NULL */
    ngx_uint_t              close_code; /* to say at once after the 101 */

    ngx_str_t               key;
    ngx_str_t               version;
    ngx_str_t               origin;
    ngx_str_t               bearer;     /* token among the subprotocols */
    ngx_str_t               extensions[NGX_CHAT_HANDSHAKE_MAX_EXTENSIONS];
    ngx_uint_t              nkeys;
    ngx_uint_t              nversions;
    ngx_uint_t              norigins;
    ngx_uint_t              nextensions;

    ngx_uint_t              retry;      /* Retry-After of a refusal, or 0 */
    ngx_chat_limit_claims_t claims;     /* until a session has them */

    unsigned                upgrade:1;      /* Upgrade: websocket */
    unsigned                connection:1;   /* Connection: upgrade */
    unsigned                offered:1;      /* subprotocol chat.v1 */
    unsigned                identified:1;   /* token is set */
    unsigned                deflate:1;      /* an offer can be accepted */

    chat_extension_t        extension;  /* that offer */

    ngx_chat_token_place_e  place;
    ngx_str_t               text;       /* of the token, as it was sent */
    chat_token_t            token;
} ngx_chat_handshake_t;


/* ngx_chat_handshake_read.c: the headers */

void ngx_chat_handshake_read(ngx_chat_handshake_t *hs);


/* ngx_chat_extension.c: what is offered, and what of it is accepted: into the
   session and the headers of the answer */

ngx_int_t ngx_chat_extension_check(ngx_chat_handshake_t *hs);
ngx_int_t ngx_chat_extension_accept(ngx_chat_handshake_t *hs,
    ngx_chat_session_t *s);


/*
 * ngx_chat_handshake.c.  A check returns NGX_OK, or what these do.
 * refused(): the answer is status and a JSON error.  dismissed(): likewise,
 * but a page, which cannot see that, gets 101 and close_code.
 */

ngx_int_t ngx_chat_handshake_refused(ngx_chat_handshake_t *hs,
    ngx_uint_t status, chat_code_e code, const char *message);
ngx_int_t ngx_chat_handshake_dismissed(ngx_chat_handshake_t *hs,
    ngx_uint_t status, ngx_uint_t close_code, chat_code_e code,
    const char *message);


/* ngx_chat_overload.c: a check: newcomers have to wait */

ngx_int_t ngx_chat_overload_check(ngx_chat_handshake_t *hs);


/* ngx_chat_limit_handshake.c: checks.  An address: before anything is made of
   the token; a user, or a stranger who may show a token later: after it */

ngx_int_t ngx_chat_limit_check_address(ngx_chat_handshake_t *hs);
ngx_int_t ngx_chat_limit_check_user(ngx_chat_handshake_t *hs);

/*
 * For chat_auth.  Whoever shows bad tokens takes of his address' handshakes,
 * and if there are none left no token is looked at; a good one takes of its
 * user's requests.  0, or the status of a refusal.
 */

ngx_int_t ngx_chat_limit_access_address(ngx_chat_handshake_t *hs);
ngx_int_t ngx_chat_limit_access_user(ngx_chat_handshake_t *hs);
void ngx_chat_limit_access_failed(ngx_chat_handshake_t *hs);


#endif /* NGX_CHAT_HANDSHAKE_H */
