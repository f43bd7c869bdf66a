/* api_reference.c - prints one document of all that the house serves, from its table of
   routes: `reference` (Markdown), `proto` or `openapi`; or `metrics`, from that of its metrics.
   Reads nothing. */
#include <stdio.h>
#include <string.h>

#include "proc/metrics.h"
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

static bool write_document(const char *name, struct sink *out)
{
    if (strcmp(name, "metrics") == 0)
        return metrics_write_reference(out);
    for (size_t i = 0; i < sizeof documents / sizeof documents[0]; i++) {
        if (strcmp(name, documents[i].name) == 0)
            return documents[i].write(&house_router, out);
    }
    fputs("api_reference: reference, proto, openapi or metrics\n", stderr);
    return false;
}

int main(int argc, char **argv)
{
    static char text[REFERENCE_TEXT_MAX];
    struct sink out = sink_over(text, sizeof text);
    bool made = argc == 2 && write_document(argv[1], &out);
    return made && fwrite(text, 1, out.len, stdout) == out.len ? 0 : 2;
}
