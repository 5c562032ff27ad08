/*
 * Preloaded into nginx: memory runs out when a test says so.
 *
 * The test and nginx share a page, the file NOMEM names.  From the moment the
 * test arms it the allocations of the process are counted, and the one that
 * it names fails, or all from that one on.  What hiredis allocates is neither
 * counted nor refused: its release 0.14 does not look at what it got.
 */

#define _GNU_SOURCE

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>


/* before the true functions are known, dlsym() itself may want a little */
#define NOMEM_EARLY  65536


typedef struct {
    uint64_t  pid;                      /* whose allocations count; 0: none's */
    uint64_t  from;                     /* the first one that fails, from 1 */
    uint64_t  to;                       /* the last one that does */
    uint64_t  count;                    /* how many there have been */
} nomem_t;


typedef struct {
    void  *(*malloc)(size_t);
    void  *(*calloc)(size_t, size_t);
    void  *(*realloc)(void *, size_t);
    void   (*free)(void *);
    int    (*posix_memalign)(void **, size_t, size_t);
} nomem_next_t;


static nomem_next_t  next;
static nomem_t      *page;
static uint64_t      self;
static _Alignas(16) unsigned char  early[NOMEM_EARLY];
static size_t                      early_used;


static void *
nomem_early(size_t size)
{
    void  *p = early + early_used;

    size = (size + 15) & ~(size_t) 15;

    if (size > NOMEM_EARLY - early_used) {
        abort();
    }

    early_used += size;

    return p;
}


static bool
nomem_is_early(const void *p)
{
    return (const unsigned char *) p >= early
           && (const unsigned char *) p < early + NOMEM_EARLY;
}


static bool
nomem_ready(void)
{
    static bool  looking;

    if (next.posix_memalign != NULL) {
        return true;
    }

    if (looking) {
        return false;
    }

    looking = true;
    next.malloc = (void *(*)(size_t)) dlsym(RTLD_NEXT, "malloc");
    next.calloc = (void *(*)(size_t, size_t)) dlsym(RTLD_NEXT, "calloc");
    next.realloc = (void *(*)(void *, size_t)) dlsym(RTLD_NEXT, "realloc");
    next.free = (void (*)(void *)) dlsym(RTLD_NEXT, "free");
    next.posix_memalign = (int (*)(void **, size_t, size_t))
                              dlsym(RTLD_NEXT, "posix_memalign");
    looking = false;

    return true;
}


static void __attribute__((constructor))
nomem_open(void)
{
    int          fd;
    void        *p;
    const char  *name;

    name = getenv("NOMEM");
    if (name == NULL) {
        return;
    }

    fd = open(name, O_RDWR);
    if (fd == -1) {
        abort();
    }

    p = mmap(NULL, sizeof(nomem_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED) {
        abort();
    }

    (void) close(fd);
    page = p;
}


static bool
nomem_of_hiredis(const void *caller)
{
    Dl_info  info;

    return dladdr(caller, &info) != 0 && info.dli_fname != NULL
           && strstr(info.dli_fname, "hiredis") != NULL;
}


/* whether this allocation is to fail; the process may have been forked */

static bool
nomem_fails(const void *caller)
{
    uint64_t  n;

    if (page == NULL || page->pid == 0) {
        return false;
    }

    if (self == 0) {
        self = getpid();
    }

    if (page->pid != self) {
        self = getpid();

        if (page->pid != self) {
            return false;
        }
    }

    if (nomem_of_hiredis(caller)) {
        return false;
    }

    n = ++page->count;

    return n >= page->from && n <= page->to;
}


void *
malloc(size_t size)
{
    if (!nomem_ready()) {
        return nomem_early(size);
    }

    if (nomem_fails(__builtin_return_address(0))) {
        errno = ENOMEM;
        return NULL;
    }

    return next.malloc(size);
}


void *
calloc(size_t n, size_t size)
{
    if (!nomem_ready()) {
        return nomem_early(n * size);   /* zeros, never given back */
    }

    if (nomem_fails(__builtin_return_address(0))) {
        errno = ENOMEM;
        return NULL;
    }

    return next.calloc(n, size);
}


void *
realloc(void *p, size_t size)
{
    if (!nomem_ready() || nomem_is_early(p)) {
        abort();
    }

    if (nomem_fails(__builtin_return_address(0))) {
        errno = ENOMEM;
        return NULL;
    }

    return next.realloc(p, size);
}


int
posix_memalign(void **p, size_t alignment, size_t size)
{
    if (!nomem_ready()) {
        abort();
    }

    if (nomem_fails(__builtin_return_address(0))) {
        return ENOMEM;
    }

    return next.posix_memalign(p, alignment, size);
}


void
free(void *p)
{
    if (p == NULL || nomem_is_early(p) || !nomem_ready()) {
        return;
    }

    next.free(p);
}
