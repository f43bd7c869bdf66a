/* fuzz_tar.c - any bytes as an archive, in pieces of two lengths: the same entries, and no byte of
   a file that its header did not announce. */
#include <stdlib.h>
#include <string.h>

#include "codec/tar.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    size_t entries, bytes;
    uint64_t promised;
    bool refused, whole;
};

static void count(struct seen *seen, enum tar_event event, const struct tar_step *step)
{
    seen->refused = event == TAR_REFUSED;
    if (event == TAR_DATA)
        seen->bytes += step->data.len;
    if (event != TAR_ENTRY)
        return;
    seen->entries++;
    seen->promised += step->entry.size;
    if (step->entry.path.len == 0 || step->entry.path.len > TAR_PATH_MAX ||
        memchr(step->entry.path.at, 0, step->entry.path.len) != NULL)
        abort();
}

static void read_in_pieces(struct span bytes, size_t piece, struct seen *seen)
{
    static struct tar tar;
    memset(&tar, 0, sizeof tar);
    while (bytes.len > 0 && !seen->refused) {
        struct span part = span_of(bytes.at, piece < bytes.len ? piece : bytes.len);
        struct tar_step step;
        enum tar_event event;
        bytes = span_of(bytes.at + part.len, bytes.len - part.len);
        while (!seen->refused && (event = tar_next(&tar, &part, &step)) != TAR_MORE)
            count(seen, event, &step);
    }
    seen->whole = tar_is_whole(&tar);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct seen one = { 0 }, other = { 0 };
    read_in_pieces(span_of(data, size), size + 1, &one);
    read_in_pieces(span_of(data, size), 97, &other);
    if (one.entries != other.entries || one.bytes != other.bytes || one.whole != other.whole ||
        one.refused != other.refused || one.bytes > one.promised ||
        (one.whole && one.bytes != one.promised))
        abort();
    return 0;
}
