/*
 * Counters that all worker processes share.
 *
 *              | which slots have been used |
 *      slot 0: | pid | worker | gauges ... | counters ... | times ... |
 *      slot 1: | pid | worker | gauges ... | counters ... | times ... |
 *
 * A slot is that of nginx' own table of processes.  nginx gives it to another
 * process only when the last one has ended, so it has one writer; old and new
 * workers that live side by side after a reload have different ones.  Memory
 * of slots that were never used is never touched.
 */

#include "ngx_chat.h"

#include <signal.h>


/* owner: the zone */

typedef struct {
    ngx_atomic_t      used[NGX_MAX_PROCESSES];
    ngx_chat_slot_t   slots[NGX_MAX_PROCESSES];
} ngx_chat_shm_t;


static ngx_int_t ngx_chat_shm_init(ngx_shm_zone_t *zone, void *old);
static void ngx_chat_shm_read_times(ngx_chat_slot_t *slot,
    ngx_chat_totals_t *totals);
static ngx_uint_t ngx_chat_shm_lives(ngx_chat_slot_t *slot);


const uint32_t  ngx_chat_time_bounds[NGX_CHAT_TIME_BUCKETS - 1] = {
    100, 250, 500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000,
    500000, 1000000, 2500000, 5000000
};


ngx_int_t
ngx_chat_shm_add(ngx_conf_t *cf, ngx_chat_main_conf_t *mcf)
{
    size_t     size;
    ngx_str_t  name = ngx_string("ngx_chat");

    /* what the slab allocator needs for itself is far less than another half */

    size = ngx_align(sizeof(ngx_chat_shm_t) * 3 / 2, ngx_pagesize);

    mcf->zone = ngx_shared_memory_add(cf, &name, size, &ngx_chat_module);
    if (mcf->zone == NULL) {
        return NGX_ERROR;
    }

    mcf->zone->init = ngx_chat_shm_init;

    return NGX_OK;
}


static ngx_int_t
ngx_chat_shm_init(ngx_shm_zone_t *zone, void *old)
{
    ngx_chat_shm_t   *shm;
    ngx_slab_pool_t  *pool;

    if (ngx_chat_shm_keep(zone, old)) {
        return NGX_OK;
    }

    pool = (ngx_slab_pool_t *) zone->shm.addr;

    shm = ngx_slab_alloc(pool, sizeof(ngx_chat_shm_t));
    if (shm == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero((void *) shm->used, sizeof(shm->used));

    zone->data = shm;
    pool->data = shm;

    return NGX_OK;
}


ngx_uint_t
ngx_chat_shm_keep(ngx_shm_zone_t *zone, void *old)
{
    if (old != NULL) {                  /* a reload */
        zone->data = old;
        return 1;
    }

    if (zone->shm.exists) {
        zone->data = ((ngx_slab_pool_t *) zone->shm.addr)->data;
        return 1;
    }

    return 0;
}


ngx_chat_slot_t *
ngx_chat_shm_attach(ngx_chat_main_conf_t *mcf)
{
    ngx_uint_t        i;
    ngx_chat_shm_t   *shm = mcf->zone->data;
    ngx_chat_slot_t  *slot;

    slot = &shm->slots[ngx_process_slot];

    if (!shm->used[ngx_process_slot]) {
        ngx_memzero(slot, sizeof(ngx_chat_slot_t));
    }

    slot->pid = 0;
    ngx_memzero(&slot->worker, sizeof(ngx_chat_worker_t));

    for (i = 0; i < NGX_CHAT_COUNT_GAUGES; i++) {
        slot->counts[i] = 0;
    }

    ngx_memory_barrier();
    slot->pid = ngx_pid;
    shm->used[ngx_process_slot] = 1;

    return slot;
}


void
ngx_chat_shm_detach(ngx_chat_slot_t *slot)
{
    slot->pid = 0;
}


uint64_t
ngx_chat_count_own(ngx_chat_node_t *node, ngx_chat_count_e count)
{
    return node->slot->counts[count];
}


void
ngx_chat_time_add(ngx_chat_node_t *node, ngx_chat_time_e time, uint64_t us)
{
    ngx_chat_time_add_many(node, time, us, 1);
}


void
ngx_chat_time_add_many(ngx_chat_node_t *node, ngx_chat_time_e time,
    uint64_t us, ngx_uint_t n)
{
    ngx_uint_t            i;
    ngx_chat_shm_time_t  *t = &node->slot->times[time];

    for (i = 0; i < NGX_CHAT_TIME_BUCKETS - 1; i++) {
        if (us <= ngx_chat_time_bounds[i]) {
            break;
        }
    }

    t->buckets[i] += n;
    t->sum += us * n;
}


void
ngx_chat_shm_look(ngx_chat_slot_t *slot, const ngx_chat_worker_t *w)
{
    slot->worker = *w;
}


ngx_int_t
ngx_chat_shm_worker(ngx_chat_main_conf_t *mcf, ngx_uint_t i,
    ngx_chat_worker_t *w)
{
    ngx_chat_shm_t   *shm = mcf->zone->data;
    ngx_chat_slot_t  *slot;

    slot = &shm->slots[i];

    if (!shm->used[i] || !ngx_chat_shm_lives(slot)) {
        return NGX_DECLINED;
    }

    *w = slot->worker;
    w->sessions = slot->counts[NGX_CHAT_COUNT_SESSIONS];

    return NGX_OK;
}


void
ngx_chat_shm_read(ngx_chat_main_conf_t *mcf, ngx_chat_totals_t *totals)
{
    ngx_uint_t        i, k;
    ngx_chat_shm_t   *shm = mcf->zone->data;
    ngx_chat_slot_t  *slot;

    ngx_memzero(totals, sizeof(ngx_chat_totals_t));

    for (i = 0; i < NGX_MAX_PROCESSES; i++) {

        if (!shm->used[i]) {
            continue;
        }

        slot = &shm->slots[i];
        k = ngx_chat_shm_lives(slot) ? 0 : NGX_CHAT_COUNT_GAUGES;

        for ( /* void */ ; k < NGX_CHAT_COUNTS; k++) {
            totals->counts[k] += slot->counts[k];
        }

        ngx_chat_shm_read_times(slot, totals);
    }
}


static void
ngx_chat_shm_read_times(ngx_chat_slot_t *slot, ngx_chat_totals_t *totals)
{
    ngx_uint_t  i, k;

    for (i = 0; i < NGX_CHAT_TIMES; i++) {

        for (k = 0; k < NGX_CHAT_TIME_BUCKETS; k++) {
            totals->times[i].buckets[k] += slot->times[i].buckets[k];
        }

        totals->times[i].sum += slot->times[i].sum;
    }
}


/* its process may have been killed, and have had no time to say so */

static ngx_uint_t
ngx_chat_shm_lives(ngx_chat_slot_t *slot)
{
    ngx_pid_t  pid = slot->pid;

    return pid != 0 && (kill(pid, 0) == 0 || ngx_errno == NGX_EPERM);
}
