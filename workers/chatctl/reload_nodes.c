/*
 * What the nodes of this nginx tell.  Others may be connected to the same
 * Redis, from other machines or containers, where process ids are the same: a
 * node is ours if its host, its master's and its own process id are.
 */

#include "reload.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>


static bool
nodes_is_ours(const node_t *node, const char *host, pid_t master,
    const workers_t *workers)
{
    size_t  i;

    if (node->master != (uint64_t) master || node->leaves
        || strcasecmp(node->host, host) != 0)
    {
        return false;
    }

    for (i = 0; i < workers->n; i++) {
        if (node->pid == (uint64_t) workers->pids[i]) {
            return true;
        }
    }

    return false;
}


static void
nodes_add(nodes_t *nodes, const node_t *node)
{
    nodes->nodes++;
    nodes->sessions += node->sessions;

    /* these are of all of them together, and grow from one to the next */

    nodes->lost = node->lost > nodes->lost ? node->lost : nodes->lost;
    nodes->doubled = node->doubled > nodes->doubled ? node->doubled
                                                    : nodes->doubled;
    nodes->repaired = node->repaired > nodes->repaired ? node->repaired
                                                       : nodes->repaired;
}


int
reload_ask_nodes(const char *redis_url, pid_t master, const workers_t *workers,
    nodes_t *nodes)
{
    int       rc;
    char      host[65] = "";
    size_t    i;
    doctor_t  d;
    report_t  report;

    memset(nodes, 0, sizeof(*nodes));
    memset(&report, 0, sizeof(report));
    memset(&d, 0, sizeof(d));
    d.redis.url = redis_url;
    d.redis.quiet = true;

    (void) gethostname(host, sizeof(host) - 1);

    if (redis_open(&d.redis) == -1) {
        ctl_say("Redis: %s", d.redis.error);
        return -1;
    }

    d.has_redis = true;
    rc = report_read(&d, &report);

    if (rc == -1) {
        ctl_say("Redis: %s", d.redis.error);
    }

    for (i = 0; i < report.nnodes; i++) {
        if (nodes_is_ours(&report.nodes[i], host, master, workers)) {
            nodes_add(nodes, &report.nodes[i]);
        }
    }

    report_done(&report);

    for (i = 0; i < d.nlines; i++) {
        free(d.lines[i].text);
    }

    free(d.lines);
    redis_args_done(&d.args);
    redis_close(&d.redis);

    return rc;
}
