/* fuzz_tcb_info.c - any text as TCB info: what is accepted keeps its limits, is covered by the
   signed bytes, and reads the same a second time. */
#include <stdlib.h>

#include "attest/tcb_info.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void insist(bool held)
{
    if (!held)
        abort();
}

static void check_verdict(const struct tcb_verdict *v, struct span covered)
{
    insist(v->advisory_count <= LEVEL_ADVISORIES_MAX);
    insist(v->status < TCB_TD_RELAUNCH_ADVISED);
    insist(v->status_text.len == 0 || span_inside(v->status_text, covered));
    for (size_t i = 0; i < v->advisory_count; i++)
        insist(span_inside(v->advisories[i], covered) && v->advisories[i].len < ADVISORY_ID_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct signed_file file;
    struct tcb_info info, again;
    struct file_problem problem = { 0 };
    arena_init(&arena, 64 << 20);
    bool opened = signed_file_open(span_of(data, size), &arena, &file, &problem);
    insist(opened == (problem.what == NULL));
    if (opened && tcb_info_parse(&file, &arena, &info, &problem)) {
        insist(problem.what == NULL && span_inside(file.signed_bytes, span_of(data, size)));
        insist(info.level_count > 0 && info.level_count <= TCB_LEVELS_MAX);
        insist(info.module_count <= TDX_MODULES_MAX && (info.version == 3 || !info.tdx));
        for (size_t i = 0; i < info.level_count; i++)
            check_verdict(&info.levels[i].verdict, file.signed_bytes);
        for (size_t i = 0; i < info.module_count; i++)
            for (size_t k = 0; k < info.modules[i].level_count; k++)
                check_verdict(&info.modules[i].levels[k].verdict, file.signed_bytes);
        insist(tcb_info_parse(&file, &arena, &again, &problem));
        insist(again.level_count == info.level_count);
    }
    insist(!opened || problem.what != NULL || info.level_count > 0);
    arena_fini(&arena);
    return 0;
}
