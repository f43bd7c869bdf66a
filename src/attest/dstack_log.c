/* dstack_log.c - see dstack_log.h.  Believes a name or a payload only when the digest computed
   from both is what was replayed. */
#include "attest/dstack_log.h"

#include <string.h>

#include "attest/rtmr.h"
#include "base/number.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "codec/key_hash.h"
#include "crypto/hash.h"

enum { LOG_DEPTH = 4, NODE_BYTES_MIN = 8 };

/* One event as it was read. */
struct event {
    size_t number; /* 1 is the first */
    uint64_t imr;
    uint64_t type;
    uint64_t version;    /* 1 or 2; 0 is not said */
    bool has_digest;     /* a run-time event may leave it empty */
    uint8_t digest[48];  /* as written */
    struct span name;    /* unescaped */
    struct span payload; /* decoded */
};

struct replay {
    struct report *report;
    struct arena *scratch;
    struct json json;
    struct log_claims *log;
    uint8_t *work; /* room to write one event in */
    size_t work_len;
    /* An event that says neither its version nor its digest leaves two readings of RTMR3; the
       verified register decides between them. */
    uint8_t rtmr3_v2[48];
    bool undeclared;
    bool saw_v2;
    bool ready; /* "system-ready" has passed */
    size_t name_count;
    uint64_t names[DSTACK_BOOT_NAMES_MAX]; /* hashes of the run-time events' names before it */
};

/* Reads a string that may be escaped, into the arena. */
static bool read_text(struct replay *replay, uint32_t node, struct span *out)
{
    if (json_string(&replay->json, node, out))
        return true;
    size_t room = json_raw(&replay->json, node).len;
    void *memory = arena_alloc(replay->scratch, room);
    struct sink text = sink_over(memory, memory != NULL ? room : 0);
    if (memory == NULL || !json_string_copy(&replay->json, node, &text))
        return false;
    *out = sink_bytes(&text);
    return true;
}

static bool read_payload(struct replay *replay, uint32_t node, struct span *out)
{
    struct span text;
    if (!json_string(&replay->json, node, &text) || text.len % 2 != 0)
        return false;
    uint8_t *bytes = arena_alloc(replay->scratch, text.len / 2);
    if (bytes == NULL || !hex_decode(text, bytes, text.len / 2))
        return false;
    *out = span_of(bytes, text.len / 2);
    return true;
}

static bool read_version(struct replay *replay, uint32_t node, uint64_t *out)
{
    if (node == JSON_NONE) {
        *out = 0;
        return true;
    }
    return json_u64(&replay->json, node, 2, out) && *out >= 1;
}

static bool is_runtime(const struct event *event)
{
    return event->type == DSTACK_RUNTIME_EVENT;
}

/* The members that are read; JSON_NONE where an event has none of that name.  A name written
   with escapes is another name here: no producer writes so. */
struct members {
    uint32_t imr, event_type, digest, event, event_payload, version;
};

static struct members find_members(const struct json *json, uint32_t node)
{
    struct members found = { JSON_NONE, JSON_NONE, JSON_NONE, JSON_NONE, JSON_NONE, JSON_NONE };
    const struct {
        struct span name;
        uint32_t *place;
    } names[] = {
        { span_of("imr", 3), &found.imr },
        { span_of("event_type", 10), &found.event_type },
        { span_of("digest", 6), &found.digest },
        { span_of("event", 5), &found.event },
        { span_of("event_payload", 13), &found.event_payload },
        { span_of("version", 7), &found.version },
    };
    for (uint32_t n = json_first(json, node); n != JSON_NONE; n = json_next(json, n)) {
        struct span key;
        for (size_t i = 0; json_key(json, n, &key) && i < COUNT_OF(names); i++)
            if (span_equal(key, names[i].name))
                *names[i].place = n;
    }
    return found;
}

/* "8. imr 0..3, digest 48 bytes hex" */
static bool read_event(struct replay *replay, uint32_t node, struct event *event)
{
    const struct json *json = &replay->json;
    struct report *report = replay->report;
    struct members members = find_members(json, node);
    uint32_t digest = members.digest;
    if (!json_u64(json, members.imr, UINT64_MAX, &event->imr))
        return report_fail(report, CHECK_AE_8, REASON_EVENTLOG_FORMAT,
                           "event %zu: imr is no register number", event->number);
    if (event->imr > 3)
        return report_fail(report, CHECK_AE_8, REASON_EVENTLOG_INDEX_INVALID,
                           "event %zu: imr is above 3", event->number);
    if (!json_u64(json, members.event_type, UINT32_MAX, &event->type))
        return report_fail(report, CHECK_AE_8, REASON_EVENTLOG_FORMAT,
                           "event %zu: event_type is no 32-bit number", event->number);
    event->has_digest = json_hex(json, digest, event->digest, sizeof event->digest);
    bool may_be_empty = is_runtime(event) &&
                        (digest == JSON_NONE || json_equal_text(json, digest, ""));
    if (!event->has_digest && !may_be_empty)
        return report_fail(report, CHECK_AE_8, REASON_EVENTLOG_FORMAT,
                           "event %zu: digest is not 48 bytes of hex", event->number);
    if (!read_text(replay, members.event, &event->name) ||
        !read_payload(replay, members.event_payload, &event->payload))
        return report_fail(report, CHECK_AE_8, REASON_EVENTLOG_FORMAT,
                           "event %zu: event is no text, or event_payload no hex", event->number);
    if (!read_version(replay, members.version, &event->version))
        return report_fail(report, CHECK_AE_8, REASON_EVENTLOG_FORMAT,
                           "event %zu: version is neither 1 nor 2", event->number);
    return true;
}

/* "v1 digest = SHA384(LE32(type) || ":" || event || ":" || payload)" */
static void digest_v1(const struct event *event, uint8_t out[48])
{
    static const uint8_t type[5] = { 0x01, 0x00, 0x00, 0x08, ':' };
    const struct span parts[4] = { SPAN(type), event->name, span_text(":"), event->payload };
    hash_sha384_parts(parts, 4, out);
}

/* RFC 8785 3.2.2.2: a control character as \b \t \n \f \r or \u00xx, a quote and a backslash
   with a backslash, all else as it is. */
static void put_jcs_text(struct sink *out, struct span text)
{
    static const char shorts[] = "\b\t\n\f\r\"\\";
    static const char letters[] = "btnfr\"\\";
    for (size_t i = 0; i < text.len; i++) {
        uint8_t byte = text.at[i];
        const char *found = byte != 0 ? strchr(shorts, byte) : NULL;
        if (found != NULL) {
            sink_u8(out, '\\');
            sink_u8(out, (uint8_t)letters[found - shorts]);
        } else if (byte < 0x20) {
            sink_format(out, "\\u%04x", byte);
        } else {
            sink_u8(out, byte);
        }
    }
}

/* "v2 = SHA384 of JCS {"name":..,"payload":"hex","type":134217729}".  The text is never longer
   than the event was in the log, so it fits. */
static void digest_v2(struct replay *replay, const struct event *event, uint8_t out[48])
{
    struct sink text = sink_over(replay->work, replay->work_len);
    sink_text(&text, "{\"name\":\"");
    put_jcs_text(&text, event->name);
    sink_text(&text, "\",\"payload\":\"");
    sink_hex(&text, event->payload);
    sink_text(&text, "\",\"type\":134217729}");
    hash_sha384(sink_bytes(&text), out);
}

/* Finds the version that explains a run-time event whose digest is written: the one it names,
   or the first that fits.  0 when none does. */
static uint64_t fitting_version(const struct event *event, const uint8_t v1[48],
                                const uint8_t v2[48])
{
    if (event->version != 2 && bytes_equal(event->digest, v1, 48))
        return 1;
    if (event->version != 1 && bytes_equal(event->digest, v2, 48))
        return 2;
    return 0;
}

/* "9. runtime events have event_type 0x08000001 and belong to imr 3 ... Recompute it always" */
static bool replay_runtime(struct replay *replay, const struct event *event)
{
    uint8_t v1[48], v2[48];
    uint64_t version = event->version;
    if (event->imr != 3)
        return report_fail(replay->report, CHECK_AE_9, REASON_EVENTLOG_INDEX_INVALID,
                           "event %zu is a run-time event, but not of RTMR3", event->number);
    digest_v1(event, v1);
    digest_v2(replay, event, v2);
    if (event->has_digest)
        version = fitting_version(event, v1, v2);
    if (event->has_digest && version == 0)
        return report_fail(replay->report, CHECK_AE_9, REASON_EVENTLOG_DIGEST_MISMATCH,
                           "the digest of event %zu is not that of its name and payload",
                           event->number);
    replay->undeclared = replay->undeclared || version == 0;
    replay->saw_v2 = replay->saw_v2 || version == 2;
    rtmr_extend(replay->log, 3, version == 2 ? v2 : v1);
    rtmr_hash(replay->rtmr3_v2, version == 1 ? v1 : v2);
    return true;
}

/* The name under which a value is kept, "app-id" and "app_id" being one, as a number.  Names are
   told apart by it alone: comparing every long name with all before it is work that who writes
   the log could choose, and two names made to collide are refused like equal ones. */
static uint64_t name_hash(struct span name)
{
    struct key_hasher hasher = { 0 };
    for (size_t i = 0; i < name.len; i++)
        key_hasher_put(&hasher, name.at[i] == '-' ? '_' : name.at[i]);
    return key_hasher_end(&hasher);
}

/* Adds a payload under its name; a name with other characters than [a-z0-9_-] gives none. */
static void take_value(struct replay *replay, const struct event *event)
{
    char text[LOG_NAME_LEN];
    struct sink name = sink_over(text, sizeof text);
    for (size_t i = 0; i < event->name.len; i++) {
        uint8_t byte = event->name.at[i];
        bool plain = (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '_' ||
                     byte == '-';
        if (!plain)
            return;
        sink_u8(&name, byte == '-' ? '_' : byte);
    }
    if (sink_ok(&name) && name.len > 0 && event->payload.len > 0)
        rtmr_add_value(replay->log, sink_bytes(&name), event->payload);
}

static bool holds_colon(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] == ':')
            return true;
    return false;
}

/* "10. Order and duplicates matter: take app-id/compose-hash only before "system-ready"; a
   repeated key is EVENTLOG_DUPLICATE."  After it the workload may emit what it likes, twice
   too, but none of the names that the system has used. */
static bool judge_name(struct replay *replay, const struct event *event)
{
    struct report *report = replay->report;
    uint64_t hash = name_hash(event->name);
    for (size_t i = 0; i < replay->name_count; i++)
        if (replay->names[i] == hash)
            return report_fail(report, CHECK_AE_10, REASON_EVENTLOG_DUPLICATE,
                               "event %zu repeats the name %.*s", event->number,
                               event->name.len < 48 ? (int)event->name.len : 48,
                               (const char *)event->name.at);
    if (replay->ready)
        return true;
    /* A version 1 digest does not say where the name ends: without this "app-id:" with one
       payload and "app-id" with another would be the same event. */
    if (holds_colon(event->name))
        return report_fail(report, CHECK_AE_10, REASON_EVENTLOG_FORMAT,
                           "event %zu has a colon in its name", event->number);
    if (replay->name_count == DSTACK_BOOT_NAMES_MAX)
        return report_fail(report, CHECK_AE_10, REASON_EVENTLOG_FORMAT,
                           "more than %d run-time events before system-ready",
                           DSTACK_BOOT_NAMES_MAX);
    replay->names[replay->name_count++] = hash;
    replay->ready = span_equal_text(event->name, "system-ready");
    if (!replay->ready)
        take_value(replay, event);
    return true;
}

/* A failure of lines 9 and 10 is on record and the pass goes on: a later event may fail an
   earlier line. */
static bool replay_event(struct replay *replay, uint32_t node)
{
    struct event event = { .number = replay->log->events + 1 };
    if (!read_event(replay, node, &event))
        return false;
    replay->log->events++;
    if (is_runtime(&event)) {
        if (replay_runtime(replay, &event))
            judge_name(replay, &event);
        return true;
    }
    rtmr_extend(replay->log, (unsigned)event.imr, event.digest);
    if (event.imr == 3)
        rtmr_hash(replay->rtmr3_v2, event.digest);
    return true;
}

/* Room to write any one event in. */
static bool make_work(struct replay *replay)
{
    size_t longest = 0;
    for (uint32_t n = json_first(&replay->json, 0); n != JSON_NONE;
         n = json_next(&replay->json, n)) {
        size_t len = json_raw(&replay->json, n).len;
        longest = len > longest ? len : longest;
    }
    replay->work_len = longest + 64;
    replay->work = arena_alloc(replay->scratch, replay->work_len);
    return replay->work != NULL;
}

static bool replay_all(struct replay *replay, struct span text)
{
    struct json_error error = { 0 };
    const struct json_limits limits = { .depth = LOG_DEPTH };
    size_t room = json_values_at_most(text);
    if (room > text.len / NODE_BYTES_MIN + 8)
        room = text.len / NODE_BYTES_MIN + 8;
    if (text.len > EVENTLOG_MAX)
        return report_fail(replay->report, CHECK_AE_8, REASON_EVENTLOG_FORMAT,
                           "the log has %zu bytes, at most %d are read", text.len, EVENTLOG_MAX);
    struct json_node *nodes = arena_array(replay->scratch, room, sizeof *nodes);
    if (nodes == NULL)
        return report_fail(replay->report, CHECK_AE_8, REASON_EVENTLOG_FORMAT,
                           "no memory for a log of %zu bytes", text.len);
    if (!json_parse_into(text, nodes, room, &limits, &replay->json, &error))
        return report_fail(replay->report, CHECK_AE_8, REASON_EVENTLOG_FORMAT,
                           "no JSON at offset %zu: %s", error.offset, error.what);
    if (json_type(&replay->json, 0) != JSON_ARRAY)
        return report_fail(replay->report, CHECK_AE_8, REASON_EVENTLOG_FORMAT,
                           "the log is no array of events");
    if (!make_work(replay))
        return report_fail(replay->report, CHECK_AE_8, REASON_EVENTLOG_FORMAT,
                           "no memory for a log of %zu bytes", text.len);
    for (uint32_t n = json_first(&replay->json, 0); n != JSON_NONE; n = json_next(&replay->json, n))
        if (!replay_event(replay, n))
            return false;
    report_pass(replay->report, CHECK_AE_8);
    report_pass(replay->report, CHECK_AE_9);
    report_pass(replay->report, CHECK_AE_10);
    return true;
}

/* Of the two readings of RTMR3 the one that the quote signs; else the first stays. */
static void choose_reading(struct replay *replay, const struct claims *quote)
{
    if (replay->undeclared && bytes_equal(replay->rtmr3_v2, quote->tdx.rtmr[3], RTMR_LEN)) {
        memcpy(replay->log->replayed[3], replay->rtmr3_v2, RTMR_LEN);
        replay->saw_v2 = true;
    }
}

/* One register of the quote; records the failure. */
static bool judge_register(struct report *report, const struct log_claims *log,
                           const uint8_t *quoted, unsigned i)
{
    if (!bytes_equal(log->replayed[i], quoted, RTMR_LEN)) {
        report_fail(report, CHECK_AE_11, REASON_RTMR_MISMATCH, "RTMR%u: %s", i,
                    log->in_log[i] ? "the log replays to another value"
                                   : "the log does not extend it, the quote has a value");
        report_values_hex(report, CHECK_AE_11, span_of(quoted, RTMR_LEN), SPAN(log->replayed[i]));
        return false;
    }
    return true;
}

/* "11. replayed RTMR0-3 = quote RTMR0-3" */
static bool judge_registers(struct replay *replay, const struct claims *quote)
{
    struct report *report = replay->report;
    struct log_claims *log = replay->log;
    if (!rtmr_can_compare(quote)) {
        report_skip(report, CHECK_AE_11, "the quote is not verified: its registers mean nothing");
        return false;
    }
    if (!evidence_kind_is_tdx(quote->kind))
        return report_fail(report, CHECK_AE_11, REASON_RTMR_MISMATCH,
                           "evidence of kind %s has no RTMR to hold a log against",
                           evidence_kind_name(quote->kind));
    choose_reading(replay, quote);
    for (unsigned i = 0; i < 4; i++)
        log->match[i] = judge_register(report, log, quote->tdx.rtmr[i], i);
    report_pass(report, CHECK_AE_11);
    return !report_failed(report, CHECK_AE_11);
}

void dstack_log_verify(struct span log, const struct claims *quote, struct arena *scratch,
                       struct report *report, struct log_claims *out)
{
    struct log_claims found = { 0 };
    struct replay replay = { .report = report, .scratch = scratch, .log = &found };
    bool read = replay_all(&replay, log);
    bool sound = read && report_passed(report, CHECK_AE_9);
    bool match = sound && judge_registers(&replay, quote);
    if (read && !sound)
        report_skip(report, CHECK_AE_11, "the log could not be replayed");
    if (!match || !report_passed(report, CHECK_AE_10)) {
        found.value_count = 0;
        memset(found.values, 0, sizeof found.values);
    }
    found.format = replay.saw_v2 ? LOG_DSTACK_V2 : LOG_DSTACK_V1;
    *out = found;
}
