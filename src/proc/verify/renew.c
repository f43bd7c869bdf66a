/* renew.c - see verify.h: whether what a provider gave may take the place of what is held, in a
   child that can do nothing else. */
#include "lib/renewal.h"
#include "proc/verify/verify.h"
#include "ward/policy.h"

static bool read_question(struct span bytes, struct renewal *out, uint8_t *place)
{
    struct cursor in = cur_over(bytes);
    uint8_t thing = 0, tdx = 0, platform_ca = 0;
    if (!(cur_u8(&in, place) && *place < COLLATERAL_PLACES && cur_u8(&in, &thing) &&
          thing < PCS_THING_COUNT && cur_u8(&in, &tdx) && tdx <= 1 && cur_u8(&in, &platform_ca) &&
          platform_ca <= 1 && cur_copy(&in, out->platform.fmspc, sizeof out->platform.fmspc) &&
          get_bytes(&in, COLLATERAL_CHAIN_MAX, &out->chain) &&
          get_bytes(&in, COLLATERAL_BODY_MAX, &out->reply) &&
          get_bytes(&in, COLLATERAL_CHAIN_MAX, &out->chains) && cur_end(&in)))
        return false;
    out->thing = (enum pcs_thing)thing;
    out->platform.tdx = tdx != 0;
    out->platform.platform_ca = platform_ca != 0;
    return true;
}

static struct ward_policy *policy_of(const struct verify_held *held)
{
    struct ward_policy *policy = NULL;
    const struct ward_bytes root = { held->root.at, held->root.len, "collateral.root_file" };
    if (ward_policy_new(&policy, NULL) != WARD_DONE)
        return NULL;
    if (root.len > 0 && ward_policy_add_root(policy, root, NULL) != WARD_DONE)
        ward_policy_free(&policy);
    return policy;
}

void verify_renew(const struct verify_held *held, struct span request, int64_t now,
                  struct sink *answer)
{
    struct renewal renewal = { .now = now };
    struct ward_collateral_files before = { 0 };
    struct ward_collateral_item item = { 0 };
    const char *why = "collateral.root_file is no root certificate";
    enum reason reason = REASON_FETCH_NOT_GENUINE;
    uint8_t place = 0, bytes[20];
    struct sink dates = sink_over(bytes, sizeof bytes);
    struct ward_policy *policy = policy_of(held);
    if (policy != NULL && read_question(request, &renewal, &place)) {
        const struct verify_piece *old = &held->places[place];
        const struct ward_bytes pool[] = { { old->body, old->body_len, "" },
                                           { old->chain, old->chain_len, "" } };
        before.pool = pool;
        before.pool_count = old->body_len > 0 ? 2 : 0;
        renewal.policy = policy;
        renewal.held = &before;
        reason = renewal_judge(&renewal, &item, &why);
    }
    if (reason == REASON_OK) {
        why = "";
        sink_u64le(&dates, (uint64_t)item.valid_from);
        sink_u64le(&dates, (uint64_t)item.valid_until);
        sink_u32le(&dates, item.evaluation_number);
    }
    sink_u16le(answer, (uint16_t)reason);
    put_bytes(answer, span_text(why));
    put_bytes(answer, sink_bytes(&dates));
    ward_policy_free(&policy);
}
