/* qe_identity.c - see qe_identity.h. */
#include "attest/qe_identity.h"

#include "attest/tcb_info.h"
#include "base/cursor.h"

enum { SGX_FLAG_DEBUG = 0x02 }; /* ATTRIBUTES.FLAGS bit 1 */

bool qe_identity_version(const struct signed_file *file, uint32_t *version)
{
    return tcb_info_version(file, version);
}

/* The text gives the report's four bytes in their order, and a report is little endian: the
   text is not the number's hex, whose digits would come in another order.  (Every genuine
   value so far is zero; the library's own test set tells the two apart.) */
static bool read_misc_select(const struct json *json, uint32_t node, uint32_t *out)
{
    uint8_t b[4];
    if (!json_hex(json, node, b, sizeof b))
        return false;
    struct cursor in = cur_over(SPAN(b));
    return cur_u32le(&in, out);
}

static enum qe_id id_of(struct span text)
{
    if (span_equal_text(text, "QE"))
        return QE_ID_SGX;
    return span_equal_text(text, "TD_QE") ? QE_ID_TDX : QE_ID_OTHER;
}

static bool read_masked(const struct json *json, uint32_t object, struct qe_identity *out,
                        struct file_problem *problem)
{
    if (!(read_misc_select(json, json_member(json, object, "miscselect"), &out->misc_select) &&
          read_misc_select(json, json_member(json, object, "miscselectMask"),
                           &out->misc_select_mask)))
        return file_problem_set(problem, "missing, or not 8 hex digits", "miscselect");
    if (!(json_hex(json, json_member(json, object, "attributes"), out->attributes,
                   sizeof out->attributes) &&
          json_hex(json, json_member(json, object, "attributesMask"), out->attributes_mask,
                   sizeof out->attributes_mask)))
        return file_problem_set(problem, "missing, or not 32 hex digits", "attributes");
    return true;
}

bool qe_identity_parse(const struct signed_file *file, struct arena *arena, struct qe_identity *out,
                       struct file_problem *problem)
{
    const struct json *json = &file->json;
    uint32_t object = file->value;
    struct qe_identity q = { 0 };
    uint64_t evaluation, product;
    if (!qe_identity_version(file, &q.version) || q.version != 2)
        return file_problem_set(problem, "missing, or not 2", "version");
    if (!json_string(json, json_member(json, object, "id"), &q.id_text))
        return file_problem_set(problem, "missing, or no plain text", "id");
    q.id = id_of(q.id_text);
    if (!json_time(json, json_member(json, object, "issueDate"), &q.validity.from))
        return file_problem_set(problem, "missing, or no RFC 3339 time", "issueDate");
    if (!json_time(json, json_member(json, object, "nextUpdate"), &q.validity.until))
        return file_problem_set(problem, "missing, or no RFC 3339 time", "nextUpdate");
    if (!json_u64(json, json_member(json, object, "tcbEvaluationDataNumber"), UINT32_MAX,
                  &evaluation))
        return file_problem_set(problem, "missing, or no whole number in range",
                                "tcbEvaluationDataNumber");
    if (!json_u64(json, json_member(json, object, "isvprodid"), UINT16_MAX, &product))
        return file_problem_set(problem, "missing, or no whole number in range", "isvprodid");
    if (!json_hex(json, json_member(json, object, "mrsigner"), q.mr_signer, sizeof q.mr_signer))
        return file_problem_set(problem, "missing, or not 64 hex digits", "mrsigner");
    q.evaluation_number = (uint32_t)evaluation;
    q.isv_prod_id = (uint16_t)product;
    if (!read_masked(json, object, &q, problem) ||
        !svn_levels_parse(json, json_member(json, object, "tcbLevels"), arena, &q.levels,
                          &q.level_count, problem))
        return false;
    *out = q;
    return true;
}

const char *qe_identity_mismatch(const struct qe_identity *identity,
                                 const struct sgx_claims *report)
{
    if ((report->misc_select & identity->misc_select_mask) != identity->misc_select)
        return "MISCSELECT";
    for (size_t i = 0; i < sizeof report->attributes; i++)
        if ((report->attributes[i] & identity->attributes_mask[i]) != identity->attributes[i])
            return "ATTRIBUTES";
    /* Every published mask covers it; asserted, because a debug quoting enclave gives its
       attestation key to whoever asks. */
    if ((report->attributes[0] & SGX_FLAG_DEBUG) != 0)
        return "ATTRIBUTES (debug)";
    if (!bytes_equal(report->mr_signer, identity->mr_signer, sizeof identity->mr_signer))
        return "MRSIGNER";
    if (report->isv_prod_id != identity->isv_prod_id)
        return "ISVPRODID";
    return NULL;
}
