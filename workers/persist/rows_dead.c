/*
 * Dead letters: entries that could not be stored as they are.
 */

#include "rows.h"

#include "chat_json.h"
#include "chat_utf8.h"


static const char  sql_dead[] =
    "INSERT INTO chat.dead_letter"
    " (p, log_id, fields, reason, conversation_key, message_id, revision,"
    " sequence)"
    " SELECT * FROM unnest($1::smallint[], $2::text[], $3::json[],"
    " $4::text[], $5::uuid[], $6::uuid[], $7::bigint[], $8::bigint[])";


/* a field as it was; what PostgreSQL takes for no text, as hex digits in an
   array */

static void
rows_write_field(chat_writer_t *w, chat_str_t text)
{
    size_t      i;
    uint8_t     hex[2];
    chat_str_t  digits = { hex, 2 };

    if (text.len == 0
        || (chat_utf8_valid(text) && memchr(text.data, 0, text.len) == NULL))
    {
        chat_write_string(w, text);
        return;
    }

    chat_write_cstr(w, "[\"");

    for (i = 0; i < text.len; i++) {
        hex[0] = (uint8_t) "0123456789abcdef"[text.data[i] >> 4];
        hex[1] = (uint8_t) "0123456789abcdef"[text.data[i] & 0xf];
        chat_write(w, digits);
    }

    chat_write_cstr(w, "\"]");
}


static void
rows_write_name(chat_writer_t *w, chat_str_t text)
{
    chat_write_string(w, chat_utf8_valid(text) ? text : chat_str("?"));
}


static void
rows_write_fields(chat_writer_t *w, const entry_t *e)
{
    size_t  i;

    chat_write_cstr(w, "{");

    for (i = 0; i + 1 < e->fields->elements; i += 2) {
        chat_write_cstr(w, i == 0 ? "" : ",");
        rows_write_name(w, redis_text(e->fields, i));
        chat_write_cstr(w, ":");
        rows_write_field(w, redis_text(e->fields, i + 1));
    }

    chat_write_cstr(w, "}");
}


static void
rows_dead_number(db_array_t *a, uint64_t n)
{
    if (n != 0) {
        db_array_int8(a, n);
    } else {
        db_array_null(a);
    }
}


/* what a dead letter concerns, as far as that can be told */

static void
rows_dead_place(db_array_t *a, const entry_t *e)
{
    if (e->counts) {
        db_array_bytes(&a[4], e->key, UUID_LEN);
    } else {
        db_array_null(&a[4]);
    }

    if (e->concerns) {
        db_array_bytes(&a[5], e->message, UUID_LEN);
    } else {
        db_array_null(&a[5]);
    }

    rows_dead_number(&a[6], e->revision);
    rows_dead_number(&a[7], e->concerns ? e->sequence : 0);
}


int
rows_dead(persist_t *p, const entry_t *entries, size_t n)
{
    char            id[STREAM_ID_TEXT];
    mem_buf_t       json = { 0 };
    db_array_t      a[8];
    chat_writer_t   w;
    const entry_t  *e;

    static const Oid  types[] = {
        DB_INT2, DB_TEXT, DB_JSON, DB_TEXT, DB_UUID, DB_UUID, DB_INT8, DB_INT8
    };

    rows_init(a, types, 8);

    for (e = entries; e < entries + n; e++) {

        if (e->fate == ENTRY_GOOD) {
            continue;
        }

        chat_writer_init(&w, NULL, 0);
        rows_write_fields(&w, e);

        json.len = 0;
        chat_writer_init(&w, mem_buf_room(&json, w.len), w.len);
        rows_write_fields(&w, e);

        db_array_int2(&a[0], e->part->p);
        db_array_str(&a[1], mem_cstr(stream_id_print(e->id, id)));
        db_array_bytes(&a[2], json.data, json.len);
        db_array_str(&a[3], mem_cstr(e->reason));
        rows_dead_place(a, e);
    }

    mem_buf_done(&json);

    return rows_finish(p, sql_dead, a, 8);
}


/* those that are stored after all */

static const char  sql_letters[] =
    "DELETE FROM chat.dead_letter WHERE id = ANY ($1::bigint[])";

int
rows_letters(persist_t *p, const entry_t *entries, size_t n)
{
    db_array_t      a;
    const entry_t  *e;

    db_array_init(&a, DB_INT8);

    for (e = entries; e < entries + n; e++) {
        if (e->letter != 0) {
            db_array_int8(&a, e->letter);
        }
    }

    return rows_finish(p, sql_letters, &a, 1);
}
