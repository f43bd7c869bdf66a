/* config_value.c - see config_value.h. */
#include "proc/config_value.h"

#include <string.h>

#include "base/cursor.h"
#include "base/number.h"
#include "codec/nearest.h"
#include "codec/toml_write.h"
#include "codec/utf8.h"
#include "model/address.h"
#include "os/listen.h"
#include "proc/operator_text.h"
#include "proc/peer_text.h"
#include "proc/provider_url.h"
#include "proc/store_url.h"

static void refuse(struct config_why *why, const char *format, ...) PRINTF_LIKE(2, 3);

static void refuse(struct config_why *why, const char *format, ...)
{
    struct sink out = sink_over(why->text, sizeof why->text);
    va_list args;
    va_start(args, format);
    sink_vformat(&out, format, args);
    va_end(args);
    sink_terminate(&out);
    why->nearest = NULL;
}

/* Offsets come from the table only; what they lead to is of the type of the form. */
static void *field_of(const struct config_key *key, void *fields)
{
    return (uint8_t *)fields + key->field;
}

const void *config_field(const struct config_key *key, const void *fields)
{
    return (const uint8_t *)fields + key->field;
}

static bool is_number(enum config_form form)
{
    return form == CONFIG_U32 || form == CONFIG_SIZE || form == CONFIG_SECONDS;
}

static uint64_t count_of(const char *text)
{
    struct operators operators;
    return operators_read(span_text(text), &operators) ? operators.count : 0;
}

uint64_t config_number(const struct config_key *key, const void *fields)
{
    const void *field = config_field(key, fields);
    if (key->form == CONFIG_OPERATORS)
        return count_of(field);
    if (key->form == CONFIG_SIZE)
        return *(const uint64_t *)field;
    if (key->form == CONFIG_BOOL)
        return *(const bool *)field;
    if (is_number(key->form) || key->form == CONFIG_CHOICE || key->form == CONFIG_SHARE)
        return *(const uint32_t *)field;
    return 0;
}

static bool set_number(const struct config_key *key, uint64_t number, void *fields,
                       struct config_why *why)
{
    if (number < key->least || number > key->most) {
        refuse(why, "is %llu and must be between %llu and %llu", (unsigned long long)number,
               (unsigned long long)key->least, (unsigned long long)key->most);
        return false;
    }
    /* The table's bounds are within the field's type. */
    if (key->form == CONFIG_SIZE)
        *(uint64_t *)field_of(key, fields) = number;
    else
        *(uint32_t *)field_of(key, fields) = (uint32_t)number;
    return true;
}

/* What a unit behind a number stands for; 0 when the form has no such unit. */
static uint64_t unit_of(enum config_form form, uint8_t letter)
{
    static const struct {
        enum config_form form;
        char letter;
        uint64_t factor;
    } units[] = {
        { CONFIG_SIZE, 'K', 1 << 10 },  { CONFIG_SIZE, 'M', 1 << 20 },
        { CONFIG_SIZE, 'G', 1 << 30 },  { CONFIG_SECONDS, 's', 1 },
        { CONFIG_SECONDS, 'm', 60 },    { CONFIG_SECONDS, 'h', 60 * 60 },
        { CONFIG_SECONDS, 'd', 86400 },
    };
    for (size_t i = 0; i < COUNT_OF(units); i++) {
        if (units[i].form == form && (uint8_t)units[i].letter == letter)
            return units[i].factor;
    }
    return 0;
}

/* Digits, then at most one unit.  A number past 64 bits is UINT64_MAX, which no key may be. */
static bool read_number(enum config_form form, struct span text, uint64_t *out)
{
    struct cursor in = cur_over(text);
    uint64_t number = 0;
    uint64_t factor = 1;
    uint8_t c;
    if (!cur_peek(&in, &c) || c < '0' || c > '9')
        return false;
    while (cur_peek(&in, &c) && c >= '0' && c <= '9' && cur_skip(&in, 1)) {
        if (__builtin_mul_overflow(number, UINT64_C(10), &number) ||
            __builtin_add_overflow(number, (uint64_t)(c - '0'), &number)) {
            number = UINT64_MAX;
        }
    }
    if (cur_u8(&in, &c)) {
        factor = unit_of(form, c);
        if (factor == 0 || !cur_end(&in))
            return false;
    }
    if (__builtin_mul_overflow(number, factor, out))
        *out = UINT64_MAX;
    return true;
}

static const char *wanted(enum config_form form)
{
    switch (form) {
    case CONFIG_U32:
        return "a whole number";
    case CONFIG_SIZE:
        return "a number of bytes like 1048576, or like \"64M\" (K, M, G)";
    case CONFIG_SECONDS:
        return "a number of seconds like 90, or like \"90s\" (s, m, h, d)";
    case CONFIG_BOOL:
        return "true or false";
    case CONFIG_SHARE:
        return "a fraction above 0 and at most 1, like 0.5";
    case CONFIG_TEXT:
    case CONFIG_ADDRESS:
    case CONFIG_PATH:
    case CONFIG_STORE:
    case CONFIG_URL:
    case CONFIG_NETWORKS:
    case CONFIG_PEER_URL:
    case CONFIG_PEER_PUBLIC:
    case CONFIG_CHOICE:
        break;
    case CONFIG_PINS:
        return "an array of strings like \"sha256/...\"";
    case CONFIG_OPERATORS:
        return "an array of strings like \"dns:alice.ops.example\" or "
               "\"uri:spiffe://example.org/ops/alice\"";
    }
    return "a string";
}

static bool set_choice(const struct config_key *key, struct span text, void *fields,
                       struct config_why *why)
{
    for (size_t i = 0; i < key->word_count; i++) {
        if (span_equal_text(text, key->words[i])) {
            *(uint32_t *)field_of(key, fields) = (uint32_t)i;
            return true;
        }
    }
    char words[120];
    struct sink list = sink_over(words, sizeof words);
    config_key_bounds(&list, key);
    sink_terminate(&list);
    refuse(why, "must be one of: %s", words);
    why->nearest = text_nearest(text, key->words, key->word_count);
    return false;
}

static bool set_bool(const struct config_key *key, struct span text, void *fields,
                     struct config_why *why)
{
    bool yes = span_equal_text(text, "true");
    if (!yes && !span_equal_text(text, "false")) {
        refuse(why, "must be %s", wanted(CONFIG_BOOL));
        return false;
    }
    *(bool *)field_of(key, fields) = yes;
    return true;
}

/* A text that fits its field, with nothing in it that could talk to a terminal or end a line
   of a log. */
static bool text_is_usable(struct span text, struct config_why *why)
{
    if (text.len == 0) {
        refuse(why, "must not be empty");
        return false;
    }
    if (text.len >= SETTING_TEXT_MAX) {
        refuse(why, "has %zu bytes and may have %d", text.len, SETTING_TEXT_MAX - 1);
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < ' ' || text.at[i] == 0x7f) {
            refuse(why, "must have no control characters");
            return false;
        }
    }
    if (!utf8_valid(text))
        refuse(why, "must be UTF-8");
    return utf8_valid(text);
}

/* Drops the last part of an absolute path without a slash at its end; "" is the root. */
static void drop_part(struct sink *path)
{
    while (path->len > 0 && path->at[path->len - 1] != '/')
        sink_cut(path, path->len - 1);
    if (path->len > 0)
        sink_cut(path, path->len - 1);
}

static struct span take_part(struct cursor *in)
{
    size_t mark = cur_offset(in);
    uint8_t c;
    while (cur_peek(in, &c) && c != '/' && cur_skip(in, 1))
        continue;
    struct span part = cur_since(in, mark);
    while (cur_peek(in, &c) && c == '/' && cur_skip(in, 1))
        continue;
    return part;
}

/* Makes a path absolute and free of "." and "..".  ".." is followed at the front only, where
   `folder`, which has no symbolic links, says what it is: behind a name that may be a link it
   has two meanings. */
static bool make_absolute(struct span text, const char *folder, struct sink *out,
                          struct config_why *why)
{
    struct cursor in = cur_over(text);
    bool at_front = text.at[0] != '/';
    if (at_front && strcmp(folder, "/") != 0)
        sink_text(out, folder);
    if (!at_front)
        take_part(&in);
    while (!cur_end(&in)) {
        struct span part = take_part(&in);
        if (span_equal_text(part, "."))
            continue;
        bool is_up = span_equal_text(part, "..");
        if (is_up && !at_front) {
            refuse(why, "must have \"..\" at the front of a relative path only");
            return false;
        }
        at_front = at_front && is_up;
        if (is_up) {
            drop_part(out);
            continue;
        }
        sink_u8(out, '/');
        sink_put(out, part);
    }
    if (out->len == 0)
        refuse(why, "must not be the root folder");
    else if (out->full)
        refuse(why, "is an absolute path of more than %d bytes", SETTING_TEXT_MAX - 1);
    return out->len > 0 && !out->full;
}

static bool store_is_usable(struct span text, struct config_why *why)
{
    switch (store_url_kind(text)) {
    case STORE_URL_SQLITE:
    case STORE_URL_POSTGRESQL:
        return true;
    case STORE_URL_SECRET:
        refuse(why, "must not hold a password or other secret: put it into a file that only the "
                    "house can read and name that with passfile=FILE (PostgreSQL manual, 34.16)");
        return false;
    case STORE_URL_BAD:
        break;
    }
    refuse(why, "must be \"sqlite\", a URI that begins with postgresql://, or pairs like "
                "\"host=db.internal dbname=ward\"");
    why->nearest = text_nearest(text, (const char *const[]){ "sqlite" }, 1);
    return false;
}

static bool url_is_usable(struct span text, struct config_why *why)
{
    if (provider_url_is_usable(text))
        return true;
    refuse(why, "must be https:// and a host, with :PORT and /PATH where there are any, without a "
                "user, a query or a slash at the end; http:// for 127.0.0.1, [::1] and localhost");
    return false;
}

static bool networks_are_usable(struct span text, struct config_why *why)
{
    struct network networks[CONFIG_NETWORKS_MAX];
    struct address_list list = address_list_over(networks, CONFIG_NETWORKS_MAX);
    if (address_list_read(&list, text))
        return true;
    refuse(why,
           "must be at most %d addresses or networks with commas between them, like "
           "\"192.0.2.7, 2001:db8::/32\", with no bits set after a network's length",
           CONFIG_NETWORKS_MAX);
    return false;
}

static bool operators_are_usable(struct span text, struct config_why *why)
{
    struct operators operators;
    if (operators_read(text, &operators))
        return true;
    refuse(why,
           "must be at most %d names, each once: \"dns:\" and a name, or \"uri:\" and a URI, of %d "
           "bytes at most",
           OPERATORS_MAX, OPERATOR_NAME_MAX);
    return false;
}

static bool peer_text_is_usable(enum config_form form, struct span text, struct config_why *why)
{
    struct websocket_url url;
    struct url_origin origin;
    uint8_t pins[PEER_PINS_MAX][PEER_PIN];
    size_t count;
    if (form == CONFIG_PEER_URL && !peer_url_read(text, &url))
        refuse(why, "must be wss:// or ws:// and a host, with :PORT and /PATH where there are any, "
                    "without a user or a query");
    else if (form == CONFIG_PEER_PUBLIC && !peer_public_read(text, &origin))
        refuse(why, "must be https:// or http:// and a host, with :PORT where there is one, and "
                    "nothing behind that");
    else if (form == CONFIG_PINS && !peer_pins_read(text, pins, &count))
        refuse(why,
               "must be at most %d times \"sha256/\" and the SHA-256 of a public key in base64 "
               "(RFC 7469, 2.4)",
               PEER_PINS_MAX);
    else
        return true;
    return false;
}

static bool set_text(const struct config_key *key, struct span text, const char *folder,
                     void *fields, struct config_why *why)
{
    char value[SETTING_TEXT_MAX] = "";
    struct sink out = sink_over(value, sizeof value - 1);
    if (key->optional && text.len == 0) {
        memcpy(field_of(key, fields), value, sizeof value);
        return true;
    }
    if (!text_is_usable(text, why) || (key->form == CONFIG_STORE && !store_is_usable(text, why)) ||
        (key->form == CONFIG_URL && !url_is_usable(text, why)) ||
        (key->form == CONFIG_NETWORKS && !networks_are_usable(text, why)) ||
        (key->form == CONFIG_OPERATORS && !operators_are_usable(text, why)) ||
        !peer_text_is_usable(key->form, text, why))
        return false;
    if (key->form == CONFIG_PATH) {
        if (!make_absolute(text, folder, &out, why) || !text_is_usable(sink_bytes(&out), why))
            return false;
    } else {
        sink_put(&out, text);
    }
    /* What the sink has cut off again is still there. */
    memset(value + out.len, 0, sizeof value - out.len);
    if (key->form == CONFIG_ADDRESS && !rc_ok(listen_check(NULL, value))) {
        refuse(why, "must be an address and a port, like 127.0.0.1:8443 or [::1]:8443; names are "
                    "not looked up");
        return false;
    }
    memcpy(field_of(key, fields), value, sizeof value);
    return true;
}

bool config_value_text(const struct config_key *key, struct span text, const char *folder,
                       void *fields, struct config_why *why)
{
    uint64_t number;
    if (key->form == CONFIG_CHOICE)
        return set_choice(key, text, fields, why);
    if (key->form == CONFIG_BOOL)
        return set_bool(key, text, fields, why);
    if (key->form == CONFIG_SHARE) { /* of a table: nowhere else than in the file */
        refuse(why, "must be %s", wanted(key->form));
        return false;
    }
    if (!is_number(key->form))
        return set_text(key, text, folder, fields, why);
    if (!read_number(key->form, text, &number)) {
        refuse(why, "must be %s", wanted(key->form));
        return false;
    }
    return set_number(key, number, fields, why);
}

static bool is_array(enum config_form form)
{
    return form == CONFIG_PINS || form == CONFIG_OPERATORS;
}

/* The strings of an array as one text, which no string of a form with arrays has a comma in. */
static bool set_array(const struct config_key *key, const struct toml_value *array, void *fields,
                      struct config_why *why)
{
    char text[SETTING_TEXT_MAX];
    struct sink all = sink_over(text, sizeof text - 1);
    struct span one;
    for (const struct toml_value *v = toml_first(array); v != NULL; v = toml_next(v)) {
        if (!toml_string(v, &one)) {
            refuse(why, "has %s in it and must be %s", toml_type_name(toml_type_of(v)),
                   wanted(key->form));
            return false;
        }
        sink_text(&all, all.len == 0 ? "" : ", ");
        sink_put(&all, one);
    }
    if (!all.full)
        return set_text(key, sink_bytes(&all), "/", fields, why);
    refuse(why, "has more in it than fits");
    return false;
}

/* To the nearest millionth; what is written of it is read as the same. */
static bool set_share(const struct config_key *key, const struct toml_value *value, void *fields,
                      struct config_why *why)
{
    int64_t whole = 0;
    double share = 0;
    bool read = toml_float(value, &share);
    if (!read && toml_integer(value, &whole) && whole == 1) {
        share = 1;
        read = true;
    }
    double parts = share * SETTING_SHARE_WHOLE + 0.5;
    if (read && share > 0 && share <= 1 && parts >= 1) {
        *(uint32_t *)field_of(key, fields) = (uint32_t)parts;
        return true;
    }
    refuse(why, "must be %s", wanted(key->form));
    return false;
}

bool config_value_toml(const struct config_key *key, const struct toml_value *value,
                       const char *folder, void *fields, struct config_why *why)
{
    struct span text;
    int64_t number;
    bool yes;
    if (is_number(key->form) && toml_integer(value, &number)) {
        if (number >= 0)
            return set_number(key, (uint64_t)number, fields, why);
        refuse(why, "is %lld and must be between %llu and %llu", (long long)number,
               (unsigned long long)key->least, (unsigned long long)key->most);
        return false;
    }
    if (key->form == CONFIG_BOOL && toml_bool(value, &yes)) {
        *(bool *)field_of(key, fields) = yes;
        return true;
    }
    if (key->form == CONFIG_SHARE)
        return set_share(key, value, fields, why);
    if (is_array(key->form) && toml_type_of(value) == TOML_ARRAY)
        return set_array(key, value, fields, why);
    bool takes_text = key->form != CONFIG_U32 && key->form != CONFIG_BOOL && !is_array(key->form);
    if (takes_text && toml_string(value, &text))
        return config_value_text(key, text, folder, fields, why);
    refuse(why, "is %s and must be %s", toml_type_name(toml_type_of(value)), wanted(key->form));
    return false;
}

static bool text_is_sound(const struct config_key *key, const void *fields)
{
    struct config_why why;
    const char *text = config_field(key, fields);
    const char *end = memchr(text, 0, SETTING_TEXT_MAX);
    struct settings copy = { 0 }; /* a row of a table is no larger */
    bool none = key->optional && text[0] == 0;
    return end != NULL && (key->form != CONFIG_PATH || none || text[0] == '/') &&
           set_text(key, span_text(text), "/", &copy, &why) &&
           strcmp(config_field(key, &copy), text) == 0;
}

bool config_key_is_sound(const struct config_key *key, const void *fields)
{
    uint64_t number = config_number(key, fields);
    if (is_number(key->form) || key->form == CONFIG_SHARE)
        return number >= key->least && number <= key->most;
    if (key->form == CONFIG_CHOICE)
        return number < key->word_count;
    return key->form == CONFIG_BOOL || text_is_sound(key, fields);
}

/* 0.5, 0.333333, 1.0 */
static void write_share(struct sink *out, uint64_t millionths)
{
    char text[24];
    struct sink digits = sink_over(text, sizeof text);
    sink_format(&digits, "%llu.%06llu", (unsigned long long)(millionths / SETTING_SHARE_WHOLE),
                (unsigned long long)(millionths % SETTING_SHARE_WHOLE));
    while (digits.at[digits.len - 1] == '0' && digits.at[digits.len - 2] != '.')
        sink_cut(&digits, digits.len - 1);
    sink_put(out, sink_bytes(&digits));
}

/* The texts between the commas. */
static void write_array(struct sink *out, const char *text)
{
    sink_text(out, "[");
    for (size_t len; *text != 0; text += len) {
        len = strcspn(text, ",");
        toml_put_string(out, span_of(text, len));
        const char *next = text + len;
        sink_text(out, *next == 0 ? "" : ", ");
        len += strspn(next, ", ");
    }
    sink_text(out, "]");
}

void config_value_write(struct sink *out, const struct config_key *key, const void *fields)
{
    const void *field = config_field(key, fields);
    if (is_number(key->form))
        sink_format(out, "%llu", (unsigned long long)config_number(key, fields));
    else if (key->form == CONFIG_SHARE)
        write_share(out, config_number(key, fields));
    else if (key->form == CONFIG_CHOICE)
        toml_put_string(out, span_text(key->words[config_number(key, fields)]));
    else if (key->form == CONFIG_BOOL)
        toml_put_bool(out, *(const bool *)field);
    else if (is_array(key->form))
        write_array(out, field);
    else
        toml_put_string(out, span_text(field));
}
