/* logs.c - see logs.h. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "logs.h"

#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "attest/ccel.h"
#include "attest/eventlog.h"
#include "base/number.h"
#include "codec/json.h"
#include "evidence.h"

const bool log_ccel = false;
const bool log_dstack = true;

enum { HASHES_MAX = 1024, NODES_MAX = 4096 };

struct replaying {
    struct span log;
    struct claims quote;
    struct log_claims out;
    struct report report;
};

static bool replay(struct replaying *r)
{
    struct arena scratch;
    arena_init(&scratch, EVENTLOG_SCRATCH(r->log.len));
    memset(&r->report, 0, sizeof r->report);
    eventlog_verify(r->log, &r->quote, NULL, &scratch, &r->report, &r->out);
    arena_fini(&scratch);
    return r->out.match[0] && r->out.match[1] && r->out.match[2] && r->out.match[3] &&
           report_first_failure(&r->report) == CHECK_COUNT;
}

void log_end(void *state)
{
    free(state);
}

/* The quote is one that holds what the log replays to. */
void *log_begin(const void *arg)
{
    const bool *dstack = arg;
    bool genuine;
    struct replaying *r = calloc(1, sizeof *r);
    if (r == NULL)
        return NULL;
    r->log = evidence_log(*dstack, &genuine);
    r->quote.kind = EVIDENCE_TDX_V4;
    r->quote.verified = true;
    (void)replay(r);
    memcpy(r->quote.tdx.rtmr, r->out.replayed, sizeof r->quote.tdx.rtmr);
    return r;
}

bool log_run(void *state)
{
    return replay(state);
}

/* --- the limit ----------------------------------------------------------------------- */

struct hashing {
    size_t count;
    size_t lens[HASHES_MAX];
    struct span bytes; /* as long as the longest */
    uint8_t out[SHA384_DIGEST_LENGTH];
};

static void add(struct hashing *h, size_t len)
{
    if (h->count < HASHES_MAX)
        h->lens[h->count++] = len;
}

static void list_ccel(struct span bytes, struct hashing *h)
{
    struct report report = { 0 };
    struct ccel log;
    struct ccel_event event;
    bool more = ccel_open(bytes, &report, &log);
    while (more && ccel_next(&log, &report, &event, &more) && more) {
        if (event.type == EV_NO_ACTION)
            continue;
        add(h, 2 * (size_t)RTMR_LEN);
        if (ccel_type_is_measured(event.type))
            add(h, event.data.len);
    }
}

static void list_dstack(struct span bytes, struct hashing *h)
{
    static struct json_node nodes[NODES_MAX];
    struct json json;
    struct span name;
    struct span payload;
    uint64_t type;
    if (!json_parse_into(bytes, nodes, NODES_MAX, NULL, &json, NULL))
        return;
    for (uint32_t n = json_first(&json, 0); n != JSON_NONE; n = json_next(&json, n)) {
        add(h, 2 * (size_t)RTMR_LEN);
        if (json_u64(&json, json_member(&json, n, "event_type"), UINT32_MAX, &type) &&
            type == 0x08000001 && json_string(&json, json_member(&json, n, "event"), &name) &&
            json_string(&json, json_member(&json, n, "event_payload"), &payload))
            add(h, 4 + 1 + name.len + 1 + payload.len / 2);
    }
}

static void *hashing_begin(const void *arg)
{
    const bool *dstack = arg;
    bool genuine;
    struct hashing *h = calloc(1, sizeof *h);
    if (h == NULL)
        return NULL;
    h->bytes = evidence_log(*dstack, &genuine);
    (*dstack ? list_dstack : list_ccel)(h->bytes, h);
    return h;
}

static bool hashing_run(void *state)
{
    struct hashing *h = state;
    SHA512_CTX context;
    for (size_t i = 0; i < h->count; i++) {
        SHA384_Init(&context);
        SHA384_Update(&context, h->bytes.at, h->lens[i]);
        SHA384_Final(h->out, &context);
    }
    return h->count > 0;
}

const struct bench_work limit_replay = { "SHA-384", hashing_begin, hashing_run, log_end };
