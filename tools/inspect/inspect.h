/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the files of the host tool share: one modelled machine, one preparation of it through the
 * stage's own code, and the answers about it.
 */
#ifndef TOOLS_INSPECT_INSPECT_H
#define TOOLS_INSPECT_INSPECT_H

#include <stdio.h>

#include "cpu.h"
#include "prepare.h"

/* Exit statuses of the tool's own; a refusal's are 10 and above (loader/refusal.def). */
enum inspect_status { INSPECT_OK = 0, INSPECT_INTERNAL = 1, INSPECT_USAGE = 2, INSPECT_FILE = 3 };

struct arguments {
    const char *mode, *role, *memory, *cpu, *words, *from; /* NULL = not given */
    bool json, svg;
    const char *kernel, *kernel_args; /* NULL = not given */
    char **module;                    /* the ramdisk and what follows it */
    int module_count;
};

/* One mode's answer. */
struct mode_answer {
    enum mode mode;
    enum refusal_id id;   /* REFUSE_NONE: would be entered here */
    bool offered;         /* the image has what the mode needs; a refusal is then the machine's */
    struct refusal why;   /* when id */
    const char *protocol; /* when not id */
    uint64_t entry;
};

#define ANSWER_COUNT 3

struct inspection {
    struct arguments arguments;
    struct boot_record record;
    struct options options;
    struct cpu_info cpu;
    struct range stage, workspace; /* machine */
    struct guest_image image;
    struct guest_info info;
    struct placement placement;
    struct plan plan;
    struct prepare prepare;
    struct unpack_memory memory;
    enum refusal_id id; /* of the boot asked for */
    struct refusal why;
    struct mode_answer answer[ANSWER_COUNT];
    char *log; /* the stage's lines */
    size_t log_size;
};

/* Ends the tool with a message on stderr. */
void fail(enum inspect_status status, const char *format, ...)
    __attribute__((format(printf, 2, 3), noreturn));

/* The bytes of a file, allocated. */
struct view read_file(const char *path);

/* machine.c: fills record (map, modules), cpu and the stage's place from the arguments.  in->id is
 * set when the stage would refuse what the loader or firmware gives it. */
void machine_model(struct inspection *in);

/* given.c: fills record from a loader's information (--from); in->id is set when it is refused. */
void given_record(struct inspection *in);

/* stage_file.c: the stage that this tool was built with, and its layers as the plan wants them. */
struct range stage_file_range(void);
void stage_file_layers(struct plan_input *input);

/* A fresh model of the stretch that the stage would unpack into. */
struct unpack_memory make_workspace(const struct inspection *in);

/* modes.c: asks each mode by making its plan; without a record, all modes are refused as that was.
 */
void modes_ask(struct inspection *in, bool record);
void modes_print(FILE *file, const struct inspection *in);

/* One complete JSON document; one SVG picture. */
void json_print(FILE *file, const struct inspection *in);
void svg_print(FILE *file, const struct inspection *in);

#endif
