/*
 * chatctl verify: a conversation, or all of a tenant.
 */

#include "verify.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>


#define VERIFY_PAGE  1000


typedef struct {
    verify_t     verify;
    const char  *id;            /* NULL: all */
    bool         all;
    bool         json;

    uint64_t     conversations;
    uint64_t     messages;
    uint64_t     held;          /* of them, in Redis too */
    uint64_t     faulty;
} command_t;


static int verify_run(command_t *c);
static int verify_one(command_t *c, const char *id);
static int verify_all(command_t *c);
static void verify_print(const command_t *c);
static void verify_print_json(const command_t *c);


int
verify_main(int argc, char **argv)
{
    int           rc;
    command_t     c;
    const char   *operand = NULL;
    options_rc_e  orc;

    const option_t  own[] = {
        { "all", OPTION_FLAG, false, NULL, NULL,
          "every conversation of the tenant; those with faults are printed, "
          "and a summary", &c.all, 0, 0 },
        { "tenant", OPTION_TEXT, false, "ID", "default",
          "of which tenant", &c.verify.tenant, 0, 0 },
        { "json", OPTION_FLAG, false, NULL, NULL,
          "print a JSON object per line", &c.json, 0, 0 },
        OPTION_REDIS_URL(&c.verify.redis.url),
        OPTION_POSTGRES_URL(&c.verify.db.url),
        OPTION_END
    };

    const options_t  options = {
        .usage = "chatctl verify CONVERSATION|--all [OPTION]...",
        .help = "Looks whether a conversation is without gaps: every message "
                "once and in order, everything\nthat is told of them right, "
                "and what Redis has of it the same as what PostgreSQL has.\n"
                "It may be in use meanwhile.",
        .more = CHATCTL_EXITS,
        .own = own,
        .operands = &operand,
        .noperands = 1,
        .optional = 1
    };

    memset(&c, 0, sizeof(c));
    orc = options_read(&options, argc, argv);

    if (orc != OPTIONS_OK) {
        return ctl_exit(orc);
    }

    c.id = operand;

    if ((operand != NULL) == c.all) {
        ctl_say("either a conversation or --all");
        return EXIT_USAGE;
    }

    if (ctl_check_id("tenant", c.verify.tenant) == -1
        || (operand != NULL && ctl_check_id("conversation", operand) == -1))
    {
        return EXIT_USAGE;
    }

    rc = verify_run(&c);
    verify_done(&c.verify);

    return rc;
}


static int
verify_run(command_t *c)
{
    int  rc;

    if (verify_open(&c->verify) == -1) {
        return EXIT_UNAVAILABLE;
    }

    if (c->all) {
        return verify_all(c);
    }

    rc = verify_one(c, c->id);

    if (rc == EXIT_NOT_FOUND) {
        ctl_say("no such conversation: \"%s\"", c->id);
    }

    return ctl_flush() ? rc : EXIT_FAILED;
}


/* of all, those without a fault are not worth a line */

static int
verify_one(command_t *c, const char *id)
{
    int  rc;

    rc = verify_conversation(&c->verify, id);

    if (rc != EXIT_OK && rc != EXIT_FAILED) {
        return rc;
    }

    c->conversations++;
    c->messages += c->verify.row.sequence;
    c->held += c->verify.before.held == VERIFY_HELD;
    c->faulty += rc == EXIT_FAILED;

    if (rc == EXIT_FAILED || !c->all) {
        if (c->json) {
            verify_print_json(c);
        } else {
            verify_print(c);
        }
    }

    return rc;
}


static const char  sql_page[] =
    "SELECT conversation_id FROM chat.conversation"
    " WHERE tenant_id = $1 AND conversation_id > $2"
    " ORDER BY conversation_id LIMIT $3";

static PGresult *
verify_page(command_t *c, const char *after)
{
    PGresult     *res;
    db_params_t   ps = { 0 };

    db_param_text(&ps, c->verify.tenant);
    db_param_text(&ps, after);
    db_param_uint(&ps, VERIFY_PAGE);
    res = db_query(&c->verify.db, sql_page, &ps);

    if (res == NULL) {
        ctl_say("PostgreSQL: %s", c->verify.db.error);
    }

    return res;
}


static int
verify_summary(const command_t *c)
{
    if (c->json) {
        printf("{\"tenantId\":\"%s\",\"ok\":%s,\"conversations\":%" PRIu64
               ",\"messages\":%" PRIu64 ",\"inRedis\":%" PRIu64
               ",\"faulty\":%" PRIu64 "}\n", c->verify.tenant,
               c->faulty == 0 ? "true" : "false", c->conversations,
               c->messages, c->held, c->faulty);
    } else {
        printf("%" PRIu64 " conversations with %" PRIu64 " messages, %" PRIu64
               " of them in Redis too: %" PRIu64 " with faults\n",
               c->conversations, c->messages, c->held, c->faulty);
    }

    if (!ctl_flush()) {
        return EXIT_FAILED;
    }

    return c->faulty == 0 ? EXIT_OK : EXIT_FAILED;
}


static int
verify_all(command_t *c)
{
    int        rc, row, rows;
    char       after[CHAT_NAME_MAX_ID + 1] = "";
    PGresult  *res;

    do {
        res = verify_page(c, after);

        if (res == NULL) {
            return EXIT_UNAVAILABLE;
        }

        rows = PQntuples(res);

        for (row = 0; row < rows; row++) {
            (void) snprintf(after, sizeof(after), "%s",
                            PQgetvalue(res, row, 0));
            rc = verify_one(c, after);

            if (rc != EXIT_OK && rc != EXIT_FAILED && rc != EXIT_NOT_FOUND) {
                PQclear(res);
                return rc;
            }
        }

        PQclear(res);

    } while (rows == VERIFY_PAGE);

    return verify_summary(c);
}


/* what Redis had to do with it */

static const char *
verify_redis(const verify_t *v)
{
    switch (v->before.held) {

    case VERIFY_CLOSED:
        return "closed";

    case VERIFY_ABSENT:
        return "not held";

    case VERIFY_HELD:
        return "compared";
    }

    return "";
}


static void
verify_print(const command_t *c)
{
    size_t           i;
    const verify_t  *v = &c->verify;

    printf("%s: %" PRIu64 " messages, revision %" PRIu64 ", Redis %s", v->id,
           v->row.sequence, v->row.revision, verify_redis(v));

    if (v->row.holes != 0) {
        printf(", %" PRIu64 " dropped with dead letters", v->row.holes);
    }

    printf(": ");

    if (v->faults.n == 0) {
        printf("ok%s\n", v->undecided
                         ? ", but nothing is being stored at the moment, so "
                           "not all could be compared"
                         : "");
        return;
    }

    printf("%zu faults\n", v->faults.n);

    for (i = 0; i < v->faults.n; i++) {
        printf("  ");
        ctl_print_text(mem_cstr(v->faults.list[i].text));
        putchar('\n');
    }
}


static void
verify_print_json(const command_t *c)
{
    char            *text;
    size_t           i;
    json_t          *root, *faults = json_array();
    const verify_t  *v = &c->verify;

    for (i = 0; i < v->faults.n; i++) {
        (void) json_array_append_new(faults, json_pack(
            "{s:s, s:s}", "kind", v->faults.list[i].kind,
            "text", v->faults.list[i].text));
    }

    root = json_pack("{s:s, s:s, s:b, s:b, s:I, s:I, s:I, s:s, s:o}",
                     "conversationId", v->id, "tenantId", v->tenant,
                     "ok", v->faults.n == 0, "certain", !v->undecided,
                     "messages", (json_int_t) v->row.sequence,
                     "revision", (json_int_t) v->row.revision,
                     "dropped", (json_int_t) v->row.holes,
                     "redis", verify_redis(v), "faults", faults);

    text = root != NULL ? json_dumps(root, JSON_COMPACT) : NULL;
    json_decref(root);

    if (text != NULL) {
        printf("%s\n", text);
    }

    free(text);
}
