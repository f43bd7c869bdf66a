/* base64.c - see base64.h. */
#include "codec/base64.h"

bool base64_decode(struct span text, struct sink *out)
{
    (void)text;
    (void)out;
    return false;
}

bool base64_decode_loose(struct span text, struct sink *out)
{
    (void)text;
    (void)out;
    return false;
}

bool base64url_decode(struct span text, struct sink *out)
{
    (void)text;
    (void)out;
    return false;
}

void base64_encode(struct sink *out, struct span bytes)
{
    (void)out;
    (void)bytes;
}

void base64url_encode(struct sink *out, struct span bytes)
{
    (void)out;
    (void)bytes;
}
