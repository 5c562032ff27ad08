/*
 * How much waits to be stored, whatever the loop is doing: a thread with a link
 * to Redis of its own looks once a second at all partitions.  So the log is
 * seen to grow while PostgreSQL does not answer, and while nobody holds it.
 */

#ifndef WATCH_H
#define WATCH_H


#include <pthread.h>

#include "metrics.h"
#include "redis.h"


typedef struct {
    metrics_t     *metrics;
    redis_t        redis;
    redis_args_t   args;
    int            stop[2];     /* a pipe; what can be read ends the thread */
    pthread_t      thread;
    bool           started;
} watch_t;


/* -1: logged */
CHAT_MUST_CHECK int watch_start(watch_t *w, metrics_t *metrics,
    const char *redis_url);
void watch_stop(watch_t *w);


#endif /* WATCH_H */
