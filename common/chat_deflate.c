/*
 * zlib under the rules of RFC 7692.  Its "raw" format is meant, which negative
 * numbers of window bits stand for.
 */

#define ZLIB_CONST

#include "chat_deflate.h"

#include <stdlib.h>
#include <zlib.h>


#define CHAT_DEFLATE_LEVEL      3       /* 6: 8 % less, 1.5 times the time */
#define CHAT_DEFLATE_MEM_LEVEL  5       /* a table of 2^12 hashes */
#define CHAT_DEFLATE_TAIL       4       /* bytes: 00 00 ff ff */
#define CHAT_INFLATE_BITS       15      /* any peer's window */
#define CHAT_INFLATE_UNUSED     0x07    /* in data_type: bits of a byte */
#define CHAT_INFLATE_BETWEEN    0x80    /* likewise: no block is open */


struct chat_deflate_s {
    z_stream               z;
};


struct chat_inflate_s {
    z_stream               z;
    chat_inflate_limits_t  limits;
    size_t                 in;          /* bytes of the message, fed */
    size_t                 out;         /* likewise, taken out */
    bool                   last;        /* no other part follows */
    bool                   tail;        /* now it is the tail that is read */
    bool                   ended;       /* by a block with BFINAL */
};


static voidpf chat_deflate_alloc(voidpf opaque, uInt items, uInt size);
static void chat_deflate_release(voidpf opaque, voidpf p);
static bool chat_inflate_init(chat_inflate_t *z);
static size_t chat_inflate_limit(const chat_inflate_t *z);
static chat_rc_e chat_inflate_next(chat_inflate_t *z);
static void chat_inflate_give(chat_inflate_t *z, const uint8_t *data,
    size_t len);


/* what the sender has left out, RFC 7692, 7.2.1 */
static const uint8_t  chat_inflate_tail[CHAT_DEFLATE_TAIL] =
    { 0x00, 0x00, 0xff, 0xff };


chat_deflate_t *
chat_deflate_create(void)
{
    chat_deflate_t  *d;

    d = calloc(1, sizeof(chat_deflate_t));
    if (d == NULL) {
        return NULL;
    }

    d->z.zalloc = chat_deflate_alloc;
    d->z.zfree = chat_deflate_release;

    if (deflateInit2(&d->z, CHAT_DEFLATE_LEVEL, Z_DEFLATED,
                     -CHAT_DEFLATE_WINDOW_BITS, CHAT_DEFLATE_MEM_LEVEL,
                     Z_DEFAULT_STRATEGY)
        != Z_OK)
    {
        free(d);
        return NULL;
    }

    return d;
}


void
chat_deflate_free(chat_deflate_t *d)
{
    if (d == NULL) {
        return;
    }

    (void) deflateEnd(&d->z);           /* tells that it was not finished */
    free(d);
}


chat_rc_e
chat_deflate_write(chat_deflate_t *d, chat_str_t src, bool last, uint8_t *dst,
    size_t size, size_t *n)
{
    z_stream  *z = &d->z;

    if (src.len > UINT32_MAX || size > UINT32_MAX
        || deflateReset(z) != Z_OK)
    {
        return CHAT_DECLINED;
    }

    z->next_in = src.data;
    z->avail_in = src.len;
    z->next_out = dst;
    z->avail_out = size;

    /* it has ended with an empty stored block if there was room for more */

    if (deflate(z, Z_SYNC_FLUSH) != Z_OK || z->avail_out == 0) {
        return CHAT_DECLINED;
    }

    *n = size - z->avail_out;

    if (last) {
        *n -= CHAT_DEFLATE_TAIL;
    }

    return CHAT_OK;
}


chat_inflate_t *
chat_inflate_create(void)
{
    chat_inflate_t  *z;

    z = calloc(1, sizeof(chat_inflate_t));
    if (z == NULL) {
        return NULL;
    }

    if (!chat_inflate_init(z)) {
        free(z);
        return NULL;
    }

    return z;
}


/* zlib makes its window when it needs it for the first time: this is it */

static bool
chat_inflate_init(chat_inflate_t *z)
{
    z->z.zalloc = chat_deflate_alloc;
    z->z.zfree = chat_deflate_release;

    if (inflateInit2(&z->z, -CHAT_INFLATE_BITS) != Z_OK) {
        return false;
    }

    if (inflateSetDictionary(&z->z, chat_inflate_tail, 1) != Z_OK) {
        (void) inflateEnd(&z->z);
        return false;
    }

    return true;
}


void
chat_inflate_free(chat_inflate_t *z)
{
    if (z == NULL) {
        return;
    }

    (void) inflateEnd(&z->z);
    free(z);
}


void
chat_inflate_begin(chat_inflate_t *z, const chat_inflate_limits_t *limits)
{
    (void) inflateReset(&z->z);         /* fails for a broken stream alone */

    z->limits = *limits;
    z->in = 0;
    z->out = 0;
    z->tail = false;
    z->ended = false;
}


void
chat_inflate_feed(chat_inflate_t *z, chat_str_t src, bool last)
{
    chat_inflate_give(z, src.data, src.len);

    z->in += src.len;
    z->last = last;
}


chat_rc_e
chat_inflate_read(chat_inflate_t *z, uint8_t *dst, size_t size, size_t *n)
{
    int        rc;
    size_t     limit, room;
    chat_rc_e  next;

    *n = 0;
    limit = chat_inflate_limit(z);

    while (*n < size) {

        /* one byte more than there may be would show that there are more */

        room = limit - z->out + 1;
        if (room > size - *n) {
            room = size - *n;
        }

        z->z.next_out = dst + *n;
        z->z.avail_out = room;

        rc = inflate(&z->z, Z_SYNC_FLUSH);

        room -= z->z.avail_out;
        *n += room;
        z->out += room;

        if (z->out > limit) {
            return CHAT_DECLINED;
        }

        if (rc == Z_STREAM_END) {
            z->ended = true;

        } else if (rc != Z_OK && rc != Z_BUF_ERROR) {
            return CHAT_ERROR;
        }

        if (z->z.avail_out > 0 || z->ended) {
            next = chat_inflate_next(z);
            if (next != CHAT_AGAIN) {
                return next;
            }
        }
    }

    return CHAT_AGAIN;
}


size_t
chat_inflate_size(const chat_inflate_t *z)
{
    return z->out;
}


static size_t
chat_inflate_limit(const chat_inflate_t *z)
{
    size_t                        limit;
    const chat_inflate_limits_t  *l = &z->limits;

    limit = l->max_size;

    if (z->in < limit / l->max_ratio) {
        limit = z->in * l->max_ratio;
    }

    if (limit < l->free_size) {
        limit = l->free_size;
    }

    return limit < l->max_size ? limit : l->max_size;
}


/*
 * The inflater has stopped before dst was full: it has read all, or has ended.
 * AGAIN: go on.
 *
 * A block with BFINAL ends a deflate stream but no message: others may follow,
 * which may refer to what was before it (RFC 7692, 7.2.3.4).  If none does,
 * the message has no use for its tail.
 */

static chat_rc_e
chat_inflate_next(chat_inflate_t *z)
{
    if (z->ended && z->z.avail_in > 0) {
        z->ended = false;

        return inflateResetKeep(&z->z) == Z_OK ? CHAT_AGAIN : CHAT_ERROR;
    }

    if (!z->last || z->ended) {
        return CHAT_OK;
    }

    if (!z->tail) {
        z->tail = true;
        chat_inflate_give(z, chat_inflate_tail, CHAT_DEFLATE_TAIL);

        return CHAT_AGAIN;
    }

    return (z->z.data_type & CHAT_INFLATE_BETWEEN) != 0
           && (z->z.data_type & CHAT_INFLATE_UNUSED) == 0
           ? CHAT_OK : CHAT_ERROR;
}


static void
chat_inflate_give(chat_inflate_t *z, const uint8_t *data, size_t len)
{
    z->z.next_in = data;
    z->z.avail_in = len;
}


static voidpf
chat_deflate_alloc(voidpf opaque, uInt items, uInt size)
{
    (void) opaque;

    return calloc(items, size);
}


static void
chat_deflate_release(voidpf opaque, voidpf p)
{
    (void) opaque;

    free(p);
}
