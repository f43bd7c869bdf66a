/* tcb_info.h - Intel's TCB info, version 2 (SGX) and 3 (SGX, TDX): JSON to numbers.  Says
   what the file says; signature, dates and whether it is this platform's are judged
   elsewhere.  Members that are not known are passed over, members that are needed may not
   be missing.

   Source: Intel PCS API version 4, "TcbInfoV3"; version 3 of the API, "TcbInfoV2". */
#ifndef WARD_ATTEST_TCB_INFO_H
#define WARD_ATTEST_TCB_INFO_H

#include "attest/signed_file.h"
#include "attest/tcb.h"
#include "base/time.h"

enum {
    TCB_LEVELS_MAX = 256,
    TDX_MODULES_MAX = 64,
    SVN_LEVELS_MAX = 256,
    LEVEL_ADVISORIES_MAX = 64,
    TDX_MODULE_SIGNER_LEN = 48,
    TDX_MODULE_ATTRIBUTES_LEN = 8,
};

struct tdx_module {
    uint8_t version; /* n of "TDX_n" (hex); 0 for `tdxModule` */
    uint8_t mr_signer[TDX_MODULE_SIGNER_LEN];
    uint8_t attributes[TDX_MODULE_ATTRIBUTES_LEN];
    uint8_t attributes_mask[TDX_MODULE_ATTRIBUTES_LEN];
    const struct svn_level *levels; /* none for `tdxModule` */
    size_t level_count;
};

struct tcb_info {
    uint32_t version; /* 2 or 3 */
    bool tdx;
    uint32_t tcb_type;
    struct window validity; /* issueDate to nextUpdate */
    uint8_t fmspc[6];
    uint8_t pce_id[2];
    uint32_t evaluation_number;
    struct tdx_module module; /* TDX: `tdxModule`, of version 0 */
    bool has_modules;         /* TDX: `tdxModuleIdentities` is there */
    const struct tdx_module *modules;
    size_t module_count;
    const struct tcb_level *levels;
    size_t level_count;
};

/* tcb_info_version reads nothing but the version: for refusing a form that is not known
   before its signature, which may be made in another way, is looked at. */
MUST_USE
bool tcb_info_version(const struct signed_file *file, uint32_t *version);

/* tcb_info_parse reads a version 2 or 3 file.  Levels are taken from the arena, texts borrow
   from the file.  On failure *out is untouched and *problem says why. */
MUST_USE
bool tcb_info_parse(const struct signed_file *file, struct arena *arena, struct tcb_info *out,
                    struct file_problem *problem);

/* Shared with the QE identity: levels of one SVN each, at least one.  `tcb.isvsvn`, `tcbDate`,
   `tcbStatus`, `advisoryIDs` (optional). */
MUST_USE
bool svn_levels_parse(const struct json *json, uint32_t array, struct arena *arena,
                      const struct svn_level **levels, size_t *count, struct file_problem *problem);

#endif
