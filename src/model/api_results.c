/* api_results.c - see api.h: ward.v1.Results. */
#include "model/api_rows.h"

/* RFC 8785 3.2.2.3: every reader of a result reads the same number. */
#define LARGEST ((UINT64_C(1) << 53) - 1)

static const struct schema_field api_result_output_fields[] = {
    { AT(api_result_output, path), .number = 1, .type = SCHEMA_STRING, .limit = OUTPUT_PATH,
      .required = true, .doc = "Where it lies below /output." },
    { AT(api_result_output, size), .number = 2, .type = SCHEMA_UINT64, .limit = LARGEST,
      .doc = "How many bytes it has." },
    { AT(api_result_output, sha256), .number = 3, .type = SCHEMA_BYTES, .limit = HASH,
      .required = true, .doc = "The hash of them." },
};
MESSAGE(api_result_output, "ResultOutput", "A file that a job left.");

static const struct schema_field api_results_sign_request_fields[] = {
    { AT(api_results_sign_request, job_id), .number = 1, .type = SCHEMA_STRING, .limit = WORD,
      .required = true, .doc = "Which job it was." },
    { AT(api_results_sign_request, spec_sha256), .number = 2, .type = SCHEMA_BYTES, .limit = HASH,
      .required = true, .doc = "SHA-256 of the file of its specification." },
    { AT(api_results_sign_request, code), .number = 3, .type = SCHEMA_UINT32, .limit = 255,
      .doc = "What it exited with." },
    { AT(api_results_sign_request, signal), .number = 4, .type = SCHEMA_UINT32, .limit = 64,
      .doc = "What ended it; 0: it exited." },
    { AT(api_results_sign_request, reason), .number = 5, .type = SCHEMA_STRING, .limit = WORD,
      .required = true, .doc = "OK: it ended by itself; else the reason for its end." },
    { AT(api_results_sign_request, cpu_us), .number = 6, .type = SCHEMA_UINT64, .limit = LARGEST,
      .doc = "Processor time that it used, in microseconds." },
    { AT(api_results_sign_request, memory_peak), .number = 7, .type = SCHEMA_UINT64,
      .limit = LARGEST, .doc = "The most memory that it had at once, in bytes." },
    { AT(api_results_sign_request, started), .number = 8, .type = SCHEMA_TIME, .required = true,
      .doc = "When it began." },
    { AT(api_results_sign_request, ended), .number = 9, .type = SCHEMA_TIME, .required = true,
      .doc = "When it ended: an hour ago at most." },
    { AT(api_results_sign_request, outputs), .number = 10, .type = SCHEMA_MESSAGE, .most = OUTPUTS,
      .message = &api_result_output,
      .doc = "What it left, in the order of the bytes of their paths." },
    { AT(api_results_sign_request, launch), .number = 11, .type = SCHEMA_BYTES, .limit = LAUNCH,
      .doc =
          "What the house gave its runner when it measured the job's sandbox: then the result has "
          "evidence of it. Nobody else has one." },
};
MESSAGE(api_results_sign_request, "ResultsSignRequest", "What there is to be said of a job.");

static const struct schema_field api_results_sign_response_fields[] = {
    { AT(api_results_sign_response, result), .number = 1, .type = SCHEMA_STRING, .limit = RESULT,
      .doc = "The signed result: a compact JWS of type ward-result." },
    { AT(api_results_sign_response, key_id), .number = 2, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "The id of the key that signed it, in hex." },
};
MESSAGE(api_results_sign_response, "ResultsSignResponse", "A result that this house has signed.");
