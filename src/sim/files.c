/* files.c - what is published of an authority, by the names of the files.  See sim.h. */
#include "sim/sim.h"

const struct sim_published sim_root_file = { "root.pem", sim_root };

const struct sim_published sim_collateral_files[SIM_COLLATERAL_FILES] = {
    { "collateral/tcb-info.json", sim_tcb_info },
    { "collateral/qe-identity.json", sim_qe_identity },
    { "collateral/pck-crl.crl", sim_pck_crl },
    { "collateral/root-crl.crl", sim_root_crl },
    { "collateral/signing-chain.pem", sim_signing_chain },
};
