/*
 * chatctl reaction add, remove.
 */

#include "change.h"


#define REACTION_OPERANDS  3    /* conversation, message, emoji */


static int reaction_run(change_t *c, chat_request_type_e type,
    const char *operands[REACTION_OPERANDS]);


int
reaction_add_main(int argc, char **argv)
{
    change_t      c;
    const char   *operands[REACTION_OPERANDS];
    options_rc_e  rc;

    const option_t  own[] = {
        { "max", OPTION_NUMBER, false, "N", "200",
          "so many reactions to a message at most, as nginx' "
          "chat_max_reactions", &c.max, 1, UINT32_MAX },
        OPTION_END
    };

    const options_t  options = {
        .usage = "chatctl reaction add CONVERSATION MESSAGE EMOJI --as USER "
                 "[OPTION]...",
        .help = "Adds a user's reaction to a message.",
        .own = own,
        .operands = operands,
        .noperands = REACTION_OPERANDS
    };

    rc = change_read(&c, &options, argc, argv);

    if (rc != OPTIONS_OK) {
        return ctl_exit(rc);
    }

    return reaction_run(&c, CHAT_REQUEST_REACTION_ADD, operands);
}


int
reaction_remove_main(int argc, char **argv)
{
    change_t      c;
    const char   *operands[REACTION_OPERANDS];
    options_rc_e  rc;

    const options_t  options = {
        .usage = "chatctl reaction remove CONVERSATION MESSAGE EMOJI "
                 "--as USER [OPTION]...",
        .help = "Takes a user's reaction to a message back.",
        .operands = operands,
        .noperands = REACTION_OPERANDS
    };

    rc = change_read(&c, &options, argc, argv);

    if (rc != OPTIONS_OK) {
        return ctl_exit(rc);
    }

    return reaction_run(&c, CHAT_REQUEST_REACTION_REMOVE, operands);
}


static int
reaction_run(change_t *c, chat_request_type_e type,
    const char *operands[REACTION_OPERANDS])
{
    request_begin(&c->request, type);
    request_add_text(&c->request, "conversationId", operands[0]);
    request_add_text(&c->request, "messageId", operands[1]);
    request_add_text(&c->request, "emoji", operands[2]);

    return change_run(c, operands[0]);
}
