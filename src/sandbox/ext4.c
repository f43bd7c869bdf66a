/* ext4.c - see ext4.h.  Numbers of fields are those of the kernel's documentation
   (filesystems/ext4: "The Super Block", "Block Group Descriptors", "Inode", "Directory Entries").

   The device begins with the super block and the descriptors of all groups, then come all bitmaps
   of blocks, all of inodes, all tables of inodes (flex_bg lets them be anywhere), and the root's
   block.  Whatever is behind that is free, and a group that lies there needs no bitmap: the kernel
   makes it when it first takes a block of it. */
#include "sandbox/ext4.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/number.h"
#include "base/span.h"

enum {
    GROUP = 8 * EXT4_BLOCK, /* blocks, or inodes, that one block has bits for */
    INODE = 256,            /* bytes of one */
    INODES_IN_BLOCK = EXT4_BLOCK / INODE,
    DESCRIPTOR = 64,
    DESCRIPTORS_IN_BLOCK = EXT4_BLOCK / DESCRIPTOR,
    RESERVED_INODES = 10, /* the root's among them */
    ROOT_INODE = 2,
    SUPER_AT = 1024, /* bytes before it */
    SUPER = 1024,
    SUPER_CHECKSUM = 0x3fc,
    DESCRIPTOR_CHECKSUM = 0x1e,
    ROOM_LEAST = 16, /* blocks that are free at first */
    /* The kernel looks at eight times 2 to this power of groups before it takes a block: of a new
       file system all are as good as the first, and each has to be set up in memory. */
    FLEXIBLE = 1,
};

/* Where everything is. */
struct shape {
    const struct ext4_wish *wish;
    uint32_t blocks, groups;
    uint32_t inodes;                                           /* of a group */
    uint32_t table;                                            /* blocks of a group's table */
    uint32_t descriptors;                                      /* blocks */
    uint64_t block_bitmaps, inode_bitmaps, tables, root, used; /* the first blocks */
    uint32_t seed;                                             /* of all checksums, */
    uint32_t full; /* and that of a group without free blocks; 0: not known */
};

/* --- bytes ------------------------------------------------------------------------------------ */

/* CRC-32C, four bits at a time. */
static uint32_t checksum(uint32_t sum, struct span bytes)
{
    static const uint32_t steps[16] = { 0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1,
                                        0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
                                        0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
                                        0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75 };
    for (size_t i = 0; i < bytes.len; i++) {
        sum ^= bytes.at[i];
        sum = (sum >> 4) ^ steps[sum & 15];
        sum = (sum >> 4) ^ steps[sum & 15];
    }
    return sum;
}

/* A number of 1 to 8 bytes, the least first. */
struct field {
    uint16_t at, len;
    uint64_t value;
};

static void put(uint8_t *record, const struct field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t byte = 0; byte < fields[i].len; byte++)
            record[fields[i].at + byte] = (uint8_t)(fields[i].value >> (8 * byte));
    }
}

static void put_one(uint8_t *record, uint16_t at, uint16_t len, uint64_t value)
{
    const struct field field = { at, len, value };
    put(record, &field, 1);
}

static uint32_t checksum_number(uint32_t sum, uint32_t number)
{
    uint8_t bytes[4];
    put_one(bytes, 0, sizeof bytes, number);
    return checksum(sum, SPAN(bytes));
}

static rc write_at(struct trail *trail, int device, struct span bytes, uint64_t at)
{
    size_t done = 0;
    while (done < bytes.len) {
        const ssize_t put_now = pwrite(device, bytes.at + done, bytes.len - done,
                                       (off_t)(at + done));
        if (put_now < 0 && errno != EINTR)
            return FAIL_ERRNO(trail);
        done += put_now > 0 ? (size_t)put_now : 0;
    }
    return RC_SUCCESS;
}

static rc write_block(struct trail *trail, int device, const uint8_t block[EXT4_BLOCK], uint64_t at)
{
    return write_at(trail, device, span_of(block, EXT4_BLOCK), at * EXT4_BLOCK);
}

/* --- the shape -------------------------------------------------------------------------------- */

static uint64_t parts(uint64_t whole, uint64_t part)
{
    return (whole + part - 1) / part;
}

static bool find_shape(const struct ext4_wish *wish, struct shape *out)
{
    struct shape shape = { .wish = wish };
    const uint64_t blocks = wish->size / EXT4_BLOCK;
    if (blocks == 0 || blocks > UINT32_MAX)
        return false;
    shape.blocks = (uint32_t)blocks;
    shape.groups = (uint32_t)parts(blocks, GROUP);
    const uint64_t wanted = wish->inodes < 2 * RESERVED_INODES ? 2 * RESERVED_INODES : wish->inodes;
    const uint64_t table = parts(parts(wanted, shape.groups), INODES_IN_BLOCK);
    if (table > GROUP / INODES_IN_BLOCK || table * INODES_IN_BLOCK * shape.groups > UINT32_MAX)
        return false;
    shape.table = (uint32_t)table;
    shape.inodes = shape.table * INODES_IN_BLOCK;
    shape.descriptors = (uint32_t)parts(shape.groups, DESCRIPTORS_IN_BLOCK);
    shape.block_bitmaps = UINT64_C(1) + shape.descriptors;
    shape.inode_bitmaps = shape.block_bitmaps + shape.groups;
    shape.tables = shape.inode_bitmaps + shape.groups;
    shape.root = shape.tables + (uint64_t)shape.table * shape.groups;
    shape.used = shape.root + 1;
    shape.seed = checksum(UINT32_MAX, SPAN(wish->id));
    *out = shape;
    return shape.used + ROOM_LEAST <= blocks;
}

/* Of the last group there may be less. */
static uint32_t blocks_of(const struct shape *shape, uint32_t group)
{
    const uint64_t left = shape->blocks - (uint64_t)group * GROUP;
    return left < GROUP ? (uint32_t)left : GROUP;
}

static uint32_t used_of(const struct shape *shape, uint32_t group)
{
    const uint64_t first = (uint64_t)group * GROUP;
    const uint64_t used = shape->used > first ? shape->used - first : 0;
    const uint32_t blocks = blocks_of(shape, group);
    return used < blocks ? (uint32_t)used : blocks;
}

/* What is free of the last group is not what the kernel would think of one without a bitmap. */
static bool has_bitmap(const struct shape *shape, uint32_t group)
{
    return used_of(shape, group) > 0 || group + 1 == shape->groups;
}

/* --- bitmaps ---------------------------------------------------------------------------------- */

static void set_bits(uint8_t block[EXT4_BLOCK], uint32_t from, uint32_t to)
{
    for (uint32_t bit = from; bit < to;) {
        const bool whole = bit % 8 == 0 && to - bit >= 8;
        block[bit / 8] = (uint8_t)(whole ? 0xff : block[bit / 8] | 1u << bit % 8);
        bit += whole ? 8 : 1;
    }
}

/* What the group does not have is not free either. */
static void make_bitmap(uint8_t block[EXT4_BLOCK], uint32_t used, uint32_t there)
{
    memset(block, 0, EXT4_BLOCK);
    set_bits(block, 0, used);
    set_bits(block, there, GROUP);
}

/* That of all whose blocks are all taken is the same, and known. */
static uint32_t sum_of_blocks(const struct shape *shape, uint32_t group)
{
    uint8_t block[EXT4_BLOCK];
    if (used_of(shape, group) == GROUP && shape->full != 0)
        return shape->full;
    make_bitmap(block, used_of(shape, group), blocks_of(shape, group));
    return checksum(shape->seed, span_of(block, GROUP / 8));
}

static uint32_t sum_of_inodes(const struct shape *shape)
{
    uint8_t block[EXT4_BLOCK];
    make_bitmap(block, RESERVED_INODES, shape->inodes);
    return checksum(shape->seed, span_of(block, shape->inodes / 8));
}

static rc write_bitmaps(struct trail *trail, int device, const struct shape *shape)
{
    uint8_t block[EXT4_BLOCK];
    for (uint32_t group = 0; group < shape->groups; group++) {
        if (!has_bitmap(shape, group))
            continue;
        make_bitmap(block, used_of(shape, group), blocks_of(shape, group));
        TRY(trail, write_block(trail, device, block, shape->block_bitmaps + group));
    }
    make_bitmap(block, RESERVED_INODES, shape->inodes);
    return write_block(trail, device, block, shape->inode_bitmaps);
}

/* --- groups ----------------------------------------------------------------------------------- */

static void describe(const struct shape *shape, uint32_t group, uint8_t out[DESCRIPTOR])
{
    enum { INODES_UNUSED = 1, BLOCKS_UNUSED = 2, TABLE_IS_ZERO = 4 };
    const bool first = group == 0, bits = has_bitmap(shape, group);
    const uint32_t taken = first ? RESERVED_INODES : 0;
    const uint64_t block_bitmap = shape->block_bitmaps + group;
    const uint64_t inode_bitmap = shape->inode_bitmaps + group;
    const uint64_t table = shape->tables + (uint64_t)shape->table * group;
    const uint32_t of_blocks = bits ? sum_of_blocks(shape, group) : 0;
    const uint32_t of_inodes = first ? sum_of_inodes(shape) : 0;
    const struct field fields[] = {
        { 0x00, 4, block_bitmap },
        { 0x04, 4, inode_bitmap },
        { 0x08, 4, table },
        { 0x0c, 2, blocks_of(shape, group) - used_of(shape, group) }, /* free */
        { 0x0e, 2, shape->inodes - taken },
        { 0x10, 2, first ? 1 : 0 }, /* folders */
        { 0x12, 2, TABLE_IS_ZERO | (first ? 0 : INODES_UNUSED) | (bits ? 0 : BLOCKS_UNUSED) },
        { 0x18, 2, of_blocks },
        { 0x1a, 2, of_inodes },
        { 0x1c, 2, shape->inodes - taken }, /* of the table, from its end */
        { 0x38, 2, of_blocks >> 16 },
        { 0x3a, 2, of_inodes >> 16 },
    };
    memset(out, 0, DESCRIPTOR);
    put(out, fields, COUNT_OF(fields));
    const uint32_t sum = checksum(checksum_number(shape->seed, group), span_of(out, DESCRIPTOR));
    put_one(out, DESCRIPTOR_CHECKSUM, 2, sum);
}

static rc write_groups(struct trail *trail, int device, const struct shape *shape)
{
    uint8_t block[DESCRIPTORS_IN_BLOCK][DESCRIPTOR];
    for (uint32_t at = 0; at < shape->descriptors; at++) {
        memset(block, 0, sizeof block);
        for (uint32_t i = 0; i < DESCRIPTORS_IN_BLOCK; i++) {
            const uint32_t group = at * DESCRIPTORS_IN_BLOCK + i;
            if (group < shape->groups)
                describe(shape, group, block[i]);
        }
        TRY(trail,
            write_at(trail, device, span_of(block, sizeof block), (UINT64_C(1) + at) * EXT4_BLOCK));
    }
    return RC_SUCCESS;
}

/* --- the root --------------------------------------------------------------------------------- */

static void make_root(const struct shape *shape, uint8_t inode[INODE])
{
    enum { EXTENTS = 0x80000, MORE = 32, SECTORS = EXT4_BLOCK / 512 };
    const uint64_t now = (uint64_t)shape->wish->now;
    const struct field fields[] = {
        { 0x00, 2, S_IFDIR | 0755 },
        { 0x04, 4, EXT4_BLOCK }, /* its size */
        { 0x08, 4, now },        /* when it was read, */
        { 0x0c, 4, now },
        { 0x10, 4, now },
        { 0x1a, 2, 2 }, /* its names */
        { 0x1c, 4, SECTORS },
        { 0x20, 4, EXTENTS },
        { 0x28, 2, 0xf30a }, /* the head of its extents: one, of four, and none below it */
        { 0x2a, 2, 1 },
        { 0x2c, 2, 4 },
        { 0x38, 2, 1 }, /* of one block, from its first */
        { 0x3c, 4, shape->root },
        { 0x80, 2, MORE },
        { 0x90, 4, now },
    };
    memset(inode, 0, INODE);
    put(inode, fields, COUNT_OF(fields));
}

/* Of an inode, by its number and the number of those that had it before. */
static uint32_t inode_seed(const struct shape *shape)
{
    return checksum_number(checksum_number(shape->seed, ROOT_INODE), 0);
}

static rc write_root(struct trail *trail, int device, const struct shape *shape)
{
    enum { FOLDER = 2, LAST = 12, TAIL = EXT4_BLOCK - LAST };
    uint8_t block[EXT4_BLOCK] = { 0 }, inode[INODE];
    const struct field entries[] = {
        { 0, 4, ROOT_INODE },  { 4, 2, 12 },          { 6, 1, 1 },
        { 7, 1, FOLDER },      { 8, 1, '.' },         { 12, 4, ROOT_INODE },
        { 16, 2, TAIL - 12 }, /* to the checksum */
        { 18, 1, 2 },          { 19, 1, FOLDER },     { 20, 2, '.' | '.' << 8 },
        { TAIL + 4, 2, LAST }, { TAIL + 7, 1, 0xde },
    };
    put(block, entries, COUNT_OF(entries));
    put_one(block, TAIL + 8, 4, checksum(inode_seed(shape), span_of(block, TAIL)));
    TRY(trail, write_block(trail, device, block, shape->root));
    make_root(shape, inode);
    const uint32_t sum = checksum(inode_seed(shape), SPAN(inode));
    put_one(inode, 0x7c, 2, sum);
    put_one(inode, 0x82, 2, sum >> 16);
    return write_at(trail, device, SPAN(inode),
                    shape->tables * EXT4_BLOCK + (ROOT_INODE - 1) * INODE);
}

/* --- what describes it all -------------------------------------------------------------------- */

/* Of the features that a kernel may pass over, that it must know, and that it must know to write.
 */
enum {
    MAY = 0x8 | 0x20 | 0x200,                   /* ext_attr dir_index sparse_super2 */
    MUST = 0x2 | 0x40 | 0x80 | 0x200,           /* filetype extent 64bit flex_bg */
    TO_WRITE = 0x2 | 0x8 | 0x20 | 0x40 | 0x400, /* large_file huge_file dir_nlink
                                                   extra_isize metadata_csum */
};

static void make_super(const struct shape *shape, uint8_t super[SUPER])
{
    const uint64_t free = shape->blocks - shape->used, now = (uint64_t)shape->wish->now;
    const uint64_t inodes = (uint64_t)shape->inodes * shape->groups;
    const struct field fields[] = {
        { 0x00, 4, inodes },
        { 0x04, 4, shape->blocks },
        { 0x0c, 4, free },
        { 0x10, 4, inodes - RESERVED_INODES },
        { 0x18, 4, 2 }, /* blocks of 1 KiB << 2, */
        { 0x1c, 4, 2 },
        { 0x20, 4, GROUP },
        { 0x24, 4, GROUP },
        { 0x28, 4, shape->inodes },
        { 0x30, 4, now },
        { 0x36, 2, 0xffff }, /* mounted as often as one likes */
        { 0x38, 2, 0xef53 },
        { 0x3a, 2, 1 }, /* clean, */
        { 0x3c, 2, 1 }, /* and goes on after an error */
        { 0x40, 4, now },
        { 0x4c, 4, 1 }, /* features count */
        { 0x54, 4, RESERVED_INODES + 1 },
        { 0x58, 2, INODE },
        { 0x5c, 4, MAY },
        { 0x60, 4, MUST },
        { 0x64, 4, TO_WRITE },
        { 0xfc, 1, 1 }, /* names are found by half of MD4 */
        { 0xfe, 2, DESCRIPTOR },
        { 0x100, 4, 0x4 | 0x8 }, /* user_xattr acl */
        { 0x108, 4, now },
        { 0x15c, 2, 32 }, /* of an inode beyond its first 128 bytes */
        { 0x15e, 2, 32 },
        { 0x160, 4, 1 }, /* by bytes that have a sign */
        { 0x174, 1, FLEXIBLE },
        { 0x175, 1, 1 }, /* CRC-32C */
    };
    memset(super, 0, SUPER);
    put(super, fields, COUNT_OF(fields));
    memcpy(super + 0x68, shape->wish->id, EXT4_ID);
    memcpy(super + 0xec, shape->wish->seed, EXT4_ID);
    put_one(super, SUPER_CHECKSUM, 4, checksum(UINT32_MAX, span_of(super, SUPER_CHECKSUM)));
}

rc ext4_write(struct trail *trail, int device, const struct ext4_wish *wish)
{
    struct shape shape;
    uint8_t super[SUPER];
    if (!find_shape(wish, &shape))
        return FAIL(trail, RC_WORLD, EXT4_E_SIZE);
    if (used_of(&shape, 0) == GROUP)
        shape.full = sum_of_blocks(&shape, 0);
    TRY(trail, write_groups(trail, device, &shape));
    TRY(trail, write_bitmaps(trail, device, &shape));
    TRY(trail, write_root(trail, device, &shape));
    make_super(&shape, super);
    return write_at(trail, device, SPAN(super), SUPER_AT);
}
