/*
 * The life of a program: signals, clocks, waiting.  A program that called
 * life_init() is told to stop by SIGTERM or SIGINT; they interrupt a wait only
 * where the caller says so, and never anything else.
 */

#ifndef LIFE_H
#define LIFE_H


#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>


typedef enum {
    LIFE_READY,
    LIFE_TIMEOUT,
    LIFE_STOP           /* asked to stop; a thread with signals is told only
                           with until_stop */
} life_rc_e;


void life_init(void);
void life_ignore_sigpipe(void);     /* part of life_init() */

/* in place of life_init(), for who does not wait by life_wait() alone: the
   first signal is only noted, and ends poll(2); the second one kills */
void life_note_stop(void);

bool life_stopping(void);

uint64_t life_now(void);            /* ms, for durations only */
uint64_t life_now_us(void);         /* the same in microseconds */
uint64_t life_time(void);           /* ms since 1970 */

/* for a thread that did not call life_init(): what asks it to stop, at once and
   whatever it waits for */
void life_stop_when_readable(int fd);

/* waits for poll(2)'s events on fd (-1: for none) until life_now() is at */
life_rc_e life_wait(int fd, short events, uint64_t at, bool until_stop);

void life_random(void *dst, size_t size);

/* host, process and chance: no other process is ever called the same.  Below
   64 bytes, which is what PostgreSQL keeps of a session's name */

#define LIFE_NAME  64

void life_name(char dst[LIFE_NAME]);


/* when to try again: 100 ms, doubling to 5 s, each spread by a half */

typedef struct {
    uint32_t  delay;            /* ms; 0: nothing has failed */
    uint64_t  at;               /* not before life_now() is that */
} life_backoff_t;


void life_backoff_fail(life_backoff_t *b);
void life_backoff_reset(life_backoff_t *b);
bool life_backoff_due(const life_backoff_t *b);


#endif /* LIFE_H */
