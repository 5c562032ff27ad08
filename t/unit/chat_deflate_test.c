#include "chat_test.h"

/* the code itself, so that its allocations can be made to fail */

static void *chat_test_calloc(size_t n, size_t size);

#define calloc  chat_test_calloc
#include "../../common/chat_deflate.c"
#undef calloc


#define LARGEST  200000


/* so many allocations succeed, then all fail; -1: none fails */
static int  allocations = -1;


static const chat_inflate_limits_t  plenty = { LARGEST, LARGEST, 1 };


/* RFC 7692, 7.2.3, and what else a sender may do */

static const struct {
    const char  *name;
    chat_str_t   packed;
    const char  *text;
} good[] = {
    { "one block", chat_str("\xf2\x48\xcd\xc9\xc9\x07\x00"), "Hello" },
    { "no compression", chat_str("\x00\x05\x00\xfa\xff" "Hello\x00"), "Hello" },
    { "BFINAL", chat_str("\xf3\x48\xcd\xc9\xc9\x07\x00\x00"), "Hello" },
    { "two blocks", chat_str("\xf2\x48\x05\x00\x00\x00\xff\xff"
                             "\xca\xc9\xc9\x07\x00"), "Hello" },
    { "nothing", chat_str("\x00"), "" },
    { "BFINAL at the very end", chat_str("\xf3\x48\xcd\xc9\xc9\x07\x00"),
      "Hello" },
    { "BFINAL twice", chat_str("\xf3\x48\xcd\xc9\xc9\x07\x00"
                               "\xf3\x48\xcd\xc9\xc9\x07\x00\x00"),
      "HelloHello" },
    { "BFINAL, not compressed", chat_str("\x01\x05\x00\xfa\xff" "Hello\x00"),
      "Hello" },
    { "a reference to what was before BFINAL",
      chat_str("\xf3\x48\xcd\xc9\xc9\x07\x00" "\xf2\x00\x11\x00\x00"),
      "HelloHello" },
    { "empty blocks", chat_str("\x00\x00\x00\xff\xff\x00\x00\x00\xff\xff\x00"),
      "" },
};


static const struct {
    const char  *name;
    chat_str_t   packed;
} bad[] = {
    { "not a byte", chat_str("") },
    { "the tail is there, too", chat_str("\xf2\x48\xcd\xc9\xc9\x07\x00\x00\x00"
                                         "\xff\xff") },
    { "the last byte is not", chat_str("\xf2\x48\xcd\xc9\xc9\x07") },
    { "a block of the reserved kind", chat_str("\x06\x00") },
    { "another length than it says", chat_str("\x00\x05\x00\xfa\xfe" "Hello") },
    { "less than it says", chat_str("\x00\x0f\x00\xf0\xff" "Hello") },
    { "a reference to before the message", chat_str("\xf2\x00\x11\x00\x00") },
    { "text", chat_str("Hello") },
    { "no codes of lengths", chat_str("\x04\x00\x00\x00\x00\x00\x00") },
    { "BFINAL, and garbage", chat_str("\xf3\x48\xcd\xc9\xc9\x07\x00\x06") },
};


static void *
chat_test_calloc(size_t n, size_t size)
{
    if (allocations == 0) {
        return NULL;
    }

    if (allocations > 0) {
        allocations--;
    }

    return calloc(n, size);
}


/* reads all of the part that was fed, so many bytes at a time */

static chat_rc_e
read_all(chat_inflate_t *z, size_t step, uint8_t *dst, size_t *len)
{
    size_t     n;
    uint8_t   *room;
    chat_rc_e  rc;

    do {
        room = chat_test_copy(dst, step);       /* of exactly this size */
        rc = chat_inflate_read(z, room, step, &n);
        assert_true(n <= step && n <= LARGEST - *len);

        memcpy(dst + *len, room, n);
        free(room);
        *len += n;
    } while (rc == CHAT_AGAIN);

    return rc;
}


/* in two parts, cut there */

static chat_rc_e
inflate_cut(chat_inflate_t *z, chat_str_t packed, size_t cut, size_t step,
    uint8_t *dst, size_t *len)
{
    uint8_t    *part;
    chat_rc_e   rc;

    *len = 0;
    chat_inflate_begin(z, &plenty);

    part = chat_test_copy(packed.data, cut);
    chat_inflate_feed(z, (chat_str_t) { part, cut }, false);
    rc = read_all(z, step, dst, len);
    free(part);

    if (rc != CHAT_OK) {
        return rc;
    }

    part = chat_test_copy(packed.data + cut, packed.len - cut);
    chat_inflate_feed(z, (chat_str_t) { part, packed.len - cut }, true);
    rc = read_all(z, step, dst, len);
    free(part);

    return rc;
}


static void
a_message_is_read_whatever_the_split(void **state)
{
    size_t           i, cut, step, len;
    uint8_t         *dst;
    chat_rc_e        rc;
    chat_inflate_t  *z;

    (void) state;

    z = chat_inflate_create();
    assert_non_null(z);
    dst = malloc(LARGEST);

    for (i = 0; i < chat_test_count(good); i++) {
        for (cut = 0; cut <= good[i].packed.len; cut++) {
            for (step = 1; step <= 16; step++) {
                rc = inflate_cut(z, good[i].packed, cut, step, dst, &len);

                chat_test_case(good[i].name, rc == CHAT_OK);
                chat_test_case(good[i].name, len == strlen(good[i].text)
                               && memcmp(dst, good[i].text, len) == 0);
            }
        }
    }

    free(dst);
    chat_inflate_free(z);
}


static void
what_is_not_deflate_is_an_error(void **state)
{
    size_t           i, cut, len;
    uint8_t         *dst;
    chat_inflate_t  *z;

    (void) state;

    z = chat_inflate_create();
    assert_non_null(z);
    dst = malloc(LARGEST);

    for (i = 0; i < chat_test_count(bad); i++) {
        for (cut = 0; cut <= bad[i].packed.len; cut++) {
            chat_test_case(bad[i].name,
                           inflate_cut(z, bad[i].packed, cut, 7, dst, &len)
                           == CHAT_ERROR);
        }
    }

    free(dst);
    chat_inflate_free(z);
}


/* text of some redundancy, and bytes of none */

static void
fill(uint8_t *text, size_t len, unsigned kind)
{
    size_t    i;
    uint32_t  x;

    for (i = 0, x = 1; i < len; i++) {
        x = x * 1664525 + 1013904223;

        text[i] = kind == 0 ? (uint8_t) "the quick brown fox "[i * 7 / 5 % 20]
                  : kind == 1 ? (uint8_t) (x >> 24) : 'a';
    }
}


/* every size, in one piece and in fragments, which are read as one stream */

static void
what_is_written_can_be_read(void **state)
{
    size_t           i, len, half, n, m;
    uint8_t         *text, *packed, *dst;
    unsigned         kind;
    chat_str_t       part;
    chat_deflate_t  *d;
    chat_inflate_t  *z;

    static const size_t  sizes[] = {
        0, 1, 2, 3, 5, 60, 127, 128, 129, 1000, 4095, 4096, 4097, 16383,
        16384, 65535, 65536, 131072
    };

    (void) state;

    d = chat_deflate_create();
    z = chat_inflate_create();
    assert_true(d != NULL && z != NULL);

    text = malloc(LARGEST);
    packed = malloc(LARGEST);
    dst = malloc(LARGEST);

    for (kind = 0; kind < 3; kind++) {
        for (i = 0; i < chat_test_count(sizes); i++) {
            fill(text, sizes[i], kind);

            part = (chat_str_t) { text, sizes[i] };
            assert_int_equal(chat_deflate_write(d, part, true, packed, LARGEST,
                                                &n),
                             CHAT_OK);

            assert_int_equal(inflate_cut(z, (chat_str_t) { packed, n }, n / 3,
                                         4096, dst, &len),
                             CHAT_OK);
            assert_int_equal(len, sizes[i]);
            assert_memory_equal(dst, text, len);

            half = sizes[i] / 2;

            part = (chat_str_t) { text, half };
            assert_int_equal(chat_deflate_write(d, part, false, packed,
                                                LARGEST, &n),
                             CHAT_OK);

            part = (chat_str_t) { text + half, sizes[i] - half };
            assert_int_equal(chat_deflate_write(d, part, true, packed + n,
                                                LARGEST - n, &m),
                             CHAT_OK);

            assert_int_equal(inflate_cut(z, (chat_str_t) { packed, n + m }, n,
                                         4096, dst, &len),
                             CHAT_OK);
            assert_int_equal(len, sizes[i]);
            assert_memory_equal(dst, text, len);
        }
    }

    free(text);
    free(packed);
    free(dst);
    chat_deflate_free(d);
    chat_inflate_free(z);
}


static void
an_empty_message_is_one_byte(void **state)
{
    size_t           n;
    uint8_t          packed[16];
    chat_deflate_t  *d;

    (void) state;

    d = chat_deflate_create();
    assert_non_null(d);

    assert_int_equal(chat_deflate_write(d, chat_str(""), true, packed,
                                        sizeof(packed), &n),
                     CHAT_OK);
    assert_int_equal(n, 1);
    assert_int_equal(packed[0], 0);

    chat_deflate_free(d);
}


/* whatever room there is, not a byte is written behind it */

static void
what_does_not_fit_is_declined(void **state)
{
    size_t           size, n;
    uint8_t          text[500], *packed;
    chat_rc_e        rc;
    chat_str_t       src;
    chat_deflate_t  *d;

    (void) state;

    d = chat_deflate_create();
    assert_non_null(d);

    fill(text, sizeof(text), 1);
    src = (chat_str_t) { text, sizeof(text) };

    for (size = 0; size < 600; size++) {
        packed = chat_test_copy(text, 0);
        packed = realloc(packed, size + 1);
        packed[size] = 0xee;

        rc = chat_deflate_write(d, src, true, packed, size, &n);
        assert_int_equal(packed[size], 0xee);
        assert_true(rc == CHAT_OK ? n <= size : rc == CHAT_DECLINED);
        assert_true(size > sizeof(text) || rc == CHAT_DECLINED);
        free(packed);
    }

    assert_int_equal(rc, CHAT_OK);

    chat_deflate_free(d);
}


/* a peer with a small window can read a message that is no longer than it */

static void
a_short_message_needs_a_small_window_alone(void **state)
{
    int              bits;
    size_t           len, n;
    uint8_t          text[4096], packed[8192], dst[4096];
    z_stream         z;
    chat_deflate_t  *d;

    (void) state;

    d = chat_deflate_create();
    assert_non_null(d);

    for (bits = 8; bits <= CHAT_DEFLATE_WINDOW_BITS; bits++) {
        len = (size_t) 1 << bits;
        fill(text, len / 2, 1);
        memcpy(text + len / 2, text, len / 2);  /* refers back by half of it */

        assert_int_equal(chat_deflate_write(d, (chat_str_t) { text, len },
                                            false, packed, sizeof(packed), &n),
                         CHAT_OK);

        memset(&z, 0, sizeof(z));
        assert_int_equal(inflateInit2(&z, -bits), Z_OK);

        z.next_in = packed;
        z.avail_in = n;
        z.next_out = dst;
        z.avail_out = sizeof(dst);

        /* in small steps, so that nothing but the window helps */

        while (z.total_out < len) {
            z.avail_out = 1;
            assert_int_equal(inflate(&z, Z_SYNC_FLUSH), Z_OK);
        }

        assert_memory_equal(dst, text, len);
        inflateEnd(&z);
    }

    chat_deflate_free(d);
}


static void
a_message_has_limits(void **state)
{
    size_t           i, n, len;
    uint8_t         *text, *packed, *dst;
    chat_rc_e        rc;
    chat_deflate_t  *d;
    chat_inflate_t  *z;

    const struct {
        chat_inflate_limits_t  limits;
        chat_rc_e              rc;
    } cases[] = {
        { { 100000, 0, 1032 }, CHAT_OK },
        { { 99999, 0, 1032 }, CHAT_DECLINED },
        { { 1, 0, 1032 }, CHAT_DECLINED },
        { { 100000, 0, 100 }, CHAT_DECLINED },
        { { 100000, 99999, 100 }, CHAT_DECLINED },
        { { 100000, 100000, 1 }, CHAT_OK },
        { { 99999, 100000, 1 }, CHAT_DECLINED },
    };

    (void) state;

    d = chat_deflate_create();
    z = chat_inflate_create();
    assert_true(d != NULL && z != NULL);

    text = malloc(LARGEST);
    packed = malloc(LARGEST);
    dst = malloc(LARGEST);

    fill(text, 100000, 2);
    rc = chat_deflate_write(d, (chat_str_t) { text, 100000 }, true, packed,
                            LARGEST, &n);
    assert_int_equal(rc, CHAT_OK);
    assert_true(n > 100000 / 1032 && n < 900);

    for (i = 0; i < chat_test_count(cases); i++) {
        len = 0;
        chat_inflate_begin(z, &cases[i].limits);
        chat_inflate_feed(z, (chat_str_t) { packed, n }, true);

        assert_int_equal(read_all(z, 1000, dst, &len), cases[i].rc);
        assert_true(len <= cases[i].limits.max_size + 1);
    }

    free(text);
    free(packed);
    free(dst);
    chat_deflate_free(d);
    chat_inflate_free(z);
}


/* each allocation fails in its turn; after the last one there is no other */

static void
all_memory_is_there_from_the_start(void **state)
{
    int              n;
    size_t           len;
    uint8_t         *text, *packed, *dst;
    chat_rc_e        rc;
    chat_deflate_t  *d;
    chat_inflate_t  *z;

    (void) state;

    for (n = 0, d = NULL; d == NULL; n++) {
        allocations = n;
        d = chat_deflate_create();
    }

    for (n = 0, z = NULL; z == NULL; n++) {
        allocations = n;
        z = chat_inflate_create();
    }

    assert_true(n > 2);
    allocations = 0;

    text = malloc(LARGEST);
    packed = malloc(LARGEST);
    dst = malloc(LARGEST);

    fill(text, 150000, 0);
    rc = chat_deflate_write(d, (chat_str_t) { text, 150000 }, true, packed,
                            LARGEST, &len);
    assert_int_equal(rc, CHAT_OK);

    for (n = 0; n < 3; n++) {
        assert_int_equal(inflate_cut(z, (chat_str_t) { packed, len }, len / 2,
                                     4096, dst, &(size_t) { 0 }),
                         CHAT_OK);
    }

    allocations = -1;

    free(text);
    free(packed);
    free(dst);
    chat_deflate_free(d);
    chat_inflate_free(z);
    chat_deflate_free(NULL);
    chat_inflate_free(NULL);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(a_message_is_read_whatever_the_split),
        cmocka_unit_test(what_is_not_deflate_is_an_error),
        cmocka_unit_test(what_is_written_can_be_read),
        cmocka_unit_test(an_empty_message_is_one_byte),
        cmocka_unit_test(what_does_not_fit_is_declined),
        cmocka_unit_test(a_short_message_needs_a_small_window_alone),
        cmocka_unit_test(a_message_has_limits),
        cmocka_unit_test(all_memory_is_there_from_the_start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
