/* fuzz_audit_line.c - a line that is read is written again byte for byte and fits every view;
   any bytes at all, given as text, make a record that is one safe line. */
#include <stdlib.h>
#include <string.h>

#include "audit/chain.h"
#include "audit/query.h"
#include "audit/view.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct audit_reader reader;
static uint8_t room[AUDIT_VIEW_ROOM];
static uint8_t again[AUDIT_LINE_MAX];

static void must(bool truth)
{
    if (!truth)
        abort();
}

static void see(struct span line)
{
    for (unsigned view = AUDIT_VIEW_JSONL; view <= AUDIT_VIEW_CSV; view++) {
        struct sink out = sink_over(room, sizeof room);
        must(rc_ok(audit_view_put((enum audit_view)view, &reader, line, "1", &out, NULL)));
        must(memchr(room, '\n', out.len) == &room[out.len - 1]);
    }
}

static void read_line(struct span line)
{
    struct audit_record record = { .count = 99 };
    struct audit_query all = { 0 };
    struct sink out = sink_over(again, sizeof again);
    if (!rc_ok(audit_read(&reader, line, &record, NULL))) {
        must(record.count == 99);
        return;
    }
    must(audit_query_matches(&all, &record));
    must(rc_ok(audit_write(&record, &out, NULL)) && span_equal(sink_bytes(&out), line));
    see(line);
}

/* The first byte chooses an event, the rest is what a stranger has sent. */
static void write_record(struct span text)
{
    struct audit_chain chain = { 0 };
    struct merkle_hash leaf;
    enum audit_event event = (enum audit_event)(1 + (text.len > 0 ? text.at[0] : 0) %
                                                        (AUDIT_EVENT_COUNT - 1));
    const struct audit_event_info *info = audit_event_info(event);
    struct audit_record record = audit_record_of(event, AUDIT_FAILURE, 1);
    struct sink out = sink_over(again, sizeof again);
    audit_set_actor(&record, AUDIT_ANONYMOUS, text);
    audit_set_resource(&record, text);
    audit_set_address(&record, span_text("::1"));
    for (size_t i = 0; i < AUDIT_DEMANDED && info->details[i].type != AUDIT_VALUE_NONE; i++) {
        if (info->details[i].type == AUDIT_TEXT)
            audit_add_text(&record, info->details[i].name, text);
        else
            audit_add_secret(&record, info->details[i].name);
    }
    must(rc_ok(audit_chain_seal(&chain, &record, &out, &leaf, NULL)));
    must(memchr(again, '\n', out.len) == &again[out.len - 1]);
    for (size_t i = 0; i + 1 < out.len; i++)
        must(again[i] >= 0x20 && again[i] != 0x7f);
    see(span_of(again, out.len - 1));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_line(span_of(data, size));
    write_record(span_of(data, size));
    return 0;
}
