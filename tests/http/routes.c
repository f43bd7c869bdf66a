/* routes.c - see routes.h. */
#include "routes.h"

#include "base/number.h"
#include "model/api.h"

#define ROW(call, verb, at, who, size, in, out, ...)                                               \
    {                                                                                              \
        .grpc = "/ward.v1." call, .method = HTTP_METHOD_##verb, .path = (at),                      \
        .permission = ROUTE_##who, .body_limit = (size), .cost = 1, .deadline_ms = 5000,           \
        .doc = "Does what it says.", .request = &(in), .response = &(out), __VA_ARGS__             \
    }

static const struct route rows[] = {
    ROW("System/Ping", GET, "/v1/system/ping", ANYONE, 4096, api_ping_request, api_ping_response, ),
    ROW("System/Version", GET, "/v1/system/version", ANYONE, 64, api_empty, api_version_response, ),
    ROW("System/Doctor", GET, "/v1/system/doctor", OWNER, 64, api_empty, api_doctor_response, ),
    ROW("System/Config", GET, "/v1/system/config", OWNER, 4096, api_config_request,
        api_config_response, ),
    ROW("Audit/Query", GET, "/v1/audit/records", OWNER, 16384, api_audit_query_request,
        api_audit_query_response, .streams = true),
    ROW("Audit/Get", GET, "/v1/audit/records/{seq}", OWNER, 64, api_audit_get_request,
        api_audit_record, ),
    ROW("Audit/Head", GET, "/v1/audit/head", ANYONE, 64, api_empty, api_audit_head_response, ),
    ROW("Audit/Prove", GET, "/v1/audit/proof", ANYONE, 64, api_audit_prove_request,
        api_audit_prove_response, ),
    ROW("Audit/Verify", POST, "/v1/audit/verify", OWNER, 64, api_audit_verify_request,
        api_audit_verify_response, ),
};

const struct router test_router = { "ward.v1", "Ward", "1.0.0", rows, COUNT_OF(rows) };
