/*
 * chatctl reload: nginx' master process, its worker processes, and what they
 * tell of themselves.
 */

#ifndef RELOAD_H
#define RELOAD_H


#include <sys/types.h>

#include "doctor_nodes.h"
#include "reload_watch.h"


#define RELOAD_MAX_WORKERS  1024


typedef struct {
    pid_t       pids[RELOAD_MAX_WORKERS];
    size_t      n;
} workers_t;


/* what the nodes of one nginx tell together */

typedef struct {
    size_t      nodes;
    uint64_t    sessions;
    uint64_t    lost;
    uint64_t    doubled;
    uint64_t    repaired;
} nodes_t;


/* reload_process.c */

/* -1: says why */
CHAT_MUST_CHECK int reload_read_pid(const char *file, uint64_t *pid);
CHAT_MUST_CHECK int reload_check_master(pid_t master);

/* the worker processes that it has now, those that leave among them; or with
   all, every process that it has started */
void reload_workers(pid_t master, bool all, workers_t *workers);

/* how many of these are there and are not leaving */
size_t reload_count_staying(const workers_t *workers);

/* whether it has done all that it was told by signals */
bool reload_is_idle(pid_t master);

/* how many of these are not, or are, among the others */
size_t reload_count_new(const workers_t *workers, const workers_t *others);
size_t reload_count_old(const workers_t *workers, const workers_t *others);


/* reload_nodes.c: asks those that do not leave; -1: says why */

CHAT_MUST_CHECK int reload_ask_nodes(const char *redis_url, pid_t master,
    const workers_t *workers, nodes_t *nodes);


#endif /* RELOAD_H */
