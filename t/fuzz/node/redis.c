#include "redis.h"


#define IDENTITY  "0000000000000000000000000000000000000001:" \
                  "0000000000000000000000000000000000000002"


typedef enum {
    ASK_INPUT,                          /* the input answers */
    ASK_PART,                           /* HMGET <prefix>part */
    ASK_REVOKED,                        /* chat_v1_revoked_read, all of it */
    ASK_REVOKED_MORE,                   /* likewise, what is new */
    ASK_NOTHING                         /* any answer will do */
} ask_e;


typedef struct command_s  command_t;

struct command_s {
    command_t                *next;
    ask_e                     ask;
    ngx_chat_redis_reply_pt   handler;
    void                     *data;
};


typedef struct {
    bool    used;
    bool    confirmed;
    size_t  len;
    u_char  name[256];
} channel_t;


static command_t   *first;
static command_t  **end = &first;
static channel_t    channels[FAKE_CHANNELS];
static chat_str_t   revoked;            /* the next answer, if there is one */


static ask_e asked(ngx_uint_t argc, const char **argv, const size_t *argvlen);
static ngx_int_t add_command(ngx_uint_t argc, const char **argv,
    const size_t *argvlen, ngx_chat_redis_reply_pt handler, void *data);


void
ngx_chat_redis_open(ngx_chat_redis_t *link, ngx_chat_node_t *node,
    const char *name, ngx_uint_t subscriber,
    const ngx_chat_redis_handlers_t *handlers)
{
    link->node = node;
    link->name = name;
    link->subscriber = subscriber;
    link->handlers = handlers;

    ngx_queue_init(&link->pending);
    ngx_str_set(&link->identity, IDENTITY);
}


void
ngx_chat_redis_close(ngx_chat_redis_t *link)
{
    link->closing = 1;
    fake_redis_down(link);
}


void
ngx_chat_redis_reset(ngx_chat_redis_t *link, const char *reason)
{
    if (link->reason == NULL) {
        link->reason = reason;
    }
}


void
ngx_chat_redis_push(ngx_chat_redis_t *link)
{
    (void) link;                        /* nothing is kept back here */
}


ngx_int_t
ngx_chat_redis_send(ngx_chat_redis_t *link, ngx_uint_t argc,
    const char **argv, const size_t *argvlen, ngx_chat_redis_reply_pt handler,
    void *data)
{
    if (!link->up || link->reason != NULL) {
        return NGX_DECLINED;
    }

    return add_command(argc, argv, argvlen, handler, data);
}


ngx_int_t
ngx_chat_redis_send_first(ngx_chat_redis_t *link, ngx_uint_t argc,
    const char **argv, const size_t *argvlen, ngx_chat_redis_reply_pt handler,
    void *data)
{
    return link->reason != NULL ? NGX_DECLINED
                                : add_command(argc, argv, argvlen, handler,
                                              data);
}


static ngx_int_t
add_command(ngx_uint_t argc, const char **argv, const size_t *argvlen,
    ngx_chat_redis_reply_pt handler, void *data)
{
    size_t      sum = 0;
    command_t  *c;
    ngx_uint_t  i, k;

    for (i = 0; i < argc; i++) {        /* all of it can be read */
        for (k = 0; k < argvlen[i]; k++) {
            sum += (u_char) argv[i][k];
        }
    }

    c = fuzz_alloc(sizeof(command_t));
    c->next = NULL;
    c->handler = handler;
    c->data = data;
    c->ask = asked(argc, argv, argvlen);

    *end = c;
    end = &c->next;

    return sum != (size_t) -1 ? NGX_OK : NGX_ERROR;
}


static ask_e
asked(ngx_uint_t argc, const char **argv, const size_t *argvlen)
{
    static const char  read[] = "chat_v1_revoked_read";

    if (ngx_strncmp(argv[0], "HMGET", 5) == 0) {
        return ASK_PART;
    }

    if (ngx_strncmp(argv[0], "FCALL", 5) != 0) {
        return ASK_NOTHING;
    }

    if (argc > 7 && argvlen[1] == sizeof(read) - 1
        && ngx_strncmp(argv[1], read, sizeof(read) - 1) == 0)
    {
        return argvlen[7] == 0 ? ASK_REVOKED : ASK_REVOKED_MORE;
    }

    return ASK_INPUT;
}


ngx_int_t
ngx_chat_redis_subscribe(ngx_chat_redis_t *link, ngx_str_t *names,
    ngx_uint_t n)
{
    ngx_uint_t  i, k, free;

    if (!link->up || link->reason != NULL) {
        return NGX_DECLINED;
    }

    for (i = 0; i < n; i++) {
        free = FAKE_CHANNELS;

        for (k = 0; k < FAKE_CHANNELS; k++) {

            if (!channels[k].used) {
                free = free == FAKE_CHANNELS ? k : free;

            } else if (channels[k].len == names[i].len
                       && ngx_memcmp(channels[k].name, names[i].data,
                                     names[i].len) == 0)
            {
                free = k;
                break;
            }
        }

        if (free == FAKE_CHANNELS || names[i].len > sizeof(channels[0].name)) {
            return NGX_DECLINED;
        }

        channels[free].used = true;
        channels[free].confirmed = false;
        channels[free].len = names[i].len;
        ngx_memcpy(channels[free].name, names[i].data, names[i].len);
    }

    return NGX_OK;
}


ngx_int_t
ngx_chat_redis_unsubscribe(ngx_chat_redis_t *link, ngx_str_t *channel)
{
    ngx_uint_t  k;

    if (!link->up || link->reason != NULL) {
        return NGX_DECLINED;
    }

    for (k = 0; k < FAKE_CHANNELS; k++) {
        if (channels[k].used && channels[k].len == channel->len
            && ngx_memcmp(channels[k].name, channel->data, channel->len) == 0)
        {
            channels[k].used = false;
        }
    }

    return NGX_OK;
}


static void
answer_first(redisReply *reply)
{
    command_t  *c = first;

    first = c->next;

    if (first == NULL) {
        end = &first;
    }

    c->handler(c->data, reply);
    free(c);
}


void
fake_redis_up(ngx_chat_node_t *node)
{
    ngx_uint_t         i;
    ngx_chat_redis_t  *links[] = { &node->command, &node->subscriber };

    for (i = 0; i < 2; i++) {

        if (links[i]->up) {
            continue;
        }

        links[i]->reason = NULL;

        if (links[i]->handlers->prepare != NULL) {
            links[i]->handlers->prepare(links[i]);
        } else {
            ngx_chat_redis_ready(links[i]);
        }
    }
}


void
ngx_chat_redis_ready(ngx_chat_redis_t *link)
{
    link->up = 1;
    link->told = 1;
    link->handlers->up(link);
}


void
fake_redis_down(ngx_chat_redis_t *link)
{
    bool  told = link->told;

    link->up = 0;
    link->told = 0;
    link->reason = NULL;

    if (link->subscriber) {
        ngx_memzero(channels, sizeof(channels));

    } else {
        while (first != NULL) {
            answer_first(NULL);
        }
    }

    if (told && !link->closing) {
        link->handlers->down(link);
    }
}


static redisReply *
parse(redisReader *reader, const char *resp, size_t len)
{
    void  *reply = NULL;

    if (redisReaderFeed(reader, resp, len) != REDIS_OK
        || redisReaderGetReply(reader, &reply) != REDIS_OK)
    {
        return NULL;
    }

    return reply;
}


void
fake_redis_answer(chat_str_t resp)
{
    redisReply   *reply;
    redisReader  *reader;

    if (first == NULL) {
        return;
    }

    reader = redisReaderCreate();
    reply = parse(reader, (const char *) resp.data, resp.len);

    if (reply != NULL) {
        answer_first(reply);
        freeReplyObject(reply);

    } else {
        first->ask = ASK_INPUT;         /* that was no answer */
    }

    redisReaderFree(reader);
}


/* the head of what is revoked: confirmed or not, epoch, whether it goes on from
   the place that was told, whether there is more, a mark, the new place */

#define REVOKED(follows)                                                      \
    "*7\r\n$2\r\nok\r\n:1\r\n$1\r\ne\r\n:" follows                \
    "\r\n:0\r\n$1\r\n0\r\n$3\r\n0-0\r\n"


static void
answer_by_itself(void)
{
    chat_str_t  told = revoked;

    static const char  part[] = "*3\r\n$81\r\n" IDENTITY "\r\n$1\r\n1\r\n"
                                "$3\r\n0-0\r\n";

    switch (first->ask) {

    case ASK_PART:
        fake_redis_answer(fuzz_cstr(part));
        return;

    case ASK_REVOKED:
    case ASK_REVOKED_MORE:
        if (told.len == 0) {
            fake_redis_answer(first->ask == ASK_REVOKED
                              ? chat_str(REVOKED("0"))
                              : chat_str(REVOKED("1")));
            return;
        }

        revoked.len = 0;
        fake_redis_answer(told);
        free((void *) told.data);
        return;

    default:
        fake_redis_answer(chat_str(":1\r\n"));
    }
}


void
fake_redis_revoke(chat_str_t resp)
{
    if (revoked.len != 0) {
        free((void *) revoked.data);
    }

    revoked.len = resp.len;
    revoked.data = resp.len != 0 ? fuzz_copy(resp.data, resp.len) : NULL;
}


bool
fake_redis_turn(ngx_chat_node_t *node)
{
    bool               done = false;
    ngx_uint_t         i;
    ngx_chat_redis_t  *links[] = { &node->command, &node->subscriber };

    for (i = 0; i < 2; i++) {
        if (links[i]->reason != NULL) {
            fake_redis_down(links[i]);
            done = true;
        }
    }

    while (first != NULL && first->ask != ASK_INPUT) {
        answer_by_itself();
        done = true;
    }

    return done;
}


static void
tell(ngx_chat_node_t *node, channel_t *channel, const chat_str_t *payload)
{
    u_char     *copy = NULL;
    ngx_str_t   name, text;

    /* hiredis ends both with a NUL */

    name.len = channel->len;
    name.data = fuzz_alloc(name.len + 1);
    ngx_memcpy(name.data, channel->name, name.len);
    name.data[name.len] = '\0';

    if (payload == NULL) {
        node->subscriber.handlers->subscribed(&node->subscriber, &name);

    } else {
        copy = fuzz_alloc(payload->len + 1);

        if (payload->len != 0) {
            ngx_memcpy(copy, payload->data, payload->len);
        }

        copy[payload->len] = '\0';
        text.data = copy;
        text.len = payload->len;
        node->subscriber.handlers->message(&node->subscriber, &name, &text);
    }

    free(copy);
    free(name.data);
}


void
fake_redis_confirm(ngx_chat_node_t *node)
{
    ngx_uint_t  k;

    for (k = 0; k < FAKE_CHANNELS && node->subscriber.up; k++) {
        if (channels[k].used && !channels[k].confirmed) {
            channels[k].confirmed = true;
            tell(node, &channels[k], NULL);
        }
    }
}


void
fake_redis_publish(ngx_chat_node_t *node, unsigned n, chat_str_t payload)
{
    channel_t  *channel = &channels[n % FAKE_CHANNELS];

    if (node->subscriber.up && channel->used && channel->confirmed) {
        tell(node, channel, &payload);
    }
}


void
fake_redis_publish_on(ngx_chat_node_t *node, const char *name,
    chat_str_t payload)
{
    ngx_uint_t  k;

    for (k = 0; k < FAKE_CHANNELS; k++) {
        if (channels[k].used && channels[k].len >= ngx_strlen(name)
            && ngx_strncmp(channels[k].name, name, ngx_strlen(name)) == 0)
        {
            fake_redis_publish(node, (unsigned) k, payload);
            return;
        }
    }
}


void
fake_redis_forget(void)
{
    fuzz_check(first == NULL);
    ngx_memzero(channels, sizeof(channels));
    fake_redis_revoke(chat_str(""));
}
