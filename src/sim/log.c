/* log.c - event logs: CCEL (TCG crypto-agile) and dstack's JSON, and what they replay to.
   See sim.h. */
#include <string.h>

#include "codec/json_write.h"
#include "crypto/hash.h"
#include "sim/sim.h"

enum {
    EV_NO_ACTION = 3,
    EV_SEPARATOR = 4,
    EV_EVENT_TAG = 6,
    ALG_SHA384 = 12,
    DSTACK_RUNTIME = 0x08000001,
    JCS_MAX = 1024,
};

#define EV_EFI_ACTION UINT32_C(0x80000007)

/* --- defaults ------------------------------------------------------------------------- */

static void add(struct sim_log_spec *spec, unsigned rtmr, uint32_t type, const char *name,
                struct span data)
{
    if (spec->count < SIM_EVENT_MAX)
        spec->events[spec->count++] = (struct sim_event){ rtmr, type, name, data };
}

static const uint8_t separator[4] = { 0 };

static void add_boot(struct sim_log_spec *spec)
{
    add(spec, 0, EV_EVENT_TAG, NULL, span_text("firmware configuration"));
    add(spec, 0, EV_SEPARATOR, NULL, SPAN(separator));
    add(spec, 1, EV_EFI_ACTION, NULL, span_text("Calling EFI Application from Boot Option"));
    add(spec, 1, EV_SEPARATOR, NULL, SPAN(separator));
    add(spec, 1, EV_EFI_ACTION, NULL, span_text("Exit Boot Services Invocation"));
    add(spec, 2, EV_EVENT_TAG, NULL, span_text("kernel_cmdline: console=ttyS0"));
    add(spec, 2, EV_EVENT_TAG, NULL, span_text("initrd"));
}

/* 20 and 32 bytes; app ids and hashes of nothing in particular. */
static const uint8_t app_id[20] = { 0xa9, 0x91, 0x1d };
static const uint8_t instance_id[20] = { 0x15, 0x7a };
static const uint8_t compose_hash[32] = { 0xc0, 0x3e, 0x05, 0xe0 };
static const uint8_t os_image_hash[32] = { 0x05, 0x1a };

static void add_runtime(struct sim_log_spec *spec)
{
    const struct span nothing = { 0 };
    add(spec, 3, DSTACK_RUNTIME, "system-preparing", nothing);
    add(spec, 3, DSTACK_RUNTIME, "app-id", SPAN(app_id));
    add(spec, 3, DSTACK_RUNTIME, "compose-hash", SPAN(compose_hash));
    add(spec, 3, DSTACK_RUNTIME, "instance-id", SPAN(instance_id));
    add(spec, 3, DSTACK_RUNTIME, "boot-mr-done", nothing);
    add(spec, 3, DSTACK_RUNTIME, "os-image-hash", SPAN(os_image_hash));
    add(spec, 3, DSTACK_RUNTIME, "key-provider", span_text("{\"name\":\"none\",\"id\":\"\"}"));
    add(spec, 3, DSTACK_RUNTIME, "system-ready", nothing);
}

struct sim_log_spec sim_log_default(enum log_format format)
{
    struct sim_log_spec spec = { .format = format };
    add_boot(&spec);
    if (format == LOG_CCEL)
        spec.padding = 256;
    else
        add_runtime(&spec);
    return spec;
}

/* --- digests -------------------------------------------------------------------------- */

/* Version 1: SHA384(LE32(type) || ":" || name || ":" || payload). */
static void digest_v1(const struct sim_event *event, uint8_t out[48])
{
    uint8_t type[4];
    struct sink le = sink_over(type, sizeof type);
    sink_u32le(&le, event->type);
    const struct span parts[] = { SPAN(type), span_text(":"), span_text(event->name),
                                  span_text(":"), event->data };
    hash_sha384_parts(parts, 5, out);
}

/* Version 2: SHA384 of {"name":..,"payload":"hex","type":n}.  Names here need no escape. */
static bool digest_v2(const struct sim_event *event, uint8_t out[48])
{
    uint8_t bytes[JCS_MAX];
    struct sink text = sink_over(bytes, sizeof bytes);
    sink_format(&text, "{\"name\":\"%s\",\"payload\":\"", event->name);
    sink_hex(&text, event->data);
    sink_format(&text, "\",\"type\":%u}", (unsigned)event->type);
    hash_sha384(sink_bytes(&text), out);
    return sink_ok(&text);
}

static bool is_runtime(const struct sim_event *event)
{
    return event->name != NULL;
}

static bool digest_of(enum log_format format, const struct sim_event *event, uint8_t out[48])
{
    if (!is_runtime(event))
        hash_sha384(event->data, out);
    else if (format == LOG_DSTACK_V2)
        return digest_v2(event, out);
    else
        digest_v1(event, out);
    return true;
}

void sim_log_registers(const struct sim_log_spec *spec, uint8_t rtmr[4][48])
{
    memset(rtmr, 0, 4 * 48);
    for (size_t i = 0; i < spec->count; i++) {
        uint8_t digest[48];
        const struct sim_event *event = &spec->events[i];
        if (event->type == EV_NO_ACTION || event->rtmr > 3 ||
            !digest_of(spec->format, event, digest))
            continue;
        const struct span parts[] = { SPAN(rtmr[event->rtmr]), SPAN(digest) };
        hash_sha384_parts(parts, 2, rtmr[event->rtmr]);
    }
}

/* --- CCEL ----------------------------------------------------------------------------- */

/* TCG_PCClientPCREvent with TCG_EfiSpecIdEvent: one algorithm, SHA-384. */
static void put_spec_id(struct sink *out)
{
    static const uint8_t spec_id[] = { 'S', 'p', 'e', 'c', ' ', 'I', 'D',        ' ', 'E', 'v', 'e',
                                       'n', 't', '0', '3', 0,   0,   0,          0,   0,   0,   2,
                                       0,   2,   1,   0,   0,   0,   ALG_SHA384, 0,   48,  0,   0 };
    sink_u32le(out, 0);
    sink_u32le(out, EV_NO_ACTION);
    sink_zero(out, 20);
    sink_u32le(out, sizeof spec_id);
    sink_put(out, SPAN(spec_id));
}

static bool put_ccel(const struct sim_log_spec *spec, struct sink *out)
{
    put_spec_id(out);
    for (size_t i = 0; i < spec->count; i++) {
        uint8_t digest[48];
        const struct sim_event *event = &spec->events[i];
        hash_sha384(event->data, digest);
        sink_u32le(out, event->rtmr + 1);
        sink_u32le(out, event->type);
        sink_u32le(out, 1);
        sink_u16le(out, ALG_SHA384);
        sink_put(out, SPAN(digest));
        sink_u32le(out, (uint32_t)event->data.len);
        sink_put(out, event->data);
    }
    for (size_t i = 0; i < spec->padding; i++)
        sink_u8(out, 0xff);
    return sink_ok(out);
}

/* --- dstack --------------------------------------------------------------------------- */

static bool put_dstack_event(struct json_writer *w, const struct sim_log_spec *spec,
                             const struct sim_event *event)
{
    uint8_t digest[48];
    bool runtime = is_runtime(event);
    if (!digest_of(spec->format, event, digest))
        return false;
    json_begin_object(w);
    json_put_key(w, "imr");
    json_put_u64(w, event->rtmr);
    json_put_key(w, "event_type");
    json_put_u64(w, event->type);
    json_put_key(w, "digest");
    json_put_hex(w, span_of(digest, runtime && spec->lite ? 0 : sizeof digest));
    json_put_key(w, "event");
    json_put_text(w, runtime ? event->name : "");
    json_put_key(w, "event_payload");
    json_put_hex(w, span_of(event->data.at, runtime ? event->data.len : 0));
    if (runtime && spec->format == LOG_DSTACK_V2) {
        json_put_key(w, "version");
        json_put_u64(w, 2);
    }
    json_end_object(w);
    return true;
}

static bool put_dstack(const struct sim_log_spec *spec, struct sink *out)
{
    struct json_writer w = json_write_to(out, 0);
    json_begin_array(&w);
    for (size_t i = 0; i < spec->count; i++) {
        if (!put_dstack_event(&w, spec, &spec->events[i]))
            return false;
    }
    json_end_array(&w);
    return json_write_ok(&w);
}

bool sim_log(const struct sim_log_spec *spec, struct sink *out)
{
    switch (spec->format) {
    case LOG_CCEL:
        return put_ccel(spec, out);
    case LOG_DSTACK_V1:
    case LOG_DSTACK_V2:
        return put_dstack(spec, out);
    case LOG_NONE:
        break;
    }
    return false;
}
