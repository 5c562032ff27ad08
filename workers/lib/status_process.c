/*
 * What the kernel knows of this process, under the names that the client
 * libraries of Prometheus have given to it.
 */

#include "status.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "chat_version.h"
#include "life.h"
#include "metric.h"


#define PROCESS_START  22               /* field of /proc/self/stat */


static void process_write_memory(mem_buf_t *out);
static void process_write_files(mem_buf_t *out);


void
status_process(mem_buf_t *out, const status_t *s)
{
    uint64_t       us;
    const char    *program = s->program;
    struct rusage  usage;

    mem_buf_printf(out, "# HELP %s_build_info What version this is.\n"
                   "# TYPE %s_build_info gauge\n"
                   "%s_build_info{version=\"%s\"} 1\n",
                   program, program, program, CHAT_VERSION);

    if (getrusage(RUSAGE_SELF, &usage) == 0) {
        us = (uint64_t) (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
                 * 1000000
             + (uint64_t) (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);

        metric_write_head(out, "process_cpu_seconds_total",
                          "User and system time.", "counter");
        metric_write_us(out, "process_cpu_seconds_total", "", us);
    }

    process_write_memory(out);
    process_write_files(out);

    if (s->began != 0) {
        metric_write_head(out, "process_start_time_seconds",
                          "When it was started, since 1970.", "gauge");
        metric_write_us(out, "process_start_time_seconds", "", s->began);
    }
}


/* the line of a file of /proc, or an empty one */

static void
process_read(const char *name, char *text, size_t size)
{
    FILE  *file;

    text[0] = '\0';
    file = fopen(name, "re");

    if (file == NULL) {
        return;
    }

    if (fgets(text, (int) size, file) == NULL) {
        text[0] = '\0';
    }

    (void) fclose(file);
}


static void
process_write_memory(mem_buf_t *out)
{
    char      text[128];
    uint64_t  size, resident, page = (uint64_t) sysconf(_SC_PAGESIZE);

    process_read("/proc/self/statm", text, sizeof(text));

    if (sscanf(text, "%" SCNu64 " %" SCNu64, &size, &resident) != 2) {
        return;
    }

    metric_write_head(out, "process_resident_memory_bytes",
                      "Memory that is in use.", "gauge");
    metric_write_uint(out, "process_resident_memory_bytes", "",
                      resident * page);
    metric_write_head(out, "process_virtual_memory_bytes",
                      "Addresses that are in use.", "gauge");
    metric_write_uint(out, "process_virtual_memory_bytes", "", size * page);
}


static void
process_write_files(mem_buf_t *out)
{
    DIR            *dir;
    uint64_t        n = 0;
    struct rlimit   limit;

    dir = opendir("/proc/self/fd");

    if (dir != NULL) {

        while (readdir(dir) != NULL) {
            n++;
        }

        (void) closedir(dir);

        /* but for ".", ".." and the one that was just read */

        metric_write_head(out, "process_open_fds", "Open descriptors.",
                          "gauge");
        metric_write_uint(out, "process_open_fds", "", n - 3);
    }

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        metric_write_head(out, "process_max_fds",
                          "Descriptors that may be open.", "gauge");
        metric_write_uint(out, "process_max_fds", "", limit.rlim_cur);
    }
}


/* the machine's start and ours since then, in ticks */

uint64_t
status_process_began(void)
{
    char      text[1024], *field;
    double    up, ticks;
    unsigned  i;

    process_read("/proc/uptime", text, sizeof(text));

    if (sscanf(text, "%lf", &up) != 1) {
        return 0;
    }

    /* the name of the program may hold spaces, and ends with the last ")" */

    process_read("/proc/self/stat", text, sizeof(text));
    field = strrchr(text, ')');

    for (i = 2; i < PROCESS_START && field != NULL; i++) {
        field = strchr(field + 1, ' ');
    }

    if (field == NULL || sscanf(field, "%lf", &ticks) != 1) {
        return 0;
    }

    return life_time() * 1000
           - (uint64_t) ((up - ticks / (double) sysconf(_SC_CLK_TCK))
                         * 1000000);
}
