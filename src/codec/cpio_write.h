/* cpio_write.h - writes an archive as the Linux kernel unpacks it at its start (Documentation/
   driver-api/early-userspace/buffer-format, "newc").  The same entries are the same bytes: no time,
   no owner but 0, and numbers that follow from the order. */
#ifndef WARD_CODEC_CPIO_WRITE_H
#define WARD_CODEC_CPIO_WRITE_H

#include "base/sink.h"

struct cpio_writer {
    struct sink *out;
    uint32_t entries;
};

/* Each appends an entry; `mode` is of permissions.  A name has no slash at either end and is
   shorter than 256 bytes; the folders that it lies in were put before.  A name that is longer, or
   data of 4 GiB and more, make the sink full. */
void cpio_put_folder(struct cpio_writer *writer, const char *name, uint32_t mode);
void cpio_put_file(struct cpio_writer *writer, const char *name, uint32_t mode, struct span data);

/* cpio_put_end appends what ends an archive. */
void cpio_put_end(struct cpio_writer *writer);

#endif
