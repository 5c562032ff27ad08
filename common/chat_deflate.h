/*
 * The payload of permessage-deflate (RFC 7692, section 7.2), without context
 * takeover: each message stands alone.
 *
 * So nothing has to be kept between messages, and one deflater and one
 * inflater serve all connections of a process, one message after the other.
 */

#ifndef CHAT_DEFLATE_H
#define CHAT_DEFLATE_H


#include "chat_rc.h"


/*
 * The window of what is written, in bits: a peer that has promised itself
 * this many can read all of it.  One that has less can read what is no
 * longer than its window, since nothing refers to what is not there.
 */
#define CHAT_DEFLATE_WINDOW_BITS  12


typedef struct chat_deflate_s  chat_deflate_t;
typedef struct chat_inflate_s  chat_inflate_t;


/* what a message may inflate to */

typedef struct {
    size_t  max_size;       /* bytes */
    size_t  free_size;      /* so much may come of any message; */
    size_t  max_ratio;      /* beyond, so many bytes of each that came */
} chat_inflate_limits_t;


/* all the memory that it will ever need, 39 kB; NULL: there is none */
chat_deflate_t *chat_deflate_create(void);
void chat_deflate_free(chat_deflate_t *d);              /* NULL is fine */

/*
 * Compresses one message, or a fragment of one, which does not refer to those
 * before it either.  The last fragment has no tail (RFC 7692, 7.2.1).  OK: *n
 * bytes are in dst; DECLINED: it takes more than size.
 */
CHAT_MUST_CHECK chat_rc_e chat_deflate_write(chat_deflate_t *d,
    chat_str_t src, bool last, uint8_t *dst, size_t size, size_t *n);


/* likewise, 40 kB: reading a message allocates nothing */
chat_inflate_t *chat_inflate_create(void);
void chat_inflate_free(chat_inflate_t *z);              /* NULL is fine */

/* a new message, whatever became of the last one */
void chat_inflate_begin(chat_inflate_t *z,
    const chat_inflate_limits_t *limits);

/* gives the next part of it, once the one before is read; src must stay until
   this one is.  last: no other follows */
void chat_inflate_feed(chat_inflate_t *z, chat_str_t src, bool last);

/*
 * Takes out what is in the part.  OK: *n bytes, and that was all of it; AGAIN:
 * *n bytes, there may be more; DECLINED: the message is over its limits;
 * ERROR: it is malformed.  After DECLINED or ERROR there is only begin().
 */
CHAT_MUST_CHECK chat_rc_e chat_inflate_read(chat_inflate_t *z, uint8_t *dst,
    size_t size, size_t *n);

/* bytes of the message that were taken out; over a limit: one more than it */
size_t chat_inflate_size(const chat_inflate_t *z);


#endif /* CHAT_DEFLATE_H */
