/*
 * ngx_chat_http.c: answers over plain HTTP, all of them short, most JSON.
 */

#include "ngx_chat.h"


#define NGX_CHAT_HTTP_RETRY  1          /* seconds, with "unavailable" */


static ngx_buf_t *ngx_chat_http_body(ngx_http_request_t *r, ngx_str_t *body);


ngx_int_t
ngx_chat_http_json(ngx_http_request_t *r, ngx_uint_t status, ngx_str_t *body)
{
    return ngx_chat_http_send(r, status, "application/json", body);
}


ngx_int_t
ngx_chat_http_send(ngx_http_request_t *r, ngx_uint_t status, const char *type,
    ngx_str_t *body)
{
    ngx_int_t    rc;
    ngx_buf_t   *b;
    ngx_chain_t  out;

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    b = ngx_chat_http_body(r, body);

    if (b == NULL
        || ngx_chat_http_header(r, "Cache-Control", "no-store") != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    r->headers_out.status = status;
    r->headers_out.content_length_n = body->len;
    r->headers_out.content_type.data = (u_char *) type;
    r->headers_out.content_type.len = ngx_strlen(type);
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    out.buf = b;
    out.next = NULL;

    return ngx_http_output_filter(r, &out);
}


static ngx_buf_t *
ngx_chat_http_body(ngx_http_request_t *r, ngx_str_t *body)
{
    ngx_buf_t  *b;

    b = ngx_create_temp_buf(r->pool, body->len);
    if (b == NULL) {
        return NULL;
    }

    b->last = ngx_cpymem(b->last, body->data, body->len);
    b->last_buf = 1;
    b->last_in_chain = 1;

    return b;
}


/* {"error":{"code":"bad_request","message":"..."}} */

ngx_int_t
ngx_chat_http_error(ngx_http_request_t *r, ngx_uint_t status,
    chat_code_e code, const char *message, ngx_uint_t retry)
{
    u_char         text[512], *after;
    ngx_str_t      body;
    chat_writer_t  w;

    if (retry == 0 && code == CHAT_CODE_UNAVAILABLE) {
        retry = NGX_CHAT_HTTP_RETRY;
    }

    if (retry != 0) {
        after = ngx_pnalloc(r->pool, NGX_INT_T_LEN + 1);
        if (after == NULL) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        (void) ngx_sprintf(after, "%ui%Z", retry);

        if (ngx_chat_http_header(r, "Retry-After", (char *) after) != NGX_OK) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
    }

    chat_writer_init(&w, text, sizeof(text));
    chat_write_cstr(&w, "{\"error\":");
    chat_event_error_object(&w, code, message, retry);
    chat_write_cstr(&w, "}\n");

    body.data = text;
    body.len = w.pos - text;

    return ngx_chat_http_json(r, status, &body);
}


ngx_int_t
ngx_chat_http_header(ngx_http_request_t *r, const char *name,
    const char *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    h->hash = 1;
    h->key.data = (u_char *) name;
    h->key.len = ngx_strlen(name);
    h->value.data = (u_char *) value;
    h->value.len = ngx_strlen(value);

    return NGX_OK;
}
