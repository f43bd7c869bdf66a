/* intel_json.c - TCB info and QE identity, signed as the service signs them (PCS API v4).
   See sim.h. */
#include "codec/json_write.h"
#include "sim/pki.h"

/* What both kinds of file share. */
struct envelope {
    const char *member; /* "tcbInfo" */
    unsigned defects;
};

/* The defects that live inside what is signed: written where the dates are. */
static void put_dates(struct json_writer *w, struct window validity, uint32_t number,
                      unsigned defects)
{
    if ((defects & SIM_JSON_MISSING_FIELD) == 0) {
        json_put_key(w, "issueDate");
        json_put_time(w, validity.from);
    }
    json_put_key(w, "nextUpdate");
    json_put_time(w, validity.until);
    json_put_key(w, "tcbEvaluationDataNumber");
    if ((defects & SIM_JSON_BAD_NUMBER) != 0)
        json_put_i64(w, -1);
    else
        json_put_u64(w, number);
    if ((defects & SIM_JSON_DUPLICATE_KEY) != 0) {
        json_put_key(w, "nextUpdate");
        json_put_time(w, TIME_MAX);
    }
}

static void put_hex(struct json_writer *w, const char *name, const void *at, size_t len)
{
    json_put_key(w, name);
    json_put_hex(w, span_of(at, len));
}

/* MISCSELECT as text: the report's bytes in their order, little endian as they are. */
static void put_u32_hex(struct json_writer *w, const char *name, uint32_t value)
{
    uint8_t bytes[4];
    struct sink out = sink_over(bytes, sizeof bytes);
    sink_u32le(&out, value);
    put_hex(w, name, bytes, sizeof bytes);
}

static void put_verdict(struct json_writer *w, const char *status, int64_t date,
                        const char *advisory)
{
    json_put_key(w, "tcbDate");
    json_put_time(w, date);
    json_put_member(w, "tcbStatus", status);
    if (advisory == NULL)
        return;
    json_put_key(w, "advisoryIDs");
    json_begin_array(w);
    json_put_text(w, advisory);
    json_end_array(w);
}

static void put_svn_levels(struct json_writer *w, const struct sim_svn_levels *levels)
{
    json_put_key(w, "tcbLevels");
    json_begin_array(w);
    for (size_t i = 0; i < levels->count; i++) {
        const struct sim_svn_level *level = &levels->at[i];
        json_begin_object(w);
        json_put_key(w, "tcb");
        json_begin_object(w);
        json_put_member_u64(w, "isvsvn", level->isv_svn);
        json_end_object(w);
        put_verdict(w, level->status, level->date, level->advisory);
        json_end_object(w);
    }
    json_end_array(w);
}

static void put_components(struct json_writer *w, const char *name, const uint8_t svns[16])
{
    json_put_key(w, name);
    json_begin_array(w);
    for (unsigned i = 0; i < 16; i++) {
        json_begin_object(w);
        json_put_member_u64(w, "svn", svns[i]);
        json_end_object(w);
    }
    json_end_array(w);
}

/* Version 2 has a member for each component. */
static void put_named_components(struct json_writer *w, const uint8_t svns[16])
{
    for (unsigned i = 0; i < 16; i++) {
        char name[32];
        struct sink text = sink_over(name, sizeof name);
        sink_format(&text, "sgxtcbcomp%02usvn", i + 1);
        json_put_key_span(w, sink_bytes(&text));
        json_put_u64(w, svns[i]);
    }
}

static void put_levels(struct json_writer *w, const struct sim_tcb_info *info, bool tdx)
{
    json_put_key(w, "tcbLevels");
    json_begin_array(w);
    for (size_t i = 0; i < info->level_count; i++) {
        const struct sim_level *level = &info->levels[i];
        json_begin_object(w);
        json_put_key(w, "tcb");
        json_begin_object(w);
        if (info->version == 2)
            put_named_components(w, level->sgx);
        else
            put_components(w, "sgxtcbcomponents", level->sgx);
        json_put_member_u64(w, "pcesvn", level->pce_svn);
        if (tdx)
            put_components(w, "tdxtcbcomponents", level->tdx);
        json_end_object(w);
        put_verdict(w, level->status, level->date, level->advisory);
        json_end_object(w);
    }
    json_end_array(w);
}

static void put_modules(struct json_writer *w, const struct sim_tcb_info *info)
{
    json_put_key(w, "tdxModule");
    json_begin_object(w);
    put_hex(w, "mrsigner", info->module_signer, sizeof info->module_signer);
    put_hex(w, "attributes", info->module_attributes, sizeof info->module_attributes);
    put_hex(w, "attributesMask", info->module_attributes_mask, sizeof info->module_attributes_mask);
    json_end_object(w);
    json_put_key(w, "tdxModuleIdentities");
    json_begin_array(w);
    for (size_t i = 0; i < info->module_count; i++) {
        const struct sim_module *module = &info->modules[i];
        json_begin_object(w);
        json_put_member(w, "id", module->id);
        put_hex(w, "mrsigner", module->mr_signer, sizeof module->mr_signer);
        put_hex(w, "attributes", module->attributes, sizeof module->attributes);
        put_hex(w, "attributesMask", module->attributes_mask, sizeof module->attributes_mask);
        put_svn_levels(w, &module->levels);
        json_end_object(w);
    }
    json_end_array(w);
}

/* {"member":<signed>,"signature":"..."}: the signature covers exactly the bytes of <signed>. */
static bool put_file(const struct sim_authority *authority, const struct envelope *envelope,
                     struct span signed_bytes, struct sink *out)
{
    uint8_t raw[ECDSA_RAW_MAX];
    if (!pki_sign(authority->keys[SIM_KEY_SIGNER], signed_bytes, raw))
        return false;
    if ((envelope->defects & SIM_JSON_BAD_SIGNATURE) != 0)
        raw[0] ^= 1;
    sink_format(out, "{\"%s\":", envelope->member);
    if ((envelope->defects & SIM_JSON_REFORMATTED) != 0) {
        sink_put(out, span_of(signed_bytes.at, 1));
        sink_text(out, " ");
        sink_put(out, span_of(signed_bytes.at + 1, signed_bytes.len - 1));
    } else {
        sink_put(out, signed_bytes);
    }
    sink_text(out, ",\"signature\":\"");
    sink_hex(out, span_of(raw, 2 * P256_COORD));
    sink_text(out, "\"}");
    if ((envelope->defects & SIM_JSON_TRAILING) != 0)
        sink_text(out, "{}");
    return sink_ok(out);
}

bool sim_tcb_info(const struct sim_authority *authority, const struct sim_spec *spec,
                  struct sink *out)
{
    uint8_t bytes[SIM_COLLATERAL_MAX / 2];
    const struct sim_tcb_info *info = &spec->tcb_info;
    bool tdx = evidence_kind_is_tdx(spec->kind);
    struct sink text = sink_over(bytes, sizeof bytes);
    struct json_writer w = json_write_to(&text, 0);
    json_begin_object(&w);
    if (info->version != 2) {
        json_put_member(&w, "id", info->id != NULL ? info->id : tdx ? "TDX" : "SGX");
    }
    json_put_member_u64(&w, "version", info->version);
    put_dates(&w, info->validity, info->evaluation_number, info->defects);
    put_hex(&w, "fmspc", info->fmspc, sizeof info->fmspc);
    put_hex(&w, "pceId", info->pce_id, sizeof info->pce_id);
    json_put_member_u64(&w, "tcbType", info->tcb_type);
    if (tdx)
        put_modules(&w, info);
    put_levels(&w, info, tdx);
    json_end_object(&w);
    return json_write_ok(&w) && put_file(authority, &(struct envelope){ "tcbInfo", info->defects },
                                         sink_bytes(&text), out);
}

bool sim_qe_identity(const struct sim_authority *authority, const struct sim_spec *spec,
                     struct sink *out)
{
    uint8_t bytes[4096];
    const struct sim_qe_identity *qe = &spec->qe_identity;
    bool tdx = evidence_kind_is_tdx(spec->kind);
    struct sink text = sink_over(bytes, sizeof bytes);
    struct json_writer w = json_write_to(&text, 0);
    json_begin_object(&w);
    json_put_member(&w, "id", qe->id != NULL ? qe->id : tdx ? "TD_QE" : "QE");
    json_put_member_u64(&w, "version", qe->version);
    put_dates(&w, qe->validity, qe->evaluation_number, qe->defects);
    put_u32_hex(&w, "miscselect", qe->misc_select);
    put_u32_hex(&w, "miscselectMask", qe->misc_select_mask);
    put_hex(&w, "attributes", qe->attributes, sizeof qe->attributes);
    put_hex(&w, "attributesMask", qe->attributes_mask, sizeof qe->attributes_mask);
    put_hex(&w, "mrsigner", qe->mr_signer, sizeof qe->mr_signer);
    json_put_member_u64(&w, "isvprodid", qe->isv_prod_id);
    put_svn_levels(&w, &qe->levels);
    json_end_object(&w);
    return json_write_ok(&w) &&
           put_file(authority, &(struct envelope){ "enclaveIdentity", qe->defects },
                    sink_bytes(&text), out);
}
