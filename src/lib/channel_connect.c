/* channel_connect.c - to whom a channel goes: an address, or a descriptor that is connected. */
#include "lib/channel_parts.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "codec/url.h"
#include "model/address.h"
#include "net/dial.h"
#include "os/fd.h"

_Static_assert((int)WARD_CHANNEL_PINS == (int)TLS_PINS_MAX, "as many as are looked at");

static const char default_path[] = "/v1/channel";

static enum ward_outcome no_address(struct ward_error *error)
{
    return ERROR(error, WARD_BAD_INPUT,
                 "an address is wss://HOST:PORT/PATH, ws://127.0.0.1:PORT/PATH or unix:/PATH, and "
                 "wss wants CAs or up to %d pins",
                 WARD_CHANNEL_PINS);
}

static enum ward_outcome unreachable(struct ward_error *error, const char *address, const char *why)
{
    return ERROR(error, WARD_UNREACHABLE, "%s: %s", address, why);
}

/* --- unix:/PATH ------------------------------------------------------------------------------- */

static enum ward_outcome connect_unix(const char *address, const char *path, int *out,
                                      struct ward_error *error)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    size_t len = strlen(path);
    if (path[0] != '/' || len >= sizeof to.sun_path)
        return no_address(error);
    memcpy(to.sun_path, path, len + 1);
    auto_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof to) != 0)
        return unreachable(error, address, strerrordesc_np(errno));
    *out = fd_take(&fd);
    return WARD_DONE;
}

/* --- wss://HOST:PORT/PATH --------------------------------------------------------------------- */

/* In the clear nobody is proven, and everybody on the way sees who talks to whom. */
static bool is_this_machine(const char *host)
{
    struct address address;
    return address_parse(span_text(host), &address) && address_is_loopback(&address);
}

static enum ward_outcome connect_url(const char *address, const struct websocket_url *url,
                                     int64_t deadline_ms, int *out, struct ward_error *error)
{
    char message[DIAL_MESSAGE];
    const struct resolve_request request = { .host = url->origin.host,
                                             .port = url->origin.port,
                                             .deadline_ms = deadline_ms };
    return dial(&request, out, message) ? WARD_DONE : unreachable(error, address, message);
}

static struct tls_expectation expectation_of(const struct ward_channel_setup *setup,
                                             const struct websocket_url *url)
{
    struct address address;
    return (
        struct tls_expectation){ .host = url->origin.host,
                                 .is_address = address_parse(span_text(url->origin.host), &address),
                                 .ca_pem = span_of_bytes(setup->ca),
                                 .pins = setup->pins,
                                 .pin_count = setup->pin_count };
}

/* What is counted and not there is no half of who may answer: the other half would count alone. */
static bool names_who_may_answer(const struct ward_channel_setup *setup)
{
    bool has_ca = setup->ca.len > 0, has_pins = setup->pin_count > 0;
    return (has_ca || has_pins) && (!has_ca || setup->ca.data != NULL) &&
           (!has_pins || setup->pins != NULL) && setup->pin_count <= WARD_CHANNEL_PINS;
}

static bool may_be_called(const struct ward_channel_setup *setup, const struct websocket_url *url)
{
    return url->origin.tls ? names_who_may_answer(setup) : is_this_machine(url->origin.host);
}

enum ward_outcome ward_channel_connect(const struct ward_channel_setup *setup, const char *address,
                                       struct ward_channel **out, struct ward_error *error)
{
    static const char unix_scheme[] = "unix:";
    struct websocket_url url;
    struct tls_expectation expected;
    struct channel_place place = { .descriptor = -1,
                                   .framing = WIRE_STREAM,
                                   .deadline_ms = channel_setup_deadline(setup) };
    enum ward_outcome outcome;
    if (strncmp(address, unix_scheme, sizeof unix_scheme - 1) == 0) {
        outcome = connect_unix(address, address + sizeof unix_scheme - 1, &place.descriptor, error);
    } else if (websocket_url_read(span_text(address), &url) && may_be_called(setup, &url)) {
        expected = expectation_of(setup, &url);
        place.framing = WIRE_WEBSOCKET;
        place.authority = url.origin.authority;
        place.target = url.target;
        place.tls = url.origin.tls ? &expected : NULL;
        outcome = connect_url(address, &url, place.deadline_ms, &place.descriptor, error);
    } else {
        outcome = no_address(error);
    }
    if (outcome != WARD_DONE)
        return outcome;
    return channel_shake(setup, ATTESTED_INITIATOR, &place, out, error);
}

/* --- a descriptor ----------------------------------------------------------------------------- */

static enum ward_outcome over(const struct ward_channel_setup *setup, enum attested_role role,
                              struct channel_place place, struct ward_channel **out,
                              struct ward_error *error)
{
    if (place.framing != WIRE_STREAM && place.framing != WIRE_WEBSOCKET) {
        fd_close(&place.descriptor);
        return ERROR(error, WARD_BAD_INPUT, "the framing is none of enum ward_framing");
    }
    place.deadline_ms = channel_setup_deadline(setup);
    return channel_shake(setup, role, &place, out, error);
}

enum ward_outcome ward_channel_join(const struct ward_channel_setup *setup, int descriptor,
                                    enum ward_framing framing, struct ward_channel **out,
                                    struct ward_error *error)
{
    const struct channel_place place = { .descriptor = descriptor,
                                         .framing = (enum wire_framing)framing,
                                         .authority = span_text("localhost"),
                                         .target = span_text(default_path) };
    return over(setup, ATTESTED_INITIATOR, place, out, error);
}

enum ward_outcome ward_channel_accept(const struct ward_channel_setup *setup, int descriptor,
                                      enum ward_framing framing, struct ward_channel **out,
                                      struct ward_error *error)
{
    const struct channel_place place = { .descriptor = descriptor,
                                         .framing = (enum wire_framing)framing,
                                         .target = span_text(setup->path != NULL ? setup->path
                                                                                 : default_path) };
    return over(setup, ATTESTED_RESPONDER, place, out, error);
}
