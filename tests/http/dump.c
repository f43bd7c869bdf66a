/* dump.c - writes what is generated from the table of routes, for tests that are not in C.

       dump proto|descriptor|openapi|reference|file */
#include <stdio.h>
#include <string.h>

#include "routes.h"

static uint8_t text[1 << 20];

static bool write_file_name(const struct router *router, struct sink *out)
{
    router_write_file_name(router, out);
    return sink_ok(out);
}

static const struct {
    const char *name;
    bool (*write)(const struct router *router, struct sink *out);
} kinds[] = {
    { "proto", router_write_proto },     { "descriptor", router_write_descriptor },
    { "openapi", router_write_openapi }, { "reference", router_write_reference },
    { "file", write_file_name },
};

int main(int argc, char **argv)
{
    struct sink out = sink_over(text, sizeof text);
    for (size_t i = 0; argc == 2 && i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(argv[1], kinds[i].name) == 0 && kinds[i].write(&test_router, &out))
            return fwrite(text, 1, out.len, stdout) == out.len ? 0 : 1;
    }
    return 2;
}
