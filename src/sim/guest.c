/* guest.c - see guest.h.  The facts are those of dstack's guest agent, version 0.5. */
#include "sim/guest.h"

#include <string.h>

#include "base/number.h"
#include "codec/guest_agent.h"
#include "codec/json_write.h"
#include "crypto/ct.h"
#include "crypto/hash.h"

enum { VM_CONFIG_MAX = 256 };

struct sim_guest_app sim_guest_app_of(const uint8_t compose_hash[SIM_COMPOSE_HASH])
{
    uint8_t digest[SHA256_LEN];
    struct sim_guest_app app;
    const struct span parts[] = { span_text("ward simulated instance"),
                                  span_of(compose_hash, SIM_COMPOSE_HASH) };
    hash_sha256_parts(parts, COUNT_OF(parts), digest);
    memcpy(app.compose_hash, compose_hash, sizeof app.compose_hash);
    memcpy(app.id, compose_hash, sizeof app.id);
    memcpy(app.instance, digest, sizeof app.instance);
    return app;
}

/* --- the boot ------------------------------------------------------------------------- */

static struct span *value_of(struct sim_log_spec *log, const char *name)
{
    for (size_t i = 0; i < log->count; i++) {
        if (log->events[i].name != NULL && strcmp(log->events[i].name, name) == 0)
            return &log->events[i].data;
    }
    return NULL; /* the names below are all there */
}

static struct sim_log_spec boot(const struct sim_guest_app *app)
{
    struct sim_log_spec log = sim_log_default(LOG_DSTACK_V1);
    const struct {
        const char *name;
        struct span value;
    } said[] = { { "app-id", SPAN(app->id) },
                 { "compose-hash", SPAN(app->compose_hash) },
                 { "instance-id", SPAN(app->instance) } };
    for (size_t i = 0; i < COUNT_OF(said); i++) {
        struct span *value = value_of(&log, said[i].name);
        if (value != NULL)
            *value = said[i].value;
    }
    return log;
}

/* MRCONFIGID of the first version: 01 and the compose hash. */
static void measure(struct tdx_claims *tdx, const struct sim_log_spec *log,
                    const struct sim_guest_app *app)
{
    memset(tdx->mr_config_id, 0, sizeof tdx->mr_config_id);
    tdx->mr_config_id[0] = 1;
    memcpy(tdx->mr_config_id + 1, app->compose_hash, sizeof app->compose_hash);
    sim_log_registers(log, tdx->rtmr);
    memset(tdx->report_data, 0, sizeof tdx->report_data);
}

bool sim_guest_init(struct sim_guest *guest, struct span seed, const struct sim_guest_app *app,
                    int64_t now)
{
    memset(guest, 0, sizeof *guest);
    guest->app = *app;
    guest->spec = sim_spec_default(EVIDENCE_TDX_V4, now);
    struct sim_log_spec log = boot(&guest->app);
    struct sink text = sink_over(guest->log, sizeof guest->log);
    struct sink quote = sink_over(guest->quote, sizeof guest->quote);
    measure(&guest->spec.tdx, &log, &guest->app);
    bool made = sim_log(&log, &text) && sim_authority_init_intel(&guest->authority, seed) &&
                sim_quoting_scalar(seed, guest->scalar) &&
                sim_quote(&guest->authority, &guest->spec, &quote);
    guest->log_len = text.len;
    guest->quote_len = quote.len;
    if (!made)
        sim_guest_fini(guest);
    return made;
}

void sim_guest_fini(struct sim_guest *guest)
{
    sim_authority_fini(&guest->authority);
    ct_wipe(guest->scalar, sizeof guest->scalar);
    memset(guest, 0, sizeof *guest);
}

/* --- what is asked --------------------------------------------------------------------- */

static void put_hex(struct json_writer *w, const char *name, struct span bytes)
{
    json_put_key(w, name);
    json_put_hex(w, bytes);
}

static void put_text(struct json_writer *w, const char *name, struct span text)
{
    json_put_key(w, name);
    json_put_span(w, text);
}

static struct span log_of(const struct sim_guest *guest)
{
    return span_of(guest->log, guest->log_len);
}

/* The image of the guest; the log has it, too. */
static struct span image_of(const struct sim_guest *guest)
{
    struct sim_log_spec log = boot(&guest->app);
    const struct span *image = value_of(&log, "os-image-hash");
    return image != NULL ? *image : (struct span){ 0 };
}

/* A JSON text. */
static struct span vm_config_of(const struct sim_guest *guest, struct sink *text)
{
    struct json_writer inner = json_write_to(text, 0);
    json_begin_object(&inner);
    put_hex(&inner, "os_image_hash", image_of(guest));
    json_end_object(&inner);
    return sink_bytes(text);
}

static unsigned put_quote(struct sim_guest *guest, const uint8_t *report_data, struct sink *out)
{
    uint8_t bytes[VM_CONFIG_MAX];
    struct sink text = sink_over(bytes, sizeof bytes);
    if (!sim_quote_renew(guest->quote, guest->quote_len, report_data, SPAN(guest->scalar)))
        return guest_agent_refuse(out, "no memory to sign with");
    const struct guest_agent_quote quote = { .quote = span_of(guest->quote, guest->quote_len),
                                             .event_log = log_of(guest),
                                             .vm_config = vm_config_of(guest, &text),
                                             .report_data = report_data };
    return guest_agent_put_quote(out, &quote);
}

/* SHA-256 of all registers; those of the configuration count when one of them is set, as MRCONFIGID
   is here. */
static void aggregate(const struct tdx_claims *tdx, uint8_t digest[SHA256_LEN])
{
    const struct span parts[] = { SPAN(tdx->mrtd),     SPAN(tdx->rtmr[0]),
                                  SPAN(tdx->rtmr[1]),  SPAN(tdx->rtmr[2]),
                                  SPAN(tdx->rtmr[3]),  SPAN(tdx->mr_config_id),
                                  SPAN(tdx->mr_owner), SPAN(tdx->mr_owner_config) };
    hash_sha256_parts(parts, COUNT_OF(parts), digest);
}

/* What Info says twice. */
static void put_identity(struct json_writer *w, const struct sim_guest *guest)
{
    uint8_t digest[SHA256_LEN];
    aggregate(&guest->spec.tdx, digest);
    put_hex(w, "mr_aggregated", SPAN(digest));
    put_hex(w, "os_image_hash", image_of(guest));
    put_hex(w, "compose_hash", SPAN(guest->app.compose_hash));
    hash_sha256((struct span){ 0 }, digest); /* the guest does not know its machine */
    put_hex(w, "device_id", SPAN(digest));
}

static void put_tcb_info(struct json_writer *w, const struct sim_guest *guest)
{
    static const char *const names[] = { "rtmr0", "rtmr1", "rtmr2", "rtmr3" };
    uint8_t bytes[GUEST_AGENT_ANSWER_MAX / 4];
    struct sink text = sink_over(bytes, sizeof bytes);
    struct json_writer inner = json_write_to(&text, 0);
    json_begin_object(&inner);
    put_hex(&inner, "mrtd", SPAN(guest->spec.tdx.mrtd));
    for (size_t i = 0; i < COUNT_OF(names); i++)
        put_hex(&inner, names[i], SPAN(guest->spec.tdx.rtmr[i]));
    put_identity(&inner, guest);
    json_put_key(&inner, "event_log");
    json_put_raw(&inner, log_of(guest));
    json_put_key(&inner, "app_compose");
    json_put_text(&inner, "");
    json_end_object(&inner);
    put_text(w, "tcb_info", sink_bytes(&text));
}

static unsigned put_info(const struct sim_guest *guest, struct sink *out)
{
    uint8_t bytes[VM_CONFIG_MAX];
    struct sink text = sink_over(bytes, sizeof bytes);
    struct json_writer w = json_write_to(out, 0);
    json_begin_object(&w);
    put_hex(&w, "app_id", SPAN(guest->app.id));
    put_hex(&w, "instance_id", SPAN(guest->app.instance));
    json_put_key(&w, "app_cert");
    json_put_text(&w, "");
    put_tcb_info(&w, guest);
    json_put_key(&w, "app_name");
    json_put_text(&w, "simulated");
    put_identity(&w, guest);
    json_put_key(&w, "key_provider_info");
    json_put_text(&w, "{\"name\":\"none\",\"id\":\"\"}");
    put_text(&w, "vm_config", vm_config_of(guest, &text));
    json_put_key(&w, "cloud_vendor");
    json_put_text(&w, "");
    json_put_key(&w, "cloud_product");
    json_put_text(&w, "");
    json_end_object(&w);
    return GUEST_AGENT_OK;
}

unsigned sim_guest_answer(struct sim_guest *guest, struct span path, struct span body,
                          struct sink *out)
{
    struct guest_agent_ask ask;
    const char *why = guest_agent_read(path, body, &ask);
    if (why != NULL)
        return guest_agent_refuse(out, why);
    switch (ask.method) {
    case GUEST_AGENT_GET_QUOTE:
        return put_quote(guest, ask.report_data, out);
    case GUEST_AGENT_INFO:
        return put_info(guest, out);
    case GUEST_AGENT_VERSION:
        return guest_agent_put_version(out, "simulated");
    case GUEST_AGENT_OTHER:
        break;
    }
    return guest_agent_refuse(out, "this guest agent has GetQuote, Info and Version");
}
