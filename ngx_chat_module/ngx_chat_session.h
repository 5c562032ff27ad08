/*
 * Sessions: what they are, what they read and write.  Included by ngx_chat.h.
 */

#ifndef NGX_CHAT_SESSION_H
#define NGX_CHAT_SESSION_H


/*
 * ngx_chat_buffer.c: one encoded frame, shared by all who get it.
 * Owner: its references.  Frame and payload are one allocation:
 *
 *      | unused | head | payload ... |
 *               ^ data  ^ payload
 */

struct ngx_chat_buffer_s {
    ngx_uint_t   refs;
    ngx_uint_t   places;                /* of these, in send queues */
    u_char      *data;                  /* the frame, head first */
    size_t       len;                   /* of the frame */
    u_char      *payload;
    size_t       size;                  /* room for payload */

    ngx_chat_buffer_t  *packed;         /* the same compressed, once somebody
                                           wanted that; itself if it is no
                                           shorter.  One reference is ours */
};


/* room for a payload of size bytes, one reference; NULL: out of memory */
ngx_chat_buffer_t *ngx_chat_buffer_create(size_t size);
/* ends it: n bytes of payload were written */
void ngx_chat_buffer_finish(ngx_chat_buffer_t *b, chat_frame_opcode_e opcode,
    size_t n);
/* likewise, of a frame with these flags, CHAT_FRAME_FIN or CHAT_FRAME_RSV1 */
void ngx_chat_buffer_frame(ngx_chat_buffer_t *b, chat_frame_opcode_e opcode,
    ngx_uint_t flags, size_t n);
/* one with more room and the first n bytes of payload, in the place of b.
   NULL: out of memory, and b is as it was */
ngx_chat_buffer_t *ngx_chat_buffer_grow(ngx_chat_buffer_t *b, size_t n,
    size_t size);
/* create and finish at once, from a payload that somebody has */
ngx_chat_buffer_t *ngx_chat_buffer_copy(chat_frame_opcode_e opcode,
    const u_char *payload, size_t n);
void ngx_chat_buffer_ref(ngx_chat_buffer_t *b);
void ngx_chat_buffer_unref(ngx_chat_buffer_t *b);          /* NULL is fine */


/* one place in a session's send queue; kept in the node's free list */

struct ngx_chat_out_s {
    ngx_chat_out_t     *next;
    ngx_chat_buffer_t  *buffer;
};


/*
 * ngx_chat_session.c: a live connection.
 *
 *      OPEN ──close()──▶ CLOSING ──flushed──▶ LINGERING ──EOF, time──▶ freed
 *
 * Owner: itself; freed by its own end-of-turn event.  close() is the only
 * door out: it unlinks at once, queues the close frame and lets the event
 * loop do the rest.
 */

typedef enum {
    NGX_CHAT_SESSION_OPEN,
    NGX_CHAT_SESSION_CLOSING,           /* the close frame is in the queue */
    NGX_CHAT_SESSION_LINGERING,         /* sent and shut down; waits for EOF */
    NGX_CHAT_SESSION_DEAD               /* freed at the end of this turn */
} ngx_chat_session_state_e;


/* who it is: one allocation with all its strings */

typedef struct {
    ngx_str_t   user;
    ngx_str_t   tenant;
    ngx_str_t   name;
    ngx_str_t   sid;                    /* of the token; may be empty */
    ngx_str_t   jti;                    /* likewise */
    uint64_t    iat;
    unsigned    has_iat:1;
    unsigned    admin:1;                /* has the token role "admin" */
} ngx_chat_identity_t;


/* owner: the session; one allocation with the bytes */

typedef struct {
    u_char     *pos;
    u_char     *last;
} ngx_chat_rest_t;


struct ngx_chat_session_s {
    /* what a delivery looks at comes first: thousands of sessions are not in
       the cache when their turn comes */

    ngx_connection_t      *connection;
    ngx_chat_node_t       *node;
    ngx_chat_loc_conf_t   *conf;

    ngx_chat_out_t        *out;         /* send queue */
    ngx_chat_out_t       **out_last;
    size_t                 out_bytes;   /* in it, not yet sent */
    size_t                 out_sent;    /* of its first buffer */
    ngx_msec_t             over;        /* since when more waits than may for
                                           long; 0: it does not */

    uint16_t               close_code;  /* that we sent, or 1006 */
    uint16_t               doomed;      /* to be closed with, at the flush */
    uint8_t                state;       /* ngx_chat_session_state_e */
    uint8_t                control_len;
    uint8_t                window_bits; /* the client's; 0: no deflate */

    unsigned               flushing:1;
    unsigned               crowded:1;   /* in node->crowd */
    unsigned               shed:1;      /* some of its joins have a gap */
    unsigned               pinged:1;    /* and nothing was heard since */
    unsigned               expiring:1;  /* token.expiring was sent */
    unsigned               draining:1;  /* it was its turn to leave: nothing is
                                           read; closes when its requests are
                                           done */
    unsigned               advancing:1; /* its requests are being run */
    unsigned               internal:1;  /* of the canary: it is not counted */
    unsigned               held:1;      /* it is not read until its reader has
                                           read: an echo, or TLS */
    unsigned               feeding:1;   /* s->inflate gets the frame */
    unsigned               echoed:1;    /* a part of the message is sent back */
    unsigned               unread:1;    /* TLS has to read before it writes */
    unsigned               left:1;      /* closed by its client */
    unsigned               idle:1;      /* it asks for nothing: away */
    uint32_t               frames_sent;

    ngx_queue_t            flush;       /* node->flush or node->crowd, if
                                           flushing */

    ngx_chat_identity_t   *identity;    /* NULL: not authenticated */

    ngx_queue_t            queue;       /* node->sessions */
    ngx_chat_user_t       *user;        /* NULL: it has none, or has ended */
    ngx_queue_t            user_queue;  /* user->sessions */
    ngx_chat_subscriber_t  *subscriber;     /* NULL: of nobody */
    ngx_queue_t            joins;       /* ngx_chat_join_t */
    ngx_queue_t            requests;    /* ngx_chat_request_t, oldest first */

    chat_frame_t           frame;
    chat_utf8_t            utf8;

    ngx_chat_buffer_t     *message;     /* a message that came in parts; in an
                                           echo location, a frame of one */
    size_t                 message_len;
    u_char                *control;     /* a control frame that did, likewise */
    ngx_chat_rest_t       *rest;        /* bytes that were read and wait */
    chat_inflate_t        *inflate;     /* of an echo location, while it is in
                                           a compressed message, */
    size_t                 fed;         /* with so much of the frame */

    time_t                 expires;     /* of the token */
    ngx_msec_t             opened;
    ngx_msec_t             heard;       /* when bytes came last, */
    ngx_msec_t             acted;       /* and something of its user's doing */
    ngx_log_t              log;         /* of the connection */
    ngx_str_t              addr_text;   /* the client's address */
    u_char                 id[CHAT_ID_LEN];

    ngx_chat_limit_claims_t  claims;
    uint64_t               frames_full; /* bucket of frames, chat_limit.h */

    uint32_t               nrequests;   /* but for elements of batches */
    uint32_t               nelements;
    uint32_t               nready;      /* that neither run nor are blocked */
    uint32_t               njoins;
    uint32_t               nlistens;    /* of them, those that listen */
    uint32_t               asked;       /* node->asked.number, when it was last
                                           looked at */
    size_t                 taken;       /* bytes of events in them, */
    size_t                 parked;      /* and of those that wait behind */
    ngx_uint_t             revoke_version;  /* node->revoke.version then */
    uint32_t               discarded;   /* bytes after we closed it */
    uint32_t               leave;       /* ms into the drain: its turn */
    uint32_t               ntyping;     /* joins that type */
    uint32_t               messages;    /* whole ones that came, */
    uint64_t               bytes;       /* and bytes */
    const char            *reason;      /* that we closed it for, or "" */
};


/*
 * A session before its connection: made by the handshake, in time to refuse
 * when memory is short.  NULL: out of memory.
 */
ngx_chat_session_t *ngx_chat_session_create(ngx_chat_node_t *node,
    ngx_chat_loc_conf_t *conf, ngx_str_t *addr_text);
void ngx_chat_session_free(ngx_chat_session_t *s);  /* never started; NULL ok */

/* takes the identity over from a checked token; again at each renewal */
ngx_int_t ngx_chat_session_identify(ngx_chat_session_t *s,
    const chat_token_t *token);

/*
 * The connection is detached from its request and is ours.  early: bytes that
 * came with the handshake.  close_code: not 0 if all there is to do is to say
 * good-bye with it.
 */
void ngx_chat_session_start(ngx_chat_session_t *s, ngx_connection_t *c,
    u_char *early, size_t nearly, ngx_uint_t close_code, const char *reason);

void ngx_chat_session_close(ngx_chat_session_t *s, ngx_uint_t code,
    const char *reason);
void ngx_chat_session_restart(ngx_chat_session_t *s);   /* 1012, retry=<ms> */
void ngx_chat_session_doom(ngx_chat_session_t *s, ngx_uint_t code);
                                        /* gets nothing more, is closed when
                                           the turn ends: for callers that
                                           walk sessions or rooms */
void ngx_chat_session_finish(ngx_chat_session_t *s);    /* no more words: the
                                        connection failed or is done */
void ngx_chat_session_stop(ngx_chat_session_t *s);      /* 1001, now or never */
void ngx_chat_session_cut(ngx_chat_session_t *s);       /* 1012, likewise */
void ngx_chat_session_linger(ngx_chat_session_t *s);    /* the queue is empty */
void ngx_chat_session_schedule(ngx_chat_session_t *s);  /* its timer */
void ngx_chat_session_wake(ngx_chat_session_t *s, ngx_msec_t wait);
                                        /* that, no later than this */

/* the authenticated event; with an id, the reply to authenticate */
void ngx_chat_session_authenticated(ngx_chat_session_t *s, chat_str_t *raw_id);


/* ngx_chat_drain.c: the process is told to leave.  Embedded in the node */

typedef struct {
    ngx_uint_t   active;
    ngx_msec_t   began;
    ngx_msec_t   span;                  /* ms: all turns are within it */
    ngx_uint_t   sessions;              /* as many as there were then */
    ngx_uint_t   enrolled;              /* of them, so many have a turn */
} ngx_chat_drain_t;


void ngx_chat_drain_begin(ngx_chat_node_t *node);       /* once or often */
void ngx_chat_drain_enrol(ngx_chat_session_t *s);
void ngx_chat_drain_answered(ngx_chat_session_t *s);    /* a request is done */

/* whether it is the session's turn, and when it will be, see the session's
   timer; NGX_DECLINED: it is closed */
ngx_int_t ngx_chat_drain_check(ngx_chat_session_t *s, ngx_msec_t *next);


/* ngx_chat_read.c: socket -> frames */

void ngx_chat_read_handler(ngx_event_t *rev);
void ngx_chat_read_early(ngx_chat_session_t *s, u_char *data, size_t n);


/* ngx_chat_tls.c: of a connection with TLS; recv() and send() as its own, what
   TLS has for itself being counted, and waited for */

void ngx_chat_tls_begin(ngx_chat_session_t *s);
ssize_t ngx_chat_tls_recv(ngx_chat_session_t *s, u_char *buf, size_t size);
ssize_t ngx_chat_tls_send(ngx_chat_session_t *s, u_char *buf, size_t size);
ngx_uint_t ngx_chat_tls_waits(ngx_chat_session_t *s);   /* until it can send */


/*
 * ngx_chat_collect.c: frames -> messages.  Each gets n bytes of the frame that
 * is being read; NGX_ERROR: the session is being closed.
 */

ngx_int_t ngx_chat_collect_control(ngx_chat_session_t *s, u_char *data,
    size_t n);
ngx_int_t ngx_chat_collect_text(ngx_chat_session_t *s, u_char *data, size_t n);
ngx_int_t ngx_chat_collect_data(ngx_chat_session_t *s, u_char *data, size_t n);
void ngx_chat_collect_free(ngx_chat_session_t *s);


/*
 * ngx_chat_echo.c: what an echo location does.  A frame is sent back when it
 * is there whole: in s->message, or else in these n bytes.  NGX_AGAIN: not all
 * of it is, as the turn is over or its reader is slow; call again.
 */

ngx_int_t ngx_chat_echo_frame(ngx_chat_session_t *s, u_char *data, size_t n);
ngx_uint_t ngx_chat_echo_waits(ngx_chat_session_t *s);  /* for its reader */


/* ngx_chat_deflate.c: permessage-deflate (RFC 7692) */

void ngx_chat_deflate_init(ngx_chat_node_t *node);
void ngx_chat_deflate_done(ngx_chat_node_t *node);

/* it was agreed on */
void ngx_chat_deflate_begin(ngx_chat_session_t *s, const chat_extension_t *e);

/* what the session is to get in place of b: perhaps b itself, in any case one
   that b keeps */
ngx_chat_buffer_t *ngx_chat_deflate_pack(ngx_chat_session_t *s,
    ngx_chat_buffer_t *b);

/* a whole message in clear, its length in *n; NULL: the session is closed */
ngx_chat_buffer_t *ngx_chat_deflate_unpack(ngx_chat_session_t *s,
    chat_str_t packed, size_t *n);

/* what a message may inflate to, and what happens when it does not */
void ngx_chat_deflate_limits(ngx_chat_session_t *s,
    chat_inflate_limits_t *limits);
void ngx_chat_deflate_refuse(ngx_chat_session_t *s, chat_inflate_t *z,
    chat_rc_e rc);


/* ngx_chat_write.c: the send queue, flushed once per turn */

void ngx_chat_write_handler(ngx_event_t *wev);
void ngx_chat_write_queue(ngx_chat_session_t *s, ngx_chat_buffer_t *b);
                                        /* takes a reference of its own */
ngx_int_t ngx_chat_write_flush(ngx_chat_session_t *s);  /* NGX_OK, NGX_AGAIN,
                                           NGX_ERROR: the connection failed */
void ngx_chat_write_crowd(ngx_chat_session_t *s, ngx_chat_buffer_t *b);
                                        /* likewise, of what many others get */
void ngx_chat_write_turn(ngx_chat_session_t *s);    /* flush and what follows,
                                           a turn's share of it */
void ngx_chat_write_discard(ngx_chat_session_t *s);     /* but what has begun */
void ngx_chat_write_clear(ngx_chat_session_t *s);       /* all of it */

/* the frame has one more place where it waits for a session, or one less: what
   waits in the node is counted so */
void ngx_chat_write_place(ngx_chat_node_t *node, ngx_chat_buffer_t *b);
void ngx_chat_write_displace(ngx_chat_node_t *node, ngx_chat_buffer_t *b);


/*
 * ngx_chat_flush.c: sessions that have something to send, when the turn ends.
 * crowd: it can wait until those had their turn who were answered, or told
 * what few others were.
 */

void ngx_chat_flush_init(ngx_chat_node_t *node);
void ngx_chat_flush_done(ngx_chat_node_t *node);
void ngx_chat_flush_post(ngx_chat_session_t *s, ngx_uint_t crowd);
void ngx_chat_flush_remove(ngx_chat_session_t *s);      /* fine if not there */
void ngx_chat_flush_heard(ngx_chat_node_t *node);       /* an event */


#endif /* NGX_CHAT_SESSION_H */
