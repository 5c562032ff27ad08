#include "change.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "change_args.h"


typedef struct {
    chat_request_type_e   type;
    bool                  by_user;  /* the operator has no part in it */
    bool                  ends;     /* done twice, it finds nothing */
    void                (*add)(change_t *c);    /* its own arguments */
} change_kind_t;


static int change_check(change_t *c);
static const change_kind_t *change_kind(const change_t *c);
static void change_add(ask_t *a);
static int change_done(ask_t *a, const redisReply *reply);
static int change_missing(ask_t *a, const redisReply *reply);
static int change_print(const change_t *c, uint64_t revision);
static int change_print_sent(const change_t *c, const redisReply *reply);


static const change_kind_t  change_kinds[] = {
    { CHAT_REQUEST_CONVERSATION_UPDATE, false, false, change_args_update },
    { CHAT_REQUEST_CONVERSATION_DELETE, false, true,
      change_args_conversation_delete },
    { CHAT_REQUEST_MEMBER_ADD, false, false, change_args_member },
    { CHAT_REQUEST_MEMBER_UPDATE, false, false, change_args_member },
    { CHAT_REQUEST_MEMBER_REMOVE, false, true, change_args_member },
    { CHAT_REQUEST_MESSAGE_SEND, true, false, change_args_send },
    { CHAT_REQUEST_MESSAGE_EDIT, false, false, change_args_edit },
    { CHAT_REQUEST_MESSAGE_DELETE, false, false, change_args_delete },
    { CHAT_REQUEST_REACTION_ADD, true, false, change_args_reaction },
    { CHAT_REQUEST_REACTION_REMOVE, true, false, change_args_reaction }
};


options_rc_e
change_read(change_t *c, const options_t *options, int argc, char **argv)
{
    options_t  o = *options;

    const option_t  common[] = {
        { "as", OPTION_TEXT, false, "USER", NULL,
          "as this user, with this user's rights", &c->as, 0, 0 },
        { "tenant", OPTION_TEXT, false, "ID", "default",
          "of which tenant", &c->ask.tenant, 0, 0 },
        { "json", OPTION_FLAG, false, NULL, NULL,
          "print one JSON object", &c->json, 0, 0 },
        CTL_OPTION_WAIT(&c->ask.wait),
        OPTION_REDIS_URL(&c->ask.redis.url),
        OPTION_END
    };

    memset(c, 0, sizeof(*c));
    o.common = common;
    o.more = CHATCTL_EXITS;

    return options_read(&o, argc, argv);
}


int
change_run(change_t *c)
{
    int  rc = EXIT_USAGE;

    if (change_check(c) == 0) {
        rc = ask_run(&c->ask);
    }

    ask_done(&c->ask);
    request_done(&c->request);

    return rc;
}


static int
change_check(change_t *c)
{
    ask_t  *a = &c->ask;

    if (ctl_check_id("tenant", a->tenant) == -1
        || (c->as != NULL && ctl_check_id("user", c->as) == -1)
        || request_end(&c->request) == -1)
    {
        return -1;
    }

    if (change_kind(c)->by_user && c->as == NULL) {
        ctl_say("whose is it?  It needs --as USER");
        return -1;
    }

    a->conversation = c->operands[0];
    a->user = c->as != NULL ? c->as : "";
    a->function = "chat_v1_append";
    a->add = change_add;
    a->done = change_done;
    a->missing = change_kind(c)->ends ? change_missing : NULL;
    a->data = c;

    return 0;
}


static const change_kind_t *
change_kind(const change_t *c)
{
    size_t  i = 0;

    while (change_kinds[i].type != c->request.parsed.type) {
        i++;                            /* every verb's type is among them */
    }

    return &change_kinds[i];
}


static void
change_add(ask_t *a)
{
    change_t             *c = a->data;
    const change_kind_t  *kind = change_kind(c);

    redis_args_text(&a->args, chat_request_type_name(kind->type));
    redis_args_text(&a->args, a->user);
    redis_args_uint(&a->args, a->time);
    kind->add(c);
}


/* what came of it */

static int
change_done(ask_t *a, const redisReply *reply)
{
    change_t  *c = a->data;

    if (c->request.parsed.type == CHAT_REQUEST_MESSAGE_SEND) {
        return change_print_sent(c, reply);
    }

    return change_print(c, redis_number(reply, 1));
}


/* what is gone may be our own doing: the answer got lost then */

static int
change_missing(ask_t *a, const redisReply *reply)
{
    if (!a->unheard) {
        return ask_say_missing(a, reply);
    }

    return change_print(a->data, 0);
}


static int
change_print(const change_t *c, uint64_t revision)
{
    if (c->json && revision == 0) {
        printf("{\"revision\":null}\n");
    } else if (c->json) {
        printf("{\"revision\":%" PRIu64 "}\n", revision);
    } else if (revision == 0) {
        printf("done\n");
    } else {
        printf("done, revision %" PRIu64 "\n", revision);
    }

    return ctl_flush() ? EXIT_OK : EXIT_FAILED;
}


/* "ok", revision, sequence, place, generation; if it was there already its id
   and time in ms */

static int
change_print_sent(const change_t *c, const redisReply *reply)
{
    bool            duplicate;
    uint8_t         time[32];
    uint64_t        ms = c->ask.time;
    chat_str_t      id = redis_text(reply, 5);
    chat_writer_t   w;

    duplicate = id.len != 0;

    if (!duplicate) {
        id = mem_cstr(c->message);

    } else if (id.len == strlen(c->message)
               && memcmp(id.data, c->message, id.len) == 0)
    {
        duplicate = false;              /* it is that of our own first try */

    } else {
        ms = redis_number(reply, 6);
    }

    if (!c->json) {
        printf("%.*s\n", (int) id.len, id.data);
        return ctl_flush() ? EXIT_OK : EXIT_FAILED;
    }

    chat_writer_init(&w, time, sizeof(time));
    chat_write_time(&w, ms);

    printf("{\"id\":\"%.*s\",\"sequenceNumber\":%" PRIu64
           ",\"revision\":%" PRIu64 ",\"timestamp\":%.*s,\"duplicate\":%s}\n",
           (int) id.len, id.data, redis_number(reply, 2),
           redis_number(reply, 1), (int) w.len, time,
           duplicate ? "true" : "false");

    return ctl_flush() ? EXIT_OK : EXIT_FAILED;
}
