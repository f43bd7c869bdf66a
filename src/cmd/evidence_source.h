/* evidence_source.h - `ward evidence --source`: asks a source of this machine and no house. */
#ifndef WARD_CMD_EVIDENCE_SOURCE_H
#define WARD_CMD_EVIDENCE_SOURCE_H

#include "cmd/command.h"
#include "source/source.h"

/* evidence_source_get asks the source of that name ("auto", "KIND" or "KIND:PATH") for evidence
   that bears those bytes.  EXIT_DONE with *name and *out, which lives in the invocation's arena;
   else it has said why not. */
MUST_USE
enum exit_code evidence_source_get(struct invocation *in, const char *wanted,
                                   const uint8_t report_data[SOURCE_REPORT_DATA],
                                   struct source_name *name, struct source_evidence *out);

/* evidence_source_print writes it as one JSON object. */
MUST_USE
enum exit_code evidence_source_print(struct invocation *in, const struct source_name *name,
                                     const struct source_evidence *made);

#endif
