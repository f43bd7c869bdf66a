/* job_result.h - the text of a job's result (docs/wire.md): a compact JWS whose header and payload
   are in the form of RFC 8785, so that one result has one text.

       base64url(header) "." base64url(payload) "." base64url(signature)

   Reading says what stands there and has no opinion of it: whether it was signed, and by whom, is
   for token/ to judge, and for guard/ whether it may be signed. */
#ifndef WARD_CODEC_JOB_RESULT_H
#define WARD_CODEC_JOB_RESULT_H

#include "base/result.h"
#include "base/sink.h"
#include "base/span.h"

enum {
    JOB_RESULT_OUTPUTS_MAX = 512,      /* files that the job left */
    JOB_RESULT_PATHS_MAX = 16 << 10,   /* bytes of all their paths together */
    JOB_RESULT_PATH_MAX = 1023,        /* and of one */
    JOB_RESULT_EVIDENCE_MAX = 8192,    /* bytes of evidence, and of the node's event log */
    JOB_RESULT_LOG_MAX = 4096,         /* of the sandbox's event log */
    JOB_RESULT_TEXT_MAX = 128 << 10,   /* of the payload: more than the above can make of it */
    JOB_RESULT_INPUT_MAX = 176 << 10,  /* of what is signed */
    JOB_RESULT_MAX = (176 << 10) + 88, /* and of the whole */
    JOB_RESULT_SIGNATURE = 64,
    JOB_RESULT_DIGEST = 32,
    JOB_RESULT_KEY_ID = 32,   /* hex digits of a key's id */
    JOB_RESULT_WORD_MAX = 64, /* of a job's id, and of a reason */
    JOB_RESULT_SIGNAL_MAX = 64,
    JOB_RESULT_CODE_MAX = 255,
};

/* What a number in JSON may be at most, so that every reader reads the same one (RFC 8785 3.2.2.3,
   RFC 7493 2.2). */
#define JOB_RESULT_NUMBER_MAX ((UINT64_C(1) << 53) - 1)

struct job_output {
    struct span path; /* below /output: no "." and no ".." in it, and not from the root */
    uint64_t size;
    uint8_t sha256[JOB_RESULT_DIGEST];
};

struct job_evidence {
    struct span type; /* "tdx" */
    struct span evidence, event_log;
};

struct job_result {
    struct span key_id; /* kid, of the header */
    struct span job;    /* its id */
    uint8_t spec[JOB_RESULT_DIGEST];
    uint32_t code, signal; /* what it exited with, or what ended it */
    struct span reason;    /* "OK": it ended by itself */
    uint64_t cpu_us, memory_peak;
    int64_t started, ended;            /* seconds since 1970 */
    struct job_evidence node, sandbox; /* no evidence of the sandbox: nobody measured it */
    size_t output_count;               /* in the order of their paths' bytes, none twice */
    const struct job_output *outputs;
};

/* What was read lies here, as long as anybody looks at it. */
struct job_result_room {
    uint8_t bytes[JOB_RESULT_TEXT_MAX + JOB_RESULT_PATHS_MAX + 3 * JOB_RESULT_EVIDENCE_MAX +
                  JOB_RESULT_LOG_MAX];
    struct job_output outputs[JOB_RESULT_OUTPUTS_MAX];
};

struct job_result_signed {
    struct job_result result;
    struct span input;   /* what is signed */
    struct span payload; /* its JSON, in the room */
    uint8_t signature[JOB_RESULT_SIGNATURE];
};

enum job_result_form {
    JOB_RESULT_MALFORMED = 0,
    JOB_RESULT_TYPE, /* a JWS with another algorithm than EdDSA, or another typ than ward-result */
    JOB_RESULT_READ,
};

/* job_result_is_good: every value has a form that a result may have; a job has no exit code and a
   signal, what did not end by itself left nothing, and it did not end before it began. */
bool job_result_is_good(const struct job_result *result);

/* job_result_path_is_good: UTF-8 without control characters, parts that are neither empty nor "."
   nor "..", not too long. */
bool job_result_path_is_good(struct span path);

/* job_result_read reads a whole one, job_result_input_read what is signed of it: without the second
   dot and the signature.  What was read views the room.  *out is untouched unless it is
   JOB_RESULT_READ. */
MUST_USE
enum job_result_form job_result_read(struct span text, struct job_result_room *room,
                                     struct job_result_signed *out);
MUST_USE
enum job_result_form job_result_input_read(struct span input, struct job_result_room *room,
                                           struct job_result *out);

/* job_result_write_payload writes the JSON of a result that is good; job_result_write_input what is
   signed, with `memory` for the JSON: it has JOB_RESULT_TEXT_MAX bytes.  job_result_end appends the
   signature: then it is the whole. */
void job_result_write_payload(struct sink *out, const struct job_result *result);
void job_result_write_input(struct sink *out, const struct job_result *result, uint8_t *memory);
void job_result_end(struct sink *input, const uint8_t signature[JOB_RESULT_SIGNATURE]);

/* job_result_bind makes the report data of the evidence for a key that signs results: a tag of 32
   bytes, and the key; of the node's evidence one tag, of the sandbox's another.  job_result_bound:
   these 64 bytes are such, and *key is the key.  Whoever gives evidence out binds nothing with a
   tag that is no such key (job_result_reserved). */
enum { JOB_RESULT_BINDING = 64, JOB_RESULT_KEY = 32 };
enum job_result_of { JOB_RESULT_OF_NODE, JOB_RESULT_OF_SANDBOX };

void job_result_bind(enum job_result_of of, const uint8_t key[JOB_RESULT_KEY],
                     uint8_t out[JOB_RESULT_BINDING]);
MUST_USE
bool job_result_bound(enum job_result_of of, struct span report_data, struct span *key);
MUST_USE
bool job_result_reserved(struct span report_data);

#endif
