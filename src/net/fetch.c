/* fetch.c - see fetch.h.  libcurl does the talking. */
#include "net/fetch.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <arpa/inet.h>

#include <curl/curl.h>

#include "base/sink.h"
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

/* Whom a server must show to be known by: the CAs that are given and no others.  The folder of
   the system's that libcurl was built with would count besides them. */
static bool set_trust(CURL *curl, const struct fetch_request *request)
{
    struct curl_blob pem = { .len = request->ca_pem.len, .flags = CURL_BLOB_COPY };
    if (request->ca_file == NULL && pem.len == 0)
        return true;
    union {
        const uint8_t *given;
        void *taken;
    } at = { .given = request->ca_pem.at };
    pem.data = at.taken;
    return curl_easy_setopt(curl, CURLOPT_CAPATH, (char *)NULL) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_CAINFO, request->ca_file) == CURLE_OK &&
           (pem.len == 0 || curl_easy_setopt(curl, CURLOPT_CAINFO_BLOB, &pem) == CURLE_OK);
}

static bool write_address(struct sink *out, const struct sockaddr_storage *address)
{
    char text[INET6_ADDRSTRLEN] = "";
    if (address->ss_family == AF_INET6) {
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)address)->sin6_addr, text, sizeof text);
        sink_format(out, "[%s]", text);
    } else {
        inet_ntop(AF_INET, &((const struct sockaddr_in *)address)->sin_addr, text, sizeof text);
        sink_text(out, text);
    }
    return text[0] != 0;
}

/* HOST:PORT:ADDRESS,ADDRESS.. as libcurl takes it: it asks for no name then. */
static bool set_addresses(CURL *curl, const struct fetch_request *request, struct curl_slist **list)
{
    enum { ROOM = FETCH_HOST_MAX + FETCH_PORT_MAX + ADDRESSES_MAX * (INET6_ADDRSTRLEN + 3) };
    char host[FETCH_HOST_MAX], port[FETCH_PORT_MAX], text[ROOM];
    struct sink out = sink_over(text, sizeof text);
    const struct addresses *addresses = request->addresses;
    if (addresses == NULL)
        return true;
    if (addresses->count == 0 || !fetch_host(request->url, host, port))
        return false;
    sink_format(&out, strchr(host, ':') != NULL ? "[%s]:%s:" : "%s:%s:", host, port);
    for (size_t i = 0; i < addresses->count; i++) {
        sink_text(&out, i > 0 ? "," : "");
        if (!write_address(&out, &addresses->at[i]))
            return false;
    }
    if (!sink_ok(&out))
        return false;
    sink_terminate(&out);
    *list = curl_slist_append(NULL, text);
    return *list != NULL && curl_easy_setopt(curl, CURLOPT_RESOLVE, *list) == CURLE_OK;
}

/* Neither asked whether it may be sent nor sent in pieces: the body is short. */
static bool set_body(CURL *curl, const struct fetch_request *request, struct curl_slist **list)
{
    char type[FETCH_MESSAGE_MAX];
    struct sink out = sink_over(type, sizeof type);
    sink_format(&out, "Content-Type: %s", request->content_type);
    if (!sink_ok(&out))
        return false;
    sink_terminate(&out);
    struct curl_slist *first = curl_slist_append(NULL, type);
    *list = first;
    return first != NULL && curl_slist_append(first, "Expect:") != NULL &&
           curl_easy_setopt(curl, CURLOPT_HTTPHEADER, first) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_POST, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len) ==
               CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body.at) == CURLE_OK;
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
           curl_easy_setopt(curl, CURLOPT_NOPROXY, "") == CURLE_OK && set_trust(curl, request) &&
           curl_easy_setopt(curl, CURLOPT_USERAGENT, "ward") == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEDATA, body) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_HEADERDATA, header) == CURLE_OK &&
           curl_tick(curl, &request->tick);
}

static enum reason reason_of(CURLcode code)
{
    static const struct {
        CURLcode code;
        enum reason reason;
    } known[] = {
        { CURLE_COULDNT_RESOLVE_HOST, REASON_FETCH_NAME },
        { CURLE_COULDNT_RESOLVE_PROXY, REASON_FETCH_NAME },
        { CURLE_OPERATION_TIMEDOUT, REASON_FETCH_SLOW },
        { CURLE_PEER_FAILED_VERIFICATION, REASON_FETCH_TLS },
        { CURLE_SSL_CONNECT_ERROR, REASON_FETCH_TLS },
        { CURLE_SSL_CACERT_BADFILE, REASON_FETCH_TLS },
        { CURLE_SSL_CERTPROBLEM, REASON_FETCH_TLS },
        { CURLE_SSL_ISSUER_ERROR, REASON_FETCH_TLS },
        { CURLE_COULDNT_CONNECT, REASON_FETCH_UNREACHABLE },
        { CURLE_GOT_NOTHING, REASON_FETCH_UNREACHABLE },
        { CURLE_SEND_ERROR, REASON_FETCH_UNREACHABLE },
        { CURLE_RECV_ERROR, REASON_FETCH_UNREACHABLE },
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (known[i].code == code)
            return known[i].reason;
    }
    return REASON_FETCH_REPLY;
}

static void fail(struct fetch_error *error, enum reason reason, const char *format, ...)
    PRINTF_LIKE(3, 4);

static void fail(struct fetch_error *error, enum reason reason, const char *format, ...)
{
    va_list args;
    error->reason = reason;
    va_start(args, format);
    vsnprintf(error->message, sizeof error->message, format, args);
    va_end(args);
}

static bool perform(CURL *curl, const struct fetch_request *request, struct body *body,
                    struct header *header, struct fetch_error *error)
{
    char text[CURL_ERROR_SIZE] = "";
    long status = 0;
    if (!set_options(curl, request, body, header, text)) {
        fail(error, REASON_OUT_OF_MEMORY, "the HTTP client refused its options");
        return false;
    }
    CURLcode code = curl_easy_perform(curl);
    if (body->too_large) {
        fail(error, REASON_FETCH_REPLY, "the reply is larger than %zu bytes", body->max);
        return false;
    }
    if (header->seen > FETCH_HEADERS_MAX) {
        fail(error, REASON_FETCH_REPLY, "the reply's headers are larger than %d bytes",
             FETCH_HEADERS_MAX);
        return false;
    }
    if (code != CURLE_OK) {
        fail(error, reason_of(code), "%s", text[0] != 0 ? text : curl_easy_strerror(code));
        return false;
    }
    if (curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status) != CURLE_OK || status != 200) {
        error->status = status;
        error->body = span_of(body->at, body->len);
        fail(error, REASON_FETCH_REPLY, "the reply is status %ld, not 200%s", status,
             status >= 300 && status < 400 ? " (redirects are not followed)" : "");
        return false;
    }
    return true;
}

static bool exchange(const struct fetch_request *request, bool post, struct arena *arena,
                     struct fetch_reply *out, struct fetch_error *error)
{
    struct body body = { .at = arena_room(arena, request->max), .max = request->max };
    struct header header = { .name = request->header };
    struct curl_slist *addresses = NULL, *headers = NULL;
    CURL *curl = curl_easy_init();
    bool done = false;
    *error = (struct fetch_error){ .reason = REASON_NONE };
    if (body.at == NULL || curl == NULL || !set_addresses(curl, request, &addresses) ||
        (post && !set_body(curl, request, &headers)))
        fail(error, REASON_OUT_OF_MEMORY, "out of memory");
    else
        done = perform(curl, request, &body, &header, error);
    curl_easy_cleanup(curl);
    curl_slist_free_all(addresses);
    curl_slist_free_all(headers);
    if (!done)
        return false;
    struct span kept;
    if (!arena_copy(arena, span_of(header.value, header.len), &kept)) {
        fail(error, REASON_OUT_OF_MEMORY, "out of memory");
        return false;
    }
    *out = (struct fetch_reply){ span_of(body.at, body.len), kept };
    return true;
}

bool fetch_get(const struct fetch_request *request, struct arena *arena, struct fetch_reply *out,
               struct fetch_error *error)
{
    return exchange(request, false, arena, out, error);
}

bool fetch_post(const struct fetch_request *request, struct arena *arena, struct fetch_reply *out,
                struct fetch_error *error)
{
    return exchange(request, true, arena, out, error);
}

static bool url_part(CURLU *url, CURLUPart part, unsigned flags, char *out, size_t cap)
{
    char *text = NULL;
    if (curl_url_get(url, part, &text, flags) != CURLUE_OK)
        return false;
    size_t len = strlen(text);
    bool bracketed = len > 1 && text[0] == '[' && text[len - 1] == ']';
    const char *from = text + (bracketed ? 1 : 0);
    len -= bracketed ? 2 : 0;
    bool fits = len > 0 && len < cap;
    if (fits) {
        memcpy(out, from, len);
        out[len] = 0;
    }
    curl_free(text);
    return fits;
}

bool fetch_host(const char *url, char host[FETCH_HOST_MAX], char port[FETCH_PORT_MAX])
{
    CURLU *parsed = curl_url();
    bool good = parsed != NULL && curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK &&
                url_part(parsed, CURLUPART_HOST, 0, host, FETCH_HOST_MAX) &&
                url_part(parsed, CURLUPART_PORT, CURLU_DEFAULT_PORT, port, FETCH_PORT_MAX);
    curl_url_cleanup(parsed);
    return good;
}

bool fetch_warm_up(void)
{
    tzset(); /* even gmtime asks for the local time's file, once */
    CURL *curl = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? curl_easy_init() : NULL;
    curl_easy_cleanup(curl);
    return curl != NULL;
}
