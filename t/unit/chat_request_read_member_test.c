#include "chat_test_request.h"


static const chat_test_request_t  accepted[] = {
    { "member.add", "{\"conversationId\":\"a\",\"userId\":\"b\"}", NULL },
    { "member.add", "{\"conversationId\":\"a\",\"userId\":\"" X64 "\"}",
      NULL },
    { "member.add", "{\"conversationId\":\"a\",\"userId\":\"b\",\"role\":null}",
      NULL },
    { "member.add", "{\"conversationId\":\"a\",\"userId\":\"b\","
      "\"role\":\"owner\"}", NULL },
    { "member.add", "{\"conversationId\":\"a\",\"userId\":\"b\","
      "\"role\":\"admin\"}", NULL },
    { "member.add", "{\"conversationId\":\"a\",\"userId\":\"b\","
      "\"role\":\"moderator\"}", NULL },
    { "member.add", "{\"conversationId\":\"a\",\"userId\":\"b\","
      "\"role\":\"member\"}", NULL },
    { "member.update", "{\"conversationId\":\"a\",\"userId\":\"b\","
      "\"role\":\"owner\"}", NULL },
    { "member.update", "{\"conversationId\":\"a\",\"userId\":\"b\","
      "\"role\":\"admin\"}", NULL },
    { "member.update", "{\"conversationId\":\"a\",\"userId\":\"b\","
      "\"role\":\"moderator\"}", NULL },
    { "member.update", "{\"conversationId\":\"a\",\"userId\":\"b\","
      "\"role\":\"member\"}", NULL },
    { "member.update", "{\"conversationId\":\"a\",\"userId\":\"b\","
      "\"role\":\"blocked\"}", NULL },
    { "member.remove", "{\"conversationId\":\"a\",\"userId\":\"b\"}", NULL },
    { "member.remove", "{\"conversationId\":\"a\",\"userId\":\"b\",\"role\":1}",
      NULL },

    { "message.send", "{\"conversationId\":\"a\",\"content\":\"x\","
      "\"mentions\":[]}", NULL },
    { "message.send", "{\"conversationId\":\"a\",\"content\":\"x\","
      "\"mentions\":null}", NULL },
    { "message.send", "{\"conversationId\":\"a\",\"content\":\"x\","
      "\"mentions\":[\"a\"]}", NULL },
    { "message.send", "{\"conversationId\":\"a\",\"content\":\"x\","
      "\"mentions\":[ \"a\" ,\"b\",\"" X64 "\"]}", NULL },
};


static const chat_test_request_t  refused[] = {
    { "member.add", "{\"userId\":\"b\",\"role\":\"member\"}",
      "\"conversationId\"" },
    { "member.add", "{\"conversationId\":\"a\",\"role\":\"member\"}",
      "\"userId\"" },
    { "member.update", "{\"userId\":\"b\",\"role\":\"member\"}",
      "\"conversationId\"" },
    { "member.update", "{\"conversationId\":\"a\",\"role\":\"member\"}",
      "\"userId\"" },
    { "member.remove", "{\"userId\":\"b\",\"role\":\"member\"}",
      "\"conversationId\"" },
    { "member.remove", "{\"conversationId\":\"a\",\"role\":\"member\"}",
      "\"userId\"" },
    { "member.remove", "{\"conversationId\":\"a\",\"userId\":\"\"}",
      "\"userId\"" },
    { "member.remove", "{\"conversationId\":\"a\",\"userId\":\"a/b\"}",
      "\"userId\"" },
    { "member.remove", "{\"conversationId\":\"a\",\"userId\":\"" X64 "x\"}",
      "\"userId\"" },
    { "member.remove", "{\"conversationId\":\"a\",\"userId\":1}",
      "\"userId\"" },
    { "member.remove", "{\"conversationId\":\"a\",\"userId\":[\"b\"]}",
      "\"userId\"" },
    { "member.remove", "{\"conversationId\":\"a\",\"userId\":\"b\","
      "\"userId\":\"b\"}", "twice" },

    { "member.add", "{\"conversationId\":\"a\",\"userId\":\"b\","
      "\"role\":\"blocked\"}", "\"role\"" },
    { "member.add", "{\"conversationId\":\"a\",\"userId\":\"b\",\"role\":\"\"}",
      "\"role\"" },
    { "member.add", "{\"conversationId\":\"a\",\"userId\":\"b\","
      "\"role\":\"reader\"}", "\"role\"" },
    { "member.add", "{\"conversationId\":\"a\",\"userId\":\"b\","
      "\"role\":\"Owner\"}", "\"role\"" },
    { "member.add", "{\"conversationId\":\"a\",\"userId\":\"b\","
      "\"role\":\"members\"}", "\"role\"" },
    { "member.add", "{\"conversationId\":\"a\",\"userId\":\"b\",\"role\":1}",
      "\"role\"" },
    { "member.add", "{\"conversationId\":\"a\",\"userId\":\"b\",\"role\":["
      "\"member\"]}", "\"role\"" },
    { "member.update", "{\"conversationId\":\"a\",\"userId\":\"b\"}",
      "\"role\"" },
    { "member.update", "{\"conversationId\":\"a\",\"userId\":\"b\","
      "\"role\":null}", "\"role\"" },
    { "member.update", "{\"conversationId\":\"a\",\"userId\":\"b\","
      "\"role\":\"\"}", "\"role\"" },
    { "member.update", "{\"conversationId\":\"a\",\"userId\":\"b\","
      "\"role\":\"reader\"}", "\"role\"" },
    { "member.update", "{\"conversationId\":\"a\",\"userId\":\"b\","
      "\"role\":\"none\"}", "\"role\"" },
    { "member.update", "{\"conversationId\":\"a\",\"userId\":\"b\",\"role\":0}",
      "\"role\"" },
    { "member.update", "{\"conversationId\":\"a\",\"userId\":\"b\","
      "\"role\":true}", "\"role\"" },
    { "member.update", "{\"conversationId\":\"a\",\"userId\":\"b\","
      "\"role\":\"member\",\"role\":\"member\"}", "twice" },

    { "message.send", "{\"conversationId\":\"a\",\"content\":\"x\","
      "\"mentions\":\"b\"}", "\"mentions\"" },
    { "message.send", "{\"conversationId\":\"a\",\"content\":\"x\","
      "\"mentions\":{}}", "\"mentions\"" },
    { "message.send", "{\"conversationId\":\"a\",\"content\":\"x\","
      "\"mentions\":[1]}", "\"mentions\"" },
    { "message.send", "{\"conversationId\":\"a\",\"content\":\"x\","
      "\"mentions\":[null]}", "\"mentions\"" },
    { "message.send", "{\"conversationId\":\"a\",\"content\":\"x\","
      "\"mentions\":[\"a\",\"b c\"]}", "\"mentions\"" },
    { "message.send", "{\"conversationId\":\"a\",\"content\":\"x\","
      "\"mentions\":[\"\"]}", "\"mentions\"" },
    { "message.send", "{\"conversationId\":\"a\",\"content\":\"x\","
      "\"mentions\":[\"" X64 "x\"]}", "\"mentions\"" },
    { "message.send", "{\"conversationId\":\"a\",\"content\":\"x\","
      "\"mentions\":[\"a\",\"b\",\"\\u0061\"]}", "\"mentions\"" },
    { "conversation.create", "{\"type\":\"group\",\"members\":\"b\"}",
      "\"members\"" },
    { "conversation.create", "{\"type\":\"group\",\"members\":[1]}",
      "\"members\"" },
    { "conversation.create", "{\"type\":\"group\",\"members\":[\"a\",\"b c\"]}",
      "\"members\"" },
    { "conversation.create", "{\"type\":\"group\",\"members\":[\"a\",\"b\","
      "\"\\u0061\"]}", "\"members\"" },
};


static void
good_ones_are_accepted(void **state)
{
    (void) state;

    chat_test_accepted(accepted, chat_test_count(accepted));
}


static void
bad_ones_are_refused_with_a_reason(void **state)
{
    (void) state;

    chat_test_refused(refused, chat_test_count(refused));
}


static void
roles_are_read(void **state)
{
    size_t                 i;
    uint8_t               *copy;
    chat_request_t         rq;
    chat_request_error_t   e;

    static const struct {
        const char   *type;
        const char   *data;
        const char   *user;
        chat_role_e   role;
        bool          has_role;
    } cases[] = {
        { "member.add", "{\"conversationId\":\"a\",\"userId\":\"\\u0062\"}",
          "b", CHAT_ROLE_MEMBER, false },
        { "member.add", "{\"conversationId\":\"a\",\"userId\":\"b\","
          "\"role\":\"owner\"}", "b", CHAT_ROLE_OWNER, true },
        { "member.update", "{\"conversationId\":\"a\",\"userId\":\"b\","
          "\"role\":\"\\u0061dmin\"}", "b", CHAT_ROLE_ADMIN, true },
        { "member.update", "{\"conversationId\":\"a\",\"userId\":\"b\","
          "\"role\":\"moderator\"}", "b", CHAT_ROLE_MODERATOR, true },
        { "member.update", "{\"conversationId\":\"a\",\"userId\":\"b\","
          "\"role\":\"blocked\"}", "b", CHAT_ROLE_BLOCKED, true },
        { "member.update", "{\"conversationId\":\"a\",\"userId\":\"b\","
          "\"role\":\"member\"}", "b", CHAT_ROLE_MEMBER, true },
        { "member.remove", "{\"conversationId\":\"a\",\"userId\":\"" X64
          "\"}", X64, CHAT_ROLE_MEMBER, false },
    };

    (void) state;

    for (i = 0; i < chat_test_count(cases); i++) {
        assert_int_equal(chat_test_request(&rq, cases[i].type, cases[i].data,
                                           &e, &copy),
                         CHAT_OK);
        chat_test_case(cases[i].data, chat_test_id_is(&rq.conversation, "a"));
        chat_test_case(cases[i].data, chat_test_id_is(&rq.user, cases[i].user));
        chat_test_case(cases[i].data, rq.role == cases[i].role);
        chat_test_case(cases[i].data, rq.has_role == cases[i].has_role);
        free(copy);
    }
}


/* `"<member>":["u0","u1",...]`; returns its length */

static size_t
print_ids(char *dst, size_t size, const char *member, unsigned count)
{
    size_t    n;
    unsigned  i;

    n = snprintf(dst, size, "\"%s\":[", member);

    for (i = 0; i < count; i++) {
        n += snprintf(dst + n, size - n, "%s\"u%u\"", i ? "," : "", i);
    }

    return n + snprintf(dst + n, size - n, "]");
}


static void
arrays_of_ids_are_read_again(void **state)
{
    char                   text[16384];
    size_t                 i, n;
    uint8_t               *copy;
    unsigned               count, k;
    chat_json_t            element, *ids;
    chat_request_t         rq;
    chat_json_iter_t       it;
    chat_request_id_t      id;
    chat_request_error_t   e;

    static const struct {
        const char  *type;
        const char  *member;
        const char  *required;
        const char  *too_many;
        unsigned     max;
    } cases[] = {
        { "conversation.create", "members", "\"type\":\"group\"", "100", 100 },
        { "message.send", "mentions", "\"conversationId\":\"a\","
          "\"content\":\"x\"", "200", 200 },
        { "presence.subscribe", "userIds", "\"x\":1", "200", 200 },
    };

    (void) state;

    for (i = 0; i < chat_test_count(cases); i++) {

        for (count = i == 2; count <= cases[i].max + 1; count++) {
            n = snprintf(text, sizeof(text), "{%s,", cases[i].required);
            n += print_ids(text + n, sizeof(text) - n, cases[i].member, count);
            snprintf(text + n, sizeof(text) - n, "}");

            if (count > cases[i].max) {
                assert_int_equal(chat_test_request(&rq, cases[i].type, text,
                                                   &e, &copy),
                                 CHAT_ERROR);
                assert_non_null(strstr(e.message, cases[i].too_many));
                free(copy);
                continue;
            }

            assert_int_equal(chat_test_request(&rq, cases[i].type, text, &e,
                                               &copy),
                             CHAT_OK);

            ids = i == 0 ? &rq.members : i == 1 ? &rq.mentions : &rq.users;
            assert_int_equal(i == 0 ? rq.nmembers : i == 1 ? rq.nmentions
                                                           : rq.nusers, count);

            if (count == 0) {
                assert_int_equal(ids->raw.len, 0);
                free(copy);
                continue;
            }

            chat_json_iter(&it, ids);

            for (k = 0; k < count; k++) {
                assert_int_equal(chat_json_next_element(&it, &element),
                                 CHAT_OK);
                chat_request_read_id(&element, &id);

                snprintf(text, sizeof(text), "u%u", k);
                assert_true(chat_test_id_is(&id, text));
            }

            assert_int_equal(chat_json_next_element(&it, &element),
                             CHAT_DECLINED);
            free(copy);
        }
    }
}


static void
ids_are_written_anew(void **state)
{
    char                   data[256];
    size_t                 i, size;
    uint8_t               *copy, out[64];
    chat_writer_t          w;
    chat_request_t         rq;
    chat_request_error_t   e;

    static const struct {
        const char  *sent;
        const char  *array;
        const char  *list;
    } cases[] = {
        { "null", "", "" },
        { "[]", "", "" },
        { "[ ]", "", "" },
        { "[\"ada\"]", "[\"ada\"]", "ada" },
        { " [ \"ada\"\n,\t\"\\u0062ob\" , \"c:@-._Z9\" ] ",
          "[\"ada\",\"bob\",\"c:@-._Z9\"]", "ada,bob,c:@-._Z9" },
    };

    (void) state;

    for (i = 0; i < chat_test_count(cases); i++) {
        snprintf(data, sizeof(data), "{\"conversationId\":\"a\","
                 "\"content\":\"x\",\"mentions\":%s}", cases[i].sent);

        assert_int_equal(chat_test_request(&rq, "message.send", data, &e,
                                           &copy),
                         CHAT_OK);

        for (size = 0; size <= sizeof(out); size++) {
            chat_writer_init(&w, out, size);
            chat_request_write_ids(&w, &rq.mentions);
            assert_int_equal(w.len, strlen(cases[i].array));
            assert_int_equal(w.full, size < w.len);
        }

        assert_true(chat_test_slice_is((chat_str_t) { out, w.len },
                                       cases[i].array));

        for (size = 0; size <= sizeof(out); size++) {
            chat_writer_init(&w, out, size);
            chat_request_write_id_list(&w, &rq.mentions);
            assert_int_equal(w.len, strlen(cases[i].list));
            assert_int_equal(w.full, size < w.len);
        }

        assert_true(chat_test_slice_is((chat_str_t) { out, w.len },
                                       cases[i].list));
        free(copy);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(good_ones_are_accepted),
        cmocka_unit_test(bad_ones_are_refused_with_a_reason),
        cmocka_unit_test(roles_are_read),
        cmocka_unit_test(arrays_of_ids_are_read_again),
        cmocka_unit_test(ids_are_written_anew),
    };

    return cmocka_run_group_tests_name("chat_request_read_member", tests, NULL,
                                       NULL);
}
