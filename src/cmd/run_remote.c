/* run_remote.c - see run_remote.h. */
#include "cmd/run_remote.h"

#include <stdio.h>
#include <string.h>

#include "base/decimal.h"
#include "codec/url.h"
#include "net/fetch.h"
#include "sandbox/remote.h"

enum { URL_ROOM = RECORD_URL_MAX + 64, PROBE_ROOM = 64 << 10, OK_FROM = 200, OK_BELOW = 300 };

struct line {
    struct invocation *in;
    const struct run_remote *words;
    uint32_t port; /* of the job, on this machine */
};

/* A call with JSON both ways, as prpc has it. */
static void ask(void *arg, const struct remote_call *call, struct arena *arena,
                struct remote_answer *out)
{
    const struct line *line = arg;
    char url[URL_ROOM];
    struct fetch_reply reply;
    struct fetch_error error;
    snprintf(url, sizeof url, "%s/prpc/%s?json", line->words->url, call->method);
    const struct fetch_request request = { .url = url,
                                           .ca_file = line->words->ca,
                                           .content_type = "application/json",
                                           .body = call->body,
                                           .timeout_ms = call->timeout_ms,
                                           .max = VMM_REPLY_MAX };
    if (fetch_post(&request, arena, &reply, &error)) {
        out->said = REMOTE_ANSWERED;
        out->body = reply.body;
        return;
    }
    out->said = error.status != 0 ? REMOTE_DENIED : REMOTE_SILENT;
    struct sink what = sink_over(out->what, sizeof out->what - 1);
    sink_format(&what, "%s", error.message);
    if (error.status != 0) {
        uint8_t room[VMM_WORDS_MAX];
        struct sink said = sink_over(room, sizeof room);
        vmm_error_write(&said, error.body, arena);
        sink_text(&what, said.len > 0 ? ": " : "");
        sink_put(&what,
                 span_of(room, said.len < sizeof out->what / 2 ? said.len : sizeof out->what / 2));
    }
    out->what[what.len] = 0;
}

/* The port is given on the loopback of the VMM's machine, which is this one. */
static bool probe(void *arg, struct arena *arena)
{
    const struct line *line = arg;
    char url[64];
    struct fetch_reply reply;
    struct fetch_error error;
    snprintf(url, sizeof url, "http://127.0.0.1:%u/sdk/health", line->port);
    const struct fetch_request request = { .url = url,
                                           .timeout_ms = REMOTE_PROBE_MS,
                                           .max = PROBE_ROOM };
    return fetch_get(&request, arena, &reply, &error) ||
           (error.status >= OK_FROM && error.status < OK_BELOW);
}

static void tell(void *arg, const char *words)
{
    const struct line *line = arg;
    run_result_progress(line->in, words);
}

/* HOST:VM; which of them may be given is judged with the job. */
static bool read_port(const char *text, struct vmm_job *job)
{
    const char *colon = strchr(text, ':');
    uint64_t host, vm;
    if (colon == NULL || !decimal_read(span_of(text, (size_t)(colon - text)), UINT16_MAX, &host) ||
        !decimal_read(span_text(colon + 1), UINT16_MAX, &vm))
        return false;
    job->host_port = (uint32_t)host;
    job->vm_port = (uint32_t)vm;
    return host > 0 && vm > 0;
}

static bool usage(const char *words)
{
    say("run: %s", words);
    return false;
}

static bool read_words(const struct run_remote *words, struct vmm_job *job)
{
    struct url_origin origin;
    if (strlen(words->url) > RECORD_URL_MAX || !url_origin_read(span_text(words->url), &origin))
        return usage(
            "--vmm: it is https://HOST or http://127.0.0.1, with :PORT where there is one, "
            "and nothing behind");
    if (!origin.tls && !origin.is_here)
        return usage("--vmm: without TLS only a VMM of this machine is spoken to");
    if (words->image == NULL || words->repository == NULL)
        return usage("--vmm needs --vmm-image, by which the machine begins, and --vmm-repository, "
                     "where it fetches the job's image");
    if (words->port != NULL && !read_port(words->port, job))
        return usage("--vmm-port: it is HOST_PORT:JOB_PORT");
    if (words->port != NULL && !origin.is_here)
        return usage("--vmm-port is on the loopback of the VMM's machine: the VMM must be of this "
                     "one");
    job->image = span_text(words->image);
    job->repository = span_text(words->repository);
    job->restricted = words->restricted;
    return true;
}

enum exit_code run_remote_job(struct invocation *in, const struct run_remote *words,
                              const struct job_spec *spec, struct span_list arguments,
                              struct run_result *result)
{
    struct line line = { .in = in, .words = words };
    struct remote_job job = { .job = { .spec = spec, .arguments = arguments },
                              .url = span_text(words->url),
                              .ask = ask,
                              .progress = tell,
                              .arg = &line,
                              .arena = &in->arena };
    if (!read_words(words, &job.job))
        return EXIT_USAGE;
    if (words->port != NULL)
        job.probe = probe;
    line.port = job.job.host_port;
    result->remote = arena_alloc(&in->arena, sizeof *result->remote);
    if (result->remote == NULL || !fetch_warm_up())
        return EXIT_INTERNAL;
    remote_run(&job, &result->sandbox, result->remote);
    return EXIT_DONE;
}
