/* test_source.c - names of sources, and agents that are slow, silent or full. */
#include "source/source.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/number.h"
#include "base/sink.h"
#include "os/clock.h"
#include "source/parts.h"

#include "test.h"

enum { ARENA = 4 << 20, TIMEOUT_MS = 300 };

static void names_are_read(void **state)
{
    static const struct {
        const char *text;
        enum source_kind kind;
        const char *path;
    } table[] = {
        { "nsm", SOURCE_NSM, "/dev/nsm" },
        { "tsm", SOURCE_TSM, "/sys/kernel/config/tsm/report" },
        { "nsm:/a", SOURCE_NSM, "/a" },
        { "tsm:b", SOURCE_TSM, "b" },
        { "dstack:/c:d", SOURCE_DSTACK, "/c:d" },
        { "tappd:/e", SOURCE_TAPPD, "/e" },
        { "house:./state", SOURCE_HOUSE, "./state" },
    };
    static const char *const none[] = { "",      ":",      "none",    "none:/a", "NSM", "nsm:",
                                        "house", "house:", "nsmx:/a", "ns",      " nsm" };
    struct source_name name = { .kind = SOURCE_TSM, .path = "kept" };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(none); i++)
        assert_false(source_name_read(none[i], &name));
    assert_int_equal(name.kind, SOURCE_TSM);
    assert_string_equal(name.path, "kept");
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        assert_true(source_name_read(table[i].text, &name));
        assert_int_equal(name.kind, table[i].kind);
        assert_string_equal(name.path, table[i].path);
        assert_memory_equal(table[i].text, source_kind_name(name.kind),
                            strlen(source_kind_name(name.kind)));
    }
}

static void the_longest_path_and_one_byte_more(void **state)
{
    char text[SOURCE_PATH_MAX + 8];
    struct source_name name;
    (void)state;
    snprintf(text, sizeof text, "nsm:%0*d", SOURCE_PATH_MAX - 1, 0);
    assert_true(source_name_read(text, &name));
    assert_int_equal(strlen(name.path), SOURCE_PATH_MAX - 1);
    snprintf(text, sizeof text, "nsm:%0*d", SOURCE_PATH_MAX, 0);
    assert_false(source_name_read(text, &name));
}

static void what_stands_in_for_the_agent_comes_first(void **state)
{
    struct source_name name;
    (void)state;
    assert_true(source_find("/some/where.sock", &name));
    assert_int_equal(name.kind, SOURCE_DSTACK);
    assert_string_equal(name.path, "/some/where.sock");
    assert_false(source_find("", &name));
}

static void nothing_is_open_and_nothing_is_got(void **state)
{
    struct source source = { .fd = -1 };
    struct source_name name = { .kind = SOURCE_NONE };
    struct source_problem problem = { 0 };
    const struct source_ask ask = { 0 };
    struct source_evidence made;
    struct arena arena;
    (void)state;
    arena_init(&arena, ARENA);
    assert_false(source_quote(&source, &ask, &arena, &made, &problem));
    assert_int_equal(problem.reason, REASON_SOURCE_ABSENT);
    assert_false(source_open(&name, 1, &source, &problem));
    name.kind = SOURCE_KINDS;
    assert_false(source_open(&name, 1, &source, &problem));
    source_close(&source);
    source_close(&source);
    arena_fini(&arena);
}

/* --- agents ------------------------------------------------------------------------------ */

struct agent {
    char folder[64], path[96];
    int listener;
    const char *says; /* NULL: it accepts and says nothing */
    pthread_t thread;
};

static void *answer(void *arg)
{
    struct agent *agent = arg;
    int fd = accept(agent->listener, NULL, NULL);
    for (size_t i = 0; fd >= 0 && agent->says != NULL; i = (i + 1) % strlen(agent->says)) {
        if (send(fd, agent->says + i, 1, MSG_NOSIGNAL) != 1)
            break;
        usleep(20 * 1000);
    }
    char byte;
    while (fd >= 0 && read(fd, &byte, 1) > 0)
        ;
    close(fd);
    return NULL;
}

static void open_agent(struct agent *agent, int backlog)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    snprintf(agent->folder, sizeof agent->folder, "/tmp/ward-source-XXXXXX");
    assert_non_null(mkdtemp(agent->folder));
    snprintf(agent->path, sizeof agent->path, "%s/sock", agent->folder);
    memcpy(address.sun_path, agent->path, sizeof agent->path);
    agent->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(agent->listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(agent->listener, backlog), 0);
}

static void close_agent(struct agent *agent)
{
    close(agent->listener);
    unlink(agent->path);
    rmdir(agent->folder);
}

/* The reason, within a time that is its own and not the kernel's. */
static enum reason ask_agent(const struct agent *agent, const struct source_ask *ask)
{
    struct source source;
    struct source_name name = { .kind = SOURCE_DSTACK };
    struct source_problem problem = { 0 };
    struct source_evidence made;
    struct arena arena;
    snprintf(name.path, sizeof name.path, "%s", agent->path);
    arena_init(&arena, ARENA);
    assert_true(source_open(&name, TIMEOUT_MS, &source, &problem));
    int64_t began = clock_monotonic_ms();
    assert_false(source_quote(&source, ask, &arena, &made, &problem));
    assert_true(clock_monotonic_ms() - began < 20 * TIMEOUT_MS);
    source_close(&source);
    arena_fini(&arena);
    return problem.reason;
}

static void silence_and_one_byte_at_a_time_end_in_time(void **state)
{
    static const char *const says[] = { NULL, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n      ",
                                        "HTTP/1.1 100 Continue\r\n\r\n" };
    const struct source_ask ask = { 0 };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(says); i++) {
        struct agent agent = { .says = says[i] };
        open_agent(&agent, 8);
        assert_int_equal(pthread_create(&agent.thread, NULL, answer, &agent), 0);
        assert_int_equal(ask_agent(&agent, &ask), REASON_SOURCE_DEADLINE);
        pthread_join(agent.thread, NULL);
        close_agent(&agent);
    }
}

static void a_full_queue_ends_in_time(void **state)
{
    int waiting[8];
    size_t count = 0;
    struct agent agent = { 0 };
    const struct source_ask ask = { 0 };
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    (void)state;
    open_agent(&agent, 0);
    memcpy(address.sun_path, agent.path, sizeof agent.path);
    for (bool room = true; room && count < COUNT_OF(waiting); count++) {
        waiting[count] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
        room = connect(waiting[count], (struct sockaddr *)&address, sizeof address) == 0;
    }
    assert_true(count < COUNT_OF(waiting));
    assert_int_equal(ask_agent(&agent, &ask), REASON_SOURCE_DEADLINE);
    for (size_t i = 0; i < count; i++)
        close(waiting[i]);
    close_agent(&agent);
}

static void no_memory_is_said(void **state)
{
    static const char said[] = "{\"quote\":\"0102\",\"event_log\":\"[]\"}";
    const struct source_reply reply = { 200, span_of(said, sizeof said - 1) };
    struct source_problem problem = { 0 };
    struct source_evidence made = { 0 };
    size_t ceiling = 0;
    bool read = false;
    (void)state;
    for (; !read && ceiling < ARENA; ceiling += 4096) {
        struct arena arena;
        arena_init(&arena, ceiling);
        read = source_agent_read(SOURCE_DSTACK, &reply, &arena, &made, &problem);
        assert_true(read || problem.reason == REASON_OUT_OF_MEMORY);
        assert_int_equal(made.evidence.len, read ? 2 : 0);
        arena_fini(&arena);
    }
    assert_true(read && ceiling > SOURCE_EVIDENCE_MAX);
}

/* Values beside those that are read, as many as there is room for and one more. */
static void answers_of_many_values(void **state)
{
    static char said[8192];
    struct source_problem problem = { 0 };
    struct source_evidence made;
    (void)state;
    for (unsigned more = 250; more <= 260; more++) {
        struct arena arena;
        struct sink out = sink_over(said, sizeof said);
        sink_text(&out, "{\"quote\":\"0102\",\"more\":[0");
        for (unsigned i = 1; i < more; i++)
            sink_text(&out, ",0");
        sink_text(&out, "]}");
        arena_init(&arena, ARENA);
        const struct source_reply reply = { 200, sink_bytes(&out) };
        bool read = source_agent_read(SOURCE_DSTACK, &reply, &arena, &made, &problem);
        assert_true(read == (more + 3 <= 256)); /* the object, two members, and those */
        assert_true(read || problem.reason == REASON_SOURCE_MALFORMED);
        arena_fini(&arena);
    }
}

static void an_agent_has_no_room_for_a_nonce(void **state)
{
    static const uint8_t some[] = { 1 };
    struct agent agent = { 0 };
    struct source_ask ask = { .nonce = SPAN(some) };
    (void)state;
    open_agent(&agent, 8);
    assert_int_equal(ask_agent(&agent, &ask), REASON_SOURCE_UNSUPPORTED);
    ask = (struct source_ask){ .public_key = SPAN(some) };
    assert_int_equal(ask_agent(&agent, &ask), REASON_SOURCE_UNSUPPORTED);
    close_agent(&agent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(names_are_read, ""),
        TEST(the_longest_path_and_one_byte_more, ""),
        TEST(what_stands_in_for_the_agent_comes_first, ""),
        TEST(nothing_is_open_and_nothing_is_got, ""),
        TEST(silence_and_one_byte_at_a_time_end_in_time, ""),
        TEST(a_full_queue_ends_in_time, ""),
        TEST(no_memory_is_said, ""),
        TEST(answers_of_many_values, ""),
        TEST(an_agent_has_no_room_for_a_nonce, ""),
    };
    return RUN_TESTS(tests);
}
