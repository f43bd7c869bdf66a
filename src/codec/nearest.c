/* nearest.c - see nearest.h. */
#include "codec/nearest.h"

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static bool same(struct span a, size_t i, struct span b, size_t j)
{
    return lower(a.at[i]) == lower(b.at[j]);
}

/* The row of distances for one more letter of `a`, from the two rows before it (optimal string
   alignment: no part is edited twice). */
static void next_row(struct span a, size_t i, struct span b, size_t rows[3][NEAREST_NAME_MAX + 1])
{
    const size_t *before = rows[(i + 2) % 3];
    const size_t *above = rows[i % 3];
    size_t *row = rows[(i + 1) % 3];
    row[0] = i + 1;
    for (size_t j = 0; j < b.len; j++) {
        row[j + 1] = least(least(above[j + 1], row[j]) + 1, above[j] + (same(a, i, b, j) ? 0 : 1));
        if (i > 0 && j > 0 && same(a, i, b, j - 1) && same(a, i - 1, b, j))
            row[j + 1] = least(row[j + 1], before[j - 1] + 1);
    }
}

size_t text_distance(struct span a, struct span b)
{
    size_t rows[3][NEAREST_NAME_MAX + 1];
    if (a.len > NEAREST_NAME_MAX || b.len > NEAREST_NAME_MAX)
        return SIZE_MAX;
    for (size_t j = 0; j <= b.len; j++)
        rows[0][j] = j;
    for (size_t i = 0; i < a.len; i++)
        next_row(a, i, b, rows);
    return rows[a.len % 3][b.len];
}

const char *text_nearest(struct span name, const char *const *candidates, size_t count)
{
    const char *nearest = NULL;
    size_t best = SIZE_MAX;
    for (size_t i = 0; i < count; i++) {
        struct span candidate = span_text(candidates[i]);
        size_t distance = text_distance(name, candidate);
        if (distance <= (candidate.len + 2) / 3 && distance < best) {
            best = distance;
            nearest = candidates[i];
        }
    }
    return nearest;
}
