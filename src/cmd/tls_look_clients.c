/* tls_look_clients.c - see tls_look.h.  Nothing in these files is secret, and who may change them
   says who an operator is: they are read here. */
#include <stdio.h>

#include "cmd/tls_look.h"
#include "guard/client_certificate.h"
#include "os/fd.h"
#include "os/file.h"

typedef bool reader(struct span pem, struct sink *der, struct client_files *out);

enum { DECODED_ROOM = CLIENT_CA_FILE_MAX + CLIENT_CRL_FILE_MAX }; /* it is shorter than the files */

/* -1 is no file, and nothing in it. */
static bool look(int fd, size_t max, reader *read, struct arena *arena, struct sink *der,
                 struct client_files *out)
{
    struct span text;
    return fd < 0 || (rc_ok(file_read_fd(NULL, fd, max, arena, &text)) && read(text, der, out));
}

static void fail(const struct settings *settings, enum reason reason, struct tls_fault *fault)
{
    fault->reason = reason;
    snprintf(fault->text, sizeof fault->text, "%s", tls_path(settings, reason));
}

bool tls_look_clients(const struct settings *settings, struct arena *arena,
                      struct tls_clients_looked *out)
{
    struct client_files cas = { 0 }, lists = { 0 };
    auto_fd int ca = -1;
    auto_fd int crl = -1;
    *out = (struct tls_clients_looked){ .cas_end = INT64_MAX, .lists_end = INT64_MAX };
    if (!tls_open_clients(settings, TLS_ANY_OWNER, &ca, &crl, &out->fault))
        return true;
    uint8_t *room = arena_room(arena, DECODED_ROOM);
    if (room == NULL)
        return false;
    struct sink der = sink_over(room, DECODED_ROOM);
    if (!look(ca, CLIENT_CA_FILE_MAX, client_cas_read, arena, &der, &cas))
        fail(settings, REASON_TLS_CLIENT_CA_UNUSABLE, &out->fault);
    else if (!look(crl, CLIENT_CRL_FILE_MAX, client_crls_read, arena, &der, &lists))
        fail(settings, REASON_TLS_CLIENT_CRL_UNUSABLE, &out->fault);
    out->cas_end = client_cas_end(&cas);
    out->lists_end = client_crls_end(&lists);
    return true;
}
