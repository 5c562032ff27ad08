#include "chat_test.h"

#include "chat_revoked.h"


#define NOW  1000000


static chat_rc_e
change(chat_revoked_change_t *c, const char *kind, const char *tenant,
    const char *value, const char *before, const char *until)
{
    chat_str_t  texts[CHAT_REVOKED_TEXTS] = {
        chat_test_str(kind), chat_test_str(tenant), chat_test_str(value),
        chat_test_str(before), chat_test_str(until)
    };

    return chat_revoked_read(c, texts);
}


static void
apply(chat_revoked_t *r, const char *kind, const char *value,
    const char *before, const char *until)
{
    chat_revoked_change_t  c;

    assert_int_equal(change(&c, kind, "t", value, before, until), CHAT_OK);
    assert_int_equal(chat_revoked_apply(r, &c), CHAT_OK);
}


static chat_revoked_token_t
token(const char *user, const char *sid, const char *jti, uint64_t iat)
{
    return (chat_revoked_token_t) {
        .tenant = chat_test_str("t"), .user = chat_test_str(user),
        .sid = chat_test_str(sid),
        .jti = chat_test_str(jti), .has_iat = iat != 0, .iat = iat
    };
}


static bool
hit(const chat_revoked_t *r, chat_revoked_token_t token)
{
    return chat_revoked_hit(r, &token, NOW);
}


static void
what_is_no_change_is_declined(void **state)
{
    size_t                 i;
    chat_revoked_change_t  c;

    static const char  *const bad[][5] = {
        { "", "t", "v", "*", "" },
        { "use", "t", "v", "*", "" },
        { "users", "t", "v", "*", "" },
        { "User", "t", "v", "*", "" },
        { "user", "", "v", "*", "" },
        { "user", "~", "v", "*", "" },
        { "user", "t", "", "*", "" },
        { "user", "t", "a/b", "*", "" },
        { "sid", "t", "a b", "*", "" },
        { "sid", "t", "a\n", "*", "" },
        { "jti", "t", "v", "", "" },
        { "jti", "t", "v", "**", "" },
        { "jti", "t", "v", "-1", "" },
        { "jti", "t", "v", "1.5", "" },
        { "jti", "t", "v", "1234567890123456789", "" },
        { "jti", "t", "v", "*", "never" },
        { "jti", "t", "v", "*", "-" },
        { "jti", "t", "v", "*", "1234567890123456789" },
    };

    (void) state;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(change(&c, bad[i][0], bad[i][1], bad[i][2],
                                bad[i][3], bad[i][4]), CHAT_DECLINED);
    }

    assert_int_equal(change(&c, "sid", "t", "a/b", "-", "5"), CHAT_OK);
    assert_true(c.lifted);
    assert_int_equal(change(&c, "user", "t", "v", "17", ""), CHAT_OK);
    assert_false(c.lifted);
    assert_int_equal(c.before, 17);
    assert_true(c.until == CHAT_REVOKED_EVER);
    assert_int_equal(change(&c, "jti", "t", "v", "*", "999999999999999999"),
                     CHAT_OK);
    assert_true(c.before == CHAT_REVOKED_ALL);
    assert_true(c.until == 999999999999999999);
}


static void
each_kind_is_a_thing_of_its_own(void **state)
{
    chat_revoked_t        r;
    chat_revoked_token_t  other;

    (void) state;

    chat_revoked_init(&r, 100);
    assert_false(hit(&r, token("a", "s", "j", 0)));

    apply(&r, "sid", "s", "*", "");
    assert_true(hit(&r, token("a", "s", "j", 5)));
    assert_false(hit(&r, token("s", "", "s", 5)));
    assert_false(hit(&r, token("a", "ss", "", 5)));
    assert_false(hit(&r, token("a", "", "", 5)));

    other = token("a", "s", "j", 5);
    other.tenant = chat_test_str("u");
    assert_false(hit(&r, other));

    apply(&r, "jti", "j", "*", "");
    assert_true(hit(&r, token("a", "", "j", 5)));
    assert_false(hit(&r, token("j", "j", "", 5)));

    apply(&r, "sid", "s", "-", "");
    assert_false(hit(&r, token("a", "s", "", 5)));
    assert_int_equal(r.n, 1);

    chat_revoked_done(&r);
    assert_int_equal(r.n, 0);
}


static void
a_user_has_tokens_from_before_and_after(void **state)
{
    chat_revoked_t  r;

    (void) state;

    chat_revoked_init(&r, 100);
    apply(&r, "user", "a", "100", "");

    assert_true(hit(&r, token("a", "", "", 99)));
    assert_true(hit(&r, token("a", "", "", 100)));
    assert_false(hit(&r, token("a", "", "", 101)));
    assert_true(hit(&r, token("a", "", "", 0)));        /* does not say */
    assert_false(hit(&r, token("b", "", "", 99)));

    apply(&r, "user", "a", "*", "");
    assert_true(hit(&r, token("a", "", "", 101)));
    assert_true(hit(&r, token("a", "", "", UINT64_MAX)));

    chat_revoked_done(&r);
}


static void
what_has_ended_is_none(void **state)
{
    size_t          i;
    char            value[16];
    chat_revoked_t  r;

    (void) state;

    chat_revoked_init(&r, 1000);

    apply(&r, "jti", "now", "*", "1000000");
    apply(&r, "jti", "later", "*", "1000001");
    assert_false(hit(&r, token("a", "", "now", 5)));
    assert_true(hit(&r, token("a", "", "later", 5)));

    for (i = 0; i < 300; i++) {
        (void) snprintf(value, sizeof(value), "j%zu", i);
        apply(&r, "jti", value, "*", i % 2 ? "1" : "");
    }

    assert_int_equal(r.n, 302);

    for (i = 0; i < r.nbuckets; i += 7) {
        chat_revoked_expire(&r, NOW, 7);
    }

    assert_int_equal(r.n, 151);
    assert_true(hit(&r, token("a", "", "later", 5)));
    assert_true(hit(&r, token("a", "", "j298", 5)));

    chat_revoked_expire(&r, NOW + 1, r.nbuckets * 2);
    assert_int_equal(r.n, 150);

    chat_revoked_done(&r);
}


static void
what_was_not_told_again_is_forgotten(void **state)
{
    chat_revoked_t  r;

    (void) state;

    chat_revoked_init(&r, 100);

    chat_revoked_begin(&r);
    chat_revoked_end(&r);

    apply(&r, "jti", "old", "*", "");
    apply(&r, "jti", "both", "*", "");

    chat_revoked_begin(&r);
    apply(&r, "jti", "both", "*", "");
    apply(&r, "jti", "new", "*", "");
    assert_true(hit(&r, token("a", "", "old", 5)));
    chat_revoked_end(&r);

    assert_false(hit(&r, token("a", "", "old", 5)));
    assert_true(hit(&r, token("a", "", "both", 5)));
    assert_true(hit(&r, token("a", "", "new", 5)));

    chat_revoked_done(&r);
}


static void
no_more_than_the_maximum(void **state)
{
    size_t                 i;
    char                   value[16];
    chat_revoked_t         r;
    chat_revoked_change_t  c;

    (void) state;

    chat_revoked_init(&r, 200);

    for (i = 0; i < 200; i++) {
        (void) snprintf(value, sizeof(value), "j%zu", i);
        apply(&r, "jti", value, "*", "");
    }

    assert_int_equal(change(&c, "jti", "t", "more", "*", ""), CHAT_OK);
    assert_int_equal(chat_revoked_apply(&r, &c), CHAT_DECLINED);
    assert_false(hit(&r, token("a", "", "more", 5)));

    apply(&r, "jti", "j7", "*", "");            /* is there already */
    apply(&r, "jti", "j7", "-", "");
    assert_int_equal(chat_revoked_apply(&r, &c), CHAT_OK);
    assert_true(hit(&r, token("a", "", "more", 5)));

    for (i = 0; i < 200; i++) {
        (void) snprintf(value, sizeof(value), "j%zu", i);
        assert_int_equal(hit(&r, token("a", "", value, 5)), i != 7);
    }

    chat_revoked_done(&r);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(what_is_no_change_is_declined),
        cmocka_unit_test(each_kind_is_a_thing_of_its_own),
        cmocka_unit_test(a_user_has_tokens_from_before_and_after),
        cmocka_unit_test(what_has_ended_is_none),
        cmocka_unit_test(what_was_not_told_again_is_forgotten),
        cmocka_unit_test(no_more_than_the_maximum),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
