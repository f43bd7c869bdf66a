/* fuzz_signed.c - the headers of a signed request, and what front hands to core: what is read and
   written again reads as the same, and no text that is signed can be taken for another. */
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "codec/base64.h"
#include "proc/credential.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool truth)
{
    if (!truth)
        abort();
}

/* So many lines, no part of which has one more, whatever the parts are. */
static void check_text(const struct signed_request *request)
{
    static uint8_t bytes[SIGNED_TEXT_MAX];
    struct sink out = sink_over(bytes, sizeof bytes);
    size_t lines = 1;
    if (signed_text_write(request, &out) != REASON_OK)
        return;
    for (size_t i = 0; i < out.len; i++) {
        must(bytes[i] == '\n' || (bytes[i] >= ' ' && bytes[i] <= '~'));
        lines += bytes[i] == '\n';
    }
    must(lines == (request->version == SIGNED_V1 ? 6 : 9));
}

static void try_credential(struct span data)
{
    static uint8_t bytes[2 * CREDENTIAL_MAX];
    struct cursor in = cur_over(data);
    struct sink out = sink_over(bytes, sizeof bytes);
    struct signed_request request;
    if (!credential_get(&in, &request))
        return;
    credential_put(&out, &request);
    must(sink_ok(&out) && out.len <= CREDENTIAL_MAX);
    must(span_equal(sink_bytes(&out), span_of(data.at, cur_offset(&in))));
    check_text(&request);
}

/* Six texts, one after the other, each with its length before it. */
static void try_headers(struct span data)
{
    struct cursor in = cur_over(data);
    struct signed_headers headers = { .has_version = data.len % 2 == 1 };
    struct span *const all[] = { &headers.signature, &headers.timestamp, &headers.nonce,
                                 &headers.key,       &headers.token,     &headers.version };
    struct signed_request request = { .timestamp = -1 };
    uint8_t len;
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        if (!cur_u8(&in, &len) || !cur_take(&in, len, all[i]))
            return;
    }
    if (signed_headers_read(&headers, &request) != REASON_OK) {
        must(request.timestamp == -1);
        return;
    }
    char text[96];
    struct sink again = sink_over(text, sizeof text);
    base64_encode(&again, SPAN(request.signature));
    must(span_equal(sink_bytes(&again), headers.signature));
    sink_cut(&again, 0);
    base64_encode(&again, SPAN(request.key));
    must(span_equal(sink_bytes(&again), headers.key));
    sink_cut(&again, 0);
    sink_decimal(&again, (uint64_t)request.timestamp, 1);
    must(span_equal(sink_bytes(&again), headers.timestamp));
    request.method = span_text("GET");
    request.target = span_text("/");
    check_text(&request);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    try_credential(span_of(data, size));
    try_headers(span_of(data, size));
    return 0;
}
