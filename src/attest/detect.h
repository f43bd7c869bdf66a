/* detect.h - tells what kind of evidence bytes claim to be, by the first of them.  A guess that
   chooses a reader; it verifies nothing, and the reader refuses what it cannot read. */
#ifndef WARD_ATTEST_DETECT_H
#define WARD_ATTEST_DETECT_H

#include "base/span.h"

enum evidence_family { EVIDENCE_FAMILY_UNKNOWN = 0, EVIDENCE_FAMILY_QUOTE, EVIDENCE_FAMILY_NITRO };

/* evidence_family: raw evidence, not hex or base64.  An Intel quote starts with a version
   below 256 in 16 little-endian bits, also one that is not supported; a Nitro document with an
   array of four, with or without tag 18. */
enum evidence_family evidence_family(struct span evidence);

#endif
