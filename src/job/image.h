/* image.h - an OCI image: its manifest and configuration as somebody else wrote them, and where
   the names in its layers lead (OCI Image Format 1.1).  Reads no file; every digest is checked by
   whoever reads the bytes. */
#ifndef WARD_JOB_IMAGE_H
#define WARD_JOB_IMAGE_H

#include "base/arena.h"
#include "base/sink.h"
#include "model/reason.h"

enum {
    IMAGE_DIGEST = 32,            /* bytes of a SHA-256 */
    IMAGE_LAYERS_MAX = 128,       /* layers of one image */
    IMAGE_DOCUMENT_MAX = 1 << 20, /* bytes of a manifest or a configuration */
    IMAGE_ARGUMENTS_MAX = 256,    /* words of a command, variables */
    IMAGE_DEPTH_MAX = 64,         /* folders inside one another */
    IMAGE_PATH_MAX = 4096,        /* bytes of a name in a layer */
};

enum image_packing { IMAGE_PLAIN = 1, IMAGE_GZIP };

struct image_blob {
    uint8_t digest[IMAGE_DIGEST]; /* SHA-256 of its bytes */
    uint64_t size;
    enum image_packing packing; /* of a layer */
};

struct image_manifest {
    struct image_blob config;
    struct image_blob layers[IMAGE_LAYERS_MAX]; /* the lowest first */
    size_t layer_count;
};

/* What the image says of the program in it.  Texts live in the arena. */
struct image_config {
    uint8_t diff_ids[IMAGE_LAYERS_MAX][IMAGE_DIGEST]; /* SHA-256 of each layer, unpacked */
    size_t layer_count;
    struct span_list entrypoint, command, environment;
    struct span user, folder; /* may be empty */
};

/* image_hex_read reads 64 hex digits, small ones: one image, one name.  image_digest_read reads
   "sha256:" and them. */
MUST_USE
bool image_hex_read(struct span text, uint8_t out[IMAGE_DIGEST]);
MUST_USE
bool image_digest_read(struct span text, uint8_t out[IMAGE_DIGEST]);
void image_digest_write(struct sink *out, const uint8_t digest[IMAGE_DIGEST]);

/* Both read a document of at most IMAGE_DOCUMENT_MAX bytes: REASON_OK, or IMAGE_FORMAT,
   IMAGE_PACKING, IMAGE_PLATFORM, OUT_OF_MEMORY and in *what a few words, static text.  The
   configuration must be for Linux on the architecture of that name, in the words of OCI
   ("amd64"). */
enum reason image_manifest_read(struct span text, struct arena *arena, struct image_manifest *out,
                                const char **what);
enum reason image_config_read(struct span text, struct arena *arena, const char *architecture,
                              struct image_config *out, const char **what);

/* What the name of an entry asks for. */
enum image_entry {
    IMAGE_ENTRY_NONE = 0, /* a name that leads out of the image, or is none */
    IMAGE_ENTRY_ROOT,     /* the image's own folder */
    IMAGE_ENTRY_PLAIN,
    IMAGE_ENTRY_WHITEOUT, /* what lower layers have under that name goes */
    IMAGE_ENTRY_OPAQUE,   /* what lower layers have in that folder goes */
};

/* image_entry_read makes a name plain: no "." and no double slash, no slash at the beginning or
   end; of a whiteout it is the name that goes, of an opaque folder the folder's (nothing: the
   root's).  `room` takes IMAGE_PATH_MAX bytes and a NUL.  An absolute name and one with ".." are
   none. */
enum image_entry image_entry_read(struct span path, char room[IMAGE_PATH_MAX + 1]);

/* image_config_write appends it as one JSON object, for whoever runs the image. */
void image_config_write(struct sink *out, const struct image_config *config);

/* image_config_load reads what image_config_write wrote, but for the layers.  Texts live in the
   arena. Whoever wrote the file had read the archive, so it is read as strictly as the archive
   itself. */
MUST_USE
bool image_config_load(struct span text, struct arena *arena, struct image_config *out);

#endif
