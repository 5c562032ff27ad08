/*
 * What Redis tells chat-persist: the answer to XREAD, with entries of logs,
 * needs and handovers, as the program reads it; and the small readers that all
 * workers share.  Replies in an arena must be what hiredis makes of the same
 * bytes by itself.
 *
 *      input   R and what Redis sends; or a letter and the notation of
 *              fuzz_resp.h
 */

#include "fuzz.h"
#include "fuzz_resp.h"

#include "../../workers/persist/source.c"

#include "chat_name.h"
#include "log.h"


#define PARTITIONS  2
#define MAX_LENGTH  6                   /* digits of a length that is tried */


int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void) argc;
    (void) argv;

    log_init("fuzz");

    return log_set_level("alert");
}


/* A gigabyte that is announced is asked of the system: that ends the process,
   as it should. */

static bool
announces_too_much(chat_str_t bytes)
{
    size_t  i, digits;

    for (i = 0; i < bytes.len; i++) {

        if (bytes.data[i] != '*' && bytes.data[i] != '$') {
            continue;
        }

        for (digits = 0; i + 1 < bytes.len && bytes.data[i + 1] >= '0'
                         && bytes.data[i + 1] <= '9'; i++)
        {
            digits++;
        }

        if (digits > MAX_LENGTH) {
            return true;
        }
    }

    return false;
}


/* a link that has got all of this, and gets nothing more */

static void
redis_link(redis_t *r, chat_str_t bytes)
{
    memset(r, 0, sizeof(*r));

    r->quiet = true;
    r->context = redisConnectFd(-1);
    fuzz_check(r->context != NULL);

    (void) redisReaderFeed(r->context->reader, (const char *) bytes.data,
                           bytes.len);
}


static void
same(const redisReply *a, const redisReply *b)
{
    size_t  i;

    fuzz_check(a->type == b->type);

    switch (a->type) {

    case REDIS_REPLY_INTEGER:
        fuzz_check(a->integer == b->integer);
        return;

    case REDIS_REPLY_NIL:
        return;

    case REDIS_REPLY_ARRAY:
        fuzz_check(a->elements == b->elements);

        for (i = 0; i < a->elements; i++) {
            same(a->element[i], b->element[i]);
        }

        return;

    default:
        fuzz_check(a->len == b->len && memcmp(a->str, b->str, a->len) == 0);
    }
}


static void
arena_is_no_difference(chat_str_t bytes)
{
    redis_t       one, two;
    redisReply   *plain, *packed;
    mem_arena_t   arena = { 0 };

    redis_link(&one, bytes);
    redis_link(&two, bytes);

    do {
        plain = redis_reply(&one, 0);
        packed = redis_reply_into(&two, 0, &arena);

        fuzz_check((plain == NULL) == (packed == NULL));

        if (plain != NULL) {
            same(plain, packed);
            freeReplyObject(plain);
        }

    } while (plain != NULL);

    redis_close(&one);
    redis_close(&two);
    mem_arena_done(&arena);
}


/* one beyond the last element, too */

static void
small_readers(const redisReply *reply)
{
    size_t  i;

    (void) redis_answer(reply);

    for (i = 0; i <= reply->elements; i++) {
        (void) redis_text(reply, i);
        (void) redis_number(reply, i);
    }

    (void) redis_field(reply, 'k');
    (void) redis_field(reply, 'z');

    for (i = 0; i < reply->elements; i++) {
        small_readers(reply->element[i]);
    }
}


static void
entry_is_sound(const entry_t *e)
{
    uint64_t        ms;
    chat_str_t      rest, user;
    entry_member_t  member;

    fuzz_check(e->fate == ENTRY_GOOD || e->reason[0] != '\0');

    if (e->fate != ENTRY_GOOD) {
        return;
    }

    fuzz_check(e->counts);
    fuzz_check(chat_name_valid_tenant(e->tenant));
    fuzz_check(chat_name_valid(e->conversation));
    fuzz_check(e->revision < UINT64_C(1) << 53);

    rest = e->members;

    while (entry_next_member(&rest, &member)) {
        fuzz_check(member.user.len + member.role.len <= e->members.len);
    }

    rest = e->mentions;

    while (entry_next_mention(&rest, &user)) {
        fuzz_check(user.len <= e->mentions.len);
    }

    (void) entry_client_time(e->client_id, &ms);
}


static void
persist_reads(chat_str_t bytes)
{
    size_t     i;
    batch_t    batch = { 0 };
    persist_t  p;

    memset(&p, 0, sizeof(p));

    p.count = SOURCE_COUNT_MIN;
    p.npartitions = PARTITIONS;
    p.needs_end = &p.needs;

    for (i = 0; i < PARTITIONS; i++) {
        p.parts[i].p = (unsigned) i;
        p.parts[i].state = PART_OPEN;
        (void) chat_name_prefix((uint8_t *) p.parts[i].prefix, (unsigned) i);
    }

    redis_link(&p.redis, bytes);
    batch.share = p.count;

    if (source_take(&p, &batch, 0) == 0) {
        for (i = 0; i < batch.n; i++) {
            entry_is_sound(&batch.entries[i]);
        }
    }

    need_forget_all(&p);
    redis_close(&p.redis);
    batch_done(&batch);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t       kind;
    redis_t       r;
    chat_str_t    bytes;
    redisReply   *reply;
    fuzz_bytes_t  resp = { 0 };
    fuzz_input_t  in = { data, size };

    kind = fuzz_byte(&in);

    if (kind == 'R') {
        bytes = fuzz_rest(&in);

    } else {
        (void) fuzz_resp_elements(&resp, &in, 0);
        bytes = (chat_str_t) { resp.data, resp.len };
    }

    if (bytes.len == 0 || announces_too_much(bytes)) {
        free(resp.data);
        return 0;
    }

    arena_is_no_difference(bytes);
    persist_reads(bytes);

    redis_link(&r, bytes);
    reply = redis_reply(&r, 0);

    if (reply != NULL) {
        small_readers(reply);
        freeReplyObject(reply);
    }

    redis_close(&r);
    free(resp.data);

    return 0;
}
