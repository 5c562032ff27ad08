#include "chatctl.h"

#include <stdio.h>
#include <string.h>

#include "chat_version.h"
#include "log.h"


typedef struct {
    const char  *words[2];      /* the second may be NULL */
    int        (*run)(int argc, char **argv);
    const char  *help;
} verb_t;


static const verb_t  verbs[] = {
    { { "migrate", NULL }, migrate_main,
      "create or update the tables in PostgreSQL" },
    { { "token", NULL }, token_main,
      "print a token for a user" },
    { { "jwk", NULL }, jwk_main,
      "print public keys as a JWK Set" },
    { { "conversation", "create" }, conversation_create_main,
      "create a conversation" },
    { { "conversation", "update" }, conversation_update_main,
      "change its name, description, read-only or slow mode" },
    { { "conversation", "delete" }, conversation_delete_main,
      "delete a conversation and all messages in it" },
    { { "conversation", "show" }, conversation_show_main,
      "print what is stored of a conversation" },
    { { "conversation", "list" }, conversation_list_main,
      "print the conversations of a tenant or of a user" },
    { { "member", "add" }, member_add_main,
      "make a user a member" },
    { { "member", "update" }, member_update_main,
      "change a member's role, block a user" },
    { { "member", "remove" }, member_remove_main,
      "end a membership, or a block" },
    { { "member", "list" }, member_list_main,
      "print who is in a conversation" },
    { { "message", "send" }, message_send_main,
      "send a message as a user" },
    { { "message", "edit" }, message_edit_main,
      "give a message another content" },
    { { "message", "delete" }, message_delete_main,
      "delete a message" },
    { { "message", "show" }, message_show_main,
      "print what is stored of a message" },
    { { "reaction", "add" }, reaction_add_main,
      "add a user's reaction to a message" },
    { { "reaction", "remove" }, reaction_remove_main,
      "take a reaction back" },
    { { "reaction", "list" }, reaction_list_main,
      "print the stored reactions to a message" },
    { { "history", NULL }, history_main,
      "print the stored messages of a conversation" },
    { { "revoke", "user" }, revoke_user_main,
      "refuse the tokens that a user has, or all" },
    { { "revoke", "sid" }, revoke_sid_main,
      "refuse the tokens of one sign-in" },
    { { "revoke", "jti" }, revoke_jti_main,
      "refuse one token" },
    { { "revoke", "undo" }, revoke_undo_main,
      "end a revocation" },
    { { "revoke", "list" }, revoke_list_main,
      "print what is revoked" },
    { { "sessions", NULL }, sessions_main,
      "print who is connected" },
    { { "kick", NULL }, kick_main,
      "close the sessions of a user, or one" },
    { { "presence", NULL }, presence_main,
      "print who is there" },
    { { "setting", "list" }, setting_list_main,
      "print the settings that PostgreSQL keeps" },
    { { "setting", "set" }, setting_set_main,
      "change one of them" },
    { { "status", NULL }, status_main,
      "say whether all is well" },
    { { "doctor", NULL }, doctor_main,
      "look for what is wrong, and tell what to do" },
    { { "reload", NULL }, reload_main,
      "reload nginx, and see whether anything gets lost" },
    { { "verify", NULL }, verify_main,
      "prove that a conversation has no gaps" },
    { { "deadletter", "list" }, deadletter_list_main,
      "print the events that could not be stored" },
    { { "deadletter", "show" }, deadletter_show_main,
      "print one of them whole" },
    { { "deadletter", "retry" }, deadletter_retry_main,
      "have it stored after all" },
    { { "deadletter", "drop" }, deadletter_drop_main,
      "forget it for ever" }
};

#define NVERBS  (sizeof(verbs) / sizeof(verbs[0]))


static void
usage(FILE *out)
{
    char    name[32];
    size_t  i;

    fprintf(out, "usage: chatctl VERB [OPTION]... ; chatctl VERB --help\n\n");

    for (i = 0; i < NVERBS; i++) {
        (void) snprintf(name, sizeof(name), "%s %s", verbs[i].words[0],
                        verbs[i].words[1] != NULL ? verbs[i].words[1] : "");
        fprintf(out, "  %-22s %s\n", name, verbs[i].help);
    }

    fprintf(out, "\n%s\n", CHATCTL_EXITS);
}


static const verb_t *
find(int argc, char **argv)
{
    size_t  i;

    for (i = 0; i < NVERBS; i++) {

        if (strcmp(verbs[i].words[0], argv[1]) != 0) {
            continue;
        }

        if (verbs[i].words[1] == NULL
            || (argc > 2 && strcmp(verbs[i].words[1], argv[2]) == 0))
        {
            return &verbs[i];
        }
    }

    return NULL;
}


/* "revoke" alone, or with a second word that it does not have */

static void
unknown(int argc, char **argv)
{
    char    text[256] = "";
    size_t  i, n = 0;

    for (i = 0; i < NVERBS; i++) {

        if (strcmp(verbs[i].words[0], argv[1]) == 0 && n < sizeof(text)) {
            n += (size_t) snprintf(text + n, sizeof(text) - n, "%s%s",
                                   n != 0 ? ", " : "", verbs[i].words[1]);
        }
    }

    if (n == 0) {
        ctl_say("unknown verb \"%s\", see --help", argv[1]);

    } else if (argc == 2) {
        ctl_say("\"%s\" goes on with one of: %s", argv[1], text);

    } else {
        ctl_say("\"%s\" does not go on with \"%s\", but with one of: %s",
                argv[1], argv[2], text);
    }
}


int
main(int argc, char **argv)
{
    int            words;
    const verb_t  *verb;

    log_init("chatctl");
    life_ignore_sigpipe();

    if (argc < 2) {
        usage(stderr);
        return EXIT_USAGE;
    }

    if (strcmp(argv[argc - 1], "--help") == 0 && argc <= 3
        && find(argc, argv) == NULL)
    {
        usage(stdout);
        return EXIT_OK;
    }

    if (strcmp(argv[1], "--version") == 0) {
        printf("chatctl %s\n", CHAT_VERSION);
        return EXIT_OK;
    }

    verb = find(argc, argv);

    if (verb == NULL) {
        unknown(argc, argv);
        return EXIT_USAGE;
    }

    words = verb->words[1] != NULL ? 2 : 1;

    return verb->run(argc - words, argv + words);
}
