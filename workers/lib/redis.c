#include "redis.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "number.h"
#include "redis_url.h"


#define REDIS_CONNECT_TIMEOUT  1000


static int redis_connect(redis_t *r);
static int redis_greet(redis_t *r, const redis_url_t *url);
static int redis_ask_identity(redis_t *r,
    char identity[REDIS_MAX_IDENTITY]);


int
redis_open(redis_t *r)
{
    if (r->context != NULL) {
        return 0;
    }

    if (!life_backoff_due(&r->backoff)) {
        return -1;
    }

    if (redis_connect(r) == -1) {
        return -1;
    }

    if (r->keeper != NULL && redis_load_library(r, r->keeper) == -1) {
        return -1;
    }

    if (r->needs != NULL && redis_need_library(r, r->needs) == -1) {
        return -1;
    }

    r->links++;
    r->linked = true;

    return 0;
}


void
redis_close(redis_t *r)
{
    if (r->context != NULL) {
        redisFree(r->context);
        r->context = NULL;
    }

    if (r->linked) {
        r->linked = false;
        r->closed_at = life_now();
    }
}


bool
redis_is_open(const redis_t *r)
{
    return r->context != NULL;
}


void
redis_settle(redis_t *r)
{
    if (r->backoff.delay != 0) {
        life_backoff_reset(&r->backoff);
        r->told[0] = '\0';

        if (!r->quiet) {
            log_notice("Redis is back");
        }
    }
}


int
redis_fail(redis_t *r, const char *error)
{
    (void) snprintf(r->error, sizeof(r->error), "%s", error);

    if (!r->quiet) {
        if (strncmp(r->told, r->error, sizeof(r->told) - 1) != 0) {
            (void) snprintf(r->told, sizeof(r->told), "%s", r->error);
            log_err("Redis failed", log_str("error", r->error));
        } else {
            log_info("Redis is still away", log_str("error", r->error));
        }
    }

    redis_close(r);
    life_backoff_fail(&r->backoff);

    return -1;
}


int
redis_broken(redis_t *r)
{
    if (r->context->err == REDIS_ERR_IO) {
        return redis_fail(r, strerror(errno));
    }

    return redis_fail(r, r->context->errstr);
}


static int
redis_connect(redis_t *r)
{
    redis_url_t     url;
    struct timeval  tv;

    if (redis_url_parse(&url, r->url) == -1) {
        return redis_fail(r, "the URL is not one of Redis");
    }

    tv.tv_sec = REDIS_CONNECT_TIMEOUT / 1000;
    tv.tv_usec = REDIS_CONNECT_TIMEOUT % 1000 * 1000;

    r->context = url.path[0] != '\0'
                 ? redisConnectUnixWithTimeout(url.path, tv)
                 : redisConnectWithTimeout(url.host, (int) url.port, tv);

    if (r->context == NULL) {
        return redis_fail(r, "out of memory");
    }

    if (r->context->err != 0) {
        return redis_fail(r, r->context->errstr);
    }

    tv.tv_sec = REDIS_TIMEOUT / 1000;

    if (redisSetTimeout(r->context, tv) != REDIS_OK) {
        return redis_fail(r, "cannot set a timeout");
    }

    return redis_greet(r, &url);
}


int
redis_demand(redis_t *r, const redis_args_t *args)
{
    int          rc = 0;
    redisReply  *reply;

    reply = redis_call(r, args);

    if (reply == NULL) {
        return -1;
    }

    if (reply->type == REDIS_REPLY_ERROR) {
        rc = redis_fail(r, reply->str);
    }

    freeReplyObject(reply);

    return rc;
}


static int
redis_greet(redis_t *r, const redis_url_t *url)
{
    int           rc = 0;
    redis_args_t  args = { 0 };

    if (url->password[0] != '\0') {
        redis_args_reset(&args, "AUTH");
        redis_args_text(&args, url->password);
        rc = redis_demand(r, &args);
    }

    if (rc == 0 && url->db != 0) {
        redis_args_reset(&args, "SELECT");
        redis_args_uint(&args, url->db);
        rc = redis_demand(r, &args);
    }

    redis_args_done(&args);

    if (rc == -1) {
        return -1;
    }

    return redis_ask_identity(r, r->identity);
}


/* the value of a line "name:value" of INFO's answer */

static chat_str_t
redis_info_value(const char *info, const char *name)
{
    size_t       len;
    const char  *line;

    len = strlen(name);

    for (line = info; line != NULL; line = strchr(line, '\n')) {

        line += *line == '\n';

        if (strncmp(line, name, len) == 0 && line[len] == ':') {
            line += len + 1;
            return (chat_str_t) {
                (const uint8_t *) line, strcspn(line, "\r\n")
            };
        }
    }

    return chat_str("");
}


static uint64_t
redis_info_number(const char *info, const char *name)
{
    uint64_t  n;

    return number_parse(redis_info_value(info, name), UINT64_MAX, &n) == 0
           ? n : 0;
}


/*
 * Run id and replication id: they change when Redis starts anew or becomes
 * another one's copy, which is when it may have forgotten something.
 */

static int
redis_ask_identity(redis_t *r, char identity[REDIS_MAX_IDENTITY])
{
    int           rc = 0;
    chat_str_t    run, repl;
    redisReply   *reply;
    redis_args_t  args = { 0 };

    redis_args_reset(&args, "INFO");
    reply = redis_call(r, &args);
    redis_args_done(&args);

    if (reply == NULL) {
        return -1;
    }

    if (reply->type != REDIS_REPLY_STRING) {
        rc = redis_fail(r, reply->type == REDIS_REPLY_ERROR ? reply->str
                                                : "unexpected answer to INFO");
        goto done;
    }

    run = redis_info_value(reply->str, "run_id");
    repl = redis_info_value(reply->str, "master_replid");

    if (run.len == 0 || repl.len == 0
        || run.len + repl.len + 2 > REDIS_MAX_IDENTITY)
    {
        rc = redis_fail(r, "INFO does not tell who it is");
        goto done;
    }

    (void) snprintf(identity, REDIS_MAX_IDENTITY, "%.*s:%.*s", (int) run.len,
                    run.data, (int) repl.len, repl.data);

    r->used = redis_info_number(reply->str, "used_memory");
    r->max = redis_info_number(reply->str, "maxmemory");

done:

    freeReplyObject(reply);

    return rc;
}


int
redis_check_identity(redis_t *r)
{
    char  identity[REDIS_MAX_IDENTITY];

    if (redis_ask_identity(r, identity) == -1) {
        return -1;
    }

    if (strcmp(identity, r->identity) != 0) {
        return redis_fail(r, "it has become another");
    }

    return 0;
}


int
redis_send(redis_t *r, const redis_args_t *args)
{
    int           rc;
    size_t        i, start, *lens;
    const char  **argv;

    argv = mem_alloc(args->n * sizeof(char *));
    lens = mem_alloc(args->n * sizeof(size_t));
    start = 0;

    for (i = 0; i < args->n; i++) {
        argv[i] = args->buf.data != NULL ? (char *) args->buf.data + start
                                         : "";
        lens[i] = args->ends[i] - start;
        start = args->ends[i];
    }

    rc = redisAppendCommandArgv(r->context, (int) args->n, argv, lens);

    free(argv);
    free(lens);

    return rc == REDIS_OK ? 0 : redis_broken(r);
}


redisReply *
redis_call(redis_t *r, const redis_args_t *args)
{
    if (redis_send(r, args) == -1) {
        return NULL;
    }

    return redis_reply(r, 0);
}
