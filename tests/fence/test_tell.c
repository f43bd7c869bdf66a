/* test_tell.c - what a fence has still to tell when it ends, and who reads it. */
#include "test.h"

#include "fence/inside.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../job/reach_bench.h"

static const char policy[] = START NETWORK
    "allow_outbound = true\nallowed_hosts = ['*.wild.example']\nallowed_ports = [443]\n";

/* More than a pipe takes: 64 KiB are 250 of them. */
enum { NAMES = 1000, READER_WAITS_MS = 200 };

struct talk {
    int refusals[2], uses[2];
    struct sandbox_fence given;
    struct reach reach;
};

static struct fence fence;

static void begin(struct talk *talk)
{
    char text[32];
    enum reach_rule why;
    memset(&fence, 0, sizeof fence);
    talk->reach = reach_of(policy);
    assert_int_equal(pipe2(talk->refusals, O_NONBLOCK | O_CLOEXEC), 0);
    assert_int_equal(pipe2(talk->uses, O_NONBLOCK | O_CLOEXEC), 0);
    talk->given = (struct sandbox_fence){ .reach = &talk->reach,
                                          .refusals = talk->refusals[1],
                                          .uses = talk->uses[1] };
    fence.given = &talk->given;
    fence.reach = &talk->reach;
    for (int i = 0; i < NAMES; i++) {
        const int len = snprintf(text, sizeof text, "n%d.wild.example", i);
        const struct reach_name *name = reach_find_name(&talk->reach, span_of(text, (size_t)len),
                                                        &why);
        assert_non_null(name);
        used(&fence, name, (struct job_port){ 0 });
    }
    assert_true(fence.uses_told < NAMES / 2);
}

static void finish(const struct talk *talk)
{
    close(talk->refusals[0]);
    close(talk->refusals[1]);
    close(talk->uses[0]);
    close(talk->uses[1]);
}

/* In a child: what it heard, as whether it was all. */
static pid_t begin_reader(struct talk *talk)
{
    static struct learn_uses heard;
    bool open = true;
    const pid_t pid = fork();
    if (pid != 0)
        return pid;
    poll(NULL, 0, READER_WAITS_MS);
    close(talk->uses[1]);
    while (open) {
        struct pollfd polled = { .fd = talk->uses[0], .events = POLLIN };
        poll(&polled, 1, -1);
        use_read(&heard, &talk->reach, talk->uses[0], &open);
    }
    _exit(heard.count == NAMES && !heard.more ? 0 : 1);
}

static void test_a_reader_that_is_late(void **state)
{
    struct talk talk;
    int status;
    (void)state;
    begin(&talk);
    const pid_t reader = begin_reader(&talk);
    assert_true(reader > 0);
    fence_tell_rest(&fence);
    assert_int_equal(fence.uses_told, NAMES);
    finish(&talk);
    assert_int_equal(waitpid(reader, &status, 0), reader);
    assert_int_equal(status, 0);
}

/* The fence ends all the same, and what comes out of the pipe later does not pass for all. */
static void test_a_reader_that_never_comes(void **state)
{
    static struct learn_uses heard;
    struct talk talk;
    bool open = true;
    (void)state;
    begin(&talk);
    fence_tell_rest(&fence);
    assert_true(fence.uses_told < NAMES);
    close(talk.uses[1]);
    talk.uses[1] = -1;
    while (open)
        use_read(&heard, &talk.reach, talk.uses[0], &open);
    assert_int_equal(heard.count, fence.uses_told);
    assert_true(heard.more);
    finish(&talk);
}

/* More than the fence can keep apart are no list, however well they are read. */
static void test_more_than_are_kept(void **state)
{
    static struct learn_uses heard;
    struct talk talk;
    bool open = true;
    (void)state;
    begin(&talk);
    fence.uses_told = NAMES;
    fence.uses.more = true;
    fence_tell_rest(&fence);
    close(talk.uses[1]);
    talk.uses[1] = -1;
    while (open)
        use_read(&heard, &talk.reach, talk.uses[0], &open);
    assert_true(heard.more);
    finish(&talk);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    signal(SIGPIPE, SIG_IGN); /* as all of the command has it */
    const struct CMUnitTest tests[] = {
        TEST(test_a_reader_that_is_late, ""),
        TEST(test_a_reader_that_never_comes, ""),
        TEST(test_more_than_are_kept, ""),
    };
    return cmocka_run_group_tests(tests, start, end);
}
