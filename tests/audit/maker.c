/* maker.c - prints a log of 300 records in one of its forms, for readers that are not ours:
   maker log | leaves | head | ocsf | cef | csv.  Judges nothing. */
#include <stdio.h>

#include "audit/view.h"
#include "log.h"
#include "merkle/checkpoint.h"

enum { RECORDS = 300 };

static const char *const texts[] = {
    "plain",
    "=1+1",
    "a,\"b\"\r\nc",
    "\x1b[31mred",
    "\xe2\x80\xaetxt.exe\xe2\x80\xac",
    "\xff\xfe",
    "act=x y",
    "back\\slash",
    "\xc3\xa9t\xc3\xa9",
    " @x",
    "\xe2\x80\xa8",
    "",
};

static uint8_t room[RECORDS * 4096];
static struct audit_reader reader;

static void put(struct span bytes)
{
    fwrite(bytes.at, 1, bytes.len, stdout);
}

static struct audit_record record_of(size_t i)
{
    static const uint8_t trace[AUDIT_TRACE_LEN] = { 0xab, [AUDIT_TRACE_LEN - 1] = 1 };
    const char *text = texts[i % (sizeof texts / sizeof texts[0])];
    struct audit_record record = log_event((enum audit_event)(1 + i % (AUDIT_EVENT_COUNT - 1)),
                                           span_text(text));
    record.outcome = (enum audit_outcome)(1 + i % 3);
    record.at += (int64_t)i * 60000;
    audit_add_secret(&record, "password");
    audit_add_bool(&record, "odd", i % 2 == 1);
    if (i % 4 == 0)
        audit_set_trace(&record, trace);
    return record;
}

static int put_view(const char *name, struct span line)
{
    static uint8_t view_room[AUDIT_VIEW_ROOM];
    struct sink out = sink_over(view_room, sizeof view_room);
    enum audit_view view;
    if (!audit_view_find(span_text(name), &view) ||
        !rc_ok(audit_view_put(view, &reader, line, "0.1.0", &out, NULL)))
        return 1;
    put(sink_bytes(&out));
    return 0;
}

static void put_head(const struct audit_chain *chain)
{
    static uint8_t text[CHECKPOINT_TEXT_MAX];
    struct sink out = sink_over(text, sizeof text);
    struct merkle_head head;
    audit_chain_head(chain, &head);
    checkpoint_put_text(&out, span_text("ward.test/log"), &head, span_of(NULL, 0));
    put(sink_bytes(&out));
}

int main(int argc, char **argv)
{
    const char *form = argc == 2 ? argv[1] : "";
    struct audit_chain chain = { 0 };
    struct sink out = sink_over(room, sizeof room);
    if (strcmp(form, "csv") == 0) {
        audit_view_begin(AUDIT_VIEW_CSV, &out);
        put(sink_bytes(&out));
    }
    for (size_t i = 0; i < RECORDS; i++) {
        size_t start = out.len;
        struct merkle_hash leaf;
        struct audit_record record = record_of(i);
        if (!rc_ok(audit_chain_seal(&chain, &record, &out, &leaf, NULL)))
            return 1;
        if (strcmp(form, "leaves") == 0)
            put(SPAN(leaf.at));
        else if (strcmp(form, "log") == 0)
            put(span_of(room + start, out.len - start));
        else if (strcmp(form, "head") != 0 &&
                 put_view(form, span_of(room + start, out.len - start - 1)) != 0)
            return 2;
    }
    if (strcmp(form, "head") == 0)
        put_head(&chain);
    return 0;
}
