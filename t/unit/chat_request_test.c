#include "chat_test.h"

#include "chat_request.h"


#define X64  "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X128 X64 X64
#define UUID "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"


/* the request must be freed by free(), its slices point into it */

static chat_rc_e
parse(chat_request_t *rq, const char *text, size_t len,
    chat_request_error_t *e, uint8_t **copy)
{
    *copy = chat_test_copy(text, len);

    e->code = CHAT_CODE_INTERNAL;
    e->message = NULL;

    return chat_request_parse(rq, (chat_str_t) { *copy, len }, e);
}


static bool
slice_is(chat_str_t s, const char *text)
{
    return s.len == strlen(text) && memcmp(s.data, text, s.len) == 0;
}


static bool
id_is(const chat_request_id_t *id, const char *text)
{
    return slice_is((chat_str_t) { id->data, id->len }, text);
}


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

    assert_int_equal(parse(&rq, text, sizeof(text) - 1, &e, &copy), CHAT_OK);

    assert_int_equal(rq.type, CHAT_REQUEST_MESSAGE_SEND);
    assert_true(rq.has_id);
    assert_true(slice_is(rq.id, "\"q-\\u00e4 1\""));
    assert_true(id_is(&rq.conversation, "lobby"));
    assert_true(id_is(&rq.client, UUID));
    assert_int_equal(rq.content.type, CHAT_JSON_OBJECT);
    assert_true(slice_is(rq.content.raw,
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

    { "{\"type\":\"authenticate\",\"data\":{\"token\":\"a.b.c\"}}",
      CHAT_REQUEST_AUTHENTICATE, "null" },

    { "{\"type\":\"conversation.join\",\"data\":{\"conversationId\":\"a\"}}",
      CHAT_REQUEST_CONVERSATION_JOIN, "null" },
    { "{\"type\":\"conversation.join\",\"data\":{\"conversationId\":\"a\","
      "\"afterRevision\":9007199254740991,\"conversations\":null}}",
      CHAT_REQUEST_CONVERSATION_JOIN, "null" },
    { "{\"type\":\"conversation.join\",\"data\":{\"conversations\":"
      "[{\"conversationId\":\"a\"},{\"afterRevision\":3,\"conversationId\":"
      "\"b\",\"x\":1},{\"conversationId\":\"c\",\"afterRevision\":null}]}}",
      CHAT_REQUEST_CONVERSATION_JOIN, "null" },

    { "{\"type\":\"conversation.leave\",\"data\":{\"conversationId\":\"a\"}}",
      CHAT_REQUEST_CONVERSATION_LEAVE, "null" },

    { "{\"type\":\"conversation.create\",\"data\":{\"type\":\"group\"}}",
      CHAT_REQUEST_CONVERSATION_CREATE, "null" },
    { "{\"type\":\"conversation.create\",\"data\":{\"type\":\"channel\","
      "\"conversationId\":\"" X64 "\",\"name\":\"" X128 "\",\"members\":[]}}",
      CHAT_REQUEST_CONVERSATION_CREATE, "null" },
    { "{\"type\":\"conversation.create\",\"data\":{\"type\":\"group\","
      "\"clientId\":\"" UUID "\",\"members\":[\"a\",\"b\"]}}",
      CHAT_REQUEST_CONVERSATION_CREATE, "null" },
    { "{\"type\":\"conversation.create\",\"data\":{\"type\":\"dm\","
      "\"members\":[\"b\"],\"name\":null}}",
      CHAT_REQUEST_CONVERSATION_CREATE, "null" },

    { "{\"type\":\"message.send\",\"data\":{\"conversationId\":\"a\","
      "\"content\":\"\"}}", CHAT_REQUEST_MESSAGE_SEND, "null" },
    { "{\"type\":\"message.send\",\"data\":{\"conversationId\":\"a\","
      "\"clientMessageId\":\"!~/\",\"content\":{\"type\":\"\"}}}",
      CHAT_REQUEST_MESSAGE_SEND, "null" },

    { "{\"type\":\"history.get\",\"data\":{\"conversationId\":\"a\"}}",
      CHAT_REQUEST_HISTORY_GET, "null" },
    { "{\"type\":\"history.get\",\"data\":{\"conversationId\":\"a\","
      "\"beforeSequence\":0,\"limit\":1}}", CHAT_REQUEST_HISTORY_GET, "null" },
    { "{\"type\":\"history.get\",\"data\":{\"conversationId\":\"a\","
      "\"afterSequence\":12,\"beforeSequence\":null,\"limit\":200}}",
      CHAT_REQUEST_HISTORY_GET, "null" },
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
        rc = parse(&rq, good[i].text, strlen(good[i].text), &e, &copy);

        if (rc != CHAT_OK) {
            fail_msg("%s: %s", good[i].text, e.message);
        }

        chat_test_case(good[i].text, rq.type == good[i].type);
        chat_test_case(good[i].text, slice_is(rq.id, good[i].id));
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
                           parse(&rq, good[i].text, n, &e, &copy)
                           == CHAT_ERROR);
            chat_test_case(good[i].text, e.code == CHAT_CODE_BAD_REQUEST);
            chat_test_case(good[i].text, e.message != NULL);
            chat_test_case(good[i].text, slice_is(rq.id, "null"));

            free(copy);
        }
    }
}


#define JOIN     "{\"type\":\"conversation.join\",\"id\":1,\"data\":"
#define CREATE   "{\"type\":\"conversation.create\",\"id\":1,\"data\":"
#define SEND     "{\"type\":\"message.send\",\"id\":1,\"data\":"
#define HISTORY  "{\"type\":\"history.get\",\"id\":1,\"data\":"


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
    { "{\"type\":\"typing.start\",\"id\":3,\"data\":{\"conversationId\":1}}",
      "3", "not supported", CHAT_CODE_UNSUPPORTED },

    /* authenticate */
    { "{\"type\":\"authenticate\",\"id\":1}", "1", "\"token\"",
      CHAT_CODE_BAD_REQUEST },
    { "{\"type\":\"authenticate\",\"id\":1,\"data\":{\"token\":null}}", "1",
      "\"token\"", CHAT_CODE_BAD_REQUEST },
    { "{\"type\":\"authenticate\",\"id\":1,\"data\":{\"token\":1}}", "1",
      "\"token\"", CHAT_CODE_BAD_REQUEST },
    { "{\"type\":\"authenticate\",\"id\":1,\"data\":{\"token\":\"a\","
      "\"token\":\"a\"}}", "1", "twice", CHAT_CODE_BAD_REQUEST },

    /* conversation.join */
    { JOIN "{}}", "1", "\"conversationId\"", CHAT_CODE_BAD_REQUEST },
    { JOIN "{\"conversationId\":\"\"}}", "1", "\"conversationId\"",
      CHAT_CODE_BAD_REQUEST },
    { JOIN "{\"conversationId\":\"a/b\"}}", "1", "\"conversationId\"",
      CHAT_CODE_BAD_REQUEST },
    { JOIN "{\"conversationId\":\"" X64 "x\"}}", "1", "\"conversationId\"",
      CHAT_CODE_BAD_REQUEST },
    { JOIN "{\"conversationId\":1}}", "1", "\"conversationId\"",
      CHAT_CODE_BAD_REQUEST },
    { JOIN "{\"conversationId\":\"a\",\"afterRevision\":-1}}", "1",
      "\"afterRevision\"", CHAT_CODE_BAD_REQUEST },
    { JOIN "{\"conversationId\":\"a\",\"afterRevision\":9007199254740992}}",
      "1", "\"afterRevision\"", CHAT_CODE_BAD_REQUEST },
    { JOIN "{\"conversationId\":\"a\",\"afterRevision\":\"1\"}}", "1",
      "\"afterRevision\"", CHAT_CODE_BAD_REQUEST },
    { JOIN "{\"conversations\":{}}}", "1", "\"conversations\"",
      CHAT_CODE_BAD_REQUEST },
    { JOIN "{\"conversations\":[]}}", "1", "\"conversations\"",
      CHAT_CODE_BAD_REQUEST },
    { JOIN "{\"conversations\":[\"a\"]}}", "1", "\"conversations\"",
      CHAT_CODE_BAD_REQUEST },
    { JOIN "{\"conversations\":[{}]}}", "1", "\"conversations\"",
      CHAT_CODE_BAD_REQUEST },
    { JOIN "{\"conversations\":[{\"conversationId\":\"a\"},{\"conversationId\""
      ":\"b\",\"afterRevision\":1.5}]}}", "1", "\"conversations\"",
      CHAT_CODE_BAD_REQUEST },
    { JOIN "{\"conversations\":[{\"conversationId\":\"a\",\"conversationId\":"
      "\"a\"}]}}", "1", "\"conversations\"", CHAT_CODE_BAD_REQUEST },
    { JOIN "{\"conversations\":[{\"conversationId\":\"a\"}],"
      "\"conversationId\":\"a\"}}", "1", "\"conversations\"",
      CHAT_CODE_BAD_REQUEST },
    { JOIN "{\"conversations\":[{\"conversationId\":\"a\"}],"
      "\"afterRevision\":1}}", "1", "\"conversations\"",
      CHAT_CODE_BAD_REQUEST },

    /* conversation.leave */
    { "{\"type\":\"conversation.leave\",\"id\":1}", "1", "\"conversationId\"",
      CHAT_CODE_BAD_REQUEST },

    /* conversation.create */
    { CREATE "{}}", "1", "\"type\"", CHAT_CODE_BAD_REQUEST },
    { CREATE "{\"type\":\"room\"}}", "1", "\"type\"", CHAT_CODE_BAD_REQUEST },
    { CREATE "{\"type\":1}}", "1", "\"type\"", CHAT_CODE_BAD_REQUEST },
    { CREATE "{\"type\":\"group\",\"conversationId\":\"a b\"}}", "1",
      "\"conversationId\"", CHAT_CODE_BAD_REQUEST },
    { CREATE "{\"type\":\"group\",\"clientId\":\"a\"}}", "1", "UUIDv7",
      CHAT_CODE_BAD_REQUEST },
    { CREATE "{\"type\":\"group\",\"clientId\":"
      "\"017f22e2-79b0-4cc3-98c4-dc0c0c07398f\"}}", "1", "UUIDv7",
      CHAT_CODE_BAD_REQUEST },
    { CREATE "{\"type\":\"group\",\"clientId\":7}}", "1", "UUIDv7",
      CHAT_CODE_BAD_REQUEST },
    { CREATE "{\"type\":\"group\",\"clientId\":\"" UUID "\","
      "\"conversationId\":\"a\"}}", "1", "\"clientId\"",
      CHAT_CODE_BAD_REQUEST },
    { CREATE "{\"type\":\"group\",\"name\":\"\"}}", "1", "\"name\"",
      CHAT_CODE_BAD_REQUEST },
    { CREATE "{\"type\":\"group\",\"name\":\"" X128 "x\"}}", "1", "\"name\"",
      CHAT_CODE_BAD_REQUEST },
    { CREATE "{\"type\":\"group\",\"name\":\"a\\nb\"}}", "1", "\"name\"",
      CHAT_CODE_BAD_REQUEST },
    { CREATE "{\"type\":\"group\",\"name\":\"\\u0085\"}}", "1", "\"name\"",
      CHAT_CODE_BAD_REQUEST },
    { CREATE "{\"type\":\"group\",\"name\":5}}", "1", "\"name\"",
      CHAT_CODE_BAD_REQUEST },
    { CREATE "{\"type\":\"group\",\"members\":\"b\"}}", "1", "\"members\"",
      CHAT_CODE_BAD_REQUEST },
    { CREATE "{\"type\":\"group\",\"members\":[1]}}", "1", "\"members\"",
      CHAT_CODE_BAD_REQUEST },
    { CREATE "{\"type\":\"group\",\"members\":[\"a\",\"b c\"]}}", "1",
      "\"members\"", CHAT_CODE_BAD_REQUEST },
    { CREATE "{\"type\":\"group\",\"members\":[\"a\",\"b\",\"\\u0061\"]}}",
      "1", "\"members\"", CHAT_CODE_BAD_REQUEST },
    { CREATE "{\"type\":\"dm\"}}", "1", "\"members\"",
      CHAT_CODE_BAD_REQUEST },
    { CREATE "{\"type\":\"dm\",\"members\":[]}}", "1", "\"members\"",
      CHAT_CODE_BAD_REQUEST },
    { CREATE "{\"type\":\"dm\",\"members\":[\"a\",\"b\"]}}", "1",
      "\"members\"", CHAT_CODE_BAD_REQUEST },
    { CREATE "{\"type\":\"dm\",\"members\":[\"a\"],\"name\":\"x\"}}", "1",
      "\"name\"", CHAT_CODE_BAD_REQUEST },
    { CREATE "{\"type\":\"dm\",\"members\":[\"a\"],\"conversationId\":\"x\"}}",
      "1", "\"conversationId\"", CHAT_CODE_BAD_REQUEST },

    /* message.send */
    { SEND "{\"content\":\"x\"}}", "1", "\"conversationId\"",
      CHAT_CODE_BAD_REQUEST },
    { SEND "{\"conversationId\":\"a\"}}", "1", "\"content\"",
      CHAT_CODE_BAD_REQUEST },
    { SEND "{\"conversationId\":\"a\",\"content\":null}}", "1", "\"content\"",
      CHAT_CODE_BAD_REQUEST },
    { SEND "{\"conversationId\":\"a\",\"content\":1}}", "1", "\"content\"",
      CHAT_CODE_BAD_REQUEST },
    { SEND "{\"conversationId\":\"a\",\"content\":[\"x\"]}}", "1",
      "\"content\"", CHAT_CODE_BAD_REQUEST },
    { SEND "{\"conversationId\":\"a\",\"content\":{}}}", "1", "\"type\"",
      CHAT_CODE_BAD_REQUEST },
    { SEND "{\"conversationId\":\"a\",\"content\":{\"type\":1}}}", "1",
      "\"type\"", CHAT_CODE_BAD_REQUEST },
    { SEND "{\"conversationId\":\"a\",\"content\":{\"type\":\"a\",\"type\":"
      "\"b\"}}}", "1", "\"type\"", CHAT_CODE_BAD_REQUEST },
    { SEND "{\"conversationId\":\"a\",\"content\":\"x\",\"clientMessageId\":"
      "\"\"}}", "1", "\"clientMessageId\"", CHAT_CODE_BAD_REQUEST },
    { SEND "{\"conversationId\":\"a\",\"content\":\"x\",\"clientMessageId\":"
      "\"a b\"}}", "1", "\"clientMessageId\"", CHAT_CODE_BAD_REQUEST },
    { SEND "{\"conversationId\":\"a\",\"content\":\"x\",\"clientMessageId\":"
      "\"" X64 "x\"}}", "1", "\"clientMessageId\"", CHAT_CODE_BAD_REQUEST },
    { SEND "{\"conversationId\":\"a\",\"content\":\"x\",\"clientMessageId\":"
      "\"\\u00e4\"}}", "1", "\"clientMessageId\"", CHAT_CODE_BAD_REQUEST },
    { SEND "{\"conversationId\":\"a\",\"content\":\"x\",\"clientMessageId\":"
      "17}}", "1", "\"clientMessageId\"", CHAT_CODE_BAD_REQUEST },

    /* history.get */
    { HISTORY "{}}", "1", "\"conversationId\"", CHAT_CODE_BAD_REQUEST },
    { HISTORY "{\"conversationId\":\"a\",\"limit\":0}}", "1", "\"limit\"",
      CHAT_CODE_BAD_REQUEST },
    { HISTORY "{\"conversationId\":\"a\",\"limit\":201}}", "1", "\"limit\"",
      CHAT_CODE_BAD_REQUEST },
    { HISTORY "{\"conversationId\":\"a\",\"limit\":\"5\"}}", "1", "\"limit\"",
      CHAT_CODE_BAD_REQUEST },
    { HISTORY "{\"conversationId\":\"a\",\"beforeSequence\":1,"
      "\"afterSequence\":1}}", "1", "exclude", CHAT_CODE_BAD_REQUEST },
    { HISTORY "{\"conversationId\":\"a\",\"beforeSequence\":-1}}", "1",
      "\"beforeSequence\"", CHAT_CODE_BAD_REQUEST },
    { HISTORY "{\"conversationId\":\"a\",\"afterSequence\":0.5}}", "1",
      "\"afterSequence\"", CHAT_CODE_BAD_REQUEST },
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
                       parse(&rq, bad[i].text, strlen(bad[i].text), &e, &copy)
                       == CHAT_ERROR);
        chat_test_case(bad[i].text, e.code == bad[i].code);

        if (e.message == NULL || strstr(e.message, bad[i].names) == NULL) {
            fail_msg("%s: told \"%s\"", bad[i].text, e.message);
        }

        chat_test_case(bad[i].text, slice_is(rq.id, bad[i].id));
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

            assert_int_equal(parse(&rq, text, n, &e, &copy),
                             count == 64 ? CHAT_OK : CHAT_ERROR);
            free(copy);
        }
    }
}


static void
positions_and_limits_are_read(void **state)
{
    uint8_t               *copy;
    chat_request_t         rq;
    chat_request_error_t   e;

    static const char  plain[] = HISTORY "{\"conversationId\":\"a\"}}";
    static const char  before[] =
        HISTORY "{\"conversationId\":\"a\",\"beforeSequence\":12,"
        "\"limit\":200}}";
    static const char  after[] =
        HISTORY "{\"conversationId\":\"a\",\"afterSequence\":0}}";
    static const char  join[] =
        JOIN "{\"conversationId\":\"a\",\"afterRevision\":4294967308}}";

    (void) state;

    assert_int_equal(parse(&rq, plain, sizeof(plain) - 1, &e, &copy), CHAT_OK);
    assert_int_equal(rq.limit, CHAT_REQUEST_DEF_LIMIT);
    assert_false(rq.has_before_sequence);
    assert_false(rq.has_after_sequence);
    free(copy);

    assert_int_equal(parse(&rq, before, sizeof(before) - 1, &e, &copy),
                     CHAT_OK);
    assert_int_equal(rq.limit, 200);
    assert_true(rq.has_before_sequence);
    assert_int_equal(rq.before_sequence, 12);
    assert_false(rq.has_after_sequence);
    free(copy);

    assert_int_equal(parse(&rq, after, sizeof(after) - 1, &e, &copy), CHAT_OK);
    assert_true(rq.has_after_sequence);
    assert_int_equal(rq.after_sequence, 0);
    free(copy);

    assert_int_equal(parse(&rq, join, sizeof(join) - 1, &e, &copy), CHAT_OK);
    assert_true(rq.has_after_revision);
    assert_int_equal(rq.after_revision, UINT64_C(4294967308));
    assert_int_equal(rq.nbatch, 0);
    free(copy);
}


static void
a_batch_of_joins_is_read_again(void **state)
{
    char                   text[16384];
    bool                   has_after;
    size_t                 n;
    uint8_t               *copy;
    uint64_t               after;
    unsigned               count, i;
    chat_json_t            element;
    chat_request_t         rq;
    chat_json_iter_t       it;
    chat_request_id_t      id;
    chat_request_error_t   e;

    (void) state;

    for (count = 200; count <= 201; count++) {
        n = snprintf(text, sizeof(text), JOIN "{\"conversations\":[");

        for (i = 0; i < count; i++) {
            n += snprintf(text + n, sizeof(text) - n,
                          "%s{\"conversationId\":\"c%u\"", i ? "," : "", i);

            if (i % 2 == 1) {
                n += snprintf(text + n, sizeof(text) - n,
                              ",\"afterRevision\":%u", i * 3);
            }

            n += snprintf(text + n, sizeof(text) - n, "}");
        }

        n += snprintf(text + n, sizeof(text) - n, "]}}");

        if (count == 201) {
            assert_int_equal(parse(&rq, text, n, &e, &copy), CHAT_ERROR);
            free(copy);
            continue;
        }

        assert_int_equal(parse(&rq, text, n, &e, &copy), CHAT_OK);
        assert_int_equal(rq.nbatch, 200);

        chat_json_iter(&it, &rq.batch);

        for (i = 0; i < count; i++) {
            assert_int_equal(chat_json_next_element(&it, &element), CHAT_OK);
            chat_request_read_join(&element, &id, &after, &has_after);

            n = snprintf(text, sizeof(text), "c%u", i);
            assert_true(id_is(&id, text));
            assert_int_equal(has_after, i % 2 == 1);
            assert_int_equal(after, i % 2 == 1 ? i * 3 : 0);
        }

        free(copy);
    }
}


static void
members_are_read_again(void **state)
{
    char                   text[16384];
    size_t                 n;
    uint8_t               *copy;
    unsigned               count, i;
    chat_json_t            element;
    chat_request_t         rq;
    chat_json_iter_t       it;
    chat_request_id_t      id;
    chat_request_error_t   e;

    (void) state;

    for (count = 100; count <= 101; count++) {
        n = snprintf(text, sizeof(text),
                     CREATE "{\"type\":\"group\",\"members\":[");

        for (i = 0; i < count; i++) {
            n += snprintf(text + n, sizeof(text) - n, "%s\"u%u\"",
                          i ? "," : "", i);
        }

        n += snprintf(text + n, sizeof(text) - n, "]}}");

        if (count == 101) {
            assert_int_equal(parse(&rq, text, n, &e, &copy), CHAT_ERROR);
            assert_non_null(strstr(e.message, "100"));
            free(copy);
            continue;
        }

        assert_int_equal(parse(&rq, text, n, &e, &copy), CHAT_OK);
        assert_int_equal(rq.nmembers, 100);

        chat_json_iter(&it, &rq.members);

        for (i = 0; i < count; i++) {
            assert_int_equal(chat_json_next_element(&it, &element), CHAT_OK);
            chat_request_read_id(&element, &id);

            snprintf(text, sizeof(text), "u%u", i);
            assert_true(id_is(&id, text));
        }

        free(copy);
    }
}


static void
what_was_not_accepted_reads_as_nothing(void **state)
{
    bool               has_after;
    uint64_t           after;
    chat_json_t        value;
    const char        *reason;
    chat_request_id_t  id;

    (void) state;

    assert_int_equal(chat_json_parse(chat_str("{\"conversationId\":\"a\","
                                              "\"conversationId\":\"b\"}"),
                                     2, &value, &reason),
                     CHAT_OK);
    chat_request_read_join(&value, &id, &after, &has_after);
    assert_int_equal(id.len, 0);
    assert_false(has_after);

    assert_int_equal(chat_json_parse(chat_str("\"a b\""), 2, &value, &reason),
                     CHAT_OK);
    chat_request_read_id(&value, &id);
    assert_int_equal(id.len, 0);
}


static void
creations_are_read(void **state)
{
    size_t                 i;
    uint8_t               *copy;
    chat_request_t         rq;
    chat_request_error_t   e;

    static const struct {
        const char                *text;
        chat_conversation_type_e   type;
        const char                *conversation;
        const char                *client;
        const char                *name;
        uint32_t                   nmembers;
    } cases[] = {
        { CREATE "{\"type\":\"group\",\"name\":\"Gr\\u00fc\xc3\x9f" "e\","
          "\"members\":[\"a\",\"b\"],\"clientId\":\"" UUID "\"}}",
          CHAT_CONVERSATION_GROUP, "", UUID, "Gr\xc3\xbc\xc3\x9f" "e", 2 },
        { CREATE "{\"type\":\"ch\\u0061nnel\",\"conversationId\":\"news\"}}",
          CHAT_CONVERSATION_CHANNEL, "news", "", "", 0 },
        { CREATE "{\"type\":\"dm\",\"members\":[\"b\"]}}",
          CHAT_CONVERSATION_DM, "", "", "", 1 },
    };

    (void) state;

    for (i = 0; i < chat_test_count(cases); i++) {
        assert_int_equal(parse(&rq, cases[i].text, strlen(cases[i].text), &e,
                               &copy),
                         CHAT_OK);
        assert_int_equal(rq.conversation_type, cases[i].type);
        assert_true(id_is(&rq.conversation, cases[i].conversation));
        assert_true(id_is(&rq.client, cases[i].client));
        assert_true(slice_is((chat_str_t) { rq.name, rq.name_len },
                             cases[i].name));
        assert_int_equal(rq.nmembers, cases[i].nmembers);
        free(copy);
    }
}


static void
content_keeps_its_bytes(void **state)
{
    char                   text[512];
    size_t                 i, n;
    uint8_t               *copy;
    chat_request_t         rq;
    chat_request_error_t   e;

    static const char *const  contents[] = {
        "\"\"", "\"\\uD83d\\ude00\\u0000\"", "\"\xe2\x80\xa8 \\/ \\u00E4\"",
        "{\"type\":\"x\",\"n\":[0.1,1e2,12345678901234567890,-0,1.0]}",
        "{ \"b\":1,\"a\":2,\n\t\"type\" : \"\\u0078\" , \"b\":3 }",
    };

    (void) state;

    for (i = 0; i < chat_test_count(contents); i++) {
        n = snprintf(text, sizeof(text),
                     SEND "{\"conversationId\":\"a\",\"content\": %s }}",
                     contents[i]);

        assert_int_equal(parse(&rq, text, n, &e, &copy), CHAT_OK);
        assert_true(slice_is(rq.content.raw, contents[i]));
        free(copy);
    }
}


static void
content_is_nested_32_deep_at_most(void **state)
{
    char                   text[512];
    size_t                 n;
    uint8_t               *copy;
    unsigned               depth, i;
    chat_request_t         rq;
    chat_request_error_t   e;

    (void) state;

    for (depth = 31; depth <= 62; depth++) {
        n = snprintf(text, sizeof(text),
                     SEND "{\"conversationId\":\"a\",\"content\":"
                     "{\"type\":\"x\",\"a\":");

        for (i = 1; i < depth; i++) {
            text[n++] = '[';
        }

        for (i = 1; i < depth; i++) {
            text[n++] = ']';
        }

        n += snprintf(text + n, sizeof(text) - n, "}}}");

        if (depth <= CHAT_REQUEST_MAX_DEPTH) {
            assert_int_equal(parse(&rq, text, n, &e, &copy), CHAT_OK);

        } else {
            assert_int_equal(parse(&rq, text, n, &e, &copy), CHAT_ERROR);
            assert_non_null(strstr(e.message, "deep"));

            /* whom to answer is still known */

            assert_true(slice_is(rq.id, "1"));
        }

        free(copy);
    }
}


static void
everything_has_a_name(void **state)
{
    (void) state;

    assert_string_equal(chat_request_type_name(CHAT_REQUEST_AUTHENTICATE),
                        "authenticate");
    assert_string_equal(chat_request_type_name(CHAT_REQUEST_PING), "ping");
    assert_string_equal(chat_request_type_name(CHAT_REQUEST_CONVERSATION_JOIN),
                        "conversation.join");
    assert_string_equal(chat_request_type_name(CHAT_REQUEST_CONVERSATION_LEAVE),
                        "conversation.leave");
    assert_string_equal(chat_request_type_name(
                            CHAT_REQUEST_CONVERSATION_CREATE),
                        "conversation.create");
    assert_string_equal(chat_request_type_name(CHAT_REQUEST_MESSAGE_SEND),
                        "message.send");
    assert_string_equal(chat_request_type_name(CHAT_REQUEST_HISTORY_GET),
                        "history.get");
    assert_string_equal(chat_request_type_name(CHAT_REQUEST_UNKNOWN),
                        "unknown");

    assert_string_equal(chat_conversation_type_name(CHAT_CONVERSATION_DM),
                        "dm");
    assert_string_equal(chat_conversation_type_name(CHAT_CONVERSATION_GROUP),
                        "group");
    assert_string_equal(chat_conversation_type_name(CHAT_CONVERSATION_CHANNEL),
                        "channel");

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
        cmocka_unit_test(positions_and_limits_are_read),
        cmocka_unit_test(a_batch_of_joins_is_read_again),
        cmocka_unit_test(members_are_read_again),
        cmocka_unit_test(what_was_not_accepted_reads_as_nothing),
        cmocka_unit_test(creations_are_read),
        cmocka_unit_test(content_keeps_its_bytes),
        cmocka_unit_test(content_is_nested_32_deep_at_most),
        cmocka_unit_test(everything_has_a_name),
    };

    return cmocka_run_group_tests_name("chat_request", tests, NULL, NULL);
}
