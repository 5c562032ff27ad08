/*
 * chatctl conversation update, delete.
 */

#include "change.h"

#include <string.h>


static int conversation_read_only(request_t *request, const char *value);


int
conversation_update_main(int argc, char **argv)
{
    uint64_t      slow_mode = UINT64_MAX;
    change_t      c;
    const char   *name = NULL, *description = NULL, *read_only = NULL;
    options_rc_e  rc;

    const option_t  own[] = {
        { "name", OPTION_TEXT, false, "NAME", NULL,
          "what people call it", &name, 0, 0 },
        { "description", OPTION_TEXT, false, "TEXT", NULL,
          "what it is for; \"\" removes it", &description, 0, 0 },
        { "read-only", OPTION_TEXT, false, "YES|NO", NULL,
          "whether only moderators and above may send", &read_only, 0, 0 },
        { "slow-mode", OPTION_SECONDS, false, "TIME", NULL,
          "between two messages of a member, up to 6h; 0: none",
          &slow_mode, 0, 0 },
        OPTION_END
    };

    const options_t  options = {
        .usage = "chatctl conversation update ID [OPTION]...",
        .help = "Changes the settings of a conversation that are given.",
        .own = own,
        .operands = c.operands,
        .noperands = 1
    };

    rc = change_read(&c, &options, argc, argv);

    if (rc != OPTIONS_OK) {
        return ctl_exit(rc);
    }

    request_begin(&c.request, CHAT_REQUEST_CONVERSATION_UPDATE);
    request_add_text(&c.request, "conversationId", c.operands[0]);
    request_add_text(&c.request, "name", name);
    request_add_text(&c.request, "description", description);

    if (conversation_read_only(&c.request, read_only) == -1) {
        request_done(&c.request);
        return EXIT_USAGE;
    }

    if (slow_mode != UINT64_MAX) {
        request_add_uint(&c.request, "slowMode", slow_mode);
    }

    return change_run(&c);
}


static int
conversation_read_only(request_t *request, const char *value)
{
    bool  yes;

    if (value == NULL) {
        return 0;
    }

    yes = strcmp(value, "yes") == 0;

    if (!yes && strcmp(value, "no") != 0) {
        ctl_say("--read-only must be yes or no");
        return -1;
    }

    request_add_bool(request, "readOnly", yes);

    return 0;
}


int
conversation_delete_main(int argc, char **argv)
{
    change_t      c;
    options_rc_e  rc;

    const options_t  options = {
        .usage = "chatctl conversation delete ID [OPTION]...",
        .help = "Deletes a conversation and all that was said in it, for "
                "everybody and for ever.",
        .operands = c.operands,
        .noperands = 1
    };

    rc = change_read(&c, &options, argc, argv);

    if (rc != OPTIONS_OK) {
        return ctl_exit(rc);
    }

    request_begin(&c.request, CHAT_REQUEST_CONVERSATION_DELETE);
    request_add_text(&c.request, "conversationId", c.operands[0]);

    return change_run(&c);
}
