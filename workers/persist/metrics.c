#include "persist.h"

#include <inttypes.h>
#include <stdio.h>

#include "need.h"
#include "store.h"


#define METRICS_TOLD    (PERSIST_LEASE + PERSIST_RENEW)

#define COUNTER(name, label, help, field)                                     \
    { name, label, help, METRIC_COUNTER, offsetof(metrics_t, field) }

#define GAUGE(name, label, help, field)                                       \
    { name, label, help, METRIC_GAUGE, offsetof(metrics_t, field) }


_Static_assert(METRICS_ENTRY_KINDS == ENTRY_JOIN + 1, "kinds of entries");
_Static_assert(METRICS_NEED_KINDS == NEED_SHARED + 1, "kinds of needs");
_Static_assert(METRICS_STATES == PART_STOPPED + 1, "states");
_Static_assert(METRICS_STORE_FATES == STORE_ERROR + 1, "fates");


static void metrics_write_log(mem_buf_t *out, const metrics_t *m);


static const metric_row_t  metrics_rows[] = {

    GAUGE("chat_persist_link_up", "link=\"postgresql\"",
          "Whether the link is up.", postgres_up),
    GAUGE("chat_persist_link_up", "link=\"redis\"", NULL, redis_up),

    COUNTER("chat_persist_link_lost_total", "link=\"postgresql\"",
            "Links that were up and were lost.", postgres_lost),
    COUNTER("chat_persist_link_lost_total", "link=\"redis\"", NULL,
            redis_lost),

    GAUGE("chat_persist_partitions", "state=\"held\"",
          "Partitions that this program holds.", states[PART_HELD]),
    GAUGE("chat_persist_partitions", "state=\"open\"", NULL,
          states[PART_OPEN]),
    GAUGE("chat_persist_partitions", "state=\"stopped\"", NULL,
          states[PART_STOPPED]),

    GAUGE("chat_persist_partitions_share", "",
          "Partitions that this program should hold.", share),
    GAUGE("chat_persist_partitions_all", "",
          "Partitions that there are.", partitions),

    COUNTER("chat_persist_opened_total", "redis=\"unchanged\"",
            "Partitions that were opened, by what was found in Redis.",
            opened[METRICS_OPEN_UNCHANGED]),
    COUNTER("chat_persist_opened_total", "redis=\"new\"", NULL,
            opened[METRICS_OPEN_NEW]),
    COUNTER("chat_persist_opened_total", "redis=\"complete\"", NULL,
            opened[METRICS_OPEN_COMPLETE]),
    COUNTER("chat_persist_opened_total", "redis=\"lost\"", NULL,
            opened[METRICS_OPEN_LOST]),

    COUNTER("chat_persist_leases_lost_total", "",
            "Partitions that another has taken.", leases_lost),

    COUNTER("chat_persist_stored_total", "kind=\"message\"",
            "Events that were stored.", stored[ENTRY_MESSAGE]),
    COUNTER("chat_persist_stored_total", "kind=\"edit\"", NULL,
            stored[ENTRY_EDIT]),
    COUNTER("chat_persist_stored_total", "kind=\"delete\"", NULL,
            stored[ENTRY_DELETE]),
    COUNTER("chat_persist_stored_total", "kind=\"react\"", NULL,
            stored[ENTRY_REACT]),
    COUNTER("chat_persist_stored_total", "kind=\"unreact\"", NULL,
            stored[ENTRY_UNREACT]),
    COUNTER("chat_persist_stored_total", "kind=\"create\"", NULL,
            stored[ENTRY_CREATE]),
    COUNTER("chat_persist_stored_total", "kind=\"update\"", NULL,
            stored[ENTRY_UPDATE]),
    COUNTER("chat_persist_stored_total", "kind=\"close\"", NULL,
            stored[ENTRY_CLOSE]),
    COUNTER("chat_persist_stored_total", "kind=\"member\"", NULL,
            stored[ENTRY_MEMBER]),
    COUNTER("chat_persist_stored_total", "kind=\"join\"", NULL,
            stored[ENTRY_JOIN]),

    COUNTER("chat_persist_store_failed_total", "reason=\"fenced\"",
            "Transactions that stored nothing.", failed[STORE_FENCED]),
    COUNTER("chat_persist_store_failed_total", "reason=\"double\"", NULL,
            failed[STORE_DOUBLE]),
    COUNTER("chat_persist_store_failed_total", "reason=\"refused\"", NULL,
            failed[STORE_REFUSED]),
    COUNTER("chat_persist_store_failed_total", "reason=\"slow\"", NULL,
            failed[STORE_SLOW]),
    COUNTER("chat_persist_store_failed_total", "reason=\"link\"", NULL,
            failed[STORE_ERROR]),

    COUNTER("chat_persist_dead_letters_total", "",
            "Events that PostgreSQL refused to store.", dead_letters),
    GAUGE("chat_persist_dead_letters_kept", "",
          "Dead letters that there are, counted up to 1000.", letters_kept),

    { "chat_persist_batch_events", "", "Events of a transaction.",
      METRIC_NUMBERS, offsetof(metrics_t, batch) },
    { "chat_persist_commit_seconds", "",
      "From a transaction's first statement to its commit.",
      METRIC_SECONDS, offsetof(metrics_t, commit) },

    GAUGE("chat_persist_needs_waiting", "",
          "Questions of nodes that are not answered yet.", needs_waiting),
    COUNTER("chat_persist_needs_answered_total", "kind=\"conversation\"",
            "Questions of nodes that were answered.",
            answered[NEED_CONVERSATION]),
    COUNTER("chat_persist_needs_answered_total", "kind=\"client\"", NULL,
            answered[NEED_CLIENT]),
    COUNTER("chat_persist_needs_answered_total", "kind=\"message\"", NULL,
            answered[NEED_MESSAGE]),
    COUNTER("chat_persist_needs_answered_total", "kind=\"range\"", NULL,
            answered[NEED_RANGE]),
    COUNTER("chat_persist_needs_answered_total", "kind=\"history\"", NULL,
            answered[NEED_HISTORY]),
    COUNTER("chat_persist_needs_answered_total", "kind=\"list\"", NULL,
            answered[NEED_LIST]),
    COUNTER("chat_persist_needs_answered_total", "kind=\"shared\"", NULL,
            answered[NEED_SHARED]),
    COUNTER("chat_persist_needs_dropped_total", "reason=\"malformed\"",
            "Questions of nodes that were not answered.",
            dropped[METRICS_NEED_MALFORMED]),
    COUNTER("chat_persist_needs_dropped_total", "reason=\"too_many\"", NULL,
            dropped[METRICS_NEED_TOO_MANY]),
    COUNTER("chat_persist_needs_dropped_total", "reason=\"late\"", NULL,
            dropped[METRICS_NEED_LATE]),
    COUNTER("chat_persist_needs_dropped_total", "reason=\"failed\"", NULL,
            dropped[METRICS_NEED_FAILED]),
    { "chat_persist_need_seconds", "",
      "From a node's question to its answer.",
      METRIC_SECONDS, offsetof(metrics_t, answer) },

    COUNTER("chat_persist_idle_dropped_total", "",
            "Idle conversations that have left Redis.", idle_dropped)
};

static const metric_row_t  metrics_watched_rows[] = {
    GAUGE("chat_persist_marks_waiting", "",
          "Marks of all partitions that are not stored yet.", marks),
    GAUGE("chat_persist_redis_memory_used_bytes", "",
          "Memory that Redis uses.", redis_used),
    GAUGE("chat_persist_redis_memory_max_bytes", "",
          "Memory that Redis may use, 0 if there is no limit.", redis_max)
};


/* all that were made, but for the one that is up */

static uint64_t
metrics_lost(uint64_t links, bool up)
{
    return links - (up && links != 0);
}


void
metrics_turn(persist_t *p)
{
    bool        up;
    uint64_t    n, states[METRICS_STATES] = { 0 };
    unsigned    i;
    metrics_t  *m = &p->metrics;

    up = db_is_open(&p->db);
    metric_set(&m->postgres_up, up);
    metric_set(&m->postgres_lost, metrics_lost(p->db.links, up));

    up = redis_is_open(&p->redis);
    metric_set(&m->redis_up, up);
    metric_set(&m->redis_lost, metrics_lost(p->redis.links, up));

    for (i = 0, n = 0; i < p->npartitions; i++) {
        states[p->parts[i].state]++;
        n += p->parts[i].nneeds;
    }

    for (i = 0; i < METRICS_STATES; i++) {
        metric_set(&m->states[i], states[i]);
    }

    metric_set(&m->needs_waiting, n);
    metric_set(&m->share, p->share);
    metric_set(&m->partitions, p->npartitions);
}


void
metrics_write(mem_buf_t *out, const void *data)
{
    const metrics_t  *m = data;

    metric_write(out, metrics_rows,
                 sizeof(metrics_rows) / sizeof(metrics_rows[0]), m);

    if (metric_get(&m->watched)) {
        metric_write(out, metrics_watched_rows,
                     sizeof(metrics_watched_rows)
                     / sizeof(metrics_watched_rows[0]), m);
        metrics_write_log(out, m);
    }
}


/* the age is that of this moment: it grows, too, while Redis cannot be asked */

static void
metrics_write_log(mem_buf_t *out, const metrics_t *m)
{
    char      label[32];
    uint64_t  since, now = life_now(), n = metric_get(&m->partitions);
    unsigned  i;

    static const char  entries[] = "chat_persist_log_entries";
    static const char  lag[] = "chat_persist_log_lag_seconds";

    metric_write_head(out, entries, "Events that wait to be stored.", "gauge");

    for (i = 0; i < n; i++) {
        (void) snprintf(label, sizeof(label), "partition=\"%u\"", i);
        metric_write_uint(out, entries, label, metric_get(&m->log_entries[i]));
    }

    metric_write_head(out, lag, "How long the oldest of them has waited.",
                      "gauge");

    for (i = 0; i < n; i++) {
        since = metric_get(&m->log_since[i]);
        (void) snprintf(label, sizeof(label), "partition=\"%u\"", i);
        metric_write_us(out, lag, label, since == 0 || since > now
                                         ? 0 : (now - since) * 1000);
    }
}


/* a link is as good as what came over it: the leases were renewed */

bool
metrics_ready(mem_buf_t *out, const void *data)
{
    bool              postgres, redis;
    uint64_t          at, open, share, stopped;
    const metrics_t  *m = data;

    at = metric_get(&m->renewed_at);
    postgres = metric_get(&m->postgres_up) && at != 0
               && life_now() < at + METRICS_TOLD;
    redis = metric_get(&m->redis_up);
    share = metric_get(&m->share);
    open = metric_get(&m->states[PART_OPEN]);
    stopped = metric_get(&m->states[PART_STOPPED]);

    mem_buf_printf(out, ",\"postgresql\":\"%s\",\"redis\":\"%s\","
                   "\"partitions\":{\"share\":%" PRIu64 ",\"held\":%" PRIu64
                   ",\"open\":%" PRIu64 ",\"stopped\":%" PRIu64
                   ",\"all\":%" PRIu64 "}",
                   postgres ? "up" : "down", redis ? "up" : "down", share,
                   metric_get(&m->states[PART_HELD]) + open + stopped, open,
                   stopped, metric_get(&m->partitions));

    return postgres && redis && open >= share && stopped == 0;
}
