/* config_reader.h - what the readers of ward.toml have in common; for config*.c only. */
#ifndef WARD_PROC_CONFIG_READER_H
#define WARD_PROC_CONFIG_READER_H

#include "proc/config.h"
#include "proc/config_value.h"

/* At most this much of a name that is not known is quoted in a problem. */
enum { QUOTED_BYTES = 40 };

struct reader {
    const struct config_inputs *inputs;
    struct config config;
    struct config_problems *problems;
    bool bad[CONFIG_KEYS_MAX]; /* some source has no good value for the key */
};

/* Where what is being read stands. */
struct place {
    enum config_source source;
    struct toml_place at;
    const char *where;  /* the variable or the option */
    const char *option; /* CONFIG_FLAG: as in the inputs */
};

/* reader_problem keeps a problem with its place; what it says is made printable. */
void reader_problem(struct reader *r, const struct place *place, const char *nearest,
                    const char *format, ...) PRINTF_LIKE(4, 5);

/* reader_quoted: how much of a name is quoted, for "%.*s". */
int reader_quoted(struct span name);

extern const struct config_table config_peers, config_tenants;

/* config_tables.c: a section of rows, a table. */
void reader_table(struct reader *r, const struct config_table *table,
                  const struct toml_value *section);
void config_table_take(const struct config_table *table, struct settings *to,
                       const struct settings *from);
bool config_table_is_sound(const struct config_table *table, const struct settings *settings);

/* config.c */
bool config_field_is_same(const struct config_key *key, const void *a, const void *b);

#endif
