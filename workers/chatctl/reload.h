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


/* a reload: what is asked for, and what has been found out */

typedef struct {
    const char  *pid_file;
    uint64_t     pid;
    uint64_t     wait;          /* s */
    uint64_t     sessions;      /* of our own */
    const char  *test;          /* a command; NULL: none */
    const char  *url;           /* of a location; NULL: no sessions */
    const char  *key_file;
    const char  *tenant;
    const char  *redis_url;
    bool         verify;
    bool         json;

    pid_t        master;
    workers_t    old;
    size_t       staying;       /* of these: they were not leaving already */
    workers_t    children;      /* whatever nginx has started before */
    workers_t    now;
    size_t       started;
    uint64_t     idle_at;       /* when nothing more was to come; 0: it is */
    uint64_t     ms;            /* that it took */
    nodes_t      before;
    nodes_t      after;
    watch_t      watch;         /* n is 0: none */
    char        *token;
} reload_t;


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


/* reload_report.c */

bool reload_is_good(const reload_t *r);
void reload_print(const reload_t *r);
void reload_print_json(const reload_t *r);


#endif /* RELOAD_H */
