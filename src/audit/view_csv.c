/* view_csv.c - a record as one row of RFC 4180.  Every cell is quoted; one that a spreadsheet
   would take for a formula begins with an apostrophe, which it takes for "this is text". */
#include "audit/text.h"
#include "audit/view_parts.h"

static const struct audit_plain cell = { .escaped = "", .doubled = "\"", .unsafe = "\\" };

static const char *const formula_starts[] = {
    "=",
    "+",
    "-",
    "@",
    "|",
    "%",
    "\xef\xbc\x9d", /* the same in full width: U+FF1D, */
    "\xef\xbc\x8b", /* U+FF0B, */
    "\xef\xbc\x8d", /* U+FF0D, */
    "\xef\xbc\xa0", /* U+FF20 */
};

/* Also behind spaces, which some programs take away. */
static bool looks_like_a_formula(struct span text)
{
    size_t at = 0;
    while (at < text.len && (text.at[at] == ' ' || text.at[at] == '\t' || text.at[at] == '\r' ||
                             text.at[at] == '\n'))
        at++;
    for (size_t i = 0; i < sizeof formula_starts / sizeof formula_starts[0]; i++) {
        struct span start = span_text(formula_starts[i]);
        if (text.len - at >= start.len && span_equal(span_of(&text.at[at], start.len), start))
            return true;
    }
    return false;
}

static void put(struct sink *out, struct span text)
{
    sink_text(out, looks_like_a_formula(text) ? ",\"'" : ",\"");
    audit_text_plain(out, text, &cell);
    sink_u8(out, '"');
}

void audit_put_csv_head(struct sink *out)
{
    sink_text(out,
              "\"seq\",\"timestamp\",\"event_type\",\"action\",\"outcome\",\"actor_type\","
              "\"actor_id\",\"ip_address\",\"resource\",\"details\",\"trace_id\",\"prev\"\r\n");
}

void audit_put_csv(struct sink *out, const struct audit_record *record)
{
    uint8_t room[2 * AUDIT_TRACE_LEN + 2 * SHA256_LEN];
    struct sink text = sink_over(room, sizeof room);
    sink_format(out, "\"%llu\"", (unsigned long long)record->seq);
    if (!audit_time_put(&text, record->at))
        out->full = true;
    put(out, sink_bytes(&text));
    put(out, span_text(audit_type_name(record->type)));
    put(out, record->action);
    put(out, span_text(audit_outcome_name(record->outcome)));
    put(out, span_text(audit_actor_name(record->actor_type)));
    put(out, record->actor_id);
    put(out, record->address);
    put(out, record->resource);
    put(out, record->details_json);
    text = sink_over(room, sizeof room);
    if (record->traced)
        sink_hex(&text, SPAN(record->trace));
    put(out, sink_bytes(&text));
    text = sink_over(room, sizeof room);
    sink_hex(&text, SPAN(record->prev.at));
    put(out, sink_bytes(&text));
    sink_text(out, "\r\n");
}
