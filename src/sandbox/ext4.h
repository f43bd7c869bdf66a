/* ext4.h - a new, empty ext4 file system, in a few writes.

   mkfs.ext4 makes the same in two hundred times as many instructions and as a program of its own,
   and a job waits for two of them.  What is written is what the kernel's ext4 and e2fsck know by
   these features: no journal, extents, checksums of all that is no file's, room for its inodes at
   its beginning, and one copy of what describes it. */
#ifndef WARD_SANDBOX_EXT4_H
#define WARD_SANDBOX_EXT4_H

#include "base/result.h"

enum { EXT4_BLOCK = 4096, EXT4_ID = 16 };

#define EXT4_SIZE_MAX (UINT64_C(16) << 40) /* its blocks have numbers of 32 bits */

struct ext4_wish {
    uint64_t size;         /* bytes of the device; what is no whole block is not used */
    uint32_t inodes;       /* at least as many */
    int64_t now;           /* seconds since 1970 */
    uint8_t id[EXT4_ID];   /* by chance, */
    uint8_t seed[EXT4_ID]; /* and again: of how names are found */
};

enum ext4_error {
    EXT4_E_SIZE = 0x2b11, /* RC_WORLD: no such file system can be so small, or so large */
};

/* ext4_write makes one on a device, or in a file, that is zero everywhere.  It has a root, which is
   root's and empty, and nothing else.  Nothing is synced.  What was written when it fails is none.
 */
MUST_USE
rc ext4_write(struct trail *trail, int device, const struct ext4_wish *wish);

#endif
