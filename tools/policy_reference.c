/* policy_reference.c - prints the reference part of docs/policy.md from the table of keys.
   Reads nothing. */
#include <stdio.h>

#include "policy/policy_keys.h"

int main(void)
{
    static char text[64 * 1024];
    struct sink out = sink_over(text, sizeof text);
    policy_write_reference(&out);
    return sink_ok(&out) && fwrite(text, 1, out.len, stdout) == out.len ? 0 : 1;
}
