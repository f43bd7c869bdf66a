/* toml_shape.c - see toml_shape.h. */
#include "codec/toml_shape.h"

#include <string.h>

#include "codec/hex.h"
#include "codec/nearest.h"

/* At most this much of a name from the text is quoted in a problem. */
enum { QUOTED_MAX = 40 };

void toml_problem_add(struct toml_problems *problems, struct toml_place place, const char *format,
                      ...)
{
    size_t at = problems->count++;
    if (at >= TOML_PROBLEMS_MAX)
        return;
    struct toml_problem *problem = &problems->list[at];
    *problem = (struct toml_problem){ place, "" };
    struct sink out = sink_over(problem->text, sizeof problem->text);
    va_list args;
    va_start(args, format);
    sink_vformat_cut(&out, format, args);
    va_end(args);
    sink_terminate(&out);
    for (char *c = problem->text; *c != 0; c++) {
        if (*c < ' ' || *c > '~')
            *c = '?';
    }
}

struct toml_name toml_field_name(const struct toml_field *field)
{
    struct toml_name name = { "" };
    struct sink out = sink_over(name.text, sizeof name.text);
    sink_format(&out, "%s%s%s", field->section, *field->section == 0 ? "" : ".", field->name);
    sink_terminate(&out);
    return name;
}

void toml_says_type(struct toml_reading *r, const struct toml_field *field,
                    const struct toml_value *value, const char *wanted)
{
    toml_problem_add(r->problems, toml_position(value), "%s is %s and must be %s",
                     toml_field_name(field).text, toml_type_name(toml_type_of(value)), wanted);
}

void *toml_field_at(const struct toml_reading *r, size_t offset)
{
    return (uint8_t *)r->object + offset;
}

static void mark_given(struct toml_reading *r, const struct toml_field *field)
{
    if (field->has != 0)
        *(bool *)toml_field_at(r, field->has) = true;
}

static void read_bool(struct toml_reading *r, const struct toml_field *field,
                      const struct toml_value *value)
{
    bool given;
    if (!toml_bool(value, &given)) {
        toml_says_type(r, field, value, "true or false");
        return;
    }
    if (field->form == TOML_FORM_FLAG)
        *(enum toml_flag *)toml_field_at(r, field->field) = given ? TOML_FLAG_TRUE
                                                                  : TOML_FLAG_FALSE;
    else
        *(bool *)toml_field_at(r, field->field) = given;
}

static void read_number(struct toml_reading *r, const struct toml_field *field,
                        const struct toml_value *value)
{
    int64_t number;
    if (!toml_integer(value, &number)) {
        toml_says_type(r, field, value, "an integer");
        return;
    }
    if (number < field->least || number > field->most) {
        toml_problem_add(r->problems, toml_position(value),
                         "%s is %lld and must be between %lld and %lld",
                         toml_field_name(field).text, (long long)number, (long long)field->least,
                         (long long)field->most);
        return;
    }
    /* The table's bounds are those of the field's type. */
    if (field->form == TOML_FORM_U16)
        *(uint16_t *)toml_field_at(r, field->field) = (uint16_t)number;
    else if (field->form == TOML_FORM_U32)
        *(uint32_t *)toml_field_at(r, field->field) = (uint32_t)number;
    else if (field->form == TOML_FORM_SIZE)
        *(size_t *)toml_field_at(r, field->field) = (size_t)number;
    else
        *(int64_t *)toml_field_at(r, field->field) = number;
    mark_given(r, field);
}

static void read_time(struct toml_reading *r, const struct toml_field *field,
                      const struct toml_value *value)
{
    int64_t at;
    if (!toml_time(value, &at)) {
        toml_says_type(r, field, value,
                       "a date and time with an offset, like 2025-07-04T10:16:31Z");
        return;
    }
    *(int64_t *)toml_field_at(r, field->field) = at;
    mark_given(r, field);
}

/* Finds a word of the key's list; an unknown one is an error. */
static const struct toml_word *read_word(struct toml_reading *r, const struct toml_field *field,
                                         const struct toml_value *value)
{
    enum { WORDS_MAX = 16 };
    const char *names[WORDS_MAX];
    struct span text;
    if (!toml_string(value, &text)) {
        toml_says_type(r, field, value, "a string");
        return NULL;
    }
    size_t count = field->word_count < WORDS_MAX ? field->word_count : WORDS_MAX;
    for (size_t i = 0; i < count; i++) {
        names[i] = field->words[i].name;
        if (span_equal_text(text, names[i]))
            return &field->words[i];
    }
    if (field->never != NULL && span_equal_text(text, field->never)) {
        toml_problem_add(r->problems, toml_position(value), "%s names \"%s\", %s",
                         toml_field_name(field).text, field->never, r->shape->never_why);
        return NULL;
    }
    const char *nearest = text_nearest(text, names, count);
    toml_problem_add(r->problems, toml_position(value), "%s does not know \"%.*s\"%s%s%s",
                     toml_field_name(field).text,
                     (int)(text.len < QUOTED_MAX ? text.len : QUOTED_MAX), (const char *)text.at,
                     nearest == NULL ? "" : "; did you mean \"", nearest == NULL ? "" : nearest,
                     nearest == NULL ? "" : "\"?");
    return NULL;
}

static void read_choice(struct toml_reading *r, const struct toml_field *field,
                        const struct toml_value *value)
{
    const struct toml_word *word = read_word(r, field, value);
    if (word != NULL)
        *(unsigned *)toml_field_at(r, field->field) = (unsigned)word->value;
}

/* A list that is there must say something: leaving a key out is how to say nothing. */
bool toml_list_is_usable(struct toml_reading *r, const struct toml_field *field,
                         const struct toml_value *value)
{
    if (toml_type_of(value) != TOML_ARRAY) {
        toml_says_type(r, field, value, "a list");
        return false;
    }
    size_t length = toml_length(value);
    if (length == 0 && !field->empty)
        toml_problem_add(r->problems, toml_position(value),
                         "%s is an empty list; leave the key out instead",
                         toml_field_name(field).text);
    if (length > r->shape->list_max)
        toml_problem_add(r->problems, toml_position(value), "%s has %zu items and may have %zu",
                         toml_field_name(field).text, length, r->shape->list_max);
    return (length >= 1 || field->empty) && length <= r->shape->list_max;
}

static void read_set(struct toml_reading *r, const struct toml_field *field,
                     const struct toml_value *value)
{
    uint64_t bits = field->always;
    if (!toml_list_is_usable(r, field, value))
        return;
    for (const struct toml_value *item = toml_first(value); item != NULL; item = toml_next(item)) {
        const struct toml_word *word = read_word(r, field, item);
        if (word != NULL)
            bits |= word->value;
    }
    if (field->form == TOML_FORM_SET32)
        *(uint32_t *)toml_field_at(r, field->field) = (uint32_t)bits;
    else
        *(uint64_t *)toml_field_at(r, field->field) = bits;
}

void toml_says_no_memory(struct toml_reading *r, const struct toml_value *value)
{
    toml_problem_add(r->problems, toml_position(value), "this needs more memory than there is");
}

void *toml_array(struct toml_reading *r, const struct toml_value *value, size_t count, size_t size)
{
    void *room = arena_array(r->arena, count, size);
    if (room == NULL)
        toml_says_no_memory(r, value);
    return room;
}

static bool read_hex(struct toml_reading *r, const struct toml_field *field,
                     const struct toml_value *value, struct span *out)
{
    struct span text;
    if (!toml_string(value, &text)) {
        toml_says_type(r, field, value, "a string of hex digits");
        return false;
    }
    size_t len = text.len / 2;
    bool fits = field->form == TOML_FORM_HASHES  ? len == 32 || len == 48 || len == 64
                : field->form == TOML_FORM_HEX64 ? len == 64
                : field->form == TOML_FORM_HEX
                    ? (int64_t)len >= field->least && (int64_t)len <= field->most
                    : (int64_t)len == field->most;
    if (!fits || text.len % 2 != 0) {
        toml_problem_add(r->problems, toml_position(value),
                         "%s has %zu hex digits, which is not its length",
                         toml_field_name(field).text, text.len);
        return false;
    }
    uint8_t *bytes = arena_alloc(r->arena, len);
    if (bytes == NULL) {
        toml_says_no_memory(r, value);
        return false;
    }
    if (!hex_decode(text, bytes, len)) {
        toml_problem_add(r->problems, toml_position(value),
                         "%s has a character that is no hex digit", toml_field_name(field).text);
        return false;
    }
    *out = span_of(bytes, len);
    return true;
}

static bool read_text(struct toml_reading *r, const struct toml_field *field,
                      const struct toml_value *value, struct span *out)
{
    struct span text;
    if (!toml_string(value, &text)) {
        toml_says_type(r, field, value, "a string");
        return false;
    }
    if (text.len == 0) {
        toml_problem_add(r->problems, toml_position(value), "%s has an empty string",
                         toml_field_name(field).text);
        return false;
    }
    if (!arena_copy(r->arena, text, out)) {
        toml_says_no_memory(r, value);
        return false;
    }
    return true;
}

static bool read_item(struct toml_reading *r, const struct toml_field *field,
                      const struct toml_value *value, struct span *out)
{
    return field->form == TOML_FORM_TEXTS ? read_text(r, field, value, out)
                                          : read_hex(r, field, value, out);
}

/* One string stands for a list of one. */
static void read_list(struct toml_reading *r, const struct toml_field *field,
                      const struct toml_value *value)
{
    bool single = toml_type_of(value) == TOML_STRING;
    if (!single && !toml_list_is_usable(r, field, value))
        return;
    size_t length = single ? 1 : toml_length(value);
    struct span *items = toml_array(r, value, length, sizeof *items);
    if (items == NULL)
        return;
    size_t good = 0;
    const struct toml_value *item = single ? value : toml_first(value);
    for (size_t i = 0; i < length && item != NULL; i++) {
        good += read_item(r, field, item, &items[i]) ? 1 : 0;
        item = single ? NULL : toml_next(item);
    }
    if (good == length)
        *(struct span_list *)toml_field_at(r, field->field) = (struct span_list){ items, length };
}

static void read_bytes(struct toml_reading *r, const struct toml_field *field,
                       const struct toml_value *value)
{
    struct span bytes;
    if (!read_hex(r, field, value, &bytes))
        return;
    if (field->form == TOML_FORM_HEX64)
        memcpy(toml_field_at(r, field->field), bytes.at, bytes.len);
    else
        *(struct span *)toml_field_at(r, field->field) = bytes;
    mark_given(r, field);
}

static void read_key(struct toml_reading *r, const struct toml_field *field,
                     const struct toml_value *value)
{
    switch (field->form) {
    case TOML_FORM_BOOL:
    case TOML_FORM_FLAG:
        read_bool(r, field, value);
        break;
    case TOML_FORM_U16:
    case TOML_FORM_U32:
    case TOML_FORM_I64:
    case TOML_FORM_SIZE:
        read_number(r, field, value);
        break;
    case TOML_FORM_TIME:
        read_time(r, field, value);
        break;
    case TOML_FORM_CHOICE:
        read_choice(r, field, value);
        break;
    case TOML_FORM_SET32:
    case TOML_FORM_SET64:
        read_set(r, field, value);
        break;
    case TOML_FORM_HEX:
    case TOML_FORM_HEX64:
        read_bytes(r, field, value);
        break;
    case TOML_FORM_OWN:
        field->own(r, field, value);
        break;
    case TOML_FORM_TEXTS:
    case TOML_FORM_HEXES:
    case TOML_FORM_HASHES:
        read_list(r, field, value);
        break;
    }
}

static const struct toml_field *find(const struct toml_shape *shape, struct span section,
                                     struct span name)
{
    for (size_t i = 0; i < shape->field_count; i++) {
        if (span_equal_text(name, shape->fields[i].name) &&
            span_equal_text(section, shape->fields[i].section))
            return &shape->fields[i];
    }
    return NULL;
}

/* What follows `section` in the path of one that lies in it, up to the next point; empty for
   one that does not. */
static struct span next_name(struct span section, const char *path)
{
    struct span whole = span_text(path);
    size_t begin = section.len == 0 ? 0 : section.len + 1;
    if (whole.len <= begin || !span_equal(span_of(whole.at, section.len), section) ||
        (section.len != 0 && whole.at[section.len] != '.'))
        return (struct span){ 0 };
    const uint8_t *point = memchr(whole.at + begin, '.', whole.len - begin);
    return span_of(whole.at + begin,
                   (point == NULL ? whole.len : (size_t)(point - whole.at)) - begin);
}

static bool is_section(const struct toml_shape *shape, struct span section, struct span name)
{
    for (size_t i = 0; i < shape->section_count; i++) {
        if (name.len > 0 && span_equal(next_name(section, shape->sections[i]), name))
            return true;
    }
    return false;
}

/* The names that may stand in a section, for "did you mean". */
struct names {
    size_t count;
    const char *names[TOML_NAMES_MAX];
    char sections[TOML_SECTIONS_MAX][TOML_NAME_MAX];
};

static void list_names(const struct toml_shape *shape, struct span section, struct names *out)
{
    out->count = 0;
    for (size_t i = 0; i < shape->field_count && out->count < TOML_NAMES_MAX; i++) {
        if (span_equal_text(section, shape->fields[i].section))
            out->names[out->count++] = shape->fields[i].name;
    }
    for (size_t i = 0; i < shape->section_count && i < TOML_SECTIONS_MAX; i++) {
        struct span name = next_name(section, shape->sections[i]);
        struct sink text = sink_over(out->sections[i], TOML_NAME_MAX);
        sink_put(&text, name);
        sink_terminate(&text);
        if (name.len > 0 && out->count < TOML_NAMES_MAX)
            out->names[out->count++] = out->sections[i];
    }
}

/* Where an unknown key would be at home: the same name in another section, else the nearest
   name of its own. */
static void say_unknown(struct toml_reading *r, struct span section, const struct toml_value *value)
{
    struct names known;
    struct span name = toml_key(value);
    int shown = (int)(name.len < QUOTED_MAX ? name.len : QUOTED_MAX);
    for (size_t i = 0; i < r->shape->field_count; i++) {
        if (!span_equal_text(name, r->shape->fields[i].name))
            continue;
        toml_problem_add(r->problems, toml_key_position(value), "unknown key \"%.*s\"; it is %s",
                         shown, (const char *)name.at, toml_field_name(&r->shape->fields[i]).text);
        return;
    }
    list_names(r->shape, section, &known);
    const char *nearest = text_nearest(name, known.names, known.count);
    toml_problem_add(r->problems, toml_key_position(value), "unknown key \"%.*s\"%s%.*s%s%s%s",
                     shown, (const char *)name.at, section.len == 0 ? "" : " in [",
                     (int)section.len, section.len == 0 ? "" : (const char *)section.at,
                     section.len == 0 ? "" : "]", nearest == NULL ? "" : "; did you mean ",
                     nearest == NULL ? "" : nearest);
}

/* Tables lie in one another no deeper than the shape's sections do, and the reader's depth is
   bounded besides. */
static void read_table(struct toml_reading *r, struct span section, const struct toml_value *table)
{
    for (const struct toml_value *v = toml_first(table); v != NULL; v = toml_next(v)) {
        const struct toml_field *field = find(r->shape, section, toml_key(v));
        char path[TOML_NAME_MAX];
        struct sink inner = sink_over(path, sizeof path);
        sink_put(&inner, section);
        sink_text(&inner, section.len == 0 ? "" : ".");
        sink_put(&inner, toml_key(v));
        if (field != NULL)
            read_key(r, field, v);
        else if (!is_section(r->shape, section, toml_key(v)))
            say_unknown(r, section, v);
        else if (toml_type_of(v) == TOML_TABLE)
            read_table(r, sink_bytes(&inner), v);
        else
            toml_problem_add(r->problems, toml_position(v), "%.*s is %s and must be a table",
                             (int)inner.len, path, toml_type_name(toml_type_of(v)));
    }
}

bool toml_shape_read(const struct toml_shape *shape, struct span text, void *object,
                     struct arena *arena, const struct toml_value **root,
                     struct toml_problems *problems)
{
    struct toml_reading r = { shape, object, arena, problems };
    struct toml_error syntax;
    problems->count = 0;
    if (text.len > shape->text_max) {
        toml_problem_add(problems, (struct toml_place){ 0, 0 },
                         "the file has %zu bytes and may have %zu", text.len, shape->text_max);
        return false;
    }
    if (!toml_parse(text, arena, NULL, root, &syntax)) {
        toml_problem_add(problems, syntax.place, "%s", syntax.what);
        return false;
    }
    read_table(&r, (struct span){ 0 }, *root);
    return problems->count == 0;
}
