/*
 * Parameters of statements.  Arrays go in PostgreSQL's binary form
 * (array_recv() and each type's own), so that nothing has to be escaped:
 *
 *      int32 dimensions (1), int32 whether there are NULLs, Oid of elements,
 *      int32 number, int32 lower bound (1), then for each element
 *      int32 length (-1: NULL) and its bytes
 */

#include "db.h"

#include <arpa/inet.h>
#include <assert.h>
#include <endian.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>


#define ARRAY_HEAD  20
#define PG_EPOCH    UINT64_C(946684800000)      /* 2000-01-01 in ms */


static int
param_next(db_params_t *ps, Oid type, int format)
{
    int  i = ps->n;

    assert(i < DB_MAX_PARAMS);

    ps->types[i] = type;
    ps->formats[i] = format;
    ps->n++;

    return i;
}


void
db_param_text(db_params_t *ps, const char *text)
{
    db_param_str(ps, mem_cstr(text));
}


/* in binary form, which needs no NUL at the end */

void
db_param_str(db_params_t *ps, chat_str_t text)
{
    int  i;

    i = param_next(ps, DB_TEXT, 1);
    ps->values[i] = text.len != 0 ? (const char *) text.data : "";
    ps->lengths[i] = (int) text.len;
}


void
db_param_uint(db_params_t *ps, uint64_t n)
{
    int  i;

    i = param_next(ps, DB_INT8, 0);
    (void) snprintf(ps->numbers[i], sizeof(ps->numbers[i]), "%" PRIu64, n);
    ps->values[i] = ps->numbers[i];
}


static void
array_put(uint8_t *dst, uint32_t n)
{
    n = htonl(n);
    memcpy(dst, &n, sizeof(n));
}


/* the statement casts it to the array that it is: Oid 0 */

void
db_param_array(db_params_t *ps, const db_array_t *a)
{
    int       i;
    uint8_t  *head = a->buf.data;

    i = param_next(ps, 0, 1);
    array_put(head, a->n == 0 ? 0 : 1);
    array_put(head + 4, 1);
    array_put(head + 8, a->type);
    array_put(head + 12, a->n);
    array_put(head + 16, 1);

    ps->values[i] = (const char *) head;
    ps->lengths[i] = a->n == 0 ? 12 : (int) a->buf.len;
}


void
db_array_init(db_array_t *a, Oid type)
{
    memset(a, 0, sizeof(*a));
    a->type = type;
    memset(mem_buf_room(&a->buf, ARRAY_HEAD), 0, ARRAY_HEAD);
}


void
db_array_done(db_array_t *a)
{
    mem_buf_done(&a->buf);
}


void
db_array_bytes(db_array_t *a, const void *data, size_t len)
{
    array_put(mem_buf_room(&a->buf, 4), (uint32_t) len);
    mem_buf_add(&a->buf, data, len);
    a->n++;
}


void
db_array_null(db_array_t *a)
{
    array_put(mem_buf_room(&a->buf, 4), UINT32_MAX);
    a->n++;
}


void
db_array_str(db_array_t *a, chat_str_t text)
{
    db_array_bytes(a, text.data, text.len);
}


void
db_array_int2(db_array_t *a, unsigned n)
{
    uint16_t  be = htons((uint16_t) n);

    db_array_bytes(a, &be, sizeof(be));
}


void
db_array_int4(db_array_t *a, unsigned n)
{
    uint32_t  be = htonl(n);

    db_array_bytes(a, &be, sizeof(be));
}


void
db_array_int8(db_array_t *a, uint64_t n)
{
    uint64_t  be = htobe64(n);

    db_array_bytes(a, &be, sizeof(be));
}


void
db_array_bool(db_array_t *a, bool b)
{
    uint8_t  byte = b ? 1 : 0;

    db_array_bytes(a, &byte, 1);
}


/* microseconds since 2000; before that the difference wraps to negative */

void
db_array_time(db_array_t *a, uint64_t ms)
{
    db_array_int8(a, (ms - PG_EPOCH) * 1000);
}
