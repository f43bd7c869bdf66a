/* sim_make.c - `ward sim make`: writes a whole set of simulated evidence into a folder. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/number.h"
#include "cmd/command.h"
#include "cmd/config_print.h"
#include "cmd/progress.h"
#include "os/file.h"
#include "sim/sim.h"

enum { OPT_JSON };

static const struct option_spec options[] = {
    [OPT_JSON] = { "--json", NULL, NULL, "print one JSON object" },
};

/* Where the set goes, and what was written of it so far. */
struct making {
    const char *folder;
    bool json;
    struct sink *out;
    struct json_writer *list;
    struct progress progress;
};

enum { SCRATCH_MAX = 16 * 1024 * 1024, PATH_LEN_MAX = 4096 };

/* Makes every folder above the last '/' of the path. */
static bool make_folders(const char *path)
{
    char folder[PATH_LEN_MAX];
    for (const char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
        if (mkdir(folder, 0777) != 0 && errno != EEXIST) {
            say("sim make: %s: %s", folder, strerror(errno));
            return false;
        }
    }
    return true;
}

static bool put(void *arg, const char *name, struct span bytes)
{
    struct making *making = arg;
    char path[PATH_LEN_MAX];
    struct trail trail = { 0 };
    int len = snprintf(path, sizeof path, "%s/%s", making->folder, name);
    if (len < 0 || (size_t)len >= sizeof path) {
        say("sim make: the folder's name is too long; nothing more is written");
        return false;
    }
    if (!make_folders(path))
        return false;
    rc r = file_write_atomic(&trail, path, bytes, 0644);
    if (!rc_ok(r)) {
        say("sim make: %s: %s", path, file_error_text(r));
        return false;
    }
    if (making->json) {
        json_put_text(making->list, path);
    } else {
        print_safe(stdout, path);
        putchar('\n');
    }
    progress_count(&making->progress, making->progress.view.done + 1, 0);
    return true;
}

static enum exit_code run(struct invocation *in)
{
    struct arena scratch;
    char folder[PATH_LEN_MAX];
    int len = snprintf(folder, sizeof folder, "%s", in->operands[0]);
    if (len <= 0 || (size_t)len >= sizeof folder) {
        say("sim make: \"%s\" names no folder", in->operands[0]);
        return EXIT_USAGE;
    }
    struct sink out;
    if (!config_print_begin(in, &out))
        return EXIT_INTERNAL;
    struct json_writer list = json_write_to(&out, 0);
    struct making making = {
        .folder = folder, .json = option_given(in, OPT_JSON), .out = &out, .list = &list
    };
    progress_begin(&making.progress, in, "making and signing evidence");
    making.progress.view.unit = "files";
    json_begin_object(&list);
    config_json_text(&list, "folder", folder);
    json_put_key(&list, "files");
    json_begin_array(&list);
    arena_init(&scratch, SCRATCH_MAX);
    bool done = sim_write_set(&scratch, put, &making);
    arena_fini(&scratch);
    progress_end(&making.progress);
    json_end_array(&list);
    json_end_object(&list);
    sink_text(&out, "\n");
    if (!done) {
        say("sim make: the set in %s is not complete; the same command makes all of it anew",
            folder);
        return EXIT_INTERNAL;
    }
    return !making.json || config_print_end(&out) ? EXIT_DONE : EXIT_INTERNAL;
}

const struct command command_sim_make = {
    .name = "sim make",
    .operands = "DIR",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "write a set of simulated evidence",
    .description =
        "Writes quotes, Nitro documents, event logs and their collateral, good and spoiled,\n"
        "under roots of the test authority, and index.json that says what each is.  The same\n"
        "bytes come out every time.\n\n"
        "The authority's keys are public: evidence under its roots proves nothing, and is\n"
        "accepted only where a policy or --root names the root.  It is never called hardware.",
    .example = "ward sim make ./simulated",
    .options = options,
    .option_count = COUNT_OF(options),
    .schema = "sim.json#/$defs/make",
    .run = run,
};
