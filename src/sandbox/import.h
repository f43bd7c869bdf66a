/* import.h - images of jobs: taken from archives into a folder, listed, removed.

   An archive is read and unpacked in a process of its own that sees the folder it fills and nothing
   else (os/confine.h).  What that process says of the archive is believed, for it alone has read
   it: one that was taken can call a bad image good, and write what it likes into that image.  It
   cannot touch what lies outside, and what it says has a form and bounds.  An image is there whole
   or not at all. */
#ifndef WARD_SANDBOX_IMPORT_H
#define WARD_SANDBOX_IMPORT_H

#include "base/arena.h"
#include "sandbox/report.h"
#include "sandbox/unpack.h"

enum { IMAGES_MAX = 4096 };

struct image_import {
    const char *folder;           /* that holds the images; it is there, and this user's alone */
    int archive;                  /* open for reading: a regular file */
    uint8_t digest[IMAGE_DIGEST]; /* of the manifest: which image is wanted */
    const char *architecture;     /* "amd64" */
    struct unpack_limits limits;
    /* Called now and then with the layers that are done; NULL: nobody looks. */
    report_progress_fn *progress;
    void *arg;
};

struct image_imported {
    enum reason reason;
    bool existed; /* it was there already: nothing was done */
    uint64_t bytes;
    uint32_t entries, layers;
    char what[REPORT_WHAT];   /* of a refusal: a few words, */
    char where[REPORT_WHERE]; /* and the entry */
};

/* image_import returns a failure for what is wrong on this side, FILE_E_TOO_MANY where the folder
   holds IMAGES_MAX already; what is wrong with the archive is out->reason. */
MUST_USE
rc image_import(struct trail *trail, const struct image_import *in, struct image_imported *out);

/* One image of the folder. */
struct image_held {
    uint8_t digest[IMAGE_DIGEST];
    int64_t imported; /* seconds since 1970 */
};

/* image_list gives all images of the folder, by digest; the folder is this user's alone. */
MUST_USE
rc image_list(struct trail *trail, const char *folder, struct arena *arena, struct image_held **out,
              size_t *count);

/* image_hold finds an image for a job: *config is what it says of the program in it, in the arena,
   and *out its folder, open.  As long as that is open the image cannot be removed.  ENOENT: it is
   not there; EUCLEAN: its configuration is not what an import writes. */
MUST_USE
rc image_hold(struct trail *trail, const char *folder, const uint8_t digest[IMAGE_DIGEST],
              struct arena *arena, struct image_config *config, int *out);

/* image_manifest_open opens the manifest of an image that is held, whose SHA-256 is the image's
   digest; -1, and errno: an earlier version imported it. */
int image_manifest_open(int image);

/* image_remove: *was is false when there is no such image.  EBUSY: a job uses it. */
MUST_USE
rc image_remove(struct trail *trail, const char *folder, const uint8_t digest[IMAGE_DIGEST],
                bool *was);

#endif
