/* trace.c - see trace.h. */
#include "http/trace.h"

#include "base/cursor.h"
#include "codec/hex.h"

/* "HEXDIGLC" of the specification: lower case only. */
static bool take_hex(struct cursor *in, void *out, size_t len)
{
    struct span digits;
    if (!cur_take(in, 2 * len, &digits))
        return false;
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.at[i] >= 'A' && digits.at[i] <= 'F')
            return false;
    }
    return hex_decode(digits, out, len);
}

bool trace_parse(struct span value, struct trace *out)
{
    struct cursor in = cur_over(value);
    struct span dash = span_text("-");
    struct trace trace;
    uint8_t version;
    if (!take_hex(&in, &version, 1) || version == 0xff || !cur_expect(&in, dash) ||
        !take_hex(&in, trace.trace_id, 16) || !cur_expect(&in, dash) ||
        !take_hex(&in, trace.parent_id, 8) || !cur_expect(&in, dash) ||
        !take_hex(&in, &trace.flags, 1))
        return false;
    if (bytes_are_zero(trace.trace_id, 16) || bytes_are_zero(trace.parent_id, 8))
        return false;
    /* "If a higher version is detected ... the fields end with a dash or the string." */
    if (!cur_end(&in) && (version == 0 || !cur_expect(&in, dash)))
        return false;
    *out = trace;
    return true;
}

void trace_write(const struct trace *trace, struct sink *out)
{
    sink_text(out, "00-");
    trace_write_id(trace, out);
    sink_text(out, "-");
    sink_hex(out, SPAN(trace->parent_id));
    sink_text(out, (trace->flags & 1) != 0 ? "-01" : "-00");
}

void trace_write_id(const struct trace *trace, struct sink *out)
{
    sink_hex(out, SPAN(trace->trace_id));
}
