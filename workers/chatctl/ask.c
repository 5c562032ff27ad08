#include "ask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "number.h"


#define PAUSE       50      /* ms between tries */
#define NEED_AGAIN  1000    /* ms: then chat-persist is asked once more */


static int ask_try(ask_t *a);
static int ask_place(ask_t *a);
static redisReply *ask_call(ask_t *a);
static int ask_answered(ask_t *a, const redisReply *reply);
static int ask_refused(ask_t *a, const redisReply *reply);
static int ask_missing(ask_t *a, const redisReply *reply);
static int ask_need(ask_t *a, const redisReply *reply);


int
ask_run(ask_t *a)
{
    int       rc;
    uint64_t  until;

    until = life_now() + a->wait * 1000;
    a->redis.quiet = true;
    a->time = life_time();
    ask_make_id(a, a->node, 0);

    for ( ;; ) {
        rc = ask_try(a);

        if (rc != ASK_AGAIN) {
            return rc;
        }

        if (life_now() > until) {
            ctl_say("%s%s", a->why,
                    a->unheard ? "; it may have been done" : "");
            return EXIT_UNAVAILABLE;
        }

        (void) life_wait(-1, 0, life_now() + PAUSE, false);
    }
}


void
ask_done(ask_t *a)
{
    redis_args_done(&a->args);
    redis_close(&a->redis);
}


void
ask_make_id(const ask_t *a, char id[CHAT_ID_LEN + 1], unsigned partition)
{
    uint8_t  random[10];

    life_random(random, sizeof(random));
    chat_id_make((uint8_t *) id, a->time, partition, random);
    id[CHAT_ID_LEN] = '\0';
}


void
ask_add_written(ask_t *a, ask_write_pt write)
{
    uint8_t        *text;
    chat_writer_t   w;

    chat_writer_init(&w, NULL, 0);
    write(&w, a->data);

    text = mem_alloc(w.len + 1);
    chat_writer_init(&w, text, w.len);
    write(&w, a->data);

    redis_args_add(&a->args, (chat_str_t) { text, w.len });
    free(text);
}


int
ask_because(ask_t *a, const char *why)
{
    (void) snprintf(a->why, sizeof(a->why), "Redis: %s", why);

    return ASK_AGAIN;
}


static int
ask_try(ask_t *a)
{
    int          rc;
    redisReply  *reply;

    if (redis_open(&a->redis) == -1) {
        return ask_because(a, a->redis.error);
    }

    if (a->partitions == 0 && ask_place(a) == -1) {
        return ASK_AGAIN;
    }

    reply = ask_call(a);

    if (reply == NULL) {
        a->unheard = true;
        return ask_because(a, a->redis.error);
    }

    rc = ask_answered(a, reply);
    freeReplyObject(reply);

    return rc;
}


/* where the conversation lies; each partition knows how many there are */

static int
ask_place(ask_t *a)
{
    uint64_t     n;
    redisReply  *reply;
    chat_str_t   tenant = mem_cstr(a->tenant), id = mem_cstr(a->conversation);

    redis_args_reset(&a->args, "HMGET");
    redis_args_text(&a->args, "chat:{p00}:part");
    redis_args_text(&a->args, "partitions");
    reply = redis_call(&a->redis, &a->args);

    if (reply == NULL) {
        return ask_because(a, a->redis.error);
    }

    if (reply->type == REDIS_REPLY_ERROR) {
        (void) ask_because(a, reply->str);

    } else if (number_parse(redis_text(reply, 0), CHAT_ID_MAX_PARTITIONS, &n)
               == -1
               || n == 0)
    {
        (void) ask_because(a, "not opened by chat-persist yet");

    } else {
        a->partitions = (unsigned) n;
    }

    freeReplyObject(reply);

    if (a->partitions == 0) {
        return -1;
    }

    a->partition = chat_name_partition(tenant, id, a->partitions);
    (void) chat_name_prefix((uint8_t *) a->prefix, a->partition);
    (void) chat_name_base((uint8_t *) a->base, a->partition, tenant, id);

    return 0;
}


static redisReply *
ask_call(ask_t *a)
{
    redis_args_fcall(&a->args, a->function, 2);
    redis_args_text(&a->args, a->prefix);
    redis_args_text(&a->args, a->base);
    redis_args_text(&a->args, a->redis.identity);
    redis_args_uint(&a->args, a->partitions);
    a->add(a);

    return redis_call(&a->redis, &a->args);
}


static int
ask_answered(ask_t *a, const redisReply *reply)
{
    switch (redis_answer(reply)) {

    case FCALL_OK:
    case FCALL_EXISTS:
        return a->done(a, reply);

    case FCALL_ERROR:
        return ask_refused(a, reply);

    case FCALL_NOT_FOUND:
        return ask_missing(a, reply);

    case FCALL_NEED:
        return ask_need(a, reply);

    case FCALL_CLOSED:
        return ask_because(a, "not opened by chat-persist yet");

    case FCALL_BUSY:
        return ask_because(a, "too many events wait to be stored");

    case FCALL_BAD:
    case FCALL_REFUSED:
        ctl_say("Redis: %.*s", (int) redis_text(reply, 1).len,
                redis_text(reply, 1).data);
        return EXIT_FAILED;

    case FCALL_FAILED:          /* loading, out of memory, no library yet */
        return ask_because(a, reply->type == REDIS_REPLY_ERROR
                              ? reply->str : "unexpected answer");
    }

    return ASK_AGAIN;
}


/* "error", code, message, perhaps the seconds to wait */

static int
ask_refused(ask_t *a, const redisReply *reply)
{
    uint64_t    seconds;
    chat_str_t  code = redis_text(reply, 1), text = redis_text(reply, 2);

    if (code.len == strlen("not_found")
        && memcmp(code.data, "not_found", code.len) == 0)
    {
        return ask_missing(a, reply);
    }

    seconds = redis_number(reply, 3);

    if (seconds != 0) {
        ctl_say("%.*s: %.*s, again in %u s", (int) code.len, code.data,
                (int) text.len, text.data, (unsigned) seconds);
    } else {
        ctl_say("%.*s: %.*s", (int) code.len, code.data, (int) text.len,
                text.data);
    }

    return EXIT_FAILED;
}


static int
ask_missing(ask_t *a, const redisReply *reply)
{
    return a->missing != NULL ? a->missing(a, reply)
                              : ask_say_missing(a, reply);
}


int
ask_say_missing(ask_t *a, const redisReply *reply)
{
    chat_str_t  text = redis_text(reply, 2);

    if (text.len != 0) {
        ctl_say("%.*s", (int) text.len, text.data);
    } else {
        ctl_say("no such conversation: \"%s\"", a->conversation);
    }

    return EXIT_NOT_FOUND;
}


/* an entry for chat-persist: fields and values in turn; those of docs/
   architecture.md, "Needs" */

static void
ask_write_need(ask_t *a, const char *kind, chat_str_t message)
{
    char         key[CHAT_NAME_PREFIX_LEN + 8];
    redisReply  *reply;

    (void) snprintf(key, sizeof(key), "%sneed", a->prefix);

    redis_args_reset(&a->args, "XADD");
    redis_args_text(&a->args, key);
    redis_args_text(&a->args, "MAXLEN");
    redis_args_text(&a->args, "~");
    redis_args_text(&a->args, "10000");
    redis_args_text(&a->args, "*");
    redis_args_text(&a->args, "k");
    redis_args_text(&a->args, kind);
    redis_args_text(&a->args, "n");
    redis_args_text(&a->args, a->node);
    redis_args_text(&a->args, "i");
    redis_args_text(&a->args, "1");
    redis_args_text(&a->args, "c");
    redis_args_text(&a->args, a->base + CHAT_NAME_PREFIX_LEN + 2);

    if (strcmp(kind, "message") == 0) {
        redis_args_text(&a->args, "g");
        redis_args_add(&a->args, message);

    } else if (strcmp(kind, "client") == 0) {
        redis_args_text(&a->args, "u");
        redis_args_text(&a->args, a->user);
        redis_args_text(&a->args, "x");
        redis_args_add(&a->args, a->client_id);
    }

    reply = redis_call(&a->redis, &a->args);

    if (reply != NULL) {
        freeReplyObject(reply);
    }
}


/* has chat-persist look for it in PostgreSQL: "need", what, perhaps which */

static int
ask_need(ask_t *a, const redisReply *reply)
{
    chat_str_t  what = redis_text(reply, 1);
    const char *kind;

    (void) ask_because(a, "waits for chat-persist, which does not answer");

    if (what.len >= sizeof(a->need)
        || (what.len == strlen(a->need)
            && memcmp(what.data, a->need, what.len) == 0
            && life_now() < a->need_at + NEED_AGAIN))
    {
        return ASK_AGAIN;
    }

    memcpy(a->need, what.data, what.len);
    a->need[what.len] = '\0';
    a->need_at = life_now();

    kind = strcmp(a->need, "client id") == 0 ? "client" : a->need;
    ask_write_need(a, kind, redis_text(reply, 2));

    return ASK_AGAIN;
}
