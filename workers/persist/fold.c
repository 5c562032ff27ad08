#include "fold.h"

#include <stdbool.h>
#include <stdlib.h>


#define FOLD_MIN  64        /* slots; a power of two, as all their numbers */


/* FNV-1a */

static uint64_t
fold_hash(uint64_t hash, chat_str_t text)
{
    size_t  i;

    for (i = 0; i < text.len; i++) {
        hash = (hash ^ text.data[i]) * UINT64_C(1099511628211);
    }

    return hash;
}


static bool
fold_same(chat_str_t a, chat_str_t b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}


/* where the name is, or where it belongs */

static size_t *
fold_slot(const fold_t *f, const fold_name_t *name)
{
    size_t              i;
    uint64_t            hash;
    const fold_name_t  *other;

    hash = fold_hash(UINT64_C(14695981039346656037), name->a);
    hash = fold_hash(hash, name->b);

    for (i = (hash ^ hash >> 32) & (f->size - 1); f->slots[i] != 0;
         i = (i + 1) & (f->size - 1))
    {
        other = &f->names[f->slots[i] - 1];

        if (fold_same(other->a, name->a) && fold_same(other->b, name->b)) {
            break;
        }
    }

    return &f->slots[i];
}


static void
fold_grow(fold_t *f)
{
    size_t  i;

    f->size = f->size == 0 ? FOLD_MIN : f->size * 2;

    free(f->slots);
    f->slots = mem_alloc(f->size * sizeof(size_t));
    f->names = mem_realloc(f->names, f->size / 2, sizeof(fold_name_t));

    for (i = 0; i < f->n; i++) {
        *fold_slot(f, &f->names[i]) = i + 1;
    }
}


size_t
fold_number(fold_t *f, chat_str_t a, chat_str_t b)
{
    size_t       *slot;
    fold_name_t   name = { a, b };

    if (f->n == f->size / 2) {
        fold_grow(f);
    }

    slot = fold_slot(f, &name);

    if (*slot == 0) {
        f->names[f->n] = name;
        f->n++;
        *slot = f->n;
    }

    return *slot - 1;
}


void
fold_done(fold_t *f)
{
    free(f->names);
    free(f->slots);
    memset(f, 0, sizeof(*f));
}
