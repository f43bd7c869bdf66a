/* fuzz_protobuf.c - a message that is taken from protobuf can be written as JSON and read back as
   the same message, and the other way around; a refused one says why. */
#include <stdlib.h>

#include "codec/protobuf.h"
#include "codec/values.h"
#include "model/api.h"

enum { ROOM = 4 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool truth)
{
    if (!truth)
        abort();
}

static const struct schema_message *const messages[] = {
    &api_ping_request,         &api_audit_query_request,  &api_audit_query_response,
    &api_audit_prove_response, &api_audit_verify_request, &api_doctor_response,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t memory[ROOM], wire[ROOM], again[ROOM], text[ROOM];
    if (size == 0)
        return 0;
    const struct schema_message *message = messages[data[0] % 6];
    struct span input = span_of(&data[1], size - 1);
    struct arena arena = arena_over(memory, sizeof memory);
    void *one = arena_alloc(&arena, message->size), *two = arena_alloc(&arena, message->size);
    must(one != NULL && two != NULL);
    struct values_error error = { 0 };
    bool ok = data[0] >= 128 ? values_read_json(message, input, &arena, one, &error)
                             : protobuf_read(message, input, &arena, one, &error);
    must(ok || error.what != NULL);
    if (!ok)
        return 0;
    struct sink first = sink_over(wire, sizeof wire), second = sink_over(again, sizeof again);
    struct sink json = sink_over(text, sizeof text);
    struct json_writer writer = json_write_to(&json, 0);
    must(protobuf_write(message, one, &first));
    must(values_write_json(message, one, &writer) && json_write_ok(&writer));
    if (!values_read_json(message, sink_bytes(&json), &arena, two, &error))
        must(arena.left < 2 * json.len + 200000); /* memory ran out */
    else
        must(protobuf_write(message, two, &second) &&
             span_equal(sink_bytes(&first), sink_bytes(&second)));
    return 0;
}
