/*
 * chatctl message send, edit, delete.
 */

#include "change.h"


/* one of them is what is said */

typedef struct {
    const char  *text;
    const char  *json;
} content_t;

#define OPTION_CONTENT(c)                                                     \
    { "text", OPTION_TEXT, false, "TEXT", NULL,                               \
      "what it says", &(c)->text, 0, 0 },                                     \
    { "content", OPTION_TEXT, false, "JSON", NULL,                            \
      "the same as JSON: a string, or an object with a \"type\"",             \
      &(c)->json, 0, 0 }


static int message_add_content(request_t *request, const content_t *content);


int
message_send_main(int argc, char **argv)
{
    change_t        c;
    content_t       content = { NULL, NULL };
    const char     *client_id = NULL, *reply_to = NULL;
    options_rc_e    rc;
    options_list_t  mentions = { .n = 0 }, attachments = { .n = 0 };

    const option_t  own[] = {
        OPTION_CONTENT(&content),
        { "client-id", OPTION_TEXT, false, "ID", NULL,
          "makes it safe to run the same line again: clientMessageId",
          &client_id, 0, 0 },
        { "reply-to", OPTION_TEXT, false, "MESSAGE", NULL,
          "which message it answers", &reply_to, 0, 0 },
        { "mention", OPTION_LIST, false, "USER", NULL,
          "who is mentioned; may be given again", &mentions, 0, 0 },
        { "attachment", OPTION_LIST, false, "JSON", NULL,
          "an object with a \"url\" or an \"id\"; may be given again",
          &attachments, 0, 0 },
        OPTION_END
    };

    const options_t  options = {
        .usage = "chatctl message send CONVERSATION --as USER "
                 "--text TEXT|--content JSON [OPTION]...",
        .help = "Sends a message and prints its id.",
        .own = own,
        .operands = c.operands,
        .noperands = 1
    };

    rc = change_read(&c, &options, argc, argv);

    if (rc != OPTIONS_OK) {
        return ctl_exit(rc);
    }

    request_begin(&c.request, CHAT_REQUEST_MESSAGE_SEND);
    request_add_text(&c.request, "conversationId", c.operands[0]);
    request_add_text(&c.request, "clientMessageId", client_id);
    request_add_text(&c.request, "replyTo", reply_to);
    request_add_list(&c.request, "mentions", &mentions);
    request_add_json_list(&c.request, "attachments", &attachments);

    if (message_add_content(&c.request, &content) == -1) {
        request_done(&c.request);
        return EXIT_USAGE;
    }

    return change_run(&c);
}


int
message_edit_main(int argc, char **argv)
{
    change_t      c;
    content_t     content = { NULL, NULL };
    options_rc_e  rc;

    const option_t  own[] = {
        OPTION_CONTENT(&content),
        OPTION_END
    };

    const options_t  options = {
        .usage = "chatctl message edit CONVERSATION MESSAGE "
                 "--text TEXT|--content JSON [OPTION]...",
        .help = "Gives a message another content.",
        .own = own,
        .operands = c.operands,
        .noperands = 2
    };

    rc = change_read(&c, &options, argc, argv);

    if (rc != OPTIONS_OK) {
        return ctl_exit(rc);
    }

    request_begin(&c.request, CHAT_REQUEST_MESSAGE_EDIT);
    request_add_text(&c.request, "conversationId", c.operands[0]);
    request_add_text(&c.request, "messageId", c.operands[1]);

    if (message_add_content(&c.request, &content) == -1) {
        request_done(&c.request);
        return EXIT_USAGE;
    }

    return change_run(&c);
}


static int
message_add_content(request_t *request, const content_t *content)
{
    if ((content->text == NULL) == (content->json == NULL)) {
        ctl_say("needs --text or --content");
        return -1;
    }

    request_add_text(request, "content", content->text);
    request_add_json(request, "content", content->json);

    return 0;
}


int
message_delete_main(int argc, char **argv)
{
    change_t      c;
    options_rc_e  rc;

    const options_t  options = {
        .usage = "chatctl message delete CONVERSATION MESSAGE [OPTION]...",
        .help = "Deletes a message: its content, former versions and "
                "reactions are erased.",
        .operands = c.operands,
        .noperands = 2
    };

    rc = change_read(&c, &options, argc, argv);

    if (rc != OPTIONS_OK) {
        return ctl_exit(rc);
    }

    request_begin(&c.request, CHAT_REQUEST_MESSAGE_DELETE);
    request_add_text(&c.request, "conversationId", c.operands[0]);
    request_add_text(&c.request, "messageId", c.operands[1]);

    return change_run(&c);
}
