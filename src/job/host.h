/* host.h - what a sandbox may reach, as it is written: names, names under a wildcard, addresses,
   and ports.  Judges the writing; resolves nothing. */
#ifndef WARD_JOB_HOST_H
#define WARD_JOB_HOST_H

#include "base/result.h"
#include "base/sink.h"

enum job_host_kind {
    JOB_HOST_NONE = 0,
    JOB_HOST_NAME,     /* "api.example.com" */
    JOB_HOST_WILDCARD, /* "*.example.com": names with one label more, and no others */
    JOB_HOST_ADDRESS,  /* IPv4 or IPv6, served at that very address */
};

struct job_host {
    enum job_host_kind kind;
    struct span text; /* in lower case, without the "*." of a wildcard; of an address too */
};

/* job_host_parse judges a text in lower case; it views it.  Names are those of
   codec/host_name.h.  False for anything else: a URL, a port, a point at the end. */
MUST_USE
bool job_host_parse(struct span text, struct job_host *out);

void job_host_write(struct sink *out, const struct job_host *host);

/* job_host_is_own tells whether it is the sandbox itself, which is localhost, 127.0.0.1 and ::1,
   whatever a name server says: nobody is asked for it, and no fence stands before it. */
bool job_host_is_own(const struct job_host *host);

struct job_port {
    uint16_t number;
    bool udp; /* else TCP */
};

/* job_port_parse reads "443", "443/tcp" or "443/udp". */
MUST_USE
bool job_port_parse(struct span text, struct job_port *out);
void job_port_write(struct sink *out, const struct job_port *port);

#endif
