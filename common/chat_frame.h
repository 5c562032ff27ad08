/*
 * WebSocket frames, server side (RFC 6455, section 5).
 *
 * The reader takes bytes as they come and holds no payload: it reads a head,
 * then tells how many payload bytes follow, and the caller unmasks them where
 * they lie.  It knows the rules between frames too: fragmentation, control
 * frames in between, the size of a whole message.
 */

#ifndef CHAT_FRAME_H
#define CHAT_FRAME_H


#include "chat_rc.h"


#define CHAT_FRAME_MAX_HEAD     10      /* of a frame that a server writes */
#define CHAT_FRAME_MAX_CONTROL  125     /* payload of a control frame */

/* of a message: 65,536, and an empty one with which some libraries end them */
#define CHAT_FRAME_MAX_FRAGMENTS  65537

/* flags of a frame's first byte */
#define CHAT_FRAME_FIN          0x80
#define CHAT_FRAME_RSV1         0x40    /* a compressed message, RFC 7692 */


typedef enum {
    CHAT_FRAME_CONTINUATION = 0x0,
    CHAT_FRAME_TEXT         = 0x1,
    CHAT_FRAME_BINARY       = 0x2,
    CHAT_FRAME_CLOSE        = 0x8,
    CHAT_FRAME_PING         = 0x9,
    CHAT_FRAME_PONG         = 0xa
} chat_frame_opcode_e;


typedef enum {
    CHAT_FRAME_START = 0,
    CHAT_FRAME_LEN,
    CHAT_FRAME_MASK,
    CHAT_FRAME_PAYLOAD,
    CHAT_FRAME_FAILED
} chat_frame_state_e;


/* 40 bytes: one of these is in every session */

typedef struct {
    uint64_t  left;             /* payload bytes of this frame still to come */
    uint32_t  message_len;      /* payload of the message so far, this frame
                                   included; control frames do not count */
    uint32_t  fragments;        /* of it, likewise */
    uint32_t  max_message;      /* bytes; more fails with 1009, and so do more
                                   than CHAT_FRAME_MAX_FRAGMENTS.  A message
                                   that is compressed may be a little longer */
    uint16_t  close_code;       /* why it failed */

    uint8_t   state;            /* chat_frame_state_e */
    uint8_t   opcode;           /* of this frame */
    uint8_t   message;          /* TEXT or BINARY while a message is open, its
                                   last frame included; else 0 */
    uint8_t   phase;            /* which mask byte is next */

    unsigned  npart:4;
    unsigned  nlen:4;
    unsigned  fin:1;
    unsigned  rsv1:1;           /* of the message's first frame; only where
                                   allow_rsv1 (RFC 7692) */
    unsigned  allow_rsv1:1;

    uint8_t   part[8];
    uint8_t   mask[4];
} chat_frame_t;


void chat_frame_init(chat_frame_t *f, uint32_t max_message);

/*
 * Reads a head from *pos, which moves on.  OK: the head is complete, f->left
 * payload bytes follow (none perhaps); AGAIN: all was consumed; ERROR: close
 * with f->close_code (1002, 1009).
 */
CHAT_MUST_CHECK chat_rc_e chat_frame_read_head(chat_frame_t *f,
    const uint8_t **pos, const uint8_t *last);

/* unmasks the next n payload bytes, n <= f->left, and takes them off it; dst
   may be src */
void chat_frame_unmask(chat_frame_t *f, uint8_t *dst, const uint8_t *src,
    size_t n);

/*
 * Ends a frame whose payload is consumed (f->left == 0) and readies the reader
 * for the next head.  True if it was the last frame of a message.
 */
bool chat_frame_end(chat_frame_t *f);

static inline bool
chat_frame_is_control(const chat_frame_t *f)
{
    return (f->opcode & 0x8) != 0;
}

/* all of it is there, and end() is still to come */

static inline bool
chat_frame_is_whole(const chat_frame_t *f)
{
    return f->state == CHAT_FRAME_PAYLOAD && f->left == 0;
}


/* writes the head of an unmasked frame; returns its length, 2 to 10 */
size_t chat_frame_write_head(uint8_t head[CHAT_FRAME_MAX_HEAD],
    chat_frame_opcode_e opcode, uint8_t flags, uint64_t len);

/*
 * Reads the payload of a close frame (RFC 6455, 5.5.1 and 7.4).  OK: *code is
 * what the peer said, 1005 if nothing; ERROR: *code is what to close with
 * (1002 for a code that may not be sent or a single byte, 1007 for a reason
 * that is not UTF-8).
 */
CHAT_MUST_CHECK chat_rc_e chat_frame_read_close(chat_str_t payload,
    uint16_t *code);

/* payload of a close frame; the reason is cut at a character to fit; returns
   the length, at most CHAT_FRAME_MAX_CONTROL; nothing for 1005 */
size_t chat_frame_write_close(uint8_t payload[CHAT_FRAME_MAX_CONTROL],
    uint16_t code, chat_str_t reason);


#endif /* CHAT_FRAME_H */
