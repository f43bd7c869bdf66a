/* curl_tick.c - see curl_tick.h. */
#include "net/curl_tick.h"

static int on_time(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    (void)a, (void)b, (void)c, (void)d;
    net_tick(arg);
    return 0;
}

bool curl_tick(CURL *curl, const struct net_tick *tick)
{
    union {
        const struct net_tick *given;
        void *taken;
    } arg = { .given = tick };
    return tick->call == NULL ||
           (curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L) == CURLE_OK &&
            curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_time) == CURLE_OK &&
            curl_easy_setopt(curl, CURLOPT_XFERINFODATA, arg.taken) == CURLE_OK);
}
