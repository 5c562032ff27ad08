/*
 * Reading what nodes report: see ngx_chat_report.c for what a part of it is.
 */

#include "doctor_nodes.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lines.h"


#define NODES_MOST  1024
#define SILENCE     1100        /* ms; then they are asked again */
#define TRIES       1


static int report_listen(redis_t *link, const char *channel,
    redis_args_t *args);
static int report_ask(doctor_t *d, report_t *report, const char *token);
static int report_hear(doctor_t *d, redis_t *link, report_t *report,
    const char *token);
static void report_take(const doctor_t *d, report_t *report, chat_str_t text);
static void report_take_room(const doctor_t *d, report_t *report, size_t node,
    chat_str_t line);
static int report_compare(const void *a, const void *b);


/* a link of its own, which does nothing but listen */

int
report_read(doctor_t *d, report_t *report)
{
    int       rc;
    char      token[33], channel[64];
    size_t    i;
    uint32_t  random[4];
    redis_t   link = { .url = d->redis.url, .quiet = true };

    life_random(random, sizeof(random));
    (void) snprintf(token, sizeof(token), "%08x%08x%08x%08x", random[0],
                    random[1], random[2], random[3]);
    (void) snprintf(channel, sizeof(channel), "chat:doctor:%s", token);

    if (redis_open(&link) == -1
        || report_listen(&link, channel, &d->args) == -1)
    {
        doctor_say(d, DOCTOR_FAULT, "redis",
                   "Nodes cannot be asked what they hold.  Look into the log "
                   "of Redis.", "Redis: %s", link.error);
        redis_close(&link);
        return -1;
    }

    rc = report_ask(d, report, token);

    if (rc == 0) {
        rc = report_hear(d, &link, report, token);

        for (i = 0; i < report->nrooms; i++) {
            report->rooms[i].node_id
                = report->nodes[report->rooms[i].node].id;
        }

        if (report->nrooms != 0) {
            qsort(report->rooms, report->nrooms, sizeof(room_t),
                  report_compare);
        }
    }

    redis_close(&link);

    return rc;
}


void
report_done(report_t *report)
{
    free(report->nodes);
    free(report->rooms);
    memset(report, 0, sizeof(*report));
}


static int
report_compare(const void *a, const void *b)
{
    return report_order(a, b);
}


static int
report_listen(redis_t *link, const char *channel, redis_args_t *args)
{
    redisReply  *reply;

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
report_ask(doctor_t *d, report_t *report, const char *token)
{
    char         text[64];
    redisReply  *reply;

    (void) snprintf(text, sizeof(text), "report %s", token);
    redis_args_reset(&d->args, "PUBLISH");
    redis_args_text(&d->args, "chat:nodes");
    redis_args_text(&d->args, text);
    reply = doctor_ask(d);

    if (reply == NULL) {
        return -1;
    }

    report->asked = reply->type == REDIS_REPLY_INTEGER
                    ? (uint64_t) reply->integer : 0;
    freeReplyObject(reply);

    return 0;
}


static bool
report_is_complete(const report_t *report)
{
    size_t  i;

    for (i = 0; i < report->nnodes; i++) {
        if (report->nodes[i].got < report->nodes[i].parts) {
            return false;
        }
    }

    return report->nnodes >= report->asked;
}


/* 1: there is a reply, 0: nothing came for so long, -1: the link is closed */

static int
report_wait(redis_t *link, redisReply **reply)
{
    void  *ready = NULL;

    if (redisGetReplyFromReader(link->context, &ready) != REDIS_OK) {
        return -1;
    }

    if (ready == NULL) {

        if (life_wait(link->context->fd, POLLIN, life_now() + SILENCE, false)
            == LIFE_TIMEOUT)
        {
            return 0;
        }

        ready = redis_reply(link, 0);
    }

    *reply = ready;

    return ready != NULL ? 1 : -1;
}


/* until all is there; a node that has reported to somebody else just now does
   not do it again for a second, so they are asked once more */

static int
report_hear(doctor_t *d, redis_t *link, report_t *report, const char *token)
{
    int          rc;
    unsigned     tries = 0;
    redisReply  *reply;

    while (!report_is_complete(report)) {
        rc = report_wait(link, &reply);

        if (rc == -1 || (rc == 0 && tries == TRIES)) {
            return 0;
        }

        if (rc == 0) {
            tries++;

            if (report_ask(d, report, token) == -1) {
                return -1;
            }

            continue;
        }

        report_take(d, report, redis_text(reply, 2));
        freeReplyObject(reply);
    }

    return 0;
}


static node_t *
report_node(report_t *report, chat_str_t id)
{
    size_t   i;
    node_t  *node;

    for (i = 0; i < report->nnodes; i++) {
        if (strlen(report->nodes[i].id) == id.len
            && memcmp(report->nodes[i].id, id.data, id.len) == 0)
        {
            return &report->nodes[i];
        }
    }

    if (report->nodes == NULL) {
        report->nodes = mem_alloc(NODES_MOST * sizeof(node_t));
    }

    if (report->nnodes == NODES_MOST || id.len > CHAT_ID_LEN) {
        return NULL;
    }

    node = &report->nodes[report->nnodes];
    memcpy(node->id, id.data, id.len);
    report->nnodes++;

    return node;
}


/* host <name> master <pid> <serves|leaves> lost <n> doubled <n> repaired <n>;
   a node of an older version does not tell these */

static void
report_take_process(node_t *node, chat_str_t *line)
{
    chat_str_t  host, state;

    (void) lines_word(line);
    host = lines_word(line);

    if (host.len >= sizeof(node->host)) {
        host.len = sizeof(node->host) - 1;
    }

    memcpy(node->host, host.data, host.len);
    (void) lines_word(line);
    node->master = lines_uint(line);
    state = lines_word(line);
    node->leaves = state.len == 6 && memcmp(state.data, "leaves", 6) == 0;
    (void) lines_word(line);
    node->lost = lines_uint(line);
    (void) lines_word(line);
    node->doubled = lines_uint(line);
    (void) lines_word(line);
    node->repaired = lines_uint(line);
}


/* node <id> pid <pid> part <i> of <n> sessions <n> rooms <n> gaps <n>
   revoked <n> <sure|unsure>, and of its process */

static void
report_take(const doctor_t *d, report_t *report, chat_str_t text)
{
    node_t      *node;
    chat_str_t   line;

    if (!lines_next(&text, &line)) {
        return;
    }

    (void) lines_word(&line);
    node = report_node(report, lines_word(&line));

    /* asked once more, it may tell all once more */

    if (node == NULL || (node->got != 0 && node->got == node->parts)) {
        return;
    }

    (void) lines_word(&line);
    node->pid = lines_uint(&line);
    (void) lines_word(&line);
    (void) lines_word(&line);              /* part */
    (void) lines_word(&line);
    node->parts = lines_uint(&line);
    (void) lines_word(&line);
    node->sessions = lines_uint(&line);
    (void) lines_word(&line);
    node->rooms = lines_uint(&line);
    (void) lines_word(&line);
    node->gaps = lines_uint(&line);
    (void) lines_word(&line);
    (void) lines_uint(&line);              /* the last change that it knows */
    node->unsure = lines_word(&line).len == strlen("unsure");
    report_take_process(node, &line);
    node->got++;

    while (lines_next(&text, &line)) {
        report_take_room(d, report, (size_t) (node - report->nodes), line);
    }
}


/* <base> <revision> <generation> <live joins> <ok|stale|opening> */

static void
report_take_room(const doctor_t *d, report_t *report, size_t node,
    chat_str_t line)
{
    char         digits[3] = "";
    room_t      *room;
    chat_str_t   base, name, state;

    base = lines_word(&line);

    if (base.len <= CHAT_NAME_PREFIX_LEN + 2 || base.len > CHAT_NAME_MAX_BASE)
    {
        return;
    }

    if (report->nrooms == report->size) {
        report->size = report->size * 2 + 256;
        report->rooms = mem_realloc(report->rooms, report->size,
                                    sizeof(room_t));
    }

    room = &report->rooms[report->nrooms];
    memset(room, 0, sizeof(*room));
    memcpy(room->base, base.data, base.len);
    room->node = node;
    room->revision = lines_uint(&line);
    (void) lines_word(&line);              /* generation */
    room->live = lines_uint(&line);
    state = lines_word(&line);
    room->state = state.len == 2 ? ROOM_OK
                  : state.len == 5 ? ROOM_STALE : ROOM_OPENING;

    memcpy(digits, room->base + strlen("chat:{p"), 2);
    room->partition = (unsigned) strtoul(digits, NULL, 10);
    name.data = base.data + CHAT_NAME_PREFIX_LEN + 2;
    name.len = base.len - CHAT_NAME_PREFIX_LEN - 2;
    room->placed = d->n == 0
                   || chat_name_partition_qualified(name, d->n)
                      == room->partition;

    report->nrooms++;
}
