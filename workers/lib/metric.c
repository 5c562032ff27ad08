#include "metric.h"

#include <inttypes.h>
#include <stdio.h>


static void metric_write_row(mem_buf_t *out, const metric_row_t *row,
    const void *base);
static void metric_write_histogram(mem_buf_t *out, const metric_row_t *row,
    const metric_histogram_t *h);


static const uint64_t  second_bounds[METRIC_BUCKETS] = {
    500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000,
    1000000, 2500000, 5000000, 10000000
};

static const uint64_t  number_bounds[METRIC_BUCKETS] = {
    1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192
};

static const char *const  type_names[] = {
    [METRIC_COUNTER] = "counter",
    [METRIC_GAUGE] = "gauge",
    [METRIC_SECONDS] = "histogram",
    [METRIC_NUMBERS] = "histogram"
};


static void
metric_observe(metric_histogram_t *h, const uint64_t *bounds, uint64_t n)
{
    unsigned  i;

    for (i = 0; i < METRIC_BUCKETS && n > bounds[i]; i++) {
        /* the first that holds it */
    }

    metric_add(&h->buckets[i], 1);
    metric_add(&h->sum, n);
}


void
metric_seconds(metric_histogram_t *h, uint64_t us)
{
    metric_observe(h, second_bounds, us);
}


void
metric_number(metric_histogram_t *h, uint64_t n)
{
    metric_observe(h, number_bounds, n);
}


void
metric_write(mem_buf_t *out, const metric_row_t *rows, size_t n,
    const void *base)
{
    size_t  i;

    for (i = 0; i < n; i++) {

        if (rows[i].help != NULL) {
            metric_write_head(out, rows[i].name, rows[i].help,
                              type_names[rows[i].type]);
        }

        metric_write_row(out, &rows[i], base);
    }
}


static void
metric_write_row(mem_buf_t *out, const metric_row_t *row, const void *base)
{
    const void  *value = (const char *) base + row->offset;

    switch (row->type) {

    case METRIC_COUNTER:
    case METRIC_GAUGE:
        metric_write_uint(out, row->name, row->label, metric_get(value));
        break;

    case METRIC_SECONDS:
    case METRIC_NUMBERS:
        metric_write_histogram(out, row, value);
        break;
    }
}


/* "0.0025", "1" */

static void
metric_print_us(char text[32], uint64_t us)
{
    int  len;

    len = snprintf(text, 32, "%" PRIu64 ".%06" PRIu64, us / 1000000,
                   us % 1000000);

    while (text[len - 1] == '0') {
        len--;
    }

    if (text[len - 1] == '.') {
        len--;
    }

    text[len] = '\0';
}


static void
metric_print(char text[32], const metric_row_t *row, uint64_t n)
{
    if (row->type == METRIC_SECONDS) {
        metric_print_us(text, n);
    } else {
        (void) snprintf(text, 32, "%" PRIu64, n);
    }
}


/* each bucket holds those before it, too; the last one is the count, so they
   agree though somebody counts meanwhile */

static void
metric_write_histogram(mem_buf_t *out, const metric_row_t *row,
    const metric_histogram_t *h)
{
    char             text[32];
    uint64_t         n = 0;
    unsigned         i;
    const uint64_t  *bounds;

    bounds = row->type == METRIC_SECONDS ? second_bounds : number_bounds;

    for (i = 0; i < METRIC_BUCKETS; i++) {
        n += metric_get(&h->buckets[i]);
        metric_print(text, row, bounds[i]);
        mem_buf_printf(out, "%s_bucket{le=\"%s\"} %" PRIu64 "\n", row->name,
                       text, n);
    }

    n += metric_get(&h->buckets[i]);
    metric_print(text, row, metric_get(&h->sum));
    mem_buf_printf(out, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n%s_sum %s\n"
                   "%s_count %" PRIu64 "\n", row->name, n, row->name, text,
                   row->name, n);
}


void
metric_write_head(mem_buf_t *out, const char *name, const char *help,
    const char *type)
{
    mem_buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name,
                   type);
}


/* name and label of a line */

static void
metric_write_name(mem_buf_t *out, const char *name, const char *label)
{
    if (label[0] != '\0') {
        mem_buf_printf(out, "%s{%s} ", name, label);
    } else {
        mem_buf_printf(out, "%s ", name);
    }
}


void
metric_write_uint(mem_buf_t *out, const char *name, const char *label,
    uint64_t n)
{
    metric_write_name(out, name, label);
    mem_buf_printf(out, "%" PRIu64 "\n", n);
}


void
metric_write_us(mem_buf_t *out, const char *name, const char *label,
    uint64_t us)
{
    char  text[32];

    metric_print_us(text, us);
    metric_write_name(out, name, label);
    mem_buf_printf(out, "%s\n", text);
}
