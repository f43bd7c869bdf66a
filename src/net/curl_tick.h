/* curl_tick.h - a tick (tick.h) for as long as libcurl has the thread. */
#ifndef WARD_NET_CURL_TICK_H
#define WARD_NET_CURL_TICK_H

#include <stdbool.h>

#include <curl/curl.h>

#include "net/tick.h"

/* curl_tick has libcurl call it about once a second; the tick must outlive the exchange. */
bool curl_tick(CURL *curl, const struct net_tick *tick);

#endif
