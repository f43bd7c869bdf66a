/* archive.h - an OCI archive as a file: a tar of blobs that are named by their SHA-256.  Nothing
   but the digests is believed: a blob is what it is named after, or it is not given. */
#ifndef WARD_SANDBOX_ARCHIVE_H
#define WARD_SANDBOX_ARCHIVE_H

#include "base/arena.h"
#include "job/image.h"

enum {
    ARCHIVE_BLOBS_MAX = 1024,
    ARCHIVE_ENTRIES_MAX = 16384,
};

struct archive_blob {
    uint8_t digest[IMAGE_DIGEST]; /* as it is named: to be checked */
    uint64_t at, size;            /* where its bytes are in the file */
};

struct archive {
    int fd; /* lent: a regular file */
    struct archive_blob blobs[ARCHIVE_BLOBS_MAX];
    size_t count;
};

/* archive_open finds the blobs of the file: REASON_OK, or IMAGE_FORMAT, IMAGE_TOO_LARGE and in
 *what a few words. */
enum reason archive_open(struct archive *archive, int fd, const char **what);

/* archive_find looks by name and size (UINT64_MAX: any) and reads nothing: IMAGE_MISSING when it is
   not there, IMAGE_DIGEST when it has another size. */
enum reason archive_find(const struct archive *archive, const uint8_t digest[IMAGE_DIGEST],
                         uint64_t size, const struct archive_blob **out, const char **what);

/* archive_check reads all of a blob: IMAGE_DIGEST when its bytes are not those of its name.  The
   file may be another one when it is read again. */
enum reason archive_check(const struct archive *archive, const struct archive_blob *blob,
                          const char **what);

/* archive_read gives a whole small blob of that size, once read and then checked; IMAGE_FORMAT for
   one that is not small. */
enum reason archive_read(const struct archive *archive, const uint8_t digest[IMAGE_DIGEST],
                         uint64_t size, struct arena *arena, struct span *out, const char **what);

#endif
