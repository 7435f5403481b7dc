/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A machine as a loader left it: its memory in a file, from address 0 (QEMU's `pmemsave 0 SIZE
 * FILE`), and in it the information of Multiboot 1, Multiboot 2 or PVH.  The stage's own record
 * parsers read it, so a hand-over that the stage refused on a machine can be looked at on another.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "inspect.h"
#include "number.h"
#include "record_parts.h"

static bool read_dump(const struct reader *reader, uint64_t at, void *to, size_t size)
{
    return view_read(*(const struct view *)reader->context, at, to, size);
}

/* Mapped, not read: a memory of gigabytes is mostly zero. */
static struct view map_dump(const char *path)
{
    struct stat about;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0 || fstat(file, &about))
        fail(INSPECT_FILE, "%s cannot be opened", path);
    if (!S_ISREG(about.st_mode) || about.st_size <= 0)
        fail(INSPECT_FILE, "%s is no memory: expected a file with bytes in it", path);
    void *data = mmap(NULL, (size_t)about.st_size, PROT_READ, MAP_PRIVATE, file, 0);
    if (data == MAP_FAILED)
        fail(INSPECT_FILE, "%s cannot be mapped", path);
    close(file);
    return (struct view){data, (uint64_t)about.st_size};
}

void given_record(struct inspection *in)
{
    static const struct {
        const char *name;
        enum refusal_id (*read)(const struct reader *, uint64_t, struct boot_record *,
                                struct refusal *);
    } protocols[] = {{"multiboot1:", record_from_multiboot1},
                     {"multiboot2:", record_from_multiboot2},
                     {"pvh:", record_from_pvh}};
    const char *from = in->arguments.from;
    static struct view dump;
    const struct reader reader = {read_dump, &dump};
    struct view bytes;
    uint64_t at;

    for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++) {
        size_t length = strlen(protocols[i].name);
        if (strncmp(from, protocols[i].name, length))
            continue;
        if (!number_parse(from + length, strlen(from + length), false, &at))
            break;
        dump = map_dump(in->arguments.kernel);
        in->id = protocols[i].read(&reader, at, &in->record, &in->why);
        if (!in->id)
            in->id = record_check_modules(&in->record, in->stage, &in->why);
        for (uint32_t m = 0; m < in->record.module_count; m++) {
            struct boot_module *module = &in->record.module[m];
            bool whole = view_slice(dump, module->start.v, module->size, &bytes);
            if (!whole && !in->id)
                fail(INSPECT_FILE, "module %u at 0x%llx with 0x%llx bytes is not in %s", m,
                     (unsigned long long)module->start.v, (unsigned long long)module->size,
                     in->arguments.kernel);
            module->data = whole ? bytes.data : NULL;
        }
        return;
    }
    fail(INSPECT_USAGE, "--from %s: expected multiboot1:ADDRESS, multiboot2:ADDRESS or pvh:ADDRESS",
         from);
}
