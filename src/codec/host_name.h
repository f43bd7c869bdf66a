/* host_name.h - names of hosts as they are written: labels of letters, digits, hyphens and
   underscores (RFC 1123 2.1; the underscore is that of service names), with points between them.
   Looks nothing up. */
#ifndef WARD_CODEC_HOST_NAME_H
#define WARD_CODEC_HOST_NAME_H

#include "base/result.h"
#include "base/span.h"

enum {
    HOST_TEXT_MAX = 253, /* RFC 1035 2.3.4: 255 as they are sent */
    HOST_LABEL_MAX = 63,
};

/* host_lower is the small letter of a large one, and everything else as it is. */
uint8_t host_lower(uint8_t c);

/* host_first_label is the length of what stands before the first point. */
size_t host_first_label(struct span name);

/* host_is_name tells whether the text is such a name, in any case, without a point at its end.
   The last label is not all digits, so that no spelling of an address is taken for a name. */
bool host_is_name(struct span text);

/* host_is_same compares two names, in any case. */
bool host_is_same(struct span a, struct span b);

#endif
