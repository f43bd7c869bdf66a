/* test_arena.c - an arena never gives more than its ceiling, and never dirty memory. */
#include "base/arena.h"

#include <stdalign.h>
#include <string.h>

#include "test.h"

static void test_ceiling_holds(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 64 * 1024);
    size_t got = 0;
    while (arena_alloc(&arena, 1024) != NULL)
        got += 1024;
    assert_in_range(got, 48 * 1024, 64 * 1024);
    arena_fini(&arena);
}

static void test_memory_is_zero_and_aligned(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    for (size_t len = 0; len < 5000; len += 37) {
        uint8_t *p = arena_alloc(&arena, len);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % alignof(max_align_t), 0);
        assert_true(bytes_are_zero(p, len));
        memset(p, 0xee, len);
    }
    arena_fini(&arena);
}

static void test_products_are_checked(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    assert_null(arena_array(&arena, SIZE_MAX / 2, 4));
    assert_null(arena_alloc(&arena, SIZE_MAX));
    assert_null(arena_alloc(&arena, SIZE_MAX - 15));
    assert_non_null(arena_array(&arena, 10, 10));
    arena_fini(&arena);
}

/* Without a ceiling the block's own head must not carry the sum past SIZE_MAX: malloc would be
   asked for nothing and the caller handed all of the address space. */
static void test_a_block_and_its_head_are_summed_with_care(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, SIZE_MAX);
    assert_null(arena_alloc(&arena, SIZE_MAX - 31));
    assert_null(arena_alloc(&arena, SIZE_MAX - 63));
    assert_null(arena_array(&arena, SIZE_MAX / 16, 16));
    assert_non_null(arena_alloc(&arena, 16));
    arena_fini(&arena);
}

static void test_over_memory_of_the_caller(void **state)
{
    (void)state;
    uint8_t memory[256];
    struct arena none = arena_over(NULL, 0);
    assert_null(arena_alloc(&none, 0));
    for (size_t skew = 0; skew < 16; skew++) {
        struct arena arena = arena_over(memory + skew, sizeof memory - skew);
        uint8_t *p;
        size_t got = 0;
        while ((p = arena_alloc(&arena, 16)) != NULL) {
            assert_true(span_inside(span_of(p, 16), SPAN(memory)));
            got += 16;
        }
        assert_in_range(got, 224, 256);
        arena_fini(&arena);
    }
    struct arena tiny = arena_over(memory + 1, 2);
    assert_null(arena_alloc(&tiny, 1));
}

/* As what it holds, room is the caller's; as memory it is like any other of the arena. */
static void test_room_is_memory_that_is_not_cleared(void **state)
{
    (void)state;
    uint8_t memory[4096] __attribute__((aligned(16)));
    memset(memory, 0xee, sizeof memory);
    struct arena arena = arena_over(memory, sizeof memory);
    uint8_t *room = arena_room(&arena, 1001);
    assert_ptr_equal(room, memory);
    for (size_t i = 0; i < 1001; i++)
        assert_int_equal(room[i], 0xee);
    uint8_t *next = arena_alloc(&arena, 40);
    assert_ptr_equal(next, memory + 1008);
    assert_true(bytes_are_zero(next, 40));
    assert_null(arena_room(&arena, sizeof memory));
    assert_null(arena_room(&arena, SIZE_MAX));
    assert_non_null(arena_room(&arena, 0));
    arena_init(&arena, 4096);
    assert_null(arena_room(&arena, 4097));
    assert_non_null(arena_room(&arena, 4096));
    assert_null(arena_room(&arena, 1));
    arena_fini(&arena);
}

static void test_copy_owns_its_bytes(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 16);
    uint8_t from[] = { 1, 2, 3 };
    struct span copy = { 0 };
    assert_true(arena_copy(&arena, SPAN(from), &copy));
    from[0] = 9;
    assert_int_equal(copy.at[0], 1);
    assert_true(arena_copy(&arena, (struct span){ 0 }, &copy));
    assert_int_equal(copy.len, 0);
    struct arena none = { 0 };
    copy = SPAN(from);
    assert_false(arena_copy(&none, SPAN(from), &copy));
    assert_ptr_equal(copy.at, from);
    arena_fini(&none);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_ceiling_holds, ""),
        TEST(test_memory_is_zero_and_aligned, ""),
        TEST(test_products_are_checked, ""),
        TEST(test_over_memory_of_the_caller, ""),
        TEST(test_room_is_memory_that_is_not_cleared, ""),
        TEST(test_copy_owns_its_bytes, ""),
        TEST(test_a_block_and_its_head_are_summed_with_care, ""),
    };
    return RUN_TESTS(tests);
}
