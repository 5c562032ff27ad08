/*
 * What is counted, for those who tell it.  For the files of ngx_chat_metrics*.c
 * alone.
 */

#ifndef NGX_CHAT_METRICS_H
#define NGX_CHAT_METRICS_H


typedef struct {
    const char  *name;
    const char  *labels;                /* "" or name="value",name="value" */
    const char  *help;                  /* of the first of a name, else NULL */
} ngx_chat_metric_t;


/* ngx_chat_metrics_table.c */

extern const ngx_chat_metric_t  ngx_chat_metrics[NGX_CHAT_COUNTS];
extern const ngx_chat_metric_t  ngx_chat_metrics_times[NGX_CHAT_TIMES];


#endif /* NGX_CHAT_METRICS_H */
