/* arena.h - memory of one request, freed by one call.  The only heap of the program
   besides this file's blocks is that of the libraries it links.

   An arena has a ceiling fixed when it is made: past it allocation returns NULL, so no
   length in a message can make it grow. */
#ifndef WARD_BASE_ARENA_H
#define WARD_BASE_ARENA_H

#include <stddef.h>

#include "base/result.h"
#include "base/span.h"

struct arena_block;

struct arena {
    struct arena_block *blocks; /* newest first; NULL for an arena over caller's memory */
    uint8_t *at;
    size_t left;    /* bytes left in the current block */
    size_t ceiling; /* bytes that may still be asked of the heap */
};

/* arena_init makes an arena that may take up to `ceiling` bytes from the heap in all.
   Nothing is taken yet.  arena_fini gives everything back; {0} is valid to fini. */
void arena_init(struct arena *arena, size_t ceiling);
void arena_fini(struct arena *arena);

/* arena_over makes an arena of the caller's memory: it never touches the heap. */
struct arena arena_over(void *memory, size_t len);

/* arena_alloc returns len zeroed bytes aligned for any type, or NULL when the ceiling or
   the heap is reached.  len 0 gives a valid pointer to nothing. */
MUST_USE
void *arena_alloc(struct arena *arena, size_t len);

/* arena_room is arena_alloc of bytes that hold anything: for what is written before it is
   read, like the room of a sink.  A long room costs nothing then. */
MUST_USE
void *arena_room(struct arena *arena, size_t len);

/* arena_array is arena_alloc of count * size with the product checked. */
MUST_USE
void *arena_array(struct arena *arena, size_t count, size_t size);

/* arena_copy copies bytes into the arena; *out is untouched on failure. */
MUST_USE
bool arena_copy(struct arena *arena, struct span bytes, struct span *out);

#endif
