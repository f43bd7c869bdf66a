/* evidence.c - `ward evidence`: what this house can show of itself to a verifier. */
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "cmd/evidence_source.h"
#include "cmd/house_ask.h"
#include "cmd/input.h"
#include "cmd/settings_load.h"
#include "cmd/show_call.h"
#include "codec/base64.h"
#include "model/api.h"
#include "model/tee.h"
#include "os/file.h"

enum {
    OPT_REPORT_DATA = SETTINGS_OPTION_COUNT,
    OPT_NONCE,
    OPT_OUT,
    OPT_EVENT_LOG,
    OPT_SOURCE,
    OPT_JSON,
    REPORT_DATA = 64,
    EVIDENCE_MS = 10000
};

static const struct option_spec options[] = {
    SETTINGS_OPTIONS,
    [OPT_REPORT_DATA] = { "--report-data", "HEX", NULL, "the 64 bytes that it is to bear" },
    [OPT_NONCE] = { "--nonce", "HEX", NULL, "these bytes, and zeros after them" },
    [OPT_OUT] = { "--out", "FILE", NULL, "write the evidence there, as it is" },
    [OPT_EVENT_LOG] = { "--event-log", "FILE", NULL, "write the event log there" },
    [OPT_SOURCE] = { "--source", "SOURCE", NULL,
                     "ask this machine's own source and no house: auto, nsm, tsm, dstack, tappd, "
                     "each with :PATH where it is elsewhere, or house:STATE" },
    [OPT_JSON] = { "--json", NULL, NULL, "print one JSON object" },
};

/* As `ward verify` looks for them. */
static bool read_report_data(struct invocation *in, uint8_t out[REPORT_DATA])
{
    bool whole = option_given(in, OPT_REPORT_DATA);
    struct ward_bytes bytes = { 0 };
    if (whole == option_given(in, OPT_NONCE)) {
        say("evidence: give --report-data or --nonce, one of them");
        return false;
    }
    const char *name = whole ? "--report-data" : "--nonce";
    if (!input_hex(&in->arena, name, in->values[whole ? OPT_REPORT_DATA : OPT_NONCE], REPORT_DATA,
                   &bytes))
        return false;
    if (bytes.len == 0 || (whole && bytes.len != REPORT_DATA)) {
        say("evidence: %s: %zu bytes, %s wanted", name, bytes.len, whole ? "64" : "1 to 64");
        return false;
    }
    memset(out, 0, REPORT_DATA);
    memcpy(out, bytes.data, bytes.len);
    return true;
}

static bool write_file(const struct invocation *in, size_t option, struct span bytes)
{
    const char *path = in->values[option];
    if (path == NULL)
        return true;
    rc written = file_write_atomic(NULL, path, bytes, 0644);
    if (!rc_ok(written))
        say("evidence: %s: %s", path, file_error_text(written));
    return rc_ok(written);
}

static enum exit_code print_hex(struct span bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        printf("%02x", bytes.at[i]);
    putchar('\n');
    return fflush(stdout) == 0 ? EXIT_DONE : EXIT_INTERNAL;
}

static enum exit_code show(struct invocation *in, const struct api_attest_evidence_response *made,
                           const struct owner_reply *reply)
{
    if (!made->hardware)
        note(in, TEE_MARK ": this evidence proves nothing about hardware");
    if (!write_file(in, OPT_OUT, made->evidence) || !write_file(in, OPT_EVENT_LOG, made->event_log))
        return EXIT_USAGE;
    if (option_given(in, OPT_JSON))
        return house_print_json(reply);
    return option_given(in, OPT_OUT) ? EXIT_DONE : print_hex(made->evidence);
}

/* Whether it is hardware's is not for the source to say: a verifier finds out. */
static enum exit_code ask_source(struct invocation *in, const uint8_t report_data[REPORT_DATA])
{
    struct source_name name;
    struct source_evidence made;
    if (shows_calls(in)) {
        say("evidence: a source is not asked by a call of the house: nothing to show");
        return EXIT_USAGE;
    }
    enum exit_code code = evidence_source_get(in, in->values[OPT_SOURCE], report_data, &name,
                                              &made);
    if (code != EXIT_DONE)
        return code;
    note(in, "evidence: from %s:%s", source_kind_name(name.kind), name.path);
    if (made.simulated)
        note(in, TEE_MARK ": this evidence proves nothing about hardware");
    if (!write_file(in, OPT_OUT, made.evidence) || !write_file(in, OPT_EVENT_LOG, made.event_log))
        return EXIT_USAGE;
    if (option_given(in, OPT_JSON))
        return evidence_source_print(in, &name, &made);
    return option_given(in, OPT_OUT) ? EXIT_DONE : print_hex(made.evidence);
}

static enum exit_code run(struct invocation *in)
{
    struct settings_loaded loaded;
    struct owner_reply reply;
    struct api_attest_evidence_response made;
    uint8_t report_data[REPORT_DATA], text[2 * REPORT_DATA];
    struct sink body = sink_over(text, sizeof text);
    if (!read_report_data(in, report_data))
        return EXIT_USAGE;
    if (option_given(in, OPT_SOURCE))
        return ask_source(in, report_data);
    enum exit_code code = settings_load(in, &loaded);
    if (code != EXIT_DONE)
        return code;
    sink_text(&body, "{\"report_data\":\"");
    base64_encode(&body, SPAN(report_data));
    sink_text(&body, "\"}");
    struct owner_request request = { .state = loaded.config.settings.state,
                                     .method = "POST",
                                     .target = "/v1/attest/evidence",
                                     .body = sink_bytes(&body),
                                     .timeout_ms = EVIDENCE_MS };
    code = house_ask(in, &request, &api_attest_evidence_response, &made, &reply);
    if (code != EXIT_DONE || shows_calls(in))
        return code;
    return show(in, &made, &reply);
}

const struct command command_evidence = {
    .name = "evidence",
    .operands = "",
    .summary = "have the house make evidence of itself",
    .description =
        "Prints a TDX quote in hex that bears the given bytes and the measurements of the\n"
        "house's programs: MRTD is the SHA-384 of ward-monitor, RTMR 3 names each of the\n"
        "others as the event log tells.\n\n"
        "Without hardware it is signed under a root that this house made for itself, and proves\n"
        "nothing about hardware: `ward verify` accepts it only with --root STATE/tee/root.pem\n"
        "and --collateral STATE/tee/collateral, and never calls it hardware.\n\n"
        "The house is asked over its owner's socket and must be up.  It makes ten quotes a\n"
        "second and records each in the security log.\n\n"
        "With --source no house is asked, but what vouches for this machine: the Nitro Secure\n"
        "Module (nsm), Linux's report interface (tsm) or the guest agent of dstack (dstack, and\n"
        "tappd for its first version); auto looks for the agent's sockets first, the one that\n"
        "DSTACK_SIMULATOR_ENDPOINT names before all, then for /dev/nsm, then for the interface.\n"
        "What it answers is used only when it is whole and bears the given bytes.",
    .example = "ward evidence --nonce 00112233445566778899aabbccddeeff --out quote.bin",
    .options = options,
    .option_count = COUNT_OF(options),
    .schema = "evidence.json",
    .asks = true,
    .run = run,
};
