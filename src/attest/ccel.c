/* ccel.c - see ccel.h.  Reads records; never decides what they are worth (ccel_verify.c). */
#include "attest/ccel.h"

#include "crypto/hash.h"

enum { ALG_SHA384 = 12, SHA1_LEN = 20, GUID_LEN = 16 };

/* Sizes of the TCG algorithm registry; an algorithm that is not here has the size that the
   header says. */
static const struct ccel_algorithm known_sizes[] = { { 0x4, 20 },  { 0xb, 32 },  { 0xc, 48 },
                                                     { 0xd, 64 },  { 0x12, 32 }, { 0x27, 32 },
                                                     { 0x28, 48 }, { 0x29, 64 } };

static bool size_fits(const struct ccel_algorithm *algorithm)
{
    for (size_t i = 0; i < sizeof known_sizes / sizeof known_sizes[0]; i++)
        if (known_sizes[i].id == algorithm->id)
            return known_sizes[i].size == algorithm->size;
    return algorithm->size >= 1 && algorithm->size <= CCEL_DIGEST_MAX;
}

static const struct ccel_algorithm *find_algorithm(const struct ccel *log, uint16_t id)
{
    for (size_t i = 0; i < log->algorithm_count; i++)
        if (log->algorithms[i].id == id)
            return &log->algorithms[i];
    return NULL;
}

/* PFP 10.4.5.1 TCG_EfiSpecIdEvent: signature, platform class, version 2.x, errata, size of a
   UINTN, then the algorithms and the vendor's own bytes. */
static bool read_algorithms(struct cursor *in, struct ccel *log)
{
    uint32_t count;
    if (!cur_u32le(in, &count) || count < 1 || count > CCEL_ALGORITHMS_MAX)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        struct ccel_algorithm algorithm;
        if (!(cur_u16le(in, &algorithm.id) && cur_u16le(in, &algorithm.size)) ||
            !size_fits(&algorithm) || find_algorithm(log, algorithm.id) != NULL)
            return false;
        log->algorithms[log->algorithm_count++] = algorithm;
    }
    return true;
}

static bool read_spec_id(struct cursor *in, struct ccel *log)
{
    uint8_t minor, major, vendor_len;
    return cur_expect(in, SPAN("Spec ID Event03")) && cur_skip(in, 4) && cur_u8(in, &minor) &&
           cur_u8(in, &major) && major == 2 && cur_skip(in, 2) && read_algorithms(in, log) &&
           cur_u8(in, &vendor_len) && cur_skip(in, vendor_len) && cur_end(in);
}

bool ccel_open(struct span log, struct report *report, struct ccel *out)
{
    struct ccel open = { .in = cur_over(log) };
    uint32_t index, type;
    struct span digest;
    struct cursor data;
    if (log.len > EVENTLOG_MAX)
        return report_fail(report, CHECK_AE_1, REASON_EVENTLOG_FORMAT,
                           "the log has %zu bytes, at most %d are read", log.len, EVENTLOG_MAX);
    if (!(cur_u32le(&open.in, &index) && cur_u32le(&open.in, &type) &&
          cur_take(&open.in, SHA1_LEN, &digest) && cur_sub_u32le(&open.in, &data)))
        return report_fail(report, CHECK_AE_1, REASON_EVENTLOG_TRUNCATED,
                           "the log ends inside its header record");
    if (type != EV_NO_ACTION || !bytes_are_zero(digest.at, digest.len))
        return report_fail(report, CHECK_AE_1, REASON_EVENTLOG_FORMAT,
                           "the first record is not a header (EV_NO_ACTION, digest zero)");
    if (!read_spec_id(&data, &open))
        return report_fail(report, CHECK_AE_1, REASON_EVENTLOG_FORMAT,
                           "the header is not \"Spec ID Event03\" with its digest algorithms");
    report_pass(report, CHECK_AE_1);
    *out = open;
    return true;
}

/* What no event starts with: 0xffffffff is no register, and register 0 holds nothing but
   EV_NO_ACTION, so type 0 cannot follow.  A shorter rest of those bytes is padding too. */
static bool is_padding(const struct cursor *in, uint8_t *fill)
{
    struct cursor look = *in;
    uint8_t first, byte;
    if (!cur_u8(&look, &first) || (first != 0x00 && first != 0xff))
        return false;
    for (int i = first == 0xff ? 3 : 7; i > 0 && cur_u8(&look, &byte); i--)
        if (byte != first)
            return false;
    *fill = first;
    return true;
}

/* All bytes are the same when the row equals itself moved by one. */
static bool is_uniform(const struct cursor *in)
{
    struct cursor head = *in, tail = *in;
    struct span before;
    return cur_left(in) < 2 || (cur_take(&head, cur_left(in) - 1, &before) && cur_skip(&tail, 1) &&
                                span_equal(before, cur_rest(&tail)));
}

static bool read_end(const struct ccel *log, uint8_t fill, struct report *report)
{
    if (!is_uniform(&log->in))
        return report_fail(report, CHECK_AE_3, REASON_EVENTLOG_FORMAT,
                           "data follows the padding of 0x%02x at offset %zu", fill,
                           cur_offset(&log->in));
    return true;
}

/* Reads digests until `count` are read.  A second digest of one algorithm is refused: two
   readers could pick different ones. */
static bool read_digests(struct ccel *log, uint32_t count, struct report *report,
                         struct ccel_event *event)
{
    bool seen[CCEL_ALGORITHMS_MAX] = { false };
    for (uint32_t i = 0; i < count; i++) {
        uint16_t id;
        if (!cur_u16le(&log->in, &id))
            return report_fail(report, CHECK_AE_2, REASON_EVENTLOG_TRUNCATED,
                               "the log ends inside event %u", event->number);
        const struct ccel_algorithm *algorithm = find_algorithm(log, id);
        if (algorithm == NULL)
            return report_fail(report, CHECK_AE_2, REASON_EVENTLOG_ALG_UNSUPPORTED,
                               "event %u has a digest of algorithm 0x%04x, which the header does "
                               "not declare",
                               event->number, id);
        size_t place = (size_t)(algorithm - log->algorithms);
        if (seen[place])
            return report_fail(report, CHECK_AE_2, REASON_EVENTLOG_FORMAT,
                               "event %u has two digests of algorithm 0x%04x", event->number, id);
        seen[place] = true;
        struct span digest;
        if (!cur_take(&log->in, algorithm->size, &digest))
            return report_fail(report, CHECK_AE_2, REASON_EVENTLOG_TRUNCATED,
                               "the log ends inside event %u", event->number);
        if (id == ALG_SHA384)
            event->sha384 = digest;
    }
    return true;
}

static bool read_event(struct ccel *log, struct report *report, struct ccel_event *event)
{
    uint32_t count, len;
    if (!(cur_u32le(&log->in, &event->index) && cur_u32le(&log->in, &event->type) &&
          cur_u32le(&log->in, &count)))
        return report_fail(report, CHECK_AE_2, REASON_EVENTLOG_TRUNCATED,
                           "the log ends inside event %u", event->number);
    if (count < 1 || count > log->algorithm_count)
        return report_fail(report, CHECK_AE_2, REASON_EVENTLOG_FORMAT,
                           "event %u has %u digests, the header declares %zu", event->number, count,
                           log->algorithm_count);
    if (!read_digests(log, count, report, event))
        return false;
    if (!(cur_u32le(&log->in, &len) && cur_take(&log->in, len, &event->data)))
        return report_fail(report, CHECK_AE_2, REASON_EVENTLOG_TRUNCATED,
                           "the data of event %u reaches past the end of the log", event->number);
    return true;
}

bool ccel_next(struct ccel *log, struct report *report, struct ccel_event *out, bool *more)
{
    uint8_t fill = 0;
    if (cur_end(&log->in) || is_padding(&log->in, &fill)) {
        if (!read_end(log, fill, report))
            return false;
        *more = false;
        return true;
    }
    struct ccel_event event = { .number = log->events + 1 };
    if (!read_event(log, report, &event))
        return false;
    log->events = event.number;
    *out = event;
    *more = true;
    return true;
}

/* UEFI_VARIABLE_DATA: GUID, UINT64 characters of the name, UINT64 bytes of data, both. */
bool ccel_variable_parse(struct span data, struct ccel_variable *out)
{
    struct cursor in = cur_over(data);
    struct ccel_variable variable;
    uint64_t characters, bytes;
    if (!(cur_take(&in, GUID_LEN, &variable.guid) && cur_u64le(&in, &characters) &&
          cur_u64le(&in, &bytes)) ||
        characters > data.len / 2 || bytes > data.len ||
        !(cur_take(&in, (size_t)characters * 2, &variable.name) &&
          cur_take(&in, (size_t)bytes, &variable.data) && cur_end(&in)))
        return false;
    *out = variable;
    return true;
}

bool ccel_type_is_measured(uint32_t type)
{
    return type == EV_SEPARATOR || type == EV_S_CRTM_VERSION || type == EV_EFI_GPT_EVENT ||
           type == EV_EFI_ACTION || type == EV_EFI_VARIABLE_DRIVER_CONFIG ||
           type == EV_EFI_VARIABLE_BOOT || type == EV_EFI_VARIABLE_BOOT2 ||
           type == EV_EFI_VARIABLE_AUTHORITY;
}

static bool digest_is_of(const struct ccel_event *event, struct span bytes)
{
    uint8_t digest[SHA384_LEN];
    hash_sha384(bytes, digest);
    return span_equal(event->sha384, SPAN(digest));
}

bool ccel_data_is_measured(const struct ccel_event *event)
{
    struct ccel_variable variable;
    /* PFP 10.4.2: "EV_EFI_VARIABLE_BOOT ... the digest is of VariableData only"; some firmware
       hashes the whole structure. */
    if (event->type == EV_EFI_VARIABLE_BOOT && ccel_variable_parse(event->data, &variable) &&
        digest_is_of(event, variable.data))
        return true;
    return digest_is_of(event, event->data);
}
