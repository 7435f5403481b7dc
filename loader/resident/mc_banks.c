/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Machine-check banks.  See mc_banks.h.  Source: Intel SDM vol. 3 16.3.2 (each bank's status, and
 * where it says so an address and more), 16.10.4 (an error is signalled to all CPUs, one has it).
 */
#include "mc_banks.h"

#include "msr.h"

#define STATUS_VAL   (UINT64_C(1) << 63)
#define STATUS_MISCV (UINT64_C(1) << 59)
#define STATUS_ADDRV (UINT64_C(1) << 58)
#define BANKS_MAX    32

static bool wanted;

void mc_banks_want(void)
{
    __atomic_store_n(&wanted, true, __ATOMIC_SEQ_CST);
}

void mc_banks_save(struct vcpu *v)
{
    uint64_t banks, status;
    struct vcpu_banks to = {0};
    if (!__atomic_load_n(&wanted, __ATOMIC_SEQ_CST) || !cpu_rdmsr_safe(MSR_MCG_CAP, &banks))
        return;
    for (uint32_t i = 0; i < (banks & 0xff) && i < BANKS_MAX; i++) {
        if (!cpu_rdmsr_safe(MSR_MC0_STATUS + 4 * i, &status) || !(status & STATUS_VAL))
            continue;
        if (to.valid++ >= VCPU_BANKS)
            continue;
        struct vcpu_bank *bank = &to.bank[to.valid - 1];
        *bank = (struct vcpu_bank){.number = i, .status = status};
        if (!(status & STATUS_ADDRV) || !cpu_rdmsr_safe(MSR_MC0_ADDR + 4 * i, &bank->address))
            bank->address = 0;
        if (!(status & STATUS_MISCV) || !cpu_rdmsr_safe(MSR_MC0_MISC + 4 * i, &bank->misc))
            bank->misc = 0;
    }
    v->banks = to;
}

static void print_banks(const struct vcpu *v, bool own)
{
    for (uint32_t i = 0; i < v->banks.valid && i < VCPU_BANKS; i++) {
        const struct vcpu_bank *bank = &v->banks.bank[i];
        out_text(layer_out, "paravane: ");
        if (!own)
            out_printf(layer_out, "vcpu %u, ", v->id);
        out_printf(layer_out, "bank %u: status %016llx  address %016llx  misc %016llx\n",
                   bank->number, (unsigned long long)bank->status,
                   (unsigned long long)bank->address, (unsigned long long)bank->misc);
    }
    if (v->banks.valid > VCPU_BANKS)
        say(SAY_ALWAYS, "vcpu %u has %u more", v->id, v->banks.valid - VCPU_BANKS);
}

void mc_banks_print(const struct vcpu *self)
{
    print_banks(self, true);
    for (uint32_t i = 0; i < layer.cpu_count; i++) {
        const struct vcpu *v = layer.vcpu[i];
        if (v == NULL || v == self || !v->started)
            continue;
        if (__atomic_load_n(&v->stopped, __ATOMIC_ACQUIRE))
            print_banks(v, false);
        else
            say(SAY_ALWAYS, "vcpu %u does not stop: its banks are not known", i);
    }
}
