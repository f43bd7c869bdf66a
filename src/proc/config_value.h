/* config_value.h - one value of one key: read, judged by the key's row, put into its field.
   For the config files and their tests only. */
#ifndef WARD_PROC_CONFIG_VALUE_H
#define WARD_PROC_CONFIG_VALUE_H

#include "proc/config.h"

/* Why a value is refused: what follows the key in a message ("is 0 and must be ..."). */
struct config_why {
    char text[CONFIG_PROBLEM_TEXT_MAX];
    const char *nearest;
};

/* config_value_text sets the key's field from text, as the environment and the command line
   give it.  `folder` is what a path is relative to.  The fields are those of
   config_value_write; on failure they are untouched. */
MUST_USE
bool config_value_text(const struct config_key *key, struct span text, const char *folder,
                       void *fields, struct config_why *why);

/* config_value_toml is the same for a value of the file, whose type must be right too. */
MUST_USE
bool config_value_toml(const struct config_key *key, const struct toml_value *value,
                       const char *folder, void *fields, struct config_why *why);

/* config_key_is_sound: the value is within the bounds of its key. */
bool config_key_is_sound(const struct config_key *key, const void *fields);

#endif
