/* run_signed.c - see run_signed.h. */
#include "cmd/run_signed.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "cmd/house_ask.h"
#include "cmd/write_beside.h"
#include "codec/job_result.h"
#include "codec/json_write.h"
#include "codec/values.h"
#include "model/api.h"
#include "os/clock.h"

enum {
    ASK_MS = 10000,        /* for one answer */
    SIGN_MS = 20000,       /* for a house that is started again, or has much to do */
    AGAIN_MS = 300,        /* between two tries */
    BODY_ROOM = 128 << 10, /* as much as the house reads */
    HTTP_OK = 200,
    STATUS_BUSY = 429,
    STATUS_BROKEN = 500,
};

/* --- before it -------------------------------------------------------------------------------- */

static void say_reason(enum reason reason)
{
    const struct reason_info *info = reason_info(reason);
    say("run: %s: %s %s", info->name, info->cause, info->help);
}

enum exit_code run_signed_begin(struct invocation *in, const struct run_signed *signing)
{
    struct api_keyring_list_response list;
    struct owner_reply reply;
    const struct owner_request request = { .state = signing->state,
                                           .method = "GET",
                                           .target = "/v1/keyring/keys?role=result&state=active",
                                           .timeout_ms = ASK_MS };
    if (!path_is_free("--result", signing->file))
        return EXIT_USAGE;
    if (signing->is_known) /* it may be started again just now */
        return EXIT_DONE;
    enum exit_code code = house_ask(in, &request, &api_keyring_list_response, &list, &reply);
    if (code != EXIT_DONE) {
        say_reason(REASON_RESULT_NO_HOUSE);
        return code;
    }
    if (list.keys.count > 0)
        return EXIT_DONE;
    say("run: the house in %s has no key for results: `ward keyring rotate result` makes one",
        signing->state);
    say_reason(REASON_RESULT_NO_HOUSE);
    return EXIT_CONFIG;
}

/* --- what is said of the job ------------------------------------------------------------------ */

/* What a result can say of outputs; core judges again. */
static bool outputs_fit(const struct collected *outputs)
{
    size_t paths = 0;
    for (size_t i = 0; i < outputs->count; i++) {
        paths += outputs->files[i].path.len;
        if (outputs->files[i].size > JOB_RESULT_NUMBER_MAX)
            return false;
    }
    return outputs->count <= JOB_RESULT_OUTPUTS_MAX && paths <= JOB_RESULT_PATHS_MAX;
}

/* The mapping of protobuf's JSON: numbers of 64 bits are texts, bytes base64. */
static void put_large(struct json_writer *json, const char *name, uint64_t value)
{
    uint8_t bytes[20];
    struct sink digits = sink_over(bytes, sizeof bytes);
    sink_decimal(&digits, value, 1);
    json_put_key(json, name);
    json_put_span(json, sink_bytes(&digits));
}

static void put_base64(struct json_writer *json, const char *name, struct span bytes)
{
    json_put_key(json, name);
    json_put_base64(json, bytes);
}

static void put_time(struct json_writer *json, const char *name, int64_t at_ms)
{
    json_put_key(json, name);
    json_put_time(json, at_ms / 1000);
}

static void put_outputs(struct json_writer *json, const struct collected *outputs)
{
    json_put_key(json, "outputs");
    json_begin_array(json);
    for (size_t i = 0; i < outputs->count; i++) {
        json_begin_object(json);
        json_put_key(json, "path");
        json_put_span(json, outputs->files[i].path);
        put_large(json, "size", outputs->files[i].size);
        put_base64(json, "sha256", SPAN(outputs->files[i].digest));
        json_end_object(json);
    }
    json_end_array(json);
}

/* Of a job that was ended nothing is taken over, whatever had been by then. */
static struct span write_facts(const struct run_result *r, uint8_t room[BODY_ROOM])
{
    static const struct collected none = { 0 };
    const struct sandbox_result *result = &r->sandbox;
    struct sink out = sink_over(room, BODY_ROOM);
    struct json_writer json = json_write_to(&out, 0);
    json_begin_object(&json);
    json_put_member(&json, "job_id", result->id);
    put_base64(&json, "spec_sha256", SPAN(r->spec));
    json_put_member_u64(&json, "code", (uint64_t)result->code);
    json_put_member_u64(&json, "signal", (uint64_t)result->signal);
    json_put_member(&json, "reason", reason_info(result->reason)->name);
    put_large(&json, "cpu_us", result->usage.cpu_us);
    put_large(&json, "memory_peak", result->usage.memory_peak);
    put_time(&json, "started", result->started_ms);
    put_time(&json, "ended", result->ended_ms);
    put_outputs(&json, result->reason == REASON_OK ? &result->outputs : &none);
    if (r->signing.ticket.len > 0)
        put_base64(&json, "launch", r->signing.ticket);
    json_end_object(&json);
    return json_write_ok(&json) ? sink_bytes(&out) : (struct span){ 0 };
}

/* --- asking ----------------------------------------------------------------------------------- */

/* Whoever answers so may answer otherwise in a moment. */
static bool may_pass(long status)
{
    return status == STATUS_BUSY || status >= STATUS_BROKEN;
}

/* What is said by a house that is there and says no. */
static void describe(struct invocation *in, const struct owner_reply *reply,
                     struct run_signed *signing)
{
    enum reason reason = house_reason(reply, &in->arena);
    if (reason == REASON_NONE)
        snprintf(signing->what, sizeof signing->what, "the house answered with status %ld",
                 reply->status);
    else
        snprintf(signing->what, sizeof signing->what, "the house said %s: %s",
                 reason_info(reason)->name, reason_info(reason)->cause);
}

/* A house that was started again meanwhile signs as well as the one before. */
static bool ask(struct invocation *in, struct run_signed *signing, struct span body,
                struct owner_reply *reply)
{
    const struct owner_request request = { .state = signing->state,
                                           .method = "POST",
                                           .target = "/v1/results/sign",
                                           .body = body,
                                           .timeout_ms = ASK_MS };
    const int64_t until = clock_monotonic_ms() + SIGN_MS;
    for (;;) {
        char why[OWNER_MESSAGE_MAX] = "";
        bool answered = owner_ask(&request, &in->arena, reply, why);
        if (answered && reply->status == HTTP_OK)
            return true;
        if (answered)
            describe(in, reply, signing);
        else
            snprintf(signing->what, sizeof signing->what, "the house in %.200s does not answer: %s",
                     signing->state, why);
        if ((answered && !may_pass(reply->status)) || clock_monotonic_ms() >= until)
            return false;
        (void)poll(NULL, 0, AGAIN_MS);
    }
}

/* --- writing ---------------------------------------------------------------------------------- */

static void write_result(struct run_signed *signing, struct span text)
{
    const char *why = write_beside(signing->file, text, 0644);
    signing->reason = why == NULL ? REASON_OK : REASON_RESULT_NOT_WRITTEN;
    snprintf(signing->what, sizeof signing->what, "%s", why == NULL ? "" : why);
}

void run_signed_end(struct invocation *in, struct run_result *result)
{
    struct run_signed *signing = &result->signing;
    struct api_results_sign_response said;
    struct values_error error;
    struct owner_reply reply;
    if (signing->file == NULL || !result->sandbox.ran)
        return;
    signing->reason = REASON_RESULT_TOO_LARGE;
    if (result->sandbox.reason == REASON_OK && !outputs_fit(&result->sandbox.outputs))
        return;
    signing->reason = REASON_RESULT_NOT_SIGNED;
    uint8_t *room = arena_room(&in->arena, BODY_ROOM);
    struct span body = room == NULL ? (struct span){ 0 } : write_facts(result, room);
    if (body.len == 0 || !ask(in, signing, body, &reply))
        return;
    if (values_read_json(&api_results_sign_response, reply.body, &in->arena, &said, &error))
        write_result(signing, said.result);
    else
        snprintf(signing->what, sizeof signing->what, "the house's answer is none");
}
