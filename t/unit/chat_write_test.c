#include "chat_test.h"

#include "chat_write.h"


static void
write_a_bit_of_all(chat_writer_t *w)
{
    chat_write_cstr(w, "{\"raw\":");
    chat_write(w, chat_str("0.10"));
    chat_write_cstr(w, ",\"s\":");
    chat_write_string(w, chat_str("a \"b\" \\ \n\x01 "
                                  "\xe2\x80\xa8 \xe2\x82\xac"));
    chat_write_cstr(w, ",\"n\":");
    chat_write_uint(w, UINT64_C(9007199254740991));
    chat_write_cstr(w, ",\"t\":");
    chat_write_time(w, UINT64_C(1795319050123));
    chat_write_cstr(w, "}");
}


static const char  a_bit_of_all[] =
    "{\"raw\":0.10,"
    "\"s\":\"a \\\"b\\\" \\\\ \\n\\u0001 \\u2028 \xe2\x82\xac\","
    "\"n\":9007199254740991,\"t\":\"2026-11-22T03:44:10.123Z\"}";


static void
what_is_measured_is_what_is_written(void **state)
{
    size_t         len, size;
    uint8_t       *buf;
    chat_writer_t  w;

    (void) state;

    chat_writer_init(&w, NULL, 0);
    write_a_bit_of_all(&w);
    len = w.len;

    assert_int_equal(len, sizeof(a_bit_of_all) - 1);
    assert_false(w.full);
    assert_null(w.pos);

    for (size = 0; size <= len + 1; size++) {
        buf = chat_test_copy(NULL, 0);
        buf = realloc(buf, size != 0 ? size : 1);
        assert_non_null(buf);

        chat_writer_init(&w, buf, size);
        write_a_bit_of_all(&w);

        assert_int_equal(w.len, len);
        assert_int_equal(w.full, size < len);
        assert_true(w.pos <= buf + size);

        /* what is there is a beginning of it, never a gap */

        assert_memory_equal(buf, a_bit_of_all, w.pos - buf);

        free(buf);
    }
}


static void
nothing_is_written_after_what_did_not_fit(void **state)
{
    uint8_t        buf[4];
    chat_writer_t  w;

    (void) state;

    memset(buf, 'x', sizeof(buf));
    chat_writer_init(&w, buf, sizeof(buf));

    chat_write_cstr(&w, "ab");
    chat_write_cstr(&w, "cde");
    chat_write_cstr(&w, "f");
    chat_write_cstr(&w, "");

    assert_true(w.full);
    assert_int_equal(w.len, 6);
    assert_memory_equal(buf, "abxx", 4);
}


static void
strings_are_escaped(void **state)
{
    size_t         i;
    uint8_t        buf[64];
    chat_writer_t  w;

    static const struct {
        chat_str_t   text;
        const char  *json;
    } cases[] = {
        { { NULL, 0 }, "\"\"" },
        { chat_str("plain / text"), "\"plain / text\"" },
        { chat_str("\""), "\"\\\"\"" },
        { chat_str("\\"), "\"\\\\\"" },
        { chat_str("\b\t\n\f\r"), "\"\\b\\t\\n\\f\\r\"" },
        { chat_str("\0\x01\x07\x0b\x0e\x1f"),
          "\"\\u0000\\u0001\\u0007\\u000b\\u000e\\u001f\"" },
        { chat_str(" \x7f"), "\" \x7f\"" },
        { chat_str("\xe2\x80\xa7\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa"),
          "\"\xe2\x80\xa7\\u2028\\u2029\xe2\x80\xaa\"" },
        { chat_str("\xe2\x81\xa8"), "\"\xe2\x81\xa8\"" },
        { chat_str("\xf0\x9f\x98\x80\n"), "\"\xf0\x9f\x98\x80\\n\"" },
        { chat_str("a\xe2"), "\"a\xe2\"" },
        { chat_str("a\xe2\x80"), "\"a\xe2\x80\"" },
    };

    (void) state;

    for (i = 0; i < chat_test_count(cases); i++) {
        chat_writer_init(&w, buf, sizeof(buf));
        chat_write_string(&w, cases[i].text);

        chat_test_case(cases[i].json, !w.full);
        chat_test_case(cases[i].json, w.len == strlen(cases[i].json));
        chat_test_case(cases[i].json, memcmp(buf, cases[i].json, w.len) == 0);
    }
}


static void
numbers_are_written(void **state)
{
    size_t         i;
    uint8_t        buf[32];
    chat_writer_t  w;

    static const struct {
        uint64_t     n;
        const char  *text;
    } cases[] = {
        { 0, "0" }, { 7, "7" }, { 10, "10" }, { 4294967308, "4294967308" },
        { UINT64_MAX, "18446744073709551615" },
    };

    (void) state;

    for (i = 0; i < chat_test_count(cases); i++) {
        chat_writer_init(&w, buf, sizeof(buf));
        chat_write_uint(&w, cases[i].n);
        assert_int_equal(w.len, strlen(cases[i].text));
        assert_memory_equal(buf, cases[i].text, w.len);
    }
}


static void
times_are_written(void **state)
{
    size_t         i;
    uint8_t        buf[32];
    chat_writer_t  w;

    static const struct {
        uint64_t     ms;
        const char  *text;
    } cases[] = {
        { 0, "\"1970-01-01T00:00:00.000Z\"" },
        { 999, "\"1970-01-01T00:00:00.999Z\"" },
        { UINT64_C(951782399999), "\"2000-02-28T23:59:59.999Z\"" },
        { UINT64_C(951782400000), "\"2000-02-29T00:00:00.000Z\"" },
        { UINT64_C(951868800000), "\"2000-03-01T00:00:00.000Z\"" },
        { UINT64_C(1735689599999), "\"2024-12-31T23:59:59.999Z\"" },
        { UINT64_C(1795319050123), "\"2026-11-22T03:44:10.123Z\"" },
        { UINT64_C(4107542400000), "\"2100-03-01T00:00:00.000Z\"" },
        { UINT64_C(253402300799999), "\"9999-12-31T23:59:59.999Z\"" },
        { UINT64_C(253402300800000), "\"9999-12-31T23:59:59.999Z\"" },
        { UINT64_MAX, "\"9999-12-31T23:59:59.999Z\"" },
    };

    (void) state;

    for (i = 0; i < chat_test_count(cases); i++) {
        chat_writer_init(&w, buf, sizeof(buf));
        chat_write_time(&w, cases[i].ms);
        assert_int_equal(w.len, strlen(cases[i].text));
        assert_memory_equal(buf, cases[i].text, w.len);
    }
}


/* every day of two eras, against the calendar as one learns it */

static void
days_follow_each_other(void **state)
{
    char           expected[32];
    uint8_t        buf[32];
    uint64_t       day;
    unsigned       y, m, d, last;
    chat_writer_t  w;

    static const unsigned  days[] = {
        31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31
    };

    (void) state;

    y = 1970;
    m = 1;
    d = 1;

    for (day = 0; day < 2 * 146097; day++) {
        snprintf(expected, sizeof(expected), "\"%04u-%02u-%02uT12:34:56.789Z\"",
                 y % 10000, m, d);

        chat_writer_init(&w, buf, sizeof(buf));
        chat_write_time(&w, day * UINT64_C(86400000) + 45296789);
        assert_memory_equal(buf, expected, 26);

        last = days[m - 1];

        if (m == 2 && y % 4 == 0 && (y % 100 != 0 || y % 400 == 0)) {
            last = 29;
        }

        d++;

        if (d > last) {
            d = 1;
            m++;
        }

        if (m > 12) {
            m = 1;
            y++;
        }
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(what_is_measured_is_what_is_written),
        cmocka_unit_test(nothing_is_written_after_what_did_not_fit),
        cmocka_unit_test(strings_are_escaped),
        cmocka_unit_test(numbers_are_written),
        cmocka_unit_test(times_are_written),
        cmocka_unit_test(days_follow_each_other),
    };

    return cmocka_run_group_tests_name("chat_write", tests, NULL, NULL);
}
