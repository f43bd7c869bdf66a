/* job_result.c - see job_result.h.

   The form is so narrow that it is read as it is written, from front to back: what must stand there
   is expected byte by byte, and only values are looked at.  White space, another order, an escape
   that is not needed, 3e2, a member that is missing, double or not ours: none of it is the next
   byte. */
#include "codec/job_result.h"

#include <string.h>

#include "base/cursor.h"
#include "base/time.h"
#include "codec/base64.h"
#include "codec/hex.h"
#include "codec/json_write.h"
#include "codec/utf8.h"

enum { HEADER_ROOM = 128, DATE = 20, TAG = 32 };

/* And zeros. */
static const char tags[][TAG] = {
    [JOB_RESULT_OF_NODE] = "ward result key v1", [JOB_RESULT_OF_SANDBOX] = "ward result sandbox v1"
};

/* ---- what is good ------------------------------------------------------------------------- */

static bool is_id(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_';
}

static bool is_hex(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

static bool is_reason(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_type(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-';
}

static bool is_made_of(struct span text, bool (*good)(uint8_t), size_t least, size_t most)
{
    bool ok = text.len >= least && text.len <= most;
    for (size_t i = 0; ok && i < text.len; i++)
        ok = good(text.at[i]);
    return ok;
}

static bool is_date(int64_t at)
{
    return at > 0 && at <= TIME_MAX;
}

static bool part_is_good(struct span part)
{
    return part.len > 0 && !span_equal_text(part, ".") && !span_equal_text(part, "..");
}

bool job_result_path_is_good(struct span path)
{
    size_t begin = 0;
    if (path.len == 0 || path.len > JOB_RESULT_PATH_MAX)
        return false;
    for (size_t at = 0; at < path.len;) {
        size_t len = utf8_sequence(path, at);
        if (len == 0 || utf8_is_control(utf8_code_point(span_of(&path.at[at], len))))
            return false;
        if (path.at[at] == '/') {
            if (!part_is_good(span_of(&path.at[begin], at - begin)))
                return false;
            begin = at + 1;
        }
        at += len;
    }
    return begin < path.len && part_is_good(span_of(&path.at[begin], path.len - begin));
}

/* By bytes, a beginning before what it is the beginning of. */
static bool is_before(struct span a, struct span b)
{
    size_t same = 0;
    while (same < a.len && same < b.len && a.at[same] == b.at[same])
        same++;
    return same < b.len && (same == a.len || a.at[same] < b.at[same]);
}

static bool outputs_are_good(const struct job_result *result)
{
    size_t paths = 0;
    bool ok = result->output_count <= JOB_RESULT_OUTPUTS_MAX;
    for (size_t i = 0; ok && i < result->output_count; i++) {
        const struct job_output *one = &result->outputs[i];
        paths += one->path.len;
        ok = job_result_path_is_good(one->path) && one->size <= JOB_RESULT_NUMBER_MAX &&
             (i == 0 || is_before(result->outputs[i - 1].path, one->path));
    }
    return ok && paths <= JOB_RESULT_PATHS_MAX;
}

static bool evidence_is_good(const struct job_evidence *one, size_t log_most)
{
    return is_made_of(one->type, is_type, 1, JOB_RESULT_WORD_MAX) && one->evidence.len > 0 &&
           one->evidence.len <= JOB_RESULT_EVIDENCE_MAX && one->event_log.len <= log_most;
}

/* None is none: neither a type nor a log without it. */
static bool sandbox_is_good(const struct job_evidence *sandbox)
{
    if (sandbox->evidence.len == 0)
        return sandbox->type.len == 0 && sandbox->event_log.len == 0;
    return evidence_is_good(sandbox, JOB_RESULT_LOG_MAX);
}

bool job_result_is_good(const struct job_result *result)
{
    bool by_itself = span_equal_text(result->reason, "OK");
    return is_made_of(result->key_id, is_hex, JOB_RESULT_KEY_ID, JOB_RESULT_KEY_ID) &&
           is_made_of(result->job, is_id, 1, JOB_RESULT_WORD_MAX) &&
           is_made_of(result->reason, is_reason, 1, JOB_RESULT_WORD_MAX) &&
           result->code <= JOB_RESULT_CODE_MAX && result->signal <= JOB_RESULT_SIGNAL_MAX &&
           (result->code == 0 || result->signal == 0) && result->cpu_us <= JOB_RESULT_NUMBER_MAX &&
           result->memory_peak <= JOB_RESULT_NUMBER_MAX && is_date(result->started) &&
           is_date(result->ended) && result->started <= result->ended &&
           evidence_is_good(&result->node, JOB_RESULT_EVIDENCE_MAX) &&
           sandbox_is_good(&result->sandbox) && outputs_are_good(result) &&
           (by_itself || result->output_count == 0);
}

/* ---- writing ------------------------------------------------------------------------------ */

static void put_text(struct json_writer *json, const char *name, struct span value)
{
    json_put_key(json, name);
    json_put_span(json, value);
}

static void put_hex(struct json_writer *json, const char *name, struct span value)
{
    json_put_key(json, name);
    json_put_hex(json, value);
}

static void put_base64(struct json_writer *json, const char *name, struct span value)
{
    json_put_key(json, name);
    json_put_base64(json, value);
}

static void put_time(struct json_writer *json, const char *name, int64_t at)
{
    json_put_key(json, name);
    json_put_time(json, at);
}

static void put_outputs(struct json_writer *json, const struct job_result *result)
{
    json_put_key(json, "outputs");
    json_begin_array(json);
    for (size_t i = 0; i < result->output_count; i++) {
        const struct job_output *one = &result->outputs[i];
        json_begin_object(json);
        put_text(json, "path", one->path);
        put_hex(json, "sha256", SPAN(one->sha256));
        json_put_member_u64(json, "size", one->size);
        json_end_object(json);
    }
    json_end_array(json);
}

static void put_evidence(struct json_writer *json, const char *name, const struct job_evidence *one)
{
    json_put_key(json, name);
    json_begin_object(json);
    put_base64(json, "event_log", one->event_log);
    put_base64(json, "evidence", one->evidence);
    put_text(json, "type", one->type);
    json_end_object(json);
}

static void put_sandbox(struct json_writer *json, const struct job_evidence *sandbox)
{
    if (sandbox->evidence.len > 0) {
        put_evidence(json, "sandbox_evidence", sandbox);
        return;
    }
    json_put_key(json, "sandbox_evidence");
    json_put_null(json);
}

/* RFC 8785 3.2.3: members in the order of their names. */
void job_result_write_payload(struct sink *out, const struct job_result *result)
{
    struct json_writer json = json_write_to(out, 0);
    json_begin_object(&json);
    put_time(&json, "ended", result->ended);
    json_put_key(&json, "exit");
    json_begin_object(&json);
    json_put_member_u64(&json, "code", result->code);
    put_text(&json, "reason", result->reason);
    json_put_member_u64(&json, "signal", result->signal);
    json_end_object(&json);
    put_text(&json, "job_id", result->job);
    put_evidence(&json, "node_evidence", &result->node);
    put_outputs(&json, result);
    put_sandbox(&json, &result->sandbox);
    put_hex(&json, "spec_sha256", SPAN(result->spec));
    put_time(&json, "started", result->started);
    json_put_key(&json, "usage");
    json_begin_object(&json);
    json_put_member_u64(&json, "cpu_us", result->cpu_us);
    json_put_member_u64(&json, "memory_peak", result->memory_peak);
    json_end_object(&json);
    json_put_member_u64(&json, "v", 1);
    json_end_object(&json);
}

static void write_header(struct sink *out, struct span key_id)
{
    sink_text(out, "{\"alg\":\"EdDSA\",\"kid\":\"");
    sink_put(out, key_id);
    sink_text(out, "\",\"typ\":\"ward-result\"}");
}

void job_result_write_input(struct sink *out, const struct job_result *result, uint8_t *memory)
{
    uint8_t bytes[HEADER_ROOM];
    struct sink header = sink_over(bytes, sizeof bytes);
    struct sink payload = sink_over(memory, JOB_RESULT_TEXT_MAX);
    write_header(&header, result->key_id);
    base64url_encode(out, sink_bytes(&header));
    sink_u8(out, '.');
    job_result_write_payload(&payload, result);
    base64url_encode(out, sink_bytes(&payload));
    if (!sink_ok(&header) || !sink_ok(&payload))
        out->full = true;
}

void job_result_end(struct sink *input, const uint8_t signature[JOB_RESULT_SIGNATURE])
{
    sink_u8(input, '.');
    base64url_encode(input, span_of(signature, JOB_RESULT_SIGNATURE));
}

/* ---- reading ------------------------------------------------------------------------------ */

static bool expect(struct cursor *in, const char *text)
{
    return cur_expect(in, span_text(text));
}

/* What stands before a byte, which is passed. */
static bool take_until(struct cursor *in, uint8_t end, struct span *out)
{
    struct span rest = cur_rest(in);
    size_t len = 0;
    while (len < rest.len && rest.at[len] != end)
        len++;
    return len < rest.len && cur_take(in, len, out) && cur_skip(in, 1);
}

/* RFC 8785 3.2.2.3 of whole numbers: digits, and no zero before another. */
static bool read_number(struct cursor *in, uint64_t most, uint64_t *out)
{
    uint64_t value = 0;
    size_t digits = 0;
    uint8_t c = 0;
    while (cur_peek(in, &c) && c >= '0' && c <= '9') {
        if ((digits == 1 && value == 0) || value > (most - (uint64_t)(c - '0')) / 10)
            return false;
        value = 10 * value + (uint64_t)(c - '0');
        digits++;
        if (!cur_skip(in, 1))
            return false;
    }
    *out = value;
    return digits > 0;
}

static bool read_small(struct cursor *in, uint32_t most, uint32_t *out)
{
    uint64_t value = 0;
    if (!read_number(in, most, &value))
        return false;
    *out = (uint32_t)value;
    return true;
}

/* As json_put_time writes it, and with its quotation mark. */
static bool read_date(struct cursor *in, int64_t *out)
{
    uint8_t bytes[DATE + 1];
    struct sink same = sink_over(bytes, sizeof bytes);
    struct span text;
    if (!take_until(in, '"', &text) || !time_parse_rfc3339(text, out))
        return false;
    time_write(&same, *out);
    return span_equal(sink_bytes(&same), text);
}

static bool read_digest(struct cursor *in, uint8_t out[JOB_RESULT_DIGEST])
{
    struct span text;
    return take_until(in, '"', &text) && is_made_of(text, is_hex, 64, 64) &&
           hex_decode(text, out, JOB_RESULT_DIGEST);
}

static bool read_bytes(struct cursor *in, struct sink *room, struct span *out)
{
    struct span text;
    size_t before = room->len;
    if (!take_until(in, '"', &text) || !base64_decode(text, room))
        return false;
    *out = span_of(&room->at[before], room->len - before);
    return true;
}

/* RFC 8785 3.2.2.2: of what a path may have only these two are escaped. */
static bool read_path(struct cursor *in, struct sink *room, struct span *out)
{
    size_t before = room->len;
    uint8_t c = 0;
    while (cur_u8(in, &c) && c != '"') {
        if (c == '\\' && (!cur_u8(in, &c) || (c != '"' && c != '\\')))
            return false;
        sink_u8(room, c);
        c = 0;
    }
    *out = span_of(&room->at[before], room->len - before);
    return c == '"' && sink_ok(room);
}

static bool read_output(struct cursor *in, struct sink *room, struct job_output *out)
{
    return expect(in, "{\"path\":\"") && read_path(in, room, &out->path) &&
           expect(in, ",\"sha256\":\"") && read_digest(in, out->sha256) &&
           expect(in, ",\"size\":") && read_number(in, JOB_RESULT_NUMBER_MAX, &out->size) &&
           expect(in, "}");
}

static bool read_outputs(struct cursor *in, struct sink *room, struct job_output *outputs,
                         size_t *count)
{
    *count = 0;
    if (expect(in, "]"))
        return true;
    do {
        if (*count == JOB_RESULT_OUTPUTS_MAX || !read_output(in, room, &outputs[*count]))
            return false;
        ++*count;
    } while (expect(in, ","));
    return expect(in, "]");
}

static bool read_evidence(struct cursor *in, struct sink *room, struct job_evidence *out)
{
    return expect(in, "{\"event_log\":\"") && read_bytes(in, room, &out->event_log) &&
           expect(in, ",\"evidence\":\"") && read_bytes(in, room, &out->evidence) &&
           expect(in, ",\"type\":\"") && take_until(in, '"', &out->type) && expect(in, "}");
}

/* What is there has evidence: the form without it is null. */
static bool read_sandbox(struct cursor *in, struct sink *room, struct job_evidence *out)
{
    if (expect(in, "null"))
        return true;
    return read_evidence(in, room, out) && out->evidence.len > 0;
}

static bool read_payload(struct span text, struct sink *room, struct job_output *outputs,
                         struct job_result *out)
{
    struct cursor in = cur_over(text);
    out->outputs = outputs;
    return expect(&in, "{\"ended\":\"") && read_date(&in, &out->ended) &&
           expect(&in, ",\"exit\":{\"code\":") && read_small(&in, UINT32_MAX, &out->code) &&
           expect(&in, ",\"reason\":\"") && take_until(&in, '"', &out->reason) &&
           expect(&in, ",\"signal\":") && read_small(&in, UINT32_MAX, &out->signal) &&
           expect(&in, "},\"job_id\":\"") && take_until(&in, '"', &out->job) &&
           expect(&in, ",\"node_evidence\":") && read_evidence(&in, room, &out->node) &&
           expect(&in, ",\"outputs\":[") && read_outputs(&in, room, outputs, &out->output_count) &&
           expect(&in, ",\"sandbox_evidence\":") && read_sandbox(&in, room, &out->sandbox) &&
           expect(&in, ",\"spec_sha256\":\"") && read_digest(&in, out->spec) &&
           expect(&in, ",\"started\":\"") && read_date(&in, &out->started) &&
           expect(&in, ",\"usage\":{\"cpu_us\":") &&
           read_number(&in, JOB_RESULT_NUMBER_MAX, &out->cpu_us) &&
           expect(&in, ",\"memory_peak\":") &&
           read_number(&in, JOB_RESULT_NUMBER_MAX, &out->memory_peak) &&
           expect(&in, "},\"v\":1}") && cur_end(&in) && job_result_is_good(out);
}

/* Whoever means another thing by it is told apart from whoever cannot write it. */
static bool is_of_a_jws(struct span header)
{
    struct cursor in = cur_over(header);
    return expect(&in, "{\"") && header.at[header.len - 1] == '}';
}

static enum job_result_form read_header(struct span segment, struct sink *room, struct span *key_id)
{
    uint8_t bytes[HEADER_ROOM];
    struct sink header = sink_over(bytes, sizeof bytes);
    struct span found;
    if (segment.len > HEADER_ROOM || !base64url_decode(segment, &header))
        return JOB_RESULT_MALFORMED;
    struct cursor in = cur_over(sink_bytes(&header));
    if (!expect(&in, "{\"alg\":\"EdDSA\",\"kid\":\"") || !take_until(&in, '"', &found) ||
        !is_made_of(found, is_hex, JOB_RESULT_KEY_ID, JOB_RESULT_KEY_ID) ||
        !span_equal_text(cur_rest(&in), ",\"typ\":\"ward-result\"}"))
        return is_of_a_jws(sink_bytes(&header)) ? JOB_RESULT_TYPE : JOB_RESULT_MALFORMED;
    size_t before = room->len;
    sink_put(room, found);
    *key_id = span_of(&room->at[before], found.len);
    return JOB_RESULT_READ;
}

static enum job_result_form read_input(struct span input, struct job_result_room *room,
                                       struct job_result *out, struct span *payload)
{
    struct job_result result = { 0 };
    struct sink memory = sink_over(room->bytes, sizeof room->bytes);
    struct cursor in = cur_over(input);
    struct span header;
    if (input.len > JOB_RESULT_INPUT_MAX || !take_until(&in, '.', &header))
        return JOB_RESULT_MALFORMED;
    enum job_result_form form = read_header(header, &memory, &result.key_id);
    if (form != JOB_RESULT_READ)
        return form;
    size_t before = memory.len;
    if (!base64url_decode(cur_rest(&in), &memory))
        return JOB_RESULT_MALFORMED;
    const struct span text = span_of(&memory.at[before], memory.len - before);
    if (text.len > JOB_RESULT_TEXT_MAX || !read_payload(text, &memory, room->outputs, &result))
        return JOB_RESULT_MALFORMED;
    *payload = text;
    *out = result;
    return JOB_RESULT_READ;
}

enum job_result_form job_result_input_read(struct span input, struct job_result_room *room,
                                           struct job_result *out)
{
    struct span payload;
    return read_input(input, room, out, &payload);
}

/* The second dot is where the signature begins: its 86 characters are the last. */
enum job_result_form job_result_read(struct span text, struct job_result_room *room,
                                     struct job_result_signed *out)
{
    enum { TAIL = 87 };
    struct job_result_signed whole = { 0 };
    struct sink signature = sink_over(whole.signature, sizeof whole.signature);
    if (text.len > JOB_RESULT_MAX || text.len < TAIL)
        return JOB_RESULT_MALFORMED;
    whole.input = span_of(text.at, text.len - TAIL);
    struct cursor tail = cur_over(span_of(&text.at[text.len - TAIL], TAIL));
    bool is_signed = expect(&tail, ".") && base64url_decode(cur_rest(&tail), &signature) &&
                     signature.len == sizeof whole.signature;
    enum job_result_form form = read_input(whole.input, room, &whole.result, &whole.payload);
    if (form == JOB_RESULT_TYPE || !is_signed)
        return form == JOB_RESULT_TYPE ? form : JOB_RESULT_MALFORMED;
    if (form == JOB_RESULT_READ)
        *out = whole;
    return form;
}

/* ---- what evidence is bound to ------------------------------------------------------------ */

void job_result_bind(enum job_result_of of, const uint8_t key[JOB_RESULT_KEY],
                     uint8_t out[JOB_RESULT_BINDING])
{
    memcpy(out, tags[of], TAG);
    memcpy(out + TAG, key, JOB_RESULT_KEY);
}

bool job_result_bound(enum job_result_of of, struct span report_data, struct span *key)
{
    struct cursor in = cur_over(report_data);
    return report_data.len == JOB_RESULT_BINDING && cur_expect(&in, SPAN(tags[of])) &&
           cur_take(&in, JOB_RESULT_KEY, key);
}

bool job_result_reserved(struct span report_data)
{
    struct span key;
    return job_result_bound(JOB_RESULT_OF_NODE, report_data, &key) ||
           job_result_bound(JOB_RESULT_OF_SANDBOX, report_data, &key);
}
