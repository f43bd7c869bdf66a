/* api_rows.h - how the tables of api.h are written, for the files that hold them only. */
#ifndef WARD_MODEL_API_ROWS_H
#define WARD_MODEL_API_ROWS_H

#include "model/api.h"

enum {
    WORD = 256, /* names, ids, codes */
    IDEMPOTENCY = API_IDEMPOTENCY_MAX,
    SENTENCE = 4096,     /* texts for people */
    LINE = 64 * 1024,    /* a record of the log */
    HASH = 32,           /* SHA-256 */
    PAGE = 1000,         /* records of one answer */
    PROOF_HASHES = 128,  /* two for each level of the largest tree */
    EVIDENCE = 64 << 10, /* a quote, a document, an event log, a file of collateral */
    POLICY = 16 << 10,
    ENDORSEMENTS = 16,   /* files of collateral */
    VERDICT = 128 << 10, /* WARD_RESULT_JSON */
    SCOPES = 8,          /* of a miner's token */
    TOKEN_SECONDS = 300, /* that it lives */
    OUTPUTS = 512,       /* of a job whose result is signed */
    OUTPUT_PATH = 1023,  /* bytes of the path of one */
    LAUNCH = 512,        /* of what tee has measured of a sandbox */
    RESULT = 180 << 10,  /* of a whole result */
    JOB_SPEC = 12 << 10, /* bytes of a specification that is submitted */
    JOB_PATH = 1023,     /* of a folder, or an argument of a job that is submitted */
    JOB_ARGUMENTS = API_JOB_ARGUMENTS,
    JOB_LOG = 64 << 10,     /* of a job's log in one answer */
    JOB_REPORT = 128 << 10, /* and of its report */
};

/* The one field of a row that every row has. */
#define AT(kind, member) .name = #member, .offset = offsetof(struct kind, member)
#define MESSAGE(kind, title, text)                                                                 \
    const struct schema_message kind = {                                                           \
        .name = (title),                                                                           \
        .doc = (text),                                                                             \
        .fields = kind##_fields,                                                                   \
        .count = sizeof kind##_fields / sizeof kind##_fields[0],                                   \
        .size = sizeof(struct kind),                                                               \
    }

#endif
