/*
 * SipHash-2-4.
 *
 * The text is taken eight bytes at a time, lowest first; the last word holds
 * what is left and, on top, the length modulo 256.
 */

#include "chat_siphash.h"


#define CHAT_SIPHASH_ROUNDS  2          /* of a word */
#define CHAT_SIPHASH_FINAL   4


static uint64_t chat_siphash_word(const uint8_t *p, size_t n);
static void chat_siphash_add(uint64_t v[4], uint64_t word);
static void chat_siphash_round(uint64_t v[4]);
static uint64_t chat_siphash_rotate(uint64_t x, unsigned n);


uint64_t
chat_siphash(const uint8_t key[CHAT_SIPHASH_KEY], chat_str_t text)
{
    size_t    i, left;
    uint64_t  k0, k1, v[4];

    k0 = chat_siphash_word(key, 8);
    k1 = chat_siphash_word(key + 8, 8);

    v[0] = k0 ^ 0x736f6d6570736575ull;
    v[1] = k1 ^ 0x646f72616e646f6dull;
    v[2] = k0 ^ 0x6c7967656e657261ull;
    v[3] = k1 ^ 0x7465646279746573ull;

    left = text.len % 8;

    for (i = 0; i < text.len - left; i += 8) {
        chat_siphash_add(v, chat_siphash_word(text.data + i, 8));
    }

    chat_siphash_add(v, chat_siphash_word(text.data + i, left)
                        | (uint64_t) text.len << 56);

    v[2] ^= 0xff;

    for (i = 0; i < CHAT_SIPHASH_FINAL; i++) {
        chat_siphash_round(v);
    }

    return v[0] ^ v[1] ^ v[2] ^ v[3];
}


static uint64_t
chat_siphash_word(const uint8_t *p, size_t n)
{
    size_t    i;
    uint64_t  word;

    word = 0;

    for (i = 0; i < n; i++) {
        word |= (uint64_t) p[i] << 8 * i;
    }

    return word;
}


static void
chat_siphash_add(uint64_t v[4], uint64_t word)
{
    size_t  i;

    v[3] ^= word;

    for (i = 0; i < CHAT_SIPHASH_ROUNDS; i++) {
        chat_siphash_round(v);
    }

    v[0] ^= word;
}


static void
chat_siphash_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = chat_siphash_rotate(v[1], 13) ^ v[0];
    v[0] = chat_siphash_rotate(v[0], 32);

    v[2] += v[3];
    v[3] = chat_siphash_rotate(v[3], 16) ^ v[2];

    v[0] += v[3];
    v[3] = chat_siphash_rotate(v[3], 21) ^ v[0];

    v[2] += v[1];
    v[1] = chat_siphash_rotate(v[1], 17) ^ v[2];
    v[2] = chat_siphash_rotate(v[2], 32);
}


static uint64_t
chat_siphash_rotate(uint64_t x, unsigned n)
{
    return x << n | x >> (64 - n);
}
