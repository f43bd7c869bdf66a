/* source.c - the public face of the sources of evidence. */
#include "ward/source.h"

#include <string.h>

#include "lib/objects.h"
#include "source/source.h"

_Static_assert((int)WARD_REPORT_DATA == (int)SOURCE_REPORT_DATA, "what evidence bears");

struct ward_source {
    struct arena memory; /* of itself */
    struct arena answer; /* of the last evidence */
    struct source source;
};

/* What an agent's answer may take while it is read. */
enum { ANSWER_MEMORY = 4 * SOURCE_ANSWER_MAX };

static enum ward_outcome find(const char *name, const char *simulator, struct source_name *out,
                              struct ward_error *error)
{
    if (name != NULL)
        return source_name_read(name, out)
                   ? WARD_DONE
                   : ERROR(error, WARD_BAD_INPUT,
                           "a source is nsm, tsm, dstack, tappd or house, and may go on with "
                           "\":\" and a path; a house needs one");
    return source_find(simulator, out)
               ? WARD_DONE
               : ERROR(error, WARD_UNREACHABLE,
                       "nothing here vouches for this machine: no agent of dstack, no /dev/nsm, no "
                       "report interface");
}

enum ward_outcome ward_source_open(const char *name, const char *simulator, int timeout_ms,
                                   struct ward_source **out, struct ward_error *error)
{
    struct arena memory;
    struct source_name found;
    struct source_problem problem = { 0 };
    enum ward_outcome outcome = find(name, simulator, &found, error);
    if (outcome != WARD_DONE)
        return outcome;
    struct ward_source *made = object_new(sizeof *made, sizeof *made + 32 * 1024, &memory);
    if (made == NULL)
        return ERROR(error, WARD_NO_MEMORY, "out of memory");
    made->memory = memory;
    if (!source_open(&found, timeout_ms > 0 ? timeout_ms : SOURCE_TIMEOUT_MS, &made->source,
                     &problem)) {
        arena_fini(&memory);
        return error_detail(error, WARD_UNREACHABLE, problem.reason, problem.detail);
    }
    *out = made;
    return WARD_DONE;
}

void ward_source_free(struct ward_source **source)
{
    if (source == NULL || *source == NULL)
        return;
    struct ward_source *gone = *source;
    struct arena memory = gone->memory;
    *source = NULL;
    source_close(&gone->source);
    arena_fini(&gone->answer);
    arena_fini(&memory);
}

static enum ward_type type_of(enum evidence_kind kind)
{
    if (kind == EVIDENCE_NITRO)
        return WARD_TYPE_NITRO;
    return evidence_kind_is_sgx(kind) ? WARD_TYPE_SGX : WARD_TYPE_TDX;
}

enum ward_outcome ward_source_quote(struct ward_source *source,
                                    const uint8_t report_data[WARD_REPORT_DATA],
                                    struct ward_evidence *out, struct ward_error *error)
{
    struct source_ask ask = { 0 };
    struct source_evidence evidence;
    struct source_problem problem = { 0 };
    memcpy(ask.report_data, report_data, sizeof ask.report_data);
    arena_fini(&source->answer);
    arena_init(&source->answer, ANSWER_MEMORY);
    if (!source_quote(&source->source, &ask, &source->answer, &evidence, &problem))
        return error_detail(error, WARD_REFUSED, problem.reason, problem.detail);
    *out = (struct ward_evidence){
        .type = type_of(evidence.kind),
        .evidence = { .data = evidence.evidence.at, .len = evidence.evidence.len },
        .event_log = { .data = evidence.event_log.at, .len = evidence.event_log.len },
    };
    return WARD_DONE;
}

bool ward_source_evidence(void *source, const uint8_t report_data[WARD_REPORT_DATA],
                          struct ward_evidence *out)
{
    return ward_source_quote(source, report_data, out, NULL) == WARD_DONE;
}
