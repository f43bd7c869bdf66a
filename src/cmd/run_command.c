/* run_command.c - `ward run`, wherever the job runs. */
#include "cmd/run.h"
#include "cmd/run_remote.h"

static enum exit_code run_there(struct invocation *in)
{
    struct run_result *result = arena_alloc(&in->arena, sizeof *result);
    struct job_spec spec;
    struct span_list arguments;
    const struct run_remote words = { .url = in->values[OPT_VMM],
                                      .ca = in->values[OPT_VMM_CA],
                                      .image = in->values[OPT_VMM_IMAGE],
                                      .repository = in->values[OPT_VMM_REPOSITORY],
                                      .port = in->values[OPT_VMM_PORT],
                                      .restricted = option_given(in, OPT_VMM_RESTRICTED) };
    if (result == NULL)
        return EXIT_INTERNAL;
    if (!run_read_spec(in, &spec, result) || !run_read_arguments(in, &arguments))
        return EXIT_USAGE;
    enum exit_code code = run_remote_job(in, &words, &spec, arguments, result);
    if (code != EXIT_DONE)
        return code;
    return run_result_print(in, result, option_given(in, OPT_JSON));
}

static enum exit_code run(struct invocation *in)
{
    if (!run_options_fit(in))
        return EXIT_USAGE;
    return in->values[OPT_VMM] != NULL ? run_there(in) : run_job(in);
}

const struct command command_run = {
    RUN_WORDS,
    .summary = "run one job in a sandbox",
    .description =
        "Runs one job here and now, as its specification says (`ward spec check` explains\n"
        "it), in a container of its own: with users, processes, mounts and a network that\n"
        "only it has, without any capability, and with the system calls of a list.  Its image\n"
        "must have been imported.  What follows \"--\" is added to the specification's\n"
        "command.\n"
        "\n"
        "What the job says is passed on as it comes; to a terminal without what would move\n"
        "its cursor.  /job can be read, /output and the allowed paths can be written, and\n"
        "what it left in /output is taken over with --output when the job has exited by\n"
        "itself: files and folders, or nothing.  Memory, processors, processes, open files,\n"
        "disk, /output and time are limited; a job that passes a limit of memory, time or\n"
        "/output is ended, with all its processes.\n"
        "\n"
        "It reaches the hosts and ports that its specification lists, through a fence, and\n"
        "nothing else.  What the fence refuses is said at once, each kind once, with the\n"
        "change of the specification that would allow it.  So are tries of denied paths, and\n"
        "system calls that the list does not have, which no specification allows.\n"
        "\n"
        "With isolation_level = \"vm\" it has a kernel of its own too, in QEMU within that\n"
        "container; `ward image build` makes what such machines begin with.\n"
        "\n"
        "With --vmm it runs in a machine of a dstack VMM, which is asked for, watched and\n"
        "removed, whatever becomes of the job.  Nothing holds it there but the machine's size,\n"
        "its time and a container without a network: a specification that asks for more is\n"
        "refused.  A VMM tells neither what a job said nor what it exited with: the exit code\n"
        "0 says that the machine ended by itself.\n"
        "\n"
        "It needs root and an OCI runtime (crun or runc); for virtual machines\n"
        "qemu-system-x86_64 and mksquashfs too.  A specification that asks for a\n"
        "confidential machine or that reserves GPUs is refused: there is none for jobs yet.\n"
        "No house is needed, and none is told, but for --result: the house of --state then\n"
        "signs how the job ended and what was taken over, with evidence of what the house is\n"
        "(`ward result verify`).  It must be up before the job begins.  If it does not sign,\n"
        "the job's own end is said all the same, and the exit code is 4.\n"
        "\n"
        "With --learn the specification is written anew when the job has exited with 0: with\n"
        "the memory, disk, time and output that it needed and a margin, the hosts and ports\n"
        "that it met, the allowed paths that it wrote to, and read_only where it changed\n"
        "nothing of its image.  Nothing is allowed that was not; what was refused is in\n"
        "comments.  docs/run.md says what of it to look at.\n"
        "\n"
        "Exits 0 when the job did, and 1 when it exited with another code, was ended, or left\n"
        "what is no result: its own code is in the object of --json.  Everything else is\n"
        "Ward's own: 2, the specification or a folder cannot be used; 3, this machine lacks\n"
        "something; 4, no house has signed the result, or the VMM does not do as asked; 5, not "
        "root; 6, the image is not there;\n"
        "70, anything else.",
    .example = "ward run train.toml --job ./code --output ./result -- --epochs 3",
    .schema = "run.json",
    .run = run,
};
