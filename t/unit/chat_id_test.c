#include "chat_test.h"

#include "chat_id.h"


static const uint8_t  ones[10] = {
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff
};

static const uint8_t  zeros[10];

/* the upper bits of the first two are not used */

static const uint8_t  some[10] = {
    0xc3, 0xd8, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f, 0xff
};


static chat_str_t
id_str(const uint8_t text[CHAT_ID_LEN])
{
    return (chat_str_t) { text, CHAT_ID_LEN };
}


static void
an_id_has_its_fields_where_they_belong(void **state)
{
    size_t   i;
    uint8_t  text[CHAT_ID_LEN];

    static const struct {
        uint64_t        ms;
        unsigned        partition;
        const uint8_t  *random;
        const char     *text;
    } cases[] = {
        /* the example of RFC 9562, A.6: rand_a is 0xcc3 */
        { UINT64_C(0x017f22e279b0), 0x33, some,
          "017f22e2-79b0-7cc3-98c4-dc0c0c07398f" },
        { 0, 0, zeros,
          "00000000-0000-7000-8000-000000000000" },
        { CHAT_ID_MAX_TIME, 63, ones,
          "ffffffff-ffff-7fff-bfff-ffffffffffff" },
        { 1, 1, zeros,
          "00000000-0001-7040-8000-000000000000" },
        { 1, 16, zeros,
          "00000000-0001-7400-8000-000000000000" },
    };

    (void) state;

    for (i = 0; i < chat_test_count(cases); i++) {
        chat_id_make(text, cases[i].ms, cases[i].partition, cases[i].random);
        assert_memory_equal(text, cases[i].text, CHAT_ID_LEN);
    }
}


static void
time_and_partition_come_back(void **state)
{
    uint8_t   text[CHAT_ID_LEN], *p;
    uint64_t  ms, got_ms;
    unsigned  partition, got_partition;

    (void) state;

    for (ms = 0; ms <= CHAT_ID_MAX_TIME; ms = ms * 3 + 1) {

        for (partition = 0; partition < CHAT_ID_MAX_PARTITIONS; partition++) {
            chat_id_make(text, ms, partition, partition % 2 ? ones : some);

            p = chat_test_copy(text, sizeof(text));

            assert_int_equal(chat_id_time(id_str(p), &got_ms), CHAT_OK);
            assert_int_equal(got_ms, ms);

            assert_int_equal(chat_id_partition(id_str(p), &got_partition),
                             CHAT_OK);
            assert_int_equal(got_partition, partition);

            free(p);
        }
    }
}


static void
ids_of_others_are_read_in_either_case(void **state)
{
    uint64_t  ms;

    (void) state;

    assert_int_equal(chat_id_time(chat_str("017F22E2-79B0-7CC3-98C4-"
                                           "DC0C0C07398F"), &ms),
                     CHAT_OK);
    assert_int_equal(ms, UINT64_C(1645557742000));

    assert_int_equal(chat_id_time(chat_str("017f22e2-79b0-7Cc3-b8C4-"
                                           "dC0c0c07398f"), &ms),
                     CHAT_OK);
    assert_int_equal(ms, UINT64_C(1645557742000));
}


static void
what_is_no_uuid_v7_is_declined(void **state)
{
    size_t    i;
    uint64_t  ms;
    unsigned  partition;

    static const char *const  cases[] = {
        "",
        "017f22e2-79b0-4cc3-98c4-dc0c0c07398f",     /* version 4 */
        "017f22e2-79b0-8cc3-98c4-dc0c0c07398f",     /* version 8 */
        "017f22e2-79b0-7cc3-78c4-dc0c0c07398f",     /* other variants */
        "017f22e2-79b0-7cc3-c8c4-dc0c0c07398f",
        "017f22e2-79b0-7cc3-08c4-dc0c0c07398f",
        "017f22e279b07cc398c4dc0c0c07398f",
        "{017f22e2-79b0-7cc3-98c4-dc0c0c07398f}",
        "urn:uuid:017f22e2-79b0-7cc3-98c4-dc0c0c07398f",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398f0",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398g",
        "017f22e2-79b0-7cc3-98c4-dc0c0c0739 f",
        "017f22e2079b0-7cc3-98c4-dc0c0c07398f",
        "017f22e-279b0-7cc3-98c4-dc0c0c07398f",
        "017f22e2-79b0-7cc3_98c4-dc0c0c07398f",
        "-17f22e2-79b0-7cc3-98c4-dc0c0c07398f",
        "01:f22e2-79b0-7cc3-98c4-dc0c0c07398f",
        "01@f22e2-79b0-7cc3-98c4-dc0c0c07398f",
        "01`f22e2-79b0-7cc3-98c4-dc0c0c07398f",
    };

    (void) state;

    for (i = 0; i < chat_test_count(cases); i++) {
        chat_test_case(cases[i],
                       chat_id_time(chat_test_str(cases[i]), &ms)
                       == CHAT_DECLINED);
        chat_test_case(cases[i],
                       chat_id_partition(chat_test_str(cases[i]), &partition)
                       == CHAT_DECLINED);
    }
}


static void
no_beginning_and_no_wrong_byte_is_an_id(void **state)
{
    size_t    i;
    uint8_t   text[CHAT_ID_LEN], good;
    uint64_t  ms;

    (void) state;

    chat_id_make(text, 1795319050123, 7, some);

    for (i = 0; i < CHAT_ID_LEN; i++) {
        assert_int_equal(chat_id_time((chat_str_t) { text, i }, &ms),
                         CHAT_DECLINED);

        good = text[i];
        text[i] = 'g';
        assert_int_equal(chat_id_time(id_str(text), &ms), CHAT_DECLINED);
        text[i] = good;
    }
}


static void
a_uuid_of_any_version_is_valid_in_lower_case(void **state)
{
    size_t    i;
    uint8_t   text[CHAT_ID_LEN + 1], good;
    unsigned  c;

    static const char *const  others[] = {
        "00000000-0000-0000-0000-000000000000",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
        "919108f7-52d1-4320-9bac-f847db4148a8",
    };

    (void) state;

    for (i = 0; i < chat_test_count(others); i++) {
        assert_true(chat_id_valid(chat_test_str(others[i])));
    }

    chat_id_make(text, 1795319050123, 7, some);
    text[CHAT_ID_LEN] = '0';

    assert_true(chat_id_valid(id_str(text)));
    assert_false(chat_id_valid((chat_str_t) { text, CHAT_ID_LEN + 1 }));
    assert_false(chat_id_valid((chat_str_t) { NULL, 0 }));

    for (i = 0; i < CHAT_ID_LEN; i++) {
        assert_false(chat_id_valid((chat_str_t) { text, i }));

        good = text[i];

        for (c = 0; c < 256; c++) {
            text[i] = c;

            assert_int_equal(chat_id_valid(id_str(text)),
                             good == '-' ? c == '-'
                                         : c != 0 && strchr("0123456789abcdef",
                                                            c)
                                                     != NULL);
        }

        text[i] = good;
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(an_id_has_its_fields_where_they_belong),
        cmocka_unit_test(time_and_partition_come_back),
        cmocka_unit_test(ids_of_others_are_read_in_either_case),
        cmocka_unit_test(what_is_no_uuid_v7_is_declined),
        cmocka_unit_test(no_beginning_and_no_wrong_byte_is_an_id),
        cmocka_unit_test(a_uuid_of_any_version_is_valid_in_lower_case),
    };

    return cmocka_run_group_tests_name("chat_id", tests, NULL, NULL);
}
