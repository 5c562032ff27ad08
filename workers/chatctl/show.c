/*
 * chatctl conversation show: what PostgreSQL holds of a conversation.
 */

#include "stored.h"

#include <stdio.h>
#include <string.h>


typedef struct {
    db_t         db;
    const char  *id;
    const char  *tenant;
    bool         json;
} show_t;


static int show_run(show_t *s);


/* one row for people, the same as an object for programs */

#define UTC(column)  "to_char(" column " AT TIME ZONE 'UTC',"                 \
                     " 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"

static const char  sql_show[] =
    "SELECT s.*, to_json(s) FROM (SELECT"
    " c.conversation_id AS \"conversationId\", c.tenant_id AS \"tenantId\","
    " c.type, c.name, c.description, c.read_only AS \"readOnly\","
    " c.slow_mode AS \"slowMode\", c.created_by AS \"createdBy\","
    " " UTC("c.created_at") " AS \"createdAt\", c.p AS partition,"
    " c.conversation_key AS key, c.last_sequence AS \"sequenceNumber\","
    " c.revision,"
    " (SELECT coalesce(json_agg(json_build_object('userId', m.user_id,"
    "    'role', m.role, 'lastReadSequence', m.last_read,"
    "    'lastDeliveredSequence', m.last_delivered)"
    "    ORDER BY m.user_id), '[]') FROM chat.member m"
    "   WHERE m.conversation_key = c.conversation_key"
    "   AND m.role IS NOT NULL) AS members"
    " FROM chat.conversation c WHERE c.tenant_id = $1"
    " AND c.conversation_id = $2 AND c.deleted_at IS NULL) s";


int
conversation_show_main(int argc, char **argv)
{
    int           rc;
    show_t        s;
    options_rc_e  orc;

    const option_t  own[] = {
        { "tenant", OPTION_TEXT, false, "ID", "default",
          "of which tenant", &s.tenant, 0, 0 },
        { "json", OPTION_FLAG, false, NULL, NULL,
          "print one JSON object", &s.json, 0, 0 },
        OPTION_POSTGRES_URL(&s.db.url),
        OPTION_END
    };

    const options_t  options = {
        .usage = "chatctl conversation show ID [OPTION]...",
        .help = "Prints what PostgreSQL holds of a conversation.",
        .more = CHATCTL_EXITS,
        .own = own,
        .operands = &s.id,
        .noperands = 1
    };

    memset(&s, 0, sizeof(s));
    orc = options_read(&options, argc, argv);

    if (orc != OPTIONS_OK) {
        return ctl_exit(orc);
    }

    rc = show_run(&s);
    db_close(&s.db);

    return rc;
}


static void
show_print(const PGresult *res, int column)
{
    chat_str_t  value = db_value(res, 0, column);

    if (PQftype(res, column) == DB_BOOL) {
        value = value.data[0] == 't' ? chat_str("yes") : chat_str("no");
    }

    printf("%-16s ", PQfname(res, column));
    ctl_print_text(value);
    putchar('\n');
}


static int
show_run(show_t *s)
{
    int           i, last;
    PGresult     *res;
    db_params_t   ps = { 0 };

    if (ctl_open_db(&s->db, 0) == -1) {
        return EXIT_UNAVAILABLE;
    }

    db_param_text(&ps, s->tenant);
    db_param_text(&ps, s->id);
    res = db_query(&s->db, sql_show, &ps);

    if (res == NULL) {
        ctl_say("PostgreSQL: %s", s->db.error);
        return EXIT_UNAVAILABLE;
    }

    if (PQntuples(res) == 0) {
        ctl_say("conversation \"%s\" is not known to PostgreSQL", s->id);
        PQclear(res);
        return EXIT_NOT_FOUND;
    }

    last = PQnfields(res) - 1;

    if (s->json) {
        printf("%s\n", PQgetvalue(res, 0, last));
    } else {
        for (i = 0; i < last; i++) {
            show_print(res, i);
        }
    }

    PQclear(res);

    return ctl_flush() ? EXIT_OK : EXIT_FAILED;
}
