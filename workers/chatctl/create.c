/*
 * chatctl conversation create.
 */

#include "ask.h"

#include <stdio.h>
#include <string.h>

#include "chat_event.h"
#include "request.h"


#define CREATOR  "system"       /* of what nobody owns */


typedef struct {
    ask_t            ask;
    request_t        request;
    const char      *id;
    const char      *type;
    const char      *name;
    const char      *owner;
    options_list_t   members;
    bool             if_not_exists;
    bool             json;

    bool             dm;
    char             made_id[CHAT_NAME_MAX_ID + 1];
    char             key[CHAT_ID_LEN + 1];
} create_t;


static int create_check(create_t *c);
static int create_make_id(create_t *c);
static void create_add(ask_t *a);
static int create_done(ask_t *a, const redisReply *reply);
static int create_exists(ask_t *a, const redisReply *reply);
static int create_print(const create_t *c);


int
conversation_create_main(int argc, char **argv)
{
    int           rc;
    create_t      c;
    const char   *postgres_url;
    options_rc_e  orc;

    const option_t  own[] = {
        { "id", OPTION_TEXT, false, "ID", NULL,
          "its id; one is made if it is not given", &c.id, 0, 0 },
        { "type", OPTION_TEXT, false, "TYPE", NULL,
          "channel (open to all of the tenant), group or dm; required",
          &c.type, 0, 0 },
        { "tenant", OPTION_TEXT, false, "ID", "default",
          "of which tenant", &c.ask.tenant, 0, 0 },
        { "name", OPTION_TEXT, false, "NAME", NULL,
          "what people call it", &c.name, 0, 0 },
        { "owner", OPTION_TEXT, false, "USER", NULL,
          "who owns it", &c.owner, 0, 0 },
        { "member", OPTION_LIST, false, "USER", NULL,
          "who is in it; may be given again; the two of a dm",
          &c.members, 0, 0 },
        { "if-not-exists", OPTION_FLAG, false, NULL, NULL,
          "one that is there already is no error", &c.if_not_exists, 0, 0 },
        { "json", OPTION_FLAG, false, NULL, NULL,
          "print one JSON object", &c.json, 0, 0 },
        CTL_OPTION_WAIT(&c.ask.wait),
        OPTION_REDIS_URL(&c.ask.redis.url),
        OPTION_POSTGRES_URL(&postgres_url),
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

    rc = create_check(&c) == -1 ? EXIT_USAGE : ask_run(&c.ask);

    ask_done(&c.ask);
    request_done(&c.request);

    return rc;
}


/* what the parser of requests does not judge */

static int
create_check_options(create_t *c)
{
    if (c->type == NULL) {
        ctl_say("needs --type: channel, group or dm");
        return -1;
    }

    c->dm = strcmp(c->type, "dm") == 0;

    if (ctl_check_id("tenant", c->ask.tenant) == -1
        || (c->owner != NULL && ctl_check_id("owner", c->owner) == -1))
    {
        return -1;
    }

    if (c->dm && (c->members.n != 2 || c->owner != NULL
                  || strcmp(c->members.values[0], c->members.values[1]) == 0))
    {
        ctl_say("a dm has two different --member and no --owner");
        return -1;
    }

    if (strcmp(c->type, "group") == 0 && c->owner == NULL
        && c->members.n == 0)
    {
        ctl_say("a group needs an --owner or a --member: nobody else can see "
                "it");
        return -1;
    }

    return 0;
}


/* what a client would ask for who owns it, or is the first of a dm */

static int
create_check_request(create_t *c)
{
    size_t          i;
    const char     *creator;
    options_list_t  others = { .n = 0 };

    creator = c->dm ? c->members.values[0] : c->owner;

    if (c->dm && ctl_check_id("member", creator) == -1) {
        return -1;
    }

    for (i = 0; i < c->members.n; i++) {
        if (creator == NULL || strcmp(c->members.values[i], creator) != 0) {
            others.values[others.n] = c->members.values[i];
            others.n++;
        }
    }

    request_begin(&c->request, CHAT_REQUEST_CONVERSATION_CREATE);
    request_add_text(&c->request, "type", c->type);
    request_add_text(&c->request, "conversationId", c->id);
    request_add_text(&c->request, "name", c->name);
    request_add_list(&c->request, "members", &others);

    return request_end(&c->request);
}


static int
create_check(create_t *c)
{
    ask_t  *a = &c->ask;

    if (c->name != NULL && c->name[0] == '\0') {
        c->name = NULL;                 /* as if it were not given */
    }

    if (create_check_options(c) == -1 || create_check_request(c) == -1
        || create_make_id(c) == -1)
    {
        return -1;
    }

    a->conversation = c->id != NULL ? c->id : c->made_id;
    a->user = c->owner != NULL ? c->owner : CREATOR;
    a->function = "chat_v1_append";
    a->add = create_add;
    a->done = create_done;
    a->missing = create_exists;         /* there, but not for these eyes */
    a->data = c;

    return 0;
}


static int
create_make_id(create_t *c)
{
    if (c->dm) {
        if (chat_name_dm((uint8_t *) c->made_id,
                         mem_cstr(c->members.values[0]),
                         mem_cstr(c->members.values[1])) != CHAT_OK)
        {
            ctl_say("out of memory");
            return -1;
        }

        return 0;
    }

    c->ask.time = life_time();
    ask_make_id(&c->ask, c->made_id, 0);

    return 0;
}


static void
create_write_head(chat_writer_t *w, const void *data)
{
    const create_t             *c = data;
    chat_event_conversation_t   event;

    event.conversation = mem_cstr(c->ask.conversation);
    event.type = c->request.parsed.conversation_type;
    event.name = (chat_str_t) { c->request.parsed.name,
                                c->request.parsed.name_len };
    event.creator = mem_cstr(c->ask.user);
    event.time = c->ask.time;

    chat_event_conversation_head(w, &event);
}


static void
create_add(ask_t *a)
{
    size_t     i;
    create_t  *c = a->data;

    if (c->key[0] == '\0') {
        ask_make_id(a, c->key, a->partition);
    }

    redis_args_text(&a->args, "conversation.create");
    redis_args_text(&a->args, a->user);
    redis_args_uint(&a->args, a->time);
    redis_args_text(&a->args, c->type);
    redis_args_add(&a->args, (chat_str_t) { c->request.parsed.name,
                                            c->request.parsed.name_len });
    redis_args_text(&a->args, c->key);
    redis_args_text(&a->args, c->id == NULL && !c->dm && !a->unheard ? "1"
                                                                     : "0");
    ask_add_written(a, create_write_head);

    for (i = 0; i < c->members.n; i++) {
        if (c->owner == NULL || strcmp(c->members.values[i], c->owner) != 0) {
            redis_args_text(&a->args, c->members.values[i]);
            redis_args_text(&a->args, "member");
        }
    }

    if (c->owner != NULL) {
        redis_args_text(&a->args, c->owner);
        redis_args_text(&a->args, "owner");
    }
}


static int
create_done(ask_t *a, const redisReply *reply)
{
    create_t  *c = a->data;

    if (redis_answer(reply) == FCALL_EXISTS) {
        return create_exists(a, reply);
    }

    return create_print(c);
}


/* it is there, which may be our own doing: the answer got lost then, and the
   key is ours */

static int
create_exists(ask_t *a, const redisReply *reply)
{
    bool         ours;
    char         meta[sizeof(a->base) + sizeof(":meta")];
    create_t    *c = a->data;
    redisReply  *key;

    (void) reply;

    (void) snprintf(meta, sizeof(meta), "%s:meta", a->base);
    redis_args_reset(&a->args, "HGET");
    redis_args_text(&a->args, meta);
    redis_args_text(&a->args, "key");

    key = redis_call(&a->redis, &a->args);

    if (key == NULL) {
        return ask_because(a, a->redis.error);
    }

    ours = key->type == REDIS_REPLY_STRING && strcmp(key->str, c->key) == 0;
    freeReplyObject(key);

    if (ours || c->if_not_exists) {
        return create_print(c);
    }

    ctl_say("conversation \"%s\" exists", a->conversation);

    return EXIT_FAILED;
}


static int
create_print(const create_t *c)
{
    if (c->json) {
        printf("{\"conversationId\":\"%s\"}\n", c->ask.conversation);
    } else {
        printf("%s\n", c->ask.conversation);
    }

    return ctl_flush() ? EXIT_OK : EXIT_FAILED;
}
