/* result_verify.c - `ward result verify`: is this what a node that I trust says of my job? */
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "base/time.h"
#include "cmd/appraisal.h"
#include "cmd/command.h"
#include "cmd/config_print.h"
#include "cmd/input.h"
#include "cmd/result_outputs.h"
#include "cmd/verify_text.h"
#include "codec/json_write.h"
#include "crypto/hash.h"
#include "job/spec.h"
#include "model/reason.h"
#include "os/clock.h"
#include "ward/result.h"

enum {
    OPT_POLICY,
    OPT_SANDBOX,
    OPT_ROOT,
    OPT_COLLATERAL,
    OPT_AT,
    OPT_KEY,
    OPT_KEY_ALONE,
    OPT_SPEC,
    OPT_OUTPUT,
    OPT_JSON,
};

static const struct option_spec options[] = {
    [OPT_POLICY] = { "--policy", "FILE", NULL,
                     "appraisal policy in TOML, for the node's evidence" },
    [OPT_SANDBOX] = { "--sandbox-policy", "FILE", NULL,
                      "appraisal policy in TOML, for the evidence of the sandbox, which must be "
                      "there "
                      "then: as `ward measure` writes it" },
    [OPT_ROOT] = { "--root", "FILE", NULL, "trust this root certificate too" },
    [OPT_COLLATERAL] = { "--collateral", "DIR", NULL, "collateral for the node's evidence" },
    [OPT_AT] = { "--at", "TIME", NULL,
                 "judge the evidence at this time: RFC 3339 or unix seconds (default: now)" },
    [OPT_KEY] = { "--key", "HEX", NULL, "the public key that it must be signed with" },
    [OPT_KEY_ALONE] = { "--key-alone", NULL, NULL,
                        "with --key: that is enough, the evidence is not judged" },
    [OPT_SPEC] = { "--spec", "FILE", NULL, "the specification that it must be of" },
    [OPT_OUTPUT] = { "--output", "FOLDER", NULL, "the folder that must hold what it lists" },
    [OPT_JSON] = { "--json", NULL, NULL, "print one JSON object" },
};

/* Everything that a run holds; freed by work_fini whatever was reached. */
struct work {
    struct invocation *in;
    struct ward_policy *policy, *sandbox_policy;
    struct ward_collateral *collateral;
    struct ward_verifier *verifier;
    struct ward_result *evidence, *sandbox;
    struct ward_job *job;
    struct ward_job_request request;
    uint8_t key[WARD_JOB_KEY], spec[SHA256_LEN];
    struct ward_error error;
    const char *reason, *about; /* "OK", or why not; "" for none */
    char what[OUTPUTS_WHAT];
};

static void work_fini(struct work *work)
{
    ward_job_free(&work->job);
    ward_result_free(&work->evidence);
    ward_result_free(&work->sandbox);
    ward_verifier_free(&work->verifier);
    ward_collateral_free(&work->collateral);
    ward_policy_free(&work->policy);
    ward_policy_free(&work->sandbox_policy);
}

static bool load_collateral(struct work *work)
{
    struct ward_collateral_files files = { 0 };
    struct ward_bytes *pool = NULL;
    const char *folder = work->in->values[OPT_COLLATERAL];
    if (folder != NULL && !input_folder(&work->in->arena, folder, &pool, &files.pool_count))
        return false;
    files.pool = pool;
    if (ward_collateral_new(&files, work->policy, &work->collateral, &work->error) != WARD_DONE)
        return appraisal_said(&work->error);
    work->request.collateral = work->collateral;
    work->request.policy = work->policy;
    return true;
}

static bool load_key(struct work *work)
{
    struct ward_bytes bytes;
    const char *text = work->in->values[OPT_KEY];
    work->request.key_is_enough = option_given(work->in, OPT_KEY_ALONE);
    if (text == NULL && work->request.key_is_enough) {
        say("result verify: --key-alone is for whoever gives a --key");
        return false;
    }
    if (text == NULL)
        return true;
    if (!input_hex(&work->in->arena, "--key", text, sizeof work->key, &bytes))
        return false;
    if (bytes.len != sizeof work->key) {
        say("result verify: --key is 32 bytes (64 hex digits), not %zu; `ward keyring list --json` "
            "has it as public_part, in base64",
            bytes.len);
        return false;
    }
    memcpy(work->key, bytes.data, sizeof work->key);
    work->request.public_key = work->key;
    return true;
}

static bool load_spec(struct work *work)
{
    struct ward_bytes bytes;
    const char *path = work->in->values[OPT_SPEC];
    if (path == NULL)
        return true;
    if (!input_file(&work->in->arena, path, JOB_SPEC_MAX, &bytes))
        return false;
    hash_sha256(span_of(bytes.data, bytes.len), work->spec);
    work->request.spec_sha256 = work->spec;
    return true;
}

static bool load_sandbox(struct work *work)
{
    const struct invocation *in = work->in;
    const char *file = in->values[OPT_SANDBOX];
    if (file != NULL &&
        !appraisal_policy(work->in, file, in->values[OPT_ROOT], &work->sandbox_policy))
        return false;
    work->request.sandbox_policy = work->sandbox_policy;
    return true;
}

static bool load(struct work *work)
{
    struct invocation *in = work->in;
    const char *at = in->values[OPT_AT];
    work->request.time = clock_now();
    /* One more than there may be: what is longer is no result, and said to be none. */
    return input_file(&in->arena, in->operands[0], 4 * WARD_JOB_RESULT_MAX,
                      &work->request.result) &&
           appraisal_policy(in, in->values[OPT_POLICY], in->values[OPT_ROOT], &work->policy) &&
           load_sandbox(work) && load_collateral(work) && load_key(work) && load_spec(work) &&
           (at == NULL || input_time(at, &work->request.time));
}

/* --- what came out ---------------------------------------------------------------------------- */

static void put_claims(struct json_writer *json, const struct work *work)
{
    const struct ward_job_claims *claims = work->job == NULL ? NULL : ward_job_claims(work->job);
    json_put_key(json, "key");
    if (claims == NULL)
        json_put_null(json);
    else
        json_put_hex(json, SPAN(claims->public_key));
    json_put_key(json, "evidence_judged");
    json_put_bool(json, claims != NULL && claims->evidence_judged);
    json_put_key(json, "hardware");
    json_put_bool(json, claims != NULL && claims->hardware);
    json_put_key(json, "sandbox_measured");
    json_put_bool(json, claims != NULL && claims->sandbox_measured);
    json_put_key(json, "sandbox_judged");
    json_put_bool(json, claims != NULL && claims->sandbox_judged);
    json_put_key(json, "result");
    if (claims == NULL)
        json_put_null(json);
    else
        json_put_raw(json, span_of(claims->json.data, claims->json.len));
}

static enum exit_code print_json(struct work *work)
{
    enum { ROOM = WARD_JOB_RESULT_MAX + 16384 };
    uint8_t *room = arena_room(&work->in->arena, ROOM);
    struct sink out = sink_over(room, room == NULL ? 0 : ROOM);
    struct json_writer json = json_write_to(&out, 0);
    bool good = strcmp(work->reason, "OK") == 0;
    json_begin_object(&json);
    json_put_member_u64(&json, "v", 1);
    json_put_key(&json, "allowed");
    json_put_bool(&json, good);
    json_put_member(&json, "reason", work->reason);
    json_put_member(&json, "about", work->about);
    config_json_text(&json, "detail", work->what);
    json_put_key(&json, "spec_compared");
    json_put_bool(&json, good && work->request.spec_sha256 != NULL);
    json_put_key(&json, "outputs_compared");
    json_put_bool(&json, good && option_given(work->in, OPT_OUTPUT));
    put_claims(&json, work);
    json_end_object(&json);
    sink_text(&out, "\n");
    if (!json_write_ok(&json) || !sink_ok(&out) || fwrite(out.at, 1, out.len, stdout) != out.len ||
        fflush(stdout) != 0)
        return EXIT_INTERNAL;
    return good ? EXIT_DONE : EXIT_NO;
}

static void print_end(const struct ward_job_claims *claims)
{
    char begun[40], ended[40];
    struct sink texts[] = { sink_over(begun, sizeof begun), sink_over(ended, sizeof ended) };
    time_write(&texts[0], claims->started);
    time_write(&texts[1], claims->ended);
    sink_terminate(&texts[0]);
    sink_terminate(&texts[1]);
    printf("job %s, from %s to %s\n", claims->job_id, begun, ended);
    if (strcmp(claims->reason, "OK") != 0)
        printf("it was ended: %s\n", claims->reason);
    if (claims->signal != 0)
        printf("ended by signal %d\n", claims->signal);
    else
        printf("exited with %d\n", claims->code);
    printf("%llu.%02llu s of processors, %llu bytes of memory at most, %zu files\n",
           (unsigned long long)(claims->cpu_us / 1000000),
           (unsigned long long)(claims->cpu_us / 10000 % 100),
           (unsigned long long)claims->memory_peak, claims->output_count);
}

static enum exit_code print_good(const struct work *work)
{
    const struct ward_job_claims *claims = ward_job_claims(work->job);
    struct ward_job_output output;
    printf("good: signed with the key ");
    for (size_t i = 0; i < sizeof claims->public_key; i++)
        printf("%02x", claims->public_key[i]);
    printf("\n%s\n", !claims->evidence_judged ? "the node's evidence was not judged"
                     : claims->hardware
                         ? "the key is a node's whose evidence passes the policy"
                         : "the key is a node's whose evidence passes the policy; it "
                           "is simulated, and proves nothing about hardware");
    printf("sandbox: %s\n", claims->sandbox_judged     ? "began with what its policy names"
                            : claims->sandbox_measured ? "measured, and not judged"
                                                       : "nobody measured it");
    print_end(claims);
    for (size_t i = 0; ward_job_output(work->job, i, &output); i++)
        printf("  %s  %llu bytes\n", output.path, (unsigned long long)output.size);
    printf("specification: %s; outputs: %s\n",
           work->request.spec_sha256 != NULL ? "this one" : "not compared",
           option_given(work->in, OPT_OUTPUT) ? "as listed" : "not compared");
    return fflush(stdout) == 0 ? EXIT_DONE : EXIT_INTERNAL;
}

/* Of evidence that is not good, as `ward verify` says it. */
static enum exit_code print_bad(const struct work *work)
{
    const struct reason_info *info = reason_info(reason_find(span_text(work->reason)));
    printf("not good: %s: %s\n", info->name, info->cause);
    if (strcmp(work->reason, "RESULT_EVIDENCE") == 0)
        verify_text_print(stdout, work->evidence, work->request.time);
    if (strcmp(work->reason, "RESULT_SANDBOX") == 0)
        verify_text_print(stdout, work->sandbox, work->request.time);
    if (work->what[0] != 0)
        printf("%s\n", work->what);
    printf("%s\n", info->help);
    return fflush(stdout) == 0 ? EXIT_NO : EXIT_INTERNAL;
}

/* Only what was signed as it should is compared with anything. */
static enum exit_code judge(struct work *work)
{
    enum ward_outcome outcome = ward_job_verify(work->verifier, &work->request, work->evidence,
                                                &work->job, &work->error);
    if (outcome == WARD_NO_MEMORY || (outcome != WARD_DONE && work->error.reason == NULL)) {
        appraisal_said(&work->error);
        return EXIT_INTERNAL;
    }
    work->reason = outcome == WARD_DONE ? "OK" : work->error.reason;
    work->about = work->error.about != NULL ? work->error.about : "";
    if (outcome != WARD_DONE || !option_given(work->in, OPT_OUTPUT))
        return EXIT_DONE;
    switch (result_outputs_compare(work->in->values[OPT_OUTPUT], work->job, work->what)) {
    case OUTPUTS_SAME:
        break;
    case OUTPUTS_UNREADABLE:
        say("result verify: %s", work->what);
        return EXIT_USAGE;
    case OUTPUTS_DIFFER:
        work->reason = reason_info(REASON_RESULT_OUTPUTS)->name;
        break;
    }
    return EXIT_DONE;
}

static enum exit_code verify(struct work *work)
{
    if (!load(work))
        return EXIT_USAGE;
    if (ward_verifier_new(&work->verifier, &work->error) != WARD_DONE ||
        ward_result_new(&work->evidence, &work->error) != WARD_DONE ||
        ward_result_new(&work->sandbox, &work->error) != WARD_DONE) {
        appraisal_said(&work->error);
        return EXIT_INTERNAL;
    }
    work->request.sandbox = work->sandbox;
    enum exit_code code = judge(work);
    if (code != EXIT_DONE)
        return code;
    if (option_given(work->in, OPT_JSON))
        return print_json(work);
    return strcmp(work->reason, "OK") == 0 ? print_good(work) : print_bad(work);
}

static enum exit_code run(struct invocation *in)
{
    struct work *work = arena_alloc(&in->arena, sizeof *work);
    if (work == NULL)
        return EXIT_INTERNAL;
    work->in = in;
    enum exit_code code = verify(work);
    work_fini(work);
    return code;
}

const struct command command_result_verify = {
    .name = "result verify",
    .operands = "FILE|-",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "check a signed result of a job",
    .description =
        "Checks what `ward run --result` wrote: judges the evidence of the node in it, as\n"
        "`ward verify` judges evidence, takes the key from what that vouches for, and checks\n"
        "the signature with it.  With --spec it must be the result of this file, with\n"
        "--output the folder must hold exactly the files that it lists.  With --key it must\n"
        "be signed with that key; with --key-alone too that is enough, and nothing is known\n"
        "of the node.  With --sandbox-policy the evidence of the sandbox is judged too: the job\n"
        "must have begun with what `ward measure` says.  Nobody is asked, and nothing is sent.\n\n"
        "A good result shows which node says this of the job; how the job ended was told to\n"
        "the node by its owner.\n\n"
        "The exit status is 0 when the result is good, 1 when it is not, 2 when arguments or\n"
        "files cannot be used.",
    .example = "ward result verify result.jws --policy node.toml --collateral ./collateral "
               "--spec train.toml --output ./result",
    .options = options,
    .option_count = COUNT_OF(options),
    .schema = "result.json",
    .run = run,
};
