/*
 * Buckets and counts that all worker processes share.
 *
 *      | head: key of the hash, processes | buckets ... | counts ... |
 *
 * Both tables are arrays of sets of eight entries, as in a processor's cache:
 * a key may be in one set only, and what is there and says nothing any more
 * makes room.  Nothing is locked and nothing points anywhere, so a process may
 * be killed at any instruction.
 *
 * A bucket that is full is as good as none, so whoever needs room takes it.
 * Its key has the limit in it: what was taken under another one, before a
 * reload or in another location, could be more than this one ever gives, and
 * would have to be waited for.
 *
 * A count is of one process, which alone writes to it: it says whose it is by
 * the birth of the process, and counts for nobody when that is dead.  So there
 * is nothing to be repaired when a process is killed; who wants to know how
 * many connections an address has adds up the counts of those who live.  The
 * counts of one key and several processes are in different sets.
 */

#include "ngx_chat.h"

#include <openssl/rand.h>
#include <signal.h>


#if (NGX_PTR_SIZE != 8)
#error limits need atomic operations on 64 bits
#endif


#define NGX_CHAT_LIMIT_WAYS    8        /* entries of a set */
#define NGX_CHAT_LIMIT_TRIES   8        /* others may be faster */
#define NGX_CHAT_LIMIT_LOOK    500      /* ms: who lives */
#define NGX_CHAT_LIMIT_SILENT  60000    /* ms between two complaints */
#define NGX_CHAT_LIMIT_NAME    128      /* of each part */
#define NGX_CHAT_LIMIT_SAMPLE  512      /* sets looked at for a metric */

/* how what is in the zone is laid out: one that is laid out otherwise is
   another zone */
#define NGX_CHAT_LIMIT_ZONE    "ngx_chat_limit_1"


typedef struct {
    ngx_atomic_t   key;                 /* 0: none */
    ngx_atomic_t   full;                /* see chat_limit.h */
} ngx_chat_limit_bucket_t;


typedef struct {
    ngx_atomic_t   key;
    ngx_atomic_t   value;               /* birth << 32 | count; 0: free */
} ngx_chat_limit_count_t;


/* owner: the zone */

typedef struct {
    u_char                    key[CHAT_SIPHASH_KEY];
    ngx_atomic_t              births;
    ngx_uint_t                nsets;    /* of each table */
    ngx_chat_limit_bucket_t  *buckets;
    ngx_chat_limit_count_t   *counts;

    /* by ngx_process_slot: birth << 32 | pid; 0: none */
    ngx_atomic_t              processes[NGX_MAX_PROCESSES];
} ngx_chat_limit_zone_t;


static ngx_int_t ngx_chat_limit_zone_init(ngx_shm_zone_t *zone, void *old);
static ngx_chat_limit_zone_t *ngx_chat_limit_zone(ngx_chat_node_t *node);
static void ngx_chat_limit_on_timer(ngx_event_t *ev);
static ngx_chat_limit_key_t ngx_chat_limit_bucket_key(ngx_chat_limit_key_t key,
    const chat_limit_t *limit);
static ngx_chat_limit_bucket_t *ngx_chat_limit_bucket(
    ngx_chat_limit_zone_t *z, ngx_chat_limit_key_t key, uint64_t now);
static ngx_chat_limit_bucket_t *ngx_chat_limit_bucket_set(
    ngx_chat_limit_zone_t *z, ngx_chat_limit_key_t key);
static ngx_chat_limit_bucket_t *ngx_chat_limit_bucket_idle(
    ngx_chat_limit_bucket_t *set, uint64_t now);
static ngx_chat_limit_count_t *ngx_chat_limit_count(ngx_chat_limit_zone_t *z,
    ngx_chat_limit_key_t key, ngx_atomic_uint_t birth);
static ngx_chat_limit_count_t *ngx_chat_limit_count_set(
    ngx_chat_limit_zone_t *z, ngx_chat_limit_key_t key);
static ngx_uint_t ngx_chat_limit_lives(ngx_chat_limit_zone_t *z,
    ngx_atomic_uint_t birth);
static ngx_chat_limit_key_t ngx_chat_limit_key_of(ngx_chat_limit_key_t key,
    ngx_uint_t n);
static void ngx_chat_limit_full(ngx_chat_node_t *node);


ngx_int_t
ngx_chat_limit_zone_add(ngx_conf_t *cf, ngx_chat_main_conf_t *mcf)
{
    ngx_str_t  name = ngx_string(NGX_CHAT_LIMIT_ZONE);

    mcf->limit_zone = ngx_shared_memory_add(cf, &name, mcf->limit_zone_size,
                                            &ngx_chat_module);
    if (mcf->limit_zone == NULL) {
        return NGX_ERROR;
    }

    mcf->limit_zone->init = ngx_chat_limit_zone_init;

    return NGX_OK;
}


/* all pages of the zone in one piece, which the kernel has filled with zeros */

static ngx_int_t
ngx_chat_limit_zone_init(ngx_shm_zone_t *zone, void *old)
{
    size_t                  size, set;
    ngx_slab_pool_t        *pool;
    ngx_chat_limit_zone_t  *z;

    if (ngx_chat_shm_keep(zone, old)) {
        return NGX_OK;
    }

    pool = (ngx_slab_pool_t *) zone->shm.addr;

    size = pool->pfree * ngx_pagesize;
    set = NGX_CHAT_LIMIT_WAYS * (sizeof(ngx_chat_limit_bucket_t)
                                 + sizeof(ngx_chat_limit_count_t));

    z = ngx_slab_alloc(pool, size);
    if (z == NULL) {
        return NGX_ERROR;
    }

    /* sets begin where a line of the cache does */

    z->buckets = (ngx_chat_limit_bucket_t *)
                 ngx_align_ptr(z + 1, NGX_CHAT_LIMIT_WAYS
                                      * sizeof(ngx_chat_limit_bucket_t));
    z->nsets = ((u_char *) z + size - (u_char *) z->buckets) / set;
    z->counts = (ngx_chat_limit_count_t *)
                (z->buckets + z->nsets * NGX_CHAT_LIMIT_WAYS);

    if (RAND_bytes(z->key, sizeof(z->key)) != 1) {
        ngx_log_error(NGX_LOG_EMERG, zone->shm.log, 0,
                      "chat: no random bytes for the zone of limits");
        return NGX_ERROR;
    }

    zone->data = z;
    pool->data = z;

    return NGX_OK;
}


static ngx_chat_limit_zone_t *
ngx_chat_limit_zone(ngx_chat_node_t *node)
{
    return node->conf->limit_zone->data;
}


/* Where an entry goes is as good as chance, so one set is like another.  Counts
   of a process that was killed are among them until others take their place. */

void
ngx_chat_limit_usage(ngx_chat_main_conf_t *mcf, ngx_chat_limit_usage_t *usage)
{
    uint64_t                now = (uint64_t) ngx_current_msec * 1000;
    ngx_uint_t              i, k, n, at;
    ngx_chat_limit_zone_t  *z = mcf->limit_zone->data;

    ngx_memzero(usage, sizeof(ngx_chat_limit_usage_t));
    n = ngx_min(z->nsets, NGX_CHAT_LIMIT_SAMPLE);

    for (i = 0; i < n; i++) {
        at = i * z->nsets / n * NGX_CHAT_LIMIT_WAYS;

        for (k = at; k < at + NGX_CHAT_LIMIT_WAYS; k++) {
            usage->rates += z->buckets[k].full > now;
            usage->connections += z->counts[k].value != 0;
        }
    }

    usage->entries = z->nsets * NGX_CHAT_LIMIT_WAYS;
    usage->rates = usage->rates * z->nsets / n;
    usage->connections = usage->connections * z->nsets / n;
}


void
ngx_chat_limit_attach(ngx_chat_node_t *node)
{
    ngx_chat_limit_zone_t  *z = ngx_chat_limit_zone(node);

    do {
        node->birth = (uint32_t) ngx_atomic_fetch_add(&z->births, 1);
    } while (node->birth == 0);

    z->processes[ngx_process_slot] = (ngx_atomic_uint_t) node->birth << 32
                                     | (uint32_t) ngx_pid;

    node->limit_timer.handler = ngx_chat_limit_on_timer;
    node->limit_timer.data = node;
    node->limit_timer.log = node->log;
    node->limit_timer.cancelable = 1;

    ngx_add_timer(&node->limit_timer, NGX_CHAT_LIMIT_LOOK);
}


void
ngx_chat_limit_detach(ngx_chat_node_t *node)
{
    ngx_chat_limit_zone_t  *z = ngx_chat_limit_zone(node);

    if (node->limit_timer.timer_set) {
        ngx_del_timer(&node->limit_timer);
    }

    z->processes[ngx_process_slot] = 0;
}


/*
 * A process that was killed has not signed off.  It is looked for so often
 * that no other process can have got its number meanwhile.
 */

static void
ngx_chat_limit_on_timer(ngx_event_t *ev)
{
    ngx_uint_t              i;
    ngx_chat_node_t        *node = ev->data;
    ngx_atomic_uint_t       process;
    ngx_chat_limit_zone_t  *z = ngx_chat_limit_zone(node);

    for (i = 0; i < NGX_MAX_PROCESSES; i++) {
        process = z->processes[i];

        if (process != 0 && kill((ngx_pid_t) (uint32_t) process, 0) == -1
            && ngx_errno == ESRCH)
        {
            (void) ngx_atomic_cmp_set(&z->processes[i], process, 0);
        }
    }

    ngx_add_timer(&node->limit_timer, NGX_CHAT_LIMIT_LOOK);
}


ngx_chat_limit_key_t
ngx_chat_limit_hash(ngx_chat_node_t *node, ngx_chat_limit_e what,
    chat_str_t name, chat_str_t more)
{
    u_char                  text[2 * NGX_CHAT_LIMIT_NAME + 2], *p;
    ngx_chat_limit_key_t    key;
    ngx_chat_limit_zone_t  *z = ngx_chat_limit_zone(node);

    p = text;
    *p++ = what;
    p = ngx_cpymem(p, name.data, ngx_min(name.len, NGX_CHAT_LIMIT_NAME));
    *p++ = '\0';
    p = ngx_cpymem(p, more.data, ngx_min(more.len, NGX_CHAT_LIMIT_NAME));

    key = chat_siphash(z->key, (chat_str_t) { text, p - text });

    return key != 0 ? key : 1;
}


/* Buckets */


ngx_int_t
ngx_chat_limit_take(ngx_chat_node_t *node, ngx_chat_limit_key_t key,
    const chat_limit_t *limit, ngx_uint_t n, ngx_uint_t *wait)
{
    uint64_t                  now, full, us;
    ngx_atomic_uint_t         old;
    ngx_chat_limit_bucket_t  *b;

    if (limit->interval == 0 || key == 0) {
        return NGX_OK;
    }

    /* of the machine, not of the process: nginx' monotonic clock */

    now = (uint64_t) ngx_current_msec * 1000;
    key = ngx_chat_limit_bucket_key(key, limit);

    b = ngx_chat_limit_bucket(ngx_chat_limit_zone(node), key, now);
    if (b == NULL) {
        ngx_chat_limit_full(node);
        return NGX_OK;
    }

    do {
        old = b->full;
        full = old;

        if (chat_limit_take(limit, &full, now, n, &us) != CHAT_OK) {
            *wait = (us + 999999) / 1000000;
            return NGX_DECLINED;
        }

    } while (!ngx_atomic_cmp_set(&b->full, old, full));

    return NGX_OK;
}


ngx_int_t
ngx_chat_limit_look(ngx_chat_node_t *node, ngx_chat_limit_key_t key,
    const chat_limit_t *limit, ngx_uint_t *wait)
{
    uint64_t                  full, us;
    ngx_uint_t                i;
    ngx_chat_limit_bucket_t  *set;

    if (limit->interval == 0 || key == 0) {
        return NGX_OK;
    }

    key = ngx_chat_limit_bucket_key(key, limit);
    set = ngx_chat_limit_bucket_set(ngx_chat_limit_zone(node), key);

    for (i = 0; i < NGX_CHAT_LIMIT_WAYS; i++) {

        if (set[i].key != key) {
            continue;
        }

        full = set[i].full;

        if (chat_limit_take(limit, &full, (uint64_t) ngx_current_msec * 1000,
                            1, &us) != CHAT_OK)
        {
            *wait = (us + 999999) / 1000000;
            return NGX_DECLINED;
        }

        break;
    }

    return NGX_OK;
}


static ngx_chat_limit_key_t
ngx_chat_limit_bucket_key(ngx_chat_limit_key_t key, const chat_limit_t *limit)
{
    key = ngx_chat_limit_key_of(key, limit->interval);

    return ngx_chat_limit_key_of(key, limit->depth);
}


/* that of the key, or one that was nobody's; NULL: there is none */

static ngx_chat_limit_bucket_t *
ngx_chat_limit_bucket(ngx_chat_limit_zone_t *z, ngx_chat_limit_key_t key,
    uint64_t now)
{
    ngx_uint_t                i, tries;
    ngx_atomic_uint_t         old;
    ngx_chat_limit_bucket_t  *set, *b;

    set = ngx_chat_limit_bucket_set(z, key);

    for (tries = 0; tries < NGX_CHAT_LIMIT_TRIES; tries++) {

        for (i = 0; i < NGX_CHAT_LIMIT_WAYS; i++) {
            if (set[i].key == key) {
                return &set[i];
            }
        }

        b = ngx_chat_limit_bucket_idle(set, now);
        if (b == NULL) {
            return NULL;
        }

        old = b->key;

        if (b->full <= now && ngx_atomic_cmp_set(&b->key, old, key)) {
            return b;
        }
    }

    return NULL;
}


static ngx_chat_limit_bucket_t *
ngx_chat_limit_bucket_set(ngx_chat_limit_zone_t *z, ngx_chat_limit_key_t key)
{
    return z->buckets + ((key >> 32) * z->nsets >> 32) * NGX_CHAT_LIMIT_WAYS;
}


static ngx_chat_limit_bucket_t *
ngx_chat_limit_bucket_idle(ngx_chat_limit_bucket_t *set, uint64_t now)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_CHAT_LIMIT_WAYS; i++) {
        if (set[i].full <= now) {
            return &set[i];
        }
    }

    return NULL;
}


/* Counts */


ngx_chat_limit_claim_t
ngx_chat_limit_claim(ngx_chat_node_t *node, ngx_chat_limit_key_t key)
{
    ngx_uint_t               i;
    ngx_atomic_uint_t        old, birth = node->birth;
    ngx_chat_limit_zone_t   *z = ngx_chat_limit_zone(node);
    ngx_chat_limit_count_t  *set, *count;

    if (key == 0) {
        return 0;
    }

    key = ngx_chat_limit_key_of(key, ngx_process_slot);
    count = ngx_chat_limit_count(z, key, birth);

    if (count != NULL) {
        count->value++;
        return count - z->counts + 1;
    }

    set = ngx_chat_limit_count_set(z, key);

    for (i = 0; i < NGX_CHAT_LIMIT_WAYS; i++) {
        old = set[i].value;

        if (old != 0 && ngx_chat_limit_lives(z, old >> 32)) {
            continue;
        }

        /* it is ours with the value; until it has its key it is of nobody */

        if (ngx_atomic_cmp_set(&set[i].value, old, birth << 32 | 1)) {
            ngx_memory_barrier();
            set[i].key = key;
            return &set[i] - z->counts + 1;
        }
    }

    ngx_chat_limit_full(node);

    return 0;
}


void
ngx_chat_limit_release(ngx_chat_node_t *node, ngx_chat_limit_claim_t claim)
{
    ngx_chat_limit_zone_t   *z = ngx_chat_limit_zone(node);
    ngx_chat_limit_count_t  *count;

    if (claim == 0) {
        return;
    }

    count = &z->counts[claim - 1];

    if ((uint32_t) count->value > 1) {
        count->value--;
        return;
    }

    count->key = 0;
    ngx_memory_barrier();
    count->value = 0;
}


ngx_uint_t
ngx_chat_limit_sum(ngx_chat_node_t *node, ngx_chat_limit_key_t key)
{
    ngx_uint_t               i, n;
    ngx_atomic_uint_t        process;
    ngx_chat_limit_zone_t   *z = ngx_chat_limit_zone(node);
    ngx_chat_limit_count_t  *count;

    n = 0;

    for (i = 0; i < NGX_MAX_PROCESSES; i++) {
        process = z->processes[i];

        if (process == 0) {
            continue;
        }

        count = ngx_chat_limit_count(z, ngx_chat_limit_key_of(key, i),
                                     process >> 32);
        if (count != NULL) {
            n += (uint32_t) count->value;
        }
    }

    return n;
}


ngx_uint_t
ngx_chat_limit_own(ngx_chat_node_t *node, ngx_chat_limit_claim_t claim)
{
    ngx_chat_limit_zone_t  *z = ngx_chat_limit_zone(node);

    return claim != 0 ? (uint32_t) z->counts[claim - 1].value : 0;
}


/* the count of a key in the process of that birth, or NULL */

static ngx_chat_limit_count_t *
ngx_chat_limit_count(ngx_chat_limit_zone_t *z, ngx_chat_limit_key_t key,
    ngx_atomic_uint_t birth)
{
    ngx_uint_t               i;
    ngx_chat_limit_count_t  *set = ngx_chat_limit_count_set(z, key);

    for (i = 0; i < NGX_CHAT_LIMIT_WAYS; i++) {
        if (set[i].key == key && set[i].value >> 32 == birth) {
            return &set[i];
        }
    }

    return NULL;
}


static ngx_chat_limit_count_t *
ngx_chat_limit_count_set(ngx_chat_limit_zone_t *z, ngx_chat_limit_key_t key)
{
    return z->counts + ((key >> 32) * z->nsets >> 32) * NGX_CHAT_LIMIT_WAYS;
}


static ngx_uint_t
ngx_chat_limit_lives(ngx_chat_limit_zone_t *z, ngx_atomic_uint_t birth)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_MAX_PROCESSES; i++) {
        if (z->processes[i] >> 32 == birth) {
            return 1;
        }
    }

    return 0;
}


/* of a key and a number: spread by the finalizer of SplitMix64 (G. L. Steele,
   D. Lea, C. H. Flood: Fast splittable pseudorandom number generators) */

static ngx_chat_limit_key_t
ngx_chat_limit_key_of(ngx_chat_limit_key_t key, ngx_uint_t n)
{
    key += (n + 1) * 0x9e3779b97f4a7c15ull;

    key = (key ^ key >> 30) * 0xbf58476d1ce4e5b9ull;
    key = (key ^ key >> 27) * 0x94d049bb133111ebull;
    key ^= key >> 31;

    return key != 0 ? key : 1;
}


/* whoever finds no room is let in */

static void
ngx_chat_limit_full(ngx_chat_node_t *node)
{
    ngx_chat_count(node, NGX_CHAT_COUNT_LIMIT_ZONE_FULL);

    if (node->limit_complained != 0
        && ngx_current_msec - node->limit_complained < NGX_CHAT_LIMIT_SILENT)
    {
        return;
    }

    node->limit_complained = ngx_current_msec;

    ngx_log_error(NGX_LOG_WARN, node->log, 0,
                  "chat: no room in \"chat_limit_zone\", somebody is let in "
                  "unlimited");
}
