/*
 * Nodes are asked by a message to all of them, and answer on a channel of the
 * question's own.  Redis says how many have heard it.
 */

#include "nodes.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lines.h"


#define NODES_MOST  1024
#define SILENCE     2000        /* ms: nothing more is to come */
#define PAUSE       200         /* ms before they are asked again */


static int nodes_try(nodes_t *nodes);
static int nodes_listen(redis_t *link, const char *token, redis_args_t *args);
static int nodes_publish(nodes_t *nodes, const char *token);
static void nodes_hear(nodes_t *nodes, redis_t *link);
static redisReply *nodes_wait(redis_t *link);
static void nodes_take(nodes_t *nodes, chat_str_t text);
static nodes_node_t *nodes_find(nodes_t *nodes, chat_str_t id);


exit_e
nodes_ask(nodes_t *nodes)
{
    int       rc;
    uint64_t  end = life_now() + nodes->wait * 1000;

    for ( ;; ) {
        rc = nodes_try(nodes);

        if (rc == 0 && nodes->asked != 0 && nodes->ended == nodes->asked) {
            return EXIT_OK;
        }

        if (life_now() + PAUSE >= end) {
            break;
        }

        (void) life_wait(-1, 0, life_now() + PAUSE, false);
    }

    if (rc == -1) {
        ctl_say("Redis: %s", nodes->redis.error);
        return EXIT_UNAVAILABLE;
    }

    if (nodes->asked == 0) {
        ctl_say("no nginx is connected to this Redis");
        return EXIT_UNAVAILABLE;
    }

    ctl_say("%" PRIu64 " of %" PRIu64 " nodes have not answered%s",
            nodes->asked - nodes->ended, nodes->asked,
            nodes->busy ? ", they are busy with another question" : "");

    return EXIT_FAILED;
}


void
nodes_done(nodes_t *nodes)
{
    redis_args_done(&nodes->args);
    redis_close(&nodes->redis);
    free(nodes->nodes);
}


int
nodes_print_name(char *dst, size_t size, const char *tenant,
    const char *user)
{
    if (tenant == NULL) {
        tenant = "default";
    }

    if (ctl_check_id("tenant", tenant) == -1
        || (user != NULL && ctl_check_id("user", user) == -1))
    {
        return -1;
    }

    (void) snprintf(dst, size, "%s/%s", tenant, user != NULL ? user : "");

    return 0;
}


/* once: what was told before is void, but for what was done */

static int
nodes_try(nodes_t *nodes)
{
    char      token[33];
    uint32_t  random[4];
    redis_t   link = { .url = nodes->redis.url, .quiet = true };

    life_random(random, sizeof(random));
    (void) snprintf(token, sizeof(token), "%08x%08x%08x%08x", random[0],
                    random[1], random[2], random[3]);

    nodes->n = 0;
    nodes->asked = 0;
    nodes->ended = 0;
    nodes->busy = false;
    nodes->cut = false;
    nodes->reset(nodes);

    nodes->redis.quiet = true;

    if (redis_open(&nodes->redis) == -1) {
        return -1;
    }

    if (redis_open(&link) == -1
        || nodes_listen(&link, token, &nodes->args) == -1)
    {
        (void) snprintf(nodes->redis.error, sizeof(nodes->redis.error), "%s",
                        link.error);
        redis_close(&link);
        return -1;
    }

    if (nodes_publish(nodes, token) == -1) {
        redis_close(&link);
        return -1;
    }

    nodes_hear(nodes, &link);
    redis_close(&link);

    return 0;
}


static int
nodes_listen(redis_t *link, const char *token, redis_args_t *args)
{
    char         channel[64];
    redisReply  *reply;

    (void) snprintf(channel, sizeof(channel), "chat:sessions:%s", token);
    redis_args_reset(args, "SUBSCRIBE");
    redis_args_text(args, channel);
    reply = redis_call(link, args);

    if (reply == NULL) {
        return -1;
    }

    freeReplyObject(reply);

    return 0;
}


static int
nodes_publish(nodes_t *nodes, const char *token)
{
    mem_buf_t    text = { 0 };
    redisReply  *reply;

    mem_buf_printf(&text, "%s %s %s", nodes->word, token, nodes->rest);

    redis_args_reset(&nodes->args, "PUBLISH");
    redis_args_text(&nodes->args, "chat:nodes");
    redis_args_add(&nodes->args, (chat_str_t) { text.data, text.len });
    mem_buf_done(&text);

    reply = redis_call(&nodes->redis, &nodes->args);

    if (reply == NULL) {
        return -1;
    }

    if (reply->type == REDIS_REPLY_ERROR) {
        (void) redis_fail(&nodes->redis, reply->str);
        freeReplyObject(reply);
        return -1;
    }

    nodes->asked = reply->type == REDIS_REPLY_INTEGER
                   ? (uint64_t) reply->integer : 0;
    freeReplyObject(reply);

    return 0;
}


/* until all is there, somebody is busy, or nothing comes any more */

static void
nodes_hear(nodes_t *nodes, redis_t *link)
{
    redisReply  *reply;

    while (nodes->ended < nodes->asked && !nodes->busy) {
        reply = nodes_wait(link);

        if (reply == NULL) {
            return;
        }

        nodes_take(nodes, redis_text(reply, 2));
        freeReplyObject(reply);
    }
}


static redisReply *
nodes_wait(redis_t *link)
{
    void  *ready = NULL;

    if (redisGetReplyFromReader(link->context, &ready) != REDIS_OK) {
        return NULL;
    }

    if (ready != NULL) {
        return ready;
    }

    if (life_wait(link->context->fd, POLLIN, life_now() + SILENCE, false)
        == LIFE_TIMEOUT)
    {
        return NULL;
    }

    return redis_reply(link, 0);
}


/* node <id> pid <pid> host <name> part <i> <more|end|cut|busy> kicked <n> */

static void
nodes_take(nodes_t *nodes, chat_str_t text)
{
    chat_str_t     line, host, state;
    nodes_node_t  *node;

    if (!lines_next(&text, &line)) {
        return;
    }

    (void) lines_word(&line);
    node = nodes_find(nodes, lines_word(&line));

    if (node == NULL || node->ended) {
        return;
    }

    (void) lines_word(&line);
    (void) lines_uint(&line);               /* pid */
    (void) lines_word(&line);
    host = lines_word(&line);
    (void) lines_word(&line);
    (void) lines_uint(&line);               /* part */
    state = lines_word(&line);
    (void) lines_word(&line);
    nodes->kicked += lines_uint(&line);

    if (host.len > NODES_HOST) {
        host.len = NODES_HOST;
    }

    memcpy(node->host, host.data, host.len);

    nodes->busy |= lines_is(state, "busy");
    nodes->cut |= lines_is(state, "cut");
    node->ended = lines_is(state, "cut") || lines_is(state, "end");
    nodes->ended += node->ended;

    while (lines_next(&text, &line)) {
        nodes->take(nodes, node, line);
    }
}


static nodes_node_t *
nodes_find(nodes_t *nodes, chat_str_t id)
{
    size_t         i;
    nodes_node_t  *node;

    for (i = 0; i < nodes->n; i++) {
        if (lines_is(id, nodes->nodes[i].id)) {
            return &nodes->nodes[i];
        }
    }

    if (nodes->nodes == NULL) {
        nodes->nodes = mem_alloc(NODES_MOST * sizeof(nodes_node_t));
    }

    if (nodes->n == NODES_MOST || id.len > CHAT_ID_LEN) {
        return NULL;
    }

    node = &nodes->nodes[nodes->n++];
    memset(node, 0, sizeof(*node));
    memcpy(node->id, id.data, id.len);

    return node;
}
