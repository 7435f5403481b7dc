/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Numbers of model-specific registers that more than one file knows (wrmsr, rdmsr: cpu.h).
 *
 * Source: Intel SDM vol. 4 chapter 2, AMD APM vol. 2 appendix A.
 */
#ifndef RESIDENT_MSR_H
#define RESIDENT_MSR_H

#define MSR_APIC_BASE   0x1bu
#define MSR_SYSENTER_CS 0x174u
#define MSR_MCG_CAP     0x179u
#define MSR_MC0_CTL     0x400u /* four a bank: CTL STATUS ADDR MISC */
#define MSR_MC0_STATUS  0x401u
#define MSR_MC0_ADDR    0x402u
#define MSR_MC0_MISC    0x403u
#define MSR_PAT         0x277u
#define MSR_EFER        0xc0000080u
#define MSR_STAR        0xc0000081u
#define MSR_LSTAR       0xc0000082u
#define MSR_CSTAR       0xc0000083u
#define MSR_FMASK       0xc0000084u
#define MSR_FS_BASE     0xc0000100u
#define MSR_GS_BASE     0xc0000101u
#define MSR_KERNEL_GS   0xc0000102u /* swapgs */

#endif
