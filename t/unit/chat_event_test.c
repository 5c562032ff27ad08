#include "chat_test.h"

#include "chat_event.h"


/* what a function writes, found by measuring first; to be freed */

typedef void (*build_pt)(chat_writer_t *w);


static char *
built(build_pt build)
{
    char           *text;
    size_t          len, size;
    const char     *reason;
    chat_json_t     value;
    chat_writer_t   w;

    chat_writer_init(&w, NULL, 0);
    build(&w);
    len = w.len;

    /* at every size that is too small it stops in time and says so */

    for (size = 0; size < len; size++) {
        text = (char *) chat_test_copy("", 0);
        text = realloc(text, size != 0 ? size : 1);
        assert_non_null(text);

        chat_writer_init(&w, (uint8_t *) text, size);
        build(&w);
        assert_true(w.full);
        assert_int_equal(w.len, len);

        free(text);
    }

    text = calloc(1, len + 1);
    assert_non_null(text);

    chat_writer_init(&w, (uint8_t *) text, len);
    build(&w);
    assert_false(w.full);
    assert_int_equal(w.len, len);
    assert_ptr_equal(w.pos, text + len);

    if (text[len - 1] == '}') {
        assert_int_equal(chat_json_parse(chat_test_str(text), 64, &value,
                                         &reason),
                         CHAT_OK);
    }

    return text;
}


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


static const chat_event_message_t  message = {
    .id           = chat_str("017f22e2-79b0-7cc3-98c4-dc0c0c07398f"),
    .conversation = chat_str("lobby"),
    .sender       = chat_str("ada"),
    .client_id    = chat_str("\"\\"),
    .content      = chat_str("{ \"type\":\"t\",\"n\":1e2 }"),
    .time         = UINT64_C(1795319050123)
};


static void
build_message(chat_writer_t *w)
{
    chat_event_message(w, &message, 12, UINT64_C(4294967308));
}


static void
build_message_data(chat_writer_t *w)
{
    chat_event_message_data(w, &message, 12, UINT64_C(4294967308));
}


/* as Redis makes it */

static void
build_message_in_halves(chat_writer_t *w)
{
    chat_event_message_head(w, &message);
    chat_write_cstr(w, "\"sequenceNumber\":12,\"revision\":4294967308}}");
}


static void
build_message_head(chat_writer_t *w)
{
    chat_event_message_head(w, &message);
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
build_nameless_conversation(chat_writer_t *w)
{
    chat_event_conversation_t  c;

    c.conversation = chat_str("dm:2d48c4da4632a17768fbeb23d8508072");
    c.type = CHAT_CONVERSATION_DM;
    c.name = (chat_str_t) { NULL, 0 };
    c.creator = chat_str("ada");
    c.time = UINT64_C(1795319050123);

    chat_event_conversation_head(w, &c);
    chat_write_cstr(w, "\"sequenceNumber\":0,\"revision\":4294967297}}");
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


#define MESSAGE_DATA                                                          \
    "{\"id\":\"017f22e2-79b0-7cc3-98c4-dc0c0c07398f\","                       \
    "\"conversationId\":\"lobby\",\"senderId\":\"ada\","                      \
    "\"clientMessageId\":\"\\\"\\\\\","                                       \
    "\"content\":{ \"type\":\"t\",\"n\":1e2 },"                               \
    "\"timestamp\":\"2026-11-22T03:44:10.123Z\","


static void
texts_are_as_the_contract_has_them(void **state)
{
    char    *text;
    size_t   i;

    static const struct {
        build_pt     build;
        const char  *text;
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
        { build_message_head,
          "{\"type\":\"message.created\",\"data\":" MESSAGE_DATA },
        { build_message_data,
          MESSAGE_DATA "\"sequenceNumber\":12,\"revision\":4294967308}" },
        { build_message,
          "{\"type\":\"message.created\",\"data\":" MESSAGE_DATA
          "\"sequenceNumber\":12,\"revision\":4294967308}}" },
        { build_anonymous_message,
          "{\"type\":\"message.created\",\"data\":"
          "{\"id\":\"017f22e2-79b0-7cc3-98c4-dc0c0c07398f\","
          "\"conversationId\":\"lobby\",\"senderId\":\"ada\","
          "\"content\":\"hi\",\"timestamp\":\"2026-11-22T03:44:10.123Z\","
          "\"sequenceNumber\":1,\"revision\":9007199254740991}}" },
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
        { build_authenticated,
          "{\"userId\":\"ada\",\"tenantId\":\"default\",\"sessionId\":\"s1\","
          "\"node\":\"n1\",\"serverTime\":\"2026-11-22T03:44:10.123Z\","
          "\"expiresAt\":\"2026-11-22T04:44:10.000Z\",\"heartbeat\":30}" },
    };

    (void) state;

    for (i = 0; i < chat_test_count(cases); i++) {
        text = built(cases[i].build);
        assert_string_equal(text, cases[i].text);
        free(text);
    }
}


static void
a_whole_event_is_its_head_and_its_position(void **state)
{
    char  *whole, *halves;

    (void) state;

    whole = built(build_message);
    halves = built(build_message_in_halves);

    assert_string_equal(whole, halves);

    free(whole);
    free(halves);
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
        cmocka_unit_test(a_whole_event_is_its_head_and_its_position),
        cmocka_unit_test(content_comes_out_as_it_went_in),
    };

    return cmocka_run_group_tests_name("chat_event", tests, NULL, NULL);
}
