/* api_reference.c - prints one document of all that the house serves, from its table of
   routes: `reference` (Markdown), `proto` or `openapi`.  Reads nothing. */
#include <stdio.h>
#include <string.h>

#include "proc/routes.h"

enum { REFERENCE_TEXT_MAX = 1 << 20 };

struct document {
    const char *name;
    bool (*write)(const struct router *router, struct sink *out);
};

static const struct document documents[] = {
    { "reference", router_write_reference },
    { "proto", router_write_proto },
    { "openapi", router_write_openapi },
};

int main(int argc, char **argv)
{
    static char text[REFERENCE_TEXT_MAX];
    struct sink out = sink_over(text, sizeof text);
    for (size_t i = 0; i < sizeof documents / sizeof documents[0]; i++) {
        if (argc == 2 && strcmp(argv[1], documents[i].name) == 0)
            return documents[i].write(&house_router, &out) &&
                           fwrite(text, 1, out.len, stdout) == out.len
                       ? 0
                       : 1;
    }
    fputs("api_reference: reference, proto or openapi\n", stderr);
    return 2;
}
