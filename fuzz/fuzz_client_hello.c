/* fuzz_client_hello.c - any bytes as the beginning of a stream: no more is asked for than is
   promised, what is read names a host or nobody, and it is the same however much has come. */
#include <stdlib.h>

#include "codec/client_hello.h"
#include "codec/host_name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool truth)
{
    if (!truth)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t room[CLIENT_HELLO_MAX], other[CLIENT_HELLO_MAX];
    struct client_hello hello = { 0 }, less = { 0 };
    struct span stream = span_of(data, size);
    enum hello_reading reading = client_hello_read(stream, room, &hello);
    must(reading != HELLO_MORE || size < CLIENT_HELLO_STREAM_MAX);
    must(hello.name.len == 0 || (reading == HELLO_READ && host_is_name(hello.name)));
    for (size_t len = size / 2; len < size; len += size / 8 + 1) {
        enum hello_reading before = client_hello_read(span_of(data, len), other, &less);
        must(before == reading || before == HELLO_MORE);
        must(before != HELLO_READ ||
             (span_equal(less.name, hello.name) && less.is_encrypted == hello.is_encrypted));
    }
    return 0;
}
