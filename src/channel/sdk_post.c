/* sdk_post.c - see sdk_post.h. */
#include "channel/sdk_post.h"

#include "base/sink.h"
#include "codec/json.h"

enum { DEPTH = 16, DIGITS = 24 };

enum form {
    FORM_NONE = 0,
    FORM_INTEGER, /* kept as it is written */
    FORM_NUMBER,  /* the same */
    FORM_WORD,    /* a string that is not longer than it may be */
    FORM_TEXT,    /* a string, cut */
    FORM_NUMBERS, /* an object of numbers, as it is written */
    FORM_TEXTS,   /* an array of strings: how many */
};

struct value {
    const char *member, *name; /* of the body, and in a record */
    enum form form;
    bool required; /* else it may be null, too */
};

static const struct value values[SDK_POST_KINDS][SDK_POST_VALUES + 1] = {
    [SDK_POST_HEARTBEAT] = { { "timestamp", "timestamp", FORM_INTEGER, true },
                             { "status", "status", FORM_WORD, true },
                             { "metrics", "metrics", FORM_NUMBERS, true } },
    [SDK_POST_LOGS] = { { "timestamp", "timestamp", FORM_INTEGER, true },
                        { "level", "level", FORM_WORD, true },
                        { "component", "component", FORM_WORD, false },
                        { "message", "message", FORM_TEXT, true } },
    [SDK_POST_SUBMIT] = { { "session_token", "job", FORM_WORD, false },
                          { "job_type", "job_type", FORM_WORD, true },
                          { "score", "score", FORM_NUMBER, true },
                          { "metrics", "metrics", FORM_NUMBERS, true },
                          { "logs", "logs", FORM_TEXTS, true },
                          { "allowed_log_containers", "containers", FORM_TEXTS, false },
                          { "error", "error", FORM_TEXT, false } },
};

const char *sdk_post_name(enum sdk_post_kind kind, size_t place)
{
    bool has = kind < SDK_POST_KINDS && place < SDK_POST_VALUES;
    return has ? values[kind][place].name : NULL;
}

struct reading {
    const struct json *json;
    struct arena *arena;
};

static enum reason read_string(const struct reading *r, uint32_t node, struct span *out)
{
    if (json_type(r->json, node) != JSON_STRING)
        return REASON_HTTP_BODY_INVALID;
    if (json_string(r->json, node, out))
        return REASON_OK;
    const size_t cap = json_raw(r->json, node).len;
    uint8_t *room = arena_room(r->arena, cap);
    struct sink text = sink_over(room, room == NULL ? 0 : cap);
    if (!json_string_copy(r->json, node, &text))
        return REASON_OUT_OF_MEMORY;
    *out = sink_bytes(&text);
    return REASON_OK;
}

static enum reason at_most(struct span text, size_t most)
{
    return text.len <= most ? REASON_OK : REASON_HTTP_BODY_TOO_LARGE;
}

/* Between two characters. */
static void cut(struct span *text)
{
    if (text->len <= SDK_POST_TEXT_MAX)
        return;
    text->len = SDK_POST_TEXT_MAX;
    while (text->len > SDK_POST_TEXT_MAX - 4 && (text->at[text->len] & 0xc0) == 0x80)
        text->len--;
}

static bool all_are(const struct json *json, uint32_t container, enum json_type type)
{
    for (uint32_t n = json_first(json, container); n != JSON_NONE; n = json_next(json, n)) {
        if (json_type(json, n) != type)
            return false;
    }
    return true;
}

static enum reason read_numbers(const struct reading *r, uint32_t node, struct span *out)
{
    if (json_type(r->json, node) != JSON_OBJECT || !all_are(r->json, node, JSON_NUMBER))
        return REASON_HTTP_BODY_INVALID;
    *out = json_raw(r->json, node);
    return at_most(*out, SDK_POST_METRICS_MAX);
}

static enum reason count_texts(const struct reading *r, uint32_t node, struct span *out)
{
    if (json_type(r->json, node) != JSON_ARRAY || !all_are(r->json, node, JSON_STRING))
        return REASON_HTTP_BODY_INVALID;
    uint8_t *room = arena_room(r->arena, DIGITS);
    struct sink text = sink_over(room, room == NULL ? 0 : DIGITS);
    sink_format(&text, "%zu", json_length(r->json, node));
    *out = sink_bytes(&text);
    return sink_ok(&text) ? REASON_OK : REASON_OUT_OF_MEMORY;
}

static enum reason read_number(const struct reading *r, uint32_t node, bool whole, struct span *out)
{
    int64_t number;
    if (json_type(r->json, node) != JSON_NUMBER || (whole && !json_i64(r->json, node, &number)))
        return REASON_HTTP_BODY_INVALID;
    *out = json_raw(r->json, node);
    return at_most(*out, SDK_POST_WORD_MAX);
}

static enum reason read_value(const struct reading *r, const struct value *value, struct span *out)
{
    const uint32_t node = json_member(r->json, 0, value->member);
    const enum json_type type = json_type(r->json, node);
    enum reason reason;
    if (!value->required && (type == JSON_MISSING || type == JSON_NULL))
        return REASON_OK;
    switch (value->form) {
    case FORM_INTEGER:
    case FORM_NUMBER:
        return read_number(r, node, value->form == FORM_INTEGER, out);
    case FORM_WORD:
        reason = read_string(r, node, out);
        return reason == REASON_OK ? at_most(*out, SDK_POST_WORD_MAX) : reason;
    case FORM_TEXT:
        reason = read_string(r, node, out);
        if (reason == REASON_OK)
            cut(out);
        return reason;
    case FORM_NUMBERS:
        return read_numbers(r, node, out);
    case FORM_TEXTS:
        return count_texts(r, node, out);
    case FORM_NONE:
        break;
    }
    return REASON_HTTP_BODY_INVALID;
}

enum reason sdk_post_read(enum sdk_post_kind kind, struct span body, struct arena *arena,
                          struct sdk_post *out)
{
    static const struct json_limits limits = { .depth = DEPTH, .nodes = SDK_POST_NODES_MAX };
    struct sdk_post found = { .kind = kind };
    struct json json;
    if (body.len > SDK_POST_BODY_MAX)
        return REASON_HTTP_BODY_TOO_LARGE;
    if (kind >= SDK_POST_KINDS || !json_parse(body, arena, &limits, &json, NULL) ||
        json_type(&json, 0) != JSON_OBJECT)
        return REASON_HTTP_BODY_INVALID;
    const struct reading reading = { &json, arena };
    for (size_t i = 0; sdk_post_name(kind, i) != NULL; i++) {
        enum reason reason = read_value(&reading, &values[kind][i], &found.values[i]);
        if (reason != REASON_OK)
            return reason;
    }
    hash_sha256(body, found.digest);
    *out = found;
    return REASON_OK;
}
