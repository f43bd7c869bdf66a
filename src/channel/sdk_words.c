/* sdk_words.c - the messages of sdk_talk.h, member by member. */
#include "channel/sdk_talk.h"

#include "base/number.h"

static const char *const words[SDK_WORD_COUNT] = {
    [SDK_WORD_NONE] = "",
    [SDK_MIGRATIONS_REQUEST] = "migrations_request",
    [SDK_MIGRATIONS_RESPONSE] = "migrations_response",
    [SDK_DB_VERSION_REQUEST] = "db_version_request",
    [SDK_DB_VERSION_RESPONSE] = "db_version_response",
    [SDK_ORM_READY] = "orm_ready",
    [SDK_ORM_PERMISSIONS] = "orm_permissions",
    [SDK_ORM_PERMISSIONS_ACK] = "orm_permissions_ack",
    [SDK_ORM_QUERY] = "orm_query",
    [SDK_ORM_RESULT] = "orm_result",
    [SDK_ERROR] = "error",
    [SDK_JOB_EXECUTE] = "job_execute",
    [SDK_JOB_RESULT] = "job_result",
    [SDK_JOB_RESULT_ACK] = "job_result_ack",
    [SDK_HEARTBEAT] = "heartbeat",
    [SDK_LOGS] = "logs",
    [SDK_SUBMIT] = "submit",
    [SDK_BENCHMARK_PROGRESS] = "benchmark_progress",
    [SDK_GET_VALIDATOR_COUNT] = "get_validator_count",
    [SDK_VALIDATOR_STATUS] = "validator_status_update",
};

const char *sdk_talk_word(enum sdk_word word)
{
    return word < SDK_WORD_COUNT ? words[word] : "";
}

/* One that is not null. */
static struct span raw_of(const struct json *json, uint32_t object, const char *name)
{
    const uint32_t node = json_member(json, object, name);
    return json_type(json, node) == JSON_NULL ? (struct span){ 0 } : json_raw(json, node);
}

static struct span text_of(const struct json *json, uint32_t object, const char *name)
{
    struct span text;
    if (!json_string(json, json_member(json, object, name), &text) || text.len > SDK_ID_MAX)
        return (struct span){ 0 };
    return text;
}

static struct span first_of(struct span a, struct span b)
{
    return a.len > 0 ? a : b;
}

enum reason sdk_words_read(struct span text, struct json_node *nodes, size_t capacity,
                           struct sdk_words *out)
{
    struct sdk_words found = { .word = SDK_WORD_NONE };
    struct json *json = &found.json;
    struct span type;
    if (!json_parse_into(text, nodes, capacity, &(struct json_limits){ .depth = SDK_WORDS_DEPTH },
                         json, NULL) ||
        !json_string(json, json_member(json, 0, "type"), &type))
        return REASON_CHANNEL_MALFORMED;
    for (unsigned w = SDK_WORD_NONE + 1; w < SDK_WORD_COUNT; w++)
        if (span_equal_text(type, words[w]))
            found.word = (enum sdk_word)w;
    const uint32_t payload = json_member(json, 0, "payload");
    found.message_id = json_raw(json, json_member(json, 0, "message_id"));
    if (found.message_id.len > SDK_ID_MAX)
        return REASON_CHANNEL_MALFORMED; /* it could not be copied */
    found.query_id = first_of(raw_of(json, 0, "query_id"), raw_of(json, payload, "query_id"));
    if (found.query_id.len > SDK_ID_MAX)
        return REASON_CHANNEL_MALFORMED;
    found.id = first_of(text_of(json, 0, "message_id"), text_of(json, 0, "query_id"));
    found.id = first_of(found.id, text_of(json, payload, "query_id"));
    found.job_id = text_of(json, 0, "job_id");
    found.job_name = json_member(json, 0, "job_name");
    found.challenge_id = first_of(text_of(json, 0, "challenge_id"),
                                  text_of(json, payload, "challenge_id"));
    found.payload = raw_of(json, 0, "payload");
    found.result = first_of(raw_of(json, 0, "result"), raw_of(json, payload, "result"));
    found.error = first_of(raw_of(json, 0, "error"), raw_of(json, 0, "message"));
    /* The SDK has them at the top, its server looks for them below. */
    found.permissions = first_of(raw_of(json, 0, "permissions"),
                                 raw_of(json, payload, "permissions"));
    *out = found;
    return REASON_OK;
}
