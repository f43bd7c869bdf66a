/* pck.c - see pck.h. */
#include "attest/pck.h"

#include <string.h>

#include "base/cursor.h"
#include "base/number.h"
#include "codec/der.h"
#include "codec/pem.h"

/* 1.2.840.113741.1.13.1; its parts are one arc longer, the parts of those two. */
static const uint8_t sgx_oid[] = { 0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01 };

/* Last arcs below sgx_oid. */
enum sgx_part {
    SGX_PPID = 1,
    SGX_TCB,
    SGX_PCE_ID,
    SGX_FMSPC,
    SGX_TYPE,
    SGX_INSTANCE_ID,
    SGX_CONFIGURATION,
    SGX_PARTS
};

/* Last arcs below SGX_TCB: 1..16 are the components. */
enum { TCB_PCE_SVN = 17, TCB_CPU_SVN = 18, TCB_PARTS };

/* Last arcs below SGX_CONFIGURATION. */
enum { CONFIGURATION_DYNAMIC = 1, CONFIGURATION_CACHED_KEYS, CONFIGURATION_SMT };

enum { SGX_TYPE_MAX = 2 }; /* standard, scalable, scalable with integrity */

/* --- the chain ----------------------------------------------------------------------- */

const char *pck_cert_name(size_t index)
{
    static const char *const names[PCK_CHAIN_LEN] = { "PCK leaf certificate",
                                                      "intermediate CA certificate",
                                                      "root CA certificate" };
    return index < PCK_CHAIN_LEN ? names[index] : "certificate";
}

/* Reads the next certificate of a PEM text. */
static const char *read_cert(struct cursor *in, struct sink *der, struct x509_cert *out)
{
    struct span label;
    size_t from = sink_bytes(der).len;
    if (cur_end(in))
        return "the chain has fewer than three certificates";
    if (!pem_next(in, &label, der))
        return sink_ok(der) ? "not well-formed PEM" : "the chain is too large";
    if (!span_equal_text(label, "CERTIFICATE"))
        return "a PEM block that is no certificate";
    struct span all = sink_bytes(der);
    if (!x509_parse(span_of(all.at + from, all.len - from), out))
        return "not a well-formed certificate";
    return NULL;
}

static bool is_tail(const struct pck_tail *tail, struct span rest)
{
    return tail != NULL && tail->text_len > 0 &&
           span_equal(rest, span_of(tail->text, tail->text_len));
}

const char *pck_chain_read(struct span pem, const struct pck_tail *tail, struct sink *der,
                           struct x509_cert certs[PCK_CHAIN_LEN], size_t *which)
{
    struct cursor in = cur_over(pem);
    for (size_t i = 0; i < PCK_CHAIN_LEN; i++) {
        *which = i;
        if (i == PCK_INTERMEDIATE && is_tail(tail, cur_rest(&in))) {
            memcpy(&certs[i], tail->certs, sizeof tail->certs);
            return NULL;
        }
        const char *problem = read_cert(&in, der, &certs[i]);
        if (problem != NULL)
            return problem;
    }
    return cur_end(&in) ? NULL : "more than three certificates, or bytes after them";
}

void pck_tail_keep(struct pck_tail *tail, struct span pem,
                   const struct x509_cert certs[PCK_CHAIN_LEN])
{
    static const char begin[] = "-----BEGIN ";
    struct cursor in = cur_over(pem);
    struct sink der = sink_over(tail->der, sizeof tail->der);
    tail->text_len = 0;
    if (!cur_skip(&in, sizeof begin))
        return;
    struct span rest = cur_rest(&in);
    const uint8_t *second = memmem(rest.at, rest.len, begin, sizeof begin - 1);
    if (second == NULL || !cur_skip(&in, (size_t)(second - rest.at)) ||
        cur_left(&in) > sizeof tail->text)
        return;
    rest = cur_rest(&in);
    for (size_t i = 0; i < COUNT_OF(tail->certs); i++) {
        size_t from = der.len;
        sink_put(&der, certs[PCK_INTERMEDIATE + i].whole);
        struct span all = sink_bytes(&der);
        if (!sink_ok(&der) || !x509_parse(span_of(all.at + from, all.len - from), &tail->certs[i]))
            return;
    }
    memcpy(tail->text, rest.at, rest.len);
    tail->text_len = rest.len;
}

/* X.520: the values of these attributes are DirectoryString or IA5String. */
static bool is_text_tag(uint8_t tag)
{
    return tag == DER_UTF8_STRING || tag == DER_PRINTABLE_STRING || tag == DER_TELETEX_STRING ||
           tag == DER_IA5_STRING || tag == DER_BMP_STRING;
}

static bool name_is_text(struct span name)
{
    struct cursor in = cur_over(name), names, set, pair;
    struct span oid;
    struct der value;
    if (!der_open(&in, DER_SEQUENCE, &names))
        return false;
    while (!cur_end(&names)) {
        if (!der_open(&names, DER_SET, &set))
            return false;
        while (!cur_end(&set))
            if (!(der_open(&set, DER_SEQUENCE, &pair) && der_oid(&pair, &oid) &&
                  der_read(&pair, &value) && is_text_tag(value.tag) && cur_end(&pair)))
                return false;
    }
    return true;
}

bool pck_ca_is_platform(const struct x509_cert *intermediate)
{
    return span_equal_text(intermediate->common_name, "Intel SGX PCK Platform CA");
}

const char *pck_names_problem(const struct x509_cert certs[PCK_CHAIN_LEN], size_t *which)
{
    for (size_t i = 0; i < PCK_CHAIN_LEN; i++) {
        *which = i;
        if (!name_is_text(certs[i].subject))
            return "a value of its subject is not text";
    }
    *which = PCK_LEAF;
    if (!span_equal_text(certs[PCK_LEAF].common_name, "Intel SGX PCK Certificate"))
        return "it is not named Intel SGX PCK Certificate";
    *which = PCK_INTERMEDIATE;
    if (!pck_ca_is_platform(&certs[PCK_INTERMEDIATE]) &&
        !span_equal_text(certs[PCK_INTERMEDIATE].common_name, "Intel SGX PCK Processor CA"))
        return "it is named neither Intel SGX PCK Platform CA nor Processor CA";
    *which = PCK_ROOT;
    if (!span_equal_text(certs[PCK_ROOT].common_name, "Intel SGX Root CA"))
        return "it is not named Intel SGX Root CA";
    return NULL;
}

/* --- the SGX extension --------------------------------------------------------------- */

/* One pair of a list: the last arc of its identifier below `parent`, and a cursor over its
   value. */
static bool read_pair(struct cursor *in, struct span parent, unsigned limit, unsigned *arc,
                      struct cursor *value)
{
    struct cursor pair, below;
    struct span oid;
    uint8_t last;
    if (!der_open(in, DER_SEQUENCE, &pair) || !der_oid(&pair, &oid))
        return false;
    below = cur_over(oid);
    if (!(cur_expect(&below, parent) && cur_u8(&below, &last) && cur_end(&below)) || last == 0 ||
        last >= limit)
        return false;
    *arc = last;
    *value = pair;
    return true;
}

/* Marks a part as met; false when it was before. */
static bool first_time(uint32_t *met, unsigned part)
{
    uint32_t bit = UINT32_C(1) << part;
    if ((*met & bit) != 0)
        return false;
    *met |= bit;
    return true;
}

static bool read_octets(struct cursor *in, void *out, size_t len)
{
    struct span value;
    if (!der_take(in, DER_OCTET_STRING, &value) || value.len != len || !cur_end(in))
        return false;
    struct cursor bytes = cur_over(value);
    return cur_copy(&bytes, out, len);
}

static bool read_number(struct cursor *in, uint32_t max, uint32_t *out)
{
    uint32_t value;
    if (!der_small(in, &value) || value > max || !cur_end(in))
        return false;
    *out = value;
    return true;
}

static const char *read_tcb_part(unsigned part, struct cursor *value, struct pck_claims *out)
{
    uint32_t number = 0;
    if (part == TCB_CPU_SVN)
        return read_octets(value, out->cpu_svn, sizeof out->cpu_svn) ? NULL
                                                                     : "CPUSVN is not 16 octets";
    if (part == TCB_PCE_SVN) {
        if (!read_number(value, UINT16_MAX, &number))
            return "PCESVN is not a number from 0 to 65535";
        out->pce_svn = (uint16_t)number;
        return NULL;
    }
    if (!read_number(value, UINT8_MAX, &number))
        return "a TCB component's SVN is not a number from 0 to 255";
    out->comp_svn[part - 1] = (uint8_t)number;
    return NULL;
}

static const char *read_tcb(struct cursor *value, struct pck_claims *out)
{
    static const uint8_t oid[] = { 0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01, 0x02 };
    struct cursor list, part_value;
    uint32_t met = 0;
    if (!der_open(value, DER_SEQUENCE, &list) || !cur_end(value))
        return "the TCB is not one list";
    while (!cur_end(&list)) {
        unsigned part;
        if (!read_pair(&list, SPAN(oid), TCB_PARTS, &part, &part_value))
            return "a part of the TCB is malformed or unknown";
        if (!first_time(&met, part))
            return "a part of the TCB stands twice";
        const char *problem = read_tcb_part(part, &part_value, out);
        if (problem != NULL)
            return problem;
    }
    /* Bits 1 to 18. */
    return met == (UINT32_C(1) << TCB_PARTS) - 2 ? NULL : "a part of the TCB is missing";
}

static const char *read_configuration(struct cursor *value, struct pck_claims *out)
{
    static const uint8_t oid[] = { 0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01, 0x07 };
    enum flag *const flags[] = { [CONFIGURATION_DYNAMIC] = &out->dynamic_platform,
                                 [CONFIGURATION_CACHED_KEYS] = &out->cached_keys,
                                 [CONFIGURATION_SMT] = &out->smt_enabled };
    struct cursor list, part_value;
    uint32_t met = 0;
    if (!der_open(value, DER_SEQUENCE, &list) || !cur_end(value))
        return "the configuration is not one list";
    while (!cur_end(&list)) {
        unsigned part;
        bool on;
        if (!read_pair(&list, SPAN(oid), COUNT_OF(flags), &part, &part_value))
            return "a flag of the configuration is malformed or unknown";
        if (!first_time(&met, part))
            return "a flag of the configuration stands twice";
        if (!der_bool(&part_value, &on) || !cur_end(&part_value))
            return "a flag of the configuration is no boolean";
        *flags[part] = on ? FLAG_TRUE : FLAG_FALSE;
    }
    return NULL;
}

static const char *read_part(unsigned part, struct cursor *value, struct pck_claims *out)
{
    uint8_t unused[16];
    uint32_t type;
    switch ((enum sgx_part)part) {
    case SGX_PPID:
        return read_octets(value, unused, 16) ? NULL : "PPID is not 16 octets";
    case SGX_TCB:
        return read_tcb(value, out);
    case SGX_PCE_ID:
        return read_octets(value, out->pce_id, sizeof out->pce_id) ? NULL
                                                                   : "PCE id is not 2 octets";
    case SGX_FMSPC:
        return read_octets(value, out->fmspc, sizeof out->fmspc) ? NULL : "FMSPC is not 6 octets";
    case SGX_TYPE:
        if (!der_enumerated(value, &type) || type > SGX_TYPE_MAX || !cur_end(value))
            return "the SGX type is not one of the three";
        return NULL;
    case SGX_INSTANCE_ID:
        return read_octets(value, unused, 16) ? NULL : "the instance id is not 16 octets";
    case SGX_CONFIGURATION:
        return read_configuration(value, out);
    case SGX_PARTS:
        break;
    }
    return "a part is unknown";
}

const char *pck_extension_parse(struct span extension, bool platform_ca, struct pck_claims *out)
{
    static const uint32_t always = 1u << SGX_PPID | 1u << SGX_TCB | 1u << SGX_PCE_ID |
                                   1u << SGX_FMSPC | 1u << SGX_TYPE;
    static const uint32_t platform = 1u << SGX_INSTANCE_ID | 1u << SGX_CONFIGURATION;
    struct cursor in = cur_over(extension), list, value;
    struct pck_claims claims = { .platform_ca = platform_ca };
    uint32_t met = 0;
    if (!der_open(&in, DER_SEQUENCE, &list) || !cur_end(&in))
        return "the extension is not one list";
    while (!cur_end(&list)) {
        unsigned part;
        if (!read_pair(&list, SPAN(sgx_oid), SGX_PARTS, &part, &value))
            return "a part is malformed or unknown";
        if (!first_time(&met, part))
            return "a part stands twice";
        const char *problem = read_part(part, &value, &claims);
        if (problem != NULL)
            return problem;
    }
    if ((met & always) != always)
        return "PPID, TCB, PCE id, FMSPC or SGX type is missing";
    if (platform_ca && (met & platform) != platform)
        return "instance id or configuration is missing in a certificate of the Platform CA";
    if (!platform_ca && (met & platform) != 0)
        return "instance id or configuration in a certificate of the Processor CA";
    *out = claims;
    return NULL;
}

const char *pck_extension_read(const struct x509_cert *leaf, bool platform_ca,
                               struct pck_claims *out)
{
    struct span extension;
    if (!x509_extension(leaf, SPAN(sgx_oid), &extension))
        return "the SGX extension is missing";
    return pck_extension_parse(extension, platform_ca, out);
}
