/*
 * Entries of the log, as Redis hands them over.  The files are compiled in, so
 * that the sanitizers see them too.
 */

#define _GNU_SOURCE

#include "chat_test.h"

#include <hiredis/hiredis.h>

#include "../../workers/lib/life.c"
#include "../../workers/lib/log.c"
#include "../../workers/lib/mem.c"
#include "../../workers/lib/number.c"
#include "../../workers/lib/qualified.c"
#include "../../workers/lib/redis_args.c"
#include "../../workers/lib/uuid.c"
#include "../../workers/persist/entry.c"


#define MAX_FIELDS  32


/* a reply as hiredis makes it, without hiredis */

typedef struct {
    redisReply   array;
    redisReply   texts[MAX_FIELDS];
    redisReply  *pointers[MAX_FIELDS];
} fields_t;


static const char  *message[] = {
    "k", "message", "c", "default/lobby",
    "v", "01a201a8-f33d-729d-8996-ae028247d8b6", "r", "4294967298", "q", "1",
    "i", "01a201a8-f381-7297-9258-047515cee5de", "u", "ada",
    "x", "01a201a8-f381-703e-b3b5-e91a6dd7cdfd", "t", "1795324179329",
    "b", "{\"a\":0.1}", "j", "1", NULL
};

static const char  *rich[] = {
    "k", "message", "c", "default/lobby",
    "v", "01a201a8-f33d-729d-8996-ae028247d8b6", "r", "4294967298", "q", "1",
    "i", "01a201a8-f381-7297-9258-047515cee5de", "u", "ada", "x", "",
    "t", "1795324179329", "b", "\"hi\"", "j", "0",
    "p", "01a201a8-f381-7297-9258-047515cee5dd", "m", "bob,eve",
    "f", "[{\"id\":\"1\"}]", NULL
};

static const char  *edit[] = {
    "k", "edit", "c", "default/lobby",
    "v", "01a201a8-f33d-729d-8996-ae028247d8b6", "r", "4294967299", "q", "1",
    "i", "01a201a8-f381-7297-9258-047515cee5de", "u", "ada",
    "t", "1795324179329", "b", "1", NULL
};

static const char  *delete[] = {
    "k", "delete", "c", "default/lobby",
    "v", "01a201a8-f33d-729d-8996-ae028247d8b6", "r", "4294967299", "q", "1",
    "i", "01a201a8-f381-7297-9258-047515cee5de", "u", "",
    "t", "1795324179329", NULL
};

static const char  *react[] = {
    "k", "react", "c", "default/lobby",
    "v", "01a201a8-f33d-729d-8996-ae028247d8b6", "r", "4294967299", "q", "1",
    "i", "01a201a8-f381-7297-9258-047515cee5de", "u", "ada",
    "t", "1795324179329", "y", "+1", NULL
};

static const char  *update[] = {
    "k", "update", "c", "default/lobby",
    "v", "01a201a8-f33d-729d-8996-ae028247d8b6", "r", "4294967299",
    "u", "ada", "t", "1795324179329", "w", "30", "n", "A", "d", "B",
    "o", "1", NULL
};

static const char  *closing[] = {
    "k", "close", "c", "default/lobby",
    "v", "01a201a8-f33d-729d-8996-ae028247d8b6", "r", "4294967299",
    "u", "ada", "t", "1795324179329", NULL
};

static const char  *member[] = {
    "k", "member", "c", "default/lobby",
    "v", "01a201a8-f33d-729d-8996-ae028247d8b6", "r", "4294967299",
    "u", "ada", "t", "1795324179329", "g", "bob", "q", "7", "y", "admin",
    "j", "1", NULL
};

static const char  *join[] = {
    "k", "join", "c", "default/lobby",
    "v", "01a201a8-f33d-729d-8996-ae028247d8b6", "r", "4294967299",
    "u", "bob", "t", "1795324179329", "g", "bob", "q", "7", NULL
};

static const char  *create[] = {
    "k", "create", "c", "t1/room", "v",
    "01a201a8-f33d-729d-8996-ae028247d8b6", "r", "4294967297", "y", "group",
    "n", "", "u", "ada", "t", "5", "m", "ada owner,bob member", NULL
};


static void
fields_set(fields_t *f, const char **texts)
{
    size_t  i;

    memset(f, 0, sizeof(*f));
    f->array.type = REDIS_REPLY_ARRAY;
    f->array.element = f->pointers;

    for (i = 0; texts[i] != NULL; i++) {
        f->texts[i].type = REDIS_REPLY_STRING;
        f->texts[i].str = (char *) texts[i];
        f->texts[i].len = strlen(texts[i]);
        f->pointers[i] = &f->texts[i];
    }

    f->array.elements = i;
}


static bool
is(chat_str_t text, const char *expected)
{
    return text.len == strlen(expected)
           && memcmp(text.data, expected, text.len) == 0;
}


static void
a_message_is_read(void **state)
{
    entry_t   e = { 0 };
    fields_t  f;

    (void) state;

    fields_set(&f, message);
    e.fields = &f.array;

    assert_int_equal(entry_read(&e), ENTRY_READ);
    assert_int_equal(e.kind, ENTRY_MESSAGE);
    assert_int_equal(e.fate, ENTRY_GOOD);
    assert_true(is(e.tenant, "default"));
    assert_true(is(e.conversation, "lobby"));
    assert_true(is(e.user, "ada"));
    assert_true(is(e.content, "{\"a\":0.1}"));
    assert_int_equal(e.revision, 4294967298);
    assert_int_equal(e.sequence, 1);
    assert_int_equal(e.time, 1795324179329);
    assert_int_equal(e.client_time, 0x01a201a8f381);
    assert_int_equal(e.key[0], 0x01);
    assert_int_equal(e.message[15], 0xde);
    assert_true(e.joins);
}


static void
a_creation_is_read(void **state)
{
    entry_t         e = { 0 };
    fields_t        f;
    chat_str_t      rest;
    entry_member_t  m;

    (void) state;

    fields_set(&f, create);
    e.fields = &f.array;

    assert_int_equal(entry_read(&e), ENTRY_READ);
    assert_int_equal(e.kind, ENTRY_CREATE);
    assert_true(is(e.type, "group"));
    assert_true(is(e.name, ""));

    rest = e.members;
    assert_true(entry_next_member(&rest, &m));
    assert_true(is(m.user, "ada") && is(m.role, "owner"));
    assert_true(entry_next_member(&rest, &m));
    assert_true(is(m.user, "bob") && is(m.role, "member"));
    assert_false(entry_next_member(&rest, &m));
}


/* reads texts as an entry */

static entry_rc_e
read_texts(entry_t *e, fields_t *f, const char **texts)
{
    fields_set(f, texts);
    entry_init(e, NULL, &f->array);

    return entry_read(e);
}


static void
a_message_with_everything_is_read(void **state)
{
    entry_t     e;
    fields_t    f;
    chat_str_t  rest, user;

    (void) state;

    assert_int_equal(read_texts(&e, &f, rich), ENTRY_READ);
    assert_true(e.replies);
    assert_int_equal(e.reply_to[15], 0xdd);
    assert_int_equal(e.client_id.len, 0);
    assert_int_equal(e.client_time, 0);
    assert_true(is(e.attachments, "[{\"id\":\"1\"}]"));
    assert_false(e.joins);

    rest = e.mentions;
    assert_true(entry_next_mention(&rest, &user));
    assert_true(is(user, "bob"));
    assert_true(entry_next_mention(&rest, &user));
    assert_true(is(user, "eve"));
    assert_false(entry_next_mention(&rest, &user));

    f.texts[23].str = (char *) "?";
    f.texts[23].len = 1;
    entry_init(&e, NULL, &f.array);
    assert_int_equal(entry_read(&e), ENTRY_MALFORMED);
    assert_true(e.concerns);
}


static void
what_becomes_of_a_message_is_read(void **state)
{
    entry_t   e;
    fields_t  f;

    (void) state;

    assert_int_equal(read_texts(&e, &f, edit), ENTRY_READ);
    assert_int_equal(e.kind, ENTRY_EDIT);
    assert_int_equal(e.message[15], 0xde);
    assert_true(is(e.content, "1"));

    assert_int_equal(read_texts(&e, &f, delete), ENTRY_READ);
    assert_int_equal(e.kind, ENTRY_DELETE);
    assert_int_equal(e.user.len, 0);

    assert_int_equal(read_texts(&e, &f, react), ENTRY_READ);
    assert_int_equal(e.kind, ENTRY_REACT);
    assert_true(is(e.emoji, "+1"));

    f.texts[1].str = (char *) "unreact";
    f.texts[1].len = 7;
    entry_init(&e, NULL, &f.array);
    assert_int_equal(entry_read(&e), ENTRY_READ);
    assert_int_equal(e.kind, ENTRY_UNREACT);
}


static void
what_becomes_of_a_conversation_is_read(void **state)
{
    entry_t   e;
    fields_t  f;

    (void) state;

    assert_int_equal(read_texts(&e, &f, update), ENTRY_READ);
    assert_int_equal(e.kind, ENTRY_UPDATE);
    assert_true(is(e.name, "A") && is(e.description, "B"));
    assert_true(e.read_only);
    assert_int_equal(e.slow_mode, 30);

    assert_int_equal(read_texts(&e, &f, closing), ENTRY_READ);
    assert_int_equal(e.kind, ENTRY_CLOSE);

    assert_int_equal(read_texts(&e, &f, member), ENTRY_READ);
    assert_int_equal(e.kind, ENTRY_MEMBER);
    assert_true(is(e.target, "bob") && is(e.role, "admin"));
    assert_true(e.joins);
    assert_int_equal(e.sequence, 7);

    assert_int_equal(read_texts(&e, &f, join), ENTRY_READ);
    assert_int_equal(e.kind, ENTRY_JOIN);
    assert_true(is(e.target, "bob") && is(e.role, "member"));
    assert_true(e.joins);
}


/* each kind with the fields that it cannot do without */

static const struct {
    const char  **texts;
    const char   *needed;
} kinds_needed[] = {
    { message, "cvrqitb" },
    { edit,    "cvrqitb" },
    { delete,  "cvrqit" },
    { react,   "cvrqity" },
    { create,  "cvrt" },
    { update,  "cvrtw" },
    { closing, "cvrt" },
    { member,  "cvrtqg" },
    { join,    "cvrtqg" },
};


static size_t
index_of(const char **texts, char field)
{
    size_t  j;

    for (j = 0; texts[j][0] != field || texts[j][1] != '\0'; j += 2) {
        /* void */
    }

    return j;
}


static void
what_an_entry_needs_must_be_there_and_make_sense(void **state)
{
    size_t       i, j;
    entry_t      e;
    fields_t     f;
    const char  *field;

    (void) state;

    for (i = 0; i < chat_test_count(kinds_needed); i++) {

        for (field = kinds_needed[i].needed; *field != '\0'; field++) {
            j = index_of(kinds_needed[i].texts, *field);

            fields_set(&f, kinds_needed[i].texts);
            f.texts[j].str = (char *) "?";      /* not there */
            entry_init(&e, NULL, &f.array);
            assert_int_equal(entry_read(&e), ENTRY_MALFORMED);
            assert_int_equal(e.fate, ENTRY_DEAD);
            assert_true(strlen(e.reason) != 0);

            fields_set(&f, kinds_needed[i].texts);
            f.texts[j + 1].len = 0;             /* empty */
            entry_init(&e, NULL, &f.array);
            assert_int_equal(entry_read(&e), ENTRY_MALFORMED);
        }
    }
}


/* all its fields but one can be read: so its place can, and what it concerns,
   unless it is just that */

static void
what_is_malformed_keeps_what_can_be_read(void **state)
{
    size_t       i, j;
    entry_t      e;
    fields_t     f;
    const char  *field;

    (void) state;

    for (i = 0; i < chat_test_count(kinds_needed); i++) {

        for (field = kinds_needed[i].needed; *field != '\0'; field++) {
            j = index_of(kinds_needed[i].texts, *field);
            fields_set(&f, kinds_needed[i].texts);
            f.texts[j + 1].len = 0;
            entry_init(&e, NULL, &f.array);

            assert_int_equal(entry_read(&e), ENTRY_MALFORMED);
            assert_int_equal(e.counts, *field != 'v' && *field != 'r');
            assert_int_equal(e.concerns,
                             strchr(kinds_needed[i].needed, 'i') != NULL
                             && *field != 'i');
        }
    }
}


/* after a loss of Redis its numbers must not be given again */

static void
a_malformed_message_keeps_its_place(void **state)
{
    size_t     i, j;
    entry_t    e;
    fields_t   f;

    static const struct {
        char      field;
        bool      counts;
        uint64_t  sequence;
    } cases[] = {
        { 'c', true,  1 },
        { 't', true,  1 },
        { 'i', true,  1 },
        { 'b', true,  1 },
        { 'q', true,  0 },
        { 'v', false, 0 },
        { 'r', false, 0 },
    };

    (void) state;

    for (i = 0; i < chat_test_count(cases); i++) {
        fields_set(&f, message);
        memset(&e, 0, sizeof(e));
        e.fields = &f.array;

        for (j = 0; message[j][0] != cases[i].field; j += 2) { /* void */ }

        f.texts[j + 1].len = 0;
        assert_int_equal(entry_read(&e), ENTRY_MALFORMED);
        assert_int_equal(e.counts, cases[i].counts);
        assert_int_equal(e.sequence, cases[i].sequence);

        if (e.counts) {
            assert_int_equal(e.key[0], 0x01);
            assert_int_equal(e.revision, 4294967298);
        }
    }
}


static void
no_truncation_is_read_as_a_message(void **state)
{
    size_t    i;
    entry_t   e;
    fields_t  f;

    (void) state;

    for (i = 0; i + 2 < chat_test_count(message); i++) {
        fields_set(&f, message);
        f.array.elements = i;
        memset(&e, 0, sizeof(e));
        e.fields = &f.array;

        if (i < 2) {
            assert_int_equal(entry_read(&e), ENTRY_UNKNOWN);
        } else if (i < 20) {
            assert_int_equal(entry_read(&e), ENTRY_MALFORMED);
        }
    }
}


static void
a_kind_of_the_future_is_not_taken_for_malformed(void **state)
{
    entry_t   e = { 0 };
    fields_t  f;

    (void) state;

    fields_set(&f, message);
    f.texts[1].str = (char *) "edits";
    f.texts[1].len = 5;
    e.fields = &f.array;

    assert_int_equal(entry_read(&e), ENTRY_UNKNOWN);
}


static void
a_list_of_members_may_be_anything(void **state)
{
    size_t          i, n;
    uint8_t        *copy;
    chat_str_t      rest;
    entry_member_t  m;

    static const char  text[] = "a b,,c,d e f, g,h ,";

    (void) state;

    for (i = 0; i < sizeof(text); i++) {
        copy = chat_test_copy(text, i);
        rest.data = copy;
        rest.len = i;

        for (n = 0; entry_next_member(&rest, &m); n++) {
            assert_true(m.user.data >= copy);
            assert_true(m.role.data + m.role.len <= copy + i);
        }

        assert_true(n <= 6);
        free(copy);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(a_message_is_read),
        cmocka_unit_test(a_creation_is_read),
        cmocka_unit_test(a_message_with_everything_is_read),
        cmocka_unit_test(what_becomes_of_a_message_is_read),
        cmocka_unit_test(what_becomes_of_a_conversation_is_read),
        cmocka_unit_test(what_an_entry_needs_must_be_there_and_make_sense),
        cmocka_unit_test(what_is_malformed_keeps_what_can_be_read),
        cmocka_unit_test(a_malformed_message_keeps_its_place),
        cmocka_unit_test(no_truncation_is_read_as_a_message),
        cmocka_unit_test(a_kind_of_the_future_is_not_taken_for_malformed),
        cmocka_unit_test(a_list_of_members_may_be_anything),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
