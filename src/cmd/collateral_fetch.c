/* collateral_fetch.c - `ward collateral fetch`: brings collateral from PCS or a PCCS into a
   folder.

   A mirror is not trusted: a reply is kept only when its signature leads to a trusted root, it
   is valid now, and it is not older than what the folder holds already.  What is superseded is
   taken away again (collateral_folder.h). */
#include <stdio.h>
#include <string.h>

#include "attest/dcap.h"
#include "base/cursor.h"
#include "base/number.h"
#include "base/sink.h"
#include "base/time.h"
#include "cmd/collateral_folder.h"
#include "cmd/collateral_mirrors.h"
#include "cmd/command.h"
#include "cmd/config_print.h"
#include "cmd/input.h"
#include "cmd/progress.h"
#include "cmd/show_call.h"
#include "codec/hex.h"
#include "lib/evidence.h"
#include "net/fetch.h"
#include "os/clock.h"
#include "os/fd.h"
#include "ward/collateral.h"
#include "ward/verify.h"

enum {
    OPT_QUOTE,
    OPT_FMSPC,
    OPT_TEE,
    OPT_CA,
    OPT_MIRROR,
    OPT_PROXY,
    OPT_CACERT,
    OPT_TIMEOUT,
    OPT_ROOT,
    OPT_AT,
    OPT_KEEP_ALL,
    OPT_JSON,
};

enum { RESOURCES = 4 };
enum { TIMEOUT_DEFAULT_S = 20, TIMEOUT_MAX_S = 600 };
enum { ATTEMPT_MEMORY_MAX = 64 * 1024 * 1024 };

#define PCS_ROOT_CRL "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der"

static const struct option_spec options[] = {
    [OPT_QUOTE] = { "--quote", "FILE", NULL, "take FMSPC, TEE and CA from this quote" },
    [OPT_FMSPC] = { "--fmspc", "HEX", NULL, "the platform's FMSPC: 12 hex digits" },
    [OPT_TEE] = { "--tee", "TEE", "tdx sgx", "which TEE (default tdx)" },
    [OPT_CA] = { "--ca", "CA", "platform processor",
                 "which CA issued the PCK certificate (default platform)" },
    [OPT_MIRROR] = { "--mirror", "URL,..", NULL,
                     "PCS or PCCS bases, tried in order (default: Intel's PCS); with a password in "
                     "it as @FILE, -, credential:NAME or env-file:FILE:NAME" },
    [OPT_PROXY] = { "--proxy", "URL", NULL,
                    "ask through this proxy; with a password in it as for --mirror" },
    [OPT_CACERT] = { "--cacert", "FILE", NULL, "CAs of the mirrors (default: the system's)" },
    [OPT_TIMEOUT] = { "--timeout", "SECONDS", NULL, "for each request (default 20)" },
    [OPT_ROOT] = { "--root", "FILE", NULL, "trust this root certificate too" },
    [OPT_AT] = { "--at", "TIME", NULL, "what must be valid at this time (default: now)" },
    [OPT_KEEP_ALL] = { "--keep-all", NULL, NULL, "take away nothing that is superseded" },
    [OPT_JSON] = { "--json", NULL, NULL, "print one JSON object" },
};

/* What is fetched, in the layout of PCS API v4, which PCCS serves too. */
struct resource {
    const char *label;    /* what messages call it */
    const char *stem;     /* what its file's name begins with */
    const char *kind;     /* as ward_collateral_item calls it */
    const char *path;     /* %s: the FMSPC or the CA's name */
    const char *chain;    /* reply header with the issuer chain, or NULL */
    const char *pcs_only; /* the whole URL at Intel's own service, or NULL */
    const char *ending;
    const char *detail; /* as ward_collateral_item describes what was asked for */
};

struct plan {
    struct invocation *in;
    struct ward_policy *policy;
    struct mirrors mirrors;
    struct kept_folder folder;
    long timeout_ms;
    struct progress progress;
    const char *missing[RESOURCES]; /* labels of what no mirror gave */
    size_t missing_count;
    struct span chains; /* PEM of the replies taken so far: the issuers of what comes later */
};

static bool is_pcs(const char *mirror)
{
    return strcmp(mirror, MIRRORS_PCS) == 0;
}

/* The chain header is URL-encoded PEM. */
static bool url_decode(struct span in, struct sink *out)
{
    struct cursor at = cur_over(in);
    uint8_t c;
    while (cur_u8(&at, &c)) {
        struct span digits;
        uint8_t byte;
        if (c != '%') {
            sink_u8(out, c);
            continue;
        }
        if (!cur_take(&at, 2, &digits) || !hex_decode(digits, &byte, 1))
            return false;
        sink_u8(out, byte);
    }
    return sink_ok(out);
}

static bool read_chain(struct arena *arena, struct span header, struct span *out)
{
    uint8_t *room = arena_alloc(arena, header.len + 1);
    struct sink pem = sink_over(room, room == NULL ? 0 : header.len + 1);
    if (!url_decode(header, &pem))
        return false;
    if (header.len > 0)
        sink_u8(&pem, '\n');
    *out = sink_bytes(&pem);
    return sink_ok(&pem);
}

static bool chain_is_kept(const struct plan *plan, struct span chain)
{
    return chain.len == 0 || (plan->chains.len > 0 && memmem(plan->chains.at, plan->chains.len,
                                                             chain.at, chain.len) != NULL);
}

/* Only the chain of a reply that was taken is kept: a mirror that lies must not spoil what the
   next one says. */
static bool keep_chain(struct plan *plan, struct span chain)
{
    struct span parts[] = { plan->chains, chain };
    size_t cap = plan->chains.len + chain.len;
    uint8_t *room = arena_alloc(&plan->in->arena, cap);
    if (room == NULL)
        return false;
    struct sink out = sink_over(room, cap);
    for (size_t i = 0; i < COUNT_OF(parts); i++)
        sink_put(&out, parts[i]);
    plan->chains = sink_bytes(&out);
    return sink_ok(&out);
}

/* The names of what is judged together. */
static const char reply_name[] = "reply", chain_name[] = "chain";

/* What is wrong with a reply as a whole; NULL, and its one item, when nothing is. */
static const char *reply_fault(const struct ward_collateral *got, const struct resource *resource,
                               struct ward_collateral_item *out)
{
    struct ward_collateral_item item;
    size_t found = 0;
    for (size_t i = 0; ward_collateral_item(got, i, &item); i++) {
        if (strcmp(item.name, reply_name) == 0) {
            *out = item;
            found++;
        }
        if (strcmp(item.name, chain_name) == 0 &&
            (!item.genuine || strcmp(item.kind, "certificate") != 0))
            return "its issuer chain does not lead to a trusted root";
    }
    bool wanted = found == 1 && strcmp(out->kind, resource->kind) == 0 &&
                  (!out->genuine || strcmp(out->detail, resource->detail) == 0);
    return wanted ? NULL : "not what was asked for";
}

/* A newer one of the same thing in the folder makes the reply a rollback. */
static bool is_rollback(const struct ward_collateral *held, const struct ward_collateral_item *got)
{
    struct ward_collateral_item item;
    for (size_t i = 0; ward_collateral_item(held, i, &item); i++) {
        if (!item.genuine || strcmp(item.kind, got->kind) != 0 ||
            strcmp(item.detail, got->detail) != 0)
            continue;
        if (item.evaluation_number > got->evaluation_number || item.valid_from > got->valid_from)
            return true;
    }
    return false;
}

static const char *fault_of(const struct plan *plan, const struct ward_collateral *held,
                            const struct ward_collateral_item *item)
{
    struct window window = { item->valid_from, item->valid_until };
    if (!item->genuine)
        return item->problem;
    switch (window_side_of(window, plan->folder.now)) {
    case WINDOW_BEFORE:
        return "not valid yet";
    case WINDOW_AFTER:
        return "expired";
    case WINDOW_INSIDE:
        break;
    }
    return is_rollback(held, item) ? "older than what the folder holds" : NULL;
}

/* Judges one reply against the folder; NULL when it is good. */
static const char *judge_reply(const struct plan *plan, const struct resource *resource,
                               struct arena *arena, const struct ward_bytes files[3],
                               struct ward_collateral_item *item)
{
    struct ward_error error = { 0 };
    struct ward_bytes *held_files;
    struct ward_collateral_files held = { 0 };
    struct ward_collateral_files got = { .pool = files, .pool_count = 3 };
    struct ward_collateral *before = NULL, *after = NULL;
    const char *fault = "the folder cannot be read";
    if (!input_folder(arena, plan->folder.path, &held_files, &held.pool_count))
        return fault;
    held.pool = held_files;
    fault = "out of memory";
    if (ward_collateral_new(&held, plan->policy, &before, &error) == WARD_DONE &&
        ward_collateral_new(&got, plan->policy, &after, &error) == WARD_DONE)
        fault = reply_fault(after, resource, item);
    if (fault == NULL)
        fault = fault_of(plan, before, item);
    item->name = reply_name;
    ward_collateral_free(&before);
    ward_collateral_free(&after);
    return fault;
}

static bool save(struct plan *plan, const struct resource *resource, const char *what,
                 const struct ward_collateral_item *item, struct span body)
{
    char stem[96];
    snprintf(stem, sizeof stem, "%s-%s", resource->stem, what);
    return kept_put_item(&plan->folder, stem, resource->ending, item->valid_from, body);
}

/* Takes a reply that is good; false when it is not, or cannot be saved.  What is compared and
   what is written is one step for every other fetch. */
static bool accept(struct plan *plan, const struct resource *resource, const char *what,
                   const char *mirror, struct arena *arena, const struct fetch_reply *reply)
{
    struct span chain;
    struct ward_collateral_item item = { 0 };
    const char *fault = "its issuer chain is not URL-encoded";
    bool held;
    auto_fd int lock = kept_lock(&plan->folder, &held);
    if (lock < 0)
        return false;
    if (read_chain(arena, reply->header, &chain)) {
        const struct ward_bytes files[] = {
            { reply->body.at, reply->body.len, reply_name },
            { chain.at, chain.len, chain_name },
            { plan->chains.at, plan->chains.len, "chains before" },
        };
        fault = judge_reply(plan, resource, arena, files, &item);
    }
    if (fault != NULL) {
        say("collateral fetch: %s from %s is refused: %s", resource->label,
            url_without_password(arena, mirror), fault);
        return false;
    }
    if (!chain_is_kept(plan, chain) &&
        !(kept_put_chain(&plan->folder, chain) && keep_chain(plan, chain)))
        return false;
    return save(plan, resource, what, &item, reply->body);
}

static void put_url(char *url, size_t cap, const struct resource *resource, const char *what,
                    const char *mirror)
{
    /* The only format with an argument is ours, in the table below. */
    struct sink out = sink_over(url, cap);
    const char *hole = strstr(resource->path, "%s");
    bool whole = resource->pcs_only != NULL && is_pcs(mirror);
    sink_text(&out, whole ? resource->pcs_only : mirror);
    if (!whole)
        sink_put(&out, hole == NULL ? span_text(resource->path)
                                    : span_of(resource->path, (size_t)(hole - resource->path)));
    if (!whole && hole != NULL) {
        sink_text(&out, what);
        sink_text(&out, hole + 2);
    }
    sink_terminate(&out);
}

/* Memory of one attempt: what a bad mirror made the command read is gone before the next is
   asked. */
static bool fetch_from(struct plan *plan, const struct resource *resource, const char *what,
                       const char *mirror)
{
    char url[URL_MAX + URL_MAX];
    char message[FETCH_MESSAGE_MAX];
    struct fetch_reply reply;
    struct arena arena;
    put_url(url, sizeof url, resource, what, mirror);
    struct fetch_request request = {
        .url = url,
        .proxy = plan->mirrors.proxy,
        .ca_file = plan->in->values[OPT_CACERT],
        .header = resource->chain,
        .timeout_ms = plan->timeout_ms,
        .max = COLLATERAL_FILE_MAX,
        .tick = { progress_tick, &plan->progress },
    };
    arena_init(&arena, ATTEMPT_MEMORY_MAX);
    bool got = fetch_get(&request, &arena, &reply, message);
    progress_clear(&plan->progress);
    if (!got)
        say("collateral fetch: %s: %s", url_without_password(&arena, url), message);
    bool taken = got && accept(plan, resource, what, mirror, &arena, &reply);
    arena_fini(&arena);
    return taken;
}

/* The calls that would be made, as far as each mirror is the first that answers. */
static void show_mirrors(struct plan *plan, const struct resource *resource, const char *what)
{
    for (size_t i = 0; i < plan->mirrors.count; i++) {
        char url[URL_MAX + URL_MAX];
        put_url(url, sizeof url, resource, what, plan->mirrors.at[i]);
        const struct call_get get = { .url = url_without_password(&plan->in->arena, url),
                                      .proxy = plan->mirrors.proxy != NULL
                                                   ? url_without_password(&plan->in->arena,
                                                                          plan->mirrors.proxy)
                                                   : NULL,
                                      .ca_file = plan->in->values[OPT_CACERT],
                                      .timeout_ms = plan->timeout_ms };
        show_call_of_get(plan->in, &get);
    }
}

static bool fetch_resource(struct plan *plan, const struct resource *resource, const char *what)
{
    if (shows_calls(plan->in)) {
        show_mirrors(plan, resource, what);
        return true;
    }
    progress_step(&plan->progress, resource->label);
    for (size_t i = 0; i < plan->mirrors.count; i++) {
        if (fetch_from(plan, resource, what, plan->mirrors.at[i]))
            return true;
    }
    say("collateral fetch: no mirror gave a usable %s; the folder is as it was for it; --mirror "
        "names others, --show-curl shows what was asked",
        resource->label);
    plan->missing[plan->missing_count++] = resource->label;
    return false;
}

static bool read_timeout(struct plan *plan)
{
    const char *text = plan->in->values[OPT_TIMEOUT];
    plan->timeout_ms = TIMEOUT_DEFAULT_S * 1000L;
    if (text == NULL)
        return true;
    int64_t seconds;
    if (!input_number(text, 1, TIMEOUT_MAX_S, &seconds)) {
        say("collateral fetch: --timeout is 1 to %d seconds; not \"%s\"", TIMEOUT_MAX_S, text);
        return false;
    }
    plan->timeout_ms = (long)seconds * 1000;
    return true;
}

static bool read_policy(struct plan *plan)
{
    struct ward_error error = { 0 };
    struct ward_bytes root;
    const char *path = plan->in->values[OPT_ROOT];
    if (ward_policy_new(&plan->policy, &error) != WARD_DONE) {
        say("%s", error.message);
        return false;
    }
    if (path == NULL)
        return true;
    if (!input_file(&plan->in->arena, path, COLLATERAL_FILE_MAX, &root))
        return false;
    if (ward_policy_add_root(plan->policy, root, &error) == WARD_DONE)
        return true;
    say("%s", error.message);
    return false;
}

/* Which platform collateral is wanted for. */
struct platform {
    char fmspc[13];
    const char *tee, *ca;
};

static bool platform_of_quote(struct invocation *in, struct platform *out)
{
    struct ward_bytes file;
    struct span quote;
    struct pck_claims pck;
    bool tdx;
    if (!input_file(&in->arena, in->values[OPT_QUOTE], 4 * WARD_EVIDENCE_MAX, &file))
        return false;
    if (!evidence_decode(span_of(file.data, file.len), &in->arena, &quote) ||
        !dcap_peek(quote, &pck, &tdx)) {
        say("%s: not a quote with a PCK certificate inside", file.name);
        return false;
    }
    struct sink hex = sink_over(out->fmspc, sizeof out->fmspc);
    sink_hex(&hex, SPAN(pck.fmspc));
    sink_terminate(&hex);
    out->tee = tdx ? "tdx" : "sgx";
    out->ca = pck.platform_ca ? "platform" : "processor";
    return true;
}

/* What is named on the command line counts before what the quote says. */
static bool read_platform(struct invocation *in, struct platform *out)
{
    uint8_t bytes[6];
    *out = (struct platform){ .tee = "tdx", .ca = "platform" };
    if (in->values[OPT_QUOTE] != NULL && !platform_of_quote(in, out))
        return false;
    const char *fmspc = in->values[OPT_FMSPC] != NULL ? in->values[OPT_FMSPC] : out->fmspc;
    if (!hex_decode(span_text(fmspc), bytes, sizeof bytes)) {
        say("collateral fetch: give --quote FILE, or --fmspc with 12 hex digits");
        return false;
    }
    struct sink hex = sink_over(out->fmspc, sizeof out->fmspc);
    sink_hex(&hex, SPAN(bytes));
    sink_terminate(&hex);
    out->tee = in->values[OPT_TEE] != NULL ? in->values[OPT_TEE] : out->tee;
    out->ca = in->values[OPT_CA] != NULL ? in->values[OPT_CA] : out->ca;
    return true;
}

static enum exit_code fetch_all(struct plan *plan, const struct platform *platform)
{
    bool tdx = strcmp(platform->tee, "tdx") == 0;
    char wanted[24];
    snprintf(wanted, sizeof wanted, "%s %s", tdx ? "TDX" : "SGX", platform->fmspc);
    const struct resource tcb_info = { "tcb-info",
                                       tdx ? "tcb-info-tdx" : "tcb-info-sgx",
                                       "tcb-info",
                                       tdx ? "/tdx/certification/v4/tcb?fmspc=%s"
                                           : "/sgx/certification/v4/tcb?fmspc=%s",
                                       "TCB-Info-Issuer-Chain",
                                       NULL,
                                       "json",
                                       wanted };
    const struct resource qe_identity = { "qe-identity",
                                          "qe-identity",
                                          "qe-identity",
                                          tdx ? "/tdx/certification/v4/qe/identity"
                                              : "/sgx/certification/v4/qe/identity",
                                          "SGX-Enclave-Identity-Issuer-Chain",
                                          NULL,
                                          "json",
                                          tdx ? "TD_QE" : "QE" };
    const struct resource pck_crl = { "pck-crl",
                                      "pck-crl",
                                      "crl",
                                      "/sgx/certification/v4/pckcrl?ca=%s&encoding=der",
                                      "SGX-PCK-CRL-Issuer-Chain",
                                      NULL,
                                      "crl",
                                      strcmp(platform->ca, "platform") == 0
                                          ? "Intel SGX PCK Platform CA"
                                          : "Intel SGX PCK Processor CA" };
    const struct resource root_crl = { "root-crl", "root-crl",
                                       "crl",      "/sgx/certification/v4/rootcacrl",
                                       NULL,       PCS_ROOT_CRL,
                                       "crl",      "Intel SGX Root CA" };
    const struct {
        const struct resource *resource;
        const char *what;
    } list[RESOURCES] = { { &tcb_info, platform->fmspc },
                          { &qe_identity, platform->tee },
                          { &pck_crl, platform->ca },
                          { &root_crl, "intel" } };
    bool all = true;
    for (size_t i = 0; i < RESOURCES; i++) {
        all = fetch_resource(plan, list[i].resource, list[i].what) && all;
        progress_count(&plan->progress, i + 1, RESOURCES);
    }
    return all ? EXIT_DONE : EXIT_UNREACHABLE;
}

static void put_noted(struct json_writer *json, const char *name, const struct kept_folder *folder,
                      bool removed)
{
    json_put_key(json, name);
    json_begin_array(json);
    for (size_t i = 0; i < folder->noted_count; i++) {
        if (folder->noted[i].removed == removed)
            json_put_text(json, folder->noted[i].path);
    }
    json_end_array(json);
}

static bool print_json(const struct plan *plan)
{
    struct sink out;
    if (!config_print_begin(plan->in, &out))
        return false;
    struct json_writer json = json_write_to(&out, 0);
    json_begin_object(&json);
    config_json_text(&json, "folder", plan->folder.path);
    put_noted(&json, "written", &plan->folder, false);
    put_noted(&json, "removed", &plan->folder, true);
    json_put_key(&json, "missing");
    json_begin_array(&json);
    for (size_t i = 0; i < plan->missing_count; i++)
        json_put_text(&json, plan->missing[i]);
    json_end_array(&json);
    json_end_object(&json);
    sink_text(&out, "\n");
    return config_print_end(&out);
}

/* Tidied first, so that a folder that became too full is usable; and last, so that what this run
   superseded is not there until the next. */
static enum exit_code fetch_into(struct plan *plan, const struct platform *platform)
{
    if (shows_calls(plan->in))
        return fetch_all(plan, platform);
    if (!kept_tidy(&plan->folder))
        return EXIT_USAGE;
    progress_begin(&plan->progress, plan->in, "");
    plan->progress.view.unit = "files";
    progress_count(&plan->progress, 0, RESOURCES);
    enum exit_code code = fetch_all(plan, platform);
    progress_end(&plan->progress);
    if (!kept_tidy(&plan->folder))
        return EXIT_INTERNAL;
    if (option_given(plan->in, OPT_JSON) && !print_json(plan))
        return EXIT_INTERNAL;
    return code;
}

static enum exit_code run(struct invocation *in)
{
    struct plan plan = { .in = in };
    struct platform platform;
    plan.folder = (struct kept_folder){ .in = in,
                                        .path = in->operands[0],
                                        .now = clock_now(),
                                        .keep_all = option_given(in, OPT_KEEP_ALL) };
    if (!read_platform(in, &platform))
        return EXIT_USAGE;
    if (in->values[OPT_AT] != NULL && !input_time(in->values[OPT_AT], &plan.folder.now))
        return EXIT_USAGE;
    if (!mirrors_read(in, OPT_MIRROR, OPT_PROXY, &plan.mirrors) || !read_timeout(&plan))
        return EXIT_USAGE;
    bool usable = read_policy(&plan);
    plan.folder.policy = plan.policy;
    enum exit_code code = usable ? fetch_into(&plan, &platform) : EXIT_USAGE;
    ward_policy_free(&plan.policy);
    return code;
}

const struct command command_collateral_fetch = {
    .name = "collateral fetch",
    .operands = "DIR",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "bring collateral into a folder",
    .description =
        "Fetches the TCB info of a platform, the identity of its quoting enclave and both\n"
        "revocation lists, with their issuer chains, from Intel's PCS or from PCCS mirrors.\n\n"
        "A mirror is not trusted: a reply is kept only when its signature leads to a trusted\n"
        "root, it is valid, and it is not older than what the folder holds.  A mirror that is\n"
        "slow, dead or lying is left for the next.  Prints the files written; the exit status\n"
        "is 4 when something could be had from no mirror.\n\n"
        "Of what it wrote itself it keeps two of each thing, the newest and the one before, and\n"
        "removes what is older, so that the folder may be fetched into for ever; it says so on\n"
        "stderr.  Files of other names are never touched.  --keep-all removes nothing, for an\n"
        "archive whose evidence is judged again with --at: a folder may hold 512 files.",
    .example = "ward collateral fetch --quote quote.bin ./collateral",
    .options = options,
    .option_count = COUNT_OF(options),
    .schema = "collateral.json#/$defs/fetch",
    .asks = true,
    .run = run,
};
