/*
 * ngx_chat_jwks.c: files with JWK Sets.  Somebody else writes them, mostly
 * chat-jwks, and renames a whole one into its place.  Each process looks once a
 * second whether a file is another one, so keys come and go without a reload.
 */

#include "ngx_chat.h"


#define NGX_CHAT_JWKS_INTERVAL   1000   /* ms, between two looks */
#define NGX_CHAT_JWKS_MAX_TOLD   10     /* skipped keys that are logged */


/* for the log of a set that is being read */

typedef struct {
    ngx_chat_jwks_t  *jwks;
    ngx_log_t        *log;
    ngx_uint_t        nskipped;
} ngx_chat_jwks_told_t;


static ngx_chat_jwks_t *ngx_chat_jwks_find(ngx_chat_main_conf_t *mcf,
    ngx_str_t *file);
static ngx_chat_jwks_t *ngx_chat_jwks_create(ngx_conf_t *cf, ngx_str_t *file,
    ngx_str_t *refresh);
static char *ngx_chat_jwks_first_read(ngx_conf_t *cf, ngx_chat_jwks_t *jwks);
static void ngx_chat_jwks_free(void *data);
static void ngx_chat_jwks_on_timer(ngx_event_t *ev);
static void ngx_chat_jwks_check(ngx_chat_node_t *node, ngx_chat_jwks_t *jwks);
static ngx_int_t ngx_chat_jwks_read(ngx_chat_jwks_t *jwks, ngx_log_t *log,
    ngx_uint_t level);
static ngx_int_t ngx_chat_jwks_look(ngx_chat_jwks_t *jwks, ngx_log_t *log,
    ngx_uint_t level);
static ngx_int_t ngx_chat_jwks_load(ngx_chat_jwks_t *jwks, u_char *text,
    ngx_log_t *log, ngx_uint_t level);
static ssize_t ngx_chat_jwks_text(ngx_chat_jwks_t *jwks, u_char *text,
    ngx_log_t *log, ngx_uint_t level);
static void ngx_chat_jwks_skipped(void *data, size_t place, chat_str_t kid,
    const char *reason);


char *
ngx_chat_jwks_add(ngx_conf_t *cf, ngx_str_t *file, ngx_str_t *refresh,
    ngx_chat_jwks_t **jwks)
{
    ngx_str_t              name;
    ngx_chat_main_conf_t  *mcf;

    name = *file;

    if (ngx_conf_full_name(cf->cycle, &name, 1) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_chat_module);
    *jwks = ngx_chat_jwks_find(mcf, &name);

    if (*jwks == NULL) {
        *jwks = ngx_chat_jwks_create(cf, &name, refresh);

        return *jwks == NULL ? NGX_CONF_ERROR
                             : ngx_chat_jwks_first_read(cf, *jwks);
    }

    if ((*jwks)->refresh.len != refresh->len
        || (refresh->len != 0
            && ngx_memcmp((*jwks)->refresh.data, refresh->data, refresh->len)
               != 0))
    {
        return "has this file elsewhere with another \"refresh\"";
    }

    return NGX_CONF_OK;
}


static ngx_chat_jwks_t *
ngx_chat_jwks_find(ngx_chat_main_conf_t *mcf, ngx_str_t *file)
{
    ngx_uint_t         i;
    ngx_chat_jwks_t  **jwks;

    if (mcf->jwks == NULL) {
        return NULL;
    }

    jwks = mcf->jwks->elts;

    for (i = 0; i < mcf->jwks->nelts; i++) {
        if (jwks[i]->file.len == file->len
            && ngx_memcmp(jwks[i]->file.data, file->data, file->len) == 0)
        {
            return jwks[i];
        }
    }

    return NULL;
}


static ngx_chat_jwks_t *
ngx_chat_jwks_create(ngx_conf_t *cf, ngx_str_t *file, ngx_str_t *refresh)
{
    ngx_chat_jwks_t       *jwks, **slot;
    ngx_pool_cleanup_t    *cln;
    ngx_chat_main_conf_t  *mcf;

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_chat_module);

    if (mcf->jwks == NULL) {
        mcf->jwks = ngx_array_create(cf->pool, 1, sizeof(ngx_chat_jwks_t *));
        if (mcf->jwks == NULL) {
            return NULL;
        }
    }

    jwks = ngx_pcalloc(cf->pool, sizeof(ngx_chat_jwks_t));
    if (jwks == NULL) {
        return NULL;
    }

    jwks->file = *file;
    jwks->refresh = *refresh;
    jwks->conf = mcf;

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        return NULL;
    }

    cln->handler = ngx_chat_jwks_free;
    cln->data = jwks;

    slot = ngx_array_push(mcf->jwks);
    if (slot == NULL) {
        return NULL;
    }

    *slot = jwks;

    return jwks;
}


static void
ngx_chat_jwks_free(void *data)
{
    ngx_chat_jwks_t  *jwks = data;

    chat_jwks_free(jwks->set);
    jwks->set = NULL;
}


/*
 * A start does not fail because of a file that somebody else has to write: its
 * keys are there as soon as it is.  But a reload would take from the running
 * processes the keys that they have, and fails.
 */

static char *
ngx_chat_jwks_first_read(ngx_conf_t *cf, ngx_chat_jwks_t *jwks)
{
    ngx_uint_t  level;

    level = ngx_is_init_cycle(cf->cycle->old_cycle) ? NGX_LOG_WARN
                                                    : NGX_LOG_EMERG;

    (void) ngx_chat_jwks_read(jwks, cf->log, level);

    if (!jwks->stale) {
        return NGX_CONF_OK;
    }

    if (level == NGX_LOG_EMERG) {
        return NGX_CONF_ERROR;
    }

    ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                  "chat: there are no keys from \"%V\" yet", &jwks->file);

    return NGX_CONF_OK;
}


void
ngx_chat_jwks_init(ngx_chat_node_t *node)
{
    ngx_uint_t         i;
    ngx_chat_jwks_t  **jwks;

    if (node->conf->jwks == NULL) {
        return;
    }

    jwks = node->conf->jwks->elts;

    for (i = 0; i < node->conf->jwks->nelts; i++) {
        ngx_chat_count_add(node, NGX_CHAT_COUNT_JWKS_STALE, jwks[i]->stale);
    }

    node->jwks_timer.handler = ngx_chat_jwks_on_timer;
    node->jwks_timer.data = node;
    node->jwks_timer.log = node->log;
    node->jwks_timer.cancelable = 1;

    /* the master read them when it was configured, perhaps long ago */

    ngx_chat_jwks_on_timer(&node->jwks_timer);
}


void
ngx_chat_jwks_done(ngx_chat_node_t *node)
{
    if (node->jwks_timer.timer_set) {
        ngx_del_timer(&node->jwks_timer);
    }
}


static void
ngx_chat_jwks_on_timer(ngx_event_t *ev)
{
    ngx_uint_t         i;
    ngx_chat_node_t   *node = ev->data;
    ngx_chat_jwks_t  **jwks;

    jwks = node->conf->jwks->elts;

    for (i = 0; i < node->conf->jwks->nelts; i++) {
        ngx_chat_jwks_check(node, jwks[i]);
        ngx_chat_jwks_ask_again(jwks[i]);
    }

    ngx_add_timer(ev, NGX_CHAT_JWKS_INTERVAL);
}


static void
ngx_chat_jwks_check(ngx_chat_node_t *node, ngx_chat_jwks_t *jwks)
{
    size_t      n;
    ngx_int_t   rc;
    ngx_uint_t  stale;

    stale = jwks->stale;
    rc = ngx_chat_jwks_read(jwks, node->log, NGX_LOG_ERR);

    ngx_chat_count_add(node, NGX_CHAT_COUNT_JWKS_STALE,
                       (ngx_int_t) jwks->stale - (ngx_int_t) stale);

    switch (rc) {

    case NGX_OK:
        ngx_chat_count(node, NGX_CHAT_COUNT_JWKS_LOADED);

        (void) chat_jwks_keys(jwks->set, &n);
        ngx_log_error(NGX_LOG_NOTICE, node->log, 0,
                      "chat: keys of \"%V\" are read, %uz of them",
                      &jwks->file, n);
        break;

    case NGX_ERROR:
        ngx_chat_count(node, NGX_CHAT_COUNT_JWKS_FAILED);
        break;

    default:                            /* NGX_DECLINED: it is the same */
        break;
    }
}


/*
 * NGX_DECLINED: the file is the one that was read, or tried to be, the last
 * time.  NGX_ERROR: what is wrong was logged, and the keys are what they were.
 */

static ngx_int_t
ngx_chat_jwks_read(ngx_chat_jwks_t *jwks, ngx_log_t *log, ngx_uint_t level)
{
    u_char     *text;
    ngx_int_t   rc;

    rc = ngx_chat_jwks_look(jwks, log, level);

    if (rc != NGX_OK) {
        return rc;
    }

    text = ngx_alloc(CHAT_JWKS_MAX_LEN + 1, log);

    if (text != NULL) {
        rc = ngx_chat_jwks_load(jwks, text, log, level);
        ngx_free(text);

    } else {
        jwks->state.err = NGX_ENOMEM;   /* not as it is: it is read again */
        rc = NGX_ERROR;
    }

    jwks->stale = (rc != NGX_OK);

    return rc;
}


/* NGX_OK: the file is another one */

static ngx_int_t
ngx_chat_jwks_look(ngx_chat_jwks_t *jwks, ngx_log_t *log, ngx_uint_t level)
{
    ngx_file_info_t        fi;
    ngx_chat_jwks_state_t  now;

    ngx_memzero(&now, sizeof(ngx_chat_jwks_state_t));

    if (ngx_file_info(jwks->file.data, &fi) == NGX_FILE_ERROR) {
        now.err = ngx_errno;

    } else if (!ngx_is_file(&fi)) {
        now.err = NGX_EINVAL;

    } else {
        now.inode = fi.st_ino;
        now.size = fi.st_size;
        now.changed = fi.st_ctim;
    }

    if (now.err == jwks->state.err && now.inode == jwks->state.inode
        && now.size == jwks->state.size
        && now.changed.tv_sec == jwks->state.changed.tv_sec
        && now.changed.tv_nsec == jwks->state.changed.tv_nsec)
    {
        return NGX_DECLINED;
    }

    jwks->state = now;

    if (now.err == 0) {
        return NGX_OK;
    }

    jwks->stale = 1;

    ngx_log_error(level, log, now.err,
                  "chat: there is no file \"%V\" to read keys from",
                  &jwks->file);

    return NGX_ERROR;
}


static ngx_int_t
ngx_chat_jwks_load(ngx_chat_jwks_t *jwks, u_char *text, ngx_log_t *log,
    ngx_uint_t level)
{
    ssize_t                n;
    chat_jwks_t           *set;
    const char            *reason;
    ngx_chat_jwks_told_t   told;

    n = ngx_chat_jwks_text(jwks, text, log, level);

    if (n == -1) {
        return NGX_ERROR;
    }

    told.jwks = jwks;
    told.log = log;
    told.nskipped = 0;

    set = chat_jwks_parse((chat_str_t) { text, n }, ngx_chat_jwks_skipped,
                          &told, &reason);

    if (set == NULL) {
        ngx_log_error(level, log, 0,
                      "chat: the keys in \"%V\" cannot be used: %s",
                      &jwks->file, reason);
        return NGX_ERROR;
    }

    /* keys are in use while a token is checked, and no longer */

    chat_jwks_free(jwks->set);
    jwks->set = set;

    return NGX_OK;
}


/* as many bytes as a set may have, and one more that shows that it has more */

static ssize_t
ngx_chat_jwks_text(ngx_chat_jwks_t *jwks, u_char *text, ngx_log_t *log,
    ngx_uint_t level)
{
    ssize_t   n;
    ngx_fd_t  fd;

    /* should it have become a pipe, nobody waits for its other end */

    fd = ngx_open_file(jwks->file.data, NGX_FILE_RDONLY|NGX_FILE_NONBLOCK,
                       NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        ngx_log_error(level, log, ngx_errno,
                      "chat: " ngx_open_file_n " \"%V\" failed",
                      &jwks->file);
        return -1;
    }

    n = ngx_read_fd(fd, text, CHAT_JWKS_MAX_LEN + 1);

    if (n == -1) {
        ngx_log_error(level, log, ngx_errno,
                      "chat: " ngx_read_fd_n " \"%V\" failed", &jwks->file);
    }

    if (ngx_close_file(fd) == NGX_FILE_ERROR) {
        ngx_log_error(NGX_LOG_ALERT, log, ngx_errno,
                      ngx_close_file_n " \"%V\" failed", &jwks->file);
    }

    return n;
}


/* providers publish keys for other uses too, so it is no fault */

static void
ngx_chat_jwks_skipped(void *data, size_t place, chat_str_t kid,
    const char *reason)
{
    ngx_str_t              name;
    ngx_chat_jwks_told_t  *told = data;

    if (told->nskipped++ >= NGX_CHAT_JWKS_MAX_TOLD) {
        return;
    }

    name.data = (u_char *) kid.data;
    name.len = kid.len;

    ngx_log_error(NGX_LOG_INFO, told->log, 0,
                  "chat: key %uz \"%V\" in \"%V\" is skipped: %s", place,
                  &name, &told->jwks->file, reason);
}
