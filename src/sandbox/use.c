/* use.c - see use.h. */
#include "sandbox/use.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "codec/host_name.h"

enum record_kind { RECORD_USE = 1, RECORD_ALL };

/* As it lies in memory: both ends are one program.  What is not used is zero.  Shorter than what a
   pipe takes at once or not at all (PIPE_BUF, 4096). */
struct use_record {
    uint8_t kind; /* enum record_kind */
    uint8_t udp, name_len;
    uint16_t port;
    char name[HOST_TEXT_MAX]; /* empty: localhost */
};

static bool send_record(int fd, const struct use_record *record)
{
    return write(fd, record, sizeof *record) == (ssize_t)sizeof *record;
}

bool use_send(int fd, const struct learn_use *use)
{
    struct use_record record;
    memset(&record, 0, sizeof record); /* what lies between the members is sent too */
    record.kind = RECORD_USE;
    record.port = use->port.number;
    record.udp = use->port.udp ? 1 : 0;
    if (use->name != NULL) {
        const struct span name = use->name->name;
        record.name_len = (uint8_t)(name.len < HOST_TEXT_MAX ? name.len : HOST_TEXT_MAX);
        memcpy(record.name, name.at, record.name_len);
    }
    return send_record(fd, &record);
}

bool use_send_all(int fd)
{
    struct use_record record;
    memset(&record, 0, sizeof record);
    record.kind = RECORD_ALL;
    return send_record(fd, &record);
}

/* Who it is by the lists of the specification, and not by what the fence says of them. */
static bool judge(struct reach *reach, const struct use_record *record, struct learn_use *out)
{
    const struct span name = span_of(record->name, record->name_len);
    struct address address;
    enum reach_rule why;
    *out = (struct learn_use){ .port = { record->port, record->udp == 1 } };
    if (name.len == 0)
        return record->port == 0;
    out->name = address_parse(name, &address) ? reach_by_address(reach, &address)
                                              : reach_find_name(reach, name, &why);
    return out->name != NULL && (record->port == 0 || reach_allows(reach, out->name, &out->port));
}

void use_read(struct learn_uses *all, struct reach *reach, int fd, bool *open)
{
    struct use_record got;
    struct learn_use use;
    ssize_t len = read(fd, &got, sizeof got);
    if (len < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    const bool sound = len == (ssize_t)sizeof got && got.udp <= 1 && got.name_len <= HOST_TEXT_MAX;
    *open = sound && got.kind == RECORD_USE && judge(reach, &got, &use);
    if (*open)
        (void)learn_uses_add(all, use.name, use.port);
    else if (!sound || got.kind != RECORD_ALL)
        all->more = true;
}
