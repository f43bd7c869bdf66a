/* help_config.c - ward.toml(5), from the table of keys. */
#include <stdio.h>

#include "cmd/config_print.h"
#include "cmd/help.h"
#include "proc/config.h"

static const char description[] =
    "The house needs no configuration file: each key has a default.  A file is read only when\n"
    "the option --config or the variable WARD_CONFIG names one.  It is TOML 1.0, of at most\n"
    "256 KiB.  A key that is not listed here, a value out of its bounds and a key given twice\n"
    "are errors, and with any error nothing starts.\n\n"
    "Each key can be set in four places.  What the command line says (--set KEY=VALUE, or the\n"
    "key's own option) counts before a variable of the environment, that before the file, and\n"
    "the file before the default.  The name of a key's variable is WARD_, then the key in\n"
    "capitals with an underscore for the dot: limit.connections is WARD_LIMIT_CONNECTIONS.\n\n"
    "A relative path in the file is relative to the folder of the file, any other one to the\n"
    "working folder.  No key takes a secret.\n\n"
    "The tables [peers.NAME] are in the file only: who is known by name is written in one "
    "place.\n\n"
    "The keys:\n";

static const char example[] = "[listen]\ntls = \"192.0.2.7:8443\"\n\n[limit]\n"
                              "connections = 10000\nidle_seconds = \"2m\"\n\n[audit]\n"
                              "rotate_bytes = \"256M\"\n\n[peers.alpha]\n"
                              "url = \"wss://alpha.example:8443/v1/channel\"\n"
                              "policy = \"alpha.toml\"\n";

/* The summary as a sentence begins. */
static void put_sentence(struct sink *out, const struct config_key *key)
{
    char first = key->summary[0];
    sink_u8(out, (uint8_t)(first >= 'a' && first <= 'z' ? first - 'a' + 'A' : first));
    sink_text(out, key->summary + 1);
}

static void put_bounds(struct sink *out, const struct config_key *key)
{
    sink_text(out, "May be: ");
    config_key_bounds(out, key);
}

static void put_default(struct sink *out, const struct config_key *key)
{
    sink_text(out, "Default: ");
    config_key_default(out, key);
}

static void man_key(FILE *out, const struct config_key *key)
{
    fputs(".It Ic ", out);
    help_man_word(out, key->name);
    fputc('\n', out);
    help_man_text(out, config_words_of(key, put_sentence).text);
    fputs(".Pp\n", out);
    help_man_text(out, config_words_of(key, put_bounds).text);
    fputs(".br\n", out);
    help_man_text(out, config_words_of(key, put_default).text);
    fprintf(out, ".br\nTaken over at the next %s.\n", key->reloads ? "reload" : "start");
    if (key->flag == NULL)
        return;
    fputs(".br\nIts own option:\n.Fl ", out);
    help_man_word(out, key->flag + 1);
    fputc('\n', out);
}

static void each_key(FILE *out, void (*put)(FILE *out, const struct config_key *key))
{
    size_t count;
    const struct config_key *keys = config_keys(&count);
    for (size_t i = 0; i < count; i++)
        put(out, &keys[i]);
    for (size_t i = 0; i < CONFIG_TABLES; i++) {
        const struct config_table *table = config_table_at(i);
        for (size_t k = 0; k < table->key_count; k++)
            put(out, &table->keys[k]);
    }
}

void help_man_config(FILE *out)
{
    fputs(".Dd November 20, 2026\n.Dt WARD.TOML 5\n.Os\n.Sh NAME\n.Nm ward.toml\n"
          ".Nd what can be set of Ward's house\n.Sh DESCRIPTION\n",
          out);
    help_man_text(out, description);
    fputs(".Bl -tag -width indent\n", out);
    each_key(out, man_key);
    fputs(".El\n.Sh EXAMPLES\n.Bd -literal -offset indent\n", out);
    fputs(example, out);
    fputs(".Ed\n.Sh SEE ALSO\n.Xr ward 1 ,\n.Xr ward-config-check 1 ,\n"
          ".Xr ward-config-explain 1 ,\n.Xr ward-config-show 1\n",
          out);
}

static void text_key(FILE *out, const struct config_key *key)
{
    fprintf(out, "  %-30s %s\n", key->name, key->summary);
    fprintf(out, "  %-30s may be %s; default %s\n", "",
            config_words_of(key, config_key_bounds).text,
            config_words_of(key, config_key_default).text);
}

void help_text_config(FILE *out)
{
    fprintf(out, "%s", description);
    each_key(out, text_key);
    fprintf(out, "\nExample:\n%s", example);
}
