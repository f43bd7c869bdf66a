/* sdk_post.h - what a challenge of profile sdk-v1 posts when it has a session: a heartbeat, a line
   of its log, a result.  docs/wire.md, "Results over HTTP".

   Pure: the body of such a request, opened already, is read into texts.  What a text says is the
   peer's word and nothing else; whoever writes one down makes it safe to be shown. */
#ifndef WARD_CHANNEL_SDK_POST_H
#define WARD_CHANNEL_SDK_POST_H

#include "base/arena.h"
#include "base/span.h"
#include "crypto/hash.h"
#include "model/reason.h"

enum sdk_post_kind { SDK_POST_HEARTBEAT = 0, SDK_POST_LOGS, SDK_POST_SUBMIT, SDK_POST_KINDS };

enum {
    SDK_POST_VALUES = 7,            /* that one may have */
    SDK_POST_BODY_MAX = 12 << 10,   /* bytes of a body */
    SDK_POST_NODES_MAX = 1024,      /* values in it */
    SDK_POST_WORD_MAX = 128,        /* bytes of what is a word, or a number */
    SDK_POST_TEXT_MAX = 512,        /* of what is a text: the rest is cut away */
    SDK_POST_METRICS_MAX = 1 << 10, /* of the metrics, as they came */
};

struct sdk_post {
    enum sdk_post_kind kind;
    struct span values[SDK_POST_VALUES]; /* in the order of sdk_post_name; empty: not there */
    uint8_t digest[SHA256_LEN];          /* of the whole body */
};

/* sdk_post_name: of the value in this place, as it is written down; NULL behind the last. */
const char *sdk_post_name(enum sdk_post_kind kind, size_t place);

/* sdk_post_read reads a body.  HTTP_BODY_INVALID: it is no JSON, lacks what its kind must have, or
   has another type there; HTTP_BODY_TOO_LARGE: more of something than is taken; OUT_OF_MEMORY.
   Names that its kind has not are not looked at, as everywhere in this profile.  Views the body and
   the arena.  On failure *out is untouched. */
enum reason sdk_post_read(enum sdk_post_kind kind, struct span body, struct arena *arena,
                          struct sdk_post *out);

#endif
