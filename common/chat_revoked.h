/*
 * What is revoked, as a node knows it: a table of token sessions (sid), tokens
 * (jti), and users whose tokens are refused if they were issued up to a moment.
 *
 * It allocates, with malloc(), and is bounded: what does not fit is refused to
 * who would add it.
 */

#ifndef CHAT_REVOKED_H
#define CHAT_REVOKED_H


#include "chat_rc.h"


#define CHAT_REVOKED_MAX    100000      /* as chat.revocation_set() has it */
#define CHAT_REVOKED_TEXTS  5           /* of a change */
#define CHAT_REVOKED_ALL    UINT64_MAX  /* before: every token */
#define CHAT_REVOKED_EVER   UINT64_MAX  /* until */


typedef enum {
    CHAT_REVOKED_USER,
    CHAT_REVOKED_SID,
    CHAT_REVOKED_JTI
} chat_revoked_kind_e;


/* a change of it, as Redis tells: slices of the texts that were read */

typedef struct {
    chat_revoked_kind_e  kind;
    chat_str_t           tenant;
    chat_str_t           value;
    bool                 lifted;    /* what follows means nothing then */
    uint64_t             before;    /* seconds since 1970 */
    uint64_t             until;     /* milliseconds since 1970 */
} chat_revoked_change_t;


/* whose token it is; what a token lacks is empty */

typedef struct {
    chat_str_t  tenant;
    chat_str_t  user;
    chat_str_t  sid;
    chat_str_t  jti;
    bool        has_iat;
    uint64_t    iat;                    /* seconds since 1970 */
} chat_revoked_token_t;


struct chat_revoked_entry_s;


/* owner: the caller; zeroed is an empty table, that may hold nothing */

typedef struct {
    struct chat_revoked_entry_s  **buckets;
    size_t                         nbuckets;    /* a power of 2, or 0 */
    size_t                         n;
    size_t                         max;
    size_t                         next;        /* bucket to look at, see
                                                   chat_revoked_expire() */
    uint32_t                       round;
} chat_revoked_t;


void chat_revoked_init(chat_revoked_t *r, size_t max);
void chat_revoked_done(chat_revoked_t *r);

/*
 * kind, tenant, value, before and until: redis/revoke.lua.  DECLINED: that is
 * no change.
 */
CHAT_MUST_CHECK chat_rc_e chat_revoked_read(chat_revoked_change_t *change,
    const chat_str_t texts[CHAT_REVOKED_TEXTS]);

/* a change takes the place of the one before; DECLINED: the table is full;
   ERROR: out of memory.  Neither changes anything */
CHAT_MUST_CHECK chat_rc_e chat_revoked_apply(chat_revoked_t *r,
    const chat_revoked_change_t *change);

bool chat_revoked_hit(const chat_revoked_t *r,
    const chat_revoked_token_t *token, uint64_t now);

/* between these two calls everything was told that there is: what was not is
   forgotten */
void chat_revoked_begin(chat_revoked_t *r);
void chat_revoked_end(chat_revoked_t *r);

/* forgets what has ended, in the next so many buckets; called now and then it
   comes around */
void chat_revoked_expire(chat_revoked_t *r, uint64_t now, size_t buckets);


#endif /* CHAT_REVOKED_H */
