/* leaves.c - see auditor.h: the file of leaf hashes, and the nodes above them that proofs want
   to have at hand. */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/reason.h"
#include "proc/audit/parts.h"

bool leaves_init(struct leaves *leaves, struct arena *arena, int fd)
{
    *leaves = (struct leaves){ .fd = fd,
                               .blocks = arena_array(arena, LEAVES_BLOCKS, sizeof *leaves->blocks),
                               .groups = arena_array(arena, LEAVES_GROUPS,
                                                     sizeof *leaves->groups) };
    return leaves->blocks != NULL && leaves->groups != NULL;
}

bool leaves_read(const struct leaves *leaves, uint64_t first, size_t count, struct merkle_hash *out)
{
    size_t len = count * sizeof *out;
    return file_read_at(leaves->fd, first * sizeof *out, out, len);
}

/* Past the room for them nothing more is kept, and proofs read that part leaf by leaf. */
void leaves_keep(struct leaves *leaves, const struct merkle_tree *tree)
{
    uint64_t block = tree->size / LEAVES_BLOCK;
    if (tree->size % LEAVES_BLOCK != 0 || block == 0 || block > LEAVES_BLOCKS)
        return;
    leaves->blocks[block - 1] = tree->peaks[LEAVES_BLOCK_LEVEL];
    if (block % LEAVES_BLOCK == 0)
        leaves->groups[block / LEAVES_BLOCK - 1] = tree->peaks[2 * LEAVES_BLOCK_LEVEL];
}

rc leaves_write(struct trail *trail, struct leaves *leaves, const struct merkle_hash *hashes,
                size_t count)
{
    struct span bytes = span_of(hashes, count * sizeof *hashes);
    TRY(trail, file_write_at(trail, leaves->fd, leaves->count * sizeof *hashes, bytes));
    leaves->count += count;
    return RC_SUCCESS;
}

/* A failed sync may have thrown pages away that the kernel now calls clean: what was not
   durable before is written again, from the lines. */
rc leaves_sync(struct trail *trail, struct leaves *leaves)
{
    if (leaves->durable == leaves->count)
        return RC_SUCCESS;
    if (fdatasync(leaves->fd) != 0) {
        rc failed = FAIL_ERRNO(trail);
        leaves->count = leaves->durable;
        return failed;
    }
    leaves->durable = leaves->count;
    return RC_SUCCESS;
}

static bool read_for_proof(void *arg, uint64_t first, size_t count, struct merkle_hash *out)
{
    return leaves_read(arg, first, count, out);
}

static bool node_for_proof(void *arg, unsigned level, uint64_t index, struct merkle_hash *out)
{
    const struct leaves *leaves = arg;
    bool low = level == LEAVES_BLOCK_LEVEL;
    const struct merkle_hash *nodes = low ? leaves->blocks : leaves->groups;
    if ((!low && level != 2 * LEAVES_BLOCK_LEVEL) || index >= leaves->taken >> level ||
        index >= (low ? LEAVES_BLOCKS : LEAVES_GROUPS))
        return false;
    *out = nodes[index];
    return true;
}

struct merkle_source leaves_source(struct leaves *leaves)
{
    return (struct merkle_source){ read_for_proof, node_for_proof, leaves };
}
