/* collateral_days.c - writes what the test authority publishes on each of many days, for tests
   that fetch daily:

       collateral_days DIR DAYS

   DIR/root.pem, DIR/quote.bin and DIR/0, DIR/1 ..: one folder a day, the first being that of
   SIM_SET_TIME.  The certificates are the same on all days. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "sim/sim.h"

enum { DAY = 86400, ROOM = 64 * 1024 };

typedef bool(writer)(const struct sim_authority *, const struct sim_spec *, struct sink *);

static const struct {
    const char *name;
    enum evidence_kind kind;
    writer *write;
} files[] = {
    { "tcbinfo_tdx.json", EVIDENCE_TDX_V4, sim_tcb_info },
    { "tcbinfo_sgx.json", EVIDENCE_SGX_V3, sim_tcb_info },
    { "qeidentity_td_qe.json", EVIDENCE_TDX_V4, sim_qe_identity },
    { "qeidentity_qe.json", EVIDENCE_SGX_V3, sim_qe_identity },
    { "crl_platform.der", EVIDENCE_TDX_V4, sim_pck_crl },
    { "crl_root.der", EVIDENCE_TDX_V4, sim_root_crl },
    { "tcb_signing.pem", EVIDENCE_TDX_V4, sim_signing_chain },
    { "pck_chain.pem", EVIDENCE_TDX_V4, sim_pck_chain },
};

static bool put(const char *folder, const char *name, writer *write,
                const struct sim_authority *authority, const struct sim_spec *spec)
{
    static uint8_t room[ROOM];
    char path[4096];
    struct sink out = sink_over(room, sizeof room);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    if (file == NULL)
        return false;
    bool done = write(authority, spec, &out) && fwrite(room, 1, out.len, file) == out.len;
    return fclose(file) == 0 && done;
}

/* The day's own dates on the certificates of the first day. */
static struct sim_spec spec_of(enum evidence_kind kind, int64_t day)
{
    struct sim_spec spec = sim_spec_default(kind, SIM_SET_TIME);
    const struct sim_spec dated = sim_spec_default(kind, SIM_SET_TIME + day * DAY);
    spec.tcb_info.validity = dated.tcb_info.validity;
    spec.qe_identity.validity = dated.qe_identity.validity;
    spec.pck_crl.validity = dated.pck_crl.validity;
    spec.root_crl.validity = dated.root_crl.validity;
    return spec;
}

static bool write_day(const struct sim_authority *authority, const char *root, int64_t day)
{
    char folder[2048];
    snprintf(folder, sizeof folder, "%s/%d", root, (int)day);
    if (mkdir(folder, 0777) != 0)
        return false;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        const struct sim_spec spec = spec_of(files[i].kind, day);
        if (!put(folder, files[i].name, files[i].write, authority, &spec))
            return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    struct sim_authority authority;
    if (argc != 3 || !sim_authority_init(&authority, span_text("ward collateral days")))
        return 2;
    const struct sim_spec spec = spec_of(EVIDENCE_TDX_V4, 0);
    bool done = put(argv[1], "root.pem", sim_root, &authority, &spec) &&
                put(argv[1], "quote.bin", sim_quote, &authority, &spec);
    for (int64_t day = 0; done && day < strtol(argv[2], NULL, 10); day++)
        done = write_day(&authority, argv[1], day);
    sim_authority_fini(&authority);
    return done ? 0 : 1;
}
