/*
 * chatctl setting list, set: what all parts of an installation share, kept in
 * PostgreSQL.
 */

#include "chatctl.h"

#include <stdio.h>
#include <string.h>

#include "number.h"


#define SETTING_MAX_DAYS  36500


typedef struct {
    db_t         db;
    bool         json;
    const char  *operands[2];       /* name, value */
} setting_t;


static int setting_list(setting_t *s);
static int setting_set(setting_t *s);
static int setting_check(const setting_t *s);
static const char *setting_check_days(const char *value);


/* check tells what a value must be if it is not so; NULL: never changed */

static const struct {
    const char   *name;
    const char *(*check)(const char *value);
} settings[] = {
    { "message_version_days", setting_check_days },
    { "partitions",           NULL }
};


int
setting_list_main(int argc, char **argv)
{
    int           rc;
    setting_t     s;
    options_rc_e  orc;

    const option_t  own[] = {
        { "json", OPTION_FLAG, false, NULL, NULL,
          "print one JSON object", &s.json, 0, 0 },
        OPTION_POSTGRES_URL(&s.db.url),
        OPTION_END
    };

    const options_t  options = {
        .usage = "chatctl setting list [OPTION]...",
        .help = "Prints the settings that PostgreSQL keeps.",
        .more = CHATCTL_EXITS,
        .own = own
    };

    memset(&s, 0, sizeof(s));
    orc = options_read(&options, argc, argv);

    if (orc != OPTIONS_OK) {
        return ctl_exit(orc);
    }

    rc = setting_list(&s);
    db_close(&s.db);

    return rc;
}


int
setting_set_main(int argc, char **argv)
{
    int           rc;
    setting_t     s;
    options_rc_e  orc;

    const option_t  own[] = {
        OPTION_POSTGRES_URL(&s.db.url),
        OPTION_END
    };

    const options_t  options = {
        .usage = "chatctl setting set NAME VALUE [OPTION]...",
        .help = "Changes a setting that PostgreSQL keeps:\n\n"
                "  message_version_days     how long former contents of "
                "edited messages are kept;\n"
                "                           0: not at all, \"\": for ever",
        .more = CHATCTL_EXITS,
        .own = own,
        .operands = s.operands,
        .noperands = 2
    };

    memset(&s, 0, sizeof(s));
    orc = options_read(&options, argc, argv);

    if (orc != OPTIONS_OK) {
        return ctl_exit(orc);
    }

    rc = setting_check(&s);

    if (rc == EXIT_OK) {
        rc = setting_set(&s);
    }

    db_close(&s.db);

    return rc;
}


static int
setting_check(const setting_t *s)
{
    size_t       i;
    const char  *wrong;

    for (i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {

        if (strcmp(settings[i].name, s->operands[0]) != 0) {
            continue;
        }

        if (settings[i].check == NULL) {
            ctl_say("\"%s\" cannot be changed", s->operands[0]);
            return EXIT_FAILED;
        }

        wrong = settings[i].check(s->operands[1]);

        if (wrong != NULL) {
            ctl_say("\"%s\" must be %s", s->operands[0], wrong);
            return EXIT_USAGE;
        }

        return EXIT_OK;
    }

    ctl_say("no such setting: \"%s\"", s->operands[0]);

    return EXIT_NOT_FOUND;
}


static const char *
setting_check_days(const char *value)
{
    uint64_t  days;

    if (value[0] != '\0'
        && number_parse(mem_cstr(value), SETTING_MAX_DAYS, &days) == -1)
    {
        return "a number of days up to 36500, or \"\" for ever";
    }

    return NULL;
}


static int
setting_fail(const setting_t *s)
{
    ctl_say("PostgreSQL: %s", s->db.error);

    return EXIT_UNAVAILABLE;
}


static int
setting_list(setting_t *s)
{
    int        row;
    PGresult  *res;

    if (ctl_open_db(&s->db, 0) == -1) {
        return EXIT_UNAVAILABLE;
    }

    res = db_query(&s->db, s->json ? "SELECT json_object_agg(name, value"
                                     " ORDER BY name) FROM chat.setting"
                                   : "SELECT name, value FROM chat.setting"
                                     " ORDER BY name", NULL);

    if (res == NULL) {
        return setting_fail(s);
    }

    for (row = 0; row < PQntuples(res); row++) {
        if (s->json) {
            printf("%s\n", PQgetvalue(res, row, 0));
        } else {
            printf("%-24s %s\n", PQgetvalue(res, row, 0),
                   PQgetvalue(res, row, 1));
        }
    }

    PQclear(res);

    return ctl_flush() ? EXIT_OK : EXIT_FAILED;
}


static int
setting_set(setting_t *s)
{
    PGresult     *res;
    db_params_t   ps = { 0 };

    if (ctl_open_db(&s->db, 0) == -1) {
        return EXIT_UNAVAILABLE;
    }

    db_param_text(&ps, s->operands[0]);
    db_param_text(&ps, s->operands[1]);

    res = db_query(&s->db, "INSERT INTO chat.setting (name, value)"
                           " VALUES ($1, $2) ON CONFLICT (name)"
                           " DO UPDATE SET value = EXCLUDED.value", &ps);

    if (res == NULL) {
        return setting_fail(s);
    }

    PQclear(res);
    printf("%-24s %s\n", s->operands[0], s->operands[1]);

    return ctl_flush() ? EXIT_OK : EXIT_FAILED;
}
