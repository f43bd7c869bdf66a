/* trace.h - W3C Trace Context: which request this is, across processes and logs.  Strict: what is
   not exactly a traceparent is none, and a new trace begins.  Nothing here makes an id. */
#ifndef WARD_HTTP_TRACE_H
#define WARD_HTTP_TRACE_H

#include "base/result.h"
#include "base/sink.h"
#include "base/span.h"

struct trace {
    uint8_t trace_id[16];
    uint8_t parent_id[8];
    uint8_t flags;
};

/* trace_parse reads the value of a traceparent field: version 00 in full, of later versions what
   they share with it.  Ids of zeros, upper case and version ff are refused. */
MUST_USE
bool trace_parse(struct span value, struct trace *out);

/* trace_write appends the value in version 00; of the flags only `sampled` is kept. */
void trace_write(const struct trace *trace, struct sink *out);

/* trace_write_id appends the 32 digits that stand in logs and answers. */
void trace_write_id(const struct trace *trace, struct sink *out);

#endif
