#include "chat_revoked.h"

#include <stdlib.h>
#include <string.h>

#include "chat_name.h"


#define REVOKED_MIN_BUCKETS  64
#define REVOKED_MAX_DIGITS   18         /* of a number that fits */


/*
 * Owner: its bucket.  Entries of one bucket are a list; there are at least as
 * many buckets as entries.
 */

typedef struct chat_revoked_entry_s {
    struct chat_revoked_entry_s  *next;
    uint64_t                      before;
    uint64_t                      until;
    uint32_t                      hash;
    uint32_t                      round;        /* in which it was told last */
    uint8_t                       kind;
    uint8_t                       tenant_len;
    uint8_t                       value_len;
    uint8_t                       text[];       /* tenant, value */
} chat_revoked_entry_t;


static bool chat_revoked_number(chat_str_t text, uint64_t *n);
static uint32_t chat_revoked_hash(chat_revoked_kind_e kind,
    chat_str_t tenant, chat_str_t value);
static chat_revoked_entry_t **chat_revoked_place(const chat_revoked_t *r,
    chat_revoked_kind_e kind, chat_str_t tenant, chat_str_t value,
    uint32_t hash);
static chat_rc_e chat_revoked_add(chat_revoked_t *r,
    const chat_revoked_change_t *change, uint32_t hash);
static chat_rc_e chat_revoked_grow(chat_revoked_t *r);
static void chat_revoked_remove(chat_revoked_t *r,
    chat_revoked_entry_t **place);
static bool chat_revoked_is(const chat_revoked_t *r,
    const chat_revoked_token_t *token, chat_revoked_kind_e kind,
    chat_str_t value, uint64_t now);


void
chat_revoked_init(chat_revoked_t *r, size_t max)
{
    memset(r, 0, sizeof(*r));
    r->max = max;
}


void
chat_revoked_done(chat_revoked_t *r)
{
    size_t  i;

    for (i = 0; i < r->nbuckets; i++) {
        while (r->buckets[i] != NULL) {
            chat_revoked_remove(r, &r->buckets[i]);
        }
    }

    free(r->buckets);
    chat_revoked_init(r, r->max);
}


chat_rc_e
chat_revoked_read(chat_revoked_change_t *change,
    const chat_str_t texts[CHAT_REVOKED_TEXTS])
{
    bool        valid;
    size_t      i;
    chat_str_t  before = texts[3], until = texts[4];

    static const chat_str_t  kinds[] = {
        [CHAT_REVOKED_USER] = chat_str("user"),
        [CHAT_REVOKED_SID] = chat_str("sid"),
        [CHAT_REVOKED_JTI] = chat_str("jti")
    };

    for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (texts[0].len == kinds[i].len
            && memcmp(texts[0].data, kinds[i].data, kinds[i].len) == 0)
        {
            break;
        }
    }

    if (i == sizeof(kinds) / sizeof(kinds[0])) {
        return CHAT_DECLINED;
    }

    change->kind = (chat_revoked_kind_e) i;
    change->tenant = texts[1];
    change->value = texts[2];

    valid = change->kind == CHAT_REVOKED_USER
            ? chat_name_valid(change->value)
            : chat_name_valid_opaque(change->value);

    if (!valid || !chat_name_valid(change->tenant)) {
        return CHAT_DECLINED;
    }

    change->lifted = before.len == 1 && before.data[0] == '-';
    change->before = CHAT_REVOKED_ALL;
    change->until = CHAT_REVOKED_EVER;

    if (!change->lifted && !(before.len == 1 && before.data[0] == '*')
        && !chat_revoked_number(before, &change->before))
    {
        return CHAT_DECLINED;
    }

    if (until.len != 0 && !chat_revoked_number(until, &change->until)) {
        return CHAT_DECLINED;
    }

    return CHAT_OK;
}


static bool
chat_revoked_number(chat_str_t text, uint64_t *n)
{
    size_t  i;

    if (text.len == 0 || text.len > REVOKED_MAX_DIGITS) {
        return false;
    }

    *n = 0;

    for (i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }

        *n = *n * 10 + (text.data[i] - '0');
    }

    return true;
}


chat_rc_e
chat_revoked_apply(chat_revoked_t *r, const chat_revoked_change_t *change)
{
    uint32_t                hash;
    chat_revoked_entry_t  **place;

    hash = chat_revoked_hash(change->kind, change->tenant, change->value);
    place = chat_revoked_place(r, change->kind, change->tenant, change->value,
                               hash);

    if (change->lifted) {

        if (place != NULL) {
            chat_revoked_remove(r, place);
        }

        return CHAT_OK;
    }

    if (place == NULL) {
        return chat_revoked_add(r, change, hash);
    }

    (*place)->before = change->before;
    (*place)->until = change->until;
    (*place)->round = r->round;

    return CHAT_OK;
}


static chat_rc_e
chat_revoked_add(chat_revoked_t *r, const chat_revoked_change_t *change,
    uint32_t hash)
{
    size_t                  size;
    chat_revoked_entry_t   *e, **bucket;

    if (r->n >= r->max) {
        return CHAT_DECLINED;
    }

    if (r->n >= r->nbuckets && chat_revoked_grow(r) != CHAT_OK) {
        return CHAT_ERROR;
    }

    size = change->tenant.len + change->value.len;

    e = malloc(sizeof(*e) + size);

    if (e == NULL) {
        return CHAT_ERROR;
    }

    e->before = change->before;
    e->until = change->until;
    e->hash = hash;
    e->round = r->round;
    e->kind = change->kind;
    e->tenant_len = change->tenant.len;
    e->value_len = change->value.len;
    memcpy(e->text, change->tenant.data, change->tenant.len);
    memcpy(e->text + e->tenant_len, change->value.data, change->value.len);

    bucket = &r->buckets[hash & (r->nbuckets - 1)];
    e->next = *bucket;
    *bucket = e;
    r->n++;

    return CHAT_OK;
}


static chat_rc_e
chat_revoked_grow(chat_revoked_t *r)
{
    size_t                  i, n;
    chat_revoked_entry_t  **buckets, **bucket, *e;

    n = r->nbuckets == 0 ? REVOKED_MIN_BUCKETS : r->nbuckets * 2;

    buckets = calloc(n, sizeof(*buckets));

    if (buckets == NULL) {
        return CHAT_ERROR;
    }

    for (i = 0; i < r->nbuckets; i++) {
        while (r->buckets[i] != NULL) {
            e = r->buckets[i];
            r->buckets[i] = e->next;

            bucket = &buckets[e->hash & (n - 1)];
            e->next = *bucket;
            *bucket = e;
        }
    }

    free(r->buckets);
    r->buckets = buckets;
    r->nbuckets = n;
    r->next = 0;

    return CHAT_OK;
}


static void
chat_revoked_remove(chat_revoked_t *r, chat_revoked_entry_t **place)
{
    chat_revoked_entry_t  *e = *place;

    *place = e->next;
    r->n--;

    free(e);
}


bool
chat_revoked_hit(const chat_revoked_t *r, const chat_revoked_token_t *token,
    uint64_t now)
{
    if (r->n == 0) {
        return false;
    }

    return chat_revoked_is(r, token, CHAT_REVOKED_USER, token->user, now)
           || chat_revoked_is(r, token, CHAT_REVOKED_SID, token->sid, now)
           || chat_revoked_is(r, token, CHAT_REVOKED_JTI, token->jti, now);
}


static bool
chat_revoked_is(const chat_revoked_t *r, const chat_revoked_token_t *token,
    chat_revoked_kind_e kind, chat_str_t value, uint64_t now)
{
    uint32_t                hash;
    chat_revoked_entry_t  **place, *e;

    if (value.len == 0) {
        return false;
    }

    hash = chat_revoked_hash(kind, token->tenant, value);
    place = chat_revoked_place(r, kind, token->tenant, value, hash);

    if (place == NULL) {
        return false;
    }

    e = *place;

    if (e->until != CHAT_REVOKED_EVER && e->until <= now) {
        return false;
    }

    /* of a token that does not say when it was issued nothing speaks for it */

    return e->before == CHAT_REVOKED_ALL || !token->has_iat
           || token->iat <= e->before;
}


void
chat_revoked_begin(chat_revoked_t *r)
{
    r->round++;
}


void
chat_revoked_end(chat_revoked_t *r)
{
    size_t                  i;
    chat_revoked_entry_t  **place;

    for (i = 0; i < r->nbuckets; i++) {
        place = &r->buckets[i];

        while (*place != NULL) {
            if ((*place)->round != r->round) {
                chat_revoked_remove(r, place);
            } else {
                place = &(*place)->next;
            }
        }
    }
}


void
chat_revoked_expire(chat_revoked_t *r, uint64_t now, size_t buckets)
{
    chat_revoked_entry_t  **place;

    if (buckets > r->nbuckets) {
        buckets = r->nbuckets;
    }

    while (buckets-- > 0) {
        place = &r->buckets[r->next];
        r->next = (r->next + 1) & (r->nbuckets - 1);

        while (*place != NULL) {
            if ((*place)->until != CHAT_REVOKED_EVER
                && (*place)->until <= now)
            {
                chat_revoked_remove(r, place);
            } else {
                place = &(*place)->next;
            }
        }
    }
}


/* FNV-1a, 32 bits: http://www.isthe.com/chongo/tech/comp/fnv/ */

static uint32_t
chat_revoked_hash(chat_revoked_kind_e kind, chat_str_t tenant,
    chat_str_t value)
{
    size_t    i;
    uint32_t  hash = 2166136261u;

    hash = (hash ^ (uint32_t) kind) * 16777619u;

    for (i = 0; i < tenant.len; i++) {
        hash = (hash ^ tenant.data[i]) * 16777619u;
    }

    hash = (hash ^ '/') * 16777619u;

    for (i = 0; i < value.len; i++) {
        hash = (hash ^ value.data[i]) * 16777619u;
    }

    return hash;
}


/* where what points to the entry stands, or NULL */

static chat_revoked_entry_t **
chat_revoked_place(const chat_revoked_t *r, chat_revoked_kind_e kind,
    chat_str_t tenant, chat_str_t value, uint32_t hash)
{
    chat_revoked_entry_t  **place, *e;

    if (r->nbuckets == 0) {
        return NULL;
    }

    place = &r->buckets[hash & (r->nbuckets - 1)];

    for ( /* void */ ; *place != NULL; place = &(*place)->next) {
        e = *place;

        if (e->hash == hash && e->kind == kind
            && e->tenant_len == tenant.len && e->value_len == value.len
            && memcmp(e->text, tenant.data, tenant.len) == 0
            && memcmp(e->text + e->tenant_len, value.data, value.len) == 0)
        {
            return place;
        }
    }

    return NULL;
}
