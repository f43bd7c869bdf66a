/* lines.c - see auditor.h: the open file of the log, read by number. */
#include <string.h>
#include <unistd.h>

#include "proc/audit/parts.h"

bool lines_init(struct lines *lines, struct arena *arena, int fd)
{
    *lines = (struct lines){ .fd = fd,
                             .marks = arena_array(arena, LINES_MARKS, sizeof *lines->marks) };
    return lines->marks != NULL;
}

void lines_took(struct lines *lines, uint64_t number, uint64_t offset)
{
    if (number % LINES_MARK_EVERY == 0 && number / LINES_MARK_EVERY == lines->mark_count &&
        lines->mark_count < LINES_MARKS)
        lines->marks[lines->mark_count++] = offset;
}

void lines_walk_on(struct lines_walk *walk, int fd, uint64_t offset, uint64_t end, uint64_t seq)
{
    uint8_t *room = walk->room;
    *walk = (struct lines_walk){ .fd = fd,
                                 .at = offset,
                                 .end = end,
                                 .seq = seq,
                                 .window = cur_over(span_of(room, 0)),
                                 .room = room };
}

bool lines_walk_from(const struct lines *lines, struct lines_walk *walk, uint64_t seq)
{
    uint64_t number = seq - lines->first;
    uint64_t mark = number / LINES_MARK_EVERY;
    struct span line;
    if (seq < lines->first || number > lines->file.records)
        return false;
    if (lines->mark_count == 0)
        mark = 0;
    else if (mark >= lines->mark_count)
        mark = lines->mark_count - 1;
    uint64_t offset = lines->mark_count == 0 ? 0 : lines->marks[mark];
    lines_walk_on(walk, lines->fd, offset, lines->file.bytes,
                  lines->first + mark * LINES_MARK_EVERY);
    while (walk->seq < seq) {
        if (!lines_next(walk, &line))
            return false;
    }
    return true;
}

/* Moves what is left of the window to its beginning and reads more behind it. */
static bool refill(struct lines_walk *walk)
{
    struct span rest = cur_rest(&walk->window);
    uint64_t room = LINES_WINDOW - rest.len;
    uint64_t have = walk->at + rest.len;
    uint64_t more = walk->end - have < room ? walk->end - have : room;
    if (rest.len > 0)
        memmove(walk->room, rest.at, rest.len);
    if (!file_read_at(walk->fd, have, walk->room + rest.len, (size_t)more)) {
        walk->unreadable = true;
        return false;
    }
    walk->window = cur_over(span_of(walk->room, rest.len + (size_t)more));
    return more > 0;
}

bool lines_next(struct lines_walk *walk, struct span *line)
{
    for (;;) {
        struct span rest = cur_rest(&walk->window);
        const uint8_t *newline = rest.len > 0 ? memchr(rest.at, '\n', rest.len) : NULL;
        if (newline != NULL) {
            size_t len = (size_t)(newline - rest.at);
            if (!cur_take(&walk->window, len, line) || !cur_skip(&walk->window, 1))
                return false;
            walk->at += len + 1;
            walk->seq++;
            return true;
        }
        walk->torn = rest.len > 0;
        if (rest.len > AUDIT_LINE_MAX || !refill(walk))
            return false;
    }
}
