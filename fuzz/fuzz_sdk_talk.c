/* fuzz_sdk_talk.c - what is said inside a session of profile sdk-v1, to both roles, line by line;
   and the same bytes as the body of an attest, of a sealed request and of what is posted.  An
   answer is JSON again, and what one role writes the other can read. */
#include <stdlib.h>
#include <string.h>

#include "channel/sdk_bootstrap.h"
#include "channel/sdk_post.h"
#include "channel/sdk_talk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NODES = 256, ROOM = 16 * 1024 };

static void insist(bool held)
{
    if (!held)
        abort();
}

static void hear(struct sdk_talk *talk, struct sdk_talk *peer, struct span line)
{
    static uint8_t said[ROOM], again[ROOM];
    struct sink out = sink_over(said, sizeof said), back = sink_over(again, sizeof again);
    const struct sdk_heard heard = sdk_talk_hear(talk, line, &out);
    insist(heard.value.len == 0 || span_inside(heard.value, line));
    insist(heard.kind != SDK_HEARD_IGNORED || out.len == 0);
    if (heard.kind == SDK_HEARD_JOB)
        insist(sdk_talk_done(talk, heard.job_id, span_text("null"), (struct span){ 0 }, &out));
    if (out.len > 0)
        insist(sdk_talk_hear(peer, sink_bytes(&out), &back).reason != REASON_CHANNEL_MALFORMED);
}

static void bodies(const uint8_t *data, size_t size)
{
    static uint8_t room[ROOM], opened[ROOM];
    static const uint8_t key[AEAD_KEY] = { 2 };
    struct sdk_attest attest;
    struct sink out = sink_over(opened, sizeof opened);
    if (size > sizeof room)
        return;
    if (sdk_body_open(key, true, span_of(data, size), &out) != REASON_OK)
        insist(out.len == 0);
    if (size > 0)
        memcpy(room, data, size);
    if (sdk_attest_read(room, size, &attest) == REASON_OK)
        insist(span_inside(attest.evidence.quote, SPAN(room)));
}

/* Whatever is taken is no longer than it may be. */
static void posts(struct span body)
{
    static uint8_t memory[8 * ROOM];
    for (unsigned kind = 0; kind < SDK_POST_KINDS; kind++) {
        struct arena arena = arena_over(memory, sizeof memory);
        struct sdk_post post;
        if (sdk_post_read((enum sdk_post_kind)kind, body, &arena, &post) != REASON_OK)
            continue;
        for (size_t i = 0; sdk_post_name(post.kind, i) != NULL; i++)
            insist(post.values[i].len <= SDK_POST_METRICS_MAX);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const jobs[] = { "evaluate_agent" };
    static const struct sdk_challenge challenge = { .jobs = jobs, .job_count = 1 };
    static struct json_node nodes[2][NODES];
    struct sdk_talk c = sdk_talk_over(&challenge, nodes[0], NODES);
    struct sdk_talk v = sdk_talk_over(NULL, nodes[1], NODES);
    struct span left = span_of(data, size);
    uint8_t room[256];
    struct sink out = sink_over(room, sizeof room);
    const struct sdk_job job = { span_text("j"), { 0 }, span_text("{}"), 1, 1000 };
    insist(sdk_talk_query(&c, span_text("{}"), 1, 0, &out) && sdk_talk_job(&v, &job, &out) &&
           sdk_talk_ask(&v, SDK_DB_VERSION_REQUEST, 2, 0, &out));
    bodies(data, size);
    posts(span_of(data, size));
    while (left.len > 0) {
        const uint8_t *lf = memchr(left.at, '\n', left.len);
        const size_t len = lf == NULL ? left.len : (size_t)(lf - left.at);
        hear(&c, &v, span_of(left.at, len));
        hear(&v, &c, span_of(left.at, len));
        left = lf == NULL ? (struct span){ 0 } : span_of(lf + 1, left.len - len - 1);
    }
    for (unsigned i = 0; sdk_talk_tick(&v, 40000).kind != SDK_HEARD_NOTHING; i++)
        insist(i < SDK_WAITS_MAX);
    return 0;
}
