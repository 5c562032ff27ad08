/*
 * chatctl kick: closes sessions, of a user or a single one.  Their tokens stay
 * good: whoever shall not come back is revoked.
 */

#include "nodes.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "chat_name.h"


#define MAX_REASON  100         /* bytes; a close frame holds no more, with
                                   what stands before it */


typedef struct {
    nodes_t      nodes;
    const char  *user;
    const char  *tenant;
    const char  *session;
    const char  *reason;
    bool         json;
} kick_t;


static int kick_check(const kick_t *k, char *rest, size_t size);
static int kick_run(kick_t *k);
static void kick_take(nodes_t *nodes, const nodes_node_t *node,
    chat_str_t line);
static void kick_reset(nodes_t *nodes);


int
kick_main(int argc, char **argv)
{
    int           rc;
    char          rest[512];
    kick_t        k;
    options_rc_e  orc;

    const option_t  own[] = {
        { "user", OPTION_TEXT, false, "USER", NULL,
          "all sessions of this user", &k.user, 0, 0 },
        { "session", OPTION_TEXT, false, "ID", NULL,
          "this one, as chatctl sessions tells it", &k.session, 0, 0 },
        { "tenant", OPTION_TEXT, false, "ID", NULL,
          "of which tenant the user is (default: default)", &k.tenant, 0, 0 },
        { "reason", OPTION_TEXT, false, "TEXT", "",
          "told to the client", &k.reason, 0, 0 },
        NODES_OPTIONS(&k),
        OPTION_END
    };

    const options_t  options = {
        .usage = "chatctl kick --user USER|--session ID [OPTION]...",
        .help = "Closes sessions with 4403.  Their tokens stay good; to keep "
                "somebody out: chatctl revoke.",
        .more = CHATCTL_EXITS,
        .own = own
    };

    memset(&k, 0, sizeof(k));
    orc = options_read(&options, argc, argv);

    if (orc != OPTIONS_OK) {
        return ctl_exit(orc);
    }

    if (kick_check(&k, rest, sizeof(rest)) == -1) {
        return EXIT_USAGE;
    }

    k.nodes.word = "kick";
    k.nodes.rest = rest;
    k.nodes.take = kick_take;
    k.nodes.reset = kick_reset;

    rc = kick_run(&k);
    nodes_done(&k.nodes);

    return rc;
}


static int
kick_check(const kick_t *k, char *rest, size_t size)
{
    char  name[CHAT_NAME_MAX_QUALIFIED + 1];

    if ((k->user != NULL) == (k->session != NULL)) {
        ctl_say("--user or --session, one of them");
        return -1;
    }

    if (strlen(k->reason) > MAX_REASON
        || !chat_name_printable(mem_cstr(k->reason)))
    {
        ctl_say("--reason may have %d bytes without control characters",
                MAX_REASON);
        return -1;
    }

    if (k->session == NULL) {

        if (nodes_print_name(name, sizeof(name), k->tenant, k->user) == -1) {
            return -1;
        }

        (void) snprintf(rest, size, "user %s %s", name, k->reason);

        return 0;
    }

    if (k->tenant != NULL || !chat_id_valid(mem_cstr(k->session))) {
        ctl_say("--session is an id, as chatctl sessions tells it, and goes "
                "without --tenant");
        return -1;
    }

    (void) snprintf(rest, size, "session %s %s", k->session, k->reason);

    return 0;
}


/* what could be closed is told even if a node has not answered */

static int
kick_run(kick_t *k)
{
    exit_e           rc;
    const nodes_t   *nodes = &k->nodes;

    rc = nodes_ask(&k->nodes);

    if (rc == EXIT_UNAVAILABLE) {
        return rc;
    }

    if (k->json) {
        printf("{\"closed\":%" PRIu64 "}\n", nodes->kicked);

    } else if (nodes->kicked != 0) {
        printf("%" PRIu64 " session%s closed\n", nodes->kicked,
               nodes->kicked == 1 ? "" : "s");
    }

    if (!ctl_flush()) {
        return EXIT_FAILED;
    }

    if (rc == EXIT_OK && nodes->kicked == 0) {
        ctl_say(k->user != NULL ? "the user has no session"
                                : "there is no such session");
        return EXIT_NOT_FOUND;
    }

    return rc;
}


/* nodes tell nothing but how many */

static void
kick_take(nodes_t *nodes, const nodes_node_t *node, chat_str_t line)
{
    (void) nodes;
    (void) node;
    (void) line;
}


static void
kick_reset(nodes_t *nodes)
{
    (void) nodes;
}
