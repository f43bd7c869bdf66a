/* kernel.h - what virtual machines of jobs begin with: a kernel, and an initramfs with ward-guest
   and the modules that it needs.  Both lie in the folder of the images, as "machine". */
#ifndef WARD_SANDBOX_KERNEL_H
#define WARD_SANDBOX_KERNEL_H

#include "base/arena.h"
#include "crypto/hash.h"
#include "model/reason.h"

enum {
    KERNEL_MAX = 64 << 20, /* bytes of a kernel, and of an initramfs */
    KERNEL_WHAT = 256,
};

struct kernel_build {
    const char *folder;  /* of the images; it is there, and this user's alone */
    const char *kernel;  /* a bzImage */
    const char *modules; /* of the same kernel: the folder with kernel/ and modules.builtin */
    const char *guest;   /* ward-guest */
};

struct kernel_built {
    bool refused; /* for what is wrong with the kernel or its modules: */
    char what[KERNEL_WHAT];
    uint8_t kernel[SHA256_LEN], initramfs[SHA256_LEN];
};

/* kernel_build makes both or leaves what was there; the same files are the same bytes.  A failure
   is one of the folder's. */
MUST_USE
rc kernel_build(struct trail *trail, const struct kernel_build *in, struct kernel_built *out);

/* kernel_open opens the folder of both.  As long as it is open they are what they were. */
MUST_USE
rc kernel_open(struct trail *trail, const char *images, int *out);

#endif
