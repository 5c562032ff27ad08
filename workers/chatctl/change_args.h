/*
 * The arguments of each operation of append, those that are its own: see
 * redis/chat.lua.
 */

#ifndef CHANGE_ARGS_H
#define CHANGE_ARGS_H


#include "change.h"


void change_args_update(change_t *c);
void change_args_conversation_delete(change_t *c);
void change_args_member(change_t *c);
void change_args_send(change_t *c);
void change_args_edit(change_t *c);
void change_args_delete(change_t *c);
void change_args_reaction(change_t *c);


#endif /* CHANGE_ARGS_H */
