/*
 * Commands as Redis reads them (RESP: an array of bulk strings).  hiredis can
 * do that, too, but grows a string piece by piece, for each command anew.
 */

#include "ngx_chat.h"


#define NGX_CHAT_REDIS_FORMAT_KEEP  16384   /* bytes that a link keeps */


static size_t ngx_chat_redis_format_size(ngx_uint_t argc,
    const size_t *argvlen);
static u_char *ngx_chat_redis_format_number(u_char *p, u_char kind,
    size_t n);


/*
 * The text is of the link, and there until the next one is made.  Its memory
 * is freed by ngx_chat_redis_format_free(), or, if it is large, by the next
 * one.
 */

ngx_int_t
ngx_chat_redis_format(ngx_chat_redis_t *link, ngx_uint_t argc,
    const char **argv, const size_t *argvlen, ngx_str_t *text)
{
    size_t      size;
    u_char     *p;
    ngx_uint_t  i;

    size = ngx_chat_redis_format_size(argc, argvlen);

    if (size > link->text_size
        || link->text_size > NGX_CHAT_REDIS_FORMAT_KEEP)
    {
        ngx_chat_redis_format_free(link);

        size = ngx_max(size, NGX_CHAT_REDIS_FORMAT_KEEP);

        link->text = ngx_alloc(size, link->node->log);
        if (link->text == NULL) {
            return NGX_ERROR;
        }

        link->text_size = size;
    }

    p = ngx_chat_redis_format_number(link->text, '*', argc);

    for (i = 0; i < argc; i++) {
        p = ngx_chat_redis_format_number(p, '$', argvlen[i]);

        if (argvlen[i] > 0) {           /* what is empty may be NULL */
            p = ngx_cpymem(p, argv[i], argvlen[i]);
        }

        *p++ = CR;
        *p++ = LF;
    }

    text->data = link->text;
    text->len = p - link->text;

    return NGX_OK;
}


void
ngx_chat_redis_format_free(ngx_chat_redis_t *link)
{
    if (link->text != NULL) {
        ngx_free(link->text);
        link->text = NULL;
        link->text_size = 0;
    }
}


/* what it takes at most */

static size_t
ngx_chat_redis_format_size(ngx_uint_t argc, const size_t *argvlen)
{
    size_t      size;
    ngx_uint_t  i;

    size = 1 + NGX_SIZE_T_LEN + 2;

    for (i = 0; i < argc; i++) {
        size += 1 + NGX_SIZE_T_LEN + 2 + argvlen[i] + 2;
    }

    return size;
}


static u_char *
ngx_chat_redis_format_number(u_char *p, u_char kind, size_t n)
{
    u_char  digits[NGX_SIZE_T_LEN], *d = digits + sizeof(digits);

    do {
        *--d = '0' + n % 10;
        n /= 10;
    } while (n != 0);

    *p++ = kind;
    p = ngx_cpymem(p, d, digits + sizeof(digits) - d);
    *p++ = CR;
    *p++ = LF;

    return p;
}
