/* operator.c - see front.h: who shows a certificate, and whether it makes him an operator.

   It is judged in the handshake, and again by whatever the files and settings are by then: when a
   reload has brought others, and when the first date of it has passed.  So nobody stays an operator
   by staying connected. */
#include <string.h>

#include "crypto/hash.h"
#include "guard/client_certificate.h"
#include "ipc/frame.h"
#include "os/clock.h"
#include "os/fd.h"
#include "proc/front/front.h"
#include "proc/log.h"

_Static_assert((int)CLIENT_CHAIN_MAX == (int)TLS_CLIENT_CHAIN, "net/ counts as guard/ does");

/* What one reload has brought. */
struct brought {
    struct client_files cas, crls;
    int64_t lists_end;
};

static enum reason judge(void *arg, const struct span *chain, size_t count)
{
    struct front_operators *operators = arg;
    struct operator_shown found = { .generation = operators->generation };
    struct x509_cert own;
    enum reason reason = client_chain_judge(chain, count, &own, &found.until);
    if (reason != REASON_OK)
        return reason;
    if (operators->lists_end < found.until)
        found.until = operators->lists_end;
    hash_sha256(chain[0], found.certificate);
    for (; found.place < operators->list.count; found.place++) {
        const struct operator* one = & operators->list.at[found.place];
        if (!client_has_name(&own, one->is_uri ? CLIENT_NAME_URI : CLIENT_NAME_DNS, one->name))
            continue;
        operators->found = found;
        return REASON_OK;
    }
    return REASON_TLS_CLIENT_UNKNOWN;
}

/* A file that was handed over, in the scratch; -1 is none. */
static bool read_file(struct front *front, enum house_file file, size_t max, struct span *out)
{
    auto_fd int fd = fd_take(&front->house->files[file]);
    ssize_t got = fd_read_at(fd, 0, front->scratch, max + 1);
    *out = span_of(front->scratch, got < 0 ? 0 : (size_t)got);
    return got > 0 && (size_t)got <= max;
}

/* Both are decoded behind the text. */
static enum reason read_files(struct front *front, const struct settings *settings,
                              struct brought *out)
{
    struct sink der = sink_over((uint8_t *)front->scratch + FRONT_SCRATCH_MAX, FRONT_SCRATCH_MAX);
    struct span text;
    if (!read_file(front, FILE_TLS_CLIENT_CA, CLIENT_CA_FILE_MAX, &text) ||
        !client_cas_read(text, &der, &out->cas))
        return REASON_TLS_CLIENT_CA_UNUSABLE;
    if (settings->tls_client_crl[0] != 0 &&
        (!read_file(front, FILE_TLS_CLIENT_CRL, CLIENT_CRL_FILE_MAX, &text) ||
         !client_crls_read(text, &der, &out->crls)))
        return REASON_TLS_CLIENT_CRL_UNUSABLE;
    out->lists_end = client_crls_end(&out->crls);
    return REASON_OK;
}

enum reason operators_take(struct front *front, const struct settings *settings)
{
    struct front_operators *operators = &front->operators;
    struct brought brought = { 0 };
    if (settings->tls_client_ca[0] == 0)
        return REASON_OK;
    enum reason reason = read_files(front, settings, &brought);
    if (reason != REASON_OK)
        return reason;
    struct tls_clients *clients = tls_clients_new(
        front->library, brought.cas.der, brought.cas.count, brought.crls.der, brought.crls.count);
    if (clients == NULL)
        return REASON_TLS_CLIENT_CA_UNUSABLE;
    tls_clients_free(&operators->clients);
    operators->clients = clients;
    operators->lists_end = brought.lists_end;
    memcpy(operators->text, settings->operators, sizeof operators->text);
    if (!operators_read(span_text(operators->text), &operators->list))
        operators->list.count = 0;
    if (++operators->generation == 0) /* which is that of nobody */
        operators->generation = 1;
    operators->asking = (struct tls_asking){ &operators->clients, judge, operators };
    if (front->server != NULL) /* it may have been made when nobody was to be asked */
        tls_server_ask(front->server, &operators->asking);
    return REASON_OK;
}

/* All are counted, and one in a second is named. */
static void note_refusal(struct front *front, const struct connection *connection,
                         enum reason reason)
{
    uint8_t bytes[64];
    struct sink peer = sink_over(bytes, sizeof bytes - 1);
    int64_t now = clock_monotonic_ms();
    front->counts.certificates_refused++;
    if (front->operators.said_ms != 0 && now - front->operators.said_ms < FRONT_ABUSE_SAID_MS)
        return;
    front->operators.said_ms = now;
    address_write(&peer, &connection->peer);
    sink_terminate(&peer);
    log_event("client certificate refused reason=%s peer=\"%s\" total=%llu",
              reason_info(reason)->name, (const char *)bytes,
              (unsigned long long)front->counts.certificates_refused);
}

/* What was judged in the handshake is judged with the key proven, too. */
static bool judge_again(struct front *front, struct connection *connection)
{
    enum reason reason = tls_judge_again(connection->tls, &front->operators.asking);
    connection->operator=(struct operator_shown){ 0 };
    if (reason == REASON_OK)
        connection->operator= front->operators.found;
    else
        note_refusal(front, connection, reason);
    return reason == REASON_OK;
}

void operators_shook(struct front *front, struct connection *connection)
{
    if (!tls_shows_certificate(connection->tls))
        return;
    front->counts.certificates += judge_again(front, connection);
}

bool operators_refused(struct front *front, struct connection *connection)
{
    enum reason reason = tls_refusal(connection->tls);
    if (reason != REASON_NONE)
        note_refusal(front, connection, reason);
    return reason != REASON_NONE;
}

const struct operator* operator_of(struct front *front, struct connection *connection)
{
    const struct front_operators *operators = &front->operators;
    const struct operator_shown *shown = &connection->operator;
    bool is_old = shown->generation != operators->generation || clock_now() > shown->until;
    if (shown->generation == 0 || (is_old && !judge_again(front, connection)))
        return NULL;
    return &operators->list.at[shown->place];
}

void operator_put(const struct connection *connection, const struct operator* one, struct sink *out)
{
    if (one == NULL)
        return;
    sink_put(out, SPAN(connection->operator.certificate));
    put_bytes(out, one->whole);
}
