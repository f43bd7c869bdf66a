/* links_bench.h - core's side of attested channels, with every other process played here.  The
   process itself is here, its main() under another name. */
#ifndef WARD_TESTS_PROC_LINKS_BENCH_H
#define WARD_TESTS_PROC_LINKS_BENCH_H
#include <poll.h>
#include <string.h>

#include "codec/protobuf.h"
#include "crypto/hash.h"
#include "proc/hostile.h"

int process_main(void);
#define main process_main
// NOLINTNEXTLINE(bugprone-suspicious-include): the table of doors is its own
#include "proc/core/main.c"
#undef main

enum { LONG = 5000 }; /* bytes of evidence */

static struct hostile hostile;
static struct core *core;
static struct frame heard; /* the last one */
static struct {
    uint8_t bytes[PACKET_BYTES_MAX];
    struct cursor left;
} packets[PEER_COUNT]; /* what a peer was sent and did not look at yet */

/* A core whose policy verify has found good. */
static inline void begin_core(void)
{
    static const uint8_t text[] = "hardware = false\n";
    for (unsigned peer = 0; peer < PEER_COUNT; peer++)
        packets[peer].left = (struct cursor){ 0 };
    hostile_begin(&hostile, &core_process, core_process.peers);
    core = hostile.house.self;
    struct link_policy *policy = &core->links.policy;
    hostile.house.settings.channel_policy[0] = '/';
    memcpy(policy->rooms[0], text, sizeof text - 1);
    policy->text = span_of(policy->rooms[0], sizeof text - 1);
    policy->is_bad = false;
}

/* Nothing of a channel is left. */
static inline void end_core(void)
{
    const struct core_links *links = &core->links;
    assert_int_equal(links->waiting + links->judged + links->open + links->due, 0);
    assert_int_equal(links->called + links->called_waiting, 0);
    assert_int_equal(links->blocks.taken, 0);
    hostile_end(&hostile);
}

/* The next frame that a peer was sent; many come in one packet. */
static inline bool hear(enum peer peer)
{
    struct cursor *left = &packets[peer].left;
    struct packet_fds fds = { 0 };
    size_t len = 0;
    assert_true(rc_ok(channel_flush(NULL, &hostile.house.channels[peer])));
    if (cur_left(left) == 0) {
        if (!rc_ok(packet_receive(NULL, hostile.far[peer], packets[peer].bytes, PACKET_BYTES_MAX,
                                  &len, &fds)))
            return false;
        *left = cur_over(span_of(packets[peer].bytes, len));
    }
    assert_true(frame_get(left, &heard));
    return true;
}

/* The collateral of the house's own that is passed on is none of these tests'. */
static inline bool hears(enum peer peer, uint16_t message)
{
    while (hear(peer)) {
        if (heard.message == message)
            return true;
    }
    return false;
}

static inline rc say(enum peer peer, uint16_t message, uint64_t id, struct span body)
{
    struct frame frame = { .message = message, .id = id, .body = body };
    return hostile_say(&hostile, peer, &frame);
}

/* Evidence of `size` bytes, and a log of three, of the peer that the house has called. */
static inline rc show_called(uint8_t peer, uint64_t id, size_t size)
{
    static uint8_t bytes[LINK_EVIDENCE_BYTES + 128], evidence[LINK_PART_MAX + 1];
    struct sink body = sink_over(bytes, sizeof bytes);
    memset(evidence, (int)id, sizeof evidence);
    sink_u8(&body, peer == LINK_NOBODY ? ATTESTED_RESPONDER : ATTESTED_INITIATOR);
    sink_u8(&body, peer);
    sink_zero(&body, ATTESTED_BOUND - 1);
    sink_u8(&body, (uint8_t)id);
    sink_u8(&body, ATTESTED_KIND_TDX);
    sink_zero(&body, 15);
    sink_u8(&body, 1);
    sink_zero(&body, 16);
    put_bytes(&body, span_of(evidence, size));
    put_bytes(&body, span_text("log"));
    return say(PEER_FRONT, MSG_LINK_JUDGE, id, sink_bytes(&body));
}

/* The same of a stranger. */
static inline rc show(uint64_t id, size_t size)
{
    return show_called(LINK_NOBODY, id, size);
}

/* The house is calling as many peers as it can. */
static inline void call_peers(void)
{
    hostile.house.settings.peer_count = SETTING_PEERS_MAX;
    for (size_t i = 0; i < SETTING_PEERS_MAX; i++) {
        hostile.house.settings.peers[i] = (struct peer_settings){ .name = "a" };
        core->peers.rows[i].state = PEERING_GREETS;
        core->peers.rows[i].due_ms = INT64_MAX;
    }
}

/* The id of the question that verify hears. */
static inline uint64_t asked(int64_t now_ms)
{
    (void)links_step(core, now_ms);
    assert_true(hears(PEER_VERIFY, MSG_LINK_EVIDENCE));
    return heard.id;
}

static inline void judge_on(uint8_t platform, uint64_t id, enum reason reason, bool allowed,
                            enum reason why)
{
    uint8_t bytes[128];
    struct sink body = sink_over(bytes, sizeof bytes);
    sink_u16le(&body, (uint16_t)reason);
    put_bytes(&body, (struct span){ 0 });
    sink_u32le(&body, reason == REASON_OK ? LINK_VERDICT : 0);
    if (reason == REASON_OK) {
        sink_u8(&body, allowed);
        sink_u16le(&body, (uint16_t)why);
        sink_u8(&body, 0);
        sink_u64le(&body, (uint64_t)clock_now() + 1);
        sink_zero(&body, 32);
    }
    sink_u32le(&body, platform == 0 ? 0 : PLATFORM_LEN);
    if (platform != 0) {
        sink_u8(&body, PCS_TCB_INFO);
        sink_u8(&body, 1);
        sink_zero(&body, PLATFORM_LEN - 3);
        sink_u8(&body, platform);
    }
    assert_true(rc_ok(say(PEER_VERIFY, MSG_LINK_EVIDENCE_IS, id, sink_bytes(&body))));
}

static inline void judge(uint64_t id, enum reason reason, bool allowed, enum reason why)
{
    judge_on(0, id, reason, allowed, why);
}

static inline void logs(bool logged)
{
    uint8_t bytes[9] = { logged };
    assert_true(hears(PEER_AUDIT, MSG_AUDIT_APPEND));
    assert_true(
        rc_ok(say(PEER_AUDIT, MSG_AUDIT_APPENDED, heard.id, span_of(bytes, logged ? 9 : 1))));
}

/* The answer that front hears; *link is the number. */
static inline enum reason answered(uint64_t id, uint64_t *link)
{
    uint16_t reason = 0;
    assert_true(hears(PEER_FRONT, MSG_LINK_JUDGED));
    assert_int_equal(heard.id, id);
    struct cursor in = cur_over(heard.body);
    assert_true(cur_u16le(&in, &reason) && cur_u64le(&in, link) && cur_end(&in));
    assert_int_equal(*link != 0, reason == REASON_OK);
    return (enum reason)reason;
}

static inline uint64_t let_in_on(uint8_t platform, uint64_t id)
{
    uint64_t link = 0;
    while (hear(PEER_AUDIT)) /* records of others */
        ;
    assert_true(rc_ok(show(id, LONG)));
    judge_on(platform, asked(clock_monotonic_ms()), REASON_OK, true, REASON_OK);
    assert_false(hears(PEER_FRONT, MSG_LINK_JUDGED)); /* not before it is in the log */
    logs(true);
    assert_int_equal(answered(id, &link), REASON_OK);
    return link;
}

static inline uint64_t let_in(uint64_t id)
{
    return let_in_on(0, id);
}

/* What front reads of verdicts that counted on those who are in. */
static inline uint64_t judged_again(void)
{
    return core->bans.table.metrics[METRIC_CHANNELS_JUDGED_AGAIN - METRIC_OF_CORE];
}

static inline void over(uint64_t link)
{
    uint8_t bytes[10];
    struct sink body = sink_over(bytes, sizeof bytes);
    sink_u64le(&body, link);
    sink_u16le(&body, REASON_OK);
    assert_true(rc_ok(say(PEER_FRONT, MSG_LINK_OVER, 0, sink_bytes(&body))));
}

/* Why front is told to end a channel. */
static inline enum reason ended(uint64_t link)
{
    uint64_t number = 0;
    uint16_t reason = 0;
    assert_true(hears(PEER_FRONT, MSG_LINK_END));
    struct cursor in = cur_over(heard.body);
    assert_true(cur_u64le(&in, &number) && number == link && cur_u16le(&in, &reason));
    return (enum reason)reason;
}

#endif
