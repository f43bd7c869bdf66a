/* policy_toml.c - see policy_toml.h.  Driven by the table in policy_keys.c. */
#include "policy/policy_toml.h"

#include <string.h>

#include "codec/hex.h"
#include "codec/nearest.h"
#include "codec/toml.h"
#include "policy/policy_keys.h"

/* One file being read. */
struct loader {
    struct policy policy;
    struct arena *arena;
    struct policy_errors *errors;
};

/* At most this much of a name from the file is quoted in an error. */
enum { QUOTED_MAX = 40 };

static void error_add(struct loader *l, struct toml_place place, const char *format, ...)
    PRINTF_LIKE(3, 4);

static void error_add(struct loader *l, struct toml_place place, const char *format, ...)
{
    size_t at = l->errors->count++;
    if (at >= POLICY_ERROR_MAX)
        return;
    struct policy_error *error = &l->errors->list[at];
    *error = (struct policy_error){ place.line, place.column, "" };
    struct sink out = sink_over(error->text, sizeof error->text);
    va_list args;
    va_start(args, format);
    sink_vformat(&out, format, args);
    va_end(args);
    sink_terminate(&out);
    for (char *c = error->text; *c != 0; c++) {
        if (*c < ' ' || *c > '~')
            *c = '?';
    }
}

/* What an error calls a key: "tdx.mrtd". */
struct key_name {
    char text[64];
};

static struct key_name key_name(const struct policy_key *key)
{
    struct key_name name = { "" };
    struct sink out = sink_over(name.text, sizeof name.text);
    sink_format(&out, "%s%s%s", key->section, *key->section == 0 ? "" : ".", key->name);
    sink_terminate(&out);
    return name;
}

static void error_type(struct loader *l, const struct policy_key *key,
                       const struct toml_value *value, const char *wanted)
{
    error_add(l, toml_position(value), "%s is %s and must be %s", key_name(key).text,
              toml_type_name(toml_type_of(value)), wanted);
}

static void *field_of(struct loader *l, size_t offset)
{
    return (uint8_t *)&l->policy + offset;
}

static void mark_given(struct loader *l, const struct policy_key *key)
{
    if (key->has != 0)
        *(bool *)field_of(l, key->has) = true;
}

static void read_bool(struct loader *l, const struct policy_key *key,
                      const struct toml_value *value)
{
    bool given;
    if (!toml_bool(value, &given)) {
        error_type(l, key, value, "true or false");
        return;
    }
    if (key->form == FORM_FLAG)
        *(enum policy_flag *)field_of(l, key->field) = given ? POLICY_FLAG_TRUE : POLICY_FLAG_FALSE;
    else
        *(bool *)field_of(l, key->field) = given;
}

static void read_number(struct loader *l, const struct policy_key *key,
                        const struct toml_value *value)
{
    int64_t number;
    if (!toml_integer(value, &number)) {
        error_type(l, key, value, "an integer");
        return;
    }
    if (number < key->least || number > key->most) {
        error_add(l, toml_position(value), "%s is %lld and must be between %lld and %lld",
                  key_name(key).text, (long long)number, (long long)key->least,
                  (long long)key->most);
        return;
    }
    /* The table's bounds are those of the field's type. */
    if (key->form == FORM_U16)
        *(uint16_t *)field_of(l, key->field) = (uint16_t)number;
    else if (key->form == FORM_U32)
        *(uint32_t *)field_of(l, key->field) = (uint32_t)number;
    else if (key->form == FORM_SIZE)
        *(size_t *)field_of(l, key->field) = (size_t)number;
    else
        *(int64_t *)field_of(l, key->field) = number;
    mark_given(l, key);
}

static void read_time(struct loader *l, const struct policy_key *key,
                      const struct toml_value *value)
{
    int64_t at;
    if (!toml_time(value, &at)) {
        error_type(l, key, value, "a date and time with an offset, like 2025-07-04T10:16:31Z");
        return;
    }
    *(int64_t *)field_of(l, key->field) = at;
    mark_given(l, key);
}

/* Finds a word of the key's list; an unknown one is an error. */
static const struct policy_word *read_word(struct loader *l, const struct policy_key *key,
                                           const struct toml_value *value)
{
    enum { WORDS_MAX = 16 };
    const char *names[WORDS_MAX];
    struct span text;
    if (!toml_string(value, &text)) {
        error_type(l, key, value, "a string");
        return NULL;
    }
    for (size_t i = 0; i < key->word_count && i < WORDS_MAX; i++) {
        names[i] = key->words[i].name;
        if (span_equal_text(text, names[i]))
            return &key->words[i];
    }
    if (key->never != NULL && span_equal_text(text, key->never)) {
        error_add(l, toml_position(value), "%s names \"%s\", which no policy can accept",
                  key_name(key).text, key->never);
        return NULL;
    }
    const char *nearest = text_nearest(text, names, key->word_count);
    error_add(l, toml_position(value), "%s does not know \"%.*s\"%s%s%s", key_name(key).text,
              (int)(text.len < QUOTED_MAX ? text.len : QUOTED_MAX), (const char *)text.at,
              nearest == NULL ? "" : "; did you mean \"", nearest == NULL ? "" : nearest,
              nearest == NULL ? "" : "\"?");
    return NULL;
}

static void read_choice(struct loader *l, const struct policy_key *key,
                        const struct toml_value *value)
{
    const struct policy_word *word = read_word(l, key, value);
    if (word != NULL)
        *(unsigned *)field_of(l, key->field) = (unsigned)word->value;
}

/* A list that is there must say something: leaving a key out is how to say nothing. */
static bool list_is_usable(struct loader *l, const struct policy_key *key,
                           const struct toml_value *value)
{
    if (toml_type_of(value) != TOML_ARRAY) {
        error_type(l, key, value, "a list");
        return false;
    }
    size_t length = toml_length(value);
    if (length == 0)
        error_add(l, toml_position(value), "%s is an empty list; leave the key out instead",
                  key_name(key).text);
    if (length > POLICY_LIST_MAX)
        error_add(l, toml_position(value), "%s has %zu items and may have %d", key_name(key).text,
                  length, POLICY_LIST_MAX);
    return length >= 1 && length <= POLICY_LIST_MAX;
}

static void read_set(struct loader *l, const struct policy_key *key, const struct toml_value *value)
{
    uint64_t bits = key->always;
    if (!list_is_usable(l, key, value))
        return;
    for (const struct toml_value *item = toml_first(value); item != NULL; item = toml_next(item)) {
        const struct policy_word *word = read_word(l, key, item);
        if (word != NULL)
            bits |= word->value;
    }
    if (key->form == FORM_SET32)
        *(uint32_t *)field_of(l, key->field) = (uint32_t)bits;
    else
        *(uint64_t *)field_of(l, key->field) = bits;
}

static void error_memory(struct loader *l, const struct toml_value *value)
{
    error_add(l, toml_position(value), "the policy needs more memory than it may have");
}

static bool read_hex(struct loader *l, const struct policy_key *key, const struct toml_value *value,
                     struct span *out)
{
    struct span text;
    if (!toml_string(value, &text)) {
        error_type(l, key, value, "a string of hex digits");
        return false;
    }
    size_t len = text.len / 2;
    bool fits = key->form == FORM_PCRS    ? len == 32 || len == 48 || len == 64
                : key->form == FORM_HEX64 ? len == 64
                : key->form == FORM_HEX   ? (int64_t)len >= key->least && (int64_t)len <= key->most
                                          : (int64_t)len == key->most;
    if (!fits || text.len % 2 != 0) {
        error_add(l, toml_position(value), "%s has %zu hex digits, which is not its length",
                  key_name(key).text, text.len);
        return false;
    }
    uint8_t *bytes = arena_alloc(l->arena, len);
    if (bytes == NULL) {
        error_memory(l, value);
        return false;
    }
    if (!hex_decode(text, bytes, len)) {
        error_add(l, toml_position(value), "%s has a character that is no hex digit",
                  key_name(key).text);
        return false;
    }
    *out = span_of(bytes, len);
    return true;
}

static bool read_text(struct loader *l, const struct policy_key *key,
                      const struct toml_value *value, struct span *out)
{
    struct span text;
    if (!toml_string(value, &text)) {
        error_type(l, key, value, "a string");
        return false;
    }
    if (text.len == 0) {
        error_add(l, toml_position(value), "%s has an empty string", key_name(key).text);
        return false;
    }
    if (!arena_copy(l->arena, text, out)) {
        error_memory(l, value);
        return false;
    }
    return true;
}

static bool read_item(struct loader *l, const struct policy_key *key,
                      const struct toml_value *value, struct span *out)
{
    return key->form == FORM_TEXTS ? read_text(l, key, value, out) : read_hex(l, key, value, out);
}

/* One string stands for a list of one. */
static void read_list(struct loader *l, const struct policy_key *key,
                      const struct toml_value *value)
{
    bool single = toml_type_of(value) == TOML_STRING;
    if (!single && !list_is_usable(l, key, value))
        return;
    size_t length = single ? 1 : toml_length(value);
    struct span *items = arena_array(l->arena, length, sizeof *items);
    if (items == NULL) {
        error_memory(l, value);
        return;
    }
    size_t good = 0;
    const struct toml_value *item = single ? value : toml_first(value);
    for (size_t i = 0; i < length && item != NULL; i++) {
        good += read_item(l, key, item, &items[i]) ? 1 : 0;
        item = single ? NULL : toml_next(item);
    }
    if (good == length)
        *(struct policy_list *)field_of(l, key->field) = (struct policy_list){ items, length };
}

static void read_bytes(struct loader *l, const struct policy_key *key,
                       const struct toml_value *value)
{
    struct span bytes;
    if (!read_hex(l, key, value, &bytes))
        return;
    if (key->form == FORM_HEX64)
        memcpy(field_of(l, key->field), bytes.at, bytes.len);
    else
        *(struct span *)field_of(l, key->field) = bytes;
    mark_given(l, key);
}

static void read_key(struct loader *l, const struct policy_key *key, const struct toml_value *value)
{
    switch (key->form) {
    case FORM_BOOL:
    case FORM_FLAG:
        read_bool(l, key, value);
        break;
    case FORM_U16:
    case FORM_U32:
    case FORM_I64:
    case FORM_SIZE:
        read_number(l, key, value);
        break;
    case FORM_TIME:
        read_time(l, key, value);
        break;
    case FORM_CHOICE:
        read_choice(l, key, value);
        break;
    case FORM_SET32:
    case FORM_SET64:
        read_set(l, key, value);
        break;
    case FORM_HEX:
    case FORM_HEX64:
        read_bytes(l, key, value);
        break;
    case FORM_TEXTS:
    case FORM_HEXES:
    case FORM_PCRS:
        read_list(l, key, value);
        break;
    }
}

static const struct policy_key *key_find(const char *section, struct span name)
{
    size_t count;
    const struct policy_key *keys = policy_keys(&count);
    for (size_t i = 0; i < count; i++) {
        if (span_equal_text(name, keys[i].name) &&
            span_equal_text(span_text(section), keys[i].section))
            return &keys[i];
    }
    return NULL;
}

static const char *const sections[] = { "tcb", "tdx", "sgx", "nitro", "log" };
enum { SECTION_COUNT = sizeof sections / sizeof sections[0] };

/* Where an unknown key would be at home: the same name in another section, else the nearest
   name of its own. */
static void error_unknown(struct loader *l, const char *section, const struct toml_value *value)
{
    enum { NAMES_MAX = 128 };
    const char *names[NAMES_MAX];
    size_t count, known = 0;
    const struct policy_key *keys = policy_keys(&count);
    struct span name = toml_key(value);
    int shown = (int)(name.len < QUOTED_MAX ? name.len : QUOTED_MAX);
    for (size_t i = 0; i < count && known < NAMES_MAX; i++) {
        if (span_equal_text(name, keys[i].name)) {
            error_add(l, toml_key_position(value), "unknown key \"%.*s\"; it is %s", shown,
                      (const char *)name.at, key_name(&keys[i]).text);
            return;
        }
        if (span_equal_text(span_text(section), keys[i].section))
            names[known++] = keys[i].name;
    }
    for (size_t i = 0; *section == 0 && i < SECTION_COUNT && known < NAMES_MAX; i++)
        names[known++] = sections[i];
    const char *nearest = text_nearest(name, names, known);
    error_add(l, toml_key_position(value), "unknown key \"%.*s\"%s%s%s%s%s", shown,
              (const char *)name.at, *section == 0 ? "" : " in [", section,
              *section == 0 ? "" : "]", nearest == NULL ? "" : "; did you mean ",
              nearest == NULL ? "" : nearest);
}

static void read_table(struct loader *l, const char *section, const struct toml_value *table);

/* True when the name is that of a section, whatever became of it. */
static bool read_section(struct loader *l, const struct toml_value *value)
{
    for (size_t i = 0; i < SECTION_COUNT; i++) {
        if (!span_equal_text(toml_key(value), sections[i]))
            continue;
        if (toml_type_of(value) == TOML_TABLE)
            read_table(l, sections[i], value);
        else
            error_add(l, toml_position(value), "%s is %s and must be a table", sections[i],
                      toml_type_name(toml_type_of(value)));
        return true;
    }
    return false;
}

static void read_table(struct loader *l, const char *section, const struct toml_value *table)
{
    for (const struct toml_value *v = toml_first(table); v != NULL; v = toml_next(v)) {
        const struct policy_key *key = key_find(section, toml_key(v));
        if (key != NULL)
            read_key(l, key, v);
        else if (*section != 0 || !read_section(l, v))
            error_unknown(l, section, v);
    }
}

/* What no single key can tell. */
static void check_together(struct loader *l, const struct toml_value *root)
{
    const struct policy *policy = &l->policy;
    const struct toml_value *sgx = toml_table_get(root, "sgx");
    const struct toml_value *log = toml_table_get(root, "log");
    if (policy->lists[LIST_MR_SIGNER].count != 0 && policy->lists[LIST_MR_ENCLAVE].count == 0 &&
        !policy->sgx.has_isv_prod_id)
        error_add(l, toml_key_position(toml_table_get(sgx, "mr_signer")),
                  "sgx.mr_signer alone accepts every product of that signer; add sgx.isv_prod_id");
    if (policy->log.rtmr3 == POLICY_RTMR3_VALUE && policy->lists[LIST_RTMR3].count == 0)
        error_add(l, toml_key_position(toml_table_get(log, "rtmr3")),
                  "log.rtmr3 = \"value\" needs the values in tdx.rtmr3");
}

bool policy_load(struct span toml, struct arena *arena, struct policy *out,
                 struct policy_errors *errors)
{
    struct loader l = { policy_default(), arena, errors };
    const struct toml_value *root;
    struct toml_error syntax;
    errors->count = 0;
    if (toml.len > POLICY_TEXT_MAX) {
        error_add(&l, (struct toml_place){ 0, 0 }, "the file has %zu bytes and may have %d",
                  toml.len, POLICY_TEXT_MAX);
        return false;
    }
    if (!toml_parse(toml, arena, NULL, &root, &syntax)) {
        error_add(&l, syntax.place, "%s", syntax.what);
        return false;
    }
    read_table(&l, "", root);
    if (errors->count == 0)
        check_together(&l, root);
    if (errors->count == 0 && !policy_is_sound(&l.policy))
        error_add(&l, toml_position(root), "the policy contradicts itself");
    if (errors->count != 0)
        return false;
    *out = l.policy;
    return true;
}
