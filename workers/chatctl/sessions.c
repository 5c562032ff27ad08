/*
 * chatctl sessions: who is connected, as the nodes tell at this moment.
 */

#include "nodes.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chat_name.h"
#include "chat_write.h"
#include "lines.h"


#define MAX_ADDRESS  128


typedef struct {
    char      id[CHAT_ID_LEN + 1];
    char      name[CHAT_NAME_MAX_QUALIFIED + 1];    /* <tenant>/<user> */
    char      address[MAX_ADDRESS + 1];
    char      node[CHAT_ID_LEN + 1];
    char      host[NODES_HOST + 1];
    uint64_t  since;                /* ms since 1970 */
    uint64_t  idle;                 /* ms */
    uint64_t  joins;
    bool      tls;
} session_t;


typedef struct {
    nodes_t      nodes;
    const char  *user;
    const char  *tenant;
    uint64_t     limit;
    bool         json;

    session_t   *sessions;
    size_t       n;
    size_t       size;
} sessions_t;


static int sessions_check(const sessions_t *s, char *rest, size_t size);
static int sessions_run(sessions_t *s);
static void sessions_reset(nodes_t *nodes);
static void sessions_take(nodes_t *nodes, const nodes_node_t *node,
    chat_str_t line);
static void sessions_copy(char *dst, size_t max, chat_str_t word);
static int sessions_compare(const void *a, const void *b);
static void sessions_print(const session_t *s);
static void sessions_print_json(const session_t *s);
static void sessions_print_text(const char *name, chat_str_t text);
static int sessions_print_time(char *dst, size_t size, uint64_t ms);


int
sessions_main(int argc, char **argv)
{
    int           rc;
    char          rest[256];
    sessions_t    s;
    options_rc_e  orc;

    const option_t  own[] = {
        { "user", OPTION_TEXT, false, "USER", NULL,
          "those of this user only", &s.user, 0, 0 },
        { "tenant", OPTION_TEXT, false, "ID", NULL,
          "those of this tenant only (default: of all; of a user: default)",
          &s.tenant, 0, 0 },
        { "limit", OPTION_NUMBER, false, "N", "1000",
          "so many at most", &s.limit, 1, 1000000 },
        NODES_OPTIONS(&s),
        OPTION_END
    };

    const options_t  options = {
        .usage = "chatctl sessions [--user USER] [OPTION]...",
        .help = "Prints who is connected: what all nodes tell at this moment.",
        .more = CHATCTL_EXITS,
        .own = own
    };

    memset(&s, 0, sizeof(s));
    orc = options_read(&options, argc, argv);

    if (orc != OPTIONS_OK) {
        return ctl_exit(orc);
    }

    if (sessions_check(&s, rest, sizeof(rest)) == -1) {
        return EXIT_USAGE;
    }

    s.nodes.word = "sessions";
    s.nodes.rest = rest;
    s.nodes.take = sessions_take;
    s.nodes.reset = sessions_reset;
    s.nodes.owner = &s;

    rc = sessions_run(&s);
    nodes_done(&s.nodes);
    free(s.sessions);

    return rc;
}


static int
sessions_check(const sessions_t *s, char *rest, size_t size)
{
    char  name[CHAT_NAME_MAX_QUALIFIED + 1] = "";

    if ((s->user != NULL || s->tenant != NULL)
        && nodes_print_name(name, sizeof(name), s->tenant, s->user) == -1)
    {
        return -1;
    }

    (void) snprintf(rest, size, "%" PRIu64 " %s", s->limit, name);

    return 0;
}


static int
sessions_run(sessions_t *s)
{
    bool    cut;
    exit_e  rc;
    size_t  i, n;

    rc = nodes_ask(&s->nodes);

    if (rc == EXIT_UNAVAILABLE) {
        return rc;
    }

    if (s->n != 0) {
        qsort(s->sessions, s->n, sizeof(session_t), sessions_compare);
    }

    n = s->n < s->limit ? s->n : s->limit;
    cut = s->nodes.cut || n < s->n;

    if (s->json) {
        printf("{\"items\":[");
    }

    for (i = 0; i < n; i++) {

        if (!s->json) {
            sessions_print(&s->sessions[i]);
            continue;
        }

        printf("%s", i == 0 ? "" : ",");
        sessions_print_json(&s->sessions[i]);
    }

    if (s->json) {
        printf("],\"complete\":%s}\n",
               cut || rc != EXIT_OK ? "false" : "true");

    } else if (cut) {
        printf("\nmore: --limit\n");
    }

    return ctl_flush() ? rc : EXIT_FAILED;
}


static void
sessions_reset(nodes_t *nodes)
{
    sessions_t  *s = nodes->owner;

    s->n = 0;
}


/* <session> <tenant>/<user> <since> <idle> <joins> <tls|plain> <address> */

static void
sessions_take(nodes_t *nodes, const nodes_node_t *node, chat_str_t line)
{
    session_t   *one;
    sessions_t  *s = nodes->owner;

    if (s->n == s->size) {
        s->size = s->size * 2 + 256;
        s->sessions = mem_realloc(s->sessions, s->size, sizeof(session_t));
    }

    one = &s->sessions[s->n++];
    memset(one, 0, sizeof(*one));

    sessions_copy(one->id, CHAT_ID_LEN, lines_word(&line));
    sessions_copy(one->name, CHAT_NAME_MAX_QUALIFIED, lines_word(&line));
    one->since = lines_uint(&line);
    one->idle = lines_uint(&line);
    one->joins = lines_uint(&line);
    one->tls = lines_is(lines_word(&line), "tls");
    sessions_copy(one->address, MAX_ADDRESS, lines_word(&line));

    memcpy(one->node, node->id, sizeof(one->node));
    memcpy(one->host, node->host, sizeof(one->host));
}


static void
sessions_copy(char *dst, size_t max, chat_str_t word)
{
    memcpy(dst, word.data, word.len < max ? word.len : max);
}


static int
sessions_compare(const void *a, const void *b)
{
    int               rc;
    const session_t  *one = a, *two = b;

    rc = strcmp(one->name, two->name);

    if (rc != 0) {
        return rc;
    }

    if (one->since != two->since) {
        return one->since < two->since ? -1 : 1;
    }

    return strcmp(one->id, two->id);
}


static void
sessions_print(const session_t *s)
{
    int   len;
    char  since[64];

    len = sessions_print_time(since, sizeof(since), s->since);

    /* its quotes are for JSON */

    printf("%s  %s  %s  since %.*s, idle %" PRIu64 " s, %" PRIu64
           " joined%s, node %s on %s\n", s->id, s->name, s->address, len - 2,
           since + 1, s->idle / 1000, s->joins, s->tls ? ", TLS" : "",
           s->node, s->host);
}


static void
sessions_print_json(const session_t *s)
{
    int          len;
    char         since[64];
    const char  *slash;

    len = sessions_print_time(since, sizeof(since), s->since);
    slash = strchr(s->name, '/');

    sessions_print_text("{\"sessionId\":", mem_cstr(s->id));

    if (slash != NULL) {
        sessions_print_text(",\"tenantId\":",
                            (chat_str_t) { (const uint8_t *) s->name,
                                           (size_t) (slash - s->name) });
        sessions_print_text(",\"userId\":", mem_cstr(slash + 1));
    }

    sessions_print_text(",\"address\":", mem_cstr(s->address));
    sessions_print_text(",\"node\":", mem_cstr(s->node));
    sessions_print_text(",\"host\":", mem_cstr(s->host));
    printf(",\"since\":%.*s,\"idleSeconds\":%" PRIu64 ",\"joined\":%" PRIu64
           ",\"tls\":%s}", len, since, s->idle / 1000, s->joins,
           s->tls ? "true" : "false");
}


/* nothing here is longer than an address */

static void
sessions_print_text(const char *name, chat_str_t text)
{
    uint8_t        buf[6 * MAX_ADDRESS + 8];
    chat_writer_t  w;

    chat_writer_init(&w, buf, sizeof(buf));
    chat_write_string(&w, text);

    printf("%s%.*s", name, (int) w.len, (const char *) buf);
}


static int
sessions_print_time(char *dst, size_t size, uint64_t ms)
{
    chat_writer_t  w;

    chat_writer_init(&w, (uint8_t *) dst, size);
    chat_write_time(&w, ms);

    return (int) w.len;
}
