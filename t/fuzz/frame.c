/*
 * Frames as a client sends them.  The stream is read whole, cut by chance and
 * byte by byte, and by a second reader that has the rules of RFC 6455,
 * sections 5 to 7, in the plainest form: all four must tell the same story.
 *
 *      input   options, two bytes that decide the cuts, the stream
 */

#include "fuzz.h"

#include "chat_frame.h"
#include "chat_utf8.h"


#define OPTION_RSV1  0x01
#define OPTION_TINY  0x02               /* messages of up to 40 bytes */
#define OPTION_HUGE  0x04               /* of up to 4 GB */



/* what was read: a kind, the length and the bytes of each thing in turn */

typedef struct {
    uint8_t  *bytes;
    size_t    len;
    size_t    size;
} story_t;


/* how a stream is read */

typedef struct {
    uint32_t  max_message;
    bool      allow_rsv1;
    uint32_t  cuts;                     /* 0: not cut */
    bool      single;                   /* byte by byte */
} plan_t;


/* a compressed message may be longer than what it stands for */

static uint64_t
longest(const plan_t *plan, bool rsv1)
{
    uint64_t  max = plan->max_message;

    max += rsv1 ? max / 16 + 64 : 0;

    return max < UINT32_MAX ? max : UINT32_MAX;
}


/* the first reader at work */

typedef struct {
    const plan_t *plan;
    chat_frame_t  frame;
    chat_utf8_t   utf8;
    story_t      *story;
    uint8_t      *message;              /* put together */
    size_t        message_len;
    uint8_t       control[CHAT_FRAME_MAX_CONTROL];
    size_t        control_len;
} reader_t;


static void
story_add(story_t *s, const void *data, size_t len)
{
    if (len > s->size - s->len) {
        s->size = 2 * s->size + len;
        s->bytes = realloc(s->bytes, s->size);
        fuzz_check(s->bytes != NULL);
    }

    if (len != 0) {
        memcpy(s->bytes + s->len, data, len);
    }

    s->len += len;
}


static void
story_tell(story_t *s, char kind, unsigned n, const void *data, size_t len)
{
    char  head[48];

    story_add(s, head, (size_t) snprintf(head, sizeof(head), "\n%c%u %zu ",
                                         kind, n, len));
    story_add(s, data, len);
}


/* The first reader: chat_frame and chat_utf8. */


static bool
reader_close(reader_t *r)
{
    uint16_t    code;
    chat_rc_e   rc;
    chat_str_t  payload = { r->control, r->control_len };

    rc = chat_frame_read_close(payload, &code);
    story_tell(r->story, rc == CHAT_OK ? 'C' : 'X', code, NULL, 0);

    return false;
}


static bool
reader_control(reader_t *r)
{
    if (r->frame.opcode == CHAT_FRAME_CLOSE) {
        return reader_close(r);
    }

    story_tell(r->story, 'P', r->frame.opcode, r->control, r->control_len);
    fuzz_check(!chat_frame_end(&r->frame));
    r->control_len = 0;

    return true;
}


static bool
reader_data(reader_t *r, size_t n)
{
    chat_rc_e      rc;
    chat_frame_t  *f = &r->frame;

    if (f->message == CHAT_FRAME_TEXT && !f->rsv1) {
        rc = chat_utf8_feed(&r->utf8, r->message + r->message_len, n);

        if (rc == CHAT_ERROR
            || (rc == CHAT_AGAIN && f->fin && f->left == 0))
        {
            story_tell(r->story, 'X', 1007, NULL, 0);
            return false;
        }
    }

    r->message_len += n;
    fuzz_check(r->message_len + f->left == f->message_len);
    fuzz_check(f->message_len <= longest(r->plan, f->rsv1));

    if (f->left != 0) {
        return true;
    }

    if (f->fin) {
        story_tell(r->story, f->rsv1 ? 'Z' : 'M', f->message, r->message,
                   r->message_len);
    }

    if (chat_frame_end(f)) {
        chat_utf8_init(&r->utf8);
        r->message_len = 0;
    }

    return true;
}


/* false: it is over */

static bool
reader_payload(reader_t *r, const uint8_t **pos, const uint8_t *last)
{
    size_t         n;
    uint8_t       *dst;
    chat_frame_t  *f = &r->frame;

    n = (size_t) (last - *pos);
    n = f->left < n ? (size_t) f->left : n;

    if (chat_frame_is_control(f)) {
        dst = r->control + r->control_len;
        fuzz_check(n <= sizeof(r->control) - r->control_len);
        r->control_len += n;

    } else {
        dst = r->message + r->message_len;
    }

    chat_frame_unmask(f, dst, *pos, n);
    *pos += n;

    if (!chat_frame_is_control(f)) {
        return reader_data(r, n);
    }

    return f->left != 0 || reader_control(r);
}


static bool
reader_feed(reader_t *r, const uint8_t *pos, const uint8_t *last)
{
    chat_rc_e  rc;

    for ( ;; ) {

        if (r->frame.state != CHAT_FRAME_PAYLOAD) {
            rc = chat_frame_read_head(&r->frame, &pos, last);
            fuzz_check(pos <= last);

            if (rc == CHAT_AGAIN) {
                fuzz_check(pos == last);
                return true;
            }

            if (rc == CHAT_ERROR) {
                story_tell(r->story, 'X', r->frame.close_code, NULL, 0);
                return false;
            }
        }

        if (pos == last && r->frame.left != 0) {
            return true;
        }

        if (!reader_payload(r, &pos, last)) {
            return false;
        }
    }
}


static void
reader_read(story_t *story, const plan_t *plan, chat_str_t stream)
{
    bool       more = true;
    size_t     n, done;
    uint8_t   *piece;
    uint32_t   cuts = plan->cuts;
    reader_t   r = { .story = story, .plan = plan };

    chat_frame_init(&r.frame, plan->max_message);
    r.frame.allow_rsv1 = plan->allow_rsv1;
    chat_utf8_init(&r.utf8);
    r.message = fuzz_alloc(stream.len);

    for (done = 0; more && done < stream.len; done += n) {
        n = plan->single ? 1 : stream.len - done;

        if (cuts != 0) {
            n = 1 + fuzz_random(&cuts) % 40;
            n = n < stream.len - done ? n : stream.len - done;
        }

        piece = fuzz_copy(stream.data + done, n);
        more = reader_feed(&r, piece, piece + n);
        free(piece);
    }

    free(r.message);
}


/* The second reader, from the RFC, of a stream that is there whole. */


typedef struct {
    story_t        *story;
    const plan_t   *plan;
    const uint8_t  *pos;
    const uint8_t  *last;
    uint8_t        *message;
    size_t          message_len;        /* what has come */
    uint64_t        announced;          /* by the heads so far */
    unsigned        open;               /* opcode of the message, or 0 */
    unsigned        fragments;          /* likewise */
    bool            rsv1;
} plain_t;


/* how many bytes of the text belong to a beginning of some valid one; -1: no
   such; RFC 3629: code points, then what may not be */

static int
plain_utf8(const uint8_t *p, size_t len)
{
    size_t    i, k, n;
    uint32_t  code, lowest;

    for (i = 0; i < len; i += n + 1) {

        if (p[i] < 0x80) {
            n = 0;
            continue;
        }

        n = p[i] >= 0xf0 ? 3 : p[i] >= 0xe0 ? 2 : 1;

        if (p[i] < 0xc0 || p[i] >= 0xf8) {
            return -1;
        }

        lowest = n == 3 ? 0x10000 : n == 2 ? 0x800 : 0x80;
        code = p[i] & (0x3f >> n);

        for (k = 1; k <= n; k++) {

            /* can anything follow?  the lowest and the highest that could */

            uint32_t  first = code << (6 * (n - k + 1));
            uint32_t  final = first | ((1u << (6 * (n - k + 1))) - 1);

            if (final < lowest || first > 0x10ffff
                || (first >= 0xd800 && final <= 0xdfff))
            {
                return -1;
            }

            if (i + k == len) {
                return 1;               /* inside a character */
            }

            if ((p[i + k] & 0xc0) != 0x80) {
                return -1;
            }

            code = code << 6 | (p[i + k] & 0x3f);
        }

        if (code < lowest || code > 0x10ffff
            || (code >= 0xd800 && code <= 0xdfff))
        {
            return -1;
        }
    }

    return 0;
}


static bool
plain_fail(plain_t *p, unsigned code)
{
    story_tell(p->story, 'X', code, NULL, 0);

    return false;
}


static bool
plain_close(plain_t *p, const uint8_t *payload, size_t len)
{
    unsigned  code;

    if (len == 0) {
        story_tell(p->story, 'C', 1005, NULL, 0);
        return false;
    }

    code = len > 1 ? payload[0] * 256u + payload[1] : 0;

    if (code < 1000 || (code > 1014 && code < 3000) || code > 4999
        || (code >= 1004 && code <= 1006))
    {
        return plain_fail(p, 1002);
    }

    if (plain_utf8(payload + 2, len - 2) != 0) {
        return plain_fail(p, 1007);
    }

    story_tell(p->story, 'C', code, NULL, 0);

    return false;
}


static bool
plain_control(plain_t *p, unsigned opcode, const uint8_t *mask, size_t len)
{
    size_t   i;
    uint8_t  payload[125];

    if ((size_t) (p->last - p->pos) < len) {
        return false;
    }

    for (i = 0; i < len; i++) {
        payload[i] = p->pos[i] ^ mask[i % 4];
    }

    p->pos += len;

    if (opcode == 8) {
        return plain_close(p, payload, len);
    }

    story_tell(p->story, 'P', opcode, payload, len);

    return true;
}


static bool
plain_data(plain_t *p, bool fin, const uint8_t *mask, uint64_t len)
{
    int     utf8 = 0;
    size_t  i, n;

    n = (size_t) (p->last - p->pos);
    n = len < n ? (size_t) len : n;

    for (i = 0; i < n; i++) {
        p->message[p->message_len++] = p->pos[i] ^ mask[i % 4];
    }

    p->pos += n;

    if (p->open == 1 && !p->rsv1) {
        utf8 = plain_utf8(p->message, p->message_len);
    }

    if (utf8 == -1 || (utf8 == 1 && fin && n == len)) {
        return plain_fail(p, 1007);
    }

    if (n != len) {
        return false;
    }

    if (fin) {
        story_tell(p->story, p->rsv1 ? 'Z' : 'M', p->open, p->message,
                   p->message_len);
        p->open = 0;
        p->message_len = 0;
        p->announced = 0;
    }

    return true;
}


/* what is wrong with the first two bytes of a head; 0: nothing */

static bool
plain_head_is_good(const plain_t *p, unsigned first)
{
    bool      fin = first & 0x80, rsv1 = first & 0x40;
    unsigned  opcode = first & 15;

    if (first & 0x30) {
        return false;
    }

    switch (opcode) {
    case 0:
        return p->open && !rsv1;
    case 1:
    case 2:
        return !p->open && (!rsv1 || p->plan->allow_rsv1);
    case 8:
    case 9:
    case 10:
        return fin && !rsv1;
    default:
        return false;
    }
}


static bool
plain_length(plain_t *p, unsigned len7, uint64_t *len)
{
    unsigned  i, n = len7 == 126 ? 2 : len7 == 127 ? 8 : 0;

    *len = n == 0 ? len7 : 0;

    if ((size_t) (p->last - p->pos) < n) {
        return false;
    }

    for (i = 0; i < n; i++) {
        *len = *len << 8 | *p->pos++;
    }

    if ((n == 2 && *len < 126) || (n == 8 && (*len < 65536 || *len >> 63))) {
        return plain_fail(p, 1002);
    }

    return true;
}


static bool
plain_frame(plain_t *p)
{
    bool            fin;
    unsigned        first, second;
    uint64_t        len, max;
    const uint8_t  *mask;

    if (p->last - p->pos < 2) {
        return false;
    }

    first = *p->pos++;
    second = *p->pos++;
    fin = first & 0x80;

    if (!plain_head_is_good(p, first) || !(second & 0x80)
        || ((first & 8) && (second & 0x7f) > 125))
    {
        return plain_fail(p, 1002);
    }

    if (!plain_length(p, second & 0x7f, &len)) {
        return false;
    }

    if (!(first & 8)) {

        max = longest(p->plan, (first & 15) != 0 ? first & 0x40 : p->rsv1);
        p->fragments = (first & 15) != 0 ? 1 : p->fragments + 1;

        if (len > max || p->announced + len > max
            || p->fragments > CHAT_FRAME_MAX_FRAGMENTS)
        {
            return plain_fail(p, 1009);
        }

        p->announced += len;
    }

    if (p->last - p->pos < 4) {
        return false;
    }

    mask = p->pos;
    p->pos += 4;

    if (first & 8) {
        return plain_control(p, first & 15, mask, (size_t) len);
    }

    if ((first & 15) != 0) {
        p->open = first & 15;
        p->rsv1 = first & 0x40;
    }

    return plain_data(p, fin, mask, len);
}


static void
plain_read(story_t *story, const plan_t *plan, chat_str_t stream)
{
    plain_t  p = { .story = story, .plan = plan };

    p.pos = stream.data;
    p.last = stream.data + stream.len;
    p.message = fuzz_alloc(stream.len);

    while (plain_frame(&p)) { /* void */ }

    free(p.message);
}


/* what is written is read back as it was meant */

static void
written_is_read(chat_str_t payload, uint16_t code)
{
    size_t      len, n;
    uint8_t     head[CHAT_FRAME_MAX_HEAD], close[CHAT_FRAME_MAX_CONTROL];
    uint16_t    told;
    uint64_t    announced;
    chat_rc_e   rc;

    len = chat_frame_write_head(head, CHAT_FRAME_BINARY, CHAT_FRAME_FIN,
                                payload.len);
    fuzz_check(len >= 2 && len <= CHAT_FRAME_MAX_HEAD && head[0] == 0x82);

    announced = head[1] < 126 ? head[1] : 0;

    for (n = 2; n < len; n++) {
        announced = announced << 8 | head[n];
    }

    fuzz_check(announced == payload.len);

    n = chat_frame_write_close(close, code, payload);
    fuzz_check(n <= sizeof(close));

    rc = chat_frame_read_close((chat_str_t) { close, n }, &told);

    if (rc == CHAT_OK) {
        fuzz_check(told == code);

    } else {
        fuzz_check(told == 1002 || !chat_utf8_valid(payload));
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t        i;
    uint8_t       options;
    uint32_t      cuts;
    chat_str_t    stream;
    fuzz_input_t  in = { data, size };

    plan_t   plans[3];
    story_t  plain = { 0 }, read;

    options = fuzz_byte(&in);
    cuts = (uint32_t) fuzz_uint(&in, 2) + 1;
    stream = fuzz_rest(&in);

    memset(plans, 0, sizeof(plans));
    plans[0].allow_rsv1 = (options & OPTION_RSV1) != 0;
    plans[0].max_message = options & OPTION_TINY ? 40 : 100000;

    if (options & OPTION_HUGE) {
        plans[0].max_message = UINT32_MAX;
    }

    plans[1] = plans[2] = plans[0];
    plans[1].cuts = cuts;
    plans[2].single = true;

    plain_read(&plain, &plans[0], stream);

    for (i = 0; i < 3; i++) {
        memset(&read, 0, sizeof(read));
        reader_read(&read, &plans[i], stream);

        fuzz_check(fuzz_same((chat_str_t) { plain.bytes, plain.len },
                             (chat_str_t) { read.bytes, read.len }));
        free(read.bytes);
    }

    free(plain.bytes);

    written_is_read(stream, (uint16_t) cuts);

    return 0;
}
