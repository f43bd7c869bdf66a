/* pcs.c - see pcs.h. */
#include "attest/pcs.h"

#include <string.h>

#include "base/cursor.h"
#include "codec/hex.h"

/* Intel serves this list at an address of its own, and elsewhere only in another form. */
#define INTEL_ROOT_CRL "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der"

static const struct {
    const char *label, *kind, *header;
    bool by_tee, by_ca, by_fmspc; /* its scope */
} things[PCS_THING_COUNT] = {
    [PCS_TCB_INFO] = { "tcb-info", "tcb-info", "TCB-Info-Issuer-Chain", .by_tee = true,
                       .by_fmspc = true },
    [PCS_QE_IDENTITY] = { "qe-identity", "qe-identity", "SGX-Enclave-Identity-Issuer-Chain",
                          .by_tee = true },
    [PCS_PCK_CRL] = { "pck-crl", "crl", "SGX-PCK-CRL-Issuer-Chain", .by_ca = true },
    [PCS_ROOT_CRL] = { "root-crl", "crl", NULL },
};

const char *pcs_label(enum pcs_thing thing)
{
    return things[thing].label;
}

const char *pcs_kind(enum pcs_thing thing)
{
    return things[thing].kind;
}

const char *pcs_header(enum pcs_thing thing)
{
    return things[thing].header;
}

void pcs_detail(enum pcs_thing thing, const struct pcs_platform *platform, struct sink *out)
{
    switch (thing) {
    case PCS_TCB_INFO:
        sink_text(out, platform->tdx ? "TDX " : "SGX ");
        sink_hex(out, SPAN(platform->fmspc));
        return;
    case PCS_QE_IDENTITY:
        sink_text(out, platform->tdx ? "TD_QE" : "QE");
        return;
    case PCS_PCK_CRL:
        sink_text(out, platform->platform_ca ? "Intel SGX PCK Platform CA"
                                             : "Intel SGX PCK Processor CA");
        return;
    case PCS_ROOT_CRL:
        sink_text(out, "Intel SGX Root CA");
        return;
    case PCS_THING_COUNT:
        return;
    }
}

struct pcs_platform pcs_scope(enum pcs_thing thing, const struct pcs_platform *platform)
{
    struct pcs_platform scope = { 0 };
    scope.tdx = things[thing].by_tee && platform->tdx;
    scope.platform_ca = things[thing].by_ca && platform->platform_ca;
    if (things[thing].by_fmspc)
        memcpy(scope.fmspc, platform->fmspc, sizeof scope.fmspc);
    return scope;
}

void pcs_url(enum pcs_thing thing, const struct pcs_platform *platform, const char *base,
             struct sink *out)
{
    const char *tee = platform->tdx ? "tdx" : "sgx";
    if (thing == PCS_ROOT_CRL && strcmp(base, PCS_INTEL) == 0) {
        sink_text(out, INTEL_ROOT_CRL);
        return;
    }
    sink_text(out, base);
    switch (thing) {
    case PCS_TCB_INFO:
        sink_format(out, "/%s/certification/v4/tcb?fmspc=", tee);
        sink_hex(out, SPAN(platform->fmspc));
        return;
    case PCS_QE_IDENTITY:
        sink_format(out, "/%s/certification/v4/qe/identity", tee);
        return;
    case PCS_PCK_CRL:
        sink_format(out, "/sgx/certification/v4/pckcrl?ca=%s&encoding=der",
                    platform->platform_ca ? "platform" : "processor");
        return;
    case PCS_ROOT_CRL:
        sink_text(out, "/sgx/certification/v4/rootcacrl");
        return;
    case PCS_THING_COUNT:
        return;
    }
}

bool pcs_chain(struct span header, struct sink *out)
{
    struct cursor at = cur_over(header);
    uint8_t c;
    while (cur_u8(&at, &c)) {
        struct span digits;
        uint8_t byte;
        if (c != '%') {
            sink_u8(out, c);
            continue;
        }
        if (!cur_take(&at, 2, &digits) || !hex_decode(digits, &byte, 1))
            return false;
        sink_u8(out, byte);
    }
    if (header.len > 0)
        sink_u8(out, '\n');
    return sink_ok(out);
}
