#include "presence.h"

#include <inttypes.h>


#define COUNTER(name, label, help, field)                                     \
    { name, label, help, METRIC_COUNTER, offsetof(metrics_t, field) }
#define GAUGE(name, label, help, field)                                       \
    { name, label, help, METRIC_GAUGE, offsetof(metrics_t, field) }

#define TOLD  "chat_presence_changes_total"


static const metric_row_t  metrics_rows[] = {
    GAUGE("chat_presence_link_up", "link=\"postgresql\"",
          "Whether the link is there.", postgres_up),
    GAUGE("chat_presence_link_up", "link=\"redis\"", NULL, redis_up),
    COUNTER("chat_presence_link_lost_total", "link=\"postgresql\"",
            "Links that were lost.", postgres_lost),
    COUNTER("chat_presence_link_lost_total", "link=\"redis\"", NULL,
            redis_lost),

    GAUGE("chat_presence_partitions_held", "",
          "Partitions that this program looks after.", held),
    GAUGE("chat_presence_partitions_share", "",
          "Partitions that this program should hold.", share),
    GAUGE("chat_presence_partitions_all", "",
          "Partitions that there are.", partitions),
    GAUGE("chat_presence_holders", "",
          "How many of this program share the partitions.", holders),
    COUNTER("chat_presence_partitions_lost_total", "",
            "Partitions that another has taken.", held_lost),

    COUNTER(TOLD, "to=\"online\"",
            "Users whose state others were told, by that state.",
            told[METRICS_ONLINE]),
    COUNTER(TOLD, "to=\"away\"", NULL, told[METRICS_AWAY]),
    COUNTER(TOLD, "to=\"busy\"", NULL, told[METRICS_BUSY]),
    COUNTER(TOLD, "to=\"offline\"", NULL, told[METRICS_OFFLINE]),

    GAUGE("chat_presence_nodes", "",
          "Nodes that have a lease, in the partition with the most.", nodes),
    GAUGE("chat_presence_users", "",
          "Users of the held partitions that Redis knows of.", users),
    GAUGE("chat_presence_users_seen", "",
          "Those of them who are not offline.", seen),
    GAUGE("chat_presence_users_unstored", "",
          "Those of whom something waits for PostgreSQL.", unstored),

    COUNTER("chat_presence_loaded_total", "",
            "Users who were loaded from PostgreSQL.", loaded),
    COUNTER("chat_presence_load_failed_total", "",
            "Users who could not be loaded, each time.", load_failed),
    COUNTER("chat_presence_stored_total", "",
            "Users of whom something was stored.", stored),
    COUNTER("chat_presence_store_failed_total", "reason=\"link\"",
            "Users of whom something could not be stored, each time.",
            store_failed),
    COUNTER("chat_presence_store_failed_total", "reason=\"refused\"", NULL,
            store_refused),

    COUNTER("chat_presence_nodes_ended_total", "",
            "Leases of nodes that ended, in each partition.", nodes_ended),
    COUNTER("chat_presence_users_taken_total", "",
            "Users who were taken from them.", users_taken),
    COUNTER("chat_presence_forgotten_total", "",
            "Users who had not been there for long and have left Redis.",
            forgotten),
    COUNTER("chat_presence_unread_total", "",
            "Users who were told how much they have not read, each time.",
            unread),

    COUNTER("chat_presence_counts_total", "",
            "Conversations of which those who are there were counted.",
            counts),
    COUNTER("chat_presence_counted_members_total", "",
            "Members who were looked at for that.", counted),
    GAUGE("chat_presence_counts_waiting", "",
          "Conversations that are to be counted now.", counts_wait),

    { "chat_presence_tick_seconds", "",
      "How long it took to look at all users who were due.",
      METRIC_SECONDS, offsetof(metrics_t, tick) }
};


/* all that were made, but for the one that is up */

static uint64_t
metrics_lost(uint64_t links, bool up)
{
    return links - (up && links != 0);
}


static void
metrics_parts(presence_t *p)
{
    uint64_t       held = 0, lag = 0, nodes = 0, users = 0, seen = 0;
    uint64_t       unstored = 0;
    metrics_t     *m = &p->metrics;
    const part_t  *part;

    for (part = p->parts; part < p->parts + p->npartitions; part++) {

        if (part->held) {
            held++;
            lag = part->lag > lag ? part->lag : lag;
            nodes = part->nodes > nodes ? part->nodes : nodes;
            users += part->users;
            seen += part->seen;
            unstored += part->unstored;
        }
    }

    metric_set(&m->held, held);
    metric_set(&m->lag, lag * 1000);
    metric_set(&m->nodes, nodes);
    metric_set(&m->users, users);
    metric_set(&m->seen, seen);
    metric_set(&m->unstored, unstored);
}


void
metrics_turn(presence_t *p)
{
    bool        up;
    metrics_t  *m = &p->metrics;

    up = atomic_load(&p->desk.up);
    metric_set(&m->postgres_up, up);
    metric_set(&m->postgres_lost,
               metrics_lost(atomic_load(&p->desk.links), up));

    up = redis_is_open(&p->redis);
    metric_set(&m->redis_up, up);
    metric_set(&m->redis_lost, metrics_lost(p->redis.links, up));

    metric_set(&m->partitions, p->npartitions);
    metric_set(&m->share, p->share);
    metric_set(&m->holders, p->nholders);
    metric_set(&m->counts_wait, p->count.n - p->count.next);
    metrics_parts(p);
}


void
metrics_write(mem_buf_t *out, const void *data)
{
    const metrics_t  *m = data;

    static const char  lag[] = "chat_presence_due_lag_seconds";

    metric_write(out, metrics_rows,
                 sizeof(metrics_rows) / sizeof(metrics_rows[0]), m);
    metric_write_head(out, lag, "How late the last look at who was due came, "
                      "in the partition where it was latest.", "gauge");
    metric_write_us(out, lag, "", metric_get(&m->lag));
}


bool
metrics_ready(mem_buf_t *out, const void *data)
{
    bool              postgres, redis;
    uint64_t          share, held, all;
    const metrics_t  *m = data;

    postgres = metric_get(&m->postgres_up) != 0;
    redis = metric_get(&m->redis_up) != 0;
    share = metric_get(&m->share);
    held = metric_get(&m->held);
    all = metric_get(&m->partitions);

    mem_buf_printf(out, ",\"postgresql\":\"%s\",\"redis\":\"%s\","
                   "\"partitions\":{\"share\":%" PRIu64 ",\"held\":%" PRIu64
                   ",\"all\":%" PRIu64 "}",
                   postgres ? "up" : "down", redis ? "up" : "down", share,
                   held, all);

    return postgres && redis && all != 0 && held >= share;
}
