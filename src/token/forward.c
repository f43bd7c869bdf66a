/* forward.c - see forward.h. */
#include "token/forward.h"

#include "base/cursor.h"
#include "base/number.h"
#include "codec/json_write.h"
#include "codec/miner_token.h"

static const char above[] = "/api/challenges/", below[] = "/public/", scheme[] = "bearer";

bool forward_is_public(struct span path)
{
    struct cursor in = cur_over(path);
    return cur_expect(&in, span_text(above));
}

/* NAME "/public/" ROUTE, of an alphabet that has no '/'. */
static bool read_path(struct span path, struct forward_ask *out)
{
    struct cursor in = cur_over(path);
    uint8_t c;
    if (!cur_expect(&in, span_text(above)))
        return false;
    size_t mark = cur_offset(&in);
    while (cur_peek(&in, &c) && c != '/')
        (void)!cur_skip(&in, 1);
    out->challenge = cur_since(&in, mark);
    if (!cur_expect(&in, span_text(below)))
        return false;
    out->route = cur_rest(&in);
    return miner_word_is_good(out->challenge) && miner_word_is_good(out->route);
}

/* RFC 9110 11.6.2: credentials = auth-scheme 1*SP token68.  Two fields, or two tokens in one, are
   read differently by different readers: then there is none. */
static bool read_token(const struct http_request *request, struct span *out)
{
    struct span value = { 0 };
    size_t count = 0;
    for (size_t i = 0; i < request->field_count; i++) {
        if (!span_equal_text(request->fields[i].name, "authorization"))
            continue;
        value = request->fields[i].value;
        count++;
    }
    struct cursor in = cur_over(value);
    struct span word;
    uint8_t space;
    if (count != 1 || !cur_take(&in, sizeof scheme - 1, &word) || !http_equal_fold(word, scheme) ||
        !cur_u8(&in, &space) || space != ' ')
        return false;
    *out = cur_rest(&in);
    return out->len > 0;
}

enum reason forward_read(const struct http_request *request, struct forward_ask *out)
{
    struct forward_ask ask = { .query = request->query };
    if (!read_path(request->path, &ask))
        return REASON_HTTP_ROUTE_UNKNOWN;
    if (request->method != HTTP_METHOD_GET && request->method != HTTP_METHOD_POST)
        return REASON_HTTP_METHOD_NOT_ALLOWED;
    if (ask.query.len > VERIFIED_QUERY_MAX)
        return REASON_HTTP_TARGET_TOO_LONG;
    if (!read_token(request, &ask.token))
        return REASON_MINER_TOKEN_MISSING;
    if (ask.token.len > MINER_TOKEN_MAX)
        return REASON_MINER_TOKEN_MALFORMED;
    ask.method = span_text(http_method_name(request->method));
    *out = ask;
    return REASON_OK;
}

static bool is_one_of(struct span name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (span_equal_text(name, names[i]))
            return true;
    }
    return false;
}

/* Of the miner's: what the body is, what he can read, and who he says he is.  None of them twice:
   a second one is another's to read. */
static const char *const goes_on[] = { "accept", "accept-language", "content-type", "user-agent",
                                       "traceparent" };

static bool is_first(const struct http_request *request, size_t i)
{
    for (size_t k = 0; k < i; k++) {
        if (span_equal(request->fields[k].name, request->fields[i].name))
            return false;
    }
    return true;
}

struct fields {
    struct http_field *out;
    size_t count;
};

static void add(struct fields *fields, const char *name, struct span value)
{
    fields->out[fields->count++] = (struct http_field){ span_text(name), value };
}

/* A value that is made, in the room. */
static void add_number(struct fields *fields, const char *name, uint64_t value, struct sink *room)
{
    size_t mark = room->len;
    sink_decimal(room, value, 1);
    add(fields, name, span_of(&room->at[mark], room->len - mark));
}

size_t forward_fields(const struct http_request *request, const struct verified_request *word,
                      struct span signature, struct sink *room,
                      struct http_field out[FORWARD_FIELDS_MAX])
{
    struct fields fields = { out, 0 };
    _Static_assert(COUNT_OF(goes_on) + 7 <= FORWARD_FIELDS_MAX, "each of them once, and ours");
    for (size_t i = 0; i < request->field_count; i++) {
        if (is_one_of(request->fields[i].name, goes_on, COUNT_OF(goes_on)) && is_first(request, i))
            out[fields.count++] = request->fields[i];
    }
    add(&fields, "x-verified-miner-hotkey", word->hotkey);
    add_number(&fields, "x-miner-uid", word->uid, room);
    if (word->job.len > 0)
        add(&fields, "x-job-id", word->job);
    add_number(&fields, "x-verified-timestamp", (uint64_t)word->at, room);
    add(&fields, "x-verified-nonce", word->once);
    add(&fields, "x-verified-key", word->key_id);
    add(&fields, "x-verified-signature", signature);
    return fields.count;
}

/* RFC 9110 15: 3xx would have the miner, or us, ask somebody else; 205 has the miner's program
   forget what it shows. */
static bool takes_status(unsigned status)
{
    return (status >= 200 && status < 300 && status != 205) || (status >= 400 && status < 600);
}

const char *forward_wrong_of(unsigned status, const struct http_request *answer)
{
    struct span value;
    bool coded = http_field_find(answer->fields, answer->field_count, "content-encoding", &value);
    bool chunked = http_field_find(answer->fields, answer->field_count, "transfer-encoding",
                                   &value);
    if (!takes_status(status))
        return "its status is none that goes back to a miner";
    if (coded)
        return "it is compressed, which nobody asked for";
    return answer->has_length || chunked || status == 204 ? NULL : "it has no length";
}

static const char *const comes_back[] = { "cache-control", "content-language", "content-type",
                                          "etag",          "last-modified",    "retry-after" };

/* A page of a challenge is at the house's own address, as far as a browser can see. */
size_t forward_back(const struct http_request *answer, struct http_field out[FORWARD_BACK_MAX])
{
    struct fields fields = { out, 0 };
    _Static_assert(COUNT_OF(comes_back) + 2 <= FORWARD_BACK_MAX, "each of them once, and ours");
    for (size_t i = 0; i < answer->field_count; i++) {
        if (is_one_of(answer->fields[i].name, comes_back, COUNT_OF(comes_back)) &&
            is_first(answer, i) && http_is_value(answer->fields[i].value))
            out[fields.count++] = answer->fields[i];
    }
    add(&fields, "x-content-type-options", span_text("nosniff"));
    add(&fields, "content-security-policy", span_text("sandbox"));
    return fields.count;
}

bool forward_write_error(enum reason reason, struct sink *out)
{
    const struct reason_info *info = reason_info(reason);
    struct json_writer json = json_write_to(out, 0);
    json_begin_object(&json);
    json_put_key(&json, "error");
    json_put_text(&json, info->cause);
    json_put_key(&json, "code");
    json_put_text(&json, info->name);
    json_end_object(&json);
    return json_write_ok(&json);
}
