/* nsm.c - evidence of the Nitro Secure Module (AWS nsm-api: Request::Attestation and its Response,
   as serde writes them in CBOR). */
#include "os/nsm.h"

#include <string.h>

#include "codec/cbor.h"
#include "codec/cbor_write.h"
#include "os/file.h"
#include "source/parts.h"

static void put_optional(struct sink *out, const char *name, struct span bytes)
{
    cbor_put_text(out, name);
    if (bytes.len > 0)
        cbor_put_bytes(out, bytes);
    else
        cbor_put_nil(out);
}

static bool write_request(const struct source_ask *ask, struct sink *out)
{
    cbor_put_map(out, 1);
    cbor_put_text(out, "Attestation");
    cbor_put_map(out, 3);
    put_optional(out, "user_data", SPAN(ask->report_data));
    put_optional(out, "nonce", ask->nonce);
    put_optional(out, "public_key", ask->public_key);
    return sink_ok(out);
}

/* {"Attestation": {"document": bytes}} or {"Error": "InvalidArgument"}, and nothing beside it. */
bool source_nsm_read(struct span answer, struct source_evidence *out,
                     struct source_problem *problem)
{
    struct cbor_map map;
    struct cursor in = cur_over(answer);
    struct span name, text, made;
    bool more = false;
    if (!cbor_map_open(&in, false, &map) || map.left != 1 || !cbor_map_next(&in, &map, &more) ||
        !more || !cbor_text(&in, &name))
        return source_fail(problem, REASON_SOURCE_MALFORMED, "nsm: no answer of its form");
    if (span_equal_text(name, "Error") && cbor_text(&in, &text))
        return source_fail(problem, REASON_SOURCE_FAILED, "nsm: %.*s",
                           text.len < 64 ? (int)text.len : 64, (const char *)text.at);
    if (!span_equal_text(name, "Attestation") || !cbor_map_open(&in, false, &map) ||
        map.left != 1 || !cbor_map_next(&in, &map, &more) || !cbor_text(&in, &name) ||
        !span_equal_text(name, "document") || !cbor_bytes(&in, &made) || !cur_end(&in) ||
        made.len > SOURCE_EVIDENCE_MAX)
        return source_fail(problem, REASON_SOURCE_MALFORMED, "nsm: no answer of its form");
    out->evidence = made;
    return true;
}

bool source_nsm_quote(struct source *source, const struct source_ask *ask, struct arena *arena,
                      struct source_evidence *out, struct source_problem *problem)
{
    uint8_t bytes[NSM_REQUEST_MAX];
    struct sink request = sink_over(bytes, sizeof bytes);
    uint8_t *room = arena_room(arena, NSM_ANSWER_MAX);
    struct sink answer = sink_over(room, room != NULL ? NSM_ANSWER_MAX : 0);
    if (room == NULL)
        return source_fail(problem, REASON_OUT_OF_MEMORY, "nsm");
    if (ask->nonce.len > SOURCE_NONCE_MAX || ask->public_key.len > SOURCE_KEY_MAX ||
        !write_request(ask, &request))
        return source_fail(problem, REASON_SOURCE_TOO_LARGE, "nsm: the nonce or the key");
    rc exchanged = nsm_exchange(NULL, source->fd, sink_bytes(&request), &answer);
    if (rc_class_of(exchanged) == RC_PEER)
        return source_fail(problem, REASON_SOURCE_TOO_LARGE, "nsm: the answer");
    if (!rc_ok(exchanged))
        return source_fail_errno(problem, rc_errno(exchanged), source->name.path);
    return source_nsm_read(sink_bytes(&answer), out, problem);
}
