/* evidence.c - see evidence.h.  Never judges: it brings bytes, a time and a policy together. */
#include "evidence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "base/sink.h"
#include "lib/objects.h"
#include "sim/sim.h"

enum { FILE_MAX = 1 << 20, SIM_ROOM = 64 * 1024 };

/* Genuine evidence: paths in attest/ of the vectors, and when it was valid. */
struct genuine {
    const char *evidence;
    const char *files[EVIDENCE_FILES]; /* the first missing one ends the list */
    const char *allow_tcb;             /* a status other than UpToDate */
    int64_t time;
};

static const struct genuine genuine[BENCH_EVIDENCE_COUNT] = {
    [BENCH_TDX] = { "tdx/dcap-qvl_tdx-quote_f1c850.quote.bin",
                    { "tdx/collateral/tcbinfo_tdx_v3_b0c06f000000_eval17_2025-06-19_369f.json",
                      "tdx/collateral/qeidentity_td_qe_v2_eval17_2025-06-19_261a.json",
                      "tdx/collateral/crl_platform_2025-06-19_e583.der",
                      "tdx/collateral/crl_root_2025-03-20_ad6f.der",
                      "tdx/collateral/intel_tcb_signing_2025.pem",
                      "tdx/collateral/intel_pck_platform_ca_0.pem" },
                    NULL,
                    1751624191 },
    [BENCH_SGX] = { "sgx/dcap-qvl_sgx-quote_f8b810.quote.bin",
                    { "sgx/collateral/tcbinfo_sgx_v3_00a067110000_eval17_2025-06-19_f935.json",
                      "sgx/collateral/qeidentity_qe_v2_eval17_2025-06-19_e37b.json",
                      "tdx/collateral/crl_processor_2025-06-19_5b07.der",
                      "tdx/collateral/crl_root_2025-03-20_ad6f.der",
                      "tdx/collateral/intel_tcb_signing_2025.pem" },
                    "ConfigurationAndSWHardeningNeeded",
                    1751624924 },
    [BENCH_NITRO] = { "nitro/evervault_non-debug-cert-containing-attestation-document-"
                      "18-1-23-der_061b9b.cose.bin",
                      { NULL },
                      NULL,
                      1674047239 },
};

static const char *const genuine_logs[2] = {
    "eventlog/go-tdx-guest_ccel-data-dat.ccel.bin",
    "eventlog/dstack_tdx-lite-getquote.dstack-eventlog.json",
};

static bool read_vector(const char *name, struct ward_bytes *out)
{
    char path[4096];
    const char *root = getenv("WARD_VECTORS");
    if (root == NULL || root[0] == 0)
        root = WARD_SOURCE "/../shared/vectors";
    (void)snprintf(path, sizeof path, "%s/attest/%s", root, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return false;
    uint8_t *bytes = malloc(FILE_MAX);
    size_t len = bytes == NULL ? 0 : fread(bytes, 1, FILE_MAX, file);
    fclose(file);
    out->data = bytes;
    out->len = len;
    out->name = name;
    return len > 0;
}

static bool find_genuine(const struct genuine *from, struct evidence *out)
{
    struct ward_error error = { 0 };
    if (!read_vector(from->evidence, &out->bytes))
        return false;
    for (size_t i = 0; i < EVIDENCE_FILES && from->files[i] != NULL; i++)
        if (!read_vector(from->files[i], &out->files[out->file_count++]))
            return false;
    out->time = from->time;
    out->genuine = true;
    return ward_policy_new(&out->policy, &error) == WARD_DONE &&
           (from->allow_tcb == NULL ||
            ward_policy_allow_tcb(out->policy, from->allow_tcb, &error) == WARD_DONE);
}

/* --- made here ----------------------------------------------------------------------- */

static const struct sim_authority *authority(void)
{
    static struct sim_authority made;
    static bool ready;
    ready = ready || sim_authority_init(&made, span_text("bench"));
    return ready ? &made : NULL;
}

/* The sink that the next file is written to. */
static struct sink room_new(void)
{
    uint8_t *room = malloc(SIM_ROOM);
    return sink_over(room, room == NULL ? 0 : SIM_ROOM);
}

static struct ward_bytes bytes_of(const struct sink *sink, const char *name)
{
    return (struct ward_bytes){ sink_bytes(sink).at, sink_bytes(sink).len, name };
}

static bool trust(struct evidence *out, const struct sink *root)
{
    struct ward_error error = { 0 };
    if (ward_policy_new(&out->policy, &error) != WARD_DONE ||
        ward_policy_add_root(out->policy, bytes_of(root, "root"), &error) != WARD_DONE)
        return false;
    /* That root alone: certificates of it are not tried with the vendors' keys before. */
    out->policy->roots[0] = out->policy->roots[out->policy->root_count - 1];
    out->policy->root_count = 1;
    return true;
}

static bool make_quote(enum evidence_kind kind, struct evidence *out)
{
    bool (*const writers[])(const struct sim_authority *, const struct sim_spec *,
                            struct sink *) = { sim_tcb_info, sim_qe_identity,   sim_pck_crl,
                                               sim_root_crl, sim_signing_chain, sim_pck_chain };
    struct sim_spec spec = sim_spec_default(kind, SIM_SET_TIME);
    struct sink quote = room_new();
    struct sink root = room_new();
    if (authority() == NULL || !sim_quote(authority(), &spec, &quote) ||
        !sim_root(authority(), &spec, &root) || !trust(out, &root))
        return false;
    for (size_t i = 0; i < COUNT_OF(writers); i++) {
        struct sink file = room_new();
        if (!writers[i](authority(), &spec, &file))
            return false;
        out->files[out->file_count++] = bytes_of(&file, "collateral");
    }
    out->bytes = bytes_of(&quote, "quote");
    return true;
}

static bool make_document(struct evidence *out)
{
    struct sim_nitro_spec spec = sim_nitro_default(SIM_SET_TIME);
    struct sink document = room_new();
    struct sink root = room_new();
    if (authority() == NULL || !sim_nitro_document(authority(), &spec, &document) ||
        !sim_nitro_root(authority(), &spec, &root) || !trust(out, &root))
        return false;
    out->bytes = bytes_of(&document, "document");
    return true;
}

static bool make(enum evidence_name name, struct evidence *out)
{
    *out = (struct evidence){ .time = SIM_SET_TIME };
    if (name == BENCH_NITRO)
        return make_document(out);
    return make_quote(name == BENCH_TDX ? EVIDENCE_TDX_V4 : EVIDENCE_SGX_V3, out);
}

const struct evidence *evidence_find(enum evidence_name name)
{
    static struct evidence found[BENCH_EVIDENCE_COUNT];
    static bool ready[BENCH_EVIDENCE_COUNT];
    if (!ready[name])
        ready[name] = find_genuine(&genuine[name], &found[name]) || make(name, &found[name]);
    return ready[name] ? &found[name] : NULL;
}

struct span evidence_log(bool dstack, bool *is_genuine)
{
    static struct span logs[2];
    static bool from_folder[2];
    struct ward_bytes bytes;
    struct span *log = &logs[dstack];
    if (log->len == 0 && read_vector(genuine_logs[dstack], &bytes)) {
        *log = span_of(bytes.data, bytes.len);
        from_folder[dstack] = true;
    }
    if (log->len == 0) {
        struct sim_log_spec spec = sim_log_default(dstack ? LOG_DSTACK_V1 : LOG_CCEL);
        struct sink made = room_new();
        if (sim_log(&spec, &made))
            *log = sink_bytes(&made);
    }
    *is_genuine = from_folder[dstack];
    return *log;
}

struct ward_collateral *evidence_snapshot(const struct evidence *evidence)
{
    const struct ward_collateral_files files = { .pool = evidence->files,
                                                 .pool_count = evidence->file_count };
    struct ward_collateral *snapshot = NULL;
    struct ward_error error = { 0 };
    if (ward_collateral_new(&files, evidence->policy, &snapshot, &error) != WARD_DONE)
        return NULL;
    return snapshot;
}

struct ward_request evidence_request(const struct evidence *evidence, struct ward_bytes bytes,
                                     const struct ward_collateral *collateral)
{
    return (struct ward_request){ .evidence = bytes,
                                  .time = evidence->time,
                                  .collateral = collateral,
                                  .policy = evidence->policy };
}
