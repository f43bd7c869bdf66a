/* heap.c - see heap.h. */
#include "base/heap.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"

/* Before each piece stands what it costs. */
struct piece {
    alignas(max_align_t) size_t cost;
};

static struct piece *piece_of(void *at)
{
    return (struct piece *)at - 1;
}

/* The piece's cost, when there is room for it beside `used`. */
static bool price(const struct heap *heap, size_t used, size_t len, size_t *cost)
{
    size_t sum;
    return add_size(len, sizeof(struct piece), cost) && add_size(used, *cost, &sum) &&
           sum <= heap->ceiling;
}

void *heap_take(struct heap *heap, size_t len)
{
    size_t cost;
    if (!price(heap, heap->used, len, &cost))
        return NULL;
    struct piece *piece = calloc(1, cost);
    if (piece == NULL)
        return NULL;
    piece->cost = cost;
    heap->used += cost;
    return piece + 1;
}

void *heap_resize(struct heap *heap, void *at, size_t len)
{
    size_t cost;
    if (at == NULL)
        return heap_take(heap, len);
    size_t others = heap->used - piece_of(at)->cost;
    if (!price(heap, others, len, &cost))
        return NULL;
    struct piece *piece = realloc(piece_of(at), cost);
    if (piece == NULL)
        return NULL;
    piece->cost = cost;
    heap->used = others + cost;
    return piece + 1;
}

void heap_give(struct heap *heap, void *at)
{
    if (at == NULL)
        return;
    heap->used -= piece_of(at)->cost;
    free(piece_of(at));
}
