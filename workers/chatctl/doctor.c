#include "doctor.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "verify.h"


static int doctor_run(doctor_t *d);
static void doctor_print(const doctor_t *d);
static void doctor_print_json(const doctor_t *d, bool ok);
static void doctor_done(doctor_t *d);


int
doctor_main(int argc, char **argv)
{
    int           rc;
    doctor_t      d;
    options_rc_e  orc;

    const option_t  own[] = {
        { "sample", OPTION_NUMBER, false, "N", "20",
          "verify so many conversations, taken at random", &d.sample, 0,
          1000000 },
        { "json", OPTION_FLAG, false, NULL, NULL,
          "print one JSON object", &d.json, 0, 0 },
        OPTION_REDIS_URL(&d.redis.url),
        OPTION_POSTGRES_URL(&d.db.url),
        OPTION_END
    };

    const options_t  options = {
        .usage = "chatctl doctor [OPTION]...",
        .help = "Looks at Redis, PostgreSQL, chat-persist and every node of "
                "nginx, compares what they hold,\nand says what is wrong, why "
                "that matters and what to do.  It changes nothing.  0 is the\n"
                "answer if there is no fault; there may be warnings.",
        .more = CHATCTL_EXITS,
        .own = own
    };

    memset(&d, 0, sizeof(d));
    orc = options_read(&options, argc, argv);

    if (orc != OPTIONS_OK) {
        return ctl_exit(orc);
    }

    rc = doctor_run(&d);
    doctor_done(&d);

    return rc;
}


static int
doctor_run(doctor_t *d)
{
    bool    ok = true;
    size_t  i;

    doctor_check_redis(d);
    doctor_check_postgres(d);
    doctor_check_clocks(d);
    doctor_check_parts(d);
    doctor_check_shares(d);
    doctor_check_presence(d);
    doctor_check_revoked(d);
    doctor_check_nodes(d);
    doctor_check_sample(d);

    for (i = 0; i < d->nlines; i++) {
        ok = ok && d->lines[i].level != DOCTOR_FAULT;
    }

    if (d->json) {
        doctor_print_json(d, ok);
    } else {
        doctor_print(d);
        printf("\n%s\n", ok ? "no faults" : "there are faults");
    }

    if (!ctl_flush()) {
        return EXIT_FAILED;
    }

    if (!d->has_db || !d->has_redis) {
        return EXIT_UNAVAILABLE;
    }

    return ok ? EXIT_OK : EXIT_FAILED;
}


static void
doctor_done(doctor_t *d)
{
    size_t  i;

    for (i = 0; i < d->nlines; i++) {
        free(d->lines[i].text);
    }

    free(d->lines);
    redis_args_done(&d->args);
    redis_close(&d->redis);
    db_close(&d->db);
}


void
doctor_say(doctor_t *d, doctor_level_e level, const char *check,
    const char *advice, const char *format, ...)
{
    char            text[1024];
    va_list         args;
    doctor_line_t  *line;

    va_start(args, format);
    (void) vsnprintf(text, sizeof(text), format, args);
    va_end(args);

    if (d->nlines == d->size) {
        d->size = d->size * 2 + 32;
        d->lines = mem_realloc(d->lines, d->size, sizeof(doctor_line_t));
    }

    line = &d->lines[d->nlines];
    line->level = level;
    line->check = check;
    line->text = mem_strdup(text);
    line->advice = level != DOCTOR_OK ? advice : NULL;
    d->nlines++;
}


void
doctor_wait(uint32_t ms)
{
    (void) life_wait(-1, 0, life_now() + ms, false);
}


PGresult *
doctor_query(doctor_t *d, const char *sql)
{
    PGresult  *res;

    res = db_query(&d->db, sql, NULL);

    if (res == NULL) {
        d->has_db = false;
        doctor_say(d, DOCTOR_FAULT, "postgresql",
                   "What needs it cannot be checked.  Look into its log.",
                   "PostgreSQL: %s", d->db.error);
    }

    return res;
}


redisReply *
doctor_ask(doctor_t *d)
{
    redisReply  *reply;

    reply = redis_call(&d->redis, &d->args);

    if (reply == NULL) {
        d->has_redis = false;
        doctor_say(d, DOCTOR_FAULT, "redis",
                   "What needs it cannot be checked.  Look into its log.",
                   "Redis: %s", d->redis.error);
    }

    return reply;
}


/* The sample -------------------------------------------------------------- */

/* a share of the table's pages that has enough of them, all if there are few */

static PGresult *
doctor_take_sample(doctor_t *d)
{
    double       rows, percent;
    char         text[32];
    PGresult    *res;
    db_params_t  ps = { 0 };

    res = doctor_query(d, "SELECT greatest(0, reltuples)::bigint FROM pg_class"
                          " WHERE oid = 'chat.conversation'::regclass");

    if (res == NULL) {
        return NULL;
    }

    rows = (double) db_value_uint(res, 0, 0);
    PQclear(res);

    percent = rows > 10000 ? 100.0 * 50 * (double) d->sample / rows : 100;
    (void) snprintf(text, sizeof(text), "%.6f", percent < 100 ? percent : 100);
    db_param_text(&ps, text);
    db_param_uint(&ps, d->sample);

    return db_query(&d->db, "SELECT tenant_id, conversation_id"
                    " FROM chat.conversation TABLESAMPLE SYSTEM ($1::real)"
                    " ORDER BY random() LIMIT $2", &ps);
}


static int
doctor_verify(doctor_t *d, verify_t *v, const char *id)
{
    int     rc;
    size_t  i;

    rc = verify_conversation(v, id);

    for (i = 0; rc == EXIT_FAILED && i < v->faults.n && i < 5; i++) {
        doctor_say(d, DOCTOR_FAULT, "conversation",
                   "chatctl verify tells all that is wrong with it.  Nothing "
                   "mends that by itself: keep\nthe logs, and what Redis and "
                   "PostgreSQL have of it.", "%s/%s: %s", v->tenant, id,
                   v->faults.list[i].text);
    }

    return rc;
}


void
doctor_check_sample(doctor_t *d)
{
    int        rc, row = 0, faulty = 0, rows;
    char       tenant[CHAT_NAME_MAX_ID + 1], id[CHAT_NAME_MAX_ID + 1];
    verify_t   v;
    PGresult  *res;

    if (!d->has_db || !d->has_redis || d->sample == 0) {
        return;
    }

    res = doctor_take_sample(d);

    if (res == NULL) {
        return;
    }

    memset(&v, 0, sizeof(v));
    v.db.url = d->db.url;
    v.redis.url = d->redis.url;
    v.tenant = tenant;
    rows = verify_open(&v) == 0 ? PQntuples(res) : 0;

    for (row = 0; row < rows; row++) {
        (void) snprintf(tenant, sizeof(tenant), "%s", PQgetvalue(res, row, 0));
        (void) snprintf(id, sizeof(id), "%s", PQgetvalue(res, row, 1));
        rc = doctor_verify(d, &v, id);
        faulty += rc == EXIT_FAILED;

        if (rc == EXIT_UNAVAILABLE) {
            break;
        }
    }

    if (faulty == 0) {
        doctor_say(d, DOCTOR_OK, "conversation", NULL,
                   "%d conversations of %d are without gaps", row, rows);
    }

    PQclear(res);
    verify_done(&v);
}


/* Printing ---------------------------------------------------------------- */

static const char *const  doctor_levels[] = {
    [DOCTOR_OK]      = "ok",
    [DOCTOR_WARNING] = "warning",
    [DOCTOR_FAULT]   = "fault"
};


static void
doctor_print(const doctor_t *d)
{
    size_t       i;
    const char  *p;

    for (i = 0; i < d->nlines; i++) {
        printf("%-8s %-12s %s\n", doctor_levels[d->lines[i].level],
               d->lines[i].check, d->lines[i].text);

        if (d->lines[i].advice == NULL) {
            continue;
        }

        printf("%22s", "");

        for (p = d->lines[i].advice; *p != '\0'; p++) {
            putchar(*p);

            if (*p == '\n') {
                printf("%22s", "");
            }
        }

        putchar('\n');
    }
}


static void
doctor_print_json(const doctor_t *d, bool ok)
{
    char    *text;
    size_t   i;
    json_t  *root, *checks = json_array();

    for (i = 0; i < d->nlines; i++) {
        (void) json_array_append_new(checks, json_pack(
            "{s:s, s:s, s:s, s:s*}", "check", d->lines[i].check,
            "level", doctor_levels[d->lines[i].level],
            "text", d->lines[i].text, "advice", d->lines[i].advice));
    }

    root = json_pack("{s:b, s:o}", "ok", ok, "checks", checks);
    text = root != NULL ? json_dumps(root, JSON_COMPACT) : NULL;
    json_decref(root);

    if (text != NULL) {
        printf("%s\n", text);
    }

    free(text);
}
