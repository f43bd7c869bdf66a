/* test_guest_talk.c - what a guest says is a stranger's: what may come, when, and how long; all
   else is refused. */
#include "test.h"

#include <string.h>

#include "base/number.h"
#include "job/guest_talk.h"
#include "model/reason.h"

static uint8_t room[GUEST_BODY_MAX + 64];

/* --- frames ----------------------------------------------------------------------------------- */

static void test_frames(void **state)
{
    (void)state;
    struct sink out = sink_over(room, sizeof room);
    struct guest_frame frame;
    guest_put(&out, GUEST_OUT, span_text("hello"));
    guest_put_text(&out, GUEST_DENIED, 1, span_text("/etc"));
    guest_put(&out, GUEST_GO, span_of("", 0));
    struct span rest = sink_bytes(&out);
    assert_int_equal(guest_take(&rest, &frame), 1);
    assert_int_equal(frame.kind, GUEST_OUT);
    assert_span_equal(frame.body, span_text("hello"));
    assert_int_equal(guest_take(&rest, &frame), 1);
    uint8_t mark = 9;
    assert_string_equal(guest_text(&frame, &mark), "/etc");
    assert_int_equal(mark, 1);
    assert_int_equal(guest_take(&rest, &frame), 1);
    assert_true(frame.kind == GUEST_GO && frame.body.len == 0 && rest.len == 0);
    assert_int_equal(guest_take(&rest, &frame), 0);
}

/* Every prefix waits for more, and what is longer than any is refused before it is there. */
static void test_frames_that_are_not_whole(void **state)
{
    (void)state;
    struct sink out = sink_over(room, sizeof room);
    struct guest_frame frame;
    guest_put(&out, GUEST_OUT, span_text("hello"));
    for (size_t len = 0; len < out.len; len++) {
        struct span rest = span_of(room, len);
        assert_int_equal(guest_take(&rest, &frame), 0);
        assert_int_equal(rest.len, len);
    }
    static const uint32_t lengths[] = { GUEST_BODY_MAX, GUEST_BODY_MAX + 1, 1u << 31, UINT32_MAX };
    for (size_t i = 0; i < COUNT_OF(lengths); i++) {
        out = sink_over(room, sizeof room);
        sink_u32le(&out, lengths[i]);
        sink_u8(&out, GUEST_OUT);
        struct span rest = sink_bytes(&out);
        assert_int_equal(guest_take(&rest, &frame), i == 0 ? 0 : -1);
    }
}

/* --- what a machine says ---------------------------------------------------------------------- */

static bool hear(struct guest_hearing *hearing, uint8_t kind, struct span body,
                 struct guest_word *word)
{
    const struct guest_frame frame = { kind, body };
    return guest_hear(hearing, &frame, word);
}

static struct span hello_bytes(void)
{
    static const uint8_t bytes[] = { GUEST_VERSION, 0, 0, 0 };
    return SPAN(bytes);
}

/* A hearing that has come so far; each of these kinds is heard in it. */
static struct guest_hearing after(const uint8_t *kinds, size_t count)
{
    struct guest_hearing hearing = { 0 };
    struct guest_word word;
    static const uint8_t exited[] = { GUEST_EXITED, 3, 0 };
    for (size_t i = 0; i < count; i++) {
        const struct span body = kinds[i] == GUEST_HELLO   ? hello_bytes()
                                 : kinds[i] == GUEST_ENDED ? SPAN(exited)
                                                           : span_of("", 0);
        assert_true(hear(&hearing, kinds[i], body, &word));
    }
    return hearing;
}

static struct span file_body(uint16_t mode, uint64_t size, const char *path)
{
    static uint8_t body[GUEST_PATH_MAX + 64];
    struct sink out = sink_over(body, sizeof body);
    sink_u16le(&out, mode);
    sink_u64le(&out, size);
    sink_text(&out, path);
    return sink_bytes(&out);
}

static struct span refused_body(uint32_t row, uint32_t count)
{
    static uint8_t frame[64];
    const struct guest_refused refused = { row, count, 0x1122334455667788 };
    struct sink out = sink_over(frame, sizeof frame);
    guest_put_refused(&out, &refused);
    return span_of(frame + GUEST_HEAD, out.len - GUEST_HEAD);
}

static void test_a_whole_talk(void **state)
{
    (void)state;
    struct guest_hearing hearing = { 0 };
    struct guest_word word;
    static const uint8_t ended[] = { GUEST_SIGNALLED, 9, 1 }, odd[] = { GUEST_LINK, 'l' };
    static const uint8_t folder[] = { 0xed, 0x01, 'd' };
    assert_true(hear(&hearing, GUEST_HELLO, hello_bytes(), &word));
    assert_true(hear(&hearing, GUEST_RUNS, span_of("", 0), &word));
    assert_true(hear(&hearing, GUEST_OUT, span_text("x"), &word));
    assert_span_equal(word.text, span_text("x"));
    assert_true(hear(&hearing, GUEST_ERR, span_text("y"), &word));
    assert_true(hear(&hearing, GUEST_REFUSED, refused_body(GUEST_REFUSED_MAX - 1, 5), &word));
    assert_true(word.refused.row == GUEST_REFUSED_MAX - 1 && word.refused.count == 5 &&
                word.refused.argument == 0x1122334455667788);
    assert_true(hear(&hearing, GUEST_ENDED, SPAN(ended), &word));
    assert_true(word.end == GUEST_SIGNALLED && word.number == 9 &&
                word.untold == GUEST_UNTOLD_CALLS);
    assert_true(hear(&hearing, GUEST_FOLDER, SPAN(folder), &word));
    assert_true(word.mode == 0755);
    assert_true(hear(&hearing, GUEST_FILE, file_body(0644, 3, "d/f"), &word));
    assert_true(word.size == 3 && word.mode == 0644);
    assert_span_equal(word.text, span_text("d/f"));
    assert_true(hear(&hearing, GUEST_BYTES, span_text("ab"), &word));
    assert_false(hear(&hearing, GUEST_BYTES, span_text("cd"), &word)); /* a byte more than it has */
    assert_false(hear(&hearing, GUEST_DONE, span_of("", 0), &word));   /* a byte is missing */
    assert_true(hear(&hearing, GUEST_BYTES, span_text("c"), &word));
    assert_false(hear(&hearing, GUEST_BYTES, span_text("d"), &word));
    assert_true(hear(&hearing, GUEST_FILE, file_body(0600, 0, "empty"), &word));
    assert_true(hear(&hearing, GUEST_ODD, SPAN(odd), &word));
    assert_false(guest_hearing_is_over(&hearing));
    assert_true(hear(&hearing, GUEST_DONE, span_of("", 0), &word));
    assert_true(guest_hearing_is_over(&hearing));
}

/* Each kind in each state: what the table does not have is refused, and nothing changes. */
static void test_the_order(void **state)
{
    (void)state;
    static const uint8_t way[] = { GUEST_HELLO, GUEST_RUNS, GUEST_ENDED, GUEST_DONE };
    static const char *const may[COUNT_OF(way) + 1] = { "\1", "\2\3", "\4\5\6\15\16",
                                                        "\7\10\12\13\14", "" };
    static const uint8_t ended[] = { GUEST_EXITED, 0, 0 }, odd[] = { GUEST_SPECIAL, 'o' };
    static const uint8_t folder[] = { 0xff, 0x01, 'd' }, question[GUEST_QUESTION] = { 1 };
    for (size_t step = 0; step <= COUNT_OF(way); step++) {
        for (unsigned kind = 0; kind < 256; kind++) {
            struct guest_hearing hearing = after(way, step), before = hearing;
            struct guest_word word;
            const struct span body = kind == GUEST_HELLO                      ? hello_bytes()
                                     : kind == GUEST_OUT || kind == GUEST_ERR ? span_text("x")
                                     : kind == GUEST_BYTES                    ? span_text("x")
                                     : kind == GUEST_ENDED                    ? SPAN(ended)
                                     : kind == GUEST_FOLDER                   ? SPAN(folder)
                                     : kind == GUEST_FILE    ? file_body(0644, 1, "f")
                                     : kind == GUEST_ODD     ? SPAN(odd)
                                     : kind == GUEST_REFUSED ? refused_body(0, 1)
                                     : kind == GUEST_ASKS    ? SPAN(question)
                                                             : span_of("", 0);
            const bool expected = kind != 0 && strchr(may[step], (int)kind) != NULL;
            if (hear(&hearing, (uint8_t)kind, body, &word) != expected)
                fail_msg("kind %u after %zu steps", kind, step);
            if (!expected)
                assert_int_equal(hearing.state, before.state);
        }
    }
}

static void test_what_no_guest_says(void **state)
{
    (void)state;
    static const uint8_t way[] = { GUEST_HELLO, GUEST_RUNS };
    static const struct {
        const char *name;
        size_t steps;
        uint8_t kind;
        uint8_t body[4];
        size_t len;
    } rows[] = {
        { "another version", 0, GUEST_HELLO, { GUEST_VERSION + 1, 0, 0, 0 }, 4 },
        { "half a version", 0, GUEST_HELLO, { GUEST_VERSION, 0, 0 }, 3 },
        { "output of nothing", 2, GUEST_OUT, { 0 }, 0 },
        { "a beginning with something", 1, GUEST_RUNS, { 1 }, 1 },
        { "no end", 2, GUEST_ENDED, { 0, 0, 0 }, 3 },
        { "an end that is none", 2, GUEST_ENDED, { GUEST_END_COUNT, 1, 0 }, 3 },
        { "by signal 0", 2, GUEST_ENDED, { GUEST_SIGNALLED, 0, 0 }, 3 },
        { "by signal 65", 2, GUEST_ENDED, { GUEST_SIGNALLED, 65, 0 }, 3 },
        { "by memory and no signal", 2, GUEST_ENDED, { GUEST_MEMORY, 0, 0 }, 3 },
        { "an end with more", 2, GUEST_ENDED, { GUEST_EXITED, 0, 0, 0 }, 4 },
        { "an end with less", 2, GUEST_ENDED, { GUEST_EXITED, 0 }, 2 },
        { "an end that is told in part", 2, GUEST_ENDED, { GUEST_EXITED, 0, 4 }, 3 },
        { "refused calls of no kind", 2, GUEST_REFUSED, { 1, 0, 0, 0 }, 4 },
        { "a question that is cut", 2, GUEST_ASKS, { 1, 0, 0, 0 }, 4 },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct guest_hearing hearing = after(way, rows[i].steps);
        struct guest_word word;
        if (hear(&hearing, rows[i].kind, span_of(rows[i].body, rows[i].len), &word))
            fail_msg("%s", rows[i].name);
    }
}

static void test_refused_calls(void **state)
{
    (void)state;
    static const uint8_t way[] = { GUEST_HELLO, GUEST_RUNS };
    static const struct {
        uint32_t row, count;
        bool heard;
    } rows[] = { { 0, 1, true },
                 { GUEST_REFUSED_MAX - 1, UINT32_MAX, true },
                 { GUEST_REFUSED_MAX, 1, false },
                 { UINT32_MAX, 1, false },
                 { 0, 0, false } };
    struct guest_word word;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct guest_hearing hearing = after(way, COUNT_OF(way));
        const struct span body = refused_body(rows[i].row, rows[i].count);
        assert_int_equal(hear(&hearing, GUEST_REFUSED, body, &word), rows[i].heard);
        assert_false(hear(&hearing, GUEST_REFUSED, span_of(body.at, body.len - 1), &word));
        struct machine_word told = { .stage = MACHINE_REFUSED,
                                     .reason = REASON_OK,
                                     .refused = { rows[i].row, rows[i].count, 1 } };
        assert_int_equal(machine_word_is_sound(&told), rows[i].heard);
        told.stage = MACHINE_RUNS; /* which has none */
        assert_true(machine_word_is_sound(&told));
    }
}

static void test_tries(void **state)
{
    (void)state;
    static const uint8_t way[] = { GUEST_HELLO, GUEST_RUNS };
    static const struct {
        struct denied_try tried;
        bool heard;
    } rows[] = {
        { { .rule = 0, .count = 1 }, true },
        { { .rule = JOB_LIST_MAX - 1, .count = UINT32_MAX, .name_len = 6, .name = "shadow" },
          true },
        { { .rule = JOB_LIST_MAX, .count = 1 }, false },
        { { .rule = UINT32_MAX, .count = 1 }, false },
        { { .rule = 0, .count = 0 }, false },
        { { .rule = 0, .count = 1, .name_len = 1, .name = "\x1b" }, false },
        { { .rule = 0, .count = 1, .name_len = 3, .name = "a/b" }, false }
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint8_t frame[GUEST_HEAD + sizeof(struct denied_try) + 1] = { 0 };
        struct guest_hearing hearing = after(way, COUNT_OF(way));
        struct guest_word word;
        struct sink out = sink_over(frame, sizeof frame);
        guest_put_tried(&out, &rows[i].tried);
        const struct span body = span_of(frame + GUEST_HEAD, out.len - GUEST_HEAD);
        assert_int_equal(hear(&hearing, GUEST_TRIED, body, &word), rows[i].heard);
        if (rows[i].heard)
            assert_memory_equal(&word.tried, &rows[i].tried, sizeof word.tried);
        for (size_t cut = 0; cut < 8; cut++)
            assert_false(hear(&hearing, GUEST_TRIED, span_of(body.at, cut), &word));
        struct machine_word told = { .stage = MACHINE_TRIED,
                                     .reason = REASON_OK,
                                     .tried = rows[i].tried };
        assert_int_equal(machine_word_is_sound(&told), rows[i].heard);
        told.stage = MACHINE_RUNS; /* which has none */
        assert_true(machine_word_is_sound(&told));
    }
    /* One byte more than a name may have. */
    static uint8_t longer[8 + DENIED_NAME_MAX + 1] = { [4] = 1 };
    struct guest_hearing hearing = after(way, COUNT_OF(way));
    struct guest_word word;
    memset(longer + 8, 'a', DENIED_NAME_MAX + 1);
    assert_false(hear(&hearing, GUEST_TRIED, SPAN(longer), &word));
    assert_true(hear(&hearing, GUEST_TRIED, span_of(longer, sizeof longer - 1), &word));
    /* Not before it runs, and not after. */
    hearing = after(way, 1);
    assert_false(hear(&hearing, GUEST_TRIED, span_of(longer, 8), &word));
}

static void test_paths(void **state)
{
    (void)state;
    static const uint8_t way[] = { GUEST_HELLO, GUEST_RUNS, GUEST_ENDED };
    static char name[257], path[GUEST_PATH_MAX + 2];
    static const char *const bad[] = { "",     "/",    "/a",     "a/",  "a//b", ".",  "..",
                                       "../a", "a/..", "a/../b", "./a", "a/.",  name, path };
    static const char *const good[] = {
        "a", "a/b", "...", ".a", "a..", "-", " ", "\xff", name + 1
    };
    memset(name, 'n', 256);
    for (size_t i = 0; i <= GUEST_PATH_MAX; i++)
        path[i] = i % 2 == 0 ? 'p' : '/';
    struct guest_word word;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct guest_hearing hearing = after(way, COUNT_OF(way));
        if (hear(&hearing, GUEST_FILE, file_body(0644, 1, bad[i]), &word))
            fail_msg("\"%s\"", bad[i]);
    }
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        struct guest_hearing hearing = after(way, COUNT_OF(way));
        if (!hear(&hearing, GUEST_FILE, file_body(0644, 1, good[i]), &word))
            fail_msg("\"%s\"", good[i]);
    }
    path[GUEST_PATH_MAX - 1] = 0; /* it ended with a slash */
    struct guest_hearing hearing = after(way, COUNT_OF(way));
    assert_true(hear(&hearing, GUEST_FILE, file_body(0644, 1, path), &word));
    hearing = after(way, COUNT_OF(way));
    const struct span whole = file_body(0644, 1, "ab");
    ((uint8_t *)(uintptr_t)whole.at)[whole.len - 2] = 0; /* a NUL in the middle */
    assert_false(hear(&hearing, GUEST_FILE, whole, &word));
    assert_false(hear(&hearing, GUEST_FILE, file_body(010000, 1, "a"), &word));
    assert_false(hear(&hearing, GUEST_FILE, file_body(0644, UINT64_MAX, "a"), &word));
}

/* --- what it is told -------------------------------------------------------------------------- */

static void test_texts(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *body;
        size_t len;
    } bad[] = { { "nothing", "", 0 }, { "no end", "ab", 2 }, { "an end in it", "a\0b", 4 } };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        const struct guest_frame frame = { GUEST_ARGUMENT, span_of(bad[i].body, bad[i].len) };
        if (guest_text(&frame, NULL) != NULL)
            fail_msg("%s", bad[i].name);
    }
    uint8_t mark;
    const struct guest_frame empty = { GUEST_DENIED, span_of("", 0) };
    const struct guest_frame alone = { GUEST_DENIED, span_of("\1", 1) };
    assert_null(guest_text(&empty, &mark));
    assert_null(guest_text(&alone, &mark));
}

/* As it was put, so it is read; a byte less or more is none. */
static void test_limits_and_calls(void **state)
{
    (void)state;
    const struct guest_limits limits = { 1, 2, 3, 4, 5, 6, 7, 8, true, false, true, false, true };
    const struct guest_call call = { 9, GUEST_TELLS, true, { 5, 0xf0, 0x10 }, { 2, 8, 8 } };
    struct guest_limits read;
    struct guest_call other;
    struct guest_frame frame;
    struct sink out = sink_over(room, sizeof room);
    guest_put_limits(&out, &limits);
    guest_put_call(&out, &call);
    struct span rest = sink_bytes(&out);
    assert_int_equal(guest_take(&rest, &frame), 1);
    assert_true(guest_read_limits(&frame, &read));
    assert_true(read.tmpfs == 1 && read.disk == 2 && read.output == 3 && read.file == 4);
    assert_true(read.files == 5 && read.locked == 6 && read.processes == 7 && read.user == 8);
    assert_true(read.read_only && !read.job && read.collect && !read.network);
    for (size_t len = 0; len < frame.body.len; len++) {
        const struct guest_frame less = { GUEST_LIMITS, span_of(frame.body.at, len) };
        assert_false(guest_read_limits(&less, &read));
    }
    assert_int_equal(guest_take(&rest, &frame), 1);
    assert_true(guest_read_call(&frame, &other));
    assert_true(other.number == 9 && other.masked && other.action == GUEST_TELLS &&
                other.first.argument == 5 && other.first.mask == 0xf0 && other.first.value == 0x10);
    assert_true(other.also.argument == 2 && other.also.mask == 8 && other.also.value == 8);
    uint8_t odd[64];
    memcpy(odd, frame.body.at, frame.body.len);
    odd[4] = GUEST_ACTION_COUNT;
    const struct guest_frame no_action = { GUEST_CALL, span_of(odd, frame.body.len) };
    assert_false(guest_read_call(&no_action, &other));
    for (size_t len = 0; len < frame.body.len; len++) {
        const struct guest_frame less = { GUEST_CALL, span_of(frame.body.at, len) };
        assert_false(guest_read_call(&less, &other));
    }
}

/* --- what is told of the machine -------------------------------------------------------------- */

static void test_words_of_a_machine(void **state)
{
    (void)state;
    const struct machine_word good = {
        .stage = MACHINE_ENDED, .reason = REASON_OK, .ran = 1, .code = 255
    };
    assert_true(machine_word_is_sound(&good));
    struct machine_word word = good;
    word.reason = REASON_JOB_TIME; /* which is not its to say */
    assert_false(machine_word_is_sound(&word));
    word = good;
    word.reason = UINT32_MAX;
    assert_false(machine_word_is_sound(&word));
    word = good;
    word.code = 256;
    assert_false(machine_word_is_sound(&word));
    word = good;
    word.signal = 65;
    assert_false(machine_word_is_sound(&word));
    word = good;
    word.untold = 4;
    assert_false(machine_word_is_sound(&word));
    word = good;
    word.ran = 2;
    assert_false(machine_word_is_sound(&word));
    word = good;
    word.ran = 0; /* all is well, and it did not run */
    assert_false(machine_word_is_sound(&word));
    word = good;
    word.stage = 0;
    assert_false(machine_word_is_sound(&word));
    word = good;
    memset(word.what, 'w', sizeof word.what);
    assert_false(machine_word_is_sound(&word));
    word = good;
    word.what[0] = '\x1b';
    assert_false(machine_word_is_sound(&word));
}

static void test_words_are_made_plain(void **state)
{
    (void)state;
    struct machine_word word = { .stage = MACHINE_ENDED, .reason = REASON_JOB_START };
    machine_word_what(&word, span_of("a\x1b[2J\0\xff z\r\n", 11));
    assert_string_equal(word.what, "a.[2J.. z");
    assert_true(machine_word_is_sound(&word));
    memset(room, 'w', sizeof room);
    machine_word_what(&word, SPAN(room));
    assert_int_equal(strlen(word.what), GUEST_WORDS_MAX);
    assert_true(machine_word_is_sound(&word));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_frames, ""),
        TEST(test_frames_that_are_not_whole, ""),
        TEST(test_a_whole_talk, ""),
        TEST(test_the_order, ""),
        TEST(test_what_no_guest_says, ""),
        TEST(test_refused_calls, ""),
        TEST(test_tries, ""),
        TEST(test_paths, ""),
        TEST(test_texts, ""),
        TEST(test_limits_and_calls, ""),
        TEST(test_words_of_a_machine, ""),
        TEST(test_words_are_made_plain, ""),
    };
    return RUN_TESTS(tests);
}
