/*
 * Directives that are more than one of nginx' own kinds of values.  Included
 * by ngx_chat.h.
 */

#ifndef NGX_CHAT_CONF_H
#define NGX_CHAT_CONF_H


/* ngx_chat_directives.c */

extern ngx_command_t  ngx_chat_commands[];


/* ngx_chat_conf.c: setters of directives, and what a number must be */

typedef struct {
    ngx_conf_post_handler_pt   handler;         /* first, as ngx_conf_post_t */
    const char                *name;
    size_t                     min;
    size_t                     max;
    const char                *text;            /* "1k and 1m" */
} ngx_chat_conf_range_t;

char *ngx_chat_conf_check_num(ngx_conf_t *cf, void *post, void *data);
char *ngx_chat_conf_check_size(ngx_conf_t *cf, void *post, void *data);
char *ngx_chat_conf_check_msec(ngx_conf_t *cf, void *post, void *data);
char *ngx_chat_conf_check_sec(ngx_conf_t *cf, void *post, void *data);

char *ngx_chat_conf_canary(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_chat_conf_health(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_chat_conf_status(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_chat_conf_origin(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);


/*
 * For setters: name=value, after the words that a directive must have.  set
 * logs what is wrong and returns NGX_CONF_ERROR, or returns what the value must
 * be.  Each may be given once.
 */

typedef char *(*ngx_chat_conf_parameter_pt)(ngx_conf_t *cf, ngx_str_t *value,
    void *conf);


typedef struct {
    ngx_str_t                    name;
    ngx_chat_conf_parameter_pt   set;
} ngx_chat_conf_parameter_t;


#define ngx_chat_conf_count(table)  (sizeof(table) / sizeof((table)[0]))

char *ngx_chat_conf_parameters(ngx_conf_t *cf, ngx_uint_t first,
    ngx_chat_conf_parameter_t *known, ngx_uint_t n, void *conf);

/* the content of a file but for one newline at its end; NUL terminated */
char *ngx_chat_conf_secret(ngx_conf_t *cf, ngx_str_t *file, ngx_str_t *secret);


/* ngx_chat_limit_conf.c: "rate=20r/s burst=200" or "off", a number or "off";
   what a location has that says nothing */

char *ngx_chat_limit_conf_rate(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_chat_limit_conf_max(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
void ngx_chat_limit_conf_init(ngx_chat_limit_conf_t *limit);
void ngx_chat_limit_conf_merge(ngx_chat_limit_conf_t *prev,
    ngx_chat_limit_conf_t *limit);


/* ngx_chat_conf_token.c */

char *ngx_chat_conf_token_key(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_chat_conf_token_jwks(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);


/* ngx_chat_conf_redis.c */

char *ngx_chat_conf_redis(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);


#endif /* NGX_CHAT_CONF_H */
