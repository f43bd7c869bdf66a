/* fuzz_payload.c - bytes are at most one kind of payload, and a checkpoint that is recognised
   is the one that its parts make.  The first 65 bytes are the CA's key. */
#include <stdlib.h>

#include "codec/base64.h"
#include "guard/payload.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void insist(bool held)
{
    if (!held)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { POINT = 65 };
    static uint8_t room[PAYLOAD_MAX];
    static struct job_result_room results;
    struct payload payload = { 0 };
    size_t point = size < POINT ? 0 : POINT;
    struct span bytes = span_of(data + point, size - point);
    uint32_t kinds = payload_kinds(bytes, span_of(data, point), &results, &payload);
    if (kinds == 0)
        return 0;
    enum payload_kind kind = payload_single(kinds);
    insist(kind != PAYLOAD_NONE);
    if (kind == PAYLOAD_TLS_SERVER)
        insist(TLS_SERVER_PREFIX + payload.transcript_hash.len == bytes.len);
    if (kind == PAYLOAD_CERTIFICATE)
        insist(certificate_is_good(&payload.certificate) && !payload.certificate.ca);
    if (kind != PAYLOAD_CHECKPOINT)
        return 0;
    struct sink out = sink_over(room, sizeof room);
    sink_put(&out, payload.checkpoint.origin);
    sink_format(&out, "\n%llu\n", (unsigned long long)payload.checkpoint.size);
    base64_encode(&out, SPAN(payload.checkpoint.root));
    sink_text(&out, "\n");
    insist(sink_ok(&out) && span_equal(sink_bytes(&out), bytes));
    return 0;
}
