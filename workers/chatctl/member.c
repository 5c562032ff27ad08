/*
 * chatctl member add, update, remove.
 */

#include "change.h"


#define OPTION_MAX(p)                                                         \
    { "max", OPTION_NUMBER, false, "N", "1000",                               \
      "so many members of a group at most, as nginx' chat_max_members",       \
      p, 1, UINT32_MAX }


static int member_run(change_t *c, chat_request_type_e type, const char *role);


int
member_add_main(int argc, char **argv)
{
    change_t      c;
    const char   *role;
    options_rc_e  rc;

    const option_t  own[] = {
        { "role", OPTION_TEXT, false, "ROLE", "member",
          "owner, admin, moderator or member", &role, 0, 0 },
        OPTION_MAX(&c.max),
        OPTION_END
    };

    const options_t  options = {
        .usage = "chatctl member add CONVERSATION USER [OPTION]...",
        .help = "Makes a user a member of a conversation.",
        .own = own,
        .operands = c.operands,
        .noperands = 2
    };

    rc = change_read(&c, &options, argc, argv);

    if (rc != OPTIONS_OK) {
        return ctl_exit(rc);
    }

    return member_run(&c, CHAT_REQUEST_MEMBER_ADD, role);
}


int
member_update_main(int argc, char **argv)
{
    change_t      c;
    const char   *role = NULL;
    options_rc_e  rc;

    const option_t  own[] = {
        { "role", OPTION_TEXT, false, "ROLE", NULL,
          "owner, admin, moderator, member or blocked; required",
          &role, 0, 0 },
        OPTION_MAX(&c.max),
        OPTION_END
    };

    const options_t  options = {
        .usage = "chatctl member update CONVERSATION USER --role ROLE "
                 "[OPTION]...",
        .help = "Gives a member another role, blocks a user, or makes a "
                "blocked one a member again.",
        .own = own,
        .operands = c.operands,
        .noperands = 2
    };

    rc = change_read(&c, &options, argc, argv);

    if (rc != OPTIONS_OK) {
        return ctl_exit(rc);
    }

    return member_run(&c, CHAT_REQUEST_MEMBER_UPDATE, role);
}


int
member_remove_main(int argc, char **argv)
{
    change_t      c;
    options_rc_e  rc;

    const options_t  options = {
        .usage = "chatctl member remove CONVERSATION USER [OPTION]...",
        .help = "Ends a membership, or a block.",
        .operands = c.operands,
        .noperands = 2
    };

    rc = change_read(&c, &options, argc, argv);

    if (rc != OPTIONS_OK) {
        return ctl_exit(rc);
    }

    return member_run(&c, CHAT_REQUEST_MEMBER_REMOVE, NULL);
}


static int
member_run(change_t *c, chat_request_type_e type, const char *role)
{
    request_begin(&c->request, type);
    request_add_text(&c->request, "conversationId", c->operands[0]);
    request_add_text(&c->request, "userId", c->operands[1]);
    request_add_text(&c->request, "role", role);

    return change_run(c);
}
