/* test_door.c - no row, no entry: every way in which a message can be other than a row of the
   table, and what becomes of what a handler says. */
#include "ipc/door.h"

#include <string.h>
#include <unistd.h>

#include "base/number.h"
#include "os/open_fds.h"
#include "test.h"

enum { FRIEND = 2, STRANGER = 3, RUNNING = 0, ENDING = 31 };

/* What the handlers are told to do, and what they saw. */
struct process {
    rc result;
    bool takes_fd;
    unsigned calls;
    uint16_t message;
    uint64_t id;
    size_t len;
    int fd;
};

static rc handle(struct trail *trail, void *self, struct call *call)
{
    struct process *process = self;
    (void)trail;
    process->calls++;
    process->message = call->message;
    process->id = call->id;
    process->len = cur_left(&call->body);
    process->fd = process->takes_fd ? channel_take_fd(call->from) : -1;
    if (!cur_skip(&call->body, process->len))
        return rc_make(RC_BUG, DOOR_E_BODY);
    return process->result;
}

static rc refuse_body(struct trail *trail, void *self, struct call *call)
{
    struct process *process = self;
    process->calls++;
    return door_fault(trail, call, DOOR_E_BODY);
}

static const struct door doors[] = {
    { 1, IN(FRIEND), ~0u, 3, 5, 0, handle },
    { 2, IN(FRIEND) | IN(STRANGER), IN(RUNNING), 0, 8, 1, handle },
    { 2, IN(FRIEND), IN(ENDING), 0, 0, 0, handle }, /* another row for another state */
    { 3, IN(FRIEND), ~0u, 0, 8, 0, refuse_body },
};

struct entry {
    const char *name;
    unsigned peer, state;
    uint16_t message;
    size_t len, fds;
    uint32_t refusal; /* 0: it goes in */
};

static const struct entry entries[] = {
    { "the shortest", FRIEND, RUNNING, 1, 3, 0, 0 },
    { "the longest", FRIEND, RUNNING, 1, 5, 0, 0 },
    { "in the last of 32 states", FRIEND, ENDING, 1, 4, 0, 0 },
    { "with its descriptor", STRANGER, RUNNING, 2, 0, 1, 0 },
    { "the row of the other state", FRIEND, ENDING, 2, 0, 0, 0 },
    { "one byte too short", FRIEND, RUNNING, 1, 2, 0, DOOR_E_SIZE },
    { "empty", FRIEND, RUNNING, 1, 0, 0, DOOR_E_SIZE },
    { "one byte too long", FRIEND, RUNNING, 1, 6, 0, DOOR_E_SIZE },
    { "far too long", FRIEND, RUNNING, 1, FRAME_BODY_MAX, 0, DOOR_E_SIZE },
    { "longer than nothing", FRIEND, ENDING, 2, 1, 0, DOOR_E_SIZE },
    { "a descriptor that nobody wants", FRIEND, RUNNING, 1, 3, 1, DOOR_E_FDS },
    { "no descriptor", STRANGER, RUNNING, 2, 0, 0, DOOR_E_FDS },
    { "two descriptors", STRANGER, RUNNING, 2, 0, 2, DOOR_E_FDS },
    { "as many as a packet can bring", STRANGER, RUNNING, 2, 0, PACKET_FDS_MAX, DOOR_E_FDS },
    { "a peer that may not", STRANGER, RUNNING, 1, 3, 0, DOOR_E_NONE },
    { "in a state in which this peer may not", STRANGER, ENDING, 2, 0, 1, DOOR_E_NONE },
    { "in a state without a row", FRIEND, 1, 2, 0, 1, DOOR_E_NONE },
    { "in a state that no set can hold", FRIEND, 32, 1, 3, 0, DOOR_E_NONE },
    { "in the highest state", FRIEND, UINT32_MAX, 1, 3, 0, DOOR_E_NONE },
    { "a peer that no set can hold", 32 + FRIEND, RUNNING, 1, 3, 0, DOOR_E_NONE },
    { "message 0", FRIEND, RUNNING, 0, 0, 0, DOOR_E_NONE },
    { "the message after the last", FRIEND, RUNNING, 4, 0, 0, DOOR_E_NONE },
    { "the highest message", FRIEND, RUNNING, UINT16_MAX, 3, 0, DOOR_E_NONE },
    { "a body that the handler refuses", FRIEND, RUNNING, 3, 1, 0, DOOR_E_BODY },
};

struct both {
    struct arena arena;
    struct channel channel;
    int peer;
};

static void begin(struct both *both, unsigned peer, enum channel_trust trust)
{
    int ends[2];
    memset(both, 0, sizeof *both);
    arena_init(&both->arena, 1 << 20);
    assert_true(channel_init(&both->channel, &both->arena, peer, trust));
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

/* A message as a peer sends it, through the whole of the channel. */
static rc knock(struct both *both, const struct entry *entry, struct process *process)
{
    static uint8_t packet[PACKET_BYTES_MAX], body[FRAME_BODY_MAX];
    int fds[PACKET_FDS_MAX] = { STDERR_FILENO, STDERR_FILENO, STDERR_FILENO, STDERR_FILENO };
    struct entrance entrance = {
        .doors = doors, .count = COUNT_OF(doors), .state = entry->state, .process = process
    };
    struct frame frame = { .message = entry->message, .id = 77, .body = span_of(body, entry->len) };
    struct sink out = sink_over(packet, sizeof packet);
    frame_put(&out, &frame);
    assert_true(rc_ok(packet_send(NULL, both->peer, sink_bytes(&out), fds, entry->fds)));
    assert_true(rc_ok(channel_get(NULL, &both->channel, &frame)));
    return door_open(NULL, &entrance, &both->channel, &frame);
}

static void test_every_entry(void **state)
{
    (void)state;
    static const enum rc_class classes[] = { RC_PEER, RC_BUG };
    size_t before = open_fds();
    for (size_t i = 0; i < 2 * COUNT_OF(entries); i++) {
        const struct entry *entry = &entries[i / 2];
        enum channel_trust trust = (enum channel_trust)(i % 2);
        struct process process = { .result = RC_SUCCESS };
        struct both both;
        begin(&both, entry->peer, trust);
        rc result = knock(&both, entry, &process);
        rc wanted = entry->refusal == 0 ? RC_SUCCESS : rc_make(classes[trust], entry->refusal);
        bool called = entry->refusal == 0 || entry->refusal == DOOR_E_BODY;
        if (result.code != wanted.code || process.calls != called)
            print_error("%s\n", entry->name);
        assert_int_equal(result.code, wanted.code);
        assert_int_equal(process.calls, called);
        if (entry->refusal == 0) {
            assert_int_equal(process.message, entry->message);
            assert_int_equal(process.id, 77);
            assert_int_equal(process.len, entry->len);
        }
        end(&both);
        assert_int_equal(open_fds(), before);
    }
}

static void test_a_handler_is_believed(void **state)
{
    (void)state;
    static const enum rc_class classes[] = { RC_PEER, RC_BUG, RC_BUSY, RC_WORLD, RC_DENIED };
    for (size_t i = 0; i < COUNT_OF(classes); i++) {
        struct process process = { .result = rc_make(classes[i], 42) };
        struct both both;
        begin(&both, FRIEND, CHANNEL_LESS_TRUSTED);
        assert_int_equal(knock(&both, &entries[0], &process).code, process.result.code);
        end(&both);
    }
}

static void test_a_descriptor_is_the_handlers_only_when_it_takes_it(void **state)
{
    (void)state;
    size_t before = open_fds();
    for (int takes = 0; takes < 2; takes++) {
        struct process process = { .result = RC_SUCCESS, .takes_fd = takes != 0 };
        struct both both;
        begin(&both, STRANGER, CHANNEL_LESS_TRUSTED);
        assert_true(rc_ok(knock(&both, &entries[3], &process)));
        assert_int_equal(open_fds(), before + 2 + (size_t)takes);
        if (takes != 0)
            assert_int_equal(close(process.fd), 0);
        end(&both);
        assert_int_equal(open_fds(), before);
    }
}

static void test_an_entrance_without_doors(void **state)
{
    (void)state;
    struct both both;
    struct entrance none = { 0 };
    struct frame frame = { .message = 1 };
    begin(&both, FRIEND, CHANNEL_LESS_TRUSTED);
    assert_int_equal(door_open(NULL, &none, &both.channel, &frame).code,
                     rc_make(RC_PEER, DOOR_E_NONE).code);
    end(&both);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_every_entry, ""),
        TEST(test_a_handler_is_believed, ""),
        TEST(test_a_descriptor_is_the_handlers_only_when_it_takes_it, ""),
        TEST(test_an_entrance_without_doors, ""),
    };
    return RUN_TESTS(tests);
}
