/*
 * chatctl migrate: brings the schema to the version that this program was
 * built with.  The files of sql/ are inside it; each is one transaction that
 * also writes its number, so that a run that is cut off is simply run again.
 */

#include "chatctl.h"

#include <stdio.h>
#include <string.h>

#include "chat_id.h"
#include "chat_sql.h"
#include "chat_version.h"


#define PARTITIONS  16

_Static_assert(CHAT_SQL_COUNT == CHAT_SCHEMA_VERSION,
               "CHAT_SCHEMA_VERSION is that of the newest file in sql/");


typedef struct {
    db_t      db;
    uint64_t  partitions;       /* 0: not said */
    uint64_t  wait;             /* s */
} migrate_t;


static int migrate_run(migrate_t *m);
static int migrate_version(migrate_t *m, int *version);
static int migrate_apply(migrate_t *m, const chat_sql_t *file);
static int migrate_check_partitions(migrate_t *m);


int
migrate_main(int argc, char **argv)
{
    int           rc;
    migrate_t     m;
    options_rc_e  orc;

    const option_t  own[] = {
        OPTION_POSTGRES_URL(&m.db.url),
        { "partitions", OPTION_NUMBER, true, "N", NULL,
          "number of partitions; only the first migration can choose it, "
          "16 if it does not say", &m.partitions, 1, CHAT_ID_MAX_PARTITIONS },
        { "wait", OPTION_SECONDS, false, "TIME", "0",
          "wait so long for PostgreSQL to answer", &m.wait, 0, 0 },
        OPTION_END
    };

    const options_t  options = {
        .usage = "chatctl migrate [OPTION]...",
        .help = "Creates or updates the tables in PostgreSQL.  May be run "
                "again, and at the same\ntime as another.",
        .more = CHATCTL_EXITS,
        .own = own
    };

    memset(&m, 0, sizeof(m));
    orc = options_read(&options, argc, argv);

    if (orc != OPTIONS_OK) {
        return ctl_exit(orc);
    }

    if (ctl_open_db(&m.db, m.wait) == -1) {
        return EXIT_UNAVAILABLE;
    }

    m.db.timeout = UINT32_MAX / 2;      /* a migration takes what it takes */
    rc = migrate_run(&m);
    db_close(&m.db);

    if (rc == -1) {
        return EXIT_FAILED;
    }

    return ctl_flush() ? EXIT_OK : EXIT_FAILED;
}


static int
migrate_fail(migrate_t *m, const char *what)
{
    ctl_say("%s: %s", what, m->db.error);

    return -1;
}


static int
migrate_run(migrate_t *m)
{
    int     version;
    size_t  i;

    /* the lock ends with the session */

    if (db_script(&m->db, "SELECT pg_advisory_lock(hashtext('chat.migrate'))")
        == -1)
    {
        return migrate_fail(m, "lock");
    }

    if (migrate_version(m, &version) == -1) {
        return -1;
    }

    if (version > CHAT_SCHEMA_VERSION) {
        ctl_say("the schema is of version %d, this program knows no more than "
                "%d", version, CHAT_SCHEMA_VERSION);
        return -1;
    }

    for (i = 0; i < CHAT_SQL_COUNT; i++) {

        if (chat_sql[i].version <= version) {
            continue;
        }

        if (migrate_apply(m, &chat_sql[i]) == -1) {
            return -1;
        }

        printf("applied %s\n", chat_sql[i].name);
    }

    if (version == CHAT_SCHEMA_VERSION) {
        printf("nothing to do, the schema is of version %d\n", version);
    }

    return migrate_check_partitions(m);
}


/* 0: there is no schema yet */

static int
migrate_version(migrate_t *m, int *version)
{
    bool       exists;
    PGresult  *res;

    res = db_query(&m->db, "SELECT to_regclass('chat.schema_version')"
                           " IS NOT NULL", NULL);

    if (res == NULL) {
        return migrate_fail(m, "version");
    }

    exists = PQgetvalue(res, 0, 0)[0] == 't';
    PQclear(res);
    *version = 0;

    if (!exists) {
        return 0;
    }

    res = db_query(&m->db, "SELECT max(version) FROM chat.schema_version",
                   NULL);

    if (res == NULL) {
        return migrate_fail(m, "version");
    }

    *version = (int) db_value_uint(res, 0, 0);
    PQclear(res);

    return 0;
}


static int
migrate_apply(migrate_t *m, const chat_sql_t *file)
{
    char  setting[64];

    (void) snprintf(setting, sizeof(setting), "SET chat.partitions = %u",
                    m->partitions != 0 ? (unsigned) m->partitions
                                       : PARTITIONS);

    if (db_script(&m->db, setting) == -1
        || db_script(&m->db, file->text) == -1)
    {
        return migrate_fail(m, file->name);
    }

    return 0;
}


static int
migrate_check_partitions(migrate_t *m)
{
    unsigned  n;

    if (ctl_read_partitions(&m->db, &n) == -1) {
        return -1;
    }

    if (m->partitions != 0 && m->partitions != n) {
        ctl_say("the number of partitions is %u and cannot be changed", n);
        return -1;
    }

    return 0;
}
