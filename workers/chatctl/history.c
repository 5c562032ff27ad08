/*
 * chatctl history: the stored messages of a conversation.
 */

#include "chatctl.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "chat_event.h"


typedef struct {
    db_t         db;
    const char  *conversation;
    const char  *tenant;
    uint64_t     limit;
    uint64_t     before;        /* 0: the end */
    bool         json;
} history_t;


static int history_run(history_t *h);
static int history_find(history_t *h, uint64_t *partition, char key[64]);
static void history_print(const history_t *h, const PGresult *res, int row,
    mem_buf_t *line);


static const char  sql_history[] =
    "SELECT * FROM (SELECT id, sequence, revision, sender_id, client_id,"
    " content, (extract(epoch FROM created_at) * 1000)::bigint"
    " FROM chat.message WHERE p = $1 AND conversation_key = $2::uuid"
    " AND sequence < $3 ORDER BY sequence DESC LIMIT $4) m ORDER BY sequence";


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
    int           row, rc;
    char          key[64];
    uint64_t      partition = 0;
    PGresult     *res;
    mem_buf_t     line = { 0 };
    db_params_t   ps = { 0 };

    if (ctl_open_db(&h->db, 0) == -1) {
        return EXIT_UNAVAILABLE;
    }

    rc = history_find(h, &partition, key);

    if (rc != EXIT_OK) {
        return rc;
    }

    db_param_uint(&ps, partition);
    db_param_text(&ps, key);
    db_param_uint(&ps, h->before != 0 ? h->before : INT64_MAX);
    db_param_uint(&ps, h->limit);
    res = db_query(&h->db, sql_history, &ps);

    if (res == NULL) {
        ctl_say("PostgreSQL: %s", h->db.error);
        return EXIT_UNAVAILABLE;
    }

    for (row = 0; row < PQntuples(res); row++) {
        history_print(h, res, row, &line);
    }

    PQclear(res);
    mem_buf_done(&line);

    return ctl_flush() ? EXIT_OK : EXIT_FAILED;
}


static int
history_find(history_t *h, uint64_t *partition, char key[64])
{
    int           rc = EXIT_OK;
    PGresult     *res;
    db_params_t   ps = { 0 };

    db_param_text(&ps, h->tenant);
    db_param_text(&ps, h->conversation);

    res = db_query(&h->db, "SELECT p, conversation_key FROM chat.conversation"
                           " WHERE tenant_id = $1 AND conversation_id = $2"
                           " AND deleted_at IS NULL", &ps);

    if (res == NULL) {
        ctl_say("PostgreSQL: %s", h->db.error);
        return EXIT_UNAVAILABLE;
    }

    if (PQntuples(res) == 0) {
        ctl_say("conversation \"%s\" is not known to PostgreSQL",
                h->conversation);
        rc = EXIT_NOT_FOUND;

    } else {
        *partition = db_value_uint(res, 0, 0);
        (void) snprintf(key, 64, "%s", PQgetvalue(res, 0, 1));
    }

    PQclear(res);

    return rc;
}


/* for people: one line each, whatever the content */

static void
history_print_text(const chat_event_message_t *m, uint64_t sequence,
    mem_buf_t *line)
{
    size_t         i;
    uint8_t       *time;
    chat_writer_t  w;

    line->len = 0;
    time = mem_buf_room(line, 32);
    chat_writer_init(&w, time, 32);
    chat_write_time(&w, m->time);

    printf("%" PRIu64 "  %.*s  %.*s  ", sequence, (int) w.len - 2, time + 1,
           (int) m->sender.len, m->sender.data);

    for (i = 0; i < m->content.len; i++) {
        putchar(m->content.data[i] < ' ' ? ' ' : m->content.data[i]);
    }

    putchar('\n');
}


static void
history_print(const history_t *h, const PGresult *res, int row,
    mem_buf_t *line)
{
    uint64_t              sequence, revision;
    chat_writer_t         w;
    chat_event_message_t  m;

    m.conversation = mem_cstr(h->conversation);
    m.id = db_value(res, row, 0);
    m.sender = db_value(res, row, 3);
    m.client_id = db_value(res, row, 4);
    m.content = db_value(res, row, 5);
    m.time = db_value_uint(res, row, 6);

    sequence = db_value_uint(res, row, 1);
    revision = db_value_uint(res, row, 2);

    if (!h->json) {
        history_print_text(&m, sequence, line);
        return;
    }

    chat_writer_init(&w, NULL, 0);
    chat_event_message_data(&w, &m, sequence, revision);

    line->len = 0;
    chat_writer_init(&w, mem_buf_room(line, w.len), w.len);
    chat_event_message_data(&w, &m, sequence, revision);

    fwrite(line->data, 1, line->len, stdout);
    putchar('\n');
}
