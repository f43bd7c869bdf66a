/* archive.c - see archive.h. */
#include "sandbox/archive.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "codec/tar.h"
#include "crypto/hash.h"
#include "os/fd.h"

enum { PIECE = 64 << 10 };

static const char cut_short[] = "an archive that is cut short";

/* "blobs/sha256/" and 64 small digits, "./" before it allowed. */
static bool blob_name(struct span path, uint8_t digest[IMAGE_DIGEST])
{
    static const char folder[] = "blobs/sha256/";
    enum { FOLDER = sizeof folder - 1 };
    char room[IMAGE_PATH_MAX + 1];
    if (image_entry_read(path, room) != IMAGE_ENTRY_PLAIN)
        return false;
    struct span plain = span_text(room);
    return plain.len > FOLDER && bytes_equal(plain.at, folder, FOLDER) &&
           image_hex_read(span_of(plain.at + FOLDER, plain.len - FOLDER), digest);
}

/* The walk through the archive: where the reader stands in the file. */
struct walk {
    struct archive *archive;
    struct tar tar;
    uint64_t at;  /* of the next byte that the reader gets */
    uint64_t end; /* of the file */
    size_t entries;
    const char *what;
    uint8_t piece[PIECE];
};

static enum reason take_entry(struct walk *walk, const struct tar_entry *entry, uint64_t at)
{
    struct archive *archive = walk->archive;
    uint8_t digest[IMAGE_DIGEST];
    if (++walk->entries > ARCHIVE_ENTRIES_MAX) {
        walk->what = "an archive of more than 16384 entries";
        return REASON_IMAGE_TOO_LARGE;
    }
    if (entry->kind != TAR_FILE || !blob_name(entry->path, digest))
        return REASON_OK;
    /* Passed over and never read, a size may say what it likes. */
    if (entry->size > walk->end || at > walk->end - entry->size) {
        walk->what = cut_short;
        return REASON_IMAGE_FORMAT;
    }
    if (archive->count == ARCHIVE_BLOBS_MAX) {
        walk->what = "an archive of more than 1024 blobs";
        return REASON_IMAGE_TOO_LARGE;
    }
    struct archive_blob *blob = &archive->blobs[archive->count++];
    memcpy(blob->digest, digest, IMAGE_DIGEST);
    blob->at = at;
    blob->size = entry->size;
    return REASON_OK;
}

/* What one piece of the file says; bytes of a file that it does not hold are passed over. */
static enum reason take_piece(struct walk *walk, struct span piece)
{
    const uint64_t begin = walk->at;
    struct span left = piece;
    struct tar_step step;
    enum tar_event event;
    while ((event = tar_next(&walk->tar, &left, &step)) != TAR_MORE) {
        uint64_t at = begin + (piece.len - left.len);
        if (event == TAR_REFUSED) {
            walk->what = step.what;
            return REASON_IMAGE_FORMAT;
        }
        enum reason reason = event == TAR_ENTRY ? take_entry(walk, &step.entry, at) : REASON_OK;
        if (reason != REASON_OK)
            return reason;
        uint64_t over = event == TAR_ENTRY ? tar_skip(&walk->tar) : 0;
        if (over > left.len) {
            walk->at = at + over;
            return REASON_OK;
        }
        left = span_of(left.at + over, left.len - (size_t)over);
    }
    walk->at = begin + piece.len;
    return REASON_OK;
}

enum reason archive_open(struct archive *archive, int fd, const char **what)
{
    static struct walk walk;
    enum reason reason = REASON_OK;
    struct stat is;
    ssize_t len = fstat(fd, &is) == 0 ? 1 : -1;
    memset(&walk, 0, sizeof walk);
    *archive = (struct archive){ .fd = fd };
    walk.end = len < 0 ? 0 : (uint64_t)is.st_size;
    walk.archive = archive;
    while (reason == REASON_OK && len > 0) {
        len = fd_read_at(fd, walk.at, walk.piece, sizeof walk.piece);
        if (len > 0)
            reason = take_piece(&walk, span_of(walk.piece, (size_t)len));
    }
    *what = walk.what;
    if (reason == REASON_OK && (len < 0 || !tar_is_whole(&walk.tar))) {
        *what = len < 0 ? "an archive that cannot be read" : cut_short;
        return REASON_IMAGE_FORMAT;
    }
    return reason;
}

static const char other_bytes[] = "bytes that are not those of their digest";

enum reason archive_find(const struct archive *archive, const uint8_t digest[IMAGE_DIGEST],
                         uint64_t size, const struct archive_blob **out, const char **what)
{
    for (size_t i = 0; i < archive->count; i++) {
        const struct archive_blob *blob = &archive->blobs[i];
        if (!bytes_equal(blob->digest, digest, IMAGE_DIGEST))
            continue;
        *what = other_bytes;
        if (size != UINT64_MAX && blob->size != size)
            return REASON_IMAGE_DIGEST;
        *out = blob;
        return REASON_OK;
    }
    *what = "no such blob";
    return REASON_IMAGE_MISSING;
}

enum reason archive_check(const struct archive *archive, const struct archive_blob *blob,
                          const char **what)
{
    static uint8_t piece[PIECE];
    struct hash_pieces sum;
    uint8_t found[SHA256_LEN];
    hash_pieces_begin(&sum, HASH_SHA256);
    *what = other_bytes;
    for (uint64_t done = 0; done < blob->size;) {
        uint64_t left = blob->size - done;
        ssize_t len = fd_read_at(archive->fd, blob->at + done, piece,
                                 left < PIECE ? (size_t)left : PIECE);
        if (len <= 0)
            return REASON_IMAGE_DIGEST;
        hash_pieces_more(&sum, span_of(piece, (size_t)len));
        done += (uint64_t)len;
    }
    hash_pieces_end(&sum, found);
    return bytes_equal(found, blob->digest, IMAGE_DIGEST) ? REASON_OK : REASON_IMAGE_DIGEST;
}

enum reason archive_read(const struct archive *archive, const uint8_t digest[IMAGE_DIGEST],
                         uint64_t size, struct arena *arena, struct span *out, const char **what)
{
    const struct archive_blob *blob;
    uint8_t found[SHA256_LEN];
    enum reason reason = archive_find(archive, digest, size, &blob, what);
    if (reason != REASON_OK)
        return reason;
    *what = "a document of more than 1 MiB";
    if (blob->size > IMAGE_DOCUMENT_MAX)
        return REASON_IMAGE_FORMAT;
    uint8_t *room = arena_alloc(arena, (size_t)blob->size + 1);
    if (room == NULL)
        return REASON_OUT_OF_MEMORY;
    *what = other_bytes;
    if (fd_read_at(archive->fd, blob->at, room, (size_t)blob->size) != (ssize_t)blob->size)
        return REASON_IMAGE_DIGEST;
    hash_sha256(span_of(room, (size_t)blob->size), found);
    if (!bytes_equal(found, digest, IMAGE_DIGEST))
        return REASON_IMAGE_DIGEST;
    *out = span_of(room, (size_t)blob->size);
    return REASON_OK;
}
