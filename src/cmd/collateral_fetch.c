/* collateral_fetch.c - `ward collateral fetch`: brings collateral from PCS or a PCCS into a
   folder.

   A mirror is not trusted: a reply is kept only when its signature leads to a trusted root, it
   is valid now, and it is not older than what the folder holds already.  What is superseded is
   taken away again (collateral_folder.h). */
#include <stdio.h>
#include <string.h>

#include "attest/dcap.h"
#include "base/number.h"
#include "base/sink.h"
#include "cmd/collateral_folder.h"
#include "cmd/collateral_mirrors.h"
#include "cmd/command.h"
#include "cmd/config_print.h"
#include "cmd/input.h"
#include "cmd/progress.h"
#include "cmd/show_call.h"
#include "codec/hex.h"
#include "lib/evidence.h"
#include "lib/renewal.h"
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

enum { TIMEOUT_DEFAULT_S = 20, TIMEOUT_MAX_S = 600 };
enum { ATTEMPT_MEMORY_MAX = 64 * 1024 * 1024 };

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

struct plan {
    struct invocation *in;
    struct pcs_platform platform;
    struct ward_policy *policy;
    struct mirrors mirrors;
    struct kept_folder folder;
    long timeout_ms;
    struct progress progress;
    const char *missing[PCS_THING_COUNT]; /* labels of what no mirror gave */
    size_t missing_count;
    struct span chains; /* PEM of the replies taken so far: the issuers of what comes later */
};

static bool read_chain(struct arena *arena, struct span header, struct span *out)
{
    uint8_t *room = arena_alloc(arena, header.len + 1);
    struct sink pem = sink_over(room, room == NULL ? 0 : header.len + 1);
    bool read = pcs_chain(header, &pem);
    *out = sink_bytes(&pem);
    return read;
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

/* Judges one reply against the folder; NULL when it is good. */
static const char *judge_reply(struct arena *arena, const struct kept_folder *folder,
                               struct renewal *renewal, struct ward_collateral_item *item)
{
    struct ward_bytes *held_files;
    struct ward_collateral_files held = { 0 };
    const char *why;
    if (!input_folder(arena, folder->path, &held_files, &held.pool_count))
        return "the folder cannot be read";
    held.pool = held_files;
    renewal->held = &held;
    bool good = renewal_judge(renewal, item, &why) == REASON_OK;
    renewal->held = NULL;
    return good ? NULL : why;
}

/* What its file's name says: what, of which TEE, for whom. */
static void put_stem(enum pcs_thing thing, const struct pcs_platform *platform, struct sink *out)
{
    const char *tee = platform->tdx ? "tdx" : "sgx";
    sink_text(out, pcs_label(thing));
    switch (thing) {
    case PCS_TCB_INFO:
        sink_format(out, "-%s-", tee);
        sink_hex(out, SPAN(platform->fmspc));
        break;
    case PCS_QE_IDENTITY:
        sink_format(out, "-%s", tee);
        break;
    case PCS_PCK_CRL:
        sink_format(out, "-%s", platform->platform_ca ? "platform" : "processor");
        break;
    case PCS_ROOT_CRL:
    case PCS_THING_COUNT:
        sink_text(out, "-intel");
        break;
    }
    sink_terminate(out);
}

static bool save(struct plan *plan, enum pcs_thing thing, const struct ward_collateral_item *item,
                 struct span body)
{
    char text[96];
    struct sink stem = sink_over(text, sizeof text);
    bool json = thing == PCS_TCB_INFO || thing == PCS_QE_IDENTITY;
    put_stem(thing, &plan->platform, &stem);
    return kept_put_item(&plan->folder, text, json ? "json" : "crl", item->valid_from, body);
}

/* Takes a reply that is good; false when it is not, or cannot be saved.  What is compared and
   what is written is one step for every other fetch. */
static bool take_reply(struct plan *plan, enum pcs_thing thing, const char *mirror,
                       struct arena *arena, const struct fetch_reply *reply)
{
    struct renewal renewal = { .thing = thing,
                               .platform = plan->platform,
                               .now = plan->folder.now,
                               .policy = plan->policy,
                               .reply = reply->body,
                               .chains = plan->chains };
    struct ward_collateral_item item = { 0 };
    const char *fault = "its issuer chain is not URL-encoded";
    bool held;
    auto_fd int lock = kept_lock(&plan->folder, &held);
    if (lock < 0)
        return false;
    if (read_chain(arena, reply->header, &renewal.chain))
        fault = judge_reply(arena, &plan->folder, &renewal, &item);
    if (fault != NULL) {
        say("collateral fetch: %s from %s is refused: %s", pcs_label(thing),
            url_without_password(arena, mirror), fault);
        return false;
    }
    if (!chain_is_kept(plan, renewal.chain) &&
        !(kept_put_chain(&plan->folder, renewal.chain) && keep_chain(plan, renewal.chain)))
        return false;
    return save(plan, thing, &item, reply->body);
}

static void put_url(const struct plan *plan, enum pcs_thing thing, const char *mirror,
                    char url[URL_MAX + URL_MAX])
{
    struct sink out = sink_over(url, URL_MAX + URL_MAX);
    pcs_url(thing, &plan->platform, mirror, &out);
    sink_terminate(&out);
}

/* Memory of one attempt: what a bad mirror made the command read is gone before the next is
   asked. */
static bool fetch_from(struct plan *plan, enum pcs_thing thing, const char *mirror)
{
    char url[URL_MAX + URL_MAX];
    struct fetch_error error;
    struct fetch_reply reply;
    struct arena arena;
    put_url(plan, thing, mirror, url);
    struct fetch_request request = {
        .url = url,
        .proxy = plan->mirrors.proxy,
        .ca_file = plan->in->values[OPT_CACERT],
        .header = pcs_header(thing),
        .timeout_ms = plan->timeout_ms,
        .max = COLLATERAL_FILE_MAX,
        .tick = { progress_tick, &plan->progress },
    };
    arena_init(&arena, ATTEMPT_MEMORY_MAX);
    bool got = fetch_get(&request, &arena, &reply, &error);
    progress_clear(&plan->progress);
    if (!got)
        say("collateral fetch: %s: %s", url_without_password(&arena, url), error.message);
    bool taken = got && take_reply(plan, thing, mirror, &arena, &reply);
    arena_fini(&arena);
    return taken;
}

/* The calls that would be made, as far as each mirror is the first that answers. */
static void show_mirrors(struct plan *plan, enum pcs_thing thing)
{
    for (size_t i = 0; i < plan->mirrors.count; i++) {
        char url[URL_MAX + URL_MAX];
        put_url(plan, thing, plan->mirrors.at[i], url);
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

static bool fetch_thing(struct plan *plan, enum pcs_thing thing)
{
    if (shows_calls(plan->in)) {
        show_mirrors(plan, thing);
        return true;
    }
    progress_step(&plan->progress, pcs_label(thing));
    for (size_t i = 0; i < plan->mirrors.count; i++) {
        if (fetch_from(plan, thing, plan->mirrors.at[i]))
            return true;
    }
    say("collateral fetch: no mirror gave a usable %s; the folder is as it was for it; --mirror "
        "names others, --show-curl shows what was asked",
        pcs_label(thing));
    plan->missing[plan->missing_count++] = pcs_label(thing);
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

static bool platform_of_quote(struct invocation *in, struct pcs_platform *out)
{
    struct ward_bytes file;
    struct span quote;
    struct pck_claims pck;
    if (!input_file(&in->arena, in->values[OPT_QUOTE], 4 * WARD_EVIDENCE_MAX, &file))
        return false;
    if (!evidence_decode(span_of(file.data, file.len), &in->arena, &quote) ||
        !dcap_peek(quote, &pck, &out->tdx)) {
        say("%s: not a quote with a PCK certificate inside", file.name);
        return false;
    }
    memcpy(out->fmspc, pck.fmspc, sizeof out->fmspc);
    out->platform_ca = pck.platform_ca;
    return true;
}

/* What is named on the command line counts before what the quote says. */
static bool read_platform(struct invocation *in, struct pcs_platform *out)
{
    const char *fmspc = in->values[OPT_FMSPC];
    *out = (struct pcs_platform){ .tdx = true, .platform_ca = true };
    if (in->values[OPT_QUOTE] != NULL && !platform_of_quote(in, out))
        return false;
    if (fmspc == NULL ? in->values[OPT_QUOTE] == NULL
                      : !hex_decode(span_text(fmspc), out->fmspc, sizeof out->fmspc)) {
        say("collateral fetch: give --quote FILE, or --fmspc with 12 hex digits");
        return false;
    }
    if (in->values[OPT_TEE] != NULL)
        out->tdx = strcmp(in->values[OPT_TEE], "tdx") == 0;
    if (in->values[OPT_CA] != NULL)
        out->platform_ca = strcmp(in->values[OPT_CA], "platform") == 0;
    return true;
}

static enum exit_code fetch_all(struct plan *plan)
{
    bool all = true;
    for (enum pcs_thing thing = 0; thing < PCS_THING_COUNT; thing++) {
        all = fetch_thing(plan, thing) && all;
        progress_count(&plan->progress, (size_t)thing + 1, PCS_THING_COUNT);
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
static enum exit_code fetch_into(struct plan *plan)
{
    if (shows_calls(plan->in))
        return fetch_all(plan);
    if (!kept_tidy(&plan->folder))
        return EXIT_USAGE;
    progress_begin(&plan->progress, plan->in, "");
    plan->progress.view.unit = "files";
    progress_count(&plan->progress, 0, PCS_THING_COUNT);
    enum exit_code code = fetch_all(plan);
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
    plan.folder = (struct kept_folder){ .in = in,
                                        .path = in->operands[0],
                                        .now = clock_now(),
                                        .keep_all = option_given(in, OPT_KEEP_ALL) };
    if (!read_platform(in, &plan.platform))
        return EXIT_USAGE;
    if (in->values[OPT_AT] != NULL && !input_time(in->values[OPT_AT], &plan.folder.now))
        return EXIT_USAGE;
    if (!mirrors_read(in, OPT_MIRROR, OPT_PROXY, &plan.mirrors) || !read_timeout(&plan))
        return EXIT_USAGE;
    bool usable = read_policy(&plan);
    plan.folder.policy = plan.policy;
    enum exit_code code = usable ? fetch_into(&plan) : EXIT_USAGE;
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
