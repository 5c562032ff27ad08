#include "chatctl.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "chat_id.h"
#include "chat_name.h"


int
ctl_exit(options_rc_e rc)
{
    return rc == OPTIONS_DONE ? EXIT_OK : EXIT_USAGE;
}


void
ctl_say(const char *format, ...)
{
    va_list  args;

    fputs("chatctl: ", stderr);

    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);

    fputc('\n', stderr);
}


int
ctl_open_db(db_t *db, uint64_t wait)
{
    uint64_t  until = life_now() + wait * 1000;

    db->quiet = true;
    db->name = "chatctl";

    if (db->timeout == 0) {
        db->timeout = 30000;
    }

    while (db_open(db) == -1) {

        if (db->backoff.at > until) {
            ctl_say("PostgreSQL: %s", db->error);
            return -1;
        }

        (void) life_wait(-1, 0, db->backoff.at, false);
    }

    return 0;
}


int
ctl_check_id(const char *what, const char *id)
{
    if (chat_name_valid(mem_cstr(id))) {
        return 0;
    }

    ctl_say("%s \"%s\" is not 1 to 64 characters from A-Z a-z 0-9 _ . : @ -",
            what, id);

    return -1;
}


int
ctl_read_partitions(db_t *db, unsigned *n)
{
    uint64_t   value;
    PGresult  *res;

    res = db_query(db, "SELECT value FROM chat.setting"
                       " WHERE name = 'partitions'", NULL);

    if (res == NULL) {
        ctl_say("PostgreSQL: %s", db->error);
        return -1;
    }

    value = PQntuples(res) == 1 ? db_value_uint(res, 0, 0) : 0;
    PQclear(res);

    if (value < 1 || value > CHAT_ID_MAX_PARTITIONS) {
        ctl_say("setting \"partitions\" makes no sense");
        return -1;
    }

    *n = (unsigned) value;

    return 0;
}


int
ctl_flush(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout)) {
        return 1;
    }

    ctl_say("cannot write: %s", strerror(errno));

    return 0;
}
