/* spec_read.c - the forms of a specification's keys that no other file has. */
#include <string.h>

#include "base/number.h"
#include "codec/host_name.h"
#include "codec/utf8.h"
#include "job/image.h"
#include "job/spec.h"
#include "model/address.h"

enum { SHOWN_MAX = 40 };

static int shown(struct span text)
{
    return (int)(text.len < SHOWN_MAX ? text.len : SHOWN_MAX);
}

/* What one item of a list was taken for, or a problem. */
static void say_item(struct toml_reading *r, const struct toml_field *field,
                     const struct toml_value *item, struct span text, const char *why)
{
    toml_problem_add(r->problems, toml_position(item), "%s: \"%.*s\" %s",
                     toml_field_name(field).text, shown(text), (const char *)text.at, why);
}

/* A text that may be kept; it views the specification. */
static bool view_text(struct toml_reading *r, const struct toml_field *field,
                      const struct toml_value *item, struct span *out)
{
    struct span text;
    if (!toml_string(item, &text)) {
        toml_says_type(r, field, item, "a string");
        return false;
    }
    if (text.len > JOB_TEXT_MAX || (text.len > 0 && memchr(text.at, 0, text.len) != NULL)) {
        say_item(r, field, item, text, "is too long or has a NUL");
        return false;
    }
    *out = text;
    return true;
}

static bool item_text(struct toml_reading *r, const struct toml_field *field,
                      const struct toml_value *item, struct span *out)
{
    struct span text;
    if (!view_text(r, field, item, &text))
        return false;
    if (!arena_copy(r->arena, text, out)) {
        toml_says_no_memory(r, item);
        return false;
    }
    return true;
}

/* A copy in lower case: names of hosts are the same in either. */
static bool item_lower(struct toml_reading *r, const struct toml_field *field,
                       const struct toml_value *item, struct span *out)
{
    struct span text;
    if (!view_text(r, field, item, &text))
        return false;
    uint8_t *lower = toml_array(r, item, text.len, 1);
    if (lower == NULL)
        return false;
    for (size_t i = 0; i < text.len; i++)
        lower[i] = host_lower(text.at[i]);
    *out = span_of(lower, text.len);
    return true;
}

void job_read_hosts(struct toml_reading *r, const struct toml_field *field,
                    const struct toml_value *value)
{
    if (!toml_list_is_usable(r, field, value))
        return;
    struct job_host *hosts = toml_array(r, value, toml_length(value), sizeof *hosts);
    size_t count = 0;
    for (const struct toml_value *item = toml_first(value); hosts != NULL && item != NULL;
         item = toml_next(item)) {
        struct span text;
        if (!item_lower(r, field, item, &text))
            continue;
        if (job_host_parse(text, &hosts[count]))
            count++;
        else
            say_item(r, field, item, text, "is no name of a host, no *.NAME and no address");
    }
    *(struct job_hosts *)toml_field_at(r, field->field) = (struct job_hosts){ hosts, count };
}

static bool read_port(struct toml_reading *r, const struct toml_field *field,
                      const struct toml_value *item, struct job_port *out)
{
    int64_t number;
    struct span text;
    if (toml_integer(item, &number)) {
        if (number >= 1 && number <= UINT16_MAX) {
            *out = (struct job_port){ (uint16_t)number, false };
            return true;
        }
        toml_problem_add(r->problems, toml_position(item), "%s: %lld is not between 1 and 65535",
                         toml_field_name(field).text, (long long)number);
        return false;
    }
    if (!toml_string(item, &text)) {
        toml_says_type(r, field, item, "a number or a string");
        return false;
    }
    if (!job_port_parse(text, out)) {
        say_item(r, field, item, text, "is no port, \"N/tcp\" or \"N/udp\"");
        return false;
    }
    return true;
}

void job_read_ports(struct toml_reading *r, const struct toml_field *field,
                    const struct toml_value *value)
{
    if (!toml_list_is_usable(r, field, value))
        return;
    struct job_port *ports = toml_array(r, value, toml_length(value), sizeof *ports);
    size_t count = 0;
    for (const struct toml_value *item = toml_first(value); ports != NULL && item != NULL;
         item = toml_next(item))
        count += read_port(r, field, item, &ports[count]) ? 1 : 0;
    *(struct job_ports *)toml_field_at(r, field->field) = (struct job_ports){ ports, count };
}

void job_read_size(struct toml_reading *r, const struct toml_field *field,
                   const struct toml_value *value)
{
    int64_t number = 0;
    uint64_t bytes = 0;
    struct span text;
    bool is_number = toml_integer(value, &number);
    if (!is_number && !toml_string(value, &text)) {
        toml_says_type(r, field, value, "a number or a string such as \"4G\"");
        return;
    }
    bool ok = is_number
                  ? number >= 0 && !__builtin_mul_overflow((uint64_t)number, field->always, &bytes)
                  : job_size_parse(text, field->always, &bytes);
    if (!ok) {
        toml_problem_add(r->problems, toml_position(value),
                         "%s is no amount: a whole number, with K, M or G after it or nothing",
                         toml_field_name(field).text);
        return;
    }
    if (bytes < (uint64_t)field->least || bytes > (uint64_t)field->most) {
        toml_problem_add(r->problems, toml_position(value),
                         "%s is %llu bytes and must be between %lld and %lld",
                         toml_field_name(field).text, (unsigned long long)bytes,
                         (long long)field->least, (long long)field->most);
        return;
    }
    *(uint64_t *)toml_field_at(r, field->field) = bytes;
}

static const char not_plain[] = "is no absolute path without \".\", \"..\", \"//\" and control "
                                "characters";

/* Absolute, and the one way to write it: no empty part, no "." or "..", no slash at the end. */
static bool path_is_plain(struct span path)
{
    if (path.len < 2 || path.at[0] != '/')
        return false;
    for (size_t begin = 1; begin <= path.len;) {
        const uint8_t *slash = begin == path.len ? NULL
                                                 : memchr(path.at + begin, '/', path.len - begin);
        size_t end = slash == NULL ? path.len : (size_t)(slash - path.at);
        struct span part = span_of(path.at + begin, end - begin);
        if (part.len == 0 || span_equal_text(part, ".") || span_equal_text(part, "..") ||
            !utf8_is_plain(part)) /* no log and no terminal has it as it is */
            return false;
        begin = end + 1;
    }
    return true;
}

/* One item of a list of texts: judged, and kept where it is good. */
typedef bool item_fn(struct toml_reading *r, const struct toml_field *field,
                     const struct toml_value *item, struct span *out);

static void read_texts(struct toml_reading *r, const struct toml_field *field,
                       const struct toml_value *value, item_fn *read)
{
    if (!toml_list_is_usable(r, field, value))
        return;
    struct span *items = toml_array(r, value, toml_length(value), sizeof *items);
    size_t count = 0;
    for (const struct toml_value *item = toml_first(value); items != NULL && item != NULL;
         item = toml_next(item))
        count += read(r, field, item, &items[count]) ? 1 : 0;
    *(struct span_list *)toml_field_at(r, field->field) = (struct span_list){ items, count };
}

static bool read_path(struct toml_reading *r, const struct toml_field *field,
                      const struct toml_value *item, struct span *out)
{
    if (!item_text(r, field, item, out))
        return false;
    if (!path_is_plain(*out)) {
        say_item(r, field, item, *out, not_plain);
        return false;
    }
    return true;
}

void job_read_paths(struct toml_reading *r, const struct toml_field *field,
                    const struct toml_value *value)
{
    read_texts(r, field, value, read_path);
}

static bool read_address(struct toml_reading *r, const struct toml_field *field,
                         const struct toml_value *item, struct span *out)
{
    struct address address;
    if (!item_text(r, field, item, out))
        return false;
    if (!address_parse(*out, &address)) {
        say_item(r, field, item, *out, "is no address");
        return false;
    }
    return true;
}

void job_read_addresses(struct toml_reading *r, const struct toml_field *field,
                        const struct toml_value *value)
{
    read_texts(r, field, value, read_address);
}

void job_read_arguments(struct toml_reading *r, const struct toml_field *field,
                        const struct toml_value *value)
{
    read_texts(r, field, value, item_text);
    const struct span_list *command = toml_field_at(r, field->field);
    if (command->count == 0)
        return;
    const struct span program = command->items[0];
    if (program.len == 0)
        toml_problem_add(r->problems, toml_position(value), "%s names no program",
                         toml_field_name(field).text);
    else if (program.at[0] == '/' && !path_is_plain(program))
        /* Written another way it would not be met among the denied paths. */
        say_item(r, field, toml_first(value), program, not_plain);
}

static bool is_variable(struct span name)
{
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.at[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && (i == 0 || c < '0' || c > '9'))
            return false;
    }
    return name.len > 0 && name.len <= JOB_NAME_MAX;
}

void job_read_environment(struct toml_reading *r, const struct toml_field *field,
                          const struct toml_value *value)
{
    size_t length = toml_length(value), count = 0;
    if (toml_type_of(value) != TOML_TABLE) {
        toml_says_type(r, field, value, "a table");
        return;
    }
    if (length > JOB_ENV_MAX) {
        toml_problem_add(r->problems, toml_position(value), "%s has %zu variables and may have %d",
                         toml_field_name(field).text, length, JOB_ENV_MAX);
        return;
    }
    struct job_variable *items = toml_array(r, value, length, sizeof *items);
    for (const struct toml_value *item = toml_first(value); items != NULL && item != NULL;
         item = toml_next(item)) {
        struct span name = toml_key(item);
        if (!is_variable(name))
            say_item(r, field, item, name, "is no name of a variable");
        else if (!item_text(r, field, item, &items[count].value))
            continue;
        else if (!arena_copy(r->arena, name, &items[count].name))
            toml_says_no_memory(r, item);
        else
            count++;
    }
    *(struct job_environment *)toml_field_at(r, field->field) = (struct job_environment){ items,
                                                                                          count };
}

void job_read_image(struct toml_reading *r, const struct toml_field *field,
                    const struct toml_value *value)
{
    uint8_t digest[IMAGE_DIGEST];
    struct span text;
    if (!item_text(r, field, value, &text))
        return;
    if (!image_digest_read(text, digest)) {
        say_item(r, field, value, text,
                 "is no digest: an image is named by \"sha256:\" and 64 small hex digits");
        return;
    }
    *(struct span *)toml_field_at(r, field->field) = text;
}

void job_read_name(struct toml_reading *r, const struct toml_field *field,
                   const struct toml_value *value)
{
    struct span text;
    if (!item_text(r, field, value, &text))
        return;
    bool ok = text.len > 0 && text.len <= JOB_NAME_MAX && text.at[0] != '-' &&
              text.at[text.len - 1] != '-';
    for (size_t i = 0; ok && i < text.len; i++)
        ok = (text.at[i] >= 'a' && text.at[i] <= 'z') || (text.at[i] >= '0' && text.at[i] <= '9') ||
             text.at[i] == '-';
    if (!ok) {
        say_item(r, field, value, text, "is no name of small letters, digits and hyphens");
        return;
    }
    *(struct span *)toml_field_at(r, field->field) = text;
}
