/* measure.c - `ward measure`: what the evidence of a job's sandbox will say. */
#include <stdio.h>
#include <string.h>

#include <ward/policy.h>

#include "base/number.h"
#include "cmd/appraisal.h"
#include "cmd/config_print.h"
#include "cmd/input.h"
#include "cmd/measure.h"
#include "codec/pem.h"
#include "model/tee.h"

enum { ROOT_ROOM = 16 << 10 };

enum { OPT_IMAGES, OPT_FOLDER, OPT_ID, OPT_ROOT, OPT_JSON };

static const struct option_spec options[] = {
    [OPT_IMAGES] = IMAGE_FOLDER_OPTION,
    [OPT_FOLDER] = { "--job-folder", NULL, NULL,
                     "the job is given a folder, which nobody measures" },
    [OPT_ID] = { "--id", "HEX", NULL,
                 "of this job alone: its id, 32 hex digits (default: of any job of the "
                 "specification)" },
    [OPT_ROOT] = { "--root", "FILE", NULL,
                   "the policy trusts this root certificate, the TEE's of the node" },
    [OPT_JSON] = { "--json", NULL, NULL, "print one JSON object instead of a policy" },
};

static bool read_id(struct invocation *in, struct measuring *m)
{
    struct ward_bytes bytes;
    const char *text = in->values[OPT_ID];
    if (text == NULL)
        return true;
    if (!input_hex(&in->arena, "--id", text, SIM_LAUNCH_JOB, &bytes))
        return false;
    if (bytes.len != SIM_LAUNCH_JOB) {
        say("measure: --id is %d hex digits, as `ward job list` shows them", 2 * SIM_LAUNCH_JOB);
        return false;
    }
    memcpy(m->launch.job, bytes.data, SIM_LAUNCH_JOB);
    m->launch.has_job = true;
    return true;
}

/* As the policy's reader takes it.  It is written anew: what else is in the file stays there. */
static bool read_root(struct invocation *in, struct sink *out)
{
    struct ward_bytes file;
    struct ward_policy *policy = NULL;
    struct span label;
    uint8_t bytes[ROOT_ROOM];
    struct sink der = sink_over(bytes, sizeof bytes);
    const char *path = in->values[OPT_ROOT];
    if (path == NULL)
        return true;
    if (option_given(in, OPT_JSON)) {
        say("measure: --root is of a policy, and --json prints none");
        return false;
    }
    const bool good = appraisal_policy(in, NULL, path, &policy);
    ward_policy_free(&policy);
    if (!good || !input_file(&in->arena, path, ROOT_ROOM, &file))
        return false;
    struct cursor text = cur_over(span_of(file.data, file.len));
    if (pem_next(&text, &label, &der)) {
        pem_write(out, "CERTIFICATE", sink_bytes(&der));
        return sink_ok(out);
    }
    say("measure: --root %s: a certificate as PEM is wanted", path);
    return false;
}

/* --- as a policy ------------------------------------------------------------------------------ */

static void put_hex(struct sink *out, const char *name, struct span bytes)
{
    sink_format(out, "%s = \"", name);
    sink_hex(out, bytes);
    sink_text(out, "\"\n");
}

static void write_policy(struct sink *out, const struct measuring *m, struct span root)
{
    const struct sim_launch *launch = &m->launch;
    sink_text(out,
              "# What the evidence of a job's sandbox must say, for --sandbox-policy of\n"
              "# `ward result verify`, or channel.policy of a house; made by `ward measure`.\n");
    sink_text(out, "types = [\"tdx-v4\"]\n");
    if (!TEE_IS_HARDWARE)
        sink_format(out, "hardware = false # the TEE is simulated%s\n",
                    root.len > 0 ? "" : "; the root is named with --root");
    if (root.len > 0) {
        sink_text(out, "roots = [\"\"\"\n");
        sink_put(out, root);
        sink_text(out, "\"\"\"]\n");
    }
    sink_text(out, "\n[tdx]\n");
    put_hex(out, "mrtd", SPAN(m->mrtd));
    for (unsigned i = 0; i < (launch->has_job ? 4 : 3); i++) {
        char name[8];
        snprintf(name, sizeof name, "rtmr%u", i);
        put_hex(out, name, SPAN(m->rtmr[i]));
    }
    sink_text(out, "\n[log]\nrequired = true\n");
    put_hex(out, "compose_hash", SPAN(launch->spec));
    put_hex(out, "image_digest", SPAN(launch->image));
    put_hex(out, "arguments_hash", SPAN(launch->arguments));
    sink_format(out, "job_folder = \"%s\"\n", launch->folder ? "unmeasured" : "none");
    if (launch->has_job)
        put_hex(out, "job_id", SPAN(launch->job));
}

/* --- as JSON ---------------------------------------------------------------------------------- */

static void put_member(struct json_writer *json, const char *name, bool known, struct span bytes)
{
    json_put_key(json, name);
    if (known)
        json_put_hex(json, bytes);
    else
        json_put_null(json);
}

static void write_json(struct sink *out, const struct measuring *m)
{
    struct json_writer json = json_write_to(out, 0);
    const struct sim_launch *launch = &m->launch;
    json_begin_object(&json);
    json_put_member_u64(&json, "v", 1);
    config_json_text(&json, "file", m->file);
    json_put_member(&json, "sandbox", launch->machine ? "vm" : "container");
    put_member(&json, "mrtd", true, SPAN(m->mrtd));
    put_member(&json, "rtmr0", true, SPAN(m->rtmr[0]));
    put_member(&json, "rtmr1", true, SPAN(m->rtmr[1]));
    put_member(&json, "rtmr2", true, SPAN(m->rtmr[2]));
    put_member(&json, "rtmr3", launch->has_job, SPAN(m->rtmr[3]));
    put_member(&json, "compose_hash", true, SPAN(launch->spec));
    put_member(&json, "image_digest", true, SPAN(launch->image));
    put_member(&json, "arguments_hash", true, SPAN(launch->arguments));
    json_put_member(&json, "job_folder", launch->folder ? "unmeasured" : "none");
    put_member(&json, "job_id", launch->has_job, SPAN(launch->job));
    put_member(&json, "kernel_sha256", launch->machine, SPAN(launch->kernel));
    put_member(&json, "initramfs_sha256", launch->machine, SPAN(launch->initramfs));
    json_put_key(&json, "command_line");
    if (launch->machine)
        json_put_span(&json, launch->command_line);
    else
        json_put_null(&json);
    json_end_object(&json);
    sink_text(out, "\n");
}

static enum exit_code run(struct invocation *in)
{
    struct measuring m;
    uint8_t pem[ROOT_ROOM];
    struct sink out, root = sink_over(pem, sizeof pem);
    if (!measure_read(in, 0, &m) || !read_id(in, &m) || !read_root(in, &root))
        return EXIT_USAGE;
    sim_launch_measure(&m.launch, m.mrtd, m.rtmr);
    if (!config_print_begin(in, &out))
        return EXIT_INTERNAL;
    if (option_given(in, OPT_JSON))
        write_json(&out, &m);
    else
        write_policy(&out, &m, sink_bytes(&root));
    return config_print_end(&out) ? EXIT_DONE : EXIT_INTERNAL;
}

const struct command command_measure = {
    .name = "measure",
    .operands = "SPEC [ARGUMENTS...]",
    .operands_min = 1,
    .operands_max = OPERANDS_MAX,
    .summary = "say what the evidence of a job's sandbox will be",
    .description =
        "Works out what a house's TEE measures of the sandbox of a job of this specification:\n"
        "of a container the image, of a virtual machine the kernel, the initramfs and the\n"
        "command line of --images, and in each the specification, what follows \"--\", and\n"
        "whether a folder is given to the job.  It is printed as a policy, which `ward result\n"
        "verify --sandbox-policy` takes: a result passes if its job began with just this.  With\n"
        "--root a house takes it as its channel.policy: it lets in the jobs that prove this.\n"
        "\n"
        "Nothing is asked of a house and nothing runs.  The same files give the same answer on\n"
        "any machine: build the kernel's folder yourself with `ward image build` and compare.\n"
        "`ward measure diff` says where a result is another.\n"
        "What is not measured docs/run.md says.",
    .example = "ward measure train.toml -- --epochs 3 > sandbox.toml",
    .options = options,
    .option_count = COUNT_OF(options),
    .schema = "measure.json",
    .run = run,
};
