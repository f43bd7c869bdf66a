/* fuzz_pem.c - a block that is accepted, written again, reads as the same label and bytes. */
#include <stdlib.h>
#include <string.h>

#include "codec/pem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROOM = 64 * 1024 };

static void insist(bool held)
{
    if (!held)
        abort();
}

static void write_and_read(struct span label, struct span der)
{
    static uint8_t text[2 * ROOM], back[ROOM];
    char name[256];
    struct span other;
    if (label.len >= sizeof name)
        return;
    memcpy(name, label.at, label.len);
    name[label.len] = 0;
    struct sink out = sink_over(text, sizeof text);
    struct sink again = sink_over(back, sizeof back);
    pem_write(&out, name, der);
    struct cursor in = cur_over(sink_bytes(&out));
    insist(sink_ok(&out) && pem_like(sink_bytes(&out)) && pem_next(&in, &other, &again));
    insist(cur_end(&in) && span_equal(other, label) && span_equal(sink_bytes(&again), der));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t bytes[ROOM];
    struct cursor in = cur_over(span_of(data, size));
    struct span label;
    while (!cur_end(&in)) {
        struct sink der = sink_over(bytes, sizeof bytes);
        if (!pem_next(&in, &label, &der)) {
            insist(der.len == 0);
            break;
        }
        insist(cur_is_sound(&in) && der.len > 0);
        write_and_read(label, sink_bytes(&der));
    }
    return 0;
}
