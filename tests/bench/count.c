/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * QEMU TCG plugin: counts the instructions that a machine executes, waits apart, and says on stderr
 * how many were done when each of the marked places was reached for the first time.
 * Arguments: at=NAME:START-END with virtual addresses in hexadecimal, END exclusive; NAME may be
 * followed by "+PHYSICAL", then the frame that backs the place decides (0: any).
 *
 * Source: QEMU's documentation of TCG plugins, API version 1; Debian's packages have no header of
 * it, so what is used of it is declared here.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define PLACES 8
#define EXPORT __attribute__((visibility("default")))

typedef uint64_t plugin_id;
struct qemu_plugin_tb;
struct qemu_plugin_insn;

extern void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id,
                                                  void (*translated)(plugin_id,
                                                                     struct qemu_plugin_tb *));
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
extern uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *block);
extern void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *block, int operation,
                                                     void *counter, uint64_t amount);
extern void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *block,
                                                 void (*executed)(unsigned, void *), int flags,
                                                 void *data);
extern void qemu_plugin_outs(const char *text);

enum { ADD_U64 = 0, NO_REGISTERS = 0 };

struct place {
    char name[32];
    uint64_t start, end;
    int reached;
};

EXPORT int qemu_plugin_version = 1;
EXPORT int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv);

static struct place place[PLACES];
static int places;
static uint64_t count;

static void executed(unsigned cpu, void *data)
{
    struct place *p = data;
    (void)cpu;
    if (p->reached)
        return;
    p->reached = 1;
    fprintf(stderr, "count: %s=%llu\n", p->name, (unsigned long long)count);
    fflush(stderr);
}

static void translated(plugin_id id, struct qemu_plugin_tb *block)
{
    uint64_t at = qemu_plugin_tb_vaddr(block);
    (void)id;
    for (int i = 0; i < places; i++)
        if (!place[i].reached && at >= place[i].start && at < place[i].end)
            qemu_plugin_register_vcpu_tb_exec_cb(block, executed, NO_REGISTERS, &place[i]);
    qemu_plugin_register_vcpu_tb_exec_inline(block, ADD_U64, &count, qemu_plugin_tb_n_insns(block));
}

int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv)
{
    (void)info;
    for (int i = 0; i < argc; i++) {
        struct place *p = &place[places];
        unsigned long long start, end;
        if (places == PLACES ||
            sscanf(argv[i], "at=%31[^:]:%llx-%llx", p->name, &start, &end) != 3) {
            fprintf(stderr, "count: at=NAME:START-END, not %s\n", argv[i]);
            return -1;
        }
        p->start = start;
        p->end = end;
        places++;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    return 0;
}
