/* ccel_maker.c - see ccel_maker.h. */
#include "attest/ccel_maker.h"

#include <string.h>

#include "crypto/hash.h"
#include "test.h"

static const uint8_t global_guid[16] = { 0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11,
                                         0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c };

const struct ccel_spec ccel_plain = { .type = EV_NO_ACTION,
                                      .signature = "Spec ID Event03",
                                      .major = 2,
                                      .count = 1,
                                      .algorithms = { { SHA384, 48 } },
                                      .written = 1 };

void ccel_put_spec(struct sink *out, const struct ccel_spec *spec)
{
    uint8_t text[16] = { 0 };
    memcpy(text, spec->signature, strlen(spec->signature));
    sink_u32le(out, 1);
    sink_u32le(out, spec->type);
    for (int i = 0; i < 20; i++)
        sink_u8(out, spec->digest_byte);
    sink_u32le(out, (uint32_t)(29 + 4 * spec->written + spec->vendor_bytes));
    sink_put(out, SPAN(text));
    sink_u32le(out, 0);
    sink_u8(out, 0);
    sink_u8(out, spec->major);
    sink_u8(out, 0);
    sink_u8(out, 2);
    sink_u32le(out, spec->count);
    for (size_t i = 0; i < spec->written; i++) {
        sink_u16le(out, spec->algorithms[i][0]);
        sink_u16le(out, spec->algorithms[i][1]);
    }
    sink_u8(out, spec->vendor_len);
    sink_zero(out, spec->vendor_bytes);
}

void ccel_put_digest_event(struct sink *out, uint32_t index, uint32_t type,
                           const uint8_t digest[48], struct span data)
{
    sink_u32le(out, index);
    sink_u32le(out, type);
    sink_u32le(out, 1);
    sink_u16le(out, SHA384);
    sink_put(out, span_of(digest, 48));
    sink_u32le(out, (uint32_t)data.len);
    sink_put(out, data);
}

void ccel_put_event(struct sink *out, uint32_t index, uint32_t type, struct span data)
{
    uint8_t digest[48];
    hash_sha384(data, digest);
    ccel_put_digest_event(out, index, type, digest, data);
}

struct span ccel_variable(uint8_t room[128], const char *name, struct span data)
{
    struct sink out = sink_over(room, 128);
    sink_put(&out, SPAN(global_guid));
    sink_u64le(&out, strlen(name));
    sink_u64le(&out, data.len);
    for (const char *at = name; *at != 0; at++)
        sink_u16le(&out, (uint8_t)*at);
    sink_put(&out, data);
    assert_true(sink_ok(&out));
    return sink_bytes(&out);
}

void ccel_put_secure_boot(struct sink *out, uint32_t index, const char *value)
{
    uint8_t room[128];
    ccel_put_event(out, index, EV_EFI_VARIABLE_DRIVER_CONFIG,
                   ccel_variable(room, "SecureBoot", span_text(value)));
}

void ccel_put_separator(struct sink *out, uint32_t index)
{
    static const uint8_t zero[4];
    ccel_put_event(out, index, EV_SEPARATOR, SPAN(zero));
}

void ccel_put_good(struct sink *out)
{
    ccel_put_spec(out, &ccel_plain);
    ccel_put_secure_boot(out, 1, "\x01");
    ccel_put_separator(out, 1);
    ccel_put_event(out, 2, EV_EFI_ACTION, span_text("Calling EFI Application from Boot Option"));
    ccel_put_event(out, 3, EV_EVENT_TAG, span_text("tag"));
}
