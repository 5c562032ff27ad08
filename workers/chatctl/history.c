/*
 * chatctl history: the stored messages of a conversation.
 */

#include "stored.h"

#include <stdio.h>
#include <string.h>


typedef struct {
    db_t         db;
    const char  *conversation;
    const char  *tenant;
    uint64_t     limit;
    uint64_t     before;        /* 0: the end */
    bool         json;
} history_t;


static int history_run(history_t *h);
static void history_print(const history_t *h, const PGresult *res);


static const char  sql_history[] =
    "SELECT " STORED_COLUMNS " FROM"
    " (SELECT * FROM chat.message WHERE p = $1 AND conversation_key = $2::uuid"
    "   AND sequence < $3 ORDER BY sequence DESC LIMIT $4) m"
    " ORDER BY m.sequence";


int
history_main(int argc, char **argv)
{
    int           rc;
    history_t     h;
    options_rc_e  orc;

    const option_t  own[] = {
        { "tenant", OPTION_TEXT, false, "ID", "default",
          "of which tenant", &h.tenant, 0, 0 },
        { "limit", OPTION_NUMBER, false, "N", "50",
          "so many at most, the last ones", &h.limit, 1, UINT32_MAX },
        { "before", OPTION_NUMBER, false, "S", NULL,
          "those before this sequence number", &h.before, 1, INT64_MAX },
        { "json", OPTION_FLAG, false, NULL, NULL,
          "print an object per line; its content is, byte for byte, what was "
          "sent", &h.json, 0, 0 },
        OPTION_POSTGRES_URL(&h.db.url),
        OPTION_END
    };

    const options_t  options = {
        .usage = "chatctl history CONVERSATION [OPTION]...",
        .help = "Prints messages of a conversation from PostgreSQL, the "
                "oldest first.",
        .more = CHATCTL_EXITS,
        .own = own,
        .operands = &h.conversation,
        .noperands = 1
    };

    memset(&h, 0, sizeof(h));
    orc = options_read(&options, argc, argv);

    if (orc != OPTIONS_OK) {
        return ctl_exit(orc);
    }

    rc = history_run(&h);
    db_close(&h.db);

    return rc;
}


static int
history_run(history_t *h)
{
    int              rc;
    PGresult        *res;
    db_params_t      ps = { 0 };
    stored_place_t   place;

    if (ctl_open_db(&h->db, 0) == -1) {
        return EXIT_UNAVAILABLE;
    }

    rc = stored_find(&h->db, h->tenant, h->conversation, &place);

    if (rc != EXIT_OK) {
        return rc;
    }

    db_param_uint(&ps, place.partition);
    db_param_text(&ps, place.key);
    db_param_uint(&ps, h->before != 0 ? h->before : INT64_MAX);
    db_param_uint(&ps, h->limit);
    res = db_query(&h->db, sql_history, &ps);

    if (res == NULL) {
        ctl_say("PostgreSQL: %s", h->db.error);
        return EXIT_UNAVAILABLE;
    }

    history_print(h, res);
    PQclear(res);

    return ctl_flush() ? EXIT_OK : EXIT_FAILED;
}


static void
history_print(const history_t *h, const PGresult *res)
{
    int       row;
    stored_t  message = { .nreactors = 0 };

    for (row = 0; row < PQntuples(res); row++) {
        stored_read(&message, h->conversation, res, row);

        if (h->json) {
            stored_print_json(&message);
            putchar('\n');
        } else {
            stored_print(&message);
        }
    }

    stored_done(&message);
}
