/* verify.c - `ward verify`: judges evidence offline through the public face of libward.  It
   sends no packet unless --tls asks for it. */
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "cmd/appraisal.h"
#include "cmd/command.h"
#include "cmd/input.h"
#include "cmd/progress.h"
#include "cmd/verify_text.h"
#include "net/peer.h"
#include "os/clock.h"
#include "os/jail.h"
#include "ward/verify.h"

enum {
    OPT_TYPE,
    OPT_CERT,
    OPT_TLS,
    OPT_AT,
    OPT_COLLATERAL,
    OPT_TCB_INFO,
    OPT_QE_IDENTITY,
    OPT_PCK_CRL,
    OPT_ROOT_CRL,
    OPT_TCB_SIGNING_CERT,
    OPT_QE_SIGNING_CERT,
    OPT_PCK_CHAIN,
    OPT_ROOT,
    OPT_POLICY,
    OPT_EVENT_LOG,
    OPT_REPORT_DATA,
    OPT_NONCE,
    OPT_ALLOW_TCB,
    OPT_ALLOW_DEBUG,
    OPT_ALLOW_TRAILING,
    OPT_OFFLINE,
    OPT_JSON,
    OPT_REASONS,
};

static const struct option_spec options[] = {
    [OPT_TYPE] = { "--type", "TYPE", "auto tdx sgx nitro", "the kind of evidence (default auto)" },
    [OPT_CERT] = { "--cert", "FILE", NULL, "judge the evidence inside an RA-TLS certificate" },
    [OPT_TLS] = { "--tls", "HOST:PORT", NULL, "judge the certificate of a live TLS peer" },
    [OPT_AT] = { "--at", "TIME", NULL, "judge at this time: RFC 3339 or unix seconds" },
    [OPT_COLLATERAL] = { "--collateral", "DIR", NULL, "collateral, recognised by content" },
    [OPT_TCB_INFO] = { "--tcb-info", "FILE", NULL, "TCB info of the platform" },
    [OPT_QE_IDENTITY] = { "--qe-identity", "FILE", NULL, "identity of the quoting enclave" },
    [OPT_PCK_CRL] = { "--pck-crl", "FILE", NULL, "revocation list of the PCK CA" },
    [OPT_ROOT_CRL] = { "--root-crl", "FILE", NULL, "revocation list of the root CA" },
    [OPT_TCB_SIGNING_CERT] = { "--tcb-signing-cert", "FILE", NULL,
                               "certificate that signs the TCB info" },
    [OPT_QE_SIGNING_CERT] = { "--qe-identity-signing-cert", "FILE", NULL,
                              "certificate that signs the QE identity (default: the same)" },
    [OPT_PCK_CHAIN] = { "--pck-chain", "FILE", NULL, "PCK chain, for quotes that carry none" },
    [OPT_ROOT] = { "--root", "FILE", NULL, "trust this root certificate too" },
    [OPT_POLICY] = { "--policy", "FILE", NULL, "appraisal policy in TOML" },
    [OPT_EVENT_LOG] = { "--event-log", "FILE", NULL, "CCEL or dstack log to replay" },
    [OPT_REPORT_DATA] = { "--report-data", "HEX", NULL, "the 64 bytes that are expected" },
    [OPT_NONCE] = { "--nonce", "HEX", NULL, "the nonce that is expected" },
    [OPT_ALLOW_TCB] = { "--allow-tcb", "STATUS,..", NULL, "accept these TCB statuses too" },
    [OPT_ALLOW_DEBUG] = { "--allow-debug", NULL, NULL, "accept workloads in debug mode" },
    [OPT_ALLOW_TRAILING] = { "--allow-trailing", NULL, NULL, "accept bytes after a quote" },
    [OPT_OFFLINE] = { "--offline", NULL, NULL,
                      "give up the network for good before anything is read" },
    [OPT_JSON] = { "--json", NULL, NULL, "print one JSON object" },
    [OPT_REASONS] = { "--reasons", NULL, NULL, "list every reason code and stop" },
};

/* Everything that a run holds; freed by job_fini whatever was reached. */
struct job {
    struct invocation *invocation;
    struct ward_policy *policy;
    struct ward_collateral *collateral;
    struct ward_verifier *verifier;
    struct ward_result *result;
    struct ward_request request;
};

static void job_fini(struct job *job)
{
    ward_result_free(&job->result);
    ward_verifier_free(&job->verifier);
    ward_collateral_free(&job->collateral);
    ward_policy_free(&job->policy);
}

static const char *value_of(const struct job *job, size_t option)
{
    return job->invocation->values[option];
}

static bool read_option_file(struct job *job, size_t option, size_t max, struct ward_bytes *out)
{
    const char *path = value_of(job, option);
    return path == NULL || input_file(&job->invocation->arena, path, max, out);
}

static bool allow_statuses(struct job *job, const char *list)
{
    while (true) {
        struct ward_error error = { 0 };
        char status[64];
        size_t len = strcspn(list, ",");
        int wrote = snprintf(status, sizeof status, "%.*s", (int)len, list);
        if (wrote < 0 || (size_t)wrote >= sizeof status)
            status[0] = 0;
        if (ward_policy_allow_tcb(job->policy, status, &error) != WARD_DONE)
            return appraisal_said(&error);
        list += len;
        if (*list == 0)
            return true;
        list++;
    }
}

static bool load_policy(struct job *job)
{
    if (!appraisal_policy(job->invocation, value_of(job, OPT_POLICY), value_of(job, OPT_ROOT),
                          &job->policy))
        return false;
    if (option_given(job->invocation, OPT_ALLOW_DEBUG))
        ward_policy_allow_debug(job->policy);
    if (option_given(job->invocation, OPT_ALLOW_TRAILING))
        ward_policy_allow_trailing(job->policy);
    const char *statuses = value_of(job, OPT_ALLOW_TCB);
    return statuses == NULL || allow_statuses(job, statuses);
}

static bool load_collateral(struct job *job)
{
    struct ward_collateral_files files = { 0 };
    struct ward_error error = { 0 };
    const struct {
        size_t option;
        struct ward_bytes *file;
    } named[] = {
        { OPT_TCB_INFO, &files.tcb_info },
        { OPT_QE_IDENTITY, &files.qe_identity },
        { OPT_PCK_CRL, &files.pck_crl },
        { OPT_ROOT_CRL, &files.root_crl },
        { OPT_TCB_SIGNING_CERT, &files.tcb_signing_cert },
        { OPT_QE_SIGNING_CERT, &files.qe_identity_signing_cert },
        { OPT_PCK_CHAIN, &files.pck_chain },
    };
    for (size_t i = 0; i < COUNT_OF(named); i++) {
        if (!read_option_file(job, named[i].option, COLLATERAL_FILE_MAX, named[i].file))
            return false;
    }
    struct ward_bytes *pool = NULL;
    const char *folder = value_of(job, OPT_COLLATERAL);
    if (folder != NULL && !input_folder(&job->invocation->arena, folder, &pool, &files.pool_count))
        return false;
    files.pool = pool;
    if (ward_collateral_new(&files, job->policy, &job->collateral, &error) != WARD_DONE)
        return appraisal_said(&error);
    job->request.collateral = job->collateral;
    return true;
}

/* Evidence comes from exactly one place. */
static bool load_evidence(struct job *job)
{
    struct invocation *in = job->invocation;
    size_t sources = in->operand_count + (option_given(in, OPT_CERT) ? 1u : 0u) +
                     (option_given(in, OPT_TLS) ? 1u : 0u);
    if (sources != 1) {
        say("verify: give one of EVIDENCE, --cert and --tls; see `ward help verify`");
        return false;
    }
    if (in->operand_count == 1)
        return input_file(&in->arena, in->operands[0], 4 * WARD_EVIDENCE_MAX,
                          &job->request.evidence);
    if (option_given(in, OPT_CERT))
        return input_file(&in->arena, value_of(job, OPT_CERT), WARD_EVIDENCE_MAX,
                          &job->request.certificate);
    return true;
}

static enum exit_code load_peer(struct job *job)
{
    const char *address = value_of(job, OPT_TLS);
    if (address == NULL)
        return EXIT_DONE;
    struct peer_error error = { 0 };
    struct span certificate;
    struct progress progress;
    const struct peer_request request = { .address = address,
                                          .timeout_ms = PEER_TIMEOUT_S * 1000,
                                          .tick = { progress_tick, &progress } };
    progress_begin(&progress, job->invocation, "asking the peer for its certificate");
    bool got = peer_certificate(&request, &job->invocation->arena, &certificate, &error);
    progress_end(&progress);
    if (!got) {
        say("%s: %s", address, error.message);
        return error.usage ? EXIT_USAGE : EXIT_UNREACHABLE;
    }
    job->request.certificate = (struct ward_bytes){ certificate.at, certificate.len, address };
    return EXIT_DONE;
}

static bool load_expectations(struct job *job)
{
    struct arena *arena = &job->invocation->arena;
    const char *text = value_of(job, OPT_REPORT_DATA);
    struct ward_bytes report_data = { 0 };
    if (text != NULL && !input_hex(arena, "--report-data", text, 64, &report_data))
        return false;
    if (text != NULL && report_data.len != 64) {
        say("verify: --report-data is 64 bytes (128 hex digits), not %zu", report_data.len);
        return false;
    }
    job->request.report_data = report_data.data;
    text = value_of(job, OPT_NONCE);
    if (text != NULL && !input_hex(arena, "--nonce", text, 1024, &job->request.nonce))
        return false;
    if (text != NULL && job->request.nonce.len == 0) {
        say("verify: --nonce is empty");
        return false;
    }
    text = value_of(job, OPT_AT);
    job->request.time = clock_now();
    return text == NULL || input_time(text, &job->request.time);
}

static enum ward_type type_of(const struct job *job)
{
    const char *name = value_of(job, OPT_TYPE);
    if (name == NULL || strcmp(name, "auto") == 0)
        return WARD_TYPE_AUTO;
    if (strcmp(name, "tdx") == 0)
        return WARD_TYPE_TDX;
    return strcmp(name, "sgx") == 0 ? WARD_TYPE_SGX : WARD_TYPE_NITRO;
}

static enum exit_code print_result(struct job *job)
{
    struct ward_error error = { 0 };
    bool allowed = ward_result_allowed(job->result);
    if (option_given(job->invocation, OPT_JSON)) {
        char *json = arena_alloc(&job->invocation->arena, WARD_RESULT_JSON);
        size_t len;
        if (json == NULL ||
            ward_result_json(job->result, json, WARD_RESULT_JSON, &len, &error) != WARD_DONE) {
            appraisal_said(&error);
            return EXIT_INTERNAL;
        }
        fwrite(json, 1, len, stdout);
        fputc('\n', stdout);
    } else {
        verify_text_print(stdout, job->result, job->request.time);
    }
    return allowed ? EXIT_DONE : EXIT_NO;
}

static enum exit_code judge(struct job *job)
{
    struct ward_error error = { 0 };
    struct ward_bytes log = { 0 };
    if (!(load_evidence(job) && load_policy(job) && load_collateral(job) &&
          load_expectations(job) && read_option_file(job, OPT_EVENT_LOG, WARD_EVENT_LOG_MAX, &log)))
        return EXIT_USAGE;
    enum exit_code code = load_peer(job);
    if (code != EXIT_DONE)
        return code;
    job->request.event_log = log;
    job->request.policy = job->policy;
    job->request.type = type_of(job);
    if (ward_verifier_new(&job->verifier, &error) != WARD_DONE ||
        ward_result_new(&job->result, &error) != WARD_DONE) {
        appraisal_said(&error);
        return EXIT_INTERNAL;
    }
    ward_verify(job->verifier, &job->request, job->result);
    return print_result(job);
}

/* From here on the kernel ends this process when it touches a socket. */
static enum exit_code go_offline(const struct invocation *in)
{
    if (!option_given(in, OPT_OFFLINE))
        return EXIT_DONE;
    if (option_given(in, OPT_TLS)) {
        say("verify: --tls asks a peer, --offline asks nobody: give one of them");
        return EXIT_USAGE;
    }
    if (rc_ok(jail_offline(NULL)))
        return EXIT_DONE;
    say("verify: --offline: this system has no filter of system calls to hold it; without "
        "--offline nothing is sent either, and nobody watches over it");
    return EXIT_INTERNAL;
}

static enum exit_code run(struct invocation *invocation)
{
    enum exit_code offline = go_offline(invocation);
    if (offline != EXIT_DONE)
        return offline;
    if (option_given(invocation, OPT_REASONS)) {
        verify_text_reasons(stdout, option_given(invocation, OPT_JSON));
        return EXIT_DONE;
    }
    struct job job = { .invocation = invocation };
    enum exit_code code = judge(&job);
    job_fini(&job);
    return code;
}

const struct command command_verify = {
    .name = "verify",
    .operands = "EVIDENCE|-",
    .operands_max = 1,
    .summary = "judge hardware evidence, offline",
    .description =
        "Judges an Intel TDX or SGX quote or an AWS Nitro attestation document: parses it,\n"
        "verifies every signature up to a pinned vendor root, applies revocation lists and\n"
        "collateral as of the given time, replays the event log, and asks the policy.\n"
        "The evidence is raw, hex or base64.  Nothing is sent anywhere, except by --tls;\n"
        "with --offline the kernel sees to that.  How old the collateral is is always said.\n\n"
        "Prints the decision with its reasons, refusals first.  The exit status is 0 when the\n"
        "evidence is allowed, 1 when it is denied, 2 when arguments or files cannot be used.",
    .example = "ward verify quote.bin --collateral ./collateral --at 2025-07-04T10:16:31Z",
    .options = options,
    .option_count = COUNT_OF(options),
    .schema = "verify.json",
    .run = run,
};
