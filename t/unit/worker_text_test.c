/*
 * The small parsers of workers/lib.  Their files are compiled in, so that the
 * sanitizers see them too.
 */

#define _GNU_SOURCE

#include "chat_test.h"

#include "../../workers/lib/number.c"
#include "../../workers/lib/qualified.c"
#include "../../workers/lib/redis_url.c"
#include "../../workers/lib/stream_id.c"
#include "../../workers/lib/uuid.c"


static void
a_number_is_digits_up_to_its_bound(void **state)
{
    size_t    i;
    uint64_t  n;
    uint8_t  *copy;

    static const struct {
        const char  *text;
        uint64_t     max;
        bool         good;
        uint64_t     n;
    } cases[] = {
        { "0", 9, true, 0 },
        { "9", 9, true, 9 },
        { "10", 9, false, 0 },
        { "3", 2, false, 0 },
        { "0", 0, true, 0 },
        { "1", 0, false, 0 },
        { "007", 9, true, 7 },
        { "18446744073709551615", UINT64_MAX, true, UINT64_MAX },
        { "18446744073709551616", UINT64_MAX, false, 0 },
        { "99999999999999999999", UINT64_MAX, false, 0 },
        { "", 9, false, 0 },
        { "-1", 9, false, 0 },
        { "+1", 9, false, 0 },
        { " 1", 9, false, 0 },
        { "1 ", 9, false, 0 },
        { "1e1", 99, false, 0 },
    };

    (void) state;

    for (i = 0; i < chat_test_count(cases); i++) {
        size_t  len = strlen(cases[i].text);

        copy = chat_test_copy(cases[i].text, len);

        chat_test_case(cases[i].text,
                       number_parse((chat_str_t) { copy, len }, cases[i].max,
                                    &n) == (cases[i].good ? 0 : -1));
        if (cases[i].good) {
            assert_int_equal(n, cases[i].n);
        }

        free(copy);
    }
}


static void
a_stream_id_is_two_numbers(void **state)
{
    char         text[STREAM_ID_TEXT];
    size_t       i;
    stream_id_t  id;

    static const char  *good[] = {
        "0-0", "1795323086975-1",
        "18446744073709551615-18446744073709551615"
    };

    static const char  *bad[] = {
        "", "-", "1", "1-", "-1", "1-2-3", "1 -2", "a-b",
        "1-18446744073709551616"
    };

    (void) state;

    for (i = 0; i < chat_test_count(good); i++) {
        assert_int_equal(stream_id_parse(&id, chat_test_str(good[i])), 0);
        assert_string_equal(stream_id_print(id, text), good[i]);
    }

    for (i = 0; i < chat_test_count(bad); i++) {
        chat_test_case(bad[i],
                       stream_id_parse(&id, chat_test_str(bad[i])) == -1);
    }
}


static void
stream_ids_are_ordered_by_time_then_number(void **state)
{
    size_t  i, j;

    static const stream_id_t  ids[] = {
        { 0, 0 }, { 0, 1 }, { 1, 0 }, { 1, UINT64_MAX }, { UINT64_MAX, 0 }
    };

    (void) state;

    for (i = 0; i < chat_test_count(ids); i++) {
        for (j = 0; j < chat_test_count(ids); j++) {
            assert_int_equal(stream_id_compare(ids[i], ids[j]),
                             i < j ? -1 : i > j ? 1 : 0);
        }
    }
}


static void
a_uuid_is_sixteen_bytes_of_hex(void **state)
{
    size_t    len;
    uint8_t   uuid[UUID_LEN], *copy;

    static const char     text[] = "01a2019B-fbf4-7294-8145-4d036159d211";
    static const uint8_t  bytes[UUID_LEN] = {
        0x01, 0xa2, 0x01, 0x9b, 0xfb, 0xf4, 0x72, 0x94, 0x81, 0x45, 0x4d,
        0x03, 0x61, 0x59, 0xd2, 0x11
    };

    (void) state;

    assert_int_equal(uuid_parse(uuid, chat_test_str(text)), 0);
    assert_memory_equal(uuid, bytes, UUID_LEN);

    for (len = 0; len < sizeof(text) - 1; len++) {
        copy = chat_test_copy(text, len);
        assert_int_equal(uuid_parse(uuid, (chat_str_t) { copy, len }), -1);
        free(copy);
    }
}


static void
a_uuid_has_nothing_else_in_it(void **state)
{
    size_t   i;
    uint8_t  uuid[UUID_LEN], text[36];

    (void) state;

    for (i = 0; i < sizeof(text); i++) {
        memcpy(text, "01a2019b-fbf4-7294-8145-4d036159d211", sizeof(text));
        text[i] = text[i] == '-' ? '0' : '-';
        assert_int_equal(uuid_parse(uuid, (chat_str_t) { text, 36 }), -1);
        text[i] = 'g';
        assert_int_equal(uuid_parse(uuid, (chat_str_t) { text, 36 }), -1);
    }
}


static void
a_qualified_name_is_two_valid_ids(void **state)
{
    size_t      i;
    chat_str_t  tenant, id;

    static const char  *bad[] = {
        "", "/", "a", "a/", "/b", "a/b/c", "a b/c", "a/b c", "a/\xc3\xa4"
    };

    (void) state;

    assert_int_equal(qualified_split(chat_test_str("t:1/room.2"), &tenant,
                                     &id), 0);
    assert_int_equal(tenant.len, 3);
    assert_int_equal(id.len, 6);
    assert_memory_equal(id.data, "room.2", 6);

    for (i = 0; i < chat_test_count(bad); i++) {
        chat_test_case(bad[i], qualified_split(chat_test_str(bad[i]), &tenant,
                                               &id) == -1);
    }
}


static void
a_url_of_redis_says_where_it_is(void **state)
{
    size_t       i;
    redis_url_t  url;

    static const struct {
        const char  *text, *path, *host, *password;
        unsigned     port, db;
    } good[] = {
        { "redis://127.0.0.1:6380/3", "", "127.0.0.1", "", 6380, 3 },
        { "redis://redis", "", "redis", "", 6379, 0 },
        { "redis://redis/", "", "redis", "", 6379, 0 },
        { "redis://:p@ss:word@h:1", "", "h", "p@ss:word", 1, 0 },
        { "unix:///run/redis.sock", "/run/redis.sock", "", "", 6379, 0 },
        { "unix:///r.sock?db=7", "/r.sock", "", "", 6379, 7 },
    };

    (void) state;

    for (i = 0; i < chat_test_count(good); i++) {
        chat_test_case(good[i].text, redis_url_parse(&url, good[i].text) == 0);
        assert_string_equal(url.path, good[i].path);
        assert_string_equal(url.host, good[i].host);
        assert_string_equal(url.password, good[i].password);
        assert_int_equal(url.port, good[i].port);
        assert_int_equal(url.db, good[i].db);
    }
}


static void
what_is_no_url_of_redis_is_refused(void **state)
{
    size_t       i;
    char         text[600];
    redis_url_t  url;

    static const char  *bad[] = {
        "", "redis", "http://h", "redis://", "redis://:6379",
        "redis://h:port", "redis://h:65536", "redis://h/x", "redis://h/-1",
        "redis://user:secret@h", "redis://secret@h", "unix://", "unix://?db=1",
        "unix:///s?db=", "unix:///s?x=1"
    };

    (void) state;

    for (i = 0; i < chat_test_count(bad); i++) {
        chat_test_case(bad[i], redis_url_parse(&url, bad[i]) == -1);
    }

    /* a path that no socket can have */
    (void) snprintf(text, sizeof(text), "unix:///%0200d", 0);
    assert_int_equal(redis_url_parse(&url, text), -1);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(a_number_is_digits_up_to_its_bound),
        cmocka_unit_test(a_stream_id_is_two_numbers),
        cmocka_unit_test(stream_ids_are_ordered_by_time_then_number),
        cmocka_unit_test(a_uuid_is_sixteen_bytes_of_hex),
        cmocka_unit_test(a_uuid_has_nothing_else_in_it),
        cmocka_unit_test(a_qualified_name_is_two_valid_ids),
        cmocka_unit_test(a_url_of_redis_says_where_it_is),
        cmocka_unit_test(what_is_no_url_of_redis_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
