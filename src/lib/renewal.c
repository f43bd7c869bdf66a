/* renewal.c - see renewal.h. */
#include "lib/renewal.h"

#include <string.h>

#include "base/number.h"
#include "base/time.h"

/* The names of what is judged together. */
static const char reply_name[] = "reply", chain_name[] = "chain";

struct fault {
    enum reason reason;
    const char *why;
};

static const struct fault none = { REASON_OK, "" };

/* What is wrong with a reply as a whole, or its one item. */
static struct fault fault_of_reply(const struct renewal *renewal, const struct ward_collateral *got,
                                   struct ward_collateral_item *out)
{
    struct ward_collateral_item item = { 0 };
    char detail[WARD_COLLATERAL_DETAIL];
    struct sink wanted = sink_over(detail, sizeof detail);
    size_t found = 0;
    for (size_t i = 0; ward_collateral_item(got, i, &item); i++) {
        if (strcmp(item.name, reply_name) == 0) {
            *out = item;
            found++;
        }
        if (strcmp(item.name, chain_name) == 0 &&
            (!item.genuine || strcmp(item.kind, "certificate") != 0))
            return (struct fault){ REASON_FETCH_NOT_GENUINE,
                                   "its issuer chain does not lead to a trusted root" };
    }
    pcs_detail(renewal->thing, &renewal->platform, &wanted);
    sink_terminate(&wanted);
    if (found != 1 || strcmp(out->kind, pcs_kind(renewal->thing)) != 0 ||
        (out->genuine && strcmp(out->detail, detail) != 0))
        return (struct fault){ REASON_FETCH_NOT_ASKED_FOR, "not what was asked for" };
    return none;
}

/* A newer one of the same thing that is held makes the reply a rollback. */
static bool is_rollback(const struct ward_collateral *held, const struct ward_collateral_item *got)
{
    struct ward_collateral_item item;
    for (size_t i = 0; ward_collateral_item(held, i, &item); i++) {
        if (!item.genuine || strcmp(item.kind, got->kind) != 0 ||
            strcmp(item.detail, got->detail) != 0)
            continue;
        if (item.evaluation_number > got->evaluation_number || item.valid_from > got->valid_from)
            return true;
    }
    return false;
}

static struct fault fault_of_item(const struct renewal *renewal, const struct ward_collateral *held,
                                  const struct ward_collateral_item *item)
{
    struct window window = { item->valid_from, item->valid_until };
    if (!item->genuine)
        return (struct fault){ REASON_FETCH_NOT_GENUINE, item->problem };
    switch (window_side_of(window, renewal->now)) {
    case WINDOW_BEFORE:
        return (struct fault){ REASON_FETCH_NOT_VALID, "not valid yet" };
    case WINDOW_AFTER:
        return (struct fault){ REASON_FETCH_NOT_VALID, "expired" };
    case WINDOW_INSIDE:
        break;
    }
    if (is_rollback(held, item))
        return (struct fault){ REASON_FETCH_OLDER, "older than what is held" };
    return none;
}

static struct ward_bytes file_of(struct span bytes, const char *name)
{
    return (struct ward_bytes){ bytes.at, bytes.len, name };
}

enum reason renewal_judge(const struct renewal *renewal, struct ward_collateral_item *out,
                          const char **why)
{
    const struct ward_bytes files[] = {
        file_of(renewal->reply, reply_name),
        file_of(renewal->chain, chain_name),
        file_of(renewal->chains, "chains before"),
    };
    const struct ward_collateral_files got = { .pool = files, .pool_count = COUNT_OF(files) };
    struct ward_collateral *before = NULL, *after = NULL;
    struct ward_collateral_item item = { 0 };
    struct fault fault = { REASON_OUT_OF_MEMORY, "out of memory" };
    if (ward_collateral_new(renewal->held, renewal->policy, &before, NULL) == WARD_DONE &&
        ward_collateral_new(&got, renewal->policy, &after, NULL) == WARD_DONE)
        fault = fault_of_reply(renewal, after, &item);
    if (fault.reason == REASON_OK)
        fault = fault_of_item(renewal, before, &item);
    item.name = reply_name;
    ward_collateral_free(&before);
    ward_collateral_free(&after);
    if (fault.reason == REASON_OK)
        *out = item;
    else
        *why = fault.why;
    return fault.reason;
}
