/* api.h - the messages of Ward's own services, ward.v1: what is asked and what is answered, as
   plain structs and as tables (schema.h).  Data only; which path leads to which message is the
   router's table.

   A field may be added with a new number.  None is ever renumbered, renamed or given another type.
 */
#ifndef WARD_MODEL_API_H
#define WARD_MODEL_API_H

#include "model/schema.h"

enum { API_IDEMPOTENCY_MAX = 64 }; /* bytes of an Idempotency-Key */
enum {
    API_JOB_ARGUMENTS = 60
}; /* of a job: with its specification as many words as `ward run` has */

struct api_empty {
    char nothing;
};

/* ward.v1.System */
struct api_ping_request {
    struct span text;
};

struct api_ping_response {
    struct span text;
    int64_t time;
};

struct api_version_response {
    struct span version;
    struct span commit;
    struct span built_with;
    struct schema_list apis; /* span */
};

enum api_finding { API_FINDING_UNSPECIFIED, API_FINDING_OK, API_FINDING_WARN, API_FINDING_FAIL };

struct api_doctor_check {
    struct span id;
    struct span title;
    uint32_t finding; /* enum api_finding */
    struct span detail;
    struct span fix;
};

struct api_doctor_response {
    uint32_t finding; /* the worst one */
    int64_t time;
    struct schema_list checks; /* api_doctor_check */
};

struct api_config_request {
    struct span key; /* empty: all */
};

struct api_config_entry {
    struct span key;
    struct span value; /* redacted where it is a secret */
    struct span source;
    bool is_default;
    struct span doc;
};

struct api_config_response {
    struct schema_list entries; /* api_config_entry */
};

/* ward.v1.Audit */
struct api_audit_record {
    uint64_t seq;
    struct span timestamp; /* as it stands in the log, to the microsecond */
    struct span event_type;
    struct span actor_id;
    struct span actor_type;
    struct span resource;
    struct span action;
    struct span outcome;
    struct span ip_address;
    struct span details;   /* JSON */
    struct span line;      /* the exact bytes that the leaf hash covers */
    struct span leaf_hash; /* 32 bytes */
};

struct api_audit_query_request {
    struct span cursor; /* of an earlier answer; empty: from the beginning */
    uint32_t limit;     /* 0: 100 */
    int64_t from;
    int64_t until;
    struct span event_type;
    struct span actor_id;
    struct span action;
    struct span outcome;
    struct span resource;
};

struct api_audit_query_response {
    struct schema_list records; /* api_audit_record */
    struct span next_cursor;    /* empty: nothing follows */
};

struct api_audit_get_request {
    uint64_t seq;
};

struct api_audit_head_response {
    uint64_t size;
    struct span root_hash;
    int64_t time;
    struct span checkpoint; /* the signed note */
};

struct api_audit_prove_request {
    uint64_t seq;      /* the record whose inclusion is asked for */
    uint64_t size;     /* of the tree; 0: the current head */
    uint64_t old_size; /* not 0: a consistency proof from that size instead */
};

struct api_audit_prove_response {
    uint64_t size;
    uint64_t seq;
    uint64_t old_size;
    struct span leaf_hash;
    struct schema_list hashes; /* span of 32 bytes */
    struct span checkpoint;
};

struct api_audit_verify_request {
    uint64_t from;  /* first record */
    uint64_t count; /* 0: to the end */
};

struct api_audit_verify_response {
    bool sound;
    uint64_t checked;
    uint64_t first_bad; /* number of the first bad record, when not sound */
    struct span reason; /* code, empty when sound */
    struct span detail;
};

/* ward.v1.Keyring */
struct api_keyring_key {
    struct span id;   /* hex */
    struct span role; /* the words of key.h */
    struct span kind;
    struct span state;
    int64_t created;
    int64_t retired;         /* 0: it signs */
    struct span public_part; /* empty: it has none */
    struct span source;      /* "keyring", or "file": that of tls.key */
};

struct api_keyring_list_request {
    struct span cursor; /* the id of the last key of the page before */
    uint32_t limit;     /* 0: as many as there may be */
    struct span role;
    struct span state;
};

struct api_keyring_list_response {
    uint64_t generation;
    struct schema_list keys; /* api_keyring_key */
    struct span next_cursor; /* empty: that was all */
};

struct api_keyring_rotate_request {
    struct span role;
    struct span idempotency_key; /* empty: none */
    uint64_t if_match;           /* the generation that the caller knows; 0: any */
};

struct api_keyring_rotate_response {
    struct span id;       /* of the new key, hex */
    struct span replaces; /* of the one that it takes over from */
    uint64_t generation;
};

/* ward.v1.Admission */
struct api_ban {
    struct span address; /* or the /64 of one of IPv6 */
    struct span state;   /* banned, suspected */
    struct span offence; /* the words of ban.h; empty: suspected of a crash */
    uint32_t count;      /* offences */
    int64_t until;       /* 0: until it is lifted */
};

struct api_admission_list_request {
    uint32_t from;  /* the `next` of an earlier answer; 0: from the beginning */
    uint32_t limit; /* 0: 100 */
};

struct api_admission_list_response {
    struct schema_list bans; /* api_ban */
    uint32_t next;           /* 0: nothing follows */
};

struct api_admission_impose_request {
    struct span address;
    uint32_t seconds; /* 0: until it is lifted */
};

struct api_admission_lift_request {
    struct span address;
};

struct api_admission_lift_response {
    struct span address;
};

/* ward.v1.Token */
struct api_token_issue_request {
    struct span type; /* "miner" */
    struct span subject, challenge, job;
    uint32_t uid;
    uint32_t seconds;         /* 0: as long as a token may live */
    struct schema_list scope; /* span; none: every route */
};

struct api_token_issue_response {
    struct span token;
    struct span id; /* its jti */
    int64_t expires;
    struct span key_id;
};

struct api_token_redeem_request {
    struct span token;
    struct span challenge, route;
    struct span method; /* of the request: GET or POST */
    struct span query;
    struct span body_hash; /* 32 bytes */
};

struct api_token_redeem_response {
    struct span hotkey, job;
    uint32_t uid;
    struct span id;
    uint64_t timestamp;
    struct span signature; /* base64 */
    struct span key_id;
};

/* RFC 8037 2: a JWK of an Ed25519 key. */
struct api_token_key {
    struct span kid, kty, crv, alg, use, x;
    int64_t retired; /* 0: it signs */
};

struct api_token_keys_response {
    struct span issuer;
    struct schema_list keys; /* api_token_key */
};

/* ward.v1.Results */
struct api_result_output {
    struct span path;
    uint64_t size;
    struct span sha256; /* 32 bytes */
};

struct api_results_sign_request {
    struct span job_id;
    struct span spec_sha256; /* 32 bytes */
    uint32_t code, signal;
    struct span reason;
    uint64_t cpu_us, memory_peak;
    int64_t started, ended;
    struct schema_list outputs; /* api_result_output */
    struct span launch;         /* a ticket of tee's, or empty */
};

struct api_results_sign_response {
    struct span result;
    struct span key_id;
};

/* ward.v1.Session */
struct api_session {
    struct span id; /* hex; SESSION_ID bytes */
    struct span name;
    struct span profile;    /* v2, sdk-v1 */
    struct span public_key; /* Ed25519, that its requests are signed with */
    bool vouched, unbound;
    int64_t created, expires;
};

struct api_session_list_request {
    struct span after; /* the `next` of an earlier answer; empty: from the beginning */
    uint32_t limit;    /* 0: 100 */
};

struct api_session_list_response {
    struct schema_list sessions; /* api_session */
    struct span next;            /* empty: nothing follows */
};

struct api_session_grant_request {
    struct span name;
    struct span public_key;
    struct span profile; /* empty: v2 */
};

struct api_session_grant_response {
    struct span token;
    struct span id;
    int64_t expires;
};

struct api_session_revoke_request {
    struct span id;
};

struct api_session_end_response {
    struct span id;
};

/* ward.v1.Jobs */
struct api_job {
    struct span job_id; /* hex */
    struct span name, tenant;
    struct span state;
    struct span reason; /* code; empty: it has not ended */
    uint32_t code, signal;
    int64_t submitted, started, ended; /* 0: not yet */
    uint64_t cpu_us, memory_peak;
    uint32_t vcpu; /* what it reserves, */
    uint64_t memory, disk;
    struct span spec_sha256;
    uint32_t ahead; /* how many are before it in the queue */
};

struct api_jobs_submit_request {
    struct span spec; /* TOML */
    struct span images, folder;
    struct schema_list arguments; /* span */
};

struct api_jobs_list_request {
    struct span after; /* the `next` of an earlier answer */
    struct span state; /* empty: any */
    uint32_t limit;    /* 0: 100 */
};

struct api_jobs_list_response {
    struct schema_list jobs; /* api_job */
    struct span next;        /* empty: nothing follows */
};

/* Of Get, Cancel and Why. */
struct api_jobs_request {
    struct span job_id;
};

struct api_jobs_logs_request {
    struct span job_id;
    uint64_t offset;
    uint32_t limit; /* 0: as much as an answer has room for */
};

struct api_jobs_logs_response {
    struct span data;
    uint64_t next; /* the offset behind it */
    bool ended;    /* and nothing more will ever follow */
};

struct api_jobs_why_response {
    struct span job_id, state, reason;
    struct span words;  /* why it waits, or how it ended, */
    struct span help;   /* and what to do */
    struct span report; /* the object of `ward run --json`; empty: there is none */
};

struct api_node {
    bool runs; /* jobs are begun */
    uint32_t vcpu, vcpu_reserved;
    uint64_t memory, memory_reserved;
    uint64_t disk, disk_reserved;
    uint32_t queued, running;
};

struct api_jobs_top_response {
    struct schema_list nodes; /* api_node: one */
    struct schema_list jobs;  /* api_job: those that have begun, with what they use now */
};

/* ward.v1.Attest */
struct api_attest_verify_request {
    struct span evidence;          /* raw, hex or base64 */
    struct span type;              /* empty: auto */
    int64_t time;                  /* 0: now */
    struct span policy;            /* TOML; empty: the default policy */
    struct schema_list collateral; /* span */
    struct span event_log;
    struct span report_data; /* 64 bytes or none */
    struct span nonce;
};

struct api_attest_evidence_request {
    struct span report_data;
};

struct api_attest_evidence_response {
    struct span evidence;
    struct span kind;
    bool hardware;
    struct span event_log;
};

struct api_attest_verify_response {
    bool allowed;
    struct span reason; /* code */
    bool hardware;
    int64_t valid_until; /* 0: it was refused */
    struct span result;  /* the object of `ward verify --json` */
};

/* ward.v1.Collateral */
struct api_collateral_piece {
    struct span kind;    /* pcs_label */
    struct span detail;  /* whose: pcs_detail */
    struct span state;   /* OK, EXPIRED, NOT_YET_VALID, MISSING */
    int64_t valid_from;  /* 0: it is missing, as the three below */
    int64_t valid_until; /* the end of its window */
    uint32_t evaluation_number;
    int64_t fetched;
    int64_t next_try;
    uint32_t failures;  /* in a row */
    struct span reason; /* code of the last one; empty: there was none since it was fetched */
};

struct api_collateral_show_response {
    struct span provider;      /* empty: none is set */
    struct schema_list pieces; /* api_collateral_piece */
    uint32_t waiting;          /* pieces that are being asked for, or are next */
};

struct api_collateral_refresh_response {
    uint32_t pieces;
};

/* ward.v1.Peers */
struct api_peer {
    struct span name;
    struct span url;
    struct span state;
    int64_t since;
    struct span reason; /* of the last failure, unless it is open; empty: none */
    struct span detail;
    uint32_t failures;         /* in a row */
    uint32_t opened;           /* times */
    int64_t next;              /* when it is called again; 0: it is not waiting */
    struct span public;        /* where requests of miners are passed on to; empty: none are */
    struct span public_reason; /* why the last of those had no answer; empty: it had, or was none */
    struct span public_detail;
    struct span profile; /* what is spoken with it; empty: it is not called */
};

struct api_peers_list_response {
    struct schema_list peers; /* api_peer */
};

/* Each is one row of a table; the struct is the one of the same name. */
extern const struct schema_message api_empty;
extern const struct schema_message api_ping_request, api_ping_response;
extern const struct schema_message api_version_response;
extern const struct schema_message api_doctor_check, api_doctor_response;
extern const struct schema_message api_config_request, api_config_entry, api_config_response;
extern const struct schema_message api_audit_record;
extern const struct schema_message api_audit_query_request, api_audit_query_response;
extern const struct schema_message api_audit_get_request;
extern const struct schema_message api_audit_head_response;
extern const struct schema_message api_audit_prove_request, api_audit_prove_response;
extern const struct schema_message api_audit_verify_request, api_audit_verify_response;
extern const struct schema_message api_keyring_key, api_keyring_list_request;
extern const struct schema_message api_keyring_list_response;
extern const struct schema_message api_keyring_rotate_request, api_keyring_rotate_response;
extern const struct schema_message api_ban;
extern const struct schema_message api_admission_list_request, api_admission_list_response;
extern const struct schema_message api_admission_impose_request;
extern const struct schema_message api_admission_lift_request, api_admission_lift_response;
extern const struct schema_message api_token_issue_request, api_token_issue_response;
extern const struct schema_message api_token_redeem_request, api_token_redeem_response;
extern const struct schema_message api_token_key, api_token_keys_response;
extern const struct schema_message api_result_output, api_results_sign_request;
extern const struct schema_message api_results_sign_response;
extern const struct schema_message api_session;
extern const struct schema_message api_session_list_request, api_session_list_response;
extern const struct schema_message api_session_grant_request, api_session_grant_response;
extern const struct schema_message api_session_revoke_request, api_session_end_response;
extern const struct schema_message api_attest_verify_request, api_attest_verify_response,
    api_attest_evidence_request, api_attest_evidence_response;
extern const struct schema_message api_collateral_piece, api_collateral_show_response,
    api_collateral_refresh_response;
extern const struct schema_message api_peer, api_peers_list_response;
extern const struct schema_message api_job, api_jobs_submit_request, api_jobs_request;
extern const struct schema_message api_jobs_list_request, api_jobs_list_response;
extern const struct schema_message api_jobs_logs_request, api_jobs_logs_response;
extern const struct schema_message api_node, api_jobs_top_response, api_jobs_why_response;

#endif
