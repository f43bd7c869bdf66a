/* toml_shape_reference.c - see toml_shape.h: the table of keys, for people. */
#include "codec/toml_shape.h"

static void write_words(struct sink *out, const struct toml_field *field)
{
    for (size_t i = 0; i < field->word_count; i++)
        sink_format(out, "%s`%s`", i == 0 ? "" : ", ", field->words[i].name);
}

static void write_values(struct sink *out, const struct toml_field *field)
{
    switch (field->form) {
    case TOML_FORM_BOOL:
        sink_text(out, "true or false");
        break;
    case TOML_FORM_FLAG:
        sink_text(out, "true or false; left out: either");
        break;
    case TOML_FORM_U16:
    case TOML_FORM_U32:
    case TOML_FORM_I64:
    case TOML_FORM_SIZE:
        sink_format(out, "integer, %lld to %lld", (long long)field->least, (long long)field->most);
        break;
    case TOML_FORM_TIME:
        sink_text(out, "date and time with an offset");
        break;
    case TOML_FORM_CHOICE:
        sink_text(out, "one of ");
        write_words(out, field);
        break;
    case TOML_FORM_SET32:
    case TOML_FORM_SET64:
        sink_text(out, "list of ");
        write_words(out, field);
        break;
    case TOML_FORM_HEX:
        sink_format(out, "hex of %lld to %lld bytes", (long long)field->least,
                    (long long)field->most);
        break;
    case TOML_FORM_HEX64:
        sink_text(out, "hex of 64 bytes");
        break;
    case TOML_FORM_OWN:
        sink_text(out, field->own_says);
        break;
    case TOML_FORM_TEXTS:
        sink_text(out, "string, or a list of them");
        break;
    case TOML_FORM_HEXES:
        sink_format(out, "hex of %lld bytes, or a list", (long long)field->most);
        break;
    case TOML_FORM_HASHES:
        sink_text(out, "hex of 32, 48 or 64 bytes, or a list");
        break;
    }
}

static void write_section(struct sink *out, const struct toml_shape *shape, const char *section)
{
    sink_format(out, "\n### %s%s%s\n\n| key | value | default | what |\n|---|---|---|---|\n",
                *section == 0 ? "At the top" : "[", section, *section == 0 ? "" : "]");
    for (size_t i = 0; i < shape->field_count; i++) {
        const struct toml_field *field = &shape->fields[i];
        if (!span_equal_text(span_text(field->section), section))
            continue;
        sink_format(out, "| `%s` | ", field->name);
        write_values(out, field);
        bool given = field->fallback != NULL;
        sink_format(out, " | %s%s%s | %s |\n", given ? "`" : "", given ? field->fallback : "",
                    given ? "`" : "", field->summary);
    }
}

void toml_shape_write_reference(struct sink *out, const struct toml_shape *shape)
{
    write_section(out, shape, "");
    for (size_t i = 0; i < shape->section_count; i++)
        write_section(out, shape, shape->sections[i]);
}
