#include "chat_test_event.h"


static void
build_reply(chat_writer_t *w)
{
    chat_event_reply(w, chat_str("\"q\\u0031\""));
    chat_write_cstr(w, "{\"a\":1}");
    chat_event_end(w);
}


static void
build_error(chat_writer_t *w)
{
    chat_event_error(w, chat_str("null"), CHAT_CODE_BAD_REQUEST,
                     "\"id\" is wrong", 0);
}


static void
build_error_retry(chat_writer_t *w)
{
    chat_event_error(w, chat_str("-7"), CHAT_CODE_UNAVAILABLE, "later", 3);
}


static void
build_error_object(chat_writer_t *w)
{
    chat_event_error_object(w, CHAT_CODE_NOT_FOUND, "no such conversation", 0);
}


static void
build_member_head(chat_writer_t *w)
{
    chat_event_member_head(w, chat_str("team"), chat_str("bob"));
}


static void
build_member_joined(chat_writer_t *w)
{
    chat_event_member(w, CHAT_EVENT_MEMBER_JOINED, chat_str("team"),
                      chat_str("bob"), chat_str("member"),
                      UINT64_C(4294967308));
}


/* as Redis makes it */

static void
build_member_joined_from_parts(chat_writer_t *w)
{
    chat_write_cstr(w, "{\"type\":\"member.joined\",\"data\":");
    build_member_head(w);
    chat_write_cstr(w, "\"role\":\"member\",\"revision\":4294967308}}");
}


static void
build_member_updated(chat_writer_t *w)
{
    chat_event_member(w, CHAT_EVENT_MEMBER_UPDATED, chat_str("team"),
                      chat_str("bob"), chat_str("admin"), 7);
}


static void
build_member_left(chat_writer_t *w)
{
    chat_event_member(w, CHAT_EVENT_MEMBER_LEFT, chat_str("team"),
                      chat_str("bob"), (chat_str_t) { NULL, 0 }, 7);
}


static void
build_member_blocked(chat_writer_t *w)
{
    chat_event_member(w, CHAT_EVENT_MEMBER_LEFT, chat_str("team"),
                      chat_str("bob"), chat_str("blocked"), 7);
}


static const chat_event_updated_t  updated = {
    .conversation    = chat_str("team"),
    .name            = chat_str("The \"team\""),
    .description     = chat_str("1\n2"),
    .slow_mode       = 21600,
    .read_only       = true,
    .has_description = true,
    .has_slow_mode   = true,
    .has_read_only   = true
};


static void
build_updated_head(chat_writer_t *w)
{
    chat_event_updated_head(w, &updated);
}


static void
build_updated(chat_writer_t *w)
{
    chat_event_updated(w, &updated, UINT64_C(4294967308));
}


static void
build_updated_name(chat_writer_t *w)
{
    chat_event_updated_t  u = {
        .conversation = chat_str("team"), .name = chat_str("x")
    };

    chat_event_updated(w, &u, 7);
}


static void
build_updated_to_nothing(chat_writer_t *w)
{
    chat_event_updated_t  u = {
        .conversation = chat_str("team"), .has_description = true,
        .has_slow_mode = true, .has_read_only = true
    };

    chat_event_updated(w, &u, 7);
}


static void
build_conversation_deleted_head(chat_writer_t *w)
{
    chat_event_conversation_deleted_head(w, chat_str("team"));
}


static void
build_conversation_deleted(chat_writer_t *w)
{
    chat_event_conversation_deleted(w, chat_str("team"),
                                    UINT64_C(4294967308));
}


static void
build_read_head(chat_writer_t *w)
{
    chat_event_receipt_head(w, true, chat_str("team"), chat_str("bob"));
}


static void
build_read(chat_writer_t *w)
{
    chat_event_receipt(w, true, chat_str("team"), chat_str("bob"), 12);
}


static void
build_delivered_head(chat_writer_t *w)
{
    chat_event_receipt_head(w, false, chat_str("team"), chat_str("bob"));
}


static void
build_delivered(chat_writer_t *w)
{
    chat_event_receipt(w, false, chat_str("team"), chat_str("bob"),
                       UINT64_C(9007199254740991));
}


static void
build_typing_started(chat_writer_t *w)
{
    chat_event_typing_t  t = {
        chat_str("team"), chat_str("bob"), chat_str("Bob \"B\""),
        UINT64_C(1795319050123)
    };

    chat_event_typing(w, true, &t);
}


static void
build_typing_stopped(chat_writer_t *w)
{
    chat_event_typing_t  t = {
        chat_str("team"), chat_str("bob"), chat_str("bob"),
        UINT64_C(1795319050123)
    };

    chat_event_typing(w, false, &t);
}


static void
build_conversation_head(chat_writer_t *w)
{
    chat_event_conversation_t  c;

    c.conversation = chat_str("team");
    c.type = CHAT_CONVERSATION_GROUP;
    c.name = chat_str("The \"team\"");
    c.creator = chat_str("ada");
    c.time = 0;

    chat_event_conversation_head(w, &c);
}


static void
build_conversation(chat_writer_t *w)
{
    chat_event_conversation_t  c;

    c.conversation = chat_str("team");
    c.type = CHAT_CONVERSATION_GROUP;
    c.name = chat_str("The \"team\"");
    c.creator = chat_str("ada");
    c.time = 0;

    chat_event_conversation(w, &c, UINT64_C(4294967308));
}


static void
build_nameless_conversation(chat_writer_t *w)
{
    chat_event_conversation_t  c;

    c.conversation = chat_str("dm:2d48c4da4632a17768fbeb23d8508072");
    c.type = CHAT_CONVERSATION_DM;
    c.name = (chat_str_t) { NULL, 0 };
    c.creator = chat_str("ada");
    c.time = UINT64_C(1795319050123);

    chat_event_conversation(w, &c, UINT64_C(4294967297));
}


static void
build_authenticated(chat_writer_t *w)
{
    chat_event_authenticated_t  a;

    a.user = chat_str("ada");
    a.tenant = chat_str("default");
    a.session = chat_str("s1");
    a.node = chat_str("n1");
    a.now = UINT64_C(1795319050123);
    a.expires = UINT64_C(1795322650000);
    a.heartbeat = 30;

    chat_event_authenticated_data(w, &a);
}


static void
texts_are_as_the_contract_has_them(void **state)
{
    char    *text;
    size_t   i;

    static const struct {
        chat_test_build_pt   build;
        const char          *text;
    } cases[] = {
        { build_reply,
          "{\"type\":\"reply\",\"id\":\"q\\u0031\",\"ok\":true,"
          "\"data\":{\"a\":1}}" },
        { build_error,
          "{\"type\":\"reply\",\"id\":null,\"ok\":false,\"error\":"
          "{\"code\":\"bad_request\",\"message\":\"\\\"id\\\" is wrong\"}}" },
        { build_error_retry,
          "{\"type\":\"reply\",\"id\":-7,\"ok\":false,\"error\":"
          "{\"code\":\"unavailable\",\"message\":\"later\","
          "\"retryAfter\":3}}" },
        { build_error_object,
          "{\"code\":\"not_found\",\"message\":\"no such conversation\"}" },
        { build_member_head,
          "{\"conversationId\":\"team\",\"userId\":\"bob\"," },
        { build_member_joined,
          "{\"type\":\"member.joined\",\"data\":{\"conversationId\":\"team\","
          "\"userId\":\"bob\",\"role\":\"member\",\"revision\":4294967308}}" },
        { build_member_updated,
          "{\"type\":\"member.updated\",\"data\":{\"conversationId\":\"team\","
          "\"userId\":\"bob\",\"role\":\"admin\",\"revision\":7}}" },
        { build_member_left,
          "{\"type\":\"member.left\",\"data\":{\"conversationId\":\"team\","
          "\"userId\":\"bob\",\"role\":null,\"revision\":7}}" },
        { build_member_blocked,
          "{\"type\":\"member.left\",\"data\":{\"conversationId\":\"team\","
          "\"userId\":\"bob\",\"role\":\"blocked\",\"revision\":7}}" },
        { build_conversation_head,
          "{\"type\":\"conversation.created\",\"data\":"
          "{\"conversationId\":\"team\",\"type\":\"group\","
          "\"name\":\"The \\\"team\\\"\",\"createdBy\":\"ada\","
          "\"createdAt\":\"1970-01-01T00:00:00.000Z\"," },
        { build_nameless_conversation,
          "{\"type\":\"conversation.created\",\"data\":"
          "{\"conversationId\":\"dm:2d48c4da4632a17768fbeb23d8508072\","
          "\"type\":\"dm\",\"createdBy\":\"ada\","
          "\"createdAt\":\"2026-11-22T03:44:10.123Z\","
          "\"sequenceNumber\":0,\"revision\":4294967297}}" },
        { build_updated_head,
          "{\"type\":\"conversation.updated\",\"data\":"
          "{\"conversationId\":\"team\",\"name\":\"The \\\"team\\\"\","
          "\"description\":\"1\\n2\",\"readOnly\":true,\"slowMode\":21600," },
        { build_updated_name,
          "{\"type\":\"conversation.updated\",\"data\":"
          "{\"conversationId\":\"team\",\"name\":\"x\",\"revision\":7}}" },
        { build_updated_to_nothing,
          "{\"type\":\"conversation.updated\",\"data\":"
          "{\"conversationId\":\"team\",\"description\":null,"
          "\"readOnly\":false,\"slowMode\":0,\"revision\":7}}" },
        { build_conversation_deleted_head,
          "{\"type\":\"conversation.deleted\",\"data\":"
          "{\"conversationId\":\"team\"," },
        { build_read_head,
          "{\"type\":\"receipt.read\",\"data\":"
          "{\"conversationId\":\"team\",\"userId\":\"bob\"," },
        { build_read,
          "{\"type\":\"receipt.read\",\"data\":"
          "{\"conversationId\":\"team\",\"userId\":\"bob\","
          "\"sequenceNumber\":12}}" },
        { build_delivered_head,
          "{\"type\":\"receipt.delivered\",\"data\":"
          "{\"conversationId\":\"team\",\"userId\":\"bob\"," },
        { build_delivered,
          "{\"type\":\"receipt.delivered\",\"data\":"
          "{\"conversationId\":\"team\",\"userId\":\"bob\","
          "\"sequenceNumber\":9007199254740991}}" },
        { build_typing_started,
          "{\"type\":\"typing.started\",\"data\":"
          "{\"conversationId\":\"team\",\"userId\":\"bob\","
          "\"displayName\":\"Bob \\\"B\\\"\","
          "\"expiresAt\":\"2026-11-22T03:44:10.123Z\"}}" },
        { build_typing_stopped,
          "{\"type\":\"typing.stopped\",\"data\":"
          "{\"conversationId\":\"team\",\"userId\":\"bob\","
          "\"displayName\":\"bob\","
          "\"expiresAt\":\"2026-11-22T03:44:10.123Z\"}}" },
        { build_authenticated,
          "{\"userId\":\"ada\",\"tenantId\":\"default\",\"sessionId\":\"s1\","
          "\"node\":\"n1\",\"serverTime\":\"2026-11-22T03:44:10.123Z\","
          "\"expiresAt\":\"2026-11-22T04:44:10.000Z\",\"heartbeat\":30}" },
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
        { build_member_joined_from_parts, "", build_member_joined },
        { build_conversation_head,
          "\"sequenceNumber\":0,\"revision\":4294967308}}",
          build_conversation },
        { build_updated_head, "\"revision\":4294967308}}", build_updated },
        { build_conversation_deleted_head, "\"revision\":4294967308}}",
          build_conversation_deleted },
        { build_read_head, "\"sequenceNumber\":12}}", build_read },
        { build_delivered_head, "\"sequenceNumber\":9007199254740991}}",
          build_delivered },
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


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(texts_are_as_the_contract_has_them),
        cmocka_unit_test(a_whole_event_is_its_head_and_what_redis_appends),
    };

    return cmocka_run_group_tests_name("chat_event", tests, NULL, NULL);
}
