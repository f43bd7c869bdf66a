/* fuzz_audit_frame.c - a record on its way to the log, and a slot of the file of heads: what is
   read is written again byte for byte, and whatever is in it never makes more than one line. */
#include <stdlib.h>
#include <string.h>

#include "audit/chain.h"
#include "proc/audit_client.h"
#include "proc/audit_slot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t room[AUDIT_LINE_MAX + 1];
static uint8_t again[AUDIT_CLIENT_BODY];

static void must(bool truth)
{
    if (!truth)
        abort();
}

static void read_record(struct span bytes)
{
    struct cursor body = cur_over(bytes);
    struct audit_record record = { .count = 99 };
    struct audit_chain chain = { 0 };
    struct merkle_hash leaf;
    struct sink line = sink_over(room, sizeof room), out = sink_over(again, sizeof again);
    if (!audit_client_get(&body, &record)) {
        must(record.count == 99);
        return;
    }
    must(audit_client_put(&out, &record) && span_equal(sink_bytes(&out), bytes));
    if (rc_ok(audit_chain_seal(&chain, &record, &line, &leaf, NULL)))
        must(memchr(room, '\n', line.len) == &room[line.len - 1]);
    else
        must(line.len == 0);
}

static void read_slot(struct span bytes)
{
    struct audit_slot slot = { .a = 99 };
    struct sink out = sink_over(again, AUDIT_SLOT_BYTES);
    if (!audit_slot_get(bytes, &slot)) {
        must(slot.a == 99);
        return;
    }
    audit_slot_put(&out, &slot);
    must(sink_ok(&out) && bytes.len >= slot.payload.len &&
         bytes_equal(out.at, bytes.at, (size_t)(slot.payload.at - bytes.at) + slot.payload.len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_record(span_of(data, size));
    read_slot(span_of(data, size < AUDIT_SLOT_BYTES ? size : AUDIT_SLOT_BYTES));
    return 0;
}
