/*
 * chatctl conversation list: those that PostgreSQL holds, of a tenant or of a
 * user, the newest first.
 */

#include "chatctl.h"

#include <stdio.h>
#include <string.h>

#include "chat_id.h"


#define LIST_START  "ffffffff-ffff-ffff-ffff-ffffffffffff"


typedef struct {
    db_t         db;
    const char  *tenant;
    const char  *user;          /* NULL: all of the tenant */
    const char  *cursor;
    uint64_t     limit;
    bool         json;
} list_t;


static int list_check(list_t *l);
static int list_run(list_t *l);
static void list_print(const PGresult *res, int n);
static void list_print_json(const PGresult *res, int n);


/* key, text for people, JSON.  Keys are UUIDv7 of the time of creation. */

#define LIST_COLUMNS                                                          \
    "c.conversation_id AS \"conversationId\", c.type,"                        \
    " nullif(c.name, '') AS name, c.created_by AS \"createdBy\","             \
    " to_char(c.created_at AT TIME ZONE 'UTC',"                               \
    "    'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"') AS \"createdAt\","              \
    " (SELECT count(*) FROM chat.member n"                                    \
    "   WHERE n.conversation_key = c.conversation_key"                        \
    "   AND n.role <> 'blocked') AS members,"                                 \
    " c.last_sequence AS \"sequenceNumber\", c.revision"

static const char  sql_of_tenant[] =
    "SELECT key, format('%-36s %-8s %s messages, %s members', "
    "   s.\"conversationId\", s.type, s.\"sequenceNumber\", s.members)"
    "   || coalesce('  ' || s.name, ''), to_json(s) FROM (SELECT "
    LIST_COLUMNS ", c.conversation_key AS key FROM chat.conversation c"
    " WHERE c.tenant_id = $1 AND c.deleted_at IS NULL"
    " AND c.conversation_key < $2::uuid"
    " ORDER BY c.conversation_key DESC LIMIT $3) s ORDER BY key DESC";

static const char  sql_of_user[] =
    "SELECT key, format('%-36s %-8s %-10s %s messages, %s unread',"
    "   s.\"conversationId\", s.type, s.role, s.\"sequenceNumber\", s.unread)"
    "   || coalesce('  ' || s.name, ''), to_json(s) FROM (SELECT "
    LIST_COLUMNS ", m.role, m.last_read AS \"lastReadSequence\","
    " greatest(0, c.last_sequence - m.last_read) AS unread,"
    " c.conversation_key AS key FROM chat.member m"
    " JOIN chat.conversation c USING (conversation_key)"
    " WHERE m.tenant_id = $1 AND m.user_id = $4 AND m.role <> 'blocked'"
    " AND c.deleted_at IS NULL AND m.conversation_key < $2::uuid"
    " ORDER BY m.conversation_key DESC LIMIT $3) s ORDER BY key DESC";


int
conversation_list_main(int argc, char **argv)
{
    int           rc;
    list_t        l;
    options_rc_e  orc;

    const option_t  own[] = {
        { "user", OPTION_TEXT, false, "USER", NULL,
          "those of this user only, and what is unread", &l.user, 0, 0 },
        { "tenant", OPTION_TEXT, false, "ID", "default",
          "of which tenant", &l.tenant, 0, 0 },
        { "limit", OPTION_NUMBER, false, "N", "50",
          "so many at most", &l.limit, 1, UINT32_MAX },
        { "cursor", OPTION_TEXT, false, "CURSOR", NULL,
          "go on where an answer before ended", &l.cursor, 0, 0 },
        { "json", OPTION_FLAG, false, NULL, NULL,
          "print one JSON object", &l.json, 0, 0 },
        OPTION_POSTGRES_URL(&l.db.url),
        OPTION_END
    };

    const options_t  options = {
        .usage = "chatctl conversation list [OPTION]...",
        .help = "Prints the conversations of a tenant or of a user from "
                "PostgreSQL, the newest first.",
        .more = CHATCTL_EXITS,
        .own = own
    };

    memset(&l, 0, sizeof(l));
    orc = options_read(&options, argc, argv);

    if (orc != OPTIONS_OK) {
        return ctl_exit(orc);
    }

    if (list_check(&l) == -1) {
        return EXIT_USAGE;
    }

    rc = list_run(&l);
    db_close(&l.db);

    return rc;
}


static int
list_check(list_t *l)
{
    if (l->cursor == NULL) {
        l->cursor = LIST_START;
    }

    if (ctl_check_id("tenant", l->tenant) == -1
        || (l->user != NULL && ctl_check_id("user", l->user) == -1))
    {
        return -1;
    }

    if (!chat_id_valid(mem_cstr(l->cursor))) {
        ctl_say("--cursor is what an answer before gave");
        return -1;
    }

    return 0;
}


/* one row more than asked for tells whether there are more */

static int
list_run(list_t *l)
{
    int           n;
    PGresult     *res;
    db_params_t   ps = { 0 };

    if (ctl_open_db(&l->db, 0) == -1) {
        return EXIT_UNAVAILABLE;
    }

    db_param_text(&ps, l->tenant);
    db_param_text(&ps, l->cursor);
    db_param_uint(&ps, l->limit + 1);

    if (l->user != NULL) {
        db_param_text(&ps, l->user);
    }

    res = db_query(&l->db, l->user != NULL ? sql_of_user : sql_of_tenant, &ps);

    if (res == NULL) {
        ctl_say("PostgreSQL: %s", l->db.error);
        return EXIT_UNAVAILABLE;
    }

    n = PQntuples(res);

    if ((uint64_t) n > l->limit) {
        n--;
    }

    if (l->json) {
        list_print_json(res, n);
    } else {
        list_print(res, n);
    }

    PQclear(res);

    return ctl_flush() ? EXIT_OK : EXIT_FAILED;
}


static void
list_print(const PGresult *res, int n)
{
    int  row;

    for (row = 0; row < n; row++) {
        ctl_print_text(db_value(res, row, 1));
        putchar('\n');
    }

    if (n < PQntuples(res)) {
        printf("\nmore: --cursor %s\n", PQgetvalue(res, n - 1, 0));
    }
}


static void
list_print_json(const PGresult *res, int n)
{
    int  row;

    printf("{\"items\":[");

    for (row = 0; row < n; row++) {
        printf("%s%s", row == 0 ? "" : ",", PQgetvalue(res, row, 2));
    }

    if (n < PQntuples(res)) {
        printf("],\"nextCursor\":\"%s\"}\n", PQgetvalue(res, n - 1, 0));
    } else {
        printf("],\"nextCursor\":null}\n");
    }
}
