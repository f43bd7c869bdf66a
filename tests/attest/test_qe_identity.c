/* test_qe_identity.c - the schema of a QE identity, and the comparison with a report. */
#include <stdio.h>
#include <string.h>

#include "attest/qe_identity.h"
#include "base/number.h"
#include "test.h"
#include "vectors.h"

enum { ROOM = 1 << 16 };

static bool read_file(struct span text, struct qe_identity *out, struct file_problem *problem)
{
    static uint8_t room[ROOM];
    struct arena arena = arena_over(room, sizeof room);
    struct signed_file file;
    return signed_file_open(text, &arena, &file, problem) &&
           qe_identity_parse(&file, &arena, out, problem);
}

#define SIG16 "0011223344556677"
static const char whole[] =
    "{\"enclaveIdentity\":{\"id\":\"TD_QE\",\"version\":2,\"issueDate\":\"2025-06-19T10:32:27Z\","
    "\"nextUpdate\":\"2025-07-19T10:32:27Z\",\"tcbEvaluationDataNumber\":17,"
    "\"miscselect\":\"01020304\",\"miscselectMask\":\"FFFFFF0F\","
    "\"attributes\":\"11000000000000000000000000000080\","
    "\"attributesMask\":\"fbffffffffffffff00000000000000ff\","
    "\"mrsigner\":\"DC9E2A7C6F948F17474E34A7FC43ED030F7C1563F1BABDDF6340C82E0E54A8C5\","
    "\"isvprodid\":2,\"tcbLevels\":[{\"tcb\":{\"isvsvn\":4},"
    "\"tcbDate\":\"2024-03-13T00:00:00Z\",\"tcbStatus\":\"UpToDate\"}]},"
    "\"signature\":\"" SIG16 SIG16 SIG16 SIG16 SIG16 SIG16 SIG16 SIG16 "\"}";

struct row {
    const char *from, *to, *name;
};

static const struct row refused[] = {
    { "\"version\":2", "\"version\":1", "version" },
    { "\"version\":2", "\"version\":3", "version" },
    { "\"version\":2,", "", "version" },
    { "\"id\":\"TD_QE\"", "\"id\":2", "id" },
    { "\"id\":\"TD_QE\",", "", "id" },
    { "2025-06-19T10:32:27Z", "2025-06-19", "issueDate" },
    { "2025-07-19T10:32:27Z", "", "nextUpdate" },
    { "\"tcbEvaluationDataNumber\":17", "\"tcbEvaluationDataNumber\":\"17\"",
      "tcbEvaluationDataNumber" },
    { "01020304", "1020304", "miscselect" },
    { "FFFFFF0F", "FFFFFF0F00", "miscselect" },
    { "\"11000000000000000000000000000080\"", "\"11\"", "attributes" },
    { "\"attributesMask\"", "\"attributesmask\"", "attributes" },
    { "\"mrsigner\":\"DC", "\"mrsigner\":\"D", "mrsigner" },
    { "\"isvprodid\":2", "\"isvprodid\":65536", "isvprodid" },
    { "\"tcbLevels\":[{", "\"tcbLevels\":[],\"x\":[{", "tcbLevels" },
    { "\"isvsvn\":4", "\"isvsvn\":4.5", "isvsvn" },
    { "\"tcbStatus\":\"UpToDate\"", "\"tcbStatus\":null", "tcbStatus" },
    { "{\"enclaveIdentity\"", "{\"enclaveidentity\"", NULL },
    { "\"isvprodid\":2", "\"isvprodid\":2,\"isvprodid\":2", NULL },
};

static struct span replace(const char *from, const char *to, char *room, size_t cap)
{
    const char *at = strstr(whole, from);
    if (at == NULL)
        fail_msg("no %s in the file", from);
    int len = snprintf(room, cap, "%.*s%s%s", (int)(at - whole), whole, to, at + strlen(from));
    assert_in_range(len, 1, cap - 1);
    return span_of(room, (size_t)len);
}

static void every_departure_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        char room[2048];
        struct qe_identity q = { .version = 77 };
        struct file_problem problem = { 0 };
        if (read_file(replace(refused[i].from, refused[i].to, room, sizeof room), &q, &problem))
            fail_msg("accepted: %s -> %s", refused[i].from, refused[i].to);
        assert_int_equal(q.version, 77);
        if (refused[i].name != NULL)
            assert_string_equal(problem.name, refused[i].name);
    }
    for (size_t len = 0; len < sizeof whole - 1; len++) {
        struct qe_identity q;
        struct file_problem problem = { 0 };
        assert_false(read_file(span_of(whole, len), &q, &problem));
    }
}

/* The report that the identity above describes. */
static struct sgx_claims fitting_report(void)
{
    struct sgx_claims r = { .misc_select = 0xf4030201, .isv_prod_id = 2, .isv_svn = 4 };
    static const uint8_t signer[32] = { 0xDC, 0x9E, 0x2A, 0x7C, 0x6F, 0x94, 0x8F, 0x17,
                                        0x47, 0x4E, 0x34, 0xA7, 0xFC, 0x43, 0xED, 0x03,
                                        0x0F, 0x7C, 0x15, 0x63, 0xF1, 0xBA, 0xBD, 0xDF,
                                        0x63, 0x40, 0xC8, 0x2E, 0x0E, 0x54, 0xA8, 0xC5 };
    memcpy(r.mr_signer, signer, sizeof signer);
    r.attributes[0] = 0x15; /* bit 2 lies outside the mask */
    r.attributes[8] = 0xe7; /* XFRM, outside the mask */
    r.attributes[15] = 0x80;
    return r;
}

static void the_report_is_compared_under_the_masks(void **state)
{
    (void)state;
    struct qe_identity q;
    struct file_problem problem = { 0 };
    assert_true(read_file(span_of(whole, sizeof whole - 1), &q, &problem));
    assert_int_equal(q.id, QE_ID_TDX);
    assert_int_equal(q.misc_select, 0x04030201);
    struct sgx_claims good = fitting_report(), r = good;
    assert_null(qe_identity_mismatch(&q, &good));
    /* A reader that took the text for the number's hex would want this. */
    r.misc_select = 0x01020304;
    assert_string_equal(qe_identity_mismatch(&q, &r), "MISCSELECT");
    r = good, r.misc_select ^= 0x10000000;
    assert_null(qe_identity_mismatch(&q, &r));
    r = good, r.attributes[0] ^= 0x01;
    assert_string_equal(qe_identity_mismatch(&q, &r), "ATTRIBUTES");
    r = good, r.attributes[15] ^= 0x01;
    assert_string_equal(qe_identity_mismatch(&q, &r), "ATTRIBUTES");
    r = good, r.attributes[0] |= 0x02;
    assert_string_equal(qe_identity_mismatch(&q, &r), "ATTRIBUTES");
    for (size_t i = 0; i < sizeof r.mr_signer; i++) {
        r = good, r.mr_signer[i] ^= 0x80;
        assert_string_equal(qe_identity_mismatch(&q, &r), "MRSIGNER");
    }
    r = good, r.isv_prod_id ^= 1;
    assert_string_equal(qe_identity_mismatch(&q, &r), "ISVPRODID");
    /* Debug is refused whatever the mask says. */
    q.attributes_mask[0] = 0;
    q.attributes[0] = 0;
    assert_null(qe_identity_mismatch(&q, &good));
    r = good, r.attributes[0] |= 0x02;
    assert_string_equal(qe_identity_mismatch(&q, &r), "ATTRIBUTES (debug)");
}

static void identities_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum qe_id id;
    } rows[] = { { "\"id\":\"TD_QE\"", QE_ID_TDX },
                 { "\"id\":\"QE\"", QE_ID_SGX },
                 { "\"id\":\"QVE\"", QE_ID_OTHER },
                 { "\"id\":\"td_qe\"", QE_ID_OTHER } };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char room[2048];
        struct qe_identity q;
        struct file_problem problem = { 0 };
        assert_true(
            read_file(replace("\"id\":\"TD_QE\"", rows[i].text, room, sizeof room), &q, &problem));
        assert_int_equal(q.id, rows[i].id);
    }
}

static void read_genuine(const char *name, void *arg)
{
    size_t *count = arg;
    if (strstr(name, "qeidentity_") == NULL)
        return;
    struct span text = vectors_read(name);
    struct qe_identity q;
    struct file_problem problem = { 0 };
    if (!read_file(text, &q, &problem))
        fail_msg("%s: %s %s", name, problem.what, problem.name ? problem.name : "");
    assert_int_equal(q.id, strstr(name, "_td_qe_") != NULL ? QE_ID_TDX
                           : strstr(name, "_qve_") != NULL ? QE_ID_OTHER
                                                           : QE_ID_SGX);
    vectors_free(&text);
    ++*count;
}

static void genuine_files_are_read(void **state)
{
    (void)state;
    vectors_required();
    size_t count = 0;
    vectors_each("attest/tdx/collateral", ".json", read_genuine, &count);
    vectors_each("attest/sgx/collateral", ".json", read_genuine, &count);
    assert_true(count >= 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_departure_is_refused, ""),
        TEST(the_report_is_compared_under_the_masks, ""),
        TEST(identities_are_told_apart, ""),
        TEST(genuine_files_are_read, ""),
    };
    return RUN_TESTS(tests);
}
