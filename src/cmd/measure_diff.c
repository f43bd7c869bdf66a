/* measure_diff.c - `ward measure diff`: where the evidence of a sandbox is another than was
 * foretold. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "cmd/config_print.h"
#include "cmd/input.h"
#include "cmd/measure.h"
#include "cmd/measure_quote.h"
#include "codec/hex.h"
#include "codec/job_result.h"
#include "codec/json.h"
#include "crypto/hash.h"

enum { OPT_JSON = MEASURE_OPTION_COUNT, DIGEST = SHA384_LEN, NAME_ROOM = 48, VALUE_ROOM = 512 };

static const struct option_spec options[] = {
    MEASURE_OPTIONS,
    [OPT_JSON] = { "--json", NULL, NULL, "print one JSON object" },
};

/* An event as both sides have it: of what is told at run time the payload counts, of the others the
   digest. */
struct event {
    uint64_t rtmr;
    char name[NAME_ROOM]; /* of the others what it is of */
    bool runtime;
    size_t len;
    uint8_t value[VALUE_ROOM];
};

struct diff {
    struct invocation *in;
    struct measuring measured;
    struct job_result_room *room;
    struct job_result_signed result;
    struct tdx_claims quoted;
    struct json log;
    /* What was found; register -1: nothing. */
    int reg; /* 0..3, of RTMR; 4: MRTD */
    size_t number;
    char name[NAME_ROOM], expected[VALUE_ROOM * 2 + 1], actual[VALUE_ROOM * 2 + 1];
};

enum { MRTD = 4 };

/* --- reading ---------------------------------------------------------------------------------- */

static bool unusable(const struct diff *diff, const char *what)
{
    say("measure diff: %s: %s", diff->in->operands[0], what);
    return false;
}

static bool read_result(struct diff *diff)
{
    struct ward_bytes bytes;
    struct invocation *in = diff->in;
    diff->room = arena_alloc(&in->arena, sizeof *diff->room);
    if (diff->room == NULL || !input_file(&in->arena, in->operands[0], 4 * JOB_RESULT_MAX, &bytes))
        return false;
    if (job_result_read(span_of(bytes.data, bytes.len), diff->room, &diff->result) !=
        JOB_RESULT_READ)
        return unusable(diff, "it is no result of a job");
    return diff->result.result.sandbox.evidence.len > 0 ||
           unusable(diff, "it has no evidence of its sandbox");
}

static bool read_evidence(struct diff *diff)
{
    const struct job_evidence *sandbox = &diff->result.result.sandbox;
    if (!measure_quote(sandbox->evidence, &diff->in->arena, &diff->quoted))
        return unusable(diff, "the evidence of its sandbox is no quote of a TD");
    return json_parse(sandbox->event_log, &diff->in->arena, NULL, &diff->log, NULL) ||
           unusable(diff, "the event log of its sandbox is none");
}

/* Of this very job: its id is measured. */
static bool read_all(struct diff *diff)
{
    struct sim_launch *launch = &diff->measured.launch;
    if (!measure_read(diff->in, 1, &diff->measured) || !read_result(diff) || !read_evidence(diff))
        return false;
    launch->has_job = hex_decode(diff->result.result.job, launch->job, sizeof launch->job);
    sim_launch_measure(launch, diff->measured.mrtd, diff->measured.rtmr);
    return true;
}

/* --- comparing -------------------------------------------------------------------------------- */

static void found(struct diff *diff, int reg, size_t number, const char *name)
{
    diff->reg = reg;
    diff->number = number;
    snprintf(diff->name, sizeof diff->name, "%s", name);
}

static bool is_plain(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!isprint(text.at[i]))
            return false;
    return text.len > 0;
}

/* A text as it is, where it is one. */
static void show(char *out, size_t cap, const struct event *event)
{
    struct sink text = sink_over(out, cap);
    if (event->runtime && is_plain(span_of(event->value, event->len)))
        sink_put(&text, span_of(event->value, event->len));
    else
        sink_hex(&text, span_of(event->value, event->len));
    sink_terminate(&text);
}

static const char *boot_name(const struct sim_launch *launch, size_t index)
{
    static const char *const of_machine[] = { "kernel", "initramfs", "command line" };
    return launch->machine ? of_machine[index % COUNT_OF(of_machine)] : "image";
}

static struct event expected_event(const struct diff *diff, const struct sim_log_spec *log,
                                   size_t index)
{
    const struct sim_event *is = &log->events[index];
    struct event event = { .rtmr = is->rtmr, .runtime = is->name != NULL };
    snprintf(event.name, sizeof event.name, "%s",
             event.runtime ? is->name : boot_name(&diff->measured.launch, index));
    event.len = event.runtime ? is->data.len : DIGEST;
    if (event.runtime)
        memcpy(event.value, is->data.at, event.len);
    else
        hash_sha384(is->data, event.value);
    return event;
}

/* The log is whoever wrote the result's: a name that a terminal obeys, or that ends early at a NUL,
   is none. */
static bool actual_event(const struct json *log, uint32_t node, struct event *out)
{
    struct sink name = sink_over(out->name, sizeof out->name);
    struct span payload;
    *out = (struct event){ .rtmr = 0 };
    if (!json_u64(log, json_member(log, node, "imr"), 3, &out->rtmr) ||
        !json_string_copy(log, json_member(log, node, "event"), &name) ||
        !json_string(log, json_member(log, node, "event_payload"), &payload))
        return false;
    out->runtime = name.len > 0;
    sink_terminate(&name);
    out->len = out->runtime ? payload.len / 2 : DIGEST;
    return sink_ok(&name) && (!out->runtime || is_plain(sink_bytes(&name))) &&
           out->len <= VALUE_ROOM &&
           (out->runtime ? hex_decode(payload, out->value, out->len)
                         : json_hex(log, json_member(log, node, "digest"), out->value, DIGEST));
}

static bool same(const struct event *expected, const struct event *actual)
{
    return expected->rtmr == actual->rtmr && expected->runtime == actual->runtime &&
           (!expected->runtime || strcmp(expected->name, actual->name) == 0) &&
           span_equal(span_of(expected->value, expected->len), span_of(actual->value, actual->len));
}

/* An event of one side alone: the other shows nothing. */
static void tell_alone(struct diff *diff, size_t number, const struct event *one, bool expected)
{
    found(diff, (int)one->rtmr, number, one->name);
    if (expected)
        show(diff->expected, sizeof diff->expected, one);
    else
        show(diff->actual, sizeof diff->actual, one);
}

static void tell_both(struct diff *diff, size_t number, const struct event *expected,
                      const struct event *actual)
{
    tell_alone(diff, number, expected, true);
    if (expected->runtime && strcmp(expected->name, actual->name) != 0)
        snprintf(diff->actual, sizeof diff->actual, "the event %s", actual->name);
    else
        show(diff->actual, sizeof diff->actual, actual);
}

/* Event by event, in their order; true: the first that differs was found. */
static bool compare_events(struct diff *diff, bool *readable)
{
    struct sim_log_spec log;
    size_t number = 0;
    sim_launch_log(&diff->measured.launch, &log);
    uint32_t node = json_first(&diff->log, 0);
    for (; number < log.count || node != JSON_NONE; number++) {
        struct event expected, actual;
        const bool wanted = number < log.count, there = node != JSON_NONE;
        if (wanted)
            expected = expected_event(diff, &log, number);
        if (there && !actual_event(&diff->log, node, &actual)) {
            *readable = unusable(diff, "the event log of its sandbox is none");
            return true;
        }
        if (!wanted || !there) {
            tell_alone(diff, number + 1, wanted ? &expected : &actual, wanted);
            return true;
        }
        if (!same(&expected, &actual)) {
            tell_both(diff, number + 1, &expected, &actual);
            return true;
        }
        node = json_next(&diff->log, node);
    }
    return false;
}

static bool compare_register(struct diff *diff, int reg, struct span expected, struct span actual)
{
    struct sink texts[] = { sink_over(diff->expected, sizeof diff->expected),
                            sink_over(diff->actual, sizeof diff->actual) };
    if (span_equal(expected, actual))
        return false;
    found(diff, reg, 0, "");
    sink_hex(&texts[0], expected);
    sink_hex(&texts[1], actual);
    sink_terminate(&texts[0]);
    sink_terminate(&texts[1]);
    return true;
}

/* A log may say what it likes: the registers are what is signed. */
static bool compare(struct diff *diff)
{
    bool readable = true;
    diff->reg = -1;
    if (compare_register(diff, MRTD, SPAN(diff->measured.mrtd), SPAN(diff->quoted.mrtd)) ||
        compare_events(diff, &readable))
        return readable;
    for (int i = 0; i < 4; i++) {
        if (compare_register(diff, i, SPAN(diff->measured.rtmr[i]), SPAN(diff->quoted.rtmr[i])))
            break;
    }
    return true;
}

/* --- saying it -------------------------------------------------------------------------------- */

static const char *register_name(int reg)
{
    static const char *const names[] = { "rtmr0", "rtmr1", "rtmr2", "rtmr3", "mrtd" };
    return reg < 0 ? "" : names[reg];
}

static void write_text(struct sink *out, const struct diff *diff)
{
    if (diff->reg < 0) {
        sink_text(out, "nothing differs\n");
        return;
    }
    sink_format(out, "the first that differs: %s", register_name(diff->reg));
    if (diff->number > 0)
        sink_format(out, ", event %zu, %s", diff->number, diff->name);
    else if (diff->reg != MRTD)
        sink_text(out, ", which the event log does not explain");
    sink_format(out, "\n  expected  %s\n  actual    %s\n",
                diff->expected[0] == 0 ? "none" : diff->expected,
                diff->actual[0] == 0 ? "none" : diff->actual);
}

static void put_text_or_null(struct json_writer *json, const char *name, const char *text)
{
    json_put_key(json, name);
    if (text[0] == 0)
        json_put_null(json);
    else
        json_put_text(json, text);
}

static void write_json(struct sink *out, const struct diff *diff)
{
    struct json_writer json = json_write_to(out, 0);
    json_begin_object(&json);
    json_put_member_u64(&json, "v", 1);
    json_put_key(&json, "same");
    json_put_bool(&json, diff->reg < 0);
    put_text_or_null(&json, "register", register_name(diff->reg));
    json_put_key(&json, "number");
    if (diff->number == 0)
        json_put_null(&json);
    else
        json_put_u64(&json, diff->number);
    put_text_or_null(&json, "event", diff->name);
    put_text_or_null(&json, "expected", diff->expected);
    put_text_or_null(&json, "actual", diff->actual);
    json_end_object(&json);
    sink_text(out, "\n");
}

static enum exit_code run(struct invocation *in)
{
    struct diff *diff = arena_alloc(&in->arena, sizeof *diff);
    struct sink out;
    if (diff == NULL || !config_print_begin(in, &out))
        return EXIT_INTERNAL;
    diff->in = in;
    if (!read_all(diff) || !compare(diff))
        return EXIT_USAGE;
    if (option_given(in, OPT_JSON))
        write_json(&out, diff);
    else
        write_text(&out, diff);
    if (!config_print_end(&out))
        return EXIT_INTERNAL;
    return diff->reg < 0 ? EXIT_DONE : EXIT_NO;
}

const struct command command_measure_diff = {
    .name = "measure diff",
    .operands = "RESULT SPEC [ARGUMENTS...]",
    .operands_min = 2,
    .operands_max = OPERANDS_MAX,
    .summary = "say where a sandbox's evidence is another than foretold",
    .description =
        "Holds the evidence of the sandbox in a signed result against what `ward measure` says\n"
        "of this specification, what follows \"--\", and, of a virtual machine, the kernel of\n"
        "--images.  The first event that differs is told, with the register that it is in, what\n"
        "was expected and what is there; then, where the log explains itself well, a register\n"
        "that it does not explain.\n"
        "\n"
        "It looks for the reason of a refusal and makes no decision: neither the signature nor\n"
        "the evidence is judged here, but by `ward result verify`.  Nobody is asked.\n"
        "\n"
        "The exit status is 0 when nothing differs, 1 when something does, 2 when the files\n"
        "cannot be used.",
    .example = "ward measure diff result.jws train.toml -- --epochs 3",
    .options = options,
    .option_count = COUNT_OF(options),
    .schema = "measure.json#/$defs/diff",
    .run = run,
};
