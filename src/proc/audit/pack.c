/* pack.c - see parts.h: compresses a file that was put away, a block at a time between all
   else.  Killed in the middle, the next start begins that file again; the monitor gives the
   packed form its name only when it is whole. */
#include <errno.h>
#include <unistd.h>

#include "os/fd.h"
#include "proc/audit/parts.h"
#include "proc/control.h"
#include "proc/log.h"

static bool put_name(struct auditor *auditor, uint16_t message)
{
    uint8_t name_bytes[AUDIT_FILE_NAME_MAX], bytes[AUDIT_FILE_NAME_MAX + 4];
    struct sink name = sink_over(name_bytes, sizeof name_bytes);
    struct sink body = sink_over(bytes, sizeof bytes);
    closed_name(&name, &auditor->pack.file, false);
    put_bytes(&body, sink_bytes(&name));
    struct frame frame = { .message = message, .body = sink_bytes(&body) };
    return sink_ok(&body) && rc_ok(channel_put(NULL, &auditor->house->control, &frame));
}

static void give_up(struct auditor *auditor)
{
    struct pack *pack = &auditor->pack;
    fd_close(&pack->plain);
    fd_close(&pack->gz);
    arena_fini(&pack->arena);
    pack->asked = pack->working = false;
    pack->next_ms = auditor->now_ms + PACK_AGAIN_MS;
}

static void fail(struct auditor *auditor, rc why, const struct trail *trail)
{
    log_failure("rotated file not packed", why, trail);
    give_up(auditor);
}

static void ask_for_next(struct auditor *auditor)
{
    struct pack *pack = &auditor->pack;
    pack->next_ms = INT64_MAX;
    for (size_t i = 0; i < auditor->closed.count; i++) {
        if (!auditor->closed.files[i].plain)
            continue;
        pack->file = auditor->closed.files[i];
        pack->asked = put_name(auditor, CONTROL_PACK);
        pack->next_ms = auditor->now_ms + PACK_AGAIN_MS;
        return;
    }
}

rc pack_opened(struct trail *trail, struct auditor *auditor, struct call *call)
{
    struct pack *pack = &auditor->pack;
    struct trail why = { 0 };
    uint8_t opened = 0;
    int plain = channel_take_fd(call->from);
    int gz = channel_take_fd(call->from);
    if (!pack->asked || pack->working || !cur_u8(&call->body, &opened) || !cur_end(&call->body) ||
        (opened == 1) != (plain >= 0) || (opened == 1) != (gz >= 0)) {
        fd_close(&plain);
        fd_close(&gz);
        return FAIL(trail, RC_BUG, DOOR_E_BODY);
    }
    if (opened != 1) {
        log_event("rotated file cannot be opened first=%llu", (unsigned long long)pack->file.first);
        give_up(auditor);
        return RC_SUCCESS;
    }
    pack->plain = plain;
    pack->gz = gz;
    arena_init(&pack->arena, PACK_MEMORY);
    pack->block = arena_alloc(&pack->arena, GZIP_BLOCK);
    rc begun = gzip_write_begin(&why, &pack->writer, &pack->arena, gz);
    if (pack->block == NULL || !rc_ok(begun)) {
        fail(auditor, begun, &why);
        return RC_SUCCESS;
    }
    pack->working = true;
    return RC_SUCCESS;
}

static void finish(struct auditor *auditor)
{
    struct pack *pack = &auditor->pack;
    struct trail why = { 0 };
    rc ended = gzip_write_end(&why, &pack->writer);
    if (rc_ok(ended) && fsync(pack->gz) != 0)
        ended = FAIL_ERRNO(&why);
    if (!rc_ok(ended)) {
        fail(auditor, ended, &why);
        return;
    }
    if (put_name(auditor, CONTROL_PACKED)) {
        for (size_t i = 0; i < auditor->closed.count; i++) {
            struct closed_file *file = &auditor->closed.files[i];
            if (file->first == pack->file.first)
                *file = (struct closed_file){ file->first, file->day, false, true };
        }
    }
    give_up(auditor);
    pack->next_ms = auditor->now_ms;
}

bool pack_step(struct auditor *auditor)
{
    struct pack *pack = &auditor->pack;
    struct trail why = { 0 };
    if (!pack->working) {
        if (!pack->asked && auditor->now_ms >= pack->next_ms)
            ask_for_next(auditor);
        return false;
    }
    ssize_t len = read(pack->plain, pack->block, GZIP_BLOCK);
    if (len < 0 && errno == EINTR)
        return true;
    if (len == 0) {
        finish(auditor);
        return false;
    }
    rc written = len < 0 ? FAIL_ERRNO(&why)
                         : gzip_write(&why, &pack->writer, span_of(pack->block, (size_t)len));
    if (!rc_ok(written))
        fail(auditor, written, &why);
    return rc_ok(written);
}
