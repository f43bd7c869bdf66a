/* routes.h - a table of routes with the real messages, for tests. */
#ifndef WARD_TESTS_HTTP_ROUTES_H
#define WARD_TESTS_HTTP_ROUTES_H

#include "http/router.h"

extern const struct router test_router;

#endif
