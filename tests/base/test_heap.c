/* test_heap.c - never past the ceiling, and all of it comes back. */
#include "base/heap.h"

#include <string.h>

#include "test.h"

static void test_ceiling(void **state)
{
    (void)state;
    struct heap heap = { .ceiling = 1000 };
    uint8_t *one = heap_take(&heap, 100);
    assert_non_null(one);
    assert_true(bytes_are_zero(one, 100));
    size_t each = heap.used;
    assert_in_range(each, 100, 164);
    void *rest = heap_take(&heap, 1000 - 2 * each + 100);
    assert_non_null(rest);
    assert_int_equal(heap.used, 1000);
    assert_null(heap_take(&heap, 0));
    assert_null(heap_resize(&heap, one, 101));
    assert_int_equal(heap.used, 1000);
    heap_give(&heap, rest);
    one = heap_resize(&heap, one, 800);
    assert_non_null(one);
    assert_true(bytes_are_zero(one, 100));
    assert_null(heap_resize(&heap, one, 1000));
    heap_give(&heap, one);
    heap_give(&heap, NULL);
    assert_int_equal(heap.used, 0);
}

static void test_games(void **state)
{
    (void)state;
    struct heap none = { 0 };
    assert_null(heap_take(&none, 0));
    struct heap heap = { .ceiling = SIZE_MAX };
    assert_null(heap_take(&heap, SIZE_MAX));
    assert_null(heap_take(&heap, SIZE_MAX - 8));
    void *piece = heap_resize(&heap, NULL, 0);
    assert_non_null(piece);
    assert_null(heap_resize(&heap, piece, SIZE_MAX));
    heap_give(&heap, piece);
    assert_int_equal(heap.used, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_ceiling, ""),
        TEST(test_games, ""),
    };
    return RUN_TESTS(tests);
}
