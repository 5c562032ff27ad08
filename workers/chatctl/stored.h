/*
 * A message as PostgreSQL has it, with the reactions to it.
 */

#ifndef STORED_H
#define STORED_H


#include "chatctl.h"

#include "chat_event.h"


#define STORED_MS(column)                                                     \
    "(extract(epoch FROM " column ") * 1000)::bigint"

/* of chat.message m, to be read by stored_read() */

#define STORED_COLUMNS                                                        \
    "m.id, m.sequence, m.revision, m.sender_id, m.client_id, m.content,"      \
    " m.reply_to, array_to_string(m.mentions, ','), m.attachments,"           \
    " " STORED_MS("m.created_at") ", " STORED_MS("m.edited_at") ","           \
    " " STORED_MS("m.deleted_at") ", m.deleted_by,"                           \
    " (SELECT string_agg(r.user_id || ' ' || r.emoji, E'\n'"                  \
    "    ORDER BY r.revision) FROM chat.reaction r"                           \
    "   WHERE r.p = m.p AND r.conversation_key = m.conversation_key"          \
    "   AND r.message_id = m.id AND NOT r.removed)"

#define STORED_NCOLUMNS  14


/* where the messages of a conversation are */

typedef struct {
    uint64_t  partition;
    char      key[64];
} stored_place_t;


/* slices point into the result */

typedef struct {
    chat_event_message_t   message;     /* nothing in it once it is deleted */
    mem_buf_t              mentions;    /* as JSON, of the message */
    chat_str_t             deleted_by;  /* empty: the operator */
    uint64_t               deleted;     /* ms; 0: it is there */
    uint64_t               sequence;
    uint64_t               revision;
    chat_event_reactor_t  *reactors;
    size_t                 nreactors;
} stored_t;


/* says why it finds none; the exit code */
CHAT_MUST_CHECK int stored_find(db_t *db, const char *tenant,
    const char *conversation, stored_place_t *place);

/* into m, which is zeroed or was read before */
void stored_read(stored_t *m, const char *conversation, const PGresult *res,
    int row);
void stored_done(stored_t *m);

/* one line for people, whatever the content */
void stored_print(const stored_t *m);

/* as an element of a client's history, without a newline */
void stored_print_json(const stored_t *m);

/* "2026-11-22T03:44:10.123Z" */
void stored_print_time(uint64_t ms);


#endif /* STORED_H */
