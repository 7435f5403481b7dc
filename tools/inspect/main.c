/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * paravane-inspect: what the stage would do with a kernel on a machine, said by the stage's own
 * code on this one.  Nothing is started and nothing is written but the answer.
 */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "inspect.h"
#include "workspace.h"

#define BLOB_SIZE 0x30000 /* as the stage's */

static const char usage[] =
    "Usage: paravane-inspect [OPTION]... KERNEL [\"ARGUMENTS\"] [RAMDISK...]\n"
    "   or: paravane-inspect [OPTION]... --from PROTOCOL:ADDRESS MEMORY\n"
    "Say what the Paravane stage would do with KERNEL on a machine, and why.\n"
    "\n"
    "  --mode MODE       auto, native, pvh or pv; native,PROTOCOL names one of multiboot1,\n"
    "                    multiboot2, linux, linux16, elf (auto: the first that KERNEL\n"
    "                    offers)\n"
    "  --role ROLE       of a pv guest: dom0 or domu (dom0)\n"
    "  --memory SIZE     the machine: a PC with so much memory, as 512M or 2G (512M)\n"
    "  --memory MAPFILE  the machine: a text file with lines START SIZE TYPE, or a Linux log\n"
    "                    with its BIOS-e820 lines\n"
    "  --memory efi:ENTRY_SIZE:FILE   the machine: an EFI memory map as the firmware gives it\n"
    "  --from PROTOCOL:ADDRESS   the machine as a loader left it: MEMORY is its memory from\n"
    "                    address 0, with the information of PROTOCOL (multiboot1, multiboot2\n"
    "                    or pvh) at ADDRESS; memory, modules and command line come from there\n"
    "  --cpu MODEL       the machine: 486, pentium, i686, x86-64 or max (x86-64)\n"
    "  --options WORDS   further words of the stage's command line, as \"log=debug plan\"\n"
    "  --json            the answer as one JSON document\n"
    "  --svg             a picture of file, machine, pseudo-physical and virtual memory\n"
    "  --help            this text\n"
    "  --version         the version\n"
    "\n"
    "ARGUMENTS are the guest's own, one word for the shell; RAMDISK is the second module;\n"
    "further files are further modules.\n"
    "The stage's lines come first, then one line for each mode: offered or not, and what is\n"
    "missing.\n"
    "\n"
    "Exit status: 0 the guest would be entered; 2 wrong usage; 3 a file cannot be read or placed;\n"
    "10 and above the refusal's own (loader/refusal.def), the same as the stage prints.\n"
    "\n"
    "Examples:\n"
    "  paravane-inspect --mode pv vmlinuz \"console=hvc0\" initrd.img\n"
    "  paravane-inspect --memory /var/log/dmesg --svg vmlinux > memory.svg\n"
    "  paravane-inspect --mode pvh --json vmlinux | jq .plan.regions\n";

void fail(enum inspect_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("paravane-inspect: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(status);
}

struct view read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = NULL;
    size_t size = 0, room = 0, got;
    if (!file)
        fail(INSPECT_FILE, "%s: %s", path, strerror(errno));
    do {
        if (size == room) {
            room = room ? room * 2 : 1 << 16;
            data = realloc(data, room);
            if (!data)
                fail(INSPECT_INTERNAL, "out of memory");
        }
        got = fread(data + size, 1, room - size, file);
        size += got;
    } while (got);
    if (ferror(file))
        fail(INSPECT_FILE, "%s: %s", path, strerror(errno));
    fclose(file);
    return (struct view){data, size};
}

static void parse_arguments(int argc, char **argv, struct arguments *ret)
{
    static const struct option options[] = {
        {"mode", required_argument, NULL, 'm'},
        {"role", required_argument, NULL, 'r'},
        {"memory", required_argument, NULL, 'M'},
        {"cpu", required_argument, NULL, 'c'},
        {"options", required_argument, NULL, 'o'},
        {"from", required_argument, NULL, 'f'},
        {"json", no_argument, NULL, 'j'},
        {"svg", no_argument, NULL, 's'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},
        {NULL, 0, NULL, 0},
    };
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (option) {
        case 'm':
            ret->mode = optarg;
            break;
        case 'r':
            ret->role = optarg;
            break;
        case 'M':
            ret->memory = optarg;
            break;
        case 'c':
            ret->cpu = optarg;
            break;
        case 'o':
            ret->words = optarg;
            break;
        case 'f':
            ret->from = optarg;
            break;
        case 'j':
            ret->json = true;
            break;
        case 's':
            ret->svg = true;
            break;
        case 'h':
            fputs(usage, stdout);
            exit(INSPECT_OK);
        case 'V':
            puts("paravane-inspect " PARAVANE_VERSION);
            exit(INSPECT_OK);
        default:
            fputs("Try 'paravane-inspect --help'.\n", stderr);
            exit(INSPECT_USAGE);
        }
    }
    if (ret->json && ret->svg)
        fail(INSPECT_USAGE, "--json and --svg exclude each other");
    if (ret->from && ret->memory)
        fail(INSPECT_USAGE, "--from and --memory exclude each other");
    if (optind >= argc || argc - optind > (ret->from ? 1 : RECORD_MODULE_MAX + 1))
        fail(INSPECT_USAGE, "expected %s; see --help",
             ret->from ? "MEMORY alone" : "KERNEL [\"ARGUMENTS\"] [RAMDISK...]");
    ret->kernel = argv[optind];
    ret->kernel_args = optind + 1 < argc ? argv[optind + 1] : NULL;
    ret->module = argv + optind + 2;
    ret->module_count = argc - optind > 2 ? argc - optind - 2 : 0;
}

/* Pages that are not touched cost nothing, so the whole stretch is taken from our address space. */
struct unpack_memory make_workspace(const struct inspection *in)
{
    struct unpack_memory memory = {
        .size = range_size(in->workspace), .at = maddr(in->workspace.start), .cpu = &in->cpu};
    if (!memory.size)
        return memory;
    void *data = mmap(NULL, (size_t)memory.size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (data == MAP_FAILED)
        fail(INSPECT_INTERNAL, "no room for the machine's memory: %s", strerror(errno));
    memory.data = data;
    return memory;
}

static void put(struct out *out, const char *text, size_t size)
{
    fwrite(text, 1, size, out->context);
}

static void prepare(struct inspection *in, struct out *out)
{
    static uint8_t blob[BLOB_SIZE];
    in->workspace = workspace_find(&in->record, in->stage);
    in->memory = make_workspace(in);
    in->plan.blob = blob;
    in->plan.blob_at = in->stage.end - BLOB_SIZE; /* inside the stage, as there */
    in->plan.blob_size = BLOB_SIZE;
    in->prepare = (struct prepare){
        .report = {out, in->options.log},
        .memory = &in->memory,
        .image = &in->image,
        .info = &in->info,
        .placement = &in->placement,
        .plan = &in->plan,
        .map = &in->record.map,
        .input = {.record = &in->record,
                  .options = &in->options,
                  .cpu = &in->cpu,
                  .stage = in->stage},
    };
    stage_file_layers(&in->prepare.input);
    in->id = prepare_boot(&in->prepare, &in->why);
    if (in->id)
        report_refusal(out, &in->why);
    else
        report_entering(&in->prepare.report, &in->plan);
}

int main(int argc, char **argv)
{
    static struct inspection in;
    parse_arguments(argc, argv, &in.arguments);
    machine_model(&in);

    FILE *log = open_memstream(&in.log, &in.log_size);
    if (!log)
        fail(INSPECT_INTERNAL, "out of memory");
    struct out out = {put, log};
    bool record = !in.id;
    if (record)
        prepare(&in, &out);
    else
        report_refusal(&out, &in.why);
    fclose(log);
    modes_ask(&in, record);

    if (in.arguments.json) {
        json_print(stdout, &in);
    } else if (in.arguments.svg) {
        if (in.id)
            fputs(in.log, stderr);
        else
            svg_print(stdout, &in);
    } else {
        fwrite(in.log, 1, in.log_size, stdout);
        modes_print(stdout, &in);
    }
    if (fflush(stdout) || ferror(stdout))
        fail(INSPECT_FILE, "standard output: %s", strerror(errno));
    return (int)in.id;
}
