/* link_blocks.c - see links.h: evidence that is kept to be judged again. */
#include <string.h>

#include "base/arena.h"
#include "proc/core/links.h"

bool link_blocks_open(struct link_blocks *blocks, struct arena *arena)
{
    blocks->arena = arena;
    blocks->next = arena_room(arena, (LINKS_BLOCKS + 1) * sizeof *blocks->next);
    return blocks->next != NULL;
}

static uint8_t *at(const struct link_blocks *blocks, uint32_t block)
{
    return blocks->chunks[(block - 1) / LINKS_CHUNK] +
           (size_t)((block - 1) % LINKS_CHUNK) * LINKS_BLOCK;
}

/* 0 without memory. */
static uint32_t take(struct link_blocks *blocks)
{
    uint32_t block = blocks->free;
    if (block != 0) {
        blocks->free = blocks->next[block];
    } else {
        uint8_t **chunk = &blocks->chunks[blocks->used / LINKS_CHUNK];
        if (*chunk == NULL)
            *chunk = arena_room(blocks->arena, (size_t)LINKS_CHUNK * LINKS_BLOCK);
        if (*chunk == NULL)
            return 0;
        block = ++blocks->used;
    }
    blocks->taken++;
    return block;
}

/* What was kept so far: the first block, the last, and the bytes that are free in it. */
struct kept {
    uint32_t first, last;
    size_t room;
};

static bool grow(struct link_blocks *blocks, struct kept *kept)
{
    uint32_t block = take(blocks);
    if (block == 0)
        return false;
    blocks->next[block] = 0;
    *(kept->last == 0 ? &kept->first : &blocks->next[kept->last]) = block;
    kept->last = block;
    kept->room = LINKS_BLOCK;
    return true;
}

static bool append(struct link_blocks *blocks, struct kept *kept, struct span bytes)
{
    struct cursor in = cur_over(bytes);
    struct span piece;
    while (cur_left(&in) > 0) {
        if (kept->room == 0 && !grow(blocks, kept))
            return false;
        if (!cur_take(&in, cur_left(&in) < kept->room ? cur_left(&in) : kept->room, &piece))
            return false;
        memcpy(at(blocks, kept->last) + LINKS_BLOCK - kept->room, piece.at, piece.len);
        kept->room -= piece.len;
    }
    return true;
}

bool link_blocks_put(struct link_blocks *blocks, const struct span parts[2], uint32_t spared,
                     uint32_t *first)
{
    size_t wanted = (parts[0].len + parts[1].len + LINKS_BLOCK - 1) / LINKS_BLOCK;
    struct kept kept = { 0 };
    if (wanted + spared > LINKS_BLOCKS - blocks->taken)
        return false;
    if (!append(blocks, &kept, parts[0]) || !append(blocks, &kept, parts[1])) {
        link_blocks_drop(blocks, kept.first);
        return false;
    }
    *first = kept.first;
    return true;
}

void link_blocks_get(const struct link_blocks *blocks, uint32_t first, size_t len, struct sink *out)
{
    for (uint32_t block = first; block != 0 && len > 0; block = blocks->next[block]) {
        size_t piece = len < LINKS_BLOCK ? len : LINKS_BLOCK;
        sink_put(out, span_of(at(blocks, block), piece));
        len -= piece;
    }
}

void link_blocks_drop(struct link_blocks *blocks, uint32_t first)
{
    while (first != 0) {
        uint32_t next = blocks->next[first];
        blocks->next[first] = blocks->free;
        blocks->free = first;
        blocks->taken--;
        first = next;
    }
}
