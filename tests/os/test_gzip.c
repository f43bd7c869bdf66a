/* test_gzip.c - what is written is read again, by us and by gzip itself; every cut and every
   flipped bit is found, after what came before it. */
#include "os/gzip.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test.h"

enum { TEXT_LEN = 200000, MEMORY = 1 << 20 };

static int temporary(void)
{
    char name[] = "/tmp/test_gzip_XXXXXX";
    int fd = mkstemp(name);
    assert_true(fd >= 0 && unlink(name) == 0);
    return fd;
}

static void fill(uint8_t *text, size_t len)
{
    struct test_random random = { 1 };
    for (size_t i = 0; i < len; i++)
        text[i] = (uint8_t)("abcdefgh"[test_random_below(&random, 8)]);
}

static int packed(const uint8_t *text, size_t len)
{
    struct gzip_writer writer;
    struct arena arena;
    int fd = temporary();
    arena_init(&arena, MEMORY);
    assert_true(rc_ok(gzip_write_begin(NULL, &writer, &arena, fd)));
    for (size_t at = 0; at < len;) {
        size_t step = len - at < 777 ? len - at : 777;
        assert_true(rc_ok(gzip_write(NULL, &writer, span_of(text + at, step))));
        at += step;
    }
    assert_true(rc_ok(gzip_write_end(NULL, &writer)));
    arena_fini(&arena);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

/* Reads all; the bytes that came, and whether the end did. */
static size_t unpacked(int fd, uint8_t *out, size_t cap, bool *whole)
{
    struct gzip_reader reader;
    struct arena arena;
    size_t have = 0, len = 0;
    rc read;
    arena_init(&arena, MEMORY);
    assert_true(rc_ok(gzip_read_begin(NULL, &reader, &arena, fd)));
    do {
        size_t room = cap - have < 1000 ? cap - have : 1000;
        read = gzip_read(NULL, &reader, out + have, room, &len);
        have += rc_ok(read) ? len : 0;
    } while (rc_ok(read) && len > 0 && have < cap);
    *whole = rc_ok(read) && len == 0;
    if (!rc_ok(read))
        assert_int_equal(rc_number(read), GZIP_E_FORMAT);
    arena_fini(&arena);
    return have;
}

static void test_there_and_back(void **state)
{
    static uint8_t text[TEXT_LEN], back[TEXT_LEN + 1];
    (void)state;
    fill(text, sizeof text);
    for (size_t len = 0; len <= TEXT_LEN; len = 3 * len + 1) {
        bool whole = false;
        int fd = packed(text, len);
        assert_int_equal(unpacked(fd, back, sizeof back, &whole), len);
        assert_true(whole && bytes_equal(text, back, len));
        close(fd);
    }
}

static void test_damage(void **state)
{
    static uint8_t text[3000], back[sizeof text + 1], bytes[4096];
    (void)state;
    fill(text, sizeof text);
    int fd = packed(text, sizeof text);
    ssize_t len = read(fd, bytes, sizeof bytes);
    close(fd);
    assert_true(len > 100 && len < (ssize_t)sizeof bytes - 1);
    for (ssize_t cut = 0; cut <= len + 1; cut++) {
        bool whole = true;
        int other = temporary();
        assert_int_equal(write(other, bytes, (size_t)cut), cut);
        assert_int_equal(lseek(other, 0, SEEK_SET), 0);
        size_t have = unpacked(other, back, sizeof back, &whole);
        assert_int_equal(whole, cut == len); /* neither less nor more */
        assert_true(have <= sizeof text && bytes_equal(text, back, have));
        close(other);
    }
    for (ssize_t at = 10; at < len; at++) { /* behind the header, whose bytes say little */
        bool whole = true;
        int other = temporary();
        bytes[at] ^= 0x10;
        assert_int_equal(write(other, bytes, (size_t)len), len);
        assert_int_equal(lseek(other, 0, SEEK_SET), 0);
        size_t have = unpacked(other, back, sizeof back, &whole);
        /* The bits that fill up the last byte of the data mean nothing. */
        assert_true(!whole || (have == sizeof text && bytes_equal(text, back, have)));
        bytes[at] ^= 0x10;
        close(other);
    }
}

static void test_no_memory(void **state)
{
    struct gzip_writer writer;
    struct gzip_reader reader;
    static uint8_t little[1 << 17];
    struct arena arena = arena_over(little, sizeof little);
    (void)state;
    rc begun = gzip_write_begin(NULL, &writer, &arena, 1);
    assert_int_equal(rc_number(begun), GZIP_E_MEMORY);
    arena = arena_over(little, 100);
    begun = gzip_read_begin(NULL, &reader, &arena, 0);
    assert_int_equal(rc_number(begun), GZIP_E_MEMORY);
}

static void test_full_disk(void **state)
{
    struct gzip_writer writer;
    struct arena arena;
    static uint8_t text[TEXT_LEN];
    FILE *full = fopen("/dev/full", "w");
    (void)state;
    assert_non_null(full);
    fill(text, sizeof text);
    arena_init(&arena, MEMORY);
    assert_true(rc_ok(gzip_write_begin(NULL, &writer, &arena, fileno(full))));
    rc written = gzip_write(NULL, &writer, SPAN(text));
    assert_int_equal(rc_class_of(written), RC_WORLD);
    arena_fini(&arena);
    (void)fclose(full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_there_and_back, ""),
        TEST(test_damage, ""),
        TEST(test_no_memory, ""),
        TEST(test_full_disk, ""),
    };
    return RUN_TESTS(tests);
}
