/* test_calls.c - which refused calls are counted, each in the row of its kind, and what of them is
   read from a pipe. */
#include "sandbox/calls.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/number.h"
#include "test.h"

static const uint64_t nothing[6];

static struct calls *fresh(void)
{
    static struct calls calls;
    memset(&calls, 0, sizeof calls);
    return &calls;
}

static size_t kinds_of(const struct calls *calls)
{
    size_t kinds = 0;
    for (size_t i = 0; i < CALLS_ROOM; i++)
        kinds += calls->at[i].count > 0 ? 1 : 0;
    return kinds;
}

static void test_calls_are_counted(void **state)
{
    struct calls *calls = fresh();
    (void)state;
    assert_int_equal(calls_add(calls, SYS_mount, nothing)->count, 1);
    assert_int_equal(calls_add(calls, SYS_mount, nothing)->count, 2);
    assert_int_equal(calls_add(calls, SYS_bpf, nothing)->count, 1);
    assert_int_equal(kinds_of(calls), 2);
    struct call_refused *row = calls_add(calls, SYS_mount, nothing);
    row->count = UINT32_MAX;
    assert_int_equal(calls_add(calls, SYS_mount, nothing)->count, UINT32_MAX);
}

/* What the list has, what is to look as if no kernel had it, and what there is not. */
static void test_others_have_no_row(void **state)
{
    struct calls *calls = fresh();
    static const uint64_t local[6] = { AF_UNIX, SOCK_RAW },
                          stream[6] = { AF_INET, SOCK_STREAM | SOCK_CLOEXEC },
                          own[6] = { 65532, 65532, 65532 },
                          same[6] = { UINT32_MAX, UINT32_MAX, UINT32_MAX },
                          names[6] = { AF_NETLINK },
                          with_more[6] = { UINT64_C(1) << 32 | AF_INET, SOCK_DGRAM },
                          fork[6] = { 17 };
    (void)state;
    assert_null(calls_add(calls, SYS_read, nothing));
    assert_null(calls_add(calls, SYS_clone3, nothing));
    assert_null(calls_add(calls, SYS_socket, local));
    assert_null(calls_add(calls, SYS_socket, stream));
    assert_null(calls_add(calls, SYS_setuid, own));
    assert_null(calls_add(calls, SYS_setresuid, same));
    assert_null(calls_add(calls, SYS_socket, names)); /* a C library's, at each look for a name */
    assert_null(calls_add(calls, SYS_socket, with_more));
    assert_null(calls_add(calls, SYS_clone, fork));
    assert_null(calls_add(calls, -1, nothing));
    assert_null(calls_add(calls, 1 << 20, nothing));
    assert_int_equal(kinds_of(calls), 0);
}

static void test_uses_are_told_apart(void **state)
{
    struct calls *calls = fresh();
    char room[256];
    struct sink out = sink_over(room, sizeof room);
    static const uint64_t packet[6] = { AF_PACKET }, vsock[6] = { AF_VSOCK },
                          users[6] = { 0x10000011 }, raw[6] = { AF_INET, SOCK_RAW | SOCK_CLOEXEC };
    (void)state;
    const struct call_refused *first = calls_add(calls, SYS_socket, packet);
    assert_ptr_not_equal(first, calls_add(calls, SYS_socket, vsock));
    assert_int_equal(first->argument, AF_PACKET);
    call_refused_write(&out, calls_add(calls, SYS_clone, users));
    assert_span_equal(sink_bytes(&out),
                      span_text("the system call clone with 0x10000011 as argument 0 is not in the "
                                "list of those that jobs have, for no specification"));
    out = sink_over(room, sizeof room);
    call_refused_write(&out, calls_add(calls, SYS_socket, raw));
    assert_span_equal(sink_bytes(&out),
                      span_text("the system call socket with 0x80003 as argument 1 is not in the "
                                "list of those that jobs have, for no specification"));
    out = sink_over(room, sizeof room);
    call_refused_write(&out, calls_add(calls, SYS_chroot, packet));
    assert_span_equal(
        sink_bytes(&out),
        span_text("the system call chroot is not in the list of those that jobs have, "
                  "for no specification"));
}

/* However a job asks there are no more kinds than rows, and each finds room. */
static void test_all_of_them(void **state)
{
    struct calls *calls = fresh();
    size_t count;
    const struct seccomp_rule *rules = calls_refused(&count);
    (void)state;
    assert_in_range(count, 70, CALLS_ROOM);
    for (size_t i = 0; i < count; i++) {
        uint64_t given[6] = { 0 };
        given[rules[i].argument] = rules[i].value;
        given[rules[i].also.argument] |= rules[i].also.value;
        const struct call_refused *row = calls_add(calls, rules[i].number, given);
        assert_non_null(row);
        assert_int_equal(row->row, i);
    }
    assert_int_equal(kinds_of(calls), count);
}

static void test_what_is_read(void **state)
{
    struct calls *calls = fresh();
    struct call_refused sent = { .row = 3, .count = 1 };
    int ends[2];
    bool open = false;
    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_true(call_refused_send(ends[1], &sent));
    const struct call_refused *row = calls_read(calls, ends[0], &open);
    assert_ptr_equal(row, &calls->at[3]);
    assert_true(open);
    sent.count = 7;
    assert_true(call_refused_send(ends[1], &sent));
    assert_null(calls_read(calls, ends[0], &open)); /* known: another number */
    assert_true(open);
    assert_int_equal(calls->at[3].count, 7);
    close(ends[1]);
    assert_null(calls_read(calls, ends[0], &open));
    assert_false(open);
    close(ends[0]);
}

static void test_what_is_no_record(void **state)
{
    size_t rows;
    calls_refused(&rows);
    const struct {
        struct call_refused sent;
        size_t len;
    } bad[] = {
        { { .row = (uint32_t)rows, .count = 1 }, sizeof(struct call_refused) },
        { { .row = UINT32_MAX, .count = 1 }, sizeof(struct call_refused) },
        { { .row = 1, .count = 0 }, sizeof(struct call_refused) },
        { { .row = 1, .count = 1 }, sizeof(struct call_refused) - 1 },
        { { .row = 1, .count = 1 }, 1 },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct calls *calls = fresh();
        int ends[2];
        bool open = true;
        assert_int_equal(pipe(ends), 0);
        assert_int_equal(write(ends[1], &bad[i].sent, bad[i].len), (ssize_t)bad[i].len);
        close(ends[1]);
        assert_null(calls_read(calls, ends[0], &open));
        assert_false(open);
        assert_int_equal(kinds_of(calls), 0);
        close(ends[0]);
    }
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        TEST(test_calls_are_counted, ""),   TEST(test_others_have_no_row, ""),
        TEST(test_uses_are_told_apart, ""), TEST(test_all_of_them, ""),
        TEST(test_what_is_read, ""),        TEST(test_what_is_no_record, ""),
    };
    return RUN_TESTS(tests);
}
