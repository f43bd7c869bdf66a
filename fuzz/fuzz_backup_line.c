/* fuzz_backup_line.c - a line of a backup is a head, a row or an end, at most one of them; what
   was read and is written again reads as the same. */
#include <stdlib.h>
#include <string.h>

#include "store/backup_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool truth)
{
    if (!truth)
        abort();
}

static struct span line_of(const struct sink *out)
{
    must(sink_ok(out) && out->len > 0 && out->at[out->len - 1] == '\n');
    return span_of(out->at, out->len - 1);
}

static bool try_head(struct span line)
{
    uint8_t bytes[BACKUP_LINE_LEN];
    struct sink out = sink_over(bytes, sizeof bytes);
    struct backup_head head = { 0 };
    struct backup_head again = { 0 };
    uint32_t version = 0;
    if (!backup_head_read(line, &version, &head) || version != BACKUP_VERSION)
        return false;
    must(backup_head_write(&head, &out));
    must(backup_head_read(line_of(&out), &version, &again));
    must(memcmp(head.meta.installation, again.meta.installation, STORE_INSTALLATION_LEN) == 0);
    must(head.schema == again.schema && head.meta.created == again.meta.created &&
         head.meta.high_water == again.meta.high_water &&
         head.meta.generation == again.meta.generation);
    return true;
}

static bool try_end(struct span line)
{
    uint8_t bytes[BACKUP_LINE_LEN];
    struct sink out = sink_over(bytes, sizeof bytes);
    struct backup_end end;
    struct backup_end again;
    if (!backup_end_read(line, &end))
        return false;
    must(backup_end_write(&end, &out));
    must(backup_end_read(line_of(&out), &again));
    must(memcmp(&end, &again, sizeof end) == 0);
    return true;
}

static bool try_row(struct span line)
{
    uint8_t bytes[BACKUP_LINE_LEN];
    uint8_t first[DB_VALUES * BACKUP_BYTES];
    uint8_t second[DB_VALUES * BACKUP_BYTES];
    struct sink out = sink_over(bytes, sizeof bytes);
    struct db_row row;
    struct db_row again;
    size_t table = 0;
    size_t same = 0;
    if (!backup_row_read(line, first, &table, &row))
        return false;
    must(table < BACKUP_TABLES && backup_row_write(table, &row, &out));
    must(backup_row_read(line_of(&out), second, &same, &again) && same == table);
    struct backup_chain a = { { 0 } };
    struct backup_chain b = { { 0 } };
    backup_chain_row(&a, table, &row);
    backup_chain_row(&b, table, &again);
    must(memcmp(&a, &b, sizeof a) == 0);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span line = span_of(data, size);
    must(try_head(line) + try_end(line) + try_row(line) <= 1);
    return 0;
}
