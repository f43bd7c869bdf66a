/* input.c - see input.h. */
#include "cmd/input.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/number.h"
#include "base/time.h"
#include "cmd/command.h"
#include "codec/hex.h"
#include "os/file.h"

bool input_file(struct arena *arena, const char *path, size_t max, struct ward_bytes *out)
{
    struct span bytes;
    struct trail trail = { 0 };
    bool is_stdin = strcmp(path, "-") == 0;
    rc r = is_stdin ? file_read_fd(&trail, STDIN_FILENO, max, arena, &bytes)
                    : file_read(&trail, path, max, arena, &bytes);
    if (!rc_ok(r)) {
        say("%s: %s", is_stdin ? "standard input" : path, file_error_text(r));
        return false;
    }
    *out = (struct ward_bytes){ bytes.at, bytes.len, is_stdin ? "standard input" : path };
    return true;
}

bool input_number(const char *text, int64_t min, int64_t max, int64_t *out)
{
    bool negative = text[0] == '-';
    const char *digit = text + (negative ? 1 : 0);
    int64_t value = 0;
    if (*digit == 0)
        return false;
    for (; *digit != 0; digit++) {
        if (*digit < '0' || *digit > '9' || __builtin_mul_overflow(value, 10, &value) ||
            !add_i64(value, *digit - '0', &value))
            return false;
    }
    value = negative ? -value : value;
    if (value < min || value > max)
        return false;
    *out = value;
    return true;
}

bool input_time(const char *text, int64_t *out)
{
    if (time_parse_rfc3339(span_text(text), out) || input_number(text, TIME_MIN, TIME_MAX, out))
        return true;
    say("--at %s: a time is 2025-07-04T10:16:31Z or whole seconds since 1970 (UTC)", text);
    return false;
}

bool input_hex(struct arena *arena, const char *what, const char *text, size_t max,
               struct ward_bytes *out)
{
    size_t digits = strlen(text);
    if (digits / 2 > max) {
        say("%s is at most %zu bytes, these are %zu", what, max, digits / 2);
        return false;
    }
    uint8_t *bytes = arena_alloc(arena, digits / 2);
    if (bytes == NULL || digits % 2 != 0 || !hex_decode(span_text(text), bytes, digits / 2)) {
        say("%s is pairs of hex digits", what);
        return false;
    }
    *out = (struct ward_bytes){ bytes, digits / 2, what };
    return true;
}

/* What became of reading a folder once. */
enum folder_turn { FOLDER_READ = 1, FOLDER_CHANGED, FOLDER_UNUSABLE };

/* A file that cannot be read is said and left out: without it less is allowed, not more.  One
   that is gone since the folder was listed has a newer one in its place, so the list is made
   again. */
static enum folder_turn read_entries(struct arena *arena, const char *path,
                                     const struct folder *folder, struct ward_bytes *list,
                                     size_t *count)
{
    *count = 0;
    for (size_t i = 0; i < folder->count; i++) {
        struct span bytes;
        struct trail trail = { 0 };
        size_t len = strlen(path) + strlen(folder->names[i]) + 2;
        char *name = arena_alloc(arena, len);
        if (name == NULL) {
            say("%s: out of memory", path);
            return FOLDER_UNUSABLE;
        }
        snprintf(name, len, "%s/%s", path, folder->names[i]);
        rc r = file_read_plain(&trail, name, COLLATERAL_FILE_MAX, arena, &bytes);
        if (rc_ok(r))
            list[(*count)++] = (struct ward_bytes){ bytes.at, bytes.len, name };
        else if (rc_class_of(r) == RC_WORLD && rc_errno(r) == ENOENT)
            return FOLDER_CHANGED;
        else
            say("%s: %s", name, file_error_text(r));
    }
    return FOLDER_READ;
}

static enum folder_turn read_folder(struct arena *arena, const char *path,
                                    struct ward_bytes **files, size_t *count)
{
    struct folder folder;
    struct trail trail = { 0 };
    rc r = folder_list(&trail, path, COLLATERAL_FILES_MAX, arena, &folder);
    if (!rc_ok(r)) {
        say("%s: %s", path, file_error_text(r));
        return FOLDER_UNUSABLE;
    }
    struct ward_bytes *list = arena_array(arena, folder.count, sizeof *list);
    if (list == NULL) {
        say("%s: out of memory", path);
        return FOLDER_UNUSABLE;
    }
    enum folder_turn turn = read_entries(arena, path, &folder, list, count);
    if (turn == FOLDER_READ && folder.links > 0)
        say("%s: %zu symbolic links are not followed; name the folder that they lead to", path,
            folder.links);
    *files = list;
    return turn;
}

bool input_folder(struct arena *arena, const char *path, struct ward_bytes **files, size_t *count)
{
    enum { TURNS = 8 };
    for (size_t i = 0; i < TURNS; i++) {
        enum folder_turn turn = read_folder(arena, path, files, count);
        if (turn != FOLDER_CHANGED)
            return turn == FOLDER_READ;
    }
    say("%s: files are taken away faster than they can be read", path);
    return false;
}
