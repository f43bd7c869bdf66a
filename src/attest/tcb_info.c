/* tcb_info.c - see tcb_info.h. */
#include "attest/tcb_info.h"

#include "base/number.h"

/* One file being read: where its values are and where its levels go. */
struct reader {
    const struct json *json;
    struct arena *arena;
    struct file_problem *problem;
};

static bool wrong(const struct reader *r, const char *what, const char *name)
{
    (void)file_problem_set(r->problem, what, name);
    return false;
}

static bool read_number(const struct reader *r, uint32_t object, const char *name, uint64_t max,
                        uint64_t *out)
{
    if (!json_u64(r->json, json_member(r->json, object, name), max, out))
        return wrong(r, "missing, or no whole number in range", name);
    return true;
}

static bool read_u16(const struct reader *r, uint32_t object, const char *name, uint16_t *out)
{
    uint64_t value;
    if (!read_number(r, object, name, UINT16_MAX, &value))
        return false;
    *out = (uint16_t)value;
    return true;
}

static bool read_u32(const struct reader *r, uint32_t object, const char *name, uint32_t *out)
{
    uint64_t value;
    if (!read_number(r, object, name, UINT32_MAX, &value))
        return false;
    *out = (uint32_t)value;
    return true;
}

static bool read_hex(const struct reader *r, uint32_t object, const char *name, void *out,
                     size_t len)
{
    if (!json_hex(r->json, json_member(r->json, object, name), out, len))
        return wrong(r, "missing, or not of the right number of hex digits", name);
    return true;
}

static bool read_time(const struct reader *r, uint32_t object, const char *name, int64_t *out)
{
    if (!json_time(r->json, json_member(r->json, object, name), out))
        return wrong(r, "missing, or no RFC 3339 time", name);
    return true;
}

/* An array of at least one and at most `max` values, and room for them. */
static bool open_array(const struct reader *r, uint32_t array, const char *name, size_t max,
                       size_t *count)
{
    if (json_type(r->json, array) != JSON_ARRAY)
        return wrong(r, "missing, or no array", name);
    size_t len = json_length(r->json, array);
    if (len == 0 || len > max)
        return wrong(r, "an empty array, or one beyond the limit", name);
    *count = len;
    return true;
}

static bool read_advisories(const struct reader *r, uint32_t level, struct tcb_verdict *out)
{
    static const char name[] = "advisoryIDs";
    uint32_t array = json_member(r->json, level, name);
    size_t count = json_length(r->json, array), i = 0;
    if (array == JSON_NONE)
        return true;
    if (json_type(r->json, array) != JSON_ARRAY || count > LEVEL_ADVISORIES_MAX)
        return wrong(r, "no array, or beyond the limit", name);
    struct span *ids = arena_array(r->arena, count, sizeof *ids);
    if (ids == NULL)
        return wrong(r, "out of memory", name);
    for (uint32_t n = json_first(r->json, array); n != JSON_NONE; n = json_next(r->json, n)) {
        if (!json_string(r->json, n, &ids[i]) || ids[i].len == 0 || ids[i].len >= ADVISORY_ID_MAX)
            return wrong(r, "no advisory id", name);
        i++;
    }
    out->advisories = ids;
    out->advisory_count = count;
    return true;
}

static bool read_verdict(const struct reader *r, uint32_t level,
                         enum tcb_status (*status_of)(struct span), struct tcb_verdict *out)
{
    struct tcb_verdict v = { 0 };
    if (!json_string(r->json, json_member(r->json, level, "tcbStatus"), &v.status_text))
        return wrong(r, "missing, or no plain text", "tcbStatus");
    v.status = status_of(v.status_text);
    if (!read_time(r, level, "tcbDate", &v.date) || !read_advisories(r, level, &v))
        return false;
    *out = v;
    return true;
}

static bool read_svn_levels(const struct reader *r, uint32_t array, const struct svn_level **levels,
                            size_t *count)
{
    size_t len, i = 0;
    if (!open_array(r, array, "tcbLevels", SVN_LEVELS_MAX, &len))
        return false;
    struct svn_level *all = arena_array(r->arena, len, sizeof *all);
    if (all == NULL)
        return wrong(r, "out of memory", "tcbLevels");
    for (uint32_t n = json_first(r->json, array); n != JSON_NONE; n = json_next(r->json, n)) {
        if (!read_u16(r, json_member(r->json, n, "tcb"), "isvsvn", &all[i].isv_svn) ||
            !read_verdict(r, n, tcb_status_of_enclave, &all[i].verdict))
            return false;
        i++;
    }
    *levels = all;
    *count = len;
    return true;
}

bool svn_levels_parse(const struct json *json, uint32_t array, struct arena *arena,
                      const struct svn_level **levels, size_t *count, struct file_problem *problem)
{
    struct reader r = { json, arena, problem };
    return read_svn_levels(&r, array, levels, count);
}

/* Version 3: an array of exactly 16 objects with an svn each. */
static bool read_components(const struct reader *r, uint32_t tcb, const char *name, uint16_t *out)
{
    uint32_t array = json_member(r->json, tcb, name);
    size_t i = 0;
    if (json_type(r->json, array) != JSON_ARRAY || json_length(r->json, array) != TCB_COMPONENTS)
        return wrong(r, "missing, or not of 16 components", name);
    for (uint32_t n = json_first(r->json, array); n != JSON_NONE; n = json_next(r->json, n))
        if (!read_u16(r, n, "svn", &out[i++]))
            return false;
    return true;
}

/* Version 2: members sgxtcbcomp01svn to sgxtcbcomp16svn. */
static bool read_named_components(const struct reader *r, uint32_t tcb, uint16_t *out)
{
    for (int i = 0; i < TCB_COMPONENTS; i++) {
        char name[] = "sgxtcbcompNNsvn";
        name[10] = (char)('0' + (i + 1) / 10);
        name[11] = (char)('0' + (i + 1) % 10);
        uint64_t value;
        if (!json_u64(r->json, json_member(r->json, tcb, name), UINT16_MAX, &value))
            return wrong(r, "missing, or no whole number in range", "sgxtcbcompNNsvn");
        out[i] = (uint16_t)value;
    }
    return true;
}

static bool read_level(const struct reader *r, const struct tcb_info *info, uint32_t node,
                       struct tcb_level *out)
{
    uint32_t tcb = json_member(r->json, node, "tcb");
    if (json_type(r->json, tcb) != JSON_OBJECT)
        return wrong(r, "missing, or no object", "tcb");
    if (info->version == 2 ? !read_named_components(r, tcb, out->sgx)
                           : !read_components(r, tcb, "sgxtcbcomponents", out->sgx))
        return false;
    if (info->tdx && !read_components(r, tcb, "tdxtcbcomponents", out->tdx))
        return false;
    return read_u16(r, tcb, "pcesvn", &out->pce_svn) &&
           read_verdict(r, node, tcb_status_of_platform, &out->verdict);
}

static bool read_levels(const struct reader *r, uint32_t object, struct tcb_info *info)
{
    uint32_t array = json_member(r->json, object, "tcbLevels");
    size_t len, i = 0;
    if (!open_array(r, array, "tcbLevels", TCB_LEVELS_MAX, &len))
        return false;
    struct tcb_level *levels = arena_array(r->arena, len, sizeof *levels);
    if (levels == NULL)
        return wrong(r, "out of memory", "tcbLevels");
    for (uint32_t n = json_first(r->json, array); n != JSON_NONE; n = json_next(r->json, n))
        if (!read_level(r, info, n, &levels[i++]))
            return false;
    info->levels = levels;
    info->level_count = len;
    return true;
}

static bool read_module(const struct reader *r, uint32_t object, struct tdx_module *out)
{
    return read_hex(r, object, "mrsigner", out->mr_signer, sizeof out->mr_signer) &&
           read_hex(r, object, "attributes", out->attributes, sizeof out->attributes) &&
           read_hex(r, object, "attributesMask", out->attributes_mask, sizeof out->attributes_mask);
}

static int hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (uint8_t)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "TDX_" and two hex digits, in any case. */
static bool read_module_id(const struct reader *r, uint32_t object, uint8_t *version)
{
    struct span id;
    if (!json_string(r->json, json_member(r->json, object, "id"), &id) || id.len != 6)
        return wrong(r, "missing, or not TDX_ with two hex digits", "id");
    int high = hex_value(id.at[4]), low = hex_value(id.at[5]);
    bool prefix = (id.at[0] | 0x20) == 't' && (id.at[1] | 0x20) == 'd' &&
                  (id.at[2] | 0x20) == 'x' && id.at[3] == '_';
    if (!prefix || high < 0 || low < 0)
        return wrong(r, "missing, or not TDX_ with two hex digits", "id");
    *version = (uint8_t)(high * 16 + low);
    return true;
}

static bool read_modules(const struct reader *r, uint32_t array, struct tcb_info *info)
{
    static const char name[] = "tdxModuleIdentities";
    size_t count = json_length(r->json, array), i = 0;
    if (json_type(r->json, array) != JSON_ARRAY || count > TDX_MODULES_MAX)
        return wrong(r, "no array, or beyond the limit", name);
    struct tdx_module *modules = arena_array(r->arena, count, sizeof *modules);
    if (modules == NULL)
        return wrong(r, "out of memory", name);
    for (uint32_t n = json_first(r->json, array); n != JSON_NONE; n = json_next(r->json, n)) {
        struct tdx_module *m = &modules[i];
        if (!(read_module_id(r, n, &m->version) && read_module(r, n, m) &&
              read_svn_levels(r, json_member(r->json, n, "tcbLevels"), &m->levels,
                              &m->level_count)))
            return false;
        for (size_t k = 0; k < i; k++)
            if (modules[k].version == m->version)
                return wrong(r, "the same module twice", name);
        i++;
    }
    info->modules = modules;
    info->module_count = count;
    return true;
}

static bool read_tdx_part(const struct reader *r, uint32_t object, struct tcb_info *info)
{
    if (!read_module(r, json_member(r->json, object, "tdxModule"), &info->module))
        return false;
    /* Absent in files from before TDX 1.5; an empty list is no list. */
    uint32_t modules = json_member(r->json, object, "tdxModuleIdentities");
    info->has_modules = modules != JSON_NONE;
    return modules == JSON_NONE || read_modules(r, modules, info);
}

static bool read_id(const struct reader *r, uint32_t object, struct tcb_info *info)
{
    uint32_t id = json_member(r->json, object, "id");
    if (info->version == 2)
        return true; /* has none: SGX only */
    info->tdx = json_equal_text(r->json, id, "TDX");
    if (!info->tdx && !json_equal_text(r->json, id, "SGX"))
        return wrong(r, "neither SGX nor TDX", "id");
    return true;
}

bool tcb_info_version(const struct signed_file *file, uint32_t *version)
{
    uint64_t value;
    if (!json_u64(&file->json, json_member(&file->json, file->value, "version"), UINT32_MAX,
                  &value))
        return false;
    *version = (uint32_t)value;
    return true;
}

bool tcb_info_parse(const struct signed_file *file, struct arena *arena, struct tcb_info *out,
                    struct file_problem *problem)
{
    struct reader r = { &file->json, arena, problem };
    struct tcb_info info = { 0 };
    uint32_t object = file->value;
    if (!read_u32(&r, object, "version", &info.version))
        return false;
    if (info.version != 2 && info.version != 3)
        return wrong(&r, "neither 2 nor 3", "version");
    if (!(read_id(&r, object, &info) && read_time(&r, object, "issueDate", &info.validity.from) &&
          read_time(&r, object, "nextUpdate", &info.validity.until) &&
          read_hex(&r, object, "fmspc", info.fmspc, sizeof info.fmspc) &&
          read_hex(&r, object, "pceId", info.pce_id, sizeof info.pce_id) &&
          read_u32(&r, object, "tcbType", &info.tcb_type) &&
          read_u32(&r, object, "tcbEvaluationDataNumber", &info.evaluation_number) &&
          (!info.tdx || read_tdx_part(&r, object, &info)) && read_levels(&r, object, &info)))
        return false;
    *out = info;
    return true;
}
