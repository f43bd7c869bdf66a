/* config_print.h - what the `ward config` commands print in common. */
#ifndef WARD_CMD_CONFIG_PRINT_H
#define WARD_CMD_CONFIG_PRINT_H

#include "cmd/settings_load.h"
#include "codec/json_write.h"

/* config_print_begin makes room for what is printed, in the invocation's arena;
   config_print_end prints it, unless it did not fit. */
MUST_USE bool config_print_begin(struct invocation *invocation, struct sink *out);
MUST_USE bool config_print_end(const struct sink *out);

/* A setting as it is shown: of the house, or of a row of a table. */
struct config_shown {
    char name[CONFIG_VARIABLE_MAX];
    const struct config_key *key;
    const void *fields;
    const struct config_origin *origin;
    bool of_row; /* set in the file only */
};

/* config_shown_at gives the setting with that index, the house's first; false past the last.
   config_shown_find finds it by its name; peers.NAME.url is of a peer that has nothing set. */
MUST_USE bool config_shown_at(const struct settings_loaded *loaded, size_t index,
                              struct config_shown *out);
MUST_USE bool config_shown_find(const struct settings_loaded *loaded, struct span name,
                                struct config_shown *out);

/* What one of the writers of config.h says of a key. */
struct config_words {
    char text[256];
};

struct config_words config_words_of(const struct config_key *key,
                                    void (*write)(struct sink *, const struct config_key *));

/* Its origin, in words. */
void config_print_origin(struct sink *out, const struct settings_loaded *loaded,
                         const struct config_shown *shown);

/* A member that is text, or null when text is NULL. */
void config_json_text(struct json_writer *json, const char *name, const char *text);

/* The members key, value, source, origin, line, column of a setting; the object is the
   caller's. */
void config_json_setting(struct json_writer *json, const struct settings_loaded *loaded,
                         const struct config_shown *shown);

#endif
