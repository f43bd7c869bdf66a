/* arena.c - see arena.h.  The one place that calls malloc. */
#include "base/arena.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"

enum {
    ARENA_BLOCK_MIN = 16 * 1024,
    ARENA_WHOLE = 128 * 1024, /* a block of this size comes zeroed from the kernel */
};

struct arena_block {
    struct arena_block *next;
    alignas(max_align_t) uint8_t bytes[];
};

void arena_init(struct arena *arena, size_t ceiling)
{
    *arena = (struct arena){ .ceiling = ceiling };
}

struct arena arena_over(void *memory, size_t len)
{
    size_t skew = (uintptr_t)memory % alignof(max_align_t);
    size_t pad = skew == 0 ? 0 : alignof(max_align_t) - skew;
    if (memory == NULL || len < pad)
        return (struct arena){ 0 };
    return (struct arena){ .at = (uint8_t *)memory + pad, .left = len - pad };
}

void arena_fini(struct arena *arena)
{
    while (arena->blocks != NULL) {
        struct arena_block *next = arena->blocks->next;
        free(arena->blocks);
        arena->blocks = next;
    }
    *arena = (struct arena){ 0 };
}

static bool arena_grow(struct arena *arena, size_t len)
{
    if (len > arena->ceiling)
        return false;
    size_t wanted = len < ARENA_BLOCK_MIN ? ARENA_BLOCK_MIN : len;
    if (wanted > arena->ceiling)
        wanted = arena->ceiling;
    size_t room;
    if (!add_size(sizeof(struct arena_block), wanted, &room))
        return false;
    /* Zeroed by calloc, large memory costs nothing until it is used. */
    struct arena_block *block = len >= ARENA_WHOLE ? calloc(1, room) : malloc(room);
    if (block == NULL)
        return false;
    block->next = arena->blocks;
    arena->blocks = block;
    arena->at = block->bytes;
    arena->left = wanted;
    arena->ceiling -= wanted;
    return true;
}

/* *zeroed: it comes from the kernel and nobody had it before. */
static void *take(struct arena *arena, size_t len, bool *zeroed)
{
    size_t padded;
    if (!add_size(len, alignof(max_align_t) - 1, &padded))
        return NULL;
    padded -= padded % alignof(max_align_t);
    if (padded == 0)
        padded = alignof(max_align_t);
    *zeroed = arena->left < padded && padded >= ARENA_WHOLE;
    if (arena->left < padded && !arena_grow(arena, padded))
        return NULL;
    void *room = arena->at;
    arena->at += padded;
    arena->left -= padded;
    return room;
}

void *arena_alloc(struct arena *arena, size_t len)
{
    bool zeroed = false;
    void *room = take(arena, len, &zeroed);
    return room == NULL || zeroed ? room : memset(room, 0, len);
}

void *arena_room(struct arena *arena, size_t len)
{
    bool zeroed = false;
    return take(arena, len, &zeroed);
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
    size_t len;
    if (!mul_size(count, size, &len))
        return NULL;
    return arena_alloc(arena, len);
}

bool arena_copy(struct arena *arena, struct span bytes, struct span *out)
{
    uint8_t *copy = arena_room(arena, bytes.len);
    if (copy == NULL)
        return false;
    if (bytes.len > 0)
        memcpy(copy, bytes.at, bytes.len);
    *out = (struct span){ copy, bytes.len };
    return true;
}
