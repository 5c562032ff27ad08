/*
 * The arithmetic of a bucket of tokens.
 */

#include "chat_limit.h"


chat_rc_e
chat_limit_set(chat_limit_t *limit, uint64_t tokens, uint64_t period,
    uint64_t burst)
{
    if (tokens == 0 || tokens > CHAT_LIMIT_MAX_RATE
        || burst == 0 || burst > CHAT_LIMIT_MAX_BURST
        || period < tokens || period > UINT64_MAX / 4 / CHAT_LIMIT_MAX_BURST)
    {
        return CHAT_ERROR;
    }

    limit->interval = period / tokens;
    limit->depth = limit->interval * burst;

    return CHAT_OK;
}


chat_rc_e
chat_limit_take(const chat_limit_t *limit, uint64_t *full, uint64_t now,
    uint64_t n, uint64_t *wait)
{
    uint64_t  next, need;

    *wait = 0;

    if (limit->interval == 0) {
        return CHAT_OK;
    }

    need = limit->depth;

    if (n < limit->depth / limit->interval) {
        need = limit->interval * n;
    }

    next = *full;

    if (next < now) {
        next = now;                     /* it was full before */
    }

    if (next - now > limit->depth) {
        next = now + limit->depth;      /* the clock was set */
    }

    next += need;

    if (next - now > limit->depth) {
        *wait = next - now - limit->depth;
        return CHAT_DECLINED;
    }

    *full = next;

    return CHAT_OK;
}
