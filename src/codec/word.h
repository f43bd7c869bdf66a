/* word.h - eight bytes of a text looked at together, for the codec files only. */
#ifndef WARD_CODEC_WORD_H
#define WARD_CODEC_WORD_H

#include "base/span.h"

#define EACH_BYTE(value) (UINT64_C(0x0101010101010101) * (value))

/* word_load views the eight bytes at `at`, which must be there, the first one lowest on every
   machine.  Written so that compilers make one load of it. */
static inline uint64_t word_load(struct span text, size_t at)
{
    const uint8_t *b = &text.at[at];
    return (uint64_t)b[0] | (uint64_t)b[1] << 8 | (uint64_t)b[2] << 16 | (uint64_t)b[3] << 24 |
           (uint64_t)b[4] << 32 | (uint64_t)b[5] << 40 | (uint64_t)b[6] << 48 |
           (uint64_t)b[7] << 56;
}

/* word_zeros sets the top bit of every byte of the word that is 0, and no other bit. */
static inline uint64_t word_zeros(uint64_t word)
{
    uint64_t low = EACH_BYTE(0x7f);
    return ~(((word & low) + low) | word | low);
}

#endif
