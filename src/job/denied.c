/* denied.c - see denied.h. */
#include "job/denied.h"

#include <string.h>

#include "base/number.h"

static const char key[] = "sandbox_config.filesystem_policy.denied_paths";

bool denied_is_usual(struct span path, struct span name)
{
    static const char *const names[] = {
        "ld.so.preload", "ld.so.cache", "ld-musl-x86_64.path",
        "nsswitch.conf", "resolv.conf", "host.conf",
        "hosts",         "gai.conf",    "localtime",
        "busybox.conf",
    };
    if (!span_equal_text(path, "/etc"))
        return false;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (span_equal_text(name, names[i]))
            return true;
    }
    return false;
}

static bool is_simple(struct span name)
{
    for (size_t i = 0; i < name.len; i++) {
        const uint8_t byte = name.at[i];
        const bool letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
        const bool digit = byte >= '0' && byte <= '9';
        if (!letter && !digit && byte != '.' && byte != '_' && byte != '-' && byte != '+')
            return false;
    }
    return name.len > 0 && name.len <= DENIED_NAME_MAX;
}

static struct span name_of(const struct denied_try *tried)
{
    return span_of(tried->name, tried->name_len);
}

/* The row of a name, a free one, or that of the path. */
static struct denied_try *row_of(struct denied_tries *tries, size_t rule, struct span name)
{
    size_t known = 0;
    for (size_t i = JOB_LIST_MAX; i < DENIED_ROOM && is_simple(name); i++) {
        struct denied_try *row = &tries->at[i];
        if (row->count == 0 && known < DENIED_NAMES_OF_RULE) {
            row->name_len = (uint8_t)name.len;
            memcpy(row->name, name.at, name.len);
            return row;
        }
        if (row->count == 0)
            break;
        if (row->rule == rule && span_equal(name_of(row), name))
            return row;
        known += row->rule == rule ? 1 : 0;
    }
    return &tries->at[rule];
}

struct denied_try *denied_add(struct denied_tries *tries, size_t rule, struct span name)
{
    if (rule >= JOB_LIST_MAX)
        return NULL;
    struct denied_try *row = row_of(tries, rule, name);
    row->rule = (uint32_t)rule;
    row->count += row->count < UINT32_MAX ? 1 : 0;
    return row;
}

bool denied_is_sound(const struct denied_try *tried, size_t rules)
{
    return tried->count > 0 && tried->rule < rules && tried->rule < JOB_LIST_MAX &&
           tried->name_len <= DENIED_NAME_MAX &&
           (tried->name_len == 0 || is_simple(name_of(tried)));
}

bool denied_take(struct denied_tries *tries, const struct denied_try *got, size_t rules,
                 const struct denied_try **is_new)
{
    *is_new = NULL;
    if (!denied_is_sound(got, rules))
        return false;
    struct denied_try *row = row_of(tries, got->rule, name_of(got));
    /* Whoever counts as is done here finds room for each name that he has. */
    if (row->name_len != got->name_len)
        return true;
    if (row->count == 0)
        *is_new = row;
    row->rule = got->rule;
    row->count = got->count;
    return true;
}

/* A path is as long as somebody wrote it: what is shown of it ends with a whole character. */
static void write_path(struct sink *out, struct span path)
{
    enum { SHOWN = 200 };
    size_t len = path.len <= SHOWN ? path.len : SHOWN;
    while (len > 0 && len < path.len && (path.at[len] & 0xc0) == 0x80)
        len--;
    sink_put(out, span_of(path.at, len));
    if (len < path.len)
        sink_text(out, "...");
}

void denied_write_rule(struct sink *out, const struct span_list *denied,
                       const struct denied_try *tried)
{
    const struct span path = denied->items[tried->rule];
    sink_text(out, "the path ");
    write_path(out, path);
    if (tried->name_len > 0) {
        sink_text(out, "/");
        sink_put(out, name_of(tried));
    } else {
        sink_text(out, ", or what would be below it,");
    }
    sink_format(out, " is hidden by %s, which has \"", key);
    write_path(out, path);
    sink_text(out, "\"");
}

void denied_write_change(struct sink *out, const struct span_list *denied,
                         const struct denied_try *tried)
{
    sink_format(out, "%s -= [\"", key);
    write_path(out, denied->items[tried->rule]);
    sink_text(out, "\"]");
}
