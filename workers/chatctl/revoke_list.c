/*
 * chatctl revoke list.
 */

#include "chatctl.h"

#include <stdio.h>


typedef struct {
    db_t         db;
    const char  *tenant;
    uint64_t     limit;
    bool         json;
} list_t;


static int revoke_list(list_t *l);


#define LIST_TIME(column)                                                     \
    " CASE WHEN " column " <> 'infinity'"                                     \
    " THEN to_char(" column " AT TIME ZONE 'UTC',"                            \
    " 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') END"

static const char  sql_list[] =
    "SELECT format('%s  %s  %s/%s%s%s%s', s.at, rpad(s.kind, 4),"
    " s.\"tenantId\", s.value,"
    " CASE WHEN s.kind = 'user' THEN coalesce(', tokens issued up to '"
    " || s.before, ', every token') END,"
    " coalesce(', until ' || s.until, ', until it is undone'),"
    " CASE WHEN s.reason <> '' THEN ': ' || s.reason END), to_json(s)"
    " FROM (SELECT tenant_id AS \"tenantId\", kind, value,"
    LIST_TIME("before_at") " AS before," LIST_TIME("until_at") " AS until,"
    LIST_TIME("created_at") " AS at, reason, number"
    " FROM chat.revocation"
    " WHERE lifted_at IS NULL AND until_at > clock_timestamp()"
    " AND ($1 = '' OR tenant_id = $1)"
    " ORDER BY number DESC LIMIT $2) s ORDER BY s.number DESC";


int
revoke_list_main(int argc, char **argv)
{
    int           rc;
    list_t        l = { .limit = 0 };
    options_rc_e  orc;

    const option_t  own[] = {
        { "tenant", OPTION_TEXT, false, "ID", "",
          "of this tenant alone", &l.tenant, 0, 0 },
        { "limit", OPTION_NUMBER, false, "N", "100",
          "so many at most", &l.limit, 1, UINT32_MAX },
        { "json", OPTION_FLAG, false, NULL, NULL,
          "print a JSON object on each line", &l.json, 0, 0 },
        OPTION_POSTGRES_URL(&l.db.url),
        OPTION_END
    };

    const options_t  options = {
        .usage = "chatctl revoke list [OPTION]...",
        .help = "Prints what is revoked, the latest first.",
        .own = own,
        .more = CHATCTL_EXITS
    };

    orc = options_read(&options, argc, argv);

    if (orc != OPTIONS_OK) {
        return ctl_exit(orc);
    }

    rc = revoke_list(&l);
    db_close(&l.db);

    return rc;
}


static int
revoke_list(list_t *l)
{
    int           row;
    PGresult     *res;
    db_params_t   ps = { 0 };

    if (l->tenant[0] != '\0' && ctl_check_id("tenant", l->tenant) == -1) {
        return EXIT_USAGE;
    }

    if (ctl_open_db(&l->db, 0) == -1) {
        return EXIT_UNAVAILABLE;
    }

    db_param_text(&ps, l->tenant);
    db_param_uint(&ps, l->limit);

    res = db_query(&l->db, sql_list, &ps);

    if (res == NULL) {
        ctl_say("PostgreSQL: %s", l->db.error);
        return EXIT_UNAVAILABLE;
    }

    for (row = 0; row < PQntuples(res); row++) {
        printf("%s\n", PQgetvalue(res, row, l->json ? 1 : 0));
    }

    PQclear(res);

    return ctl_flush() ? EXIT_OK : EXIT_FAILED;
}
