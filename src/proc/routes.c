/* routes.c - see routes.h. */
#include "proc/routes.h"

#include "model/api.h"

/* A request that asks for nothing still has room for its own framing. */
enum { SMALL = 64, TEXT = 4096, WIDE = 16384, MS_SHORT = 5000, MS_LONG = 60000 };

static const struct route rows[METHOD_COUNT] = {
    [METHOD_PING] = { .grpc = "/ward.v1.System/Ping",
                      .method = HTTP_METHOD_GET,
                      .path = "/v1/system/ping",
                      .permission = ROUTE_ANYONE,
                      .body_limit = TEXT,
                      .cost = 1,
                      .deadline_ms = MS_SHORT,
                      .doc = "Gives back the text, and the server's time.",
                      .request = &api_ping_request,
                      .response = &api_ping_response },
    [METHOD_VERSION] = { .grpc = "/ward.v1.System/Version",
                         .method = HTTP_METHOD_GET,
                         .path = "/v1/system/version",
                         .permission = ROUTE_ANYONE,
                         .body_limit = SMALL,
                         .cost = 1,
                         .deadline_ms = MS_SHORT,
                         .doc = "Says which version of Ward this is, and which APIs it serves.",
                         .request = &api_empty,
                         .response = &api_version_response },
    [METHOD_DOCTOR] = { .grpc = "/ward.v1.System/Doctor",
                        .method = HTTP_METHOD_GET,
                        .path = "/v1/system/doctor",
                        .permission = ROUTE_OWNER,
                        .body_limit = SMALL,
                        .cost = 10,
                        .deadline_ms = MS_SHORT,
                        .doc = "Checks the running house: its processes, its jails, its log and "
                               "its store.",
                        .request = &api_empty,
                        .response = &api_doctor_response },
    [METHOD_CONFIG] = { .grpc = "/ward.v1.System/Config",
                        .method = HTTP_METHOD_GET,
                        .path = "/v1/system/config",
                        .permission = ROUTE_OWNER,
                        .body_limit = TEXT,
                        .cost = 1,
                        .deadline_ms = MS_SHORT,
                        .doc = "Shows the settings that the house runs with.",
                        .request = &api_config_request,
                        .response = &api_config_response },
    [METHOD_AUDIT_QUERY] = { .grpc = "/ward.v1.Audit/Query",
                             .method = HTTP_METHOD_GET,
                             .path = "/v1/audit/records",
                             .permission = ROUTE_OWNER,
                             .body_limit = WIDE,
                             .cost = 5,
                             .deadline_ms = MS_LONG,
                             .doc = "Lists records of the security log, oldest first, a page at a "
                                    "time.",
                             .request = &api_audit_query_request,
                             .response = &api_audit_query_response },
    [METHOD_AUDIT_GET] = { .grpc = "/ward.v1.Audit/Get",
                           .method = HTTP_METHOD_GET,
                           .path = "/v1/audit/records/{seq}",
                           .permission = ROUTE_OWNER,
                           .body_limit = SMALL,
                           .cost = 1,
                           .deadline_ms = MS_SHORT,
                           .doc = "Gives one record of the security log by its number.",
                           .request = &api_audit_get_request,
                           .response = &api_audit_record },
    [METHOD_AUDIT_HEAD] = { .grpc = "/ward.v1.Audit/Head",
                            .method = HTTP_METHOD_GET,
                            .path = "/v1/audit/head",
                            .permission = ROUTE_ANYONE,
                            .body_limit = SMALL,
                            .cost = 1,
                            .deadline_ms = MS_SHORT,
                            .doc = "Gives the last signed head of the security log.",
                            .request = &api_empty,
                            .response = &api_audit_head_response },
    [METHOD_AUDIT_PROVE] = { .grpc = "/ward.v1.Audit/Prove",
                             .method = HTTP_METHOD_GET,
                             .path = "/v1/audit/proof",
                             .permission = ROUTE_ANYONE,
                             .body_limit = SMALL,
                             .cost = 5,
                             .deadline_ms = MS_LONG,
                             .doc = "Proves that a record is in the log, or that one head extends "
                                    "another.",
                             .request = &api_audit_prove_request,
                             .response = &api_audit_prove_response },
    [METHOD_AUDIT_VERIFY] = { .grpc = "/ward.v1.Audit/Verify",
                              .method = HTTP_METHOD_POST,
                              .path = "/v1/audit/verify",
                              .permission = ROUTE_OWNER,
                              .body_limit = SMALL,
                              .cost = 50,
                              .deadline_ms = MS_LONG,
                              .doc = "Has the log checked record by record where it lies.",
                              .request = &api_audit_verify_request,
                              .response = &api_audit_verify_response },
};

const struct router house_router = {
    .package = "ward.v1", .title = "Ward", .version = "1.0.0", .routes = rows, .count = METHOD_COUNT
};

enum method house_method(const struct route *route)
{
    return (enum method)(route - rows);
}
