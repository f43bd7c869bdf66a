/* api_jobs.c - see api.h: ward.v1.Jobs. */
#include "model/api_rows.h"

static const struct schema_field api_job_fields[] = {
    { AT(api_job, job_id), .number = 1, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "What the house calls it: 32 hex digits." },
    { AT(api_job, name), .number = 2, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "The name in its specification." },
    { AT(api_job, tenant), .number = 3, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "Whose share of the node it has; empty where the node is not shared." },
    { AT(api_job, state), .number = 4, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "queued, starting, running or ending; and at last done, failed or cancelled." },
    { AT(api_job, reason), .number = 5, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "OK: it ended by itself; else the reason for its end; empty until then." },
    { AT(api_job, code), .number = 6, .type = SCHEMA_UINT32, .limit = 255,
      .doc = "What it exited with." },
    { AT(api_job, signal), .number = 7, .type = SCHEMA_UINT32, .limit = 64,
      .doc = "What ended it; 0: it exited." },
    { AT(api_job, submitted), .number = 8, .type = SCHEMA_TIME, .doc = "When it came." },
    { AT(api_job, started), .number = 9, .type = SCHEMA_TIME,
      .doc = "When it was begun; not set for one that was not." },
    { AT(api_job, ended), .number = 10, .type = SCHEMA_TIME,
      .doc = "When it ended; not set for one that has not." },
    { AT(api_job, cpu_us), .number = 11, .type = SCHEMA_UINT64,
      .doc = "Processor time that it used, in microseconds." },
    { AT(api_job, memory_peak), .number = 12, .type = SCHEMA_UINT64,
      .doc = "The most memory that it had at once, in bytes." },
    { AT(api_job, vcpu), .number = 13, .type = SCHEMA_UINT32, .limit = UINT32_MAX,
      .doc = "Processors that are reserved for it." },
    { AT(api_job, memory), .number = 14, .type = SCHEMA_UINT64,
      .doc = "Memory that is reserved for it, in bytes." },
    { AT(api_job, disk), .number = 15, .type = SCHEMA_UINT64,
      .doc = "Disk that is reserved for it, in bytes." },
    { AT(api_job, spec_sha256), .number = 16, .type = SCHEMA_BYTES, .limit = HASH,
      .doc = "SHA-256 of its specification." },
    { AT(api_job, ahead), .number = 17, .type = SCHEMA_UINT32, .limit = UINT32_MAX,
      .doc = "How many were submitted before it and wait, too." },
};
MESSAGE(api_job, "Job", "A job of the queue.");

static const struct schema_field api_jobs_submit_request_fields[] = {
    { AT(api_jobs_submit_request, spec), .number = 1, .type = SCHEMA_STRING, .limit = JOB_SPEC,
      .required = true, .doc = "The specification, TOML." },
    { AT(api_jobs_submit_request, images), .number = 2, .type = SCHEMA_STRING, .limit = JOB_PATH,
      .required = true, .doc = "The folder of images on this machine, an absolute path." },
    { AT(api_jobs_submit_request, folder), .number = 3, .type = SCHEMA_STRING, .limit = JOB_PATH,
      .doc =
          "The folder on this machine that the job finds in /job, an absolute path; empty: none." },
    { AT(api_jobs_submit_request, arguments), .number = 4, .type = SCHEMA_STRING, .limit = JOB_PATH,
      .most = JOB_ARGUMENTS, .doc = "What is added to the command of the specification." },
};
MESSAGE(api_jobs_submit_request, "JobsSubmitRequest", "A job that is to be run.");

static const struct schema_field api_jobs_request_fields[] = {
    { AT(api_jobs_request, job_id), .number = 1, .type = SCHEMA_STRING, .limit = WORD,
      .required = true, .doc = "Which job: 32 hex digits." },
};
MESSAGE(api_jobs_request, "JobsRequest", "Which job is meant.");

static const struct schema_field api_jobs_list_request_fields[] = {
    { AT(api_jobs_list_request, after), .number = 1, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "The `next` of an earlier answer; empty: from the beginning." },
    { AT(api_jobs_list_request, state), .number = 2, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "Only those in this state; empty: all." },
    { AT(api_jobs_list_request, limit), .number = 3, .type = SCHEMA_UINT32, .limit = 200,
      .doc = "How many at most; 0: 100." },
};
MESSAGE(api_jobs_list_request, "JobsListRequest", "Which jobs are wanted.");

static const struct schema_field api_jobs_list_response_fields[] = {
    { AT(api_jobs_list_response, jobs), .number = 1, .type = SCHEMA_MESSAGE, .most = 200,
      .message = &api_job, .doc = "Jobs, in the order in which they came." },
    { AT(api_jobs_list_response, next), .number = 2, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "Where the next page begins; empty: nothing follows." },
};
MESSAGE(api_jobs_list_response, "JobsListResponse", "A page of jobs.");

static const struct schema_field api_jobs_logs_request_fields[] = {
    { AT(api_jobs_logs_request, job_id), .number = 1, .type = SCHEMA_STRING, .limit = WORD,
      .required = true, .doc = "Which job: 32 hex digits." },
    { AT(api_jobs_logs_request, offset), .number = 2, .type = SCHEMA_UINT64, .limit = INT64_MAX,
      .doc = "How many bytes of its log are known already." },
    { AT(api_jobs_logs_request, limit), .number = 3, .type = SCHEMA_UINT32, .limit = JOB_LOG,
      .doc = "How many bytes at most; 0: as many as an answer has." },
};
MESSAGE(api_jobs_logs_request, "JobsLogsRequest", "Which part of which log is wanted.");

static const struct schema_field api_jobs_logs_response_fields[] = {
    { AT(api_jobs_logs_response, data), .number = 1, .type = SCHEMA_BYTES, .limit = JOB_LOG,
      .doc = "What the job said, as it came." },
    { AT(api_jobs_logs_response, next), .number = 2, .type = SCHEMA_UINT64,
      .doc = "The offset behind it." },
    { AT(api_jobs_logs_response, ended), .number = 3, .type = SCHEMA_BOOL,
      .doc = "Nothing follows, now or later." },
};
MESSAGE(api_jobs_logs_response, "JobsLogsResponse", "A part of a job's log.");

static const struct schema_field api_jobs_why_response_fields[] = {
    { AT(api_jobs_why_response, job_id), .number = 1, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "Which job it is." },
    { AT(api_jobs_why_response, state), .number = 2, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "Its state, as Get has it." },
    { AT(api_jobs_why_response, reason), .number = 3, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "Its reason, as Get has it." },
    { AT(api_jobs_why_response, words), .number = 4, .type = SCHEMA_STRING, .limit = SENTENCE,
      .doc = "Why it waits, runs, or ended." },
    { AT(api_jobs_why_response, help), .number = 5, .type = SCHEMA_STRING, .limit = SENTENCE,
      .doc = "What to do about it; empty: nothing." },
    { AT(api_jobs_why_response, report), .number = 6, .type = SCHEMA_STRING, .limit = JOB_REPORT,
      .doc = "The object of `ward run --json`: limits as they were, and each refusal with its rule "
             "and the change that would allow it; empty where there is none, or it is longer." },
};
MESSAGE(api_jobs_why_response, "JobsWhyResponse", "Why a job is as it is.");

static const struct schema_field api_node_fields[] = {
    { AT(api_node, runs), .number = 1, .type = SCHEMA_BOOL,
      .doc = "It begins jobs: the house is root's, and its runner is there." },
    { AT(api_node, vcpu), .number = 2, .type = SCHEMA_UINT32, .limit = UINT32_MAX,
      .doc = "Processors that there are for jobs." },
    { AT(api_node, vcpu_reserved), .number = 3, .type = SCHEMA_UINT32, .limit = UINT32_MAX,
      .doc = "Of these, reserved." },
    { AT(api_node, memory), .number = 4, .type = SCHEMA_UINT64,
      .doc = "Bytes of memory that there are for jobs." },
    { AT(api_node, memory_reserved), .number = 5, .type = SCHEMA_UINT64,
      .doc = "Of these, reserved." },
    { AT(api_node, disk), .number = 6, .type = SCHEMA_UINT64,
      .doc = "Bytes of disk that there are for jobs." },
    { AT(api_node, disk_reserved), .number = 7, .type = SCHEMA_UINT64,
      .doc = "Of these, reserved." },
    { AT(api_node, queued), .number = 8, .type = SCHEMA_UINT32, .limit = UINT32_MAX,
      .doc = "Jobs that wait." },
    { AT(api_node, running), .number = 9, .type = SCHEMA_UINT32, .limit = UINT32_MAX,
      .doc = "Jobs that have begun and not ended." },
};
MESSAGE(api_node, "Node", "What there is for jobs, and what of it is reserved.");

static const struct schema_field api_jobs_top_response_fields[] = {
    { AT(api_jobs_top_response, nodes), .number = 1, .type = SCHEMA_MESSAGE, .most = 1,
      .message = &api_node, .doc = "This node." },
    { AT(api_jobs_top_response, jobs), .number = 2, .type = SCHEMA_MESSAGE, .most = 256,
      .message = &api_job, .doc = "The jobs that have begun, with what they use by now." },
};
MESSAGE(api_jobs_top_response, "JobsTopResponse", "What runs on this node now.");
