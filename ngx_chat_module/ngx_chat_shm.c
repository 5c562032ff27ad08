/*
 * Counters that all worker processes share.
 *
 *      slot 0: | pid | gauges ... | counters ... |
 *      slot 1: | pid | gauges ... | counters ... |
 *
 * A slot is that of nginx' own table of processes.  nginx gives it to another
 * process only when the last one has ended, so it has one writer; old and new
 * workers that live side by side after a reload have different ones.
 */

#include "ngx_chat.h"

#include <signal.h>


#define NGX_CHAT_SHM_LINE  64           /* bytes: no two writers in one */


/* owner: the zone */

struct ngx_chat_slot_s {
    ngx_atomic_t   pid;                 /* 0: none */
    ngx_atomic_t   counts[NGX_CHAT_COUNTS];
} __attribute__((aligned(NGX_CHAT_SHM_LINE)));


static ngx_int_t ngx_chat_shm_init(ngx_shm_zone_t *zone, void *old);
static ngx_uint_t ngx_chat_shm_lives(ngx_chat_slot_t *slot);


ngx_int_t
ngx_chat_shm_add(ngx_conf_t *cf, ngx_chat_main_conf_t *mcf)
{
    size_t     size;
    ngx_str_t  name = ngx_string("ngx_chat");

    /* what the slab allocator needs for itself is far less than another half */

    size = NGX_MAX_PROCESSES * sizeof(ngx_chat_slot_t);
    size = ngx_align(size + size / 2, ngx_pagesize);

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
    ngx_slab_pool_t  *pool;

    if (old != NULL) {                  /* a reload */
        zone->data = old;
        return NGX_OK;
    }

    pool = (ngx_slab_pool_t *) zone->shm.addr;

    if (zone->shm.exists) {
        zone->data = pool->data;
        return NGX_OK;
    }

    zone->data = ngx_slab_calloc(pool, NGX_MAX_PROCESSES
                                       * sizeof(ngx_chat_slot_t));
    if (zone->data == NULL) {
        return NGX_ERROR;
    }

    pool->data = zone->data;

    return NGX_OK;
}


ngx_chat_slot_t *
ngx_chat_shm_attach(ngx_chat_main_conf_t *mcf)
{
    ngx_uint_t        i;
    ngx_chat_slot_t  *slot = mcf->zone->data;

    slot += ngx_process_slot;
    slot->pid = 0;

    for (i = 0; i < NGX_CHAT_COUNT_GAUGES; i++) {
        slot->counts[i] = 0;
    }

    ngx_memory_barrier();
    slot->pid = ngx_pid;

    return slot;
}


void
ngx_chat_shm_detach(ngx_chat_slot_t *slot)
{
    slot->pid = 0;
}


void
ngx_chat_count_add(ngx_chat_node_t *node, ngx_chat_count_e count, ngx_int_t n)
{
    (void) ngx_atomic_fetch_add(&node->slot->counts[count], n);
}


uint64_t
ngx_chat_count_own(ngx_chat_node_t *node, ngx_chat_count_e count)
{
    return node->slot->counts[count];
}


void
ngx_chat_shm_read(ngx_chat_main_conf_t *mcf, uint64_t counts[NGX_CHAT_COUNTS])
{
    ngx_uint_t        i, k;
    ngx_chat_slot_t  *slot = mcf->zone->data;

    ngx_memzero(counts, NGX_CHAT_COUNTS * sizeof(uint64_t));

    for (i = 0; i < NGX_MAX_PROCESSES; i++, slot++) {

        k = ngx_chat_shm_lives(slot) ? 0 : NGX_CHAT_COUNT_GAUGES;

        for ( /* void */ ; k < NGX_CHAT_COUNTS; k++) {
            counts[k] += slot->counts[k];
        }
    }
}


/* its process may have been killed, and have had no time to say so */

static ngx_uint_t
ngx_chat_shm_lives(ngx_chat_slot_t *slot)
{
    ngx_pid_t  pid = slot->pid;

    return pid != 0 && (kill(pid, 0) == 0 || ngx_errno == NGX_EPERM);
}
