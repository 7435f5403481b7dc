/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What a PV guest finds in memory, in fixed widths: the 32-bit stage fills 64-bit structures too.
 * Layouts and values are those of Xen's public headers (xen.h, arch-x86/xen-x86_32.h and
 * xen-x86_64.h); lib/abi_check.c compares them with the packaged headers in both widths.
 */
#ifndef LOADER_PV_ABI_H
#define LOADER_PV_ABI_H

#include <stdint.h>

#define START_INFO_COMMAND_LINE_SIZE 1024

/* start_info.flags (SIF_…) */
#define START_INFO_PRIVILEGED     0x01u
#define START_INFO_INITDOMAIN     0x02u
#define START_INFO_MOD_START_PFN  0x08u
#define START_INFO_VIRT_P2M_TOOLS 0x10u

struct start_info64 {
    char magic[32];
    uint64_t nr_pages;
    uint64_t shared_info; /* machine address */
    uint32_t flags, pad0;
    uint64_t store_mfn;
    uint32_t store_evtchn, pad1;
    union {
        struct {
            uint64_t mfn;
            uint32_t evtchn, pad;
        } domu;
        struct {
            uint32_t info_off, info_size;
        } dom0;
    } console;
    uint64_t pt_base, nr_pt_frames, mfn_list;
    uint64_t mod_start, mod_len;
    char cmd_line[START_INFO_COMMAND_LINE_SIZE];
    uint64_t first_p2m_pfn, nr_p2m_frames;
};

struct start_info32 {
    char magic[32];
    uint32_t nr_pages;
    uint32_t shared_info;
    uint32_t flags;
    uint32_t store_mfn, store_evtchn;
    union {
        struct {
            uint32_t mfn, evtchn;
        } domu;
        struct {
            uint32_t info_off, info_size;
        } dom0;
    } console;
    uint32_t pt_base, nr_pt_frames, mfn_list;
    uint32_t mod_start, mod_len;
    char cmd_line[START_INFO_COMMAND_LINE_SIZE];
    uint32_t first_p2m_pfn, nr_p2m_frames;
};

/* dom0_vga_console_info, right behind start_info. */
#define VGA_CONSOLE_TEXT     0x03
#define VGA_CONSOLE_VESA_LFB 0x23
#define VGA_CONSOLE_EFI_LFB  0x70

struct vga_console_info {
    uint8_t video_type, pad0[3];
    union {
        struct {
            uint16_t font_height, cursor_x, cursor_y, rows, columns;
        } text;
        struct {
            uint16_t width, height, bytes_per_line, bits_per_pixel;
            uint32_t lfb_base, lfb_size; /* size in units of 64 KiB */
            uint8_t red_pos, red_size, green_pos, green_size;
            uint8_t blue_pos, blue_size, reserved_pos, reserved_size;
            uint32_t gbl_caps;
            uint16_t mode_attrs, pad;
            uint32_t ext_lfb_base;
        } lfb;
    } u;
};

/* shared_info: one page; vcpu_info[n] begins at n * 64 in both widths. */
#define SHARED_INFO_VCPUS           32
#define SHARED_INFO_VCPU_SIZE       64
#define SHARED_INFO_UPCALL_MASK_OFF 1

/* Page-table entry bits. */
#define PTE_PRESENT  0x001u
#define PTE_RW       0x002u
#define PTE_USER     0x004u
#define PTE_ACCESSED 0x020u
#define PTE_DIRTY    0x040u
/* Software bit with which Xen marks pages of a 64-bit guest's kernel. */
#define PTE_GUEST_KERNEL (UINT64_C(1) << 52)

/* The hypervisor's part of a guest's address space (xen-x86_64.h, xen-x86_32.h). */
#define HV64_START          UINT64_C(0xffff800000000000)
#define HV64_END            UINT64_C(0xffff880000000000)
#define HV32PAE_START       UINT64_C(0xf5800000)
#define HV32_START          UINT64_C(0xfc000000)
#define M2P32PAE_MFN_MAX    (UINT64_C(4) << 20) /* entries of the 16 MiB table */
#define M2P32_MFN_MAX       (UINT64_C(1) << 20) /* entries of the 4 MiB table */
#define M2P64_MFN_MAX       (UINT64_C(1) << 35)
#define HYPERCALL_PAGE_SIZE 4096u

#endif
