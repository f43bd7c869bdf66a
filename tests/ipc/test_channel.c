/* test_channel.c - frames arrive as they were put, and what a peer may do to a channel stays
   within it: no endless wait, no descriptor left, nothing read behind a fault. */
#include "ipc/channel.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ipc/door.h"
#include "os/clock.h"
#include "os/open_fds.h"
#include "test.h"

struct both {
    struct arena arena;
    struct channel channel;
    int peer;
};

static void begin(struct both *both, enum channel_trust trust)
{
    int ends[2];
    memset(both, 0, sizeof *both);
    arena_init(&both->arena, 1 << 20);
    assert_true(channel_init(&both->channel, &both->arena, 1, trust));
    assert_true(rc_ok(packet_pair(NULL, ends)));
    channel_attach(&both->channel, ends[0]);
    both->peer = ends[1];
}

static void end(struct both *both)
{
    channel_close(&both->channel);
    close(both->peer);
    arena_fini(&both->arena);
}

static void test_a_fault_has_the_class_of_the_trust(void **state)
{
    (void)state;
    static const enum rc_class classes[] = { RC_PEER, RC_BUG };
    for (int trust = 0; trust < 2; trust++) {
        struct both both;
        struct frame frame;
        begin(&both, (enum channel_trust)trust);
        uint8_t bytes[40] = { 1, 0, 1 }; /* the second field is not 0; then a sound frame */
        assert_true(rc_ok(packet_send(NULL, both.peer, SPAN(bytes), NULL, 0)));
        assert_int_equal(channel_get(NULL, &both.channel, &frame).code,
                         rc_make(classes[trust], CHANNEL_E_FRAME).code);
        /* Nothing behind it is read. */
        assert_int_equal(channel_get(NULL, &both.channel, &frame).code,
                         rc_make(RC_BUSY, PACKET_E_BLOCK).code);
        end(&both);
    }
}

static void test_stale_answers_put_no_deadline_off(void **state)
{
    (void)state;
    struct both both;
    struct frame question = { .message = 1 }, answer;
    static uint8_t stale[FRAME_HEAD * 4000]; /* message 0, id 0, no body */
    begin(&both, CHANNEL_LESS_TRUSTED);
    assert_true(rc_ok(packet_send(NULL, both.peer, SPAN(stale), NULL, 0)));
    rc r = channel_ask(NULL, &both.channel, &question, clock_monotonic_ms() - 1, &answer);
    assert_int_equal(r.code, rc_make(RC_BUSY, PACKET_E_TIME).code);
    assert_false(cur_end(&both.channel.unread)); /* it did not read them all first */
    end(&both);
}

/* What is said while an answer is waited for is not lost. */
static void test_a_notice_before_an_answer_leaves_a_mark(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint64_t before; /* the id of a frame before the answer; 1 is a question of earlier */
        bool noticed;
    } rows[] = { { "a notice", 0, true }, { "a late answer", 1, false } };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct both both;
        struct frame question = { .message = 1 }, answer;
        begin(&both, CHANNEL_LESS_TRUSTED);
        both.channel.last_id = 1;
        uint8_t bytes[2 * FRAME_HEAD];
        struct sink packet = sink_over(bytes, sizeof bytes);
        frame_put(&packet, &(struct frame){ .message = 7, .id = rows[i].before });
        frame_put(&packet, &(struct frame){ .message = 8, .id = 2 });
        assert_true(rc_ok(packet_send(NULL, both.peer, sink_bytes(&packet), NULL, 0)));
        assert_true(rc_ok(
            channel_ask(NULL, &both.channel, &question, clock_monotonic_ms() + 60000, &answer)));
        assert_int_equal(answer.message, 8);
        if (both.channel.noticed != rows[i].noticed)
            fail_msg("%s", rows[i].name);
        end(&both);
    }
}

static void test_a_message_without_a_door_leaves_no_descriptor(void **state)
{
    (void)state;
    size_t before = open_fds();
    struct both both;
    struct frame frame;
    struct entrance none = { 0 };
    uint8_t bytes[FRAME_HEAD] = { 9 };
    begin(&both, CHANNEL_LESS_TRUSTED);
    int fds[PACKET_FDS_MAX] = { both.peer, both.peer, both.peer, both.peer };
    assert_true(rc_ok(packet_send(NULL, both.peer, SPAN(bytes), fds, PACKET_FDS_MAX)));
    assert_true(rc_ok(channel_get(NULL, &both.channel, &frame)));
    assert_int_equal(open_fds(), before + 2 + PACKET_FDS_MAX);
    assert_int_equal(door_open(NULL, &none, &both.channel, &frame).code,
                     rc_make(RC_PEER, DOOR_E_NONE).code);
    assert_int_equal(open_fds(), before + 2);
    end(&both);
}

/* A peer that does not read costs this much memory and no more. */
static void test_the_queue_is_bounded(void **state)
{
    (void)state;
    enum { BODY = 1000, FRAMES = CHANNEL_QUEUE_MAX / (FRAME_HEAD + BODY) };
    static uint8_t body[BODY];
    struct both both;
    struct frame frame = { .message = 1, .body = SPAN(body) };
    begin(&both, CHANNEL_LESS_TRUSTED);
    for (size_t i = 0; i < FRAMES; i++)
        assert_true(rc_ok(channel_put(NULL, &both.channel, &frame)));
    assert_int_equal(channel_put(NULL, &both.channel, &frame).code,
                     rc_make(RC_BUSY, CHANNEL_E_FULL).code);
    /* A shorter one still finds room, and what is queued goes out whole and in order. */
    frame.body = span_of(body, CHANNEL_QUEUE_MAX % (FRAME_HEAD + BODY) - FRAME_HEAD);
    assert_true(rc_ok(channel_put(NULL, &both.channel, &frame)));
    assert_int_equal(both.channel.queue.len, CHANNEL_QUEUE_MAX);
    assert_true(channel_is_sound(&both.channel));

    static uint8_t packet[PACKET_BYTES_MAX];
    size_t frames = 0;
    while (channel_has_queued(&both.channel)) {
        struct packet_fds fds;
        size_t len = 0;
        assert_true(rc_ok(channel_flush(NULL, &both.channel)));
        while (rc_ok(packet_receive(NULL, both.peer, packet, sizeof packet, &len, &fds)))
            for (struct cursor in = cur_over(span_of(packet, len)); !cur_end(&in); frames++)
                assert_true(frame_get(&in, &frame));
    }
    assert_int_equal(frames, FRAMES + 1);
    end(&both);
}

static void test_a_body_too_long_is_our_own_bug(void **state)
{
    (void)state;
    static uint8_t body[FRAME_BODY_MAX + 1];
    struct both both;
    struct frame frame = { .message = 1, .body = SPAN(body) };
    begin(&both, CHANNEL_LESS_TRUSTED);
    assert_int_equal(channel_put(NULL, &both.channel, &frame).code,
                     rc_make(RC_BUG, CHANNEL_E_FRAME).code);
    frame.body.len--;
    assert_true(rc_ok(channel_put(NULL, &both.channel, &frame)));
    end(&both);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_fault_has_the_class_of_the_trust, ""),
        TEST(test_a_notice_before_an_answer_leaves_a_mark, NULL),
        TEST(test_stale_answers_put_no_deadline_off, ""),
        TEST(test_a_message_without_a_door_leaves_no_descriptor, ""),
        TEST(test_the_queue_is_bounded, ""),
        TEST(test_a_body_too_long_is_our_own_bug, ""),
    };
    return RUN_TESTS(tests);
}
