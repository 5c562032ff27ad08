/*
 * chatctl deadletter: events that PostgreSQL refused.  They are looked at and
 * dropped here; chat-persist tries them again when it is asked to.
 */

#include "chatctl.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "number.h"


#define POLL  100       /* ms between looks at what becomes of it */


typedef struct {
    db_t         db;
    const char  *operand;       /* a number, or NULL */
    uint64_t     id;
    uint64_t     limit;
    uint64_t     cursor;
    uint64_t     wait;          /* s */
    bool         all;
    bool         yes;
    bool         json;
} letter_t;


/* they have two options in common, and are all about one letter or all */

static options_rc_e letter_read(letter_t *l, const options_t *options,
    int argc, char **argv);
static int letter_open(letter_t *l);
static int letter_run(letter_t *l, const options_t *options, int argc,
    char **argv, int (*run)(letter_t *l));
static PGresult *letter_query(letter_t *l, const char *sql,
    const db_params_t *ps);
static PGresult *letter_ask(letter_t *l, const char *sql, uint64_t id);
static PGresult *letter_ask_all(letter_t *l, const char *sql);
static int letter_list(letter_t *l);
static int letter_show(letter_t *l);
static int letter_missing(letter_t *l);
static int letter_retry(letter_t *l);
static int letter_retry_one(letter_t *l, uint64_t id, uint64_t until);
static int letter_drop(letter_t *l);


#define LETTER_COLUMNS                                                        \
    "d.id, to_char(d.at AT TIME ZONE 'UTC',"                                  \
    " 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"') AS at, d.p AS partition,"          \
    " d.log_id AS \"logId\", d.fields ->> 'k' AS kind,"                       \
    " split_part(d.fields ->> 'c', '/', 1) AS \"tenantId\","                  \
    " split_part(d.fields ->> 'c', '/', 2) AS \"conversationId\","            \
    " d.fields ->> 'r' AS revision,"                                          \
    " CASE WHEN d.retry_at IS NOT NULL THEN 'asked'"                          \
    "      WHEN d.fields::text = '{}' THEN 'erased'"                          \
    "      ELSE 'kept' END AS state, d.reason"

static const char  sql_list[] =
    "SELECT s.id, format('%6s  %s  %-6s  %-8s  %s/%s  revision %s: %s', s.id,"
    " s.at, s.state, coalesce(s.kind, '-'), coalesce(s.\"tenantId\", '-'),"
    " coalesce(s.\"conversationId\", '-'), coalesce(s.revision, '-'),"
    " s.reason), to_json(s)"
    " FROM (SELECT " LETTER_COLUMNS " FROM chat.dead_letter d"
    "        WHERE d.id > $1 ORDER BY d.id LIMIT $2) s ORDER BY s.id";

static const char  sql_show[] =
    "SELECT s.*, to_json(s) FROM (SELECT " LETTER_COLUMNS ", d.fields"
    " FROM chat.dead_letter d WHERE d.id = $1) s";


int
deadletter_list_main(int argc, char **argv)
{
    letter_t  l;

    const option_t  own[] = {
        { "limit", OPTION_NUMBER, false, "N", "50",
          "so many at most", &l.limit, 1, UINT32_MAX },
        { "cursor", OPTION_NUMBER, false, "ID", "0",
          "those after this one", &l.cursor, 0, INT64_MAX },
        OPTION_END
    };

    const options_t  options = {
        .usage = "chatctl deadletter list [OPTION]...",
        .help = "Prints the events that PostgreSQL refused to store, the "
                "oldest first, each with the reason.",
        .own = own
    };

    return letter_run(&l, &options, argc, argv, letter_list);
}


int
deadletter_show_main(int argc, char **argv)
{
    letter_t  l;

    const option_t  own[] = { OPTION_END };

    const options_t  options = {
        .usage = "chatctl deadletter show ID [OPTION]...",
        .help = "Prints a dead letter with the fields that the event has in "
                "the log.  A field that is no\ntext is told as hex digits in "
                "an array.",
        .own = own,
        .noperands = 1
    };

    return letter_run(&l, &options, argc, argv, letter_show);
}


int
deadletter_retry_main(int argc, char **argv)
{
    letter_t  l;

    const option_t  own[] = {
        { "all", OPTION_FLAG, false, NULL, NULL,
          "all that there are, the oldest first", &l.all, 0, 0 },
        { "wait", OPTION_SECONDS, false, "TIME", "10",
          "wait so long for chat-persist; it will do it in any case",
          &l.wait, 0, 3600 },
        OPTION_END
    };

    const options_t  options = {
        .usage = "chatctl deadletter retry ID|--all [OPTION]...",
        .help = "Has chat-persist store the event after all, as it was: once, "
                "and so that nothing that\ncame after it is undone.  If that "
                "fails it stays, with the reason.  To ask twice does no\nharm.",
        .own = own,
        .noperands = 1,
        .optional = 1
    };

    return letter_run(&l, &options, argc, argv, letter_retry);
}


int
deadletter_drop_main(int argc, char **argv)
{
    letter_t  l;

    const option_t  own[] = {
        { "all", OPTION_FLAG, false, NULL, NULL,
          "all that there are", &l.all, 0, 0 },
        { "yes", OPTION_FLAG, false, NULL, NULL,
          "what was accepted, and is in this letter alone, is lost for ever",
          &l.yes, 0, 0 },
        OPTION_END
    };

    const options_t  options = {
        .usage = "chatctl deadletter drop ID|--all --yes [OPTION]...",
        .help = "Forgets an event that PostgreSQL refused.",
        .own = own,
        .noperands = 1,
        .optional = 1
    };

    return letter_run(&l, &options, argc, argv, letter_drop);
}


static int
letter_run(letter_t *l, const options_t *options, int argc, char **argv,
    int (*run)(letter_t *l))
{
    int           rc;
    options_rc_e  orc;

    orc = letter_read(l, options, argc, argv);

    if (orc != OPTIONS_OK) {
        return ctl_exit(orc);
    }

    rc = letter_open(l) == -1 ? EXIT_UNAVAILABLE : run(l);
    db_close(&l->db);

    return ctl_flush() ? rc : EXIT_FAILED;
}


static options_rc_e
letter_read(letter_t *l, const options_t *options, int argc, char **argv)
{
    options_t     o = *options;
    options_rc_e  rc;

    const option_t  common[] = {
        { "json", OPTION_FLAG, false, NULL, NULL,
          "print JSON", &l->json, 0, 0 },
        OPTION_POSTGRES_URL(&l->db.url),
        OPTION_END
    };

    memset(l, 0, sizeof(*l));
    o.common = common;
    o.operands = &l->operand;
    o.more = CHATCTL_EXITS;

    rc = options_read(&o, argc, argv);

    if (rc != OPTIONS_OK) {
        return rc;
    }

    if (o.noperands != 0 && (l->operand != NULL) == l->all) {
        ctl_say("either a dead letter or --all");
        return OPTIONS_ERROR;
    }

    if (l->operand != NULL
        && number_parse(mem_cstr(l->operand), INT64_MAX, &l->id) == -1)
    {
        ctl_say("\"%s\" is not the number of a dead letter", l->operand);
        return OPTIONS_ERROR;
    }

    return OPTIONS_OK;
}


static int
letter_open(letter_t *l)
{
    return ctl_open_db(&l->db, 0);
}


static PGresult *
letter_query(letter_t *l, const char *sql, const db_params_t *ps)
{
    PGresult  *res;

    res = db_query(&l->db, sql, ps);

    if (res == NULL) {
        ctl_say("PostgreSQL: %s", l->db.error);
    }

    return res;
}


static PGresult *
letter_ask(letter_t *l, const char *sql, uint64_t id)
{
    db_params_t  ps = { 0 };

    db_param_uint(&ps, id);

    return letter_query(l, sql, &ps);
}


/* $1: the one that was named; $2: 1 if it is all of them */

static PGresult *
letter_ask_all(letter_t *l, const char *sql)
{
    db_params_t  ps = { 0 };

    db_param_uint(&ps, l->id);
    db_param_uint(&ps, l->all ? 1 : 0);

    return letter_query(l, sql, &ps);
}


static int
letter_list(letter_t *l)
{
    int           row, rows;
    PGresult     *res;
    db_params_t   ps = { 0 };

    db_param_uint(&ps, l->cursor);
    db_param_uint(&ps, l->limit + 1);
    res = letter_query(l, sql_list, &ps);

    if (res == NULL) {
        return EXIT_UNAVAILABLE;
    }

    rows = PQntuples(res);
    rows -= (uint64_t) rows > l->limit;

    printf("%s", l->json ? "{\"items\":[" : "");

    for (row = 0; row < rows; row++) {

        if (l->json) {
            printf("%s%s", row != 0 ? "," : "", PQgetvalue(res, row, 2));
            continue;
        }

        ctl_print_text(db_value(res, row, 1));
        putchar('\n');
    }

    if (rows < PQntuples(res)) {
        printf(l->json ? "],\"nextCursor\":\"%s\"}\n"
                       : "\nmore: --cursor %s\n",
               PQgetvalue(res, rows - 1, 0));
    } else {
        printf("%s", l->json ? "],\"nextCursor\":null}\n" : "");
    }

    PQclear(res);

    return EXIT_OK;
}


static int
letter_show(letter_t *l)
{
    int        i, last;
    PGresult  *res;

    res = letter_ask(l, sql_show, l->id);

    if (res == NULL) {
        return EXIT_UNAVAILABLE;
    }

    if (PQntuples(res) == 0) {
        PQclear(res);
        (void) letter_missing(l);
        return EXIT_NOT_FOUND;
    }

    last = PQnfields(res) - 1;

    for (i = 0; i < last && !l->json; i++) {
        printf("%-16s ", PQfname(res, i));
        ctl_print_text(db_value(res, 0, i));
        putchar('\n');
    }

    if (l->json) {
        printf("%s\n", PQgetvalue(res, 0, last));
    }

    PQclear(res);

    return EXIT_OK;
}


/* One that was there once is done with, whoever did it. */

static int
letter_missing(letter_t *l)
{
    int        rc = EXIT_NOT_FOUND;
    PGresult  *res;

    res = letter_ask(l, "SELECT $1 BETWEEN 1 AND coalesce("
                     "pg_sequence_last_value(pg_get_serial_sequence("
                     "'chat.dead_letter', 'id')), 0)", l->id);

    if (res == NULL) {
        return EXIT_UNAVAILABLE;
    }

    if (PQgetvalue(res, 0, 0)[0] == 't') {
        rc = EXIT_OK;
        ctl_say("dead letter %" PRIu64 " is not there any more: it was stored "
                "or dropped", l->id);
    } else {
        ctl_say("no such dead letter: %" PRIu64, l->id);
    }

    PQclear(res);

    return rc;
}


/* asks for all first, then sees what becomes of each */

static int
letter_retry(letter_t *l)
{
    int        rc = EXIT_OK, one, row;
    uint64_t   until = life_now() + l->wait * 1000;
    PGresult  *res;

    res = letter_ask_all(l,
                         "UPDATE chat.dead_letter SET retry_at ="
                         " coalesce(retry_at, now())"
                         " WHERE (id = $1 OR $2 = 1)"
                         " AND (fields::text <> '{}' OR $2 = 0)"
                         " RETURNING id");

    if (res == NULL) {
        return EXIT_UNAVAILABLE;
    }

    if (PQntuples(res) == 0 && !l->all) {
        PQclear(res);
        return letter_missing(l);
    }

    for (row = 0; row < PQntuples(res); row++) {
        one = letter_retry_one(l, db_value_uint(res, row, 0), until);
        rc = one != EXIT_OK ? one : rc;
    }

    PQclear(res);

    return rc;
}


static int
letter_retry_one(letter_t *l, uint64_t id, uint64_t until)
{
    PGresult  *res;

    for ( ;; ) {
        res = letter_ask(l, "SELECT retry_at IS NULL, reason"
                         " FROM chat.dead_letter WHERE id = $1", id);

        if (res == NULL) {
            return EXIT_UNAVAILABLE;
        }

        if (PQntuples(res) == 0) {
            PQclear(res);
            printf("dead letter %" PRIu64 ": done with; it is stored, or what "
                   "came later had taken its place\n", id);
            return EXIT_OK;
        }

        if (PQgetvalue(res, 0, 0)[0] == 't') {
            ctl_say("dead letter %" PRIu64 " stays: %s", id,
                    PQgetvalue(res, 0, 1));
            PQclear(res);
            return EXIT_FAILED;
        }

        PQclear(res);

        if (life_now() >= until) {
            ctl_say("dead letter %" PRIu64 ": chat-persist has not stored it "
                    "yet, but will when nothing else of the conversation "
                    "waits to be stored", id);
            return EXIT_UNAVAILABLE;
        }

        (void) life_wait(-1, 0, life_now() + POLL, false);
    }
}


static int
letter_drop(letter_t *l)
{
    PGresult  *res;

    if (!l->yes) {
        ctl_say("the event will be lost for ever; say --yes");
        return EXIT_USAGE;
    }

    res = letter_ask_all(l, "SELECT chat.dead_letter_drop($1::bigint,"
                         " $2::integer = 1)");

    if (res == NULL) {
        return EXIT_UNAVAILABLE;
    }

    if (db_value_uint(res, 0, 0) == 0 && !l->all) {
        PQclear(res);
        return letter_missing(l);
    }

    printf("dropped: %s\n", PQgetvalue(res, 0, 0));
    PQclear(res);

    return EXIT_OK;
}
