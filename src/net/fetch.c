/* fetch.c - see fetch.h.  libcurl does the talking. */
#include "net/fetch.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>

#include "net/curl_tick.h"

struct body {
    uint8_t *at;
    size_t len;
    size_t max;
    bool too_large;
};

struct header {
    const char *name;
    char value[FETCH_HEADER_MAX];
    size_t len;
    size_t seen; /* bytes of all headers */
};

static size_t on_body(char *data, size_t size, size_t count, void *arg)
{
    struct body *body = arg;
    size_t len = size * count;
    if (len > body->max - body->len) {
        body->too_large = true;
        return 0;
    }
    memcpy(body->at + body->len, data, len);
    body->len += len;
    return len;
}

static size_t on_header(char *data, size_t size, size_t count, void *arg)
{
    struct header *header = arg;
    size_t len = size * count;
    size_t name = header->name == NULL ? 0 : strlen(header->name);
    /* libcurl keeps every header: a reply must not be made of them for ever. */
    header->seen += len;
    if (header->seen > FETCH_HEADERS_MAX)
        return 0;
    if (name == 0 || len <= name || data[name] != ':' || strncasecmp(data, header->name, name) != 0)
        return len;
    const char *value = data + name + 1;
    size_t left = len - name - 1;
    while (left > 0 && (*value == ' ' || *value == '\t')) {
        value++;
        left--;
    }
    while (left > 0 && (value[left - 1] == '\r' || value[left - 1] == '\n'))
        left--;
    if (left <= sizeof header->value) {
        memcpy(header->value, value, left);
        header->len = left;
    }
    return len;
}

static bool is_loopback_http(const char *url)
{
    static const char *const hosts[] = { "http://127.0.0.1", "http://[::1]", "http://localhost" };
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        size_t len = strlen(hosts[i]);
        if (strncmp(url, hosts[i], len) == 0 && (url[len] == ':' || url[len] == '/'))
            /* "http://127.0.0.1:x@other/" is a name and a password at another host. */
            return memchr(url + len, '@', strcspn(url + len, "/?#")) == NULL;
    }
    return false;
}

static bool set_options(CURL *curl, const struct fetch_request *request, struct body *body,
                        struct header *header, char *error)
{
    const char *protocols = is_loopback_http(request->url) ? "http,https" : "https";
    return curl_easy_setopt(curl, CURLOPT_URL, request->url) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, protocols) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, request->timeout_ms) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_PROXY, request->proxy != NULL ? request->proxy : "") ==
               CURLE_OK &&
           /* Set, so that no_proxy of the environment has no say. */
           curl_easy_setopt(curl, CURLOPT_NOPROXY, "") == CURLE_OK &&
           (request->ca_file == NULL ||
            curl_easy_setopt(curl, CURLOPT_CAINFO, request->ca_file) == CURLE_OK) &&
           curl_easy_setopt(curl, CURLOPT_USERAGENT, "ward") == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEDATA, body) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_HEADERDATA, header) == CURLE_OK &&
           curl_tick(curl, &request->tick);
}

static bool perform(CURL *curl, const struct fetch_request *request, struct body *body,
                    struct header *header, char message[FETCH_MESSAGE_MAX])
{
    char error[CURL_ERROR_SIZE] = "";
    long status = 0;
    if (!set_options(curl, request, body, header, error)) {
        snprintf(message, FETCH_MESSAGE_MAX, "the HTTP client refused its options");
        return false;
    }
    CURLcode code = curl_easy_perform(curl);
    if (body->too_large) {
        snprintf(message, FETCH_MESSAGE_MAX, "the reply is larger than %zu bytes", body->max);
        return false;
    }
    if (header->seen > FETCH_HEADERS_MAX) {
        snprintf(message, FETCH_MESSAGE_MAX, "the reply's headers are larger than %d bytes",
                 FETCH_HEADERS_MAX);
        return false;
    }
    if (code != CURLE_OK) {
        snprintf(message, FETCH_MESSAGE_MAX, "%s",
                 error[0] != 0 ? error : curl_easy_strerror(code));
        return false;
    }
    if (curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status) != CURLE_OK || status != 200) {
        snprintf(message, FETCH_MESSAGE_MAX, "the reply is status %ld, not 200%s", status,
                 status >= 300 && status < 400 ? " (redirects are not followed)" : "");
        return false;
    }
    return true;
}

bool fetch_get(const struct fetch_request *request, struct arena *arena, struct fetch_reply *out,
               char message[FETCH_MESSAGE_MAX])
{
    struct body body = { .at = arena_alloc(arena, request->max), .max = request->max };
    struct header header = { .name = request->header };
    CURL *curl = curl_easy_init();
    bool done = false;
    if (body.at == NULL || curl == NULL)
        snprintf(message, FETCH_MESSAGE_MAX, "out of memory");
    else
        done = perform(curl, request, &body, &header, message);
    curl_easy_cleanup(curl);
    if (!done)
        return false;
    struct span kept;
    if (!arena_copy(arena, span_of(header.value, header.len), &kept)) {
        snprintf(message, FETCH_MESSAGE_MAX, "out of memory");
        return false;
    }
    *out = (struct fetch_reply){ span_of(body.at, body.len), kept };
    return true;
}
