/*
 * The curve is -x^2 + y^2 = 1 + d x^2 y^2 modulo p = 2^255 - 19, with
 * d = -121665/121666 (RFC 8032, 5.1).  A point is encoded as y, with the lowest
 * bit of x in the highest one.  So
 *
 *     x^2 = u / v        u = y^2 - 1        v = d y^2 + 1
 *
 * and there is such an x if u v is a square: v is never 0, since -1 is a square
 * and d is none.  The points of small order are those with
 *
 *     x = 0              order 1 and 2: u = 0
 *     y = 0              order 4
 *     x^2 = -y^2         order 8: doubled, they are those of order 4, since the
 *                        y of 2P is (y^2 + x^2) / (1 - d x^2 y^2);
 *                        with x^2 = u / v: d y^4 + 2 y^2 - 1 = 0
 */

#include "chat_ed25519.h"

#include <string.h>

#include <openssl/bn.h>
#include <openssl/err.h>


typedef struct {
    BIGNUM  *p;
    BIGNUM  *d;
    BIGNUM  *y;
    BIGNUM  *yy;                        /* y^2 */
    BIGNUM  *u;
    BIGNUM  *v;
    BIGNUM  *t;
} chat_ed25519_t;


static chat_rc_e chat_ed25519_check_point(chat_ed25519_t *c,
    const uint8_t *point, BN_CTX *ctx);
static bool chat_ed25519_get(chat_ed25519_t *c, BN_CTX *ctx);
static bool chat_ed25519_set_curve(chat_ed25519_t *c, BN_CTX *ctx);
static bool chat_ed25519_solve(chat_ed25519_t *c, BN_CTX *ctx);


chat_rc_e
chat_ed25519_check(const uint8_t point[CHAT_ED25519_LEN])
{
    BN_CTX          *ctx;
    chat_rc_e        rc;
    chat_ed25519_t   c;

    ctx = BN_CTX_new();

    if (ctx == NULL) {
        ERR_clear_error();
        return CHAT_ERROR;
    }

    BN_CTX_start(ctx);

    rc = chat_ed25519_get(&c, ctx) && chat_ed25519_set_curve(&c, ctx)
         ? chat_ed25519_check_point(&c, point, ctx) : CHAT_ERROR;

    BN_CTX_end(ctx);
    BN_CTX_free(ctx);

    if (rc == CHAT_ERROR) {
        ERR_clear_error();
    }

    return rc;
}


static bool
chat_ed25519_get(chat_ed25519_t *c, BN_CTX *ctx)
{
    c->p = BN_CTX_get(ctx);
    c->d = BN_CTX_get(ctx);
    c->y = BN_CTX_get(ctx);
    c->yy = BN_CTX_get(ctx);
    c->u = BN_CTX_get(ctx);
    c->v = BN_CTX_get(ctx);
    c->t = BN_CTX_get(ctx);

    return c->t != NULL;                /* the last one tells of all */
}


static bool
chat_ed25519_set_curve(chat_ed25519_t *c, BN_CTX *ctx)
{
    return BN_one(c->p) && BN_lshift(c->p, c->p, 255)
           && BN_sub_word(c->p, 19)
           && BN_set_word(c->t, 121666)
           && BN_mod_inverse(c->t, c->t, c->p, ctx) != NULL
           && BN_mul_word(c->t, 121665)
           && BN_nnmod(c->t, c->t, c->p, ctx)
           && BN_sub(c->d, c->p, c->t);
}


static chat_rc_e
chat_ed25519_check_point(chat_ed25519_t *c, const uint8_t *point, BN_CTX *ctx)
{
    int      square;
    uint8_t  y[CHAT_ED25519_LEN];

    memcpy(y, point, sizeof(y));
    y[CHAT_ED25519_LEN - 1] &= 0x7f;

    if (BN_lebin2bn(y, sizeof(y), c->y) == NULL) {
        return CHAT_ERROR;
    }

    if (BN_cmp(c->y, c->p) >= 0 || BN_is_zero(c->y)) {
        return CHAT_DECLINED;
    }

    if (!chat_ed25519_solve(c, ctx)) {
        return CHAT_ERROR;
    }

    if (BN_is_zero(c->u) || BN_is_zero(c->t)) {
        return CHAT_DECLINED;
    }

    if (!BN_mod_mul(c->t, c->u, c->v, c->p, ctx)) {
        return CHAT_ERROR;
    }

    square = BN_kronecker(c->t, c->p, ctx);

    if (square == -2) {
        return CHAT_ERROR;
    }

    return square == 1 ? CHAT_OK : CHAT_DECLINED;
}


/* u, v, and t = d y^4 + 2 y^2 - 1 = y^2 v + u */

static bool
chat_ed25519_solve(chat_ed25519_t *c, BN_CTX *ctx)
{
    return BN_mod_sqr(c->yy, c->y, c->p, ctx)
           && BN_mod_sub(c->u, c->yy, BN_value_one(), c->p, ctx)
           && BN_mod_mul(c->v, c->d, c->yy, c->p, ctx)
           && BN_mod_add(c->v, c->v, BN_value_one(), c->p, ctx)
           && BN_mod_mul(c->t, c->yy, c->v, c->p, ctx)
           && BN_mod_add(c->t, c->t, c->u, c->p, ctx);
}
