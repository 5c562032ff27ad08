#include "chat_test.h"

#include "chat_frame.h"


#define MAX_MESSAGE  70000


/* what a reader told of a stream of frames */

typedef struct {
    char      text[512];        /* "T5 P0 C3!" : opcode, length, ! at the end of
                                   a message */
    uint8_t   payload[256];     /* of data frames, as far as it fits */
    size_t    len;
    uint16_t  close_code;       /* 0: it did not fail */
} heard_t;


/* RFC 6455, 5.7, where they are masked; the others with a mask of their own */

static const struct {
    const char  *name;
    chat_str_t   bytes;
    const char  *heard;
    const char  *payload;
} good[] = {
    { "masked Hello",
      chat_str("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"),
      "1:5! ", "Hello" },

    { "Hello in two",
      chat_str("\x01\x83\x37\xfa\x21\x3d\x7f\x9f\x4d"
               "\x80\x82\x01\x02\x03\x04\x6d\x6d"),
      "1:3 0:2! ", "Hello" },

    { "a masked pong",
      chat_str("\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"),
      "a:5 ", "" },

    { "a ping between fragments",
      chat_str("\x01\x81" "\0\0\0\0" "a" "\x89\x80" "\0\0\0\0"
               "\x00\x80" "\0\0\0\0" "\x80\x81" "\0\0\0\0" "b"),
      "1:1 9:0 0:0 0:1! ", "ab" },

    { "two messages of both kinds",
      chat_str("\x82\x80" "\0\0\0\0" "\x81\x81\x20\0\0\0" "a"),
      "2:0! 1:1! ", "A" },

    { "close",
      chat_str("\x88\x82" "\0\0\0\0" "\x03\xe8"),
      "8:2 ", "" },

    { "126 bytes of length in two",
      chat_str("\x81\xfe\x00\x7e" "\0\0\0\0"
               "0123456789abcdef0123456789abcdef0123456789abcdef"
               "0123456789abcdef0123456789abcdef0123456789abcdef"
               "0123456789abcdef0123456789abcd"),
      "1:126! ",
      "0123456789abcdef0123456789abcdef0123456789abcdef"
      "0123456789abcdef0123456789abcdef0123456789abcdef"
      "0123456789abcdef0123456789abcd" },
};


static const struct {
    const char  *name;
    chat_str_t   bytes;
    uint16_t     close_code;
} bad[] = {
    { "not masked", chat_str("\x81\x05"), 1002 },
    { "reserved bit 1", chat_str("\xc1\x85"), 1002 },
    { "reserved bit 2", chat_str("\xa1\x85"), 1002 },
    { "reserved bit 3", chat_str("\x91\x85"), 1002 },
    { "opcode 3", chat_str("\x83\x80"), 1002 },
    { "opcode 7", chat_str("\x87\x80"), 1002 },
    { "opcode b", chat_str("\x8b\x80"), 1002 },
    { "opcode f", chat_str("\x8f\x80"), 1002 },
    { "ping of 126", chat_str("\x89\xfe"), 1002 },
    { "pong of 127", chat_str("\x8a\xff"), 1002 },
    { "fragmented close", chat_str("\x08\x80"), 1002 },
    { "fragmented ping", chat_str("\x09\x80"), 1002 },
    { "ping with a reserved bit", chat_str("\xc9\x80"), 1002 },
    { "continuation of nothing", chat_str("\x80\x80"), 1002 },
    { "continuation after the end",
      chat_str("\x81\x80" "\0\0\0\0" "\x80\x80"), 1002 },
    { "text inside a text", chat_str("\x01\x80" "\0\0\0\0" "\x81\x80"), 1002 },
    { "binary inside a text",
      chat_str("\x01\x80" "\0\0\0\0" "\x02\x80"), 1002 },
    { "continuation with a reserved bit",
      chat_str("\x01\x80" "\0\0\0\0" "\xc0\x80"), 1002 },
    { "125 bytes told in two", chat_str("\x81\xfe\x00\x7d"), 1002 },
    { "65535 bytes told in eight",
      chat_str("\x81\xff\0\0\0\0\0\0\xff\xff"), 1002 },
    { "top bit of the length", chat_str("\x81\xff\x80\0\0\0\0\0\0\0"), 1002 },
    { "too long", chat_str("\x81\xff\0\0\0\0\0\x01\x11\x71"), 1009 },
    { "far too long",
      chat_str("\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff"), 1009 },
    { "too long together",
      chat_str("\x01\x81" "\0\0\0\0" "a"
               "\x80\xff\0\0\0\0\0\x01\x11\x70"), 1009 },
};


static void
heard_frame(heard_t *heard, const chat_frame_t *f, uint64_t len, bool end)
{
    size_t  n;

    n = strlen(heard->text);
    snprintf(heard->text + n, sizeof(heard->text) - n, "%x:%u%s ", f->opcode,
             (unsigned) len, end ? "!" : "");
}


/* a caller as they are: reads heads, takes payload as it comes */

static chat_rc_e
feed(chat_frame_t *f, heard_t *heard, uint64_t *frame_len, const uint8_t *pos,
    const uint8_t *last)
{
    bool       control;
    size_t     n;
    uint8_t    buf[256];
    chat_rc_e  rc;

    for ( ;; ) {

        if (f->state != CHAT_FRAME_PAYLOAD) {
            rc = chat_frame_read_head(f, &pos, last);

            if (rc != CHAT_OK) {
                heard->close_code = f->close_code;
                return rc;
            }

            *frame_len = f->left;
        }

        control = chat_frame_is_control(f);

        while (f->left != 0) {

            if (pos == last) {
                return CHAT_AGAIN;
            }

            n = last - pos;
            n = n < f->left ? n : f->left;
            n = n < sizeof(buf) ? n : sizeof(buf);

            chat_frame_unmask(f, buf, pos, n);
            pos += n;

            if (!control && heard->len + n <= sizeof(heard->payload)) {
                memcpy(heard->payload + heard->len, buf, n);
                heard->len += n;
            }
        }

        heard_frame(heard, f, *frame_len, chat_frame_end(f));
    }
}


static void
frames_are_heard_whatever_the_split(void **state)
{
    size_t         i, cut;
    uint8_t       *p, *last;
    heard_t        heard;
    uint64_t       frame_len;
    chat_frame_t   f;

    (void) state;

    for (i = 0; i < chat_test_count(good); i++) {

        for (cut = 0; cut <= good[i].bytes.len; cut++) {
            memset(&heard, 0, sizeof(heard));
            chat_frame_init(&f, MAX_MESSAGE);

            p = chat_test_copy(good[i].bytes.data, cut);
            assert_int_equal(feed(&f, &heard, &frame_len, p, p + cut),
                             CHAT_AGAIN);
            free(p);

            p = chat_test_copy(good[i].bytes.data + cut,
                               good[i].bytes.len - cut);
            last = p + (good[i].bytes.len - cut);
            assert_int_equal(feed(&f, &heard, &frame_len, p, last),
                             CHAT_AGAIN);
            free(p);

            chat_test_case(good[i].name,
                           strcmp(heard.text, good[i].heard) == 0);
            chat_test_case(good[i].name,
                           heard.len == strlen(good[i].payload)
                           && memcmp(heard.payload, good[i].payload,
                                     heard.len) == 0);
        }
    }
}


static void
frames_are_heard_byte_by_byte(void **state)
{
    size_t        i, n;
    heard_t       heard;
    uint64_t      frame_len;
    chat_frame_t  f;

    (void) state;

    for (i = 0; i < chat_test_count(good); i++) {
        memset(&heard, 0, sizeof(heard));
        chat_frame_init(&f, MAX_MESSAGE);

        for (n = 0; n < good[i].bytes.len; n++) {
            assert_int_equal(feed(&f, &heard, &frame_len,
                                  good[i].bytes.data + n,
                                  good[i].bytes.data + n + 1),
                             CHAT_AGAIN);
        }

        chat_test_case(good[i].name, strcmp(heard.text, good[i].heard) == 0);
    }
}


static void
bad_heads_fail_whatever_the_split(void **state)
{
    size_t         i, cut;
    heard_t        heard;
    uint64_t       frame_len;
    chat_rc_e      rc;
    chat_frame_t   f;
    const uint8_t  *pos;

    (void) state;

    for (i = 0; i < chat_test_count(bad); i++) {

        for (cut = 0; cut < bad[i].bytes.len; cut++) {
            memset(&heard, 0, sizeof(heard));
            chat_frame_init(&f, MAX_MESSAGE);
            pos = bad[i].bytes.data;

            rc = feed(&f, &heard, &frame_len, pos, pos + cut);
            chat_test_case(bad[i].name, rc == CHAT_AGAIN);

            rc = feed(&f, &heard, &frame_len, pos + cut,
                      pos + bad[i].bytes.len);
            chat_test_case(bad[i].name, rc == CHAT_ERROR);
            chat_test_case(bad[i].name,
                           heard.close_code == bad[i].close_code);

            /* and stays so */

            rc = chat_frame_read_head(&f, &pos, pos + 1);
            chat_test_case(bad[i].name, rc == CHAT_ERROR);
        }
    }
}


static void
a_message_may_be_as_long_as_allowed(void **state)
{
    chat_frame_t    f;
    const uint8_t  *pos;

    static const uint8_t  whole[] = { 0x82, 0xfe, 0x10, 0x00, 1, 2, 3, 4 };
    static const uint8_t  more[] = { 0x82, 0xfe, 0x10, 0x01 };

    (void) state;

    chat_frame_init(&f, 4096);
    pos = whole;
    assert_int_equal(chat_frame_read_head(&f, &pos, whole + sizeof(whole)),
                     CHAT_OK);
    assert_int_equal(f.left, 4096);
    assert_int_equal(f.message_len, 4096);

    chat_frame_init(&f, 4096);
    pos = more;
    assert_int_equal(chat_frame_read_head(&f, &pos, more + sizeof(more)),
                     CHAT_ERROR);
    assert_int_equal(f.close_code, 1009);
}


/* by a sixteenth and a little: what deflate may add to what is random */

static void
a_compressed_message_may_be_a_little_longer(void **state)
{
    size_t          i;
    chat_frame_t    f;
    const uint8_t  *pos;

    static const struct {
        uint8_t    head[8];
        chat_rc_e  rc;
    } cases[] = {
        { { 0xc2, 0xfe, 0x11, 0x40, 1, 2, 3, 4 }, CHAT_OK },
        { { 0xc2, 0xfe, 0x11, 0x41, 1, 2, 3, 4 }, CHAT_ERROR },
        { { 0x82, 0xfe, 0x10, 0x01, 1, 2, 3, 4 }, CHAT_ERROR },
    };

    (void) state;

    for (i = 0; i < chat_test_count(cases); i++) {
        chat_frame_init(&f, 4096);
        f.allow_rsv1 = 1;
        pos = cases[i].head;

        assert_int_equal(chat_frame_read_head(&f, &pos, pos + 8), cases[i].rc);
    }

    chat_frame_init(&f, UINT32_MAX);
    f.allow_rsv1 = 1;
    pos = cases[0].head;

    assert_int_equal(chat_frame_read_head(&f, &pos, pos + 8), CHAT_OK);
}


static void
a_message_has_so_many_fragments_and_no_more(void **state)
{
    size_t          i;
    uint8_t         frame[] = { 0x01, 0x80, 1, 2, 3, 4 };
    chat_frame_t    f;
    const uint8_t  *pos;

    (void) state;

    chat_frame_init(&f, 4096);

    for (i = 0; i < CHAT_FRAME_MAX_FRAGMENTS; i++) {
        pos = frame;
        assert_int_equal(chat_frame_read_head(&f, &pos, frame + 6), CHAT_OK);
        assert_false(chat_frame_end(&f));
        frame[0] = 0x00;
    }

    frame[0] = 0x89;                    /* a ping is none */
    pos = frame;
    assert_int_equal(chat_frame_read_head(&f, &pos, frame + 6), CHAT_OK);
    assert_false(chat_frame_end(&f));

    frame[0] = 0x80;
    pos = frame;
    assert_int_equal(chat_frame_read_head(&f, &pos, frame + 6), CHAT_ERROR);
    assert_int_equal(f.close_code, 1009);
}


static void
a_head_that_was_read_is_told_again(void **state)
{
    chat_frame_t    f;
    const uint8_t  *pos;

    static const uint8_t  ping[] = { 0x89, 0x81, 1, 2, 3, 4, 'x' };

    (void) state;

    chat_frame_init(&f, 4096);
    pos = ping;

    assert_int_equal(chat_frame_read_head(&f, &pos, ping + 7), CHAT_OK);
    assert_int_equal(chat_frame_read_head(&f, &pos, ping + 7), CHAT_OK);
    assert_ptr_equal(pos, ping + 6);
    assert_int_equal(f.left, 1);
}


static void
rsv1_is_remembered_over_a_message(void **state)
{
    heard_t       heard;
    uint64_t      frame_len;
    chat_str_t    bytes;
    chat_frame_t  f;

    (void) state;

    memset(&heard, 0, sizeof(heard));
    chat_frame_init(&f, 4096);
    f.allow_rsv1 = 1;

    bytes = chat_str("\x41\x80" "\0\0\0\0" "\x89\x80" "\0\0\0\0"
                     "\x80\x81" "\0\0\0\0");
    assert_int_equal(feed(&f, &heard, &frame_len, bytes.data,
                          bytes.data + bytes.len),
                     CHAT_AGAIN);
    assert_int_equal(f.rsv1, 1);
    assert_int_equal(f.message, CHAT_FRAME_TEXT);

    chat_frame_unmask(&f, heard.payload, (const uint8_t *) "x", 1);
    assert_true(chat_frame_end(&f));

    bytes = chat_str("\x81\x80" "\0\0\0\0" "\xc0\x80");
    assert_int_equal(feed(&f, &heard, &frame_len, bytes.data,
                          bytes.data + bytes.len),
                     CHAT_ERROR);
    assert_int_equal(f.rsv1, 0);
}


static void
unmasking_is_the_same_in_any_pieces(void **state)
{
    size_t         i, a, b;
    uint8_t        masked[67], plain[67], buf[67];
    chat_frame_t   f;
    const uint8_t *pos;

    static const uint8_t  head[] = { 0x82, 0x80 + 67, 0x37, 0xfa, 0x21, 0x3d };

    (void) state;

    for (i = 0; i < sizeof(plain); i++) {
        plain[i] = i * 7;
        masked[i] = plain[i] ^ head[2 + i % 4];
    }

    for (a = 0; a <= sizeof(plain); a++) {

        for (b = a; b <= sizeof(plain); b++) {
            chat_frame_init(&f, 100);
            pos = head;
            assert_int_equal(chat_frame_read_head(&f, &pos, head + 6), CHAT_OK);

            chat_frame_unmask(&f, buf, masked, a);
            chat_frame_unmask(&f, buf + a, masked + a, b - a);

            /* in place */

            memcpy(buf + b, masked + b, sizeof(plain) - b);
            chat_frame_unmask(&f, buf + b, buf + b, sizeof(plain) - b);

            assert_memory_equal(buf, plain, sizeof(plain));
            assert_true(chat_frame_end(&f));
        }
    }
}


static void
heads_are_written_in_their_shortest_form(void **state)
{
    size_t   i, n;
    uint8_t  head[CHAT_FRAME_MAX_HEAD];

    static const struct {
        chat_frame_opcode_e  opcode;
        uint8_t              flags;
        uint64_t             len;
        chat_str_t           head;
    } cases[] = {
        { CHAT_FRAME_TEXT, 0x80, 0, chat_str("\x81\x00") },
        { CHAT_FRAME_TEXT, 0x80, 5, chat_str("\x81\x05") },
        { CHAT_FRAME_TEXT, 0xc0, 125, chat_str("\xc1\x7d") },
        { CHAT_FRAME_BINARY, 0x80, 126, chat_str("\x82\x7e\x00\x7e") },
        { CHAT_FRAME_BINARY, 0x80, 256, chat_str("\x82\x7e\x01\x00") },
        { CHAT_FRAME_BINARY, 0x80, 65535, chat_str("\x82\x7e\xff\xff") },
        { CHAT_FRAME_BINARY, 0x80, 65536,
          chat_str("\x82\x7f\0\0\0\0\0\x01\0\0") },
        { CHAT_FRAME_TEXT, 0x80, UINT64_C(0x0102030405060708),
          chat_str("\x81\x7f\x01\x02\x03\x04\x05\x06\x07\x08") },
        { CHAT_FRAME_CLOSE, 0x80, 2, chat_str("\x88\x02") },
        { CHAT_FRAME_PONG, 0x80, 125, chat_str("\x8a\x7d") },
        { CHAT_FRAME_TEXT, 0, 1, chat_str("\x01\x01") },
        { CHAT_FRAME_BINARY, 0x40, 1, chat_str("\x42\x01") },
        { CHAT_FRAME_CONTINUATION, 0, 1, chat_str("\x00\x01") },
    };

    (void) state;

    for (i = 0; i < chat_test_count(cases); i++) {
        n = chat_frame_write_head(head, cases[i].opcode, cases[i].flags,
                                  cases[i].len);
        assert_int_equal(n, cases[i].head.len);
        assert_memory_equal(head, cases[i].head.data, n);
    }
}


static void
close_codes_are_judged(void **state)
{
    bool        good_code;
    unsigned    code;
    uint8_t     payload[2];
    uint16_t    got;
    chat_rc_e   rc;

    (void) state;

    for (code = 0; code <= 0xffff; code++) {
        payload[0] = code >> 8;
        payload[1] = code & 0xff;

        good_code = (code >= 1000 && code <= 1003)
                    || (code >= 1007 && code <= 1014)
                    || (code >= 3000 && code <= 4999);

        rc = chat_frame_read_close((chat_str_t) { payload, 2 }, &got);

        assert_int_equal(rc, good_code ? CHAT_OK : CHAT_ERROR);
        assert_int_equal(got, good_code ? code : 1002);
    }
}


static void
close_payloads_are_judged(void **state)
{
    size_t    i;
    uint16_t  code;

    static const struct {
        const char  *name;
        chat_str_t   payload;
        chat_rc_e    rc;
        uint16_t     code;
    } cases[] = {
        { "empty", { NULL, 0 }, CHAT_OK, 1005 },
        { "one byte", chat_str("\x03"), CHAT_ERROR, 1002 },
        { "a reason", chat_str("\x03\xe8" "bye \xe2\x9c\x8b"), CHAT_OK, 1000 },
        { "a bad reason", chat_str("\x03\xe8\xff"), CHAT_ERROR, 1007 },
        { "half a character", chat_str("\x03\xe8\xe2\x9c"), CHAT_ERROR, 1007 },
        { "a bad code first", chat_str("\x03\xec\xff"), CHAT_ERROR, 1002 },
    };

    (void) state;

    for (i = 0; i < chat_test_count(cases); i++) {
        code = 0;
        chat_test_case(cases[i].name,
                       chat_frame_read_close(cases[i].payload, &code)
                       == cases[i].rc);
        chat_test_case(cases[i].name, code == cases[i].code);
    }
}


static void
a_reason_is_cut_at_a_character(void **state)
{
    size_t      i, n;
    uint8_t     reason[200], payload[CHAT_FRAME_MAX_CONTROL];
    uint16_t    code;
    chat_str_t  s;

    (void) state;

    for (i = 0; i <= sizeof(reason) - 4; i++) {
        memset(reason, 'a', sizeof(reason));
        memcpy(reason + i, "\xf0\x9f\x98\x80", 4);
        s = (chat_str_t) { reason, i + 4 };

        n = chat_frame_write_close(payload, 4401, s);

        assert_true(n <= CHAT_FRAME_MAX_CONTROL);
        assert_int_equal(n, i + 4 <= 123 ? i + 6 : i < 123 ? i + 2 : 125);
        assert_memory_equal(payload + 2, reason, n - 2);

        s = (chat_str_t) { payload, n };
        assert_int_equal(chat_frame_read_close(s, &code), CHAT_OK);
        assert_int_equal(code, 4401);
    }

    s = (chat_str_t) { NULL, 0 };
    assert_int_equal(chat_frame_write_close(payload, 1000, s), 2);
    assert_int_equal(chat_frame_write_close(payload, 1005, s), 0);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(frames_are_heard_whatever_the_split),
        cmocka_unit_test(frames_are_heard_byte_by_byte),
        cmocka_unit_test(bad_heads_fail_whatever_the_split),
        cmocka_unit_test(a_message_may_be_as_long_as_allowed),
        cmocka_unit_test(a_compressed_message_may_be_a_little_longer),
        cmocka_unit_test(a_message_has_so_many_fragments_and_no_more),
        cmocka_unit_test(a_head_that_was_read_is_told_again),
        cmocka_unit_test(rsv1_is_remembered_over_a_message),
        cmocka_unit_test(unmasking_is_the_same_in_any_pieces),
        cmocka_unit_test(heads_are_written_in_their_shortest_form),
        cmocka_unit_test(close_codes_are_judged),
        cmocka_unit_test(close_payloads_are_judged),
        cmocka_unit_test(a_reason_is_cut_at_a_character),
    };

    return cmocka_run_group_tests_name("chat_frame", tests, NULL, NULL);
}
