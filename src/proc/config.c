/* config.c - see config.h.  One source after the other, the weakest first, into one struct. */
#include "proc/config.h"

#include <stdio.h>
#include <string.h>

#include "base/cursor.h"
#include "base/number.h"
#include "codec/nearest.h"
#include "proc/config_reader.h"
#include "proc/peer_text.h"

/* Longer than any section's name, its NUL included. */
enum { SECTION_BYTES = 24 };

#define VARIABLE_START "WARD_"
#define VARIABLE_FILE  "WARD_CONFIG" /* names the file; whoever reads the file reads it */

static void make_printable(char *text)
{
    for (char *c = text; *c != 0; c++) {
        if (*c < ' ' || *c > '~')
            *c = '?';
    }
}

/* As much of a name as fits; none when it is NULL. */
static void copy_name(char out[CONFIG_VARIABLE_MAX], const char *name)
{
    struct sink copy = sink_over(out, CONFIG_VARIABLE_MAX);
    if (name != NULL)
        sink_put(&copy, span_of(name, strnlen(name, CONFIG_VARIABLE_MAX - 1)));
    sink_terminate(&copy);
}

void reader_problem(struct reader *r, const struct place *place, const char *nearest,
                    const char *format, ...)
{
    size_t at = r->problems->count++;
    if (at >= CONFIG_PROBLEMS_MAX)
        return;
    struct config_problem *problem = &r->problems->list[at];
    *problem = (struct config_problem){ place->source, place->at };
    copy_name(problem->where, place->where);
    copy_name(problem->nearest, nearest);
    struct sink out = sink_over(problem->text, sizeof problem->text);
    va_list args;
    va_start(args, format);
    sink_vformat(&out, format, args);
    va_end(args);
    sink_terminate(&out);
    make_printable(problem->where);
    make_printable(problem->text);
}

int reader_quoted(struct span name)
{
    return (int)(name.len < QUOTED_BYTES ? name.len : QUOTED_BYTES);
}

static void problem_unknown(struct reader *r, const struct place *place, struct span name)
{
    reader_problem(r, place, config_key_nearest(name), "there is no key \"%.*s\"",
                   reader_quoted(name), (const char *)name.at);
}

static void keep_origin(struct reader *r, const struct config_key *key, const struct place *place)
{
    r->config.origins[config_key_index(key)] = (struct config_origin){ place->source, place->at,
                                                                       place->option };
}

static void problem_value(struct reader *r, const struct config_key *key, const struct place *place,
                          const struct config_why *why)
{
    r->bad[config_key_index(key)] = true;
    reader_problem(r, place, why->nearest, "%s %s", key->name, why->text);
}

static void set_text(struct reader *r, const struct config_key *key, const struct place *place,
                     struct span text)
{
    struct config_why why;
    if (config_value_text(key, text, r->inputs->folder, &r->config.settings, &why))
        keep_origin(r, key, place);
    else
        problem_value(r, key, place, &why);
}

static void read_defaults(struct reader *r)
{
    static const struct place place = { CONFIG_DEFAULT };
    size_t count;
    const struct config_key *keys = config_keys(&count);
    for (size_t i = 0; i < count; i++) {
        if (keys[i].fallback != NULL)
            set_text(r, &keys[i], &place, span_text(keys[i].fallback));
    }
}

/* The names of the sections, each once, in the order of the table, and then those of tables. */
struct sections {
    size_t count;
    char text[CONFIG_KEYS_MAX][SECTION_BYTES];
    const char *names[CONFIG_KEYS_MAX + CONFIG_TABLES];
};

static void list_sections(struct sections *out)
{
    size_t count;
    const struct config_key *keys = config_keys(&count);
    out->count = 0;
    for (size_t i = 0; i < count; i++) {
        struct span section = span_of(keys[i].name, strcspn(keys[i].name, "."));
        if (out->count > 0 && span_equal_text(section, out->text[out->count - 1]))
            continue;
        struct sink name = sink_over(out->text[out->count], SECTION_BYTES);
        sink_put(&name, section);
        sink_terminate(&name);
        out->names[out->count] = out->text[out->count];
        out->count++;
    }
    for (size_t i = 0; i < CONFIG_TABLES; i++)
        out->names[out->count++] = config_table_at(i)->section;
}

static bool section_is_known(const struct sections *sections, struct span name)
{
    for (size_t i = 0; i < sections->count; i++) {
        if (span_equal_text(name, sections->names[i]))
            return true;
    }
    return false;
}

static void read_file_key(struct reader *r, struct span section, const struct toml_value *value)
{
    char text[2 * QUOTED_BYTES];
    struct sink name = sink_over(text, sizeof text);
    struct span key_text = toml_key(value);
    sink_put(&name, section);
    sink_text(&name, ".");
    sink_put(&name, span_of(key_text.at, (size_t)reader_quoted(key_text)));
    struct place place = { CONFIG_FILE, toml_key_position(value), NULL, NULL };
    const struct config_key *key = config_key_find(sink_bytes(&name));
    if (key == NULL) {
        problem_unknown(r, &place, sink_bytes(&name));
        return;
    }
    struct config_why why;
    place.at = toml_position(value);
    if (config_value_toml(key, value, r->inputs->file_folder, &r->config.settings, &why))
        keep_origin(r, key, &place);
    else
        problem_value(r, key, &place, &why);
}

/* One section, or what stands where only sections do.  The keys of a section whose name is
   wrong are looked at as those of the one that was meant: the settings are refused anyway,
   and their mistakes are found now. */
static void read_file_section(struct reader *r, const struct sections *sections,
                              const struct toml_value *table)
{
    struct span section = toml_key(table);
    struct place place = { CONFIG_FILE, toml_key_position(table), NULL, NULL };
    bool is_known = section_is_known(sections, section);
    bool is_table = toml_type_of(table) == TOML_TABLE;
    if (!is_table && !is_known) {
        problem_unknown(r, &place, section);
        return;
    }
    if (!is_table) {
        reader_problem(r, &place, NULL, "%.*s is %s and must be a section of keys",
                       reader_quoted(section), (const char *)section.at,
                       toml_type_name(toml_type_of(table)));
        return;
    }
    if (!is_known) {
        const char *meant = text_nearest(section, sections->names, sections->count);
        reader_problem(r, &place, meant, "there is no section \"%.*s\"", reader_quoted(section),
                       (const char *)section.at);
        section = span_text(meant == NULL ? "" : meant);
    }
    const struct config_table *of_rows = config_table_find(section);
    if (of_rows != NULL) {
        reader_table(r, of_rows, table);
        return;
    }
    for (const struct toml_value *v = toml_first(table); v != NULL && section.len > 0;
         v = toml_next(v))
        read_file_key(r, section, v);
}

static void read_file(struct reader *r, struct arena *arena)
{
    const struct toml_value *root = NULL;
    struct toml_error error = { 0 };
    struct sections sections;
    if (!toml_parse(r->inputs->file, arena, NULL, &root, &error)) {
        struct place place = { CONFIG_FILE, error.place, NULL, NULL };
        reader_problem(r, &place, NULL, "this is no TOML: %s", error.what);
        return;
    }
    list_sections(&sections);
    for (const struct toml_value *v = toml_first(root); v != NULL; v = toml_next(v))
        read_file_section(r, &sections, v);
}

/* The environment's names of the keys, by the keys' index. */
struct variables {
    size_t count;
    char text[CONFIG_KEYS_MAX][CONFIG_VARIABLE_MAX];
    const char *names[CONFIG_KEYS_MAX];   /* whole */
    const char *endings[CONFIG_KEYS_MAX]; /* behind WARD_ */
};

static void list_variables(struct variables *out)
{
    const struct config_key *keys = config_keys(&out->count);
    for (size_t i = 0; i < out->count; i++) {
        struct sink name = sink_over(out->text[i], CONFIG_VARIABLE_MAX);
        config_key_variable(&name, &keys[i]);
        sink_terminate(&name);
        out->names[i] = out->text[i];
        out->endings[i] = out->text[i] + sizeof VARIABLE_START - 1;
    }
}

/* The variable that an unknown WARD_* was meant to be; NULL for one of another program.  One
   that begins as a section does was meant for this one, whatever its end. */
static const char *meant_variable(const struct variables *variables, struct span ending,
                                  bool *is_ours)
{
    const char *near = text_nearest(ending, variables->endings, variables->count);
    *is_ours = near != NULL;
    for (size_t i = 0; i < variables->count; i++) {
        size_t section = strcspn(variables->endings[i], "_") + 1;
        if (section <= ending.len &&
            span_equal(span_of(ending.at, section), span_of(variables->endings[i], section)))
            *is_ours = true;
        if (near == variables->endings[i])
            near = variables->names[i];
    }
    return near;
}

/* PEERS_ and what is behind it; NULL for none of a table. */
static const struct config_table *table_of_variable(struct span ending)
{
    for (size_t i = 0; i < CONFIG_TABLES; i++) {
        const struct config_table *table = config_table_at(i);
        size_t len = strlen(table->section);
        bool same = ending.len > len && ending.at[len] == '_';
        for (size_t k = 0; same && k < len; k++)
            same = ending.at[k] == (uint8_t)(table->section[k] - ('a' - 'A'));
        if (same)
            return table;
    }
    return NULL;
}

static void read_variable(struct reader *r, const struct variables *variables, const char *entry)
{
    size_t count;
    const struct config_key *keys = config_keys(&count);
    struct span name = span_of(entry, strcspn(entry, "="));
    struct cursor in = cur_over(name);
    if (!cur_expect(&in, span_text(VARIABLE_START)) || span_equal_text(name, VARIABLE_FILE) ||
        entry[name.len] == 0)
        return;
    struct place place = { CONFIG_ENVIRONMENT, { 0 }, NULL, NULL };
    for (size_t i = 0; i < count; i++) {
        if (span_equal_text(name, variables->names[i])) {
            place.where = variables->names[i];
            set_text(r, &keys[i], &place, span_text(entry + name.len + 1));
            return;
        }
    }
    bool is_ours;
    const char *meant = meant_variable(variables, cur_rest(&in), &is_ours);
    const struct config_table *table = table_of_variable(cur_rest(&in));
    char text[CONFIG_VARIABLE_MAX];
    struct sink where = sink_over(text, sizeof text);
    sink_put(&where, span_of(name.at, name.len < sizeof text ? name.len : sizeof text - 1));
    sink_terminate(&where);
    place.where = text;
    if (table != NULL)
        reader_problem(r, &place, NULL, "%s are set in ward.toml only", table->section);
    else if (is_ours)
        reader_problem(r, &place, meant, "no key has this variable");
}

static void read_environment(struct reader *r)
{
    struct variables variables;
    list_variables(&variables);
    for (const char *const *entry = r->inputs->environment; *entry != NULL; entry++)
        read_variable(r, &variables, *entry);
}

static const struct config_key *key_of_option(const char *option)
{
    size_t count;
    const struct config_key *keys = config_keys(&count);
    for (size_t i = 0; i < count; i++) {
        if (keys[i].flag != NULL && strcmp(keys[i].flag, option) == 0)
            return &keys[i];
    }
    return NULL;
}

/* KEY=VALUE of --set.  The value is never shown: who forgets the key may have typed a secret. */
static const struct config_key *split_set(struct reader *r, const struct place *place,
                                          struct span *value)
{
    struct span whole = *value;
    const uint8_t *equals = whole.len == 0 ? NULL : memchr(whole.at, '=', whole.len);
    if (equals == NULL) {
        reader_problem(r, place, NULL, "must be KEY=VALUE");
        return NULL;
    }
    struct span name = span_of(whole.at, (size_t)(equals - whole.at));
    *value = span_of(equals + 1, whole.len - name.len - 1);
    const struct config_key *key = config_key_find(name);
    const struct config_table *table;
    struct span row;
    if (key == NULL && config_row_key_find(name, &table, &row) != NULL)
        reader_problem(r, place, NULL, "%s are set in ward.toml only", table->section);
    else if (key == NULL)
        problem_unknown(r, place, name);
    return key;
}

static void read_flags(struct reader *r)
{
    for (size_t i = 0; i < r->inputs->flag_count; i++) {
        const struct config_flag *flag = &r->inputs->flags[i];
        struct place place = { CONFIG_FLAG, { 0 }, flag->option, flag->option };
        struct span value = span_text(flag->value);
        const struct config_key *key = key_of_option(flag->option);
        if (key == NULL)
            key = split_set(r, &place, &value);
        if (key == NULL)
            continue;
        if (r->config.origins[config_key_index(key)].source == CONFIG_FLAG)
            reader_problem(r, &place, NULL, "%s is set twice on the command line", key->name);
        set_text(r, key, &place, value);
    }
}

/* Where the value of a key is from, for a problem that shows only when all are known. */
static void problem_of_key(struct reader *r, const char *name, const char *text)
{
    const struct config_key *key = config_key_find(span_text(name));
    const struct config_origin *origin = &r->config.origins[config_key_index(key)];
    char variable[CONFIG_VARIABLE_MAX];
    struct sink out = sink_over(variable, sizeof variable);
    config_key_variable(&out, key);
    sink_terminate(&out);
    const char *const where[] = { [CONFIG_DEFAULT] = name,
                                  [CONFIG_FILE] = NULL,
                                  [CONFIG_ENVIRONMENT] = variable,
                                  [CONFIG_FLAG] = origin->option };
    struct place place = { origin->source, origin->place, where[origin->source], origin->option };
    reader_problem(r, &place, NULL, "%s %s", name, text);
}

static bool is_given(const struct reader *r, const char *name)
{
    const struct config_key *key = config_key_find(span_text(name));
    return r->config.origins[config_key_index(key)].source != CONFIG_DEFAULT;
}

static bool is_good(const struct reader *r, const char *name)
{
    return !r->bad[config_key_index(config_key_find(span_text(name)))];
}

static bool lies_in(const char *path, const char *folder)
{
    size_t len = strlen(folder);
    return strncmp(path, folder, len) == 0 && (path[len] == 0 || path[len] == '/');
}

/* The default of seal.path, and what is wrong only in company. */
static void settle_seal(struct reader *r)
{
    struct settings *s = &r->config.settings;
    if (!is_good(r, "state.folder") || !is_good(r, "seal.kind") || !is_good(r, "seal.path"))
        return;
    if (!is_given(r, "seal.path") && s->seal == SEAL_BY_CREDENTIAL) {
        problem_of_key(r, "seal.kind",
                       "is credential, so seal.path must name its file "
                       "(systemd.exec(5), CREDENTIALS_DIRECTORY)");
        return;
    }
    if (!is_given(r, "seal.path")) {
        struct sink path = sink_over(s->seal_path, sizeof s->seal_path);
        sink_format(&path, "%s.seal", s->state);
        sink_terminate(&path);
        if (!sink_ok(&path) || path.len == sizeof s->seal_path)
            problem_of_key(r, "state.folder", "is too long for the seal's path beside it");
        return;
    }
    if (s->seal == SEAL_BY_FILE && lies_in(s->seal_path, s->state))
        problem_of_key(r, "seal.path",
                       "must lie outside state.folder: who copies the folder "
                       "would have the key to it");
}

/* A certificate without its key is of no use, nor the other way round. */
static void settle_tls(struct reader *r)
{
    const struct settings *s = &r->config.settings;
    if (!is_good(r, "tls.certificate") || !is_good(r, "tls.key"))
        return;
    if (s->tls_certificate[0] != 0 && s->tls_key[0] == 0)
        problem_of_key(r, "tls.certificate", "needs the file of its private key: set tls.key");
    if (s->tls_certificate[0] == 0 && s->tls_key[0] != 0)
        problem_of_key(r, "tls.key", "needs the file of its certificate: set tls.certificate");
}

/* Names that no certificate can be shown for, and lists of CAs that nobody named, are slips. */
static void settle_clients(struct reader *r)
{
    const struct settings *s = &r->config.settings;
    if (!is_good(r, "tls.client_ca") || s->tls_client_ca[0] != 0)
        return;
    if (is_good(r, "tls.client_crl") && s->tls_client_crl[0] != 0)
        problem_of_key(r, "tls.client_crl", "needs the CAs that it is of: set tls.client_ca");
    if (is_good(r, "tls.operators") && s->operators[0] != 0)
        problem_of_key(r, "tls.operators",
                       "needs the CAs of their certificates: set tls.client_ca");
}

/* A peer of the weaker profile is no other peer by another way. */
static void settle_sdk(struct reader *r)
{
    const struct settings *s = &r->config.settings;
    const struct span name = span_text(s->sdk_peer);
    if (!is_good(r, "sdk.peer"))
        return;
    if (!peer_name_is_usable(name))
        problem_of_key(r, "sdk.peer", "is no name of a peer: a-z, 0-9 and inner hyphens");
    else if (peer_find(s, name) != NULL)
        problem_of_key(r, "sdk.peer",
                       "is in [peers] already: a peer of version 2 has no second way in");
}

/* Each within its bounds, and together a bucket that takes longer to fill than front counts. */
static void settle_rates(struct reader *r)
{
    static const char *const pairs[][2] = {
        { "limit.connects_burst", "limit.connects_per_second" },
        { "limit.requests_burst", "limit.requests_per_second" },
    };
    for (size_t i = 0; i < COUNT_OF(pairs); i++) {
        uint64_t burst = config_number(config_key_find(span_text(pairs[i][0])),
                                       &r->config.settings);
        uint64_t rate = config_number(config_key_find(span_text(pairs[i][1])), &r->config.settings);
        unsigned long long most = rate * CONFIG_FILL_SECONDS, each = rate;
        char text[CONFIG_PROBLEM_TEXT_MAX];
        if (!is_good(r, pairs[i][0]) || !is_good(r, pairs[i][1]) || burst <= most)
            continue;
        snprintf(text, sizeof text, "must be at most %llu, which %s of %llu gives in %d seconds",
                 most, pairs[i][1], each, CONFIG_FILL_SECONDS);
        problem_of_key(r, pairs[i][0], text);
    }
}

bool config_read(const struct config_inputs *inputs, struct arena *arena, struct config *out,
                 struct config_problems *problems)
{
    struct reader r = { .inputs = inputs, .problems = problems };
    problems->count = 0;
    read_defaults(&r);
    if (inputs->file.len > 0)
        read_file(&r, arena);
    if (inputs->environment != NULL)
        read_environment(&r);
    read_flags(&r);
    settle_seal(&r);
    settle_tls(&r);
    settle_clients(&r);
    settle_rates(&r);
    settle_sdk(&r);
    if (problems->count > 0)
        return false;
    *out = r.config;
    return true;
}

void config_problem_write(struct sink *out, const char *file, const struct config_problem *problem)
{
    if (problem->source == CONFIG_FILE)
        sink_format(out, "%s:%u:%u: ", file, problem->place.line, problem->place.column);
    else
        sink_format(out, "%s: ", problem->where);
    sink_text(out, problem->text);
    if (problem->nearest[0] != 0)
        sink_format(out, "; did you mean \"%s\"?", problem->nearest);
}

static size_t field_size(enum config_form form)
{
    switch (form) {
    case CONFIG_TEXT:
    case CONFIG_ADDRESS:
    case CONFIG_PATH:
    case CONFIG_STORE:
    case CONFIG_URL:
    case CONFIG_NETWORKS:
    case CONFIG_PEER_URL:
    case CONFIG_PEER_PUBLIC:
    case CONFIG_PINS:
    case CONFIG_OPERATORS:
        return SETTING_TEXT_MAX;
    case CONFIG_SIZE:
        return sizeof(uint64_t);
    case CONFIG_BOOL:
        return sizeof(bool);
    case CONFIG_U32:
    case CONFIG_SECONDS:
    case CONFIG_CHOICE:
    case CONFIG_SHARE:
        break;
    }
    return sizeof(uint32_t);
}

bool config_field_is_same(const struct config_key *key, const void *a, const void *b)
{
    if (field_size(key->form) == SETTING_TEXT_MAX)
        return strcmp(config_field(key, a), config_field(key, b)) == 0;
    return config_number(key, a) == config_number(key, b);
}

void config_take_over(struct settings *running, const struct settings *next,
                      enum config_change changes[CONFIG_KEYS_MAX])
{
    size_t count = 0;
    const struct config_key *keys = config_keys(&count);
    struct settings taken = *running;
    for (size_t i = 0; i < count; i++) {
        const struct config_key *key = &keys[i];
        changes[i] = config_field_is_same(key, running, next) ? CONFIG_SAME
                     : key->reloads                           ? CONFIG_TAKEN
                                                              : CONFIG_NEEDS_START;
        if (changes[i] == CONFIG_TAKEN)
            memcpy((uint8_t *)&taken + key->field, config_field(key, next), field_size(key->form));
    }
    for (size_t i = 0; i < CONFIG_TABLES; i++) {
        if (config_table_reloads(config_table_at(i)))
            config_table_take(config_table_at(i), &taken, next);
    }
    *running = taken;
}

bool config_is_sound(const struct config *config)
{
    const struct settings *settings = &config->settings;
    size_t count = 0;
    const struct config_key *keys = config_keys(&count);
    bool sound = true;
    for (size_t i = 0; sound && i < count; i++)
        sound = config_key_is_sound(&keys[i], settings);
    for (size_t i = 0; sound && i < CONFIG_TABLES; i++)
        sound = config_table_is_sound(config_table_at(i), settings);
    return sound;
}
