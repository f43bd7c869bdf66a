/* authority.c - the keys of the test authority, derived from a seed.  See sim.h. */
#include "sim/sim.h"

static const struct {
    const char *name;
    enum curve curve;
} key_table[SIM_KEY_COUNT] = {
    [SIM_KEY_ROOT] = { "sgx root", CURVE_P256 },
    [SIM_KEY_CA] = { "pck ca", CURVE_P256 },
    [SIM_KEY_SIGNER] = { "tcb signing", CURVE_P256 },
    [SIM_KEY_PCK] = { "pck", CURVE_P256 },
    [SIM_KEY_ATTESTATION] = { "attestation", CURVE_P256 },
    [SIM_KEY_STRANGER] = { "stranger", CURVE_P256 },
    [SIM_KEY_NITRO_ROOT] = { "nitro root", CURVE_P384 },
    [SIM_KEY_NITRO_REGION] = { "nitro region", CURVE_P384 },
    [SIM_KEY_NITRO_ZONE] = { "nitro zone", CURVE_P384 },
    [SIM_KEY_NITRO_INSTANCE] = { "nitro instance", CURVE_P384 },
    [SIM_KEY_NITRO_LEAF] = { "nitro leaf", CURVE_P384 },
    [SIM_KEY_NITRO_STRANGER] = { "nitro stranger", CURVE_P384 },
};

static bool derive(struct sim_authority *authority, struct span seed, unsigned count)
{
    struct sim_authority made = { 0 };
    for (unsigned i = 0; i < count; i++) {
        made.keys[i] = ecdsa_secret_from_seed(key_table[i].curve, seed, key_table[i].name);
        if (made.keys[i] == NULL || !ecdsa_secret_point(made.keys[i], made.points[i])) {
            sim_authority_fini(&made);
            return false;
        }
    }
    *authority = made;
    return true;
}

bool sim_authority_init(struct sim_authority *authority, struct span seed)
{
    return derive(authority, seed, SIM_KEY_COUNT);
}

bool sim_authority_init_intel(struct sim_authority *authority, struct span seed)
{
    return derive(authority, seed, SIM_KEY_NITRO_ROOT);
}

void sim_authority_fini(struct sim_authority *authority)
{
    for (unsigned i = 0; i < SIM_KEY_COUNT; i++)
        ecdsa_secret_free(&authority->keys[i]);
    *authority = (struct sim_authority){ 0 };
}

bool sim_quoting_scalar(struct span seed, uint8_t scalar[P256_COORD])
{
    return ecdsa_scalar_from_seed(CURVE_P256, seed, key_table[SIM_KEY_ATTESTATION].name, scalar);
}

struct span sim_point(const struct sim_authority *authority, enum sim_key key)
{
    return span_of(authority->points[key],
                   key_table[key].curve == CURVE_P384 ? P384_POINT : P256_POINT);
}
