#include "chat_test_event.h"


static const chat_event_message_t  message = {
    .id           = chat_str("017f22e2-79b0-7cc3-98c4-dc0c0c07398f"),
    .conversation = chat_str("lobby"),
    .sender       = chat_str("ada"),
    .client_id    = chat_str("\"\\"),
    .content      = chat_str("{ \"type\":\"t\",\"n\":1e2 }"),
    .time         = UINT64_C(1795319050123)
};


/* with all that a message may have */

static chat_event_message_t
full_message(void)
{
    chat_event_message_t  m;

    m = message;
    m.reply_to = chat_str("017f22e2-79b0-7cc3-98c4-dc0c0c073990");
    m.mentions = chat_str("[\"bob\",\"eve\"]");
    m.attachments = chat_str("[{\"url\":\"/1\" }]");

    return m;
}


/* as the caller makes its parts and Redis puts them together */

static void
build_message_in_parts(chat_writer_t *w, const chat_event_message_t *m)
{
    chat_write_cstr(w, m->edited != 0
                       ? "{\"type\":\"message.updated\",\"data\":"
                       : "{\"type\":\"message.created\",\"data\":");
    chat_event_message_pre(w, m);
    chat_write(w, m->content);
    chat_event_message_post(w, m);

    if (m->edited != 0) {
        chat_event_edited(w, m->edited);
    }

    chat_write_cstr(w, "\"sequenceNumber\":12,\"revision\":4294967308}}");
}


static void
build_message(chat_writer_t *w)
{
    chat_event_message(w, &message, 12, UINT64_C(4294967308));
}


static void
build_message_from_parts(chat_writer_t *w)
{
    build_message_in_parts(w, &message);
}


static void
build_message_data(chat_writer_t *w)
{
    chat_event_message_data(w, &message, 12, UINT64_C(4294967308));
}


static void
build_message_pre(chat_writer_t *w)
{
    chat_event_message_pre(w, &message);
}


static void
build_message_post(chat_writer_t *w)
{
    chat_event_message_post(w, &message);
}


static void
build_full_message(chat_writer_t *w)
{
    chat_event_message_t  m = full_message();

    chat_event_message(w, &m, 12, UINT64_C(4294967308));
}


static void
build_full_message_from_parts(chat_writer_t *w)
{
    chat_event_message_t  m = full_message();

    build_message_in_parts(w, &m);
}


static void
build_full_message_post(chat_writer_t *w)
{
    chat_event_message_t  m = full_message();

    chat_event_message_post(w, &m);
}


static void
build_edited_message(chat_writer_t *w)
{
    chat_event_message_t  m = full_message();

    m.edited = UINT64_C(1795319060000);

    chat_event_message(w, &m, 12, UINT64_C(4294967308));
}


static void
build_edited_message_from_parts(chat_writer_t *w)
{
    chat_event_message_t  m = full_message();

    m.edited = UINT64_C(1795319060000);

    build_message_in_parts(w, &m);
}


static void
build_edited_message_data(chat_writer_t *w)
{
    chat_event_message_t  m = message;

    m.edited = UINT64_C(1795319060000);

    chat_event_message_data(w, &m, 12, UINT64_C(4294967308));
}


static void
build_edited(chat_writer_t *w)
{
    chat_event_edited(w, UINT64_C(1795319060000));
}


static void
build_anonymous_message(chat_writer_t *w)
{
    chat_event_message_t  m;

    m = message;
    m.client_id.len = 0;
    m.content = chat_str("\"hi\"");

    chat_event_message(w, &m, 1, UINT64_C(9007199254740991));
}


/* its client id is the server's */

static void
build_kept_message(chat_writer_t *w)
{
    chat_event_message_t  m;

    m = message;
    m.client_id = chat_str(" 017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
    m.content = chat_str("\"hi\"");

    chat_event_message(w, &m, 1, UINT64_C(9007199254740991));
}


static void
build_mentions(chat_writer_t *w)
{
    chat_event_mentions(w, chat_str("ada,b:o@b.-_,c"));
}


static void
build_mention(chat_writer_t *w)
{
    chat_event_mentions(w, chat_str("ada"));
}


static void
build_message_without_reactions(chat_writer_t *w)
{
    chat_event_message_history(w, &message, 12, UINT64_C(4294967308), NULL, 0);
}


static void
build_message_with_a_reaction(chat_writer_t *w)
{
    static const chat_event_reactor_t  reactor = {
        chat_str("bob"), chat_str("+1")
    };

    chat_event_message_history(w, &message, 12, UINT64_C(4294967308), &reactor,
                               1);
}


static void
build_message_with_reactions(chat_writer_t *w)
{
    static const chat_event_reactor_t  reactors[] = {
        { chat_str("bob"), chat_str("\xf0\x9f\x91\x8d") },
        { chat_str("ada"), chat_str("+1") },
        { chat_str("ada"), chat_str("\xf0\x9f\x91\x8d") },
        { chat_str("eve"), chat_str("+") },
        { chat_str("bob"), chat_str("+1") },
        { chat_str("eve"), chat_str("\xf0\x9f\x91\x8d") },
    };

    chat_event_message_t  m = message;

    m.edited = UINT64_C(1795319060000);

    chat_event_message_history(w, &m, 12, UINT64_C(4294967308), reactors,
                               chat_test_count(reactors));
}


static const chat_event_deleted_t  deleted = {
    .id           = chat_str("017f22e2-79b0-7cc3-98c4-dc0c0c07398f"),
    .conversation = chat_str("lobby"),
    .deleted_by   = chat_str("ada"),
    .time         = UINT64_C(1795319050123)
};


static void
build_deleted_head(chat_writer_t *w)
{
    chat_event_deleted_head(w, &deleted);
}


static void
build_deleted(chat_writer_t *w)
{
    chat_event_deleted(w, &deleted, 12, UINT64_C(4294967308));
}


static void
build_deleted_data(chat_writer_t *w)
{
    chat_event_deleted_data(w, &deleted, 12, UINT64_C(4294967308));
}


static void
build_deleted_by_the_operator(chat_writer_t *w)
{
    chat_event_deleted_t  d = deleted;

    d.deleted_by.len = 0;

    chat_event_deleted_data(w, &d, 12, UINT64_C(4294967308));
}


static void
build_reaction(chat_writer_t *w, bool removed, bool whole)
{
    chat_event_reaction_t  r;

    r.conversation = chat_str("lobby");
    r.message = chat_str("017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
    r.user = chat_str("bob");
    r.emoji = chat_str("\xf0\x9f\x91\x8d");
    r.removed = removed;

    if (whole) {
        chat_event_reaction(w, &r, UINT64_C(4294967308));

    } else {
        chat_event_reaction_head(w, &r);
    }
}


static void
build_reaction_head(chat_writer_t *w)
{
    build_reaction(w, false, false);
}


static void
build_reaction_added(chat_writer_t *w)
{
    build_reaction(w, false, true);
}


static void
build_reaction_removed_head(chat_writer_t *w)
{
    build_reaction(w, true, false);
}


static void
build_reaction_removed(chat_writer_t *w)
{
    build_reaction(w, true, true);
}


#define MESSAGE_PRE                                                           \
    "{\"id\":\"017f22e2-79b0-7cc3-98c4-dc0c0c07398f\","                       \
    "\"conversationId\":\"lobby\",\"senderId\":\"ada\","                      \
    "\"clientMessageId\":\"\\\"\\\\\",\"content\":"
#define MESSAGE_POST                                                          \
    ",\"timestamp\":\"2026-11-22T03:44:10.123Z\","
#define MESSAGE_DATA                                                          \
    MESSAGE_PRE "{ \"type\":\"t\",\"n\":1e2 }" MESSAGE_POST
#define MESSAGE_MORE                                                          \
    "\"replyTo\":\"017f22e2-79b0-7cc3-98c4-dc0c0c073990\","                   \
    "\"mentions\":[\"bob\",\"eve\"],\"attachments\":[{\"url\":\"/1\" }],"
#define EDITED    "\"editedAt\":\"2026-11-22T03:44:20.000Z\","
#define POSITION  "\"sequenceNumber\":12,\"revision\":4294967308}"


static void
texts_are_as_the_contract_has_them(void **state)
{
    char    *text;
    size_t   i;

    static const struct {
        chat_test_build_pt   build;
        const char          *text;
    } cases[] = {
        { build_message_pre, MESSAGE_PRE },
        { build_message_post, MESSAGE_POST },
        { build_message_data, MESSAGE_DATA POSITION },
        { build_message,
          "{\"type\":\"message.created\",\"data\":" MESSAGE_DATA POSITION "}" },
        { build_full_message_post, MESSAGE_POST MESSAGE_MORE },
        { build_full_message,
          "{\"type\":\"message.created\",\"data\":" MESSAGE_DATA MESSAGE_MORE
          POSITION "}" },
        { build_edited, EDITED },
        { build_edited_message_data, MESSAGE_DATA EDITED POSITION },
        { build_edited_message,
          "{\"type\":\"message.updated\",\"data\":" MESSAGE_DATA MESSAGE_MORE
          EDITED POSITION "}" },
        { build_anonymous_message,
          "{\"type\":\"message.created\",\"data\":"
          "{\"id\":\"017f22e2-79b0-7cc3-98c4-dc0c0c07398f\","
          "\"conversationId\":\"lobby\",\"senderId\":\"ada\","
          "\"content\":\"hi\",\"timestamp\":\"2026-11-22T03:44:10.123Z\","
          "\"sequenceNumber\":1,\"revision\":9007199254740991}}" },
        { build_kept_message,
          "{\"type\":\"message.created\",\"data\":"
          "{\"id\":\"017f22e2-79b0-7cc3-98c4-dc0c0c07398f\","
          "\"conversationId\":\"lobby\",\"senderId\":\"ada\","
          "\"content\":\"hi\",\"timestamp\":\"2026-11-22T03:44:10.123Z\","
          "\"sequenceNumber\":1,\"revision\":9007199254740991}}" },
        { build_mentions, "[\"ada\",\"b:o@b.-_\",\"c\"]" },
        { build_mention, "[\"ada\"]" },
        { build_message_without_reactions, MESSAGE_DATA POSITION },
        { build_message_with_a_reaction,
          MESSAGE_DATA "\"sequenceNumber\":12,\"revision\":4294967308,"
          "\"reactions\":[{\"emoji\":\"+1\",\"userIds\":[\"bob\"]}]}" },
        { build_message_with_reactions,
          MESSAGE_DATA EDITED "\"sequenceNumber\":12,\"revision\":4294967308,"
          "\"reactions\":["
          "{\"emoji\":\"\xf0\x9f\x91\x8d\",\"userIds\":[\"bob\",\"ada\","
          "\"eve\"]},"
          "{\"emoji\":\"+1\",\"userIds\":[\"ada\",\"bob\"]},"
          "{\"emoji\":\"+\",\"userIds\":[\"eve\"]}]}" },
        { build_deleted_head,
          "{\"type\":\"message.deleted\",\"data\":"
          "{\"id\":\"017f22e2-79b0-7cc3-98c4-dc0c0c07398f\","
          "\"conversationId\":\"lobby\",\"deletedBy\":\"ada\","
          "\"deletedAt\":\"2026-11-22T03:44:10.123Z\"," },
        { build_deleted_data,
          "{\"id\":\"017f22e2-79b0-7cc3-98c4-dc0c0c07398f\","
          "\"conversationId\":\"lobby\",\"deletedBy\":\"ada\","
          "\"deletedAt\":\"2026-11-22T03:44:10.123Z\"," POSITION },
        { build_deleted_by_the_operator,
          "{\"id\":\"017f22e2-79b0-7cc3-98c4-dc0c0c07398f\","
          "\"conversationId\":\"lobby\",\"deletedBy\":null,"
          "\"deletedAt\":\"2026-11-22T03:44:10.123Z\"," POSITION },
        { build_reaction_head,
          "{\"type\":\"reaction.added\",\"data\":"
          "{\"conversationId\":\"lobby\","
          "\"messageId\":\"017f22e2-79b0-7cc3-98c4-dc0c0c07398f\","
          "\"userId\":\"bob\",\"emoji\":\"\xf0\x9f\x91\x8d\"," },
        { build_reaction_removed_head,
          "{\"type\":\"reaction.removed\",\"data\":"
          "{\"conversationId\":\"lobby\","
          "\"messageId\":\"017f22e2-79b0-7cc3-98c4-dc0c0c07398f\","
          "\"userId\":\"bob\",\"emoji\":\"\xf0\x9f\x91\x8d\"," },
    };

    (void) state;

    for (i = 0; i < chat_test_count(cases); i++) {
        text = chat_test_built(cases[i].build);
        assert_string_equal(text, cases[i].text);
        free(text);
    }
}


/* what is told from storage is, byte for byte, what Redis told */

static void
a_whole_event_is_its_head_and_what_redis_appends(void **state)
{
    char    *whole, *head;
    size_t   i, n;

    static const struct {
        chat_test_build_pt   head;
        const char          *appended;
        chat_test_build_pt   whole;
    } cases[] = {
        { build_message_from_parts, "", build_message },
        { build_full_message_from_parts, "", build_full_message },
        { build_edited_message_from_parts, "", build_edited_message },
        { build_deleted_head,
          "\"sequenceNumber\":12,\"revision\":4294967308}}", build_deleted },
        { build_reaction_head, "\"revision\":4294967308}}",
          build_reaction_added },
        { build_reaction_removed_head, "\"revision\":4294967308}}",
          build_reaction_removed },
    };

    (void) state;

    for (i = 0; i < chat_test_count(cases); i++) {
        whole = chat_test_built(cases[i].whole);
        head = chat_test_built(cases[i].head);
        n = strlen(head);

        chat_test_case(whole, strncmp(whole, head, n) == 0);
        chat_test_case(whole, strcmp(whole + n, cases[i].appended) == 0);

        free(head);
        free(whole);
    }
}


static void
mentions_of_nobody_are_nothing(void **state)
{
    chat_writer_t  w;

    (void) state;

    chat_writer_init(&w, NULL, 0);
    chat_event_mentions(&w, (chat_str_t) { NULL, 0 });

    assert_int_equal(w.len, 0);
}


static void
content_comes_out_as_it_went_in(void **state)
{
    uint8_t                out[512];
    const char            *reason;
    chat_json_t            event;
    chat_writer_t          w;
    chat_json_member_t     data = { .name = "data" };
    chat_json_member_t     content = { .name = "content" };
    chat_event_message_t   m;

    (void) state;

    m = message;
    m.content = chat_str("{\"type\":\"x\" , \"n\":[0.1,1e2,"
                         "12345678901234567890,1.0],\n"
                         "\"s\":\"\\uD83d\\ude00\\/\"}");

    chat_writer_init(&w, out, sizeof(out));
    chat_event_message(&w, &m, 1, 1);

    assert_int_equal(chat_json_parse((chat_str_t) { out, w.len }, 64, &event,
                                     &reason),
                     CHAT_OK);
    assert_int_equal(chat_json_collect(&event, &data, 1), CHAT_OK);
    assert_int_equal(chat_json_collect(&data.value, &content, 1), CHAT_OK);
    assert_int_equal(content.value.raw.len, m.content.len);
    assert_memory_equal(content.value.raw.data, m.content.data,
                        m.content.len);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(texts_are_as_the_contract_has_them),
        cmocka_unit_test(a_whole_event_is_its_head_and_what_redis_appends),
        cmocka_unit_test(mentions_of_nobody_are_nothing),
        cmocka_unit_test(content_comes_out_as_it_went_in),
    };

    return cmocka_run_group_tests_name("chat_event_message", tests, NULL,
                                       NULL);
}
