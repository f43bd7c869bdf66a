/* bundle_tell.c - see bundle.h: a job as its guest is told of it. */
#include <string.h>
#include <sys/syscall.h>

#include "job/guest_talk.h"
#include "sandbox/bundle.h"
#include "sandbox/calls.h"
#include "sandbox/seccomp.h"

static void put_list(struct sink *out, uint8_t kind, const struct span_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        guest_put_text(out, kind, -1, list->items[i]);
}

static void put_texts(struct sink *out, uint8_t kind, const char *const *texts)
{
    for (; *texts != NULL; texts++)
        guest_put_text(out, kind, -1, span_text(*texts));
}

static void put_variable(void *arg, struct span text)
{
    guest_put_text(arg, GUEST_VARIABLE, -1, text);
}

static void put_denied(struct sink *out, const struct bundle *bundle)
{
    const struct span_list *denied = &bundle->spec->files.denied;
    for (size_t i = 0; i < denied->count; i++) {
        const enum guest_shown shown = !bundle_hides(bundle, i)               ? GUEST_SHOWN_NOTHING
                                       : bundle->shown_as[i] == SHOWN_AS_FILE ? GUEST_SHOWN_FILE
                                                                              : GUEST_SHOWN_FOLDER;
        guest_put_text(out, GUEST_DENIED, (int)shown, denied->items[i]);
    }
}

_Static_assert((int)CALLS_ROOM <= (int)GUEST_REFUSED_MAX, "a guest can say each kind");

static void put_rules(struct sink *out, const struct seccomp_rule *rules, size_t count,
                      enum guest_action action)
{
    for (size_t i = 0; i < count; i++) {
        const struct guest_call call = {
            .number = (uint32_t)rules[i].number,
            .action = action,
            .masked = rules[i].masked,
            .first = { (uint8_t)rules[i].argument, rules[i].mask, rules[i].value },
            .also = { (uint8_t)rules[i].also.argument, rules[i].also.mask, rules[i].also.value }
        };
        guest_put_call(out, &call);
    }
}

/* clone3 is refused so that libc asks with clone, whose flags can be seen. */
static void put_calls(struct sink *out)
{
    const struct guest_call unseen = { .number = SYS_clone3, .action = GUEST_UNSEEN };
    size_t count;
    const struct seccomp_rule *rules = bundle_calls(&count);
    put_rules(out, rules, count, GUEST_MADE);
    guest_put_call(out, &unseen);
    rules = calls_refused(&count);
    put_rules(out, rules, count, GUEST_TELLS);
}

void bundle_tell(struct sink *out, const struct bundle *bundle, bool collect, bool network)
{
    const struct job_spec *spec = bundle->spec;
    const struct job_limits *limits = &spec->limits;
    const struct span folder = bundle->image->folder;
    const struct guest_limits told = {
        .tmpfs = spec->files.tmpfs,
        .disk = limits->disk,
        .output = limits->output,
        .file = limits->disk > limits->output ? limits->disk : limits->output,
        .files = JOB_FDS_MAX,
        .locked = JOB_LOCKED_MAX,
        .processes = JOB_PROCESSES_MAX,
        .user = JOB_USER,
        .read_only = spec->files.read_only,
        .job = bundle->job != NULL,
        .collect = collect,
        .network = network,
        .agent = spec->guest_agent,
    };
    put_list(out, GUEST_ARGUMENT, &spec->command);
    put_list(out, GUEST_ARGUMENT, &bundle->arguments);
    bundle_each_variable(bundle, put_variable, out);
    guest_put_text(out, GUEST_START_IN, -1, folder.len == 0 ? span_text("/") : folder);
    put_list(out, GUEST_ALLOWED, &spec->files.allowed);
    put_denied(out, bundle);
    put_texts(out, GUEST_MASKED, bundle_masked);
    put_texts(out, GUEST_KEPT, bundle_kept);
    put_calls(out);
    guest_put_limits(out, &told);
    guest_put(out, GUEST_GO, span_of("", 0));
}
