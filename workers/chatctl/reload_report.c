/*
 * What chatctl reload tells in the end.
 */

#include "reload.h"

#include <inttypes.h>
#include <stdio.h>


/* a configuration without the module has other counters: they begin at 0 */

static uint64_t
reload_grown(uint64_t before, uint64_t after)
{
    return after >= before ? after - before : after;
}


bool
reload_is_good(const reload_t *r)
{
    const watch_t  *w = &r->watch;

    return !r->verify
           || (r->after.nodes == r->now.n
               && reload_grown(r->before.lost, r->after.lost) == 0
               && reload_grown(r->before.doubled, r->after.doubled) == 0
               && reload_grown(r->before.repaired, r->after.repaired) == 0
               && w->missed == 0 && w->doubled == 0 && w->resets == 0
               && w->cut == 0);
}


void
reload_print(const reload_t *r)
{
    const watch_t  *w = &r->watch;

    printf("%zu new processes, %zu old ones gone after %.1f s\n", r->started,
           r->old.n, (double) r->ms / 1000);

    if (!r->verify) {
        return;
    }

    printf("%zu of %zu processes serve; %" PRIu64 " sessions were moved, %"
           PRIu64 " are here now\n", r->after.nodes, r->now.n,
           r->before.sessions, r->after.sessions);
    printf("nodes: %" PRIu64 " gaps were repaired; canaries: %" PRIu64
           " changes lost, %" PRIu64 " doubled\n",
           reload_grown(r->before.repaired, r->after.repaired),
           reload_grown(r->before.lost, r->after.lost),
           reload_grown(r->before.doubled, r->after.doubled));

    if (w->n != 0) {
        printf("own sessions: %zu with %" PRIu64 " messages; %" PRIu64
               " times one was moved, %" PRIu64 " times cut off; %" PRIu64
               " ms away at most;\n              %" PRIu64 " messages missed, %"
               PRIu64 " doubled, %" PRIu64 " times told to start over\n", w->n,
               w->sequence, w->moved, w->cut, w->away, w->missed, w->doubled,
               w->resets);
    }

    printf("\n%s\n", reload_is_good(r) ? "all is well" : "not all is well");
}


void
reload_print_json(const reload_t *r)
{
    const watch_t  *w = &r->watch;

    printf("{\"ok\":%s,\"started\":%zu,\"ended\":%zu,\"seconds\":%.3f",
           reload_is_good(r) ? "true" : "false", r->started, r->old.n,
           (double) r->ms / 1000);

    if (r->verify) {
        printf(",\"nodes\":%zu,\"sessionsMoved\":%" PRIu64 ",\"sessions\":%"
               PRIu64 ",\"gapsRepaired\":%" PRIu64 ",\"canary\":{\"lost\":%"
               PRIu64 ",\"doubled\":%" PRIu64 "}", r->after.nodes,
               r->before.sessions, r->after.sessions,
               reload_grown(r->before.repaired, r->after.repaired),
               reload_grown(r->before.lost, r->after.lost),
               reload_grown(r->before.doubled, r->after.doubled));
    }

    if (w->n != 0) {
        printf(",\"own\":{\"sessions\":%zu,\"messages\":%" PRIu64
               ",\"moved\":%" PRIu64 ",\"cut\":%" PRIu64 ",\"awayMs\":%" PRIu64
               ",\"missed\":%" PRIu64 ",\"doubled\":%" PRIu64 ",\"resets\":%"
               PRIu64 "}", w->n, w->sequence, w->moved, w->cut, w->away,
               w->missed, w->doubled, w->resets);
    }

    printf("}\n");
}
