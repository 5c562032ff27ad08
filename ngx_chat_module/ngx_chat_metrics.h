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


/*
 * How it is told.  Samples of one name come one after the other; family: whose
 * name is another than the last one's, NULL after the last of all.
 */

typedef struct ngx_chat_metrics_s  ngx_chat_metrics_t;

typedef struct {
    const char  *content_type;
    void       (*family)(ngx_chat_metrics_t *out, const ngx_chat_metric_t *m,
        const char *type);
    void       (*value)(ngx_chat_metrics_t *out, const ngx_chat_metric_t *m,
        chat_str_t number);
    void       (*time)(ngx_chat_metrics_t *out, const ngx_chat_metric_t *m,
        const ngx_chat_time_t *time);
} ngx_chat_metrics_format_t;


struct ngx_chat_metrics_s {
    chat_writer_t                     w;
    const ngx_chat_metrics_format_t  *format;
    const char                       *name;     /* of the family; or NULL */
    ngx_uint_t                        labelled; /* its samples have labels */
    ngx_uint_t                        n;        /* samples of it, so far */
};


/* ngx_chat_metrics.c: "2.5" seconds; the bound of a bucket, or "+Inf" */

#define NGX_CHAT_METRICS_NUMBER  (NGX_INT64_LEN + sizeof(".000000"))

chat_str_t ngx_chat_metrics_seconds(u_char text[NGX_CHAT_METRICS_NUMBER],
    uint64_t us);
chat_str_t ngx_chat_metrics_bound(u_char text[NGX_CHAT_METRICS_NUMBER],
    ngx_uint_t bucket);


/* ngx_chat_metrics_text.c, ngx_chat_metrics_json.c */

extern const ngx_chat_metrics_format_t  ngx_chat_metrics_text;
extern const ngx_chat_metrics_format_t  ngx_chat_metrics_json;


#endif /* NGX_CHAT_METRICS_H */
