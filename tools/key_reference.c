/* key_reference.c - prints the reference part of docs/policy.md or docs/spec.md from the table of
   keys.  Reads nothing. */
#include <stdio.h>
#include <string.h>

#include "job/spec.h"
#include "policy/policy_keys.h"

int main(int argc, char **argv)
{
    static char text[64 * 1024];
    struct sink out = sink_over(text, sizeof text);
    if (argc == 2 && strcmp(argv[1], "policy") == 0)
        toml_shape_write_reference(&out, &policy_shape);
    else if (argc == 2 && strcmp(argv[1], "spec") == 0)
        toml_shape_write_reference(&out, &job_spec_shape);
    else
        return 2;
    return sink_ok(&out) && fwrite(text, 1, out.len, stdout) == out.len ? 0 : 1;
}
