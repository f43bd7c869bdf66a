/* toml_parse.c - the structure of a TOML text: lines, keys, headers, arrays, inline tables, and
   who may define what how often.  Arrays and inline tables are read by calls inside one
   another, never deeper than TOML_DEPTH_MAX. */
#include "base/number.h"
#include "codec/key_hash.h"
#include "codec/toml_tree.h"
#include "codec/utf8.h"

/* --- the reader ------------------------------------------------------------------------- */

bool toml_refuse(struct toml_reader *r, size_t offset, const char *what)
{
    if (r->refused == NULL) {
        r->refused = what;
        r->refused_at = offset;
    }
    return false;
}

uint8_t toml_peek(const struct toml_reader *r, size_t ahead)
{
    return ahead < r->text.len - r->at ? r->text.at[r->at + ahead] : 0;
}

size_t toml_newline(const struct toml_reader *r)
{
    uint8_t c = toml_peek(r, 0);
    if (c == '\n')
        return 1;
    return c == '\r' && toml_peek(r, 1) == '\n' ? 2 : 0;
}

/* Counts on from one place of a text to a later one. */
static struct toml_place place_from(struct span text, struct toml_place place, size_t from,
                                    size_t to)
{
    for (size_t i = from; i < to; i++) {
        uint8_t c = text.at[i];
        if (c == '\n')
            place = (struct toml_place){ place.line + 1, 1 };
        else if ((c & 0xc0) != 0x80)
            place.column++;
    }
    return place;
}

static const struct toml_place text_start = { 1, 1 };

/* The place of the next byte.  All of them together cost one walk over the text. */
static struct toml_place place_here(struct toml_reader *r)
{
    r->place = place_from(r->text, r->place, r->placed, r->at);
    r->placed = r->at;
    return r->place;
}

static void skip_space(struct toml_reader *r)
{
    while (toml_peek(r, 0) == ' ' || toml_peek(r, 0) == '\t')
        r->at++;
}

static bool skip_comment(struct toml_reader *r)
{
    if (toml_peek(r, 0) != '#')
        return true;
    while (r->at < r->text.len && toml_newline(r) == 0) {
        if (toml_is_control(toml_peek(r, 0)))
            return toml_refuse(r, r->at, "a control character in a comment");
        r->at++;
    }
    return true;
}

/* What may stand between the values of an array: white space, comments, line ends. */
static bool skip_lines(struct toml_reader *r)
{
    for (;;) {
        skip_space(r);
        if (!skip_comment(r))
            return false;
        size_t newline = toml_newline(r);
        if (newline == 0)
            return true;
        r->at += newline;
    }
}

/* --- values of the tree ----------------------------------------------------------------- */

/* A key as it was read. */
struct key {
    struct span name;
    struct toml_place place;
    size_t offset;
    uint64_t hash;
};

static struct toml_value *new_value(struct toml_reader *r, const struct key *key,
                                    struct toml_place place)
{
    if (r->values_left == 0) {
        (void)toml_refuse(r, r->at, "too many values");
        return NULL;
    }
    struct toml_value *value = arena_alloc(r->arena, sizeof *value);
    if (value == NULL) {
        (void)toml_refuse(r, r->at, "out of memory");
        return NULL;
    }
    r->values_left--;
    value->place = place;
    if (key != NULL) {
        value->key = key->name;
        value->key_place = key->place;
        value->hash = key->hash;
    }
    return value;
}

static void append(struct toml_value *container, struct toml_value *value)
{
    struct toml_items *items = &container->as.items;
    if (items->last == NULL)
        items->first = value;
    else
        items->last->next = value;
    items->last = value;
    items->count++;
}

/* Finds a key of a table; *found is NULL when there is none.  False when another key of the
   table has the same hash, which only happens to who makes it happen. */
static bool find(struct toml_reader *r, struct toml_value *table, const struct key *key,
                 struct toml_value **found)
{
    struct toml_value *value = *toml_find_slot(table, key->hash);
    if (value != NULL && !span_equal(value->key, key->name))
        return toml_refuse(r, key->offset, "a key that cannot be told from another one");
    *found = value;
    return true;
}

static struct toml_value *add(struct toml_reader *r, struct toml_value *table,
                              const struct key *key, struct toml_place place)
{
    struct toml_value *value = new_value(r, key, place);
    if (value != NULL) {
        *toml_find_slot(table, key->hash) = value;
        append(table, value);
    }
    return value;
}

static struct toml_value *add_table(struct toml_reader *r, struct toml_value *table,
                                    const struct key *key, enum toml_origin origin)
{
    struct toml_value *value = add(r, table, key, key->place);
    if (value != NULL) {
        value->type = TOML_TABLE;
        value->as.items.origin = origin;
    }
    return value;
}

static bool deeper(struct toml_reader *r, size_t offset, unsigned *depth)
{
    if (*depth >= r->depth_max)
        return toml_refuse(r, offset, "nested too deep");
    ++*depth;
    return true;
}

/* --- keys ------------------------------------------------------------------------------- */

static bool is_bare(uint8_t c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_' ||
           c == '-';
}

static bool read_key(struct toml_reader *r, struct key *out)
{
    struct key key = { .place = place_here(r), .offset = r->at };
    uint8_t c = toml_peek(r, 0);
    if (c == '"' || c == '\'') {
        if (!toml_read_string(r, true, &key.name))
            return false;
    } else {
        size_t len = 0;
        while (is_bare(toml_peek(r, len)))
            len++;
        if (len == 0)
            return toml_refuse(r, r->at, "not a key");
        key.name = span_of(&r->text.at[r->at], len);
        r->at += len;
    }
    key.hash = key_hash(key.name);
    *out = key;
    skip_space(r);
    return true;
}

/* After a part of a dotted key: moves over the dot when another part follows. */
static bool another_part(struct toml_reader *r)
{
    if (toml_peek(r, 0) != '.')
        return false;
    r->at++;
    skip_space(r);
    return true;
}

/* --- headers ---------------------------------------------------------------------------- */

/* The table below `table` that a header passes through on its way. */
static struct toml_value *pass(struct toml_reader *r, struct toml_value *table,
                               const struct key *key, unsigned *depth)
{
    struct toml_value *value = NULL;
    if (!deeper(r, key->offset, depth) || !find(r, table, key, &value))
        return NULL;
    if (value == NULL)
        return add_table(r, table, key, TOML_IMPLICIT);
    if (value->type == TOML_TABLE && value->as.items.origin != TOML_INLINE)
        return value;
    if (value->type == TOML_ARRAY && value->as.items.origin == TOML_LIST)
        return deeper(r, key->offset, depth) ? value->as.items.last : NULL;
    (void)toml_refuse(r, key->offset, "a key that is no table, or a table that is complete");
    return NULL;
}

/* [a.b]: the table that the header defines. */
static struct toml_value *define_table(struct toml_reader *r, struct toml_value *table,
                                       const struct key *key, unsigned *depth)
{
    struct toml_value *value = NULL;
    if (!deeper(r, key->offset, depth) || !find(r, table, key, &value))
        return NULL;
    if (value == NULL)
        return add_table(r, table, key, TOML_HEADER);
    if (value->type != TOML_TABLE || value->as.items.origin != TOML_IMPLICIT) {
        (void)toml_refuse(r, key->offset, "a key that is defined already");
        return NULL;
    }
    value->as.items.origin = TOML_HEADER;
    value->place = value->key_place = key->place;
    return value;
}

/* [[a.b]]: one more table of the list. */
static struct toml_value *define_element(struct toml_reader *r, struct toml_value *table,
                                         const struct key *key, unsigned *depth)
{
    struct toml_value *list = NULL;
    if (!deeper(r, key->offset, depth) || !deeper(r, key->offset, depth) ||
        !find(r, table, key, &list))
        return NULL;
    if (list == NULL) {
        list = add(r, table, key, key->place);
        if (list == NULL)
            return NULL;
        list->type = TOML_ARRAY;
        list->as.items.origin = TOML_LIST;
    }
    if (list->type != TOML_ARRAY || list->as.items.origin != TOML_LIST) {
        (void)toml_refuse(r, key->offset, "a key that is defined already");
        return NULL;
    }
    struct toml_value *element = new_value(r, NULL, key->place);
    if (element == NULL)
        return NULL;
    element->type = TOML_TABLE;
    element->as.items.origin = TOML_HEADER;
    append(list, element);
    return element;
}

static bool read_header(struct toml_reader *r, struct toml_value *root)
{
    bool list = toml_peek(r, 1) == '[';
    struct toml_value *table = root;
    unsigned depth = 1;
    struct key key = { 0 };
    r->at += list ? 2 : 1;
    skip_space(r);
    for (;;) {
        if (!read_key(r, &key))
            return false;
        if (!another_part(r))
            break;
        table = pass(r, table, &key, &depth);
        if (table == NULL)
            return false;
    }
    if (toml_peek(r, 0) != ']' || (list && toml_peek(r, 1) != ']'))
        return toml_refuse(r, r->at, "the header does not end here");
    r->at += list ? 2 : 1;
    table = (list ? define_element : define_table)(r, table, &key, &depth);
    r->table = table;
    r->table_depth = depth;
    return table != NULL;
}

/* --- values ----------------------------------------------------------------------------- */

static bool read_value(struct toml_reader *r, unsigned depth, struct toml_value *value);

static bool read_word(struct toml_reader *r, const char *word)
{
    size_t len = 0;
    while (word[len] != 0 && toml_peek(r, len) == (uint8_t)word[len])
        len++;
    if (word[len] != 0 || is_bare(toml_peek(r, len)))
        return toml_refuse(r, r->at, "not a value");
    r->at += len;
    return true;
}

static bool read_array(struct toml_reader *r, unsigned depth, struct toml_value *array)
{
    size_t opening = r->at++;
    array->type = TOML_ARRAY;
    array->as.items.origin = TOML_INLINE;
    if (!deeper(r, opening, &depth))
        return false;
    for (;;) {
        if (!skip_lines(r))
            return false;
        if (toml_peek(r, 0) == ']')
            break;
        struct toml_value *value = new_value(r, NULL, place_here(r));
        if (value == NULL || !read_value(r, depth, value))
            return false;
        append(array, value);
        if (!skip_lines(r))
            return false;
        if (toml_peek(r, 0) == ']')
            break;
        if (toml_peek(r, 0) != ',')
            return toml_refuse(r, r->at, "neither a comma nor the end of the array");
        r->at++;
    }
    r->at++;
    return true;
}

/* The table that a part of a dotted key, not the last one, stands for.  Only tables that
   dotted keys made are added to: "using dotted keys to redefine tables already defined in
   [table] form is not allowed". */
static struct toml_value *enter_dotted(struct toml_reader *r, struct toml_value *table,
                                       const struct key *key, unsigned *depth)
{
    struct toml_value *value = NULL;
    if (!deeper(r, key->offset, depth) || !find(r, table, key, &value))
        return NULL;
    if (value == NULL)
        return add_table(r, table, key, TOML_DOTTED);
    if (value->type == TOML_TABLE && value->as.items.origin == TOML_DOTTED)
        return value;
    (void)toml_refuse(r, key->offset, "a key that is defined already");
    return NULL;
}

/* key = value, into a table. */
static bool read_pair(struct toml_reader *r, struct toml_value *table, unsigned depth)
{
    struct key key = { 0 };
    for (;;) {
        if (!read_key(r, &key))
            return false;
        if (!another_part(r))
            break;
        table = enter_dotted(r, table, &key, &depth);
        if (table == NULL)
            return false;
    }
    if (toml_peek(r, 0) != '=')
        return toml_refuse(r, r->at, "no = after a key");
    r->at++;
    skip_space(r);
    struct toml_value *value = NULL;
    if (!find(r, table, &key, &value))
        return false;
    if (value != NULL)
        return toml_refuse(r, key.offset, "a key that is defined already");
    value = add(r, table, &key, place_here(r));
    return value != NULL && read_value(r, depth, value);
}

/* TOML 1.0: no line end and no comma before the closing brace. */
static bool read_inline_table(struct toml_reader *r, unsigned depth, struct toml_value *table)
{
    size_t opening = r->at++;
    table->type = TOML_TABLE;
    table->as.items.origin = TOML_INLINE;
    if (!deeper(r, opening, &depth))
        return false;
    skip_space(r);
    if (toml_peek(r, 0) == '}') {
        r->at++;
        return true;
    }
    for (;;) {
        if (!read_pair(r, table, depth))
            return false;
        skip_space(r);
        uint8_t c = toml_peek(r, 0);
        if (c != ',' && c != '}')
            return toml_refuse(r, r->at, "neither a comma nor the end of the inline table");
        r->at++;
        if (c == '}')
            return true;
        skip_space(r);
    }
}

static bool read_value(struct toml_reader *r, unsigned depth, struct toml_value *value)
{
    switch (toml_peek(r, 0)) {
    case '"':
    case '\'':
        value->type = TOML_STRING;
        return toml_read_string(r, false, &value->as.string);
    case 't':
        value->type = TOML_BOOL;
        value->as.boolean = true;
        return read_word(r, "true");
    case 'f':
        value->type = TOML_BOOL;
        return read_word(r, "false");
    case '[':
        return read_array(r, depth, value);
    case '{':
        return read_inline_table(r, depth, value);
    default:
        return toml_read_number(r, value);
    }
}

/* --- the text --------------------------------------------------------------------------- */

static bool read_line(struct toml_reader *r, struct toml_value *root)
{
    skip_space(r);
    uint8_t c = toml_peek(r, 0);
    bool empty = r->at == r->text.len || c == '#' || toml_newline(r) > 0;
    if (!empty) {
        bool ok = c == '[' ? read_header(r, root) : read_pair(r, r->table, r->table_depth);
        if (!ok)
            return false;
        skip_space(r);
    }
    if (!skip_comment(r))
        return false;
    size_t newline = toml_newline(r);
    if (newline == 0 && r->at < r->text.len)
        return toml_refuse(r, r->at, "more on the line than belongs there");
    r->at += newline;
    return true;
}

/* "A TOML file must be a valid UTF-8 encoded Unicode document."  The byte order mark that
   some editors put first is passed over. */
static bool check_encoding(struct toml_reader *r)
{
    static const uint8_t mark[] = { 0xef, 0xbb, 0xbf };
    size_t at = 0;
    while (at < r->text.len) {
        size_t len = utf8_sequence(r->text, at);
        if (len == 0)
            return toml_refuse(r, at, "not UTF-8");
        at += len;
    }
    if (r->text.len >= sizeof mark && bytes_equal(r->text.at, mark, sizeof mark))
        r->at = r->placed = r->start = sizeof mark;
    return true;
}

static bool read_text(struct toml_reader *r, struct toml_value **out)
{
    if (r->text.len > TOML_TEXT_MAX)
        return toml_refuse(r, 0, "too long a text");
    if (!check_encoding(r))
        return false;
    struct toml_value *root = new_value(r, NULL, text_start);
    if (root == NULL)
        return false;
    root->type = TOML_TABLE;
    root->as.items.origin = TOML_HEADER;
    r->table = root;
    while (r->at < r->text.len)
        if (!read_line(r, root))
            return false;
    *out = root;
    return true;
}

bool toml_parse(struct span text, struct arena *arena, const struct toml_limits *limits,
                const struct toml_value **root, struct toml_error *error)
{
    struct toml_limits most = limits != NULL ? *limits : (struct toml_limits){ 0 };
    struct toml_reader r = { .text = text, .arena = arena, .table_depth = 1, .place = text_start };
    r.depth_max = most.depth > 0 && most.depth < TOML_DEPTH_MAX ? most.depth : TOML_DEPTH_MAX;
    r.values_left = most.values > 0 && most.values < TOML_VALUES_MAX ? most.values
                                                                     : TOML_VALUES_MAX;
    struct toml_value *read = NULL;
    if (read_text(&r, &read)) {
        *root = read;
        return true;
    }
    if (error != NULL)
        *error = (struct toml_error){ place_from(text, text_start, r.start, r.refused_at),
                                      r.refused };
    return false;
}
