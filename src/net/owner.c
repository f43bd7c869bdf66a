/* owner.c - see owner.h.  libcurl does the talking. */
#include "net/owner.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include <curl/curl.h>

#include "net/curl_tick.h"
#include "os/fd.h"

enum { OWNER_BLOCK = 64 << 10 };

/* The answer as it grows: blocks of the arena, joined at the end. */
struct answer {
    struct arena *arena;
    uint8_t *at;
    size_t len, cap;
    bool too_large;
};

static bool grow(struct answer *answer, size_t len)
{
    size_t cap = answer->cap == 0 ? OWNER_BLOCK : answer->cap;
    while (cap - answer->len < len) {
        if (cap >= OWNER_REPLY_MAX)
            return false;
        cap *= 2;
    }
    if (cap == answer->cap)
        return true;
    uint8_t *room = arena_alloc(answer->arena, cap);
    if (room == NULL)
        return false;
    if (answer->len > 0)
        memcpy(room, answer->at, answer->len);
    answer->at = room;
    answer->cap = cap;
    return true;
}

static size_t on_body(char *data, size_t size, size_t count, void *arg)
{
    struct answer *answer = arg;
    size_t len = size * count;
    if (len > OWNER_REPLY_MAX || !grow(answer, len)) {
        answer->too_large = true;
        return 0;
    }
    memcpy(answer->at + answer->len, data, len);
    answer->len += len;
    return len;
}

static bool set_options(CURL *curl, const struct owner_request *request, const char *socket,
                        struct answer *answer, struct curl_slist *headers)
{
    char url[2048];
    int len = snprintf(url, sizeof url, "http://localhost%s", request->target);
    if (len < 0 || (size_t)len >= sizeof url)
        return false;
    bool body = request->body.len > 0;
    return curl_easy_setopt(curl, CURLOPT_URL, url) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, socket) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_PROXY, "") == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, request->timeout_ms) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers) == CURLE_OK &&
           (!body ||
            (curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)request->body.len) == CURLE_OK &&
             curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body.at) == CURLE_OK)) &&
           curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer) == CURLE_OK &&
           curl_tick(curl, &request->tick);
}

bool owner_ask(const struct owner_request *request, struct arena *arena, struct owner_reply *out,
               char message[OWNER_MESSAGE_MAX])
{
    char path[64];
    struct answer answer = { .arena = arena };
    auto_fd int folder = open(request->state, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) {
        snprintf(message, OWNER_MESSAGE_MAX, "there is no folder %.200s", request->state);
        return false;
    }
    /* Through the open folder: the name of a socket has no room for a long path. */
    snprintf(path, sizeof path, "/proc/self/fd/%d/run/ward.sock", folder);
    CURL *curl = curl_easy_init();
    struct curl_slist *headers = curl_slist_append(NULL, request->body.len > 0
                                                             ? "Content-Type: application/json"
                                                             : "Accept: application/json");
    long status = 0;
    CURLcode code = CURLE_OUT_OF_MEMORY;
    if (curl != NULL && headers != NULL && set_options(curl, request, path, &answer, headers))
        code = curl_easy_perform(curl);
    bool answered = code == CURLE_OK &&
                    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK;
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    if (!answered) {
        snprintf(message, OWNER_MESSAGE_MAX, "%s",
                 answer.too_large ? "the answer is too large" : curl_easy_strerror(code));
        return false;
    }
    *out = (struct owner_reply){ status, span_of(answer.at, answer.len) };
    return true;
}
