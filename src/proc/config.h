/* config.h - what can be set, in one table, and how the settings come about: the defaults,
   ward.toml over them, the environment over that, the command line over all.  Every mistake
   of every source is found at once.  Reads no file, no environment and no clock: all of it
   is an argument.

   The environment's name of a key is made by one rule: WARD_, then the key in capitals with
   each dot an underscore.  limit.connections is WARD_LIMIT_CONNECTIONS. */
#ifndef WARD_PROC_CONFIG_H
#define WARD_PROC_CONFIG_H

#include "base/arena.h"
#include "base/sink.h"
#include "codec/toml.h"
#include "proc/settings.h"

enum {
    CONFIG_KEYS_MAX = 64,
    CONFIG_PEER_KEYS = 7,         /* of a [peers.NAME], */
    CONFIG_TENANT_KEYS = 1,       /* and of a [tenants.NAME] */
    CONFIG_FILE_MAX = 256 * 1024, /* bytes of ward.toml */
    CONFIG_PROBLEMS_MAX = 64,     /* problems kept; more are counted */
    CONFIG_PROBLEM_TEXT_MAX = 200,
    CONFIG_VARIABLE_MAX = 80,    /* bytes of a variable's name, its NUL included */
    CONFIG_NETWORKS_MAX = 64,    /* networks of one list */
    CONFIG_FILL_SECONDS = 500000 /* in which a rate gives its whole burst, at most */
};

struct reader; /* config_reader.h */
struct place;

enum config_form {
    CONFIG_TEXT = 1, /* char[SETTING_TEXT_MAX]: not empty, without control characters */
    CONFIG_ADDRESS,  /* the same: an address and port, nothing looked up */
    CONFIG_PATH,     /* the same, made absolute */
    CONFIG_STORE,    /* the same: see store_url.h */
    CONFIG_URL,      /* the same: see provider_url.h */
    CONFIG_NETWORKS, /* the same: at most CONFIG_NETWORKS_MAX of them, as address_list_read has it
                      */
    CONFIG_PEER_URL, /* the same, and the two below: see peer_text.h */
    CONFIG_PEER_PUBLIC,
    CONFIG_PINS,
    CONFIG_OPERATORS, /* the same: see operator_text.h */
    CONFIG_U32,
    CONFIG_SIZE,    /* uint64_t: bytes; as text also with K, M or G */
    CONFIG_SECONDS, /* uint32_t; as text also with s, m, h or d */
    CONFIG_CHOICE,  /* uint32_t: the number of the word */
    CONFIG_BOOL,    /* bool */
    CONFIG_SHARE,   /* uint32_t: millionths; as text a fraction like 0.5 */
};

struct config_key {
    const char *name; /* "limit.connections": a section and a name within it */
    enum config_form form;
    size_t field;         /* offset in struct settings; of a table's key, in a row of it */
    const char *fallback; /* the default as text; NULL when it follows from other keys */
    uint64_t least, most; /* of a number */
    const char *const *words;
    size_t word_count;
    const char *flag;    /* the option that sets it by itself, "--listen"; NULL: --set only */
    const char *derived; /* where fallback is NULL: what the default is, in words */
    bool optional;       /* a text that may be none at all: "" */
    bool reloads;        /* taken over by a running house; else at its next start */
    const char *summary;
};

/* config_keys gives the table, grouped by section. */
const struct config_key *config_keys(size_t *count);

/* config_key_find finds a key by its whole name; NULL when there is none. */
const struct config_key *config_key_find(struct span name);

/* config_key_index: its place in the table, and in struct config. */
size_t config_key_index(const struct config_key *key);

/* config_key_nearest: the whole name of the key that an unknown name may have meant; NULL
   when none is near. */
const char *config_key_nearest(struct span name);

/* [peers.NAME], [tenants.NAME]: one table for each of many, kept as the rows of an array that begin
   with their names.  Set in ward.toml and nowhere else. */
struct config_table {
    const char *section;           /* "peers", */
    const char *one;               /* "peer" */
    const struct config_key *keys; /* "peers.NAME.url" */
    size_t key_count;
    size_t most, name_room; /* rows, and bytes of a name, its NUL included */
    size_t row_size;
    size_t rows, count; /* offsets in struct settings: of the first row, and of their uint32_t */
    size_t origins;     /* in struct config: key_count struct config_origin for each row */
    /* Says what is wrong of a row that is good key by key, or of all up to it. */
    void (*judge)(struct reader *r, const struct place *place, const void *row);
};

enum { CONFIG_TABLES = 2 };

/* config_table_at: the table with that number, below CONFIG_TABLES.  config_table_find: NULL where
   no section of that name is one. */
const struct config_table *config_table_at(size_t number);
const struct config_table *config_table_find(struct span section);

/* config_row: the row with that index; NULL past the last.  config_row_find: the one of that name;
   NULL where there is none.  config_row_name: its name. */
const void *config_row(const struct config_table *table, const struct settings *settings,
                       size_t index);
const void *config_row_find(const struct config_table *table, const struct settings *settings,
                            struct span name);
const char *config_row_name(const void *row);

/* config_row_key_find takes any usable name, or NAME, in the place of NAME, and views it;
   config_row_key_write writes the key of that row. */
const struct config_key *config_row_key_find(struct span name, const struct config_table **table,
                                             struct span *row);
void config_row_key_write(struct sink *out, const struct config_table *table,
                          const struct config_key *key, const char *row);

/* config_table_reloads: a running house takes it over, all of it.  config_table_differs: some row
   is set otherwise than before. */
bool config_table_reloads(const struct config_table *table);
bool config_table_differs(const struct config_table *table, const struct settings *before,
                          const struct settings *after);

/* config_key_variable writes the environment's name of a key. */
void config_key_variable(struct sink *out, const struct config_key *key);

/* config_key_default and config_key_bounds say them in words; nothing when there are none. */
void config_key_default(struct sink *out, const struct config_key *key);
void config_key_bounds(struct sink *out, const struct config_key *key);

/* config_write_reference appends docs/config.md's reference part, as Markdown. */
void config_write_reference(struct sink *out);

/* From weak to strong. */
enum config_source { CONFIG_DEFAULT = 0, CONFIG_FILE, CONFIG_ENVIRONMENT, CONFIG_FLAG };

const char *config_source_name(enum config_source source);

/* One setting of the command line. */
struct config_flag {
    const char *option; /* as it was written: "--listen", "--set" */
    const char *value;  /* after --set: KEY=VALUE */
};

struct config_inputs {
    struct span file;               /* all of ward.toml; empty for none */
    const char *file_folder;        /* absolute: what paths in the file are relative to */
    const char *const *environment; /* NAME=VALUE, ended by NULL; NULL for none */
    const struct config_flag *flags;
    size_t flag_count;
    const char *folder; /* absolute: what all other paths are relative to */
};

/* Where a value is from.  A default's place is {0}. */
struct config_origin {
    enum config_source source;
    struct toml_place place; /* CONFIG_FILE */
    const char *option;      /* CONFIG_FLAG: the one of the inputs */
};

struct config {
    struct settings settings;                      /* owner is left 0: it is no key */
    struct config_origin origins[CONFIG_KEYS_MAX]; /* by the key's index */
    struct config_origin peer_origins[SETTING_PEERS_MAX][CONFIG_PEER_KEYS];
    struct config_origin tenant_origins[SETTING_TENANTS_MAX][CONFIG_TENANT_KEYS];
};

/* config_row_origin: where the value of a row's key is from. */
const struct config_origin *config_row_origin(const struct config *config,
                                              const struct config_table *table, size_t row,
                                              const struct config_key *key);

struct config_problem {
    enum config_source source;
    struct toml_place place;            /* CONFIG_FILE; {0} when it has none */
    char where[CONFIG_VARIABLE_MAX];    /* else the variable or the option */
    char text[CONFIG_PROBLEM_TEXT_MAX]; /* printable ASCII; never a value of a key that may hold
                                           a secret */
    char nearest[CONFIG_VARIABLE_MAX];  /* what may have been meant; "" when nothing is near */
};

struct config_problems {
    size_t count; /* all that were found, also past those that are kept */
    struct config_problem list[CONFIG_PROBLEMS_MAX];
};

/* config_read makes the settings.  The arena is needed for the time of the call only.  On
   failure *out is untouched and *problems holds at least one problem. */
MUST_USE
bool config_read(const struct config_inputs *inputs, struct arena *arena, struct config *out,
                 struct config_problems *problems);

/* config_value_write appends a key's value as TOML: as it would stand in ward.toml.  The fields of
   a key are a struct settings, those of a table's key a row. */
void config_value_write(struct sink *out, const struct config_key *key, const void *fields);

/* config_field: the field of a key, of the type that its form says.  config_number: its value
   where that is a number or a choice; 0 for all others. */
const void *config_field(const struct config_key *key, const void *fields);
uint64_t config_number(const struct config_key *key, const void *fields);

/* What became of a key at a reload. */
enum config_change { CONFIG_SAME = 0, CONFIG_TAKEN, CONFIG_NEEDS_START };

/* config_take_over copies into `running` what a running house takes over of `next`, tables that
   reload included, and says of every key, by its index, what became of it. */
void config_take_over(struct settings *running, const struct settings *next,
                      enum config_change changes[CONFIG_KEYS_MAX]);

/* config_problem_write writes "WHERE: TEXT; did you mean ...?" of one problem; `file` is the
   name of ward.toml. */
void config_problem_write(struct sink *out, const char *file, const struct config_problem *problem);

/* config_is_sound: every value is within the bounds of its key. */
bool config_is_sound(const struct config *config);

#endif
