/* heap.h - the heap of a library that asks for memory through functions of ours, with a ceiling.
   Ward's own code uses arenas; this is for the few libraries that allocate and release piece by
   piece. */
#ifndef WARD_BASE_HEAP_H
#define WARD_BASE_HEAP_H

#include <stddef.h>

#include "base/result.h"

/* {0} is a heap that gives nothing. */
struct heap {
    size_t used;    /* bytes given out, with what each piece costs besides */
    size_t ceiling; /* the most that `used` may become */
};

/* heap_take returns len bytes aligned for any type, all zero, or NULL past the ceiling.
   len 0 gives a valid pointer to nothing. */
MUST_USE
void *heap_take(struct heap *heap, size_t len);

/* heap_resize is heap_take for a NULL piece; else it returns the piece with another length, its
   bytes kept, or NULL with the piece untouched.  Bytes that are new hold nothing in particular. */
MUST_USE
void *heap_resize(struct heap *heap, void *at, size_t len);

/* heap_give takes a piece of that heap back; NULL is nothing. */
void heap_give(struct heap *heap, void *at);

#endif
