/* config_tenants.c - the tables [tenants.NAME]: their key, and what is wrong of them together.
   See config.h. */
#include "base/number.h"
#include "proc/config_reader.h"

static const struct config_key keys[] = {
    { "tenants.NAME.share", CONFIG_SHARE, offsetof(struct tenant_settings, share), NULL, 1,
      SETTING_SHARE_WHOLE, .derived = "none: it must be set", .reloads = true,
      .summary = "the tenant's part of what the node has for jobs, like 0.5: a specification says "
                 "with `tenant` whose job it is, and what all shares leave is of those that say "
                 "nothing" },
};
_Static_assert(COUNT_OF(keys) == CONFIG_TENANT_KEYS, "struct config has a place for each");

/* The rows before it were judged. */
static void judge(struct reader *r, const struct place *place, const void *row)
{
    const struct tenant_settings *tenant = row;
    const struct settings *settings = &r->config.settings;
    uint64_t all = 0;
    if (tenant->share == 0) {
        reader_problem(r, place, NULL, "tenants.%s needs a share, like 0.5", tenant->name);
        return;
    }
    for (uint32_t i = 0; i < settings->tenant_count; i++)
        all += settings->tenants[i].share;
    if (all > SETTING_SHARE_WHOLE)
        reader_problem(r, place, NULL,
                       "with tenants.%s the shares are %llu.%06llu together and may be 1",
                       tenant->name, (unsigned long long)(all / SETTING_SHARE_WHOLE),
                       (unsigned long long)(all % SETTING_SHARE_WHOLE));
}

const struct config_table config_tenants = {
    .section = "tenants",
    .one = "tenant",
    .keys = keys,
    .key_count = COUNT_OF(keys),
    .most = SETTING_TENANTS_MAX,
    .name_room = SETTING_TENANT_NAME_MAX,
    .row_size = sizeof(struct tenant_settings),
    .rows = offsetof(struct settings, tenants),
    .count = offsetof(struct settings, tenant_count),
    .origins = offsetof(struct config, tenant_origins),
    .judge = judge,
};
