/* unpack.h - the layers of an image, one upon the other, into the folder that is the root of all
   paths (os/confine.h): a link of the image can lead no further than that.

   No name goes through a link, whether of this layer or of a lower one: so nothing lies deeper than
   a name is long.  What no sandbox needs is refused: devices, pipes, names with "..".  What would
   give rights is left out: set-user-id bits, extended attributes. */
#ifndef WARD_SANDBOX_UNPACK_H
#define WARD_SANDBOX_UNPACK_H

#include "sandbox/archive.h"
#include "sandbox/report.h"

struct unpack_limits {
    uint64_t bytes;   /* of all files of all layers, and UNPACK_INODE for each file and folder */
    uint32_t entries; /* of all layers, and the folders that their names imply */
    uint32_t ratio;   /* a layer may unpack to so many times its size, and 64 MiB */
};

struct unpack {
    const struct archive *archive;
    struct unpack_limits limits;
    bool owns; /* files get the owners that the image names */
    uint64_t bytes;
    uint32_t entries;
    uint64_t unpacked;        /* bytes of the tars */
    uint32_t inodes;          /* entries, and folders that nobody named but as part of a name */
    const char *what;         /* of a failure: a few words */
    char where[REPORT_WHERE]; /* and the entry's name, as much as fits; control characters are made
                                 visible by whoever shows it */
    void *memory;             /* UNPACK_MEMORY bytes for each layer anew */
};

enum {
    UNPACK_MEMORY = 512 << 10,
    UNPACK_INODE = 4096, /* bytes that an empty file takes of a disk, or may */
};

/* unpack_layer reads the layer once to see that it is what the configuration says (diff_id), what
   it holds, and to take away what it whites out, and again to write it; both must have read the
   same. REASON_OK, or IMAGE_*, OUT_OF_MEMORY, or HOUSE_STATE_UNUSABLE where a file could not be
   written or taken away; then what is beneath the root is of no use. */
enum reason unpack_layer(struct unpack *unpack, const struct image_blob *blob,
                         const uint8_t diff_id[IMAGE_DIGEST]);

#endif
