/* fuzz_vmm_reply.c - any bytes as each answer of a VMM: an id that is read stands in a question as
   it is, and whatever is read is within its bounds. */
#include <stdlib.h>
#include <string.h>

#include "codec/json.h"
#include "job/vmm_reply.h"
#include "job/vmm_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t memory[1 << 20];

static void check_id(struct span id)
{
    uint8_t text[VMM_ID_MAX + 16];
    struct sink out = sink_over(text, sizeof text);
    if (id.len == 0 || id.len > VMM_ID_MAX || memchr(id.at, '/', id.len) != NULL ||
        !vmm_write_id(&out, id) || out.len != id.len + strlen("{\"id\":\"\"}"))
        abort();
}

static void check_machine(const struct vmm_machine *machine)
{
    check_id(machine->id);
    if (machine->status > VMM_STATUS_ENDED || machine->name.len > VMM_WORDS_MAX ||
        machine->app_id.len > VMM_WORDS_MAX || machine->progress.len > VMM_WORDS_MAX ||
        machine->fault.len > VMM_WORDS_MAX)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct span text = span_of(data, size);
    const char *why = NULL;
    struct arena arena = arena_over(memory, sizeof memory);
    struct vmm_machine machine;
    struct vmm_machines all;
    struct vmm_capacity is;
    struct span id;
    bool found;
    if (vmm_read_id(text, &arena, &id, &why))
        check_id(id);
    else if (why == NULL)
        abort();
    if (vmm_read_info(text, &arena, span_text("a-1"), &found, &machine, &why) && found) {
        check_machine(&machine);
        if (!span_equal_text(machine.id, "a-1"))
            abort();
    }
    if (vmm_read_status(text, &arena, &all, &why)) {
        for (size_t i = 0; i < all.count; i++)
            check_machine(&all.items[i]);
    }
    if (vmm_read_capacity(text, &arena, &is, &why) &&
        (is.vcpu > UINT32_MAX || is.memory_mib > UINT32_MAX || is.machines > UINT32_MAX))
        abort();
    uint8_t room[VMM_WORDS_MAX];
    struct sink words = sink_over(room, sizeof room);
    vmm_error_write(&words, text, &arena);
    return 0;
}
