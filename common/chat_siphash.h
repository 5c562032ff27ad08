/*
 * SipHash-2-4: a hash that nobody can make collide who does not know its key.
 * J.-P. Aumasson, D. J. Bernstein: SipHash, a fast short-input PRF
 * (INDOCRYPT 2012).
 */

#ifndef CHAT_SIPHASH_H
#define CHAT_SIPHASH_H


#include "chat_rc.h"


#define CHAT_SIPHASH_KEY  16


uint64_t chat_siphash(const uint8_t key[CHAT_SIPHASH_KEY], chat_str_t text);


#endif /* CHAT_SIPHASH_H */
