#include "chatctl.h"

#include <stdio.h>
#include <string.h>

#include "log.h"
#include "version.h"


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
    { { "conversation", "create" }, conversation_create_main,
      "create a conversation" },
    { { "conversation", "show" }, conversation_show_main,
      "print what is stored of a conversation" },
    { { "history", NULL }, history_main,
      "print the stored messages of a conversation" },
    { { "status", NULL }, status_main,
      "say whether all is well" }
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
        ctl_say("unknown verb \"%s\", see --help", argv[1]);
        return EXIT_USAGE;
    }

    words = verb->words[1] != NULL ? 2 : 1;

    return verb->run(argc - words, argv + words);
}
