/* config_reference.c - prints the reference part of docs/config.md from the table of keys.
   Reads nothing. */
#include <stdio.h>

#include "proc/config.h"

int main(void)
{
    static char text[64 * 1024];
    struct sink out = sink_over(text, sizeof text);
    config_write_reference(&out);
    return sink_ok(&out) && fwrite(text, 1, out.len, stdout) == out.len ? 0 : 1;
}
