/*
 * The processes of nginx, as /proc has them.
 */

#include "reload.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "number.h"


#define TITLE_MASTER  "nginx: master process"
#define TITLE_WORKER  "nginx: worker process"
#define TITLE_LEAVES  "nginx: worker process is shutting down"


static void
process_title(pid_t pid, char *title, size_t size)
{
    char    name[64];
    FILE   *file;
    size_t  n = 0;

    (void) snprintf(name, sizeof(name), "/proc/%d/cmdline", (int) pid);
    file = fopen(name, "r");

    if (file != NULL) {
        n = fread(title, 1, size - 1, file);
        (void) fclose(file);
    }

    title[n] = '\0';
}


static bool
process_is(pid_t pid, const char *title)
{
    char  text[64];

    process_title(pid, text, sizeof(text));

    return strncmp(text, title, strlen(title)) == 0;
}


int
reload_read_pid(const char *name, uint64_t *pid)
{
    char    text[32];
    FILE   *file;
    size_t  n;

    file = fopen(name, "r");

    if (file == NULL) {
        ctl_say("cannot read \"%s\": %s; does nginx run?", name,
                strerror(errno));
        return -1;
    }

    n = fread(text, 1, sizeof(text), file);
    (void) fclose(file);

    while (n > 0 && text[n - 1] == '\n') {
        n--;
    }

    if (number_parse((chat_str_t) { (const uint8_t *) text, n }, INT32_MAX, pid)
        == -1)
    {
        ctl_say("there is no process id in \"%s\"", name);
        return -1;
    }

    return 0;
}


/* a signal to somebody else would end it, most likely */

int
reload_check_master(pid_t master)
{
    if (!process_is(master, TITLE_MASTER)) {
        ctl_say("process %d is no master process of nginx", (int) master);
        return -1;
    }

    if (kill(master, 0) == -1) {
        ctl_say("cannot send signals to process %d: %s", (int) master,
                strerror(errno));
        return -1;
    }

    return 0;
}


/*
 * nginx' master process blocks its signals but while it waits for one.  So one
 * that it has got is pending, or it has that and others blocked, until it waits
 * again.
 */

bool
reload_is_idle(pid_t master)
{
    char                 line[256], name[64];
    FILE                *file;
    unsigned long long   mask, busy = 0;

    (void) snprintf(name, sizeof(name), "/proc/%d/status", (int) master);
    file = fopen(name, "r");

    if (file == NULL) {
        return false;
    }

    while (fgets(line, sizeof(line), file) != NULL) {
        if (sscanf(line, "SigPnd: %llx", &mask) == 1
            || sscanf(line, "ShdPnd: %llx", &mask) == 1
            || sscanf(line, "SigBlk: %llx", &mask) == 1)
        {
            busy |= mask & 1ull << (SIGHUP - 1);
        }
    }

    (void) fclose(file);

    return busy == 0;
}


void
reload_workers(pid_t master, bool all, workers_t *workers)
{
    int    pid;
    char   name[64];
    FILE  *file;

    workers->n = 0;
    (void) snprintf(name, sizeof(name), "/proc/%d/task/%d/children",
                    (int) master, (int) master);
    file = fopen(name, "r");

    if (file == NULL) {
        return;
    }

    while (workers->n < RELOAD_MAX_WORKERS && fscanf(file, "%d", &pid) == 1) {
        if (all || process_is(pid, TITLE_WORKER)) {
            workers->pids[workers->n] = pid;
            workers->n++;
        }
    }

    (void) fclose(file);
}


size_t
reload_count_staying(const workers_t *workers)
{
    size_t  i, n = 0;

    for (i = 0; i < workers->n; i++) {
        n += process_is(workers->pids[i], TITLE_WORKER)
             && !process_is(workers->pids[i], TITLE_LEAVES);
    }

    return n;
}


size_t
reload_count_old(const workers_t *workers, const workers_t *others)
{
    size_t  i, k, n = 0;

    for (i = 0; i < workers->n; i++) {
        for (k = 0; k < others->n; k++) {
            n += workers->pids[i] == others->pids[k];
        }
    }

    return n;
}


size_t
reload_count_new(const workers_t *workers, const workers_t *others)
{
    return workers->n - reload_count_old(workers, others);
}
