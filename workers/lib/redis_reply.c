/*
 * Waiting for what Redis answers.
 */

#include "redis.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>


/* A batch of a log comes in less than twenty reads: hiredis' own are of 16
   kilobytes. */
#define READ_SIZE  (128 * 1024)


static int redis_flush(redis_t *r);
static int redis_fill(redis_t *r, uint64_t at, bool until_stop);
static int redis_read(redis_t *r);


redisReply *
redis_reply(redis_t *r, uint32_t wait)
{
    void      *reply = NULL;
    uint64_t   at = life_now() + wait + REDIS_TIMEOUT;

    if (redis_flush(r) == -1) {
        return NULL;
    }

    for ( ;; ) {

        if (redisGetReplyFromReader(r->context, &reply) != REDIS_OK) {
            (void) redis_broken(r);
            return NULL;
        }

        if (reply != NULL) {
            return reply;
        }

        if (redis_fill(r, at, wait != 0) == -1) {
            return NULL;
        }
    }
}


static int
redis_flush(redis_t *r)
{
    int  done = 0;

    while (!done) {
        if (redisBufferWrite(r->context, &done) != REDIS_OK) {
            return redis_broken(r);
        }
    }

    return 0;
}


/* 0: there is more to be parsed */

static int
redis_fill(redis_t *r, uint64_t at, bool until_stop)
{
    int        n;
    life_rc_e  rc;

    for ( ;; ) {
        n = redis_read(r);

        if (n != 0) {
            return n == 1 ? 0 : -1;
        }

        rc = life_wait(r->context->fd, POLLIN, at, until_stop);

        if (rc == LIFE_STOP) {          /* what comes now, comes too late */
            redis_close(r);
            return -1;
        }

        if (rc == LIFE_TIMEOUT) {
            return redis_fail(r, "no answer in time");
        }
    }
}


/* 1: something came; 0: nothing is there; -1: the link is closed */

static int
redis_read(redis_t *r)
{
    ssize_t                    n;
    static _Thread_local char  buf[READ_SIZE];

    do {
        n = recv(r->context->fd, buf, sizeof(buf), MSG_DONTWAIT);
    } while (n == -1 && errno == EINTR);

    if (n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        return 0;
    }

    if (n == -1) {
        return redis_fail(r, strerror(errno));
    }

    if (n == 0) {
        return redis_fail(r, "Server closed the connection");
    }

    return redisReaderFeed(r->context->reader, buf, (size_t) n) == REDIS_OK
           ? 1 : redis_fail(r, r->context->reader->errstr);
}


/*
 * Replies in an arena.  The log's entries are some twenty strings each; one by
 * one, getting and freeing memory for them costs more than reading them.
 */

static redisReply *
redis_new(const redisReadTask *task, size_t more)
{
    redisReply  *reply, *parent;

    reply = mem_arena_take(task->privdata, sizeof(redisReply) + more);
    memset(reply, 0, sizeof(redisReply));
    reply->type = task->type;

    if (task->parent != NULL) {
        parent = task->parent->obj;
        parent->element[task->idx] = reply;
    }

    return reply;
}


static void *
redis_new_string(const redisReadTask *task, char *text, size_t len)
{
    redisReply  *reply;

    reply = redis_new(task, len + 1);
    reply->str = (char *) (reply + 1);
    reply->len = len;
    memcpy(reply->str, text, len);
    reply->str[len] = '\0';

    return reply;
}


/* their number is an int until hiredis 1.0, and a size_t from then on */

#if HIREDIS_MAJOR < 1
typedef int     redis_elements_t;
#else
typedef size_t  redis_elements_t;
#endif


static void *
redis_new_array(const redisReadTask *task, redis_elements_t n)
{
    redisReply  *reply;

    reply = redis_new(task, (size_t) n * sizeof(redisReply *));
    reply->element = (redisReply **) (void *) (reply + 1);
    reply->elements = (size_t) n;
    memset(reply->element, 0, (size_t) n * sizeof(redisReply *));

    return reply;
}


static void *
redis_new_integer(const redisReadTask *task, long long n)
{
    redisReply  *reply;

    reply = redis_new(task, 0);
    reply->integer = n;

    return reply;
}


/* the task has the type of what is not there: a string, or an array */

static void *
redis_new_nil(const redisReadTask *task)
{
    redisReply  *reply;

    reply = redis_new(task, 0);
    reply->type = REDIS_REPLY_NIL;

    return reply;
}


static void
redis_new_none(void *reply)
{
    (void) reply;
}


redisReply *
redis_reply_into(redis_t *r, uint32_t wait, mem_arena_t *arena)
{
    redisReply                        *reply;
    redisReader                       *reader = r->context->reader;
    redisReplyObjectFunctions         *usual = reader->fn;
    static redisReplyObjectFunctions   in_arena = {
        .createString = redis_new_string,
        .createArray = redis_new_array,
        .createInteger = redis_new_integer,
        .createNil = redis_new_nil,
        .freeObject = redis_new_none
    };

    reader->fn = &in_arena;
    reader->privdata = arena;

    reply = redis_reply(r, wait);

    if (reply != NULL) {                /* else there is no reader any more */
        reader->fn = usual;
        reader->privdata = NULL;
    }

    return reply;
}
