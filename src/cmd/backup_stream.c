/* backup_stream.c - see backup.h: ends of a stream, and what is said of a backup. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cmd/backup.h"
#include "codec/json_write.h"
#include "crypto/hash.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/random.h"

enum { REPORT = 2 * BACKUP_PATH, HOUSE_TEXT = 20 };

void backup_path(char out[BACKUP_PATH], const char *folder, const char *name)
{
    struct sink path = sink_over(out, BACKUP_PATH - 1);
    sink_format(&path, "%s/%s", folder, name);
    if (!sink_ok(&path))
        sink_cut(&path, 0);
    out[path.len] = 0;
}

void backup_random_name(char out[BACKUP_RANDOM_NAME])
{
    uint8_t random[BACKUP_RANDOM_NAME / 2];
    struct sink text = sink_over(out, BACKUP_RANDOM_NAME);
    random_bytes(random, sizeof random);
    sink_hex(&text, SPAN(random));
    sink_terminate(&text);
}

void house_state_seal(struct house_state *state)
{
    uint8_t size[8];
    struct sink number = sink_over(size, sizeof size);
    sink_u64le(&number, state->log_size);
    const struct span parts[] = { span_of("ward house state v1", HOUSE_TEXT), SPAN(state->store),
                                  SPAN(size), SPAN(state->log_root), SPAN(state->config) };
    hash_sha256_parts(parts, 5, state->hash);
}

bool house_state_equal(const struct house_state *a, const struct house_state *b)
{
    return span_equal(SPAN(a->hash), SPAN(b->hash));
}

enum exit_code backup_say(const char *command, rc failure)
{
    enum reason reason = reason_of_rc(failure, REASON_NONE);
    if (reason == REASON_NONE) {
        say("%s: %s", command, file_error_text(failure));
        return EXIT_INTERNAL;
    }
    const struct reason_info *info = reason_info(reason);
    say("%s: %s: %s %s", command, info->name, info->cause, info->help);
    switch ((int)reason) {
    case REASON_RESTORE_NOT_EMPTY:
        return EXIT_CONFLICT;
    case REASON_BACKUP_FORMAT:
        return EXIT_USAGE;
    case REASON_OUT_OF_MEMORY:
    case REASON_STORE_STATEMENT:
        return EXIT_INTERNAL;
    case REASON_STORE_UNREACHABLE:
    case REASON_STORE_UNCERTAIN:
    case REASON_STORE_BUSY:
        return EXIT_UNREACHABLE;
    case REASON_STORE_ADDRESS:
        return EXIT_CONFIG;
    case REASON_STORE_FORBIDDEN:
        return EXIT_NOT_PERMITTED;
    default:
        return EXIT_NO;
    }
}

enum exit_code backup_print(bool json, const char *path, uint64_t bytes,
                            const struct house_state *state)
{
    char room[REPORT];
    struct sink out = sink_over(room, sizeof room);
    if (json) {
        struct json_writer writer = json_write_to(&out, 0);
        json_begin_object(&writer);
        json_put_key(&writer, "path");
        json_put_text(&writer, path);
        json_put_key(&writer, "bytes");
        json_put_u64(&writer, bytes);
        json_put_key(&writer, "created");
        json_put_time(&writer, state->created);
        json_put_key(&writer, "state_hash");
        json_put_hex(&writer, SPAN(state->hash));
        json_put_key(&writer, "store_hash");
        json_put_hex(&writer, SPAN(state->store));
        json_put_key(&writer, "log_size");
        json_put_u64(&writer, state->log_size);
        json_put_key(&writer, "log_root");
        json_put_hex(&writer, SPAN(state->log_root));
        json_end_object(&writer);
    } else {
        sink_format(&out, "state hash  ");
        sink_hex(&out, SPAN(state->hash));
        sink_format(&out, "\nlog         %llu records, root ", (unsigned long long)state->log_size);
        sink_hex(&out, SPAN(state->log_root));
        sink_format(&out, "\nfile        %s, %llu bytes", path, (unsigned long long)bytes);
    }
    if (!sink_ok(&out))
        return EXIT_INTERNAL;
    printf("%.*s\n", (int)out.len, room);
    return fflush(stdout) == 0 ? EXIT_DONE : EXIT_INTERNAL;
}

static rc put_fd(struct trail *trail, void *arg, struct span bytes)
{
    if (!fd_write(*(const int *)arg, bytes))
        return REFUSE(trail, errno == ENOSPC ? REASON_STORE_FULL : REASON_STORE_IO);
    return RC_SUCCESS;
}

static rc get_fd(struct trail *trail, void *arg, void *out, size_t cap, size_t *got)
{
    ssize_t len;
    do {
        len = read(*(const int *)arg, out, cap);
    } while (len < 0 && errno == EINTR);
    if (len < 0)
        return REFUSE(trail, REASON_STORE_IO);
    *got = (size_t)len;
    return RC_SUCCESS;
}

struct backup_out backup_file_out(int *fd)
{
    return (struct backup_out){ put_fd, fd };
}

struct backup_in backup_file_in(int *fd)
{
    return (struct backup_in){ get_fd, fd };
}

bool backup_phrase_read(int fd, uint8_t out[ARGON2_PASSPHRASE_MAX], size_t *len)
{
    ssize_t got = fd_read_at(fd, 0, out, ARGON2_PASSPHRASE_MAX);
    *len = got > 0 ? (size_t)got : 0;
    return got > 0 && lseek(fd, 0, SEEK_SET) == 0;
}
