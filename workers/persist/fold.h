/*
 * Numbers for names: the same for what comes again.  Several entries of a
 * batch may concern one conversation or one member; a statement may touch a row
 * only once.
 */

#ifndef FOLD_H
#define FOLD_H


#include "mem.h"


/* names point to where the caller keeps them */

typedef struct {
    chat_str_t  a;
    chat_str_t  b;
} fold_name_t;


typedef struct {
    fold_name_t  *names;        /* by number */
    size_t        n;
    size_t       *slots;        /* number + 1; 0: free.  Half of them are */
    size_t        size;         /*   free at least, so a search ends */
} fold_t;


/* the number of a name in two parts; numbers count from 0 */
size_t fold_number(fold_t *f, chat_str_t a, chat_str_t b);

void fold_done(fold_t *f);


#endif /* FOLD_H */
