/*
 * chatctl reaction add, remove.
 */

#include "change.h"


static int reaction_run(change_t *c, chat_request_type_e type);


int
reaction_add_main(int argc, char **argv)
{
    change_t      c;
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
        .operands = c.operands,
        .noperands = 3
    };

    rc = change_read(&c, &options, argc, argv);

    if (rc != OPTIONS_OK) {
        return ctl_exit(rc);
    }

    return reaction_run(&c, CHAT_REQUEST_REACTION_ADD);
}


int
reaction_remove_main(int argc, char **argv)
{
    change_t      c;
    options_rc_e  rc;

    const options_t  options = {
        .usage = "chatctl reaction remove CONVERSATION MESSAGE EMOJI "
                 "--as USER [OPTION]...",
        .help = "Takes a user's reaction to a message back.",
        .operands = c.operands,
        .noperands = 3
    };

    rc = change_read(&c, &options, argc, argv);

    if (rc != OPTIONS_OK) {
        return ctl_exit(rc);
    }

    return reaction_run(&c, CHAT_REQUEST_REACTION_REMOVE);
}


static int
reaction_run(change_t *c, chat_request_type_e type)
{
    request_begin(&c->request, type);
    request_add_text(&c->request, "conversationId", c->operands[0]);
    request_add_text(&c->request, "messageId", c->operands[1]);
    request_add_text(&c->request, "emoji", c->operands[2]);

    return change_run(c);
}
