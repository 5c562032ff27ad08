#include "chat_test_request.h"


static void
requests_are_read(void **state)
{
    uint8_t               *copy;
    chat_request_t         rq;
    chat_request_error_t   e;

    static const char  text[] =
        " { \"data\" : {\"content\":{\"n\": 1e2,\"type\":\"t\\u0065xt\"} ,"
        "\"clientMessageId\":\"" UUID "\", \"x\":1,"
        "\"conversationId\":\"l\\u006fbby\"},"
        "\"type\":\"message.\\u0073end\", \"id\":\"q-\\u00e4 1\",\"v\":[]} ";

    (void) state;

    assert_int_equal(chat_test_parse(&rq, text, sizeof(text) - 1, &e, &copy),
                     CHAT_OK);

    assert_int_equal(rq.type, CHAT_REQUEST_MESSAGE_SEND);
    assert_true(rq.has_id);
    assert_true(chat_test_slice_is(rq.id, "\"q-\\u00e4 1\""));
    assert_true(chat_test_id_is(&rq.conversation, "lobby"));
    assert_true(chat_test_id_is(&rq.client, UUID));
    assert_int_equal(rq.content.type, CHAT_JSON_OBJECT);
    assert_true(chat_test_slice_is(rq.content.raw,
                                   "{\"n\": 1e2,\"type\":\"t\\u0065xt\"}"));

    free(copy);
}


static const struct {
    const char           *text;
    chat_request_type_e   type;
    const char           *id;
} good[] = {
    { "{\"type\":\"ping\"}", CHAT_REQUEST_PING, "null" },
    { "{\"type\":\"ping\",\"id\":null,\"data\":null}", CHAT_REQUEST_PING,
      "null" },
    { "{\"type\":\"ping\",\"data\":{\"x\":1,\"x\":2}}", CHAT_REQUEST_PING,
      "null" },
    { "{\"id\":7,\"type\":\"ping\",\"data\":{}}", CHAT_REQUEST_PING, "7" },
    { "{\"id\":-12,\"type\":\"ping\"}", CHAT_REQUEST_PING, "-12" },
    { "{\"id\":12345678901234567890,\"type\":\"ping\"}", CHAT_REQUEST_PING,
      "12345678901234567890" },
    { "{\"id\":\"\",\"type\":\"ping\"}", CHAT_REQUEST_PING, "\"\"" },
    { "{\"id\":\"" X64 "\",\"type\":\"ping\"}", CHAT_REQUEST_PING,
      "\"" X64 "\"" },
    { "{\"id\":\"\\ud83d\\ude00\\n\",\"type\":\"ping\"}", CHAT_REQUEST_PING,
      "\"\\ud83d\\ude00\\n\"" },
};


static void
good_requests_are_accepted(void **state)
{
    size_t                 i;
    uint8_t               *copy;
    chat_rc_e              rc;
    chat_request_t         rq;
    chat_request_error_t   e;

    (void) state;

    for (i = 0; i < chat_test_count(good); i++) {
        rc = chat_test_parse(&rq, good[i].text, strlen(good[i].text), &e,
                             &copy);

        if (rc != CHAT_OK) {
            fail_msg("%s: %s", good[i].text, e.message);
        }

        chat_test_case(good[i].text, rq.type == good[i].type);
        chat_test_case(good[i].text, chat_test_slice_is(rq.id, good[i].id));
        chat_test_case(good[i].text,
                       rq.has_id == (strcmp(good[i].id, "null") != 0));

        free(copy);
    }
}


static void
no_beginning_of_a_request_is_one(void **state)
{
    size_t                 i, n;
    uint8_t               *copy;
    chat_request_t         rq;
    chat_request_error_t   e;

    (void) state;

    for (i = 0; i < chat_test_count(good); i++) {

        for (n = 0; n < strlen(good[i].text); n++) {
            chat_test_case(good[i].text,
                           chat_test_parse(&rq, good[i].text, n, &e, &copy)
                           == CHAT_ERROR);
            chat_test_case(good[i].text, e.code == CHAT_CODE_BAD_REQUEST);
            chat_test_case(good[i].text, e.message != NULL);
            chat_test_case(good[i].text, chat_test_slice_is(rq.id, "null"));

            free(copy);
        }
    }
}


#define SEND  "{\"type\":\"message.send\",\"id\":1,\"data\":"


/* names: a word that the message must have, so that people find the place */

static const struct {
    const char   *text;
    const char   *id;
    const char   *names;
    chat_code_e   code;
} bad[] = {
    /* the frame */
    { "", "null", "JSON", CHAT_CODE_BAD_REQUEST },
    { "[]", "null", "object", CHAT_CODE_BAD_REQUEST },
    { "\"ping\"", "null", "object", CHAT_CODE_BAD_REQUEST },
    { "{\"type\":\"ping\"}x", "null", "JSON", CHAT_CODE_BAD_REQUEST },
    { "{\"type\":\"ping\xff\"}", "null", "UTF-8", CHAT_CODE_BAD_REQUEST },
    { "{}", "null", "\"type\"", CHAT_CODE_BAD_REQUEST },
    { "{\"id\":5}", "5", "\"type\"", CHAT_CODE_BAD_REQUEST },
    { "{\"id\":5,\"type\":null}", "5", "\"type\"", CHAT_CODE_BAD_REQUEST },
    { "{\"type\":[],\"id\":\"a\"}", "\"a\"", "\"type\"",
      CHAT_CODE_BAD_REQUEST },
    { "{\"type\":\"ping\",\"id\":1,\"id\":1}", "null", "twice",
      CHAT_CODE_BAD_REQUEST },
    { "{\"type\":\"ping\",\"type\":\"ping\"}", "null", "twice",
      CHAT_CODE_BAD_REQUEST },
    { "{\"type\":\"ping\",\"id\":1.0}", "null", "\"id\"",
      CHAT_CODE_BAD_REQUEST },
    { "{\"type\":\"ping\",\"id\":1e2}", "null", "\"id\"",
      CHAT_CODE_BAD_REQUEST },
    { "{\"type\":\"ping\",\"id\":1E2}", "null", "\"id\"",
      CHAT_CODE_BAD_REQUEST },
    { "{\"type\":\"ping\",\"id\":1" "0000000000000000000000000000000000000000"
      "000000000000000000000000000000}", "null", "\"id\"",
      CHAT_CODE_BAD_REQUEST },
    { "{\"type\":\"ping\",\"id\":true}", "null", "\"id\"",
      CHAT_CODE_BAD_REQUEST },
    { "{\"type\":\"ping\",\"id\":{}}", "null", "\"id\"",
      CHAT_CODE_BAD_REQUEST },
    { "{\"type\":\"ping\",\"id\":\"" X64 "x\"}", "null", "\"id\"",
      CHAT_CODE_BAD_REQUEST },
    { "{\"type\":\"ping\",\"id\":\"" X64 X64 X64 X64 "x\"}", "null", "\"id\"",
      CHAT_CODE_BAD_REQUEST },
    { "{\"type\":\"ping\",\"id\":\"\\ud800\"}", "null", "\"id\"",
      CHAT_CODE_BAD_REQUEST },
    { "{\"type\":\"ping\",\"id\":2,\"x\":\"\\ude00\\ud83d\"}", "2",
      "surrogate", CHAT_CODE_BAD_REQUEST },
    { SEND "{\"conversationId\":\"a\",\"content\":\"\\ud83d\"}}", "1",
      "surrogate", CHAT_CODE_BAD_REQUEST },
    { SEND "{\"conversationId\":\"a\",\"content\":{\"type\":\"x\","
      "\"y\":[{\"\\ude00\":1}]}}}", "1", "surrogate",
      CHAT_CODE_BAD_REQUEST },
    { "{\"type\":\"ping\",\"id\":\"\\u0000\"}", "null", "\"id\"",
      CHAT_CODE_BAD_REQUEST },
    { "{\"type\":\"ping\",\"id\":2,\"data\":[]}", "2", "\"data\"",
      CHAT_CODE_BAD_REQUEST },
    { "{\"type\":\"ping\",\"id\":2,\"data\":\"\"}", "2", "\"data\"",
      CHAT_CODE_BAD_REQUEST },

    /* types that are not served; their data is not looked at */
    { "{\"type\":\"\",\"id\":3}", "3", "not supported",
      CHAT_CODE_UNSUPPORTED },
    { "{\"type\":\"pin\",\"id\":3}", "3", "not supported",
      CHAT_CODE_UNSUPPORTED },
    { "{\"type\":\"Ping\",\"id\":\"x\"}", "\"x\"", "not supported",
      CHAT_CODE_UNSUPPORTED },
    { "{\"type\":\"reply\",\"data\":7}", "null", "not supported",
      CHAT_CODE_UNSUPPORTED },
    { "{\"type\":\"unknown\",\"id\":3}", "3", "not supported",
      CHAT_CODE_UNSUPPORTED },
    { "{\"type\":\"typing.begin\",\"id\":3,\"data\":{\"conversationId\":1}}",
      "3", "not supported", CHAT_CODE_UNSUPPORTED },
};


static void
bad_requests_are_refused_with_a_reason(void **state)
{
    size_t                 i;
    uint8_t               *copy;
    chat_request_t         rq;
    chat_request_error_t   e;

    (void) state;

    for (i = 0; i < chat_test_count(bad); i++) {
        chat_test_case(bad[i].text,
                       chat_test_parse(&rq, bad[i].text, strlen(bad[i].text),
                                       &e, &copy)
                       == CHAT_ERROR);
        chat_test_case(bad[i].text, e.code == bad[i].code);

        if (e.message == NULL || strstr(e.message, bad[i].names) == NULL) {
            fail_msg("%s: told \"%s\"", bad[i].text, e.message);
        }

        chat_test_case(bad[i].text, chat_test_slice_is(rq.id, bad[i].id));
        chat_test_case(bad[i].text,
                       rq.has_id == (strcmp(bad[i].id, "null") != 0));

        free(copy);
    }
}


static void
an_id_counts_characters_not_bytes(void **state)
{
    char                   text[1024];
    size_t                 i, n;
    uint8_t               *copy;
    unsigned               count;
    chat_request_t         rq;
    chat_request_error_t   e;

    static const char *const  characters[] = {
        "a", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\\n", "\\u00e4",
        "\\ud83d\\ude00"
    };

    (void) state;

    for (i = 0; i < chat_test_count(characters); i++) {

        for (count = 64; count <= 65; count++) {
            n = snprintf(text, sizeof(text), "{\"type\":\"ping\",\"id\":\"");

            while (n < sizeof("{\"type\":\"ping\",\"id\":\"") - 1
                       + count * strlen(characters[i]))
            {
                n += snprintf(text + n, sizeof(text) - n, "%s", characters[i]);
            }

            n += snprintf(text + n, sizeof(text) - n, "\"}");

            assert_int_equal(chat_test_parse(&rq, text, n, &e, &copy),
                             count == 64 ? CHAT_OK : CHAT_ERROR);
            free(copy);
        }
    }
}


/*
 * Every type with all that it knows, what must be given first.  There are two
 * ways to join, which exclude each other.
 */

static const struct {
    chat_request_type_e   type;
    const char           *name;
    size_t                nrequired;
    const char           *members[7];   /* `"<name>":<value>` */
} full[] = {
    { CHAT_REQUEST_AUTHENTICATE, "authenticate", 1,
      { "\"token\":\"a.b.c\"" } },
    { CHAT_REQUEST_PING, "ping", 0, { NULL } },
    { CHAT_REQUEST_CONVERSATION_JOIN, "conversation.join", 1,
      { "\"conversationId\":\"a\"", "\"afterRevision\":1" } },
    { CHAT_REQUEST_CONVERSATION_JOIN, "conversation.join", 1,
      { "\"conversations\":[{\"conversationId\":\"a\"}]" } },
    { CHAT_REQUEST_CONVERSATION_LEAVE, "conversation.leave", 1,
      { "\"conversationId\":\"a\"" } },
    { CHAT_REQUEST_CONVERSATION_LIST, "conversation.list", 0,
      { "\"cursor\":\"c\"", "\"limit\":1" } },
    { CHAT_REQUEST_CONVERSATION_CREATE, "conversation.create", 1,
      { "\"type\":\"group\"", "\"clientId\":\"" UUID "\"", "\"name\":\"n\"",
        "\"members\":[\"b\"]" } },
    { CHAT_REQUEST_CONVERSATION_UPDATE, "conversation.update", 1,
      { "\"conversationId\":\"a\"", "\"name\":\"n\"", "\"description\":\"d\"",
        "\"readOnly\":true", "\"slowMode\":1" } },
    { CHAT_REQUEST_CONVERSATION_DELETE, "conversation.delete", 1,
      { "\"conversationId\":\"a\"" } },
    { CHAT_REQUEST_MEMBER_ADD, "member.add", 2,
      { "\"conversationId\":\"a\"", "\"userId\":\"b\"",
        "\"role\":\"member\"" } },
    { CHAT_REQUEST_MEMBER_UPDATE, "member.update", 3,
      { "\"conversationId\":\"a\"", "\"userId\":\"b\"",
        "\"role\":\"blocked\"" } },
    { CHAT_REQUEST_MEMBER_REMOVE, "member.remove", 2,
      { "\"conversationId\":\"a\"", "\"userId\":\"b\"" } },
    { CHAT_REQUEST_MEMBER_LIST, "member.list", 1,
      { "\"conversationId\":\"a\"", "\"cursor\":\"c\"", "\"limit\":1" } },
    { CHAT_REQUEST_MESSAGE_SEND, "message.send", 2,
      { "\"conversationId\":\"a\"", "\"content\":\"x\"",
        "\"clientMessageId\":\"m\"", "\"replyTo\":\"" UUID "\"",
        "\"mentions\":[\"b\"]", "\"attachments\":[{\"url\":\"u\"}]" } },
    { CHAT_REQUEST_MESSAGE_EDIT, "message.edit", 3,
      { "\"conversationId\":\"a\"", "\"messageId\":\"" UUID "\"",
        "\"content\":\"x\"" } },
    { CHAT_REQUEST_MESSAGE_DELETE, "message.delete", 2,
      { "\"conversationId\":\"a\"", "\"messageId\":\"" UUID "\"" } },
    { CHAT_REQUEST_REACTION_ADD, "reaction.add", 3,
      { "\"conversationId\":\"a\"", "\"messageId\":\"" UUID "\"",
        "\"emoji\":\"e\"" } },
    { CHAT_REQUEST_REACTION_REMOVE, "reaction.remove", 3,
      { "\"conversationId\":\"a\"", "\"messageId\":\"" UUID "\"",
        "\"emoji\":\"e\"" } },
    { CHAT_REQUEST_HISTORY_GET, "history.get", 1,
      { "\"conversationId\":\"a\"", "\"beforeSequence\":1", "\"limit\":1" } },
    { CHAT_REQUEST_READ_MARK, "read.mark", 2,
      { "\"conversationId\":\"a\"", "\"sequenceNumber\":1" } },
    { CHAT_REQUEST_DELIVERED_MARK, "delivered.mark", 2,
      { "\"conversationId\":\"a\"", "\"sequenceNumber\":1" } },
    { CHAT_REQUEST_TYPING_START, "typing.start", 1,
      { "\"conversationId\":\"a\"" } },
    { CHAT_REQUEST_TYPING_STOP, "typing.stop", 1,
      { "\"conversationId\":\"a\"" } },
    { CHAT_REQUEST_PRESENCE_SET, "presence.set", 1,
      { "\"status\":\"away\"", "\"text\":\"x\"" } },
    { CHAT_REQUEST_PRESENCE_SUBSCRIBE, "presence.subscribe", 1,
      { "\"userIds\":[\"b\"]" } },
    { CHAT_REQUEST_PRESENCE_UNSUBSCRIBE, "presence.unsubscribe", 1,
      { "\"userIds\":[\"b\"]" } },
    { CHAT_REQUEST_PRESENCE_GET, "presence.get", 1,
      { "\"conversationId\":\"a\"", "\"subscribe\":true" } },
};


#define NONE  SIZE_MAX


/* the data of a full request, with one member null, one given twice */

static void
print_data(char *dst, size_t size, size_t i, size_t null, size_t twice)
{
    int          len;
    size_t       k, n;
    const char  *member;

    n = snprintf(dst, size, "{\"unknown\":[]");

    for (k = 0; full[i].members[k] != NULL; k++) {
        member = full[i].members[k];

        if (k == null) {
            len = strchr(member, ':') - member;
            n += snprintf(dst + n, size - n, ",%.*s:null", len, member);
            continue;
        }

        n += snprintf(dst + n, size - n, ",%s", member);

        if (k == twice) {
            n += snprintf(dst + n, size - n, ",%s", member);
        }
    }

    snprintf(dst + n, size - n, "}");
}


static void
every_type_is_read_with_all_that_it_knows(void **state)
{
    char                   data[512];
    bool                   seen[CHAT_REQUEST_UNKNOWN] = { false };
    size_t                 i;
    uint8_t               *copy;
    chat_request_t         rq;
    chat_request_error_t   e;

    (void) state;

    for (i = 0; i < chat_test_count(full); i++) {
        print_data(data, sizeof(data), i, NONE, NONE);

        if (chat_test_request(&rq, full[i].name, data, &e, &copy) != CHAT_OK) {
            fail_msg("%s %s: %s", full[i].name, data, e.message);
        }

        chat_test_case(full[i].name, rq.type == full[i].type);
        seen[rq.type] = true;

        free(copy);
    }

    for (i = 0; i < chat_test_count(seen); i++) {
        chat_test_case(chat_request_type_name(i), seen[i]);
    }
}


static void
null_is_as_if_it_were_not_there(void **state)
{
    char                   data[512];
    size_t                 i, k;
    uint8_t               *copy;
    chat_rc_e              rc;
    chat_request_t         rq;
    chat_request_error_t   e;

    (void) state;

    for (i = 0; i < chat_test_count(full); i++) {

        for (k = 0; full[i].members[k] != NULL; k++) {
            print_data(data, sizeof(data), i, k, NONE);

            rc = chat_test_request(&rq, full[i].name, data, &e, &copy);

            if (k >= full[i].nrequired) {
                chat_test_case(data, rc == CHAT_OK);

            } else {
                chat_test_case(data, rc == CHAT_ERROR);
                chat_test_case(data, e.code == CHAT_CODE_BAD_REQUEST);
                chat_test_case(data, strstr(e.message, "missing") != NULL);
            }

            free(copy);
        }
    }
}


static void
what_is_known_may_not_be_given_twice(void **state)
{
    char                   data[512];
    size_t                 i, k;
    uint8_t               *copy;
    chat_rc_e              rc;
    chat_request_t         rq;
    chat_request_error_t   e;

    (void) state;

    for (i = 0; i < chat_test_count(full); i++) {

        for (k = 0; full[i].members[k] != NULL; k++) {
            print_data(data, sizeof(data), i, NONE, k);

            rc = chat_test_request(&rq, full[i].name, data, &e, &copy);

            chat_test_case(data, rc == CHAT_ERROR);
            chat_test_case(data, e.code == CHAT_CODE_BAD_REQUEST);
            chat_test_case(data, strstr(e.message, "twice") != NULL);

            free(copy);
        }
    }
}


/* whether any pointer in it, of whichever field, points into the text */

static bool
points_into(const chat_request_t *rq, const uint8_t *text, size_t len)
{
    size_t      i;
    uintptr_t   value, first = (uintptr_t) text;

    for (i = 0; i + sizeof(value) <= sizeof(*rq); i += sizeof(void *)) {
        memcpy(&value, (const uint8_t *) rq + i, sizeof(value));

        if (value >= first && value - first <= len) {
            return true;
        }
    }

    return false;
}


static void
all_slices_move_with_the_text(void **state)
{
    char                   data[512], *text;
    size_t                 i, len;
    uint8_t               *copy, *moved;
    chat_request_t         rq;
    chat_request_error_t   e;

    (void) state;

    for (i = 0; i < chat_test_count(full); i++) {
        print_data(data, sizeof(data), i, NONE, NONE);

        text = chat_test_request_text(full[i].name, data);
        len = strlen(text);

        assert_int_equal(chat_test_parse(&rq, text, len, &e, &copy), CHAT_OK);
        assert_true(points_into(&rq, copy, len));

        moved = chat_test_copy(text, len);
        chat_request_rebase(&rq, (chat_str_t) { copy, len }, moved);

        chat_test_case(full[i].name, !points_into(&rq, copy, len));
        free(copy);

        assert_ptr_equal(rq.id.data, moved + (strstr(text, ":1,\"data\"") + 1
                                              - text));
        assert_true(chat_test_slice_is(rq.id, "1"));

        if (rq.type == CHAT_REQUEST_MESSAGE_SEND) {
            assert_true(chat_test_slice_is(rq.content.raw, "\"x\""));
            assert_true(chat_test_slice_is(rq.mentions.raw, "[\"b\"]"));
            assert_true(chat_test_slice_is(rq.attachments.raw,
                                           "[{\"url\":\"u\"}]"));
        }

        if (rq.type == CHAT_REQUEST_CONVERSATION_UPDATE) {
            assert_true(chat_test_slice_is(rq.description.raw, "\"d\""));
        }

        if (rq.type == CHAT_REQUEST_PRESENCE_SET) {
            assert_true(chat_test_slice_is(rq.status_text, "x"));
        }

        if (rq.type == CHAT_REQUEST_PRESENCE_SUBSCRIBE) {
            assert_true(chat_test_slice_is(rq.users.raw, "[\"b\"]"));
        }

        free(moved);
        free(text);
    }
}


static void
what_is_no_slice_of_the_text_stays(void **state)
{
    uint8_t               *copy, moved[64];
    const uint8_t         *null;
    chat_request_t         rq;
    chat_request_error_t   e;

    static const char  text[] = "{\"type\":\"ping\"}";

    (void) state;

    assert_int_equal(chat_test_parse(&rq, text, sizeof(text) - 1, &e, &copy),
                     CHAT_OK);
    null = rq.id.data;

    chat_request_rebase(&rq, (chat_str_t) { copy, sizeof(text) - 1 }, moved);

    assert_ptr_equal(rq.id.data, null);
    assert_true(chat_test_slice_is(rq.id, "null"));
    assert_null(rq.content.raw.data);

    free(copy);
}


static void
everything_has_a_name(void **state)
{
    size_t  i;

    (void) state;

    for (i = 0; i < chat_test_count(full); i++) {
        assert_string_equal(chat_request_type_name(full[i].type),
                            full[i].name);
    }

    assert_string_equal(chat_request_type_name(CHAT_REQUEST_UNKNOWN),
                        "unknown");

    assert_string_equal(chat_conversation_type_name(CHAT_CONVERSATION_DM),
                        "dm");
    assert_string_equal(chat_conversation_type_name(CHAT_CONVERSATION_GROUP),
                        "group");
    assert_string_equal(chat_conversation_type_name(CHAT_CONVERSATION_CHANNEL),
                        "channel");

    assert_string_equal(chat_role_name(CHAT_ROLE_OWNER), "owner");
    assert_string_equal(chat_role_name(CHAT_ROLE_ADMIN), "admin");
    assert_string_equal(chat_role_name(CHAT_ROLE_MODERATOR), "moderator");
    assert_string_equal(chat_role_name(CHAT_ROLE_MEMBER), "member");
    assert_string_equal(chat_role_name(CHAT_ROLE_BLOCKED), "blocked");

    assert_string_equal(chat_code_name(CHAT_CODE_BAD_REQUEST), "bad_request");
    assert_string_equal(chat_code_name(CHAT_CODE_UNAUTHORIZED),
                        "unauthorized");
    assert_string_equal(chat_code_name(CHAT_CODE_FORBIDDEN), "forbidden");
    assert_string_equal(chat_code_name(CHAT_CODE_NOT_FOUND), "not_found");
    assert_string_equal(chat_code_name(CHAT_CODE_CONFLICT), "conflict");
    assert_string_equal(chat_code_name(CHAT_CODE_TOO_LARGE), "too_large");
    assert_string_equal(chat_code_name(CHAT_CODE_RATE_LIMITED),
                        "rate_limited");
    assert_string_equal(chat_code_name(CHAT_CODE_UNAVAILABLE), "unavailable");
    assert_string_equal(chat_code_name(CHAT_CODE_TIMEOUT), "timeout");
    assert_string_equal(chat_code_name(CHAT_CODE_UNSUPPORTED), "unsupported");
    assert_string_equal(chat_code_name(CHAT_CODE_INTERNAL), "internal");
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(requests_are_read),
        cmocka_unit_test(good_requests_are_accepted),
        cmocka_unit_test(no_beginning_of_a_request_is_one),
        cmocka_unit_test(bad_requests_are_refused_with_a_reason),
        cmocka_unit_test(an_id_counts_characters_not_bytes),
        cmocka_unit_test(every_type_is_read_with_all_that_it_knows),
        cmocka_unit_test(null_is_as_if_it_were_not_there),
        cmocka_unit_test(what_is_known_may_not_be_given_twice),
        cmocka_unit_test(all_slices_move_with_the_text),
        cmocka_unit_test(what_is_no_slice_of_the_text_stays),
        cmocka_unit_test(everything_has_a_name),
    };

    return cmocka_run_group_tests_name("chat_request", tests, NULL, NULL);
}
