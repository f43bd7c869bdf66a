/* cpio_write.c - see cpio_write.h. */
#include "codec/cpio_write.h"

#include <string.h>

enum {
    FOLDER = 0040000,
    FILE_KIND = 0100000,
    NAME_MAX_LEN = 255,
    ALIGNED = 4,
};

static void put_padding(struct sink *out)
{
    while (out->len % ALIGNED != 0 && !out->full)
        sink_u8(out, 0);
}

/* 13 numbers of 8 hex digits after the magic. */
static void put_entry(struct cpio_writer *writer, const char *name, uint32_t mode, struct span data)
{
    struct sink *out = writer->out;
    const size_t name_len = strlen(name) + 1;
    const unsigned links = (mode & FOLDER) != 0 ? 2 : 1;
    if (name_len > NAME_MAX_LEN + 1 || data.len > UINT32_MAX) {
        out->full = true;
        return;
    }
    sink_format(out, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X",
                ++writer->entries, mode, 0u, 0u, links, 0u, (unsigned)data.len, 0u, 0u, 0u, 0u,
                (unsigned)name_len, 0u);
    sink_put(out, span_of(name, name_len));
    put_padding(out);
    sink_put(out, data);
    put_padding(out);
}

void cpio_put_folder(struct cpio_writer *writer, const char *name, uint32_t mode)
{
    put_entry(writer, name, FOLDER | (mode & 07777), span_of("", 0));
}

void cpio_put_file(struct cpio_writer *writer, const char *name, uint32_t mode, struct span data)
{
    put_entry(writer, name, FILE_KIND | (mode & 07777), data);
}

void cpio_put_end(struct cpio_writer *writer)
{
    put_entry(writer, "TRAILER!!!", 0, span_of("", 0));
}
