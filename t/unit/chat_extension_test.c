#include "chat_test.h"

#include "chat_extension.h"


#define NAME    "permessage-deflate"
#define ANSWER  NAME "; server_no_context_takeover; client_no_context_takeover"
#define BITS    "; server_max_window_bits="


/* what is offered, and what is answered: NULL if nothing */

static const struct {
    const char  *value;
    const char  *answer;
} good[] = {
    { NAME, ANSWER },
    { " \t" NAME "\t ", ANSWER },
    { NAME "; client_max_window_bits", ANSWER },
    { NAME ";client_max_window_bits=15", ANSWER },
    { NAME "; client_max_window_bits=8", ANSWER },
    { NAME "; client_max_window_bits=\"9\"", ANSWER },
    { NAME "; server_no_context_takeover", ANSWER },
    { NAME "; client_no_context_takeover", ANSWER },
    { NAME "; client_no_context_takeover; server_no_context_takeover"
           "; client_max_window_bits", ANSWER },
    { NAME "; server_max_window_bits=15", ANSWER BITS "15" },
    { NAME "; server_max_window_bits=12", ANSWER BITS "12" },
    { NAME "; server_max_window_bits=8", ANSWER BITS "8" },
    { NAME "; server_max_window_bits=\"10\"", ANSWER BITS "10" },
    { NAME "; server_max_window_bits=\"\\1\\0\"", ANSWER BITS "10" },
    { NAME " ; server_max_window_bits = 10 ", ANSWER BITS "10" },

    /* the first one that can be accepted */

    { NAME ", " NAME "; server_max_window_bits=10", ANSWER },
    { NAME "; server_max_window_bits=10, " NAME, ANSWER BITS "10" },
    { NAME "; server_max_window_bits=16, " NAME, ANSWER },
    { NAME "; mystery, " NAME "; server_max_window_bits=9", ANSWER BITS "9" },
    { "x-webkit-deflate-frame, " NAME, ANSWER },
    { "a;b=\"c\", d; e=f ;g, " NAME, ANSWER },
    { ", ," NAME ",,", ANSWER },

    /* nothing that can */

    { "foo", NULL },
    { "Permessage-Deflate", NULL },
    { NAME "2", NULL },
    { "permessage-deflat", NULL },
    { NAME "; mystery", NULL },
    { NAME "; mystery=1", NULL },
    { NAME "; Server_no_context_takeover", NULL },
    { NAME "; server_no_context_takeover=1", NULL },
    { NAME "; server_no_context_takeover=\"true\"", NULL },
    { NAME "; client_no_context_takeover=0", NULL },
    { NAME "; server_no_context_takeover; server_no_context_takeover", NULL },
    { NAME "; client_no_context_takeover; client_no_context_takeover", NULL },
    { NAME "; client_max_window_bits; client_max_window_bits", NULL },
    { NAME "; client_max_window_bits; client_max_window_bits=15", NULL },
    { NAME "; server_max_window_bits=9; server_max_window_bits=9", NULL },
    { NAME "; server_max_window_bits", NULL },
    { NAME "; server_max_window_bits=0", NULL },
    { NAME "; server_max_window_bits=7", NULL },
    { NAME "; server_max_window_bits=16", NULL },
    { NAME "; server_max_window_bits=19", NULL },
    { NAME "; server_max_window_bits=08", NULL },
    { NAME "; server_max_window_bits=015", NULL },
    { NAME "; server_max_window_bits=150", NULL },
    { NAME "; server_max_window_bits=1", NULL },
    { NAME "; server_max_window_bits=1a", NULL },
    { NAME "; server_max_window_bits=-9", NULL },
    { NAME "; server_max_window_bits=+9", NULL },
    { NAME "; server_max_window_bits=9.0", NULL },
    { NAME "; client_max_window_bits=7", NULL },
    { NAME "; client_max_window_bits=16", NULL },
    { NAME "; client_max_window_bits=09", NULL },
    { NAME "; client_max_window_bits=auto", NULL },
};


/* against the grammar */

static const char  *bad[] = {
    "",
    " ",
    ",",
    ";",
    "=",
    NAME ";",
    NAME "; ;client_max_window_bits",
    NAME " client_max_window_bits",
    NAME "; client_max_window_bits=",
    NAME "; client_max_window_bits= ",
    NAME "; client_max_window_bits==9",
    NAME "; client_max_window_bits=\"\"",
    NAME "; client_max_window_bits=\"9",
    NAME "; client_max_window_bits=\"9\\",
    NAME "; client_max_window_bits=\"9\\\"",
    NAME "; client_max_window_bits=\"9 \"",
    NAME "; client_max_window_bits=\"9\"9",
    NAME "; client_max_window_bits=\"9,\"",
    NAME "; client_max_window_bits=9 9",
    NAME "; =9",
    NAME "; \"client_max_window_bits\"",
    NAME "=1",
    NAME "/1",
    NAME ", foo bar",
    NAME ", foo;",
    "foo;, " NAME,
    "\"" NAME "\"",
    "permessage\xe2\x80\x90" "deflate",
    NAME "; client_max_window_bits=\x7f",
};


static void
an_offer_gets_its_answer(void **state)
{
    size_t            i, len;
    uint8_t          *value, answer[CHAT_EXTENSION_MAX_ANSWER];
    chat_rc_e         rc;
    chat_extension_t  e;

    (void) state;

    for (i = 0; i < chat_test_count(good); i++) {
        len = strlen(good[i].value);
        value = chat_test_copy(good[i].value, len);

        rc = chat_extension_read((chat_str_t) { value, len }, &e);
        free(value);

        if (good[i].answer == NULL) {
            chat_test_case(good[i].value, rc == CHAT_DECLINED);
            continue;
        }

        chat_test_case(good[i].value, rc == CHAT_OK);

        len = chat_extension_answer(&e, answer);
        chat_test_case(good[i].value, len == strlen(good[i].answer));
        chat_test_case(good[i].value,
                       memcmp(answer, good[i].answer, len) == 0);
    }
}


static void
what_is_no_list_of_extensions_is_an_error(void **state)
{
    size_t            i, len;
    uint8_t          *value;
    chat_extension_t  e;

    (void) state;

    for (i = 0; i < chat_test_count(bad); i++) {
        len = strlen(bad[i]);
        value = chat_test_copy(bad[i], len);

        chat_test_case(bad[i],
                       chat_extension_read((chat_str_t) { value, len }, &e)
                       == CHAT_ERROR);
        free(value);
    }
}


static void
a_nul_is_no_part_of_a_token(void **state)
{
    chat_extension_t  e;

    (void) state;

    assert_int_equal(chat_extension_read(chat_str(NAME "\0"), &e), CHAT_ERROR);
    assert_int_equal(chat_extension_read(chat_str("\0"), &e), CHAT_ERROR);
    assert_int_equal(chat_extension_read(chat_str(NAME "; a=\"\0\""), &e),
                     CHAT_ERROR);
}


/* a value that is cut is read to its end and no further */

static void
a_cut_offer_is_not_read_past_its_end(void **state)
{
    size_t            cut;
    uint8_t          *value;
    chat_rc_e         rc;
    chat_str_t        whole;
    chat_extension_t  e;

    (void) state;

    whole = chat_str(NAME " ; server_max_window_bits = \"1\\5\" , foo ; a = b");

    for (cut = 0; cut <= whole.len; cut++) {
        value = chat_test_copy(whole.data, cut);
        rc = chat_extension_read((chat_str_t) { value, cut }, &e);
        free(value);
    }

    assert_int_equal(rc, CHAT_OK);
    assert_int_equal(e.window_bits, 15);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(an_offer_gets_its_answer),
        cmocka_unit_test(what_is_no_list_of_extensions_is_an_error),
        cmocka_unit_test(a_nul_is_no_part_of_a_token),
        cmocka_unit_test(a_cut_offer_is_not_read_past_its_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
