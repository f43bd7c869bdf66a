/* ccel_verify.c - judges a CCEL log: replays it, holds it against the quote, and believes of
   its contents only what the registers measured.  Never reads a record itself (ccel.c). */
#include "attest/ccel.h"
#include "attest/rtmr.h"
#include "base/number.h"

/* EFI_GLOBAL_VARIABLE 8be4df61-93ca-11d2-aa0d-00e098032b8c, in the order of the wire. */
static const uint8_t efi_global[16] = { 0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11,
                                        0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c };
static const uint8_t secure_boot_name[20] = { 'S', 0, 'e', 0, 'c', 0, 'u', 0, 'r', 0,
                                              'e', 0, 'B', 0, 'o', 0, 'o', 0, 't', 0 };

/* SHA-384 of the two separators of the TCG: 00000000, and ffffffff after an error. */
static const uint8_t separator_digests[][RTMR_LEN] = {
    { 0x39, 0x43, 0x41, 0xb7, 0x18, 0x2c, 0xd2, 0x27, 0xc5, 0xc6, 0xb0, 0x7e,
      0xf8, 0x00, 0x0c, 0xdf, 0xd8, 0x61, 0x36, 0xc4, 0x29, 0x2b, 0x8e, 0x57,
      0x65, 0x73, 0xad, 0x7e, 0xd9, 0xae, 0x41, 0x01, 0x9f, 0x58, 0x18, 0xb4,
      0xb9, 0x71, 0xc9, 0xef, 0xfc, 0x60, 0xe1, 0xad, 0x9f, 0x12, 0x89, 0xf0 },
    { 0x4a, 0x06, 0xb8, 0x79, 0xc7, 0xee, 0xdb, 0xe0, 0x1c, 0x94, 0x5d, 0x46,
      0xb5, 0xbd, 0x78, 0x5b, 0x59, 0x20, 0x3d, 0xce, 0x81, 0xea, 0x6a, 0x12,
      0x06, 0xc2, 0x80, 0x91, 0xca, 0x28, 0x53, 0x65, 0xf7, 0x60, 0xd9, 0x16,
      0x77, 0x78, 0xf0, 0xdc, 0x17, 0x63, 0xd4, 0x85, 0x4a, 0xaf, 0xd4, 0x0a },
};

/* What one pass over a log finds out. */
struct replay {
    struct report *report;
    struct log_claims *log;
    bool separated[4]; /* an EV_SEPARATOR was seen: the firmware's own phase is over */
    bool has_secure_boot;
    uint8_t secure_boot;
};

/* "4. MR index 1..4 -> RTMR0..3 (0 = MRTD, never extended; but GKE logs put EV_NO_ACTION at
   index 0)" */
static bool judge_index(struct report *report, const struct ccel_event *event)
{
    if (event->index > 4 || (event->index == 0 && event->type != EV_NO_ACTION))
        return report_fail(report, CHECK_AE_4, REASON_EVENTLOG_INDEX_INVALID,
                           "event %u extends register %u; 1 to 4 are RTMR0 to RTMR3", event->number,
                           event->index);
    return true;
}

static bool extend(struct replay *replay, const struct ccel_event *event)
{
    if (event->sha384.len != RTMR_LEN)
        return report_fail(replay->report, CHECK_AE_5, REASON_EVENTLOG_FORMAT,
                           "event %u has no SHA-384 digest", event->number);
    rtmr_extend(replay->log, event->index - 1, event->sha384.at);
    return true;
}

static bool judge_content(struct report *report, const struct ccel_event *event)
{
    if (ccel_type_is_measured(event->type) && !ccel_data_is_measured(event))
        return report_fail(report, CHECK_AE_7, REASON_EVENTLOG_DIGEST_MISMATCH,
                           "the digest of event %u (type 0x%08x) is not that of its data",
                           event->number, event->type);
    return true;
}

/* The one value taken: SecureBoot, from the firmware's own phase of RTMR0.  What a later phase
   measures under that name is not the firmware's word. */
static bool take_value(struct replay *replay, const struct ccel_event *event)
{
    struct ccel_variable variable;
    if (event->index != 1 || replay->separated[0] || event->type != EV_EFI_VARIABLE_DRIVER_CONFIG)
        return true;
    if (!ccel_variable_parse(event->data, &variable) ||
        !span_equal(variable.guid, SPAN(efi_global)) ||
        !span_equal(variable.name, SPAN(secure_boot_name)))
        return true;
    if (replay->has_secure_boot)
        return report_fail(replay->report, CHECK_AE_7, REASON_EVENTLOG_DUPLICATE,
                           "event %u measures SecureBoot a second time", event->number);
    struct cursor in = cur_over(variable.data);
    replay->has_secure_boot = cur_u8(&in, &replay->secure_boot) && cur_end(&in);
    return true;
}

/* No digest covers an event's type, so whoever hands the log over can call a separator something
   else and pass off what the guest measured later as the firmware's.  What it measures gives
   it away. */
static bool is_separator(const struct ccel_event *event)
{
    if (event->type == EV_SEPARATOR)
        return true;
    for (size_t i = 0; i < COUNT_OF(separator_digests); i++) {
        if (span_equal(event->sha384, SPAN(separator_digests[i])))
            return true;
    }
    return false;
}

/* One event: lines 4, 5 and 7.  A failure is on record and the pass goes on, so that the first
   failing line is found whatever the order of the events. */
static void judge_event(struct replay *replay, const struct ccel_event *event)
{
    if (!judge_index(replay->report, event))
        return;
    /* "5. skip EV_NO_ACTION" */
    if (event->type == EV_NO_ACTION || !extend(replay, event))
        return;
    if (judge_content(replay->report, event) && !take_value(replay, event))
        return;
    if (is_separator(event))
        replay->separated[event->index - 1] = true;
}

static bool replay_all(struct replay *replay, struct span bytes)
{
    struct ccel log;
    struct ccel_event event;
    bool more = true;
    if (!ccel_open(bytes, replay->report, &log))
        return false;
    while (more) {
        if (!ccel_next(&log, replay->report, &event, &more))
            return false;
        if (more)
            judge_event(replay, &event);
    }
    replay->log->events = log.events;
    report_pass(replay->report, CHECK_AE_2);
    report_pass(replay->report, CHECK_AE_3);
    report_pass(replay->report, CHECK_AE_4);
    report_pass(replay->report, CHECK_AE_5);
    report_pass(replay->report, CHECK_AE_7);
    return true;
}

/* One register of the quote under one rule; records the failure. */
static bool judge_register(struct report *report, const struct log_claims *log,
                           const uint8_t *quoted, unsigned i)
{
    if (!bytes_equal(log->replayed[i], quoted, RTMR_LEN)) {
        report_fail(report, CHECK_AE_6, REASON_RTMR_MISMATCH, "RTMR%u: %s", i,
                    log->in_log[i] ? "the log replays to another value"
                                   : "the log does not extend it, the quote has a value");
        report_values_hex(report, CHECK_AE_6, span_of(quoted, RTMR_LEN), SPAN(log->replayed[i]));
        return false;
    }
    return true;
}

static bool judge_rtmr3(struct report *report, const struct eventlog_rules *rules,
                        const struct log_claims *log, const uint8_t *quoted)
{
    if (rules->rtmr3 == LOG_RTMR3_IGNORE)
        return true;
    if (rules->rtmr3 != LOG_RTMR3_VALUE)
        return judge_register(report, log, quoted, 3);
    if (!bytes_equal(rules->rtmr3_value, quoted, RTMR_LEN)) {
        report_fail(report, CHECK_AE_6, REASON_RTMR_MISMATCH,
                    "RTMR3: the quote has not the value that the policy expects");
        report_values_hex(report, CHECK_AE_6, SPAN(rules->rtmr3_value), span_of(quoted, RTMR_LEN));
        return false;
    }
    return true;
}

/* "6. compare with the *verified* quote: RTMR0-2 must match; RTMR3 by policy" */
static bool judge_registers(struct report *report, const struct claims *quote,
                            const struct eventlog_rules *rules, struct log_claims *log)
{
    if (!rtmr_can_compare(quote)) {
        report_skip(report, CHECK_AE_6, "the quote is not verified: its registers mean nothing");
        return false;
    }
    if (!evidence_kind_is_tdx(quote->kind))
        return report_fail(report, CHECK_AE_6, REASON_RTMR_MISMATCH,
                           "evidence of kind %s has no RTMR to hold a log against",
                           evidence_kind_name(quote->kind));
    bool good = true;
    for (unsigned i = 0; i < 4; i++) {
        const uint8_t *quoted = quote->tdx.rtmr[i];
        log->match[i] = bytes_equal(log->replayed[i], quoted, RTMR_LEN);
        bool passed = i < 3 ? judge_register(report, log, quoted, i)
                            : judge_rtmr3(report, rules, log, quoted);
        good = good && passed;
    }
    report_pass(report, CHECK_AE_6);
    return good;
}

void ccel_verify(struct span log, const struct claims *quote, const struct eventlog_rules *rules,
                 struct report *report, struct log_claims *out)
{
    struct log_claims found = { .format = LOG_CCEL };
    struct replay replay = { .report = report, .log = &found };
    bool read = replay_all(&replay, log);
    bool sound = read && report_passed(report, CHECK_AE_4) && report_passed(report, CHECK_AE_5);
    bool match = sound && judge_registers(report, quote, rules, &found);
    if (read && !sound)
        report_skip(report, CHECK_AE_6, "the log could not be replayed");
    if (match && report_passed(report, CHECK_AE_7) && replay.has_secure_boot)
        rtmr_add_value(&found, span_text("secure_boot"), span_of(&replay.secure_boot, 1));
    *out = found;
}
