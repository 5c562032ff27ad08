/*
 * Values of options and their bounds.
 */

#define _GNU_SOURCE

#include "chat_test.h"

#include <fcntl.h>
#include <unistd.h>


#include "../../workers/lib/number.c"
#include "../../workers/lib/options.c"


/* what is wrong with a value is told on stderr, where nobody wants to read it
   now */

static options_rc_e
read_in_silence(const options_t *options, int argc, char **argv)
{
    int           null, kept;
    options_rc_e  rc;

    null = open("/dev/null", O_WRONLY);
    kept = dup(STDERR_FILENO);
    assert_true(null != -1 && kept != -1);

    assert_int_equal(dup2(null, STDERR_FILENO), STDERR_FILENO);
    rc = options_read(options, argc, argv);
    assert_int_equal(dup2(kept, STDERR_FILENO), STDERR_FILENO);

    (void) close(null);
    (void) close(kept);

    return rc;
}


static options_rc_e
read_one(option_type_e type, uint64_t min, uint64_t max, const char *value,
    uint64_t *n)
{
    char  *argv[] = { (char *) "test", (char *) "--value", (char *) value };

    const option_t  own[] = {
        { "value", type, false, "N", NULL, "", n, min, max },
        OPTION_END
    };

    const options_t  options = { .usage = "", .help = "", .own = own };

    return read_in_silence(&options, 3, argv);
}


static void
bounds_are_those_of_the_seconds(void **state)
{
    size_t        i;
    uint64_t      n;
    options_rc_e  rc;

    static const struct {
        const char  *text;
        uint64_t     min;
        uint64_t     max;
        bool         good;
        uint64_t     seconds;
    } cases[] = {
        { "90", 0, 0, true, 90 },
        { "90s", 0, 0, true, 90 },
        { "15m", 0, 0, true, 900 },
        { "1h", 60, 86400, true, 3600 },
        { "1m", 60, 86400, true, 60 },
        { "59", 60, 86400, false, 0 },
        { "59s", 60, 86400, false, 0 },
        { "0h", 1, 0, false, 0 },
        { "1d", 60, 86400, true, 86400 },
        { "2d", 60, 86400, false, 0 },
        { "86401", 60, 86400, false, 0 },
        { "24h", 60, 86400, true, 86400 },
        { "25h", 60, 86400, false, 0 },
        { "106751991167300d", 0, 0, true, UINT64_C(9223372036854720000) },
        { "106751991167301d", 0, 0, false, 0 },
        { "99999999999999999999", 0, 0, false, 0 },
        { "", 0, 0, false, 0 },
        { "h", 0, 0, false, 0 },
        { "1w", 0, 0, false, 0 },
        { "1.5h", 0, 0, false, 0 },
        { "1h30m", 0, 0, false, 0 },
    };

    (void) state;

    for (i = 0; i < chat_test_count(cases); i++) {
        n = 0;
        rc = read_one(OPTION_SECONDS, cases[i].min, cases[i].max,
                      cases[i].text, &n);

        chat_test_case(cases[i].text,
                       rc == (cases[i].good ? OPTIONS_OK : OPTIONS_ERROR)
                       && n == cases[i].seconds);
    }
}


static void
a_number_has_no_unit(void **state)
{
    uint64_t  n = 0;

    (void) state;

    assert_int_equal(read_one(OPTION_NUMBER, 1, 10, "10", &n), OPTIONS_OK);
    assert_int_equal(n, 10);
    assert_int_equal(read_one(OPTION_NUMBER, 1, 10, "11", &n), OPTIONS_ERROR);
    assert_int_equal(read_one(OPTION_NUMBER, 1, 10, "0", &n), OPTIONS_ERROR);
    assert_int_equal(read_one(OPTION_NUMBER, 1, 10, "5s", &n), OPTIONS_ERROR);
}


/* the command line over the environment over the default */

static void
the_environment_has_a_programs_word_before_the_name(void **state)
{
    uint64_t  a = 0, b = 0;
    char     *argv[] = { (char *) "test", (char *) "--min-value=4" };

    const option_t  own[] = {
        { "min-value", OPTION_NUMBER, true, "N", "1", "", &a, 0, 0 },
        OPTION_END
    };

    const option_t  common[] = {
        { "level", OPTION_NUMBER, true, "N", "1", "", &b, 0, 0 },
        OPTION_END
    };

    const options_t  options = {
        .usage = "", .help = "", .own = own, .common = common, .word = "TEST_"
    };

    (void) state;

    assert_int_equal(setenv("CHAT_MIN_VALUE", "2", 1), 0);
    assert_int_equal(setenv("CHAT_TEST_LEVEL", "2", 1), 0);
    assert_int_equal(read_in_silence(&options, 1, argv), OPTIONS_OK);
    assert_int_equal(a, 1);
    assert_int_equal(b, 1);

    assert_int_equal(setenv("CHAT_TEST_MIN_VALUE", "3", 1), 0);
    assert_int_equal(setenv("CHAT_LEVEL", "3", 1), 0);
    assert_int_equal(read_in_silence(&options, 1, argv), OPTIONS_OK);
    assert_int_equal(a, 3);
    assert_int_equal(b, 3);

    assert_int_equal(read_in_silence(&options, 2, argv), OPTIONS_OK);
    assert_int_equal(a, 4);
}


static void
only_the_optional_operands_may_be_left_out(void **state)
{
    size_t       optional, given;
    char        *argv[] = { (char *) "test", (char *) "one", (char *) "two",
                            (char *) "three" };
    const char  *operands[2];

    const option_t  own[] = { OPTION_END };

    (void) state;

    for (optional = 0; optional <= 2; optional++) {
        for (given = 0; given <= 3; given++) {

            const options_t  options = {
                .usage = "", .help = "", .own = own, .operands = operands,
                .noperands = 2, .optional = optional
            };

            assert_int_equal(read_in_silence(&options, 1 + (int) given, argv),
                             given + optional >= 2 && given <= 2
                             ? OPTIONS_OK : OPTIONS_ERROR);
        }
    }
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bounds_are_those_of_the_seconds),
        cmocka_unit_test(a_number_has_no_unit),
        cmocka_unit_test(
            the_environment_has_a_programs_word_before_the_name),
        cmocka_unit_test(only_the_optional_operands_may_be_left_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
