/* api.c - see api.h. */
#include "model/api_rows.h"

#include "model/api.h"

enum {
    PEERS = 16, /* of ward.toml */
    TEXT = 512, /* a text setting, a line for people */
};

const struct schema_message api_empty = {
    .name = "Empty",
    .doc = "Nothing is asked besides the call itself.",
    .size = sizeof(struct api_empty),
};

static const struct schema_field api_ping_request_fields[] = {
    { AT(api_ping_request, text), .number = 1, .type = SCHEMA_STRING, .limit = 1024,
      .doc = "Comes back as it is." },
};
MESSAGE(api_ping_request, "PingRequest", "A text to be sent back.");

static const struct schema_field api_ping_response_fields[] = {
    { AT(api_ping_response, text), .number = 1, .type = SCHEMA_STRING, .limit = 1024,
      .doc = "The text of the request." },
    { AT(api_ping_response, time), .number = 2, .type = SCHEMA_TIME, .doc = "The server's clock." },
};
MESSAGE(api_ping_response, "PingResponse", "The text of the request, and the time.");

static const struct schema_field api_version_response_fields[] = {
    { AT(api_version_response, version), .number = 1, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "The release, as in 1.2.3." },
    { AT(api_version_response, commit), .number = 2, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "The commit that it was built from." },
    { AT(api_version_response, built_with), .number = 3, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "The compiler." },
    { AT(api_version_response, apis), .number = 4, .type = SCHEMA_STRING, .limit = WORD, .most = 16,
      .doc = "The versions of the API that are served." },
};
MESSAGE(api_version_response, "VersionResponse", "What is running.");

static const char *const findings[] = { "FINDING_UNSPECIFIED", "FINDING_OK", "FINDING_WARN",
                                        "FINDING_FAIL" };
static const struct schema_enum finding_enum = {
    "Finding",
    "How a check of this installation went.",
    findings,
    sizeof findings / sizeof findings[0],
};

static const struct schema_field api_doctor_check_fields[] = {
    { AT(api_doctor_check, id), .number = 1, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "The stable name of the check." },
    { AT(api_doctor_check, title), .number = 2, .type = SCHEMA_STRING, .limit = SENTENCE,
      .doc = "What is checked." },
    { AT(api_doctor_check, finding), .number = 3, .type = SCHEMA_ENUM, .values = &finding_enum,
      .doc = "How it went." },
    { AT(api_doctor_check, detail), .number = 4, .type = SCHEMA_STRING, .limit = SENTENCE,
      .doc = "What was found." },
    { AT(api_doctor_check, fix), .number = 5, .type = SCHEMA_STRING, .limit = SENTENCE,
      .doc = "What to do about it, empty when nothing." },
};
MESSAGE(api_doctor_check, "DoctorCheck", "One check of this installation.");

static const struct schema_field api_doctor_response_fields[] = {
    { AT(api_doctor_response, finding), .number = 1, .type = SCHEMA_ENUM, .values = &finding_enum,
      .doc = "The worst of all findings." },
    { AT(api_doctor_response, time), .number = 2, .type = SCHEMA_TIME,
      .doc = "When the checks were made." },
    { AT(api_doctor_response, checks), .number = 3, .type = SCHEMA_MESSAGE, .most = 200,
      .message = &api_doctor_check, .doc = "Every check, in a fixed order." },
};
MESSAGE(api_doctor_response, "DoctorResponse", "Whether this installation is as it should be.");

static const struct schema_field api_config_request_fields[] = {
    { AT(api_config_request, key), .number = 1, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "One key, or empty for all." },
};
MESSAGE(api_config_request, "ConfigRequest", "Which part of the configuration is asked for.");

static const struct schema_field api_config_entry_fields[] = {
    { AT(api_config_entry, key), .number = 1, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "The name of the setting." },
    { AT(api_config_entry, value), .number = 2, .type = SCHEMA_STRING, .limit = SENTENCE,
      .doc = "Its value; secrets are replaced by a mark." },
    { AT(api_config_entry, source), .number = 3, .type = SCHEMA_STRING, .limit = SENTENCE,
      .doc = "Where the value comes from: flag, environment, file and line, or default." },
    { AT(api_config_entry, is_default), .number = 4, .type = SCHEMA_BOOL,
      .doc = "The value is the built-in one." },
    { AT(api_config_entry, doc), .number = 5, .type = SCHEMA_STRING, .limit = SENTENCE,
      .doc = "What the setting does." },
};
MESSAGE(api_config_entry, "ConfigEntry", "One setting.");

static const struct schema_field api_config_response_fields[] = {
    { AT(api_config_response, entries), .number = 1, .type = SCHEMA_MESSAGE, .most = 500,
      .message = &api_config_entry, .doc = "The settings, in the order of the reference." },
};
MESSAGE(api_config_response, "ConfigResponse", "What is set, and where from.");

static const struct schema_field api_audit_record_fields[] = {
    { AT(api_audit_record, seq), .number = 1, .type = SCHEMA_UINT64,
      .doc = "The number of the record; the first one is 0." },
    { AT(api_audit_record, timestamp), .number = 2, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "When it happened, RFC 3339 in UTC." },
    { AT(api_audit_record, event_type), .number = 3, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "The kind of event." },
    { AT(api_audit_record, actor_id), .number = 4, .type = SCHEMA_STRING, .limit = SENTENCE,
      .doc = "Who did it." },
    { AT(api_audit_record, actor_type), .number = 5, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "What kind of actor that is." },
    { AT(api_audit_record, resource), .number = 6, .type = SCHEMA_STRING, .limit = SENTENCE,
      .doc = "What it was done to." },
    { AT(api_audit_record, action), .number = 7, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "What was done." },
    { AT(api_audit_record, outcome), .number = 8, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "How it ended." },
    { AT(api_audit_record, ip_address), .number = 9, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "From which address, empty when none." },
    { AT(api_audit_record, details), .number = 10, .type = SCHEMA_STRING, .limit = LINE,
      .doc = "What else is known, as a JSON object." },
    { AT(api_audit_record, line), .number = 11, .type = SCHEMA_BYTES, .limit = LINE,
      .doc = "The record exactly as it stands in the log: what the leaf hash covers." },
    { AT(api_audit_record, leaf_hash), .number = 12, .type = SCHEMA_BYTES, .limit = HASH,
      .doc = "SHA-256 of 0x00 and the line (RFC 9162 2.1.1)." },
};
MESSAGE(api_audit_record, "AuditRecord", "One record of the security log.");

static const struct schema_field api_audit_query_request_fields[] = {
    { AT(api_audit_query_request, cursor), .number = 1, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "The next_cursor of the answer before, or empty." },
    { AT(api_audit_query_request, limit), .number = 2, .type = SCHEMA_UINT32, .limit = PAGE,
      .doc = "The most records of one answer; 0 means 100." },
    { AT(api_audit_query_request, from), .number = 3, .type = SCHEMA_TIME,
      .doc = "Nothing before this time." },
    { AT(api_audit_query_request, until), .number = 4, .type = SCHEMA_TIME,
      .doc = "Nothing after this time." },
    { AT(api_audit_query_request, event_type), .number = 5, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "Only this kind of event." },
    { AT(api_audit_query_request, actor_id), .number = 6, .type = SCHEMA_STRING, .limit = SENTENCE,
      .doc = "Only this actor." },
    { AT(api_audit_query_request, action), .number = 7, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "Only this action." },
    { AT(api_audit_query_request, outcome), .number = 8, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "Only this outcome." },
    { AT(api_audit_query_request, resource), .number = 9, .type = SCHEMA_STRING, .limit = SENTENCE,
      .doc = "Only this resource." },
};
MESSAGE(api_audit_query_request, "AuditQueryRequest", "Which records are asked for.");

static const struct schema_field api_audit_query_response_fields[] = {
    { AT(api_audit_query_response, records), .number = 1, .type = SCHEMA_MESSAGE, .most = PAGE,
      .message = &api_audit_record, .doc = "In order of their numbers." },
    { AT(api_audit_query_response, next_cursor), .number = 2, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "Where to go on; empty at the end." },
};
MESSAGE(api_audit_query_response, "AuditQueryResponse", "Some records of the security log.");

static const struct schema_field api_audit_get_request_fields[] = {
    { AT(api_audit_get_request, seq), .number = 1, .type = SCHEMA_UINT64,
      .doc = "The number of the record." },
};
MESSAGE(api_audit_get_request, "AuditGetRequest", "Which record is asked for.");

static const struct schema_field api_audit_head_response_fields[] = {
    { AT(api_audit_head_response, size), .number = 1, .type = SCHEMA_UINT64,
      .doc = "How many records the head covers." },
    { AT(api_audit_head_response, root_hash), .number = 2, .type = SCHEMA_BYTES, .limit = HASH,
      .doc = "The root of their Merkle tree." },
    { AT(api_audit_head_response, time), .number = 3, .type = SCHEMA_TIME,
      .doc = "When it was signed." },
    { AT(api_audit_head_response, checkpoint), .number = 4, .type = SCHEMA_STRING, .limit = LINE,
      .doc = "The signed checkpoint (C2SP tlog-checkpoint)." },
};
MESSAGE(api_audit_head_response, "AuditHeadResponse", "The newest signed head of the log.");

static const struct schema_field api_audit_prove_request_fields[] = {
    { AT(api_audit_prove_request, seq), .number = 1, .type = SCHEMA_UINT64,
      .doc = "The record whose place in the log is to be proven." },
    { AT(api_audit_prove_request, size), .number = 2, .type = SCHEMA_UINT64,
      .doc = "The size of the tree; 0 means that of the newest head." },
    { AT(api_audit_prove_request, old_size), .number = 3, .type = SCHEMA_UINT64,
      .doc = "Not 0: prove that the tree of this size is the beginning of the other one." },
};
MESSAGE(api_audit_prove_request, "AuditProveRequest", "What is to be proven.");

static const struct schema_field api_audit_prove_response_fields[] = {
    { AT(api_audit_prove_response, size), .number = 1, .type = SCHEMA_UINT64,
      .doc = "The size of the tree." },
    { AT(api_audit_prove_response, seq), .number = 2, .type = SCHEMA_UINT64, .doc = "The record." },
    { AT(api_audit_prove_response, old_size), .number = 3, .type = SCHEMA_UINT64,
      .doc = "The size of the older tree, of a consistency proof." },
    { AT(api_audit_prove_response, leaf_hash), .number = 4, .type = SCHEMA_BYTES, .limit = HASH,
      .doc = "The record's leaf hash." },
    { AT(api_audit_prove_response, hashes), .number = 5, .type = SCHEMA_BYTES, .limit = HASH,
      .most = PROOF_HASHES, .doc = "The proof, in the order of RFC 9162." },
    { AT(api_audit_prove_response, checkpoint), .number = 6, .type = SCHEMA_STRING, .limit = LINE,
      .doc = "The signed checkpoint that the proof leads to, when it is the newest one." },
};
MESSAGE(api_audit_prove_response, "AuditProveResponse", "A proof of inclusion or consistency.");

static const struct schema_field api_audit_verify_request_fields[] = {
    { AT(api_audit_verify_request, from), .number = 1, .type = SCHEMA_UINT64,
      .doc = "The first record." },
    { AT(api_audit_verify_request, count), .number = 2, .type = SCHEMA_UINT64,
      .doc = "How many; 0 means all that follow." },
};
MESSAGE(api_audit_verify_request, "AuditVerifyRequest", "Which part of the log is to be verified.");

static const struct schema_field api_audit_verify_response_fields[] = {
    { AT(api_audit_verify_response, sound), .number = 1, .type = SCHEMA_BOOL,
      .doc = "Every record is as it was written." },
    { AT(api_audit_verify_response, checked), .number = 2, .type = SCHEMA_UINT64,
      .doc = "How many records were looked at." },
    { AT(api_audit_verify_response, first_bad), .number = 3, .type = SCHEMA_UINT64,
      .doc = "The first record that is not, when the log is not sound." },
    { AT(api_audit_verify_response, reason), .number = 4, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "The reason's code, empty when sound." },
    { AT(api_audit_verify_response, detail), .number = 5, .type = SCHEMA_STRING, .limit = SENTENCE,
      .doc = "What was found." },
};
MESSAGE(api_audit_verify_response, "AuditVerifyResponse", "Whether the log is as it was written.");

static const struct schema_field api_keyring_key_fields[] = {
    { AT(api_keyring_key, id), .number = 1, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "The id of the key, in hex." },
    { AT(api_keyring_key, role), .number = 2, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "What it is for: ca, tls, log, token, node, miner or result." },
    { AT(api_keyring_key, kind), .number = 3, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "What it is made of: p256, ed25519 or hmac." },
    { AT(api_keyring_key, state), .number = 4, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "Where it is in its life: active, verifying or retired." },
    { AT(api_keyring_key, created), .number = 5, .type = SCHEMA_TIME, .doc = "When it was made." },
    { AT(api_keyring_key, retired), .number = 6, .type = SCHEMA_TIME,
      .doc = "When it stopped signing; not set while it signs." },
    { AT(api_keyring_key, public_part), .number = 7, .type = SCHEMA_BYTES, .limit = WORD,
      .doc = "Its public part: a point of P-256, or an Ed25519 key; empty for a MAC key." },
    { AT(api_keyring_key, source), .number = 8, .type = SCHEMA_STRING, .limit = WORD,
      .doc =
          "Where it is kept: keyring, or file for that of tls.key, which no rotation replaces." },
};
MESSAGE(api_keyring_key, "KeyringKey", "A long-term key, without its private part.");

static const struct schema_field api_keyring_list_request_fields[] = {
    { AT(api_keyring_list_request, cursor), .number = 1, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "The next_cursor of the answer before, or empty." },
    { AT(api_keyring_list_request, limit), .number = 2, .type = SCHEMA_UINT32, .limit = PAGE,
      .doc = "The most keys of one answer; 0 means all." },
    { AT(api_keyring_list_request, role), .number = 3, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "Only keys of this role." },
    { AT(api_keyring_list_request, state), .number = 4, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "Only keys in this state." },
};
MESSAGE(api_keyring_list_request, "KeyringListRequest", "Which keys are asked for.");

static const struct schema_field api_keyring_list_response_fields[] = {
    { AT(api_keyring_list_response, generation), .number = 1, .type = SCHEMA_UINT64,
      .header = "etag", .doc = "How often the keyring was written; each change is one more." },
    { AT(api_keyring_list_response, keys), .number = 2, .type = SCHEMA_MESSAGE, .most = 65,
      .message = &api_keyring_key, .doc = "The keys, oldest first." },
    { AT(api_keyring_list_response, next_cursor), .number = 3, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "Where to go on; empty at the end." },
};
MESSAGE(api_keyring_list_response, "KeyringListResponse", "Keys of this installation.");

static const struct schema_field api_keyring_rotate_request_fields[] = {
    { AT(api_keyring_rotate_request, role), .number = 1, .type = SCHEMA_STRING, .limit = WORD,
      .required = true, .doc = "Which key is replaced: ca, tls, log, node, miner or result." },
    { AT(api_keyring_rotate_request, idempotency_key), .number = 2, .type = SCHEMA_STRING,
      .limit = IDEMPOTENCY, .header = "idempotency-key",
      .doc = "Whoever asks again with the same word gets the same answer, and no second key." },
    { AT(api_keyring_rotate_request, if_match), .number = 3, .type = SCHEMA_UINT64,
      .header = "if-match",
      .doc = "The generation that the keyring must have (an ETag); 0 means any." },
};
MESSAGE(api_keyring_rotate_request, "KeyringRotateRequest", "Which key is to be replaced.");

static const struct schema_field api_keyring_rotate_response_fields[] = {
    { AT(api_keyring_rotate_response, id), .number = 1, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "The id of the new key, in hex." },
    { AT(api_keyring_rotate_response, replaces), .number = 2, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "The id of the key that signs no longer; empty where the new one is the first of its "
             "role." },
    { AT(api_keyring_rotate_response, generation), .number = 3, .type = SCHEMA_UINT64,
      .header = "etag", .doc = "The generation of the keyring that has the new key." },
};
MESSAGE(api_keyring_rotate_response, "KeyringRotateResponse", "The key that signs from now on.");

static const struct schema_field api_ban_fields[] = {
    { AT(api_ban, address), .number = 1, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "Who: an address, or the /64 of one of IPv6." },
    { AT(api_ban, state), .number = 2, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "banned, or suspected: served alone, for a process fell while it served it." },
    { AT(api_ban, offence), .number = 3, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "The last offence: crash, auth-failed, grace-exceeded, abuse or imposed; empty for a "
             "suspect." },
    { AT(api_ban, count), .number = 4, .type = SCHEMA_UINT32, .limit = UINT32_MAX,
      .doc = "Offences since the first that still counts." },
    { AT(api_ban, until), .number = 5, .type = SCHEMA_TIME,
      .doc = "When it ends; not set for a ban that ends when it is lifted." },
};
MESSAGE(api_ban, "Ban", "Who is kept out, or served alone.");

static const struct schema_field api_admission_list_request_fields[] = {
    { AT(api_admission_list_request, from), .number = 1, .type = SCHEMA_UINT32, .limit = UINT32_MAX,
      .doc = "The next of the answer before; 0 means the beginning." },
    { AT(api_admission_list_request, limit), .number = 2, .type = SCHEMA_UINT32, .limit = PAGE,
      .doc = "The most of one answer; 0 means 100." },
};
MESSAGE(api_admission_list_request, "AdmissionListRequest", "Which part of the list is asked for.");

static const struct schema_field api_admission_list_response_fields[] = {
    { AT(api_admission_list_response, bans), .number = 1, .type = SCHEMA_MESSAGE, .most = PAGE,
      .message = &api_ban, .doc = "Those that run, bans before suspicions, in no other order." },
    { AT(api_admission_list_response, next), .number = 2, .type = SCHEMA_UINT32,
      .limit = UINT32_MAX, .doc = "Where to go on; 0 at the end." },
};
MESSAGE(api_admission_list_response, "AdmissionListResponse", "Who is banned and who suspected.");

static const struct schema_field api_admission_impose_request_fields[] = {
    { AT(api_admission_impose_request, address), .number = 1, .type = SCHEMA_STRING, .limit = WORD,
      .required = true, .doc = "Who: an address; of IPv6 its whole /64 is banned." },
    { AT(api_admission_impose_request, seconds), .number = 2, .type = SCHEMA_UINT32,
      .limit = UINT32_MAX, .doc = "For how long; 0 means until it is lifted." },
};
MESSAGE(api_admission_impose_request, "AdmissionImposeRequest", "Whom to ban.");

static const struct schema_field api_admission_lift_request_fields[] = {
    { AT(api_admission_lift_request, address), .number = 1, .type = SCHEMA_STRING, .limit = WORD,
      .required = true, .doc = "Who: an address, or a /64 as the list has it." },
};
MESSAGE(api_admission_lift_request, "AdmissionLiftRequest", "Whose ban or suspicion ends.");

static const struct schema_field api_admission_lift_response_fields[] = {
    { AT(api_admission_lift_response, address), .number = 1, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "Who may come again." },
};
MESSAGE(api_admission_lift_response, "AdmissionLiftResponse", "A ban or suspicion that ended.");

static const struct schema_field api_session_fields[] = {
    { AT(api_session, id), .number = 1, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "What it is called by: no secret." },
    { AT(api_session, name), .number = 2, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "The peer's name." },
    { AT(api_session, profile), .number = 3, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "v2, or sdk-v1: the weaker form of the public Challenge SDK." },
    { AT(api_session, public_key), .number = 4, .type = SCHEMA_BYTES, .limit = HASH,
      .doc = "The Ed25519 key that signs its requests." },
    { AT(api_session, vouched), .number = 5, .type = SCHEMA_BOOL,
      .doc = "It rests on the owner's word, not on evidence." },
    { AT(api_session, unbound), .number = 6, .type = SCHEMA_BOOL,
      .doc = "Its key is bound to no evidence: it gets no key, no credential and no authority." },
    { AT(api_session, created), .number = 7, .type = SCHEMA_TIME, .doc = "When it began." },
    { AT(api_session, expires), .number = 8, .type = SCHEMA_TIME, .doc = "When it ends." },
};
MESSAGE(api_session, "SessionInfo", "A peer that was let in and signs what it asks.");

static const struct schema_field api_session_list_request_fields[] = {
    { AT(api_session_list_request, after), .number = 1, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "The next of the answer before; empty means the beginning." },
    { AT(api_session_list_request, limit), .number = 2, .type = SCHEMA_UINT32, .limit = PAGE,
      .doc = "The most of one answer; 0 means 100." },
};
MESSAGE(api_session_list_request, "SessionListRequest", "Which part of the list is asked for.");

static const struct schema_field api_session_list_response_fields[] = {
    { AT(api_session_list_response, sessions), .number = 1, .type = SCHEMA_MESSAGE, .most = PAGE,
      .message = &api_session, .doc = "Those that are not over, in the order of their ids." },
    { AT(api_session_list_response, next), .number = 2, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "Where to go on; empty at the end." },
};
MESSAGE(api_session_list_response, "SessionListResponse", "Who was let in.");

static const struct schema_field api_session_grant_request_fields[] = {
    { AT(api_session_grant_request, name), .number = 1, .type = SCHEMA_STRING, .limit = WORD,
      .required = true, .doc = "The peer's name, 1 to 64 visible ASCII characters." },
    { AT(api_session_grant_request, public_key), .number = 2, .type = SCHEMA_BYTES, .limit = HASH,
      .required = true, .doc = "The Ed25519 key that will sign its requests." },
    { AT(api_session_grant_request, profile), .number = 3, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "v2 or sdk-v1; empty means v2." },
};
MESSAGE(api_session_grant_request, "SessionGrantRequest", "For whom the owner vouches.");

static const struct schema_field api_session_grant_response_fields[] = {
    { AT(api_session_grant_response, token), .number = 1, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "The session's token, said once and kept nowhere." },
    { AT(api_session_grant_response, id), .number = 2, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "What the session is called by." },
    { AT(api_session_grant_response, expires), .number = 3, .type = SCHEMA_TIME,
      .doc = "When it ends." },
};
MESSAGE(api_session_grant_response, "SessionGrantResponse", "A session that began.");

static const struct schema_field api_session_revoke_request_fields[] = {
    { AT(api_session_revoke_request, id), .number = 1, .type = SCHEMA_STRING, .limit = WORD,
      .required = true, .doc = "Which session, as the list has it." },
};
MESSAGE(api_session_revoke_request, "SessionRevokeRequest", "Whose session ends.");

static const struct schema_field api_session_end_response_fields[] = {
    { AT(api_session_end_response, id), .number = 1, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "The session that is over." },
};
MESSAGE(api_session_end_response, "SessionEndResponse", "A session that ended.");

static const struct schema_field api_attest_verify_request_fields[] = {
    { AT(api_attest_verify_request, evidence), .number = 1, .type = SCHEMA_BYTES, .limit = EVIDENCE,
      .required = true,
      .doc = "A TDX or SGX quote or a Nitro document: raw, or as hex or base64 text." },
    { AT(api_attest_verify_request, type), .number = 2, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "auto, tdx, sgx or nitro; empty means auto." },
    { AT(api_attest_verify_request, time), .number = 3, .type = SCHEMA_TIME,
      .doc = "When to judge; without it, now." },
    { AT(api_attest_verify_request, policy), .number = 4, .type = SCHEMA_STRING, .limit = POLICY,
      .doc = "An appraisal policy in TOML; empty means the default policy." },
    { AT(api_attest_verify_request, collateral), .number = 5, .type = SCHEMA_BYTES,
      .limit = EVIDENCE, .most = ENDORSEMENTS,
      .doc = "Files of collateral, recognised by content." },
    { AT(api_attest_verify_request, event_log), .number = 6, .type = SCHEMA_BYTES,
      .limit = EVIDENCE, .doc = "The event log that explains the registers, if any." },
    { AT(api_attest_verify_request, report_data), .number = 7, .type = SCHEMA_BYTES, .limit = 64,
      .doc = "The 64 bytes that the quote must bear, if any." },
    { AT(api_attest_verify_request, nonce), .number = 8, .type = SCHEMA_BYTES, .limit = 1024,
      .doc = "The nonce that the evidence must bear, if any." },
};
MESSAGE(api_attest_verify_request, "AttestVerifyRequest", "Evidence, and how it is to be judged.");

static const struct schema_field api_attest_verify_response_fields[] = {
    { AT(api_attest_verify_response, allowed), .number = 1, .type = SCHEMA_BOOL,
      .doc = "The decision." },
    { AT(api_attest_verify_response, reason), .number = 2, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "The code of the first check that failed, or OK." },
    { AT(api_attest_verify_response, hardware), .number = 3, .type = SCHEMA_BOOL,
      .doc = "The evidence comes from hardware: false for a simulated TEE." },
    { AT(api_attest_verify_response, valid_until), .number = 4, .type = SCHEMA_TIME,
      .doc = "When it must be judged again; not set when it was refused." },
    { AT(api_attest_verify_response, result), .number = 5, .type = SCHEMA_STRING, .limit = VERDICT,
      .doc = "Every check: the object that `ward verify --json` prints." },
};
MESSAGE(api_attest_verify_response, "AttestVerifyResponse", "A decision with its reasons.");

static const struct schema_field api_attest_evidence_request_fields[] = {
    { AT(api_attest_evidence_request, report_data), .number = 1, .type = SCHEMA_BYTES, .limit = 64,
      .required = true, .doc = "The 64 bytes that the evidence is to bear, no more and no fewer." },
};
MESSAGE(api_attest_evidence_request, "AttestEvidenceRequest", "What the evidence is to bear.");

static const struct schema_field api_attest_evidence_response_fields[] = {
    { AT(api_attest_evidence_response, evidence), .number = 1, .type = SCHEMA_BYTES,
      .limit = EVIDENCE, .doc = "A TDX quote of version 4 with its PCK chain." },
    { AT(api_attest_evidence_response, kind), .number = 2, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "What it is: tdx." },
    { AT(api_attest_evidence_response, hardware), .number = 3, .type = SCHEMA_BOOL,
      .doc = "It comes from hardware: false for a simulated TEE, whose evidence proves nothing "
             "about hardware." },
    { AT(api_attest_evidence_response, event_log), .number = 4, .type = SCHEMA_BYTES,
      .limit = EVIDENCE, .doc = "The event log that names every measured program." },
};
MESSAGE(api_attest_evidence_response, "AttestEvidenceResponse", "Evidence of this house.");

static const struct schema_field api_collateral_piece_fields[] = {
    { AT(api_collateral_piece, kind), .number = 1, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "What it is: tcb-info, qe-identity, pck-crl or root-crl." },
    { AT(api_collateral_piece, detail), .number = 2, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "Whose it is: the TEE and FMSPC of a platform, an enclave, or a CA." },
    { AT(api_collateral_piece, state), .number = 3, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "OK, EXPIRED, NOT_YET_VALID, or MISSING: it is wanted and was never had." },
    { AT(api_collateral_piece, valid_from), .number = 4, .type = SCHEMA_TIME,
      .doc = "When its window begins; not set when it is missing." },
    { AT(api_collateral_piece, valid_until), .number = 5, .type = SCHEMA_TIME,
      .doc = "When its window ends; not set when it is missing." },
    { AT(api_collateral_piece, evaluation_number), .number = 6, .type = SCHEMA_UINT32,
      .limit = UINT32_MAX, .doc = "Its TCB evaluation data number; 0 where there is none." },
    { AT(api_collateral_piece, fetched), .number = 7, .type = SCHEMA_TIME,
      .doc = "When the provider gave it; not set when it is missing." },
    { AT(api_collateral_piece, next_try), .number = 8, .type = SCHEMA_TIME,
      .doc = "When it is asked for again, at the earliest." },
    { AT(api_collateral_piece, failures), .number = 9, .type = SCHEMA_UINT32, .limit = UINT32_MAX,
      .doc = "How often in a row it could not be had." },
    { AT(api_collateral_piece, reason), .number = 10, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "The code of the last of those failures; empty when there is none." },
};
MESSAGE(api_collateral_piece, "CollateralPiece", "One piece of collateral that the house keeps.");

static const struct schema_field api_collateral_show_response_fields[] = {
    { AT(api_collateral_show_response, provider), .number = 1, .type = SCHEMA_STRING,
      .limit = SENTENCE, .doc = "Where it is fetched; empty when no provider is set." },
    { AT(api_collateral_show_response, pieces), .number = 2, .type = SCHEMA_MESSAGE, .most = 64,
      .message = &api_collateral_piece, .doc = "What is held or wanted, in no order." },
    { AT(api_collateral_show_response, waiting), .number = 3, .type = SCHEMA_UINT32,
      .limit = UINT32_MAX, .doc = "How many pieces are being asked for now, or next." },
};
MESSAGE(api_collateral_show_response, "CollateralShowResponse", "The collateral of the house.");

static const struct schema_field api_collateral_refresh_response_fields[] = {
    { AT(api_collateral_refresh_response, pieces), .number = 1, .type = SCHEMA_UINT32,
      .limit = UINT32_MAX, .doc = "How many pieces are asked for anew, one after the other." },
};
MESSAGE(api_collateral_refresh_response, "CollateralRefreshResponse", "What will be fetched.");

static const struct schema_field api_peer_fields[] = {
    { AT(api_peer, name), .number = 1, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "The NAME of its [peers.NAME]." },
    { AT(api_peer, url), .number = 2, .type = SCHEMA_STRING, .limit = TEXT,
      .doc = "Where its WebSocket is; empty when it is not called." },
    { AT(api_peer, state), .number = 3, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "waiting, connecting, greeting or open; not called: it has no url." },
    { AT(api_peer, since), .number = 4, .type = SCHEMA_TIME, .doc = "Since when." },
    { AT(api_peer, reason), .number = 5, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "The code of the last failure; empty while it is open, and when there was none." },
    { AT(api_peer, detail), .number = 6, .type = SCHEMA_STRING, .limit = TEXT,
      .doc = "More about that, for people." },
    { AT(api_peer, failures), .number = 7, .type = SCHEMA_UINT32, .limit = UINT32_MAX,
      .doc = "Failures in a row." },
    { AT(api_peer, opened), .number = 8, .type = SCHEMA_UINT32, .limit = UINT32_MAX,
      .doc = "How often it was open since core was started." },
    { AT(api_peer, next), .number = 9, .type = SCHEMA_TIME,
      .doc = "When it is called again; not set for one that is not waiting." },
    { AT(api_peer, public), .number = 10, .type = SCHEMA_STRING, .limit = TEXT,
      .doc = "Where miners' requests are passed on to, if it is a challenge." },
    { AT(api_peer, public_reason), .number = 11, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "Why the last of those had no answer; empty when it had, or there was none." },
    { AT(api_peer, public_detail), .number = 12, .type = SCHEMA_STRING, .limit = TEXT,
      .doc = "More about that, for people." },
    { AT(api_peer, profile), .number = 13, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "v2, or sdk-v1: its session is unbound; empty when it is not called." },
};
MESSAGE(api_peer, "Peer", "Somebody whom the house knows by name.");

static const struct schema_field api_peers_list_response_fields[] = {
    { AT(api_peers_list_response, peers), .number = 1, .type = SCHEMA_MESSAGE, .most = PEERS,
      .message = &api_peer, .doc = "All of them, in the order of ward.toml." },
};
MESSAGE(api_peers_list_response, "PeersListResponse", "The peers of ward.toml.");
