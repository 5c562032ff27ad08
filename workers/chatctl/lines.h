/*
 * What nodes tell in lines of words.
 */

#ifndef LINES_H
#define LINES_H


#include <stdbool.h>
#include <stdint.h>

#include "chat_rc.h"


/* the next line of a text, which goes on behind it; false: there is none */
bool lines_next(chat_str_t *text, chat_str_t *line);

/* the next word of a line; empty, or 0: there is none, or it is no number */
chat_str_t lines_word(chat_str_t *line);
uint64_t lines_uint(chat_str_t *line);
bool lines_is(chat_str_t word, const char *text);


#endif /* LINES_H */
