/*
 * chatctl presence: whether a user is there, or who of a conversation is.
 */

#include "presence.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "number.h"


#define OWN_FIELDS  3           /* of each node, after ok, choice and text */


static const char  sql_members[] =
    "SELECT c.conversation_key, m.user_id FROM chat.conversation c"
    " LEFT JOIN chat.member m ON m.conversation_key = c.conversation_key"
    " AND m.role <> 'blocked'"
    " WHERE c.tenant_id = $1 AND c.conversation_id = $2"
    " AND c.deleted_at IS NULL ORDER BY m.user_id";


static int presence_run(presence_t *p);
static int presence_find(presence_t *p, bool *conversation);
static int presence_show_user(presence_t *p);
static void presence_show_conversation(const presence_t *p);
static void presence_done(presence_t *p);


int
presence_main(int argc, char **argv)
{
    int           rc;
    presence_t    p;
    options_rc_e  orc;

    const option_t  own[] = {
        { "tenant", OPTION_TEXT, false, "ID", "default",
          "of which tenant", &p.tenant, 0, 0 },
        { "json", OPTION_FLAG, false, NULL, NULL,
          "print one JSON object", &p.json, 0, 0 },
        CTL_OPTION_WAIT(&p.wait),
        OPTION_REDIS_URL(&p.redis.url),
        OPTION_POSTGRES_URL(&p.db.url),
        OPTION_END
    };

    const options_t  options = {
        .usage = "chatctl presence USER|CONVERSATION [OPTION]...",
        .help = "Prints whether a user is there, as others see it and as it "
                "is; or of a conversation,\nif there is one of that id, how "
                "many of its members are there, and each of them.",
        .more = CHATCTL_EXITS,
        .own = own,
        .operands = &p.id,
        .noperands = 1
    };

    memset(&p, 0, sizeof(p));
    orc = options_read(&options, argc, argv);

    if (orc != OPTIONS_OK) {
        return ctl_exit(orc);
    }

    if (ctl_check_id("id", p.id) == -1
        || ctl_check_id("tenant", p.tenant) == -1)
    {
        return EXIT_USAGE;
    }

    rc = presence_run(&p);
    presence_done(&p);

    return rc;
}


static int
presence_run(presence_t *p)
{
    bool  conversation;

    p->redis.quiet = true;

    if (ctl_open_db(&p->db, p->wait) == -1
        || ctl_read_partitions(&p->db, &p->partitions) == -1
        || presence_find(p, &conversation) == -1)
    {
        return EXIT_UNAVAILABLE;
    }

    if (redis_open(&p->redis) == -1) {
        ctl_say("Redis: %s", p->redis.error);
        return EXIT_UNAVAILABLE;
    }

    if (presence_read(p) == -1) {
        return EXIT_UNAVAILABLE;
    }

    if (conversation) {
        presence_show_conversation(p);

    } else if (presence_show_user(p) == -1) {
        return EXIT_UNAVAILABLE;
    }

    return ctl_flush() ? EXIT_OK : EXIT_FAILED;
}


static void
presence_done(presence_t *p)
{
    size_t  i;

    for (i = 0; i < p->n; i++) {
        free(p->users[i].name);
        free(p->users[i].text);
    }

    free(p->users);
    redis_args_done(&p->args);
    redis_close(&p->redis);
    db_close(&p->db);
}


static void
presence_add(presence_t *p, const char *user)
{
    char  name[CHAT_NAME_MAX_QUALIFIED + 1];

    (void) snprintf(name, sizeof(name), "%s/%s", p->tenant, user);
    p->users[p->n].name = mem_strdup(name);
    p->n++;
}


/* the members of a conversation, or the user */

static int
presence_find(presence_t *p, bool *conversation)
{
    int           row;
    PGresult     *res;
    db_params_t   ps = { 0 };

    db_param_text(&ps, p->tenant);
    db_param_text(&ps, p->id);
    res = db_query(&p->db, sql_members, &ps);

    if (res == NULL) {
        ctl_say("PostgreSQL: %s", p->db.error);
        return -1;
    }

    *conversation = PQntuples(res) != 0;
    p->users = mem_alloc(((size_t) PQntuples(res) + 1)
                         * sizeof(presence_user_t));

    for (row = 0; row < PQntuples(res); row++) {
        if (!PQgetisnull(res, row, 1)) {
            presence_add(p, PQgetvalue(res, row, 1));
        }
    }

    if (!*conversation) {
        presence_add(p, p->id);
    }

    PQclear(res);

    return 0;
}


static void
presence_print(json_t *root)
{
    char  *text = root != NULL ? json_dumps(root, JSON_COMPACT) : NULL;

    json_decref(root);

    if (text != NULL) {
        printf("%s\n", text);
    }

    free(text);
}


/* what is inside of a JSON string, as a value */

static json_t *
presence_json_text(const char *inside)
{
    json_t     *value;
    mem_buf_t   b = { 0 };

    if (inside[0] == '\0') {
        return NULL;
    }

    mem_buf_printf(&b, "\"%s\"", inside);
    value = json_loadb((char *) b.data, b.len, JSON_DECODE_ANY|JSON_ALLOW_NUL,
                       NULL);
    mem_buf_done(&b);

    return value;
}


static json_t *
presence_json(const presence_t *p, const presence_user_t *user)
{
    char  time[PRESENCE_TIME];

    return json_pack("{s:s, s:s, s:s?, s:o*}",
                     "userId", user->name + strlen(p->tenant) + 1,
                     "status", chat_presence_name(user->state),
                     "lastSeen", user->last != 0
                                 ? presence_time(user->last, time) : NULL,
                     "text", presence_json_text(user->text));
}


/* what the user has chosen, and where its sessions are */

static redisReply *
presence_ask_own(presence_t *p)
{
    redisReply  *reply;
    chat_str_t   name = mem_cstr(p->users[0].name);

    presence_fcall(p, "own",
                   chat_name_partition_qualified(name, p->partitions));
    redis_args_add(&p->args, name);
    reply = redis_call(&p->redis, &p->args);

    if (reply == NULL || redis_answer(reply) != FCALL_OK) {
        ctl_say("Redis: %s", reply == NULL ? p->redis.error
                             : "it does not tell of the user's sessions");

        if (reply != NULL) {
            freeReplyObject(reply);
        }

        return NULL;
    }

    return reply;
}


static const char *
presence_choice(const redisReply *reply)
{
    chat_str_t       letter = redis_text(reply, 1);
    chat_presence_e  choice;

    if (letter.len != 1
        || chat_presence_read(&choice, (char) letter.data[0]) != CHAT_OK)
    {
        return "unknown";
    }

    return chat_presence_name(choice);
}


/* a number of a record, which is always one */

static json_t *
presence_json_number(const redisReply *reply, size_t i)
{
    uint64_t  n;

    if (number_parse(redis_text(reply, i), INT32_MAX, &n) == -1) {
        n = 0;
    }

    return json_integer((json_int_t) n);
}


static void
presence_user_json(const presence_t *p, const redisReply *reply)
{
    char    *text = mem_strndup(redis_text(reply, 2));
    json_t  *root, *nodes = json_array();
    size_t   i;

    for (i = 3; i + OWN_FIELDS <= reply->elements; i += OWN_FIELDS) {
        (void) json_array_append_new(nodes, json_pack(
            "{s:s, s:o, s:o}", "node", reply->element[i]->str,
            "sessions", presence_json_number(reply, i + 1),
            "active", presence_json_number(reply, i + 2)));
    }

    root = presence_json(p, &p->users[0]);
    (void) json_object_set_new(root, "choice",
                               json_string(presence_choice(reply)));
    (void) json_object_set_new(root, "choiceText", presence_json_text(text));
    (void) json_object_set_new(root, "nodes", nodes);
    presence_print(root);
    free(text);
}


/* the same for people, and the end of their line */

static void
presence_print_text(const char *inside)
{
    json_t  *value = presence_json_text(inside);

    if (value != NULL) {
        ctl_print_text((chat_str_t) {
            (const uint8_t *) json_string_value(value),
            json_string_length(value)
        });
        json_decref(value);
    }

    putchar('\n');
}


static void
presence_user_print(const presence_t *p, const redisReply *reply)
{
    char                    time[PRESENCE_TIME];
    char                   *text = mem_strndup(redis_text(reply, 2));
    size_t                  i;
    const presence_user_t  *user = &p->users[0];

    printf("%-12s %s\n", "seen as", chat_presence_name(user->state));
    printf("%-12s %s\n", "last seen",
           user->last != 0 ? presence_time(user->last, time) : "-");
    printf("%-12s %s\n", "choice", presence_choice(reply));
    printf("%-12s ", "text");
    presence_print_text(text);
    free(text);

    for (i = 3; i + OWN_FIELDS <= reply->elements; i += OWN_FIELDS) {
        printf("%-12s %s: %s sessions, %s active\n", i == 3 ? "nodes" : "",
               reply->element[i]->str, reply->element[i + 1]->str,
               reply->element[i + 2]->str);
    }
}


static int
presence_show_user(presence_t *p)
{
    redisReply  *reply = presence_ask_own(p);

    if (reply == NULL) {
        return -1;
    }

    if (p->json) {
        presence_user_json(p, reply);
    } else {
        presence_user_print(p, reply);
    }

    freeReplyObject(reply);

    return 0;
}


static void
presence_show_conversation(const presence_t *p)
{
    char                    time[PRESENCE_TIME];
    json_t                 *members = json_array();
    size_t                  online = 0;
    const presence_user_t  *user;

    for (user = p->users; user < p->users + p->n; user++) {
        online += user->state != CHAT_PRESENCE_OFFLINE;

        if (p->json) {
            (void) json_array_append_new(members, presence_json(p, user));
        }
    }

    if (p->json) {
        presence_print(json_pack("{s:s, s:I, s:I, s:O}",
                                 "conversationId", p->id,
                                 "size", (json_int_t) p->n,
                                 "online", (json_int_t) online,
                                 "members", members));
        json_decref(members);
        return;
    }

    json_decref(members);
    printf("%zu of %zu members are there\n", online, p->n);

    for (user = p->users; user < p->users + p->n; user++) {
        printf("%-24s %-10s %-24s ", user->name + strlen(p->tenant) + 1,
               chat_presence_name(user->state),
               user->last != 0 ? presence_time(user->last, time) : "-");
        presence_print_text(user->text);
    }
}
