#include "metrics.h"

#include "life.h"


#define FETCHES  "chat_jwks_fetches_total"


static const metric_row_t  metrics_rows[] = {
    { FETCHES, "result=\"same\"", "Fetches, by what came of them.",
      METRIC_COUNTER, offsetof(metrics_t, fetches[METRICS_SAME]) },
    { FETCHES, "result=\"new\"", NULL,
      METRIC_COUNTER, offsetof(metrics_t, fetches[METRICS_NEW]) },
    { FETCHES, "result=\"no_answer\"", NULL,
      METRIC_COUNTER, offsetof(metrics_t, fetches[METRICS_NO_ANSWER]) },
    { FETCHES, "result=\"no_keys\"", NULL,
      METRIC_COUNTER, offsetof(metrics_t, fetches[METRICS_NO_KEYS]) },
    { FETCHES, "result=\"not_written\"", NULL,
      METRIC_COUNTER, offsetof(metrics_t, fetches[METRICS_NOT_WRITTEN]) },
    { "chat_jwks_fetch_seconds", "", "How long a fetch took.",
      METRIC_SECONDS, offsetof(metrics_t, fetch) },
    { "chat_jwks_keys", "", "Keys that nginx can use, of the last good fetch.",
      METRIC_GAUGE, offsetof(metrics_t, keys) },
    { "chat_jwks_asked_total", "", "Times that nginx has asked for new keys.",
      METRIC_COUNTER, offsetof(metrics_t, asked) }
};


void
metrics_fetched(metrics_t *m, metrics_fate_e fate, uint64_t us)
{
    metric_add(&m->fetches[fate], 1);
    metric_seconds(&m->fetch, us);
    metric_set(&m->last, fate);

    if (fate == METRICS_SAME || fate == METRICS_NEW) {
        metric_set(&m->good_at, life_time() * 1000);
    }
}


void
metrics_write(mem_buf_t *out, const void *data)
{
    const metrics_t  *m = data;

    static const char  good_at[] = "chat_jwks_last_success_timestamp_seconds";

    metric_write(out, metrics_rows,
                 sizeof(metrics_rows) / sizeof(metrics_rows[0]), m);
    metric_write_head(out, good_at,
                      "When a fetch went well, since 1970; 0: never.",
                      "gauge");
    metric_write_us(out, good_at, "", metric_get(&m->good_at));
}


bool
metrics_ready(mem_buf_t *out, const void *data)
{
    const char       *provider = "up", *file = "current";
    const metrics_t  *m = data;

    switch ((metrics_fate_e) metric_get(&m->last)) {

    case METRICS_NONE:
        provider = "unknown";
        file = "unknown";
        break;

    case METRICS_NO_ANSWER:
    case METRICS_NO_KEYS:
        provider = "down";
        file = "old";
        break;

    case METRICS_NOT_WRITTEN:
        file = "old";
        break;

    case METRICS_SAME:
    case METRICS_NEW:
    case METRICS_FATES:
        break;
    }

    mem_buf_printf(out, ",\"provider\":\"%s\",\"file\":\"%s\"", provider,
                   file);

    return strcmp(file, "current") == 0;
}
