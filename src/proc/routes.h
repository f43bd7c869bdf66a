/* routes.h - everything that the house serves, as one table: front routes by it, core answers
   by the number of the row, documents are made from it. */
#ifndef WARD_PROC_ROUTES_H
#define WARD_PROC_ROUTES_H

#include "http/router.h"

enum method {
    METHOD_PING,
    METHOD_VERSION,
    METHOD_DOCTOR,
    METHOD_CONFIG,
    METHOD_AUDIT_QUERY,
    METHOD_AUDIT_GET,
    METHOD_AUDIT_HEAD,
    METHOD_AUDIT_PROVE,
    METHOD_AUDIT_VERIFY,
    METHOD_KEYRING_LIST,
    METHOD_KEYRING_ROTATE,
    METHOD_ATTEST_VERIFY,
    METHOD_ATTEST_EVIDENCE,
    METHOD_ADMISSION_LIST,
    METHOD_ADMISSION_IMPOSE,
    METHOD_ADMISSION_LIFT,
    METHOD_TOKEN_ISSUE,
    METHOD_TOKEN_KEYS,
    METHOD_TOKEN_REDEEM,
    METHOD_SESSION_LIST,
    METHOD_SESSION_GRANT,
    METHOD_SESSION_REVOKE,
    METHOD_SESSION_SHOW,
    METHOD_SESSION_END,
    METHOD_COLLATERAL_SHOW,
    METHOD_COLLATERAL_REFRESH,
    METHOD_PEERS_LIST,
    METHOD_RESULTS_SIGN,
    METHOD_JOBS_SUBMIT,
    METHOD_JOBS_LIST,
    METHOD_JOBS_GET,
    METHOD_JOBS_CANCEL,
    METHOD_JOBS_LOGS,
    METHOD_JOBS_TOP,
    METHOD_JOBS_WHY,
    METHOD_COUNT
};

extern const struct router house_router;

/* What a house serves besides, where it has a peer of profile sdk-v1 (front/sdk.h): by paths of
   that profile's and with bodies of their own, so that no row of the API is one of them. */
enum sdk_method {
    SDK_METHOD_CHALLENGE,
    SDK_METHOD_ATTEST,
    SDK_METHOD_HEARTBEAT,
    SDK_METHOD_LOGS,
    SDK_METHOD_SUBMIT,
    SDK_METHOD_COUNT
};

extern const struct route sdk_routes[SDK_METHOD_COUNT];

/* house_method is the number of a row of the API; of one of the profile's METHOD_COUNT and its own.
   house_route is the row. */
unsigned house_method(const struct route *route);
const struct route *house_route(unsigned method);

#endif
