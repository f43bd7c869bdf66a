/* config_print.h - what the `ward config` commands print in common. */
#ifndef WARD_CMD_CONFIG_PRINT_H
#define WARD_CMD_CONFIG_PRINT_H

#include "cmd/settings_load.h"
#include "codec/json_write.h"

/* config_print_begin makes room for what is printed, in the invocation's arena;
   config_print_end prints it, unless it did not fit. */
MUST_USE bool config_print_begin(struct invocation *invocation, struct sink *out);
MUST_USE bool config_print_end(const struct sink *out);

/* The origin of the key with that index, in words. */
void config_print_origin(struct sink *out, const struct settings_loaded *loaded, size_t index);

/* A member that is text, or null when text is NULL. */
void config_json_text(struct json_writer *json, const char *name, const char *text);

/* The members key, value, source, origin, line, column of a setting; the object is the
   caller's. */
void config_json_setting(struct json_writer *json, const struct settings_loaded *loaded,
                         const struct config_key *key);

#endif
