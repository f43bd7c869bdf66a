/* log.c - is a record in a security log?  With libward, a published head and the log's key.

       cc log.c $(pkg-config --cflags --libs libward) -o log
       ./log ORIGIN+ID+BASE64 head.txt 41 record.json HASH HASH ...

   The record is its line in the log; the hashes are the member `hashes` of what
   `ward audit prove 41 --json` prints, and of the API's answer at /v1/audit/proof. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ward/log.h>

static struct ward_bytes read_file(const char *path, char *room, size_t cap)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        exit(2);
    }
    struct ward_bytes bytes = { room, fread(room, 1, cap, file), path };
    fclose(file);
    return bytes;
}

static int read_hash(const char *hex, uint8_t out[WARD_LOG_HASH])
{
    unsigned byte;
    for (int i = 0; i < WARD_LOG_HASH; i++) {
        if (strlen(hex) != 2 * WARD_LOG_HASH || sscanf(hex + 2 * i, "%2x", &byte) != 1)
            return 0;
        out[i] = (uint8_t)byte;
    }
    return 1;
}

int main(int argc, char **argv)
{
    static char note[WARD_LOG_HEAD_BYTES], line[WARD_LOG_HEAD_BYTES];
    static uint8_t hashes[WARD_LOG_PROOF_HASHES][WARD_LOG_HASH];
    if (argc < 5 || argc - 5 > WARD_LOG_PROOF_HASHES) {
        fprintf(stderr, "usage: log KEY HEAD SEQ RECORD [HASH..]\n");
        return 2;
    }
    for (int i = 5; i < argc; i++) {
        if (!read_hash(argv[i], hashes[i - 5])) {
            fprintf(stderr, "%s: not 64 hex digits\n", argv[i]);
            return 2;
        }
    }
    struct ward_log_trust trust = { .key = argv[1] };
    struct ward_log_proof proof = { .hashes = hashes[0], .count = (size_t)argc - 5 };
    struct ward_bytes record = read_file(argv[4], line, sizeof line);
    struct ward_log_head head;
    struct ward_error error = { 0 };
    uint8_t leaf[WARD_LOG_HASH];
    if (record.len > 0 && line[record.len - 1] == '\n')
        record.len--;
    ward_log_leaf(record, leaf);
    if (ward_log_check_head(read_file(argv[2], note, sizeof note), &trust, &head, &error) !=
            WARD_DONE ||
        ward_log_check_inclusion(&head, strtoull(argv[3], NULL, 10), leaf, &proof, &error) !=
            WARD_DONE) {
        printf("NOT PROVEN: %s\n", error.message);
        return 1;
    }
    printf("record %s is one of the log's first %llu\n", argv[3], (unsigned long long)head.size);
    return 0;
}
