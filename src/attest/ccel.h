/* ccel.h - the log that the firmware leaves in the area of the ACPI table CCEL: a header record
   of the old TPM 1.2 form, then TCG_PCR_EVENT2 records (TCG PC Client Platform Firmware Profile,
   crypto-agile log; UEFI 2.10 section 38).  All numbers are little-endian.

   The reader views the caller's bytes and copies nothing.  Of an event only the digest is
   measured; its data is a hint until ccel_data_is_measured says otherwise. */
#ifndef WARD_ATTEST_CCEL_H
#define WARD_ATTEST_CCEL_H

#include "attest/eventlog.h"
#include "base/cursor.h"

enum { CCEL_ALGORITHMS_MAX = 8, CCEL_DIGEST_MAX = 64 };

/* Event types whose meaning is used here. */
enum ccel_type {
    EV_NO_ACTION = 0x3,
    EV_SEPARATOR = 0x4,
    EV_S_CRTM_VERSION = 0x8,
};
#define EV_EFI_VARIABLE_DRIVER_CONFIG UINT32_C(0x80000001)
#define EV_EFI_VARIABLE_BOOT          UINT32_C(0x80000002)
#define EV_EFI_GPT_EVENT              UINT32_C(0x80000006)
#define EV_EFI_ACTION                 UINT32_C(0x80000007)
#define EV_EFI_VARIABLE_BOOT2         UINT32_C(0x8000000c)
#define EV_EFI_VARIABLE_AUTHORITY     UINT32_C(0x800000e0)

struct ccel_algorithm {
    uint16_t id; /* of the TCG registry: 12 is SHA-384 */
    uint16_t size;
};

/* A log being read.  Made by ccel_open. */
struct ccel {
    struct cursor in;
    uint32_t events; /* records after the header so far */
    size_t algorithm_count;
    struct ccel_algorithm algorithms[CCEL_ALGORITHMS_MAX];
};

struct ccel_event {
    uint32_t number; /* 1 is the record after the header */
    uint32_t index;  /* as written: 1..4 are RTMR0..RTMR3, 0 is MRTD */
    uint32_t type;
    struct span sha384; /* empty when the event has none */
    struct span data;
};

/* A UEFI_VARIABLE_DATA structure: what the EV_EFI_VARIABLE_* events hold. */
struct ccel_variable {
    struct span guid; /* 16 bytes */
    struct span name; /* UTF-16LE without an end mark */
    struct span data;
};

/* ccel_open reads the header record (AE-1).  False, with the failure in *report and *out
   untouched, when it is none. */
MUST_USE
bool ccel_open(struct span log, struct report *report, struct ccel *out);

/* ccel_next reads the next event (AE-2) or the end (AE-3).  False is a failure, in *report;
   otherwise *more says whether *out was written. */
MUST_USE
bool ccel_next(struct ccel *log, struct report *report, struct ccel_event *out, bool *more);

/* ccel_variable_parse reads a whole UEFI_VARIABLE_DATA; nothing may follow it. */
MUST_USE
bool ccel_variable_parse(struct span data, struct ccel_variable *out);

/* ccel_type_is_measured: events of this type have the digest of their own data, so data that
   does not fit its digest was changed.  So it is in every genuine log that was looked at; of
   the other types (EV_IPL, EV_EVENT_TAG, ...) each producer hashes something else. */
bool ccel_type_is_measured(uint32_t type);

/* ccel_data_is_measured tells whether the event's SHA-384 digest is that of its data (for
   EV_EFI_VARIABLE_BOOT also: of the variable's content alone, as firmware does it). */
bool ccel_data_is_measured(const struct ccel_event *event);

/* ccel_verify judges AE-1..AE-7; the contract is that of eventlog_verify. */
void ccel_verify(struct span log, const struct claims *quote, const struct eventlog_rules *rules,
                 struct report *report, struct log_claims *out);

#endif
