/*
 * chatctl conversation create: through the same door as everybody, the
 * function append in Redis.
 */

#include "chatctl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chat_event.h"
#include "chat_id.h"
#include "chat_name.h"
#include "chat_utf8.h"


#define ASK_AGAIN  50       /* ms */


typedef struct {
    db_t                        db;
    redis_t                     redis;
    const char                 *id;
    const char                 *type;
    const char                 *tenant;
    const char                 *name;
    const char                 *owner;
    options_list_t              members;
    bool                        if_not_exists;
    bool                        asked;      /* and perhaps made by that */
    uint64_t                    wait;       /* s */

    unsigned                    partitions;
    unsigned                    partition;
    uint64_t                    time;       /* of creation, ms */
    chat_conversation_type_e    kind;
    char                        made_id[CHAT_ID_LEN + 1];
    char                        key[CHAT_ID_LEN + 1];
    char                        node[CHAT_ID_LEN + 1];  /* asks, never hears */
    char                        prefix[CHAT_NAME_PREFIX_LEN + 1];
    char                        base[CHAT_NAME_MAX_BASE + 1];
    char                        why[300];   /* it was not possible so far */
    redis_args_t                args;
} create_t;


static int create_check(create_t *c);
static int create_check_members(const create_t *c);
static void create_prepare(create_t *c);
static int create_run(create_t *c);
static int create_try(create_t *c);
static void create_because(create_t *c, const char *why);
static redisReply *create_ask(create_t *c);
static int create_answered(create_t *c, const redisReply *reply);


int
conversation_create_main(int argc, char **argv)
{
    int           rc;
    create_t      c;
    options_rc_e  orc;

    const option_t  own[] = {
        { "id", OPTION_TEXT, false, "ID", NULL,
          "its id; one is made if it is not given", &c.id, 0, 0 },
        { "type", OPTION_TEXT, false, "TYPE", NULL,
          "channel (open to all of the tenant) or group; required",
          &c.type, 0, 0 },
        { "tenant", OPTION_TEXT, false, "ID", "default",
          "of which tenant", &c.tenant, 0, 0 },
        { "name", OPTION_TEXT, false, "NAME", "",
          "what people call it", &c.name, 0, 0 },
        { "owner", OPTION_TEXT, false, "USER", NULL,
          "who owns it", &c.owner, 0, 0 },
        { "member", OPTION_LIST, false, "USER", NULL,
          "who is in it; may be given again", &c.members, 0, 0 },
        { "if-not-exists", OPTION_FLAG, false, NULL, NULL,
          "one that is there already is no error", &c.if_not_exists, 0, 0 },
        { "wait", OPTION_SECONDS, false, "TIME", "5",
          "give up after so long", &c.wait, 0, 3600 },
        OPTION_REDIS_URL(&c.redis.url),
        OPTION_POSTGRES_URL(&c.db.url),
        OPTION_END
    };

    const options_t  options = {
        .usage = "chatctl conversation create --type TYPE [OPTION]...",
        .help = "Creates a conversation and prints its id.",
        .more = CHATCTL_EXITS,
        .own = own
    };

    memset(&c, 0, sizeof(c));
    orc = options_read(&options, argc, argv);

    if (orc != OPTIONS_OK) {
        return ctl_exit(orc);
    }

    if (create_check(&c) == -1) {
        return EXIT_USAGE;
    }

    rc = create_run(&c);

    redis_args_done(&c.args);
    redis_close(&c.redis);
    db_close(&c.db);

    return rc;
}


static int
create_check(create_t *c)
{
    if (c->type == NULL
        || (strcmp(c->type, "channel") != 0 && strcmp(c->type, "group") != 0))
    {
        ctl_say("--type must be channel or group");
        return -1;
    }

    c->kind = strcmp(c->type, "channel") == 0 ? CHAT_CONVERSATION_CHANNEL
                                              : CHAT_CONVERSATION_GROUP;

    if (ctl_check_id("tenant", c->tenant) == -1
        || (c->id != NULL && ctl_check_id("id", c->id) == -1))
    {
        return -1;
    }

    if (strlen(c->name) > CHAT_REQUEST_MAX_NAME
        || !chat_utf8_valid(mem_cstr(c->name)))
    {
        ctl_say("name is longer than %d bytes or not UTF-8",
                CHAT_REQUEST_MAX_NAME);
        return -1;
    }

    return create_check_members(c);
}


static int
create_check_members(const create_t *c)
{
    size_t  i;

    if (c->owner != NULL && ctl_check_id("owner", c->owner) == -1) {
        return -1;
    }

    for (i = 0; i < c->members.n; i++) {
        if (ctl_check_id("member", c->members.values[i]) == -1) {
            return -1;
        }
    }

    if (c->members.n > CHAT_REQUEST_MAX_MEMBERS) {
        ctl_say("more than %d members", CHAT_REQUEST_MAX_MEMBERS);
        return -1;
    }

    if (c->kind == CHAT_CONVERSATION_GROUP && c->owner == NULL
        && c->members.n == 0)
    {
        ctl_say("a group needs an --owner or a --member: nobody else can see "
                "it");
        return -1;
    }

    return 0;
}


static void
create_make_id(char *dst, uint64_t time, unsigned partition)
{
    uint8_t  random[10];

    life_random(random, sizeof(random));
    chat_id_make((uint8_t *) dst, time, partition, random);
    dst[CHAT_ID_LEN] = '\0';
}


static const char *
create_id(const create_t *c)
{
    return c->id != NULL ? c->id : c->made_id;
}


static void
create_prepare(create_t *c)
{
    chat_str_t  tenant, id;

    c->time = life_time();
    create_make_id(c->made_id, c->time, 0);

    tenant = mem_cstr(c->tenant);
    id = mem_cstr(create_id(c));

    c->partition = chat_name_partition(tenant, id, c->partitions);
    create_make_id(c->key, c->time, c->partition);
    create_make_id(c->node, c->time, 0);

    (void) chat_name_prefix((uint8_t *) c->prefix, c->partition);
    (void) chat_name_base((uint8_t *) c->base, c->partition, tenant, id);
}


/* asks until there is an answer that says more than "not now" */

static int
create_run(create_t *c)
{
    int       rc;
    uint64_t  until;

    if (ctl_open_db(&c->db, c->wait) == -1
        || ctl_read_partitions(&c->db, &c->partitions) == -1)
    {
        return EXIT_UNAVAILABLE;
    }

    create_prepare(c);
    until = life_now() + c->wait * 1000;
    c->redis.quiet = true;

    for ( ;; ) {
        rc = create_try(c);

        if (rc != -1) {
            return rc;
        }

        if (life_now() > until) {
            ctl_say("%s", c->why);
            return EXIT_UNAVAILABLE;
        }

        (void) life_wait(-1, 0, life_now() + ASK_AGAIN, false);
    }
}


/* the exit code, or -1: ask again */

static int
create_try(create_t *c)
{
    int          rc;
    redisReply  *reply = NULL;

    if (redis_open(&c->redis) == 0) {
        reply = create_ask(c);
    }

    if (reply == NULL) {
        create_because(c, c->redis.error);
        return -1;
    }

    rc = create_answered(c, reply);
    freeReplyObject(reply);

    return rc;
}


/* what to say if there is no better answer in time */

static void
create_because(create_t *c, const char *why)
{
    (void) snprintf(c->why, sizeof(c->why), "Redis: %s", why);
}


static void
create_add_head(create_t *c)
{
    uint8_t                    *head;
    chat_writer_t               w;
    chat_event_conversation_t   event;

    event.conversation = mem_cstr(create_id(c));
    event.type = c->kind;
    event.name = mem_cstr(c->name);
    event.creator = mem_cstr(c->owner != NULL ? c->owner : "system");
    event.time = c->time;

    chat_writer_init(&w, NULL, 0);
    chat_event_conversation_head(&w, &event);

    head = mem_alloc(w.len);
    chat_writer_init(&w, head, w.len);
    chat_event_conversation_head(&w, &event);

    redis_args_add(&c->args, (chat_str_t) { head, w.len });
    free(head);
}


static redisReply *
create_ask(create_t *c)
{
    size_t  i;

    redis_args_fcall(&c->args, "chat_v1_append", 2);
    redis_args_text(&c->args, c->prefix);
    redis_args_text(&c->args, c->base);
    redis_args_text(&c->args, c->redis.identity);
    redis_args_uint(&c->args, c->partitions);
    redis_args_text(&c->args, "create");
    redis_args_text(&c->args, c->owner != NULL ? c->owner : "system");
    redis_args_text(&c->args, c->type);
    redis_args_text(&c->args, c->name);
    redis_args_text(&c->args, c->key);
    redis_args_uint(&c->args, c->time);
    redis_args_text(&c->args, c->id == NULL && !c->asked ? "1" : "0");
    create_add_head(c);

    for (i = 0; i < c->members.n; i++) {
        redis_args_text(&c->args, c->members.values[i]);
        redis_args_text(&c->args, "member");
    }

    if (c->owner != NULL) {
        redis_args_text(&c->args, c->owner);
        redis_args_text(&c->args, "owner");
    }

    c->asked = true;

    return redis_call(&c->redis, &c->args);
}


/* has chat-persist look for the conversation in PostgreSQL */

static void
create_need(create_t *c)
{
    char         key[CHAT_NAME_PREFIX_LEN + 8];
    size_t       i;
    redisReply  *reply;

    const char  *fields[] = {
        "MAXLEN", "~", "10000", "*", "k", "conversation", "n", c->node,
        "i", "1", "c", c->base + CHAT_NAME_PREFIX_LEN + 2
    };

    (void) snprintf(key, sizeof(key), "%sneed", c->prefix);

    redis_args_reset(&c->args, "XADD");
    redis_args_text(&c->args, key);

    for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        redis_args_text(&c->args, fields[i]);
    }

    reply = redis_call(&c->redis, &c->args);

    if (reply != NULL) {
        freeReplyObject(reply);
    }
}


static int
create_print(const create_t *c)
{
    printf("%s\n", create_id(c));

    return ctl_flush() ? EXIT_OK : EXIT_FAILED;
}


/* it is there, which may be our own doing: the answer got lost then, and the
   key is ours */

static int
create_exists(create_t *c)
{
    bool         ours;
    char         meta[sizeof(c->base) + sizeof(":meta")];
    redisReply  *reply;

    (void) snprintf(meta, sizeof(meta), "%s:meta", c->base);
    redis_args_reset(&c->args, "HGET");
    redis_args_text(&c->args, meta);
    redis_args_text(&c->args, "key");

    reply = redis_call(&c->redis, &c->args);

    if (reply == NULL) {
        create_because(c, c->redis.error);
        return -1;
    }

    ours = reply->type == REDIS_REPLY_STRING
           && strcmp(reply->str, c->key) == 0;
    freeReplyObject(reply);

    if (ours || c->if_not_exists) {
        return create_print(c);
    }

    ctl_say("conversation \"%s\" exists", create_id(c));

    return EXIT_FAILED;
}


/* the exit code, or -1: ask again */

static int
create_answered(create_t *c, const redisReply *reply)
{
    switch (redis_answer(reply)) {

    case FCALL_OK:
        return create_print(c);

    case FCALL_EXISTS:
    case FCALL_NOT_FOUND:       /* there, but not for these eyes */
        return create_exists(c);

    case FCALL_NEED:
        create_because(c, "waits for chat-persist, which does not answer");
        create_need(c);
        return -1;

    case FCALL_CLOSED:
        create_because(c, "not opened by chat-persist yet");
        return -1;

    case FCALL_BUSY:
        create_because(c, "too many events wait to be stored");
        return -1;

    case FCALL_BAD:
    case FCALL_REFUSED:
        ctl_say("Redis: %.*s", (int) redis_text(reply, 1).len,
                redis_text(reply, 1).data);
        return EXIT_FAILED;

    case FCALL_FAILED:          /* loading, out of memory, no library yet */
        create_because(c, reply->type == REDIS_REPLY_ERROR
                          ? reply->str : "unexpected answer");
        return -1;
    }

    return -1;
}
