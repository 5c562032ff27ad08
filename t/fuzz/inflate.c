/*
 * permessage-deflate.  A compressed message is read whole and cut by chance,
 * and by zlib directly, in the plainest way: they must agree, and whatever a
 * peer sends no more may come out than the limits say.  And what is compressed
 * here, in fragments, must be read again by zlib with the window that was
 * promised.
 *
 *      input   options, two bytes that decide the cuts, the message
 */

#define ZLIB_CONST

#include "fuzz.h"
#include "fuzz_resp.h"

#include <zlib.h>

#include "chat_deflate.h"


#define OPTION_WRITE  0x01              /* compress it, not inflate it */
#define OPTION_TINY   0x02              /* narrow limits */
#define OPTION_RATIO  0x04              /* a low ratio */

#define PLAIN_MAX     (1024 * 1024)     /* what the plain reader gives up at */
#define WINDOW        32768


static chat_deflate_t  *deflater;
static chat_inflate_t  *inflater;


int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void) argc;
    (void) argv;

    deflater = chat_deflate_create();
    inflater = chat_inflate_create();
    fuzz_check(deflater != NULL && inflater != NULL);

    return 0;
}


/* what may come out of what has come in, by the words of the header; at its
   end the ratio is not counted by the byte */

static size_t
allowed(const chat_inflate_limits_t *limits, size_t in)
{
    size_t  n = (in + 1) * limits->max_ratio;

    n = n > limits->free_size ? n : limits->free_size;

    return n < limits->max_size ? n : limits->max_size;
}


/* cuts: 0: not cut */

static chat_rc_e
read_message(chat_str_t message, const chat_inflate_limits_t *limits,
    uint32_t cuts, fuzz_bytes_t *out)
{
    size_t      n, len, done = 0;
    uint8_t    *piece, dst[700];
    chat_rc_e   rc;

    out->len = 0;
    chat_inflate_begin(inflater, limits);

    do {
        len = message.len - done;

        if (cuts != 0 && len > 1) {
            len = 1 + fuzz_random(&cuts) % (len < 60 ? len : 60);
        }

        piece = fuzz_copy(message.data + done, len);
        done += len;

        chat_inflate_feed(inflater, (chat_str_t) { piece, len },
                          done == message.len);

        do {
            n = cuts != 0 ? 1 + fuzz_random(&cuts) % sizeof(dst) : sizeof(dst);
            rc = chat_inflate_read(inflater, dst, n, &n);
            fuzz_check(n <= sizeof(dst));
            fuzz_bytes_add(out, dst, n);

            /* one byte shows that there are more */
            fuzz_check(out->len <= allowed(limits, done) + 1);
            fuzz_check(rc != CHAT_AGAIN || n != 0);
            fuzz_check(rc == CHAT_DECLINED
                       || out->len <= allowed(limits, done));
        } while (rc == CHAT_AGAIN);

        free(piece);
    } while (rc == CHAT_OK && done < message.len);

    return rc;
}


/* The same with zlib alone, of a message that is there whole. */


static int
plain_inflate(z_stream *z, fuzz_bytes_t *out)
{
    int      rc;
    uint8_t  dst[4096];

    do {
        z->next_out = dst;
        z->avail_out = sizeof(dst);

        rc = inflate(z, Z_SYNC_FLUSH);
        fuzz_bytes_add(out, dst, sizeof(dst) - z->avail_out);
    } while (rc == Z_OK && z->avail_out == 0 && out->len <= PLAIN_MAX);

    return rc == Z_BUF_ERROR ? Z_OK : rc;
}


/* RFC 7692, 7.2.2 and 7.2.3.4; AGAIN: there is too much of it to go on */

static chat_rc_e
plain_read(chat_str_t message, int bits, fuzz_bytes_t *out)
{
    int        rc;
    size_t     window;
    bool       ended;
    uint8_t   *whole;
    z_stream   z;
    chat_rc_e  answer = CHAT_ERROR;

    static const uint8_t  tail[] = { 0x00, 0x00, 0xff, 0xff };

    out->len = 0;
    memset(&z, 0, sizeof(z));
    fuzz_check(inflateInit2(&z, -bits) == Z_OK);

    whole = fuzz_copy(message.data, message.len);
    z.next_in = whole;
    z.avail_in = (uInt) message.len;

    for ( ;; ) {
        rc = plain_inflate(&z, out);
        ended = rc == Z_STREAM_END;

        if (!ended || z.avail_in == 0) {
            break;
        }

        /* another stream, which may refer to what was before it */

        window = out->len < WINDOW ? out->len : WINDOW;
        fuzz_check(inflateReset(&z) == Z_OK);

        if (window != 0) {
            fuzz_check(inflateSetDictionary(&z, out->data + out->len - window,
                                            (uInt) window) == Z_OK);
        }
    }

    if (out->len > PLAIN_MAX) {
        answer = CHAT_AGAIN;

    } else if (ended) {
        answer = CHAT_OK;

    } else if (rc == Z_OK) {
        z.next_in = tail;
        z.avail_in = sizeof(tail);

        rc = plain_inflate(&z, out);

        /* the tail may be the end of a last block, which is a stream's end */

        if (z.avail_in == 0
            && (rc == Z_STREAM_END
                || (rc == Z_OK && (z.data_type & 128) && !(z.data_type & 7))))
        {
            answer = CHAT_OK;
        }
    }

    (void) inflateEnd(&z);
    free(whole);

    return answer;
}


static void
readers_agree(chat_str_t message, const chat_inflate_limits_t *limits,
    uint32_t cuts)
{
    size_t        i;
    chat_rc_e     rc, plain_rc;
    fuzz_bytes_t  out = { 0 }, plain = { 0 };

    plain_rc = plain_read(message, 15, &plain);

    for (i = 0; i < 2; i++) {
        rc = read_message(message, limits, i == 0 ? 0 : cuts, &out);

        if (rc == CHAT_DECLINED) {

            /* cut, it may have been over its ratio in between */

            fuzz_check(plain_rc == CHAT_AGAIN || i != 0 || message.len == 0
                       || plain.len > allowed(limits, message.len - 1));
            continue;
        }

        fuzz_check(rc == plain_rc);

        if (rc == CHAT_OK) {
            fuzz_check(fuzz_same((chat_str_t) { out.data, out.len },
                                 (chat_str_t) { plain.data, plain.len }));
        }
    }

    free(out.data);
    free(plain.data);
}


static void
written_is_read(chat_str_t text, uint32_t cuts)
{
    size_t        n, len, size, done = 0;
    uint8_t      *dst;
    fuzz_bytes_t  message = { 0 }, again = { 0 };

    do {
        len = text.len - done;

        if (len > 1 && cuts % 3 != 0) {
            len = 1 + fuzz_random(&cuts) % len;
        }

        size = len + len / 8 + 64;
        dst = fuzz_alloc(size);

        fuzz_check(chat_deflate_write(deflater,
                                      (chat_str_t) { text.data + done, len },
                                      done + len == text.len, dst, size, &n)
                   == CHAT_OK);
        fuzz_bytes_add(&message, dst, n);
        free(dst);

        done += len;
    } while (done < text.len);

    fuzz_check(plain_read((chat_str_t) { message.data, message.len },
                          CHAT_DEFLATE_WINDOW_BITS, &again)
               == CHAT_OK);
    fuzz_check(fuzz_same((chat_str_t) { again.data, again.len }, text));

    /* where there is too little room nothing is written beyond it */

    size = text.len / 2;
    dst = fuzz_alloc(size);
    (void) chat_deflate_write(deflater, text, true, dst, size, &n);
    free(dst);

    free(message.data);
    free(again.data);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t       options;
    uint32_t      cuts;
    chat_str_t    text;
    fuzz_input_t  in = { data, size };

    chat_inflate_limits_t  limits = { 256 * 1024, 4096, 1000 };

    options = fuzz_byte(&in);
    cuts = (uint32_t) fuzz_uint(&in, 2) + 1;
    text = fuzz_rest(&in);

    if (options & OPTION_TINY) {
        limits.max_size = 1000;
        limits.free_size = 300;
    }

    if (options & OPTION_RATIO) {
        limits.max_ratio = 3;
    }

    if (options & OPTION_WRITE) {
        written_is_read(text, cuts);

    } else {
        readers_agree(text, &limits, cuts);
    }

    return 0;
}
