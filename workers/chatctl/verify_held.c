/*
 * The hot history of a conversation, whether it is without gaps; and the
 * counters and settings in Redis, whether they are those of PostgreSQL.
 */

#include "verify.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>


#define NUMBER(revision)  ((revision) & UINT32_MAX)     /* of the change */


static void held_hot(verify_t *v);
static void held_counted(verify_t *v);
static void held_position(verify_t *v);
static void held_settings(verify_t *v);


void
verify_held(verify_t *v)
{
    held_hot(v);
    held_counted(v);

    if (!v->row.known || strcmp(v->row.key, v->before.key) != 0) {

        if (verify_is_stored(v, v->before.last)) {
            findings_add(&v->findings, "key", v->before.key,
                         "Redis knows the conversation by the key %s, "
                         "PostgreSQL %s%s", v->before.key,
                         v->row.known ? "by " : "does not",
                         v->row.known ? v->row.key : "");
        }

        return;
    }

    held_position(v);

    if (v->row.revision == v->before.revision && !v->before.gone) {
        held_settings(v);
    }
}


/* what leaves hot is what concerned a message that was deleted later on */

static void
held_gap(verify_t *v, uint64_t from, uint64_t to, uint64_t next)
{
    char      subject[32];
    size_t    i;

    for (i = v->before.n; i > 0; i--) {
        if (v->before.events[i - 1].kind == 'd') {
            break;
        }
    }

    if (next != 0 && i > 0 && v->before.events[i - 1].revision >= next) {
        return;
    }

    (void) snprintf(subject, sizeof(subject), "%" PRIu64, from);
    findings_add(&v->findings, "hot_gap", subject,
                 "the hot history in Redis lacks the changes %" PRIu64 " to %"
                 PRIu64 ": who resumes would not be told of them", from, to);
}


static void
held_hot(verify_t *v)
{
    char                   subject[32];
    size_t                 i;
    uint64_t               before;
    const verify_redis_t  *r = &v->before;
    const verify_event_t  *e;

    /* where not all of it was read, from the first one on that was */

    before = r->n == r->hot_length || r->n == 0
             ? NUMBER(r->hot_from) : NUMBER(r->events[0].revision) - 1;

    for (i = 0; i < r->n; i++) {
        e = &r->events[i];
        (void) snprintf(subject, sizeof(subject), "%" PRIu64, e->revision);

        if (e->kind == 0 || e->event.len == 0) {
            findings_add(&v->findings, "hot_event", subject,
                         "the event of revision %" PRIu64 " in the hot "
                         "history cannot be read", e->revision);
        }

        if (NUMBER(e->revision) <= before || e->revision > r->revision
            || e->revision >> 32 > r->generation
            || (i > 0 && stream_id_compare(e[-1].place, e->place) >= 0))
        {
            findings_add(&v->findings, "hot_order", subject,
                         "the event of revision %" PRIu64 " in the hot "
                         "history is not in its place", e->revision);

        } else if (NUMBER(e->revision) != before + 1) {
            held_gap(v, before + 1, NUMBER(e->revision) - 1, e->revision);
        }

        before = NUMBER(e->revision);
    }

    if (before < NUMBER(r->revision)) {
        held_gap(v, before + 1, NUMBER(r->revision), 0);
    }
}


static void
held_counted(verify_t *v)
{
    size_t                 i;
    uint64_t               bytes = 0;
    const verify_redis_t  *r = &v->before;

    if (r->hot_length != r->hot_events) {
        findings_add(&v->findings, "hot_count", "",
                     "the hot history has %" PRIu64 " events, but counts %"
                     PRIu64, r->hot_length, r->hot_events);
    }

    for (i = 0; i < r->n; i++) {
        bytes += r->events[i].event.len;
    }

    if (r->n == r->hot_length && bytes != r->hot_bytes) {
        findings_add(&v->findings, "hot_count", "bytes",
                     "the events of the hot history have %" PRIu64
                     " bytes, but it counts %" PRIu64, bytes, r->hot_bytes);
    }
}


/*
 * What is stored is what Redis had up to the position, no more and no less: at
 * least the last event of hot up to there, and none from beyond; and nothing
 * that Redis does not know even now.
 */

static void
held_position(verify_t *v)
{
    size_t                 i;
    uint64_t               least, most, last_sequence;
    const verify_row_t    *row = &v->row;
    const verify_redis_t  *r = &v->before;

    least = r->revision;
    most = v->after.revision;
    last_sequence = v->after.sequence;

    for (i = r->n; i > 0; i--) {

        if (verify_is_stored(v, r->events[i - 1].place)) {
            break;
        }

        most = r->events[i - 1].revision - 1;
        last_sequence = r->sequence;
        least = i > 1 ? r->events[i - 2].revision : r->hot_from;
    }

    if (i == 0 && r->n < r->hot_length) {
        least = 0;                      /* it goes on below what was read */
    }

    if (row->revision < least) {
        findings_add(&v->findings, "revision_behind", "",
                     "PostgreSQL is at revision %" PRIu64 ", though it should "
                     "have stored up to %" PRIu64, row->revision, least);
    }

    if (row->revision > most) {
        findings_add(&v->findings, "revision_ahead", "",
                     "PostgreSQL is at revision %" PRIu64 ", of which Redis "
                     "knows only up to %" PRIu64, row->revision, most);
    }

    /* of one that is deleted Redis need not know it */

    if (!r->gone && !v->after.gone
        && (row->sequence > last_sequence
            || (least == r->revision && row->sequence < r->sequence)))
    {
        findings_add(&v->findings, "sequence", "",
                     "the last message of PostgreSQL is %" PRIu64 ", that of "
                     "Redis %" PRIu64, row->sequence, r->sequence);
    }
}


static void
held_setting(verify_t *v, const char *name, int column, chat_str_t held)
{
    chat_str_t  stored = db_value(v->row.res, 0, column);

    if (stored.len == held.len
        && (held.len == 0 || memcmp(stored.data, held.data, held.len) == 0))
    {
        return;
    }

    findings_add(&v->findings, "setting", name,
                 "%s is \"%.*s\" in PostgreSQL and \"%.*s\" in Redis", name,
                 (int) stored.len, stored.data, (int) held.len, held.data);
}


/* both are at the same revision, so nothing is under way */

static void
held_settings(verify_t *v)
{
    const verify_redis_t  *r = &v->before;

    held_setting(v, "the type", VERIFY_COLUMN_TYPE, r->type);
    held_setting(v, "the name", VERIFY_COLUMN_NAME, r->name);
    held_setting(v, "the description", VERIFY_COLUMN_DESCRIPTION,
                 r->description);
    held_setting(v, "the slow mode", VERIFY_COLUMN_SLOW_MODE, r->slow_mode);
    held_setting(v, "read-only", VERIFY_COLUMN_READ_ONLY,
                 mem_cstr(r->read_only ? "1" : "0"));
    held_setting(v, "the list of past generations", VERIFY_COLUMN_GENS,
                 r->gens);
}
