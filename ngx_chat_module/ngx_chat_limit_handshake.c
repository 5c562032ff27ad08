/*
 * What an address and a user may have of connections, checked when one more
 * is to be opened.
 *
 * An address is what the modules realip and proxy_protocol have left it to be.
 * IPv4 counts by address, however it is written; IPv6 by network of 64 bits,
 * of which every customer has at least one (RFC 6177).  A socket of the
 * machine itself is nobody's address.
 */

#include "ngx_chat.h"
#include "ngx_chat_handshake.h"


#define NGX_CHAT_LIMIT_RETRY  10        /* seconds, if a count is too high */
#define NGX_CHAT_LIMIT_SHARE  4         /* an address may have a quarter of
                                           those who are unauthenticated */


static ngx_int_t ngx_chat_limit_check_address_count(ngx_chat_handshake_t *hs);
static ngx_int_t ngx_chat_limit_check_stranger(ngx_chat_handshake_t *hs);
static ngx_chat_limit_key_t ngx_chat_limit_address_key(
    ngx_chat_handshake_t *hs, ngx_chat_limit_e what);
static chat_str_t ngx_chat_limit_address(struct sockaddr *sockaddr);
#if (NGX_HAVE_INET6)
static chat_str_t ngx_chat_limit_address6(struct in6_addr *address);
#endif


ngx_int_t
ngx_chat_limit_check_address(ngx_chat_handshake_t *hs)
{
    ngx_chat_limit_key_t  key;

    if (hs->conf->limit.handshake_rate.interval != 0) {
        key = ngx_chat_limit_address_key(hs, NGX_CHAT_LIMIT_HANDSHAKES);

        if (ngx_chat_limit_take(hs->node, key,
                                &hs->conf->limit.handshake_rate, 1,
                                &hs->retry) != NGX_OK)
        {
            ngx_chat_count(hs->node, NGX_CHAT_COUNT_LIMITED_HANDSHAKE_RATE);
            hs->state = "limited";

            return ngx_chat_handshake_refused(hs, NGX_HTTP_TOO_MANY_REQUESTS,
                                              CHAT_CODE_RATE_LIMITED,
                                              "too many handshakes from this "
                                              "address");
        }
    }

    return ngx_chat_limit_check_address_count(hs);
}


static ngx_int_t
ngx_chat_limit_check_address_count(ngx_chat_handshake_t *hs)
{
    ngx_uint_t            max = hs->conf->limit.max_per_address;
    ngx_chat_limit_key_t  key;

    if (max == 0) {
        return NGX_OK;
    }

    key = ngx_chat_limit_address_key(hs, NGX_CHAT_LIMIT_CONNECTIONS);
    hs->claims.address = ngx_chat_limit_claim(hs->node, key);

    if (hs->claims.address == 0
        || ngx_chat_limit_sum(hs->node, key) <= max)
    {
        return NGX_OK;
    }

    ngx_chat_count(hs->node, NGX_CHAT_COUNT_LIMITED_PER_ADDRESS);
    hs->state = "limited";
    hs->retry = NGX_CHAT_LIMIT_RETRY;

    return ngx_chat_handshake_refused(hs, NGX_HTTP_TOO_MANY_REQUESTS,
                                      CHAT_CODE_RATE_LIMITED,
                                      "too many connections from this "
                                      "address");
}


ngx_int_t
ngx_chat_limit_check_user(ngx_chat_handshake_t *hs)
{
    if (!hs->identified) {
        return ngx_chat_limit_check_stranger(hs);
    }

    if (ngx_chat_limit_user(hs->node, &hs->conf->limit, &hs->token,
                            &hs->claims) == NGX_OK)
    {
        return NGX_OK;
    }

    hs->state = "limited";
    hs->retry = NGX_CHAT_LIMIT_RETRY;

    return ngx_chat_handshake_dismissed(hs, NGX_HTTP_TOO_MANY_REQUESTS,
                                        NGX_CHAT_CLOSE_FLOODING,
                                        CHAT_CODE_RATE_LIMITED,
                                        "the user has too many connections");
}


static ngx_int_t
ngx_chat_limit_check_stranger(ngx_chat_handshake_t *hs)
{
    ngx_uint_t                max = hs->conf->limit.max_unauthenticated;
    ngx_chat_limit_claims_t  *claims = &hs->claims;

    if (max != 0) {
        claims->stranger = ngx_chat_limit_claim(hs->node,
                ngx_chat_limit_address_key(hs,
                                           NGX_CHAT_LIMIT_UNAUTHENTICATED));
    }

    claims->unauthenticated = 1;
    ngx_chat_count(hs->node, NGX_CHAT_COUNT_UNAUTHENTICATED);

    if (max == 0
        || (ngx_chat_count_own(hs->node, NGX_CHAT_COUNT_UNAUTHENTICATED) <= max
            && ngx_chat_limit_own(hs->node, claims->stranger)
               <= ngx_max(max / NGX_CHAT_LIMIT_SHARE, 1)))
    {
        return NGX_OK;
    }

    ngx_chat_limit_known(hs->node, claims);

    ngx_chat_count(hs->node, NGX_CHAT_COUNT_LIMITED_UNAUTHENTICATED);
    hs->state = "limited";
    hs->retry = NGX_CHAT_LIMIT_RETRY;

    return ngx_chat_handshake_dismissed(hs, NGX_HTTP_SERVICE_UNAVAILABLE,
                                        NGX_CHAT_CLOSE_OVERLOADED,
                                        CHAT_CODE_UNAVAILABLE,
                                        "too many connections without a token");
}


/* a page fetches much with a token, so a good one costs its address nothing */

ngx_int_t
ngx_chat_limit_access_address(ngx_chat_handshake_t *hs)
{
    ngx_chat_limit_key_t  key;

    if (hs->node == NULL || hs->conf->limit.handshake_rate.interval == 0) {
        return NGX_OK;
    }

    key = ngx_chat_limit_address_key(hs, NGX_CHAT_LIMIT_HANDSHAKES);

    if (ngx_chat_limit_look(hs->node, key, &hs->conf->limit.handshake_rate,
                            &hs->retry) == NGX_OK)
    {
        return NGX_OK;
    }

    ngx_chat_count(hs->node, NGX_CHAT_COUNT_LIMITED_HANDSHAKE_RATE);

    return ngx_chat_handshake_refused(hs, NGX_HTTP_TOO_MANY_REQUESTS,
                                      CHAT_CODE_RATE_LIMITED,
                                      "too many bad tokens from this address");
}


void
ngx_chat_limit_access_failed(ngx_chat_handshake_t *hs)
{
    ngx_uint_t  wait;

    if (hs->node != NULL && hs->conf->limit.handshake_rate.interval != 0) {
        (void) ngx_chat_limit_take(hs->node,
                   ngx_chat_limit_address_key(hs, NGX_CHAT_LIMIT_HANDSHAKES),
                   &hs->conf->limit.handshake_rate, 1, &wait);
    }
}


ngx_int_t
ngx_chat_limit_access_user(ngx_chat_handshake_t *hs)
{
    ngx_chat_limit_key_t  key;

    if (hs->node == NULL || hs->conf->limit.request_rate.interval == 0) {
        return NGX_OK;
    }

    key = ngx_chat_limit_hash(hs->node, NGX_CHAT_LIMIT_REQUESTS,
                              (chat_str_t) { (u_char *) hs->token.tenant,
                                             hs->token.tenant_len },
                              (chat_str_t) { (u_char *) hs->token.user,
                                             hs->token.user_len });

    if (ngx_chat_limit_take(hs->node, key, &hs->conf->limit.request_rate, 1,
                            &hs->retry) == NGX_OK)
    {
        return NGX_OK;
    }

    ngx_chat_count(hs->node, NGX_CHAT_COUNT_LIMITED_REQUEST_RATE);

    return ngx_chat_handshake_refused(hs, NGX_HTTP_TOO_MANY_REQUESTS,
                                      CHAT_CODE_RATE_LIMITED,
                                      "too many requests");
}


static ngx_chat_limit_key_t
ngx_chat_limit_address_key(ngx_chat_handshake_t *hs, ngx_chat_limit_e what)
{
    chat_str_t  address;

    address = ngx_chat_limit_address(hs->request->connection->sockaddr);

    if (address.len == 0) {
        return 0;
    }

    /* four bytes or eight, and so never those of a user's name */

    return ngx_chat_limit_hash(hs->node, what, chat_str(""), address);
}


static chat_str_t
ngx_chat_limit_address(struct sockaddr *sockaddr)
{
    struct sockaddr_in   *sin;

    if (sockaddr->sa_family == AF_INET) {
        sin = (struct sockaddr_in *) sockaddr;
        return (chat_str_t) { (u_char *) &sin->sin_addr.s_addr, 4 };
    }

#if (NGX_HAVE_INET6)

    if (sockaddr->sa_family == AF_INET6) {
        return ngx_chat_limit_address6(
                   &((struct sockaddr_in6 *) sockaddr)->sin6_addr);
    }

#endif

    return chat_str("");
}


#if (NGX_HAVE_INET6)

/* an IPv4 address may be written ::ffff:a.b.c.d, and 64:ff9b::a.b.c.d where a
   translator stands in between (RFC 6052) */

static chat_str_t
ngx_chat_limit_address6(struct in6_addr *address)
{
    u_char  *p = address->s6_addr;

    static const u_char  translated[12] = { 0, 0x64, 0xff, 0x9b };

    if (IN6_IS_ADDR_V4MAPPED(address)
        || ngx_memcmp(p, translated, sizeof(translated)) == 0)
    {
        return (chat_str_t) { p + 12, 4 };
    }

    return (chat_str_t) { p, 8 };
}

#endif
