#include "chat_test.h"

#include "chat_presence.h"


static const struct {
    chat_presence_e   presence;
    const char       *name;
    char              letter;
} all[] = {
    { CHAT_PRESENCE_ONLINE, "online", 'o' },
    { CHAT_PRESENCE_AWAY, "away", 'a' },
    { CHAT_PRESENCE_BUSY, "busy", 'b' },
    { CHAT_PRESENCE_INVISIBLE, "invisible", 'i' },
    { CHAT_PRESENCE_OFFLINE, "offline", 'f' },
};


static void
each_has_a_name_and_a_letter(void **state)
{
    size_t           i;
    chat_presence_e  presence;

    (void) state;

    for (i = 0; i < chat_test_count(all); i++) {
        assert_string_equal(chat_presence_name(all[i].presence), all[i].name);
        assert_int_equal(chat_presence_letter(all[i].presence), all[i].letter);

        assert_int_equal(chat_presence_read(&presence, all[i].letter),
                         CHAT_OK);
        assert_int_equal(presence, all[i].presence);
    }
}


static void
nothing_else_is_a_letter(void **state)
{
    int              letter;
    chat_presence_e  presence;

    (void) state;

    for (letter = -128; letter < 256; letter++) {
        assert_int_equal(chat_presence_read(&presence, letter),
                         letter > 0 && strchr("oabif", letter) != NULL
                             ? CHAT_OK : CHAT_ERROR);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(each_has_a_name_and_a_letter),
        cmocka_unit_test(nothing_else_is_a_letter),
    };

    return cmocka_run_group_tests_name("chat_presence", tests, NULL, NULL);
}
