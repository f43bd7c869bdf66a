/* remote.c - see remote.h.  What is to be done when is job/vmm_life.c's; this does it. */
#include "sandbox/remote.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/number.h"
#include "crypto/hash.h"
#include "job/vmm_life.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/random.h"
#include "sandbox/bundle.h"
#include "sandbox/stream.h"
#include "sandbox/wishes.h"

_Static_assert((int)VMM_USER == (int)JOB_USER, "a job has the same user everywhere");
_Static_assert((int)VMM_PROCESSES == (int)JOB_PROCESSES_MAX, "and as many processes");

struct remote {
    const struct remote_job *job;
    struct vmm_job asked; /* with its name */
    struct vmm_size size;
    struct span compose, create; /* the app_compose, and the question for the machine */
    char app_id[2 * VMM_APP_ID + 1];
    struct vmm_machines there; /* what the VMM had before */
    struct wishes wishes;
    struct sandbox_result *result;
    struct remote_machine *machine;
    char progress[SANDBOX_WHAT]; /* that was told last */
};

/* The machine that is looked after: the job's own, or an orphan, of which nothing else is known. */
struct looked {
    struct remote *remote;
    const char *name;
    char *id; /* VMM_ID_MAX + 1 bytes */
    bool own;
    struct vmm_life life;
    char what[SANDBOX_WHAT]; /* the last that went wrong */
    struct arena arena;      /* of one question */
};

/* --- words ------------------------------------------------------------------------------------ */

/* What a stranger wrote, as a terminal may show it. */
static void make_plain(char *out, size_t cap, struct span text)
{
    struct sink plain = sink_over(out, cap - 1);
    for (size_t at = 0; at < text.len && sink_ok(&plain);) {
        const size_t len = text.len - at < 4 ? text.len - at : 4;
        at += stream_show(&plain, span_of(text.at + at, len), len == text.len - at);
    }
    out[plain.len] = 0;
    for (char *c = out; *c != 0; c++) {
        if (*c == '\n' || *c == '\t')
            *c = ' ';
    }
}

static enum reason fail(struct sandbox_result *result, enum reason reason, const char *format, ...)
    PRINTF_LIKE(3, 4);

static enum reason fail(struct sandbox_result *result, enum reason reason, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct sink what = sink_over(result->what, sizeof result->what);
    sink_vformat_cut(&what, format, args);
    sink_terminate(&what);
    va_end(args);
    return reason;
}

static void note_fault(char what[SANDBOX_WHAT], const char *method, const char *why)
{
    snprintf(what, SANDBOX_WHAT, "%s: %.200s", method, why);
}

/* --- one question ----------------------------------------------------------------------------- */

static enum vmm_heard heard_of(enum remote_said said)
{
    return said == REMOTE_ANSWERED ? VMM_DONE : said == REMOTE_DENIED ? VMM_DENIED : VMM_SILENT;
}

/* Its answer lives as long as the arena. */
static enum vmm_heard ask(struct remote *remote, const struct remote_call *call,
                          struct arena *arena, struct span *answer, char what[SANDBOX_WHAT])
{
    struct remote_answer got = { 0 };
    char plain[REMOTE_WHAT];
    remote->job->ask(remote->job->arg, call, arena, &got);
    *answer = got.body;
    if (got.said != REMOTE_ANSWERED) {
        make_plain(plain, sizeof plain, span_text(got.what));
        note_fault(what, call->method, plain);
    }
    return heard_of(got.said);
}

static enum vmm_heard ask_of(struct looked *at, const char *method, struct span *answer)
{
    uint8_t room[VMM_ID_MAX + 16];
    struct sink body = sink_over(room, sizeof room);
    if (!vmm_write_id(&body, span_text(at->id)))
        return VMM_SILENT;
    const struct remote_call call = { method, sink_bytes(&body), REMOTE_ASK_MS };
    return ask(at->remote, &call, &at->arena, answer, at->what);
}

static enum vmm_heard ask_all(struct remote *remote, struct arena *arena, struct vmm_machines *out,
                              char what[SANDBOX_WHAT])
{
    uint8_t room[128];
    struct sink body = sink_over(room, sizeof room);
    struct span answer;
    const char *why;
    if (!vmm_write_status(&body))
        return VMM_SILENT;
    const struct remote_call call = { "Status", sink_bytes(&body), REMOTE_ASK_MS };
    enum vmm_heard heard = ask(remote, &call, arena, &answer, what);
    if (heard != VMM_DONE || vmm_read_status(answer, arena, out, &why))
        return heard;
    note_fault(what, call.method, why);
    return VMM_FOREIGN;
}

static void keep_id(struct looked *at, struct span id)
{
    memcpy(at->id, id.at, id.len);
    at->id[id.len] = 0;
}

/* --- what is done in a life ------------------------------------------------------------------- */

/* An id that another machine had already would have us end that one. */
static bool was_there(const struct remote *remote, struct span id)
{
    for (size_t i = 0; i < remote->there.count; i++) {
        if (span_equal(remote->there.items[i].id, id))
            return true;
    }
    return false;
}

static enum vmm_heard create(struct looked *at)
{
    struct span answer, id;
    const char *why = "the machine's id is that of another";
    const struct remote_call call = { "CreateVm", at->remote->create, REMOTE_CREATE_MS };
    enum vmm_heard heard = ask(at->remote, &call, &at->arena, &answer, at->what);
    if (heard != VMM_DONE)
        return heard;
    if (vmm_read_id(answer, &at->arena, &id, &why) && !was_there(at->remote, id)) {
        keep_id(at, id);
        return VMM_DONE;
    }
    note_fault(at->what, call.method, why);
    return VMM_FOREIGN;
}

/* Names are ours, and random: two machines with one are no VMM's. */
static enum vmm_heard find(struct looked *at)
{
    char what[SANDBOX_WHAT];
    struct vmm_machines all;
    const struct vmm_machine *found = NULL;
    enum vmm_heard heard = ask_all(at->remote, &at->arena, &all, what);
    if (heard != VMM_DONE)
        return heard;
    for (size_t i = 0; i < all.count; i++) {
        if (!span_equal_text(all.items[i].name, at->name))
            continue;
        if (found != NULL || was_there(at->remote, all.items[i].id))
            return VMM_FOREIGN;
        found = &all.items[i];
    }
    if (found != NULL)
        keep_id(at, found->id);
    return found == NULL ? VMM_ABSENT : VMM_DONE;
}

static void tell_progress(struct looked *at, struct span said)
{
    char plain[SANDBOX_WHAT];
    struct remote *remote = at->remote;
    make_plain(plain, sizeof plain, said);
    if (!at->own || plain[0] == 0 || strcmp(plain, remote->progress) == 0)
        return;
    snprintf(remote->progress, sizeof remote->progress, "%s", plain);
    remote->job->progress(remote->job->arg, plain);
}

/* An id alone is the VMM's word: the name is ours, and the app_id is that of the compose file. */
static bool is_own(const struct looked *at, const struct vmm_machine *machine)
{
    return span_equal_text(machine->name, at->name) &&
           (!at->own || machine->app_id.len == 0 ||
            span_equal_text(machine->app_id, at->remote->app_id));
}

static enum vmm_heard look(struct looked *at)
{
    static const enum vmm_heard of[] = {
        [VMM_STATUS_OTHER] = VMM_WAITS, [VMM_STATUS_RUNS] = VMM_RUNS, [VMM_STATUS_ENDED] = VMM_ENDED
    };
    struct vmm_machine machine;
    struct span answer;
    const char *why;
    bool found;
    enum vmm_heard heard = ask_of(at, "GetInfo", &answer);
    if (heard != VMM_DONE)
        return heard;
    if (!vmm_read_info(answer, &at->arena, span_text(at->id), &found, &machine, &why)) {
        note_fault(at->what, "GetInfo", why);
        return VMM_FOREIGN;
    }
    if (!found) {
        note_fault(at->what, "GetInfo", "the machine is not there any more");
        return VMM_ABSENT;
    }
    if (!is_own(at, &machine)) {
        note_fault(at->what, "GetInfo", "the machine is not that which was asked for");
        return VMM_FOREIGN;
    }
    tell_progress(at, machine.progress);
    if (at->life.reason != REASON_NONE)
        return of[machine.status];
    make_plain(at->what, sizeof at->what, machine.fault);
    if (machine.fault.len > 0)
        return VMM_FAULTY;
    if (machine.status == VMM_STATUS_ENDED)
        note_fault(at->what, "GetInfo", "the machine has ended");
    return of[machine.status];
}

static enum vmm_heard probe(struct looked *at)
{
    return at->remote->job->probe(at->remote->job->arg, &at->arena) ? VMM_WELL : VMM_ILL;
}

static enum vmm_heard act(struct looked *at)
{
    struct span answer;
    switch (vmm_life_act(&at->life)) {
    case VMM_ACT_CREATE:
        return create(at);
    case VMM_ACT_FIND:
        return find(at);
    case VMM_ACT_LOOK:
        return look(at);
    case VMM_ACT_PROBE:
        return probe(at);
    case VMM_ACT_STOP:
        return ask_of(at, "StopVm", &answer);
    case VMM_ACT_SHUT_DOWN:
        return ask_of(at, "ShutdownVm", &answer);
    case VMM_ACT_REMOVE:
        return ask_of(at, "RemoveVm", &answer);
    case VMM_ACT_NONE:
    default:
        return VMM_LATE;
    }
}

/* --- a life ----------------------------------------------------------------------------------- */

/* Times are those of the state that ended it: later words are of its end. */
static void note_times(struct looked *at, enum vmm_state before)
{
    struct sandbox_result *result = at->remote->result;
    const enum vmm_state is = at->life.state;
    if (!at->own)
        return;
    if (result->started_ms == 0 && at->life.due_ms != 0)
        result->started_ms = clock_now_ms();
    if (result->started_ms != 0 && result->ended_ms == 0 && is == VMM_STOPPING && is != before)
        result->ended_ms = clock_now_ms();
    if (at->life.reason == REASON_NONE || result->what[0] != 0 || is == before)
        return;
    const enum reason reason = at->life.reason;
    if (reason == REASON_JOB_VMM || reason == REASON_JOB_MACHINE)
        fail(result, reason, "%s",
             at->what[0] != 0 ? at->what : "it did not run, or its job was not well, in time");
}

static void wait_until(struct looked *at, int64_t wakes_ms, int64_t now_ms)
{
    struct pollfd wish = { .fd = at->remote->wishes.fd, .events = POLLIN };
    const int64_t wait = wakes_ms > now_ms ? wakes_ms - now_ms : 0;
    (void)poll(&wish, 1, (int)(wait < VMM_AGAIN_MOST_MS ? wait : VMM_AGAIN_MOST_MS));
}

/* An orphan that does not go, while somebody wishes the end, is left to the next run. */
static void live(struct looked *at)
{
    struct vmm_life *life = &at->life;
    bool told = false;
    while (!vmm_life_is_over(life)) {
        const enum vmm_state before = life->state;
        int64_t now = clock_monotonic_ms();
        vmm_life_tick(life, now);
        if (wishes_hear(&at->remote->wishes) && !told) {
            told = true;
            if (!at->own)
                return;
            (void)vmm_life_hear(life, VMM_WISH, now);
        }
        if (vmm_life_is_due(life, now)) {
            arena_init(&at->arena, VMM_ARENA);
            const enum vmm_heard heard = act(at);
            arena_fini(&at->arena);
            (void)vmm_life_hear(life, heard, clock_monotonic_ms());
        } else if (life->state == before) {
            wait_until(at, vmm_life_wakes(life), now);
        }
        note_times(at, before);
    }
}

static void note_left(const struct looked *at)
{
    struct sandbox_result *result = at->remote->result;
    snprintf(result->left, sizeof result->left, "machine %s at the VMM%s%.300s", at->name,
             at->what[0] == 0 ? "" : ": ", at->what);
}

/* --- what others left ------------------------------------------------------------------------- */

static const struct vmm_machine *named(const struct vmm_machines *all, const char *name)
{
    for (size_t i = 0; i < all->count; i++) {
        if (span_equal_text(all->items[i].name, name))
            return &all->items[i];
    }
    return NULL;
}

static void remove_orphan(struct remote *remote, struct record *record)
{
    char id[VMM_ID_MAX + 1];
    struct looked orphan = { .remote = remote, .name = record->name, .id = id };
    const struct vmm_machine *machine = named(&remote->there, record->name);
    if (machine == NULL) {
        if (record->young)
            record_close(record);
        else
            record_remove(record);
        return;
    }
    keep_id(&orphan, machine->id);
    orphan.life = vmm_life_of_orphan(clock_monotonic_ms());
    live(&orphan);
    if (orphan.life.state == VMM_GONE) {
        record_remove(record);
        return;
    }
    record_close(record);
    note_left(&orphan);
}

/* The records are taken before the machines are asked for: what is not among them was not there
   when nobody held its record. */
static enum reason sweep(struct remote *remote)
{
    char what[SANDBOX_WHAT] = "";
    struct trail trail = { 0 };
    struct sandbox_result *result = remote->result;
    struct records *records = arena_alloc(remote->job->arena, sizeof *records);
    if (records == NULL)
        return fail(result, REASON_OUT_OF_MEMORY, "the records of machines");
    rc taken = records_take(&trail, remote->job->url, records);
    if (!rc_ok(taken))
        return fail(result, geteuid() == 0 ? REASON_JOB_DISK : REASON_JOB_NOT_ROOT, "%s: %s",
                    RECORDS_FOLDER, file_error_text(taken));
    enum vmm_heard heard = ask_all(remote, remote->job->arena, &remote->there, what);
    for (size_t i = 0; i < records->count; i++) {
        if (heard == VMM_DONE && !remote->wishes.heard)
            remove_orphan(remote, &records->at[i]);
        else
            record_close(&records->at[i]);
    }
    return heard == VMM_DONE ? REASON_OK : fail(result, REASON_JOB_VMM, "%s", what);
}

/* --- one job ---------------------------------------------------------------------------------- */

static enum reason check_capacity(struct remote *remote)
{
    char what[SANDBOX_WHAT];
    struct sandbox_result *result = remote->result;
    struct vmm_capacity has;
    struct span answer;
    const char *why;
    const struct remote_call call = { "GetMeta", span_text("{}"), REMOTE_ASK_MS };
    if (ask(remote, &call, remote->job->arena, &answer, what) != VMM_DONE)
        return fail(result, REASON_JOB_VMM, "%s", what);
    if (!vmm_read_capacity(answer, remote->job->arena, &has, &why))
        return fail(result, REASON_JOB_VMM, "GetMeta: %s", why);
    if (remote->size.vcpu > has.vcpu)
        return fail(result, REASON_JOB_CAPACITY, "resources.vcpu is %u, and the VMM gives %llu",
                    remote->size.vcpu, (unsigned long long)has.vcpu);
    if (remote->size.memory_mib > has.memory_mib)
        return fail(result, REASON_JOB_CAPACITY,
                    "resources.memory is %u MiB, and the VMM gives %llu MiB",
                    remote->size.memory_mib, (unsigned long long)has.memory_mib);
    if (remote->there.count >= has.machines)
        return fail(result, REASON_JOB_CAPACITY, "the VMM has %zu machines, and may have %llu",
                    remote->there.count, (unsigned long long)has.machines);
    return REASON_OK;
}

/* The ceilings come down to the machine, whose memory and disk are what was reserved. */
static void write_limits(struct remote *remote)
{
    struct job_limits *limits = &remote->result->limits;
    limits->cpu_cores = remote->size.vcpu;
    limits->memory = (uint64_t)remote->size.memory_mib * JOB_MIB;
    limits->disk = (uint64_t)remote->size.disk_gib * JOB_GIB;
    limits->output = 0;
}

static void write_hex(char *out, size_t cap, struct span bytes)
{
    struct sink hex = sink_over(out, cap);
    sink_hex(&hex, bytes);
    sink_terminate(&hex);
}

/* All that is asked for, before anything is. */
static enum reason describe(struct remote *remote)
{
    char words[SANDBOX_WHAT];
    uint8_t digest[VMM_DIGEST];
    struct sandbox_result *result = remote->result;
    struct arena *arena = remote->job->arena;
    enum reason reason = sandbox_admits(remote->asked.spec, result->what);
    if (reason != REASON_OK)
        return reason;
    struct sink what = sink_over(words, sizeof words);
    reason = vmm_admits(&remote->asked, &remote->size, &what);
    if (reason != REASON_OK)
        return fail(result, reason, "%.*s", (int)what.len, words);
    void *compose = arena_room(arena, VMM_COMPOSE_MAX), *inner = arena_room(arena, VMM_COMPOSE_MAX);
    void *create = arena_room(arena, VMM_REQUEST_ROOM);
    if (compose == NULL || inner == NULL || create == NULL)
        return fail(result, REASON_OUT_OF_MEMORY, "the compose file");
    struct sink file = sink_over(compose, VMM_COMPOSE_MAX);
    struct sink body = sink_over(create, VMM_REQUEST_ROOM);
    if (!vmm_write_compose(&file, &remote->asked, inner, VMM_COMPOSE_MAX))
        return fail(result, REASON_JOB_VMM_POLICY,
                    "its command and environment are more than a compose file may have, or have "
                    "characters that it cannot hold");
    remote->compose = sink_bytes(&file);
    hash_sha256(remote->compose, digest);
    if (!vmm_write_create(&body, &remote->asked, &remote->size, remote->compose, digest))
        return fail(result, REASON_OUT_OF_MEMORY, "the question for a machine");
    remote->create = sink_bytes(&body);
    write_hex(remote->machine->compose, sizeof remote->machine->compose, SPAN(digest));
    write_hex(remote->app_id, sizeof remote->app_id, span_of(digest, VMM_APP_ID));
    write_limits(remote);
    return REASON_OK;
}

/* A machine whose creation was not answered may be there only later: its record stays until it is
   not young any more. */
static enum reason run_machine(struct remote *remote)
{
    struct trail trail = { 0 };
    struct record record;
    struct sandbox_result *result = remote->result;
    struct looked own = {
        .remote = remote, .name = remote->machine->name, .id = remote->machine->id, .own = true
    };
    rc made = record_make(&trail, own.name, remote->job->url, &record);
    if (!rc_ok(made))
        return fail(result, REASON_JOB_DISK, "%s: %s", RECORDS_FOLDER, file_error_text(made));
    own.life = vmm_life_of_job(remote->job->probe != NULL,
                               (int64_t)remote->asked.spec->limits.execution_s * 1000,
                               clock_monotonic_ms());
    live(&own);
    if (own.life.state == VMM_LEFT)
        note_left(&own);
    if (own.life.state == VMM_GONE && (own.id[0] != 0 || own.life.reason == REASON_JOB_CANCELLED))
        record_remove(&record);
    else
        record_close(&record);
    return own.life.reason;
}

static enum reason run(struct remote *remote)
{
    enum reason reason = describe(remote);
    if (reason == REASON_OK)
        reason = sweep(remote);
    if (reason == REASON_OK)
        reason = check_capacity(remote);
    if (wishes_hear(&remote->wishes))
        return fail(remote->result, REASON_JOB_CANCELLED, "before it ran");
    return reason == REASON_OK ? run_machine(remote) : reason;
}

void remote_run(const struct remote_job *job, struct sandbox_result *result,
                struct remote_machine *machine)
{
    uint8_t id[SANDBOX_ID / 2];
    struct remote *remote = arena_alloc(job->arena, sizeof *remote);
    *result = (struct sandbox_result){ .reason = REASON_OUT_OF_MEMORY };
    *machine = (struct remote_machine){ 0 };
    if (remote == NULL)
        return;
    random_bytes(id, sizeof id);
    write_hex(result->id, sizeof result->id, SPAN(id));
    snprintf(machine->name, sizeof machine->name, "%s%s", RECORD_PREFIX, result->id);
    *remote = (struct remote){
        .job = job, .asked = job->job, .result = result, .machine = machine
    };
    remote->asked.name = span_text(machine->name);
    result->limits = job->job.spec->limits;
    const struct sigaction ignored = { .sa_handler = SIG_IGN };
    sigaction(SIGPIPE, &ignored, NULL);
    result->reason = wishes_begin(&remote->wishes)
                         ? run(remote)
                         : fail(result, REASON_JOB_START, "%s", strerror(errno));
    wishes_end(&remote->wishes);
}
