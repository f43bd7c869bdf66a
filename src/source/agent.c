/* agent.c - evidence of somebody who is asked over a socket: the guest agent of dstack, its first
   version, or a house of Ward.  What they answer differs in names and in how bytes are text. */
#include <stdio.h>
#include <string.h>

#include "codec/base64.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "os/clock.h"
#include "source/parts.h"

enum { NODES = 256, DEPTH = 8, BODY_MAX = 512, WORD = 96 };

enum http_status { OK = 200, FORBIDDEN = 403, UNAUTHENTICATED = 401, TOO_MANY = 429 };

static const struct form {
    const char *socket; /* below the path; "" where the path is the socket */
    const char *target;
    const char *quote, *log; /* members of the answer */
    bool base64;             /* bytes are base64, also the log; else hex, and the log is text */
} forms[SOURCE_KINDS] = {
    [SOURCE_DSTACK] = { "", "/GetQuote", "quote", "event_log", false },
    [SOURCE_TAPPD] = { "", "/prpc/Tappd.RawQuote?json", "quote", "event_log", false },
    [SOURCE_HOUSE] = { "/run/ward.sock", "/v1/attest/evidence", "evidence", "event_log", true },
};

static void write_ask(const struct form *form, const struct source_ask *ask, struct sink *out)
{
    sink_text(out, "{\"report_data\":\"");
    if (form->base64)
        base64_encode(out, SPAN(ask->report_data));
    else
        sink_hex(out, SPAN(ask->report_data));
    sink_text(out, "\"}");
}

/* Only a house says what is behind it; one that does not say it has hardware has none. */
static bool is_simulated(const struct json *json, const struct form *form)
{
    bool hardware = false;
    return form->base64 &&
           !(json_bool(json, json_member(json, 0, "hardware"), &hardware) && hardware);
}

/* A refusal in its own words: dstack's "error", or the code of a problem+json. */
static bool refused(const struct source_reply *reply, const struct json *json,
                    struct source_problem *problem)
{
    char word[WORD];
    struct sink text = sink_over(word, sizeof word - 1);
    uint32_t error = json_member(json, 0, "error");
    uint32_t said = error != JSON_NONE ? error : json_member(json, 0, "code");
    if (!json_string_copy(json, said, &text))
        sink_cut(&text, 0);
    word[text.len] = 0;
    enum reason reason = reply->status == TOO_MANY ? REASON_SOURCE_BUSY
                         : reply->status == FORBIDDEN || reply->status == UNAUTHENTICATED
                             ? REASON_SOURCE_FORBIDDEN
                             : REASON_SOURCE_FAILED;
    return source_fail(problem, reason, "it answered %u %s", reply->status, word);
}

/* A member of text as it is, or as the bytes that it stands for. */
static bool read_member(const struct json *json, const char *name, const struct form *form,
                        bool is_log, struct sink *out)
{
    struct span text;
    uint32_t node = json_member(json, 0, name);
    if (is_log && node == JSON_NONE)
        return true;
    if (is_log && !form->base64)
        return json_string_copy(json, node, out);
    if (!json_string(json, node, &text))
        return false;
    return form->base64 ? base64_decode(text, out) : hex_decode_sink(text, out);
}

static bool read_bytes(const struct json *json, const struct form *form, bool is_log,
                       struct sink *out, struct source_problem *problem)
{
    const char *name = is_log ? form->log : form->quote;
    if (read_member(json, name, form, is_log, out))
        return true;
    if (out->full)
        return source_fail(problem, REASON_SOURCE_TOO_LARGE, "the answer's %s", name);
    return source_fail(problem, REASON_SOURCE_MALFORMED, "the answer's %s", name);
}

bool source_agent_read(enum source_kind kind, const struct source_reply *reply, struct arena *arena,
                       struct source_evidence *out, struct source_problem *problem)
{
    const struct form *form = &forms[kind];
    struct json json;
    const struct json_limits limits = { .depth = DEPTH, .nodes = NODES };
    uint8_t *quote = arena_room(arena, SOURCE_EVIDENCE_MAX);
    uint8_t *log = arena_room(arena, SOURCE_LOG_MAX);
    struct json_node *nodes = arena_array(arena, NODES, sizeof *nodes);
    if (quote == NULL || log == NULL || nodes == NULL)
        return source_fail(problem, REASON_OUT_OF_MEMORY, "an answer");
    if (!json_parse_into(reply->body, nodes, NODES, &limits, &json, NULL) ||
        json_type(&json, 0) != JSON_OBJECT)
        return source_fail(problem,
                           reply->status == OK ? REASON_SOURCE_MALFORMED : REASON_SOURCE_FAILED,
                           "it answered %u, and no JSON object", reply->status);
    if (reply->status != OK || json_member(&json, 0, "error") != JSON_NONE)
        return refused(reply, &json, problem);
    struct sink made[2] = { sink_over(quote, SOURCE_EVIDENCE_MAX), sink_over(log, SOURCE_LOG_MAX) };
    if (!read_bytes(&json, form, false, &made[0], problem) ||
        !read_bytes(&json, form, true, &made[1], problem))
        return false;
    *out = (struct source_evidence){ .evidence = sink_bytes(&made[0]),
                                     .event_log = sink_bytes(&made[1]),
                                     .simulated = is_simulated(&json, form) };
    return true;
}

bool source_agent_quote(struct source *source, const struct source_ask *ask, struct arena *arena,
                        struct source_evidence *out, struct source_problem *problem)
{
    char path[SOURCE_PATH_MAX + 32];
    uint8_t bytes[BODY_MAX];
    struct source_reply reply;
    struct sink body = sink_over(bytes, sizeof bytes);
    const struct form *form = &forms[source->name.kind];
    snprintf(path, sizeof path, "%s%s", source->name.path, form->socket);
    write_ask(form, ask, &body);
    const struct source_call call = { .socket = path,
                                      .name = path,
                                      .method = HTTP_METHOD_POST,
                                      .target = form->target,
                                      .body = sink_bytes(&body),
                                      .answer_max = SOURCE_ANSWER_MAX,
                                      .until_ms = clock_monotonic_ms() + source->timeout_ms };
    return source_call(&call, arena, &reply, problem) &&
           source_agent_read(source->name.kind, &reply, arena, out, problem);
}
