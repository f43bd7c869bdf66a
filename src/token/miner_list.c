/* miner_list.c - see miner_list.h. */
#include "token/miner_list.h"

#include <string.h>

static bool refuse(struct miner_list_error *error, size_t line, const char *what)
{
    *error = (struct miner_list_error){ line, what };
    return false;
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* What stands before a comment, without the blanks around it. */
static struct span trim(struct span line)
{
    const uint8_t *comment = line.len == 0 ? NULL : memchr(line.at, '#', line.len);
    if (comment != NULL)
        line.len = (size_t)(comment - line.at);
    while (line.len > 0 && is_blank(line.at[line.len - 1]))
        line.len--;
    while (line.len > 0 && is_blank(line.at[0]))
        line = span_of(line.at + 1, line.len - 1);
    return line;
}

static struct miner_name name_of(struct span hotkey)
{
    struct miner_name name = { .len = (uint8_t)hotkey.len };
    memcpy(name.text, hotkey.at, hotkey.len);
    return name;
}

bool miner_list_read(struct span text, struct miner_list *out, struct miner_list_error *error)
{
    size_t line = 0;
    out->count = 0;
    if (text.len > MINER_LIST_FILE_MAX)
        return refuse(error, 0, "too long");
    if (text.len == 0 || text.at[text.len - 1] != '\n')
        return refuse(error, 0, "empty, or its last line has no end: it is half written");
    for (struct span rest = text; rest.len > 0;) {
        const uint8_t *end = memchr(rest.at, '\n', rest.len);
        const size_t len = (size_t)(end - rest.at);
        const struct span hotkey = trim(span_of(rest.at, len));
        line++;
        rest = span_of(end + 1, rest.len - len - 1);
        if (hotkey.len == 0)
            continue;
        if (!miner_subject_is_good(hotkey))
            return refuse(error, line, "no hotkey: one in base58 a line, and nothing else");
        if (out->count == MINER_LIST_MAX)
            return refuse(error, line, "too many miners");
        out->names[out->count++] = name_of(hotkey);
    }
    if (out->count == 0)
        return refuse(error, 0, "it names nobody");
    return true;
}

/* One after the other: all there may be take less than the signature did. */
bool miner_list_has(const struct miner_list *list, struct span hotkey)
{
    for (size_t i = 0; i < list->count; i++) {
        if (span_equal(span_of(list->names[i].text, list->names[i].len), hotkey))
            return true;
    }
    return false;
}
