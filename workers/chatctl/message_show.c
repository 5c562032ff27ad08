/*
 * chatctl message show: what PostgreSQL holds of a message; chatctl reaction
 * list: of the reactions to it.
 */

#include "stored.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "chat_id.h"


typedef struct {
    db_t             db;
    const char      *operands[2];   /* conversation, message */
    const char      *tenant;
    bool             json;
    stored_place_t   place;
    PGresult        *res;           /* the message lives in it */
    stored_t         message;
} message_show_t;


static int message_show_main_of(int argc, char **argv, options_t *options,
    int (*print)(message_show_t *s));
static int message_show_find(message_show_t *s);
static int message_show_print(message_show_t *s);
static int reaction_list_print(message_show_t *s);


static const char  sql_message[] =
    "SELECT " STORED_COLUMNS " FROM chat.message m"
    " WHERE m.p = $1 AND m.conversation_key = $2::uuid AND m.id = $3::uuid";

static const char  sql_versions[] =
    "SELECT revision, " STORED_MS("replaced_at") ", content"
    " FROM chat.message_version WHERE p = $1 AND message_id = $2::uuid"
    " ORDER BY revision";


int
message_show_main(int argc, char **argv)
{
    options_t  options = {
        .usage = "chatctl message show CONVERSATION MESSAGE [OPTION]...",
        .help = "Prints what PostgreSQL holds of a message: what it is now, "
                "the reactions to it, and\nits former contents."
    };

    return message_show_main_of(argc, argv, &options, message_show_print);
}


int
reaction_list_main(int argc, char **argv)
{
    options_t  options = {
        .usage = "chatctl reaction list CONVERSATION MESSAGE [OPTION]...",
        .help = "Prints the reactions to a message that PostgreSQL holds, "
                "the oldest first."
    };

    return message_show_main_of(argc, argv, &options, reaction_list_print);
}


static int
message_show_main_of(int argc, char **argv, options_t *options,
    int (*print)(message_show_t *s))
{
    int             rc;
    options_rc_e    orc;
    message_show_t  s;

    const option_t  own[] = {
        { "tenant", OPTION_TEXT, false, "ID", "default",
          "of which tenant", &s.tenant, 0, 0 },
        { "json", OPTION_FLAG, false, NULL, NULL,
          "print one JSON object", &s.json, 0, 0 },
        OPTION_POSTGRES_URL(&s.db.url),
        OPTION_END
    };

    memset(&s, 0, sizeof(s));
    options->more = CHATCTL_EXITS;
    options->own = own;
    options->operands = s.operands;
    options->noperands = 2;
    orc = options_read(options, argc, argv);

    if (orc != OPTIONS_OK) {
        return ctl_exit(orc);
    }

    rc = message_show_find(&s);

    if (rc == EXIT_OK) {
        rc = print(&s);
    }

    stored_done(&s.message);
    PQclear(s.res);
    db_close(&s.db);

    return rc;
}


static int
message_show_fail(const message_show_t *s)
{
    ctl_say("PostgreSQL: %s", s->db.error);

    return EXIT_UNAVAILABLE;
}


/* the exit code */

static int
message_show_find(message_show_t *s)
{
    int          rc;
    db_params_t  ps = { 0 };

    if (!chat_id_valid(mem_cstr(s->operands[1]))) {
        ctl_say("\"%s\" is no id of a message", s->operands[1]);
        return EXIT_USAGE;
    }

    if (ctl_open_db(&s->db, 0) == -1) {
        return EXIT_UNAVAILABLE;
    }

    rc = stored_find(&s->db, s->tenant, s->operands[0], &s->place);

    if (rc != EXIT_OK) {
        return rc;
    }

    db_param_uint(&ps, s->place.partition);
    db_param_text(&ps, s->place.key);
    db_param_text(&ps, s->operands[1]);
    s->res = db_query(&s->db, sql_message, &ps);

    if (s->res == NULL) {
        return message_show_fail(s);
    }

    if (PQntuples(s->res) == 0) {
        ctl_say("message \"%s\" is not known to PostgreSQL", s->operands[1]);
        return EXIT_NOT_FOUND;
    }

    stored_read(&s->message, s->operands[0], s->res, 0);

    return EXIT_OK;
}


static void
message_show_text(const char *name, chat_str_t text)
{
    if (text.len != 0) {
        printf("%-16s ", name);
        ctl_print_text(text);
        putchar('\n');
    }
}


static void
message_show_time(const char *name, uint64_t ms)
{
    if (ms != 0) {
        printf("%-16s ", name);
        stored_print_time(ms);
        putchar('\n');
    }
}


static void
message_show_reactions(const stored_t *m)
{
    size_t  i;

    for (i = 0; i < m->nreactors; i++) {
        printf("%-16s ", "reaction");
        ctl_print_text(m->reactors[i].emoji);
        printf(" %.*s\n", (int) m->reactors[i].user.len,
               m->reactors[i].user.data);
    }
}


static void
message_show_for_people(const message_show_t *s, const PGresult *versions)
{
    int              row;
    const stored_t  *m = &s->message;

    message_show_text("id", m->message.id);
    printf("%-16s %" PRIu64 "\n", "sequenceNumber", m->sequence);
    printf("%-16s %" PRIu64 "\n", "revision", m->revision);
    message_show_text("senderId", m->message.sender);
    message_show_time("timestamp", m->message.time);
    message_show_time("editedAt", m->message.edited);
    message_show_time("deletedAt", m->deleted);

    if (m->deleted != 0) {
        message_show_text("deletedBy", m->deleted_by.len != 0
                                       ? m->deleted_by : chat_str("operator"));
    }

    message_show_text("replyTo", m->message.reply_to);
    message_show_text("mentions", m->message.mentions);
    message_show_text("attachments", m->message.attachments);
    message_show_text("content", m->message.content);
    message_show_reactions(m);

    for (row = 0; row < PQntuples(versions); row++) {
        printf("%-16s ", "until");
        stored_print_time(db_value_uint(versions, row, 1));
        printf("  ");
        ctl_print_text(db_value(versions, row, 2));
        putchar('\n');
    }
}


static void
message_show_for_programs(const message_show_t *s, const PGresult *versions)
{
    int  row;

    printf("{\"message\":");
    stored_print_json(&s->message);
    printf(",\"versions\":[");

    for (row = 0; row < PQntuples(versions); row++) {
        printf("%s{\"revision\":%s,\"replacedAt\":\"", row == 0 ? "" : ",",
               PQgetvalue(versions, row, 0));
        stored_print_time(db_value_uint(versions, row, 1));
        printf("\",\"content\":%s}", PQgetvalue(versions, row, 2));
    }

    printf("]}\n");
}


static int
message_show_print(message_show_t *s)
{
    PGresult     *versions;
    db_params_t   ps = { 0 };

    db_param_uint(&ps, s->place.partition);
    db_param_text(&ps, s->operands[1]);
    versions = db_query(&s->db, sql_versions, &ps);

    if (versions == NULL) {
        return message_show_fail(s);
    }

    if (s->json) {
        message_show_for_programs(s, versions);
    } else {
        message_show_for_people(s, versions);
    }

    PQclear(versions);

    return ctl_flush() ? EXIT_OK : EXIT_FAILED;
}


static int
reaction_list_print(message_show_t *s)
{
    size_t                       i;
    const chat_event_reactor_t  *reactor;

    if (s->json) {
        printf("{\"items\":[");
    }

    for (i = 0; i < s->message.nreactors; i++) {
        reactor = &s->message.reactors[i];

        if (!s->json) {
            ctl_print_text(reactor->emoji);
            printf("  %.*s\n", (int) reactor->user.len, reactor->user.data);
            continue;
        }

        printf("%s{\"emoji\":\"%.*s\",\"userId\":\"%.*s\"}",
               i != 0 ? "," : "",
               (int) reactor->emoji.len, reactor->emoji.data,
               (int) reactor->user.len, reactor->user.data);
    }

    if (s->json) {
        printf("]}\n");
    }

    return ctl_flush() ? EXIT_OK : EXIT_FAILED;
}
